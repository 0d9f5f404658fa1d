"""A warehouse whose central tables hold sealed values, and looking at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cloudact.sealing.sealer import Context, ManagedSealer
from cloudact.tenancy.actor import PLATFORM, Actor
from cloudact.tenancy.secrets.columns import (
    API_KEY,
    CREDENTIAL,
    SLACK_URL,
    WEBHOOK_HEADERS,
    WEBHOOK_URL,
    SealedColumn,
)
from cloudact.tenancy.secrets.platform import PlatformSecret
from cloudact.tenancy.secrets.sealing import Sealing
from cloudact.warehouse.driver import Condition, Equals, Row, Warehouse
from cloudact.wiring import Services

ACTOR = Actor.system("a test")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRETS: Mapping[SealedColumn, str] = {
    API_KEY: "acme_corp_api_canary-{}",
    CREDENTIAL: "sk-provider-canary-{}",
    SLACK_URL: "https://hooks.example.com/canary-{}",
    WEBHOOK_URL: "https://hook.example.com/canary-{}",
    WEBHOOK_HEADERS: '{{"Authorization": "canary-{}"}}',
}
_REQUIRED: Mapping[str, Row] = {
    API_KEY.table: {"org_api_key_hash": "x", "is_active": True, "created_at": NOW},
    CREDENTIAL.table: {
        "provider": "OPENAI", "credential_type": "API_KEY", "validation_status": "PENDING", "is_active": True,
        "created_at": NOW,
    },
    SLACK_URL.table: {"channel_type": "SLACK", "name": "FinOps", "is_active": True, "created_at": NOW},
}  # fmt: skip


@dataclass(frozen=True)
class Vault:
    """The services over a bootstrapped warehouse, and a sealer."""

    services: Services
    sealer: ManagedSealer

    @property
    def warehouse(self) -> Warehouse:
        return self.services.bootstrap.warehouse

    @property
    def dataset(self) -> str:
        return self.services.catalogs.load().central_name

    def sealing(self, sealer: ManagedSealer | None = None) -> Sealing:
        """The use cases, with this or another sealer."""
        return Sealing(self.services.catalogs, self.warehouse, sealer or self.sealer, self.services.trail)

    def platform(self, sealer: ManagedSealer | None = None) -> PlatformSecret:
        """The platform's secret as a process of its own reads it."""
        return PlatformSecret(self.services.catalogs, self.warehouse, sealer or self.sealer, lambda: NOW)

    def fill(self, rows: int, organization: str = "acme_corp") -> None:
        """Insert rows that hold a sealed value in each column of `SECRETS`, beside the platform's secret."""
        self.platform().derive("audit")
        for table, required in _REQUIRED.items():
            columns = [column for column in SECRETS if column.table == table]
            made = [self._row(required, columns, organization, f"{number:04}") for number in range(rows)]
            self.warehouse.run(lambda session, table=table, made=made: session.insert(self.dataset, table, made))

    def _row(self, required: Row, columns: list[SealedColumn], organization: str, row: str) -> Row:
        sealed = {
            column.column: column.to_column(
                self.sealer.seal(SECRETS[column].format(row).encode(), column.context(organization, row))
            )
            for column in columns
        }
        return {"org_slug": organization, columns[0].row_key[0]: row, **required, **sealed}

    def raw(self, column: SealedColumn, *where: Condition) -> dict[Context, object]:
        """What the column holds, by what it is bound to."""
        names = ["org_slug", *column.row_key, column.column]
        found = self.warehouse.run(lambda session: session.select(self.dataset, column.table, names, where))
        return {
            column.context(str(row["org_slug"]), *(str(row[name]) for name in column.row_key)): row[column.column]
            for row in found
        }

    def opened(self, column: SealedColumn, sealer: ManagedSealer | None = None) -> dict[str, str]:
        """Every value of the column, opened, by its row."""
        return {
            context.row: (sealer or self.sealer).open(column.from_column(value), context).decode()
            for context, value in self.raw(column).items()
            if value is not None and context.organization != PLATFORM
        }

    def change(self, column: SealedColumn, row: str, value: object) -> None:
        """Write to a column behind the service's back."""
        where = [Equals(column.row_key[0], row)]
        self.warehouse.run(lambda session: session.update(self.dataset, column.table, {column.column: value}, where))


def total(rows: int) -> int:
    """How many sealed values there are after `Vault.fill`: with the platform's secret."""
    return rows * len(SECRETS) + 1


def expected(column: SealedColumn, rows: int) -> dict[str, str]:
    """What `Vault.fill` puts into a column."""
    return {f"{number:04}": SECRETS[column].format(f"{number:04}") for number in range(rows)}
