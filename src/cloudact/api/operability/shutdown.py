"""Stopping: nothing new is begun, and what runs is finished or ended in good order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from cloudact.api.errors import RETRY_AFTER_SECONDS, answer
from cloudact.errors import NotReady
from cloudact.pipeline.cancellation import Cancellation

ALIVE = "/healthz"


class Shutdown:
    """Whether the service is stopping, and the pipeline runs that have to be cancelled when it must not wait longer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: set[Cancellation] = set()
        self._reason = ""
        self.begun = False

    def begin(self) -> None:
        """Begin nothing new from now on."""
        self.begun = True

    def cancel_runs(self, reason: str) -> int:
        """Cancel every run under way, and those that begin from now on; returns how many there were."""
        with self._lock:
            self._reason = reason
            runs = tuple(self._runs)
        for run in runs:
            run.cancel(reason)
        return len(runs)

    @contextmanager
    def run(self) -> Iterator[Cancellation]:
        """Lend what cancels the pipeline run inside."""
        cancellation = Cancellation()
        with self._lock:
            self._runs.add(cancellation)
            reason = self._reason
        try:
            if reason:
                cancellation.cancel(reason)
            yield cancellation
        finally:
            with self._lock:
                self._runs.discard(cancellation)


class RefuseWhileStopping:
    """Answers 503 to what comes in on connections that are still open; the process itself is alive until it is not."""

    def __init__(self, app: ASGIApp, shutdown: Shutdown) -> None:
        self._app = app
        self._shutdown = shutdown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        app = self._app
        if self._shutdown.begun and scope["type"] == "http" and scope["path"] != ALIVE:
            app = answer(
                Request(scope),
                503,
                NotReady.code,
                "The service is stopping",
                hint="Send the request again, to the service that takes its place.",
                headers={"Connection": "close", "Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        await app(scope, receive, send)
