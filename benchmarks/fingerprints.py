"""Measure the fingerprints of all datasets of a file against one query that only counts the columns of each.

python benchmarks/fingerprints.py --organizations 100 1000
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import duckdb
from report import load, machine

from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import Dataset
from cloudact.planning.diff import diff
from cloudact.warehouse.duckdb import ddl
from cloudact.warehouse.duckdb.fleet.fingerprints import fingerprints
from cloudact.warehouse.duckdb.manifest import Manifest, digest_of, table_to_text, view_record
from cloudact.warehouse.duckdb.type_map import literal
from cloudact.warehouse.fingerprints import Naming

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
FLOOR = "SELECT schema_name, count(*) FROM duckdb_columns() GROUP BY 1"
SAMPLE = "sample_of_all_organizations"
ORGANIZATIONS = Naming("", "_prod")


def main() -> None:
    """Make files, and print a line for each."""
    options = _options()
    if options.memory:
        _print_memory(*options.memory)
        return
    print(f"{machine()}; load average {load()}.")
    print("| organizations | floor | fingerprints | ratio | elapsed | memory of the floor | of fingerprints |")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        for number in options.organizations:
            file = Path(folder) / f"{number}.duckdb"
            _make(file, number)
            floor, taken, elapsed = _measure(file, number, options.repetitions)
            memory = " | ".join(f"{_memory(file, what):.0f} MB" for what in ("floor", "fingerprints"))
            print(f"| {number:,} | {floor:.0f} ms | {taken:.0f} ms | {taken / floor:.2f} | {elapsed:.2f} | {memory} |")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organizations", nargs="+", type=int, default=[10, 100], metavar="N")
    parser.add_argument("--repetitions", type=int, default=7, metavar="N")
    parser.add_argument("--memory", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def _make(file: Path, organizations: int) -> None:
    """Write the shipped catalog for so many organizations, as raw DDL in one transaction."""
    catalog = CatalogSource(CONFIGS).load()
    central, sample = catalog.central_dataset(), catalog.organization_dataset(SAMPLE)
    bodies = [table_to_text(table) for table in (*central.tables, *sample.tables)]
    bodies += [view_record(sample.name, view)[1] for view in sample.views]
    with duckdb.connect(str(file)) as connection:
        connection.execute("BEGIN")
        connection.execute("CREATE SCHEMA _cloudact; CREATE TABLE _cloudact.definitions (digest VARCHAR, body VARCHAR)")
        rows = ", ".join(f"({literal(digest_of(body))}, {literal(body)})" for body in set(bodies))
        connection.execute(f"INSERT INTO _cloudact.definitions VALUES {rows}")
        connection.execute(_script(central))
        script = _script(sample)
        for number in range(organizations):
            connection.execute(script.replace(SAMPLE, f"org_{number:06}"))
        connection.execute("COMMIT")


def ignore(_dataset: str, _tables: Collection[str]) -> None:
    """Keep no names."""


def _script(dataset: Dataset) -> str:
    made = [text for change in diff(None, dataset).changes for text in ddl.statements(dataset.name, change, None)]
    manifest = replace(Manifest.of(dataset), revision=1)
    return ";\n".join([*made, ddl.write_manifest(dataset.name, manifest, replace=False)])


def _measure(file: Path, organizations: int, repetitions: int) -> tuple[float, float, float]:
    """Return the medians of both in milliseconds of processor time, and the ratio of what elapsed; in turn."""
    with duckdb.connect(str(file), read_only=True) as connection:
        found = fingerprints(connection, ORGANIZATIONS, ignore)
        if len(found) != organizations or len(set(found.values())) != 1:
            raise RuntimeError(f"{len(found)} organizations have {len(set(found.values()))} fingerprints")

        def floor() -> object:
            return connection.execute(FLOOR).fetchall()

        floor()
        rounds = [
            (*_timed(floor), *_timed(lambda: fingerprints(connection, ORGANIZATIONS, ignore)))
            for _ in range(repetitions)
        ]
    of_floor, floor_elapsed, taken, elapsed = (statistics.median(column) for column in zip(*rounds, strict=True))
    return of_floor * 1000, taken * 1000, elapsed / floor_elapsed


def _timed(act: Callable[[], object]) -> tuple[float, float]:
    processor, clock = time.process_time(), time.perf_counter()
    act()
    return time.process_time() - processor, time.perf_counter() - clock


def _memory(file: Path, what: str) -> float:
    """Return what a process of its own takes more at its peak, in MB, than with the file open and one dataset read."""
    command = [sys.executable, __file__, "--memory", what, str(file)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _print_memory(what: str, file: str) -> None:
    with duckdb.connect(file, read_only=True) as connection:
        connection.execute("DESCRIBE org_000000_prod.subscription_plans").fetchall()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if what == "floor":
            connection.execute(FLOOR).fetchall()
        else:
            fingerprints(connection, ORGANIZATIONS, ignore)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


if __name__ == "__main__":
    main()
