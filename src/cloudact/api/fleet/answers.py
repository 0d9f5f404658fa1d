"""What is asked of the fleet's routes, and what they answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from cloudact.api.datasets import ConflictResponse, DatasetStatusResponse, SyncRequest
from cloudact.api.organizations import Text
from cloudact.errors import InvalidRequest, Problem
from cloudact.fleet import request as asked
from cloudact.fleet.runs import MAX_PAGE
from cloudact.fleet.waves import FORMS, LABEL_KEYS
from cloudact.pipeline.states import State
from cloudact.planning.status import SyncStatus

_SELECTOR = f"A selector is {FORMS}; labels are {LABEL_KEYS}."
_Seconds = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=asked.MAX_PAUSE_SECONDS)]


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class FleetPlanRequest(SyncRequest):
    """What a sync of the fleet may do, for whom, and in which waves; everything safe, for everybody, at once."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"waves": ["slug:acme_corp", "5%"], "max_failures": "1%"}]}
    )

    only: list[Text] = Field(default=[], description=f"Only organizations that any of these takes. {_SELECTOR}")
    waves: list[Text] = Field(default=[], description="Who comes first, wave after wave; everybody else comes last.")
    pause_seconds: _Seconds = Field(default=0.0, description="Between two waves.")
    max_failures: Text = Field(
        default="0",
        description="Begin nothing more when more organizations of a wave failed: 3, or a share such as 5%.",
    )
    workers: StrictInt = Field(
        default=4, description=f"On BigQuery, organizations at a time: 1 to {asked.MAX_WORKERS}."
    )

    def as_request(self) -> asked.SyncRequest:
        """Return the request; raises InvalidRequest."""
        return asked.SyncRequest.from_json(self.model_dump(exclude={"plan_hash"}))


class FleetSyncRequest(FleetPlanRequest):
    """A sync of the fleet: as described here, or as a plan says that was made before."""

    plan_hash: Text | None = Field(
        default=None, description="Do what this plan says, unless anything has moved since; no other field beside it."
    )

    def check_alone(self) -> None:
        """Raise InvalidRequest for fields beside the hash of a plan, which says everything itself."""
        others = sorted(self.model_fields_set - {"plan_hash"})
        if self.plan_hash is not None and others:
            what = "cannot be beside plan_hash: the plan says it"
            problems = [Problem("request", name, what, "") for name in others]
            raise InvalidRequest(f"{', '.join(others)} {what}", problems=problems)


class FleetGroupResponse(_Answer):
    """Organizations whose datasets are the same."""

    status: SyncStatus
    organizations: int
    org_slugs: list[str] = Field(description="The first of them.", examples=[["acme_corp"]])
    fingerprint: str = Field(description="Empty where there is no dataset.")
    onboarded: bool
    confirmed: bool = Field(description="False when two of them were found to differ, because they changed meanwhile.")
    state: DatasetStatusResponse = Field(description="How one of them stands.")


class FleetStatusResponse(_Answer):
    """Every organization against its declaration, the largest group first."""

    organizations: int
    sync_status: dict[SyncStatus, int] = Field(description="How many organizations have each status.")
    groups: list[FleetGroupResponse]
    missing: dict[str, int] = Field(description="For each declared object, how many organizations go without it.")
    datasets_without_profile: int
    without_profile: list[str] = Field(description="The first of these datasets.")
    message: str


class PlanGroupResponse(_Answer):
    """Organizations that need the same."""

    organizations: int
    org_slugs: list[str] = Field(description="The first of them.", examples=[["acme_corp"]])
    fingerprint: str
    onboarded: bool = Field(description="False where a sync also finishes the onboarding.")
    changes: list[str] = Field(description="To each of them.", examples=[["add column subscription_plans.x (STRING)"]])
    not_requested: list[str] = Field(description="Changes that the request leaves out.")
    conflicts: list[ConflictResponse]


class PlanWaveResponse(_Answer):
    """One wave of a plan."""

    number: int
    selector: str = Field(examples=["5%"])
    organizations: int
    org_slugs: list[str] = Field(description="The first of them.", examples=[["acme_corp"]])


class RequestResponse(_Answer):
    """What was asked for, every field with the value it had."""

    sync_missing_tables: bool
    sync_missing_columns: bool
    recreate_views: bool
    only: list[str]
    waves: list[str]
    pause_seconds: float
    max_failures: str
    workers: int


class FleetPlanResponse(_Answer):
    """Everything a sync would do, under the hash by which it is applied."""

    plan_hash: str
    organizations: int = Field(description="How many there are.")
    selected: int = Field(description="How many of them `only` takes.")
    needed: int = Field(description="How many of these a sync has something to do for.")
    blocked: int = Field(description="How many have only conflicts, for which only a person can do something.")
    groups: list[PlanGroupResponse] = Field(description="Without those that are in step.")
    waves: list[PlanWaveResponse]
    request: RequestResponse
    message: str


class WaveResponse(_Answer):
    """How far one wave has come."""

    number: int
    selector: str = Field(examples=["rest"])
    organizations: int
    synced: int
    failed: int


class FleetFailureResponse(_Answer):
    """An organization that the run did not bring in step, and why."""

    org_slug: str
    wave: int = Field(description="0 for one that is left to a person.")
    cause: str
    error_type: str = Field(examples=["PERMANENT"])


class FleetCauseResponse(_Answer):
    """What several organizations failed for."""

    cause: str = Field(description="With `{org_slug}` in place of each one's slug.")
    organizations: int
    org_slugs: list[str] = Field(description="The first of them.")


class FleetRunResponse(_Answer):
    """A run, and the account of it."""

    run_id: str
    state: State
    status: Literal["RUNNING", "INTERRUPTED", "SUCCESS", "PARTIAL"] = Field(
        description="SUCCESS when all that was asked for is done, and nobody is left to a person; INTERRUPTED while "
        "the state is still RUNNING, though the run's process is gone."
    )
    organizations: int = Field(description="How many there were.")
    needed: int = Field(description="How many the run was begun for.")
    synced: int
    failed: int
    blocked: int = Field(description="How many are left to a person.")
    not_reached: int
    not_requested: int = Field(description="How many lack something that the request leaves out.")
    wave: int = Field(description="The one under way, or the last; 0 before the first.")
    waves: list[WaveResponse]
    failures: list[FleetFailureResponse] = Field(description="Everybody who failed; a page of runs leaves them out.")
    causes: list[FleetCauseResponse]
    request: RequestResponse
    plan_hash: str
    continues: str = Field(description="The run that this one goes on with; empty for none.")
    synced_before: int = Field(description="How many were brought in step by the runs that this one goes on with.")
    triggered_by: str
    started_at: datetime
    ended_at: datetime | None
    duration_ms: int | None
    lease_until: str = Field(description="When another run may take over, unless this one shows itself before.")
    recorded: bool
    message: str


class FleetEvent(BaseModel):
    """One of the events that follow a run: its parts, as the HTML standard names them."""

    event: Literal["progress", "end"] = Field(description="`end` is the last one, of a run that has ended.")
    data: str = Field(description="The run as JSON, as the route that shows it answers.")


class FleetRunListQuery(BaseModel):
    """Which part of the runs to list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=20, ge=1, le=MAX_PAGE)
    offset: int = Field(default=0, ge=0, le=2**31)


class FleetRunListResponse(_Answer):
    """One page of runs, the latest first."""

    runs: list[FleetRunResponse]
    total: int
    limit: int
    offset: int
