"""One organization's key never reads, lists, changes or learns of another: every route, with every wrong key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from itertools import cycle
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from cloudact.tenancy.access.key_text import make_text
from cloudact.tenancy.access.scopes import Scope
from cloudact.tenancy.names import OrgSlug
from cloudact.warehouse.driver import Condition, Equals
from cloudact.warehouse.duckdb.transaction import Transaction
from cloudact.wiring import Services
from tests.acme import ACME, ROOT_HEADERS
from tests.api.documented import Operation, operations
from tests.api.live import Live
from tests.api.published import CENTRAL, ONBOARD, ORGANIZATIONS
from tests.api.unaudited import snapshot

SCOPES = {
    str(operation): Scope(item["OrganizationKey"][0])
    for operation in operations()
    for item in operation.spec.get("security", ())
    if "OrganizationKey" in item
}
OWN = [operation for operation in operations() if str(operation) in SCOPES]
ADMINISTRATORS = [
    operation for operation in operations() if operation.spec.get("security") and str(operation) not in SCOPES
]
# A name that is taken, one that is not, and one that cannot be.
SLUGS = ("acme_corp", "nobody_here", "Not-A-Slug")
CANARY = "canary of globex"


@dataclass(frozen=True)
class Two:
    """Two organizations; acme_corp's first key, and a key of globex with every scope."""

    client: TestClient
    services: Services
    acme_key: str
    globex_key: str

    def digest(self, key: str) -> str:
        """What is stored of a key."""
        return self.services.keys.issuer.digests.keyed(key)

    def make_key(self, scopes: set[Scope], slug: str = "acme_corp") -> str:
        """Have the administrator make a key."""
        body = {"scopes": sorted(scopes), "name": CANARY if slug == "globex" else slug}
        answer = self.client.post(f"{ORGANIZATIONS}/{slug}/keys", json=body, headers=ROOT_HEADERS)
        assert answer.status_code == 201
        return str(answer.json()["api_key"])

    def call(self, operation: Operation, key: str | None, slug: str = "acme_corp") -> httpx2.Response:
        """Call an operation with a body that nobody reads who is refused, and nobody could take."""
        headers = {"Content-Type": "application/json"} | ({"X-API-Key": key} if key else {})
        content = b"{" if operation.spec.get("requestBody") else None
        return self.client.request(operation.method, operation.url(slug), headers=headers, content=content)


@pytest.fixture
def two(bootstrapped: TestClient, services: Services, acme_key: str) -> Two:
    """Two organizations, with nobody as the administrator unless it is said."""
    company = {**ACME, "org_slug": "globex", "company_name": f"Globex, {CANARY}"}
    answer = bootstrapped.post(ONBOARD, json=company)
    assert answer.status_code == 201
    del bootstrapped.headers["X-CA-Root-Key"]
    made = Two(bootstrapped, services, acme_key, str(answer.json()["api_key"]))
    return replace(made, globex_key=made.make_key(set(Scope), "globex"))


def told(answer: httpx2.Response) -> dict[str, Any]:
    """What a refused caller is told, beside what belongs to the request itself."""
    return {name: value for name, value in answer.json().items() if name not in {"instance", "request_id"}}


def distinct(answers: list[httpx2.Response]) -> list[dict[str, Any]]:
    """Every different thing that was told."""
    found: list[dict[str, Any]] = []
    for answer in answers:
        if told(answer) not in found:
            found.append(told(answer))
    return found


def test_there_are_routes_of_every_scope_but_one() -> None:
    assert set(SCOPES.values()) == set(Scope) - {Scope.PIPELINES_WRITE}
    assert all("{org_slug}" in operation.path for operation in OWN)


def test_another_organizations_key_opens_nothing_and_does_not_tell_who_exists(two: Two, live: Live) -> None:
    before = snapshot(live)
    answers = [two.call(operation, two.globex_key, slug) for operation in OWN for slug in SLUGS]
    assert {answer.status_code for answer in answers} == {403}
    assert len(distinct(answers)) == 1
    assert snapshot(live) == before


@pytest.mark.slow
def test_no_key_of_an_organization_opens_what_is_the_administrators(two: Two, live: Live) -> None:
    key = two.make_key(set(Scope))
    before = snapshot(live)
    answers = [two.call(operation, key, slug) for operation in ADMINISTRATORS for slug in SLUGS[:2]]
    assert {answer.status_code for answer in answers} == {401}
    assert len(distinct(answers)) == 1
    assert snapshot(live) == before


@pytest.mark.slow
def test_without_a_key_or_with_one_that_opens_nothing_the_answer_is_always_the_same(two: Two, live: Live) -> None:
    revoked, expired = (two.make_key(set(Scope)) for _ in range(2))
    for key, change in ((revoked, "is_active = FALSE"), (expired, "expires_at = created_at")):
        digest = two.digest(key)
        live.execute(f"UPDATE organizations.org_api_keys SET {change} WHERE org_api_key_hash = ?", digest)
    live.execute("UPDATE organizations.org_profiles SET status = 'SUSPENDED' WHERE org_slug = 'globex'")
    before = snapshot(live)
    keys = (None, revoked, expired, two.globex_key, f"{two.acme_key}x", "junk")
    slugs = cycle(("acme_corp", "globex", "nobody_here", "Not-A-Slug", "acme_corp"))
    answers = [two.call(operation, key, next(slugs)) for operation in OWN for key in keys]
    assert {answer.status_code for answer in answers} == {401}
    assert len(distinct(answers)) == 1
    assert snapshot(live) == before


@pytest.mark.slow
def test_a_key_needs_the_scope_of_the_route_and_no_other(two: Two, live: Live) -> None:
    with_one = {scope: two.make_key({scope}) for scope in set(SCOPES.values())}
    without = {scope: two.make_key(set(Scope) - {scope}) for scope in set(SCOPES.values())}
    before = snapshot(live)
    refused = [two.call(operation, without[SCOPES[str(operation)]]) for operation in OWN]
    assert {answer.status_code for answer in refused} == {403}
    assert distinct([*refused, two.call(OWN[0], two.globex_key)]) == [told(refused[0])]
    assert snapshot(live) == before
    admitted = {str(operation): two.call(operation, with_one[SCOPES[str(operation)]]) for operation in OWN}
    assert {name: answer.text for name, answer in admitted.items() if answer.status_code in {401, 403}} == {}


@pytest.mark.slow
def test_no_answer_to_an_organization_holds_anything_of_another(two: Two) -> None:
    headers = {"X-API-Key": two.globex_key}
    base = f"{ORGANIZATIONS}/globex"
    entity = {"entity_id": "canary", "entity_type": "DEPARTMENT", "entity_name": CANARY}
    credential = {"credential_type": "API_KEY", "secret": "sk-of-globex-alone", "metadata": {"note": CANARY}}
    made = two.client.post(f"{base}/hierarchy/entities", json=entity, headers=headers)
    put = two.client.put(f"{base}/integrations/openai/credentials/default", json=credential, headers=headers)
    assert (made.status_code, put.status_code) == (201, 200), made.text + put.text
    channel = {"channel_type": "WEBHOOK", "name": CANARY, "webhook_url": "https://globex.example.com/canary"}
    sent = two.client.post(f"{base}/notifications/channels", json=channel, headers=headers)
    assert sent.status_code == 201, sent.text
    key = two.make_key(set(Scope))
    reads = [operation for operation in OWN if operation.method == "GET"]
    theirs = [two.call(operation, two.globex_key, "globex").text for operation in reads]
    ours = [two.call(operation, key).text for operation in reads]
    assert sum(CANARY in text for text in theirs) >= 4
    assert [text for text in ours if "canary" in text.lower() or "globex" in text.lower()] == []


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, list[Condition]]]:
    """Every query on rows of the central dataset: what was done, on which table, under which conditions."""
    seen: list[tuple[str, str, list[Condition]]] = []

    def noting(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(session: Transaction, dataset: str, table: str, *rest: Any) -> Any:
            if dataset == CENTRAL:
                found = [item for part in rest if isinstance(part, list | tuple) for item in part]
                seen.append((name, table, [item for item in found if isinstance(item, Condition)]))
            return method(session, dataset, table, *rest)

        return call

    for name in ("select", "count", "update", "compare_and_set", "expect"):
        monkeypatch.setattr(Transaction, name, noting(name, getattr(Transaction, name)))
    return seen


@pytest.mark.slow
def test_every_query_for_an_organization_is_about_its_own_rows(
    two: Two, asked: list[tuple[str, str, list[Condition]]]
) -> None:
    key = two.make_key(set(Scope))
    asked.clear()
    # What takes no body is carried out; the others are refused when their body is read.
    answers = [two.call(operation, key) for operation in OWN]
    assert sum(answer.is_success for answer in answers) >= 10
    strangers = [query for query in asked if Equals("org_slug", "acme_corp") not in query[2]]
    assert len(asked) > len(OWN)
    assert strangers == []


@pytest.mark.slow
def test_what_is_refused_costs_the_same_whatever_the_reason(
    two: Two, asked: list[tuple[str, str, list[Condition]]], live: Live
) -> None:
    revoked, expired, narrow = two.make_key(set(Scope)), two.make_key(set(Scope)), two.make_key({Scope.KEYS_MANAGE})
    for key, change in ((revoked, "is_active = FALSE"), (expired, "expires_at = created_at")):
        digest = two.digest(key)
        live.execute(f"UPDATE organizations.org_api_keys SET {change} WHERE org_api_key_hash = ?", digest)
    status = next(operation for operation in OWN if operation.path.endswith("/status"))

    def cost(key: str, slug: str, *, remembered: bool) -> tuple[tuple[str, str], ...]:
        two.call(status, key, slug)
        if not remembered:
            for name in ("acme_corp", "globex"):
                two.services.access.forget(OrgSlug(name))
        asked.clear()
        assert two.call(status, key, slug).status_code in {401, 403}
        return tuple((name, table) for name, table, _ in asked)

    nobodys = make_text(OrgSlug("acme_corp"))
    strangers = [(key, slug) for key in (revoked, expired, nobodys) for slug in SLUGS]
    known = [(two.globex_key, "acme_corp"), (two.globex_key, "nobody_here"), (narrow, "acme_corp")]
    for refused in (strangers, known):
        for remembered in (False, True):
            assert len({cost(key, slug, remembered=remembered) for key, slug in refused}) == 1


def test_every_refused_access_is_on_the_trail_of_whose_key_it_was(two: Two, live: Live) -> None:
    status = next(operation for operation in OWN if operation.path.endswith("/status"))
    two.call(status, two.globex_key)
    two.call(status, "junk")
    two.call(status, None)
    rows = live.rows(
        "SELECT org_slug, api_key_id, action, resource_id, error_message AS reason FROM organizations.org_audit_logs "
        "WHERE status = 'DENIED' ORDER BY created_at"
    )
    assert [(row["org_slug"], row["api_key_id"] is not None) for row in rows] == [
        ("globex", True),
        ("system", False),
        ("system", False),
    ]
    assert {row["resource_id"] for row in rows} == {"/api/v1/organizations/acme_corp/status"}
    assert [row["reason"] for row in rows] == [
        "needs org:read of the organization in the path",
        "an API key that is unknown",
        "no X-CA-Root-Key was sent",
    ]
