"""Runs of the fleet that go on after their request was answered, each in a thread that ends with the service."""

from __future__ import annotations

import threading
from contextvars import copy_context

import structlog

from cloudact.api.operability.shutdown import Shutdown
from cloudact.fleet.sync import OpenRun
from cloudact.wiring import Services

# How long the organizations that are under way may take when the service stops, in seconds.
GRACE = 15.0
_log = structlog.get_logger(__name__)


class Background:
    """The runs of this process; a stop lets each finish what it is at, and records it as CANCELLED."""

    def __init__(self, services: Services, shutdown: Shutdown) -> None:
        self._services = services
        self._shutdown = shutdown
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()

    def start(self, run: OpenRun) -> None:
        """Carry out a run that has begun."""
        work = copy_context()
        thread = threading.Thread(target=lambda: work.run(self._carry_out, run), name="fleet sync", daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def stop(self) -> None:
        """Have no run begin anything more, and wait for what is under way; called before the services are closed."""
        self._shutdown.cancel_runs("cancelled: the service stopped")
        with self._lock:
            threads = tuple(self._threads)
        for thread in threads:
            thread.join(GRACE)

    def _carry_out(self, run: OpenRun) -> None:
        metrics = self._services.metrics
        try:
            with self._shutdown.run() as cancellation, metrics.running():
                ended = self._services.fleet_sync.carry_out(run, cancellation)
            metrics.run_ended(ended.state)
        except Exception:  # noqa: BLE001 - nobody waits for this thread; the run is on record as FAILED
            _log.exception("fleet_sync_crashed", run_id=run.begun.run_id)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())
