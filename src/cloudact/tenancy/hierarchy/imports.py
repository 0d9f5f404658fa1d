"""What a CSV file makes of a hierarchy: all of it or, with every problem and its line, nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cloudact.errors import InvalidRequest, Problem
from cloudact.tenancy.hierarchy import csv_file
from cloudact.tenancy.hierarchy.csv_file import Line
from cloudact.tenancy.hierarchy.edits import MAX_ENTITIES
from cloudact.tenancy.hierarchy.entity import (
    CHANGEABLE,
    Entity,
    field_problems,
    metadata_object,
    normalized,
    parse_metadata,
)
from cloudact.tenancy.hierarchy.forest import Forest

_SHOWN = 50


@dataclass(frozen=True, slots=True)
class _Found:
    """The entity that a line describes."""

    line: Line
    entity: Entity


def imported(forest: Forest, versions: Mapping[str, int], content: bytes, *, remove_missing: bool) -> Forest:
    """Return the forest that a file describes; raises InvalidRequest with everything that is wrong with it.

    Entities that the file lacks stay, unless `remove_missing` ends them. A column that it lacks leaves what is there.
    """
    lines, problems = csv_file.lines(content)
    if len(lines) > MAX_ENTITIES:
        problems.append(Problem(csv_file.FILE, "", f"has {len(lines)} entities, and {MAX_ENTITIES} are possible", ""))
        raise _refused(problems)
    found = list(_entities(forest, lines, problems))
    start = Forest(forest.levels, {}) if remove_missing else forest
    after = start.having(item.entity for item in found)
    for item in found:
        problems += _problems(forest, after, versions, item)
    if len(after) > MAX_ENTITIES:
        what = f"makes it {len(after)} entities, and {MAX_ENTITIES} are possible"
        problems.append(Problem(csv_file.FILE, "", what, ""))
    if problems:
        raise _refused(problems)
    return after


def _entities(forest: Forest, lines: Sequence[Line], problems: list[Problem]) -> Iterator[_Found]:
    """Yield the entities of a file; lines that are none are reported."""
    seen: dict[str, int] = {}
    for line in lines:
        values = normalized(line.cells)
        entity_id = values.get("entity_id")
        if entity_id in seen:
            problems.append(line.problem("entity_id", f"{entity_id!r} is on line {seen[entity_id]} already"))
            continue
        own, wrong = _typed(values)
        problems += [line.problem(name, what) for name, what in wrong]
        if entity_id is None:
            problems.append(line.problem("entity_id", "is missing"))
            continue
        seen[entity_id] = line.number
        before = forest.entities.get(entity_id)
        given = {name: value for name, value in own.items() if name in CHANGEABLE}
        entity = Entity(values["entity_type"] or "", entity_id, "") if before is None else before
        yield _Found(line, replace(entity, **given))


def _typed(values: Mapping[str, str | None]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return cells as the values of their fields, and what is wrong with those that have no such value."""
    own: dict[str, Any] = dict(values)
    wrong: list[tuple[str, str]] = []
    if "is_active" in values:
        own["is_active"] = csv_file.truth(values["is_active"])
        if own["is_active"] is None:
            wrong.append(("is_active", f"{values['is_active']!r} is neither true nor false"))
    text = values.get("metadata")
    if text is not None:
        try:
            own["metadata"] = parse_metadata(metadata_object(text))
        except InvalidRequest as error:
            wrong += [("metadata", problem.what) for problem in error.problems]
    version = values.get(csv_file.VERSION)
    if version is not None and not (version.isascii() and version.isdigit()):
        wrong.append((csv_file.VERSION, f"{version!r} is not the number of a version"))
    return own, wrong


def _problems(before: Forest, after: Forest, versions: Mapping[str, int], found: _Found) -> Iterator[Problem]:
    line, entity = found.line, found.entity
    old = before.entities.get(entity.entity_id)
    given = line.cells["entity_type"]
    if old is not None and given is not None and given.strip() != old.entity_type:
        what = f"{given!r} is another level: {entity.entity_id} is a {old.entity_type}, and an entity keeps its level"
        yield line.problem("entity_type", what)
        return
    parent = entity.parent_id
    if parent is not None and parent in before and parent not in after:
        yield line.problem("parent_id", f"{parent!r} is not in the file, and would be removed")
    if old == entity:
        return
    yield from (line.problem(name, what) for name, what in field_problems(entity, old))
    moved = old is None or old.parent_id != parent
    if entity.entity_type and moved and (placement := after.placement_problem(entity)):
        yield line.problem(*placement)
    yield from _stale(versions, found)


def _stale(versions: Mapping[str, int], found: _Found) -> Iterator[Problem]:
    """What was exported, and has been changed by another since, is not overwritten with what it was."""
    given = (found.line.cells.get(csv_file.VERSION) or "").strip()
    if not (given.isascii() and given.isdigit()):
        return
    current = versions.get(found.entity.entity_id)
    if current is None:
        what = f"{given} is of an entity that is not there any more; leave it empty to create it anew"
        yield found.line.problem(csv_file.VERSION, what)
    elif int(given) != current:
        yield found.line.problem(csv_file.VERSION, f"{given} is not current any more, {current} is")


def _refused(problems: Sequence[Problem]) -> InvalidRequest:
    ordered = sorted(set(problems), key=lambda item: (item.line, item.field, item.what))
    listed = [f"  {item}" for item in ordered[:_SHOWN]]
    more = len(ordered) - _SHOWN
    listed += [f"  and {more} more"] if more > 0 else []
    count = f"{len(ordered)} problem{'' if len(ordered) == 1 else 's'}"
    return InvalidRequest(
        "\n".join([f"the file has {count}; nothing was changed", *listed]),
        problems=ordered,
        hint="Mend each line as it says, then import the file again.",
    )
