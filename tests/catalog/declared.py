"""Small catalogs as Python values, for tests to spoil one thing at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from cloudact.catalog.folder import CONFIG
from cloudact.catalog.load import CENTRAL, ORGANIZATION, CatalogSource
from cloudact.catalog.template import Catalog
from cloudact.errors import CatalogError, Problem

CENTRAL_CONFIG = f"{CENTRAL}/{CONFIG}"
ACCOUNTS = f"{CENTRAL}/schemas/accounts.json"
CONFIG_FILE = f"{ORGANIZATION}/{CONFIG}"
EVENTS = f"{ORGANIZATION}/schemas/events.json"
RECENT = f"{ORGANIZATION}/views/recent.sql"

Values = dict[str, Any]


def small_catalog() -> Values:
    """Return a good catalog by path: one central table, one table and one view for each organization."""
    return {
        CENTRAL_CONFIG: {"dataset": "central", "tables": {"accounts": None}},
        ACCOUNTS: [column("org_slug"), column("email"), column("profile", "JSON")],
        CONFIG_FILE: {"dataset": "{org_slug}_prod", "tables": {"events": None}, "views": {"recent": None}},
        EVENTS: [
            column("id", "INT64"),
            column("at", "TIMESTAMP"),
            column("day", "DATE"),
            column("name"),
            column("data", "JSON"),
            column("tags", mode="REPEATED"),
        ],
        RECENT: "SELECT email FROM {organizations}.accounts WHERE org_slug = {org_slug}",
    }


def column(name: str, type_: str = "STRING", **more: Any) -> dict[str, Any]:
    """Return a column as a schema file spells it."""
    return {"name": name, "type": type_, **more}


def nested(levels: int) -> dict[str, Any]:
    """Return a RECORD with this many levels of RECORDs, counting itself."""
    made = column("leaf")
    for level in range(levels, 0, -1):
        made = column(f"level_{level}", "RECORD", fields=[made])
    return made


def to_bytes(path: str, value: Any) -> bytes:
    """Return a file's content: bytes as they are, text as UTF-8, other values as YAML or JSON by the file's name."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if path.endswith(".json"):
        return json.dumps(value).encode()
    out = StringIO()
    YAML(typ="safe", pure=True).dump(value, out)
    return out.getvalue().encode()


def encoded(values: Mapping[str, Any]) -> dict[str, bytes]:
    """Return every file's content by path."""
    return {path: to_bytes(path, value) for path, value in values.items()}


@dataclass
class CatalogDirectory:
    """A catalog on disk, and the source that reads it."""

    root: Path
    source: CatalogSource = field(init=False)

    def __post_init__(self) -> None:
        self.source = CatalogSource(self.root)
        for path, value in small_catalog().items():
            self.write(path, value)

    def write(self, path: str, value: Any) -> None:
        """Write one file, as an editor that saves in place does."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(to_bytes(path, value))

    def change(self, path: str, **keys: Any) -> None:
        """Write one file of the small catalog with these keys of its mapping set."""
        self.write(path, small_catalog()[path] | keys)

    def delete(self, path: str) -> None:
        """Remove one file."""
        (self.root / path).unlink()

    def load(self) -> Catalog:
        """Return the catalog as it stands now."""
        return self.source.load()

    def problems(self) -> list[Problem]:
        """Return what is wrong with the catalog as it stands now."""
        try:
            self.load()
        except CatalogError as error:
            return list(error.problems)
        return []

    def problem(self) -> Problem:
        """Return the one thing that is wrong with the catalog as it stands now."""
        (found,) = self.problems()
        return found
