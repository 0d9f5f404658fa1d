"""The one thing that a refused caller is told, whatever the reason: it says nothing of what exists."""

from __future__ import annotations

from cloudact.errors import AccessDenied, Unauthenticated

DETAIL = "No key was sent that opens this"
HINT = (
    "Send the value of CA_ROOT_API_KEY as X-CA-Root-Key; or, as X-API-Key, a key of the organization in the path with "
    "the scope that docs/security.md names. An administrator can make another key."
)


def unauthenticated() -> Unauthenticated:
    """Return the refusal of a caller without a key, or with one that opens nothing."""
    return Unauthenticated(DETAIL, hint=HINT)


def denied() -> AccessDenied:
    """Return the refusal of a caller whose key opens something else."""
    return AccessDenied(DETAIL, hint=HINT)
