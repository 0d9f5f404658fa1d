"""An organization with keys, clocks that a test moves, and a warehouse whose calls are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from cloudact.tenancy.access.access import Access
from cloudact.tenancy.access.cache import KeyCache, Outcome
from cloudact.tenancy.access.caller import ADMINISTRATOR, Caller
from cloudact.tenancy.access.key import KeyMade
from cloudact.tenancy.access.key_request import KeyRequest
from cloudact.tenancy.access.key_uses import KeyUses
from cloudact.tenancy.access.keys import ApiKeys
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.names import OrgSlug
from cloudact.warehouse.driver import Condition, Equals, Row, Session, Warehouse
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.warehouse.metered import MeteredWarehouse
from cloudact.wiring import Services
from tests.acme import ACME
from tests.api.live import Live

T = TypeVar("T")
ACME_SLUG = OrgSlug("acme_corp")
ACTOR = Actor.system("a test")
CACHED_SECONDS = 5.0


def request(slug: str) -> OnboardingRequest:
    """What onboarding an organization takes."""
    fields = {**ACME, "org_slug": slug}
    return OnboardingRequest(**fields, given=frozenset(fields))


class CountingWarehouse:
    """A warehouse, and how often each operation of its sessions was called."""

    def __init__(self, inner: Warehouse) -> None:
        self.inner = inner
        self.calls: Counter[str] = Counter()
        self.before_unit: Callable[[], None] = lambda: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def run(self, work: Callable[[Session], T]) -> T:
        """Do work as one unit, counted."""
        self.calls["run"] += 1
        self.before_unit()
        return self.inner.run(lambda session: work(cast("Session", _CountingSession(session, self.calls))))


class _CountingSession:
    def __init__(self, inner: Session, calls: Counter[str]) -> None:
        self._inner = inner
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        self._calls[name] += 1
        return getattr(self._inner, name)


@dataclass
class Process:
    """What one process holds: the check of keys with its cache, and the use cases on keys."""

    access: Access
    keys: ApiKeys
    uses: KeyUses
    warehouse: CountingWarehouse
    outcomes: list[Outcome]

    def opens(self, key: str) -> OrgSlug | None:
        """The organization that a key opens."""
        caller = self.access.examine(key).caller
        return caller.organization if caller else None


@dataclass
class World:
    """The services, an organization's slug, and the times that clocks show."""

    services: Services
    slug: OrgSlug = ACME_SLUG
    now: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(seconds=1))
    monotonic: float = 0.0
    processes: list[Process] = field(default_factory=list)

    @property
    def live(self) -> Live:
        """The warehouse beside the services, where it is DuckDB."""
        warehouse = self.services.bootstrap.warehouse
        assert isinstance(warehouse, MeteredWarehouse)
        assert isinstance(warehouse.inner, DuckDBWarehouse)
        return Live(warehouse.inner)

    def onboard(self, slug: str | None = None, **fields: Any) -> str:
        """Make an organization, or resync it, and return its key."""
        return self.services.onboarding.onboard(replace(request(slug or self.slug), **fields), actor=ACTOR).api_key

    def clock(self) -> datetime:
        """Return the time, which is never the same twice."""
        self.now += timedelta(microseconds=1)
        return self.now

    @property
    def minute(self) -> datetime:
        """The time as uses of keys are written."""
        return self.now.replace(second=0, microsecond=0)

    def pass_time(self, **elapsed: float) -> None:
        """Let time pass on every clock."""
        self.now += timedelta(**elapsed)
        self.monotonic += timedelta(**elapsed).total_seconds()

    def process(self, seconds: float = CACHED_SECONDS) -> Process:
        """Return what a process of its own holds, over the same warehouse."""
        services = self.services
        warehouse = CountingWarehouse(services.bootstrap.warehouse)
        cache = KeyCache(seconds, lambda: self.monotonic)
        issuer = replace(services.keys.issuer, cache=cache)
        uses = KeyUses(services.catalogs, warehouse, every_seconds=3600)
        outcomes: list[Outcome] = []
        access = Access(services.catalogs, warehouse, issuer.digests, cache, uses, self.clock, outcomes.append)
        keys = ApiKeys(services.catalogs, warehouse, issuer, services.trail, self.clock)
        self.processes.append(Process(access, keys, uses, warehouse, outcomes))
        return self.processes[-1]

    def close(self) -> None:
        """End every process."""
        for process in self.processes:
            process.warehouse.before_unit = lambda: None
            process.uses.close()

    def create(self, process: Process, *, caller: Caller = ADMINISTRATOR, **fields: Any) -> KeyMade:
        """Make a key."""
        return process.keys.create(self.slug, KeyRequest(**fields), caller=caller, actor=ACTOR)

    def caller(self, process: Process, key: str) -> Caller:
        """Return who a key is of."""
        found = process.access.examine(key).caller
        assert found is not None
        return found

    def rows(self, table: str = "org_api_keys", *where: Condition) -> list[dict[str, Any]]:
        """Rows of the organization in a central table, the oldest first."""
        warehouse, central = self.services.bootstrap.warehouse, self.services.catalogs.load().central_name

        def work(session: Session) -> list[Row]:
            live = session.inspect(central, among=[table])
            found = live.table(table) if live else None
            assert found is not None
            names = [column.name for column in found.columns]
            return list(session.select(central, table, names, [Equals("org_slug", self.slug), *where]))

        return sorted((dict(row) for row in warehouse.run(work)), key=lambda row: row["created_at"])

    def change(self, table: str, values: Row, *where: Condition) -> None:
        """Write to the organization's rows behind the service's back."""
        warehouse, central = self.services.bootstrap.warehouse, self.services.catalogs.load().central_name
        own = [Equals("org_slug", self.slug), *where]
        warehouse.run(lambda session: session.update(central, table, values, own))
