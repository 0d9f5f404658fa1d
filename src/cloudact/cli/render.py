"""Answers as people like to read them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

Answer = dict[str, Any]
_STYLES = {
    "SYNCED": "bold green",
    "COMPLETED": "bold green",
    "SUCCESS": "bold green",
    "READY": "bold green",
    "OUT_OF_SYNC": "bold yellow",
    "PARTIAL": "bold yellow",
    "PROFILE_ONLY": "bold yellow",
    "BLOCKED": "bold red",
    "FAILED": "bold red",
    "TIMED_OUT": "bold red",
    "INTERRUPTED": "bold red",
    "CANCELLED": "bold red",
    "NOT_BOOTSTRAPPED": "bold red",
    "NOT_FOUND": "bold red",
}


def print_json(answer: Answer) -> None:
    """Print the answer as JSON."""
    typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))


_NARROWEST = 20
_GAP, _INDENT = "  ", "    "
_NUMBER = re.compile(r"[0-9,]*|-")


def answer_console() -> Console:
    """Return the console that answers are printed on; `say` breaks lines for a terminal, and nothing else does."""
    return Console(highlight=False, soft_wrap=True, emoji=False)


def visible(text: str) -> str:
    """Return text that strangers may have sent, such as a path, without what would move or colour a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def say(console: Console, lead: str, text: str | Text, *, style: str = "", lead_style: str = "") -> None:
    """Print one line; where a terminal is too narrow for it, it goes on in the column in which its text began.

    It is broken between words only: an id or a key is copied in one piece.
    """
    said = Text(text, style) if isinstance(text, str) else text.copy()
    said.overflow = "ignore"
    room = max(console.width - len(lead), _NARROWEST)
    lines = said.wrap(console, room) if console.is_terminal else [said]
    for number, line in enumerate(lines):
        line.rstrip()
        console.print(Text(" " * len(lead) if number else lead, lead_style or style) + line)


def columns(console: Console, titles: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> None:
    """Print rows in columns, numbers to the right.

    A row that a terminal is too narrow for goes on in lines of its own, whose columns are below each other as well.
    """
    cells = [[cell if isinstance(cell, Text) else Text(" ".join(cell.split())) for cell in row] for row in rows]
    lines = [[Text(title, "dim") for title in titles], *cells]
    widths = [max(line[place].cell_len for line in lines) for place in range(len(titles))]
    right = [all(_NUMBER.fullmatch(row[place].plain) for row in cells) for place in range(len(titles))]
    parts = list(_parts(widths, console.width if console.is_terminal else sys.maxsize))
    for line in lines:
        for part in parts:
            padded = [_padded(line[place], widths[place], right=right[place]) for place in part]
            text = Text(_GAP).join(padded)
            text.rstrip()
            say(console, _INDENT if part[0] else "", text)


def _parts(widths: Sequence[int], room: int) -> Iterator[range]:
    """Yield the places of the columns of each line that a row takes; a wide first one has a line for itself."""
    first, used, alone = 0, 0, sum(widths) + len(_GAP) * (len(widths) - 1) > room and widths[0] > room / 2
    for place, width in enumerate(widths):
        needed = len(_GAP) + width if place > first else width
        if place > first and (used + needed > room or (alone and first == 0)):
            yield range(first, place)
            first, used, needed = place, len(_INDENT), width
        used += needed
    yield range(first, len(widths))


def _padded(cell: Text, width: int, *, right: bool) -> Text:
    padded, missing = cell.copy(), width - cell.cell_len
    padded.pad_left(missing) if right else padded.pad_right(missing)
    return padded


def headline(console: Console, subject: str, status: str, message: str) -> None:
    """Print the one line that says it all."""
    say(console, "", Text.assemble(f"{subject}  ", (status, _STYLES.get(status, "bold")), f"  {message}"))


def _grid(console: Console, rows: list[tuple[str, str, str]]) -> None:
    if not rows:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for title in ("object", "difference", "what happens"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def dataset_status(answer: Answer) -> None:
    """Print where a dataset stands, one line per difference."""
    console = answer_console()
    headline(console, answer["dataset"], answer["status"], answer["message"])
    if not answer["dataset_exists"]:
        return
    existing, expected = len(answer["tables_existing"]), answer["tables_expected"]
    console.print(f"{existing} of {expected} declared tables exist", style="dim")
    if answer["views"]:
        say(console, "", _views(answer["views"]), style="dim")
    _grid(console, [*_missing(answer), *_differences(answer), *_conflicts(answer)])


def _views(views: dict[str, Answer]) -> str:
    """Return the views in one line, by how they are kept."""
    existing, current = (sum(view[what] for view in views.values()) for what in ("exists", "current"))
    kinds = sorted({view["materialized"] for view in views.values()})
    named = [f"{kind}: {', '.join(n for n, view in views.items() if view['materialized'] == kind)}" for kind in kinds]
    return "; ".join((f"{existing} of {len(views)} declared views exist, {current} current", *named))


def _missing(answer: Answer) -> list[tuple[str, str, str]]:
    rows = [(name, "table missing", "sync creates it") for name in answer["tables_missing"]]
    rows += [(name, "view missing", "sync creates it") for name in answer["views_missing"]]
    rows += [(name, "view is stale", "sync with --recreate-views replaces it") for name in answer["views_stale"]]
    rows += [(name, "view left out", "read the central dataset instead") for name in answer["views_unreadable"]]
    return rows + [(name, "not declared", "kept") for name in answer["tables_extra"]]


def _differences(answer: Answer) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []
    for table, diff in answer["schema_diffs"].items():
        rows += [(f"{table}.{name}", "column missing", "sync adds it") for name in diff["missing_columns"]]
        rows += [(table, pending, "sync does it") for pending in diff["pending"]]
        rows += [(f"{table}.{name}", "not declared", "kept") for name in diff["extra_columns"]]
    return rows


def _conflicts(answer: Answer) -> list[tuple[str, str, str]]:
    return [(item["object"], f"CONFLICT: {item['what']}", item["fix"]) for item in answer["conflicts"]]


def bootstrap_result(answer: Answer) -> None:
    """Print what bootstrap made."""
    console = answer_console()
    headline(console, answer["dataset"], answer["status"], answer["message"])
    for name in answer["tables_created"]:
        console.print(f"  [green]+[/] table {escape(name)}")


def sync_result(answer: Answer) -> None:
    """Print what a sync did, one line per change, and what it could not do."""
    console = answer_console()
    headline(console, answer["dataset"], answer["status"], answer["message"])
    if answer["dataset_created"]:
        console.print(f"  [green]+[/] dataset {escape(answer['dataset'])}")
    for kind in ("tables_created", "views_created", "views_replaced"):
        for name in answer[kind]:
            console.print(f"  [green]+[/] {kind.split('_')[0].removesuffix('s')} {escape(name)}")
    for table, columns in answer["columns_added"].items():
        for name in columns:
            console.print(f"  [green]+[/] column {escape(table)}.{escape(name)}")
    for change in (*answer["columns_changed"], *answer["metadata_updated"]):
        console.print(f"  [green]~[/] {escape(change)}")
    for note in answer["notes"]:
        console.print(f"  [dim]i {escape(note)}[/]")
    for change in answer["not_requested"]:
        console.print(f"  [dim]- not requested: {escape(change)}[/]")
    for error in answer["errors"]:
        console.print(f"  [red]![/] could not {escape(error['change'])}: {escape(error['message'])}")
    _grid(console, _conflicts(answer))


def dry_run(answer: Answer) -> None:
    """Print each check, failed ones first in the eye."""
    console = answer_console()
    headline(console, answer["org_slug"], answer["status"], answer["message"])
    for check in answer["checks"]:
        mark = "[green]ok  [/]" if check["passed"] else "[bold red]FAIL[/]"
        console.print(f"  {mark} {escape(check['name'])}: {escape(check['message'])}")
    if answer["tables_to_create"]:
        tables, views = len(answer["tables_to_create"]), len(answer["views_to_create"])
        console.print(f"would create {tables} tables and {views} views in {escape(answer['dataset'])}", style="dim")


def onboarded(answer: Answer) -> None:
    """Print the organization and, once, its key."""
    console = answer_console()
    headline(console, answer["org_slug"], answer["status"], answer["message"])
    tables, views = len(answer["tables_created"]), len(answer["views_created"])
    console.print(f"dataset {escape(answer['dataset'])}: {tables} tables and {views} views created", style="dim")
    console.print(f"API key: [bold]{escape(answer['api_key'])}[/]")


def organization_list(answer: Answer) -> None:
    """Print one page of organizations."""
    console = answer_console()
    statuses = answer["sync_status"]
    labelled = any(item["labels"] for item in answer["organizations"])
    rows = [
        (
            item["org_slug"], item["company_name"], item["subscription_plan"] or "", item["status"],
            item["org_dataset_id"], item["dataset_location"] or "",
            *([", ".join(f"{key}={value}" for key, value in item["labels"].items())] if labelled else []),
            *([statuses[item["org_slug"]]] if statuses else []),
        )
        for item in answer["organizations"]
    ]  # fmt: skip
    more = [*(["labels"] if labelled else []), *(["stands"] if statuses else [])]
    titles = ("slug", "company", "plan", "status", "dataset", "location", *more)
    columns(console, titles, rows)
    shown = len(answer["organizations"])
    first = answer["offset"] + 1 if shown else 0
    console.print(f"{first} to {answer['offset'] + shown} of {answer['total']}", style="dim")
