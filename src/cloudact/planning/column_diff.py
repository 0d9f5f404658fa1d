"""Comparing the columns of one table, at every depth."""

from __future__ import annotations

from collections.abc import Iterator

from cloudact.catalog.model import Column, Kind, Mode, Table, Type
from cloudact.planning.changes import AddColumn, Change, Path, RelaxMode, SetColumnMetadata, WidenType
from cloudact.planning.findings import Code, Finding, Severity
from cloudact.planning.rebuilding import is_castable
from cloudact.planning.widening import widens


def compare_columns(live: Table, table: Table) -> Iterator[Change | Finding]:
    """Yield what turns the columns of `live` into those of `table`, and what stands in the way."""
    yield from _level(live, table.name, (), live.columns, table.columns)


def _level(
    live_table: Table, table: str, parent: Path, live: tuple[Column, ...], declared: tuple[Column, ...]
) -> Iterator[Change | Finding]:
    existing = {column.key: column for column in live}
    for column in declared:
        before = existing.pop(column.key, None)
        if before is None:
            yield from _added(table, parent, column)
        else:
            # The live spelling is used: engines fold case, and a statement should name what is there.
            yield from _compared(live_table, table, (*parent, before.name), before, column)
    for column in existing.values():
        yield from _extra(table, (*parent, column.name), column)


def _extra(table: str, path: Path, column: Column) -> Iterator[Change | Finding]:
    what, why = "is a column that the catalog does not declare", "nothing is ever dropped"
    if column.mode is Mode.REQUIRED:
        # Rows are written by what is declared, so a REQUIRED column that is not would refuse every one of them.
        yield RelaxMode(table, path)
        fix = "A sync relaxes it to NULLABLE, so that rows can be written without it."
    else:
        fix = "Nothing to do; declare it to have it kept in step."
    yield Finding(Severity.EXTRA, Code.EXTRA_COLUMN, table, path, what, why, fix)


def _added(table: str, parent: Path, column: Column) -> Iterator[Change | Finding]:
    if column.mode is not Mode.REQUIRED:
        yield AddColumn(table, parent, column)
        return
    yield AddColumn(table, parent, column.as_nullable())
    yield _required_is_nullable(table, (*parent, column.name), "will be added NULLABLE, declared REQUIRED")


def _required_is_nullable(table: str, path: Path, what: str) -> Finding:
    return Finding(
        Severity.LOOSER,
        Code.REQUIRED_IS_NULLABLE,
        table,
        path,
        what,
        "rows may exist that have no value, so an existing table cannot gain a REQUIRED column",
        "Nothing to do; declare it NULLABLE to say the same as the warehouse.",
    )


def _compared(live_table: Table, table: str, path: Path, live: Column, column: Column) -> Iterator[Change | Finding]:
    conflict = _conflict(live_table, table, path, live, column)
    if conflict:
        yield conflict
        return
    yield from _type_and_mode(table, path, live, column)
    yield from _level(live_table, table, path, live.fields, column.fields)
    if _metadata_differs(live, column):
        yield SetColumnMetadata(table, path, column)
    if live.default is not None and column.default is None:
        yield Finding(
            Severity.LOOSER,
            Code.EXTRA_DEFAULT,
            table,
            path,
            f"has the default {live.default}, declared without one",
            "what is not declared is never removed",
            "Nothing to do; declare the default to have it kept in step.",
        )


def _type_and_mode(table: str, path: Path, live: Column, column: Column) -> Iterator[Change | Finding]:
    if _holds_part(live.type, column.type):
        yield Finding(
            Severity.LOOSER,
            Code.TYPE_IS_NARROWER,
            table,
            path,
            f"is {live.type}, declared {column.type}",
            "every value is kept, and one that the live type does not hold is refused",
            "Nothing to do; widen it by hand to write every declared value.",
        )
    elif live.type != column.type and widens(live.type, column.type):
        yield WidenType(table, path, live.type, column.type)
    elif live.type != column.type:
        yield Finding(
            Severity.LOOSER,
            Code.TYPE_IS_WIDER,
            table,
            path,
            f"is {live.type}, declared {column.type}",
            "the live type holds every declared value, and narrowing could lose some",
            "Nothing to do; declare the wider type to say the same as the warehouse.",
        )
    match live.mode, column.mode:
        case Mode.REQUIRED, Mode.NULLABLE:
            yield RelaxMode(table, path)
        case Mode.NULLABLE, Mode.REQUIRED:
            yield _required_is_nullable(table, path, "is NULLABLE, declared REQUIRED")


def _metadata_differs(live: Column, column: Column) -> bool:
    return (
        bool(column.description and live.description != column.description)
        or bool(column.default is not None and live.default != column.default)
        or bool(column.rounding_mode and live.rounding_mode != column.rounding_mode)
        or bool(column.policy_tags and live.policy_tags != column.policy_tags)
        or bool(column.data_policies and live.data_policies != column.data_policies)
    )


def _holds_part(live: Type, declared: Type) -> bool:
    """Tell whether the live type is one of the engine's own for some of the declared values, exactly."""
    return live != declared and live.containing == declared


def _conflict(live_table: Table, table: str, path: Path, live: Column, column: Column) -> Finding | None:
    if (live.mode is Mode.REPEATED) != (column.mode is Mode.REPEATED):
        return _finding(Code.MODE_CHANGED, table, path, f"is {live.mode}, declared {column.mode}", _NO_REPEAT)
    if live.collation != column.collation and live.type.kind is column.type.kind is Kind.STRING:
        what = f"has collation {live.collation!r}, declared {column.collation!r}"
        return _finding(Code.COLLATION_CHANGED, table, path, what, _NO_COLLATION)
    if live.type.containing == column.type or widens(column.type, live.type):
        return None
    what = f"is {live.type}, declared {column.type}"
    is_whole = len(path) == 1 and live.mode is not Mode.REPEATED
    fix = _RECREATE if is_whole and is_castable(live.type, column.type) else _ANOTHER_COLUMN
    if not widens(live.type, column.type):
        return _finding(Code.TYPE_CHANGED, table, path, what, _NO_TYPE, fix)
    if not is_whole:
        return _finding(Code.TYPE_CHANGED, table, path, what, _NO_NESTED)
    if live.key in _layout_columns(live_table):
        return _finding(Code.TYPE_CHANGED, table, path, what, _NO_LAYOUT, fix)
    return None


_NO_REPEAT = "a list and a single value cannot become each other in place"
_NO_COLLATION = "collation is fixed when a column is created"
_NO_TYPE = "the change could lose values or is not possible in place"
_NO_NESTED = "only top-level, non-repeated columns can be widened in place"
_NO_LAYOUT = "the table is partitioned or clustered by this column"
_ANOTHER_COLUMN = "Declare what the warehouse has, or add a new column and move the values."
_RECREATE = "Declare what the warehouse has, or run `cloudact recreate --with-data`, which keeps every value exactly."


def _finding(code: Code, table: str, path: Path, what: str, why: str, fix: str = _ANOTHER_COLUMN) -> Finding:
    return Finding(Severity.CONFLICT, code, table, path, what, why, fix)


def _layout_columns(table: Table) -> frozenset[str]:
    partition = table.partition.field if table.partition else None
    return frozenset(name.casefold() for name in (*table.clustering, *((partition,) if partition else ())))
