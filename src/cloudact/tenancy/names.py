"""Names of organizations. An `OrgSlug` can only be made from text that is one."""

from __future__ import annotations

import re

from cloudact.errors import InvalidRequest, Problem

PATTERN = r"[a-z0-9_]{3,50}"
# Words that are paths of the service, names of engines' own schemas, or would read as the platform itself.
RESERVED = frozenset(
    {
        "admin", "api", "cloudact", "default", "dryrun", "fleet", "information_schema", "main", "onboard",
        "organization", "organizations", "pg_catalog", "public", "root", "system", "temp", "tenants",
    }
)  # fmt: skip


class OrgSlug(str):
    """The name of one organization: 3 to 50 lower-case letters, digits and underscores, not reserved."""

    __slots__ = ()

    def __new__(cls, text: str) -> OrgSlug:
        """Return the slug, or raise InvalidRequest saying why the text is none."""
        if problem := slug_problem(text):
            raise InvalidRequest(f"org_slug {text!r} {problem}", problems=[Problem("request", "org_slug", problem, "")])
        return super().__new__(cls, text)


def slug_problem(text: str) -> str:
    """Return why the text cannot be a slug, or an empty text when it can."""
    if not re.fullmatch(PATTERN, text, re.ASCII):
        return "must be 3 to 50 characters of a-z, 0-9 and underscore"
    if text in RESERVED:
        return f"is reserved; reserved names are {', '.join(sorted(RESERVED))}"
    if text.startswith("_"):
        return "must not begin with an underscore: BigQuery hides datasets that do"
    return ""
