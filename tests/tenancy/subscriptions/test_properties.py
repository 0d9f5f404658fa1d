"""Any sequence of runs over some days, against a plain count of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudact.errors import QuotaExceeded
from tests.tenancy.subscriptions.conftest import NOON, Account

LIMITS = st.one_of(st.none(), st.integers(1, 3))
STATES = st.sampled_from(["COMPLETED", "FAILED", "TIMED_OUT", "CANCELLED"])
# A run begins, or the oldest that is under way ends so; and hours pass.
ACTS = st.lists(st.tuples(st.one_of(st.none(), STATES), st.integers(0, 30)), max_size=12)


@dataclass
class Model:
    """What has been counted."""

    daily: int | None
    monthly: int | None
    concurrent: int | None
    begun: Counter[date] = field(default_factory=Counter)
    ended: Counter[tuple[date, str]] = field(default_factory=Counter)
    under_way: list[str] = field(default_factory=list)

    def month(self, now: datetime) -> int:
        return sum(number for day, number in self.begun.items() if (day.year, day.month) == (now.year, now.month))

    def refuses(self, now: datetime) -> str:
        """Which limit a run meets that begins now."""
        for name, used, limit in (
            ("monthly_limit", self.month(now), self.monthly),
            ("daily_limit", self.begun[now.date()], self.daily),
            ("concurrent_limit", len(self.under_way), self.concurrent),
        ):
            if limit is not None and used >= limit:
                return name
        return ""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(limits=st.tuples(LIMITS, LIMITS, LIMITS), acts=ACTS)
def test_what_is_counted_is_what_has_happened(
    account: Account, limits: tuple[int | None, int | None, int | None], acts: list[tuple[str | None, int]]
) -> None:
    account.forget()
    model, now = Model(*limits), NOON
    account.allow(daily_limit=model.daily, monthly_limit=model.monthly, concurrent_limit=model.concurrent)
    for state, hours in acts:
        now += timedelta(hours=hours)
        if state is None:
            begin(account, model, now)
        elif model.under_way:
            account.end(model.under_way.pop(0), state, now)
            model.ended[now.date(), state] += 1
        used = account.used(now)
        assert (used.daily.used, used.monthly.used) == (model.begun[now.date()], model.month(now))
        assert used.concurrent.used == len(model.under_way)
        assert used.succeeded_today == model.ended[now.date(), "COMPLETED"]
        assert used.failed_today == model.ended[now.date(), "FAILED"] + model.ended[now.date(), "TIMED_OUT"]


def begin(account: Account, model: Model, now: datetime) -> None:
    """Begin a run, or be refused for the limit that the model names, until it says."""
    expected = model.refuses(now)
    if not expected:
        model.under_way.append(account.begin(now))
        model.begun[now.date()] += 1
        return
    with pytest.raises(QuotaExceeded) as caught:
        account.begin(now)
    assert caught.value.limit == expected
    if expected != "concurrent_limit":
        again = now + timedelta(seconds=caught.value.retry_after)
        assert model.refuses(again) != expected
        assert model.refuses(again - timedelta(seconds=1)) == expected
