"""`/api/v1/organizations/{org_slug}/integrations`: credentials of providers, stored sealed and never told again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic.config import JsonDict

from cloudact.api.auth import ActorDep, SlugDep, organization_router, requires
from cloudact.api.errors import problem_responses
from cloudact.api.services import ServicesDep
from cloudact.tenancy.access.scopes import Scope
from cloudact.tenancy.secrets.credential import CredentialName, CredentialType, NewCredential
from cloudact.tenancy.secrets.validation import ValidationStatus

router = organization_router("/api/v1/organizations", "integrations")

_ONE = "/{org_slug}/integrations/{provider}/credentials/{credential_name}"
_EXAMPLE: JsonDict = {
    "credential_type": "API_KEY",
    "secret": "the key that the provider gave you",
    "metadata": {"project": "production"},
}


class CredentialResponse(BaseModel):
    """A stored credential, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    credential_id: str
    org_slug: str = Field(examples=["acme_corp"])
    provider: str = Field(examples=["OPENAI"])
    credential_name: str = Field(description="`default` for one without a name.")
    credential_type: str = Field(examples=["API_KEY"])
    masked: str = Field(
        description="The last four characters of a long secret, and nothing of a short one or of a document.",
        examples=["****wxyz"],
    )
    validation_status: ValidationStatus = Field(description="What the latest check with the provider said.")
    last_validated_at: datetime | None
    last_error: str | None
    metadata: dict[str, Any]
    is_active: bool = Field(description="False once it was replaced or deactivated; nothing uses it any more.")
    created_at: datetime
    updated_at: datetime | None


class CredentialListResponse(BaseModel):
    """An organization's credentials, by provider, name and age."""

    credentials: list[CredentialResponse]


class PutCredentialRequest(BaseModel):
    """A credential to store."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    credential_type: CredentialType = Field(description="The form of the secret.")
    secret: SecretStr = Field(description="At most 64 KiB; a document, such as a service account's key, as its text.")
    metadata: dict[str, Any] = Field(
        default={}, description="Facts that are no secret, such as project, account or region; stored in the clear."
    )


class StoredCredentialResponse(BaseModel):
    """The credential that was stored."""

    model_config = ConfigDict(from_attributes=True)

    credential: CredentialResponse
    replaced: bool = Field(description="Whether there was an active one of this name, which is inactive now.")


class ValidationResponse(BaseModel):
    """What came of asking the provider."""

    model_config = ConfigDict(from_attributes=True)

    credential: CredentialResponse
    checked: bool = Field(description="False where nothing was learned: no validator is installed, or it failed.")
    message: str = Field(examples=["The provider says VALID."])


ProviderPath = Annotated[str, Path(description="The provider's code, in any case.", examples=["openai"])]
NamePath = Annotated[str, Path(description="`default` for the one without a name.", examples=["default"])]
ProviderQuery = Annotated[str | None, Query(description="Only this provider's.")]
InactiveQuery = Annotated[bool, Query(description="Also those that were replaced or deactivated.")]


@router.get(
    "/{org_slug}/integrations",
    summary="List credentials",
    dependencies=[requires(Scope.ORG_READ)],
    responses=problem_responses(404),
)
def list_credentials(
    org_slug: SlugDep, services: ServicesDep, provider: ProviderQuery = None, *, include_inactive: InactiveQuery = False
) -> CredentialListResponse:
    """Return the organization's credentials, masked."""
    found = services.credentials.found(org_slug, provider, inactive=include_inactive)
    return CredentialListResponse(credentials=[CredentialResponse.model_validate(item) for item in found])


@router.put(
    _ONE, summary="Store a credential", dependencies=[requires(Scope.ORG_WRITE)], responses=problem_responses(404)
)
def put_credential(
    org_slug: SlugDep,
    services: ServicesDep,
    actor: ActorDep,
    provider: ProviderPath,
    credential_name: NamePath,
    body: PutCredentialRequest,
) -> StoredCredentialResponse:
    """Seal a secret and store it in the place of the active one of this name; no answer ever holds it."""
    name = CredentialName.parse(provider, credential_name)
    new = NewCredential(name, body.credential_type, body.secret.get_secret_value(), body.metadata)
    return StoredCredentialResponse.model_validate(services.credentials.put(org_slug, new, actor=actor))


@router.get(
    _ONE, summary="Show a credential", dependencies=[requires(Scope.ORG_READ)], responses=problem_responses(404)
)
def show_credential(
    org_slug: SlugDep, services: ServicesDep, provider: ProviderPath, credential_name: NamePath
) -> CredentialResponse:
    """Return the active credential of this name, masked."""
    name = CredentialName.parse(provider, credential_name)
    return CredentialResponse.model_validate(services.credentials.show(org_slug, name))


@router.delete(
    _ONE, summary="Deactivate a credential", dependencies=[requires(Scope.ORG_WRITE)], responses=problem_responses(404)
)
def deactivate_credential(
    org_slug: SlugDep, services: ServicesDep, actor: ActorDep, provider: ProviderPath, credential_name: NamePath
) -> CredentialResponse:
    """Take the credential out of use; its row is kept, sealed and inactive."""
    name = CredentialName.parse(provider, credential_name)
    return CredentialResponse.model_validate(services.credentials.deactivate(org_slug, name, actor=actor))


@router.post(
    f"{_ONE}/validate",
    summary="Validate a credential",
    dependencies=[requires(Scope.ORG_WRITE)],
    responses=problem_responses(404),
)
def validate_credential(
    org_slug: SlugDep, services: ServicesDep, actor: ActorDep, provider: ProviderPath, credential_name: NamePath
) -> ValidationResponse:
    """Have the provider's validator check the credential; without one its status stays as it is."""
    name = CredentialName.parse(provider, credential_name)
    return ValidationResponse.model_validate(services.credentials.validate(org_slug, name, actor=actor))
