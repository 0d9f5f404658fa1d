"""Answers that are the same for the central dataset and for an organization's."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from cloudact.catalog.model import Materialized
from cloudact.planning.status import SyncStatus
from cloudact.tenancy.sync import SyncOutcome

BYTES_BILLED = "What the queries of this call are billed, in bytes; always 0 on DuckDB."


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ConflictResponse(_Answer):
    """A difference that needs a person: nothing was or will be done about it."""

    code: str = Field(description="Stable; explained in docs/operations.md.", examples=["type_changed"])
    object: str = Field(examples=["org_profiles.status"])
    what: str = Field(examples=["is STRING, declared INT64"])
    why: str = Field(examples=["the change could lose values or is not possible in place"])
    fix: str = Field(examples=["Declare what the warehouse has, or add a new column and move the values."])


class TableDiffResponse(_Answer):
    """How one existing table differs; nested fields are dotted paths."""

    missing_columns: list[str] = Field(examples=[["new_column"]])
    extra_columns: list[str] = Field(description="Not declared; harmless, and kept.")
    conflicts: list[ConflictResponse]
    pending: list[str] = Field(description="Columns that a sync will relax or widen.")
    notes: list[str] = Field(description="Columns that are looser than declared; harmless.")


class ViewResponse(_Answer):
    """How one declared view stands."""

    materialized: Materialized = Field(
        description="As declared: one for all organizations, one of its own, or a plain view."
    )
    exists: bool
    current: bool = Field(description="Whether it exists with the declared definition.")


class DatasetStatusResponse(_Answer):
    """A dataset against its declaration."""

    status: SyncStatus
    dataset: str = Field(examples=["organizations"])
    dataset_exists: bool
    tables_expected: int = Field(examples=[20])
    tables_existing: list[str]
    tables_missing: list[str]
    tables_extra: list[str] = Field(description="Tables and views that are not declared; harmless, and kept.")
    schema_diffs: dict[str, TableDiffResponse] = Field(description="Only tables that differ in some way.")
    views_missing: list[str]
    views_stale: list[str] = Field(description="Views with another definition; a sync with recreate_views mends them.")
    views_unreadable: list[str] = Field(
        description="Declared views left out, because the dataset is in another location than the central one."
    )
    views: dict[str, ViewResponse] = Field(description="Every other declared view.")
    conflicts: list[ConflictResponse] = Field(description="All conflicts, those of tables included.")
    message: str = Field(examples=["1 column missing. Run bootstrap/sync."])


class SyncRequest(BaseModel):
    """What a sync may do; everything safe when nothing is sent."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"sync_missing_tables": True, "sync_missing_columns": True}]},
    )

    sync_missing_tables: StrictBool = Field(default=True, description="Create tables and views that are missing.")
    sync_missing_columns: StrictBool = Field(
        default=True, description="Add columns that are missing, and update descriptions and clustering."
    )
    recreate_views: StrictBool = Field(default=False, description="Also replace views whose definition is stale.")


class ErrorResponse(_Answer):
    """A change that the warehouse refused; the others were made."""

    change: str = Field(examples=["create view x_org_hierarchy"])
    message: str
    hint: str


class SyncResponse(_Answer):
    """What a sync did, what it could not do, and what it was not asked to do."""

    status: SyncOutcome = Field(description="PARTIAL when conflicts or errors remain.")
    dataset: str = Field(examples=["organizations"])
    dataset_created: bool
    tables_created: list[str]
    columns_added: dict[str, list[str]] = Field(examples=[{"org_profiles": ["new_column"]}])
    views_created: list[str]
    views_replaced: list[str]
    columns_changed: list[str] = Field(description="Columns that were relaxed or widened.")
    metadata_updated: list[str] = Field(description="Descriptions, clustering and labels that were set.")
    conflicts: list[ConflictResponse]
    errors: list[ErrorResponse]
    notes: list[str] = Field(description="For example a REQUIRED column that could only be added NULLABLE.")
    not_requested: list[str] = Field(description="Changes that the request's flags left out.")
    bytes_billed: int = Field(description=BYTES_BILLED)
    message: str = Field(examples=["organizations: 1 change applied."])
