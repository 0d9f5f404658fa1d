"""Which type changes keep every value exactly.

Source: GoogleSQL, ALTER COLUMN SET DATA TYPE. BigQuery also allows INT64 and NUMERIC to become FLOAT64; a FLOAT64
cannot hold all their values, so here that is a conflict: add-only means that no digit is lost either.
"""

from __future__ import annotations

from cloudact.catalog.model import Kind, Type

# DuckDB's DECIMAL ends at 38 digits and BIGNUMERIC has 76: without a declared precision, 20 digits before the point
# and 18 after it. A larger value is refused by the engine, never rounded into range.
BIGNUMERIC_STORAGE = (38, 18)
NUMERIC_STORAGE = (38, 9)
MAX_STORED_DIGITS = 38

# digits (before, after) the point when no precision is declared
_UNBOUNDED = {Kind.INT64: (19, 0), Kind.NUMERIC: (29, 9), Kind.BIGNUMERIC: (38, 38)}
_EXACT_ORDER = (Kind.INT64, Kind.NUMERIC, Kind.BIGNUMERIC)


def widens(before: Type, after: Type) -> bool:
    """Tell whether every value of `before` is a value of the different type `after`."""
    if after.native:
        return False
    if before.kind in _UNBOUNDED and after.kind in _UNBOUNDED:
        return _EXACT_ORDER.index(before.kind) <= _EXACT_ORDER.index(after.kind) and _holds(before, after)
    if before.kind is not after.kind or before.kind not in {Kind.STRING, Kind.BYTES}:
        return False
    return after.max_length is None or (before.max_length is not None and before.max_length < after.max_length)


def decimal_digits(type_: Type) -> tuple[int, int]:
    """Return precision and scale of the DECIMAL in which DuckDB stores a NUMERIC or BIGNUMERIC."""
    if type_.precision is None:
        return NUMERIC_STORAGE if type_.kind is Kind.NUMERIC else BIGNUMERIC_STORAGE
    if type_.precision <= MAX_STORED_DIGITS:
        return type_.precision, type_.scale or 0
    return MAX_STORED_DIGITS, min(type_.scale or 0, BIGNUMERIC_STORAGE[1])


def widens_in_duckdb(before: Type, after: Type) -> bool:
    """Tell whether DuckDB's storage keeps every value when `before` is widened to `after`: its DECIMAL is narrower."""
    if after.kind not in {Kind.NUMERIC, Kind.BIGNUMERIC}:
        return True
    stored = _UNBOUNDED[before.kind] if before.kind is Kind.INT64 else _stored(before)
    return _within(stored, _stored(after))


def _stored(type_: Type) -> tuple[int, int]:
    precision, scale = decimal_digits(type_)
    return precision - scale, scale


def _digits(type_: Type) -> tuple[int, int]:
    if type_.precision is None:
        return _UNBOUNDED[type_.kind]
    scale = type_.scale or 0
    return type_.precision - scale, scale


def _holds(before: Type, after: Type) -> bool:
    return _within(_digits(before), _digits(after))


def _within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return inner[0] <= outer[0] and inner[1] <= outer[1]
