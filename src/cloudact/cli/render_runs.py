"""Pipeline runs as people like to read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from cloudact.cli.render import Answer, answer_console, headline, say

_MARKS = {
    "COMPLETED": ("ok  ", "green"),
    "FAILED": ("FAIL", "bold red"),
    "TIMED_OUT": ("TIME", "bold red"),
    "CANCELLED": ("STOP", "bold red"),
    "SKIPPED": ("skip", "dim"),
}
# Beside their lists, these say nothing that the summary does not say.
_MADE = {"tables_created": "+ table", "views_created": "+ view", "views_replaced": "+ view", "notes": "i"}


def run_report(answer: Answer) -> None:
    """Print what became of a run and of each step."""
    console = answer_console()
    kind = "dry run" if answer["dry_run"] else f"run {answer['run_id']}"
    headline(console, answer["pipeline_id"], answer["state"], f"{kind}, {_seconds(answer['duration_ms'])}")
    for step in answer["steps"]:
        _step(console, step, planned=answer["dry_run"])
    for run_id in answer["interrupted"]:
        say(console, "  i ", f"an earlier run was interrupted, and is marked as FAILED: {run_id}", style="dim")
    if answer["dry_run"] and len(answer["steps"]) > 1:
        text = "each step was planned on the warehouse as it is, without what earlier steps would do"
        say(console, "  i ", text, style="dim")
    if not answer["dry_run"] and not answer["recorded"]:
        say(console, "  ! ", f"the run is not recorded: {answer['record_problem']}", lead_style="yellow")


def run_list(answer: Answer) -> None:
    """Print one page of recorded runs, each in two lines: what other commands take, and what it was."""
    console, runs = answer_console(), answer["runs"]
    longest = max((len(run["pipeline_logging_id"]) for run in runs), default=0)
    console.print(f"{'run':{longest}}  {'started (UTC)':19}  {'status':9}  took", style="dim")
    for run in runs:
        facts = f"{_moment(run['start_time'])}  {run['status']:9}  {_seconds(run['duration_ms'])}".rstrip()
        console.print(f"{run['pipeline_logging_id']:{longest}}  {facts}", markup=False)
        error = (run["error_message"] or "").partition("\n")[0]
        say(console, "  ", f"{run['pipeline_id']} for {run['org_slug']}{f': {error}' if error else ''}")
    first = answer["offset"] + 1 if runs else 0
    console.print(f"{first} to {answer['offset'] + len(runs)} of {answer['total']}", style="dim")


def run_record(answer: Answer) -> None:
    """Print one recorded run with each attempt at its steps."""
    console, run = answer_console(), answer["run"]
    headline(console, run["pipeline_id"], run["status"], f"run {run['pipeline_logging_id']}")
    began = f"for {run['org_slug']}, started {_moment(run['start_time'])} UTC"
    say(console, "  ", ", ".join(part for part in (began, _seconds(run["duration_ms"])) if part), style="dim")
    if run["error_message"]:
        say(console, "  ", run["error_message"])
    for step in answer["steps"]:
        _attempt(console, step)


def available(answer: Answer) -> None:
    """Print the pipelines that the catalog has, and under each what it does or what has to be mended."""
    console = answer_console()
    for pipeline in answer["pipelines"]:
        named = "  ".join(part for part in (pipeline["id"], pipeline["name"]) if part)
        console.print(named or "(no id)", markup=False)
        steps = ", ".join(step["step_id"] for step in pipeline["steps"])
        say(console, "  ", f"{pipeline['file']}: {steps or 'cannot be run'}")
        for problem in pipeline["problems"]:
            say(console, "  ! ", f"{problem['field']}: {problem['message']}", lead_style="yellow")
    if not answer["pipelines"]:
        console.print("The catalog's directory has no pipeline.")


def _step(console: Console, step: Answer, *, planned: bool) -> None:
    failure = step["failure"]
    said = step["summary"] or step["reason"] or (failure["message"] if failure else "")
    took = f"{_seconds(step['duration_ms'])}, " if step["attempts"] else ""
    tries = f"{step['attempts']} attempts, " if step["attempts"] > 1 else ""
    _marked(console, step["state"], f"{step['step_id']}: {took}{tries}{said}")
    if failure and failure["hint"]:
        say(console, " " * 7, failure["hint"], style="dim")
    for line in _details(step["details"], planned=planned):
        say(console, " " * 7, line)


def _attempt(console: Console, step: Answer) -> None:
    kept = step["metadata"] if isinstance(step["metadata"], dict) else {}
    number = kept.get("attempt", 1)
    again = f"attempt {number}" if number != 1 else ""
    facts = (step["step_type"], again, _moment(step["start_time"]), _seconds(step["duration_ms"]))
    _marked(console, step["status"], f"{step['step_name']}: {', '.join(fact for fact in facts if fact)}")
    if told := step["error_message"] or kept.get("summary"):
        say(console, " " * 7, str(told))
    for line in _details(kept.get("details")):
        say(console, " " * 7, line)


def _marked(console: Console, state: str, text: str) -> None:
    mark, style = _MARKS.get(state, (state, ""))
    say(console, f"  {mark} ", text, lead_style=style)


def _details(details: object, *, planned: bool = False) -> list[str]:
    """Return a line for each object that a step made, and for each that it could not.

    A processor may be a stranger's, whose details have other things under the same names: those are passed over.
    """
    if not isinstance(details, dict):
        return []
    made = [f"{sign} {name}" for key, sign in _MADE.items() for name in _list(details, key)]
    added = details.get("columns_added")
    columns = added if isinstance(added, dict) else {}
    made += [f"+ column {table}.{name}" for table in columns for name in _list(columns, table)]
    failed = _entries(details, "tables_failed", "! table {table}: {reason} {fix}", ("table", "reason", "fix"))
    errors = _entries(details, "errors", "! could not {change}: {message}", ("change", "message"))
    conflicts = _entries(details, "conflicts", "! {object}: {what}. {fix}", ("object", "what", "fix"))
    return [*_recreated(details.get("recreated"), planned=planned), *made, *failed, *errors, *conflicts]


def _list(values: dict[str, Any], key: str) -> list[Any]:
    found = values.get(key)
    return found if isinstance(found, list) else []


def _entries(details: dict[str, Any], key: str, line: str, fields: Sequence[str]) -> list[str]:
    found = [item for item in _list(details, key) if isinstance(item, dict) and item.keys() >= set(fields)]
    return [line.format(**{name: item[name] for name in fields}) for item in found]


def _recreated(recreated: object, *, planned: bool) -> list[str]:
    """Return a line for each table that was made anew, or would be, and one for the backup."""
    if not isinstance(recreated, dict):
        return []
    would = "would be " if planned else ""
    fields = {"table", "outcome", "rows_before", "error", "fix"}
    found = [item for item in _list(recreated, "tables") if isinstance(item, dict) and item.keys() >= fields]
    lines = [
        f"! table {item['table']}: {item['error']} {item['fix'] or ''}"
        if item["error"]
        else f"~ table {item['table']} {would}{item['outcome']}, rows before: {_count(item['rows_before'])}"
        for item in found
        if item["outcome"] != "unchanged"
    ]
    return [*lines, *([f"= backup {recreated['backup']}"] if recreated.get("backup") else [])]


def _count(rows: object) -> str:
    return f"{rows:,}" if isinstance(rows, int) else str(rows)


def _moment(start: str) -> str:
    return start[:19].replace("T", " ")


def _seconds(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
