"""How the columns of a table become those of its rebuilt form, on any engine: where each comes from, and what refuses.

Only whole top-level columns change their type; records stay as they are, but for what is said of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cloudact.catalog.model import Column, Kind, Mode, Table
from cloudact.errors import WarehouseRefused
from cloudact.planning.rebuilding import is_by_load_time, is_castable, may_expire
from cloudact.warehouse.driver import TableName

DECIMALS = frozenset({Kind.NUMERIC, Kind.BIGNUMERIC})


@dataclass(frozen=True, slots=True)
class Pair:
    """A declared column, and the live one that its values come from; None where there is none."""

    declared: Column
    live: Column | None

    @property
    def is_cast(self) -> bool:
        """Whether the values of a top-level column change their type."""
        return self.live is not None and self.live.type != self.declared.type

    @property
    def becomes_required(self) -> bool:
        """Whether rows may hold NULL that the declared column refuses."""
        was = self.live.mode if self.live else Mode.NULLABLE
        return self.declared.mode is Mode.REQUIRED and was is not Mode.REQUIRED


def pairs(dataset: str, live: Table, declared: Table) -> tuple[Pair, ...]:
    """Return where each declared column comes from; raises WarehouseRefused when no rows could be kept."""
    found = tuple(Pair(column, live.column(column.name)) for column in declared.columns)
    problems = [
        *_partitionings(live, declared),
        *_undeclared(live.columns, declared.columns, ()),
        *(item for pair in found for item in _problems(pair)),
    ]
    if problems:
        raise refusal(f"{dataset}.{live.name}", problems)
    return found


def refusal(table: str, problems: Iterable[str]) -> WarehouseRefused:
    """Return the error for a table whose rows cannot be kept as it is declared."""
    return WarehouseRefused(
        f"{table} cannot be rebuilt as declared with every row: {'; '.join(problems)}. Nothing was changed",
        hint="Declare each column so that it holds every value, or correct the values named.",
    )


def risks(
    columns: Iterable[Pair], quote: Callable[[str], str], is_changed: Callable[[Column, Column], str]
) -> Iterator[tuple[str, str]]:
    """Yield each condition under which a row would not be kept, with what it is called.

    `is_changed` is the engine's condition for a live column whose value the declared one would not hold.
    """
    for pair in columns:
        declared, live = pair.declared, pair.live
        if pair.becomes_required:
            yield f"{quote(live.name)} IS NULL" if live else "TRUE", f"column {declared.name} is REQUIRED and NULL"
        if live and pair.is_cast:
            yield is_changed(live, declared), f"column {declared.name} does not fit {declared.type}"


def refuse_losses(table: str, risks: Iterable[str], counts: Iterable[int]) -> None:
    """Raise the refusal of a table for the risks that rows run, each with the number of them."""
    found = [(risk, count) for risk, count in zip(risks, counts, strict=False) if count]
    if found:
        raise refusal(table, [f"{risk} in {count} row{'' if count == 1 else 's'}" for risk, count in found])


def no_copy(table: TableName, copy: TableName) -> WarehouseRefused:
    """Return the error for a table whose rows would be gone, because they are not all in its copy."""
    return WarehouseRefused(
        f"{copy} is not an exact copy of {table}, so no row of it is taken away. Nothing was changed",
        hint="Stop what writes to it, and repeat the call: it makes a new copy first.",
    )


def text_pattern(column: Column) -> str | None:
    """Return the regular expression for texts that this column's type holds exactly, None where the cast shows it.

    Engines round a decimal's surplus digits, and take signs and zeros that they do not write themselves.
    """
    if column.type.kind is Kind.INT64:
        return "[+-]?[0-9]+"
    if column.type.kind in DECIMALS:
        scale = column.type.scale if column.type.precision else {Kind.NUMERIC: 9}.get(column.type.kind, 38)
        return rf"[+-]?[0-9]+(\.[0-9]{{0,{scale or 0}}}0*)?"
    return None


def _partitionings(live: Table, declared: Table) -> Iterator[str]:
    """BigQuery takes no query for a table partitioned by load time, and a rebuilt row was loaded at another time."""
    for table, what in ((live, "is"), (declared, "is declared to be")):
        if is_by_load_time(table.partition):
            yield f"it {what} partitioned by load time, which no rebuilt row has"
    if may_expire(live.partition, declared.partition):
        yield f"its partitions are declared to expire ({declared.partition}), and their rows would be gone with them"


def _undeclared(live: Iterable[Column], declared: tuple[Column, ...], path: tuple[str, ...]) -> Iterator[str]:
    known = {column.key for column in declared}
    for column in live:
        if column.key not in known:
            yield f"column {'.'.join((*path, column.name))} is not declared and would be lost"


def _problems(pair: Pair) -> Iterator[str]:
    before, after = pair.live, pair.declared
    if before is None:
        return
    repeated = Mode.REPEATED in {before.mode, after.mode}
    if repeated and before.mode is not after.mode:
        yield f"column {after.name} is {before.mode} and declared {after.mode}"
    elif Kind.RECORD in {before.type.kind, after.type.kind} or repeated:
        yield from _inner_problems(before, after, (after.name,))
    elif pair.is_cast and not is_castable(before.type, after.type):
        yield f"column {after.name} is {before.type}, and no cast to {after.type} is known to keep every value"


def _inner_problems(before: Column, after: Column, path: tuple[str, ...]) -> Iterator[str]:
    """Nothing inside of records and lists can be rebuilt: a sync adds fields and relaxes modes in place."""
    name = ".".join(path)
    if before.type != after.type:
        yield f"column {name} is {before.type} in a record or list, where its type cannot become {after.type}"
        return
    yield from _undeclared(before.fields, after.fields, path)
    lacking = [field.name for field in after.fields if before.field_named(field.name) is None]
    if lacking:
        yield f"record {name} has no {' or '.join(lacking)}, which a sync adds"
    elif [field.key for field in before.fields] != [field.key for field in after.fields]:
        yield f"record {name} has its fields in another order"
    for field in after.fields:
        was = before.field_named(field.name)
        if was and was.mode is not field.mode:
            yield f"field {name}.{field.name} is {was.mode} and declared {field.mode}"
        elif was:
            yield from _inner_problems(was, field, (*path, field.name))
