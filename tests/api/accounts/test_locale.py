"""Locales: replaced as a whole, by the checks of onboarding."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.live import Live
from tests.api.published import ORGANIZATIONS

LOCALE = f"{ORGANIZATIONS}/acme_corp/locale"
GERMAN = {
    "default_currency": "EUR",
    "default_timezone": "Europe/Berlin",
    "default_language": "de-DE",
    "default_country": "DE",
    "fiscal_year_start_month": 4,
}


def test_it_begins_as_it_was_onboarded(onboarded: TestClient) -> None:
    assert onboarded.get(LOCALE).json() == {
        "org_slug": "acme_corp",
        "default_currency": "USD",
        "default_timezone": "America/New_York",
        "default_language": None,
        "default_country": None,
        "fiscal_year_start_month": 1,
    }


def test_an_organization_changes_its_own(onboarded: TestClient, acme_key: str, live: Live) -> None:
    own = {"X-CA-Root-Key": "", "X-API-Key": acme_key}
    assert onboarded.put(LOCALE, json=GERMAN, headers=own).json() == {"org_slug": "acme_corp", **GERMAN}
    assert onboarded.get(LOCALE, headers=own).json() == {"org_slug": "acme_corp", **GERMAN}
    (row,) = live.rows("SELECT * FROM organizations.org_audit_logs WHERE details LIKE '%Europe/Berlin%'")
    assert (row["action"], row["org_slug"], row["api_key_id"] is not None) == ("UPDATE", "acme_corp", True)
    assert "America/New_York" in row["details"]


def test_what_is_left_out_has_no_value_any_more(onboarded: TestClient) -> None:
    onboarded.put(LOCALE, json=GERMAN)
    answer = onboarded.put(LOCALE, json={"default_currency": "JPY", "default_timezone": "Asia/Tokyo"}).json()
    assert (answer["default_language"], answer["default_country"], answer["fiscal_year_start_month"]) == (None, None, 1)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"default_currency": "EURO"}, "default_currency"),
        ({"default_timezone": "Berlin"}, "default_timezone"),
        ({"default_language": "german"}, "default_language"),
        ({"default_country": "de"}, "default_country"),
        ({"fiscal_year_start_month": 13}, "fiscal_year_start_month"),
        ({"fiscal_year_start_month": 0}, "fiscal_year_start_month"),
        ({"currency": "EUR"}, "currency"),
    ],
)
def test_a_wrong_value_changes_nothing(onboarded: TestClient, live: Live, changed: dict[str, Any], field: str) -> None:
    before = live.rows("FROM organizations.org_profiles")
    answer = onboarded.put(LOCALE, json={**GERMAN, **changed})
    assert (answer.status_code, [problem["field"] for problem in answer.json()["errors"]]) == (422, [field])
    assert live.rows("FROM organizations.org_profiles") == before
