"""What holds for any two datasets, however they came to differ."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cloudact.catalog.model import Column, Dataset, Mode, Partition, Table
from cloudact.planning.diff import diff
from cloudact.planning.evolve import evolve
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import EVERYTHING
from cloudact.planning.widening import widens
from tests.strategies import datasets

NAMED = datasets(name=st.just("any"))


def keeps(before: Column, after: Column | None) -> bool:
    """Tell whether every value `before` could hold, in it and in its fields, still has its place in `after`."""
    if after is None or (before.mode is Mode.REPEATED) != (after.mode is Mode.REPEATED):
        return False
    if before.mode is Mode.NULLABLE and after.mode is Mode.REQUIRED:
        return False
    same = before.type == after.type or widens(before.type, after.type)
    return same and all(keeps(field, after.field_named(field.name)) for field in before.fields)


def division(partition: Partition | None) -> Partition | None:
    """Return how rows are divided: whether a query must filter on it may change at any time, and moves none."""
    return partition and replace(partition, require_filter=False)


def as_declared(live: Column, declared: Column) -> bool:
    """Tell whether a live column is as declared, apart from what is kept because it was not declared."""
    return (
        (live.type, live.mode, live.collation) == (declared.type, declared.mode, declared.collation)
        and (not declared.description or live.description == declared.description)
        and live.default == declared.default
        and (not declared.rounding_mode or live.rounding_mode == declared.rounding_mode)
    )


def unlike(live: Table, declared: Table) -> set[str]:
    """Return the dotted names of what is not as declared in a table."""
    found: set[str] = set()
    actual = {tuple(part.casefold() for part in path): column for path, column in live.walk()}
    wanted = {tuple(part.casefold() for part in path): column for path, column in declared.walk()}
    for path, column in wanted.items():
        if path not in actual or not as_declared(actual[path], column):
            found.add(".".join((declared.name, *path)).casefold())
    found |= {".".join((declared.name, *path)).casefold() for path in actual if path not in wanted}
    folded = [tuple(name.casefold() for name in table.clustering) for table in (live, declared)]
    if live.partition != declared.partition or folded[0] != folded[1]:
        found.add(declared.name.casefold())
    return found


@given(NAMED, NAMED)
def test_applying_a_plan_leaves_nothing_to_change(live: Dataset, declared: Dataset) -> None:
    plan = make_plan(live, declared, EVERYTHING)
    assert diff(evolve(live, "any", plan.changes), declared).changes == ()


@given(NAMED)
def test_creating_from_nothing_gives_what_is_declared(declared: Dataset) -> None:
    plan = make_plan(None, declared, EVERYTHING)
    assert evolve(None, "any", plan.changes) == declared
    assert plan.findings == ()


@given(NAMED, NAMED)
def test_no_table_column_or_value_loses_its_place(live: Dataset, declared: Dataset) -> None:
    after = evolve(live, "any", make_plan(live, declared, EVERYTHING).changes)
    for table in live.tables:
        kept = after.table(table.name)
        assert kept is not None
        assert division(kept.partition) == division(table.partition)
        assert all(keeps(column, kept.column(column.name)) for column in table.columns)
    assert {view.key for view in live.views} <= {view.key for view in after.views}


@given(NAMED, NAMED)
def test_whatever_is_not_as_declared_afterwards_is_reported(live: Dataset, declared: Dataset) -> None:
    plan = make_plan(live, declared, EVERYTHING)
    after = evolve(live, "any", plan.changes)
    reported = {finding.object.casefold() for finding in plan.findings}
    for table in declared.tables:
        found = after.table(table.name)
        missing = {table.key} if found is None else unlike(found, table)
        # A finding on a RECORD or a table speaks for everything below it.
        assert all(any(name == item or name.startswith(f"{item}.") for item in reported) for name in missing)
    for view in declared.views:
        assert after.view(view.name) == view or view.key in reported
    extra = {item.key for item in (*after.tables, *after.views)} - {
        item.key for item in (*declared.tables, *declared.views)
    }
    assert extra <= reported


@given(NAMED, NAMED)
def test_a_difference_is_found_in_any_order_of_columns(live: Dataset, declared: Dataset) -> None:
    turned = Dataset(
        "any",
        tuple(Table(t.name, t.columns[::-1], t.description, t.partition, t.clustering, t.labels) for t in live.tables),
        live.views,
        live.location,
        live.description,
        live.labels,
    )
    assert {str(change) for change in diff(turned, declared).changes} == {
        str(change) for change in diff(live, declared).changes
    }
