"""The documents as data: headings, code blocks, tables and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acme import ROOT

DOCS = ROOT / "docs"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CELL = re.compile(r"(?<!\\)\|")
_NOT_IN_ANCHOR = re.compile(r"[^\w\- ]")
# What is new at every run: a time, and the id of a request.
_FRESH = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z|[0-9a-f]{32}")


@dataclass(frozen=True)
class Block:
    """A fenced code block, the heading it stands under and the line of prose before it."""

    language: str
    text: str
    heading: str
    before: str


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path, *languages: str) -> list[Block]:
    """Return the document's code blocks in these languages, or all of them."""
    found: list[Block] = []
    heading = before = ""
    lines: list[str] | None = None
    language = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if lines is not None and line != "```":
            lines.append(line)
        elif lines is not None:
            found.append(Block(language, "\n".join(lines), heading, before))
            lines = None
        elif line.startswith("```"):
            language, lines = line.removeprefix("```"), []
        elif line.startswith("#"):
            heading = line.lstrip("#").strip()
        elif line.strip():
            before = line.strip()
    return [block for block in found if not languages or block.language in languages]


def prose(path: Path) -> str:
    """Return the document without its code blocks."""
    return re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def headings(path: Path) -> list[str]:
    """Return the document's headings, without the signs before them."""
    return [line.lstrip("#").strip() for line in prose(path).splitlines() if line.startswith("#")]


def anchors(path: Path) -> set[str]:
    """Return the fragments that GitHub gives to the document's headings."""
    return {_NOT_IN_ANCHOR.sub("", heading.lower()).replace(" ", "-") for heading in headings(path)}


def links(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the file and the fragment of every relative link."""
    for target in _LINK.findall(prose(path)):
        if "://" not in target:
            name, _, fragment = target.partition("#")
            yield (path.parent / name if name else path), fragment


def tables(path: Path, heading: str) -> list[list[dict[str, str]]]:
    """Return the tables that stand directly under a heading, each as rows of column title to cell."""
    section = re.split(r"^#+ ", prose(path), flags=re.MULTILINE)
    text = next((part for part in section if part.splitlines() and part.splitlines()[0].strip() == heading), "")
    found = re.findall(r"(?:^\|.*\n?)+", text, flags=re.MULTILINE)
    return [_rows(table) for table in found]


def table(path: Path, heading: str) -> list[dict[str, str]]:
    """Return the first table under a heading."""
    return tables(path, heading)[0]


def _rows(text: str) -> list[dict[str, str]]:
    head, _, *lines = [[cell.strip() for cell in _CELL.split(line.strip())[1:-1]] for line in text.splitlines()]
    return [dict(zip(head, line, strict=True)) for line in lines]


def plain(cell: str) -> str:
    """Return a cell without its code quotes and escapes."""
    return cell.replace("`", "").replace("\\|", "|")


def agrees(shown: Any, actual: Any) -> bool:
    """Tell whether an example is what came: `...` stands for anything left out of a text or off a list's end."""
    match shown, actual:
        case dict(), dict():
            return shown.keys() == actual.keys() and all(agrees(shown[key], actual[key]) for key in shown)
        case [*head, "..."], list():
            return len(actual) >= len(head) and all(agrees(*pair) for pair in zip(head, actual, strict=False))
        case list(), list():
            return len(shown) == len(actual) and all(agrees(*pair) for pair in zip(shown, actual, strict=True))
        case str(), str():
            return text_agrees(_FRESH.sub("...", shown), actual)
        case _:
            return bool(shown == actual)


def text_agrees(shown: str, actual: str) -> bool:
    """Tell whether an example text is what came, where `...` stands for anything."""
    pattern = ".*?".join(re.escape(part) for part in shown.split("..."))
    return re.fullmatch(pattern, actual, flags=re.DOTALL) is not None
