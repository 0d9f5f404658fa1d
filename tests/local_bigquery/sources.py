"""The text of a script as statements, each with its syntax tree where there is one."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from tests.bigquery_fake.sql.statements import with_not_null

# It warns of every statement that it keeps as text, which is no news here.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_DDL_WORD = re.compile(r"\b(ALTER|CREATE|DROP|UNDROP)\b", re.IGNORECASE)
# The one alteration of a column that sqlglot has no node for; its OPTIONS go where it has a place for a comment.
_DESCRIBED = re.compile(r"ALTER\s+COLUMN\s+(?P<column>\S+)\s+(?P<options>SET\s+OPTIONS\b.*)", re.IGNORECASE | re.DOTALL)
_ACTIONS = {"ADD", "ALTER", "DROP", "RENAME", "SET"}


@dataclass(frozen=True, slots=True)
class Source:
    """One statement; a Command is one that sqlglot keeps as text."""

    text: str
    tree: exp.Expr

    @property
    def is_known(self) -> bool:
        """Whether the tree tells what the statement does."""
        return not isinstance(self.tree, exp.Command)

    @property
    def is_ddl(self) -> bool:
        """Whether the statement makes, changes or drops something; one that is only text does if it may."""
        if self.is_known:
            return isinstance(self.tree, exp.Create | exp.Alter | exp.Drop)
        return bool(_DDL_WORD.search(self.text))


def sources(script: str) -> list[Source]:
    """Return the statements of a script in their order."""
    return [Source(text, _parsed(text)) for text in _pieces(script, _tokens(script), TokenType.SEMICOLON)]


def query_text(statement: str) -> str:
    """Return the query of a CREATE VIEW as it was written: what follows the first AS outside parentheses."""
    for token, depth in _with_depth(_tokens(statement)):
        if token.token_type is TokenType.ALIAS and depth == 0:
            return statement[token.end + 1 :].strip()
    return ""


def _tokens(text: str) -> list[Token]:
    try:
        return sqlglot.tokenize(text, read="bigquery")
    except SqlglotError:
        return []


def _parsed(text: str) -> exp.Expr:
    try:
        tree = sqlglot.parse_one(text, read="bigquery")
        if isinstance(tree, exp.Command) and tree.name.upper() == "ALTER":
            return _parsed_by_action(text) or tree
    except SqlglotError:
        return exp.Command(this=text.split(maxsplit=1)[0])
    return tree


def _parsed_by_action(text: str) -> exp.Alter | None:
    """Return an ALTER TABLE whose actions sqlglot reads one by one, though not all together."""
    tokens = _tokens(text)
    first = next((token for token in tokens[2:] if _is_word(token) and token.text.upper() in _ACTIONS), None)
    if first is None:
        return None
    head, rest = text[: first.start], text[first.start :]
    trees = []
    for action in _pieces(rest, _tokens(rest), TokenType.COMMA):
        described = _DESCRIBED.fullmatch(action)
        written = f"{head} {described['options'] if described else action}"
        tree = with_not_null(written) or sqlglot.parse_one(written, read="bigquery")
        if not isinstance(tree, exp.Alter):
            return None
        if described:
            name = sqlglot.parse_one(described["column"], read="bigquery").name
            tree.set("actions", [exp.AlterColumn(this=exp.to_identifier(name), comment=tree.find(exp.Properties))])
        trees.append(tree)
    whole = trees[0]
    whole.set("actions", [action for tree in trees for action in tree.args["actions"]])
    return whole


def _is_word(token: Token) -> bool:
    return token.token_type is not TokenType.IDENTIFIER


def _pieces(text: str, tokens: list[Token], separator: TokenType) -> list[str]:
    cuts = [token.start for token, depth in _with_depth(tokens) if token.token_type is separator and depth == 0]
    starts, ends = [0, *(cut + 1 for cut in cuts)], [*cuts, len(text)]
    pieces = [text[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    return [piece for piece in pieces if piece]


def _with_depth(tokens: list[Token]) -> list[tuple[Token, int]]:
    depth, found = 0, []
    for token in tokens:
        depth -= token.token_type in _CLOSING
        found.append((token, depth))
        depth += token.token_type in _OPENING
    return found
