"""No part of the service leaves out who acts, so that the trail never says `system` of what a person did."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.sources import modules


def optional() -> set[str]:
    """Use cases whose actor may be left out, such as `bootstrap.run`: for tests and scripts."""
    return {
        f"{module.path.stem}.{node.name}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef)
        for given, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        if given.arg == "actor" and default is not None
    }


def calls(names: set[str]) -> Iterator[tuple[str, ast.Call]]:
    """Calls of these, with where they are."""
    methods = {name.split(".")[1] for name in names}
    for module in modules():
        for node in ast.walk(module.tree):
            match node:
                case ast.Call(func=ast.Attribute(attr=attr) as func) if attr in methods:
                    called = ".".join(ast.unparse(func).split(".")[-2:])
                case _:
                    continue
            if called in names:
                yield f"{module.path.name}:{node.lineno}", node


def test_every_call_of_a_change_says_who_acts() -> None:
    found = list(calls(optional()))
    assert len(found) >= 8
    assert [place for place, call in found if "actor" not in {keyword.arg for keyword in call.keywords}] == []
