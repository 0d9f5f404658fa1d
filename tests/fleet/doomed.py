"""What a process does that is killed while it syncs a fleet, or onboards one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from cloudact.fleet.onboarding.onboarding import FleetOnboarded
from cloudact.fleet.request import SyncRequest
from cloudact.wiring import Services

# One after another, so that the same number of a commit is the same commit.
REQUEST = SyncRequest(only=("slug:org_01,org_02,org_03",), waves=("slug:org_02",), workers=1)


def sync_fleet(services: Services) -> None:
    """Sync two organizations in two waves."""
    services.fleet_sync.carry_out(services.fleet_sync.begin(REQUEST))


NEW = ("new_1", "new_2", "new_3", "new_4", "new_5")


def asked(*slugs: str, **more: object) -> list[str]:
    """Return lines that ask for these organizations."""
    given = {"company_name": "New Co", "admin_email": "admin@new.example", **more}
    return [json.dumps({"org_slug": slug, **given}) for slug in slugs]


def key_file_of(services: Services) -> Path:
    """Return where the keys of a fleet go in tests."""
    return services.catalogs.root.parent / "keys.jsonl"


def onboard_fleet(services: Services) -> FleetOnboarded:
    """Onboard five organizations, two in a unit."""
    onboarding = replace(services.fleet_onboarding, unit=2)
    return onboarding.onboard(asked(*NEW), key_file_of(services))
