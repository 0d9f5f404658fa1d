"""Every rule reports what breaks it, by its code and at its line, and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudact.catalog.problems import Code
from cloudact.errors import Problem
from cloudact.lint.registry import RULES, Level
from cloudact.lint.revisions.findings import CODES
from cloudact.planning.findings import Code as Found
from tests.lint.cases import CASES, Case

LARGE = {Code.TOO_MANY_COLUMNS, Code.TOO_MANY_COLUMNS_KEPT}
PAIRS = [
    pytest.param(code, case, id=f"{code}-{RULES[code].name}", marks=[pytest.mark.slow] if code in LARGE else [])
    for code, case in CASES.items()
]


def codes(problems: tuple[Problem, ...]) -> set[str]:
    return {problem.code for problem in problems}


def test_every_code_has_a_rule_and_a_case_that_breaks_it() -> None:
    assert set(Code) == set(RULES) == set(CASES)


def test_every_finding_of_a_comparison_has_a_code() -> None:
    assert set(CODES) == set(Found)


@pytest.mark.parametrize(("code", "case"), PAIRS)
def test_a_rule_reports_what_breaks_it(code: Code, case: Case, tmp_path: Path) -> None:
    found = case.report(tmp_path, case.bad).problems
    assert code in codes(found)
    for problem in found:
        assert problem.what
        assert problem.fix
        assert problem.where.startswith(tmp_path.as_posix())


@pytest.mark.parametrize(("code", "case"), PAIRS)
def test_a_rule_is_silent_about_what_does_not_break_it(code: Code, case: Case, tmp_path: Path) -> None:
    report = case.report(tmp_path, case.good)
    assert code not in codes(report.problems)
    assert report.count(Level.ERROR) == 0
