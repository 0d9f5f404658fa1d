"""The only place that turns settings into objects."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from cloudact.errors import ConfigurationError
from cloudact.settings import Settings
from cloudact.tenancy.bootstrap import Bootstrap
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.onboarding import Onboarding
from cloudact.tenancy.organizations import Organizations
from cloudact.warehouse.driver import Observer, Warehouse
from cloudact.warehouse.driver import Progress as ChangeProgress
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse, ignore

__all__ = ["ChangeProgress", "Services", "build_services"]


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, ready to be called; `close` releases the warehouse."""

    catalogs: Declarations
    bootstrap: Bootstrap
    organizations: Organizations
    onboarding: Onboarding
    ping: Callable[[], None]
    close: Callable[[], None]


def build_services(settings: Settings, *, observer: Observer = ignore) -> Services:
    """Return the use cases over the warehouse and catalog that the settings name."""
    warehouse = _open_warehouse(settings.warehouse_url, observer)
    catalogs = Declarations(settings.config_dir)
    return Services(
        catalogs=catalogs,
        bootstrap=Bootstrap(catalogs, warehouse),
        organizations=Organizations(catalogs, warehouse, _now, _new_id),
        onboarding=Onboarding(catalogs, warehouse, _now, _new_id),
        ping=warehouse.ping,
        close=warehouse.close,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid.uuid4())


def _duckdb(url: str, observer: Observer) -> Warehouse:
    parts = _split(url)
    path = unquote(parts.path.removeprefix("/"))
    if parts.netloc or parts.query or parts.fragment or not path or "\0" in path:
        raise ConfigurationError(
            f"CA_WAREHOUSE_URL {url!r} names no file, or more than a file",
            hint="Write duckdb:///relative/path.duckdb, duckdb:////absolute/path.duckdb or duckdb:///:memory:",
        )
    return DuckDBWarehouse(None if path == ":memory:" else Path(path), observer=observer)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise ConfigurationError(
            f"CA_WAREHOUSE_URL {url!r} is not a URL: {error}", hint="Write duckdb:///relative/path.duckdb."
        ) from error


DRIVERS: dict[str, Callable[[str, Observer], Warehouse]] = {"duckdb": _duckdb}


def _open_warehouse(url: str, observer: Observer) -> Warehouse:
    driver = DRIVERS.get(_split(url).scheme)
    if driver is None:
        raise ConfigurationError(
            f"CA_WAREHOUSE_URL {url!r} has no known scheme", hint=f"Known schemes are {', '.join(DRIVERS)}."
        )
    return driver(url, observer)
