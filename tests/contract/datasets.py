"""A small dataset that has one of everything, for tests to vary."""

from __future__ import annotations

from dataclasses import replace

from cloudact.catalog.model import (
    Column,
    Dataset,
    Granularity,
    Kind,
    Materialized,
    Mode,
    Table,
    TimePartition,
    Type,
    View,
)


def column(name: str, kind: Kind = Kind.STRING, mode: Mode = Mode.NULLABLE, **more: object) -> Column:
    """Return a column with a description."""
    return Column(name, Type(kind), mode, **{"description": f"What {name} says.", **more})  # type: ignore[arg-type]


LINE = column(
    "lines",
    Kind.RECORD,
    Mode.REPEATED,
    fields=(column("sku", mode=Mode.REQUIRED), column("parts", Kind.RECORD, Mode.REPEATED, fields=(column("code"),))),
)
ORDERS = Table(
    name="orders",
    columns=(
        column("id", mode=Mode.REQUIRED),
        column("placed_at", Kind.TIMESTAMP, Mode.REQUIRED),
        column("amount", Kind.NUMERIC),
        column("count", Kind.INT64),
        column("tags", mode=Mode.REPEATED),
        column("buyer", Kind.RECORD, fields=(column("name"), column("email", mode=Mode.REQUIRED))),
        LINE,
    ),
    description="One row per order.",
    partition=TimePartition(Granularity.DAY, "placed_at"),
    clustering=("id",),
    labels=(("team", "shop"),),
)
OPEN_ORDERS = View(
    name="open_orders",
    query="SELECT id, amount FROM `shop`.orders WHERE amount IS NULL",
    description="Orders without an amount.",
    materialized=Materialized.NEVER,
)
SHOP = Dataset(
    name="shop",
    tables=(ORDERS, Table("notes", (column("text"),), description="One row per note.")),
    views=(OPEN_ORDERS,),
    location="EU",
    description="Everything about orders.",
    labels=(("env", "test"),),
)


def with_columns(dataset: Dataset, table: str, *added: Column) -> Dataset:
    """Return the dataset with columns appended to one table."""
    return with_table(dataset, table, columns=(*_table(dataset, table).columns, *added))


def with_column(dataset: Dataset, table: str, changed: Column) -> Dataset:
    """Return the dataset with one column of a table declared anew."""
    columns = tuple(changed if item.name == changed.name else item for item in _table(dataset, table).columns)
    return with_table(dataset, table, columns=columns)


def with_table(dataset: Dataset, table: str, **changes: object) -> Dataset:
    """Return the dataset with attributes of one table changed."""
    changed = replace(_table(dataset, table), **changes)  # type: ignore[arg-type]
    return replace(dataset, tables=tuple(changed if item.name == table else item for item in dataset.tables))


def _table(dataset: Dataset, name: str) -> Table:
    found = dataset.table(name)
    assert found is not None
    return found


def called(dataset: Dataset, name: str) -> Dataset:
    """Return the same dataset under another name, which its views then read."""
    before, after = (f"`{item}`" for item in (dataset.name, name))
    views = tuple(replace(view, query=view.query.replace(before, after)) for view in dataset.views)
    return replace(dataset, name=name, views=views)
