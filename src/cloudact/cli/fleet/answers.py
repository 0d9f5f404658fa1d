"""Answers on the fleet as people like to read them."""

from __future__ import annotations

from rich.console import Console

from cloudact.cli.render import Answer, answer_console, columns, headline, say
from cloudact.tenancy.sync import counted

_MOST = 20


def status(answer: Answer) -> None:
    """Print where everybody stands, group by group."""
    console = answer_console()
    statuses = answer["sync_status"]
    whole = "SYNCED" if set(statuses) <= {"SYNCED"} else "OUT_OF_SYNC"
    headline(console, "fleet", whole, answer["message"])
    for group in answer["groups"]:
        headline(console, f"  {_organizations(group)}", group["status"], group["state"]["message"])
    for name, number in answer["missing"].items():
        say(console, "  - ", f"{name}: missing in {counted(number, 'organization')}")
    for dataset in answer["without_profile"]:
        say(console, "  ? ", f"dataset {dataset} has no organization", lead_style="yellow")


def plan(answer: Answer) -> None:
    """Print what a sync would do, and how to have it done."""
    console = answer_console()
    headline(console, "fleet plan", "OUT_OF_SYNC" if answer["needed"] else "SYNCED", answer["message"])
    for group in answer["groups"]:
        say(console, "  ", _organizations(group))
        for change in group["changes"]:
            say(console, "    + ", change)
        if not group["onboarded"]:
            say(console, "    + ", "finish the onboarding")
        for change in group["not_requested"]:
            say(console, "    - ", f"not asked for: {change}", style="dim")
        for conflict in group["conflicts"]:
            say(console, "    ! ", f"{conflict['object']}: {conflict['what']}. {conflict['fix']}", lead_style="red")
    for wave in answer["waves"]:
        say(console, "  ", f"wave {wave['number']} ({wave['selector']}): {_organizations(wave)}")
    if answer["needed"]:
        say(console, "", f"cloudact fleet sync --apply {answer['plan_hash']}")


def run(answer: Answer) -> None:
    """Print the account of a run: each wave, and everybody who is not in step, by cause."""
    console = answer_console()
    took = f", {answer['duration_ms'] / 1000:.1f} s" if answer["duration_ms"] is not None else ""
    state = "INTERRUPTED" if answer["status"] == "INTERRUPTED" else answer["state"]
    headline(console, "fleet sync", state, f"{answer['message']} (run {answer['run_id']}{took})")
    for wave in answer["waves"]:
        left = wave["organizations"] - wave["synced"] - wave["failed"]
        parts = [f"{wave['synced']} in step", f"{wave['failed']} failed", f"{left} not reached"]
        told = [parts[0], *(part for part in parts[1:] if not part.startswith("0 "))]
        say(console, "  ", f"wave {wave['number']} ({wave['selector']}): {', '.join(told)}")
    for cause in answer["causes"]:
        say(console, "  ! ", f"{_organizations(cause)}: {cause['cause']}", lead_style="red")
    _others(console, answer)
    if not answer["recorded"]:
        say(console, "  ! ", "not all of the run is recorded; the log says why", lead_style="yellow")
    if answer["status"] == "PARTIAL" and (answer["failed"] or answer["not_reached"]):
        say(console, "  i ", f"go on with: cloudact fleet resume {answer['run_id']}", style="dim")


def runs(answer: Answer) -> None:
    """Print one page of runs."""
    console = answer_console()
    rows = [
        (
            item["run_id"], item["started_at"][:19].replace("T", " "), item["state"], item["status"],
            str(item["needed"]), str(item["synced"]), str(item["failed"]), str(item["not_reached"]),
        )
        for item in answer["runs"]
    ]  # fmt: skip
    columns(console, ("run", "started (UTC)", "state", "status", "needed", "in step", "failed", "left"), rows)
    first = answer["offset"] + 1 if rows else 0
    console.print(f"{first} to {answer['offset'] + len(rows)} of {answer['total']}", style="dim")


def _others(console: Console, answer: Answer) -> None:
    """Name those who share a cause with others, as far as it does not name them itself."""
    named = {slug for cause in answer["causes"] for slug in cause["org_slugs"]}
    others = [item["org_slug"] for item in answer["failures"] if item["org_slug"] not in named]
    for start in range(0, len(others), _MOST):
        say(console, "    ", ", ".join(others[start : start + _MOST]))


def _organizations(group: Answer) -> str:
    """Return how many there are, and the first of them."""
    slugs, number = group["org_slugs"], group["organizations"]
    more = f" and {number - len(slugs)} more" if number > len(slugs) else ""
    return f"{counted(number, 'organization')} ({', '.join(slugs)}{more})"
