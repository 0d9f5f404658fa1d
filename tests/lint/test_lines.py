"""Problems are told at their line, whatever the file looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudact.errors import Problem
from cloudact.lint.lines import with_lines

SCHEMA = """[
  {"name": "id", "type": "INT64"},
  {
\t"name": "r",
\t"type": "RECORD",
\t"fields": [
\t  {"name": "a:b", "type": "STRING", "description": "say \\"a\\", or #no"},
\t  {"name": "c",
\t   "type": "STRING"}
\t]
  },
  {"name": "ID", "type": "STRING"},
  {"type": "STRING"}
]
"""
CONFIG = "dataset: x\ntables:\n  t:\n    clustering: [a]\n"


def line(folder: Path, file: str, text: str, field: str) -> int:
    (folder / file).write_text(text, encoding="utf-8")
    ((found),) = with_lines(folder, [Problem(file, field, "is wrong", "mend it")])
    return found.line


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("id", 2), ("ID", 12), ("Id", 12), ("r", 3), ("r.type", 5), ("r.a:b", 7), ("r.C.type", 9), ("r.gone", 3),
        ("[4].name", 13), ("gone", 0), ("", 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("wrap", ["{}", '{{"fields": {}}}'], ids=["list", "object"])
def test_a_column_is_found_at_any_depth(tmp_path: Path, field: str, expected: int, wrap: str) -> None:
    assert line(tmp_path, "t.json", wrap.format(SCHEMA), field) == expected


@pytest.mark.parametrize(
    ("field", "expected"), [("tables.t.clustering", 4), ("tables.t.partition", 3), ("tables.u", 2), ("views.v", 0)]
)
def test_an_entry_is_found_or_what_is_around_it(tmp_path: Path, field: str, expected: int) -> None:
    assert line(tmp_path, "config.yml", CONFIG, field) == expected


@pytest.mark.parametrize("text", ["", "[", "[1, 2]", '"id"', "{}"])
def test_a_file_that_is_no_schema_has_no_lines(tmp_path: Path, text: str) -> None:
    assert line(tmp_path, "t.json", text, "id") == 0


def test_a_file_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    problem = Problem("gone.json", "id", "is wrong", "mend it")
    assert with_lines(tmp_path, [problem]) == [problem]
