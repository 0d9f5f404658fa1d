"""`cloudact pipeline`: running pipelines, and the records of their runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cloudact.cli import render, render_runs
from cloudact.cli.assignments import assignments
from cloudact.cli.context import JsonOption, target
from cloudact.cli.errors import INTERRUPTED, RUN_FAILED, reported

app = typer.Typer(no_args_is_help=True, help="Pipelines: run one, and look at the records of runs.")
run_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_EXIT_CODES = {"COMPLETED": 0, "CANCELLED": INTERRUPTED}


@run_app.command()
@app.command()
def run(
    *,
    pipeline: Annotated[
        str,
        typer.Option(
            "--pipeline", metavar="FILE", help="The pipeline's YAML file, or its id where the catalog has it."
        ),
    ],
    tenant: Annotated[
        str,
        typer.Option("--tenant-id", metavar="ID", help="The organization, or `system` for the platform's own work."),
    ],
    var: Annotated[
        list[str] | None,
        typer.Option("--var", metavar="NAME=VALUE", help="A value for a variable of the file. May be repeated."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what each step would do, and change nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the steps of a pipeline, one after another, and tell what became of each.

    Exits with 7 when a step failed or timed out, and with 130 when the run was interrupted.

    Example: cloudact pipeline run --pipeline configs/setup/bootstrap_system.yml --tenant-id system
    """
    with reported(as_json=as_json):
        variables = assignments(var or [], "--var", "--var NAME=VALUE")
    fields: dict[str, Any] = {"pipeline": pipeline, "tenant_id": tenant, "variables": variables, "dry_run": dry_run}
    with target(f"run {Path(pipeline).name}", as_json=as_json, quiet="ERROR") as where:
        answer = where.pipeline_run(fields)
    render.print_json(answer) if as_json else render_runs.run_report(answer)
    if code := _EXIT_CODES.get(answer["state"], RUN_FAILED):
        raise typer.Exit(code)


@app.command()
def available(*, as_json: JsonOption = False) -> None:
    """List the pipelines of the catalog's directory, and what has to be mended in those that cannot be run.

    Example: cloudact pipeline available
    """
    with target("available", as_json=as_json) as where:
        answer = where.pipelines_available()
    render.print_json(answer) if as_json else render_runs.available(answer)


@app.command("list")
def list_runs(
    *,
    tenant: Annotated[str | None, typer.Option("--tenant-id", help="Only runs for this organization.")] = None,
    pipeline_id: Annotated[str | None, typer.Option("--pipeline-id", help="Only runs of this pipeline.")] = None,
    status: Annotated[str | None, typer.Option(help="Only runs in this state, for example FAILED.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    as_json: JsonOption = False,
) -> None:
    """List recorded runs, the latest first, a page at a time.

    Example: cloudact pipeline list --tenant-id system --status FAILED
    """
    query = {"org_slug": tenant, "pipeline_id": pipeline_id, "status": status, "limit": limit, "offset": offset}
    with target("list", as_json=as_json) as where:
        answer = where.pipeline_runs(query)
    render.print_json(answer) if as_json else render_runs.run_list(answer)


@app.command()
def show(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="As a run prints it, and the list.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Show a recorded run with each attempt at its steps.

    Example: cloudact pipeline show 0b8f6a3e-6f0e-4c0e-9d57-1f2f8a1f6a55
    """
    with target("show", as_json=as_json) as where:
        answer = where.pipeline_show(run_id)
    render.print_json(answer) if as_json else render_runs.run_record(answer)
