"""`GET /api/v1/organizations`: pages in the order of slugs, with filters."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME
from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live
from tests.api.published import ONBOARD, ORGANIZATIONS

PROFILES = [
    ("acme_corp", "Acme Corporation", "STARTER", "ACTIVE"),
    ("acme_labs", "Acme 研究所", "SCALE", "ACTIVE"),
    ("globex", "Globex 100%", "SCALE", "SUSPENDED"),
    ("initech", "O'Brien", "STARTER", "ACTIVE"),
    ("umbrella", "Umbrella_Corp", "ENTERPRISE", "INACTIVE"),
]


@pytest.fixture
def populated(bootstrapped: TestClient, live: Live) -> TestClient:
    """The application with five profiles, inserted out of order."""
    for slug, name, plan, status in reversed(PROFILES):
        live.execute(
            "INSERT INTO organizations.org_profiles (org_slug, company_name, admin_email, org_dataset_id, status,"
            " subscription_plan, created_at) VALUES (?, ?, 'admin@acme.com', ?, ?, ?, TIMESTAMPTZ '2026-01-01 00:00Z')",
            *(slug, name, f"{slug}_prod", status, plan),
        )
    return bootstrapped


def listed(client: TestClient, **query: object) -> tuple[list[str], int]:
    """Return the slugs on the page, and how many match in all."""
    answer = client.get(ORGANIZATIONS, params=query)
    assert answer.status_code == 200
    return [item["org_slug"] for item in answer.json()["organizations"]], answer.json()["total"]


def test_without_organizations_the_page_is_empty(bootstrapped: TestClient) -> None:
    empty = {"organizations": [], "total": 0, "limit": 50, "offset": 0, "sync_status": {}}
    for query in ({}, {"with_sync_status": True}):
        assert bootstrapped.get(ORGANIZATIONS, params=query).json() == empty


def test_an_organization_is_listed_with_its_profile(onboarded: TestClient) -> None:
    page = onboarded.get(ORGANIZATIONS).json()
    (listed_one,) = page["organizations"]
    assert listed_one == {
        "org_slug": "acme_corp",
        "company_name": "Acme Corporation",
        "admin_email": "admin@acme.com",
        "org_dataset_id": "acme_corp_prod",
        "dataset_location": "US",
        "status": "ACTIVE",
        "subscription_plan": "STARTER",
        "default_currency": "USD",
        "default_country": None,
        "default_language": None,
        "default_timezone": "America/New_York",
        "created_at": listed_one["created_at"],
        "updated_at": listed_one["created_at"],
        "labels": {},
    }
    assert listed_one["created_at"].endswith("Z")


def test_all_are_listed_in_the_order_of_their_slugs(populated: TestClient) -> None:
    assert listed(populated) == ([slug for slug, *_ in PROFILES], 5)


@pytest.mark.parametrize(
    ("limit", "offset", "page"),
    [
        (2, 0, ["acme_corp", "acme_labs"]),
        (2, 2, ["globex", "initech"]),
        (2, 4, ["umbrella"]),
        (2, 5, []),
        (500, 0, [slug for slug, *_ in PROFILES]),
        (1, 2**31, []),
    ],
)
def test_a_page_is_a_part_of_all(populated: TestClient, limit: int, offset: int, page: list[str]) -> None:
    assert listed(populated, limit=limit, offset=offset) == (page, 5)
    answer = populated.get(ORGANIZATIONS, params={"limit": limit, "offset": offset}).json()
    assert (answer["limit"], answer["offset"]) == (limit, offset)


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ({"status": "ACTIVE"}, ["acme_corp", "acme_labs", "initech"]),
        ({"status": "active"}, []),
        ({"subscription_plan": "SCALE"}, ["acme_labs", "globex"]),
        ({"status": "ACTIVE", "subscription_plan": "SCALE"}, ["acme_labs"]),
        ({"search": "acme"}, ["acme_corp", "acme_labs"]),
        ({"search": "ACME"}, ["acme_corp", "acme_labs"]),
        ({"search": "corp"}, ["acme_corp", "umbrella"]),
        ({"search": "研究"}, ["acme_labs"]),
        ({"search": "%"}, ["globex"]),
        ({"search": "_corp"}, ["acme_corp", "umbrella"]),
        ({"search": "'"}, ["initech"]),
        ({"search": "x' OR '1'='1"}, []),
        ({"search": "nothing like it"}, []),
        ({"search": "acme", "subscription_plan": "STARTER"}, ["acme_corp"]),
    ],
    ids=str,
)
def test_filters_narrow_the_list_and_its_total(populated: TestClient, query: dict[str, str], slugs: list[str]) -> None:
    assert listed(populated, **query) == (slugs, len(slugs))


def test_the_total_of_a_filtered_list_counts_all_pages(populated: TestClient) -> None:
    assert listed(populated, status="ACTIVE", limit=1, offset=1) == (["acme_labs"], 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", "0"), ("limit", "501"), ("limit", "-1"), ("limit", "many"), ("offset", "-1"), ("offset", "1.5")],
)
def test_a_page_that_cannot_be_is_refused_by_name(populated: TestClient, name: str, value: str) -> None:
    answer = populated.get(ORGANIZATIONS, params={name: value})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [name]


@pytest.mark.parametrize("name", ["plan", "Status", "page", "org_slug"])
def test_an_unknown_parameter_is_refused_rather_than_ignored(populated: TestClient, name: str) -> None:
    answer = populated.get(ORGANIZATIONS, params={name: "ACTIVE", "limit": 2})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.json()["errors"]] == [name]


def test_what_was_onboarded_is_listed_at_once(populated: TestClient) -> None:
    populated.post(ONBOARD, json={**ACME, "org_slug": "hooli"})
    assert listed(populated, search="hooli") == (["hooli"], 1)


def test_before_bootstrap_it_says_so_with_the_call_to_make(client: TestClient) -> None:
    answer = client.get(ORGANIZATIONS)
    assert answer.status_code == 409
    assert answer.json()["code"] == "not_bootstrapped"
    assert "POST /api/v1/admin/bootstrap" in answer.json()["hint"]


def test_asking_changes_nothing(populated: TestClient, live: Live) -> None:
    before = live.snapshot()
    listed(populated, search="acme", limit=1)
    assert live.snapshot() == before


def test_where_each_stands_is_told_when_it_is_asked_for(onboarded: TestClient, live: Live, files: CatalogFiles) -> None:
    for slug in ("deleted", "drifted", "unfinished"):
        assert onboarded.post(ONBOARD, json={**ACME, "org_slug": slug}).status_code == 201
    live.execute("DROP SCHEMA deleted_prod CASCADE")
    live.execute("DROP TABLE drifted_prod.subscription_plans")
    live.execute("UPDATE organizations.org_profiles SET status = 'PROVISIONING' WHERE org_slug = 'unfinished'")
    before = live.snapshot()
    told = onboarded.get(ORGANIZATIONS, params={"with_sync_status": True}).json()["sync_status"]
    assert told == {
        "acme_corp": "SYNCED",
        "deleted": "PROFILE_ONLY",
        "drifted": "OUT_OF_SYNC",
        "unfinished": "OUT_OF_SYNC",
    }
    for slug, status in told.items():
        assert onboarded.get(f"{ORGANIZATIONS}/{slug}/status").json()["status"] == status
    assert onboarded.get(ORGANIZATIONS).json()["sync_status"] == {}
    assert live.snapshot() == before
    files.add_column("organizations", "genai_payg_pricing", "new_column")
    page = {"with_sync_status": True, "limit": 2}
    assert onboarded.get(ORGANIZATIONS, params=page).json()["sync_status"] == {
        "acme_corp": "OUT_OF_SYNC",
        "deleted": "PROFILE_ONLY",
    }
