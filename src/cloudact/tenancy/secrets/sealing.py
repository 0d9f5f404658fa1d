"""The administrator's use cases on the sealing key: which keys are needed, a new one, everything sealed anew."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cloudact.errors import SealBroken
from cloudact.sealing.envelope import parse
from cloudact.sealing.key_file import KeyFile
from cloudact.sealing.sealer import ManagedSealer
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.audit.event import Action, Event, ResourceType
from cloudact.tenancy.audit.trail import AuditTrail, Outcome
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.secrets.columns import SealedColumn
from cloudact.tenancy.secrets.key_digests import plain_keys
from cloudact.tenancy.secrets.resealing import ResealResult, reseal
from cloudact.tenancy.secrets.sealed_rows import SealedRows, SealedValue
from cloudact.tenancy.sync import counted
from cloudact.warehouse.driver import Warehouse


class SealingStatus(StrEnum):
    """Whether the current key is the only one that is needed."""

    CURRENT = "CURRENT"
    RESEAL_NEEDED = "RESEAL_NEEDED"
    UNREADABLE = "UNREADABLE"


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key, whether it is at hand, and how many values only it opens; `created_at` where that is known."""

    key_id: str
    current: bool
    available: bool
    created_at: datetime | None
    values: int


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """How many values a column holds, sealed with the current key or another; `unreadable` ones are not sealed."""

    table: str
    column: str
    values: int
    current: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class SealingState:
    """Where the keys are, which of them are needed, and by which columns.

    `plain_key_digests` counts active API keys whose digest is an earlier version's, which takes no key to make.
    """

    status: SealingStatus
    place: str
    keys: list[KeyUse]
    columns: list[ColumnUse]
    plain_key_digests: int
    message: str


@dataclass(frozen=True, slots=True)
class KeyMade:
    """The key that is the current one now, whether it was made by this call, and what to do next."""

    key_id: str
    place: str
    created: bool
    message: str


@dataclass(slots=True)
class _Needed:
    """How many values need each key, and one value of each."""

    values: Counter[str] = field(default_factory=Counter)
    samples: dict[str, bytes] = field(default_factory=dict)
    unreadable: int = 0

    def add(self, column: SealedColumn, value: SealedValue) -> None:
        """Count a value."""
        try:
            sealed = column.from_column(value.raw)
            key_id = parse(sealed).key_id
        except SealBroken:
            self.unreadable += 1
            return
        self.values[key_id] += 1
        self.samples.setdefault(key_id, sealed)


@dataclass(frozen=True, slots=True)
class Sealing:
    """Use cases on the sealing key."""

    catalogs: Declarations
    warehouse: Warehouse
    sealer: ManagedSealer
    trail: AuditTrail

    def status(self) -> SealingState:
        """Return which keys are needed and by how many values; nothing is opened or changed."""
        found: dict[SealedColumn, _Needed] = {}
        rows = self._rows()
        for column in rows.columns():
            found[column] = needed = _Needed()
            for page in rows.pages(column):
                for value in page:
                    needed.add(column, value)
        keys = self._keys(found)
        current = next((key.key_id for key in keys if key.current), "")
        columns = [
            ColumnUse(
                column.table,
                column.column,
                needed.values.total() + needed.unreadable,
                needed.values[current],
                needed.unreadable,
            )
            for column, needed in found.items()
        ]
        plain = self.warehouse.run(lambda session: plain_keys(session, rows.dataset))
        return _state(self.sealer.place, keys, columns, plain)

    def rotate(self, *, actor: Actor) -> KeyMade:
        """Make a new key the current one; raises InvalidRequest where that is done elsewhere."""
        with self._recorded(actor, Action.ROTATE) as outcome:
            key = self.sealer.rotate()
            outcome.details["key_id"] = key.key_id
        message = (
            f"Key {key.key_id} seals from now on, and earlier ones still open what they sealed. Back the new key up, "
            "give it to every process that has a copy of its own, then run `cloudact sealing reseal`."
        )
        return KeyMade(key.key_id, self.sealer.place, created=True, message=message)

    def reseal(self, *, actor: Actor) -> ResealResult:
        """Seal anew what another key than the current one sealed; see `resealing.reseal`."""
        rows = self._rows()
        with self._recorded(actor, Action.UPDATE) as outcome:
            result = reseal(rows, self.sealer)
            outcome.details.update(resealed=result.resealed, failed=result.failed)
            outcome.error = result.message if result.failed else None
        return result

    def _recorded(self, actor: Actor, action: Action) -> AbstractContextManager[Outcome]:
        """A key may have to be rotated before there is a central dataset, and so a trail."""
        if not self.trail.is_ready():
            return nullcontext(Outcome())
        return self.trail.operation(actor, Event(action, ResourceType.SEALING_KEY, self.sealer.place))

    def _rows(self) -> SealedRows:
        return SealedRows(self.warehouse, self.catalogs.load().central_name)

    def _keys(self, found: dict[SealedColumn, _Needed]) -> list[KeyUse]:
        values: Counter[str] = Counter()
        samples: dict[str, bytes] = {}
        for needed in found.values():
            values += needed.values
            samples |= needed.samples
        known = self.sealer.known_keys()
        keys = [KeyUse(key.key_id, key.current, True, key.created_at, values[key.key_id]) for key in known]  # noqa: FBT003
        others = sorted(values.keys() - {key.key_id for key in known})
        return keys + [
            KeyUse(
                name,
                current=False,
                available=self.sealer.recognizes(samples[name]),
                created_at=None,
                values=values[name],
            )
            for name in others
        ]


def create_key(file: KeyFile) -> KeyMade:
    """Make a first key in a file, unless it holds one already."""
    found = file.peek()
    key_id = file.create().current.key_id
    if found:
        return KeyMade(
            key_id, file.place, created=False, message=f"Key {key_id} is there already; nothing was changed."
        )
    message = f"Key {key_id} was made. Back the file up, apart from the warehouse: nothing else opens what it seals."
    return KeyMade(key_id, file.place, created=True, message=message)


def _state(place: str, keys: list[KeyUse], columns: list[ColumnUse], plain: int) -> SealingState:
    total, current, unreadable = (
        sum(getattr(item, what) for item in columns) for what in ("values", "current", "unreadable")
    )
    lost = sum(key.values for key in keys if not key.available) + unreadable
    message = f"{counted(total, 'sealed value')}, {current} of them with the current key."
    if lost:
        status = SealingStatus.UNREADABLE
        message += f" {counted(lost, 'value')} cannot be opened: a key is missing, or the value is not a sealed one."
    elif current < total:
        status = SealingStatus.RESEAL_NEEDED
        message += " Run `cloudact sealing reseal`; until then earlier keys have to be kept."
    else:
        status = SealingStatus.CURRENT
        message += " Earlier keys are needed for backups only." if len(keys) > 1 else ""
    if plain:
        message += f" {counted(plain, 'active API key')} with the digest of an earlier version: the next use of each "
        message += "stores a keyed one; revoke those that nobody uses."
    return SealingState(status, place, keys, columns, plain, message)
