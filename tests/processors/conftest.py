"""Processors over DuckDB in memory and files that a test may edit."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cloudact.processors.use_cases import Dependencies
from cloudact.tenancy.declarations import Declarations
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.acme import ROOT
from tests.parts import Parts
from tests.processors.stepping import Steps


@pytest.fixture
def templates_dir(tmp_path: Path) -> Path:
    """A copy of the shipped templates."""
    return Path(shutil.copytree(ROOT / "ps_templates", tmp_path / "ps_templates"))


@pytest.fixture
def dependencies(templates_dir: Path) -> Iterator[Dependencies]:
    """What processors are made with."""
    with closing(DuckDBWarehouse(None)) as warehouse:
        parts = Parts(Declarations(ROOT / "configs", warehouse.engine), warehouse)
        yield Dependencies(
            catalogs=parts.catalogs,
            templates_dir=templates_dir,
            warehouse=warehouse,
            clock=parts.clock,
            new_id=parts.new_id,
            issuer=parts.issuer,
            recreation_allowed=True,
            trail=parts.trail,
        )


@pytest.fixture
def steps(dependencies: Dependencies) -> Steps:
    """Every shipped processor, ready to be planned and run."""
    return Steps(dependencies)
