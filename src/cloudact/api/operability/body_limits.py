"""How much of a request is read, and for how long."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudact.api.errors import answer


class BodyLimits:
    """Answers 413 to a body that is too long and 408 to one that does not arrive in time, and reads no more of it."""

    def __init__(self, app: ASGIApp, max_bytes: int, seconds: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            await self._too_long(scope)(scope, receive, send)
            return
        await _Limited(self, scope, receive, send).run()

    def _too_long(self, scope: Scope) -> ASGIApp:
        return answer(
            Request(scope),
            413,
            "request_too_large",
            f"The body is longer than {self._max_bytes} bytes",
            hint="Send less at once; the service's setting CA_MAX_BODY_BYTES is the limit.",
            # What is left of the body is not read.
            headers={"Connection": "close"},
        )

    def _too_slow(self, scope: Scope) -> ASGIApp:
        return answer(
            Request(scope),
            408,
            "request_timeout",
            f"The body had not arrived after {self._seconds:g} s",
            hint="Send it again; the service's setting CA_REQUEST_SECONDS is the limit.",
            headers={"Connection": "close"},
        )

    @property
    def app(self) -> ASGIApp:
        """What handles a request within the limits."""
        return self._app

    def refusal(self, scope: Scope, read: int, seconds: float) -> ASGIApp | None:
        """Return the answer to a request of which so much was read in so many seconds, or None within the limits."""
        if read > self._max_bytes:
            return self._too_long(scope)
        return self._too_slow(scope) if seconds >= self._seconds else None

    @property
    def seconds(self) -> float:
        """How long a body may take to arrive."""
        return self._seconds


class _Limited:
    """One request: once it was refused, the application reads a client that is gone and writes to nobody."""

    def __init__(self, limits: BodyLimits, scope: Scope, receive: Receive, send: Send) -> None:
        self._limits = limits
        self._scope = scope
        self._receive = receive
        self._send = send
        self._read = 0
        self._complete = False
        self._answering = False
        self._refused = False
        self._deadline = 0.0

    async def run(self) -> None:
        self._deadline = asyncio.get_running_loop().time() + self._limits.seconds
        await self._limits.app(self._scope, self._bounded_receive, self._own_send)

    async def _bounded_receive(self) -> Message:
        if self._refused:
            return {"type": "http.disconnect"}
        if self._complete:  # what comes now is that the client has gone, whenever that is
            return await self._receive()
        left = self._deadline - asyncio.get_running_loop().time()
        seconds = 0.0
        message: Message = {"type": "http.disconnect"}
        try:
            message = await asyncio.wait_for(self._receive(), max(left, 0.0))
        except TimeoutError:
            seconds = self._limits.seconds
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
        refusal = self._limits.refusal(self._scope, self._read, seconds)
        if refusal is None or self._answering:
            return message
        self._refused = True
        await refusal(self._scope, self._receive, self._send)
        return {"type": "http.disconnect"}

    async def _own_send(self, message: Message) -> None:
        if not self._refused:
            self._answering = True
            await self._send(message)
