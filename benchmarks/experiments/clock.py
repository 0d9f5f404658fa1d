"""Time and memory of this process, and the statements of organizations, for the experiments."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from benchmarks.fleet.declared import PLACEHOLDER
from benchmarks.fleet.sides import ROOT
from benchmarks.statements import statements
from cloudact.catalog.load import CatalogSource
from cloudact.tenancy.names import OrgSlug
from cloudact.warehouse.duckdb.ddl import write_manifest
from cloudact.warehouse.duckdb.manifest import Manifest

Figures = dict[str, object]


@contextmanager
def timed(figures: Figures, name: str) -> Iterator[None]:
    """Record the seconds on the clock and of the processor."""
    started, used = time.perf_counter(), time.process_time()
    yield
    figures[name] = {
        "seconds": round(time.perf_counter() - started, 3),
        "processor": round(time.process_time() - used, 3),
    }


def resident() -> int:
    """Return the memory that this process holds now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 2**20


def most_resident() -> int:
    """Return the most memory that this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@cache
def central() -> str:
    """Return a script for the central dataset."""
    return ";\n".join(statements(None, CatalogSource(ROOT / "configs").load().central_dataset()))


@cache
def _organization() -> list[str]:
    dataset = CatalogSource(ROOT / "configs").load().organization_dataset(PLACEHOLDER)
    return [*statements(None, dataset), write_manifest(dataset.name, Manifest.of(dataset), replace=False)]


def organization(slug: str, *, views: bool = True) -> str:
    """Return a script for an organization's dataset and its manifest, with or without its views."""
    kept = [text for text in _organization() if views or not text.startswith("CREATE VIEW")]
    return ";\n".join(kept).replace(PLACEHOLDER, OrgSlug(slug))
