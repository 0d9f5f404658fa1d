"""A warehouse with a small shop, and the use cases that make it anew."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache, cached_property
from typing import Any

from cloudact.catalog.model import Dataset, Kind, Materialized, Mode, Table, View
from cloudact.catalog.template import Engine
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.recreation import results
from cloudact.tenancy.recreation.backups import Backups
from cloudact.tenancy.recreation.recreations import Recreations
from cloudact.tenancy.recreation.results import Recreated, Recreation
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.driver import Row, Warehouse
from tests.acme import ROOT
from tests.contract.datasets import column
from tests.parts import Parts

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ORDERS = Table(
    "orders",
    (column("id", mode=Mode.REQUIRED), column("placed_at", Kind.TIMESTAMP), column("price", Kind.FLOAT64)),
    description="One row per order.",
)
NOTES = Table("notes", (column("text"),), description="One row per note.")
TOTALS = View("totals", "SELECT id, COUNT(*) AS n FROM `shop`.orders GROUP BY id", refresh_interval_minutes=30)
CHEAP = View("cheap", "SELECT id FROM `shop`.orders WHERE id < '2'")
SHOP = Dataset("shop", (ORDERS, NOTES), (CHEAP, TOTALS), location="EU", description="Everything about orders.")
ANN, BOB = Actor.local("ann"), Actor.local("bob")
ROWS: dict[str, list[Row]] = {
    "orders": [{"id": str(n), "placed_at": START, "price": n / 2} for n in range(3)],
    "notes": [{"text": "a"}, {"text": "a"}],
    "old": [{"text": "of old"}],
}


@dataclass
class Setting:
    """The use cases over one warehouse, with a clock that ticks and ids that count."""

    warehouse: Warehouse
    allowed: bool = True
    now: Callable[[], datetime] = field(
        default_factory=lambda: (START + timedelta(seconds=n) for n in itertools.count()).__next__
    )
    new_id: Callable[[], str] = field(default_factory=lambda: map("id-{}".format, itertools.count()).__next__)

    @property
    def catalogs(self) -> Declarations:
        """What is declared beside the shop."""
        return _catalogs(self.warehouse.engine)

    @cached_property
    def parts(self) -> Parts:
        """What the use cases are made with."""
        return Parts(self.catalogs, self.warehouse, self.now, self.new_id)

    @property
    def backups(self) -> Backups:
        """Backups of anything."""
        return Backups(self.catalogs, self.warehouse, self.now, self.parts.trail)

    @property
    def recreations(self) -> Recreations:
        """Recreations of anything."""
        return Recreations(
            self.catalogs, ROOT / "ps_templates", self.warehouse, self.now, self.allowed, self.parts.trail
        )

    @property
    def shop(self) -> Dataset:
        """What the shop is declared to be, with a materialized view where the engine has any."""
        kind = Materialized.OWN if self.warehouse.engine.materializes else Materialized.NEVER
        return replace(SHOP, views=(CHEAP, replace(TOTALS, materialized=kind)))

    def open_shop(self) -> None:
        """Make the shop, with rows, and with a table that is not declared any more."""
        old = replace(NOTES, name="old")
        synchronize(self.warehouse, replace(self.shop, tables=(*SHOP.tables, old)), EVERYTHING)
        for table, rows in ROWS.items():
            self.put("shop", table, *rows)

    def bootstrap(self) -> None:
        """Make the central dataset."""
        self.parts.bootstrap.run(actor=ANN)

    def put(self, dataset: str, table: str, *rows: Row) -> None:
        """Append rows."""
        self.warehouse.run(lambda session: session.insert(dataset, table, rows))

    def recreate(self, desired: Dataset, mode: results.Mode, *tables: str, reason: str = "") -> Recreated:
        """Recreate tables of a dataset, confirmed."""
        return self.recreations.run(desired, Recreation(mode, tables, desired.name, reason), actor=ANN)

    def live(self, dataset: str) -> Dataset | None:
        """Return a live dataset."""
        return self.warehouse.run(lambda session: session.inspect(dataset))

    def rows(self, dataset: str) -> dict[str, list[str]]:
        """Return every row of every table of a dataset."""
        live = self.live(dataset)
        return {table.name: self.values(dataset, table) for table in live.tables} if live else {}

    def values(self, dataset: str, table: Table) -> list[str]:
        """Return the rows of a table as text, numbers by their value."""
        names = [item.name for item in table.columns]
        rows = self.warehouse.run(lambda session: session.select(dataset, table.name, names))
        return sorted(repr({name: _plain(value) for name, value in row.items()}) for row in rows)

    def audits(self) -> list[dict[str, Any]]:
        """Return the rows of org_audit_logs about operations of several units, in the order they were written in."""
        names = ["org_slug", "user_id", "action", "resource_id", "details", "status", "error_message", "created_at"]
        rows = self.warehouse.run(lambda session: session.select("organizations", "org_audit_logs", names))
        rows = [row for row in rows if '"phase"' in str(row["details"])]
        return sorted(rows, key=lambda row: row["created_at"])


@cache
def _catalogs(engine: Engine) -> Declarations:
    """Each reads the catalog once, and its files are the same for every test."""
    return Declarations(ROOT / "configs", engine)


def _plain(value: object) -> object:
    return value.normalize() if isinstance(value, Decimal) else Decimal(value) if isinstance(value, float) else value
