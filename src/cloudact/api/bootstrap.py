"""`/api/v1/admin/bootstrap`: the central dataset."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from cloudact.api.auth import ActorDep, administrator_router
from cloudact.api.datasets import BYTES_BILLED, ConflictResponse, DatasetStatusResponse, SyncRequest, SyncResponse
from cloudact.api.errors import problem_responses
from cloudact.api.organizations import Text
from cloudact.api.recreation.recreate import RecreatedResponse
from cloudact.api.services import ServicesDep
from cloudact.planning.policy import Policy
from cloudact.tenancy.recreation.force import Force, bootstrap
from cloudact.tenancy.sync import SyncOutcome

router = administrator_router("/api/v1/admin/bootstrap", "bootstrap")


class BootstrapRequest(BaseModel):
    """Nothing has to be sent; a force flag needs `confirm_dataset`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})

    force_recreate_dataset: StrictBool = Field(
        default=False,
        description="Back up the dataset, then empty its tables and make them as declared, and remove those that are "
        "not declared.",
    )
    force_recreate_tables: StrictBool = Field(
        default=False, description="Back up the declared tables, then empty them and make them as declared."
    )
    confirm_dataset: Text | None = Field(
        default=None, description="The central dataset's name, without which a force flag is refused."
    )


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
    recreated: RecreatedResponse | None = Field(description="What a force flag made anew before; null without one.")


@router.post("", summary="Create the central dataset and its tables", responses=problem_responses(409))
def run(
    services: ServicesDep, actor: ActorDep, body: Annotated[BootstrapRequest | None, Body()] = None
) -> BootstrapResponse:
    """Create the dataset and every missing table. Safe to call again at any time: it finishes what was interrupted."""
    asked = body or BootstrapRequest()
    force = Force(asked.force_recreate_dataset, asked.force_recreate_tables, asked.confirm_dataset)
    result = bootstrap(services.bootstrap, services.recreations, force, actor=actor)
    return BootstrapResponse.model_validate(result)


@router.get("/status", summary="Compare the central dataset with its declaration")
def status(services: ServicesDep) -> DatasetStatusResponse:
    """Tell what is missing, extra or in conflict, without changing anything."""
    state = services.bootstrap.status()
    services.metrics.compared("central", state.status)
    return DatasetStatusResponse.model_validate(state)


@router.post("/sync", summary="Add what the central dataset lacks", responses=problem_responses(409))
def sync(services: ServicesDep, actor: ActorDep, body: Annotated[SyncRequest | None, Body()] = None) -> SyncResponse:
    """Add missing tables and columns. Nothing is ever dropped, narrowed or rewritten."""
    policy = Policy(**(body or SyncRequest()).model_dump())
    return SyncResponse.model_validate(services.bootstrap.sync(policy, actor=actor))
