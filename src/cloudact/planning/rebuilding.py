"""What a table that is made anew keeps of its rows, on any engine: which types and partitionings can be."""

from __future__ import annotations

from cloudact.catalog.model import Kind, Partition, TimePartition, Type, UnrecordedPartition

_NUMBERS = frozenset({Kind.INT64, Kind.FLOAT64, Kind.NUMERIC, Kind.BIGNUMERIC})
_DATES = frozenset({Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP})
# A value that comes back equal from the other type was kept exactly; the text of the others depends on the engine.
_CASTS: dict[Kind, frozenset[Kind]] = {
    **dict.fromkeys(_NUMBERS, _NUMBERS),
    Kind.INT64: _NUMBERS | {Kind.STRING},
    **dict.fromkeys(_DATES, _DATES),
    Kind.DATE: _DATES | {Kind.STRING},
    Kind.BOOL: frozenset({Kind.STRING}),
    Kind.STRING: _NUMBERS - {Kind.FLOAT64} | {Kind.DATE, Kind.BOOL},
}


def is_castable(before: Type, after: Type) -> bool:
    """Tell whether values of one type are cast to the other, each as long as it comes back equal."""
    if before.native or after.native or Kind.RECORD in {before.kind, after.kind}:
        return False
    return before.kind is after.kind or after.kind in _CASTS.get(before.kind, frozenset())


def is_by_load_time(partition: Partition | None) -> bool:
    """Tell whether a row's partition is when it was loaded, which is another time in a table made anew."""
    return isinstance(partition, TimePartition) and partition.field is None


def may_expire(live: Partition | None, declared: Partition | None) -> bool:
    """Tell whether rows could be deleted with their partitions that the live partitioning keeps, or keeps longer."""
    if not isinstance(declared, TimePartition) or not declared.expiration_days:
        return False
    if not isinstance(live, TimePartition):
        return not isinstance(live, UnrecordedPartition)
    same = (live.field, live.granularity) == (declared.field, declared.granularity)
    return not same or not live.expiration_days or live.expiration_days > declared.expiration_days
