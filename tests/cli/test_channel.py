"""`cloudact channel`: what it prints, how it ends, secrets from files, and a service that answers the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acme import ACME, ROOT_KEY
from tests.cli.command_line import CommandLine

CANARY = "canary-71c5e9a3d8f2"
PUT = ("channel", "put", "acme_corp", "--name", "On call")


@pytest.fixture
def url_file(tmp_path: Path) -> Path:
    """A file with a URL in it, as an editor leaves it."""
    file = tmp_path / "slack.url"
    file.write_text(f"https://hooks.example.com/{CANARY}\n")
    return file


@pytest.fixture
def headers_file(tmp_path: Path) -> Path:
    """A file with headers in it."""
    file = tmp_path / "headers.json"
    file.write_text(f'{{"Authorization": "Bearer {CANARY}"}}\n')
    return file


def test_channels_are_stored_listed_replaced_and_taken_out_of_use(
    acme: CommandLine, url_file: Path, headers_file: Path
) -> None:
    printed = acme.succeed(*PUT, "--type", "slack", "--url-file", str(url_file), "--slack-channel", "#finops")
    assert printed.splitlines()[0].split()[1:] == ["ACTIVE", "On", "call"]
    assert "SLACK, https://hooks.example.com/****, #finops" in printed
    secrets = ("--url-file", str(url_file), "--headers-file", str(headers_file))
    webhook = acme.answer(*PUT, "--type", "WEBHOOK", *secrets, "--method", "put", "--default")
    assert (webhook["webhook_method"], webhook["masked_headers"], webhook["is_default"]) == ("PUT", "****", True)
    email = acme.answer(*PUT, "--type", "EMAIL", "--to", "a@acme.com", "--to", "b@acme.com", "--subject-prefix", "[x]")
    assert email["email_recipients"] == ["a@acme.com", "b@acme.com"]
    changed = acme.succeed(*PUT, "--type", "WEBHOOK", "--id", webhook["channel_id"])
    assert "WEBHOOK, https://hooks.example.com/****, with headers" in changed
    shown = acme.answer("channel", "show", "acme_corp", webhook["channel_id"])
    assert (shown["webhook_method"], shown["is_default"]) == ("POST", False)
    assert "INACTIVE" in acme.succeed("channel", "deactivate", "acme_corp", webhook["channel_id"])
    assert "2 of 2 channels" in acme.succeed("channel", "list", "acme_corp")
    listed = acme.answer("channel", "list", "acme_corp", "--inactive", "--type", "webhook")
    assert [item["channel_id"] for item in listed["channels"]] == [webhook["channel_id"]]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--type", "SLACK"), "slack_webhook_url: is needed"),
        (("--type", "SLACK", "--url-file", "{url}.missing"), "cannot be read"),
        (("--type", "EMAIL", "--to", "x"), "email_recipients"),
        (("--type", "EMAIL", "--to", "a@acme.com", "--url-file", "{url}"), "is not a field of EMAIL channels"),
        (("--type", "WEBHOOK", "--url-file", "{url}", "--headers-file", "{url}"), "not a JSON object"),
        (("--type", "WEBHOOK", "--url-file", "-", "--headers-file", "-"), "cannot both read standard input"),
        (("--type", "WEBHOOK", "--url-file", "{headers}"), "webhook_url: is not an https:// URL"),
    ],
)
def test_what_cannot_be_stored_is_named_and_no_secret_is_repeated(
    acme: CommandLine, url_file: Path, headers_file: Path, words: tuple[str, ...], named: str
) -> None:
    given = [word.format(url=url_file, headers=headers_file) for word in words]
    exit_code, problem = acme.refusal(*PUT, *given)
    assert (exit_code, problem["code"]) == (3, "invalid_request")
    assert named in problem["detail"]
    assert CANARY not in str(problem)
    assert acme.answer("channel", "list", "acme_corp", "--inactive")["channels"] == []


def test_a_header_that_is_not_text_is_named(acme: CommandLine, url_file: Path, headers_file: Path) -> None:
    headers_file.write_text(f'{{"X-Key": ["{CANARY}"]}}')
    exit_code, problem = acme.refusal(
        *PUT, "--type", "WEBHOOK", "--url-file", str(url_file), "--headers-file", str(headers_file)
    )
    assert (exit_code, "a value that is not text" in problem["detail"], CANARY in str(problem)) == (3, True, False)


def test_a_channel_that_is_not_there_is_not_found(acme: CommandLine) -> None:
    for words in (("show",), ("deactivate",)):
        exit_code, problem = acme.refusal("channel", *words, "acme_corp", "no-such-channel")
        assert (exit_code, problem["code"]) == (5, "channel_not_found")


@pytest.mark.slow
def test_a_service_answers_the_same(acme: CommandLine, url_file: Path, headers_file: Path, service_url: str) -> None:
    there = {"CA_API_URL": service_url, "CA_ROOT_API_KEY": ROOT_KEY}
    acme.succeed("bootstrap", "run", **there)
    options = ("--company-name", ACME["company_name"], "--admin-email", ACME["admin_email"])
    acme.succeed("org", "onboard", "acme_corp", *options, **there)
    secrets = ("--url-file", str(url_file), "--headers-file", str(headers_file))
    made = acme.answer(*PUT, "--type", "WEBHOOK", *secrets, **there)
    here = acme.answer(*PUT, "--type", "WEBHOOK", *secrets)
    own = {"channel_id", "created_at", "created_by"}
    assert {k: v for k, v in made.items() if k not in own} == {k: v for k, v in here.items() if k not in own}
    changed = acme.answer(*PUT, "--type", "WEBHOOK", "--id", made["channel_id"], "--method", "PUT", **there)
    assert (changed["masked_headers"], changed["webhook_method"]) == ("****", "PUT")
    assert acme.answer("channel", "show", "acme_corp", made["channel_id"], **there) == changed
    assert acme.answer("channel", "list", "acme_corp", "--type", "WEBHOOK", **there)["total"] == 1
    assert acme.answer("channel", "deactivate", "acme_corp", made["channel_id"], **there)["is_active"] is False
    exit_code, problem = acme.refusal("channel", "show", "acme_corp", made["channel_id"], **there)
    assert (exit_code, problem["code"]) == (6, "channel_not_found")
