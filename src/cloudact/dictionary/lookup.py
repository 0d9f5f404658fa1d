"""Finding tables and views by the names that people type."""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from fnmatch import fnmatchcase

from cloudact.catalog.view_file import SLUG
from cloudact.dictionary.entries import DatasetEntry, Dictionary, Entry
from cloudact.errors import InvalidRequest

_SLUG = f"{{{SLUG}}}"


def find(dictionary: Dictionary, name: str) -> Entry | Dictionary:
    """Return the table or view of this name, or the part of the dictionary that a dataset's name or a pattern names.

    Case does not count, and `dataset.table` says which of several is meant. An organization's dataset may be named as
    declared or as it is for one of them. Raises InvalidRequest where nothing, or more than one thing, has the name.
    """
    found = [entry for dataset in dictionary.datasets for entry in dataset.entries if _is_named(dataset, entry, name)]
    if len(found) == 1 and not _is_pattern(name):
        return found[0]
    if len(found) > 1 and not _is_pattern(name):
        names = ", ".join(str(entry.address) for entry in found)
        raise InvalidRequest(f"{name} is in several datasets", hint=f"Name one of {names}.")
    part = _part(dictionary, name)
    if part.datasets:
        return part
    raise InvalidRequest(
        f"{name or repr(name)} names no table, view or dataset of the catalog", hint=_hint(dictionary, name)
    )


def _part(dictionary: Dictionary, name: str) -> Dictionary:
    """Return the datasets that the name fits whole, and of the others the tables and views that it fits."""
    kept = []
    for dataset in dictionary.datasets:
        if _fits(dataset.name, name) or _is_one_of(dataset, name):
            kept.append(dataset)
            continue
        tables = tuple(entry for entry in dataset.tables if _is_named(dataset, entry, name))
        views = tuple(entry for entry in dataset.views if _is_named(dataset, entry, name))
        if tables or views:
            kept.append(replace(dataset, tables=tables, views=views))
    return replace(dictionary, datasets=tuple(kept))


def _is_named(dataset: DatasetEntry, entry: Entry, name: str) -> bool:
    if _fits(entry.address.name, name) or _fits(str(entry.address), name):
        return True
    owner, _, own = name.rpartition(".")
    return bool(owner) and _is_one_of(dataset, owner) and _fits(entry.address.name, own)


def _is_one_of(dataset: DatasetEntry, name: str) -> bool:
    """Tell whether this is the dataset of one organization."""
    before, slug, after = dataset.name.casefold().partition(_SLUG)
    pattern = rf"{re.escape(before)}[a-z0-9_]+{re.escape(after)}"
    return bool(slug) and re.fullmatch(pattern, name.casefold()) is not None


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name.casefold(), pattern.casefold())


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")


def _hint(dictionary: Dictionary, name: str) -> str:
    entries = [entry for dataset in dictionary.datasets for entry in dataset.entries]
    known = {entry.address.name.casefold(): str(entry.address.name) for entry in entries}
    known |= {str(entry.address).casefold(): str(entry.address) for entry in entries}
    close = [known[key] for key in get_close_matches(name.casefold(), known)]
    meant = f"Did you mean {' or '.join(close)}? " if close else ""
    return f"{meant}`cloudact catalog show` lists every name."
