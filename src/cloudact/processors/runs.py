"""Pipeline runs and their steps, as the central tables record them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cloudact.catalog.model import Dataset
from cloudact.errors import NotBootstrapped, RunNotFound
from cloudact.pipeline.processor import JSON
from cloudact.pipeline.records import RUN_ID, RUNS, STEP_LOGS
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import stored_json
from cloudact.warehouse.driver import Condition, Equals, Page, Session, Warehouse

MAX_PAGE = 500
JSON_COLUMNS = ("parameters", "run_metadata", "error_context", "metadata")


@dataclass(frozen=True, slots=True)
class Run:
    """One run, in the columns of `org_meta_pipeline_runs`."""

    pipeline_logging_id: str
    org_slug: str
    pipeline_id: str
    status: str
    trigger_type: str | None
    trigger_by: str | None
    user_id: str | None
    org_api_key_id: str | None
    start_time: datetime
    end_time: datetime | None
    duration_ms: int | None
    run_date: date | None
    parameters: JSON
    run_metadata: JSON
    error_message: str | None
    error_context: JSON


@dataclass(frozen=True, slots=True)
class StepLog:
    """One attempt at a step, in the columns of `org_meta_step_logs`."""

    step_logging_id: str
    step_name: str
    step_type: str
    step_index: int
    status: str
    start_time: datetime
    end_time: datetime | None
    duration_ms: int | None
    rows_processed: int | None
    error_message: str | None
    error_context: JSON
    metadata: JSON


@dataclass(frozen=True, slots=True)
class RunPage:
    """One page of runs, the latest first, and how many match in all."""

    runs: list[Run]
    total: int
    limit: int
    offset: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run with its steps, in the order in which they started."""

    run: Run
    steps: list[StepLog]


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs; None is any."""

    org_slug: str | None = None
    pipeline_id: str | None = None
    status: str | None = None

    def conditions(self) -> list[Condition]:
        """Return what a row of a run has to meet."""
        columns = ("org_slug", "pipeline_id", "status")
        return [Equals(name, value) for name in columns if (value := getattr(self, name)) is not None]


@dataclass(frozen=True, slots=True)
class Runs:
    """Use cases on runs that were recorded."""

    catalogs: Declarations
    warehouse: Warehouse

    def page(self, wanted: RunFilter, *, limit: int, offset: int) -> RunPage:
        """Return one page of runs, the latest first; raises NotBootstrapped when there is nowhere to record any."""
        central = self.catalogs.load().central_dataset()

        def work(session: Session) -> RunPage:
            _require(session, central)
            where = wanted.conditions()
            total = session.count(central.name, RUNS, where)
            # A session orders upwards, so the latest are the end of that order.
            end = max(total - offset, 0)
            start = max(end - limit, 0)
            page = Page(("start_time", RUN_ID), end - start, start)
            rows = session.select(central.name, RUNS, _names(Run), where, page) if end > start else []
            return RunPage([_run(row) for row in reversed(rows)], total, limit, offset)

        return self.warehouse.run(work)

    def show(self, run_id: str, organization: OrgSlug | None = None) -> RunRecord:
        """Return a run with its steps, or only if it is this organization's; raises RunNotFound."""
        central = self.catalogs.load().central_dataset()

        def work(session: Session) -> RunRecord:
            _require(session, central)
            where = [Equals(RUN_ID, run_id), *RunFilter(organization).conditions()]
            found = session.select(central.name, RUNS, _names(Run), where)
            if not found:
                raise RunNotFound(run_id)
            steps = [_step(row) for row in session.select(central.name, STEP_LOGS, _names(StepLog), where)]
            return RunRecord(_run(found[0]), sorted(steps, key=lambda step: (step.start_time, step.step_index)))

        return self.warehouse.run(work)


def _names(kind: type[Run | StepLog]) -> Sequence[str]:
    return list(kind.__dataclass_fields__)


def _run(row: dict[str, Any]) -> Run:
    return Run(**_parsed(row))


def _step(row: dict[str, Any]) -> StepLog:
    return StepLog(**_parsed(row))


def _parsed(row: dict[str, Any]) -> dict[str, Any]:
    return {name: stored_json(value) if name in JSON_COLUMNS else value for name, value in row.items()}


def _require(session: Session, central: Dataset) -> None:
    live = session.inspect(central.name, [RUNS, STEP_LOGS], central)
    if live is None:
        raise NotBootstrapped(central.name)
    for name in (RUNS, STEP_LOGS):
        if live.table(name) is None:
            raise NotBootstrapped(central.name, name)
