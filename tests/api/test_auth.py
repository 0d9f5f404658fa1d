"""Who may call what: the administrator everything, an organization what its key is for, nobody else anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from cloudact.api.auth import GuardedRoute, organization_router, requires
from cloudact.tenancy.access.scopes import Scope
from cloudact.tenancy.names import OrgSlug
from cloudact.wiring import Services
from tests.acme import ACME, ROOT_KEY
from tests.api.documented import Operation, operations
from tests.api.live import Live
from tests.api.published import ACME_STATUS, ONBOARD, ORGANIZATIONS
from tests.api.unaudited import snapshot
from tests.docs_text import DOCS, plain, table

OPEN = {"GET /healthz", "GET /readyz"}
OPERATIONS = list(operations())
PROTECTED = [operation for operation in OPERATIONS if str(operation) not in OPEN | {"GET /metrics"}]
WRONG_ROOT_KEYS = ["wrong", ROOT_KEY[:-1], ROOT_KEY + "x", ROOT_KEY.upper(), "ключ".encode()]
Call = Callable[..., int]


@pytest.fixture
def call(bootstrapped: TestClient) -> Call:
    """Call an operation, with a body that would be accepted, as whoever sends these two headers."""
    del bootstrapped.headers["X-CA-Root-Key"]

    def ask(operation: Operation, *, root: str | bytes | None = None, key: str | None = None) -> int:
        named = {"X-CA-Root-Key": root, "X-API-Key": key}
        headers = {name: value for name, value in named.items() if value is not None}
        named_anew = {**ACME, "org_slug": "newcomer"} if operation.url() in {ONBOARD, f"{ORGANIZATIONS}/dryrun"} else {}
        given = {"json": named_anew or operation.body["examples"][0]} if operation.body else {}
        return bootstrapped.request(operation.method, operation.url(), headers=headers, **given).status_code

    return ask


@pytest.fixture
def globex_key(bootstrapped: TestClient, acme_key: str) -> str:
    """The API key of a second organization."""
    return str(bootstrapped.post(ONBOARD, json={**ACME, "org_slug": "globex"}).json()["api_key"])


def status_with(client: TestClient, key: str) -> int:
    return client.get(ACME_STATUS, headers={"X-API-Key": key, "X-CA-Root-Key": ""}).status_code


def needed(operation: Operation) -> str:
    """What the document says that a caller needs."""
    schemes = {name: scopes for item in operation.spec.get("security", []) for name, scopes in item.items()}
    if str(operation) == "GET /metrics":
        return "the administrator, or `CA_METRICS_TOKEN`"
    if not schemes:
        return "nothing"
    assert "RootKey" in schemes
    return (
        " ".join(f"`{scope}`" for scope in schemes["OrganizationKey"])
        if "OrganizationKey" in schemes
        else "the administrator"
    )


def test_the_security_model_lists_every_route_with_what_it_needs() -> None:
    listed = {plain(row["route"]): row["needs"] for row in table(DOCS / "security.md", "Routes")}
    assert listed == {str(operation): needed(operation) for operation in OPERATIONS}
    assert [name for name, needs in listed.items() if needs == "nothing"] == sorted(OPEN)


def test_the_security_model_explains_every_scope() -> None:
    assert [plain(row["scope"]) for row in table(DOCS / "security.md", "Scopes")] == [scope.value for scope in Scope]


def test_what_the_document_says_is_what_is_checked(client: TestClient) -> None:
    """Every route that is not open is made by a router that guards it."""
    guarded = {
        f"{method} {route.path}": getattr(route, "scope", None)
        for route in client.app.routes
        if isinstance(route, GuardedRoute)
        for method in route.methods
    }
    assert guarded.keys() == {str(operation) for operation in PROTECTED}
    assert {name: f"`{scope}`" if scope else "the administrator" for name, scope in guarded.items()} == {
        str(operation): needed(operation) for operation in PROTECTED
    }


def test_a_route_of_an_organization_without_a_scope_or_a_slug_cannot_be_made() -> None:
    router = organization_router("/api/v1/organizations", "organizations")
    one, other = requires(Scope.ORG_READ), requires(Scope.ORG_WRITE)
    for path, dependencies in (("/{org_slug}/x", []), ("/{org_slug}/x", [one, other]), ("/x", [one])):
        with pytest.raises(ValueError, match="it needs one"):
            router.add_api_route(path, lambda: None, dependencies=dependencies)


def test_health_needs_no_key(call: Call) -> None:
    assert {str(item): call(item) for item in OPERATIONS if str(item) in OPEN} == dict.fromkeys(OPEN, 200)


@pytest.mark.slow
@pytest.mark.usefixtures("own_sealing_key")
def test_the_administrator_may_call_everything(acme_key: str, call: Call) -> None:
    answers = {str(operation): call(operation, root=ROOT_KEY) for operation in PROTECTED}
    assert {name: answer for name, answer in answers.items() if answer in {401, 403}} == {}


@pytest.mark.slow
def test_without_a_key_or_with_a_wrong_one_nothing_happens(
    acme_key: str, globex_key: str, live: Live, call: Call
) -> None:
    live.execute("DROP TABLE acme_corp_prod.subscription_plans")
    before = snapshot(live)
    for operation in PROTECTED:
        wrong = [{}, {"root": "wrong", "key": acme_key}, {"key": ROOT_KEY}]
        assert {call(operation, **sent) for sent in wrong} == {401}, operation
    assert snapshot(live) == before


@pytest.mark.slow
def test_only_the_root_key_itself_is_the_root_key(acme_key: str, live: Live, call: Call) -> None:
    before = snapshot(live)
    for operation in (PROTECTED[0], PROTECTED[-1], *(item for item in PROTECTED if item.url() == ACME_STATUS)):
        assert {call(operation, root=wrong) for wrong in (*WRONG_ROOT_KEYS, acme_key)} == {401}, operation
    assert snapshot(live) == before


def test_an_organization_reads_its_own_status(bootstrapped: TestClient, acme_key: str) -> None:
    answer = bootstrapped.get(ACME_STATUS, headers={"X-API-Key": acme_key, "X-CA-Root-Key": ""})
    assert answer.status_code == 200
    assert (answer.json()["org_slug"], answer.json()["status"]) == ("acme_corp", "SYNCED")


def test_an_organization_does_not_read_anothers_status(bootstrapped: TestClient, globex_key: str) -> None:
    for slug in ("acme_corp", "unknown", "Not-A-Slug"):
        url = f"{ORGANIZATIONS}/{slug}/status"
        answer = bootstrapped.get(url, headers={"X-API-Key": globex_key, "X-CA-Root-Key": ""})
        assert (answer.status_code, answer.json()["code"]) == (403, "access_denied"), slug


def test_the_root_key_counts_when_both_are_sent(bootstrapped: TestClient, acme_key: str, globex_key: str) -> None:
    headers = {"X-API-Key": globex_key, "X-CA-Root-Key": ROOT_KEY}
    assert bootstrapped.get(ACME_STATUS, headers=headers).status_code == 200


@pytest.mark.slow
def test_an_inactive_key_is_no_key(bootstrapped: TestClient, acme_key: str, live: Live, services: Services) -> None:
    live.execute("UPDATE organizations.org_api_keys SET is_active = FALSE")
    assert status_with(bootstrapped, acme_key) == 401
    live.execute("UPDATE organizations.org_api_keys SET is_active = TRUE")
    services.access.forget(OrgSlug("acme_corp"))
    assert status_with(bootstrapped, acme_key) == 200


@pytest.mark.slow
def test_a_suspended_organizations_keys_open_nothing_until_it_is_active_again(
    bootstrapped: TestClient, acme_key: str, live: Live, services: Services
) -> None:
    again = bootstrapped.post(ONBOARD, json={**ACME, "regenerate_api_key_if_exists": True}).json()["api_key"]
    live.execute("UPDATE organizations.org_profiles SET status = 'SUSPENDED'")
    assert [status_with(bootstrapped, key) for key in (acme_key, again)] == [401, 401]
    live.execute("UPDATE organizations.org_profiles SET status = 'ACTIVE'")
    services.access.forget(OrgSlug("acme_corp"))
    assert [status_with(bootstrapped, key) for key in (acme_key, again)] == [401, 200]


@pytest.mark.slow
@pytest.mark.parametrize("gone", ["DELETE FROM organizations.org_profiles", "DROP TABLE organizations.org_profiles"])
def test_a_key_without_a_profile_opens_nothing(bootstrapped: TestClient, acme_key: str, live: Live, gone: str) -> None:
    live.execute(gone)
    assert status_with(bootstrapped, acme_key) == 401


@pytest.mark.slow
@pytest.mark.parametrize(("days", "answer"), [(-1, 401), (1, 200)])
def test_a_key_works_until_it_expires(
    bootstrapped: TestClient, acme_key: str, live: Live, days: int, answer: int
) -> None:
    live.execute("UPDATE organizations.org_api_keys SET expires_at = ?", datetime.now(UTC) + timedelta(days=days))
    assert status_with(bootstrapped, acme_key) == answer


@pytest.mark.slow
@pytest.mark.parametrize("gone", ["SCHEMA organizations CASCADE", "TABLE organizations.org_api_keys"])
def test_a_key_is_no_key_once_its_record_is_gone(
    bootstrapped: TestClient, acme_key: str, live: Live, gone: str
) -> None:
    live.execute(f"DROP {gone}")
    assert status_with(bootstrapped, acme_key) == 401


def test_a_refused_caller_is_told_what_to_send_and_nothing_else(client: TestClient) -> None:
    root = client.get(ORGANIZATIONS, headers={"X-CA-Root-Key": "wrong-secret"})
    assert root.json()["code"] == "unauthenticated"
    assert "X-CA-Root-Key" in root.json()["hint"]
    assert root.headers["WWW-Authenticate"]
    key = client.get(ACME_STATUS, headers={"X-CA-Root-Key": "", "X-API-Key": "wrong-secret"})
    told = [{name: answer.json()[name] for name in ("code", "detail", "hint", "status")} for answer in (root, key)]
    assert told[0] == told[1]
    assert "X-API-Key" in told[0]["hint"]
    assert "wrong-secret" not in root.text + key.text
    assert ROOT_KEY not in root.text + key.text


def test_a_stranger_is_refused_before_the_body_is_looked_at(client: TestClient) -> None:
    headers = {"X-CA-Root-Key": "wrong", "Content-Type": "application/json"}
    for content in (b'{"org_slug": 5}', b"{", b'{"unknown": 1}', b"\xff"):
        assert client.post(ONBOARD, content=content, headers=headers).status_code == 401, content
