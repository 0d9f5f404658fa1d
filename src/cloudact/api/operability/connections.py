"""Connections that cost the service nothing it could run out of: bounded in number, and in how long they are idle."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from cloudact.metrics import Metrics

# Each is an open file, and processes are commonly given 1024: the warehouse needs some as well.
MAX_CONNECTIONS = 512
# What is accepted at once, before any of it can be closed again.
BACKLOG = 128
# What a client has to read of an answer in the time that it has to send a request, in bytes.
_MIN_READ = 32 * 2**10


@dataclass(frozen=True, slots=True)
class Connections:
    """Those of one server: `seconds` is how long a client may leave one waiting, and `idle` are between requests."""

    seconds: float
    metrics: Metrics
    # The one first that has been so for the longest.
    idle: dict[Connection, None] = field(default_factory=dict)


class Connection(H11Protocol):
    """Ended when no header arrives in time or no answer is read in time, for which uvicorn waits for ever.

    Where there are too many, the one that has been idle for the longest makes room: whoever opens many at once keeps
    nobody else out.
    """

    of: ClassVar[Connections]
    _header: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    # uvicorn narrows asyncio's BaseTransport in the same way.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        # Told of every byte that is left behind.
        transport.set_write_buffer_limits(high=0)
        self._look(awaited=True)
        if len(self.connections) > MAX_CONNECTIONS:
            next(iter(self.of.idle), self).abandon("crowded")

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        super().data_received(data)
        self._look(awaited=True)

    def on_response_complete(self) -> None:
        """Be idle; uvicorn itself closes what stays so."""
        super().on_response_complete()
        self._look(awaited=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """Be gone."""
        self.of.idle.pop(self, None)
        self._stop_header()
        self._stop_reading()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Watch whether the answer is read."""
        super().pause_writing()
        self._watch_reading()

    def resume_writing(self) -> None:
        """Watch no more: all of it is read."""
        self._stop_reading()
        super().resume_writing()

    def abandon(self, reason: str) -> None:
        """End the connection without another word, and without waiting until what was answered is read."""
        self.of.idle.pop(self, None)
        unread = bool(self.transport.get_write_buffer_size())
        if unread or not self.transport.is_closing():
            self.of.metrics.connection_dropped(reason)
            self.transport.abort() if unread else self.transport.close()

    def _look(self, *, awaited: bool) -> None:
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            self.of.idle.pop(self, None)
            self._stop_header()
            return
        self.of.idle.setdefault(self)
        if awaited and self._header is None:
            self._header = self.loop.call_later(self.of.seconds, self.abandon, "no_header")

    def _watch_reading(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(self.of.seconds, self._has_read, left)

    def _has_read(self, before: int) -> None:
        if self.transport.get_write_buffer_size() > before - _MIN_READ:
            self.abandon("unread")
        else:
            self._watch_reading()

    def _stop_header(self) -> None:
        if self._header is not None:
            self._header.cancel()
            self._header = None

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None


def protocol_of(seconds: float, metrics: Metrics) -> type[Connection]:
    """Return the protocol of one server's connections."""
    return type("ServedConnection", (Connection,), {"of": Connections(seconds, metrics)})
