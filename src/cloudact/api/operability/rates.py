"""How many requests of a kind somebody may send in a window that moves along; counted in this process."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Mapping, Sequence

import structlog
from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.types import Scope

from cloudact.errors import RateLimited
from cloudact.metrics import Metrics

# Whose requests are counted: one key's, one client address's, and those of an address that were refused for their key.
KEY, ADDRESS, REFUSED = "key", "address", "refused"
_SWEEP_EVERY = 10_000
# Whoever has an IPv6 address has 2**64 of them.
_IPV6_PREFIX = 64


class Rates:
    """Counts requests, one after another on the event loop, so that none comes between looking and counting."""

    def __init__(self, limits: Mapping[str, Sequence[RateLimitItem]], metrics: Metrics) -> None:
        self._limits = limits
        self._metrics = metrics
        self._storage = MemoryStorage()
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._counted = 0

    def count(self, *callers: tuple[str, str]) -> None:
        """Count a request for each kind and name; raises RateLimited, and has counted it for none then."""
        self._sweep()
        applied = [(limit, kind, who) for kind, who in callers for limit in self._limits.get(kind, ())]
        # Looked at before any is counted.
        for allowed in (self._limiter.test, self._limiter.hit):
            for limit, kind, who in applied:
                if not allowed(limit, kind, who):
                    raise self._refusal(limit, kind, who)

    def _refusal(self, limit: RateLimitItem, kind: str, who: str) -> RateLimited:
        """The oldest request still counts at the moment at which it leaves the window, so a second more is told."""
        reset = self._limiter.get_window_stats(limit, kind, who).reset_time
        seconds = max(math.floor(reset - time.time()), 0) + 1
        self._metrics.rate_limited(kind)
        structlog.get_logger().warning("rate_limited", limit=kind, retry_after=seconds)
        return RateLimited(kind, seconds)

    def _sweep(self) -> None:
        """Forget who has not come again: the storage itself keeps every name that it has seen."""
        self._counted += 1
        if self._counted % _SWEEP_EVERY == 0:
            for name in [name for name, entries in list(self._storage.events.items()) if not entries]:
                self._storage.clear(name)


def address_of(scope: Scope) -> str:
    """Return who sent a request: an IPv4 address, or the network of an IPv6 address."""
    client = scope.get("client")
    address = client[0] if client else ""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a test's client, or a socket without an address
        return str(address)
    mapped = getattr(found, "ipv4_mapped", None)
    if found.version == 4 or mapped:
        return str(mapped or found)
    return str(ipaddress.ip_network((found, _IPV6_PREFIX), strict=False))
