"""What holds for every graph of steps and for every text with variables."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from cloudact.errors import PipelineInvalid
from cloudact.pipeline.definition import Retry, execution_order
from cloudact.pipeline.load import load_pipeline
from cloudact.pipeline.states import OPEN, TRANSITIONS, State
from cloudact.pipeline.variables import MASK, Redaction, plain, refers, resolve
from tests.pipeline.steps import Scripted

NAMES = st.sampled_from(["a", "b", "c", "d", "e", "f", "g"])
GRAPHS = st.dictionaries(NAMES, st.frozensets(NAMES, max_size=3), max_size=7).map(
    lambda graph: {name: sorted(after & graph.keys()) for name, after in graph.items()}
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(GRAPHS)
def test_an_order_respects_every_dependency_or_there_is_a_cycle(graph: dict[str, list[str]]) -> None:
    order, cycle = execution_order(graph)
    assert all(set(graph[name]) <= set(order[:index]) for index, name in enumerate(order))
    assert bool(cycle) == (len(order) < len(graph))
    assert all(following in graph[name] for name, following in zip(cycle, [*cycle[1:], *cycle[:1]], strict=True))


@given(GRAPHS)
def test_the_first_that_may_be_next_is_next(graph: dict[str, list[str]]) -> None:
    order, _ = execution_order(graph)
    for index, name in enumerate(order):
        ready = [item for item in graph if item not in order[:index] and set(graph[item]) <= set(order[:index])]
        assert name == ready[0]


@given(VALUES)
def test_a_reference_alone_keeps_value_and_type(value: object) -> None:
    found = resolve("${name}", {"name": plain(value)})
    assert found == value
    assert type(found) is type(value)


@given(st.lists(st.text().filter(lambda text: "$" not in text)), st.text())
def test_inside_text_a_value_is_inserted_as_it_is(parts: list[str], value: str) -> None:
    text = "-".join(["", *("${name}".join([part, ""]) for part in parts), ""])
    assert resolve(text, {"name": value}) == text.replace("${name}", value)


@given(st.text(alphabet="${}a_b1 "))
def test_an_escaped_text_means_itself(text: str) -> None:
    escaped = text.replace("${", "$${")
    if "$$${" not in escaped:
        assert not refers(escaped)
        assert resolve(escaped, {}) == text


@given(st.text(min_size=4), VALUES)
def test_nothing_has_a_secret_that_was_taken_out(secret: str, value: object) -> None:
    redaction = Redaction.of({"api_key": secret}, [])
    if secret in MASK * 3:
        return
    found = redaction.mapping({"told": [secret, f"it is {secret}!", plain(value)], "password": secret})
    assert found["password"] == MASK
    assert isinstance(found["told"], list)
    assert found["told"][0] == MASK


@given(st.integers(1, 200), st.floats(0, 1, exclude_max=True))
def test_a_delay_grows_to_its_limit_and_never_beyond(attempt: int, jitter: float) -> None:
    retry = Retry(attempts=200, delay_seconds=2, max_delay_seconds=30)
    longest = min(30.0, 2.0 * 2 ** (attempt - 1))
    assert longest / 2 <= retry.delay(attempt, jitter) <= longest
    assert retry.delay(attempt, 0) <= retry.delay(attempt + 1, 0)


def test_every_state_is_reached_and_final_ones_are_left_by_nothing() -> None:
    assert {after for following in TRANSITIONS.values() for after in following} == set(State) - {State.PENDING}
    assert set(TRANSITIONS) == set(State)
    assert set(OPEN) == {State.PENDING, State.RUNNING}


WORDS = st.sampled_from(
    ["pipeline", "id", "name", "variables", "steps", "step_id", "ps_type", "config", "depends_on", "retry", "attempts",
     "note", "nested", "items", "test.note", "${note}", "${a b}", "a", "", "\u00e9"]
)  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
STEPS = st.lists(st.dictionaries(WORDS, ANYTHING, max_size=5) | ANYTHING, max_size=3)


@given(
    st.fixed_dictionaries({"pipeline": ANYTHING | st.just({"id": "a", "name": "a"}), "steps": STEPS | ANYTHING})
    | ANYTHING,
    st.dictionaries(WORDS, WORDS, max_size=2),
)
def test_whatever_a_file_holds_it_is_a_pipeline_or_a_report(document: object, parameters: dict[str, str]) -> None:
    try:
        pipeline = load_pipeline(json.dumps(document), {"test.note": Scripted()}, parameters)
    except PipelineInvalid:
        return
    assert len(pipeline.in_order()) == len(pipeline.steps) > 0
