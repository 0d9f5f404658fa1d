"""`/api/v1/admin/backups`: copies of datasets, beside them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from cloudact.api.auth import ActorDep, administrator_router
from cloudact.api.errors import problem_responses
from cloudact.api.organizations import Text
from cloudact.api.services import ServicesDep

router = administrator_router("/api/v1/admin/backups", "backups")


class BackupTableResponse(BaseModel):
    """One table of a backup."""

    model_config = ConfigDict(from_attributes=True)

    table: str = Field(examples=["org_profiles"])
    rows: int


class BackupResponse(BaseModel):
    """A dataset that holds copies of another one's tables."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["organizations__backup_20260131120000"])
    backup_of: str = Field(examples=["organizations"])
    created_at: datetime
    created_by: str
    reason: str
    complete: bool = Field(description="False for one that was interrupted while it was made; it is used for nothing.")
    tables: list[BackupTableResponse]


class BackupListResponse(BaseModel):
    """Every backup, the newest first."""

    model_config = ConfigDict(from_attributes=True)

    backups: list[BackupResponse]


class BackupRequest(BaseModel):
    """What to copy."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"dataset": "organizations", "reason": "Before the migration"}]}
    )

    dataset: Text = Field(description="Any dataset of the warehouse.")
    tables: list[Text] = Field(default=[], description="Only these tables; all of them when it is empty.")
    reason: Text = Field(default="", description="Why, for whoever finds it later.")


class RestoreRequest(BaseModel):
    """Where to restore it to."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"target": "organizations_restored"}]})

    target: Text = Field(description="Name of the dataset to make of it; no dataset may have it.")


class RestoredResponse(BaseModel):
    """The dataset that was made of a backup."""

    model_config = ConfigDict(from_attributes=True)

    dataset: str = Field(examples=["organizations_restored"])
    backup: str = Field(examples=["organizations__backup_20260131120000"])
    tables: list[BackupTableResponse]
    changed: list[str] = Field(description="What somebody changed in the backup since it was made, by numbers of rows.")


DatasetQuery = Annotated[str | None, Query(description="Only backups of this dataset.")]
BackupPath = Annotated[str, Path(description="Name of a backup.", examples=["organizations__backup_20260131120000"])]


@router.get("", summary="List backups")
def list_backups(services: ServicesDep, dataset: DatasetQuery = None) -> BackupListResponse:
    """Return every backup of the warehouse, or of one dataset, the newest first; unfinished ones are among them."""
    return BackupListResponse.model_validate({"backups": services.backups.list(dataset)})


@router.post("", summary="Make a backup", responses=problem_responses(404))
def create(services: ServicesDep, actor: ActorDep, body: BackupRequest) -> BackupResponse:
    """Copy a dataset's tables to a dataset beside it, and compare every copy with its table."""
    made = services.backups.create(body.dataset, body.tables, reason=body.reason, actor=actor)
    return BackupResponse.model_validate(made)


@router.post("/{backup}/restore", summary="Restore a backup to a new name", responses=problem_responses(404, 409))
def restore(services: ServicesDep, actor: ActorDep, backup: BackupPath, body: RestoreRequest) -> RestoredResponse:
    """Make a dataset of a backup under a name that is free; what exists is left as it is."""
    return RestoredResponse.model_validate(services.backups.restore(backup, body.target, actor=actor))
