"""The words of a status answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloudact.catalog.model import Dataset
from cloudact.planning.status import SyncStatus, compare
from cloudact.tenancy.state import DatasetState, describe
from tests.contract.datasets import SHOP

LEFT_OUT = "Left out, because the central dataset is in another location: totals, x_orders."


def state(live: Dataset | None, *unreadable: str) -> DatasetState:
    """Return the state of a live dataset against the shop's declaration."""
    drift = compare(live, SHOP)
    return describe("shop", drift, absent=SyncStatus.PROFILE_ONLY, remedy="Run sync.", unreadable=unreadable)


@pytest.mark.parametrize(
    ("live", "message"),
    [
        (SHOP, "In sync."),
        (replace(SHOP, views=()), "1 view missing. Run sync."),
        (None, "The dataset does not exist. Run sync."),
    ],
)
def test_views_left_out_are_named_after_what_else_there_is_to_say(live: Dataset | None, message: str) -> None:
    assert (state(live).message, state(live).views_unreadable) == (message, [])
    found = state(live, "totals", "x_orders")
    assert (found.message, found.views_unreadable) == (f"{message} {LEFT_OUT}", ["totals", "x_orders"])


def test_views_left_out_leave_a_dataset_in_sync() -> None:
    assert state(SHOP, "totals").status is SyncStatus.SYNCED
    assert set(state(SHOP, "totals").views) == {"open_orders"}
