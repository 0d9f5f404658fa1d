"""The line a problem is on, looked up only when there is one to report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from cloudact.catalog.problems import Problems
from cloudact.catalog.yaml_file import line_of, parse_yaml
from cloudact.errors import Problem


def with_lines(root: Path, problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems, each with the line of what it names, as far as its file can be read."""
    documents: dict[str, Any] = {}
    found = []
    for problem in problems:
        if problem.line or not problem.field or not problem.where.endswith((".json", ".yml")):
            found.append(problem)
            continue
        if problem.where not in documents:
            documents[problem.where] = _document(root / problem.where)
        found.append(replace(problem, line=_line(documents[problem.where], problem)))
    return found


def _document(path: Path) -> Any:
    """JSON is read as YAML, which it is a part of, because that parser knows the lines."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
    # YAML has no tabs in front of what it reads, and JSON has no other use for them outside of text.
    return parse_yaml(text.replace("\t", " "), Problems())


def _line(document: Any, problem: Problem) -> int:
    path = problem.field.split(".")
    if problem.where.endswith(".yml"):
        return line_of(document, path)
    return _column_line(document, path)


def _column_line(document: Any, path: list[str]) -> int:
    """Follow a column's path: each part is a column of the list, a key of a column, or `[number]` of the list."""
    line = 0
    if isinstance(document, CommentedMap):
        document = document.get("fields")
    for part in path:
        if isinstance(document, CommentedMap) and part in document:
            return line_of(document, [part]) or line
        columns = document.get("fields") if isinstance(document, CommentedMap) else document
        number = _position(columns, part)
        if number is None:
            break
        line, document = line_of(columns, [number]) or line, columns[number]
    return line


def _position(columns: Any, part: str) -> int | None:
    """Of columns with one name the last is meant: what is said of them is that they are declared again."""
    if not isinstance(columns, CommentedSeq):
        return None
    head, _, number = part.partition("[")
    if number and not head:
        return int(number.rstrip("]")) - 1
    names = [item.get("name") if isinstance(item, CommentedMap) else None for item in columns]
    exact = [index for index, name in enumerate(names) if name == head]
    folded = [index for index, name in enumerate(names) if str(name).casefold() == head.casefold()]
    return next(reversed(exact or folded), None)
