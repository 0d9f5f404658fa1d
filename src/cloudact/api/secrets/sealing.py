"""`/api/v1/admin/sealing`: which keys sealed values need, a new key, everything sealed anew."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from cloudact.api.auth import ActorDep, administrator_router
from cloudact.api.errors import problem_responses
from cloudact.api.services import ServicesDep
from cloudact.tenancy.secrets.sealing import SealingStatus
from cloudact.tenancy.sync import SyncOutcome

router = administrator_router("/api/v1/admin/sealing", "sealing")


class KeyUseResponse(BaseModel):
    """A key, and how many values only it opens."""

    model_config = ConfigDict(from_attributes=True)

    key_id: str = Field(description="Tells nothing of the key itself; in Cloud KMS the name of a key version.")
    current: bool = Field(description="Whether new values are sealed with it.")
    available: bool = Field(description="False for a key that values need and that is not at hand.")
    created_at: datetime | None
    values: int


class ColumnUseResponse(BaseModel):
    """A column of sealed values."""

    model_config = ConfigDict(from_attributes=True)

    table: str = Field(examples=["org_api_keys"])
    column: str = Field(examples=["encrypted_org_api_key"])
    values: int
    current: int = Field(description="How many of them are sealed with the current key.")
    unreadable: int = Field(description="How many are no sealed values at all.")


class SealingStateResponse(BaseModel):
    """Where the keys are, and what needs which of them."""

    model_config = ConfigDict(from_attributes=True)

    status: SealingStatus = Field(description="CURRENT when only the current key is needed.")
    place: str = Field(description="As CA_SEALING_KEY_URI says it.", examples=["local:///data/sealing.key"])
    keys: list[KeyUseResponse]
    columns: list[ColumnUseResponse]
    plain_key_digests: int = Field(
        description="How many active API keys have a digest of an earlier version yet; a use of one replaces it."
    )
    message: str


class SealingKeyResponse(BaseModel):
    """The key that seals from now on."""

    model_config = ConfigDict(from_attributes=True)

    key_id: str
    place: str = Field(examples=["local:///data/sealing.key"])
    created: bool = Field(description="Always true here.")
    message: str = Field(description="What to do next.")


class ColumnResealResponse(BaseModel):
    """What was done to a column."""

    model_config = ConfigDict(from_attributes=True)

    table: str = Field(examples=["org_api_keys"])
    column: str = Field(examples=["encrypted_org_api_key"])
    resealed: int
    already_current: int
    failed: int


class SealFailureResponse(BaseModel):
    """A value that was left as it was."""

    model_config = ConfigDict(from_attributes=True)

    table: str = Field(examples=["org_api_keys"])
    column: str = Field(examples=["encrypted_org_api_key"])
    org_slug: str = Field(examples=["acme_corp"])
    row: str = Field(description="The row's id.")
    message: str


class ResealResponse(BaseModel):
    """What was done."""

    model_config = ConfigDict(from_attributes=True)

    status: SyncOutcome = Field(description="PARTIAL when a value was left as it was.")
    resealed: int
    already_current: int
    failed: int
    columns: list[ColumnResealResponse]
    failures: list[SealFailureResponse] = Field(description="The first hundred.")
    message: str


@router.get("", summary="Show which sealing keys are needed", responses=problem_responses(409))
def status(services: ServicesDep) -> SealingStateResponse:
    """Count how many sealed values need each key, without opening or changing any."""
    return SealingStateResponse.model_validate(services.sealing.status())


@router.post("/rotate", summary="Make a new sealing key")
def rotate(services: ServicesDep, actor: ActorDep) -> SealingKeyResponse:
    """Make a new key the current one; earlier ones are kept. Where others keep the keys, the answer says how."""
    return SealingKeyResponse.model_validate(services.sealing.rotate(actor=actor))


@router.post("/reseal", summary="Seal everything anew", responses=problem_responses(409))
def reseal(services: ServicesDep, actor: ActorDep) -> ResealResponse:
    """Seal anew, with the current key, whatever another one sealed; safe to interrupt and to repeat."""
    return ResealResponse.model_validate(services.sealing.reseal(actor=actor))
