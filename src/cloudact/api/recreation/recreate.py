"""`/api/v1/admin/datasets/{dataset}/recreate`: tables made anew, after a backup."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from pydantic.config import JsonDict

from cloudact.api.auth import ActorDep, administrator_router
from cloudact.api.errors import problem_responses
from cloudact.api.organizations import Text
from cloudact.api.services import ServicesDep
from cloudact.tenancy.recreation.results import Mode, Outcome, Recreation

router = administrator_router("/api/v1/admin/datasets", "datasets")

_EXAMPLE: JsonDict = {
    "mode": "with_data",
    "reason": "Another partitioning",
    "dry_run": True,
}


class RecreateRequest(BaseModel):
    """What to make anew, and the confirmation that it is meant."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    mode: Mode = Field(
        description="`with_data` makes tables as declared with every row of them; `tables` makes them as declared and "
        "empty; `dataset` also removes tables that are not declared."
    )
    tables: list[Text] = Field(default=[], description="Only these tables; all declared ones when it is empty.")
    confirm: Text | None = Field(default=None, description="The dataset's name; refused without it, but for a dry run.")
    reason: Text = Field(default="", description="Why; the backup and the audit log keep it.")
    dry_run: StrictBool = Field(default=False, description="Tell what would be done, and change nothing.")


class TableRecreatedResponse(BaseModel):
    """What came of one table."""

    model_config = ConfigDict(from_attributes=True)

    table: str = Field(examples=["org_profiles"])
    outcome: Outcome
    rows_before: int
    rows_after: int
    error: str | None = Field(description="Why it failed; the table is as it was.")
    fix: str | None


class RecreatedResponse(BaseModel):
    """What was made anew, or would be, and the backup of what was there."""

    model_config = ConfigDict(from_attributes=True)

    dataset: str = Field(examples=["organizations"])
    mode: Mode
    backup: str | None = Field(
        description="Holds what was there before; null where nothing had to be backed up.",
        examples=["organizations__backup_20260131120000"],
    )
    tables: list[TableRecreatedResponse]
    views_left: list[str] = Field(description="Views that are not declared; they stay, and hold no rows.")
    failed: bool = Field(description="Whether a table failed; the others are done.")
    message: str


DatasetPath = Annotated[
    str,
    Path(description="The central dataset, an organization's, or a pipeline template's.", examples=["organizations"]),
]


@router.post("/{dataset}/recreate", summary="Make tables anew, after a backup", responses=problem_responses(404))
def recreate(services: ServicesDep, actor: ActorDep, dataset: DatasetPath, body: RecreateRequest) -> RecreatedResponse:
    """Back up the tables of a dataset, then make them as declared, with or without their rows.

    A table that failed is told by `failed` and by its outcome; it is as it was, and the others are done.
    """
    recreation = Recreation(body.mode, tuple(body.tables), body.confirm, body.reason)
    desired = services.recreations.declared(dataset)
    if body.dry_run:
        return RecreatedResponse.model_validate(services.recreations.plan(desired, recreation))
    return RecreatedResponse.model_validate(services.recreations.run(desired, recreation, actor=actor))
