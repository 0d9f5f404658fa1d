"""Text into statements: scripts are split, each statement is parsed once however often it is sent."""

from __future__ import annotations

import re
from functools import lru_cache

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError

from tests.bigquery_fake.errors import GoogleError, invalid_query, unsupported

_TYPE_NOT_NULL = re.compile(r"(\s*ALTER\s+TABLE\s.*\sSET\s+DATA\s+TYPE\s.*)\sNOT\s+NULL\s*", re.DOTALL | re.IGNORECASE)
_BIGQUERY = Dialect.get_or_raise("bigquery")

_NESTED_COLUMN = re.compile(r"(?is)ALTER\s+TABLE\s.*\bADD\s+COLUMN\s+(IF\s+NOT\s+EXISTS\s+)?[\w`]+\.[\w`]+")


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a text; raises 400 for what is none."""
    try:
        return _BIGQUERY.tokenize(text)
    except TokenError as error:
        raise syntax_error(str(error)) from error


@lru_cache(maxsize=4096)
def split(text: str) -> tuple[str, ...]:
    """Return the statements of a script, without their semicolons."""
    statements, begin = [], 0
    for token in tokens_of(text):
        if token.token_type is TokenType.SEMICOLON:
            statements.append(text[begin : token.start])
            begin = token.end + 1
    statements.append(text[begin:])
    return tuple(item.strip() for item in statements if tokens_of(item))


def query_text(text: str) -> str:
    """Return the query of a CREATE VIEW statement as it is written: what follows the first AS outside parentheses."""
    depth = 0
    for token in tokens_of(text):
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        if token.token_type is TokenType.ALIAS and not depth:
            return text[token.end + 1 :].strip()
    raise syntax_error("Expected keyword AS at [1:1]")


@lru_cache(maxsize=4096)
def words(text: str, count: int) -> tuple[str, ...]:
    """Return the first words of a statement in upper case."""
    texts = " ".join(token.text for token in tokens_of(text)[:count])  # of some statements one token is the rest
    return tuple(texts.upper().split()[:count])


def parse(text: str) -> exp.Expr:
    """Return the statement as a tree of one's own; raises 400 for bad syntax and 501 for what has no tree."""
    return _parsed(text).copy()


def parse_query(text: str) -> exp.Query:
    """Return a query as a tree of one's own; raises 400 when the text is another statement."""
    tree = parse(text)
    if not isinstance(tree, exp.Query):
        raise invalid_query(f"A query is needed, not: {text[:80]}")
    return tree


@lru_cache(maxsize=4096)
def _parsed(text: str) -> exp.Expr:
    if words(text, 3) == ("ALTER", "MATERIALIZED", "VIEW"):  # which differs from ALTER VIEW in nothing else
        text = "ALTER" + text[text.upper().index("MATERIALIZED") + len("MATERIALIZED") :]
    try:
        tree = with_not_null(text) or sqlglot.parse_one(text, dialect="bigquery")
    except (ParseError, TokenError) as error:
        raise syntax_error(_first_line(error)) from error
    if isinstance(tree, exp.Command) and _NESTED_COLUMN.match(text):
        raise invalid_query("ALTER TABLE ADD COLUMN cannot add a field inside a STRUCT (rule 11)")
    if isinstance(tree, exp.Command):
        raise unsupported(f"the statement {text[:120]!r}")
    if isinstance(tree, (exp.Column, exp.Alias, exp.Literal, exp.Anonymous)):  # words that are no statement
        raise syntax_error(f"Unexpected {text.split()[0]!r} at [1:1]")
    return tree


def with_not_null(text: str) -> exp.Expr | None:
    """Return the tree of ALTER COLUMN SET DATA TYPE ... NOT NULL, which sqlglot has none for, or None for another."""
    if not (match := _TYPE_NOT_NULL.fullmatch(text)):
        return None
    tree = sqlglot.parse_one(match[1], dialect="bigquery")
    match tree.args.get("actions"):
        case [exp.AlterColumn() as change]:
            change.set("allow_null", False)
            return tree
    return None


def syntax_error(message: str) -> GoogleError:
    """Return the refusal of a text that is no statement."""
    return invalid_query(f"Syntax error: {message}")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
