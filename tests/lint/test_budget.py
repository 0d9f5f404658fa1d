"""Limits that only many organizations reach are told with the organization that would be the first without a view."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudact.catalog.problems import Code
from cloudact.errors import Problem
from cloudact.lint.check import lint_catalog
from tests.catalog.declared import CENTRAL_CONFIG, CONFIG_FILE, RECENT
from tests.lint.cases import MINE, Edit, central, config, made

ACCOUNTS = "SELECT org_slug, email FROM {organizations}.accounts"


def budget(folder: Path, edit: Edit) -> list[Problem]:
    found = lint_catalog(made(folder, edit)).problems
    return [problem for problem in found if problem.code == Code.MATERIALIZED_VIEW_BUDGET]


def views(number: int, materialized: str) -> Edit:
    """Return as many views over a central table, in each organization's dataset."""
    names = [f"v{index}" for index in range(number)]
    files = {f"setup/organizations/views/{name}.sql": f"{ACCOUNTS} {MINE}" for name in names}
    return {**config(views={"recent": None, **{name: {"materialized": materialized} for name in names}}), **files}


@pytest.mark.parametrize(("number", "first"), [(1, 101), (2, 51), (3, 34), (100, 2), (101, 1)])
def test_own_views_of_a_central_table_end_at_an_organization(tmp_path: Path, number: int, first: int) -> None:
    (found,) = budget(tmp_path, views(number, "own"))
    assert (found.where, found.field) == ((tmp_path / CONFIG_FILE).as_posix(), "views")
    assert found.what.startswith(f"read central.accounts with {number} more materialized for each organization")
    assert found.what.endswith(f"organization {first} goes without")
    assert found.line


def test_shared_views_take_their_part_of_what_own_ones_have(tmp_path: Path) -> None:
    (found,) = budget(tmp_path, {**views(1, "own"), RECENT: f"{ACCOUNTS} {MINE}"})
    assert found.what.endswith("organization 100 goes without")


def test_shared_views_count_once_for_all_organizations(tmp_path: Path) -> None:
    assert budget(tmp_path / "good", views(99, "shared")) == []
    (found,) = budget(tmp_path / "bad", views(101, "shared"))
    assert found.field == "tables.accounts"


def test_central_views_count_beside_shared_ones(tmp_path: Path) -> None:
    own = {"mine": {"materialized": "own"}, "yours": {"materialized": "own"}}
    files = {f"setup/bootstrap/views/{name}.sql": "SELECT email FROM {dataset}.accounts" for name in own}
    beside = {**central(views=own), **files}
    assert budget(tmp_path / "good", {**beside, **views(98, "shared")}) == []
    (found,) = budget(tmp_path / "bad", {**beside, **views(99, "shared")})
    assert (found.where, found.field) == ((tmp_path / "bad" / CENTRAL_CONFIG).as_posix(), "tables.accounts")
    assert found.what.startswith("is read by 101 materialized views")


def test_a_dataset_name_has_room_for_the_longest_slug(tmp_path: Path) -> None:
    for size, fits in ((974, True), (975, False)):
        report = lint_catalog(made(tmp_path / str(size), config(dataset="{org_slug}" + "x" * size)))
        assert (Code.DATASET_NAME not in {problem.code for problem in report.problems}) is fits
