"""Errors of pipeline runs and of their steps."""

from __future__ import annotations

from cloudact.errors.root import CloudactError


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
