"""Why an organization may not do something now."""

from __future__ import annotations

from cloudact.errors.root import CloudactError


class RunRefused(CloudactError):
    """A pipeline run of an organization may not start."""

    code = "run_refused"


class OrganizationNotActive(RunRefused):
    """The organization is suspended or off-boarded; its data is kept."""

    code = "organization_not_active"

    def __init__(self, slug: str, status: str) -> None:
        super().__init__(
            f"Organization {slug} is {status}",
            hint=f"The administrator can end a suspension with POST /api/v1/organizations/{slug}/reactivate.",
        )


class SubscriptionEnded(RunRefused):
    """The subscription is over, or on hold."""

    code = "subscription_ended"

    def __init__(self, slug: str, what: str) -> None:
        super().__init__(
            f"The subscription of {slug} {what}; pipelines do not start",
            hint=f"The administrator changes it with PUT /api/v1/organizations/{slug}/subscription.",
        )


class QuotaExceeded(RunRefused):
    """The plan's pipeline runs are used up; `limit` is which limit, and it is over after `retry_after` seconds."""

    code = "quota_exceeded"

    def __init__(self, slug: str, limit: str, used: int, allowed: int, retry_after: int, until: str) -> None:
        super().__init__(
            f"Organization {slug} has reached {limit}: {used} of {allowed} pipeline runs are used",
            hint=f"Run it again {until}, or ask for a plan with a higher limit.",
        )
        self.limit = limit
        self.retry_after = retry_after


class LimitReached(CloudactError):
    """The plan allows no more of something that is kept, so that waiting does not help."""

    code = "limit_reached"

    def __init__(self, slug: str, limit: str, allowed: int, used: str) -> None:
        super().__init__(
            f"Organization {slug} has reached {limit}: {used}, and its plan allows {allowed}",
            hint="Remove one that is no longer needed, or ask for a plan with a higher limit.",
        )
        self.limit = limit


class SubscriptionNotFound(RunRefused):
    """The organization has no subscription: its onboarding was not finished, or somebody deleted the row."""

    code = "subscription_not_found"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"Organization {slug} has no subscription",
            hint=f"The administrator gives it one with PUT /api/v1/organizations/{slug}/subscription.",
        )
