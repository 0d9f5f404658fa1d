"""Errors of the central dataset and of the organizations in it."""

from __future__ import annotations

from cloudact.errors.root import CloudactError


class NotBootstrapped(CloudactError):
    """The central dataset, or a table or column of it that is needed, does not exist."""

    code = "not_bootstrapped"

    def __init__(self, dataset: str, missing: str = "") -> None:
        if missing:
            message = f"{dataset}.{missing} does not exist"
            hint = (
                "Create it with POST /api/v1/admin/bootstrap/sync, or `cloudact bootstrap sync`; "
                "if the catalog no longer declares it, declare it again first."
            )
        else:
            message = f"{dataset[:1].upper()}{dataset[1:]} dataset does not exist"
            hint = "Run bootstrap first: POST /api/v1/admin/bootstrap, or `cloudact bootstrap run`."
        super().__init__(message, hint=hint)
        self.missing = missing


class CentralTableBlocked(CloudactError):
    """A central table has a REQUIRED column without a default that the service does not write."""

    code = "central_table_blocked"

    def __init__(self, dataset: str, column: str) -> None:
        super().__init__(
            f"{dataset}.{column} is REQUIRED, and the service does not write it",
            hint="POST /api/v1/admin/bootstrap/sync relaxes it when it is not declared; "
            "otherwise declare it NULLABLE, or with a default.",
        )


class OrganizationExists(CloudactError):
    """The slug is taken."""

    code = "organization_exists"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"Organization already exists: {slug}",
            hint="To resync it and issue a new key, onboard with regenerate_api_key_if_exists: true.",
        )


class OnboardingUnfinished(CloudactError):
    """Another call is onboarding this organization, or stopped a moment ago."""

    code = "onboarding_unfinished"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"Organization {slug} is being onboarded by another call",
            hint="If that call has ended, repeat this one five minutes later and it finishes the onboarding; "
            f"POST /api/v1/organizations/{slug}/sync finishes it at once, without a new API key.",
        )


class OrganizationNotFound(CloudactError):
    """No profile has this slug."""

    code = "organization_not_found"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"Organization not found: {slug}",
            hint="List organizations with GET /api/v1/organizations, or create this one with "
            "POST /api/v1/organizations/onboard.",
        )


class StoredValueDamaged(CloudactError):
    """A value that decides something is not what the service writes there: somebody else wrote it."""

    code = "stored_value_damaged"

    def __init__(self, slug: str, column: str, what: str, fix: str) -> None:
        super().__init__(f"{column} of organization {slug} cannot be read: {what}", hint=fix)
