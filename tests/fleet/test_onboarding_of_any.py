"""Whoever is in the file, whatever is there already, wherever it ends: after enough tries all are there, or named."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudact.errors import WarehouseRefused
from cloudact.fleet.onboarding.onboarding import FleetOnboarded
from cloudact.tenancy.checks import OnboardingRequest
from tests.fleet.doomed import NEW, asked, key_file_of
from tests.fleet.fleets import Fleet, opened
from tests.fleet.test_onboarding import Killed, assert_onboarded, keys_in
from tests.reliability.stepping import SteppedWarehouse

# What is there of an organization before: nothing, the organization itself, or something that is in its way.
BEFORE = st.sampled_from(["nothing", "nothing", "organization", "another organization", "dataset"])
IN_THE_WAY = {"another organization": "organization_exists", "dataset": "dataset_exists"}
# At which step of a session each try is ended, and whether by the engine or by a kill.
ENDS = st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=4)


def prepare(fleet: Fleet, befores: dict[str, str]) -> None:
    for slug, before in befores.items():
        if before == "organization":
            fleet.services.onboarding.onboard(OnboardingRequest(slug, "New Co", "admin@new.example"))
        elif before == "another organization":
            fleet.services.onboarding.onboard(OnboardingRequest(slug, "Another", "admin@new.example"))
        elif before == "dataset":
            fleet.live.execute(f"CREATE SCHEMA {slug}_prod; CREATE TABLE {slug}_prod.mine AS SELECT 1 AS one")


def attempt(fleet: Fleet, unit: int, number: int, *, refused: bool) -> FleetOnboarded | None:
    """Onboard the five, which meets an error at one step of a session."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == number:
            raise WarehouseRefused("the engine says no") if refused else Killed

    case = fleet.services.fleet_onboarding
    stepped = SteppedWarehouse(case.warehouse, step)
    onboarding = replace(case.onboarding, warehouse=stepped, trail=case.onboarding.trail.over(stepped))
    try:
        return replace(case, unit=unit, warehouse=stepped, onboarding=onboarding).onboard(
            asked(*NEW), key_file_of(fleet.services)
        )
    except (Killed, WarehouseRefused):
        return None


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(befores=st.fixed_dictionaries(dict.fromkeys(NEW, BEFORE)), unit=st.integers(1, 6), ends=ENDS)
def test_after_enough_tries_all_are_onboarded_or_named(
    twelve: Path, befores: dict[str, str], unit: int, ends: list[tuple[int, bool]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        fleet = opened(Path(shutil.copytree(twelve, Path(folder) / "fleet")))
        prepare(fleet, befores)
        for number, refused in ends:
            attempt(fleet, unit, number, refused=refused)
        done = attempt(fleet, unit, 0, refused=False)
        assert done is not None
        wrong = {slug: IN_THE_WAY[before] for slug, before in befores.items() if before in IN_THE_WAY}
        assert {item.org_slug: item.code for item in done.failed} == wrong
        there = {slug for slug, before in befores.items() if before == "organization"}
        assert set(done.without_key) == there
        assert keys_in(fleet.services).keys() == set(NEW) - wrong.keys() - there
        assert_onboarded(fleet, set(NEW) - wrong.keys() - there)
        for slug in (slug for slug, before in befores.items() if before == "dataset"):
            assert fleet.live.rows(f"SELECT * FROM {slug}_prod.mine") == [{"one": 1}]
        fleet.services.close()
