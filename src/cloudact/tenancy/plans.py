"""Subscription plans and their limits, as declared in `plans.yml`."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cloudact.catalog.folder import FORMAT, content_of, text_of
from cloudact.catalog.problems import Problems
from cloudact.catalog.yaml_file import read_model

FILE = "plans.yml"
LIMITS = ("daily_limit", "monthly_limit", "concurrent_limit", "seat_limit", "providers_limit")
Limit = Annotated[int | None, Field(gt=0, le=2**63 - 1, strict=True, description="None means unlimited.")]


class SubscriptionPlan(BaseModel):
    """What an organization on this plan may use; a missing limit means unlimited."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    daily_limit: Limit = None
    monthly_limit: Limit = None
    concurrent_limit: Limit = None
    seat_limit: Limit = None
    providers_limit: Limit = None
    trial_days: Annotated[int | None, Field(gt=0, le=3650, strict=True, description="None means no trial.")] = None

    def limits(self) -> dict[str, int | None]:
        """Return the limits by name, as they are written with a subscription and with a day's usage."""
        return {name: getattr(self, name) for name in LIMITS}

    def trial_end(self, today: date) -> date | None:
        """Return the last day of a trial that begins today; None for a plan without one."""
        return None if self.trial_days is None else today + timedelta(days=self.trial_days - 1)


class PlansFile(BaseModel):
    """The whole of `plans.yml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    plans: dict[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,49}$")], SubscriptionPlan] = Field(min_length=1)


def load_plans(root: Path) -> dict[str, SubscriptionPlan]:
    """Return the declared plans by name; raises CatalogError naming every problem of the file."""
    problems = Problems(FILE)
    text = text_of(content_of(root / FILE), problems, absent="declare the subscription plans there")
    problems.raise_if_any()
    return _parsed(text or "")


@lru_cache(maxsize=8)
def _parsed(text: str) -> dict[str, SubscriptionPlan]:
    problems = Problems(FILE)
    needed = "declare at least one plan under `plans`"
    parsed, _ = read_model(PlansFile, text, problems, needed=needed, page=FORMAT)
    problems.raise_if_any()
    return parsed.plans if parsed else {}
