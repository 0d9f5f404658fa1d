"""What a warehouse holds beside its audit trail, which every refused access adds a row to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.api.live import Live

_TRAIL_TABLE, _ANCHOR = "org_audit_logs", "audit_head"
_TRAIL = f'"organizations"."{_TRAIL_TABLE}"'
_ANCHORS = {'"organizations"."org_profiles"', '"organizations"."org_integration_credentials"'}


def snapshot(live: Live) -> tuple[Any, ...]:
    """Every object's definition and every row but those of the trail, and the anchors of its chains."""
    objects, rows = live.snapshot()
    kept = {name: found for name, found in rows.items() if name != _TRAIL and name not in _ANCHORS}
    anchored = {
        name: live.rows(f"SELECT * EXCLUDE ({_ANCHOR}) FROM {name} ORDER BY ALL") for name in rows.keys() & _ANCHORS
    }
    return objects, kept, anchored


def values(live: Live, dataset: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table of a dataset but those of the trail, without the anchors of its chains."""
    return {
        table: [{name: value for name, value in row.items() if name != _ANCHOR} for row in rows]
        for table, rows in live.values(dataset).items()
        if table != _TRAIL_TABLE
    }


def trail(live: Live, dataset: str = "organizations") -> list[dict[str, Any]]:
    """Every row of the trail, or of a copy of it, those of one chain in their order."""
    return live.rows(f'FROM "{dataset}".{_TRAIL_TABLE} ORDER BY org_slug, sequence, audit_id')


def added(live: Live, before: list[dict[str, Any]]) -> list[str]:
    """What happened by the rows that the trail has gained; all earlier rows are as they were."""
    now = {row["audit_id"]: row for row in trail(live)}
    assert len(now) == len(trail(live))
    for row in before:
        kept = now.pop(row["audit_id"])
        assert {name: kept[name] for name in row} == row
    return [f"{row['action']} {row['resource_type']} {row['status']}" for row in now.values()]


@contextmanager
def only_audited(live: Live, *happened: str) -> Iterator[None]:
    """Nothing changes meanwhile but that the trail gains exactly these rows."""
    before, audited = snapshot(live), trail(live)
    yield
    assert added(live, audited) == [*happened]
    assert snapshot(live) == before
