"""Warehouse files that the real application made once, for the many tests that begin after bootstrap or onboarding."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import duckdb
from fastapi.testclient import TestClient
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.catalog.folder import content_of
from cloudact.catalog.load import CENTRAL, ORGANIZATION, read_files
from cloudact.settings import Settings
from cloudact.tenancy.plans import FILE
from cloudact.wiring import Services, build_services
from tests.acme import ACME, ROOT, ROOT_HEADERS, ROOT_KEY
from tests.api.live import duckdb_of

SHIPPED = ROOT / "configs"


@dataclass(frozen=True)
class Prepared:
    """A file after bootstrap of the shipped catalog, one with acme_corp onboarded besides, and its API key."""

    bootstrapped: Path
    onboarded: Path
    api_key: str


def prepare(folder: Path, sealing_key: Path) -> Prepared:
    """Make the files in a folder, by the calls that an administrator makes."""
    onboarded, bootstrapped = folder / "onboarded.duckdb", folder / "bootstrapped.duckdb"
    services = build_services(
        Settings(warehouse_url=f"duckdb:///{onboarded}", config_dir=SHIPPED, sealing_key_uri=f"local:///{sealing_key}")
    )
    with TestClient(create_app(services, SecretStr(ROOT_KEY)), headers=ROOT_HEADERS) as client:
        assert client.post("/api/v1/admin/bootstrap", json={}).status_code == 200
        services.close()
        shutil.copyfile(onboarded, bootstrapped)
        answer = client.post("/api/v1/organizations/onboard", json=ACME)
        assert answer.status_code == 201
    return Prepared(bootstrapped, onboarded, answer.json()["api_key"])


def forget_uses(services: Services) -> None:
    """Drop the uses of keys that are still to be written: after a test nobody looks, and each costs a transaction."""
    for uses in (services.access.uses, services.root_uses):
        uses._noted.clear()


def leave_the_log(services: Services) -> None:
    """Have DuckDB close its file without a checkpoint, if it is open: after a test nobody opens it again."""
    instance = duckdb_of(services)._database._instance
    if instance is not None:
        with suppress(duckdb.Error):  # a test may leave an instance that no statement runs on any more
            instance.execute("PRAGMA disable_checkpoint_on_shutdown")


def stamps(folder: Path | str) -> dict[str, tuple[int, int]]:
    """Return what changes when a file in a folder does."""
    found: dict[str, tuple[int, int]] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            stat = entry.stat()
            found[entry.path] = stat.st_mtime_ns, stat.st_size
            if entry.is_dir():
                found |= stamps(entry.path)
    return found


@dataclass
class Beginning:
    """How the warehouse file of one test begins; `release` makes whoever may have it open let go of it."""

    database: Path
    config_dir: Path
    release: Callable[[], None] = lambda: None
    _placed: tuple[int, int] | None = field(default=None, init=False)

    def with_copy(self, prepared: Path) -> bool:
        """Put a prepared file in place, or tell that this test went another way before: then its own has to be made."""
        if self._state() != self._placed or _declared(self.config_dir) != _shipped():
            return False
        self.release()
        self.database.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(prepared, self.database)
        self._placed = self._state()
        return True

    def _state(self) -> tuple[int, int] | None:
        """Return what every write changes; what is still in the log beside the file is written when it is released."""
        self.release()
        if not self.database.exists():
            return None
        found = self.database.stat()
        return found.st_mtime_ns, found.st_size


def _declared(root: Path) -> dict[str, object]:
    plans = {FILE: content_of(root / FILE)}
    return {**read_files(root, CENTRAL), **read_files(root, ORGANIZATION), **plans}


@cache
def _shipped() -> dict[str, object]:
    return _declared(SHIPPED)
