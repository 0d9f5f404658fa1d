"""`config.yml` as people read it: one block for each table and view, short values on one line, texts in quotes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any, assert_never

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from cloudact.catalog.model import Labels, Partition, RangePartition, Table, TimePartition, UnrecordedPartition, View
from cloudact.catalog.template import DatasetTemplate

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# Words that readers of YAML 1.1 take for something else than text.
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
# ruamel folds what is longer; a description is one line, as the files that ship have it.
_WIDTH = 10**6


def config_text(template: DatasetTemplate, heading: str, *, location: str, forms: Mapping[str, str]) -> str:
    """Return the config file of a dataset, under a comment when there is a heading.

    An empty `location` leaves it to the warehouse. `forms` says by view how those are kept that say so.
    """
    document = CommentedMap(dataset=_text(template.name))
    _set(document, "location", _text(location) if location else None)
    _set(document, "description", _quoted(template.description))
    _set(document, "labels", _labels(template.labels))
    _set(document, "authorize_views", template.authorize_views or None)
    document["tables"] = CommentedMap({_text(table.name): _table(table) for table in template.tables})
    views = [item.view for item in template.views]
    _set(document, "views", CommentedMap({_text(view.name): _view(view, forms) for view in views}) if views else None)
    if heading:
        document.yaml_set_start_comment(heading)
    for key in ("tables", "views"):
        if key in document:
            document.yaml_set_comment_before_after_key(key, before="\n")
    yaml, out = YAML(typ="rt", pure=True), StringIO()
    yaml.width = _WIDTH
    yaml.dump(document, out)
    # ruamel writes the blank line before a key as a comment without text.
    return re.sub(r"^#?[ ]*$", "", out.getvalue(), flags=re.MULTILINE)


def table_entry(table: Table) -> dict[str, Any]:
    """Return a table's entry under `tables`, without what it does not say."""
    entry: dict[str, Any] = {
        "description": table.description,
        "partition": _partition(table.partition),
        "clustering": list(table.clustering),
        "labels": dict(table.labels),
    }
    return {key: value for key, value in entry.items() if value}


def view_entry(view: View) -> dict[str, Any]:
    """Return a view's entry under `views`, without what it does not say and without how it is kept."""
    entry: dict[str, Any] = {
        "description": view.description,
        "clustering": list(view.clustering),
        "refresh_interval_minutes": view.refresh_interval_minutes,
        "labels": dict(view.labels),
    }
    return {key: value for key, value in entry.items() if value}


def _table(table: Table) -> CommentedMap | None:
    return _entry(table_entry(table))


def _view(view: View, forms: Mapping[str, str]) -> CommentedMap | None:
    entry = view_entry(view)
    form = {"materialized": forms[view.name]} if view.name in forms else {}
    return _entry({key: entry.pop(key) for key in ("description",) if key in entry} | form | entry)


def _entry(values: Mapping[str, Any]) -> CommentedMap | None:
    made = CommentedMap()
    for key, value in values.items():
        match value:
            case dict():
                made[key] = _flow(
                    {_text(name): _text(item) if isinstance(item, str) else item for name, item in value.items()}
                )
            case list():
                made[key] = _flow_list(value)
            case str() if key == "description":
                made[key] = _quoted(value)
            case _:
                made[key] = value
    return made or None


def _partition(partition: Partition | None) -> dict[str, Any]:
    match partition:
        case TimePartition():
            days = partition.expiration_days
            values: dict[str, Any] = {
                "type": partition.granularity.value,
                "field": partition.field,
                "expiration_days": int(days) if days is not None and days == int(days) else days,
            }
        case RangePartition():
            bounds = {"start": partition.start, "end": partition.end, "interval": partition.interval}
            values = {"type": "RANGE", "field": partition.field, **bounds}
        case UnrecordedPartition() | None:
            return {}
        case _:
            assert_never(partition)
    return {key: value for key, value in values.items() if value is not None} | (
        {"require_filter": True} if partition.require_filter else {}
    )


def _set(document: CommentedMap, key: str, value: object) -> None:
    if value is not None:
        document[key] = value


def _labels(labels: Labels) -> CommentedMap | None:
    return _flow({_text(name): _text(value) for name, value in labels}) if labels else None


def _flow(values: Mapping[Any, Any]) -> CommentedMap:
    made = CommentedMap(values)
    made.fa.set_flow_style()
    return made


def _flow_list(values: Sequence[str]) -> CommentedSeq:
    made = CommentedSeq([_text(value) for value in values])
    made.fa.set_flow_style()
    return made


def _quoted(text: str) -> str | None:
    return DoubleQuotedScalarString(text) if text else None


def _text(text: str) -> str:
    """Quote whatever some reader of YAML could take for anything but this text."""
    plain = _PLAIN.fullmatch(text) and text.casefold() not in _WORDS
    return text if plain else DoubleQuotedScalarString(text)
