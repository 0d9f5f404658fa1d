"""Subscription plans and their limits, as declared in `plans.yml`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cloudact.catalog.problems import Code, Problems
from cloudact.catalog.yaml_file import parse_yaml, validate

FILE = "plans.yml"
Limit = Annotated[int | None, Field(gt=0, le=2**63 - 1, strict=True, description="None means unlimited.")]


class SubscriptionPlan(BaseModel):
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

    plans: dict[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,49}$")], SubscriptionPlan] = Field(min_length=1)


def load_plans(root: Path) -> dict[str, SubscriptionPlan]:
    """Return the declared plans by name; raises CatalogError naming every problem of the file."""
    problems = Problems(FILE)
    text = _read(root / FILE, problems)
    problems.raise_if_any()
    return _parsed(text)


def _read(path: Path, problems: Problems) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        problems.add("", "does not exist", "declare the subscription plans there", code=Code.MISSING_FILE)
    except OSError as error:
        what, fix = f"cannot be read: {error.strerror}", "mend its permissions, or the disk"
        problems.add("", what, fix, code=Code.UNREADABLE_FILE)
    except UnicodeDecodeError as error:
        problems.add("", f"is not UTF-8 (byte {error.start})", "save it as UTF-8", code=Code.NOT_UTF8)
    return ""


@lru_cache(maxsize=8)
def _parsed(text: str) -> dict[str, SubscriptionPlan]:
    problems = Problems(FILE)
    document = parse_yaml(text, problems)
    if document is None and not problems.found:
        problems.add("", "is empty", "declare at least one plan under `plans`", code=Code.EMPTY_FILE)
    parsed = validate(PlansFile, document, problems) if document is not None else None
    problems.raise_if_any()
    return parsed.plans if parsed else {}
