"""Backups and recreations as people like to read them."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from cloudact.cli.render import Answer, answer_console, columns, headline, say

_STYLES = {"failed": "bold red", "emptied": "yellow", "removed": "yellow"}


def recreated(answer: Answer, *, planned: bool) -> None:
    """Print what came of each table that is not as it was, or would, and how to get back what was there."""
    console = answer_console()
    done = "PARTIAL" if answer["failed"] else "SUCCESS"
    headline(console, answer["dataset"], "DRY RUN" if planned else done, answer["message"])
    _tables(console, answer)
    if answer["views_left"]:
        say(console, "", f"views left as they are: {', '.join(answer['views_left'])}", style="dim")
    if answer["backup"]:
        _how_to_restore(console, answer["backup"], answer["dataset"])


def _tables(console: Console, answer: Answer) -> None:
    changed = [item for item in answer["tables"] if item["outcome"] != "unchanged"]
    rows = [
        (
            item["table"],
            Text(item["outcome"], _STYLES.get(item["outcome"], "green")),
            f"{item['rows_before']:,}",
            f"{item['rows_after']:,}",
        )
        for item in changed
    ]
    if rows:
        columns(console, ("table", "outcome", "rows before", "rows after"), rows)
    for item in answer["tables"]:
        if item["error"]:
            say(console, "! ", f"{item['table']}: {item['error']}", lead_style="red")
        if item["fix"]:
            say(console, "  ", item["fix"], style="dim")


def backup_list(answer: Answer) -> None:
    """Print each backup with what is in it."""
    console = answer_console()
    for backup in answer["backups"]:
        state = "[green]complete[/]" if backup["complete"] else "[bold red]INCOMPLETE[/]"
        console.print(f"{escape(backup['name'])}  {state}")
        said = f": {backup['reason']}" if backup["reason"] else ""
        made_at = datetime.fromisoformat(backup["created_at"]).astimezone(UTC)
        told = f"{made_at:%Y-%m-%d %H:%M:%S} UTC by {backup['created_by']}, {_size(backup)}{said}"
        say(console, "  ", " ".join(told.split()), style="dim")
    count = len(answer["backups"])
    console.print(f"{count} backup{'s' if count != 1 else ''}", style="dim")


def backup_made(answer: Answer) -> None:
    """Print a backup that was made, and how to restore it."""
    console = answer_console()
    headline(console, answer["name"], "SUCCESS", f"{_size(answer)}, each table compared with its copy.")
    _copies(console, answer)
    _how_to_restore(console, answer["name"], answer["backup_of"])


def restored(answer: Answer) -> None:
    """Print the dataset that was made of a backup."""
    console = answer_console()
    headline(console, answer["dataset"], "SUCCESS", f"{_size(answer)} of {answer['backup']}.")
    _copies(console, answer)
    for change in answer["changed"]:
        say(console, "! ", f"the backup was changed: {change}", lead_style="red")


def _copies(console: Console, answer: Answer) -> None:
    columns(console, ("table", "rows"), [(item["table"], f"{item['rows']:,}") for item in answer["tables"]])


def _how_to_restore(console: Console, backup: str, dataset: str) -> None:
    console.print("To have it beside what is there now:", style="dim")
    console.print(f"  cloudact backup restore {escape(backup)} \\\n    --as {escape(dataset)}_restored")


def _size(answer: Answer) -> str:
    tables, rows = len(answer["tables"]), sum(item["rows"] for item in answer["tables"])
    return f"{tables} table{'s' if tables != 1 else ''}, {rows:,} row{'s' if rows != 1 else ''}"
