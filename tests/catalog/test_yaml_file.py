"""YAML itself: what cannot be read is one problem with its line, and nothing else is ever raised."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloudact.catalog.problems import Problems
from cloudact.catalog.yaml_file import parse_yaml
from cloudact.errors import Problem
from tests.catalog.declared import CONFIG_FILE, CatalogDirectory


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("dataset: x\ntables:\n  events: [id\n", "is not YAML: expected ',' or ']', but got '<stream end>'", 4),
        ("dataset: x\n\ttables: y\n", "is not YAML: found character '\\t' that cannot start any token", 2),
        ("dataset: x\ntables: {}\ndataset: y\n", 'is not YAML: found duplicate key "dataset"', 3),
        ("tables:\n  events:\n  other:\n  events:\n", 'is not YAML: found duplicate key "events"', 4),
        ("dataset: *nowhere\n", "is not YAML: found undefined alias 'nowhere'", 1),
        ("a: 1\n---\nb: 2\n", "is not YAML: but found another document", 2),
        ("dataset: \0\n", "is not YAML: unacceptable character", 0),
    ],
)
def test_a_file_that_is_no_yaml_is_one_problem_with_its_line(
    catalog: CatalogDirectory, text: str, what: str, line: int
) -> None:
    catalog.write(CONFIG_FILE, text)
    found = catalog.problem()
    assert (found.where, found.field, found.line) == (CONFIG_FILE, "", line)
    assert found.what.startswith(what)
    assert found.fix.startswith("mend the syntax")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "null\n"])
def test_an_empty_file_is_a_problem(catalog: CatalogDirectory, text: str) -> None:
    catalog.write(CONFIG_FILE, text)
    assert catalog.problem() == Problem(CONFIG_FILE, "", "is empty", "declare at least `dataset` and `tables`")


@pytest.mark.parametrize("text", ["5\n", "- dataset\n", "just words\n", "'{}'\n"])
def test_a_file_that_is_no_mapping_is_a_problem(catalog: CatalogDirectory, text: str) -> None:
    catalog.write(CONFIG_FILE, text)
    found = catalog.problem()
    assert (found.where, found.field) == (CONFIG_FILE, "")
    assert found.what.startswith("is not a mapping")


def test_a_nesting_beyond_reason_is_a_problem(catalog: CatalogDirectory) -> None:
    catalog.write(CONFIG_FILE, "[" * 1_000)
    assert catalog.problem().where == CONFIG_FILE


def bomb(last: str) -> str:
    """Return mappings in which each has the one before it nine times, and a last line."""
    letters = "abcdefgh"
    lines = [f"{this}: &{this} [{', '.join([f'*{before}'] * 9)}]" for before, this in pairwise(letters)]
    return "\n".join(["a: &a [x, x, x, x, x, x, x, x, x]", *lines, last, ""])


@pytest.mark.parametrize("text", [bomb(""), bomb("z: *h\nz: *h"), "dataset: &a\n  tables: *a\n", "a: &a [*a]\n"])
def test_aliases_that_make_a_text_beyond_reason_are_a_problem(catalog: CatalogDirectory, text: str) -> None:
    catalog.write(CONFIG_FILE, text)
    found = catalog.problem()
    assert (found.where, found.what) == (
        CONFIG_FILE,
        "is longer than 1,000,000 characters with its aliases written out",
    )


@pytest.mark.parametrize("written", ["\\uD800", "\\ud83d\\ude00", "\\U0000dfff"])
def test_half_of_a_surrogate_pair_is_a_problem_with_its_line(catalog: CatalogDirectory, written: str) -> None:
    catalog.write(CONFIG_FILE, f'dataset: x\nlabels:\n  a: "{written}"\n')
    found = catalog.problem()
    assert (found.what, found.line) == ("has half of a surrogate pair, which is no character", 3)
    catalog.write(
        CONFIG_FILE, f"dataset: '{{org_slug}}_prod'\ndescription: 'as {written}'\ntables: [events]\nviews: [recent]\n"
    )
    assert catalog.load().organization.description == f"as {written}"


def test_a_key_that_is_there_twice_is_told_without_its_values(catalog: CatalogDirectory) -> None:
    catalog.write(CONFIG_FILE, "labels: {token: s3cret, token: s3cr3t}\n")
    assert catalog.problem().what == 'is not YAML: found duplicate key "token"'


def test_an_anchor_that_is_defined_again_is_no_problem(catalog: CatalogDirectory) -> None:
    catalog.write(CONFIG_FILE, "dataset: &a '{org_slug}_prod'\nlocation: &a EU\ntables: [events]\nviews: [recent]\n")
    assert catalog.load().organization.location == "EU"


def test_a_merged_mapping_is_read_and_its_problems_are_named(catalog: CatalogDirectory) -> None:
    head = "dataset: '{org_slug}_prod'\nviews: [recent]\ntables:\n  events:\n    <<: "
    catalog.write(CONFIG_FILE, head + "{description: merged}\n")
    assert catalog.load().organization.tables[0].description == "merged"
    catalog.write(CONFIG_FILE, head + "{cluster: [id]}\n")
    assert catalog.problem().field == "tables.events.cluster"


PIECES = ["dataset: d", "tables:", "events", "- ", "  ", "\n", "? ", ": ", "[", "]", "{", "}", ", ", "'", '"', "|", ">",
          "!!set ", "!!omap ", "!!int ", "!!binary ", "!x ", "&a ", "*a", "<<: ", "#", "---", "2024-13-45", "0x", "~",
          "%YAML 9.9", "\t", "\ufeff", "\x85"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=25).map("".join))
@example("!!set ")
@example("!!omap ")
@example("!!int ")
@example("<<: !!set {a}")
@example("%YAML 9.9\n---\na")
@example("? - - a\n")
@example("? - !!binary a: b")
def test_any_text_is_read_or_reported(text: str) -> None:
    problems = Problems(CONFIG_FILE)
    found = parse_yaml(text, problems)
    assert found is None or problems.found == []
