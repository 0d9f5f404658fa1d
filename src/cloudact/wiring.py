"""The only place that turns settings into objects."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from cloudact.catalog.model import Dataset
from cloudact.errors import ChangeFailed, ConfigurationError, WarehouseError
from cloudact.fleet.onboarding.onboarding import FleetOnboarding
from cloudact.fleet.runs import FleetRuns
from cloudact.fleet.status import FleetStatus
from cloudact.fleet.sync import FleetSync
from cloudact.metrics import Metrics
from cloudact.planning.changes import CreateDataset
from cloudact.planning.policy import EVERYTHING
from cloudact.processors.pipelines import Pipelines
from cloudact.processors.runs import Runs
from cloudact.processors.use_cases import Dependencies
from cloudact.sealing.sealer import ManagedSealer
from cloudact.sealing.uri import Surroundings, key_file, open_sealer
from cloudact.settings import Environment, Settings
from cloudact.tenancy.access.access import Access
from cloudact.tenancy.access.cache import KeyCache
from cloudact.tenancy.access.issuing import KeyIssuer
from cloudact.tenancy.access.key_text import KeyDigests
from cloudact.tenancy.access.key_uses import KeyUses
from cloudact.tenancy.access.keys import ApiKeys
from cloudact.tenancy.access.root_uses import RootUses
from cloudact.tenancy.adoption.pull import Pull
from cloudact.tenancy.audit.logs import AuditLogs
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.audit.verification import Verifier
from cloudact.tenancy.bootstrap import Bootstrap
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.doctor import Doctor
from cloudact.tenancy.hierarchy.hierarchies import Hierarchies
from cloudact.tenancy.idempotency.idempotency import Idempotency
from cloudact.tenancy.labels.labels import Labels
from cloudact.tenancy.notifications.channels import Channels
from cloudact.tenancy.onboarding import Onboarding
from cloudact.tenancy.organizations import Organizations
from cloudact.tenancy.recreation.backups import Backups
from cloudact.tenancy.recreation.recreations import Recreations
from cloudact.tenancy.secrets.credentials import Credentials
from cloudact.tenancy.secrets.platform import PlatformSecret
from cloudact.tenancy.secrets.sealing import KeyMade, Sealing, create_key
from cloudact.tenancy.secrets.validation import load_validators
from cloudact.tenancy.subscriptions.lifecycle import Lifecycle
from cloudact.tenancy.subscriptions.locale import Locales
from cloudact.tenancy.subscriptions.quotas import Quotas
from cloudact.tenancy.subscriptions.subscriptions import Subscriptions
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.driver import Observer, Warehouse, ignore
from cloudact.warehouse.driver import Progress as ChangeProgress
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.warehouse.metered import MeteredWarehouse

__all__ = ["ChangeProgress", "Services", "build_services", "create_sealing_key", "rehearse"]


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, ready to be called; `close` releases the warehouse and the sealing key."""

    catalogs: Declarations
    bootstrap: Bootstrap
    organizations: Organizations
    onboarding: Onboarding
    access: Access
    root_uses: RootUses
    keys: ApiKeys
    trail: AuditTrail
    audit_logs: AuditLogs
    verifier: Verifier
    idempotency: Idempotency
    hierarchies: Hierarchies
    doctor: Doctor
    pull: Pull
    backups: Backups
    recreations: Recreations
    pipelines: Pipelines
    runs: Runs
    fleet_status: FleetStatus
    fleet_sync: FleetSync
    fleet_runs: FleetRuns
    fleet_onboarding: FleetOnboarding
    sealer: ManagedSealer
    platform: PlatformSecret
    sealing: Sealing
    credentials: Credentials
    channels: Channels
    subscriptions: Subscriptions
    quotas: Quotas
    lifecycle: Lifecycle
    locales: Locales
    labels: Labels
    metrics: Metrics
    ping: Callable[[], None]
    close: Callable[[], None]


def build_services(settings: Settings, *, observer: Observer = ignore, exiting: bool = False) -> Services:
    """Return the use cases over the warehouse and catalog that the settings name.

    With `exiting`, the process ends once they are closed, and closing leaves its memory to the operating system.
    """
    sealer = open_sealer(settings.sealing_key_uri, _surroundings(settings), settings.sealing_previous_key_uri)
    metrics = Metrics()
    warehouse = MeteredWarehouse(_open_warehouse(settings, observer), metrics)
    catalogs = Declarations(settings.config_dir, warehouse.engine)
    allowed = settings.allow_recreate or settings.environment is not Environment.PRODUCTION
    platform = PlatformSecret(catalogs, warehouse, sealer, _now)
    lease = timedelta(seconds=settings.idempotency_lease_seconds)
    trail = AuditTrail(catalogs, warehouse, platform, _now, _new_id)
    cache = KeyCache(settings.key_cache_seconds)
    issuer = KeyIssuer(KeyDigests(platform), sealer, cache, _new_id)
    uses = KeyUses(catalogs, warehouse, settings.key_use_seconds)
    root_uses = RootUses(trail, _now, settings.key_use_seconds)
    quotas = Quotas(catalogs, warehouse, _now, _new_id, metrics.run_refused)
    dependencies = Dependencies(catalogs, settings.templates_dir, warehouse, _now, _new_id, issuer, allowed, trail)
    organizations = Organizations(catalogs, warehouse, _now, _new_id, trail)
    onboarding = Onboarding(catalogs, warehouse, _now, _new_id, issuer, trail)
    fleet_status = FleetStatus(catalogs, warehouse)
    return Services(
        catalogs=catalogs,
        bootstrap=Bootstrap(catalogs, warehouse, trail),
        organizations=organizations,
        onboarding=onboarding,
        access=Access(catalogs, warehouse, issuer.digests, cache, uses, _now, metrics.key_checked),
        root_uses=root_uses,
        keys=ApiKeys(catalogs, warehouse, issuer, trail, _now),
        trail=trail,
        audit_logs=AuditLogs(catalogs, warehouse),
        verifier=Verifier(catalogs, warehouse, platform),
        idempotency=Idempotency(catalogs, warehouse, platform, sealer, _now, _new_id, lease),
        hierarchies=Hierarchies(catalogs, warehouse, trail, _now, _new_id, metrics.fell_back),
        doctor=Doctor(catalogs, warehouse, sealer, platform),
        pull=Pull(catalogs, warehouse),
        backups=Backups(catalogs, warehouse, _now, trail),
        recreations=Recreations(catalogs, settings.templates_dir, warehouse, _now, allowed, trail),
        pipelines=Pipelines(settings.config_dir, dependencies, quotas),
        runs=Runs(catalogs, warehouse),
        fleet_status=fleet_status,
        fleet_sync=FleetSync(catalogs, warehouse, trail, _now, _new_id, fleet_status, organizations),
        fleet_runs=FleetRuns(catalogs, warehouse, trail, _now),
        fleet_onboarding=FleetOnboarding(catalogs, warehouse, onboarding),
        sealer=sealer,
        platform=platform,
        sealing=Sealing(catalogs, warehouse, sealer, trail),
        credentials=Credentials(catalogs, warehouse, sealer, _now, _new_id, load_validators(), trail),
        channels=Channels(catalogs, warehouse, sealer, _now, _new_id, trail),
        subscriptions=Subscriptions(catalogs, warehouse, trail, _now, _new_id),
        quotas=quotas,
        lifecycle=Lifecycle(catalogs, trail, _now, cache.forget),
        locales=Locales(catalogs, warehouse, trail, _now),
        labels=Labels(catalogs, warehouse, trail, _now),
        metrics=metrics,
        ping=warehouse.ping,
        close=lambda: _close((uses, root_uses), warehouse.leave if exiting else warehouse.close, sealer),
    )


def create_sealing_key(settings: Settings) -> KeyMade:
    """Make the key file that the settings name, unless it exists; raises ConfigurationError when they name no file."""
    return create_key(key_file(settings.sealing_key_uri))


def _surroundings(settings: Settings) -> Surroundings:
    return Surroundings(settings.environment is Environment.PRODUCTION, settings.kms_emulator_host)


def _close(noted: Sequence[KeyUses | RootUses], release: Callable[[], None], sealer: ManagedSealer) -> None:
    for uses in noted:
        uses.close()
    release()
    sealer.close()


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
