"""One request id, one log line and one count for every request."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudact.metrics import Metrics, operation
from cloudact.tenancy.names import slug_problem

HEADER = "X-Request-ID"
UNMATCHED = "unmatched"
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,128}")
_ORGANIZATION = re.compile(r"/api/v1/organizations/([^/]+)")
# Anybody may send a path of 32 KiB, and each would be a line of the log.
_MAX_LOGGED = 500
# Any text may be sent as a method, and each would be a series of its own.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestLog:
    """Gives each request an id, which the caller may choose, and tells how it ended; a crash gets an answer too."""

    def __init__(self, app: ASGIApp, answer_crash: Callable[[Request], ASGIApp], metrics: Metrics) -> None:
        self._app = app
        self._answer_crash = answer_crash
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        request_id = given if _ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        bound = {"request_id": request_id, **_organization(scope["path"])}
        path = scope["path"][:_MAX_LOGGED]
        log = structlog.get_logger().bind(**bound, method=scope["method"][:_MAX_LOGGED], path=path)
        self._metrics.request_began()
        with structlog.contextvars.bound_contextvars(**bound), operation(lambda: _operation_of(scope)):
            try:
                await self._app(scope, receive, send_with_id)
            except Exception:  # whatever it is, it is logged here, and the caller gets an answer
                log.exception("request_crashed")
                if status:
                    raise  # the answer has begun, so all that is left is to break off
                await self._answer_crash(Request(scope))(scope, receive, send_with_id)
            finally:
                seconds = time.perf_counter() - started
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self._metrics.request_ended(method, route_of(scope), status, seconds)
                log.info("request", status=status, duration_ms=round(seconds * 1000, 1))


def route_of(scope: Scope) -> str:
    """Return the template of the path that the request was routed by."""
    return str(getattr(scope.get("route"), "path", UNMATCHED))


def _operation_of(scope: Scope) -> str:
    """The function that answers, such as `organizations.sync`; the router puts it into the scope."""
    endpoint = scope.get("endpoint")
    return f"{endpoint.__module__.rpartition('.')[2]}.{endpoint.__name__}" if endpoint else UNMATCHED


def _organization(path: str) -> dict[str, str]:
    found = _ORGANIZATION.match(path)
    return {"organization": found[1]} if found and not slug_problem(found[1]) else {}
