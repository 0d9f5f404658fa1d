"""Which type changes keep every value exactly.

Source: GoogleSQL, ALTER COLUMN SET DATA TYPE. BigQuery also allows INT64 and NUMERIC to become FLOAT64; a FLOAT64
cannot hold all their values, so here that is a conflict: add-only means that no digit is lost either.
"""

from __future__ import annotations

from cloudact.catalog.model import Kind, Type

# digits (before, after) the point when no precision is declared
_UNBOUNDED = {Kind.INT64: (19, 0), Kind.NUMERIC: (29, 9), Kind.BIGNUMERIC: (38, 38)}
_EXACT_ORDER = (Kind.INT64, Kind.NUMERIC, Kind.BIGNUMERIC)


def widens(before: Type, after: Type) -> bool:
    """Tell whether every value of `before` is a value of the different type `after`."""
    if before.kind in _UNBOUNDED and after.kind in _UNBOUNDED:
        return _EXACT_ORDER.index(before.kind) <= _EXACT_ORDER.index(after.kind) and _holds(before, after)
    if before.kind is not after.kind or before.kind not in {Kind.STRING, Kind.BYTES}:
        return False
    return after.max_length is None or (before.max_length is not None and before.max_length < after.max_length)


def _digits(type_: Type) -> tuple[int, int]:
    if type_.precision is None:
        return _UNBOUNDED[type_.kind]
    scale = type_.scale or 0
    return type_.precision - scale, scale


def _holds(before: Type, after: Type) -> bool:
    (whole, fraction), (whole_after, fraction_after) = _digits(before), _digits(after)
    return whole <= whole_after and fraction <= fraction_after
