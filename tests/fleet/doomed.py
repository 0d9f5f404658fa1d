"""What a process does that is killed while it syncs a fleet."""

from __future__ import annotations

from cloudact.fleet.request import SyncRequest
from cloudact.wiring import Services

# One after another, so that the same number of a commit is the same commit.
REQUEST = SyncRequest(only=("slug:org_01,org_02,org_03",), waves=("slug:org_02",), workers=1)


def sync_fleet(services: Services) -> None:
    """Sync two organizations in two waves."""
    services.fleet_sync.carry_out(services.fleet_sync.begin(REQUEST))
