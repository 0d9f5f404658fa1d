"""`cloudact fleet`: where all organizations stand, and bringing them in step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from cloudact.cli import render
from cloudact.cli.bootstrap import ColumnsOption, TablesOption, ViewsOption, sync_flags
from cloudact.cli.context import ExitCodeOption, JsonOption, target
from cloudact.cli.errors import INTERRUPTED, OUT_OF_SYNC, RUN_FAILED, reported
from cloudact.cli.fleet import answers
from cloudact.cli.fleet.onboard import onboard
from cloudact.cli.fleet.watch import watching
from cloudact.cli.targets.target import Target
from cloudact.errors import InvalidRequest
from cloudact.fleet.runs import MAX_PAGE
from cloudact.fleet.waves import FORMS, LABEL_KEYS

app = typer.Typer(no_args_is_help=True, help="The fleet: all organizations at once, compared and synced in waves.")

RunArgument = Annotated[str, typer.Argument(metavar="RUN_ID", help="As a sync prints it, and `fleet runs`.")]
_EXIT_CODES = {"COMPLETED": 0, "CANCELLED": INTERRUPTED}
_SELECTORS = f"{FORMS}; labels are {LABEL_KEYS}"


@app.command()
def status(*, exit_code: ExitCodeOption = False, as_json: JsonOption = False) -> None:
    """Compare all organizations with their declaration at once, changing nothing.

    Example: cloudact fleet status --exit-code
    """
    with target("fleet status", as_json=as_json) as where:
        answer = where.fleet.status()
    render.print_json(answer) if as_json else answers.status(answer)
    if exit_code and set(answer["sync_status"]) - {"SYNCED"}:
        raise typer.Exit(OUT_OF_SYNC)


@app.command()
def sync(  # noqa: PLR0913 - each is an option of the command line
    *,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="SELECTOR", help="Only these organizations. May be repeated; forms as of --wave."
        ),
    ] = None,
    wave: Annotated[
        list[str] | None,
        typer.Option(
            "--wave", metavar="SELECTOR", help=f"A wave, before everybody else: {_SELECTORS}. May be repeated."
        ),
    ] = None,
    pause: Annotated[float, typer.Option("--pause", metavar="SECONDS", help="Between two waves.")] = 0.0,
    max_failures: Annotated[
        str,
        typer.Option("--max-failures", metavar="N|N%", help="Stop when more organizations of a wave have failed."),
    ] = "0",
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", help="On BigQuery, organizations at a time: 1 to 32.")
    ] = 4,
    tables: TablesOption = True,
    columns: ColumnsOption = True,
    recreate_views: ViewsOption = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print what would be done, store it under a hash, and change nothing.")
    ] = False,
    apply: Annotated[
        str | None,
        typer.Option("--apply", metavar="HASH", help="Do what a plan says, unless anything has moved since."),
    ] = None,
    exit_code: ExitCodeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bring every organization in step that needs it, in waves; nothing is ever dropped.

    One organization's failure is its own: it is named at the end, with its cause. Exits with 7 when some failed, and
    with 130 when the run was interrupted or aborted; `resume` goes on.

    Example: cloudact fleet sync --wave slug:acme_corp --wave 5% --pause 60 --max-failures 1%
    """
    flags = sync_flags(tables=tables, columns=columns, views=recreate_views)
    fields: dict[str, Any] = {
        **flags,
        "only": only or [],
        "waves": wave or [],
        "pause_seconds": pause,
        "max_failures": max_failures,
        "workers": workers,
    }
    if plan:
        _plan(fields, as_json=as_json, exit_code=exit_code, applied=apply)
        return
    if apply is not None:
        with reported(as_json=as_json):
            _refuse_others(fields)
        fields = {"plan_hash": apply}
    _run(lambda where, watch: where.fleet.sync(fields, watch), as_json=as_json, exit_code=exit_code)


app.command()(onboard)


@app.command()
def resume(run_id: RunArgument, *, exit_code: ExitCodeOption = False, as_json: JsonOption = False) -> None:
    """Go on where a run ended, with everybody who still needs it; exits as `sync` does.

    Example: cloudact fleet resume 0b8f6a3e-6f0e-4c0e-9d57-1f2f8a1f6a55
    """
    _run(lambda where, watch: where.fleet.again(run_id, watch, only_failed=False), as_json=as_json, exit_code=exit_code)


@app.command()
def retry(run_id: RunArgument, *, exit_code: ExitCodeOption = False, as_json: JsonOption = False) -> None:
    """Try the organizations again that failed in a run, and nobody else; exits as `sync` does.

    Example: cloudact fleet retry 0b8f6a3e-6f0e-4c0e-9d57-1f2f8a1f6a55
    """
    _run(lambda where, watch: where.fleet.again(run_id, watch, only_failed=True), as_json=as_json, exit_code=exit_code)


@app.command()
def runs(
    *,
    limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE)] = 20,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    as_json: JsonOption = False,
) -> None:
    """List the runs of fleet syncs, the latest first, a page at a time.

    Example: cloudact fleet runs
    """
    with target("runs", as_json=as_json) as where:
        answer = where.fleet.runs(limit, offset)
    render.print_json(answer) if as_json else answers.runs(answer)


@app.command()
def show(run_id: RunArgument, *, as_json: JsonOption = False) -> None:
    """Show how far a run has come, and everybody who failed in it, with the cause.

    Example: cloudact fleet show 0b8f6a3e-6f0e-4c0e-9d57-1f2f8a1f6a55
    """
    with target("show", as_json=as_json) as where:
        answer = where.fleet.show(run_id)
    render.print_json(answer) if as_json else answers.run(answer)


@app.command()
def abort(run_id: RunArgument, *, as_json: JsonOption = False) -> None:
    """End a run that goes on: nothing more is begun, and what is under way is finished.

    Example: cloudact fleet abort 0b8f6a3e-6f0e-4c0e-9d57-1f2f8a1f6a55
    """
    with target("abort", as_json=as_json) as where:
        answer = where.fleet.abort(run_id)
    render.print_json(answer) if as_json else answers.run(answer)


def _plan(fields: dict[str, Any], *, as_json: bool, exit_code: bool, applied: str | None) -> None:
    with reported(as_json=as_json):
        if applied is not None:
            raise InvalidRequest("--plan and --apply exclude each other", hint="Plan first, and apply the plan's hash.")
    with target("fleet plan", as_json=as_json) as where:
        answer = where.fleet.plan(fields)
    render.print_json(answer) if as_json else answers.plan(answer)
    if exit_code and (answer["needed"] or answer["blocked"]):
        raise typer.Exit(OUT_OF_SYNC)


def _refuse_others(fields: dict[str, Any]) -> None:
    """A plan says everything; an option beside its hash would be ignored, or make it another plan."""
    usual = {**sync_flags(tables=True, columns=True, views=False), "only": [], "waves": []}
    usual |= {"pause_seconds": 0.0, "max_failures": "0", "workers": 4}
    if given := [name for name, value in fields.items() if value != usual[name]]:
        raise InvalidRequest(
            f"--apply takes a plan as it is; beside it was given: {', '.join(given)}",
            hint="Leave these options out, or make a plan with them.",
        )


def _run(act: Callable[[Target, Any], render.Answer], *, as_json: bool, exit_code: bool) -> None:
    with target("fleet sync", as_json=as_json, quiet="ERROR", bar=False) as where, watching(as_json=as_json) as watch:
        answer = act(where, watch)
    render.print_json(answer) if as_json else answers.run(answer)
    if code := _EXIT_CODES.get(answer["state"], RUN_FAILED):
        raise typer.Exit(code)
    if exit_code and answer["status"] != "SUCCESS":
        raise typer.Exit(OUT_OF_SYNC)
