"""What a channel needs by its type, before anything is stored."""

from __future__ import annotations

from typing import Any

import pytest

from cloudact.errors import InvalidRequest
from cloudact.tenancy.notifications.channel import ChannelType, NewChannel, WebhookMethod
from cloudact.tenancy.secrets.columns import SLACK_URL, WEBHOOK_HEADERS, WEBHOOK_URL

URL = "https://hooks.example.com/canary/71c5e9a3d8f2"
NEEDED: dict[str, dict[str, Any]] = {
    "EMAIL": {"email_recipients": ["finops@acme.com"]},
    "SLACK": {"slack_webhook_url": URL},
    "WEBHOOK": {"webhook_url": URL},
}


def new(kind: str, **given: Any) -> NewChannel:
    return NewChannel(ChannelType(kind), **{"name": "FinOps", **NEEDED[kind], **given})


def refused(channel: NewChannel, *, stored: bool = False) -> list[str]:
    """The fields that are named, by an error that holds no secret."""
    with pytest.raises(InvalidRequest) as found:
        channel.check(stored=stored)
    error = found.value
    assert "canary" not in f"{error} {error!r} {error.problems} {error.__context__!r} {error.__cause__!r}"
    return [problem.field for problem in error.problems]


@pytest.mark.parametrize("kind", NEEDED)
def test_with_what_it_needs_it_is_taken(kind: str) -> None:
    new(kind).check(stored=False)
    new(kind).check(stored=True)


def test_the_column_of_a_secret_goes_with_the_type() -> None:
    assert new("EMAIL").secrets() == {}
    assert new("SLACK").secrets() == {SLACK_URL: URL}
    headers = {"X-B": "2", "X-A": "1"}
    assert new("WEBHOOK", webhook_headers=headers).secrets() == {
        WEBHOOK_URL: URL,
        WEBHOOK_HEADERS: '{"X-A": "1", "X-B": "2"}',
    }
    assert new("WEBHOOK", webhook_url=None, webhook_headers={}).secrets() == {WEBHOOK_HEADERS: None}
    assert "canary" not in repr(new("WEBHOOK", webhook_headers={"X-A": "canary"}))


def test_what_is_kept_in_the_clear_is_that_of_the_type() -> None:
    slack = new("SLACK", slack_channel="#finops").columns()
    assert (slack["url_host"], slack["slack_channel"], slack["slack_mention_channel"]) == (
        "hooks.example.com",
        "#finops",
        False,
    )
    assert (slack["webhook_method"], slack["email_recipients"], slack["email_subject_prefix"]) == (None, [], None)
    assert new("WEBHOOK").columns()["webhook_method"] == "POST"
    assert new("WEBHOOK", webhook_method=WebhookMethod.PUT).columns()["webhook_method"] == "PUT"
    assert "url_host" not in new("WEBHOOK", webhook_url=None).columns()
    assert "canary" not in repr(slack)


@pytest.mark.parametrize("kind", NEEDED)
def test_without_what_it_needs_it_is_refused(kind: str) -> None:
    (needed,) = NEEDED[kind]
    for nothing in (None, "") if kind != "EMAIL" else ((), []):
        assert set(refused(new(kind, **{needed: nothing}))) == {needed}


def test_a_stored_url_need_not_be_given_again_and_addresses_are() -> None:
    new("SLACK", slack_webhook_url=None).check(stored=True)
    new("WEBHOOK", webhook_url=None).check(stored=True)
    assert refused(new("EMAIL", email_recipients=[]), stored=True) == ["email_recipients"]
    assert refused(new("WEBHOOK", webhook_url=""), stored=True) == ["webhook_url"]


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("EMAIL", {"slack_webhook_url": URL}),
        ("EMAIL", {"webhook_headers": {}}),
        ("EMAIL", {"slack_mention_channel": True}),
        ("SLACK", {"webhook_url": URL}),
        ("SLACK", {"email_recipients": ["finops@acme.com"]}),
        ("WEBHOOK", {"slack_channel": "#finops"}),
        ("WEBHOOK", {"email_subject_prefix": "[acme]"}),
    ],
)
def test_a_field_of_another_type_is_refused(kind: str, given: dict[str, Any]) -> None:
    assert refused(new(kind, **given)) == [*given]


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("EMAIL", {"name": ""}),
        ("EMAIL", {"name": "x" * 101}),
        ("EMAIL", {"name": "Fin\nOps"}),
        ("EMAIL", {"name": "half \ud800"}),
        ("EMAIL", {"email_recipients": ["nobody"]}),
        ("EMAIL", {"email_recipients": ["a@acme.com\r\nBcc: b@acme.com"]}),
        ("EMAIL", {"email_recipients": ["A <a@acme.com>"]}),
        ("EMAIL", {"email_recipients": ["a@acme.com", "A@acme.com"]}),
        ("EMAIL", {"email_recipients": [f"a{number}@acme.com" for number in range(51)]}),
        ("EMAIL", {"email_cc_recipients": ["@acme.com"]}),
        ("EMAIL", {"email_subject_prefix": "[acme]\r\nBcc: b@acme.com"}),
        ("EMAIL", {"email_subject_prefix": "x" * 101}),
        ("SLACK", {"slack_webhook_url": f"{URL} canary"}),
        ("SLACK", {"slack_webhook_url": "https://10.0.0.1/canary"}),
        ("SLACK", {"slack_channel": "fin ops"}),
        ("SLACK", {"slack_channel": "x" * 82}),
        ("SLACK", {"slack_mention_users": ["@canary"[:2]]}),
        ("SLACK", {"slack_mention_users": ["U012AB3CD"] * 51}),
        ("SLACK", {"name": URL}),
        ("WEBHOOK", {"webhook_url": "http://example.com/canary"}),
        ("WEBHOOK", {"webhook_headers": {"X-A": "canary\n"}}),
        ("WEBHOOK", {"name": "key canary", "webhook_headers": {"X-A": "canary"}}),
    ],
)
def test_what_cannot_be_is_named_and_no_secret_is_repeated(kind: str, given: dict[str, Any]) -> None:
    assert refused(new(kind, **given)) == [next(iter(given))]


def test_every_problem_is_told_at_once() -> None:
    assert refused(new("EMAIL", name="", email_recipients=["x"], webhook_url=URL)) == [
        "webhook_url",
        "name",
        "email_recipients",
    ]
