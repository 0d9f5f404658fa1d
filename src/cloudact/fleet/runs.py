"""Runs of the fleet that have begun: listed, shown, and ended before their time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudact.errors import InvalidRequest
from cloudact.fleet.ledger import Ledger
from cloudact.fleet.progress import FleetFailure, FleetRun, Progress, account
from cloudact.pipeline.definition import FLEET_SYNC
from cloudact.pipeline.records import RUN_ID
from cloudact.pipeline.recovery import IsAlive, is_alive, why_interrupted
from cloudact.pipeline.states import State
from cloudact.tenancy.actor import UNATTENDED, Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.declarations import Declarations
from cloudact.warehouse.driver import Warehouse

MAX_PAGE = 100


@dataclass(frozen=True, slots=True)
class FleetRunPage:
    """One page of runs, the latest first, without their failures, and how many there are."""

    runs: list[FleetRun]
    total: int
    limit: int
    offset: int


@dataclass(frozen=True, slots=True)
class FleetRuns:
    """Use cases on runs of the fleet, whichever process they belong to; `alive` is what a test replaces.

    A run whose process is gone is told to be so, and ended by what begins the next one: a look changes nothing.
    """

    catalogs: Declarations
    warehouse: Warehouse
    trail: AuditTrail
    clock: Callable[[], datetime]
    alive: IsAlive = is_alive

    def page(self, *, limit: int, offset: int) -> FleetRunPage:
        """Return one page of runs, the latest first; raises InvalidRequest and NotBootstrapped."""
        if not 1 <= limit <= MAX_PAGE or offset < 0:
            raise InvalidRequest(f"limit {limit} is not from 1 to {MAX_PAGE}, or offset {offset} is below 0")
        found, total = self._ledger().page(limit, offset)
        return FleetRunPage([self._told(run, []) for run in found], total, limit, offset)

    def show(self, run_id: str) -> FleetRun:
        """Return a run with everybody who failed in it so far, and why; raises FleetRunNotFound."""
        ledger = self._ledger()
        return self._told(ledger.run(run_id), ledger.failures(run_id))

    def progress(self, run_id: str) -> FleetRun:
        """Return a run as its row has it, at the cost of one look; raises FleetRunNotFound."""
        return self._told(self._ledger().run(run_id), [])

    def abort(self, run_id: str, actor: Actor = UNATTENDED) -> FleetRun:
        """End a run that is RUNNING: its process begins nothing more, and finishes what is under way.

        Raises FleetRunNotFound, and FleetRunNotOpen for one that has ended.
        """
        ledger = self._ledger()
        event = Event(Action.EXECUTE, ResourceType.PIPELINE, FLEET_SYNC, None, {"run_id": run_id, "phase": "abort"})
        with self.trail.attempt(actor, event):
            ledger.abort(run_id, actor, event, self.clock(), f"aborted by {actor.name}")
        return self.show(run_id)

    def _ledger(self) -> Ledger:
        return Ledger(self.warehouse, self.trail, self.catalogs.load().central_name)

    def _told(self, run: Mapping[str, Any], failures: list[FleetFailure]) -> FleetRun:
        kept, why = run["run_metadata"], ""
        if run["status"] == State.RUNNING and (
            why := why_interrupted(kept, run["start_time"], self.clock(), self.alive)
        ):
            why = f"{why[0].upper()}{why[1:]}; `cloudact fleet resume {run[RUN_ID]}` goes on."
        return account(run, Progress.from_json(run[RUN_ID], kept.get("progress", {})), failures, interrupted=why)
