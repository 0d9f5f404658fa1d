"""What a warehouse holds beside its audit trail, which every refused access adds a row to."""

from __future__ import annotations

from typing import Any

from tests.api.live import Live

_TRAIL = '"organizations"."org_audit_logs"'
_ANCHORS = {'"organizations"."org_profiles"', '"organizations"."org_integration_credentials"'}


def snapshot(live: Live) -> tuple[Any, ...]:
    """Every object's definition and every row but those of the trail, and the anchors of its chains."""
    objects, rows = live.snapshot()
    kept = {name: found for name, found in rows.items() if name != _TRAIL and name not in _ANCHORS}
    anchored = {
        name: live.rows(f"SELECT * EXCLUDE (audit_head) FROM {name} ORDER BY ALL") for name in rows.keys() & _ANCHORS
    }
    return objects, kept, anchored
