"""Refusing requests beyond what one key and one client address may send, before anything of them is looked at."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from cloudact.api.auth import ORG_HEADER, ROOT_HEADER
from cloudact.api.errors import STATUS, answer
from cloudact.api.operability.rates import ADDRESS, KEY, Rates, address_of
from cloudact.errors import RateLimited

# Whatever runs the process asks these, and a probe that is refused restarts a service that works.
EXEMPT = frozenset({"/healthz", "/readyz"})


class RateLimits:
    """Refuses a request with 429 once its address, or its key, has sent as many as the limits allow.

    The address comes first, so that guessing keys is limited too. A refused request does not count.
    """

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app = app
        self._rates = rates
        self._secret = secrets.token_bytes(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        app = self._app
        if scope["type"] == "http" and scope["path"] not in EXEMPT:
            try:
                self._rates.count(*self._callers(scope))
            except RateLimited as error:
                headers = {"Retry-After": str(error.retry_after)}
                status = STATUS[RateLimited]
                app = answer(Request(scope), status, error.code, error.message, hint=error.hint, headers=headers)
        await app(scope, receive, send)

    def _callers(self, scope: Scope) -> Iterator[tuple[str, str]]:
        yield ADDRESS, address_of(scope)
        headers = Headers(scope=scope)
        key = headers.get(ROOT_HEADER) or headers.get(ORG_HEADER)
        if key:
            # The table of who sent what must not be a table of keys.
            yield KEY, hashlib.blake2b(key.encode(), key=self._secret, digest_size=16).hexdigest()
