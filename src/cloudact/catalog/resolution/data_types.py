"""Declared types as sqlglot's, so that its resolver knows the fields of RECORDs."""

from __future__ import annotations

from functools import lru_cache

from sqlglot import exp

from cloudact.catalog.model import Column, Kind, Mode, Table, Type


def schema_of(table: Table) -> dict[str, object]:
    """Return the type of each top-level column by name."""
    return {column.name: _data_type(column) for column in table.columns}


def _data_type(column: Column) -> exp.DataType:
    if column.type.kind is Kind.RECORD:
        # In lower case, as the resolver folds the names in a query.
        fields = [exp.ColumnDef(this=exp.to_identifier(item.key), kind=_data_type(item)) for item in column.fields]
        value = exp.DataType(this=exp.DataType.Type.STRUCT, expressions=fields, nested=True)
    else:
        value = _scalar(column.type).copy()
    if column.mode is not Mode.REPEATED:
        return value
    return exp.DataType(this=exp.DataType.Type.ARRAY, expressions=[value], nested=True)


@lru_cache(maxsize=256)
def _scalar(type_: Type) -> exp.DataType:
    text = f"RANGE<{type_.element}>" if type_.element else str(type_.kind)
    return exp.DataType.build(text, dialect="bigquery")
