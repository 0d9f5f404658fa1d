"""`cloudact catalog pull`: a live dataset as catalog files."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from cloudact.catalog.load import CENTRAL, ORGANIZATION
from cloudact.catalog.write.directory import check_vacant, write_directory
from cloudact.cli import render
from cloudact.cli.context import JsonOption, target
from cloudact.cli.errors import reported

DatasetArgument = Annotated[str, typer.Argument(metavar="DATASET", help="Any dataset of the warehouse.")]
OutOption = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="Directory to make; it must not exist, or be empty.")
]
SlugOption = Annotated[
    str | None,
    typer.Option(
        "--org-slug", help="The organization whose slug is in the dataset's name, when none has it on record."
    ),
]
SkipOption = Annotated[
    bool, typer.Option("--skip-unsupported", help="Leave out what no catalog can declare, and say what.")
]


def pull(
    dataset: DatasetArgument,
    *,
    out: OutOption,
    org_slug: SlugOption = None,
    skip_unsupported: SkipOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the schema files, views and config.yml that declare a live dataset, changing nothing in the warehouse.

    An organization's dataset is written for every organization: its slug becomes a placeholder.

    Example: cloudact catalog pull acme_corp_prod --out adopted/setup/organizations
    """
    query = {"org_slug": org_slug, "skip_unsupported": skip_unsupported}
    with reported(as_json=as_json):
        check_vacant(out)
    with target(f"pull {dataset}", as_json=as_json) as where:
        answer = where.declaration(dataset, query)
        write_directory(out, answer["files"])
    render.print_json(answer) if as_json else _print(answer, out)


def _print(answer: render.Answer, out: Path) -> None:
    console = Console(highlight=False, soft_wrap=True, emoji=False)
    paths = answer["files"]
    tables, views = (sum(path.startswith(folder) for path in paths) for folder in ("schemas/", "views/"))
    told = f"{tables} tables and {views} views written to {out}"
    render.headline(console, answer["dataset"], "SUCCESS", told)
    for note in answer["notes"]:
        console.print(f"  [dim]i {escape(note)}[/]")
    console.print(f"Next: {_next_step(out)}", markup=False)


def _next_step(out: Path) -> str:
    root, folder = out.parent.parent, "/".join(out.parts[-2:])
    if folder in {CENTRAL, ORGANIZATION}:
        return f"CA_CONFIG_DIR={shlex.quote(str(root))} cloudact catalog lint"
    return f"make it {CENTRAL} or {ORGANIZATION} of a catalog, and check that with: cloudact catalog lint"
