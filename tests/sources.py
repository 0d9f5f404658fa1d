"""The project's own modules, read and parsed once for all rules about the code itself."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.acme import ROOT

SOURCE = ROOT / "src" / "cloudact"


@dataclass(frozen=True)
class Module:
    """One file of the package, by its path below it."""

    path: Path
    name: str
    text: str
    tree: ast.Module


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the project, in the order of their paths."""
    texts = {path: path.read_text() for path in sorted(SOURCE.rglob("*.py"))}
    assert len(texts) > 100, "the sources are not where they were"
    return tuple(
        Module(path, path.relative_to(SOURCE).as_posix(), text, ast.parse(text)) for path, text in texts.items()
    )
