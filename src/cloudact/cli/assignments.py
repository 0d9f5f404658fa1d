"""Arguments of the form NAME=VALUE."""

from __future__ import annotations

from collections.abc import Iterable

from cloudact.errors import InvalidRequest


def assignments(texts: Iterable[str], what: str, form: str) -> dict[str, str]:
    """Return values by name; raises InvalidRequest for a text that is no assignment, and for a name given twice.

    `what` is what such a text is called, and `form` how one is written.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InvalidRequest(f"{what} {text!r} is no assignment", hint=f"Write {form}.")
        if name in found:
            raise InvalidRequest(f"{what} {name!r} is given twice", hint="Give each name one value.")
        found[name] = value
    return found
