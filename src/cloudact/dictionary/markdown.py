"""Text as Markdown that shows it as it is, on code hosts and in site generators that give braces a meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MEANS_SOMETHING = re.compile(r"[\\`*{}\[\]|~$]|(?<=\])\(")
# Within a word an underscore is only an underscore, and most names have some.
_EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
# What makes a line a heading, a list or a quotation where it stands at the beginning.
_BLOCK = re.compile(r"^([-+#=]|\d+(?=[.)]))")
_LINES = re.compile(r"\s*\n\s*")


def text(raw: str) -> str:
    """Return plain text, its lines kept apart, for a paragraph or a cell."""
    escaped = "".join(_ENTITIES.get(character, character) for character in raw.strip())
    escaped = _EMPHASIS.sub(r"\\_", _MEANS_SOMETHING.sub(r"\\\g<0>", escaped))
    return _LINES.sub("<br>", escaped)


def paragraph(raw: str) -> str:
    """Return plain text that begins a block."""
    return _BLOCK.sub(_inert, text(raw))


def _inert(match: re.Match[str]) -> str:
    return f"{match[1]}\\" if match[1].isdigit() else f"\\{match[1]}"


def code(raw: str) -> str:
    """Return text as code within a line, also within a cell."""
    shown = _LINES.sub(" ", raw).replace("|", r"\|")
    fence = "`" * (_longest_run(shown) + 1)
    edge = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{edge}{shown}{edge}{fence}"


def fenced(language: str, raw: str) -> str:
    """Return lines of code as a block."""
    fence = "`" * max(3, _longest_run(raw) + 1)
    return f"{fence}{language}\n{raw}\n{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; its cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def anchor(heading: str) -> str:
    """Return the fragment that code hosts give to the first heading of this text on a page."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _longest_run(raw: str) -> int:
    return max((len(run) for run in re.findall("`+", raw)), default=0)
