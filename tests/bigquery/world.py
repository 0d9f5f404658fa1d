"""One project on the strict server, the services over it, and what must hold there whatever happened before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from google.cloud import bigquery
from pydantic import SecretStr

from cloudact.catalog.model import Dataset
from cloudact.settings import Settings
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.onboarding import OnboardResult
from cloudact.warehouse.bigquery.driver import BigQueryWarehouse
from cloudact.warehouse.metered import MeteredWarehouse
from cloudact.wiring import Services
from tests.acme import ACME, ROOT_KEY
from tests.contract.bigquery import BigQueryHand
from tests.prepared_bigquery import LOCATION

CENTRAL = "organizations"
SLUG = OrgSlug(ACME["org_slug"])
DATASET = f"{SLUG}_prod"
# Every row that an organization has in the central dataset; of keys, those that are active.
_OWN = {
    "org_profiles": "status = 'ACTIVE'",
    "org_subscriptions": "TRUE",
    "org_usage_quotas": "TRUE",
    "org_api_keys": "is_active",
}
ONE_OF_EACH = dict.fromkeys(_OWN, 1)


def settings_for(project: str, config_dir: Path) -> Settings:
    """Settings of a service over one project; the address comes from BIGQUERY_EMULATOR_HOST."""
    return Settings(
        root_api_key=SecretStr(ROOT_KEY),
        warehouse_url=f"bigquery://{project}?location={LOCATION}",
        config_dir=config_dir,
        log_level="ERROR",
    )


@dataclass(frozen=True)
class World:
    """The use cases, and Google's own client beside them."""

    services: Services
    client: bigquery.Client

    @property
    def warehouse(self) -> BigQueryWarehouse:
        """The warehouse behind the services."""
        metered = self.services.bootstrap.warehouse
        assert isinstance(metered, MeteredWarehouse)
        found = metered.inner
        assert isinstance(found, BigQueryWarehouse)
        return found

    @property
    def hand(self) -> BigQueryHand:
        """A person's hand in the project."""
        return BigQueryHand(self.client)

    def declared(self, slug: OrgSlug = SLUG) -> tuple[Dataset, Dataset]:
        """Return the central dataset and an organization's, as declared."""
        catalog = self.services.catalogs.load()
        return catalog.central_dataset(), catalog.organization_dataset(slug)

    def live(self, dataset: str) -> Dataset | None:
        """Return a live dataset."""
        return self.warehouse.run(lambda session: session.inspect(dataset))

    def own_rows(self, slug: OrgSlug = SLUG) -> dict[str, int]:
        """Return how many rows of each kind an organization has in the central dataset."""
        return {table: self.count(table, f"org_slug = '{slug}' AND {which}") for table, which in _OWN.items()}

    def count(self, table: str, where: str) -> int:
        """Return how many rows of a central table meet a condition."""
        rows = self.client.query_and_wait(f"SELECT COUNT(*) FROM `{CENTRAL}`.`{table}` WHERE {where}")
        return int(next(iter(rows))[0])

    def assert_complete(self, slug: OrgSlug = SLUG) -> None:
        """Everything declared is there, exactly once."""
        central, own = self.declared(slug)
        assert self.live(central.name) == central
        assert self.live(own.name) == own
        assert self.own_rows(slug) == ONE_OF_EACH

    def assert_opens(self, result: OnboardResult) -> None:
        """The key that was handed out opens its organization."""
        caller = self.services.access.examine(result.api_key).caller
        assert caller is not None
        assert caller.organization == result.org_slug
