"""A pipeline: the file as it is written, and the checked steps as they run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from cloudact.pipeline.processor import JSON, Processor
from cloudact.pipeline.variables import NAME, Redaction

SYSTEM = "system"
# Runs of the service itself, which no file may call its own.
FLEET_SYNC, FLEET_PLAN = "fleet_sync", "fleet_plan"
_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")]
_Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600, allow_inf_nan=False, strict=True)]
_Delay = Annotated[float, Field(ge=0, le=24 * 3600, allow_inf_nan=False, strict=True)]


class OnFailure(StrEnum):
    """What becomes of the steps after one that did not complete."""

    STOP = "stop"
    CONTINUE = "continue"


class TriggerType(StrEnum):
    """What started a run; MANUAL is the command line."""

    API = "API"
    SCHEDULER = "SCHEDULER"
    MANUAL = "MANUAL"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RetryFile(_Strict):
    """`retry` of a step: how often a transient error is met with another attempt, and after how many seconds."""

    attempts: Annotated[int, Field(ge=1, le=100, strict=True)] = 1
    delay_seconds: _Delay = 1.0
    max_delay_seconds: _Delay = 60.0


def _not_the_services(text: str) -> str:
    if text in (FLEET_SYNC, FLEET_PLAN):
        raise ValueError("is what the service calls runs of its own; choose another id")
    return text


class HeaderFile(_Strict):
    """`pipeline` of a file: what the pipeline is called, and whether organizations may run it for themselves."""

    id: Annotated[_Id, AfterValidator(_not_the_services)]
    name: Annotated[str, Field(min_length=1)]
    description: str = ""
    organizations: Annotated[bool, Field(strict=True)] = False


class StepFile(_Strict):
    """One entry of `steps`; without `depends_on` it follows the entry before it."""

    step_id: _Id
    name: str = ""
    ps_type: str
    config: Annotated[dict[str, Any], BeforeValidator(lambda value: {} if value is None else value)] = {}
    depends_on: tuple[str, ...] | None = None
    timeout: _Seconds | None = None
    retry: RetryFile = RetryFile()
    on_failure: OnFailure = OnFailure.STOP


class PipelineFile(_Strict):
    """The whole of a pipeline file."""

    pipeline: HeaderFile
    variables: dict[Annotated[str, Field(pattern=rf"^{NAME}$")], Any] = {}
    steps: tuple[StepFile, ...]


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a step is tried, and how many seconds lie between two attempts at most."""

    attempts: int = 1
    delay_seconds: float = 1.0
    max_delay_seconds: float = 60.0

    def delay(self, attempt: int, jitter: float) -> float:
        """Return the seconds to wait after this attempt, from 1: twice as long each time, less up to half of it.

        `jitter` is a number from 0 up to 1, so that what failed together is not tried again together.
        """
        # Beyond this power it is longer than any delay can be, and beyond a float.
        longest = min(self.max_delay_seconds, self.delay_seconds * 2.0 ** min(attempt - 1, 64))
        return longest * (1 - jitter / 2)


@dataclass(frozen=True, slots=True)
class Step:
    """One checked step; `index` is its place in the file, from 0, and `timeout` is in seconds for each attempt.

    It runs after the steps in `after`, and only if those in `depends_on` completed. `after` has the step before it in
    the file where the file says nothing of what it depends on.
    """

    step_id: str
    name: str
    processor: Processor[Any]
    config: BaseModel
    index: int = 0
    after: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    timeout: float | None = None
    retry: Retry = Retry()
    on_failure: OnFailure = OnFailure.STOP

    @property
    def ps_type(self) -> str:
        """The name of the step's processor."""
        return self.processor.ps_type


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline that can run: its steps in the order of the file, and every variable with the value it has."""

    pipeline_id: str
    name: str
    steps: tuple[Step, ...]
    variables: Mapping[str, JSON] = field(default_factory=dict)
    description: str = ""
    organizations: bool = False

    def in_order(self) -> tuple[Step, ...]:
        """Return the steps in the order in which they run."""
        by_id = {step.step_id: step for step in self.steps}
        order, _ = execution_order({step.step_id: step.after for step in self.steps})
        return tuple(by_id[step_id] for step_id in order)

    def redaction(self) -> Redaction:
        """Return what keeps this pipeline's secrets out of records, logs and reports."""
        return Redaction.of(self.variables, [step.config for step in self.steps])


@dataclass(frozen=True, slots=True)
class Trigger:
    """Who started a run, for which organization and, where the run is about one, for which day."""

    organization: str = SYSTEM
    type: TriggerType = TriggerType.MANUAL
    by: str | None = None
    user_id: str | None = None
    org_api_key_id: str | None = None
    run_date: date | None = None


def execution_order(after: Mapping[str, Collection[str]]) -> tuple[list[str], list[str]]:
    """Return names such that each follows those it is `after`, in the given order among those that may be next.

    Second come the names of one cycle, each after the next and the last after the first; without it, none.
    """
    order: list[str] = []
    left = dict(after)
    while left:
        found = next((name for name, needed in left.items() if not any(item in left for item in needed)), None)
        if found is None:
            return order, _cycle(left)
        order.append(found)
        del left[found]
    return order, []


def _cycle(left: Mapping[str, Collection[str]]) -> list[str]:
    """Every name that is left is after another one that is left, so following them comes back to a name seen before."""
    path = [next(iter(left))]
    while True:
        name = next(item for item in left[path[-1]] if item in left)
        if name in path:
            return path[path.index(name) :]
        path.append(name)
