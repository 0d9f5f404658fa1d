"""Rows of one organization's keys, within a unit of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudact.errors import KeyNotFound
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import KEYS, PROFILES, named_when_missing
from cloudact.warehouse.driver import Condition, Equals, OneOf, Page, Row, Session

LISTED = (
    "org_api_key_id", "org_slug", "name", "scopes", "is_active", "expires_at", "created_at", "last_used_at",
    "replaced_by",
)  # fmt: skip
_CHECKED = ("org_api_key_id", "org_slug", "scopes", "is_active", "expires_at", "org_api_key_hash")
# The owner of no row, for keys that name none: looking costs the same.
_NOBODY = ""


@dataclass(frozen=True, slots=True)
class KeyRows:
    """The keys of one organization; raises NotBootstrapped when the table lacks something."""

    session: Session
    dataset: str
    slug: OrgSlug

    def page(self, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
        """Return one page of keys, the oldest first, and how many there are in all."""
        page = Page(("created_at", "org_api_key_id"), limit, offset)
        with self._named():
            found = self.session.select(self.dataset, KEYS, LISTED, self._own(), page)
            return found, self.session.count(self.dataset, KEYS, self._own())

    def one(self, key_id: str) -> dict[str, Any]:
        """Return a key; raises KeyNotFound."""
        with self._named():
            found = self.session.select(self.dataset, KEYS, LISTED, self._own(Equals("org_api_key_id", key_id)))
        if not found:
            raise KeyNotFound(self.slug, key_id)
        return found[0]

    def like(self, row: Row) -> dict[str, Any] | None:
        """Return the key with the same text as one that is about to be added: an earlier attempt added it."""
        same = self._own(Equals("org_api_key_hash", row["org_api_key_hash"]))
        with self._named():
            found = self.session.select(self.dataset, KEYS, LISTED, same)
        return found[0] if found else None

    def insert(self, row: Row) -> None:
        """Add a key."""
        with self._named():
            self.session.insert(self.dataset, KEYS, [row])

    def revoke(self, key_id: str) -> None:
        """Make a key unusable for good."""
        with self._named():
            self.session.update(self.dataset, KEYS, {"is_active": False}, self._own(Equals("org_api_key_id", key_id)))

    def supersede(self, found: Mapping[str, Any], values: Row) -> None:
        """Write to a key as it was found: if another call changed it since, the unit is run again."""
        unchanged = [Equals(column, found[column]) for column in ("org_api_key_id", "is_active", "replaced_by")]
        with self._named():
            self.session.expect(self.dataset, KEYS, values, self._own(*unchanged))

    def _own(self, *where: Condition) -> list[Condition]:
        return [Equals("org_slug", self.slug), *where]

    def _named(self) -> Any:
        return named_when_missing(self.session, self.dataset, KEYS, LISTED)


def find_by_digest(
    session: Session, dataset: str, claimed: OrgSlug | None, digests: Sequence[str]
) -> tuple[dict[str, Any] | None, str | None]:
    """Return the key with one of these digests among the keys of the organization it names, and the profile's status.

    Two reads, whatever is there: the answer's cost tells a stranger nothing.
    """
    own = Equals("org_slug", claimed or _NOBODY)
    with named_when_missing(session, dataset, KEYS, _CHECKED):
        keys = session.select(dataset, KEYS, _CHECKED, [own, OneOf("org_api_key_hash", tuple(digests))])
    with named_when_missing(session, dataset, PROFILES, ("org_slug", "status")):
        profiles = session.select(dataset, PROFILES, ["status"], [own])
    return (keys[0] if keys else None), (str(profiles[0]["status"]) if profiles else None)
