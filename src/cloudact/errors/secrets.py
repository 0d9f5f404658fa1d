"""Errors of sealed values, of the keys that seal them, and of credentials."""

from __future__ import annotations

from cloudact.errors.root import CloudactError


class SealBroken(CloudactError):
    """A sealed value does not open with the keys at hand: it was altered, moved to another row, or is another key's."""

    code = "seal_broken"


class SealingUnavailable(CloudactError):
    """The sealing key cannot be used now, which says nothing about the values that it sealed."""

    code = "sealing_unavailable"


class SealingDenied(SealingUnavailable):
    """The credentials that the service itself uses may not use the sealing key."""

    code = "sealing_denied"


class PlatformSecretLost(CloudactError):
    """The platform's secret is not in the warehouse any more, and a new one would not recognize the API keys."""

    code = "platform_secret_lost"

    def __init__(self, table: str, row: str, keys: int) -> None:
        some = "1 active API key is" if keys == 1 else f"{keys} active API keys are"
        super().__init__(
            f"{table} has no row {row}, and {some} recognized by that secret only",
            hint="Restore the row from a backup, as docs/key-handling.md says. No other secret is made meanwhile.",
        )


class CredentialNotFound(CloudactError):
    """The organization has no active credential of this provider and name."""

    code = "credential_not_found"

    def __init__(self, slug: str, name: str) -> None:
        super().__init__(
            f"Organization {slug} has no active credential {name}",
            hint=f"List them with GET /api/v1/organizations/{slug}/integrations, or store one with PUT.",
        )


class ChannelNotFound(CloudactError):
    """The organization has no active notification channel of this id."""

    code = "channel_not_found"

    def __init__(self, slug: str, channel_id: str) -> None:
        super().__init__(
            f"Organization {slug} has no active notification channel {channel_id}",
            hint=f"List them with GET /api/v1/organizations/{slug}/notifications/channels.",
        )
