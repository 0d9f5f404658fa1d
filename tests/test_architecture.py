"""Rules about the code itself that no linter has: sizes, names of modules, docstrings, one file a door."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acme import ROOT

SOURCE = ROOT / "src" / "cloudact"
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
MAX_MODULES = 12
GRAB_BAGS = {"utils", "util", "common", "helpers", "base", "types", "misc", "models"}
FILES = sorted(SOURCE.rglob("*.py"))
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def public_definitions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield public functions and classes, and the public methods of public classes."""
    for node in tree.body:
        if isinstance(node, (*FUNCTION, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (item for item in node.body if isinstance(item, FUNCTION) and not item.name.startswith("_"))


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement after the docstring to the end."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_is_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_FILE_LINES


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_function_is_short_enough_to_see(path: Path) -> None:
    functions = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, FUNCTION))
    long = [f"{node.name}: {body_lines(node)} lines" for node in functions if body_lines(node) > MAX_FUNCTION_LINES]
    assert long == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_public_name_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text())
    silent = [node.name for node in public_definitions(tree) if not ast.get_docstring(node)]
    assert silent == []
    assert ast.get_docstring(tree), "the module has no docstring"


def test_no_module_is_a_grab_bag() -> None:
    assert [name_of(path) for path in FILES if path.stem in GRAB_BAGS] == []


def test_a_package_has_few_modules() -> None:
    packages = {path.parent for path in FILES}
    counts = {folder: len(set(folder.glob("*.py")) - {folder / "__init__.py"}) for folder in packages}
    crowded = {name_of(folder): count for folder, count in counts.items() if count > MAX_MODULES}
    assert crowded == {}


def test_nothing_is_left_for_later() -> None:
    words = ("TODO", "FIXME", "XXX", "NotImplementedError")
    found = [f"{name_of(path)}: {word}" for path in FILES for word in words if word in path.read_text()]
    assert found == []
