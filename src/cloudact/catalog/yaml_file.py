"""YAML files with the line of every key, so that a problem can be found where it stands."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from cloudact.catalog.problems import Code, Problems

M = TypeVar("M", bound=BaseModel)
Place = tuple[str | int, ...]
# Characters of a document whose aliases are written out; without aliases it is about as long as its text.
_LONGEST = 1_000_000
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(r"\\(?:u|U0000)[dD][89a-fA-F]")
# What pydantic says in the words of Python.
_SAID = {
    "dict_type": "is not a mapping",
    "extra_forbidden": "is not a known key",
    "list_type": "is not a list",
    "missing": "is missing",
    "model_type": "is not a mapping",
    "tuple_type": "is not a list",
}


def parse_yaml(text: str, problems: Problems) -> Any:
    """Return the document as ruamel's mappings and lists, or None after reporting why not."""
    try:
        with warnings.catch_warnings(action="ignore", category=ReusedAnchorWarning):
            return YAML(typ="rt", pure=True).load(StringIO(text)) if _is_bearable(text, problems) else None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        what = " ".join(str(error.problem or error.context or "cannot be read").split())
        if isinstance(error, DuplicateKeyError):
            # The values that ruamel adds may be secrets.
            what = what.partition(" with value ")[0]
        code = Code.DUPLICATE_KEY if isinstance(error, DuplicateKeyError) else Code.SYNTAX
        problems.add("", f"is not YAML: {what}", "mend the syntax at that line", code=code, line=line)
    except RecursionError:
        problems.add("", "is nested beyond reason", "write it flatter", code=Code.SYNTAX)
    except (YAMLError, ValueError, AttributeError, LookupError, TypeError) as error:
        # ruamel lets these out for tags and directives that nobody writes on purpose, such as `!!set x`.
        problems.add("", f"is not YAML: {' '.join(str(error).split())}", "mend the syntax", code=Code.SYNTAX)
    return None


def _is_bearable(text: str, problems: Problems) -> bool:
    """Report what is YAML and would be too much, or no text, for whatever reads it; raises what ruamel raises."""
    if not ("&" in text and "*" in text) and not _ESCAPED_SURROGATE.search(text):
        return True
    root, before = YAML(typ="rt", pure=True).compose(StringIO(text)), len(problems.found)
    if _length(root, {}) > max(_LONGEST, 2 * len(text)):
        what = f"is longer than {_LONGEST:,} characters with its aliases written out"
        problems.add("", what, "refer to fewer anchors", code=Code.SYNTAX)
    for node in _scalars(root, set()):
        if _SURROGATE.search(node.value):
            what, line = "has half of a surrogate pair, which is no character", node.start_mark.line + 1
            problems.add("", what, "write the character itself", code=Code.SYNTAX, line=line)
    return len(problems.found) == before


def _scalars(node: Node | None, seen: set[int]) -> Iterator[ScalarNode]:
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    match node:
        case MappingNode():
            for pair in node.value:
                for part in pair:
                    yield from _scalars(part, seen)
        case SequenceNode():
            for part in node.value:
                yield from _scalars(part, seen)
        case ScalarNode():
            yield node


def _length(node: Node | None, known: dict[int, int]) -> int:
    """Return the characters of a node with its aliases written out; without end for one that is inside itself."""
    if node is None:
        return 0
    if id(node) not in known:
        known[id(node)] = 1 << 62
        match node:
            case MappingNode():
                length = sum(_length(part, known) for pair in node.value for part in pair)
            case SequenceNode():
                length = sum(_length(part, known) for part in node.value)
            case _:
                length = len(node.value)
        known[id(node)] = length + 1
    return known[id(node)]


def read_model(model: type[M], text: str, problems: Problems, *, needed: str, page: str) -> tuple[M | None, Any]:
    """Return a file as the given pydantic model, or None after reporting what is wrong, and as its document.

    `needed` says what to write into a file that declares nothing, `page` is the document that describes its format.
    """
    before = len(problems.found)
    document = parse_yaml(text, problems)
    if document is None:
        if len(problems.found) == before:
            problems.add("", "is empty", needed, code=Code.EMPTY_FILE)
        return None, None
    return validate(model, document, problems, page=page), document


def line_of(document: Any, path: Sequence[str | int]) -> int:
    """Return the line (from 1) of the deepest part of `path` that the document has, or 0."""
    line = 0
    for part in path:
        if not isinstance(document, CommentedMap | CommentedSeq):
            break
        # A key that came in through a merge (`<<`) has no place of its own.
        place = (document.lc.data or {}).get(part)
        if place is None:
            break
        line, document = place[0] + 1, document[part]
    return line


def validate(
    model: type[M], value: Any, problems: Problems, *, page: str, document: Any = None, at: Place = ()
) -> M | None:
    """Return a value as the given pydantic model, or None after reporting every mismatch.

    The value is what stands `at` a place of the document, where it is not the document itself; `page` is the document
    that describes the format.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        # The input of a mismatch may be a secret; no message of pydantic repeats it.
        for item in error.errors(include_url=False, include_input=False):
            inner = tuple(part for part in item["loc"] if part != "[key]")
            field, line = (
                ".".join(map(str, (*at, *inner))),
                line_of(value if document is None else document, (*at, *inner)),
            )
            what = _SAID.get(item["type"], item["msg"])
            problems.add(field, what, _fix(model, inner, item["type"], page), code=Code.INVALID_ENTRY, line=line)
        return None


def _fix(model: type[BaseModel], path: Place, kind: str, page: str) -> str:
    if kind != "extra_forbidden":
        return f"add it; see {page}" if kind == "missing" else f"see {page}"
    for part in path[:-1]:
        inner = model.model_fields.get(str(part))
        model = (_model_in(inner.annotation) if inner else None) or model
    return f"keys here are {', '.join(model.model_fields) or 'none'}; see {page}"


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for item in getattr(annotation, "__args__", ()) if (found := _model_in(item))), None)
