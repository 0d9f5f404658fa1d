"""`/api/v1/admin/bootstrap`: the central dataset."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body
from pydantic import BaseModel, ConfigDict, Field

from cloudact.api.auth import administrator_router
from cloudact.api.datasets import BYTES_BILLED, ConflictResponse, DatasetStatusResponse, SyncRequest, SyncResponse
from cloudact.api.errors import problem_responses
from cloudact.api.services import ServicesDep
from cloudact.errors import DestructiveRefused
from cloudact.planning.policy import Policy
from cloudact.tenancy.sync import SyncOutcome

router = administrator_router("/api/v1/admin/bootstrap", "bootstrap")


class BootstrapRequest(BaseModel):
    """Nothing has to be sent; the force flags are refused."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})

    force_recreate_dataset: bool = Field(default=False, description="Refused when true: it would delete every row.")
    force_recreate_tables: bool = Field(default=False, description="Refused when true: it would delete every row.")


class BootstrapResponse(BaseModel):
    """What bootstrap made, and what it found."""

    model_config = ConfigDict(from_attributes=True)

    status: SyncOutcome = Field(description="PARTIAL when a declared table could not be created.")
    dataset: str = Field(examples=["organizations"])
    dataset_created: bool
    tables_created: list[str] = Field(examples=[["org_profiles", "org_api_keys"]])
    tables_existed: list[str]
    total_tables: int = Field(examples=[20])
    conflicts: list[ConflictResponse] = Field(description="Differences in what exists; nothing was done about them.")
    bytes_billed: int = Field(description=BYTES_BILLED)
    message: str = Field(examples=["20 tables created, 0 existed already."])


def refuse_force(*, dataset: bool, tables: bool) -> None:
    """Raise DestructiveRefused when a force flag is set."""
    flags = {"force_recreate_dataset": dataset, "force_recreate_tables": tables}
    if named := [name for name, value in flags.items() if value]:
        raise DestructiveRefused(
            f"{' and '.join(named)}: refused, because it would delete every row",
            hint="Leave it out. To add what is missing without touching a row, call bootstrap/sync.",
        )


@router.post("", summary="Create the central dataset and its tables", responses=problem_responses(409))
def run(services: ServicesDep, body: Annotated[BootstrapRequest | None, Body()] = None) -> BootstrapResponse:
    """Create the dataset and every missing table. Safe to call again at any time: it finishes what was interrupted."""
    request = body or BootstrapRequest()
    refuse_force(dataset=request.force_recreate_dataset, tables=request.force_recreate_tables)
    return BootstrapResponse.model_validate(services.bootstrap.run())


@router.get("/status", summary="Compare the central dataset with its declaration")
def status(services: ServicesDep) -> DatasetStatusResponse:
    """Tell what is missing, extra or in conflict, without changing anything."""
    return DatasetStatusResponse.model_validate(services.bootstrap.status())


@router.post("/sync", summary="Add what the central dataset lacks", responses=problem_responses(409))
def sync(services: ServicesDep, body: Annotated[SyncRequest | None, Body()] = None) -> SyncResponse:
    """Add missing tables and columns. Nothing is ever dropped, narrowed or rewritten."""
    policy = Policy(**(body or SyncRequest()).model_dump())
    return SyncResponse.model_validate(services.bootstrap.sync(policy))
