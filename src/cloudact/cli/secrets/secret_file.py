"""Secrets of a command: from a file or standard input, because arguments are seen by every user of the machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from cloudact.errors import InvalidRequest


def read_secret(file: str) -> str:
    """Return what a file holds, or standard input for `-`, without one line break at its end; raises InvalidRequest."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise InvalidRequest(f"The secret cannot be read from {file}: {reason}") from None
    return text.removesuffix("\n").removesuffix("\r")


def json_object(text: str, option: str, example: str) -> dict[str, Any]:
    """Return the JSON object that an option holds; raises InvalidRequest, which does not repeat it."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidRequest(f"{option} is not a JSON object", hint=f"Write it as '{example}'.")
    return found
