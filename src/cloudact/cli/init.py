"""`cloudact init`: a new project with the shipped catalog."""

from __future__ import annotations

import json
import os
import shlex
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from cloudact.catalog.write.directory import add_files, write_directory
from cloudact.cli import render
from cloudact.cli.errors import reported
from cloudact.errors import OutputRefused
from cloudact.settings import Settings
from cloudact.shipped import CATALOGS, shipped_files

DirectoryArgument = Annotated[
    str, typer.Argument(metavar="DIR", help="Directory to make, or one that exists: nothing in it is overwritten.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the directory and the files written as JSON.")]
_SCHEMA_FOLDER = "configs/json-schema"
_GITIGNORE = """\
# The warehouse file and the keys beside it
/data/
# Settings, the administrator's key among them; .env.example is what to share
.env
"""
_ENVIRONMENT = """\
# Settings of cloudact. Copy this file to .env, edit that, and load it in a shell:
#
#   set -a; . ./.env; set +a
#
# A line that begins with # shows the default; where nothing follows the =, there is none, and the line is to stay so
# until there is a value to write.
"""
_README = """\
# A cloudact project

`configs` declares what should exist: the central dataset in `setup/bootstrap`, the dataset of each organization in
`setup/organizations`, subscription plans in `plans.yml`. Edit the files, and `status` tells the difference.

```bash
cloudact catalog lint
cloudact bootstrap run
cloudact org onboard acme_corp --company-name "Acme Corporation" --admin-email admin@acme.com
cloudact org status acme_corp
```

Run them in this directory. The data is in `data/warehouse.duckdb` unless `CA_WAREHOUSE_URL` names another warehouse.
Secrets in it are sealed with the key in `data/sealing.key`: back that up, apart from the data. The settings are
explained in `.env.example`. For the HTTP service:

```bash
cp .env.example .env        # and set CA_ROOT_API_KEY in it
set -a; . ./.env; set +a
cloudact serve
```

`cloudact --help` lists every command, and `docs` explains them: begin with `docs/catalog-format.md`. The tables are
described in `docs/catalog`; after a change of the catalog write that anew:

```bash
cloudact catalog docs --out docs/catalog
```

Editors that know JSON Schema complete and check the catalog's files: `.vscode/settings.json` says with which. After an
update of cloudact write the schemas anew:

```bash
cloudact catalog json-schema --out configs/json-schema
```
"""


def init(directory: DirectoryArgument, *, as_json: JsonOption = False) -> None:
    """Make a project directory with the catalog that ships, for you to edit.

    Run again, it adds what is missing; a file that is there with other content is an error, and nothing is written.

    Example: cloudact init my-warehouse
    """
    with reported(as_json=as_json):
        written = _write(directory, project_files())
    if as_json:
        render.print_json({"directory": directory, "files": written})
        return
    told = f"Files written to {directory}: {len(written)}." if written else f"{directory} has every file already."
    typer.echo(told)
    typer.echo(f"Next: cd {shlex.quote(directory)} && cloudact catalog lint && cloudact bootstrap run")


def _write(directory: str, files: dict[str, str]) -> list[str]:
    if not directory:  # as a path it would be the current directory, which an unset variable does not mean
        raise OutputRefused("DIR is empty", hint="Name a directory; . is the current one. Nothing was written.")
    if os.path.lexists(directory):
        return add_files(Path(directory), files)
    write_directory(Path(directory), files)
    return sorted(files)


def project_files() -> dict[str, str]:
    """Return the text of every file of a new project, by path."""
    return {
        **shipped_files(),
        ".vscode/settings.json": f"{json.dumps(_editor_settings(), indent=2)}\n",
        ".env.example": environment_text(),
        ".gitignore": _GITIGNORE,
        "README.md": _README,
    }


def environment_text() -> str:
    """Return every setting with its meaning and default, as lines that a shell reads."""
    parts = [_ENVIRONMENT]
    for name, field in Settings.model_fields.items():
        meaning = textwrap.wrap(field.description or "", 110, initial_indent="# ", subsequent_indent="# ")
        default = "" if field.default is None else shlex.quote(str(field.default))
        # The one setting without which the service does not start is the one to fill in.
        mark = "" if name == "root_api_key" else "# "
        parts.append("\n".join([*meaning, f"{mark}CA_{name.upper()}={default}", ""]))
    return "\n".join(parts)


def _editor_settings() -> dict[str, object]:
    """Return what makes VS Code complete and check the catalog's files; YAML needs the extension redhat.vscode-yaml."""

    def schema(name: str) -> str:
        return f"{_SCHEMA_FOLDER}/{name}.schema.json"

    tables = {"fileMatch": [f"{folder}/**/schemas/*.json" for folder in CATALOGS], "url": f"./{schema('table')}"}
    configs = [f"{folder}/**/config.yml" for folder in CATALOGS]
    return {
        "json.schemas": [tables],
        "yaml.schemas": {
            schema("config"): configs,
            schema("exports"): ["configs/exports/*.yml"],
            schema("plans"): ["configs/plans.yml"],
        },
    }
