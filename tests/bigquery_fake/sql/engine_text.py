"""A query in the engine's own language."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from tests.bigquery_fake.errors import unsupported
from tests.bigquery_fake.sql.checks import CAST_TO_STRING, type_of
from tests.bigquery_fake.sql.data_types import data_type_of, engine_data_type, field_of
from tests.bigquery_fake.sql.parameters import Parameters
from tests.bigquery_fake.sql.values import decimal_text, is_text_stored, rounded

_BOUND = "p_"
_DIGITS = "REGEXP_REPLACE(CAST(CAST(CAST({0} AS TEXT) AS DECIMAL(38, 18)) AS TEXT), '[.]?0+$', '')"
# What a BIGNUMERIC is stored as. The text of a FLOAT64 has all of its digits when it is a short number of 64ths.
_LONG_TEXT = {
    "INTEGER": "CAST({0} AS TEXT)",
    "NUMERIC": _DIGITS,
    "FLOAT": "CASE WHEN {0} IS NULL THEN NULL WHEN ABS({0}) < 1e9 AND {0} * 64 = TRUNC({0} * 64) THEN "
    + _DIGITS
    + " ELSE ERROR('bigquery_fake does not know the BIGNUMERIC of a FLOAT64 with so many digits') END",
}


def bound_name(name: str) -> str:
    """Return the engine's name of a parameter."""
    return f"{_BOUND}{name.casefold()}"


def engine_text(tree: exp.Query, parameters: Parameters, now: str) -> str:
    """Return the engine's statement for an analyzed query; `now` is the moment in ISO 8601."""
    for node in list(tree.find_all(exp.CurrentTimestamp, exp.CurrentDate)):
        kind = "DATE" if isinstance(node, exp.CurrentDate) else "TIMESTAMP"
        to = data_type_of({"name": "", "type": kind, "mode": "NULLABLE"})
        node.replace(exp.Cast(this=exp.Literal.string(now[:10] if kind == "DATE" else now), to=to))
    for cast in list(tree.find_all(exp.Cast)):
        _to_engine(cast, parameters)
    for node in list(tree.find_all(exp.FarmFingerprint)):
        node.replace(_fingerprint(node.expressions[0]))
    try:
        return tree.sql("duckdb", unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise unsupported(f"how to run {tree.sql('bigquery')[:80]!r}: {error}") from error


def _fingerprint(text: exp.Expr) -> exp.Expr:
    """Return 64 bits of a hash, signed: another one than BigQuery's, which no answer shows but as a sum."""
    unsigned = exp.cast(exp.Anonymous(this="md5_number_lower", expressions=[text.copy()]), "HUGEINT", dialect="duckdb")
    return exp.cast(exp.Sub(this=unsigned, expression=exp.Literal.number(2**63)), "BIGINT", dialect="duckdb")


def _long_decimal(column: exp.Column, kind: str) -> exp.Expr:
    """Return a number as the text that a BIGNUMERIC is stored as; one that BigQuery may write otherwise is an error."""
    text = _LONG_TEXT[kind].format(column.sql("duckdb"))
    return exp.maybe_parse(text, dialect="duckdb")


def _to_engine(cast: exp.Cast, parameters: Parameters) -> None:
    """Make the target of a cast the engine's type, where the engine then does what BigQuery does."""
    source, target = cast.this, field_of("", cast.to)
    if isinstance(source, exp.Parameter):
        cast.set("to", engine_data_type(parameters[source.name.removeprefix(_BOUND)].field))
        return
    if target is None:
        raise unsupported(f"the type {cast.to.sql('bigquery')}")
    if is_text_stored(target):
        kind = type_of(source)
        if target["type"] == "BIGNUMERIC" and isinstance(source, exp.Column) and kind and kind["type"] in _LONG_TEXT:
            cast.replace(_long_decimal(source, kind["type"]))
            return
        if target["type"] != "BIGNUMERIC" or not isinstance(source, exp.Literal):
            raise unsupported(f"the cast {cast.sql('bigquery')[:80]!r}")
        cast.replace(exp.Literal.string(decimal_text(rounded(target, source.name, "literal"))))
        return
    kind = type_of(source)
    if target["type"] == "STRING" and (kind is None or kind["type"] not in CAST_TO_STRING):
        raise unsupported(f"the text that the cast {cast.sql('bigquery')[:80]!r} gives")
    cast.set("to", engine_data_type(target))
