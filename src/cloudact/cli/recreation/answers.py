"""Backups and recreations as people like to read them."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cloudact.cli.render import Answer, answer_console, headline

_STYLES = {"failed": "bold red", "emptied": "yellow", "removed": "yellow"}


def _console() -> Console:
    """Return the console that answers are printed on, which breaks lines between words on a terminal only."""
    console = answer_console()
    console.soft_wrap = not console.is_terminal
    return console


def recreated(answer: Answer, *, planned: bool) -> None:
    """Print what came of each table that is not as it was, or would, and how to get back what was there."""
    console = _console()
    done = "PARTIAL" if answer["failed"] else "SUCCESS"
    headline(console, answer["dataset"], "DRY RUN" if planned else done, answer["message"])
    _tables(console, answer)
    if answer["views_left"]:
        console.print(f"views left as they are: {escape(', '.join(answer['views_left']))}", style="dim")
    if answer["backup"]:
        _how_to_restore(console, answer["backup"], answer["dataset"])


def _tables(console: Console, answer: Answer) -> None:
    table = _grid("table", "outcome", "rows before", "rows after")
    for item in (item for item in answer["tables"] if item["outcome"] != "unchanged"):
        outcome = Text(item["outcome"], style=_STYLES.get(item["outcome"], "green"))
        table.add_row(Text(item["table"]), outcome, f"{item['rows_before']:,}", f"{item['rows_after']:,}")
    if table.row_count:
        console.print(table)
    for item in answer["tables"]:
        if item["error"]:
            console.print(f"[red]![/] {escape(item['table'])}: {escape(item['error'])}")
        if item["fix"]:
            console.print(f"  {escape(item['fix'])}", style="dim")


def backup_list(answer: Answer) -> None:
    """Print each backup with what is in it."""
    console = _console()
    for backup in answer["backups"]:
        state = "[green]complete[/]" if backup["complete"] else "[bold red]INCOMPLETE[/]"
        console.print(f"{escape(backup['name'])}  {state}")
        said = f": {backup['reason']}" if backup["reason"] else ""
        made_at = datetime.fromisoformat(backup["created_at"]).astimezone(UTC)
        told = f"{made_at:%Y-%m-%d %H:%M:%S} UTC by {backup['created_by']}, {_size(backup)}{said}"
        console.print(f"  {escape(' '.join(told.split()))}", style="dim")
    count = len(answer["backups"])
    console.print(f"{count} backup{'s' if count != 1 else ''}", style="dim")


def backup_made(answer: Answer) -> None:
    """Print a backup that was made, and how to restore it."""
    console = _console()
    headline(console, answer["name"], "SUCCESS", f"{_size(answer)}, each table compared with its copy.")
    _copies(console, answer)
    _how_to_restore(console, answer["name"], answer["backup_of"])


def restored(answer: Answer) -> None:
    """Print the dataset that was made of a backup."""
    console = _console()
    headline(console, answer["dataset"], "SUCCESS", f"{_size(answer)} of {answer['backup']}.")
    _copies(console, answer)
    for change in answer["changed"]:
        console.print(f"[red]![/] the backup was changed: {escape(change)}")


def _copies(console: Console, answer: Answer) -> None:
    table = _grid("table", "rows")
    for item in answer["tables"]:
        table.add_row(Text(item["table"]), f"{item['rows']:,}")
    console.print(table)


def _how_to_restore(console: Console, backup: str, dataset: str) -> None:
    console.print("To have it beside what is there now:", style="dim")
    console.print(f"  cloudact backup restore {escape(backup)} \\\n    --as {escape(dataset)}_restored", soft_wrap=True)


def _size(answer: Answer) -> str:
    tables, rows = len(answer["tables"]), sum(item["rows"] for item in answer["tables"])
    return f"{tables} table{'s' if tables != 1 else ''}, {rows:,} row{'s' if rows != 1 else ''}"


def _grid(*titles: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold", justify="right" if title.startswith("rows") else "left")
    return table
