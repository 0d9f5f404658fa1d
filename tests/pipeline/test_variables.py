"""What may be shown of variables and configurations."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from cloudact.pipeline.variables import Redaction, masked
from tests.pipeline.steps import NoteConfig


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"api_key": "abcd"}, {"api_key": "***"}),
        ({"DB_PASSWORD": 1234}, {"DB_PASSWORD": "***"}),
        ({"use_token": True, "no_token": None}, {"use_token": True, "no_token": None}),
        ({"credentials": {"user": "me", "of": ["a"]}}, {"credentials": {"user": "***", "of": ["***"]}}),
        ({"steps": [{"secret": "abcd", "other": "abcd"}]}, {"steps": [{"secret": "***", "other": "abcd"}]}),
    ],
)
def test_what_stands_under_the_name_of_a_secret_is_not_shown(value: dict[str, object], shown: object) -> None:
    assert masked(value) == shown  # type: ignore[arg-type]


def test_secrets_are_found_by_name_and_by_type_and_taken_out_of_any_text() -> None:
    config = NoteConfig(note="public", api_token=SecretStr("from-config"))
    redaction = Redaction.of({"password": "from-variable", "short_key": "abc", "plain": "from"}, [config])
    assert redaction.text("from-config, from-variable, abc, public") == "***, ***, abc, public"


def test_a_number_under_the_name_of_a_secret_is_one() -> None:
    redaction = Redaction.of({"pin_secret": 48151623, "rows": 2342, "use_keys": True, "db_pwd": "hunter2"}, [])
    assert redaction.text("48151623 of 2342 rows: True, hunter2") == "*** of 2342 rows: True, ***"


def test_of_two_secrets_the_longer_one_is_taken_out_first() -> None:
    redaction = Redaction.of({"a_key": "abcd", "b_key": "abcdefgh"}, [])
    assert redaction.text("abcdefgh") == "***"
