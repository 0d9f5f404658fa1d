"""One warehouse and its catalog: what the reliability tests do to it, and what must hold whatever happened before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cloudact.catalog.model import Dataset
from cloudact.errors import OrganizationExists
from cloudact.planning.policy import EVERYTHING
from cloudact.planning.status import SyncStatus
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.onboarding import OnboardResult
from cloudact.tenancy.organizations import OrganizationState
from cloudact.tenancy.secrets.platform import SECRET_ID
from cloudact.tenancy.sync import SyncResult
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.wiring import Services
from tests.acme import ACME
from tests.api import unaudited
from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live, duckdb_of

CENTRAL = "organizations"
ACME_SLUG = OrgSlug(ACME["org_slug"])
ACME_DATASET = f"{ACME_SLUG}_prod"
NEIGHBOUR = OrgSlug("neighbour")
NEIGHBOUR_DATASET = f"{NEIGHBOUR}_prod"
COST_TABLE = "cost_data_standard_1_3"

# Every row that an organization has in the central dataset; of keys, those that are active.
_OWN_ROWS = {
    "profiles": "SELECT count(*) AS n FROM organizations.org_profiles WHERE org_slug = ?",
    "subscriptions": "SELECT count(*) AS n FROM organizations.org_subscriptions WHERE org_slug = ?",
    "quotas": "SELECT count(*) AS n FROM organizations.org_usage_quotas WHERE org_slug = ?",
    "active_keys": "SELECT count(*) AS n FROM organizations.org_api_keys WHERE org_slug = ? AND is_active",
}
ONE_OF_EACH = dict.fromkeys(_OWN_ROWS, 1)
NONE_OF_THEM = dict.fromkeys(_OWN_ROWS, 0)

_CLAIMS = '"_cloudact"."claims"'

Rows = dict[str, dict[str, list[dict[str, Any]]]]


def acme_request(slug: str = ACME_SLUG, *, regenerate: bool = False) -> OnboardingRequest:
    """The request that onboards acme_corp, or another organization of that kind."""
    fields = {**ACME, "org_slug": slug}
    return OnboardingRequest(**fields, regenerate_api_key_if_exists=regenerate, given=frozenset(fields))


@dataclass(frozen=True)
class World:
    """The use cases, the warehouse beside them, and the files of the catalog."""

    services: Services
    files: CatalogFiles
    live: Live = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "live", Live(self.warehouse))

    @property
    def warehouse(self) -> DuckDBWarehouse:
        """The driver that the use cases work on."""
        return duckdb_of(self.services)

    def onboard(self, slug: str = ACME_SLUG, *, regenerate: bool = False) -> OnboardResult:
        """Onboard acme_corp, or another organization of that kind."""
        return self.services.onboarding.onboard(acme_request(slug, regenerate=regenerate))

    def sync(self, slug: str = ACME_SLUG) -> SyncResult:
        """Bring an organization's dataset in step, stale views included."""
        return self.services.organizations.sync(OrgSlug(slug), EVERYTHING)

    def status(self, slug: str = ACME_SLUG) -> OrganizationState:
        """Where an organization stands."""
        return self.services.organizations.status(OrgSlug(slug))

    def declared(self, slug: str = ACME_SLUG) -> Dataset:
        """What an organization's dataset is declared to be."""
        return self.services.catalogs.load().organization_dataset(slug)

    def declared_central(self) -> Dataset:
        """What the central dataset is declared to be."""
        return self.services.catalogs.load().central_dataset()

    def own_rows(self, slug: str = ACME_SLUG) -> dict[str, int]:
        """How many rows of each kind an organization has in the central dataset."""
        return {kind: self.live.rows(query, slug)[0]["n"] for kind, query in _OWN_ROWS.items()}

    def rows(self, *datasets: str) -> Rows:
        """Every row of these datasets but those of the audit trail."""
        return {dataset: unaudited.values(self.live, dataset) for dataset in datasets}

    def contents(self) -> tuple[list[tuple[Any, ...]], dict[str, int]]:
        """Every object that the file holds, and how many rows are in each table: equal only when nothing differs.

        The audit trail is left out: it tells of what failed as well. So is the platform's secret, which is made when it
        is needed first, whatever becomes of the operation that needs it, and the claim by which it is made once.
        """
        objects, rows, anchored = unaudited.snapshot(self.live)
        others = {
            table: [row for row in found if row.get("credential_id") != SECRET_ID] for table, found in anchored.items()
        }
        counts = {table: len(found) for table, found in {**rows, **others}.items() if table != _CLAIMS and found}
        return [item for item in objects if item[1:3] != ("_cloudact", "claims")], counts

    def finish_onboarding(self) -> str:
        """Onboard acme_corp as its administrator would after an interruption, and return the key."""
        try:
            return self.onboard().api_key
        except OrganizationExists:
            return self.onboard(regenerate=True).api_key

    def assert_whole(self, key: str, slug: str = ACME_SLUG) -> None:
        """The organization is complete, once, and the key is its key."""
        assert self.own_rows(slug) == ONE_OF_EACH
        assert self.live.dataset(f"{slug}_prod") == self.declared(slug)
        assert self.status(slug).status is SyncStatus.SYNCED
        caller = self.services.access.examine(key).caller
        assert caller is not None
        assert caller.organization == slug

    def assert_absent(self, slug: str = ACME_SLUG) -> None:
        """Nothing of the organization is there."""
        assert self.own_rows(slug) == NONE_OF_THEM
        assert self.live.dataset(f"{slug}_prod") is None
        assert self.status(slug).status is SyncStatus.NOT_FOUND

    def assert_kept(self, before: Rows) -> None:
        """Every row that was there is there, with every value it had; columns added since do not count."""
        after = self.rows(*before)
        for dataset, tables in before.items():
            for table, rows in tables.items():
                columns = rows[0].keys() if rows else ()
                found = [{name: row[name] for name in columns} for row in after[dataset][table]]
                assert sorted(map(repr, found)) == sorted(map(repr, rows)), f"{dataset}.{table}"


def declare_more(files: CatalogFiles) -> None:
    """Edit the catalog so that existing datasets lack a table, and columns in several of their tables."""
    for half, tables in (("bootstrap", ("org_profiles", "org_hierarchy")), ("organizations", (COST_TABLE,))):
        for table in tables:
            files.add_column(half, table, "x_added", mode="NULLABLE")
            files.add_column(half, table, "x_added_tags", mode="REPEATED")
    columns = [{"name": "id", "type": "INT64", "mode": "REQUIRED", "description": "The row's number."}]
    for half in ("bootstrap", "organizations"):
        files.add_table(half, "x_added_table", columns, description="A table that was declared later.")
