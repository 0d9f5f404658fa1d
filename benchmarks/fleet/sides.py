"""The sides of every comparison: this project, the floor, and the peers in virtual environments of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.fleet.measure import Command
from benchmarks.fleet.work import NEWCOMER, Work, slugs

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass(frozen=True, slots=True)
class Task:
    """A work on a fleet of so many, in this file; `folder` is empty and for the side's own use."""

    work: Work
    number: int
    file: Path
    folder: Path
    limit: float

    @property
    def slugs(self) -> list[str]:
        """The organizations that the work is about."""
        return [NEWCOMER] if self.work is Work.ONBOARD else slugs(self.number)


class Side(Protocol):
    """One way to do the works."""

    name: str

    def versions(self) -> str:
        """Return the packages that the side depends on and their versions, beside what this process has."""

    def missing(self, work: Work) -> str:
        """Return why the work cannot be measured, or nothing."""

    def whole(self, task: Task) -> list[Command]:
        """Return the processes that do the work from start to end, as a user would start them."""

    def service(self, task: Task) -> list[Command]:
        """Return the processes that tell the time of the work alone where `whole` does not, or none."""


class Program:
    """A side that is one program, which reads a task and prints its times."""

    def __init__(self, name: str, path: Path, declared: Mapping[bool, Path]) -> None:
        self.name = name
        self._path = path
        self._declared = declared

    _python = Path(sys.executable)

    def versions(self) -> str:
        """See `Side`."""
        return ""

    def missing(self, work: Work) -> str:
        """See `Side`."""
        del work
        return ""

    def whole(self, task: Task) -> list[Command]:
        """See `Side`."""
        fields = {
            "work": task.work,
            "file": str(task.file),
            "folder": str(task.folder),
            "slugs": task.slugs,
            "limit": task.limit,
            "declared": str(self._declared[task.work is Work.COLUMN]),
        }
        return [Command([str(self._python), str(self._path), json.dumps(fields)], os.environ)]

    def service(self, task: Task) -> list[Command]:
        """See `Side`."""
        del task
        return []


class Peer(Program):
    """A tool that others use, in a virtual environment of its own."""

    def __init__(
        self,
        name: str,
        path: Path,
        declared: Mapping[bool, Path],
        packages: Sequence[str],
        cannot: Collection[Work] = (),
    ) -> None:
        super().__init__(name, path, declared)
        self._python = ROOT / f".venv-{name}" / "bin" / "python"
        self._packages = packages
        self._cannot = cannot

    def versions(self) -> str:
        """See `Side`."""
        if not self._python.exists():
            return ""
        ask = "import importlib.metadata as m, sys; print(', '.join(f'{p} {m.version(p)}' for p in sys.argv[1:]))"
        command = [str(self._python), "-c", ask, *self._packages]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def missing(self, work: Work) -> str:
        """See `Side`."""
        if not self._python.exists():
            return "not installed"
        return "cannot" if work in self._cannot else ""


class Project:
    """What is measured: the command line, and the use cases with the file open."""

    name = "cloudact"

    def __init__(self, declared: Mapping[bool, Path]) -> None:
        self._configs = {
            more: json.loads(path.read_text(encoding="utf-8"))["configs"] for more, path in declared.items()
        }

    def versions(self) -> str:
        """See `Side`."""
        return ""

    def missing(self, work: Work) -> str:
        """See `Side`."""
        del work
        return ""

    def whole(self, task: Task) -> list[Command]:
        """See `Side`."""
        match task.work:
            case Work.CREATE:
                return [self._command(task, "bootstrap", "run"), self._onboard(task)]
            case Work.ONBOARD:
                return [self._onboard(task)]
            case Work.STATUS:
                return [self._command(task, "fleet", "status")]
            case _:
                return [self._command(task, "fleet", "sync")]

    def service(self, task: Task) -> list[Command]:
        """See `Side`."""
        arguments = [sys.executable, "-m", "benchmarks.fleet.service", task.work, _requests(task)]
        return [Command(arguments, self._environment(task))]

    def _onboard(self, task: Task) -> Command:
        return self._command(task, "fleet", "onboard", _requests(task), "--keys-out", str(task.folder / "keys.jsonl"))

    def _command(self, task: Task, *arguments: str) -> Command:
        return Command([sys.executable, "-m", "cloudact", *arguments, "--json"], self._environment(task), reports=False)

    def _environment(self, task: Task) -> dict[str, str]:
        return os.environ | {
            "CA_CONFIG_DIR": self._configs[task.work is Work.COLUMN],
            "CA_WAREHOUSE_URL": f"duckdb:///{task.file}",
            # One for all files of this side: a file's platform secret is sealed with it.
            "CA_SEALING_KEY_URI": f"local:///{task.file.parent / 'sealing.key'}",
            "CA_LOG_LEVEL": "ERROR",
        }


def _requests(task: Task) -> str:
    """Return a file with an onboarding request for each organization, one JSON object a line."""
    file = task.folder / "requests.jsonl"
    lines = (
        json.dumps({"org_slug": slug, "company_name": slug, "admin_email": "admin@example.com"}) for slug in task.slugs
    )
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(file)


def all_sides(declared: Mapping[bool, Path]) -> list[Side]:
    """Return this project first, then the floor, then the peers."""
    return [
        Project(declared),
        Program("raw DuckDB", HERE / "floor.py", declared),
        Peer("alembic", HERE / "alembic/program.py", declared, ("alembic", "duckdb-engine", "sqlalchemy", "duckdb")),
        # It never looks at the tables.
        Peer("dlt", HERE / "dlt/program.py", declared, ("dlt", "duckdb"), cannot={Work.STATUS, Work.DRIFT}),
    ]
