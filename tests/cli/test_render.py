"""What status says of views, in words for people."""

from __future__ import annotations

from typing import Any

import pytest

from cloudact.cli import render
from tests.api.published import ACME_DATASET, VIEWS
from tests.cli.command_line import CommandLine

COUNTS = "4 of 4 declared views exist, 4 current; shared: " + ", ".join(VIEWS)


def status(**changes: Any) -> dict[str, Any]:
    """Return the status of a dataset without tables, in sync unless changed."""
    lists = ("tables_existing", "tables_missing", "tables_extra", "views_missing", "views_stale", "views_unreadable")
    answer = {"dataset": "acme_prod", "status": "SYNCED", "message": "In sync.", "dataset_exists": True}
    return {**answer, "tables_expected": 0, **{name: [] for name in (*lists, "conflicts")}, "schema_diffs": {},
            "views": {}, **changes}  # fmt: skip


def view(materialized: str, *, exists: bool = True, current: bool = True) -> dict[str, Any]:
    """Return the state of one view."""
    return {"materialized": materialized, "exists": exists, "current": current}


def printed(capsys: pytest.CaptureFixture[str], **changes: Any) -> list[str]:
    """Return the lines after those that tell of tables."""
    render.dataset_status(status(**changes))
    return capsys.readouterr().out.splitlines()[2:]


def test_status_of_an_organization_tells_its_views_in_one_line(acme: CommandLine) -> None:
    assert acme.succeed("org", "status", "acme_corp").splitlines()[2:] == [COUNTS]


def test_status_of_a_dataset_without_views_says_nothing_of_views(acme: CommandLine) -> None:
    assert len(acme.succeed("bootstrap", "status").splitlines()) == 2


def test_views_are_counted_and_told_by_how_they_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    views = {
        "a": view("shared"),
        "b": view("own", current=False),
        "[c]": view("never"),
        "d": view("shared", exists=False, current=False),
    }
    assert printed(capsys, views=views) == [
        "3 of 4 declared views exist, 2 current; never: [c]; own: b; shared: a, d",
    ]


def test_a_missing_and_a_stale_view_are_named_with_what_a_sync_does(acme: CommandLine) -> None:
    with acme.warehouse() as live:
        live.execute(f"DROP VIEW {ACME_DATASET}.{VIEWS[0]}")
        live.execute(f"CREATE OR REPLACE VIEW {ACME_DATASET}.{VIEWS[1]} AS SELECT 1 AS one")
    counts, _, *rows = acme.succeed("org", "status", "acme_corp").splitlines()[2:]
    assert counts.startswith("3 of 4 declared views exist, 2 current; shared: ")
    assert [row.split("  ")[0] for row in rows] == VIEWS[:2]
    assert ["view missing" in rows[0], "view is stale" in rows[1]] == [True, True]


def test_a_view_left_out_because_of_its_location_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    _, row = printed(capsys, views_unreadable=["x_org_hierarchy"])
    assert row.split() == ["x_org_hierarchy", "view", "left", "out", "read", "the", "central", "dataset", "instead"]
