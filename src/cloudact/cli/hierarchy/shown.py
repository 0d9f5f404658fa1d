"""Answers on hierarchies as people like to read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text
from rich.tree import Tree

from cloudact.cli.render import Answer, answer_console, columns, say

_KINDS = ("created", "changed", "moved", "ended")


def tree(answer: Answer) -> None:
    """Print trees, with the id and the level of each entity."""
    console = answer_console()
    for root in answer["roots"]:
        console.print(_branch(root))
    console.print(_count(answer["total"]))


def entities(answer: Answer) -> None:
    """Print one page of entities, one line each."""
    console = answer_console()
    if answer["entities"]:
        columns(console, ("id", "level", "name", "path", "owner", "version"), [*map(_line, answer["entities"])])
    shown, total = len(answer["entities"]), answer["total"]
    console.print(_count(total) if shown == total else f"{shown} of {_count(total)}, from {answer['offset']}")


def changed(answer: Answer, what: str) -> None:
    """Print what became of one entity."""
    entity, carried = answer["entity"], answer["carried"]
    below = f", with {_count(carried)} below it" if carried else ""
    line = f"{entity['entity_type']} {entity['entity_id']} {what}: {entity['path']}, version {entity['version']}{below}"
    say(answer_console(), "", line)


def imported(answer: Answer) -> None:
    """Print what a file changes, entity by entity."""
    console = answer_console()
    for item in (item for kind in _KINDS for item in answer[kind]):
        head = f"{item['kind'].lower()} {item['entity_type']} {item['entity_id']} {item['entity_name']}"
        say(console, "", head)
        for field in _fields(item):
            say(console, "    ", field)
    say(console, "", answer["message"])
    if not answer["applied"] and any(answer[kind] for kind in _KINDS):
        console.print(f"Apply exactly this with --apply --revision {answer['revision']}.")


def _line(item: Answer) -> tuple[str, ...]:
    owner = item["owner_name"] or item["owner_email"] or item["owner_id"] or ""
    name = item["entity_name"] if item["is_active"] else f"{item['entity_name']} (inactive)"
    return (item["entity_id"], item["entity_type"], name, item["path"], owner, str(item["version"]))


def _branch(node: Answer) -> Tree:
    top = Tree(_label(node))
    waiting = [(node, top)]
    while waiting:
        parent, branch = waiting.pop()
        waiting += [(child, branch.add(_label(child))) for child in parent["children"]]
    return top


def _label(node: Answer) -> Text:
    inactive = "" if node["is_active"] else ", inactive"
    return Text.assemble(node["entity_name"], (f"  {node['entity_id']} ({node['entity_type']}{inactive})", "dim"))


def _fields(item: dict[str, Any]) -> Iterator[str]:
    for change in item["fields"]:
        yield f"{change['field']}: {change['before']} -> {change['after']}"


def _count(number: int) -> str:
    return f"{number} {'entity' if number == 1 else 'entities'}"
