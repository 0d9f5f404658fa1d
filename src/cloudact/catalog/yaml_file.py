"""YAML files with the line of every key, so that a problem can be found where it stands."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from io import StringIO
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError

from cloudact.catalog.problems import Code, Problems

M = TypeVar("M", bound=BaseModel)


def parse_yaml(text: str, problems: Problems) -> Any:
    """Return the document as ruamel's mappings and lists, or None after reporting why not."""
    try:
        with warnings.catch_warnings(action="ignore", category=ReusedAnchorWarning):
            return YAML(typ="rt", pure=True).load(StringIO(text))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        what = " ".join(str(error.problem or error.context or "cannot be read").split())
        code = Code.DUPLICATE_KEY if isinstance(error, DuplicateKeyError) else Code.SYNTAX
        problems.add("", f"is not YAML: {what}", "mend the syntax at that line", code=code, line=line)
    except RecursionError:
        problems.add("", "is nested beyond reason", "write it flatter", code=Code.SYNTAX)
    except (YAMLError, ValueError, AttributeError, LookupError, TypeError) as error:
        # ruamel lets these out for tags and directives that nobody writes on purpose, such as `!!set x`.
        problems.add("", f"is not YAML: {' '.join(str(error).split())}", "mend the syntax", code=Code.SYNTAX)
    return None


def read_model(model: type[M], text: str, problems: Problems, *, needed: str) -> tuple[M | None, Any]:
    """Return a file as the given pydantic model, or None after reporting what is wrong, and as its document.

    `needed` says what to write into a file that declares nothing.
    """
    before = len(problems.found)
    document = parse_yaml(text, problems)
    if document is None:
        if len(problems.found) == before:
            problems.add("", "is empty", needed, code=Code.EMPTY_FILE)
        return None, None
    return validate(model, document, problems), document


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


def validate(model: type[M], document: Any, problems: Problems) -> M | None:
    """Return the document as the given pydantic model, or None after reporting every mismatch."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            path = item["loc"]
            field = ".".join(str(part) for part in path if part != "[key]")
            line, fix = line_of(document, path), _fix(model, item["type"])
            problems.add(field, item["msg"], fix, code=Code.INVALID_ENTRY, line=line)
        return None


def _fix(model: type[BaseModel], kind: str) -> str:
    match kind:
        case "extra_forbidden":
            return f"the keys here are described under {model.__name__} in docs/catalog-format.md"
        case "missing":
            return "add it"
        case _:
            return "see docs/catalog-format.md"
