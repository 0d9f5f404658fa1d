"""The catalog, the templates and the documentation that come with the package."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from cloudact.errors import ConfigurationError

CATALOGS = ("configs", "ps_templates")
_FOLDERS = (*CATALOGS, "docs")


def shipped_files() -> dict[str, str]:
    """Return the text of every shipped file, by path; raises ConfigurationError when the installation lacks them."""
    root = _root()
    return {path: text for name in _FOLDERS for path, text in _texts(root / name, name)}


def _root() -> Traversable:
    """A wheel has them inside the package; a source checkout has them beside `src`."""
    package: Traversable = files("cloudact")
    checkout = Path(str(package)).parents[1]
    for root in (package / "shipped", checkout):
        if all((root / name).is_dir() for name in _FOLDERS):
            return root
    raise ConfigurationError(
        "this installation of cloudact has no shipped catalog", hint="Install it again, from its wheel or its source."
    )


def _texts(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for item in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if item.name.startswith("."):
            continue  # what a file manager or an editor left there
        if item.is_dir():
            yield from _texts(item, f"{path}/{item.name}")
        else:
            yield f"{path}/{item.name}", item.read_text(encoding="utf-8")
