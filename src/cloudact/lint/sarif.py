"""A report as SARIF 2.1.0, which code review tools show beside the lines it speaks of.

Source: OASIS, Static Analysis Results Interchange Format Version 2.1.0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from cloudact import __version__
from cloudact.errors import Problem
from cloudact.lint.check import Report
from cloudact.lint.registry import RULES, Rule, rule_of

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"


def to_sarif(report: Report, directory: Path) -> dict[str, Any]:
    """Return the report as a SARIF log; files under `directory` are named relative to it."""
    driver = {
        "name": "cloudact catalog lint",
        "version": __version__,
        "rules": [_rule(rule) for rule in RULES.values()],
    }
    results = [_result(problem, directory) for problem in report.problems]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code.value,
        "name": rule.name,
        "shortDescription": {"text": rule.meaning},
        "help": {"text": f"{rule.meaning} See {rule.code} in docs/catalog-lint.md."},
        "defaultConfiguration": {"level": rule.level.value},
    }


def _result(problem: Problem, directory: Path) -> dict[str, Any]:
    rule = rule_of(problem)
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(problem.where, directory)}}
    if problem.line:
        place["region"] = {"startLine": problem.line}
    subject = f"{problem.field}: " if problem.field else ""
    return {
        "ruleId": rule.code.value,
        "ruleIndex": list(RULES).index(rule.code),
        "level": rule.level.value,
        "message": {"text": f"{subject}{problem.what} ({problem.fix})"},
        "locations": [{"physicalLocation": place}],
    }


def _uri(where: str, directory: Path) -> str:
    """Return a URI reference; a file elsewhere keeps its absolute path."""
    path = Path(where)
    absolute = path if path.is_absolute() else directory / path
    if absolute.is_relative_to(directory):
        return quote(absolute.relative_to(directory).as_posix())
    return absolute.as_uri()
