"""Bringing the fleet in step: planned once for each kind of dataset, and carried out as one run."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cloudact.catalog.template import Catalog
from cloudact.errors import FleetPlanNotFound, FleetPlanStale, FleetRunNotFound, InvalidRequest
from cloudact.fleet.ledger import Begun, Ledger, begun_row, plan_row
from cloudact.fleet.planning import Continued, FleetPlan, PlanAnswer, make_fleet_plan, moved
from cloudact.fleet.progress import NOT_ENDED, FleetRun, Progress, WaveProgress, account
from cloudact.fleet.request import SyncRequest
from cloudact.fleet.roster import candidates
from cloudact.fleet.run import FleetRunner, Notice, Sleep, ignore_progress
from cloudact.fleet.status import FleetStatus
from cloudact.fleet.together import UNIT
from cloudact.fleet.waves import Member
from cloudact.pipeline.cancellation import Cancellation
from cloudact.pipeline.definition import FLEET_PLAN, FLEET_SYNC, Trigger, TriggerType
from cloudact.pipeline.recovery import IsAlive, is_alive, mark_interrupted, this_process
from cloudact.pipeline.states import State
from cloudact.tenancy.actor import UNATTENDED, Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.trail import AuditTrail
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.organizations import Organizations
from cloudact.tenancy.store import NewId, with_labels
from cloudact.warehouse.driver import Warehouse

_NOTHING = Continued()
_PLANS = uuid.UUID("5f7d0a8e-92c4-5b1c-9d0e-6a3f1c7b2e44")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan that is about to be carried out, over the declarations that it was made of."""

    plan: FleetPlan
    catalogs: Declarations
    continued: Continued = _NOTHING

    @property
    def synced_before(self) -> int:
        """How many organizations earlier runs brought in step, and need nothing more."""
        needed = {slug for wave in self.plan.waves for slug in wave.slugs}
        return len(self.continued.synced - needed)


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that has begun, and that `carry_out` is to be called for."""

    begun: Begun
    prepared: Prepared
    actor: Actor
    row: dict[str, Any]
    parameters: dict[str, Any]
    progress: Progress


@dataclass(frozen=True, slots=True)
class FleetSync:
    """The use case; `sleep` and `alive` are what a test replaces, `beat_seconds` how often a run shows itself.

    `unit` is how many organizations one unit of work is for, where it is a transaction. There, units are done one after
    another: of two that change datasets at once one would be done again.
    """

    catalogs: Declarations
    warehouse: Warehouse
    trail: AuditTrail
    clock: Callable[[], datetime]
    new_id: NewId
    status: FleetStatus
    organizations: Organizations
    sleep: Sleep = Cancellation.wait
    alive: IsAlive = is_alive
    beat_seconds: float = 5.0
    unit: int = UNIT

    def plan(self, request: SyncRequest, actor: Actor = UNATTENDED) -> PlanAnswer:
        """Return what a sync would do, and store it under its hash; raises InvalidRequest and NotBootstrapped."""
        plan = self._prepare(request).plan
        now, answer = self.clock(), plan.answer()
        row = plan_row(_plan_id(answer.plan_hash), _trigger(actor), now, plan.facts())
        event = Event(Action.CREATE, ResourceType.PIPELINE, FLEET_PLAN, None, {"plan_hash": answer.plan_hash})
        self._ledger().store(actor, event, row)
        return answer

    def begin(self, request: SyncRequest, actor: Actor = UNATTENDED) -> OpenRun:
        """Begin a run; raises FleetBusy while another one goes on, InvalidRequest, and NotBootstrapped."""
        return self._begin(self._prepare(request), actor)

    def begin_planned(self, plan_hash: str, actor: Actor = UNATTENDED) -> OpenRun:
        """Begin a run of a stored plan; raises FleetPlanNotFound, and FleetPlanStale when it would do something else.

        What is raised by `begin` is raised as well.
        """
        try:
            stored = self._ledger().run(_plan_id(plan_hash), FLEET_PLAN)["parameters"]
        except FleetRunNotFound:
            raise FleetPlanNotFound(plan_hash) from None
        request = SyncRequest.from_json(stored["request"])
        try:
            prepared = self._prepare(request)
        except InvalidRequest as error:
            # Who was named when the plan was made is gone.
            raise FleetPlanStale(plan_hash, [error.message]) from error
        if prepared.plan.hash() != plan_hash:
            raise FleetPlanStale(plan_hash, moved(stored, prepared.plan.facts()))
        return self._begin(prepared, actor)

    def begin_again(self, run_id: str, actor: Actor = UNATTENDED, *, only_failed: bool = False) -> OpenRun:
        """Begin a run that goes on where another one ended, with its request; raises FleetRunNotFound, and as `begin`.

        What is needed still is read from the datasets as they are, of all organizations or of those that failed.
        """
        ledger = self._ledger()
        self._mark_interrupted()
        earlier = ledger.run(run_id)
        last, before = ledger.reached(run_id), earlier["parameters"]["continues"]
        only = frozenset(slug for slug, state in last.items() if state is State.FAILED) if only_failed else None
        reached = last
        while before:
            # What came of somebody last is what counts.
            reached = ledger.reached(before) | reached
            before = ledger.run(before)["parameters"]["continues"]
        synced = frozenset(slug for slug, state in reached.items() if state is State.COMPLETED)
        request = SyncRequest.from_json(earlier["parameters"]["request"])
        return self._begin(self._prepare(request, Continued(run_id, frozenset(reached), synced, only)), actor)

    def described(self, run: OpenRun) -> FleetRun:
        """Return the account of a run that has just begun."""
        row = {**run.row, "parameters": run.parameters, "run_metadata": this_process().metadata(run.begun.at)}
        return account({**NOT_ENDED, **row}, run.progress, [])

    def carry_out(
        self, run: OpenRun, cancellation: Cancellation | None = None, notice: Notice = ignore_progress
    ) -> FleetRun:
        """Carry a run out that has begun, and return the account of it; called once, and never raises for what it met.

        A cancellation ends it when the organizations are done that are under way.
        """
        transactional = self.warehouse.engine.transactional
        runner = FleetRunner(
            begun=run.begun,
            plan=run.prepared.plan,
            organizations=self._pinned(run.prepared.catalogs),
            ledger=self._ledger(),
            actor=run.actor,
            parameters=run.parameters,
            progress=run.progress,
            clock=self.clock,
            new_id=self.new_id,
            sleep=self.sleep,
            beat_seconds=self.beat_seconds,
            unit=self.unit if transactional else 1,
            workers=1 if transactional and self.unit > 1 else run.prepared.plan.request.workers,
        )
        return runner.carry_out(cancellation or Cancellation(), notice)

    def _prepare(self, request: SyncRequest, continued: Continued = _NOTHING) -> Prepared:
        request.check()
        catalogs = self.catalogs.pinned()
        catalog = catalogs.load()
        seen = self.status.compare(catalog)
        found = [Member(item.org_slug) for item in seen.roster]
        if request.looks_at_profiles():
            # Those that failed are known by name, whatever anybody's labels are by now.
            found = self._candidates(catalog, request, named=continued.only is not None)
        return Prepared(make_fleet_plan(catalog, request, seen.groups, found, continued), catalogs, continued)

    def _candidates(self, catalog: Catalog, request: SyncRequest, *, named: bool) -> list[Member]:
        asked = request.labels()
        seen = with_labels(self.warehouse, lambda session, also: candidates(session, catalog, asked, also))
        if not named:
            request.check_meaning(seen.members, seen.keys)
        return seen.members

    def _begin(self, prepared: Prepared, actor: Actor) -> OpenRun:
        taken_over = self._mark_interrupted()
        plan, now = prepared.plan, self.clock()
        begun = Begun(self.new_id(), now, _trigger(actor))
        waves = [WaveProgress(wave.number, wave.selector, len(wave.slugs)) for wave in plan.waves]
        progress = Progress(begun.run_id, sum(1 for _ in plan.blocked()), waves)
        parameters = {
            "request": plan.request.as_json(),
            "plan_hash": plan.hash(),
            "continues": prepared.continued.run_id,
            "synced_before": prepared.synced_before,
            "organizations": plan.organizations,
            "not_requested": plan.not_requested,
        }
        metadata = {**this_process().metadata(now), "progress": progress.as_json()}
        details = {"run_id": begun.run_id, "needed": plan.needed, "phase": "attempt", "taken_over": list(taken_over)}
        event = Event(Action.EXECUTE, ResourceType.PIPELINE, FLEET_SYNC, None, {**parameters, **details})
        row = begun_row(begun, parameters, metadata)
        with self.trail.attempt(actor, event):
            self._ledger().begin(begun, actor, event, row)
        return OpenRun(begun, prepared, actor, row, parameters, progress)

    def _mark_interrupted(self) -> tuple[str, ...]:
        central = self.catalogs.load().central_name
        return mark_interrupted(self.warehouse, central, self.clock(), self.alive)

    def _ledger(self) -> Ledger:
        return Ledger(self.warehouse, self.trail, self.catalogs.load().central_name)

    def _pinned(self, catalogs: Declarations) -> Organizations:
        """Every organization becomes what the plan was made of, whatever becomes of the files meanwhile."""
        return replace(self.organizations, catalogs=catalogs)


def _plan_id(plan_hash: str) -> str:
    return str(uuid.uuid5(_PLANS, plan_hash))


def _trigger(actor: Actor) -> Trigger:
    return Trigger(type=TriggerType.API if actor.caller else TriggerType.MANUAL, by=actor.name)
