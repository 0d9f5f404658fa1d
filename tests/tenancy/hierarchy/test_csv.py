"""What is exported can be opened by a spreadsheet and comes back equal; a file that is wrong is told line by line."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudact.errors import InvalidRequest
from cloudact.tenancy.hierarchy import csv_file, edits, imports
from cloudact.tenancy.hierarchy.difference import Kind, difference
from cloudact.tenancy.hierarchy.entity import Entity, field_problems, metadata_text, normalized
from cloudact.tenancy.hierarchy.forest import Forest
from cloudact.tenancy.hierarchy.imports import imported
from tests.tenancy.hierarchy.acme_forest import EMPTY, acme_forest, department, forest_of, project

FOREST = acme_forest()
VERSIONS = dict.fromkeys(FOREST.entities, 1)
HEADER = "entity_type,entity_id,entity_name,parent_id\n"
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "'=1", "''-1", "\uff1d1", "'plain", '=HYPERLINK("http://x")']
texts = st.one_of(
    st.sampled_from(FORMULAS),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20),
    st.text(st.sampled_from("'\"=+-@,;\n\r\t x"), max_size=8),
)


def exported(forest: Forest) -> bytes:
    return csv_file.written((forest.entities[name], 1) for name in forest.places).encode()


def read(text: str, forest: Forest = FOREST, **how: Any) -> Forest:
    return imported(forest, VERSIONS, text.encode(), **{"remove_missing": False, **how})


def problems(text: str | bytes, forest: Forest = FOREST, **how: Any) -> list[tuple[int, str, str]]:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(InvalidRequest) as raised:
        imported(forest, VERSIONS, content, **{"remove_missing": False, **how})
    assert all(str(item) in raised.value.message for item in raised.value.problems)
    return [(item.line, item.field, item.what) for item in raised.value.problems]


@given(texts, texts, texts, st.booleans())
def test_whatever_is_exported_is_harmless_and_comes_back_equal(
    name: str, description: str, value: str, active: bool
) -> None:
    values = normalized({"entity_name": name, "description": description, "owner_name": name})
    metadata = metadata_text({value: [value, 1, None]})
    entity = Entity("DEPARTMENT", "D1", **{**values, "metadata": metadata, "is_active": active})
    if field_problems(entity):
        return
    content = exported(Forest(FOREST.levels, {"D1": entity}))
    lines, wrong = csv_file.lines(content)
    assert not wrong
    cells = [cell for record in csv.reader(io.StringIO(content.decode(), newline="")) for cell in record]
    assert not [cell for cell in cells if cell.lstrip(" \t\r\n").startswith(("=", "+", "-", "@"))]
    assert imported(EMPTY, {}, content.replace(b",1\r\n", b",\r\n"), remove_missing=False).entities == {"D1": entity}
    assert lines[0].number == 2


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_becomes_text_in_a_spreadsheet(name: str) -> None:
    text = csv_file.written([(department("D1", name=name), 1)])
    cell = text.split("\r\n")[1].split(",")[2].strip('"')
    assert cell == (name if name == "'plain" else "'" + name.replace('"', '""'))


def test_an_export_read_back_changes_nothing() -> None:
    after = imported(FOREST, VERSIONS, exported(FOREST), remove_missing=True)
    assert not difference(FOREST, after)


def test_a_file_creates_changes_moves_and_ends() -> None:
    after = read(
        "﻿entity_id,parent_id,entity_name,entity_type,is_active\r\n"
        "T3,P3,New team,TEAM,\r\n"
        "P3,D2,New project,PROJECT,true\r\n"
        "D1,,Engineering,DEPARTMENT,FALSE\r\n"
        "D2,,Sales,DEPARTMENT,true\r\n"
        "P1,D2,Platform,PROJECT,true\r\n"
        "\r\n"
        "T1,P1,Core,TEAM,true\r\n",
        remove_missing=True,
    )
    found = difference(FOREST, after)
    kinds = {kind: [item.entity_id for item in found.of(kind)] for kind in Kind}
    assert kinds == {
        Kind.CREATED: ["P3", "T3"],
        Kind.CHANGED: ["D1"],
        Kind.MOVED: ["P1"],
        Kind.ENDED: ["P2", "T2"],
    }
    assert found.carried == ("T1",)
    assert sorted(found.superseded) == ["D1", "P1", "T1"]
    assert after.places["T1"].path == "D2/P1/T1"


def test_without_remove_missing_what_the_file_lacks_stays() -> None:
    after = read(HEADER + "PROJECT,P3,New,D2\n")
    assert set(after.entities) - set(FOREST.entities) == {"P3"}
    assert set(FOREST.entities) <= set(after.entities)


def test_a_column_that_is_left_out_leaves_what_is_there() -> None:
    forest = forest_of(department("D1", description="kept", metadata=metadata_text({"a": 1}), is_active=False))
    after = read(HEADER + "DEPARTMENT,D1,Other,\n", forest)
    assert after.entity("D1") == Entity(
        "DEPARTMENT", "D1", "Other", description="kept", metadata='{"a":1}', is_active=False
    )


def test_every_problem_is_told_with_its_line() -> None:
    found = problems(
        "entity_type,entity_id,entity_name,parent_id,owner_email,metadata,is_active,version\n"
        'DEPARTMENT,D3,"Two\nlines",,,,,\n'
        "DEPARTMENT,D4,,,nobody,,,\n"
        "SQUAD,S1,Squad,T1,,,,\n"
        "TEAM,T9,Team,D1,,,,\n"
        "TEAM,T8,Team,nowhere,,,,\n"
        "PROJECT,D1,Engineering,,,,,\n"
        ",,,,,,yes,\n"
        "DEPARTMENT,D3,Again,,,,,\n"
        "DEPARTMENT,D5,Five,,,[1],maybe,x\n"
        "DEPARTMENT,D2,Renamed,,,,,7\n"
        "DEPARTMENT,D6,Six,,,,,2\n"
        "DEPARTMENT,D7\n"
    )
    assert [(line, field) for line, field, _ in found] == [
        (2, "entity_name"),
        (4, "entity_name"),
        (4, "owner_email"),
        (5, "entity_type"),
        (6, "parent_id"),
        (7, "parent_id"),
        (8, "entity_type"),
        (9, "entity_id"),
        (9, "is_active"),
        (10, "entity_id"),
        (11, "is_active"),
        (11, "metadata"),
        (11, "version"),
        (12, "version"),
        (13, "version"),
        (14, ""),
    ]


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (b"", 1, "is empty"),
        (b"\xff\xfe", 1, "is not text in UTF-8"),
        (HEADER.encode() + b"DEPARTMENT,D1,\xff,", 2, "is not text in UTF-8"),
        (HEADER.encode() + b"\nDEPARTMENT,D1,\0,", 3, "has a NUL character"),
        (HEADER.encode() + b'DEPARTMENT,D1,"open,\n', 2, "is not CSV"),
        (HEADER.encode() + b'DEPARTMENT,D1,"a"b,\n', 2, "is not CSV"),
        (b"entity_type,entity_id,entity_name,parent_id,cost\n", 1, "'cost' is not a column"),
        (b"entity_type,entity_id,entity_name,parent_id,parent_id\n", 1, "'parent_id' is there twice"),
        (b"entity_type,entity_id,entity_name\n", 1, "'parent_id' is missing"),
    ],
)
def test_a_file_that_is_none_is_told(content: bytes, line: int, what: str) -> None:
    (found,) = problems(content)
    assert found[0] == line
    assert what in found[2]


def test_what_would_lose_its_parent_is_told() -> None:
    found = problems(HEADER + "DEPARTMENT,D2,Sales,\nPROJECT,P2,Mobile,D1\n", remove_missing=True)
    assert found == [(3, "parent_id", "'D1' is not in the file, and would be removed")]


def test_only_a_line_that_changes_something_has_to_be_current() -> None:
    text = "entity_type,entity_id,entity_name,parent_id,version\nDEPARTMENT,D1,{},,4\n"
    assert not difference(FOREST, read(text.format("Engineering")))
    assert problems(text.format("Other")) == [(2, "version", "4 is not current any more, 1 is")]


def test_parents_may_come_after_their_children() -> None:
    after = read(HEADER + "TEAM,T5,x,P5\nPROJECT,P5,x,D5\nDEPARTMENT,D5,x,\n", EMPTY)
    assert after.places["T5"].path == "D5/P5/T5"


def test_a_circle_within_a_file_is_told() -> None:
    found = problems(HEADER + "PROJECT,P1,x,T1\nTEAM,T1,x,P1\n", EMPTY)
    assert [(line, field) for line, field, _ in found] == [(2, "parent_id"), (3, "parent_id")]


def test_a_file_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "MAX_ENTITIES", 2)
    assert problems(HEADER + "DEPARTMENT,D1,x,\n" * 3)[0][2] == "has 3 entities, and 2 are possible"
    (found,) = problems(HEADER + "DEPARTMENT,D9,x,\nDEPARTMENT,D8,x,\n")
    assert found[2] == "makes it 8 entities, and 2 are possible"


def test_an_edit_and_a_file_come_to_the_same() -> None:
    edited = edits.create(edits.change(FOREST, "P1", {"parent_id": "D2"}), project("P3", "D2", name="New"))
    assert read(HEADER + "PROJECT,P1,Platform,D2\nPROJECT,P3,New,D2\n") == edited
