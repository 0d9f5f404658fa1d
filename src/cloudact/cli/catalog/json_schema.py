"""`cloudact catalog json-schema`: what editors check and complete the catalog's files with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from cloudact.catalog.json_schema.config import config_schema
from cloudact.catalog.json_schema.dialect import Schema, model_schema, text_of
from cloudact.catalog.json_schema.exports import exports_schema
from cloudact.catalog.json_schema.table import schema_file_schema
from cloudact.cli import render
from cloudact.cli.errors import reported
from cloudact.dictionary.files import replace_file
from cloudact.errors import OutputRefused
from cloudact.tenancy.plans import PlansFile, SubscriptionPlan

OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Write a file for each, DIR/NAME.schema.json.")
]


def plans_schema() -> Schema:
    """Return the JSON Schema of `plans.yml`."""
    limits = {
        "daily_limit": "Pipeline runs per UTC day; unlimited if left out.",
        "monthly_limit": "Pipeline runs per calendar month; unlimited if left out.",
        "concurrent_limit": "Pipeline runs at the same time; unlimited if left out.",
        "seat_limit": "People, told and not enforced; unlimited if left out.",
        "providers_limit": "Providers with an active credential; unlimited if left out.",
        "trial_days": "Days that a new organization may try the plan for; without a trial if left out.",
    }
    plans = {"plans": "The subscription plans that an onboarding may name, with their limits."}
    return model_schema(PlansFile, "plans.yml", {PlansFile: plans, SubscriptionPlan: limits})


SCHEMAS: Mapping[str, Callable[[], Schema]] = {
    "config": config_schema,
    "table": schema_file_schema,
    "exports": exports_schema,
    "plans": plans_schema,
}


def json_schema(*, out: OutOption = None) -> None:
    """Print the JSON Schemas (draft 2020-12) of the catalog's files: `config`, `table`, `exports` and `plans`.

    docs/catalog-format.md says how editors find them.

    Example: cloudact catalog json-schema --out configs/json-schema
    """
    schemas = {name: make() for name, make in SCHEMAS.items()}
    if out is None:
        render.print_json(schemas)
        return
    with reported(as_json=False):
        _write(schemas, out)


def _write(schemas: Mapping[str, Schema], out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, schema in schemas.items():
            path = out / f"{name}.schema.json"
            replace_file(path, text_of(schema).encode())
            typer.echo(path)
    except OSError as error:
        raise OutputRefused(
            f"the JSON Schemas cannot be written to {out}: {error.strerror}",
            hint="Give --out a directory with room and the permission to write.",
        ) from error
