"""Places, relatives and levels, and what may be changed about them."""

from __future__ import annotations

import functools
import math
from typing import Any

import pytest

from cloudact.errors import EntityExists, EntityHasChildren, EntityNotFound, InvalidRequest, LevelsInUse
from cloudact.tenancy.hierarchy import edits
from cloudact.tenancy.hierarchy.entity import Entity, metadata_text, parse_metadata
from cloudact.tenancy.hierarchy.forest import Forest
from cloudact.tenancy.hierarchy.levels import Levels
from tests.tenancy.hierarchy.acme_forest import EMPTY, acme_forest, department, forest_of, project, team

FOREST = acme_forest()


def ids(entities: list[Entity]) -> list[str]:
    return [entity.entity_id for entity in entities]


def test_a_place_has_the_path_the_names_and_the_level() -> None:
    place = FOREST.places["T1"]
    assert (place.level, place.path, place.names) == (3, "D1/P1/T1", ["Engineering", "Platform", "Core"])
    assert place.parent_type == "PROJECT"
    assert place.at("DEPARTMENT") == ("D1", "Engineering")
    assert FOREST.places["D1"].at("TEAM") == (None, None)
    assert FOREST.places["D1"].parent_type is None


def test_parents_come_before_their_children_and_siblings_by_id() -> None:
    assert list(FOREST.places) == ["D1", "P1", "T1", "T2", "P2", "D2"]


def test_relatives() -> None:
    assert ids(FOREST.children("D1")) == ["P1", "P2"]
    assert ids(FOREST.ancestors("T2")) == ["D1", "P1"]
    assert ids(FOREST.descendants("D1")) == ["P1", "T1", "T2", "P2"]
    assert (FOREST.children("T1"), FOREST.ancestors("D2"), FOREST.descendants("P2")) == ([], [], [])


@pytest.mark.parametrize("of", ["children", "ancestors", "descendants", "entity"])
def test_what_is_not_there_has_no_relatives(of: str) -> None:
    with pytest.raises(EntityNotFound, match="nobody"):
        getattr(FOREST, of)("nobody")


def test_a_move_takes_the_subtree_along() -> None:
    after = edits.change(FOREST, "P1", {"parent_id": "D2"})
    assert after.places["T1"].path == "D2/P1/T1"
    assert after.places["T1"].names == ["Sales", "Platform", "Core"]


def test_a_new_name_reaches_all_below() -> None:
    after = edits.change(FOREST, "D1", {"entity_name": "R&D"})
    assert {after.places[name].at("DEPARTMENT") for name in ("P1", "T1", "T2", "P2")} == {("D1", "R&D")}


@pytest.mark.parametrize(
    ("entity", "field", "what"),
    [
        (project("P9", "nobody"), "parent_id", "'nobody' is not an entity"),
        (project("P9", "P1"), "parent_id", "'P1' is a PROJECT, and a PROJECT is below a DEPARTMENT"),
        (team("T9", "D1"), "parent_id", "'D1' is a DEPARTMENT, and a TEAM is below a PROJECT"),
        (Entity("PROJECT", "P9", "x"), "parent_id", "is missing: a PROJECT is below a DEPARTMENT"),
        (department("D9", parent_id="D1"), "parent_id", "must be left out: DEPARTMENT is the highest level"),
        (
            Entity("SQUAD", "S1", "x", "T1"),
            "entity_type",
            "'SQUAD' is not a level; levels are DEPARTMENT, PROJECT, TEAM",
        ),
    ],
)
def test_a_place_that_cannot_be_is_refused(entity: Entity, field: str, what: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        edits.create(FOREST, entity)
    assert [(item.field, item.what) for item in raised.value.problems] == [(field, what)]


@pytest.mark.parametrize("parent", ["P1", "T1"])
def test_nothing_is_moved_below_itself(parent: str) -> None:
    with pytest.raises(InvalidRequest, match="is P1 itself, or below it"):
        edits.change(FOREST, "P1", {"parent_id": parent})


def test_an_id_is_taken_once() -> None:
    with pytest.raises(EntityExists, match="D1"):
        edits.create(FOREST, department("D1"))


def test_only_what_has_no_children_is_removed() -> None:
    with pytest.raises(EntityHasChildren, match="T1, T2"):
        edits.remove(FOREST, "P1")
    assert "T1" not in edits.remove(FOREST, "T1")


def test_id_and_level_are_kept() -> None:
    with pytest.raises(InvalidRequest, match="entity_id, entity_type cannot be changed"):
        edits.change(FOREST, "D1", {"entity_id": "D7", "entity_type": "TEAM"})


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("entity_id", "a/b", "must be 1 to 64 characters"),
        ("entity_id", "-a", "must be 1 to 64 characters"),
        ("entity_id", "ä", "must be 1 to 64 characters"),
        ("entity_id", "a" * 65, "must be 1 to 64 characters"),
        ("entity_name", "", "is missing"),
        ("entity_name", "x" * 256, "has 256 characters"),
        ("entity_name", "a\nb", "has control characters"),
        ("entity_name", "\ud800", "half of a surrogate pair"),
        ("owner_email", "nobody", "is not an e-mail address"),
        ("description", "x" * 2_001, "has 2001 characters"),
        ("description", "a\x07", "has control characters"),
        ("metadata", metadata_text({"a": "x" * 4_000}), "as JSON"),
        ("metadata", metadata_text({"a": "\0"}), "has a NUL character"),
    ],
)
def test_a_field_that_cannot_be_is_refused(field: str, value: str, what: str) -> None:
    values: dict[str, Any] = {"entity_type": "DEPARTMENT", "entity_id": "D9", "entity_name": "Nine", field: value}
    with pytest.raises(InvalidRequest) as raised:
        edits.create(EMPTY, Entity(**values))
    (problem,) = raised.value.problems
    assert problem.field == field
    assert what in problem.what


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"a": [math.inf]}, "inf, which is no number in JSON"),
        ({"a": {"b": 2**63}}, "more than 64 bits"),
        (functools.reduce(lambda inner, _: {"a": inner}, range(20), {}), "more than 20 deep"),
    ],
)
def test_metadata_that_an_engine_could_not_give_back_is_refused(value: dict[str, Any], what: str) -> None:
    with pytest.raises(InvalidRequest, match=what):
        parse_metadata(value)


def test_equal_metadata_is_one_text() -> None:
    assert parse_metadata({"b": 1, "a": "ä"}) == parse_metadata({"a": "ä", "b": 1}) == '{"a":"ä","b":1}'
    assert parse_metadata({}) is parse_metadata(None) is None


def test_every_wrong_field_is_told_at_once() -> None:
    with pytest.raises(InvalidRequest) as raised:
        edits.create(EMPTY, department("!", name="", owner_email="x"))
    assert [item.field for item in raised.value.problems] == ["entity_id", "entity_name", "owner_email"]


def test_texts_are_taken_without_the_space_around_them() -> None:
    after = edits.change(FOREST, "D1", {"entity_name": " R&D ", "description": "  "})
    assert (after.entity("D1").entity_name, after.entity("D1").description) == ("R&D", None)


@pytest.mark.parametrize("problem", ["is missing", "in a circle", "of another level"])
def test_rows_that_do_not_fit_together_are_all_shown(problem: str) -> None:
    """Another program may have written them."""
    entities = {
        "is missing": [project("P1", "gone"), team("T1", "P1")],
        "in a circle": [project("P1", "T1"), team("T1", "P1"), department("D1")],
        "of another level": [team("T1", "T2"), team("T2", "P1"), Entity("squad", "P1", "x")],
    }[problem]
    forest = Forest(Levels(), {item.entity_id: item for item in entities})
    assert sorted(forest.places) == sorted(item.entity_id for item in entities)
    assert forest.places["T1"].path.endswith("T1")


def test_only_what_changes_has_to_follow_the_rules() -> None:
    """Another program may have written the rest."""
    forest = Forest(Levels(), {"a b": Entity("DEPARTMENT", "a b", "x", owner_email="nobody")})
    assert edits.change(forest, "a b", {"entity_name": "y"}).entity("a b").entity_name == "y"
    with pytest.raises(InvalidRequest, match="owner_email"):
        edits.change(forest, "a b", {"owner_email": "somebody"})


def test_levels_are_added_below_and_kept_above() -> None:
    after = edits.redefine(FOREST, Levels.parse(["DEPARTMENT", "PROJECT", "TEAM", "SQUAD"]))
    assert edits.create(after, Entity("SQUAD", "S1", "Squad", "T1")).places["S1"].level == 4


@pytest.mark.parametrize(
    ("levels", "misfits"),
    [
        (["COMPANY", "DEPARTMENT", "PROJECT", "TEAM"], r"D1 \(DEPARTMENT\), D2 \(DEPARTMENT\)"),
        (["DEPARTMENT", "PROJECT"], r"T1 \(TEAM\), T2 \(TEAM\)"),
        (["DEPARTMENT", "TEAM", "PROJECT"], r"P1 \(PROJECT\), P2 \(PROJECT\), T1 \(TEAM\), T2 \(TEAM\)"),
    ],
)
def test_levels_that_entities_do_not_fit_are_refused(levels: list[str], misfits: str) -> None:
    with pytest.raises(LevelsInUse, match=misfits):
        edits.redefine(FOREST, Levels.parse(levels))


def test_an_empty_hierarchy_takes_any_levels() -> None:
    levels = Levels.parse([f"LEVEL_{number}" for number in range(10)])
    forest = edits.redefine(EMPTY, levels)
    for number in range(10):
        parent = f"E{number - 1}" if number else None
        forest = edits.create(forest, Entity(f"LEVEL_{number}", f"E{number}", "x", parent))
    assert forest.places["E9"].level == 10


@pytest.mark.parametrize(
    ("names", "field"),
    [
        ([], "levels"),
        (["A"] + [f"L{number}" for number in range(10)], "levels"),
        (["A", "A"], "levels.1"),
        (["a"], "levels.0"),
        (["A B"], "levels.0"),
        (["1A"], "levels.0"),
    ],
)
def test_levels_that_cannot_be_are_named(names: list[str], field: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        Levels.parse(names)
    assert [item.field for item in raised.value.problems] == [field]


def test_a_hierarchy_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "MAX_ENTITIES", 1)
    with pytest.raises(InvalidRequest, match="1 are possible"):
        edits.create(forest_of(department("D1")), department("D2"))
