"""The only place that turns settings into objects."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from cloudact.catalog.model import Dataset
from cloudact.errors import ChangeFailed, ConfigurationError, WarehouseError
from cloudact.planning.changes import CreateDataset
from cloudact.planning.policy import EVERYTHING
from cloudact.processors.pipelines import Pipelines
from cloudact.processors.runs import Runs
from cloudact.processors.use_cases import Dependencies
from cloudact.settings import Environment, Settings
from cloudact.tenancy.adoption.pull import Pull
from cloudact.tenancy.bootstrap import Bootstrap
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.doctor import Doctor
from cloudact.tenancy.onboarding import Onboarding
from cloudact.tenancy.organizations import Organizations
from cloudact.tenancy.recreation.backups import Backups
from cloudact.tenancy.recreation.recreations import Recreations
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.driver import Observer, Warehouse, ignore
from cloudact.warehouse.driver import Progress as ChangeProgress
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse

__all__ = ["ChangeProgress", "Services", "build_services", "rehearse"]


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, ready to be called; `close` releases the warehouse."""

    catalogs: Declarations
    bootstrap: Bootstrap
    organizations: Organizations
    onboarding: Onboarding
    doctor: Doctor
    pull: Pull
    backups: Backups
    recreations: Recreations
    pipelines: Pipelines
    runs: Runs
    ping: Callable[[], None]
    close: Callable[[], None]


def build_services(settings: Settings, *, observer: Observer = ignore) -> Services:
    """Return the use cases over the warehouse and catalog that the settings name."""
    warehouse = _open_warehouse(settings, observer)
    catalogs = Declarations(settings.config_dir, warehouse.engine)
    allowed = settings.allow_recreate or settings.environment is not Environment.PRODUCTION
    dependencies = Dependencies(catalogs, settings.templates_dir, warehouse, _now, _new_id, allowed)
    return Services(
        catalogs=catalogs,
        bootstrap=Bootstrap(catalogs, warehouse),
        organizations=Organizations(catalogs, warehouse, _now, _new_id),
        onboarding=Onboarding(catalogs, warehouse, _now, _new_id),
        doctor=Doctor(catalogs, warehouse),
        pull=Pull(catalogs, warehouse),
        backups=Backups(catalogs, warehouse, _now, _new_id),
        recreations=Recreations(catalogs, settings.templates_dir, warehouse, _now, _new_id, allowed),
        pipelines=Pipelines(settings.config_dir, dependencies),
        runs=Runs(catalogs, warehouse),
        ping=warehouse.ping,
        close=warehouse.close,
    )


def rehearse(datasets: Sequence[Dataset]) -> list[ChangeFailed]:
    """Return what DuckDB refuses when these datasets are made, one after another, in memory."""
    with closing(DuckDBWarehouse(None)) as warehouse:
        return [refused for dataset in datasets for refused in _refused(warehouse, dataset)]


def _refused(warehouse: Warehouse, dataset: Dataset) -> list[ChangeFailed]:
    try:
        return synchronize(warehouse, dataset, EVERYTHING).failed
    except ChangeFailed as error:
        return [error]
    except WarehouseError as error:
        return [ChangeFailed(CreateDataset(dataset), dataset.name, error)]


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid.uuid4())


def _duckdb(settings: Settings, observer: Observer) -> Warehouse:
    url = settings.warehouse_url
    parts = _split(url)
    path = unquote(parts.path.removeprefix("/"))
    if parts.netloc or parts.query or parts.fragment or not path or "\0" in path:
        raise ConfigurationError(
            f"CA_WAREHOUSE_URL {url!r} names no file, or more than a file",
            hint="Write duckdb:///relative/path.duckdb, duckdb:////absolute/path.duckdb or duckdb:///:memory:",
        )
    return DuckDBWarehouse(None if path == ":memory:" else Path(path), observer=observer)


def _bigquery(settings: Settings, observer: Observer) -> Warehouse:
    try:
        from cloudact.warehouse.bigquery.driver import BigQueryWarehouse  # noqa: PLC0415 - an extra
        from cloudact.warehouse.bigquery.transport.client import BigQueryClient  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            f"CA_WAREHOUSE_URL names BigQuery, but its client library is not installed: {error}",
            hint="Install it with: pip install 'cloudact[bigquery]'",
        ) from error
    parts = _split(settings.warehouse_url)
    given = parse_qs(parts.query, keep_blank_values=True)
    locations = given.pop("location", ["US"])
    named = re.fullmatch(r"[a-z][-a-z0-9:.]{4,}[a-z0-9]", parts.netloc)
    if not named or given or parts.path.strip("/") or parts.fragment or not all(map(_is_location, locations)):
        raise ConfigurationError(
            f"CA_WAREHOUSE_URL {settings.warehouse_url!r} is not a project and at most a location",
            hint="Write bigquery://PROJECT or bigquery://PROJECT?location=EU; a location is US, EU or a region's name.",
        )
    client = BigQueryClient(parts.netloc, locations[-1], max_bytes_billed=settings.bigquery_max_bytes_billed)
    return BigQueryWarehouse(client, observer=observer)


def _is_location(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z]+(-[A-Za-z0-9]+)*", text))


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise ConfigurationError(
            f"CA_WAREHOUSE_URL {url!r} is not a URL: {error}", hint="Write duckdb:///relative/path.duckdb."
        ) from error


DRIVERS: dict[str, Callable[[Settings, Observer], Warehouse]] = {"duckdb": _duckdb, "bigquery": _bigquery}


def _open_warehouse(settings: Settings, observer: Observer) -> Warehouse:
    url = settings.warehouse_url
    driver = DRIVERS.get(_split(url).scheme)
    if driver is None:
        raise ConfigurationError(
            f"CA_WAREHOUSE_URL {url!r} has no known scheme", hint=f"Known schemes are {', '.join(DRIVERS)}."
        )
    return driver(settings, observer)
