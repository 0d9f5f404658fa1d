"""Editing a copy of the catalog as a person would: schema files, `config.yml`, whole files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cloudact.catalog.problems import Problems
from tests.made_once import parsed

Columns = list[dict[str, Any]]


class CatalogFiles:
    """The catalog in a directory; `bootstrap` and `organizations` are its two halves."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        """A file by its path within `setup`."""
        return self.root / "setup" / name

    @contextmanager
    def columns(self, half: str, table: str) -> Iterator[Columns]:
        """Lend a table's columns for changing; they are written back."""
        path = self.path(f"{half}/schemas/{table}.json")
        columns: Columns = json.loads(path.read_text())
        yield columns
        path.write_text(json.dumps(columns))

    @contextmanager
    def config(self, half: str) -> Iterator[Any]:
        """Lend the content of a `config.yml` for changing; it is written back."""
        path = self.path(f"{half}/config.yml")
        config = json.loads(json.dumps(parsed(path.read_text(), Problems())))  # of this test alone
        yield config
        path.write_text(json.dumps(config, indent=2))  # which is YAML too, and takes a hundredth of the time to write

    def add_column(self, half: str, table: str, name: str, **attributes: Any) -> None:
        """Declare one more column at the end of a table; a STRING, unless told otherwise."""
        with self.columns(half, table) as columns:
            columns.append({"name": name, "type": "STRING", "description": f"The {name}.", **attributes})

    def set_column(self, half: str, table: str, name: str, **attributes: Any) -> None:
        """Declare a column of a table differently."""
        with self.columns(half, table) as columns:
            next(column for column in columns if column["name"] == name).update(attributes)

    def add_table(self, half: str, name: str, columns: Columns, **entry: Any) -> None:
        """Declare one more table: its schema file and its entry in `config.yml`."""
        self.path(f"{half}/schemas/{name}.json").write_text(json.dumps(columns))
        with self.config(half) as config:
            config["tables"][name] = entry

    def contents(self) -> dict[Path, bytes]:
        """Every file as it is now."""
        return {path: path.read_bytes() for path in self.root.rglob("*") if path.is_file()}

    def restore(self, contents: dict[Path, bytes]) -> None:
        """Make the files what `contents` says, and remove every other."""
        for path in self.contents().keys() - contents.keys():
            path.unlink()
        for path, content in contents.items():
            path.write_bytes(content)
