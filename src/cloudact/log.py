"""Structured logs: one JSON object a line, on standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor

from cloudact.tenancy.access.key_text import without_keys

_LIBRARIES = "cloudact-libraries"
_EVERY_LINE: Sequence[Processor] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def _without_keys(_logger: object, _method: str, line: EventDict) -> EventDict:
    return {name: without_keys(value) if isinstance(value, str) else value for name, value in line.items()}


_AS_JSON: Sequence[Processor] = (
    structlog.processors.format_exc_info,
    _without_keys,
    structlog.processors.JSONRenderer(),
)


class _Unfailing:
    """A stream that loses what it cannot write: a full log disk must not change an answer."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text if that is possible."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush if that is possible."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def configure_logging(level: str) -> None:
    """Send log lines of at least this level to standard error as JSON, those of libraries from WARNING on."""
    least, stream = logging.getLevelNamesMapping()[level], cast("TextIO", _Unfailing(sys.stderr))
    structlog.configure(
        processors=[*_EVERY_LINE, *_AS_JSON],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for earlier in [handler for handler in root.handlers if handler.name == _LIBRARIES]:
        root.removeHandler(earlier)
    handler = logging.StreamHandler(stream)
    handler.name = _LIBRARIES
    handler.setLevel(max(least, logging.WARNING))
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_EVERY_LINE, processors=[remove, *_AS_JSON])
    )
    root.addHandler(handler)
