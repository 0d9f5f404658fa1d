"""Pipeline runs as people like to read them."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cloudact.cli.render import Answer, answer_console, headline

_MARKS = {
    "COMPLETED": "[green]ok  [/]",
    "FAILED": "[bold red]FAIL[/]",
    "TIMED_OUT": "[bold red]TIME[/]",
    "CANCELLED": "[bold red]STOP[/]",
    "SKIPPED": "[dim]skip[/]",
}
# Columns whose cells are given to other commands, and are copied in one piece.
_COPIED = ("run", "id", "file", "step")
# Beside their lists, these say nothing that the summary does not say.
_MADE = {"tables_created": "+ table", "views_created": "+ view", "views_replaced": "+ view"}


def run_report(answer: Answer) -> None:
    """Print what became of a run and of each step."""
    console = answer_console()
    kind = "dry run" if answer["dry_run"] else f"run {answer['run_id']}"
    headline(console, answer["pipeline_id"], answer["state"], f"{kind}, {_seconds(answer['duration_ms'])}")
    for step in answer["steps"]:
        _step(console, step)
    for run_id in answer["interrupted"]:
        console.print(f"  [dim]i an earlier run was interrupted, and is marked as FAILED: {escape(run_id)}[/]")
    if answer["dry_run"] and len(answer["steps"]) > 1:
        console.print(
            "  [dim]i each step was planned on the warehouse as it is, without what earlier steps would do[/]"
        )
    if not answer["dry_run"] and not answer["recorded"]:
        console.print(f"  [yellow]![/] the run is not recorded: {escape(answer['record_problem'])}")


def _step(console: Console, step: Answer) -> None:
    failure = step["failure"]
    said = step["summary"] or step["reason"] or (failure["message"] if failure else "")
    took = f"{_seconds(step['duration_ms'])}, " if step["attempts"] else ""
    tries = f"{step['attempts']} attempts, " if step["attempts"] > 1 else ""
    console.print(f"  {_MARKS[step['state']]} {escape(step['step_id'])}: {took}{tries}{escape(said)}")
    if failure and failure["hint"]:
        console.print(f"       {escape(failure['hint'])}", style="dim")
    for line in _details(step["details"]):
        console.print(f"       {escape(line)}")


def _details(details: dict[str, Any]) -> list[str]:
    """Return a line for each object that a step made, and for each that it could not."""
    made = [f"{sign} {name}" for key, sign in _MADE.items() for name in details.get(key) or ()]
    added = details.get("columns_added") or {}
    made += [f"+ column {table}.{name}" for table, names in added.items() for name in names]
    failed = [f"! table {item['table']}: {item['reason']} {item['fix']}" for item in details.get("tables_failed") or ()]
    errors = [f"! could not {item['change']}: {item['message']}" for item in details.get("errors") or ()]
    conflicts = [f"! {item['object']}: {item['what']}. {item['fix']}" for item in details.get("conflicts") or ()]
    return [*_recreated(details.get("recreated")), *made, *failed, *errors, *conflicts]


def _recreated(recreated: Answer | None) -> list[str]:
    """Return a line for each table that was made anew, or would be, and one for the backup."""
    if not recreated:
        return []
    lines = [
        f"! table {item['table']}: {item['error']} {item['fix'] or ''}"
        if item["error"]
        else f"~ table {item['table']} {item['outcome']}, rows before: {item['rows_before']:,}"
        for item in recreated["tables"]
        if item["outcome"] != "unchanged"
    ]
    return [*lines, *([f"= backup {recreated['backup']}"] if recreated["backup"] else [])]


def available(answer: Answer) -> None:
    """Print the pipelines that the catalog has."""
    console = answer_console()
    table = _table("id", "name", "file", "steps")
    for pipeline in answer["pipelines"]:
        steps = ", ".join(step["step_id"] for step in pipeline["steps"])
        table.add_row(*(Text(pipeline[name]) for name in ("id", "name", "file")), Text(steps or "cannot be run"))
    console.print(table)
    for problem in (found for pipeline in answer["pipelines"] for found in pipeline["problems"]):
        console.print(f"[yellow]![/] {escape(problem['field'])}: {escape(problem['message'])}")


def run_list(answer: Answer) -> None:
    """Print one page of recorded runs."""
    console = answer_console()
    table = _table("run", "pipeline", "organization", "status", "started", "took", "error")
    for run in answer["runs"]:
        table.add_row(
            *(Text(str(run[name])) for name in ("pipeline_logging_id", "pipeline_id", "org_slug", "status")),
            Text(str(run["start_time"])[:19]),
            Text(_seconds(run["duration_ms"])),
            Text(run["error_message"] or ""),
        )
    console.print(table)
    shown = len(answer["runs"])
    first = answer["offset"] + 1 if shown else 0
    console.print(f"{first} to {answer['offset'] + shown} of {answer['total']}", style="dim")


def run_record(answer: Answer) -> None:
    """Print one recorded run with its steps."""
    console, run = answer_console(), answer["run"]
    message = f"run {run['pipeline_logging_id']} for {run['org_slug']}, {_seconds(run['duration_ms'])}"
    headline(console, run["pipeline_id"], run["status"], message)
    if run["error_message"]:
        console.print(run["error_message"], markup=False)
    table = _table("step", "processor", "status", "started", "took", "what")
    for step in answer["steps"]:
        told = (step["metadata"] or {}).get("summary", "")
        table.add_row(
            *(Text(str(step[name])) for name in ("step_name", "step_type", "status")),
            Text(str(step["start_time"])[:19]),
            Text(_seconds(step["duration_ms"])),
            Text(step["error_message"] or told),
        )
    console.print(table)


def _table(*titles: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold", no_wrap=title in _COPIED)
    return table


def _seconds(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
