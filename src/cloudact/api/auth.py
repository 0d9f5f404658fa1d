"""Who is calling: the administrator by the root key, or one organization by its own key."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import Depends, Security, params
from fastapi.security import APIKeyHeader

from cloudact.api.services import ServicesDep, StateDep
from cloudact.errors import AccessDenied, Unauthenticated
from cloudact.tenancy.names import OrgSlug

ROOT_HEADER = "X-CA-Root-Key"
ORG_HEADER = "X-API-Key"

_root = APIKeyHeader(name=ROOT_HEADER, scheme_name="RootKey", auto_error=False)
_organization = APIKeyHeader(name=ORG_HEADER, scheme_name="OrganizationKey", auto_error=False)


def _matches(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def require_root(state: StateDep, root_key: Annotated[str | None, Security(_root)]) -> None:
    """Let only the administrator pass."""
    if not root_key or not _matches(root_key, state.root_key.get_secret_value()):
        raise Unauthenticated(
            f"The {ROOT_HEADER} header is missing or wrong", hint=f"Send the value of CA_ROOT_API_KEY as {ROOT_HEADER}."
        )


def require_reader(
    org_slug: str,
    state: StateDep,
    services: ServicesDep,
    root_key: Annotated[str | None, Security(_root)],
    api_key: Annotated[str | None, Security(_organization)],
) -> None:
    """Let the administrator pass, and the organization whose slug is in the path."""
    if root_key or not api_key:
        require_root(state, root_key)
        return
    owner = services.organizations.owner_of_key(api_key)
    if owner is None:
        raise Unauthenticated(
            f"The {ORG_HEADER} header holds no valid key", hint="Ask the administrator for a new key."
        )
    if owner != org_slug:
        raise AccessDenied("This key belongs to another organization", hint="Use that organization's own key.")


Administrator = params.Depends(require_root)
Reader = params.Depends(require_reader)


def slug_from_path(org_slug: str) -> OrgSlug:
    """Return the path's slug; raises InvalidRequest when it cannot be one."""
    return OrgSlug(org_slug)


SlugDep = Annotated[OrgSlug, Depends(slug_from_path)]
