"""Killed at any commit, onboarding of many is finished by running it again, and every key that works is in the file."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path

import pytest

from tests.fleet.doomed import NEW, key_file_of, onboard_fleet
from tests.fleet.fleets import Fleet, opened
from tests.fleet.test_onboarding import assert_onboarded
from tests.reliability.doomed import Death, Instant, dies


@pytest.mark.slow
@pytest.mark.parametrize("instant", [Instant.COMMITTING, Instant.COMMITTED, Instant.CALL])
def test_killed_anywhere_it_is_finished_by_running_it_again(small: Fleet, tmp_path: Path, instant: Instant) -> None:
    small.services.close()
    folder = small.files.root.parent
    for number in count(1, 7 if instant is Instant.CALL else 1):
        copy = Path(shutil.copytree(folder, tmp_path / "killed"))
        fleet = opened(copy)
        fleet.services.close()
        died = dies(fleet.settings, onboard_fleet, Death(instant, number))
        before = key_file_of(fleet.services).read_text() if key_file_of(fleet.services).exists() else ""
        again = onboard_fleet(fleet.services)
        assert again.onboarded + again.skipped == len(NEW)
        assert again.without_key == []
        assert key_file_of(fleet.services).read_text().startswith(before)
        assert_onboarded(fleet, NEW)
        fleet.services.close()
        shutil.rmtree(copy)
        if not died:
            break
    assert number > 5
