"""kill -9 at any call and around any commit: every row is in its table or in a complete backup, and again finishes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from cloudact.settings import Settings
from cloudact.tenancy.actor import Actor
from cloudact.wiring import Services, build_services
from tests.acme import ROOT
from tests.reliability.doomed import Death, Instant, dies
from tests.reliability.doomed_recreation import OPERATIONS, RESTORED, carry_out
from tests.tenancy.recreation.setting import Setting
from tests.tenancy.recreation.test_recreations import changed

# How many orders there are in the shop afterwards.
LEFT = {"with data": 3, "tables": 0, "dataset": 0, "backup": 3, "restore": 3}


@dataclass(frozen=True)
class Stage:
    """A shop in a file, to be killed over and finished as often as one likes."""

    operation: str
    settings: Settings
    database: Path
    file: bytes
    rows: dict[str, list[str]]

    def play(self, death: Death) -> bool:
        """Kill the operation, look, finish it, and look again; False when it was done before that instant."""
        for path in self.database.parent.glob(f"{self.database.name}*"):
            path.unlink()
        self.database.write_bytes(self.file)
        died = dies(self.settings, partial(carry_out, self.operation), death)
        with opened(self.settings) as (services, setting):
            self.assert_reachable(setting)
            if died and not (self.operation == "restore" and _is_restored(setting)):
                OPERATIONS[self.operation](services)
            self.assert_reachable(setting)
            self.assert_done(setting)
        return died

    def assert_reachable(self, setting: Setting) -> None:
        """Every row that was there is in its table, or in a complete backup."""
        complete = [setting.rows(item.name) for item in setting.backups.list() if item.complete]
        for table, rows in self.rows.items():
            assert any(place.get(table) == rows for place in (setting.rows("shop"), *complete)), table

    def assert_done(self, setting: Setting) -> None:
        """What was asked for is so."""
        assert len(setting.rows("shop")["orders"]) == LEFT[self.operation]
        if self.operation == "backup":
            assert any(item.complete for item in setting.backups.list())
        elif self.operation == "restore":
            assert _is_restored(setting)
            assert setting.rows(RESTORED) == self.rows
        else:
            assert setting.live("shop").table("orders") == changed(setting).table("orders")
            assert setting.live("shop").table("later") is not None


def _is_restored(setting: Setting) -> bool:
    live = setting.live(RESTORED)
    return live is not None and ("complete", "true") in live.labels


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Services, Setting]]:
    services = build_services(settings)
    yield services, Setting(services.bootstrap.warehouse)
    services.close()


@pytest.fixture(scope="module", params=OPERATIONS)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Each operation in turn."""
    database = tmp_path_factory.mktemp("stage") / "warehouse.duckdb"
    settings = Settings(
        warehouse_url=f"duckdb:///{database}", config_dir=ROOT / "configs", templates_dir=ROOT / "ps_templates"
    )
    with opened(settings) as (services, setting):
        setting.open_shop()
        setting.bootstrap()
        if request.param == "restore":
            services.backups.create("shop", reason="", actor=Actor.local("ann"))
        rows = setting.rows("shop")
    return Stage(request.param, settings, database, database.read_bytes(), rows)


# A session is called often, and tests/tenancy/recreation stops at each call; here a real process does at every fourth.
@pytest.mark.parametrize(("instant", "step"), [(Instant.CALL, 4), (Instant.COMMITTING, 1), (Instant.COMMITTED, 1)])
def test_killed_at_any_instant_no_row_is_unreachable(stage: Stage, instant: Instant, step: int) -> None:
    numbers = count(1, step)
    while stage.play(Death(instant, next(numbers))):
        pass
    assert next(numbers) > 4


@pytest.mark.parametrize("byte", [500_000, 1_500_000, 2_500_000, 3_500_000])
def test_killed_in_the_middle_of_a_write_no_row_is_unreachable(stage: Stage, byte: int) -> None:
    stage.play(Death(Instant.BYTE, byte))
