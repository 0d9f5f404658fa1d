"""Errors of callers and of API keys."""

from __future__ import annotations

from cloudact.errors.root import CloudactError


class Unauthenticated(CloudactError):
    """No key was given, or one that opens nothing."""

    code = "unauthenticated"


class AccessDenied(CloudactError):
    """The key is good, but not for this organization or operation."""

    code = "access_denied"


class KeyNotFound(CloudactError):
    """The organization has no API key of this id."""

    code = "key_not_found"

    def __init__(self, slug: str, key_id: str) -> None:
        super().__init__(
            f"Organization {slug} has no API key {key_id}",
            hint=f"List them with GET /api/v1/organizations/{slug}/keys, or `cloudact key list {slug}`.",
        )


class KeyNotActive(CloudactError):
    """The API key was revoked, has expired or was rotated before, so that it cannot be rotated."""

    code = "key_not_active"

    def __init__(self, slug: str, key_id: str) -> None:
        super().__init__(
            f"API key {key_id} of {slug} was revoked, has expired or was rotated before",
            hint=f"Make a new one with POST /api/v1/organizations/{slug}/keys, or `cloudact key create {slug}`.",
        )
