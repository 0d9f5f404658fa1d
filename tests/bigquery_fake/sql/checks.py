"""What BigQuery refuses in an expression and the engine would let pass: operands of different types above all."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlglot import exp

from tests.bigquery_fake.errors import GoogleError, invalid_query, unsupported
from tests.bigquery_fake.googlesql import column_type
from tests.bigquery_fake.specs import Resource
from tests.bigquery_fake.sql.data_types import field_of
from tests.bigquery_fake.sql.values import is_text_stored

_NUMBERS = frozenset({"INTEGER", "NUMERIC", "BIGNUMERIC", "FLOAT"})
_FROM_TEXT = frozenset({"DATE", "DATETIME", "TIME", "TIMESTAMP"})
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul)
CAST_TO_STRING = frozenset({"STRING", "INTEGER", "BOOLEAN", "DATE", "BIGNUMERIC", "GEOGRAPHY"})  # one text everywhere
_ON_TEXT = (exp.Lower, exp.Upper, exp.StrPosition, exp.StartsWith, exp.EndsWith, exp.Like, exp.Trim, exp.Contains,
            exp.DPipe)  # fmt: skip
# What may be done with a value that the engine holds as text (see values.is_text_stored): nothing that computes.
_OPAQUE_PARENTS = (exp.EQ, exp.NEQ, exp.Is, exp.In, exp.Alias, exp.Select, exp.Count, exp.Struct, exp.PropertyEQ,
                   exp.Array, exp.Tuple, exp.Union, exp.Ordered, exp.If)  # fmt: skip


def is_constant(node: exp.Expr) -> bool:
    """Tell whether an operand is a literal or a parameter, which BigQuery coerces more freely than a column."""
    while isinstance(node, (exp.Paren, exp.Neg, exp.Alias)):
        node = node.this
    if isinstance(node, exp.Array):
        return not node.expressions
    return isinstance(node, (exp.Literal, exp.Null)) or (
        isinstance(node, exp.Cast) and isinstance(node.this, exp.Parameter)
    )


def type_of(node: exp.Expr) -> Resource | None:
    """Return the type of an annotated expression as a column; None where it is not known."""
    return field_of(node.alias_or_name, node.type)


def check_expressions(tree: exp.Expr) -> None:
    """Raise 400 for operands that BigQuery refuses, 501 for what the engine would compute differently."""
    for node in tree.walk():
        if check := _CHECKS.get(type(node)):
            check(node)
        _check_opaque(node)


def comparable(left: Resource, right: Resource, *, constant: bool) -> bool:
    """Tell whether values of two types can be compared; `constant`: one of them is a literal or parameter of text."""
    if "REPEATED" in {left["mode"], right["mode"]} or "JSON" in {left["type"], right["type"]}:
        return False
    kinds = {left["type"], right["type"]}
    if len(kinds) == 1 or kinds <= _NUMBERS:
        return True
    return constant and "STRING" in kinds and bool(kinds & _FROM_TEXT)


def _check_comparison(node: exp.Expr, left: exp.Expr, right: exp.Expr) -> None:
    first, second = type_of(left), type_of(right)
    if first is None or second is None or isinstance(left, exp.Null) or isinstance(right, exp.Null):
        return
    text = [side for side, kind in ((left, first), (right, second)) if kind["type"] == "STRING"]
    if not comparable(first, second, constant=any(is_constant(side) for side in text)):
        raise _no_signature(node, [first, second])
    _check_storage(node, [first, second])
    if first["type"] != second["type"]:
        for side, other in ((left, second), (right, first)):
            if type_of(side) in (first, second) and (type_of(side) or {})["type"] == "STRING":
                _cast(side, other)


def _cast(side: exp.Expr, other: Resource) -> None:
    """Turn a text constant into what it is compared with, as BigQuery does."""
    target = exp.DataType.build(column_type(other), dialect="bigquery")
    side.replace(exp.Cast(this=side.copy(), to=target))


def _check_arithmetic(node: exp.Expr) -> None:
    known = [kind for side in (node.this, node.expression) if (kind := type_of(side)) is not None]
    if any(kind["type"] in {"DATE", "DATETIME", "TIMESTAMP"} for kind in known):
        raise unsupported(f"{node.sql('bigquery')[:80]!r}; there are TIMESTAMP_ADD, TIMESTAMP_DIFF and the like")
    if any(kind["mode"] == "REPEATED" or kind["type"] not in _NUMBERS for kind in known):
        raise _no_signature(node, known)
    if isinstance(node, exp.Mul):
        _refuse_decimals(node, [node.this, node.expression])


def _check_alike(node: exp.Expr, operands: Iterable[exp.Expr | None]) -> None:
    """Raise 400 for values of which one result is made and that have no type in common."""
    kinds = [kind for item in operands if item and not _is_null(item) and (kind := type_of(item)) is not None]
    for kind in kinds[1:]:
        same = (kind["type"], kind["mode"]) == (kinds[0]["type"], kinds[0]["mode"])
        if not same and (kind["mode"] != kinds[0]["mode"] or not {kind["type"], kinds[0]["type"]} <= _NUMBERS):
            raise _no_signature(node, kinds)
    _check_storage(node, kinds)


def _check_storage(node: exp.Expr, kinds: Iterable[Resource]) -> None:
    """Raise 501 where a number kept as text would meet one that is not."""
    if len({is_text_stored(kind) for kind in kinds if kind["type"] != "RECORD"}) > 1:
        raise unsupported(f"how {node.sql('bigquery')[:80]!r} compares BIGNUMERIC of different digits")


def _is_null(node: exp.Expr) -> bool:
    return isinstance(node.unalias(), exp.Null)


def output_types(tree: exp.Query) -> list[exp.DataType | None]:
    """Return the types of a query's columns; None where the sides of a UNION differ, so that the engine decides."""
    types: list[exp.DataType | None] = []
    for column in _outputs(tree):
        known = [_output_type(item) for item in column if not _is_null(item)] or [column[0].type]
        types.append(known[0] if all(kind == known[0] for kind in known) else None)
    return types


def _output_type(item: exp.Expr) -> exp.DataType | None:
    """IF(..., ERROR(...), value) has the type of the value: ERROR has any."""
    node = item.unalias()
    if isinstance(node, exp.If) and isinstance(node.args["true"], exp.Anonymous):
        return node.args["false"].type
    return item.type


def _outputs(tree: exp.Query) -> list[list[exp.Expr]]:
    """Return for each column of a query what every SELECT of its UNIONs gives."""
    selects, stack = [], [tree]
    while stack:
        query = stack.pop()
        if isinstance(query, exp.SetOperation):
            stack += [query.right, query.left]
        elif isinstance(query, exp.Subquery):
            stack.append(query.this)
        else:
            selects.append(query.selects)
    if len({len(select) for select in selects}) > 1:
        raise invalid_query(f"Queries in {type(tree).__name__} have mismatched column count at [1:1]")
    return [list(column) for column in zip(*selects, strict=True)]


def _check_text_of(node: exp.Expr) -> None:
    """Raise 501 where the engine would write a value as another text than BigQuery; a fingerprint shows no text."""
    if node.find_ancestor(exp.FarmFingerprint):
        return
    for item in node.iter_expressions():
        kind = type_of(item)
        if kind is None or not _same_text(kind, inside=isinstance(node, exp.JSONFormat)):
            raise unsupported(f"the text that {node.sql('bigquery')[:80]!r} gives")


def _same_text(kind: Resource, *, inside: bool) -> bool:
    if kind["type"] == "RECORD":
        return inside and all(_same_text(item, inside=inside) for item in kind["fields"])
    if inside:
        return kind["type"] in {"STRING", "INTEGER", "BOOLEAN", "JSON"}
    return kind["type"] in CAST_TO_STRING and kind["mode"] != "REPEATED"


def _refuse_decimals(node: exp.Expr, operands: Iterable[exp.Expr]) -> None:
    if any((type_of(item) or {}).get("type") in {"NUMERIC", "BIGNUMERIC"} for item in operands):
        raise unsupported(f"{node.sql('bigquery')[:80]!r} with the digits that BigQuery gives it")


def _check_groupable(node: exp.Expr) -> None:
    operands = [node.this] if isinstance(node, exp.Ordered) else node.expressions
    kinds = [kind for kind in map(type_of, operands) if kind is not None]
    if bad := [kind for kind in kinds if kind["type"] in {"JSON", "RECORD"} or kind["mode"] == "REPEATED"]:
        what = "ORDER BY" if isinstance(node, exp.Ordered) else "Grouping by"
        raise invalid_query(f"{what} expressions of type {column_type(bad[0])} is not allowed at [1:1]")


def _check_bool(node: exp.Expr, operands: Iterable[exp.Expr]) -> None:
    for item in operands:
        kind = type_of(item)
        if kind is not None and kind["type"] != "BOOLEAN" and not isinstance(item, exp.Null):
            raise _no_signature(node, [kind])


def _check_text(node: exp.Expr) -> None:
    kinds = [type_of(item) for item in node.iter_expressions()]
    if bad := [kind for kind in kinds if kind is not None and kind["type"] not in {"STRING", "BYTES"}]:
        raise _no_signature(node, bad)


def _check_opaque(node: exp.Expr) -> None:
    if not isinstance(node, (exp.Column, exp.Cast, exp.Dot)) or isinstance(node.parent, (exp.Dot, exp.Cast)):
        return
    kind = type_of(node)
    if kind is None or kind["type"] == "RECORD" or not is_text_stored(kind):
        return
    if isinstance(node.parent, exp.JSONFormat) and node.find_ancestor(exp.FarmFingerprint):
        return
    if isinstance(node.parent, exp.Ordered) or not isinstance(node.parent, _OPAQUE_PARENTS):
        raise unsupported(f"how to compute with {column_type(kind)} in {node.sql('bigquery')[:80]!r}")


def _no_signature(node: exp.Expr, kinds: Iterable[Resource]) -> GoogleError:
    types = ", ".join(column_type(kind) for kind in kinds)
    return invalid_query(f"No matching signature for {type(node).__name__} for argument types: {types} at [1:1]")


def _check_in(node: exp.Expr) -> None:
    for item in node.expressions:
        _check_comparison(node, node.this, item)


def _check_between(node: exp.Expr) -> None:
    _check_comparison(node, node.this, node.args["low"])
    _check_comparison(node, node.this, node.args["high"])


def _check_if(node: exp.Expr) -> None:
    if not isinstance(node.parent, exp.Case):
        _check_alike(node, [node.args["true"], node.args.get("false")])


def _check_case(node: exp.Expr) -> None:
    _check_alike(node, [*(item.args["true"] for item in node.args["ifs"]), node.args.get("default")])


def _check_set_operation(node: exp.Expr) -> None:
    if isinstance(node, exp.SetOperation) and not isinstance(node.parent, exp.SetOperation):
        for column in _outputs(node):
            _check_alike(node, column)


_CHECKS: dict[type[exp.Expr], Callable[[exp.Expr], None]] = {
    **dict.fromkeys(_COMPARISONS, lambda node: _check_comparison(node, node.this, node.expression)),
    **dict.fromkeys(_ARITHMETIC, _check_arithmetic),
    **dict.fromkeys(_ON_TEXT, _check_text),
    **dict.fromkeys((exp.And, exp.Or, exp.Not), lambda node: _check_bool(node, node.iter_expressions())),
    **dict.fromkeys((exp.Where, exp.Having), lambda node: _check_bool(node, [node.this])),
    **dict.fromkeys((exp.Group, exp.Ordered), _check_groupable),
    **dict.fromkeys(
        (exp.Coalesce, exp.Greatest, exp.Least), lambda node: _check_alike(node, [node.this, *node.expressions])
    ),
    **dict.fromkeys((exp.Union, exp.Except), _check_set_operation),
    **dict.fromkeys((exp.Concat, exp.JSONFormat), _check_text_of),
    exp.Nullif: lambda node: _check_comparison(node, node.this, node.expression),
    exp.In: _check_in,
    exp.Between: _check_between,
    exp.If: _check_if,
    exp.Case: _check_case,
    exp.Avg: lambda node: _refuse_decimals(node, [node.this]),
}
