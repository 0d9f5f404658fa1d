"""Pipeline files: what they mean, and every problem of them in one report with its line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cloudact.errors import PipelineInvalid, Problem
from cloudact.pipeline.definition import OnFailure, Retry
from cloudact.pipeline.load import load_pipeline
from tests.pipeline.steps import Nested, NoteConfig, Scripted, pipeline_text, step, steps

PROCESSORS = {"test.note": Scripted(), "test.other": Scripted(ps_type="test.other")}


def problems_of(text: str, parameters: dict[str, str] | None = None) -> list[Problem]:
    with pytest.raises(PipelineInvalid) as raised:
        load_pipeline(text, PROCESSORS, parameters)
    return list(raised.value.problems)


def config_of(text: str, parameters: dict[str, str] | None = None) -> NoteConfig:
    config = load_pipeline(text, PROCESSORS, parameters).steps[0].config
    assert isinstance(config, NoteConfig)
    return config


def test_a_file_in_full() -> None:
    text = """\
pipeline:
  id: system_bootstrap
  name: "One-Time System Bootstrap"
  description: Everything
variables:
  force: false
steps:
  - step_id: one
    name: First
    ps_type: test.note
    config: {flag: "${force}", nested: {depth: 2}}
    timeout: 30
    retry: {attempts: 3, delay_seconds: 0.5, max_delay_seconds: 8}
    on_failure: continue
  - step_id: two
    ps_type: test.other
    config:
  - step_id: three
    ps_type: test.note
    depends_on: [one]
  - step_id: four
    ps_type: test.note
    depends_on: []
"""
    pipeline = load_pipeline(text, PROCESSORS)
    assert (pipeline.pipeline_id, pipeline.name, pipeline.description) == (
        "system_bootstrap",
        "One-Time System Bootstrap",
        "Everything",
    )
    assert pipeline.variables == {"force": False}
    one, two, three, four = pipeline.steps
    assert (one.name, one.timeout, one.retry, one.on_failure) == ("First", 30, Retry(3, 0.5, 8), OnFailure.CONTINUE)
    assert one.config == NoteConfig(flag=False, nested=Nested(depth=2))
    assert (two.name, two.ps_type, two.config, two.retry, two.timeout) == (
        "two", "test.other", NoteConfig(), Retry(), None,
    )  # fmt: skip
    assert [(item.after, item.depends_on) for item in (one, two, three, four)] == [
        ((), ()),
        (("one",), ()),
        (("one",), ("one",)),
        ((), ()),
    ]


CASES: dict[str, tuple[str, str, str, int]] = {
    "no yaml": ("steps: [\n", "", "is not YAML", 5),
    "no steps": ("variables: {}\n", "steps", "is missing", 0),
    "empty steps": ("steps: []\n", "steps", "is empty", 4),
    "unknown key of the file": (steps(step("a")) + "stages: 1\n", "stages", "is not a known key", 7),
    "unknown key of a step": (steps(step("a", when=1)), "steps.0.when", "is not a known key", 7),
    "unknown key of retry": (steps(step("a", retry="{times: 3}")), "steps.0.retry.times", "is not a known key", 7),
    "unknown key of the configuration": (
        steps(step("a", config="{colour: red}")), "steps.0.config.colour", "is not a known key", 7,
    ),
    "unknown key inside the configuration": (
        steps(step("a", config="{nested: {depth: 1, width: 2}}")), "steps.0.config.nested.width",
        "is not a known key", 7,
    ),
    "missing key inside the configuration": (
        steps(step("a", config="{nested: {}}")), "steps.0.config.nested.depth", "is missing", 7,
    ),
    "wrong type in the configuration": (
        steps(step("a", config="{number: many}")), "steps.0.config.number", "Input should be a valid", 7,
    ),
    "wrong timeout": (steps(step("a", timeout=0)), "steps.0.timeout", "Input should be greater than 0", 7),
    "wrong attempts": (steps(step("a", retry="{attempts: 0}")), "steps.0.retry.attempts", "Input should be", 7),
    "wrong on_failure": (steps(step("a", on_failure="ignore")), "steps.0.on_failure", "Input", 7),
    "unknown processor": (
        "steps:\n  - step_id: a\n    ps_type: test.nothing\n", "steps.0.ps_type", "is test.nothing, which", 6,
    ),
    "two steps of one name": (steps(step("a"), step("a")), "steps.1.step_id", "is a, as in line 5", 7),
    "unknown dependency": (steps(step("a", depends_on="[b]")), "steps.0.depends_on.0", "is b, which is not a step", 7),
    "dependency on itself": (
        steps(step("a", depends_on="[a]")), "steps.0.depends_on", "goes round in a circle: a after a", 7,
    ),
    "cycle": (
        steps(step("a", depends_on="[c]"), step("b"), step("c")), "steps.0.depends_on",
        "goes round in a circle: a after c after b after a", 7,
    ),
    "unknown variable": (
        steps(step("a", config='{note: "to ${nobody}"}')), "steps.0.config.note", "refers to the unknown", 7,
    ),
    "unknown variable in a list": (
        steps(step("a", config='{items: [x, "${nobody}"]}')), "steps.0.config.items.1", "refers to the unknown", 7,
    ),
    "no reference": (steps(step("a", config='{note: "${a b}"}')), "steps.0.config.note", "has ${ in '${a b}'", 7),
    "list in text": (
        "variables: {names: [a]}\n" + steps(step("a", config='{note: "to ${names}"}')), "steps.0.config.note",
        "inserts ${names} into text, and it is a list", 8,
    ),
    "variable of variables": (
        'variables:\n  one: 1\n  two: "${one}"\n' + steps(step("a")), "variables.two", "refers to a variable", 6,
    ),
    "no mapping": ("steps:\n  - 5\n", "steps.0", "is not a mapping", 5),
    "no list": (steps(step("a", depends_on="b")), "steps.0.depends_on", "is not a list", 7),
    "name of a variable": ("variables: {a-b: 1}\n" + steps(step("a")), "variables.a-b", "String", 4),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_problem_is_named_with_its_line(case: str) -> None:
    text, field, what, line = CASES[case]
    (found,) = problems_of(pipeline_text(text))
    assert (found.where, found.field, found.line) == ("pipeline", field, line)
    assert found.what.startswith(what)
    assert found.fix


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        (steps(step("a", whn=1)), "keys here are step_id, name, ps_type, config"),
        (steps(step("a", retry="{times: 3}")), "keys here are attempts, delay_seconds, max_delay_seconds"),
        (steps(step("a", config="{nested: {depth: 1, width: 2}}")), "keys here are depth"),
        ("steps:\n  - step_id: a\n    ps_type: test.nott\n", "did you mean test.note? known are test.note, test.other"),
        (
            "variables: {day: 1, hour: 2}\n" + steps(step("a", config='{note: "${dya}"}')),
            "declare it under `variables`; declared are day, hour",
        ),
        (steps(step("a", config='{note: "${dya}"}')), "declare it under `variables`; none is declared"),
        (steps(step("one"), step("b", depends_on="[onne]")), "did you mean one? name steps of this file: one, b"),
        (
            steps(*(step(f"s{number}") for number in range(20)), step("t", depends_on="[zzz]")),
            "name steps of this file: s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, ...",
        ),
    ],
)  # fmt: skip
def test_a_problem_names_what_is_valid(text: str, fix: str) -> None:
    (found,) = problems_of(pipeline_text(text))
    assert found.fix.startswith(fix)


def test_every_problem_is_in_one_report() -> None:
    text = pipeline_text(
        steps(
            step("a", config='{note: "${nobody}", colour: red}'),
            "  - step_id: b\n    ps_type: test.nothing\n    depends_on: [z]\n",
            step("c", config="{number: x, flag: maybe}"),
            step("d", when="never", timeout=-1, config='{note: "${somebody}"}'),
            "  - 5\n",
        )
    )
    found = problems_of(text, {"unknown": "1"})
    assert sorted(problem.field for problem in found) == [
        "steps.0.config.note", "steps.1.depends_on.0", "steps.1.ps_type", "steps.2.config.flag",
        "steps.2.config.number", "steps.3.config.note", "steps.3.timeout", "steps.3.when", "steps.4", "unknown",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_an_empty_file_is_a_problem(text: str) -> None:
    (found,) = problems_of(text)
    assert found.what == "is empty"


def test_a_file_is_named_in_its_problems(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yml"
    with pytest.raises(PipelineInvalid, match="does not exist"):
        load_pipeline(path, PROCESSORS)
    path.write_text(pipeline_text(steps(step("a", colour="red"))))
    with pytest.raises(PipelineInvalid, match=rf"{path}:7: steps.0.colour: is not a known key"):
        load_pipeline(path, PROCESSORS)
    path.write_text(pipeline_text(steps(step("a"))))
    assert load_pipeline(path, PROCESSORS).pipeline_id == "test_pipeline"


def test_what_is_no_file_is_a_problem_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yml")
    for path in (tmp_path / "pipe.yml", tmp_path, tmp_path / "a\0b.yml"):
        with pytest.raises(PipelineInvalid, match="cannot be read"):
            load_pipeline(path, PROCESSORS)


PARAMETERS = """\
variables:
  flag: false
  number: 3
  share: 0.5
  note: text
  items: [a]
  nested: {depth: 1}
  anything:
"""


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("flag", "true", True),
        ("flag", "YES", True),
        ("flag", "no", False),
        ("number", "-7", -7),
        ("share", "2", 2.0),
        ("note", "12", "12"),
        ("note", "${number}", "${number}"),
        ("items", "[b, c]", ["b", "c"]),
        ("nested", "{depth: 2}", {"depth": 2}),
        ("anything", "null", None),
        ("anything", "5", 5),
        ("anything", "2026-01-31", "2026-01-31"),
    ],
)
def test_a_run_parameter_has_the_type_of_the_declared_value(name: str, text: str, value: object) -> None:
    pipeline = load_pipeline(pipeline_text(PARAMETERS + steps(step("a"))), PROCESSORS, {name: text})
    assert pipeline.variables[name] == value
    assert type(pipeline.variables[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("flag", "1", "'1' is not one of true, yes, false, no"),
        ("number", "3.5", "'3.5' is not a whole number"),
        ("share", "half", "'half' is not a number"),
        ("items", "a", "'a' is not a list, such as [a, b]"),
        ("nested", "[a]", "'[a]' is not a mapping, such as {a: 1}"),
        ("anything", "[", "'[' is not YAML: expected the node content, but found '<stream end>'"),
        ("share", "nan", "'nan' is not a number"),
        ("share", "-inf", "'-inf' is not a number"),
        (
            "anything",
            "[&a [*a, *a]]",
            "'[&a [*a, *a]]' is longer than 1,000,000 characters with its aliases written out",
        ),
        (
            "number",
            "n" * 100,
            f"'{'n' * 80}'... is not a whole number",
        ),
        ("unknown", "1", "is not a variable of the pipeline"),
    ],
)
def test_a_run_parameter_that_does_not_fit_is_a_problem(name: str, text: str, what: str) -> None:
    (found,) = problems_of(pipeline_text(PARAMETERS + steps(step("a"))), {name: text})
    assert (found.where, found.field, found.what) == ("run parameters", name, what)


def test_parameters_override_variables_and_variables_override_defaults() -> None:
    file = pipeline_text("variables: {number: 1}\n" + steps(step("a", config='{number: "${number}"}')))
    assert config_of(pipeline_text(steps(step("a")))).number == 0
    assert config_of(file).number == 1
    assert config_of(file, {"number": "2"}).number == 2


def test_an_anchor_changes_no_type() -> None:
    text = pipeline_text("variables: {one: &a false, two: *a, three: &b 5}\n" + steps(step("a")))
    assert load_pipeline(text, PROCESSORS).variables == {"one": False, "two": False, "three": 5}
    assert [type(value) for value in load_pipeline(text, PROCESSORS).variables.values()] == [bool, bool, int]
