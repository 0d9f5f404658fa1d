"""Telling a rename from a removal and an addition that have nothing to do with each other.

A plan has no rename: what was called otherwise is made anew, and the old values stay where they are. So a likely rename
is worth a word before it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import SequenceMatcher
from typing import TypeVar

from cloudact.catalog.model import Column, Table

# Above it, names are spellings of one another (`user_name`, `username`); below it, neighbours (`start_at`, `end_at`).
SIMILAR = 0.8
# Tables are alike when at least this share of the columns of both is in both.
SAME_COLUMNS = 0.75

T = TypeVar("T", Column, Table)


def renamed_columns(removed: Iterable[Column], added: Iterable[Column]) -> list[tuple[Column, Column]]:
    """Return the pairs that look like one column before and after, each column in one pair at most."""
    return _pairs(removed, added, _same_column)


def renamed_tables(removed: Iterable[Table], added: Iterable[Table]) -> list[tuple[Table, Table]]:
    """Return the pairs that look like one table before and after, each table in one pair at most."""
    return _pairs(removed, added, _same_table)


def _pairs(removed: Iterable[T], added: Iterable[T], likeness: Callable[[T, T], float]) -> list[tuple[T, T]]:
    """Take the most alike first, so that the order of declaration makes no difference."""
    olds, news = list(removed), list(added)
    scored = [(likeness(old, new), old, new) for old in olds for new in news]
    best = sorted((item for item in scored if item[0]), key=lambda item: (-item[0], item[1].key, item[2].key))
    pairs: list[tuple[T, T]] = []
    taken: set[str] = set()
    for _, old, new in best:
        if {f"-{old.key}", f"+{new.key}"}.isdisjoint(taken):
            taken |= {f"-{old.key}", f"+{new.key}"}
            pairs.append((old, new))
    return pairs


def _same_column(old: Column, new: Column) -> float:
    """Return how alike two columns are from 0 to 1: of one type, and described alike or named alike."""
    if (old.type, len(old.fields)) != (new.type, len(new.fields)) or not _same_mode(old, new):
        return 0.0
    if old.description and old.description == new.description:
        return 1.0
    return _similarity(old.key, new.key)


def _same_mode(old: Column, new: Column) -> bool:
    return (old.mode == "REPEATED") == (new.mode == "REPEATED")


def _same_table(old: Table, new: Table) -> float:
    before, after = {column.key for column in old.columns}, {column.key for column in new.columns}
    shared = len(before & after) / len(before | after)
    return shared if shared >= SAME_COLUMNS else 0.0


def _similarity(old: str, new: str) -> float:
    """Return 0 where names are not similar; the words of a name in another order are the same name."""
    if sorted(old.split("_")) == sorted(new.split("_")):
        return 1.0
    ratio = SequenceMatcher(None, old, new, autojunk=False).ratio()
    return ratio if ratio >= SIMILAR else 0.0
