"""What an onboarding request may hold, field by field; a refused request leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME
from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live
from tests.api.published import ONBOARD

SLUGS = ["abc", "a1_", "0_0", "acme_corp", "x" * 50, "123"]
BAD_SLUGS = [
    *("", "ab", "x" * 51, "Acme", "acme-corp", "acme corp", "acme.corp", "_acme", "../acme", 'acme"', "acme;--"),
    *("acme\n", "\nacme", "acme\0", "acme٣", "acme\uff14", "açme", "\u0430cme", "acme🚀"),
    *("organizations", "admin", "onboard", "dryrun", "information_schema", "main", "public"),
]
EMAILS = ["admin@acme.com", "a.b+c@sub.example.co.uk", "Admin@Acme.com", "jörg@exämple.de", "o'brien@acme.com"]
BAD_EMAILS = ["", "admin", "@acme.com", "admin@", "admin@acme", "a b@acme.com", "admin@acme.com\n", "a@b@acme.com"]
CURRENCIES = ["USD", "EUR", "JPY", "CHF", "BHD", "INR"]
BAD_CURRENCIES = ["", "usd", "US", "USDX", "ZZZ", "DOLLAR", "$", "USD "]
ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Asia/Calcutta", "Etc/GMT+12", "EST5EDT", "Pacific/Chatham"]
BAD_ZONES = ["", "New York", "america/new_york", "Mars/Base", "../etc/passwd", "UTC+2", "localtime", "EUROPE/BERLIN"]
BAD_PLANS = ["", "FREE", "starter", "STARTER ", "null"]
COMPANIES = {
    "Japanese": "株式会社アクメ",
    "Arabic": "شركة أكمي",
    "Hindi": "एक्मे लिमिटेड",
    "emoji": "Acme 🚀👩‍👩‍👧",
    "single quote": "O'Brien & Sons",
    "double quote": 'The "Best" Company',
    "SQL": "'); DROP TABLE organizations.org_profiles; --",
    "backslash": r"C:\acme\n",
    "spaces at both ends": "  Acme  ",
    "one character": "A",
    "combining characters": "Zo\u0065\u0301",
    "longest": "株" * 255,
}
BAD_COMPANIES = ["", "   ", "a\nb", "a\0b", "a\x7fb", "x" * 256]
COUNTRIES = ["US", "DE", "JP"]
BAD_COUNTRIES = ["", "us", "USA", "ZZ", "D"]
LANGUAGES = ["en", "de", "ja", "en-US", "pt-BR", "zh-TW"]
BAD_LANGUAGES = ["", "EN", "eng", "zz", "en-", "-US", "en-us", "en_US", "EN-US", "en-ZZ", "en-US-", "en-US-x"]

ACCEPTED = {
    "org_slug": SLUGS,
    "admin_email": EMAILS,
    "default_currency": CURRENCIES,
    "default_timezone": ZONES,
    "default_country": COUNTRIES,
    "default_language": LANGUAGES,
}
REFUSED = {
    "org_slug": BAD_SLUGS,
    "company_name": BAD_COMPANIES,
    "admin_email": BAD_EMAILS,
    "subscription_plan": BAD_PLANS,
    "default_currency": BAD_CURRENCIES,
    "default_timezone": BAD_ZONES,
    "default_country": BAD_COUNTRIES,
    "default_language": BAD_LANGUAGES,
}
NOT_TEXT = [5, True, ["a"], {"a": 1}]


Refused = Callable[[dict[str, object], str], None]


@pytest.fixture
def assert_refused(bootstrapped: TestClient, live: Live) -> Iterator[Refused]:
    """Ask for what must be refused because of one field; in the end nothing may have been left behind."""
    before = live.snapshot()

    def ask(body: dict[str, object], field: str) -> None:
        answer = bootstrapped.post(ONBOARD, json=body)
        assert answer.status_code == 422, body
        problem = answer.json()
        assert problem["code"] == "invalid_request"
        assert [error["field"] for error in problem["errors"]] == [field], body
        assert all(error["message"] for error in problem["errors"])
        assert field in problem["detail"]

    yield ask
    assert live.snapshot() == before


@pytest.mark.parametrize("field", ACCEPTED)
def test_a_valid_value_is_stored_as_given(bootstrapped: TestClient, live: Live, field: str) -> None:
    for number, value in enumerate(ACCEPTED[field]):
        body = {**ACME, "org_slug": f"organization_{number}", field: value}
        assert bootstrapped.post(ONBOARD, json=body).status_code == 201, value
        stored = f"SELECT {field} FROM organizations.org_profiles WHERE org_slug = ?"
        assert live.rows(stored, body["org_slug"]) == [{field: value}]


def test_a_company_name_of_any_script_is_stored_and_given_back_as_given(bootstrapped: TestClient, live: Live) -> None:
    given = {f"organization_{number}": name for number, name in enumerate(COMPANIES.values())}
    for slug, name in given.items():
        answer = bootstrapped.post(ONBOARD, json={**ACME, "org_slug": slug, "company_name": name})
        assert answer.status_code == 201, name
        assert answer.json()["company_name"] == name
    stored = live.rows("SELECT org_slug, company_name FROM organizations.org_profiles")
    assert {row["org_slug"]: row["company_name"] for row in stored} == given
    listed = bootstrapped.get("/api/v1/organizations", params={"limit": 100}).json()["organizations"]
    assert {item["org_slug"]: item["company_name"] for item in listed} == given


def test_a_value_that_cannot_be_meant_is_refused_by_name(assert_refused: Refused) -> None:
    for field, values in REFUSED.items():
        for value in values:
            assert_refused({**ACME, field: value}, field)


def test_a_value_that_is_not_text_is_refused_by_name(assert_refused: Refused) -> None:
    for field in REFUSED:
        for value in NOT_TEXT:
            assert_refused({**ACME, field: value}, field)


def test_null_is_no_way_to_ask_for_a_default(assert_refused: Refused) -> None:
    for field in ACME:
        assert_refused({**ACME, field: None}, field)


def test_a_field_without_default_has_to_be_there(assert_refused: Refused) -> None:
    for field in ("org_slug", "company_name", "admin_email"):
        assert_refused({name: value for name, value in ACME.items() if name != field}, field)


def test_an_unknown_field_is_refused_rather_than_ignored(assert_refused: Refused) -> None:
    assert_refused({**ACME, "defualt_currency": "EUR"}, "defualt_currency")


def test_everything_wrong_is_told_at_once(bootstrapped: TestClient) -> None:
    wrong = {
        "org_slug": "A",
        "company_name": "",
        "admin_email": "x",
        "subscription_plan": "FREE",
        "default_currency": "usd",
        "default_timezone": "Mars/Base",
    }
    answer = bootstrapped.post(ONBOARD, json=wrong)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == list(wrong)


def test_a_refused_plan_lists_the_plans_there_are(bootstrapped: TestClient) -> None:
    answer = bootstrapped.post(ONBOARD, json={**ACME, "subscription_plan": "FREE"})
    assert "STARTER, PROFESSIONAL, SCALE, ENTERPRISE" in answer.json()["detail"]


def test_a_plan_added_to_the_declared_ones_can_be_chosen_at_once(
    bootstrapped: TestClient, live: Live, files: CatalogFiles
) -> None:
    plans = files.root / "plans.yml"
    plans.write_text(plans.read_text() + "  TRIAL: {daily_limit: 1}\n")
    assert bootstrapped.post(ONBOARD, json={**ACME, "subscription_plan": "TRIAL"}).status_code == 201
    assert live.rows("SELECT plan_name, daily_limit, monthly_limit FROM organizations.org_subscriptions") == [
        {"plan_name": "TRIAL", "daily_limit": 1, "monthly_limit": None}
    ]
