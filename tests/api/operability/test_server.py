"""The server itself: whose word it takes on who the client is, and how long it waits for one."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import httpx2
import pytest
from pydantic import SecretStr

from cloudact.api.operability import connections
from cloudact.api.operability.server import MAX_HEADER_BYTES, server_of
from cloudact.errors import ConfigurationError
from cloudact.settings import Settings, load_settings
from cloudact.wiring import Services
from tests.acme import ROOT_KEY

Serve = Callable[..., str]


@pytest.fixture
def serve(services: Services, process_settings: Settings) -> Iterator[Serve]:
    """Serve with some settings, and return the address."""
    with ExitStack() as servers:

        def start(**changed: object) -> str:
            return servers.enter_context(_served(services, process_settings.model_copy(update=changed)))

        yield start


@contextmanager
def _served(services: Services, settings: Settings) -> Iterator[str]:
    server = server_of(services, settings, SecretStr(ROOT_KEY))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield "http://{}:{}".format(*listening.getsockname())
        server.should_exit = True
        thread.join()


def codes(url: str, *forwarded: str) -> list[int]:
    """What requests of these clients are answered, according to a proxy."""
    headers = [{"X-Forwarded-For": client} for client in forwarded]
    return [httpx2.get(f"{url}/openapi.json", headers=each).status_code for each in headers]


def test_without_trusted_proxies_nobody_says_who_he_is(serve: Serve) -> None:
    url = serve(rate_limit_per_address="2/minute", trusted_proxies="")
    assert codes(url, "192.0.2.1", "192.0.2.2", "192.0.2.3") == [200, 200, 429]


def test_a_trusted_proxy_says_who_the_client_is(serve: Serve) -> None:
    url = serve(rate_limit_per_address="2/minute", trusted_proxies="10.0.0.0/8, 127.0.0.1")
    assert codes(url, "192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.1") == [200, 200, 200, 429]
    # What the client itself wrote stands further left than what the proxies added, and is not believed.
    assert codes(url, "198.51.100.1, 192.0.2.1, 10.1.2.3") == [429]


def test_a_proxy_that_is_not_trusted_is_the_client(serve: Serve) -> None:
    url = serve(rate_limit_per_address="1/minute", trusted_proxies="10.0.0.1")
    assert codes(url, "192.0.2.1", "192.0.2.2") == [200, 429]


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"])
def test_a_client_that_sends_no_request_is_not_waited_for(serve: Serve, sent: bytes) -> None:
    parts = urlsplit(serve(request_seconds=0.2))
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(sent)
        assert connection.recv(100) == b""


def test_nor_is_one_that_begins_a_second_request_and_stops(serve: Serve) -> None:
    parts = urlsplit(serve(request_seconds=0.2))
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(10_000).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /healthz")
        while received := connection.recv(10_000):
            assert b"HTTP/1.1" not in received  # the rest of the first answer


def test_whoever_opens_many_connections_keeps_nobody_out(
    serve: Serve, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 8)
    parts = urlsplit(serve())
    with ExitStack() as opened:
        idle = [
            opened.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=20))
            for _ in range(8 + 3)
        ]
        assert httpx2.get(f"{parts.geturl()}/healthz").status_code == 200
        # The oldest four made room: for those that came after them, and for the request.
        assert [connection.recv(1) for connection in idle[:4]] == [b""] * 4
        idle[4].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle[4].recv(100).startswith(b"HTTP/1.1 200")
    assert 'cloudact_connections_dropped_total{reason="crowded"} 4.0' in services.metrics.exposition().decode()


def test_a_client_that_does_not_read_its_answer_is_not_waited_for(serve: Serve, services: Services) -> None:
    parts = urlsplit(serve(request_seconds=0.2))
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect((parts.hostname, parts.port))
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 40)  # more than the kernels take
        while 'reason="unread"} 1.0' not in services.metrics.exposition().decode():
            time.sleep(0.01)
        while connection.recv(65_536):
            pass  # what was under way, and then the end


def test_a_header_has_a_length_at_which_it_ends(serve: Serve) -> None:
    url = serve()
    assert httpx2.get(f"{url}/healthz", headers={"X-Long": "x" * (MAX_HEADER_BYTES // 2)}).status_code == 200
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * (MAX_HEADER_BYTES + 1))
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


def test_a_body_that_does_not_arrive_is_told_so(serve: Serve) -> None:
    parts = urlsplit(serve(request_seconds=0.2))
    head = (
        f"POST /api/v1/admin/bootstrap HTTP/1.1\r\nHost: x\r\nX-CA-Root-Key: {ROOT_KEY}\r\nContent-Length: 10\r\n\r\n"
    )
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(head.encode() + b"{")
        answer = b""
        while received := connection.recv(10_000):
            answer += received
    head_of_answer, _, body = answer.partition(b"\r\n\r\n")
    assert head_of_answer.startswith(b"HTTP/1.1 408")
    assert json.loads(body)["code"] == "request_timeout"


def test_an_answer_does_not_tell_what_serves_it(serve: Serve) -> None:
    assert "server" not in httpx2.get(f"{serve()}/healthz").headers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CA_RATE_LIMIT_PER_KEY", "many"),
        ("CA_RATE_LIMIT_PER_ADDRESS", "5/fortnight"),
        ("CA_TRUSTED_PROXIES", "proxy.example"),
        ("CA_TRUSTED_PROXIES", "*"),
        ("CA_MAX_BODY_BYTES", "0"),
        ("CA_REQUEST_SECONDS", "0"),
        ("CA_SHUTDOWN_SECONDS", "-1"),
    ],
)
def test_a_setting_that_means_nothing_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        load_settings()


def test_limits_can_be_left_out_and_combined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CA_RATE_LIMIT_PER_KEY", "")
    monkeypatch.setenv("CA_RATE_LIMIT_PER_ADDRESS", "10/second;600/hour")
    monkeypatch.setenv("CA_METRICS_TOKEN", "")
    settings = load_settings()
    assert (settings.rate_limit_per_key, settings.metrics_token) == ("", None)


@pytest.mark.parametrize(
    ("environment", "token", "what"),
    [("production", "tiny", "shorter than 32 characters"), ("development", "with space", "no HTTP header can carry")],
)
def test_a_token_of_the_metrics_is_a_key(
    monkeypatch: pytest.MonkeyPatch, environment: str, token: str, what: str
) -> None:
    monkeypatch.setenv("CA_ENVIRONMENT", environment)
    monkeypatch.setenv("CA_METRICS_TOKEN", token)
    with pytest.raises(ConfigurationError, match=f"CA_METRICS_TOKEN .*{what}") as caught:
        load_settings()
    assert token not in str(caught.value)
