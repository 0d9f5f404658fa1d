"""A patch for any plan is accepted by the rules of BigQuery, and makes the table what the plan says."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cloudact.catalog.model import Column, Dataset, Kind, Mode, Table, Type
from cloudact.catalog.schema_file import column_to_json
from cloudact.planning import changes as c
from cloudact.planning.evolve import evolve
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import EVERYTHING
from cloudact.warehouse.bigquery.ddl_text import read_table
from cloudact.warehouse.bigquery.patch import TableChange, patch_of
from cloudact.warehouse.bigquery.resources import Resource, table_from
from cloudact.warehouse.bigquery.statements.ddl import set_data_type
from tests.bigquery_fake import rules
from tests.strategies import columns, descriptions, tables
from tests.warehouse.bigquery.answers import DATASET, PROJECT, ddl_with, live

NAMED = tables(name=st.just("any"))


@st.composite
def grown(draw: st.DrawFn, column: Column) -> Column:
    """The column as a later version of a catalog may declare it: relaxed, described anew, with more fields."""
    fields = [draw(grown(item)) for item in column.fields]
    if column.type.kind is Kind.RECORD:
        taken = {item.key for item in fields}
        more = draw(st.lists(columns(nesting=2), max_size=2, unique_by=lambda item: item.key))
        fields += [item for item in more if item.key not in taken]
    mode = draw(st.sampled_from((column.mode, Mode.NULLABLE))) if column.mode is Mode.REQUIRED else column.mode
    return replace(column, mode=mode, description=draw(descriptions()), fields=tuple(fields))


@st.composite
def evolutions(draw: st.DrawFn) -> tuple[Table, Table]:
    """A table, and what a later version of a catalog may declare it to be."""
    live_table, other = draw(NAMED), draw(NAMED)
    kept = [draw(grown(column)) for column in live_table.columns]
    taken = {column.key for column in kept}
    added = [column for column in other.columns if column.key not in taken]
    declared = replace(other, partition=live_table.partition, clustering=live_table.clustering)
    return live_table, replace(declared, columns=tuple(draw(st.permutations([*kept, *added]))))


def planned(before: Table, after: Table) -> tuple[Table, tuple[c.Change, ...]]:
    """What the plan makes of a table, and its changes to that table."""
    actual = Dataset("shop", (before,), location="EU")
    plan = make_plan(actual, Dataset("shop", (after,), location="EU"), EVERYTHING)
    found = evolve(actual, "shop", plan.changes).table(before.name)
    assert found is not None
    return found, plan.changes


def widened(current: Resource, changes: tuple[c.Change, ...]) -> Resource:
    """The table after the statements that widen types, which go before the patch."""
    for change in changes:
        if isinstance(change, c.WidenType):
            column = table_from(current).column(change.path[0])
            assert column is not None
            statement = set_data_type(PROJECT, DATASET, change, column.collation).text
            said = read_table("t", ddl_with(f"c {statement.partition(' SET DATA TYPE ')[2]}"))
            assert said is not None
            field = column_to_json(said.columns[0])
            current = rules.set_data_type(current, change.path[0], {key: field[key] for key in field if key != "mode"})
    return current


def applied(before: Table, after: Table) -> tuple[Table, Table]:
    """What applying a plan makes of a table, and what the plan said."""
    expected, changes = planned(before, after)
    current = widened(live(before), changes)
    patch = patch_of(current, [change for change in changes if isinstance(change, TableChange)])
    return table_from(rules.patched(current, patch) if patch else current), expected


@given(evolutions())
def test_what_a_catalog_declares_later_is_patched_as_planned(pair: tuple[Table, Table]) -> None:
    found, expected = applied(*pair)
    assert found == expected


@given(NAMED, NAMED)
def test_any_two_tables_are_patched_as_planned(before: Table, after: Table) -> None:
    found, expected = applied(before, after)
    assert found == expected


def test_a_collated_column_is_widened_with_its_collation() -> None:
    short = Column("s", Type(Kind.STRING, max_length=1), collation="und:ci")
    before, after = Table("any", (short,)), Table("any", (replace(short, type=Type(Kind.STRING, max_length=9)),))
    found, expected = applied(before, after)
    assert found == expected == after
