"""`plans.yml`: what each plan allows, and what a wrong file is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudact.errors import CatalogError, Problem
from cloudact.tenancy.plans import FILE, SubscriptionPlan, load_plans
from tests.acme import ROOT


def write(root: Path, content: str | bytes) -> Path:
    (root / FILE).write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def problem(root: Path) -> Problem:
    """Return the one thing that is wrong with the plans in this directory."""
    with pytest.raises(CatalogError) as caught:
        load_plans(root)
    (found,) = caught.value.problems
    return found


def plan(daily: int, monthly: int, concurrent: int, seats: int, providers: int) -> SubscriptionPlan:
    return SubscriptionPlan(
        daily_limit=daily,
        monthly_limit=monthly,
        concurrent_limit=concurrent,
        seat_limit=seats,
        providers_limit=providers,
    )


def test_the_shipped_plans_have_these_limits() -> None:
    assert load_plans(ROOT / "configs") == {
        "STARTER": plan(6, 180, 1, 2, 3),
        "PROFESSIONAL": plan(25, 750, 2, 6, 6),
        "SCALE": plan(100, 3000, 5, 11, 10),
        "ENTERPRISE": SubscriptionPlan(),
    }


def test_the_shipped_plans_are_told_from_the_smallest_up() -> None:
    assert list(load_plans(ROOT / "configs")) == ["STARTER", "PROFESSIONAL", "SCALE", "ENTERPRISE"]


@pytest.mark.parametrize("entry", ["{}", "{daily_limit: null}"])
def test_a_limit_left_out_or_null_is_unlimited(tmp_path: Path, entry: str) -> None:
    assert load_plans(write(tmp_path, f"plans:\n  FREE: {entry}\n")) == {"FREE": SubscriptionPlan()}
    assert SubscriptionPlan().daily_limit is None


def test_an_edited_file_is_seen_by_the_next_call(tmp_path: Path) -> None:
    load_plans(write(tmp_path, "plans: {SMALL: {daily_limit: 1}}"))
    assert load_plans(write(tmp_path, "plans: {SMALL: {daily_limit: 2}}")) == {"SMALL": SubscriptionPlan(daily_limit=2)}


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    assert load_plans(write(tmp_path, b"\xef\xbb\xbfplans: {FREE: {}}")) == {"FREE": SubscriptionPlan()}


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    assert problem(tmp_path) == Problem(FILE, "", "does not exist", "declare the subscription plans there")


@pytest.mark.parametrize("text", ["", "# none yet\n", "null\n"])
def test_an_empty_file_is_a_problem(tmp_path: Path, text: str) -> None:
    expected = Problem(FILE, "", "is empty", "declare at least one plan under `plans`")
    assert problem(write(tmp_path, text)) == expected


def test_a_file_that_is_not_utf8_is_a_problem(tmp_path: Path) -> None:
    assert problem(write(tmp_path, b"plans: \xff")) == Problem(FILE, "", "is not UTF-8 (byte 7)", "save it as UTF-8")


@pytest.mark.parametrize(
    ("text", "field", "what", "line"),
    [
        ("plans:\n  FREE:\n    daily: 5\n", "plans.FREE.daily", "is not a known key", 3),
        ("plans:\n  FREE:\n    daily_limit: 0\n", "plans.FREE.daily_limit", "Input should be greater than 0", 3),
        ("plans:\n  FREE: {daily_limit: -1}\n", "plans.FREE.daily_limit", "Input should be greater than 0", 2),
        ("plans:\n  FREE: {daily_limit: many}\n", "plans.FREE.daily_limit", "Input should be a valid integer", 2),
        ("plans:\n  FREE: {daily_limit: 1.5}\n", "plans.FREE.daily_limit", "Input should be a valid integer", 2),
        ("plans:\n  FREE: {daily_limit: true}\n", "plans.FREE.daily_limit", "Input should be a valid integer", 2),
        ("plans:\n  FREE:\n", "plans.FREE", "is not a mapping", 2),
        ("plans:\n  free: {}\n", "plans.free", "String should match pattern", 2),
        ("plans: {}\n", "plans", "Dictionary should have at least 1 item", 1),
        ("plan: {}\nplans: {FREE: {}}\n", "plan", "is not a known key", 1),
        ("plans:\n  FREE: {}\n  FREE: {}\n", "", 'is not YAML: found duplicate key "FREE"', 3),
        ("plans: [\n", "", "is not YAML: ", 2),
        ("other\n", "", "is not a mapping", 0),
    ],
)
def test_a_wrong_entry_is_one_problem_with_field_and_line(
    tmp_path: Path, text: str, field: str, what: str, line: int
) -> None:
    found = problem(write(tmp_path, text))
    assert (found.where, found.field, found.line) == (FILE, field, line)
    assert found.what.startswith(what)
    assert found.fix


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "plans:\n  free: {}\n  SMALL: {daily_limit: 0, seats: 3}\n")
    with pytest.raises(CatalogError) as caught:
        load_plans(tmp_path)
    fields = [item.field for item in caught.value.problems]
    assert fields == ["plans.SMALL.daily_limit", "plans.SMALL.seats", "plans.free"]
