"""Uses of keys: noted in memory at each use, and written now and then for all of them together."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Generic, TypeVar

import structlog

from cloudact.errors import CloudactError
from cloudact.tenancy.access.caller import Caller
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.secrets.key_digests import HASH
from cloudact.tenancy.store import KEYS
from cloudact.warehouse.driver import Equals, OneOf, Session, Warehouse

Used = TypeVar("Used")
Noted = TypeVar("Noted")
_log = structlog.get_logger(__name__)
_BATCH = 500  # keys of one statement


class Uses(ABC, Generic[Used, Noted]):
    """What is noted by what was used; written at most once in `every_seconds`, by a thread of its own."""

    def __init__(self, every_seconds: float) -> None:
        self._every = every_seconds
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._noted: dict[Used, Noted] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @abstractmethod
    def _merged(self, earlier: Noted, later: Noted) -> Noted:
        """Return what is noted of something that was used before."""

    @abstractmethod
    def _write(self, noted: Mapping[Used, Noted]) -> None:
        """Write what was noted, which is something; raises what the warehouse raises."""

    def flush(self) -> None:
        """Write what was noted; what cannot be written is logged, and tried again at the next time."""
        with self._flushing:
            with self._lock:
                noted, self._noted = self._noted, {}
            try:
                if noted:
                    self._write(noted)
            except CloudactError as error:
                _log.warning("key_uses_not_written", keys=len(noted), reason=error.message)
                with self._lock:
                    later, self._noted = self._noted, noted
                    for used, value in later.items():
                        self._add(used, value)

    def close(self) -> None:
        """Write what was noted, and end the thread; the next use starts another one."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stop.set()
        if thread is not None:
            thread.join()
            self.flush()

    def _note(self, used: Used, value: Noted) -> None:
        with self._lock:
            self._add(used, value)
            if self._thread is None:
                self._stop = threading.Event()
                self._thread = threading.Thread(
                    target=self._write_now_and_then, args=(self._stop,), name="key-uses", daemon=True
                )
                self._thread.start()

    def _add(self, used: Used, value: Noted) -> None:
        known = self._noted.get(used)
        self._noted[used] = value if known is None else self._merged(known, value)

    def _write_now_and_then(self, stop: threading.Event) -> None:
        while not stop.wait(self._every):
            self.flush()


@dataclass(frozen=True, slots=True)
class KeyUse:
    """When a key was used last, and the keyed digest for the place of a plain one, if that is what its row has."""

    minute: datetime
    digests: tuple[str, str] | None = field(default=None, repr=False)


class KeyUses(Uses[tuple[OrgSlug, str], KeyUse]):
    """When organizations' keys were last used, to the minute; digests of earlier versions give way to keyed ones."""

    def __init__(self, catalogs: Declarations, warehouse: Warehouse, every_seconds: float) -> None:
        super().__init__(every_seconds)
        self._catalogs = catalogs
        self._warehouse = warehouse

    def note(self, caller: Caller, now: datetime, digests: tuple[str, str] | None = None) -> None:
        """Remember a use of an organization's key; never waits for the warehouse.

        `digests` are the keyed one and the plain one that it is to be put in the place of.
        """
        if caller.organization is not None and caller.key_id is not None:
            use = KeyUse(now.replace(second=0, microsecond=0), digests)
            self._note((caller.organization, caller.key_id), use)

    def _merged(self, earlier: KeyUse, later: KeyUse) -> KeyUse:
        return KeyUse(max(earlier.minute, later.minute), later.digests or earlier.digests)

    def _write(self, noted: Mapping[tuple[OrgSlug, str], KeyUse]) -> None:
        dataset = self._catalogs.load().central_name
        by_minute: dict[datetime, list[tuple[OrgSlug, str]]] = defaultdict(list)
        for key, use in noted.items():
            by_minute[use.minute].append(key)
            if use.digests:
                self._warehouse.run(partial(_replace, dataset=dataset, key=key, digests=use.digests))
                _log.info("key_digest_replaced", organization=str(key[0]), key_id=key[1])
        for minute, keys in by_minute.items():
            for begin in range(0, len(keys), _BATCH):
                part = keys[begin : begin + _BATCH]
                self._warehouse.run(partial(_set, dataset=dataset, keys=part, minute=minute))


def _set(session: Session, dataset: str, keys: Iterable[tuple[OrgSlug, str]], minute: datetime) -> None:
    """One statement for keys of several organizations: both their slugs and their ids have to fit."""
    slugs, ids = zip(*keys, strict=True)
    where = [OneOf("org_slug", tuple(dict.fromkeys(slugs))), OneOf("org_api_key_id", ids)]
    session.update(dataset, KEYS, {"last_used_at": minute}, where)


def _replace(session: Session, dataset: str, key: tuple[OrgSlug, str], digests: tuple[str, str]) -> None:
    """Put the first of these digests in the place of the second, if the row still has that."""
    slug, key_id = key
    keyed, plain = digests
    where = [Equals("org_slug", slug), Equals("org_api_key_id", key_id), Equals(HASH, plain)]
    session.update(dataset, KEYS, {HASH: keyed}, where)
