"""`cloudact org` on subscriptions, quotas, the life cycle, locales and labels: here, and through the service alike."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME, ROOT_KEY
from tests.cli.command_line import CommandLine


def test_a_subscription_is_shown_and_changed_in_part(acme: CommandLine) -> None:
    shown = acme.succeed("org", "subscription", "acme_corp")
    assert "acme_corp  ACTIVE  Plan STARTER is ACTIVE." in shown
    assert "daily_limit 6, monthly_limit 180, concurrent_limit 1" in shown
    changed = acme.answer("org", "subscription", "acme_corp", "--end", "2099-12-31")
    assert (changed["plan_name"], changed["subscription_end_date"]) == ("STARTER", "2099-12-31")
    changed = acme.answer("org", "subscription", "acme_corp", "--plan", "ENTERPRISE")
    assert (changed["subscription_end_date"], changed["limits"]["daily_limit"]) == ("2099-12-31", None)
    assert "daily_limit unlimited" in acme.succeed("org", "subscription", "acme_corp")
    changed = acme.answer("org", "subscription", "acme_corp", "--status", "TRIAL", "--trial-end", "2098-01-01")
    assert (changed["status"], changed["trial_end_date"]) == ("TRIAL", "2098-01-01")


def test_a_quota_shows_what_is_used(acme: CommandLine) -> None:
    acme.succeed("pipeline", "run", "--pipeline", "organization_sync", "--tenant-id", "acme_corp")
    lines = [line.split() for line in acme.succeed("org", "quota", "acme_corp").splitlines()]
    assert lines[0] == ["what", "is", "counted", "used", "limit", "starts", "again", "at", "(UTC)"]
    assert lines[1][:6] == ["pipeline", "runs", "today", "(UTC)", "1", "6"]
    assert lines[3][-2:] == ["0", "1"]
    assert lines[4:] == [["providers", "0", "3"], ["seats", "not", "counted", "2"]]


def test_a_run_beyond_the_plan_is_a_wrong_state(acme: CommandLine) -> None:
    with acme.warehouse() as live:
        live.execute("UPDATE organizations.org_subscriptions SET daily_limit = 1")
    run = ("pipeline", "run", "--pipeline", "organization_sync", "--tenant-id", "acme_corp")
    acme.succeed(*run)
    exit_code, problem = acme.refusal(*run)
    assert (exit_code, problem["code"]) == (5, "quota_exceeded")


def test_a_suspended_organization_is_shown_as_one(acme: CommandLine) -> None:
    assert "acme_corp  SUSPENDED" in acme.succeed("org", "suspend", "acme_corp")
    assert acme.answer("org", "status", "acme_corp")["organization_status"] == "SUSPENDED"
    exit_code, problem = acme.refusal("pipeline", "run", "--pipeline", "organization_sync", "--tenant-id", "acme_corp")
    assert (exit_code, problem["code"]) == (5, "organization_not_active")
    assert "acme_corp  ACTIVE" in acme.succeed("org", "reactivate", "acme_corp")


def test_a_locale_is_shown_and_changed_in_part(acme: CommandLine) -> None:
    assert "default_timezone: America/New_York" in acme.succeed("org", "locale", "acme_corp")
    changed = acme.answer(
        "org", "locale", "acme_corp", "--currency", "EUR", "--fiscal-year-start", "4", "--language", "de"
    )
    assert changed == {
        "org_slug": "acme_corp",
        "default_currency": "EUR",
        "default_timezone": "America/New_York",
        "default_language": "de",
        "default_country": None,
        "fiscal_year_start_month": 4,
    }
    assert acme.refusal("org", "locale", "acme_corp", "--timezone", "Nowhere")[0] == 3
    assert acme.run("org", "locale", "acme_corp", "--fiscal-year-start", "13").exit_code == 2


def test_labels_are_shown_and_changed_in_part(acme: CommandLine) -> None:
    assert acme.succeed("org", "labels", "acme_corp") == "org_slug: acme_corp\nno labels\n"
    acme.succeed("org", "labels", "acme_corp", "tier=pilot", "beta=")
    changed = acme.answer("org", "labels", "acme_corp", "region=emea", "--remove", "beta", "--remove", "never-there")
    assert changed == {"org_slug": "acme_corp", "labels": {"region": "emea", "tier": "pilot"}}
    assert acme.succeed("org", "labels", "acme_corp").splitlines()[1:] == ["region=emea", "tier=pilot"]
    assert "region=emea, tier=pilot" in acme.succeed("org", "list")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["tier"], "no assignment"),
        (["tier=a", "tier=b"], "given twice"),
        (["\x1b[31mtier=a", "\x1b[31mtier=b"], "label '\\x1b[31mtier' is given twice"),
        (["tier=a", "--remove", "tier"], "set and taken away"),
        (["tier=Pilot"], "cannot be the value"),
        (["country=DE"], "profile's default_country"),
    ],
)
def test_labels_that_cannot_be_are_refused(acme: CommandLine, arguments: list[str], what: str) -> None:
    exit_code, problem = acme.refusal("org", "labels", "acme_corp", *arguments)
    assert (exit_code, problem["code"]) == (3, "invalid_request")
    assert what in problem["detail"]
    assert acme.answer("org", "labels", "acme_corp")["labels"] == {}


def test_labels_are_set_at_onboarding(cli: CommandLine) -> None:
    cli.succeed("bootstrap", "run")
    company = ("--company-name", "Globex", "--admin-email", "admin@globex.com")
    assert cli.refusal("org", "onboard", "globex", *company, "--label", "tier")[0] == 3
    cli.succeed("org", "onboard", "globex", *company, "--label", "tier=pilot", "--label", "region=emea")
    assert cli.answer("org", "labels", "globex")["labels"] == {"region": "emea", "tier": "pilot"}


@pytest.mark.parametrize("command", ["subscription", "quota", "locale", "labels"])
def test_a_service_answers_the_same(
    cli: CommandLine, acme: CommandLine, service_url: str, onboarded: TestClient, command: str
) -> None:
    there = acme.answer("org", command, "acme_corp", CA_API_URL=service_url, CA_ROOT_API_KEY=ROOT_KEY)
    here = acme.answer("org", command, "acme_corp")
    assert there.keys() == here.keys()
    assert there["org_slug"] == "acme_corp"


def test_changes_go_through_a_service_too(acme: CommandLine, service_url: str, onboarded: TestClient) -> None:
    at_service = {"CA_API_URL": service_url, "CA_ROOT_API_KEY": ROOT_KEY}
    assert acme.answer("org", "suspend", "acme_corp", **at_service)["changed"]
    assert acme.answer("org", "reactivate", "acme_corp", **at_service)["changed"]
    changed = acme.answer("org", "subscription", "acme_corp", "--plan", "SCALE", **at_service)
    assert changed["limits"]["daily_limit"] == 100
    changed = acme.answer("org", "locale", "acme_corp", "--country", "DE", **at_service)
    assert (changed["default_country"], changed["default_currency"]) == ("DE", ACME["default_currency"])
    changed = acme.answer("org", "labels", "acme_corp", "tier=pilot", "beta=", **at_service)
    changed = acme.answer("org", "labels", "acme_corp", "--remove", "beta", **at_service)
    assert changed == {"org_slug": "acme_corp", "labels": {"tier": "pilot"}}
    assert acme.answer("org", "subscription", "acme_corp")["plan_name"] == "STARTER"  # another file
    assert onboarded.get("/api/v1/organizations/acme_corp/subscription").json()["plan_name"] == "SCALE"
