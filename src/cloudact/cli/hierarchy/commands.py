"""The commands of `cloudact hierarchy`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cloudact.cli import render
from cloudact.cli.context import JsonOption, target
from cloudact.cli.hierarchy import shown
from cloudact.cli.org import SlugArgument
from cloudact.errors import InvalidRequest, OutputRefused
from cloudact.tenancy.hierarchy.entity import metadata_object

app = typer.Typer(
    no_args_is_help=True, help="An organization's hierarchy: show, search, add, move, remove, export, import."
)

EntityArgument = Annotated[str, typer.Argument(metavar="ENTITY_ID", help="Code of the entity, such as DEPT-001.")]
VersionOption = Annotated[
    int | None, typer.Option("--version", min=1, help="Only while this version is current; whatever is, if left out.")
]
STANDARD_STREAM = "-"


@app.command()
def tree(
    slug: SlugArgument,
    *,
    root: Annotated[str | None, typer.Option("--root", help="Only this entity and what is below it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the hierarchy as trees.

    Example: cloudact hierarchy tree acme_corp
    """
    with target("tree", as_json=as_json) as where:
        answer = where.hierarchy.tree(slug, root)
    render.print_json(answer) if as_json else shown.tree(answer)


@app.command("list")
def list_entities(
    slug: SlugArgument,
    *,
    text: Annotated[str | None, typer.Option("--text", help="Within id, name, owner or description.")] = None,
    level: Annotated[str | None, typer.Option("--level", help="Only this level, for example TEAM.")] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Only active ones, or only others.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 100,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    as_json: JsonOption = False,
) -> None:
    """List or search entities, a page at a time, parents before their children.

    Example: cloudact hierarchy list acme_corp --level TEAM --text platform
    """
    query = {"text": text, "level": level, "active": active, "limit": limit, "offset": offset}
    with target("list", as_json=as_json) as where:
        answer = where.hierarchy.entities(slug, query)
    render.print_json(answer) if as_json else shown.entities(answer)


@app.command()
def add(  # noqa: PLR0913 - each is an option of the command line
    slug: SlugArgument,
    level: Annotated[str, typer.Argument(metavar="LEVEL", help="One of the organization's levels, such as PROJECT.")],
    entity_id: EntityArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name that reports show.")],
    *,
    parent: Annotated[str | None, typer.Option("--parent", metavar="ENTITY_ID", help="Entity one level up.")] = None,
    owner_id: Annotated[str | None, typer.Option("--owner-id", help="User responsible for the costs.")] = None,
    owner_name: Annotated[str | None, typer.Option("--owner-name", help="That person's name.")] = None,
    owner_email: Annotated[str | None, typer.Option("--owner-email", help="Address for cost alerts.")] = None,
    description: Annotated[str | None, typer.Option("--description", help="What it does or pays for.")] = None,
    metadata: Annotated[str, typer.Option("--metadata", metavar="JSON", help="Attributes of your own.")] = "{}",
    as_json: JsonOption = False,
) -> None:
    """Add an entity.

    Example: cloudact hierarchy add acme_corp PROJECT PROJ-001 Platform --parent DEPT-001
    """
    with target("add", as_json=as_json) as where:
        fields = {
            "entity_type": level,
            "entity_id": entity_id,
            "entity_name": name,
            "parent_id": parent,
            "owner_id": owner_id,
            "owner_name": owner_name,
            "owner_email": owner_email,
            "description": description,
            "metadata": metadata_object(metadata),
        }
        answer = where.hierarchy.add(slug, fields)
    render.print_json(answer) if as_json else shown.changed(answer, "added")


@app.command()
def move(
    slug: SlugArgument,
    entity_id: EntityArgument,
    parent: Annotated[str, typer.Argument(metavar="PARENT_ID", help="Entity one level up, to be below.")],
    *,
    version: VersionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move an entity, with all that is below it.

    Example: cloudact hierarchy move acme_corp PROJ-001 DEPT-002
    """
    with target("move", as_json=as_json) as where:
        answer = where.hierarchy.move(slug, entity_id, parent, version)
    render.print_json(answer) if as_json else shown.changed(answer, "moved")


@app.command()
def remove(
    slug: SlugArgument, entity_id: EntityArgument, *, version: VersionOption = None, as_json: JsonOption = False
) -> None:
    """End an entity that has no children; its rows and its history stay.

    Example: cloudact hierarchy remove acme_corp TEAM-001
    """
    with target("remove", as_json=as_json) as where:
        answer = where.hierarchy.remove(slug, entity_id, version)
    render.print_json(answer) if as_json else shown.changed(answer, "removed")


@app.command()
def export(
    slug: SlugArgument,
    *,
    output: Annotated[
        str, typer.Option("--output", metavar="FILE", help="A new file; - writes to standard output.")
    ] = STANDARD_STREAM,
) -> None:
    """Write all current entities as CSV, which import reads back as it was.

    Example: cloudact hierarchy export acme_corp --output hierarchy.csv
    """
    with target("export", as_json=False) as where:
        content = where.hierarchy.export(slug).encode()
        if output == STANDARD_STREAM:
            sys.stdout.buffer.write(content)
            sys.stdout.flush()
        else:
            _write(Path(output), content)


@app.command("import")
def import_file(
    slug: SlugArgument,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A CSV file in UTF-8; - reads standard input.")],
    *,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write what the file says; without it, only show that.")
    ] = False,
    remove_missing: Annotated[bool, typer.Option("--remove-missing", help="End entities that the file lacks.")] = False,
    revision: Annotated[
        int | None, typer.Option("--revision", min=0, help="Only while the hierarchy is as a preview of it was.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a CSV file would change, or with --apply change it: all of it, or nothing.

    Example: cloudact hierarchy import acme_corp hierarchy.csv --apply
    """
    with target("import", as_json=as_json) as where:
        content = _read(file)
        answer = where.hierarchy.import_file(slug, content, revision, preview=not apply, remove_missing=remove_missing)
    render.print_json(answer) if as_json else shown.imported(answer)


def _read(file: str) -> bytes:
    if file == STANDARD_STREAM:
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}", hint="Name a CSV file.") from error


def _write(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise OutputRefused(
            f"{path} cannot be written: {error.strerror}", hint="Name a new file in a directory that is there."
        ) from error
