"""`cloudact catalog lint`: what is wrong with the declared schemas, or would be late in production."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cloudact.cli.errors import EXIT_CODE, reported
from cloudact.errors import CatalogError, InvalidRequest, Problem
from cloudact.lint.check import Report, lint_catalog
from cloudact.lint.registry import Level, rule_of
from cloudact.lint.revisions.history import Baseline
from cloudact.lint.sarif import to_sarif
from cloudact.settings import load_settings
from cloudact.tenancy.plans import SubscriptionPlan, load_plans
from cloudact.wiring import rehearse

AgainstOption = Annotated[
    str | None,
    typer.Option(metavar="REF|DIR", help="Compare with a commit, branch or tag of git, or with another directory."),
]
FailOnOption = Annotated[Level, typer.Option(help="The least serious level that makes the command fail.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
SarifOption = Annotated[bool, typer.Option("--sarif", help="Print the report as SARIF 2.1.0, for code review.")]
OutputOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the JSON or SARIF there, and print the text as well.")
]
_COLORS = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: "blue"}


def lint(
    *,
    against: AgainstOption = None,
    fail_on: FailOnOption = Level.ERROR,
    as_json: JsonOption = False,
    sarif: SarifOption = False,
    output: OutputOption = None,
) -> None:
    """Check every file of the catalog and report all problems at once.

    The rules are those of both engines, each with a code that docs/catalog-lint.md explains. Plans, exports and
    pipeline templates are checked as well. With --against, what changed since then is judged by what it does to
    tables that exist.

    Exits with 3 when there is anything of the level of --fail-on or worse, and otherwise with 0.

    Example: cloudact catalog lint --against main
    """
    if as_json and sarif:
        raise typer.BadParameter("give --json or --sarif, not both")
    if output and not (as_json or sarif):
        raise typer.BadParameter("--output goes with --json or --sarif")
    with reported(as_json=as_json):
        settings = load_settings()
        root = settings.config_dir
        plans, problems = _plans(root)
        # What another engine holds DuckDB never has to make.
        embedded = settings.warehouse_url.startswith("duckdb:")
        report = lint_catalog(
            root, settings.templates_dir, more=problems, against=against, rehearse=rehearse if embedded else None
        )
        counts = _counts(report, plans)
        document = to_sarif(report, Path.cwd()) if sarif else _answer(report, counts)
        if output:
            _write(output, document)
    if output or not (as_json or sarif):
        _print(report, root, counts)
    else:
        typer.echo(_text(document))
    if report.fails(fail_on):
        raise typer.Exit(EXIT_CODE[CatalogError])


def _plans(root: Path) -> tuple[Mapping[str, SubscriptionPlan], Sequence[Problem]]:
    try:
        return load_plans(root), ()
    except CatalogError as error:
        return {}, error.problems


def _counts(report: Report, plans: Mapping[str, SubscriptionPlan]) -> dict[str, int]:
    catalog = report.catalog
    return {
        "central_tables": len(catalog.central.tables) if catalog else 0,
        "organization_tables": len(catalog.organization.tables) if catalog else 0,
        "organization_views": len(catalog.organization.views) if catalog else 0,
        "plans": len(plans),
    }


def _answer(report: Report, counts: dict[str, int]) -> dict[str, Any]:
    baseline = report.baseline
    return {
        **counts,
        "against": _against(baseline) if baseline else None,
        "summary": {f"{level}s": report.count(level) for level in Level},
        "violations": [_violation(problem) for problem in report.problems],
    }


def _against(baseline: Baseline) -> dict[str, Any]:
    return {
        "name": baseline.name,
        "exists": baseline.catalog is not None,
        "templates": baseline.templates is not None,
    }


def _violation(problem: Problem) -> dict[str, Any]:
    rule = rule_of(problem)
    return {
        "code": rule.code,
        "name": rule.name,
        "level": rule.level,
        "file": problem.where,
        "line": problem.line or None,
        "object": problem.field,
        "message": problem.what,
        "fix": problem.fix,
    }


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def _write(path: Path, document: dict[str, Any]) -> None:
    try:
        path.write_text(f"{_text(document)}\n", encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be written: {error.strerror}", hint="Name another file.") from error


def _print(report: Report, root: Path, counts: dict[str, int]) -> None:
    """Print one line a violation as compilers do, and then how the catalog stands."""
    for problem in report.problems:
        rule = rule_of(problem)
        place = f"{problem.where}:{problem.line}" if problem.line else problem.where
        subject = f"{problem.field}: " if problem.field else ""
        level = typer.style(rule.level, fg=_COLORS[rule.level], bold=True)
        typer.echo(f"{place}: {rule.code} {level}: {subject}{problem.what} ({problem.fix})")
    if report.baseline:
        there = report.baseline.catalog is not None
        name = report.baseline.name
        typer.echo(f"Compared with {name}." if there else f"There is no catalog in {name}: everything is new.")
        if report.baseline.templates is None:
            typer.echo(f"The pipeline templates were not compared: {name} has none beside it.")
    found = ", ".join(_counted(report.count(level), level) for level in Level if report.count(level))
    if report.count(Level.ERROR):
        waiting = "" if report.catalog else " More rules are checked once it can be loaded."
        typer.echo(f"The catalog in {root} is not valid: {found}.{waiting}")
        return
    if found:
        typer.echo(f"Found {found}.")
    declared = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())
    typer.echo(f"The catalog in {root} is valid: {declared}.")


def _counted(number: int, level: Level) -> str:
    return f"{number} {level}{'s' if number != 1 else ''}"
