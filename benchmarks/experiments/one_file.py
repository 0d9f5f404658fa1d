"""What a fleet in one DuckDB file costs. Figures and what follows: docs/decisions/0022-one-file-for-a-fleet.md.

python -m benchmarks.experiments.one_file --organizations 100 1000      every experiment, each in a process of its own

Most memory is 1.4 MB an organization, and the folder needs 0.6 MB for each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from benchmarks.copies import copy
from benchmarks.experiments.clock import Figures, central, most_resident, organization, resident, timed
from benchmarks.fleet.floor import LOOK
from benchmarks.fleet.work import dataset_of, slugs
from benchmarks.statements import COLUMN, TABLE
from cloudact.warehouse.duckdb.manifest import MACRO

NEVER = "SET GLOBAL wal_autocheckpoint = '1TB'"
BATCH = 50
SIZES = {"one transaction": 10**9, "batches": BATCH, "one each": 1}


def create(file: Path, number: int) -> Figures:
    """Create them in one transaction, with no checkpoint before the end."""
    figures: Figures = {}
    with duckdb.connect(str(file)) as connection:
        connection.execute(NEVER)
        with timed(figures, "create in one transaction"):
            _create(connection, number, number)
        figures["memory"] = resident()
        with timed(figures, "close"):
            connection.close()
    return figures | {"file, MB": file.stat().st_size // 2**20}


def create_with_checkpoints(file: Path, number: int) -> Figures:
    """Create them in batches, with a checkpoint whenever DuckDB wants one."""
    figures: Figures = {}
    file.unlink()
    with duckdb.connect(str(file)) as connection, timed(figures, "create in batches, usual checkpoints"):
        _create(connection, number, BATCH)
    return figures


def look(file: Path, number: int) -> Figures:
    """Open, ask the questions of a status, and close."""
    figures: Figures = {}
    with timed(figures, "open"):
        connection = duckdb.connect(str(file))
    figures["memory"] = resident()
    dataset = dataset_of(slugs(number)[0])
    questions = {
        "describe one table": f"DESCRIBE {dataset}.{TABLE}",
        "fingerprints of columns": LOOK,
        "again": LOOK,
        "fingerprints of the text of tables": "SELECT schema_name, sum(hash(sql)) FROM duckdb_tables() GROUP BY 1",
        "all manifests": f"SELECT macro_definition FROM duckdb_functions() WHERE function_name = '{MACRO}'",
        "columns of one dataset": f"SELECT * FROM duckdb_columns() WHERE schema_name = '{dataset}'",
    }
    for name, question in questions.items():
        with timed(figures, name):
            connection.execute(question).fetchall()
    figures["memory after that"] = resident()
    with timed(figures, "close"):
        connection.close()
    return figures


def alter(file: Path, number: int) -> Figures:
    """Add a column to all, in transactions of three sizes."""
    figures: Figures = {}
    with duckdb.connect(str(file)) as connection:
        connection.execute(NEVER)
        for name, size in SIZES.items():
            with timed(figures, f"alter all, {name}"):
                for some in _batches(slugs(number), size):
                    connection.execute("BEGIN")
                    for slug in some:
                        column = f"{COLUMN}_{size}"
                        connection.execute(f"ALTER TABLE {dataset_of(slug)}.{TABLE} ADD COLUMN {column} VARCHAR")
                    connection.execute("COMMIT")
        with timed(figures, "close"):
            connection.close()
    return figures


def onboard(file: Path, number: int) -> Figures:
    """Add one organization, make a checkpoint; alter one table, make another."""
    del number
    figures: Figures = {}
    with duckdb.connect(str(file)) as connection:
        for name, script in {
            "onboard one": f"BEGIN;{organization('newcomer')};COMMIT",
            "checkpoint after it": "CHECKPOINT",
            "alter one": f"ALTER TABLE newcomer_prod.{TABLE} ADD COLUMN {COLUMN} VARCHAR",
            "checkpoint after that": "CHECKPOINT",
        }.items():
            with timed(figures, name):
                connection.execute(script)
    return figures


def killed(file: Path, number: int) -> Figures:
    """Create them, die before any checkpoint, and open what the write-ahead log has."""
    figures: Figures = {}
    file.unlink()
    if os.fork() == 0:
        connection = duckdb.connect(str(file))
        connection.execute(NEVER)
        _create(connection, number, BATCH)
        os._exit(0)
    os.wait()
    figures["log, MB"] = file.with_name(f"{file.name}.wal").stat().st_size // 2**20
    with timed(figures, "open from the log"):
        connection = duckdb.connect(str(file))
    with timed(figures, "close, with a checkpoint"):
        connection.close()
    with timed(figures, "open after a checkpoint"):
        connection = duckdb.connect(str(file))
    return figures


def without_checkpoint(file: Path, number: int) -> Figures:
    """Alter one table and close without a checkpoint, then open again."""
    figures: Figures = {}
    with duckdb.connect(str(file)) as connection:
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        connection.execute(f"ALTER TABLE {dataset_of(slugs(number)[0])}.{TABLE} ADD COLUMN {COLUMN} VARCHAR")
        with timed(figures, "close without a checkpoint"):
            connection.close()
    with timed(figures, "open with a log"):
        connection = duckdb.connect(str(file))
    return figures


def stall(file: Path, number: int) -> Figures:
    """Read and write beside a checkpoint, and tell the longest that each has waited."""
    connection = duckdb.connect(str(file))
    connection.execute("CREATE TABLE main.written (i INTEGER)")
    stop, waited = threading.Event(), {"read": 0.0, "write": 0.0}
    acts = {"read": f"DESCRIBE {dataset_of(slugs(number)[0])}.{TABLE}", "write": "INSERT INTO main.written VALUES (1)"}

    def repeat(name: str) -> None:
        cursor = connection.cursor()
        while not stop.wait(0.02):
            started = time.perf_counter()
            cursor.execute(acts[name])
            waited[name] = max(waited[name], round(time.perf_counter() - started, 3))

    threads = [threading.Thread(target=repeat, args=(name,)) for name in acts]
    for thread in threads:
        thread.start()
    figures: Figures = {}
    with timed(figures, "checkpoint beside others"):
        connection.execute("FORCE CHECKPOINT")
    stop.set()
    for thread in threads:
        thread.join()
    return figures | {f"longest {name}": seconds for name, seconds in waited.items()}


def _create(connection: duckdb.DuckDBPyConnection, number: int, size: int) -> None:
    connection.execute(central())
    for some in _batches(slugs(number), size):
        connection.execute("BEGIN")
        for slug in some:
            connection.execute(organization(slug))
        connection.execute("COMMIT")


def _batches(found: list[str], size: int) -> Iterator[list[str]]:
    return (found[start : start + size] for start in range(0, len(found), size))


# The first makes the file that the others get copies of.
EXPERIMENTS: dict[str, Callable[[Path, int], Figures]] = {
    act.__name__: act
    for act in (create, create_with_checkpoints, look, alter, onboard, killed, without_checkpoint, stall)
}


def main() -> None:
    """Run one experiment in this process, or all of them in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organizations", nargs="+", type=int, default=[100, 1000], metavar="N")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where the files are made")
    parser.add_argument("--only", choices=EXPERIMENTS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        figures = EXPERIMENTS[options.only](options.file, options.organizations[0])
        load = round(os.getloadavg()[0], 1)
        print(
            json.dumps(
                {"organizations": options.organizations[0]} | figures | {"most memory": most_resident(), "load": load}
            )
        )
        return
    with tempfile.TemporaryDirectory(prefix="experiment-", dir=options.folder) as name:
        for number in options.organizations:
            _all(Path(name), number)


def _all(folder: Path, number: int) -> None:
    made, file = folder / "made.duckdb", folder / "fleet.duckdb"
    made.unlink(missing_ok=True)
    for experiment in EXPERIMENTS:
        used = made if experiment == "create" else file
        if used is file:
            copy(made, file)
        command = ["--only", experiment, "--file", str(used), "--organizations", str(number)]
        subprocess.run([sys.executable, "-m", "benchmarks.experiments.one_file", *command], check=True)


if __name__ == "__main__":
    main()
