"""A hierarchy as CSV: one entity a line, safe to open in a spreadsheet, and read back as it was written.

Source of the format: RFC 4180. Source of the marks: OWASP, CSV Injection; a spreadsheet takes a cell that begins with
one of these for a formula, and an apostrophe before it for text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cloudact.errors import Problem
from cloudact.tenancy.hierarchy.entity import FIELDS, Entity

VERSION = "version"
COLUMNS = (*FIELDS, VERSION)
NEEDED = ("entity_type", "entity_id", "entity_name", "parent_id")
FILE = "csv"
_TRUTH = {"true": True, "false": False}
# Also what an exported cell got its apostrophe for, so that every cell comes back as it was.
_FORMULA = re.compile(r"'*\s*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


@dataclass(frozen=True, slots=True)
class Line:
    """One record of a file: where it begins, and its cells by column; a cell that is empty is None."""

    number: int
    cells: Mapping[str, str | None]

    def problem(self, column: str, what: str) -> Problem:
        """Return a problem of this record."""
        return Problem(FILE, column, what, "", line=self.number)


def written(entities: Iterable[tuple[Entity, int]]) -> str:
    """Return the text of a file with these entities, each with the number of its version."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for entity, version in entities:
        writer.writerow([*(_cell(getattr(entity, name)) for name in FIELDS), version])
    return out.getvalue()


def lines(content: bytes) -> tuple[list[Line], list[Problem]]:
    """Return the records of a file, and everything that is wrong with its form."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return [], [Problem(FILE, "", "is not text in UTF-8", "", line=line)]
    if "\0" in text:
        return [], [Problem(FILE, "", "has a NUL character", "", line=text.count("\n", 0, text.index("\0")) + 1)]
    records = _records(text)
    header, problems = _header(next(records, None))
    found: list[Line] = []
    for number, cells in records:
        if isinstance(cells, Problem):
            problems.append(cells)
        elif header and len(cells) != len(header):
            what = f"has {len(cells)} cells, and the first line {len(header)}"
            problems.append(Problem(FILE, "", what, "", line=number))
        elif header:
            values = (_plain(cell) for cell in cells)
            found.append(Line(number, {name: value or None for name, value in zip(header, values, strict=True)}))
    return found, problems


def truth(text: str | None) -> bool | None:
    """Return what a cell of `is_active` says, TRUE where it is empty, or None for what is neither."""
    return True if text is None else _TRUTH.get(text.strip().casefold())


def _records(text: str) -> Iterator[tuple[int, list[str] | Problem]]:
    """Yield each record that is not empty with the line it begins on; after an error there are no more."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield number, Problem(FILE, "", f"is not CSV: {error}", "", line=number)
            return
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield number, cells


def _header(first: tuple[int, list[str] | Problem] | None) -> tuple[list[str], list[Problem]]:
    if first is None:
        return [], [Problem(FILE, "", f"is empty; its first line names columns: {', '.join(COLUMNS)}", "", line=1)]
    number, cells = first
    if isinstance(cells, Problem):
        return [], [cells]
    names = [cell.strip() for cell in cells]
    wrong = [
        *(f"{name!r} is not a column; columns are {', '.join(COLUMNS)}" for name in names if name not in COLUMNS),
        *(f"{name!r} is there twice" for name in sorted({name for name in names if names.count(name) > 1})),
        *(f"{name!r} is missing, and every file needs it" for name in NEEDED if name not in names),
    ]
    return ([] if wrong else names), [Problem(FILE, "", what, "", line=number) for what in wrong]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
