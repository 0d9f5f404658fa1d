"""What is measured: five operations, each as a command, as a use case, and as a file of plain SQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from cloudact.planning.policy import Policy
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.names import OrgSlug
from cloudact.wiring import Services

MEASURED = OrgSlug("measured_organization")


class State(StrEnum):
    """What a database holds before the operation, beside the other organizations."""

    NOT_BOOTSTRAPPED = "not_bootstrapped"
    BOOTSTRAPPED = "bootstrapped"
    ONBOARDED = "onboarded"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; `extended` means that the catalog has one column more than the database."""

    name: str
    before: State
    arguments: tuple[str, ...]
    use_case: Callable[[Services], object]
    script: str
    extended: bool = False


def request(slug: OrgSlug) -> OnboardingRequest:
    """Return the request that onboards an organization."""
    return OnboardingRequest(org_slug=slug, company_name="Measured", admin_email="admin@example.com")


def other(number: int) -> OrgSlug:
    """Return the slug of one of the other organizations, counted from 1."""
    return OrgSlug(f"other_{number:05}")


_ONBOARD = ("org", "onboard", MEASURED, "--company-name", "Measured", "--admin-email", "admin@example.com")

OPERATIONS = (
    Operation("bootstrap", State.NOT_BOOTSTRAPPED, ("bootstrap", "run"), lambda to: to.bootstrap.run(), "bootstrap"),
    Operation("onboard", State.BOOTSTRAPPED, _ONBOARD, lambda to: to.onboarding.onboard(request(MEASURED)), "onboard"),
    Operation(
        "status, in sync",
        State.ONBOARDED,
        ("org", "status", MEASURED, "--exit-code"),
        lambda to: to.organizations.status(MEASURED),
        "status",
    ),
    Operation(
        "sync, nothing to do",
        State.ONBOARDED,
        ("org", "sync", MEASURED, "--exit-code"),
        lambda to: to.organizations.sync(MEASURED, Policy()),
        "sync",
    ),
    Operation(
        "sync, one column",
        State.ONBOARDED,
        ("org", "sync", MEASURED, "--exit-code"),
        lambda to: to.organizations.sync(MEASURED, Policy()),
        "add_column",
        extended=True,
    ),
)
