"""When keys were last used: noted in memory at each use, and written now and then for all of them together."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import partial

import structlog

from cloudact.errors import CloudactError
from cloudact.tenancy.access.caller import Caller
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import KEYS
from cloudact.warehouse.driver import OneOf, Session, Warehouse

_log = structlog.get_logger(__name__)
_BATCH = 500  # keys of one statement


class KeyUses:
    """Times of use by key, to the minute; at most one write for each key in `every_seconds`, by a thread of its own."""

    def __init__(self, catalogs: Declarations, warehouse: Warehouse, every_seconds: float) -> None:
        self._catalogs = catalogs
        self._warehouse = warehouse
        self._every = every_seconds
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._noted: dict[tuple[OrgSlug, str], datetime] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, caller: Caller, now: datetime) -> None:
        """Remember a use of an organization's key; never waits for the warehouse."""
        if caller.organization is None or caller.key_id is None:
            return
        with self._lock:
            self._noted[caller.organization, caller.key_id] = now.replace(second=0, microsecond=0)
            if self._thread is None:
                self._stop = threading.Event()
                self._thread = threading.Thread(
                    target=self._write_now_and_then, args=(self._stop,), name="key-uses", daemon=True
                )
                self._thread.start()

    def flush(self) -> None:
        """Write what was noted; what cannot be written is logged, and tried again at the next time."""
        with self._flushing:
            with self._lock:
                noted, self._noted = self._noted, {}
            try:
                self._write(noted)
            except CloudactError as error:
                _log.warning("key_uses_not_written", keys=len(noted), reason=error.message)
                with self._lock:
                    self._noted = noted | self._noted

    def close(self) -> None:
        """Write what was noted, and end the thread; the next use starts another one."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stop.set()
        if thread is not None:
            thread.join()
            self.flush()

    def _write_now_and_then(self, stop: threading.Event) -> None:
        while not stop.wait(self._every):
            self.flush()

    def _write(self, noted: dict[tuple[OrgSlug, str], datetime]) -> None:
        if not noted:
            return
        dataset = self._catalogs.load().central_name
        by_minute: dict[datetime, list[tuple[OrgSlug, str]]] = defaultdict(list)
        for key, minute in noted.items():
            by_minute[minute].append(key)
        for minute, keys in by_minute.items():
            for begin in range(0, len(keys), _BATCH):
                part = keys[begin : begin + _BATCH]
                self._warehouse.run(partial(_set, dataset=dataset, keys=part, minute=minute))


def _set(session: Session, dataset: str, keys: Iterable[tuple[OrgSlug, str]], minute: datetime) -> None:
    """One statement for keys of several organizations: both their slugs and their ids have to fit."""
    slugs, ids = zip(*keys, strict=True)
    where = [OneOf("org_slug", tuple(dict.fromkeys(slugs))), OneOf("org_api_key_id", ids)]
    session.update(dataset, KEYS, {"last_used_at": minute}, where)
