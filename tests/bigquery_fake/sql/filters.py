"""What a WHERE clause says about one column of one table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from tests.bigquery_fake.catalog import Table
from tests.bigquery_fake.errors import invalid_query
from tests.bigquery_fake.sql.parameters import Parameters

_PREDICATES = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between, exp.Is)


def only_datasets(node: exp.Table, column: str, parameters: Parameters) -> set[str] | None:
    """Return the values that an equality leaves of a table's column; None when the clause does not say."""
    listed = None
    for condition in _conjuncts(node):
        if isinstance(condition, exp.EQ):
            sides = (condition.this, condition.expression)
            for side, other in (sides, sides[::-1]):
                if _is_column(side, node, column) and (found := _constant(other, parameters)) is not None:
                    return {found}
        elif isinstance(condition, exp.In) and _is_column(condition.this, node, column):
            listed = listed or _listed(condition, parameters)
    return listed


def _conjuncts(node: exp.Table) -> Iterator[exp.Expr]:
    select = node.find_ancestor(exp.Select)
    where = select.args.get("where") if select else None
    if where is not None:
        yield from where.this.flatten() if isinstance(where.this, exp.And) else (where.this,)


def _is_column(item: exp.Expr, node: exp.Table, name: str) -> bool:
    if not isinstance(item, exp.Column) or item.name.casefold() != name.casefold():
        return False
    return not item.table or item.table.casefold() == node.alias_or_name.casefold()


def _constant(item: exp.Expr, parameters: Parameters) -> Any:
    if isinstance(item, exp.Literal):
        return item.name if item.is_string else None
    if isinstance(item, exp.Parameter) and item.name.casefold() in parameters:
        value = parameters[item.name.casefold()].value
        return value if isinstance(value, str) else None
    return None


def _listed(condition: exp.In, parameters: Parameters) -> set[str] | None:
    unnest = condition.args.get("unnest")
    if unnest is not None:
        array = unnest.expressions[0]
        parameter = parameters.get(array.name.casefold()) if isinstance(array, exp.Parameter) else None
        return set(parameter.value or ()) if parameter else None
    values = [_constant(item, parameters) for item in condition.expressions]
    return None if None in values or not values else set(values)


def check_partition_filter(node: exp.Table, table: Table) -> None:
    """Raise 400 where a table that requires a partition filter is read without one."""
    spec = table.spec
    if not spec.resource.get("requirePartitionFilter"):
        return
    column = spec.partition_column or "_PARTITIONTIME"
    select = node.find_ancestor(exp.Select)
    clauses = [select.args.get("where"), *(select.args.get("joins") or [])] if select else []
    predicates = (item for clause in clauses if clause for item in clause.find_all(*_PREDICATES))
    if not any(_is_column(found, node, column) for item in predicates for found in item.find_all(exp.Column)):
        what = (
            f"Cannot query over table '{table.full_name.replace(':', '.')}' without a filter over column(s) '{column}'"
        )
        raise invalid_query(f"{what} that can be used for partition elimination")
