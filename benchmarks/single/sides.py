"""The two sides of every comparison: this project, and the shortest raw DuckDB program that does the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import duckdb

from benchmarks.single.operations import MEASURED, Operation, other, request
from cloudact.settings import Settings
from cloudact.tenancy.names import OrgSlug
from cloudact.wiring import Services, build_services

Act = Callable[[], object]


class Side(Protocol):
    """One way to do the operations, always on the same database file, which others replace between uses."""

    file: Path

    def add_organizations(self, slugs: Iterable[OrgSlug]) -> None:
        """Bootstrap if need be, and onboard these organizations."""

    def process(self, operation: Operation) -> tuple[list[str], Mapping[str, str]]:
        """Return the command line and environment that do the operation as a process of its own."""

    def session(self, operation: Operation) -> AbstractContextManager[Act]:
        """Lend the operation as in a running service: the file is open, and one status has been answered already."""


class Project:
    """What is measured: the command line, and the use cases."""

    def __init__(self, file: Path, configs: Path, extended: Path) -> None:
        self.file = file
        self._configs = {False: configs, True: extended}
        self._services = {key: build_services(self._settings(path)) for key, path in self._configs.items()}

    def add_organizations(self, slugs: Iterable[OrgSlug]) -> None:
        """See `Side`."""
        new = not self.file.exists()
        with self._opened(extended=False) as services:
            if new:
                services.bootstrap.run()
            for slug in slugs:
                services.onboarding.onboard(request(slug))

    def process(self, operation: Operation) -> tuple[list[str], Mapping[str, str]]:
        """See `Side`."""
        settings = self._settings(self._configs[operation.extended])
        places = {
            "CA_CONFIG_DIR": str(settings.config_dir),
            "CA_WAREHOUSE_URL": settings.warehouse_url,
            "CA_SEALING_KEY_URI": settings.sealing_key_uri,
        }
        return [sys.executable, "-m", "cloudact", *operation.arguments, "--json"], os.environ | places

    @contextmanager
    def session(self, operation: Operation) -> Iterator[Act]:
        """See `Side`."""
        with self._opened(extended=operation.extended) as services:
            services.organizations.status(other(1))
            yield lambda: operation.use_case(services)

    @contextmanager
    def _opened(self, *, extended: bool) -> Iterator[Services]:
        services = self._services[extended]
        try:
            yield services
        finally:
            services.close()

    def _settings(self, configs: Path) -> Settings:
        key = f"local:///{self.file.with_name('sealing.key')}"
        return Settings(config_dir=configs, warehouse_url=f"duckdb:///{self.file}", sealing_key_uri=key)


class Raw:
    """Plain DuckDB, executing generated statements."""

    def __init__(self, file: Path, scripts: Path) -> None:
        self.file = file
        self._scripts = scripts

    def add_organizations(self, slugs: Iterable[OrgSlug]) -> None:
        """See `Side`."""
        new = not self.file.exists()
        with duckdb.connect(str(self.file)) as connection:
            if new:
                connection.execute(self._text("bootstrap"))
            for slug in slugs:
                connection.execute(self._text("onboard").replace(MEASURED, slug))

    def process(self, operation: Operation) -> tuple[list[str], Mapping[str, str]]:
        """See `Side`."""
        program, script = Path(__file__).with_name("raw_duckdb.py"), self._scripts / f"{operation.script}.sql"
        return [sys.executable, str(program), str(self.file), str(script)], os.environ

    @contextmanager
    def session(self, operation: Operation) -> Iterator[Act]:
        """See `Side`."""
        text = self._text(operation.script)
        with duckdb.connect(str(self.file)) as connection:
            connection.execute(self._text("status").replace(MEASURED, other(1))).fetchall()
            yield lambda: connection.execute(text).fetchall()

    def _text(self, script: str) -> str:
        return (self._scripts / f"{script}.sql").read_text(encoding="utf-8")
