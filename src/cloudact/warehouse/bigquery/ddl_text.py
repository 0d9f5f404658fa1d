"""Reading the `ddl` column of INFORMATION_SCHEMA.TABLES.

It is the only place where one query tells modes of nested fields, defaults, partitioning and the query of a
materialized view, for every table at once.

The text is what BigQuery writes, not what people write, so this reads that form exactly and gives up on anything else:
None means "ask tables.get". Thousands of datasets share their texts but for the name, so what was read once is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from cloudact.catalog.model import (
    Column,
    Granularity,
    Kind,
    Materialized,
    Mode,
    Partition,
    RangePartition,
    Table,
    TimePartition,
    Type,
    View,
    labels_from,
)
from cloudact.catalog.schema_file import ALIASES

_TOKEN = re.compile(
    r"""\s+
    | (?P<name>`(?:[^`\\]|\\.)*`)
    | (?P<long>\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?''')
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|[0-7]{3}|.)", re.DOTALL)
_CONTROL = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_HEAD = re.compile(r"CREATE (TABLE|VIEW|MATERIALIZED VIEW) `[^`]+`\s*")
_TAIL_WORDS = frozenset({"NOT", "DEFAULT", "OPTIONS", "COLLATE"})


class _Unreadable(Exception):
    """The text has something this reader does not know."""


# The others are what numbers and code points out of range, or a text cut off, end in.
_UNREADABLE = (_Unreadable, ValueError, IndexError, OverflowError)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def read_table(name: str, ddl: str) -> Table | None:
    """Return the table that a CREATE TABLE text describes, or None when the text says something unknown."""
    head = _HEAD.match(ddl)
    if head is None or head[1] != "TABLE":
        return None
    table = _table(ddl[head.end() :])
    return table and replace(table, name=name)


def read_view(name: str, ddl: str) -> View | None:
    """Return the view that a CREATE [MATERIALIZED] VIEW text describes, or None when it says something unknown."""
    head = _HEAD.match(ddl)
    if head is None or head[1] == "TABLE":
        return None
    try:
        return _view(name, head[1], ddl[head.end() :])
    except _UNREADABLE:
        return None


@lru_cache(maxsize=4096)
def _table(text: str) -> Table | None:
    try:
        reader = _Reader(text)
        reader.expect("(")
        columns = reader.columns(")")
        partition = reader.partition() if reader.take_words("PARTITION", "BY") else None
        clustering = reader.names() if reader.take_words("CLUSTER", "BY") else ()
        options = reader.options() if reader.take_words("OPTIONS") else {}
        reader.end()
        return _with_options(Table("", columns, partition=partition, clustering=clustering), options)
    except _UNREADABLE:
        return None


def _with_options(table: Table, options: dict[str, object]) -> Table:
    partition, required = table.partition, options.get("require_partition_filter", False)
    if not isinstance(required, bool):
        raise _Unreadable
    if isinstance(partition, TimePartition):
        days = _number(options, "partition_expiration_days")
        partition = replace(partition, expiration_days=days, require_filter=required)
    elif isinstance(partition, RangePartition):
        partition = replace(partition, require_filter=required)
    return replace(table, partition=partition, description=_description(options), labels=_labels(options))


def _view(name: str, kind: str, text: str) -> View:
    reader = _Reader(text)
    clustering = reader.names() if reader.take_words("CLUSTER", "BY") else ()
    options = reader.options() if reader.take_words("OPTIONS") else {}
    if not reader.take_words("AS"):
        raise _Unreadable
    interval = _number(options, "refresh_interval_minutes")
    query = reader.rest()
    if not query.endswith(";"):
        raise _Unreadable
    return View(
        name=name,
        query=query[:-1],
        description=_description(options),
        materialized=Materialized.OWN if kind == "MATERIALIZED VIEW" else Materialized.NEVER,
        clustering=clustering,
        refresh_interval_minutes=None if interval is None else round(interval),
        labels=_labels(options),
    )


def _description(options: dict[str, object]) -> str:
    return _text(options.get("description", ""))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _Unreadable
    return value


def _number(options: dict[str, object], key: str) -> float | None:
    found = options.get(key)
    if not isinstance(found, float) and key in options:
        raise _Unreadable
    return found if isinstance(found, float) else None


def _labels(options: dict[str, object]) -> tuple[tuple[str, str], ...]:
    found = options.get("labels", ())
    if not isinstance(found, tuple) or not all(_is_pair(item) for item in found):
        raise _Unreadable
    return labels_from(dict(found))


def _is_pair(item: object) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and all(isinstance(part, str) for part in item)


class _Reader:
    """A recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0

    def columns(self, closing: str) -> tuple[Column, ...]:
        """Read columns, or the fields of a STRUCT, up to the closing mark."""
        found = [self._column(closing)]
        while self._take(","):
            found.append(self._column(closing))
        self.expect(closing)
        return tuple(found)

    def names(self) -> tuple[str, ...]:
        """Read names separated by commas."""
        found = [self._name()]
        while self._take(","):
            found.append(self._name())
        return tuple(found)

    def partition(self) -> Partition:
        """Read what follows PARTITION BY."""
        word = self._name()
        if not self._take("("):
            return TimePartition(Granularity.DAY, None if word == "_PARTITIONDATE" else word)
        if word == "RANGE_BUCKET":
            return self._range()
        field = self._name()
        unit = self._name() if self._take(",") else "DAY"
        self.expect(")")
        if word not in {"DATE", "TIMESTAMP_TRUNC", "DATETIME_TRUNC", "DATE_TRUNC"} or unit not in set(Granularity):
            raise _Unreadable
        return TimePartition(Granularity(unit), None if field == "_PARTITIONTIME" else field)

    def options(self) -> dict[str, object]:
        """Read `(name=value, ...)`; a value is a str, a float, a bool, or a tuple of such."""
        self.expect("(")
        found: dict[str, object] = {}
        while not self._take(")"):
            key = self._name()
            self.expect("=")
            found[key] = self._value()
            self._take(",")
        return found

    def take_words(self, *words: str) -> bool:
        """Skip these words if they come next."""
        following = self._tokens[self._at : self._at + len(words)]
        if [token.text for token in following if token.kind == "word"] != list(words):
            return False
        self._at += len(words)
        return True

    def expect(self, text: str) -> None:
        """Skip a mark that has to come next."""
        if not self._take(text):
            raise _Unreadable

    def end(self) -> None:
        """Make sure that nothing is left but a semicolon."""
        self.expect(";")
        if self._at < len(self._tokens):
            raise _Unreadable

    def rest(self) -> str:
        """Return the text that is left."""
        return self._text[self._peek().start :]

    def _column(self, closing: str) -> Column:
        column = self._type(self._name())
        while self._at < len(self._tokens) and self._peek().text not in {",", closing}:
            column = self._attribute(column, closing)
        return column

    def _attribute(self, column: Column, closing: str) -> Column:
        if column.mode is Mode.NULLABLE and self.take_words("NOT", "NULL"):
            return replace(column, mode=Mode.REQUIRED)
        if self.take_words("COLLATE"):
            return replace(column, collation=_text(self._value()))
        if self.take_words("DEFAULT"):
            return replace(column, default=self._expression(closing))
        if self.take_words("OPTIONS"):
            options = self.options()
            if options.keys() - {"description", "rounding_mode"}:
                raise _Unreadable
            mode = _text(options.get("rounding_mode", ""))
            return replace(column, description=_description(options), rounding_mode=mode)
        raise _Unreadable

    def _type(self, name: str) -> Column:
        word = self._next("word").text
        if word == "ARRAY":
            self.expect("<")
            item = self._type(name)
            self.expect(">")
            if item.mode is not Mode.NULLABLE or self.take_words("NOT", "NULL"):
                raise _Unreadable
            return replace(item, mode=Mode.REPEATED)
        kind = ALIASES.get(word)
        if kind is None:
            raise _Unreadable
        if kind is Kind.RECORD:
            self.expect("<")
            return Column(name, Type(kind), fields=self.columns(">"))
        if kind is Kind.RANGE:
            self.expect("<")
            element = Kind(self._next("word").text)
            self.expect(">")
            return Column(name, Type(kind, element=element))
        return self._with_parameters(name, kind)

    def _with_parameters(self, name: str, kind: Kind) -> Column:
        numbers: list[int] = []
        if self._take("("):
            numbers = [int(self._next("number").text)]
            if self._take(","):
                numbers.append(int(self._next("number").text))
            self.expect(")")
        if not numbers:
            column = Column(name, Type(kind))
        elif kind in {Kind.STRING, Kind.BYTES} and len(numbers) == 1:
            column = Column(name, Type(kind, max_length=numbers[0]))
        elif kind not in {Kind.NUMERIC, Kind.BIGNUMERIC}:
            raise _Unreadable
        else:
            column = Column(name, Type(kind, precision=numbers[0], scale=numbers[1] if len(numbers) > 1 else 0))
        return replace(column, collation=_text(self._value())) if self.take_words("COLLATE") else column

    def _expression(self, closing: str) -> str:
        """Return an expression as it is written: it ends where a comma, the closing mark or an attribute is."""
        first, depth = self._at, 0
        while depth or not self._ends_expression(first, closing):
            token = self._peek()
            depth += (token.text in "([{") - (token.text in ")]}") if token.kind == "mark" else 0
            self._at += 1
        if self._at == first:
            raise _Unreadable
        return self._text[self._tokens[first].start : self._tokens[self._at - 1].end]

    def _ends_expression(self, first: int, closing: str) -> bool:
        token = self._peek()
        if token.kind == "mark":
            return token.text in {",", closing}
        if token.kind != "word" or token.text not in _TAIL_WORDS:
            return False
        # A word of an attribute may also be part of the expression: x IS NOT NULL, NOT x, COLLATE(x, 'und:ci').
        after_is = self._at > first and self._tokens[self._at - 1].text == "IS"
        is_call = self._tokens[self._at + 1].text == "(" and token.text != "OPTIONS"
        is_not = token.text == "NOT" and self._tokens[self._at + 1].text != "NULL"
        return not (after_is or is_call or is_not)

    def _range(self) -> RangePartition:
        field = self._name()
        self.expect(",")
        if not self.take_words("GENERATE_ARRAY"):
            raise _Unreadable
        self.expect("(")
        numbers = [int(self._next("number").text)]
        while self._take(","):
            numbers.append(int(self._next("number").text))
        self.expect(")")
        self.expect(")")
        if len(numbers) not in {2, 3}:
            raise _Unreadable
        return RangePartition(field, numbers[0], numbers[1], numbers[2] if len(numbers) == 3 else 1)

    def _value(self) -> object:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        if token is None:
            raise _Unreadable
        self._at += 1
        if token.kind == "text":
            return _unescaped(token.text[1:-1])
        if token.kind == "number":
            return float(token.text)
        if token.kind == "word" and token.text in {"true", "false"}:
            return token.text == "true"
        if token.text in {"[", "("}:
            return self._values("]" if token.text == "[" else ")")
        if token.text == "STRUCT":
            self.expect("(")
            return self._values(")")
        # Options this reader has no use for are written as expressions: TIMESTAMP "...", INTERVAL 4 HOUR.
        self._skip_expression()
        return None

    def _values(self, closing: str) -> tuple[object, ...]:
        found: list[object] = []
        while not self._take(closing):
            found.append(self._value())
            self._take(",")
        return tuple(found)

    def _skip_expression(self) -> None:
        while self._peek().text not in {",", ")", "]"}:
            self._at += 1

    def _name(self) -> str:
        token = self._peek()
        if token.kind not in {"name", "word"}:
            raise _Unreadable
        self._at += 1
        return _unescaped(token.text[1:-1]) if token.kind == "name" else token.text

    def _next(self, kind: str) -> _Token:
        token = self._peek()
        if token.kind != kind:
            raise _Unreadable
        self._at += 1
        return token

    def _take(self, mark: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at].text == mark:
            self._at += 1
            return True
        return False

    def _peek(self) -> _Token:
        if self._at >= len(self._tokens):
            raise _Unreadable
        return self._tokens[self._at]


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup:
            yield _Token(match.lastgroup, match[0], match.start(), match.end())


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) == 1:
            return _CONTROL.get(code, code)
        return chr(int(code, 8)) if code.isdigit() and len(code) == 3 else chr(int(code[1:], 16))

    return _ESCAPE.sub(one, text)
