"""acme_corp, whose pipeline runs are begun and ended at the times that a test chooses."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudact.pipeline.records import RUN_ID, RUNS
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.subscriptions.quotas import Quota, Quotas
from cloudact.warehouse.driver import Equals, Session
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.wiring import Services

CENTRAL = "organizations"
NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)


@dataclass
class Account:
    """An organization, and its runs as the executor begins and ends them: counted in the unit that records them."""

    quotas: Quotas
    slug: str = "acme_corp"
    refused: list[str] = field(default_factory=list)
    _ids: Any = field(default_factory=itertools.count)

    def begin(self, at: datetime = NOON, run_id: str | None = None) -> str:
        """Begin a run, or raise what refuses it."""
        name = run_id or f"run-{next(self._ids)}"
        row = {RUN_ID: name, "org_slug": self.slug, "pipeline_id": "p", "status": "RUNNING", "start_time": at}

        def work(session: Session) -> None:
            self.quotas.began(session, self.slug, name, at)
            session.ensure(CENTRAL, RUNS, row, [RUN_ID])

        self.quotas.warehouse.run(work)
        return name

    def end(self, run_id: str, state: str = "COMPLETED", at: datetime = NOON) -> None:
        """End a run."""

        def work(session: Session) -> None:
            self.quotas.ended(session, self.slug, run_id, state, at)
            session.update(CENTRAL, RUNS, {"status": state, "end_time": at}, [Equals(RUN_ID, run_id)])

        self.quotas.warehouse.run(work)

    def run(self, at: datetime = NOON) -> None:
        """Begin a run and end it."""
        self.end(self.begin(at), at=at)

    def forget(self) -> None:
        """Begin anew, as an organization that has run nothing."""
        assert isinstance(self.quotas.warehouse, DuckDBWarehouse)
        with self.quotas.warehouse.connect() as connection:
            connection.execute(f"DELETE FROM {CENTRAL}.org_usage_quotas")
            connection.execute(f"DELETE FROM {CENTRAL}.{RUNS}")
            connection.execute("DELETE FROM _cloudact.claims WHERE claim LIKE '%org_usage_quotas%'")

    def allow(self, **limits: int | None) -> None:
        """Give the subscription other limits, whatever the plan says."""
        self.change("org_subscriptions", limits)

    def change(self, table: str, values: dict[str, Any]) -> None:
        """Set columns of the organization's rows of a table."""
        self.quotas.warehouse.run(
            lambda session: session.update(CENTRAL, table, values, [Equals("org_slug", self.slug)])
        )

    def used(self, at: datetime = NOON) -> Quota:
        """What the organization is told that it has used."""
        return replace(self.quotas, clock=lambda: at).show(OrgSlug(self.slug))

    def usage(self, at: datetime = NOON) -> dict[str, Any]:
        """The counters of a day, as they are in the table."""
        columns = [
            "pipelines_run_today", "pipelines_succeeded_today", "pipelines_failed_today", "pipelines_run_month",
            "concurrent_pipelines_running", "max_concurrent_reached",
        ]  # fmt: skip
        where = [Equals("org_slug", self.slug), Equals("usage_date", at.date())]
        (row,) = self.quotas.warehouse.run(lambda session: session.select(CENTRAL, "org_usage_quotas", columns, where))
        return row


@pytest.fixture
def account(onboarded: TestClient, services: Services, warehouse: DuckDBWarehouse) -> Account:
    """acme_corp on the plan STARTER: 6 runs a day, 180 a month, one at a time."""
    refused: list[str] = []
    ids: Callable[[], str] = map(str, itertools.count()).__next__
    quotas = Quotas(services.catalogs, warehouse, lambda: NOON, ids, refused.append)
    return Account(quotas, refused=refused)
