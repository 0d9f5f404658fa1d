"""A small fleet: a catalog of two tables and a view, organizations of it, and what is done to them by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from cloudact.errors import WarehouseRefused
from cloudact.fleet.progress import FleetRun
from cloudact.fleet.request import SyncRequest
from cloudact.fleet.sync import FleetSync
from cloudact.pipeline.cancellation import Cancellation
from cloudact.planning.policy import Policy
from cloudact.planning.status import SyncStatus
from cloudact.settings import Settings
from cloudact.tenancy.actor import UNATTENDED, Actor
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.organizations import Organizations
from cloudact.tenancy.sync import SyncResult
from cloudact.wiring import Services, build_services
from tests.acme import ROOT
from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live, duckdb_of
from tests.reliability.world import acme_request

TABLES = ("subscription_plans", "genai_payg_pricing")
VIEW = "x_org_hierarchy"
TWELVE = tuple(f"org_{number:02}" for number in range(1, 13))
ADDED = "subscription_plans.x_added"


def small_catalog(root: Path) -> CatalogFiles:
    """Copy the shipped catalog, and leave organizations two tables and a view."""
    files = CatalogFiles(Path(shutil.copytree(ROOT / "configs", root)))
    with files.config("organizations") as config:
        for kind, folder, kept in (("tables", "schemas", TABLES), ("views", "views", (VIEW,))):
            for name in [name for name in config[kind] if name not in kept]:
                del config[kind][name]
            for path in files.path(f"organizations/{folder}").iterdir():
                if path.stem not in kept:
                    path.unlink()
    return files


def onboard(services: Services, slugs: Sequence[str]) -> None:
    """Onboard organizations, every third of them with another plan."""
    for number, slug in enumerate(slugs):
        plan = "SCALE" if number % 3 == 0 else "STARTER"
        services.onboarding.onboard(replace(acme_request(OrgSlug(slug)), subscription_plan=plan))


@dataclass
class Fleet:
    """The use cases over a small fleet, its catalog's files, and its warehouse by hand."""

    services: Services
    files: CatalogFiles
    settings: Settings

    @property
    def live(self) -> Live:
        """The warehouse beside the services."""
        return Live(duckdb_of(self.services))

    def declare(self) -> None:
        """Declare one more column, so that everybody lacks it."""
        self.files.add_column("organizations", "subscription_plans", "x_added")

    def sync(self, *, cancellation: Cancellation | None = None, **fields: object) -> FleetRun:
        """Sync the fleet to the end."""
        sync = self.services.fleet_sync
        return sync.carry_out(sync.begin(SyncRequest.from_json(fields)), cancellation)

    def again(self, run_id: str, *, only_failed: bool = False) -> FleetRun:
        """Go on where a run ended."""
        sync = self.services.fleet_sync
        return sync.carry_out(sync.begin_again(run_id, only_failed=only_failed))

    def in_step(self) -> set[str]:
        """Every organization that its own status calls SYNCED."""
        page = self.services.organizations
        slugs = {row["org_slug"] for row in self.live.rows("SELECT org_slug FROM organizations.org_profiles")}
        return {slug for slug in slugs if page.status(OrgSlug(slug)).status is SyncStatus.SYNCED}

    def steps(self, run_id: str) -> dict[str, tuple[int, str]]:
        """Wave and state of each organization on record for a run."""
        query = "SELECT step_name, step_index, status FROM organizations.org_meta_step_logs WHERE "
        found = self.live.rows(f"{query}pipeline_logging_id = ? AND org_slug = 'system'", run_id)
        assert len(found) == len({row["step_name"] for row in found})
        return {row["step_name"]: (row["step_index"], row["status"]) for row in found}

    def transitions(self, run_id: str) -> list[tuple[str, str, str]]:
        """Every change of state on record for a run."""
        query = "SELECT entity_name AS name, from_state, to_state FROM organizations.org_meta_state_transitions WHERE "
        found = self.live.rows(f"{query}pipeline_logging_id = ? ORDER BY ALL", run_id)
        return [(row["name"], row["from_state"], row["to_state"]) for row in found]

    def conflict(self, slug: str) -> None:
        """Give an organization a column of another type, which only a person can mend."""
        self.live.execute(f"ALTER TABLE {slug}_prod.subscription_plans DROP COLUMN plan_name")
        self.live.execute(f"ALTER TABLE {slug}_prod.subscription_plans ADD COLUMN plan_name BIGINT")


@dataclass(frozen=True, slots=True)
class Faulty(Organizations):
    """Organizations, of which a sync may be refused, or met by whatever a test has happen in it."""

    before: Callable[[str], object] = field(default=lambda _slug: None)

    def sync(self, slug: OrgSlug, policy: Policy, *, actor: Actor = UNATTENDED) -> SyncResult:
        """See `Organizations.sync`."""
        self.before(slug)
        return Organizations.sync(self, slug, policy, actor=actor)


def refusing(*slugs: str) -> Callable[[str], None]:
    """Return what refuses these organizations."""

    def before(slug: str) -> None:
        if slug in slugs:
            raise WarehouseRefused(f"{slug}_prod.subscription_plans: the engine says no", hint="Ask it why.")

    return before


def with_faults(fleet: Fleet, before: Callable[[str], object]) -> FleetSync:
    """Return the sync of a fleet, each in a unit of its own, in which `before` is called with each of them first."""
    given = fleet.services.fleet_sync
    parts = {item.name: getattr(given.organizations, item.name) for item in fields(Organizations)}
    return replace(given, organizations=Faulty(**parts, before=before), unit=1)


def opened(folder: Path) -> Fleet:
    """Return the fleet of a folder with a catalog and a warehouse file."""
    settings = Settings(warehouse_url=f"duckdb:///{folder / 'warehouse.duckdb'}", config_dir=folder / "configs")
    return Fleet(build_services(settings), CatalogFiles(folder / "configs"), settings)
