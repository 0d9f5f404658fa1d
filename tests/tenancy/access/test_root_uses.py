"""Uses of the root key: counted in memory, and on the platform's trail by route and address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from cloudact.errors import WarehouseUnavailable
from cloudact.log import configure_logging
from cloudact.settings import Settings
from cloudact.tenancy.access.caller import ADMINISTRATOR
from cloudact.tenancy.access.root_uses import RootUses
from cloudact.tenancy.actor import Actor
from cloudact.wiring import Services, build_services
from tests.tenancy.access.world import CountingWarehouse, World

STATUS = "/api/v1/organizations/{org_slug}/status"
BEGIN = datetime(2026, 1, 31, 12, tzinfo=UTC)
HERE = Actor(ADMINISTRATOR, "request-1", "192.0.2.1", "curl/8")


@dataclass
class Desk:
    """Uses of the root key over a warehouse whose units are counted; every look at the clock is a second."""

    uses: RootUses
    warehouse: CountingWarehouse
    services: Services

    def use(self, times: int = 1, actor: Actor = HERE, method: str = "GET", route: str = STATUS) -> None:
        """Use the root key."""
        for _ in range(times):
            self.uses.note(actor, method=method, route=route)

    def rows(self) -> list[dict[str, Any]]:
        """What the trail says of uses."""
        found = World(self.services, slug="system").rows("org_audit_logs")
        return [{**row, "details": json.loads(row["details"])} for row in found if row["resource_type"] == "REQUEST"]


def desk_over(services: Services) -> Desk:
    counting = CountingWarehouse(services.bootstrap.warehouse)
    times = (BEGIN + timedelta(seconds=number) for number in range(10**6))
    return Desk(RootUses(services.trail.over(counting), lambda: next(times), 3600), counting, services)


@pytest.fixture
def desk(embedded: Services) -> Iterator[Desk]:
    """Uses of the root key, after bootstrap."""
    made = desk_over(embedded)
    with closing(made.uses):
        yield made


def test_many_uses_are_one_row_by_route_and_address_written_in_one_unit(desk: Desk) -> None:
    there = replace(HERE, request_id="request-2", ip_address="192.0.2.2", user_agent="python/3")
    desk.use(1_000)
    desk.use(2, actor=there)
    desk.use(method="POST", route="/api/v1/organizations/dryrun")
    assert desk.warehouse.calls == {}
    assert desk.rows() == []
    desk.uses.flush()
    assert desk.warehouse.calls["run"] == 1
    told = [(row["resource_id"], row["details"]["method"], row["details"]["uses"]) for row in desk.rows()]
    assert sorted(told) == [("/api/v1/organizations/dryrun", "POST", 1), (STATUS, "GET", 2), (STATUS, "GET", 1_000)]
    often = next(row for row in desk.rows() if row["details"]["uses"] == 1_000)
    assert (often["user_id"], often["status"], often["action"]) == ("administrator", "SUCCESS", "EXECUTE")
    assert (often["request_id"], often["ip_address"], often["user_agent"]) == ("request-1", "192.0.2.1", "curl/8")
    assert often["details"]["first_at"] == BEGIN.isoformat()
    assert often["details"]["last_at"] == (BEGIN + timedelta(seconds=999)).isoformat()
    desk.uses.flush()
    assert desk.warehouse.calls["run"] == 1
    assert desk.services.verifier.verify("system").message.endswith("verified.")


def test_what_could_not_be_written_is_counted_on_and_written_once(desk: Desk) -> None:
    def fail() -> None:
        raise WarehouseUnavailable("not now")

    desk.use(3)
    desk.warehouse.before_unit = fail
    configure_logging("WARNING")
    with structlog.testing.capture_logs() as logged:
        desk.uses.flush()
    assert [line["event"] for line in logged] == ["key_uses_not_written"]
    desk.use(2)
    desk.warehouse.before_unit = lambda: None
    desk.uses.flush()
    (row,) = desk.rows()
    assert row["details"] == {
        "method": "GET",
        "uses": 5,
        "first_at": BEGIN.isoformat(),
        "last_at": (BEGIN + timedelta(seconds=4)).isoformat(),
    }


def test_stopping_writes_the_rest(desk: Desk) -> None:
    desk.use(2)
    desk.uses.close()
    assert [row["details"]["uses"] for row in desk.rows()] == [2]


def test_before_bootstrap_there_is_no_trail_to_write_to(small_catalog: Path) -> None:
    settings = Settings(warehouse_url="duckdb:///:memory:", config_dir=small_catalog)
    configure_logging("WARNING")
    with closing(build_services(settings)) as services, structlog.testing.capture_logs() as logged:
        desk = desk_over(services)
        desk.use()
        desk.uses.close()
    assert logged == []
