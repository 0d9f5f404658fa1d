"""Who a key is of. Whether it is unknown, revoked, expired or of a suspended organization costs and says the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from cloudact.errors import NotBootstrapped
from cloudact.tenancy.access.cache import CheckedKey, KeyCache, Outcome
from cloudact.tenancy.access.key import KeyStatus, key_status
from cloudact.tenancy.access.key_rows import find_by_digest
from cloudact.tenancy.access.key_text import KeyDigests, claimed_slug
from cloudact.tenancy.access.key_uses import KeyUses
from cloudact.tenancy.access.scopes import known_scopes
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import ACTIVE
from cloudact.warehouse.driver import Warehouse

_OUTCOMES = {
    KeyStatus.ACTIVE: Outcome.ACCEPTED,
    KeyStatus.EXPIRED: Outcome.EXPIRED,
    KeyStatus.REVOKED: Outcome.REVOKED,
}


def ignore(_outcome: Outcome) -> None:
    """Observe nothing."""


@dataclass(frozen=True, slots=True)
class Access:
    """Checks organizations' keys; `observer` is told the outcome of each check."""

    catalogs: Declarations
    warehouse: Warehouse
    digests: KeyDigests
    cache: KeyCache
    uses: KeyUses
    clock: Callable[[], datetime]
    observer: Callable[[Outcome], None] = ignore

    def examine(self, text: str) -> CheckedKey:
        """Return whose key it is, as its `caller`; the rest is for the audit trail, and not for whoever sent it.

        Raises what reading the catalog, the sealing key and the warehouse raises: none of that is about the key.
        """
        digests = None
        try:
            digests = self.digests.accepted(text)
            found = self.cache.find(digests[0], lambda: self._look_up(text, digests))
        except NotBootstrapped:
            found = CheckedKey(Outcome.UNKNOWN, None)
        now = self.clock()
        found = replace(found, outcome=found.outcome_at(now))
        self.observer(found.outcome)
        if caller := found.caller:
            self.uses.note(caller, now, digests if found.plain else None)
        return found

    def forget(self, organization: OrgSlug) -> None:
        """Check an organization's keys anew at their next use, after they or its profile were changed."""
        self.cache.forget(organization)

    def _look_up(self, text: str, digests: tuple[str, str]) -> CheckedKey:
        claimed, dataset = claimed_slug(text), self.catalogs.load().central_name
        row, profile = self.warehouse.run(lambda session: find_by_digest(session, dataset, claimed, digests))
        if row is None:
            return CheckedKey(Outcome.UNKNOWN, claimed)
        outcome = _OUTCOMES[key_status(row, self.clock())]
        if outcome is Outcome.ACCEPTED and profile != ACTIVE:
            outcome = Outcome.SUSPENDED
        scopes = known_scopes(row["scopes"] or ())
        plain = row["org_api_key_hash"] == digests[1]
        return CheckedKey(outcome, claimed, row["org_api_key_id"], scopes, row["expires_at"], plain)
