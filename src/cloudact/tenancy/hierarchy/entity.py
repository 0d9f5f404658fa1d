"""One entity of a hierarchy, as its organization describes it, and the rules for each of its fields."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from email_validator import EmailNotValidError, validate_email

from cloudact.errors import InvalidRequest, Problem

ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
MAX_NAME = 255
MAX_DESCRIPTION = 2_000
MAX_METADATA = 4_000
MAX_DEPTH = 20
# Between the ids of a path, none of which can have it.
SEPARATOR = "/"
_KEPT_CONTROLS = "\t\n\r"


@dataclass(frozen=True, slots=True)
class Entity:
    """What an organization says of an entity; `metadata` is the text of a JSON object, see `metadata_text`."""

    entity_type: str
    entity_id: str
    entity_name: str
    parent_id: str | None = None
    owner_id: str | None = None
    owner_name: str | None = None
    owner_email: str | None = None
    description: str | None = None
    metadata: str | None = None
    is_active: bool = True


FIELDS = tuple(item.name for item in fields(Entity))
# What a change may be about: an entity keeps its id and its level.
CHANGEABLE = tuple(name for name in FIELDS if name not in {"entity_type", "entity_id"})


def normalized(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of fields without space around texts, and None for a text that is empty."""
    return {name: (value.strip() or None) if isinstance(value, str) else value for name, value in values.items()}


def metadata_text(value: Mapping[str, Any] | None) -> str | None:
    """Return an object of attributes as the one text that equal objects have, None for none."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")) if value else None


def metadata_object(text: str) -> dict[str, Any]:
    """Return the object that a text in JSON is; raises InvalidRequest for any other text."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        what = "is not a JSON object"
        raise InvalidRequest(f"metadata {what}", problems=[Problem("request", "metadata", what, "")])
    return found


def parse_metadata(value: Mapping[str, Any] | None) -> str | None:
    """Return `metadata_text` of a caller's object; raises InvalidRequest for what some engine could not give back."""
    if problem := next(_unfit(value), ""):
        raise InvalidRequest(f"metadata {problem}", problems=[Problem("request", "metadata", problem, "")])
    return metadata_text(value)


def _unfit(value: object, depth: int = 1) -> Iterator[str]:
    """Source of the bounds: BigQuery documentation, JSON type; nesting is far below its 500 levels."""
    match value:
        case bool() | None | str():
            return
        case int():
            if not -(2**63) <= value < 2**63:
                yield f"has the number {value}, which is more than 64 bits"
        case float():
            if not math.isfinite(value):
                yield f"has {value}, which is no number in JSON"
        case Mapping() | list():
            if depth > MAX_DEPTH:
                yield f"is nested more than {MAX_DEPTH} deep"
                return
            for item in value.values() if isinstance(value, Mapping) else value:
                yield from _unfit(item, depth + 1)


def field_problems(entity: Entity, before: Entity | None = None) -> list[tuple[str, str]]:
    """Return what is wrong with the fields, each by itself, as the field's name and a sentence about its value.

    A value that was there `before` is nobody's mistake now: another program may have written it.
    """
    found = []
    for name, rule in _RULES.items():
        value = getattr(entity, name)
        if before is not None and value == getattr(before, name):
            continue
        problem = ("is missing" if name in _NEEDED else "") if value is None or value == "" else rule(value)
        if problem:
            found.append((name, problem))
    return found


def _id_problem(text: str) -> str:
    rule = "must be 1 to 64 characters of A-Z, a-z, 0-9, dot, hyphen and underscore, with a letter or digit first"
    return "" if re.fullmatch(ID_PATTERN, text, re.ASCII) else f"{_quoted(text)} {rule}"


def _text_problem(text: str, most: int, kept: str = "") -> str:
    if len(text) > most:
        return f"has {len(text)} characters; at most {most} are allowed"
    if any(unicodedata.category(character) == "Cc" and character not in kept for character in text):
        return "has control characters"
    return _character_problem(text)


def _character_problem(text: str) -> str:
    halves = any(0xD800 <= ord(character) <= 0xDFFF for character in text)
    return "has half of a surrogate pair, which is no character" if halves else ""


def _line_problem(text: str) -> str:
    return _text_problem(text, MAX_NAME)


def _description_problem(text: str) -> str:
    return _text_problem(text, MAX_DESCRIPTION, _KEPT_CONTROLS)


def _email_problem(text: str) -> str:
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        return f"{_quoted(text)} is not an e-mail address: {error}"
    return ""


def _metadata_problem(text: str) -> str:
    if len(text) > MAX_METADATA:
        return f"has {len(text)} characters as JSON; at most {MAX_METADATA} are allowed"
    if "\\u0000" in text:
        return "has a NUL character"
    return _character_problem(text)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}...")


_NEEDED = frozenset({"entity_type", "entity_id", "entity_name"})
_RULES: Mapping[str, Callable[[str], str]] = {
    "entity_type": lambda _: "",  # an organization's levels decide, see `placement_problem`
    "entity_id": _id_problem,
    "entity_name": _line_problem,
    "owner_id": _line_problem,
    "owner_name": _line_problem,
    "owner_email": _email_problem,
    "description": _description_problem,
    "metadata": _metadata_problem,
}
