"""The headers of every answer: of errors, of refusals, of crashes, and of the page that shows the document."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from fastapi.testclient import TestClient
from limits import parse_many

from cloudact.api.operability.protection import Protection
from cloudact.api.operability.shutdown import Shutdown
from cloudact.wiring import Services
from tests.api.operability.conftest import Protected
from tests.api.published import BOOTSTRAP, BOOTSTRAP_STATUS

EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STRICT = "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/healthz", 200), (BOOTSTRAP_STATUS, 200), ("/nowhere", 404), (f"{BOOTSTRAP}/", 404), ("/openapi.json", 200)],
)
def test_every_answer_has_them(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path, follow_redirects=False)
    assert answer.status_code == status or answer.is_redirect
    assert EXPECTED.items() <= dict(answer.headers).items() | {name: answer.headers[name] for name in EXPECTED}.items()
    assert answer.headers["Content-Security-Policy"] == STRICT


def test_so_have_refusals_of_every_kind(protected: Protected) -> None:
    tight = Protection(per_key=tuple(parse_many("2/hour")), max_body_bytes=1024)
    client = protected(tight)
    answers = [client.post(BOOTSTRAP, content=b"x" * 2000), client.get(BOOTSTRAP_STATUS, headers={"X-CA-Root-Key": ""})]
    answers += [client.get(BOOTSTRAP_STATUS), client.get(BOOTSTRAP_STATUS)]
    stopping = Shutdown()
    stopping.begin()
    answers.append(protected(Protection(), stopping).get(BOOTSTRAP_STATUS))
    assert [answer.status_code for answer in answers] == [413, 401, 200, 429, 503]
    for answer in answers:
        assert all(answer.headers[name] == value for name, value in EXPECTED.items())


def test_a_crash_has_them_too(client: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(services.bootstrap), "status", lambda _self: 1 / 0)
    answer = client.get(BOOTSTRAP_STATUS)
    assert answer.status_code == 500
    assert all(answer.headers[name] == value for name, value in EXPECTED.items())


def test_the_page_of_the_document_may_run_exactly_its_own_script(client: TestClient) -> None:
    page = client.get("/docs")
    policy = page.headers["Content-Security-Policy"]
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert f"'sha256-{digest}'" in directives["script-src"]
    assert "unsafe" not in directives["script-src"]
    for source in re.findall(r'(?:src|href)="(https://[^/"]+)', page.text):
        assert source in policy


def test_strict_transport_is_told_over_tls_only(client: TestClient) -> None:
    assert "Strict-Transport-Security" not in client.get("/healthz").headers
    assert client.get("https://testserver/healthz").headers["Strict-Transport-Security"] == "max-age=31536000"
