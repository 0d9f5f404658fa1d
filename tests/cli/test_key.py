"""`cloudact key`: keys on the command line, in this process and through a service."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.acme import ROOT_KEY
from tests.cli.command_line import CommandLine


def test_a_key_is_made_listed_rotated_and_revoked(acme: CommandLine) -> None:
    made = acme.answer("key", "create", "acme_corp", "--scope", "org:read", "--expires-in", "90d", "--name", "reports")
    assert made["api_key"].startswith("acme_corp_api_")
    assert (made["key"]["name"], made["key"]["scopes"]) == ("reports", ["org:read"])
    rotated = acme.answer("key", "rotate", "acme_corp", made["key"]["key_id"], "--grace", "0s")
    assert rotated["replaced"]["replaced_by"] == rotated["key"]["key_id"]
    assert acme.answer("key", "revoke", "acme_corp", rotated["key"]["key_id"])["status"] == "REVOKED"
    listed = acme.answer("key", "list", "acme_corp")
    assert [key["status"] for key in listed["keys"]] == ["ACTIVE", "EXPIRED", "REVOKED"]


@pytest.mark.slow
def test_people_see_the_key_once_and_a_table(acme: CommandLine) -> None:
    printed = acme.succeed("key", "create", "acme_corp", "--name", "reports")
    key = printed.splitlines()[0].removeprefix("API key: ")
    assert key.startswith("acme_corp_api_")
    assert "it is not told again" in printed
    listed = acme.succeed("key", "list", "acme_corp")
    assert "reports" in listed
    assert "2 of 2 keys" in listed
    assert key not in listed
    key_id = acme.answer("key", "list", "acme_corp")["keys"][1]["key_id"]
    assert "until" in acme.succeed("key", "rotate", "acme_corp", key_id)
    assert "REVOKED" in acme.succeed("key", "revoke", "acme_corp", key_id)


def test_a_time_that_is_none_is_named(acme: CommandLine) -> None:
    for time in ("1", "h", "-1h", "1w", "4000d", "1.5h", ""):
        code, problem = acme.refusal("key", "create", "acme_corp", f"--expires-in={time}")
        assert (code, problem["code"]) == (3, "invalid_request"), time
        assert "--expires-in" in problem["detail"]


def test_what_cannot_be_done_is_told_with_its_exit_code(acme: CommandLine) -> None:
    assert acme.refusal("key", "create", "acme_corp", "--scope", "org:admin")[0] == 3
    assert acme.refusal("key", "revoke", "acme_corp", "no-such-key")[0] == 5
    assert acme.refusal("key", "list", "nobody")[1]["code"] == "organization_not_found"
    assert acme.refusal("key", "list", "NOT A SLUG")[1]["code"] == "invalid_request"


@pytest.mark.slow
def test_a_service_does_the_same(cli: CommandLine, onboarded: TestClient, service_url: str) -> None:
    where = {"CA_API_URL": service_url, "CA_ROOT_API_KEY": ROOT_KEY}
    made = cli.answer("key", "create", "acme_corp", "--scope", "org:read", "--expires-in", "1h", **where)
    rotated = cli.answer("key", "rotate", "acme_corp", made["key"]["key_id"], "--grace", "2m", **where)
    assert cli.answer("key", "revoke", "acme_corp", rotated["key"]["key_id"], **where)["status"] == "REVOKED"
    assert cli.answer("key", "list", "acme_corp", **where)["total"] == 3
    assert "REVOKED" in cli.succeed("key", "list", "acme_corp", **where)
    assert cli.refusal("key", "revoke", "acme_corp", "a/b", **where)[1]["code"] in {"key_not_found", "not_found"}
