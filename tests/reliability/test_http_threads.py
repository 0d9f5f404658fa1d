"""Many clients of one service at once: every answer is one the documents know, and none is a failure."""

from __future__ import annotations

from collections import Counter
from functools import partial

import httpx2
import pytest

from cloudact.planning.status import SyncStatus
from tests.acme import ACME, ROOT_HEADERS
from tests.reliability.threads import together
from tests.reliability.world import ONE_OF_EACH, World

CLIENTS = 6
SHARED = "shared"
ORGANIZATIONS = "/api/v1/organizations"
BOOTSTRAP = "/api/v1/admin/bootstrap"

Answers = list[tuple[str, int]]


@pytest.fixture
def own_slugs() -> list[str]:
    """An organization for each client."""
    return [f"organization_{number}" for number in range(CLIENTS)]


def _day_of_work(url: str, slug: str) -> Answers:
    """What one client asks, and the status of each answer."""
    requests = [
        ("POST", BOOTSTRAP, {}),
        ("POST", f"{ORGANIZATIONS}/onboard", {**ACME, "org_slug": SHARED}),
        ("POST", f"{ORGANIZATIONS}/dryrun", {**ACME, "org_slug": slug}),
        ("POST", f"{ORGANIZATIONS}/onboard", {**ACME, "org_slug": slug}),
        ("GET", f"{ORGANIZATIONS}/{slug}/status", None),
        ("GET", f"{ORGANIZATIONS}/{SHARED}/status", None),
        ("POST", f"{ORGANIZATIONS}/{SHARED}/sync", {"recreate_views": True}),
        ("POST", f"{ORGANIZATIONS}/onboard", {**ACME, "org_slug": slug, "regenerate_api_key_if_exists": True}),
        ("GET", f"{BOOTSTRAP}/status", None),
        ("POST", f"{BOOTSTRAP}/sync", {}),
        ("POST", f"{ORGANIZATIONS}/{slug}/sync", {}),
        ("GET", ORGANIZATIONS, None),
        ("GET", "/readyz", None),
    ]
    with httpx2.Client(base_url=url, headers=ROOT_HEADERS, timeout=120) as client:
        return [
            (f"{method} {path}", client.request(method, path, json=body).status_code) for method, path, body in requests
        ]


def test_no_request_fails_because_of_another(world: World, service_url: str, own_slugs: list[str]) -> None:
    found = together(*[partial(_day_of_work, service_url, slug) for slug in own_slugs])
    answers = Counter(answer for answers in found for answer in answers)
    shared = f"POST {ORGANIZATIONS}/onboard"
    # Each client onboards its own twice, the second time for a new key; the shared one is won by one of them.
    assert (answers.pop((shared, 201)), answers.pop((shared, 409))) == (2 * CLIENTS + 1, CLIENTS - 1)
    assert {status for _, status in answers} == {200}
    for slug in (*own_slugs, SHARED):
        assert world.own_rows(slug) == ONE_OF_EACH
        assert world.status(slug).status is SyncStatus.SYNCED
        assert world.live.dataset(f"{slug}_prod") == world.declared(slug)
