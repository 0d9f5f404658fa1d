"""Requests, repeats of them, and a clock that a test moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cloudact.sealing.sealer import Sealer
from cloudact.tenancy.access.caller import ADMINISTRATOR
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.idempotency.idempotency import Attempt, Idempotency
from cloudact.tenancy.idempotency.record import TABLE, Answer, Request
from cloudact.warehouse.driver import Equals, Warehouse
from tests.parts import Parts

START = datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)
LEASE = timedelta(seconds=60)
ADMIN = Actor(ADMINISTRATOR)
ANSWER = Answer(201, {"content-type": "application/json"}, b'{"api_key": "canary-secret"}')


@dataclass
class Desk:
    """The use cases, over a clock."""

    parts: Parts
    key: str = "key"
    now: datetime = field(default=START)

    def begin_again(self, key: str) -> None:
        """Let a test have a key of its own."""
        self.key, self.now = key, START

    @property
    def idempotency(self) -> Idempotency:
        """The use cases of a process of its own."""
        return self.sealed_by(self.parts.sealer)

    def sealed_by(self, sealer: Sealer) -> Idempotency:
        """The use cases with another key than the tests' own to seal answers with."""
        parts = self.parts
        return Idempotency(
            parts.catalogs, parts.warehouse, parts.platform, sealer, lambda: self.now, parts.new_id, LEASE
        )

    def request(self, **changed: Any) -> Request:
        """A request, or one that differs."""
        fields: dict[str, Any] = {
            "actor": ADMIN, "idempotency_key": self.key, "method": "POST", "path": "/a", "query": "", "body": b"{}",
        }  # fmt: skip
        return Request(**{**fields, **changed})

    def begin(self, **changed: Any) -> Attempt | Answer:
        """Begin a request."""
        return self.idempotency.begin(self.request(**changed))

    def attempt(self, **changed: Any) -> Attempt:
        """Begin a request that has to be worked on."""
        begun = self.begin(**changed)
        assert isinstance(begun, Attempt)
        return begun

    def pass_time(self, **length: float) -> None:
        """Let time pass."""
        self.now += timedelta(**length)

    def row(self, *columns: str, caller: str | None = None) -> dict[str, Any]:
        """The only row of this test's key, or that of one caller."""
        where = self._where(caller)
        (found,) = self.parts.warehouse.run(lambda session: session.select("organizations", TABLE, columns, where))
        return found

    def set(self, caller: str | None = None, /, **values: object) -> None:
        """Edit it, as whoever can write to the table may."""
        where = self._where(caller)
        self.parts.warehouse.run(lambda session: session.update("organizations", TABLE, values, where))

    def _where(self, caller: str | None) -> list[Equals]:
        own = [Equals("idempotency_key", self.key)]
        return own if caller is None else [*own, Equals("caller", caller)]


def desk_on(catalogs: Declarations, warehouse: Warehouse) -> Desk:
    """Make the central dataset."""
    parts = Parts(catalogs, warehouse)
    parts.bootstrap.run()
    return Desk(parts)
