"""Changes and reads of a hierarchy, on both engines: what is in the table then, and what is answered."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cloudact.errors import (
    EntityExists,
    EntityHasChildren,
    EntityNotFound,
    InvalidRequest,
    LevelsInUse,
    NotBootstrapped,
    OrganizationNotFound,
    VersionStale,
)
from cloudact.tenancy.hierarchy.difference import Kind
from cloudact.tenancy.hierarchy.store import Source
from cloudact.tenancy.idempotency.operation import Operation
from cloudact.tenancy.names import OrgSlug
from cloudact.warehouse.driver import Equals, Page
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.tenancy.hierarchy.world import ACTOR, ANY, BY, CENTRAL, Ground

HEADER = "entity_type,entity_id,entity_name,parent_id\n"


def test_a_change_is_a_new_version_and_the_end_of_the_old_one(ground: Ground) -> None:
    made = ground.add("DEPARTMENT", "D1", metadata='{"cost_center":7}', owner_email="a@acme.com")
    assert (made.entity.version, made.revision, made.source) == (1, 1, Source.CENTRAL)
    changed = ground.change("D1", 1, entity_name="Renamed", is_active=False)
    assert (changed.entity.version, changed.entity.metadata) == (2, {"cost_center": 7})
    old, new = ground.rows()
    assert (old["entity_name"], old["version"], old["is_active"]) == ("DEPARTMENT D1", 1, True)
    assert old["end_date"] == old["updated_at"] == new["created_at"]
    assert (old["updated_by"], new["created_by"], new["updated_by"], new["end_date"]) == (BY, BY, None, None)
    ground.assert_sound()


def test_a_new_name_and_a_move_reach_all_below(ground: Ground) -> None:
    ground.add_acme()
    assert ground.change("D1", entity_name="R&D").carried == 4
    ground.assert_sound()
    assert ground.current()["T1"]["dept_name"] == "R&D"
    assert ground.change("P1", parent_id="D2").carried == 2
    ground.assert_sound()
    current = ground.current()
    assert (current["T1"]["path"], current["T1"]["dept_name"], current["T1"]["version"]) == ("D2/P1/T1", "Sales", 3)
    assert (current["P2"]["version"], current["D2"]["version"]) == (2, 1)


def test_a_read_after_a_write_sees_it_in_the_view(ground: Ground) -> None:
    ground.add_acme()
    ground.change("T1", entity_name="Kernel")
    answer = ground.hierarchies.entity(ground.slug, "T1")
    assert (answer.entity.entity_name, answer.entity.version, answer.source) == ("Kernel", 2, Source.VIEW)
    assert {row["entity_id"]: row["version"] for row in ground.view_rows()} == {
        name: row["version"] for name, row in ground.current().items()
    }
    assert ground.hierarchies.levels(ground.slug).revision == answer.revision == 2
    assert ground.fallbacks == []


def test_an_empty_view_is_an_answer(ground: Ground) -> None:
    page = ground.hierarchies.tree(ground.slug)
    assert (page.roots, page.source, ground.fallbacks) == ([], Source.VIEW, [])


def test_without_the_view_the_central_table_is_read_and_counted(ground: Ground) -> None:
    ground.add_acme()
    answer = ground.hierarchies.entity(_without_view(ground).slug, "T1")
    assert (answer.entity.path, answer.source, len(ground.fallbacks)) == ("D1/P1/T1", Source.CENTRAL, 1)


def test_when_neither_can_be_read_it_is_an_error(duckdb_ground: Ground) -> None:
    ground = _without_view(duckdb_ground)
    assert isinstance(ground.warehouse, DuckDBWarehouse)
    with ground.warehouse.connect() as connection:
        connection.execute(f"ALTER TABLE {CENTRAL}.org_hierarchy RENAME TO mislaid")
        try:
            with pytest.raises(NotBootstrapped, match="org_hierarchy does not exist"):
                ground.ids()
        finally:
            connection.execute(f"ALTER TABLE {CENTRAL}.mislaid RENAME TO org_hierarchy")


def test_an_unknown_organization_has_no_hierarchy(ground: Ground) -> None:
    nobody = Ground(ground.services, OrgSlug("nobody_at_all"))
    with pytest.raises(OrganizationNotFound):
        nobody.ids()
    with pytest.raises(OrganizationNotFound):
        nobody.add("DEPARTMENT", "D1")
    assert nobody.rows() == []


def test_a_stale_version_changes_nothing_and_names_the_current_one(ground: Ground) -> None:
    ground.add("DEPARTMENT", "D1")
    ground.change("D1", 1, entity_name="Two")
    before = ground.rows()
    for stale in (lambda: ground.change("D1", 1, entity_name="x"), lambda: ground.remove("D1", 1, 3)):
        with pytest.raises(VersionStale, match="Entity D1 is at version 2") as raised:
            stale()
        assert raised.value.current == 2
    assert ground.rows() == before


def test_what_equals_what_is_there_writes_nothing(ground: Ground) -> None:
    ground.add("DEPARTMENT", "D1", metadata='{"a":1,"b":2}')
    answer = ground.change("D1", 1, entity_name=" DEPARTMENT D1 ", metadata='{"a":1,"b":2}')
    assert (answer.entity.version, answer.revision) == (1, 1)
    assert len(ground.rows()) == 1


def test_a_removed_entity_keeps_its_rows_and_may_come_back(ground: Ground) -> None:
    ground.add("DEPARTMENT", "D1")
    ground.add("PROJECT", "P1", "D1")
    with pytest.raises(EntityHasChildren, match="P1"):
        ground.remove("D1")
    removed = ground.remove("P1", 1)
    assert (removed.entity.is_active, removed.entity.version, removed.revision) == (False, 1, 3)
    (row,) = (row for row in ground.rows() if row["entity_id"] == "P1")
    assert (row["is_active"], row["end_date"], row["updated_by"]) == (False, removed.entity.end_date, BY)
    with pytest.raises(EntityNotFound):
        ground.hierarchies.entity(ground.slug, "P1")
    again = ground.add("PROJECT", "P1", "D1", entity_name="Again")
    assert again.entity.version == 2
    page = ground.hierarchies.history(ground.slug, "P1", limit=10, offset=0)
    assert [(item.version, item.entity_name) for item in page.versions] == [(1, "PROJECT P1"), (2, "Again")]
    assert ground.hierarchies.history(ground.slug, "P1", limit=1, offset=1).versions == page.versions[1:]
    ground.assert_sound()


def test_a_history_tells_the_path_of_each_time(ground: Ground) -> None:
    ground.add_acme()
    ground.change("P1", parent_id="D2")
    page = ground.hierarchies.history(ground.slug, "T1", limit=10, offset=0)
    assert [(item.path, item.dept_name) for item in page.versions] == [
        ("D1/P1/T1", "Engineering"),
        ("D2/P1/T1", "Sales"),
    ]
    with pytest.raises(EntityNotFound):
        ground.hierarchies.history(ground.slug, "nobody", limit=10, offset=0)


def test_another_attempt_at_an_operation_answers_what_was_done(ground: Ground) -> None:
    """Also when somebody has changed the entity meanwhile, and when the first attempt wrote nothing."""
    first = Operation("record", "digest", datetime(2026, 1, 1, tzinfo=UTC), resumed=False, _key=b"k")
    again, other = replace(first, resumed=True), replace(first, record_id="other", resumed=True)
    department = {"entity_type": "DEPARTMENT", "entity_id": "D1", "entity_name": "One"}
    made = ground.hierarchies.create(ground.slug, department, actor=ACTOR, operation=first)
    assert ground.hierarchies.create(ground.slug, department, actor=ACTOR, operation=again) == made
    ground.change("D1", entity_name="Two")
    repeated = ground.hierarchies.create(ground.slug, department, actor=ACTOR, operation=again)
    assert repeated == replace(made, revision=2)
    with pytest.raises(EntityExists):
        ground.hierarchies.create(ground.slug, department, actor=ACTOR, operation=other)
    ground.hierarchies.create(ground.slug, {**department, "entity_id": "D2"}, actor=ACTOR, operation=other)
    assert (ground.ids(), len(ground.rows())) == (["D1", "D2"], 3)
    ground.assert_sound()


def test_search_by_text_level_and_activity(ground: Ground) -> None:
    ground.add_acme()
    ground.change("P2", is_active=False, description="Phones and TABLETS")
    assert ground.ids() == ["D1", "P1", "T1", "T2", "P2", "D2"]
    assert ground.ids(text="tablets") == ground.ids(active=False) == ["P2"]
    assert ground.ids(level="TEAM") == ["T1", "T2"]
    assert ground.ids(text="e", level="TEAM", active=True) == ["T1", "T2"]
    assert ground.ids(text="%") == []
    with pytest.raises(InvalidRequest, match="levels are DEPARTMENT, PROJECT, TEAM"):
        ground.ids(level="SQUAD")


def test_a_file_is_previewed_then_applied_as_one_change(ground: Ground) -> None:
    ground.add_acme()
    text = (
        HEADER
        + "DEPARTMENT,D1,R&D,\nPROJECT,P1,Platform,D1\nPROJECT,P3,New,D1\nTEAM,T1,Core,P3\nDEPARTMENT,D2,Sales,\n"
    )
    before = ground.rows()
    preview = ground.hierarchies.preview(ground.slug, text.encode(), remove_missing=True)
    assert (preview.applied, preview.revision, ground.rows()) == (False, 1, before)
    done = ground.hierarchies.apply(
        ground.slug, text.encode(), frozenset([preview.revision]), actor=ACTOR, remove_missing=True
    )
    assert (done.applied, done.revision) == (True, 2)
    for kind in Kind:
        name = kind.value.lower()
        assert getattr(done, name) == getattr(preview, name)
    assert [item.entity_id for item in done.ended] == ["P2", "T2"]
    assert (done.carried, done.unchanged, preview.unchanged) == (["P1"], 1, 1)
    ground.assert_sound()
    assert {row["created_at"] for row in ground.rows() if row["version"] == 2} == {
        row["end_date"] for row in ground.rows() if row["end_date"]
    }
    with pytest.raises(VersionStale, match="The hierarchy is at version 2, not 1"):
        ground.hierarchies.apply(ground.slug, b"", frozenset([1]), actor=ACTOR)


def test_a_file_with_one_problem_changes_nothing(ground: Ground) -> None:
    ground.add_acme()
    before = ground.rows()
    text = HEADER + "DEPARTMENT,D9,Nine,\nTEAM,T9,Nine,D9\n"
    with pytest.raises(InvalidRequest, match="csv:3: parent_id"):
        ground.hierarchies.apply(ground.slug, text.encode(), actor=ACTOR)
    assert ground.rows() == before


def test_an_export_can_be_imported_elsewhere(ground: Ground) -> None:
    ground.add_acme()
    ground.change("T1", entity_name="=1+1", description="two\nlines", metadata='{"a":"-1"}')
    text = ground.hierarchies.export(ground.slug).text
    other = Ground.onboarded(ground.services, f"{ground.slug}_copy")
    with pytest.raises(InvalidRequest, match="leave it empty to create it anew"):
        other.hierarchies.apply(other.slug, text.encode(), actor=ACTOR)
    lines = text.replace(",2\r\n", ",\r\n").replace(",1\r\n", ",\r\n")
    other.hierarchies.apply(other.slug, lines.encode(), actor=ACTOR)
    assert [_content(row) for row in other.current().values()] == [_content(row) for row in ground.current().values()]


def test_every_change_and_every_refused_one_is_in_the_audit_trail(ground: Ground) -> None:
    before = len(_audited(ground))
    ground.add_acme()
    ground.change("D1", 1, entity_name="R&D")
    ground.change("D1", 2, entity_name="R&D")  # changes nothing
    ground.hierarchies.preview(ground.slug, HEADER.encode())
    ground.remove("T1")
    with pytest.raises(VersionStale):
        ground.remove("T2", 7)
    rows = _audited(ground)[before:]
    told = [(row["action"], row["resource_id"], row["status"], row["user_id"]) for row in rows]
    assert told == [
        ("UPDATE", "import", "SUCCESS", BY),
        ("UPDATE", "D1", "SUCCESS", BY),
        ("DELETE", "T1", "SUCCESS", BY),
        ("DELETE", "T2", "FAILURE", BY),
    ]
    details = json.loads(str(rows[1]["details"]))
    assert details == {
        "revision": 2,
        "changes": [{"kind": "CHANGED", "entity_id": "D1", "fields": ["entity_name"]}],
        "changed": 1,
        "carried": 4,
    }
    assert "Entity T2 is at version 2, not 7" in str(rows[3]["error_message"])


def test_levels_are_redefined_for_one_organization(ground: Ground) -> None:
    ground.add_acme()
    levels = ground.hierarchies.redefine(ground.slug, ["DEPARTMENT", "PROJECT", "TEAM", "SQUAD"], ANY, actor=ACTOR)
    assert (levels.levels[-1], levels.revision) == ("SQUAD", 2)
    assert ground.hierarchies.levels(ground.slug) == levels
    squad = ground.add("SQUAD", "S1", "T1").entity
    assert (squad.level, squad.path, squad.team_name, squad.parent_type) == (4, "D1/P1/T1/S1", "Core", "TEAM")
    with pytest.raises(LevelsInUse, match="S1"):
        ground.hierarchies.redefine(ground.slug, ["DEPARTMENT", "PROJECT", "TEAM"], ANY, actor=ACTOR)
    with pytest.raises(VersionStale, match="The hierarchy is at version 3"):
        ground.hierarchies.redefine(ground.slug, ["A"], frozenset([2]), actor=ACTOR)


def test_organizations_do_not_meet(ground: Ground) -> None:
    other = Ground.onboarded(ground.services, f"{ground.slug}_other")
    ground.add_acme()
    other.add_acme()
    before = other.rows()
    ground.change("D1", entity_name="R&D")
    ground.remove("T1")
    assert other.rows() == before
    assert other.ids(text="R&D") == []


def test_rows_that_another_program_wrote_are_read_and_go_on(ground: Ground) -> None:
    """Rows of before paths were kept, one of them with two current versions."""
    for number in (1, 2):
        _legacy(ground, "DEPARTMENT", "D1", None, number)
    _legacy(ground, "PROJECT", "P1", "D1", 1)
    assert ground.ids() == ["D1", "P1"]
    assert ground.hierarchies.entity(ground.slug, "P1").entity.path == "D1/P1"
    assert ground.change("D1", 2, entity_name="New").entity.version == 3
    assert {name: row["version"] for name, row in ground.current().items()} == {"D1": 3, "P1": 2}
    history = ground.hierarchies.history(ground.slug, "D1", limit=10, offset=0)
    assert [item.path for item in history.versions] == [None, None, "D1"]


def _audited(ground: Ground) -> list[dict[str, object]]:
    columns = ["action", "resource_id", "status", "user_id", "details", "error_message", "sequence"]
    where = [Equals("org_slug", ground.slug), Equals("resource_type", "HIERARCHY")]
    page = Page(("sequence",), 100)
    return ground.warehouse.run(lambda session: session.select(CENTRAL, "org_audit_logs", columns, where, page))


def _content(row: dict[str, object]) -> dict[str, object]:
    ours = {"id", "version", "created_at", "created_by", "updated_at", "updated_by"}
    return {name: value for name, value in row.items() if name not in ours}


def _legacy(ground: Ground, kind: str, entity_id: str, parent: str | None, number: int) -> None:
    row = {
        "org_slug": str(ground.slug),
        "id": f"{ground.slug}-{entity_id}-{number}",
        "entity_type": kind,
        "entity_id": entity_id,
        "entity_name": entity_id,
        "parent_id": parent,
        "is_active": True,
        "created_at": ground.hierarchies.clock(),
        "created_by": "another program",
        "version": number,
    }
    ground.warehouse.run(lambda session: session.insert(CENTRAL, "org_hierarchy", [row]))


def _without_view(ground: Ground) -> Ground:
    """The organization as it is where its views were left out: with a dataset that has none."""
    elsewhere, own = {"org_dataset_id": f"{ground.slug}_none"}, [Equals("org_slug", ground.slug)]
    ground.warehouse.run(lambda session: session.update(CENTRAL, "org_profiles", elsewhere, own))
    return ground
