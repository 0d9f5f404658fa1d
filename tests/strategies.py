"""Hypothesis strategies for declared datasets that both engines must accept, awkward but valid.

    columns()   any type, mode and nesting          types()        a type of one kind, with parameters
    tables()    1 to 6 columns and a layout         descriptions() any script, quotes, newlines
    views()     a query over some of the tables     labels()       as BigQuery allows them
    datasets()  0 to 4 tables, 0 to 2 views

What is made here obeys `cloudact.catalog.rules` and the limits of `config.yml`, so a test that fails on it found a
defect. Names come mostly from small pools: two datasets made independently share some, which is where a difference
between them is interesting. Pass `name=st.just(...)` to tables and datasets to have them meet for certain.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from sqlglot import exp

from cloudact.catalog.model import (
    Column,
    Dataset,
    Granularity,
    Kind,
    Labels,
    Materialized,
    Mode,
    Partition,
    RangePartition,
    Table,
    TimePartition,
    Type,
    View,
    labels_from,
)
from cloudact.catalog.rules import CLUSTERABLE, MAX_CLUSTERING, PARTITIONABLE
from cloudact.catalog.schema_file import DECIMAL_LIMITS, RANGE_ELEMENTS

MAX_NESTING = 3

# Keywords of both engines, mixed case, leading digits, letters of other scripts, and what must be quoted.
_COLUMN_POOL = (
    "id", "Amount", "select", "ORDER", "end", "timestamp", "null", "2024_total", "1st", "größe", "Заказ", "名前",
    "a-b", "with space", "it's", "x_%", "_a",
)  # fmt: skip
_TABLE_POOL = ("orders", "Events", "select", "TABLE", "2024_costs", "with-dash", "x_", "view")
_DATASET_POOL = ("acme_prod", "Shop", "select", "2024_data")
_TEXT_POOL = (
    "One row per order.",
    'It\'s "quoted" `twice`, \\ and 50%; -- not a comment',
    "line one\nline two\ttab",
    "{org_slug} /* */ $1 ?",
    "größer als 数据, العربية, 🙂",
)

column_names = st.sampled_from(_COLUMN_POOL) | st.text("aZ09_éжñ数", min_size=1, max_size=6)
table_names = st.sampled_from(_TABLE_POOL) | st.text("abXY019_-", min_size=1, max_size=8)
# A leading underscore hides a dataset on BigQuery.
dataset_names = st.sampled_from(_DATASET_POOL) | st.text("abXY019_", max_size=8).map("d{}".format)
locations = st.sampled_from(("US", "EU", "europe-west1"))

# Expressions that mean the same on both engines; a NUMERIC one needs a digit before the point.
_DEFAULTS = {
    Kind.STRING: ("'x'", "''"),
    Kind.INT64: ("1", "-1"),
    Kind.FLOAT64: ("1.5",),
    Kind.NUMERIC: ("1",),
    Kind.BIGNUMERIC: ("1",),
    Kind.BOOL: ("TRUE", "FALSE"),
    Kind.TIMESTAMP: ("CURRENT_TIMESTAMP()",),
    Kind.DATE: ("CURRENT_DATE()", "DATE '2024-02-29'"),
}
_SCALARS = tuple(kind for kind in Kind if kind not in {Kind.RECORD, Kind.NATIVE})
# Records are where engines differ most, so they come more often than one in sixteen.
_KINDS = (*_SCALARS, *[Kind.RECORD] * 4)


def descriptions() -> st.SearchStrategy[str]:
    """Text of any script, without the control characters and halves of surrogate pairs that are no text."""
    letters = st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n\t")
    return st.just("") | st.sampled_from(_TEXT_POOL) | st.text(letters, max_size=12)


def stripped_descriptions() -> st.SearchStrategy[str]:
    """Descriptions as `config.yml` gives them: without white space around."""
    return descriptions().map(str.strip)


def labels() -> st.SearchStrategy[Labels]:
    """Up to three labels; keys and values in lower case, values possibly empty."""
    keys = st.text("abz", min_size=1, max_size=4) | st.sampled_from(("team", "cost-center_1", "größe"))
    return st.dictionaries(keys, st.text("az09_-", max_size=6), max_size=3).map(labels_from)


def _decimals(kind: Kind) -> st.SearchStrategy[Type]:
    most_scale, most_whole = DECIMAL_LIMITS[kind]
    parameters = st.integers(0, most_scale).flatmap(
        lambda scale: st.tuples(st.integers(max(1, scale), scale + most_whole), st.just(scale))
    )
    return st.just(Type(kind)) | parameters.map(lambda given: Type(kind, *given))


def types(kind: Kind) -> st.SearchStrategy[Type]:
    """A type of this kind, with parameters where it can have some."""
    match kind:
        case Kind.NUMERIC | Kind.BIGNUMERIC:
            return _decimals(kind)
        case Kind.STRING | Kind.BYTES:
            return st.builds(Type, st.just(kind), max_length=st.sampled_from((None, 1, 255, 10_000)))
        case Kind.RANGE:
            return st.builds(Type, st.just(kind), element=st.sampled_from(sorted(RANGE_ELEMENTS)))
        case _:
            return st.just(Type(kind))


def _default_fits(type_: Type) -> bool:
    return type_.precision is None or type_.precision > (type_.scale or 0)


@st.composite
def columns(draw: st.DrawFn, *, nesting: int = 0) -> Column:
    """One column; `nesting` counts the RECORDs around it, and only outermost columns have defaults."""
    kind = draw(st.sampled_from(_SCALARS if nesting >= MAX_NESTING else _KINDS))
    type_, mode = draw(types(kind)), draw(st.sampled_from(Mode))
    fields: list[Column] = []
    if kind is Kind.RECORD:
        fields = draw(st.lists(columns(nesting=nesting + 1), min_size=1, max_size=3, unique_by=lambda item: item.key))
    can_default = nesting == 0 and mode is not Mode.REPEATED and _default_fits(type_)
    return Column(
        name=draw(column_names),
        type=type_,
        mode=mode,
        description=draw(descriptions()),
        default=draw(st.sampled_from((None, *_DEFAULTS.get(kind, ())))) if can_default else None,
        fields=tuple(fields),
        collation=draw(st.sampled_from(("", "", "und:ci"))) if kind is Kind.STRING else "",
        rounding_mode=draw(st.sampled_from(("", "ROUND_HALF_EVEN"))) if kind in DECIMAL_LIMITS else "",
    )


def _range_partition(field: str, start: int, interval: int, steps: int, *, require_filter: bool) -> RangePartition:
    return RangePartition(field, start, start + interval * steps, interval, require_filter)


def _partitions_by(column: Column) -> st.SearchStrategy[Partition] | None:
    if column.mode is Mode.REPEATED:
        return None
    if column.type.kind is Kind.INT64:
        numbers = st.integers(-100, 100), st.integers(1, 10), st.integers(1, 100)
        return st.builds(_range_partition, st.just(column.name), *numbers, require_filter=st.booleans())
    if column.type.kind in PARTITIONABLE:
        return _time_partitions(column.name, hourly=column.type.kind is not Kind.DATE)
    return None


def _time_partitions(field: str | None, *, hourly: bool) -> st.SearchStrategy[Partition]:
    units = [unit for unit in Granularity if hourly or unit is not Granularity.HOUR]
    expirations = st.sampled_from((None, 0.5, 90.0))
    return st.builds(TimePartition, st.sampled_from(units), st.just(field), expirations, st.booleans())


def partitions(among: Sequence[Column]) -> st.SearchStrategy[Partition | None]:
    """No partitioning, by load time, or by one of these columns that can serve."""
    by_column = [found for column in among if (found := _partitions_by(column)) is not None]
    return st.one_of(st.none(), _time_partitions(None, hourly=True), *by_column)


def clusterings(among: Sequence[Column]) -> st.SearchStrategy[tuple[str, ...]]:
    """Up to four of these columns that can serve; collated text cannot."""
    names = [
        column.name
        for column in among
        if column.type.kind in CLUSTERABLE and column.mode is not Mode.REPEATED and not column.collation
    ]
    return st.lists(st.sampled_from(names), max_size=MAX_CLUSTERING, unique=True).map(tuple) if names else st.just(())


@st.composite
def tables(draw: st.DrawFn, *, name: st.SearchStrategy[str] = table_names) -> Table:
    """One table of 1 to 6 columns, partitioned and clustered by columns that can serve."""
    made = draw(st.lists(columns(), min_size=1, max_size=6, unique_by=lambda column: column.key))
    return Table(
        name=draw(name),
        columns=tuple(made),
        description=draw(stripped_descriptions()),
        partition=draw(partitions(made)),
        clustering=draw(clusterings(made)),
        labels=draw(labels()),
    )


def _query(dataset: str, table: Table, picked: Sequence[Column]) -> str:
    names = (exp.column(column.name, quoted=True) for column in picked)
    source = exp.table_(table.name, db=exp.to_identifier(dataset, quoted=True), quoted=True)
    return exp.select(*names).from_(source).sql(dialect="bigquery")


@st.composite
def views(draw: st.DrawFn, dataset: str, among: Sequence[Table]) -> View:
    """One view over columns of one of these tables of the dataset, or a plain one over nothing where there are none.

    Only what is materialized has a clustering, and a refresh interval, which engines that materialize always have. A
    table that demands a filter by its partition would have to be given one by the view.
    """
    query, picked, kept = "SELECT 1 AS one", [], Materialized.NEVER
    readable = [table for table in among if not (table.partition and table.partition.require_filter)]
    if readable:
        table = draw(st.sampled_from(readable))
        picked = draw(st.lists(st.sampled_from(table.columns), min_size=1, max_size=3, unique_by=lambda item: item.key))
        query, kept = _query(dataset, table, picked), draw(st.sampled_from((Materialized.OWN, Materialized.NEVER)))
    own = kept is Materialized.OWN
    return View(
        name=draw(table_names),
        query=query,
        description=draw(stripped_descriptions()),
        materialized=kept,
        clustering=draw(clusterings(picked)) if own else (),
        refresh_interval_minutes=draw(st.sampled_from((1, 15, 10_080))) if own else None,
        labels=draw(labels()),
    )


@st.composite
def datasets(draw: st.DrawFn, *, name: st.SearchStrategy[str] = dataset_names) -> Dataset:
    """One dataset of 0 to 4 tables and 0 to 2 views over them; names are unique, ignoring case."""
    called = draw(name)
    made = draw(st.lists(tables(), max_size=4, unique_by=lambda table: table.key))
    taken = {table.key for table in made}
    seen = draw(st.lists(views(called, made), max_size=2, unique_by=lambda view: view.key))
    return Dataset(
        name=called,
        tables=tuple(made),
        views=tuple(view for view in seen if view.key not in taken),
        location=draw(locations),
        description=draw(stripped_descriptions()),
        labels=draw(labels()),
    )
