"""Sealing every value of the central tables anew with the current key, however often that is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cloudact.errors import SealBroken
from cloudact.sealing.sealer import Sealer
from cloudact.tenancy.secrets.columns import SealedColumn
from cloudact.tenancy.secrets.sealed_rows import SealedRows, SealedValue
from cloudact.tenancy.sync import SyncOutcome, counted

# Values that are written together.
BATCH = 100
# How often a batch is looked at again, as long as others keep writing to it.
_ATTEMPTS = 5
# Cloud KMS takes some ten milliseconds for a value.
_WORKERS = 8
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class SealFailure:
    """A value that was left as it was, and why: it does not open."""

    table: str
    column: str
    org_slug: str
    row: str
    message: str


@dataclass(frozen=True, slots=True)
class ColumnReseal:
    """What was done to a column."""

    table: str
    column: str
    resealed: int
    already_current: int
    failed: int


@dataclass(frozen=True, slots=True)
class ResealResult:
    """What was done; `failures` are the first of those that failed."""

    status: SyncOutcome
    resealed: int
    already_current: int
    failed: int
    columns: list[ColumnReseal]
    failures: list[SealFailure]
    message: str


@dataclass(frozen=True, slots=True)
class _Anew:
    """A value sealed anew, or why it could not be."""

    value: SealedValue
    sealed: bytes = b""
    failure: str = ""


def reseal(rows: SealedRows, sealer: Sealer) -> ResealResult:
    """Seal anew what another key than the current one sealed; raises SealingUnavailable.

    Interrupted at any instant, what is done is done, and the next call does the rest. A value that somebody changes
    meanwhile stays as they made it.
    """
    columns: list[ColumnReseal] = []
    failures: list[SealFailure] = []
    with ThreadPoolExecutor(_WORKERS) as workers:
        for column in rows.columns():
            done, failed = _Column(rows, sealer, column, workers.map).reseal()
            columns.append(done)
            failures += [
                SealFailure(column.table, column.column, item.value.org_slug, ", ".join(item.value.row), item.failure)
                for item in failed
            ]
    return _result(columns, failures)


@dataclass(frozen=True, slots=True)
class _Column:
    """One column being sealed anew; `each` does something to several values at the same time."""

    rows: SealedRows
    sealer: Sealer
    column: SealedColumn
    each: Callable[[Callable[[SealedValue], _Anew], list[SealedValue]], Iterable[_Anew]]

    def reseal(self) -> tuple[ColumnReseal, list[_Anew]]:
        """Return what was done, and what could not be."""
        stale_values = values = 0
        failed: list[_Anew] = []
        for page in self.rows.pages(self.column):
            stale = self._stale(page)
            values, stale_values = values + len(page), stale_values + len(stale)
            for begin in range(0, len(stale), BATCH):
                failed += self._batch(stale[begin : begin + BATCH])
        resealed, current = stale_values - len(failed), values - stale_values
        return ColumnReseal(self.column.table, self.column.column, resealed, current, len(failed)), failed

    def _batch(self, stale: list[SealedValue]) -> list[_Anew]:
        """Return those that cannot be sealed anew; all others have been, by this call or by whoever wrote meanwhile."""
        failed: list[_Anew] = []
        for _ in range(_ATTEMPTS):
            anew = list(self.each(self._anew, stale))
            failed += [item for item in anew if item.failure]
            sealed = [item for item in anew if not item.failure]
            self.rows.replace(self.column, [(item.value, item.sealed) for item in sealed])
            stale = self._stale(self.rows.again(self.column, [item.value for item in sealed]))
            if not stale:
                return failed
        return failed + [_Anew(value, failure="others changed it each time; repeat the call") for value in stale]

    def _anew(self, value: SealedValue) -> _Anew:
        context = self.column.context(value.org_slug, *value.row)
        try:
            plaintext = self.sealer.open(self.column.from_column(value.raw), context)
        except SealBroken as error:
            return _Anew(value, failure=f"{error.message}. {error.hint}")
        return _Anew(value, self.sealer.seal(plaintext, context))

    def _stale(self, values: list[SealedValue]) -> list[SealedValue]:
        return [value for value in values if not self._is_current(value)]

    def _is_current(self, value: SealedValue) -> bool:
        try:
            return self.sealer.is_current(self.column.from_column(value.raw))
        except SealBroken:
            return False


def _result(columns: list[ColumnReseal], failures: list[SealFailure]) -> ResealResult:
    resealed, current = (sum(getattr(item, what) for item in columns) for what in ("resealed", "already_current"))
    message = f"{counted(resealed, 'value')} sealed anew, {current} current already"
    if failures:
        message += f"; {counted(len(failures), 'value')} left as before"
    return ResealResult(
        status=SyncOutcome.PARTIAL if failures else SyncOutcome.SUCCESS,
        resealed=resealed,
        already_current=current,
        failed=len(failures),
        columns=columns,
        failures=failures[:_SHOWN],
        message=f"{message}.",
    )
