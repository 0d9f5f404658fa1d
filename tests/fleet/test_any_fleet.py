"""Whatever is wrong with a fleet, and whatever fails: in the end all are as declared, or named with a reason."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudact.errors import CloudactError, WarehouseBusy, WarehouseRefused, WarehouseUnavailable
from cloudact.fleet.progress import FleetRun
from cloudact.fleet.request import SyncRequest
from cloudact.fleet.status import FleetStatus
from cloudact.fleet.sync import FleetSync
from tests.fleet.fleets import TWELVE, VIEW, Fleet, opened
from tests.reliability.stepping import SteppedWarehouse

BY_HAND = {
    "table gone": ["DROP TABLE {0}_prod.genai_payg_pricing"],
    "column gone": ["ALTER TABLE {0}_prod.genai_payg_pricing DROP COLUMN model_family"],
    "view gone": [f"DROP VIEW {{0}}_prod.{VIEW}"],
    "view replaced": [f"CREATE OR REPLACE VIEW {{0}}_prod.{VIEW} AS SELECT 1 AS one"],
    "all gone": ["DROP SCHEMA {0}_prod CASCADE"],
    "column too many": ["ALTER TABLE {0}_prod.subscription_plans ADD COLUMN of_somebody BIGINT"],
    "unfinished": ["UPDATE organizations.org_profiles SET status = 'PROVISIONING' WHERE org_slug = '{0}'"],
    "conflict": [
        "ALTER TABLE {0}_prod.subscription_plans DROP COLUMN plan_name",
        "ALTER TABLE {0}_prod.subscription_plans ADD COLUMN plan_name BIGINT",
    ],
}
FAILURES = (
    WarehouseRefused("the engine says no"), WarehouseBusy("others won"), WarehouseUnavailable("it does not answer"),
    RuntimeError("nobody foresaw this"),
)  # fmt: skip
drifts = st.dictionaries(st.sampled_from(TWELVE), st.sampled_from(sorted(BY_HAND)), max_size=8)
requests = st.builds(
    SyncRequest,
    recreate_views=st.just(True),
    waves=st.lists(st.sampled_from(["slug:org_03", "plan:SCALE", "2", "30%", "rest"]), max_size=3).map(tuple),
    max_failures=st.sampled_from(["0", "1", "50%", "100%"]),
    workers=st.integers(1, 4),
)
# After so many calls of a session the next one fails, several times in a run.
failing = st.lists(st.tuples(st.integers(0, 60), st.sampled_from(FAILURES)), max_size=6)


@dataclass
class Faults:
    """What fails, one after another."""

    left: list[tuple[int, Exception]]
    calls: int = 0

    def step(self) -> None:
        """Count one call of a session, which may be one that fails."""
        self.calls += 1
        if self.left and self.calls > self.left[0][0]:
            self.calls = 0
            raise self.left.pop(0)[1]


@contextmanager
def copied(twelve: Path) -> Iterator[Fleet]:
    """Lend a copy of the twelve, with rows in every table."""
    with tempfile.TemporaryDirectory() as folder:
        fleet = opened(Path(shutil.copytree(twelve, Path(folder) / "fleet")))
        for slug in TWELVE:
            fleet.live.fill(f"{slug}_prod", rows=1)
        yield fleet
        fleet.services.close()


def over(fleet: Fleet, faults: Faults, unit: int) -> FleetSync:
    """Return the sync over a warehouse in which things fail; of every run before, the process is gone."""
    given = fleet.services.fleet_sync
    warehouse = SteppedWarehouse(given.warehouse, faults.step)
    trail = given.trail.over(warehouse)
    return replace(
        given,
        warehouse=warehouse,
        trail=trail,
        status=FleetStatus(given.catalogs, warehouse),
        organizations=replace(given.organizations, warehouse=warehouse, trail=trail),
        alive=lambda _process: False,
        unit=unit,
    )


def rows_of(fleet: Fleet) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Every row of every organization's dataset that there is."""
    found = {slug: fleet.live.values(f"{slug}_prod") for slug in TWELVE}
    return {(slug, table): rows for slug, tables in found.items() for table, rows in tables.items()}


def tried(sync: FleetSync, request: SyncRequest, last: FleetRun | None) -> FleetRun | None:
    """Begin anew, or go on where the last run ended; nothing where that failed."""
    try:
        began = sync.begin_again(last.run_id) if last else sync.begin(request)
        return sync.carry_out(began)
    except (CloudactError, RuntimeError):
        return last


@pytest.mark.slow
@settings(max_examples=10)
@given(
    drift=drifts,
    request=requests,
    failures=st.lists(failing, max_size=3),
    declares=st.booleans(),
    unit=st.sampled_from([1, 3, 50]),
)
def test_in_the_end_all_are_as_declared_or_named(
    twelve: Path,
    drift: dict[str, str],
    request: SyncRequest,
    failures: list[list[tuple[int, Exception]]],
    declares: bool,
    unit: int,
) -> None:
    with copied(twelve) as fleet:
        if declares:
            fleet.declare()
        for slug, what in drift.items():
            for statement in BY_HAND[what]:
                fleet.live.execute(statement.format(slug))
        before = rows_of(fleet)
        last = None
        for items in failures:
            last = tried(over(fleet, Faults(list(items)), unit), request, last)
        run = fleet.services.fleet_sync
        final = tried(
            replace(run, alive=lambda _process: False, unit=unit), replace(request, max_failures="100%"), None
        )
        assert final is not None
        blocked = {slug for slug, what in drift.items() if what == "conflict"}
        assert {item.org_slug for item in final.failures} == blocked
        assert fleet.in_step() == set(TWELVE) - blocked
        after = rows_of(fleet)
        for key, rows in before.items():
            assert [{name: row[name] for name in rows[0]} for row in after[key]] == rows
        assert final.recorded
        assert fleet.steps(final.run_id).keys() >= blocked
