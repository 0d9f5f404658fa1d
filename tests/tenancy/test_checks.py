"""What an onboarding request must satisfy, field by field."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudact.errors import InvalidRequest
from cloudact.tenancy.checks import Check, OnboardingRequest, field_checks, require
from cloudact.tenancy.plans import SubscriptionPlan
from tests.acme import ACME

PLANS = {"STARTER": SubscriptionPlan(daily_limit=6), "SCALE": SubscriptionPlan()}
REQUEST = OnboardingRequest(**ACME)
ZONES = (resources.files("tzdata") / "zones").read_text().split()


def check(field: str, value: str) -> Check:
    """Return the check of one field that has this value."""
    found = field_checks(replace(REQUEST, **{field: value}), PLANS)
    return next(item for item in found if item.name == field)


def test_a_good_request_passes_every_check_in_the_order_of_its_fields() -> None:
    checks = field_checks(REQUEST, PLANS)
    assert [item.name for item in checks] == list(ACME)
    assert all(item.passed for item in checks)
    assert checks[0].message == "acme_corp is valid"
    require(checks)


def test_optional_fields_are_checked_when_they_are_given() -> None:
    request = replace(REQUEST, default_country="DE", default_language="de")
    assert [item.name for item in field_checks(request, PLANS)][-2:] == ["default_country", "default_language"]
    assert all(item.passed for item in field_checks(request, PLANS))


def test_everything_wrong_is_told_at_once() -> None:
    request = replace(REQUEST, org_slug="A", admin_email="nobody", default_currency="usd")
    with pytest.raises(InvalidRequest) as caught:
        require(field_checks(request, PLANS))
    assert [item.field for item in caught.value.problems] == ["org_slug", "admin_email", "default_currency"]
    assert "default_currency: 'usd' is not an ISO 4217 currency code" in caught.value.message


def test_every_iana_time_zone_is_accepted() -> None:
    assert len(ZONES) > 500
    assert [name for name in ZONES if not check("default_timezone", name).passed] == ["Factory"]


@pytest.mark.parametrize(
    "name",
    ["", "america/new_york", "America/New York", "New_York", "+01:00", "UTC+1", "Mars/Olympus", "localtime", "Factory",
     "posix/UTC", "../UTC", "/etc/localtime", "UTC\n", " UTC"],
)  # fmt: skip
def test_what_is_no_iana_time_zone_is_refused(name: str) -> None:
    found = check("default_timezone", name)
    expected = f"{name!r} is not an IANA time zone, such as UTC, Europe/Berlin or America/New_York"
    assert found == Check("default_timezone", passed=False, message=expected)


@pytest.mark.parametrize("code", ["USD", "EUR", "JPY", "GBP", "CHF", "INR", "KWD", "BRL", "CNY", "ZAR"])
def test_an_iso_4217_currency_is_accepted(code: str) -> None:
    assert check("default_currency", code).passed


@pytest.mark.parametrize("code", ["", "usd", "US", "USDT", "BTC", "DEM", "840", "$", "USD ", "\uff35SD"])
def test_what_is_no_iso_4217_currency_is_refused(code: str) -> None:
    found = check("default_currency", code)
    expected = f"{code!r} is not an ISO 4217 currency code, such as USD, EUR or JPY"
    assert found == Check("default_currency", passed=False, message=expected)


@pytest.mark.parametrize(
    "address",
    ["admin@acme.com", "first.last+tag@mail.acme.co.uk", "o'brien@acme.ie", "ü@müller.de", "用户@例子.公司"],
)
def test_an_email_address_of_any_script_is_accepted(address: str) -> None:
    assert check("admin_email", address).passed


@pytest.mark.parametrize(
    "address",
    ["", "acme.com", "@acme.com", "admin@", "admin@acme", "admin@localhost", "a b@acme.com", "a..b@acme.com",
     "admin@acme.com ", "admin@acme.com\n", "Admin <admin@acme.com>", "a@b.com, c@d.com", "admin@-acme.com",
     "admin@" + "a" * 300 + ".com"],
)  # fmt: skip
def test_what_is_no_email_address_is_refused_with_the_reason(address: str) -> None:
    found = check("admin_email", address)
    assert not found.passed
    assert found.message.startswith(f"{address!r} is not an e-mail address: ")


@pytest.mark.parametrize(
    "name",
    ["Acme Corporation", "X", "株式会社アクメ", "شركة أكمي", "Société d'Été", "Ακμή", "Акме", "אקמי", "एक्मे", "🙂 Inc.",
     "O'Neil & Söhne <GmbH>; -- \"1\"", "  Acme  ", "x" * 255],
)  # fmt: skip
def test_a_company_name_of_any_script_is_accepted(name: str) -> None:
    assert check("company_name", name).passed


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("", "is empty"),
        (" \u3000", "is empty"),
        ("x" * 256, "has 256 characters; at most 255 are allowed"),
        *((f"Ac{control}me", "has control characters") for control in "\0\t\n\x1b\x7f\x85\x9b"),
        ("Ac\ud800me", "has half of a surrogate pair, which is no character"),
    ],
    ids=ascii,
)
def test_a_company_name_that_is_no_name_is_refused(name: str, what: str) -> None:
    assert check("company_name", name) == Check("company_name", passed=False, message=f"{name!r} {what}")


def test_a_plan_is_one_of_the_declared_ones() -> None:
    assert check("subscription_plan", "SCALE").passed
    found = check("subscription_plan", "scale")
    assert (found.passed, found.message) == (False, "'scale' is not a plan; plans are STARTER, SCALE")


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("default_country", ["US", "DE", "JP"], ["us", "USA", "ZZ", "", "840", "D"]),
        ("default_language", ["en", "de", "ja", "en-US"], ["EN", "eng", "zz", "", "en-us", "en-", "en-ZZ"]),
    ],
)
def test_countries_and_languages_are_codes_that_exist(field: str, good: list[str], bad: list[str]) -> None:
    assert all(check(field, code).passed for code in good)
    assert not any(check(field, code).passed for code in bad)


@given(st.builds(OnboardingRequest, *[st.text(max_size=20)] * 6, *[st.none() | st.text(max_size=3)] * 2))
def test_any_text_in_any_field_is_judged(request: OnboardingRequest) -> None:
    for item in field_checks(request, PLANS):
        assert item.passed == item.message.endswith(" is valid")
