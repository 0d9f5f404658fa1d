"""What a processor is: the code behind the `ps_type` of a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

import structlog
from pydantic import BaseModel

from cloudact.pipeline.cancellation import Cancellation

C = TypeVar("C", bound=BaseModel)
JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"


@dataclass(frozen=True, slots=True)
class StepReport:
    """What a step did: a sentence, facts that can be written as JSON, and whether a part of the work was not done."""

    summary: str
    details: Mapping[str, JSON] = field(default_factory=dict)
    rows_processed: int | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class StepContext:
    """The attempt at a step that a processor is called for; `organization` is `system` for the platform's own work.

    `attempt` counts from 1. A processor changes a warehouse only through `CancellableWarehouse(warehouse,
    context.cancellation)`, and asks `cancellation.check()` between other pieces of work.
    """

    run_id: str
    pipeline_id: str
    step_id: str
    organization: str
    attempt: int
    log: structlog.typing.FilteringBoundLogger
    cancellation: Cancellation


class Processor(Protocol[C]):
    """One kind of step: its name, what its configuration may hold, and how it is planned and done."""

    @property
    def ps_type(self) -> str:
        """The name that a step calls it by, such as `setup.initial.onetime_bootstrap`."""

    @property
    def config(self) -> type[C]:
        """The pydantic model, frozen and without extra fields, that a step's configuration has to fit."""

    def plan(self, config: C, context: StepContext) -> StepReport:
        """Return what `run` would do; nothing is changed."""

    def run(self, config: C, context: StepContext) -> StepReport:
        """Do the work; called again after any interruption, it finishes it.

        Raises TransientError, or one of the warehouse's transient errors, for what may work later.
        """
