"""Rows of the audit trail within a unit of work, and the anchor that says where a chain ends.

The anchor is a column of a row that the chain's owner has anyway: its profile, and for the platform the row of its own
secret. It is expected and set in the unit that adds rows, so that of units that extend one chain at once all but one
are run again, and rows that are taken away from the end are missed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudact.errors import NotBootstrapped
from cloudact.tenancy.actor import PLATFORM
from cloudact.tenancy.audit.chain import COVERED, Head, linked
from cloudact.tenancy.secrets.columns import CREDENTIAL
from cloudact.tenancy.secrets.platform import SECRET_ID
from cloudact.tenancy.store import PROFILES, named_when_missing
from cloudact.warehouse.driver import Condition, Equals, OneOf, Page, Row, Session, Within

AUDIT_LOGS = "org_audit_logs"
COLUMNS = (*COVERED, "row_hash")
HEAD = "audit_head"
_ANCHORS = {PROFILES: ("org_slug", HEAD), CREDENTIAL.table: ("org_slug", "credential_id", HEAD)}
# What a central dataset has to have for changes to be recorded.
TRAIL_COLUMNS: Mapping[str, tuple[str, ...]] = {**_ANCHORS, AUDIT_LOGS: COLUMNS}


@dataclass(frozen=True, slots=True)
class Anchor:
    """The end of a chain as its owner's row has it; `text` is the column's value."""

    chain: str
    text: object

    @property
    def head(self) -> Head | None:
        """The last row of the chain; None when the column does not say one."""
        return Head.parse(self.text)


@dataclass(frozen=True, slots=True)
class AuditRows:
    """The trail of a central dataset; raises NotBootstrapped where it lacks a table or column of the trail."""

    session: Session
    dataset: str

    def anchor(self, chain: str) -> Anchor | None:
        """Return the end of a chain; None when it has no owner."""
        return self.anchors([chain]).get(chain)

    def anchors(self, chains: Collection[str]) -> dict[str, Anchor]:
        """Return the ends of those chains that have an owner, by chain."""
        found: dict[str, Anchor] = {}
        for table, own in ((PROFILES, set(chains) - {PLATFORM}), (CREDENTIAL.table, set(chains) & {PLATFORM})):
            if own:
                with named_when_missing(self.session, self.dataset, table, _ANCHORS[table]):
                    rows = self.session.select(self.dataset, table, ["org_slug", HEAD], _owners(own))
                found |= {str(row["org_slug"]): Anchor(str(row["org_slug"]), row[HEAD]) for row in rows}
        return found

    def append(self, added: Iterable[tuple[Anchor, Sequence[Mapping[str, object]]]], key: bytes) -> None:
        """Add rows to the ends of chains; the unit is run again when others have added some since they were read."""
        placed: list[Mapping[str, object]] = []
        heads: dict[str, list[tuple[Row, list[Equals]]]] = {}
        for anchor, rows in added:
            head = anchor.head or Head()
            for row in rows:
                placed.append(linked(row, head, key))
                head = Head(head.sequence + 1, str(placed[-1]["row_hash"]))
            where = [*_owner(anchor.chain), Equals(HEAD, anchor.text)]
            heads.setdefault(_table_of(anchor.chain), []).append(({HEAD: str(head)}, where))
        with named_when_missing(self.session, self.dataset, AUDIT_LOGS, COLUMNS):
            self.session.insert(self.dataset, AUDIT_LOGS, placed)
        for table, pairs in heads.items():
            with named_when_missing(self.session, self.dataset, table, _ANCHORS[table]):
                self.session.expect_each(self.dataset, table, pairs)

    def append_unchained(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Add rows that are in no chain, to a dataset that may lack whatever the trail needs."""
        live = self.session.inspect(self.dataset, among=[AUDIT_LOGS])
        table = live.table(AUDIT_LOGS) if live else None
        if table is None:
            raise NotBootstrapped(self.dataset, AUDIT_LOGS if live else "")
        kept = [{name: value for name, value in row.items() if table.column(name)} for row in rows]
        self.session.insert(self.dataset, AUDIT_LOGS, kept)

    def select(self, chain: str, where: Sequence[Condition], page: Page) -> list[dict[str, Any]]:
        """Return rows of one chain's owner."""
        with named_when_missing(self.session, self.dataset, AUDIT_LOGS, COLUMNS):
            return self.session.select(self.dataset, AUDIT_LOGS, COLUMNS, [Equals("org_slug", chain), *where], page)

    def in_order(self, chain: str, start: int | None, limit: int) -> list[dict[str, Any]]:
        """Return rows of a chain in their order, from a number on, or from the first one there is."""
        return self.select(chain, [Within("sequence", at_least=start)], Page(("sequence", "audit_id"), limit))

    def last(self, chain: str) -> int:
        """Return the highest number in a chain; 0 when it has no rows."""
        found = self.select(chain, [Within("sequence")], Page(("sequence",), 1, descending=True))
        return int(found[0]["sequence"]) if found else 0

    def with_profile(self, after: str, limit: int) -> list[str]:
        """Return organizations that have a profile, in their order."""
        return self._names(PROFILES, _ANCHORS[PROFILES], after, limit)

    def with_first_row(self, after: str, limit: int) -> list[str]:
        """Return owners of a row that begins a chain, in their order."""
        return self._names(AUDIT_LOGS, COLUMNS, after, limit, Equals("sequence", 1))

    def _names(self, table: str, needed: Sequence[str], after: str, limit: int, *where: Condition) -> list[str]:
        """An exclamation mark comes before every character of a slug."""
        with named_when_missing(self.session, self.dataset, table, needed):
            later = Within("org_slug", at_least=f"{after}!")
            found = self.session.select(self.dataset, table, ["org_slug"], [later, *where], Page(("org_slug",), limit))
        return [str(row["org_slug"]) for row in found]

    def unchained(self, chain: str) -> int:
        """Return how many rows of a chain's owner are in no chain."""
        with named_when_missing(self.session, self.dataset, AUDIT_LOGS, COLUMNS):
            where = [Equals("org_slug", chain), Equals("sequence", None)]
            return self.session.count(self.dataset, AUDIT_LOGS, where)


def _table_of(chain: str) -> str:
    return CREDENTIAL.table if chain == PLATFORM else PROFILES


def _owner(chain: str) -> list[Equals]:
    own = [Equals("org_slug", chain)]
    return [*own, Equals("credential_id", SECRET_ID)] if chain == PLATFORM else own


def _owners(chains: Collection[str]) -> Sequence[Condition]:
    """The owners of chains that are all in one table."""
    return [OneOf("org_slug", tuple(sorted(chains)))] if len(chains) > 1 else _owner(min(chains))
