"""Subscription plans and their limits, as declared in `plans.yml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cloudact.catalog.problems import Problems
from cloudact.catalog.yaml_file import parse_yaml, validate

FILE = "plans.yml"
Limit = Annotated[int | None, Field(gt=0, strict=True, description="None means unlimited.")]


class Plan(BaseModel):
    """What an organization on this plan may use; a missing limit means unlimited."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    daily_limit: Limit = None
    monthly_limit: Limit = None
    concurrent_limit: Limit = None
    seat_limit: Limit = None
    providers_limit: Limit = None


class PlansFile(BaseModel):
    """The whole of `plans.yml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    plans: dict[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,49}$")], Plan] = Field(min_length=1)


def load_plans(root: Path) -> dict[str, Plan]:
    """Return the declared plans by name; raises CatalogError naming every problem of the file."""
    problems = Problems(FILE)
    plans = _parse(root / FILE, problems)
    problems.raise_if_any()
    return plans


def _parse(path: Path, problems: Problems) -> dict[str, Plan]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        problems.add("", "does not exist", "declare the subscription plans there")
        return {}
    except UnicodeDecodeError as error:
        problems.add("", f"is not UTF-8 (byte {error.start})", "save it as UTF-8")
        return {}
    document = parse_yaml(text, problems)
    if document is None:
        if not problems.found:
            problems.add("", "is empty", "declare at least one plan under `plans`")
        return {}
    parsed = validate(PlansFile, document, problems)
    return parsed.plans if parsed else {}
