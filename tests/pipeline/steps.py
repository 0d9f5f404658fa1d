"""Processors whose work a test writes, and pipelines of them over a real warehouse."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr

from cloudact.catalog.model import Dataset
from cloudact.pipeline.cancellation import Cancellation
from cloudact.pipeline.executor import Executor
from cloudact.pipeline.load import load_pipeline
from cloudact.pipeline.processor import StepContext, StepReport
from cloudact.pipeline.records import RUNS, STEP_LOGS, TRANSITIONS, Records
from cloudact.pipeline.report import RunReport
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.driver import Warehouse
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.acme import ROOT

START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = {
    RUNS: (
        "pipeline_logging_id", "org_slug", "pipeline_id", "status", "trigger_type", "start_time", "end_time",
        "duration_ms", "parameters", "run_metadata", "error_message", "error_context",
    ),
    STEP_LOGS: (
        "step_logging_id", "pipeline_logging_id", "step_name", "step_type", "step_index", "status", "start_time",
        "end_time", "rows_processed", "error_message", "error_context", "metadata",
    ),
    TRANSITIONS: (
        "transition_id", "pipeline_logging_id", "step_logging_id", "entity_type", "entity_name", "from_state",
        "to_state", "transition_time", "reason", "error_type", "error_message", "stack_trace_truncated",
        "retry_count", "duration_in_state_ms",
    ),
}  # fmt: skip
Act = Callable[["NoteConfig", StepContext], StepReport]


class Nested(BaseModel):
    """A mapping inside a configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    depth: int


class NoteConfig(BaseModel):
    """Something of every kind that a configuration can have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    note: str = ""
    number: int = 0
    flag: bool = False
    items: tuple[str, ...] = ()
    nested: Nested | None = None
    api_token: SecretStr = SecretStr("")


@dataclass
class Scripted:
    """A processor that does what the test says, and remembers the notes it was called with."""

    act: Act = lambda config, _context: StepReport(f"noted {config.note}")
    ps_type: str = "test.note"
    config: type[NoteConfig] = NoteConfig
    planned: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)

    def plan(self, config: NoteConfig, context: StepContext) -> StepReport:
        self.planned.append(config.note or context.step_id)
        return StepReport(f"would note {config.note}")

    def run(self, config: NoteConfig, context: StepContext) -> StepReport:
        self.ran.append(config.note or context.step_id)
        return self.act(config, context)


@cache
def central() -> Dataset:
    """The central dataset with the tables that runs are recorded in."""
    whole = Declarations(ROOT / "configs").load().central_dataset()
    return replace(whole, tables=tuple(table for table in whole.tables if table.name in COLUMNS), views=())


def make_central(warehouse: Warehouse) -> None:
    """Make the tables of runs."""
    synchronize(warehouse, central(), EVERYTHING)


@dataclass
class World:
    """A warehouse, an executor whose clock moves a second at each look, and what it slept."""

    warehouse: Warehouse = field(default_factory=lambda: DuckDBWarehouse(None))
    processor: Scripted = field(default_factory=Scripted)
    slept: list[float] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    first_id: int = 1

    def __post_init__(self) -> None:
        seconds = itertools.count()
        ids = itertools.count(self.first_id)
        self.now = lambda: START + timedelta(seconds=next(seconds))
        self.new_id = lambda: f"id-{next(ids)}"

    @property
    def executor(self) -> Executor:
        return Executor(
            Records(self.warehouse, central().name),
            self.now,
            self.new_id,
            **{"sleep": lambda _cancellation, seconds: self.slept.append(seconds), "jitter": lambda: 0.0}
            | self.options,
        )

    def run(
        self, steps: str, parameters: dict[str, str] | None = None, cancellation: Cancellation | None = None
    ) -> RunReport:
        """Run a pipeline of these steps, in YAML."""
        return self.executor.run(self.load(steps, parameters), cancellation=cancellation)

    def load(self, steps: str, parameters: dict[str, str] | None = None) -> Any:
        """Return the pipeline of these steps, in YAML."""
        return load_pipeline(pipeline_text(steps), {"test.note": self.processor}, parameters)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return what was recorded in a table, in the order in which it happened."""
        columns = COLUMNS[table]
        found = self.warehouse.run(lambda session: session.select(central().name, table, columns))
        return sorted(found, key=_recorded)

    def states(self) -> dict[str, str]:
        """Return the state of each step in the warehouse, by its id; of the last attempt."""
        return {row["step_name"]: row["status"] for row in self.rows(STEP_LOGS)}


def _recorded(row: dict[str, Any]) -> datetime:
    """The clock moves at each look, so no two things begin or change at the same time, but those of one recovery."""
    at = row["transition_time"] if "transition_time" in row else row["start_time"]
    assert isinstance(at, datetime)
    return at


def pipeline_text(steps: str) -> str:
    """Return a pipeline file with these steps, and with `variables` if the text begins with them."""
    return f"pipeline:\n  id: test_pipeline\n  name: A test\n{steps}"


def step(step_id: str, **more: object) -> str:
    """Return one entry of `steps`."""
    return "".join(
        [
            f"  - step_id: {step_id}\n    ps_type: test.note\n",
            *(f"    {name}: {value}\n" for name, value in more.items()),
        ]
    )


def steps(*entries: str) -> str:
    """Return the `steps` of a file."""
    return "steps:\n" + "".join(entries)
