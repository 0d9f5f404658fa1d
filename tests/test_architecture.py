"""Rules about the code itself that no linter has: sizes, names of modules, docstrings, one file a door."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.sources import SOURCE, modules

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
MAX_MODULES = 12
GRAB_BAGS = {"utils", "util", "common", "helpers", "base", "types", "misc", "models"}
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


def test_a_file_is_short_enough_to_read() -> None:
    lengths = {module.name: len(module.text.splitlines()) for module in modules()}
    assert {name: length for name, length in lengths.items() if length > MAX_FILE_LINES} == {}


def test_a_function_is_short_enough_to_see() -> None:
    functions = [
        (module.name, node) for module in modules() for node in ast.walk(module.tree) if isinstance(node, FUNCTION)
    ]
    lengths = [(f"{name}: {node.name}", body_lines(node)) for name, node in functions]
    assert [found for found in lengths if found[1] > MAX_FUNCTION_LINES] == []


def test_every_public_name_says_what_it_is() -> None:
    named = [(module.name, node) for module in modules() for node in public_definitions(module.tree)]
    assert [f"{name}: {node.name}" for name, node in named if not ast.get_docstring(node)] == []
    assert [module.name for module in modules() if not ast.get_docstring(module.tree)] == []


def test_no_module_is_a_grab_bag() -> None:
    assert [module.name for module in modules() if module.path.stem in GRAB_BAGS] == []


def test_a_package_has_few_modules() -> None:
    packages = {module.path.parent for module in modules()}
    counts = {folder: len(set(folder.glob("*.py")) - {folder / "__init__.py"}) for folder in packages}
    crowded = {name_of(folder): count for folder, count in counts.items() if count > MAX_MODULES}
    assert crowded == {}


def test_nothing_is_left_for_later() -> None:
    words = ("TODO", "FIXME", "XXX", "NotImplementedError")
    found = [f"{module.name}: {word}" for module in modules() for word in words if word in module.text]
    assert found == []
