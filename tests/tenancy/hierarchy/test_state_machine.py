"""Random changes, compared with a plain model: current rows, paths and history agree whatever was done before."""

from __future__ import annotations

import csv
import io
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cloudact.errors import CloudactError
from cloudact.wiring import Services
from tests.tenancy.hierarchy.world import ABOVE, ACTOR, Ground, current_of

_NUMBERS = itertools.count(1)
COLUMNS = ("entity_type", "entity_id", "entity_name", "parent_id")
KIND = {"D": "DEPARTMENT", "P": "PROJECT", "T": "TEAM"}
# Few enough that most changes meet something; the letter says the level.
IDS = [f"{letter}{number}" for letter in KIND for number in range(3)]
ids = st.sampled_from(IDS)
parents = st.sampled_from([None, *IDS])
names = st.sampled_from(["Alpha", "Beta", "=Gamma", "Delta, and more", 'Ep"silon'])
lines = st.lists(st.tuples(ids, names, parents), max_size=5, unique_by=lambda line: line[0])


@dataclass
class Model:
    """What there should be: name and parent by id, and all that was ever said of each, as a list."""

    current: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    versions: dict[str, list[list[str]]] = field(default_factory=dict)

    def chain(self, entity_id: str) -> list[str]:
        above = self.current[entity_id][1]
        return [*(self.chain(above) if above else []), entity_id]

    def shown(self, entity_id: str) -> list[str]:
        """All that a version says: the ids and the names down to the entity."""
        chain = self.chain(entity_id)
        return [*chain, *(self.current[item][0] for item in chain)]

    def fits(self, entity_id: str, parent: str | None) -> bool:
        wanted = ABOVE[KIND[entity_id[0]]]
        return parent is None if wanted is None else parent in self.current and KIND[parent[0]] == wanted

    def children(self, entity_id: str) -> list[str]:
        return [item for item, (_, parent) in self.current.items() if parent == entity_id]

    def becomes(self, after: dict[str, tuple[str, str | None]]) -> None:
        """Take over a state: whatever is shown differently is a new version."""
        before = {item: self.shown(item) for item in self.current}
        self.current = after
        for item in after:
            shown = self.shown(item)
            if before.get(item) != shown:
                self.versions.setdefault(item, []).append(shown)


class HierarchyMachine(RuleBasedStateMachine):
    """Every rule does one thing to both, and expects a refusal exactly where the model has one."""

    services: Services

    @initialize()
    def start(self) -> None:
        self.ground = Ground.onboarded(self.services, f"machine_{next(_NUMBERS)}")
        self.model = Model()

    def attempt(self, allowed: bool, after: dict[str, tuple[str, str | None]], change: Any) -> None:
        try:
            change()
        except CloudactError:
            assert not allowed
        else:
            assert allowed
            self.model.becomes(after)

    @rule(entity_id=ids, name=names, parent=parents)
    def create(self, entity_id: str, name: str, parent: str | None) -> None:
        model = self.model
        allowed = entity_id not in model.current and model.fits(entity_id, parent)
        self.attempt(
            allowed,
            {**model.current, entity_id: (name, parent)},
            lambda: self.ground.add(KIND[entity_id[0]], entity_id, parent, entity_name=name),
        )

    @rule(entity_id=ids, name=names)
    def rename(self, entity_id: str, name: str) -> None:
        known = self.model.current.get(entity_id)
        after = {**self.model.current, entity_id: (name, known[1] if known else None)}
        self.attempt(known is not None, after, lambda: self.ground.change(entity_id, entity_name=name))

    @rule(entity_id=ids, parent=parents)
    def move(self, entity_id: str, parent: str | None) -> None:
        known = self.model.current.get(entity_id)
        allowed = known is not None and self.model.fits(entity_id, parent)
        after = {**self.model.current, entity_id: (known[0] if known else "", parent)}
        self.attempt(allowed, after, lambda: self.ground.change(entity_id, parent_id=parent))

    @rule(entity_id=ids)
    def remove(self, entity_id: str) -> None:
        allowed = entity_id in self.model.current and not self.model.children(entity_id)
        after = {item: what for item, what in self.model.current.items() if item != entity_id}
        self.attempt(allowed, after, lambda: self.ground.remove(entity_id))

    @rule(found=lines, whole=st.booleans())
    def import_file(self, found: list[tuple[str, str, str | None]], whole: bool) -> None:
        given = {entity_id: (name, parent) for entity_id, name, parent in found}
        after = given if whole else {**self.model.current, **given}
        wanted = Model(after)
        allowed = all(wanted.fits(item, parent) for item, (_, parent) in after.items())
        out = io.StringIO()
        rows = ([KIND[item[0]], item, name, parent or ""] for item, name, parent in found)
        csv.writer(out).writerows([COLUMNS, *rows])
        content = out.getvalue().encode()
        hierarchies, slug = self.ground.hierarchies, self.ground.slug
        self.attempt(allowed, after, lambda: hierarchies.apply(slug, content, actor=ACTOR, remove_missing=whole))

    @rule()
    def import_what_was_exported(self) -> None:
        hierarchies, slug = self.ground.hierarchies, self.ground.slug
        exported = hierarchies.export(slug)
        result = hierarchies.apply(slug, exported.text.encode(), actor=ACTOR, remove_missing=True)
        assert (result.unchanged, result.revision) == (len(self.model.current), exported.revision)

    @invariant()
    def agree(self) -> None:
        if not hasattr(self, "ground"):
            return
        rows = self.ground.assert_sound()
        assert {name: (row["entity_name"], row["parent_id"]) for name, row in current_of(rows).items()} == (
            self.model.current
        )
        found: dict[str, list[list[str]]] = {}
        for row in rows:
            names_of = json.loads(row["path_names"])
            found.setdefault(row["entity_id"], []).append([*row["path"].split("/"), *names_of])
        assert found == self.model.versions
        assert sorted(self.ground.ids()) == sorted(self.model.current)


def _run(services: Services, examples: int, steps: int) -> None:
    machine = type("Machine", (HierarchyMachine,), {"services": services})
    how = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=how)


def test_any_changes_agree_with_a_plain_model(duckdb_services: Services) -> None:
    _run(duckdb_services, examples=2, steps=25)


@pytest.mark.slow
def test_many_changes_agree_with_a_plain_model(duckdb_services: Services) -> None:
    _run(duckdb_services, examples=25, steps=50)


@pytest.mark.slow
def test_any_changes_agree_with_a_plain_model_on_bigquery(bigquery_services: Services) -> None:
    _run(bigquery_services, examples=3, steps=25)
