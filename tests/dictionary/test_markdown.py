"""Text and code come out of a Markdown renderer as they went in."""

from __future__ import annotations

import html
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cloudact.dictionary.markdown import code, fenced, paragraph, table, text
from tests.strategies import column_names, descriptions

RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
PUNCTUATION = st.text("\\`*_{}[]()<>#+-.!|~$&;:/@ \n1ax", max_size=12)


def seen(markdown: str, tag: str) -> str:
    """Return what a reader sees in the first element of a kind, with line breaks as such."""
    (found, *_) = re.findall(rf"<{tag}>(.*?)</{tag}>", RENDERER.render(markdown), re.DOTALL)
    return html.unescape(found.replace("<br>", "\n"))


def lines(raw: str) -> str:
    return re.sub(r"\s*\n\s*", "\n", raw.strip())


@settings(max_examples=200)
@given(descriptions() | PUNCTUATION)
def test_text_in_a_cell(raw: str) -> None:
    assert seen(table(["head", "more"], [[text(raw), "x"]]), "td") == lines(raw)


@settings(max_examples=200)
@given((descriptions() | PUNCTUATION).filter(str.strip))
def test_text_in_a_paragraph(raw: str) -> None:
    assert seen(paragraph(raw), "p") == lines(raw)


@settings(max_examples=100)
@given(column_names | st.text("`|a _*<\\", min_size=1, max_size=8).filter(lambda name: name == name.strip() != ""))
def test_code_in_a_cell(name: str) -> None:
    assert seen(table(["head", "more"], [[code(name), "x"]]), "code") == name


@settings(max_examples=50)
@given(st.text("`~a\n ", min_size=1, max_size=12).map(lambda raw: f"SELECT {raw}x"))
def test_a_block_of_code(raw: str) -> None:
    assert RENDERER.render(fenced("sql", raw)) == f'<pre><code class="language-sql">{raw}\n</code></pre>\n'
