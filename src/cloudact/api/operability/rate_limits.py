"""How many requests one key and one client address may send; counted in this process, and lost with it."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
import time
from collections.abc import Iterator, Sequence

import structlog
from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from cloudact.api.auth import ORG_HEADER, ROOT_HEADER
from cloudact.api.errors import answer
from cloudact.metrics import Metrics

KEY, ADDRESS = "key", "address"
# Whatever runs the process asks these, and a probe that is refused restarts a service that works.
EXEMPT = frozenset({"/healthz", "/readyz"})
_SWEEP_EVERY = 10_000
# Whoever has an IPv6 address has 2**64 of them.
_IPV6_PREFIX = 64


class RateLimits:
    """Refuses a request with 429 once its address, or its key, has sent as many as the limits allow.

    The address comes first, so that guessing keys is limited too. A refused request does not count.
    """

    def __init__(
        self, app: ASGIApp, per_key: Sequence[RateLimitItem], per_address: Sequence[RateLimitItem], metrics: Metrics
    ) -> None:
        self._app = app
        self._limits = {KEY: per_key, ADDRESS: per_address}
        self._metrics = metrics
        self._storage = MemoryStorage()
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._secret = secrets.token_bytes(32)
        self._counted = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        refused = self.count(scope) if scope["type"] == "http" and scope["path"] not in EXEMPT else None
        app = _refusal(scope, *refused, self._metrics) if refused else self._app
        await app(scope, receive, send)

    def count(self, scope: Scope) -> tuple[str, int] | None:
        """Count a request, or tell what it is refused for, and after how many seconds one would be allowed.

        Requests are counted one after another, on the event loop, so that none comes between looking and counting.
        """
        self._sweep()
        applied = [(limit, kind, who) for kind, who in self._callers(scope) for limit in self._limits[kind]]
        for limit, kind, who in applied:
            if not self._limiter.test(limit, kind, who):
                return kind, self._seconds_to_wait(limit, kind, who)
        for limit, kind, who in applied:
            if not self._limiter.hit(limit, kind, who):
                return kind, self._seconds_to_wait(limit, kind, who)
        return None

    def _callers(self, scope: Scope) -> Iterator[tuple[str, str]]:
        client = scope.get("client")
        yield ADDRESS, _network(client[0]) if client else ""
        headers = Headers(scope=scope)
        key = headers.get(ROOT_HEADER) or headers.get(ORG_HEADER)
        if key:
            # The table of who sent what must not be a table of keys.
            yield KEY, hashlib.blake2b(key.encode(), key=self._secret, digest_size=16).hexdigest()

    def _seconds_to_wait(self, limit: RateLimitItem, kind: str, who: str) -> int:
        """The oldest request still counts at the moment at which it leaves the window, so a second more is told."""
        reset = self._limiter.get_window_stats(limit, kind, who).reset_time
        return max(math.floor(reset - time.time()), 0) + 1

    def _sweep(self) -> None:
        """Forget who has not come again: the storage itself keeps every name that it has seen."""
        self._counted += 1
        if self._counted % _SWEEP_EVERY == 0:
            for name in [name for name, entries in list(self._storage.events.items()) if not entries]:
                self._storage.clear(name)


def _refusal(scope: Scope, kind: str, seconds: int, metrics: Metrics) -> ASGIApp:
    metrics.rate_limited(kind)
    structlog.get_logger().warning("rate_limited", limit=kind, retry_after=seconds)
    return answer(
        Request(scope),
        429,
        "rate_limited",
        f"Too many requests were sent from this {kind}",
        hint=f"Send the next one after {seconds} s, as Retry-After says. The limits are settings of the service: "
        "CA_RATE_LIMIT_PER_KEY and CA_RATE_LIMIT_PER_ADDRESS.",
        headers={"Retry-After": str(seconds)},
    )


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a test's client, or a socket without an address
        return address
    mapped = getattr(found, "ipv4_mapped", None)
    if found.version == 4 or mapped:
        return str(mapped or found)
    return str(ipaddress.ip_network((found, _IPV6_PREFIX), strict=False))
