"""Labels: set at onboarding, replaced as a whole by the administrator, on the audit trail, and read everywhere."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME
from tests.api.live import Live
from tests.api.published import ONBOARD, ORGANIZATIONS

LABELS = f"{ORGANIZATIONS}/acme_corp/labels"
DRYRUN = f"{ORGANIZATIONS}/dryrun"
PILOT = {"tier": "pilot", "region": "emea"}
PROFILES = "FROM organizations.org_profiles"
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"Tier": "pilot"}, "a key is 1 to 63 of a-z"),
    ({"1tier": "pilot"}, "begins with a letter"),
    ({"": "pilot"}, "a key is"),
    ({"t" * 64: "pilot"}, "a key is"),
    ({"tier\n": "pilot"}, "a key is"),
    ({"stufé": "pilot"}, "a key is"),
    ({"tier": "Pilot"}, "a value is at most 63"),
    ({"tier": "v" * 64}, "a value is"),
    ({"country": "de"}, "the profile's default_country, as status, location, country, currency, language, timezone"),
    ({"status": "active"}, "the profile's status"),
    ({f"key-{number}": "" for number in range(65)}, "at most 64"),
]


def audited(live: Live) -> list[dict[str, Any]]:
    """What the trail says of every change of the organization but its onboarding."""
    rows = live.rows("SELECT details FROM organizations.org_audit_logs WHERE org_slug = 'acme_corp' AND sequence > 1")
    return [json.loads(row["details"]) for row in rows]


def stored(live: Live) -> object:
    (row,) = live.rows(f"SELECT labels {PROFILES}")
    return row["labels"]


def test_they_are_replaced_as_a_whole_and_once(onboarded: TestClient, live: Live) -> None:
    assert onboarded.get(LABELS).json() == {"org_slug": "acme_corp", "labels": {}}
    answer = onboarded.put(LABELS, json={"labels": PILOT})
    assert (answer.status_code, answer.json()) == (200, {"org_slug": "acme_corp", "labels": PILOT})
    assert onboarded.put(LABELS, json={"labels": dict(reversed(PILOT.items()))}).json() == answer.json()
    onboarded.put(LABELS, json={"labels": {"beta": "", "x_1": "-"}})
    assert onboarded.get(LABELS).json()["labels"] == {"beta": "", "x_1": "-"}
    assert onboarded.put(LABELS, json={"labels": {}}).json()["labels"] == {}
    assert stored(live) is None
    assert audited(live) == [
        {"old": {"labels": {}}, "new": {"labels": PILOT}},
        {"old": {"labels": PILOT}, "new": {"labels": {"beta": "", "x_1": "-"}}},
        {"old": {"labels": {"beta": "", "x_1": "-"}}, "new": {"labels": {}}},
    ]


def test_some_are_changed_and_the_others_stay(onboarded: TestClient, live: Live) -> None:
    onboarded.put(LABELS, json={"labels": PILOT})
    answer = onboarded.patch(LABELS, json={"labels": {"tier": "ga", "region": None, "never-there": None, "beta": ""}})
    assert (answer.status_code, answer.json()) == (200, {"org_slug": "acme_corp", "labels": {"beta": "", "tier": "ga"}})
    assert onboarded.patch(LABELS, json={"labels": {"tier": "ga", "region": None}}).json() == answer.json()
    assert onboarded.patch(LABELS, json={"labels": {}}).json() == answer.json()
    assert audited(live)[1:] == [{"old": {"labels": PILOT}, "new": {"labels": {"beta": "", "tier": "ga"}}}]
    assert onboarded.patch(LABELS, json={"labels": {"beta": None, "tier": None}}).json()["labels"] == {}
    assert stored(live) is None


def test_of_those_that_change_some_at_once_nobody_undoes_what_another_one_did(onboarded: TestClient) -> None:
    start = Barrier(4)

    def change(number: int) -> int:
        start.wait()
        return onboarded.patch(LABELS, json={"labels": {f"key-{number}": ""}}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(change, range(4))] == [200] * 4
    assert onboarded.get(LABELS).json()["labels"] == {f"key-{number}": "" for number in range(4)}


def test_as_many_as_may_be_are_there_already(onboarded: TestClient) -> None:
    most = {f"key-{number:02}": "" for number in range(64)}
    onboarded.put(LABELS, json={"labels": most})
    answer = onboarded.patch(LABELS, json={"labels": {"tier": "pilot"}})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "labels")
    assert onboarded.get(LABELS).json()["labels"] == most
    swapped = onboarded.patch(LABELS, json={"labels": {"tier": "pilot", "key-00": None}})
    assert (swapped.status_code, len(swapped.json()["labels"])) == (200, 64)


def test_they_may_be_as_long_and_as_many_as_the_rules_say(onboarded: TestClient) -> None:
    most = {f"k{number:02}".ljust(63, "-"): "_" * 63 for number in range(64)}
    assert onboarded.put(LABELS, json={"labels": most}).status_code == 200
    assert onboarded.get(LABELS).json()["labels"] == most


def test_they_are_shown_with_the_profile(onboarded: TestClient) -> None:
    onboarded.put(LABELS, json={"labels": PILOT})
    (listed,) = onboarded.get(ORGANIZATIONS).json()["organizations"]
    assert listed["labels"] == PILOT


def test_an_organization_reads_its_own_and_does_not_change_them(onboarded: TestClient, acme_key: str) -> None:
    onboarded.put(LABELS, json={"labels": PILOT})
    own = {"X-CA-Root-Key": "", "X-API-Key": acme_key}
    assert onboarded.get(LABELS, headers=own).json()["labels"] == PILOT
    assert onboarded.put(LABELS, json={"labels": {}}, headers=own).status_code == 401
    assert onboarded.patch(LABELS, json={"labels": {"tier": None}}, headers=own).status_code == 401
    assert onboarded.get(LABELS).json()["labels"] == PILOT


@pytest.mark.parametrize(("labels", "problem"), WRONG, ids=[problem for _, problem in WRONG])
def test_what_cannot_be_changes_nothing(
    onboarded: TestClient, live: Live, labels: dict[str, Any], problem: str
) -> None:
    onboarded.put(LABELS, json={"labels": PILOT})
    before = live.rows(PROFILES), audited(live)
    answers = [
        onboarded.put(LABELS, json={"labels": {**labels, "other": "fine"}}),
        onboarded.patch(LABELS, json={"labels": {**labels, "other": "fine"}}),
        onboarded.post(ONBOARD, json={**ACME, "org_slug": "globex", "labels": labels}),
    ]
    assert [answer.status_code for answer in answers] == [422] * 3
    for answer in answers:
        (error,) = answer.json()["errors"]
        assert error["field"] == "labels"
        assert problem in error["message"]
    assert (live.rows(PROFILES), audited(live)) == before
    dry_run = onboarded.post(DRYRUN, json={**ACME, "org_slug": "globex", "labels": labels}).json()
    assert [check["name"] for check in dry_run["checks"] if not check["passed"]] == ["labels"]


@pytest.mark.parametrize("body", [{}, {"labels": None}, {"labels": ["tier"]}, {"labels": {"tier": 1}}, {"tier": "x"}])
def test_a_body_of_another_shape_is_refused(onboarded: TestClient, body: dict[str, Any]) -> None:
    assert onboarded.put(LABELS, json=body).status_code == 422
    assert onboarded.patch(LABELS, json=body).status_code == 422


def test_they_are_given_at_onboarding(bootstrapped: TestClient, live: Live) -> None:
    assert bootstrapped.post(ONBOARD, json={**ACME, "labels": PILOT}).status_code == 201
    assert bootstrapped.get(LABELS).json()["labels"] == PILOT
    (row,) = live.rows("SELECT details FROM organizations.org_audit_logs WHERE org_slug = 'acme_corp'")
    assert json.loads(row["details"])["labels"] == PILOT


def test_an_organization_that_exists_takes_them_over_when_they_are_given(bootstrapped: TestClient) -> None:
    again = {**ACME, "regenerate_api_key_if_exists": True}
    bootstrapped.post(ONBOARD, json={**ACME, "labels": PILOT})
    for given, expected in (({}, PILOT), ({"labels": {"tier": "ga"}}, {"tier": "ga"}), ({"labels": {}}, {})):
        assert bootstrapped.post(ONBOARD, json={**again, **given}).status_code == 201
        assert bootstrapped.get(LABELS).json()["labels"] == expected


def test_one_request_sent_again_is_one(bootstrapped: TestClient, live: Live) -> None:
    key = {"Idempotency-Key": "once"}
    first = bootstrapped.post(ONBOARD, json={**ACME, "labels": PILOT}, headers=key)
    again = bootstrapped.post(ONBOARD, json={**ACME, "labels": PILOT}, headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    other = bootstrapped.post(ONBOARD, json={**ACME, "labels": {"tier": "ga"}}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert json.loads(str(stored(live))) == PILOT


def test_where_the_column_is_not_there_yet_nobody_has_any(onboarded: TestClient, live: Live) -> None:
    live.execute("ALTER TABLE organizations.org_profiles DROP COLUMN labels")
    assert onboarded.get(LABELS).json()["labels"] == {}
    (listed,) = onboarded.get(ORGANIZATIONS, params={"with_sync_status": True}).json()["organizations"]
    assert listed["labels"] == {}
    assert onboarded.get(f"{ORGANIZATIONS}/nobody/labels").status_code == 404
    globex = {**ACME, "org_slug": "globex"}
    refused = [
        onboarded.put(LABELS, json={"labels": PILOT}),
        onboarded.post(ONBOARD, json={**globex, "labels": PILOT}),
        onboarded.post(ONBOARD, json={**ACME, "labels": PILOT, "regenerate_api_key_if_exists": True}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(409, "not_bootstrapped")] * 3
    assert {answer.json()["detail"] for answer in refused} == {"organizations.org_profiles.labels does not exist"}
    dry_run = onboarded.post(DRYRUN, json={**globex, "labels": PILOT}).json()
    assert [check["name"] for check in dry_run["checks"] if not check["passed"]] == ["bootstrapped"]
    assert onboarded.post(ONBOARD, json=globex).status_code == 201
    onboarded.post("/api/v1/admin/bootstrap/sync")
    assert onboarded.put(LABELS, json={"labels": PILOT}).json()["labels"] == PILOT


@pytest.mark.parametrize(
    "text",
    ["[1]", '"tier"', '{"tier": 1, "region": "emea"}', "null", '{"tier": "\\u001b[31m", "\\r": "", "region": "emea"}'],
)
def test_what_another_program_wrote_is_read_as_far_as_it_is_labels(
    onboarded: TestClient, live: Live, text: str
) -> None:
    live.execute("UPDATE organizations.org_profiles SET labels = ?", text)
    expected = {"region": "emea"} if "emea" in text else {}
    assert onboarded.get(LABELS).json()["labels"] == expected
    (listed,) = onboarded.get(ORGANIZATIONS).json()["organizations"]
    assert listed["labels"] == expected
    assert onboarded.put(LABELS, json={"labels": PILOT}).json()["labels"] == PILOT


def test_of_one_whose_onboarding_has_not_finished_they_stay(onboarded: TestClient, live: Live) -> None:
    live.execute("UPDATE organizations.org_profiles SET status = 'PROVISIONING'")
    answer = onboarded.put(LABELS, json={"labels": PILOT})
    assert (answer.status_code, answer.json()["code"]) == (409, "onboarding_unfinished")
    assert stored(live) is None


def test_what_no_answer_can_hold_keeps_nobody_from_being_listed(onboarded: TestClient, live: Live) -> None:
    live.execute("ALTER TABLE organizations.org_profiles ALTER labels TYPE VARCHAR")
    live.execute(
        "UPDATE organizations.org_profiles SET labels = ?", r'{"tier": "\ud800", "\udfff": "", "region": "emea"}'
    )
    (listed,) = onboarded.get(ORGANIZATIONS).json()["organizations"]
    assert listed["labels"] == onboarded.get(LABELS).json()["labels"] == {"region": "emea"}
