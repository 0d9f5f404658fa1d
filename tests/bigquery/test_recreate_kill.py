"""kill -9 at a request of a recreation, before it is done or after: no row is out of reach, and again finishes it."""

from __future__ import annotations

import pytest

from cloudact.settings import Settings
from cloudact.tenancy.recreation.results import Mode
from tests.bigquery.doomed import OPERATIONS, is_killed_at
from tests.bigquery.world import World
from tests.bigquery_fake.server import Fake
from tests.tenancy.recreation.setting import Setting
from tests.tenancy.recreation.test_recreations import changed


@pytest.mark.slow
@pytest.mark.parametrize("done", [False, True], ids=["before it is done", "after it is done"])
@pytest.mark.parametrize("mode", Mode)
def test_a_recreation_killed_at_a_request_is_finished_by_the_next(
    world: World, fake: Fake, project_settings: Settings, mode: Mode, *, done: bool
) -> None:
    number, killed = -8, True
    while killed:
        number += 9
        setting = Setting(world.warehouse)
        if setting.live("shop"):
            world.hand.drop_dataset("shop")
        setting.open_shop()
        rows = setting.rows("shop")
        known = {item.name for item in setting.backups.list()}
        killed = is_killed_at(fake, project_settings, f"recreate {mode}", number, done=done)
        complete = [
            setting.rows(item.name) for item in setting.backups.list() if item.complete and item.name not in known
        ]
        for table, kept in rows.items():
            assert any(place.get(table) == kept for place in (setting.rows("shop"), *complete)), (number, table)
        OPERATIONS[f"recreate {mode}"](world.services)
        assert setting.live("shop").table("orders") == changed(setting).table("orders")
        assert len(setting.rows("shop")["orders"]) == (3 if mode is Mode.WITH_DATA else 0)
        assert setting.warehouse.run(lambda session: session.count("shop", "totals")) >= 0
    assert number > 20
