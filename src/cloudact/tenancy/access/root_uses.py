"""Uses of the root key, on the platform's audit trail: one row for each route and address in a while, with a count.

A change has a row of its own besides. What only reads has none, and a row for each read would take longer than many of
them, and fill the trail with a scraper's requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from cloudact.errors import NotBootstrapped
from cloudact.tenancy.access.key_uses import Uses
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.trail import AuditTrail


@dataclass(frozen=True, slots=True)
class RootUse:
    """Requests from one address to one route; `actor` and `user_agent` are of the first of them."""

    actor: Actor
    first: datetime
    last: datetime
    uses: int = 1


class RootUses(Uses[tuple[str, str, str | None], RootUse]):
    """Counts uses by method, template of the path, and address."""

    def __init__(self, trail: AuditTrail, clock: Callable[[], datetime], every_seconds: float) -> None:
        super().__init__(every_seconds)
        self._trail = trail
        self._clock = clock

    def note(self, actor: Actor, *, method: str, route: str) -> None:
        """Count a use of the root key, whatever comes of the request; never waits for the warehouse."""
        now = self._clock()
        self._note((method, route, actor.ip_address), RootUse(actor, now, now))

    def _merged(self, earlier: RootUse, later: RootUse) -> RootUse:
        return replace(earlier, last=later.last, uses=earlier.uses + later.uses)

    def _write(self, noted: Mapping[tuple[str, str, str | None], RootUse]) -> None:
        rows = [(use.actor, _event(method, route, use)) for (method, route, _), use in noted.items()]
        try:
            self._trail.write_together(rows)
        except NotBootstrapped as error:
            # Nothing keeps a trail before bootstrap. Where only a column is missing, it may come.
            if error.missing:
                raise


def _event(method: str, route: str, use: RootUse) -> Event:
    details = {"method": method, "uses": use.uses, "first_at": use.first.isoformat(), "last_at": use.last.isoformat()}
    return Event(Action.EXECUTE, ResourceType.REQUEST, route, details=details)
