"""Errors of pipeline runs and of their steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cloudact.errors.root import CloudactError, listed


class RunNotFound(CloudactError):
    """No pipeline run has this id."""

    code = "run_not_found"

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"Pipeline run not found: {run_id}",
            hint="List runs with GET /api/v1/admin/pipelines/runs, or `cloudact pipeline list`.",
        )


class TransientError(CloudactError):
    """Something outside the warehouse did not work now and may work later, so that a step with `retry` tries again."""

    code = "transient_error"


class StepCancelled(CloudactError):
    """The step, or the run that it is part of, was cancelled; whoever catches it has to end as soon as possible."""

    code = "step_cancelled"


class FleetBusy(CloudactError):
    """Another run brings the fleet in step; only one does at a time."""

    code = "fleet_busy"

    def __init__(self, run_id: str, process: str, since: datetime, lease_until: str) -> None:
        super().__init__(
            f"The fleet is being synced by run {run_id} ({process}), since {since:%Y-%m-%d %H:%M:%S %Z}",
            hint=f"Wait for its end, or abort it: `cloudact fleet abort {run_id}`. Without a sign of life its lease "
            f"ends at {lease_until[:19] or 'a time that is not recorded'}; the next run then takes over.",
        )


class FleetPlanNotFound(CloudactError):
    """No plan of the fleet was stored under this hash."""

    code = "fleet_plan_not_found"

    def __init__(self, plan_hash: str) -> None:
        super().__init__(
            f"Plan of the fleet not found: {plan_hash}",
            hint="Make one with `cloudact fleet sync --plan`; it prints it.",
        )


class FleetPlanStale(CloudactError):
    """What a stored plan was made of is not as it was; `moved` says what."""

    code = "fleet_plan_stale"

    def __init__(self, plan_hash: str, moved: Sequence[str]) -> None:
        super().__init__(
            f"Plan {plan_hash[:12]} is no longer what a sync would do: {listed(list(moved))}",
            hint="Nothing was changed. Make a new plan, look at it, and apply that one.",
        )
        self.moved = tuple(moved)


class FleetRunNotFound(CloudactError):
    """No run of the fleet has this id."""

    code = "fleet_run_not_found"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"Run of the fleet not found: {run_id}", hint="`cloudact fleet runs` lists them.")


class FleetRunNotOpen(CloudactError):
    """A run of the fleet that has ended cannot be aborted."""

    code = "fleet_run_not_open"

    def __init__(self, run_id: str, status: str) -> None:
        super().__init__(
            f"Run {run_id} of the fleet is {status}, and nothing of it goes on",
            hint=f"`cloudact fleet resume {run_id}` brings in step what it left.",
        )
