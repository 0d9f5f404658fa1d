"""Log lines: one JSON object each, whoever writes them, with the request and the organization they are about."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from cloudact.log import configure_logging
from cloudact.wiring import Services
from tests.api.published import ACME_STATUS, BOOTSTRAP_STATUS


def last(log: Callable[[], str], event: str) -> dict[str, object]:
    found = [line for line in map(json.loads, log().splitlines()) if line["event"] == event]
    return found[-1]


def test_a_request_is_logged_with_its_organization(log: Callable[[], str], bootstrapped: TestClient) -> None:
    bootstrapped.get(ACME_STATUS, headers={"X-Request-ID": "my-request"})
    line = last(log, "request")
    assert (line["request_id"], line["organization"], line["status"]) == ("my-request", "acme_corp", 200)
    assert isinstance(line["duration_ms"], float)


@pytest.mark.parametrize("path", [BOOTSTRAP_STATUS, "/api/v1/organizations/onboard", "/api/v1/organizations/UPPER/x"])
def test_what_is_no_organization_is_not_called_one(log: Callable[[], str], client: TestClient, path: str) -> None:
    client.get(path)
    assert "organization" not in last(log, "request")


def test_a_path_is_logged_as_far_as_anybody_reads_it(log: Callable[[], str], client: TestClient) -> None:
    client.get(f"/{'x' * 20_000}")
    assert last(log, "request")["path"] == f"/{'x' * 499}"


def test_what_a_library_says_is_a_line_like_any_other(log: Callable[[], str], client: TestClient) -> None:
    logging.getLogger("some.library").warning("careful: %s", "a thing")
    logging.getLogger("some.library").info("chatter")
    line = last(log, "careful: a thing")
    assert line["level"] == "warning"
    assert "chatter" not in log()


def test_an_error_of_a_library_keeps_its_trace(log: Callable[[], str]) -> None:
    try:
        int("broken")
    except ValueError:
        logging.getLogger("some.library").exception("failed")
    assert "ValueError: invalid literal" in str(last(log, "failed")["exception"])


def test_to_configure_it_twice_does_not_say_everything_twice(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    configure_logging("INFO")
    logging.getLogger("some.library").warning("once")
    assert capsys.readouterr().err.count('"once"') == 1


def test_a_refused_request_is_logged_as_one(log: Callable[[], str], client: TestClient, services: Services) -> None:
    client.get(ACME_STATUS, headers={"X-CA-Root-Key": "wrong"})
    assert last(log, "request")["status"] == 401
    assert "wrong" not in log()
