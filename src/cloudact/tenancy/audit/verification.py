"""Whether the trail is as it was written: every chain is read once, in pages, and compared with what it has to be.

Rows and anchors put back to an earlier state of both look as they did then. What shows that is a checkpoint: the end
of each chain, kept in another place by whoever verifies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cloudact.errors import OrganizationNotFound
from cloudact.tenancy.actor import PLATFORM
from cloudact.tenancy.audit.chain import Head, is_as_written
from cloudact.tenancy.audit.rows import Anchor, AuditRows
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.secrets.platform import PlatformSecret
from cloudact.tenancy.sync import counted
from cloudact.warehouse.driver import Warehouse

PAGE = 5_000
# Chains that are read at once: one by one, thousands of organizations would take a night on BigQuery.
_AT_ONCE = 8


class ChainStatus(StrEnum):
    """Whether a chain is as it was written."""

    INTACT = "INTACT"
    BROKEN = "BROKEN"


class Breach(StrEnum):
    """What is wrong at the first place where a chain is broken."""

    ALTERED = "ALTERED"
    REMOVED = "REMOVED"
    INSERTED = "INSERTED"
    ANCHOR = "ANCHOR"
    ROLLED_BACK = "ROLLED_BACK"


@dataclass(frozen=True, slots=True)
class CheckpointEntry:
    """The end of a chain when it was verified before, and how many rows were in no chain then."""

    sequence: int
    row_hash: str
    unchained: int = 0


Checkpoint = Mapping[str, CheckpointEntry]


@dataclass(frozen=True, slots=True)
class ChainReport:
    """One chain: how many rows are right, and where and how it is broken first."""

    organization: str
    status: ChainStatus
    rows: int
    unchained: int
    row_hash: str
    breach: Breach | None = None
    broken_at: int | None = None
    audit_id: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """Every chain that was verified, and `checkpoint`, to compare with the next time."""

    status: ChainStatus
    chains: list[ChainReport]
    checkpoint: dict[str, CheckpointEntry]
    message: str


@dataclass(slots=True)
class _Reading:
    """A chain as far as it has been read."""

    chain: str
    key: bytes
    earlier: CheckpointEntry | None
    end: Head
    head: Head = field(default_factory=Head)
    audit_id: str | None = None
    goes_on: bool = False
    breach: tuple[Breach, int, str | None, str] | None = None

    def take(self, row: Mapping[str, Any]) -> bool:
        """Compare the next row with what it has to be; tell whether to go on."""
        number, name, expected = int(row["sequence"]), str(row["audit_id"]), self.head.sequence + 1
        if number > self.end.sequence:
            self.goes_on = True
            return False
        if number < expected:
            return self.broken(Breach.INSERTED, number, name, "there are two rows with this number")
        if number > expected:
            return self.broken(Breach.REMOVED, expected, None, f"the row is not there; the next one is {number}")
        if not is_as_written(row, self.key):
            return self.broken(Breach.ALTERED, number, name, "the row was edited, moved here, or made by others")
        if (row["previous_hash"] or "") != self.head.row_hash:
            return self.broken(Breach.ALTERED, number, name, "the row does not follow the one before it")
        self.head, self.audit_id = Head(number, str(row["row_hash"])), name
        if self.earlier and number == self.earlier.sequence and self.head.row_hash != self.earlier.row_hash:
            return self.broken(Breach.ROLLED_BACK, number, name, "the checkpoint had another row in this place")
        return True

    def compare(self, last: int, anchor: Anchor | None, unchained: int) -> None:
        """Compare what was read with where the chain ended before, where it ends by now, and with the checkpoint."""
        mine, now = self.head.sequence, anchor.head if anchor else Head()
        if mine < self.end.sequence:
            told = f"the anchor, audit_head, says that there are {counted(self.end.sequence, 'row')}"
            self.broken(Breach.REMOVED, mine + 1, None, told)
        elif self.head.row_hash != self.end.row_hash:
            self.broken(Breach.ANCHOR, mine, self.audit_id, "the anchor, audit_head, has another digest than the row")
        elif now is None or now.sequence < last:
            what = f"the anchor, audit_head, is {anchor.text}" if anchor else "the organization has no profile"
            told = f"{what}, and there are rows up to {last}"
            self.broken(Breach.ANCHOR, now.sequence + 1 if now else mine, None, told)
        elif self.earlier and self.earlier.sequence > mine:
            told = f"the checkpoint had {counted(self.earlier.sequence, 'row')}"
            self.broken(Breach.ROLLED_BACK, mine + 1, None, told)
        elif self.earlier and unchained != self.earlier.unchained:
            told = f"{counted(unchained, 'row')} in no chain, and {self.earlier.unchained} when the checkpoint was made"
            self.broken(Breach.REMOVED if unchained < self.earlier.unchained else Breach.INSERTED, 0, None, told)

    def broken(self, breach: Breach, number: int, name: str | None, message: str) -> bool:
        """Note the first breach."""
        self.breach = self.breach or (breach, number, name, message)
        return False

    def report(self, unchained: int) -> ChainReport:
        """Return what was found."""
        breach, number, name, message = self.breach or (None, None, None, "")
        return ChainReport(
            organization=self.chain,
            status=ChainStatus.BROKEN if breach else ChainStatus.INTACT,
            rows=self.head.sequence,
            unchained=unchained,
            row_hash=self.head.row_hash,
            breach=breach,
            broken_at=number,
            audit_id=name,
            message=message,
        )


@dataclass(frozen=True, slots=True)
class Verifier:
    """The administrator's use case on the trail as a whole."""

    catalogs: Declarations
    warehouse: Warehouse
    platform: PlatformSecret

    def verify(self, organization: str | None = None, checkpoint: Checkpoint | None = None) -> Verification:
        """Verify one organization's chain (`system` is the platform's), or all of them.

        Organizations of the checkpoint, or with a chain, that have no profile any more are broken. Raises
        OrganizationNotFound.
        """
        key, earlier = self.platform.derive("audit"), checkpoint or {}
        chains = self._all(earlier) if organization is None else [self._existing(organization)]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="verify") as pool:
            running = [pool.submit(copy_context().run, self._chain, item, key, earlier.get(item)) for item in chains]
            reports = [chain.result() for chain in running]
        broken = [report.organization for report in reports if report.status is ChainStatus.BROKEN]
        rows, unchained = sum(report.rows for report in reports), sum(report.unchained for report in reports)
        message = f"{counted(len(reports), 'chain')} with {counted(rows, 'row')} verified"
        message += f"; {counted(unchained, 'row')} in no chain" if unchained else ""
        return Verification(
            status=ChainStatus.BROKEN if broken else ChainStatus.INTACT,
            chains=reports,
            checkpoint=dict(_entries(reports, earlier)),
            message=f"{message}; broken: {', '.join(broken)}." if broken else f"{message}.",
        )

    def _chain(self, chain: str, key: bytes, earlier: CheckpointEntry | None) -> ChainReport:
        """Rows that are added meanwhile are left for the next time; so it ends however many there are.

        Three looks at the warehouse, where no row follows the anchor and all fit a page.
        """
        anchor = self._look(lambda rows: rows.anchor(chain))
        reading = _Reading(chain, key, earlier, (anchor.head if anchor else None) or Head())
        self._read(reading)
        unchained = self._look(lambda rows: rows.unchained(chain))
        if not reading.breach:
            last = reading.head.sequence
            if reading.goes_on:
                # In this order: rows are added together with the anchor, so it is never behind what was there before.
                last = self._look(lambda rows: rows.last(chain))
                anchor = self._look(lambda rows: rows.anchor(chain))
            reading.compare(last, anchor, unchained)
        return reading.report(unchained)

    def _read(self, reading: _Reading) -> None:
        """Every page begins with the last row that was read, so that another one in its place is met as well."""
        while True:
            start = reading.head.sequence if reading.audit_id else None
            page = self._look(lambda rows, start=start: rows.in_order(reading.chain, start, PAGE + 1))
            new = page[1:] if page and page[0]["audit_id"] == reading.audit_id else page
            if not all(reading.take(row) for row in new) or len(page) <= PAGE:
                return

    def _all(self, earlier: Checkpoint) -> list[str]:
        """The platform, and whoever has a profile, has a row that begins a chain, or is in the checkpoint."""
        found = {*earlier, *self._names(AuditRows.with_profile), *self._names(AuditRows.with_first_row)}
        return [PLATFORM, *sorted(found - {PLATFORM})]

    def _names(self, part: Callable[[AuditRows, str, int], list[str]]) -> Iterator[str]:
        last = ""
        while True:
            page = self._look(lambda rows, last=last: part(rows, last, PAGE))
            yield from page
            if len(page) < PAGE:
                return
            last = page[-1]

    def _existing(self, organization: str) -> str:
        if organization == PLATFORM:
            return PLATFORM
        slug = OrgSlug(organization)
        if self._look(lambda rows: rows.anchor(slug) is None and not rows.last(slug)):
            raise OrganizationNotFound(slug)
        return slug

    def _look(self, look: Any) -> Any:
        dataset = self.catalogs.load().central_name
        return self.warehouse.run(lambda session: look(AuditRows(session, dataset)))


def _entries(reports: list[ChainReport], earlier: Checkpoint) -> Iterator[tuple[str, CheckpointEntry]]:
    """A chain that is broken keeps what it had, so that the next time asks no less of it."""
    for item in reports:
        if item.status is ChainStatus.INTACT:
            yield item.organization, CheckpointEntry(item.rows, item.row_hash, item.unchained)
        elif item.organization in earlier:
            yield item.organization, earlier[item.organization]
