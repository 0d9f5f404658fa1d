"""HTTP/1.1 around the methods: connections kept alive, errors as Google's, faults and limits applied."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.bigquery_fake.calls import Call, Method
from tests.bigquery_fake.errors import GoogleError, invalid, unsupported
from tests.bigquery_fake.faults import Fault, Faults, error_of
from tests.bigquery_fake.limits import Limits
from tests.bigquery_fake.request_log import LoggedRequest, RequestLog
from tests.bigquery_fake.rules import Refusal
from tests.bigquery_fake.specs import Resource

_REASONS = {200: "OK", 204: "No Content"}


class Application:
    """The methods with everything that happens around each request; `seconds` is the date it tells.

    `failures` are tracebacks of the fake's own errors, which are answered 501 like everything it cannot do.
    """

    def __init__(
        self, methods: list[Method], log: RequestLog, faults: Faults, limits: Limits, seconds: Callable[[], float]
    ) -> None:
        self.failures: list[str] = []
        self.log = log
        self.faults = faults
        self.seconds = seconds
        self._limits = limits
        self._methods = methods

    def find(self, verb: str, path: str) -> tuple[Method | None, dict[str, str]]:
        """Return the method that a request calls, and the parts of its path; None for one that is not known."""
        for method in self._methods:
            if method.verb == verb and (found := method.path.fullmatch(path)):
                return method, {key: unquote(value) for key, value in found.groupdict().items()}
        return None, {}

    def answer(self, method: Method | None, call: Call, what: str) -> tuple[int, Resource | None]:
        """Return status and body of the answer to a request."""
        if method is None:
            return _answered(unsupported(f"the request {what}"))
        try:
            with self._limits.request(method.kind):
                body = method.answer(call)
        except GoogleError as error:
            return _answered(error)
        except Refusal as refusal:
            return _answered(GoogleError(refusal.status, refusal.reason, refusal.message))
        except Exception:  # noqa: BLE001  # whatever it is, a test must see it, and not as a lost connection
            self.failures.append(traceback.format_exc())
            return _answered(unsupported(f"how to answer {what}: {self.failures[-1]}"))
        return (204, None) if body is None else (200, body)


def _answered(error: GoogleError) -> tuple[int, Resource]:
    return error.status, error.body()


class Server(ThreadingHTTPServer):
    """A listening socket with a thread for each connection; closing it closes them all."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, application: Application) -> None:
        self.application = application
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own."""
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, at once and not half by half, so that a reset is one."""
        with self._guard:
            self._open.discard(request)
        self.close_request(request)

    def close_connections(self) -> None:
        """Close what clients keep open."""
        with self._guard:
            connections = list(self._open)
        for connection in connections:
            _shut(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about a client that is gone: tests kill clients."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            self.application.failures.append(traceback.format_exc())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server
    _names: ClassVar[dict[int, str]] = _REASONS

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_DELETE = do_PUT = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: the request log has it."""

    def _serve(self) -> None:
        application, target = self.server.application, urlsplit(self.path)
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        method, parts = application.find(self.command, target.path)
        kind = method.kind if method else "unknown"
        logged = application.log.started(kind, self.path)
        faults = application.faults
        if faults.on_request:
            faults.on_request(logged.number, kind)
        if faults.latency:
            time.sleep(faults.latency)
        fault = faults.choose(kind)
        if fault is Fault.RESET:
            self._reset(logged)
            return
        if error := error_of(fault):
            self._answer(logged, error.status, error.body())
            return
        status, body = self._done(application, method, parts, data, target.query)
        if faults.on_done:
            faults.on_done(logged.number, kind)
        if fault is Fault.LOST:
            self._reset(logged)
        else:
            self._answer(logged, status, body, truncated=fault is Fault.TRUNCATED)

    def _done(
        self, application: Application, method: Method | None, parts: dict[str, str], data: bytes, query: str
    ) -> tuple[int, Resource | None]:
        try:
            body = self._body(data)
        except GoogleError as error:
            return error.status, error.body()
        parameters = dict(parse_qsl(query, keep_blank_values=True))
        call = Call(parts, parameters, body, self.headers.get("If-Match"))
        return application.answer(method, call, f"{self.command} {self.path}")

    def _body(self, data: bytes) -> Resource:
        if self.headers.get("Content-Encoding") == "gzip":
            data = gzip.decompress(data)
        try:
            body = json.loads(data) if data else {}
        except ValueError as error:
            raise invalid(f"Parse error: {error}") from error
        if not isinstance(body, dict):
            raise invalid("The body is not a JSON object")
        return body

    def _answer(self, logged: LoggedRequest, status: int, body: Resource | None, *, truncated: bool = False) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        head = (
            f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\r\n"
            f"Date: {formatdate(self.server.application.seconds(), usegmt=True)}\r\n"
            "Content-Type: application/json; charset=UTF-8\r\n"
            f"Content-Length: {len(data)}\r\n\r\n"
        ).encode()
        self.server.application.log.ended(logged, status)
        if truncated:
            self.wfile.write(head + data[: len(data) // 2])
            self.close_connection = True
            return
        self.wfile.write(head + data)

    def _reset(self, logged: LoggedRequest) -> None:
        self.server.application.log.ended(logged, None)
        linger = struct.pack("ii", 1, 0)  # so that closing sends a reset, as a lost connection looks to a client
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it was closed by the client already
