"""Checked keys, remembered for moments: a key that is revoked elsewhere works no longer than that."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cloudact.tenancy.access.caller import Caller, CallerKind
from cloudact.tenancy.access.scopes import Scope
from cloudact.tenancy.names import OrgSlug

_MOST = 10_000  # of good keys, and as many others: whoever tries many keys drives out no good one


class Outcome(StrEnum):
    """What came of checking a key; callers learn only whether it was accepted."""

    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    EXPIRED = "expired"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class CheckedKey:
    """What was found of a key that somebody sent; `organization` is the one that it names.

    `plain` says that its row has the digest of earlier versions.
    """

    outcome: Outcome
    organization: OrgSlug | None
    key_id: str | None = None
    scopes: frozenset[Scope] = frozenset()
    expires_at: datetime | None = None
    plain: bool = False

    @property
    def caller(self) -> Caller | None:
        """Who calls with this key; None for one that is not accepted."""
        if self.outcome is not Outcome.ACCEPTED:
            return None
        return Caller(CallerKind.ORGANIZATION, self.organization, self.key_id, self.scopes)

    def outcome_at(self, now: datetime) -> Outcome:
        """Return what is true of the key at a time, which may be after its expiry."""
        expired = self.expires_at is not None and self.expires_at <= now
        return Outcome.EXPIRED if expired and self.outcome is Outcome.ACCEPTED else self.outcome


@dataclass(frozen=True, slots=True)
class _Finding:
    """A key that was looked up at a time, or is being looked up since."""

    since: float
    found: Future[CheckedKey] = field(default_factory=Future)


class KeyCache:
    """Checked keys by digest, each for `seconds` from when it was looked up; safe to use from many threads."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._looking: dict[str, _Finding] = {}
        self._good: OrderedDict[str, _Finding] = OrderedDict()
        self._others: OrderedDict[str, _Finding] = OrderedDict()

    def find(self, digest: str, look_up: Callable[[], CheckedKey]) -> CheckedKey:
        """Return what is remembered of a key, or what `look_up` finds, which is then remembered.

        Callers who need the same key at the same time share one look.
        """
        now = self._monotonic()
        with self._lock:
            known = self._known(digest, now)
            finding = known or _Finding(now)
            if not known:
                self._looking[digest] = finding
        return finding.found.result() if known else self._look(digest, finding, look_up)

    def forget(self, organization: OrgSlug) -> None:
        """Forget an organization's keys: whatever changed them, the next check of each reads them again."""
        with self._lock:
            self._looking.clear()  # what was read before the change must not be remembered after it
            for findings in (self._good, self._others):
                found = [name for name, item in findings.items() if item.found.result().organization == organization]
                for digest in found:
                    del findings[digest]

    def _known(self, digest: str, now: float) -> _Finding | None:
        every = (findings.get(digest) for findings in (self._good, self._others, self._looking))
        return next((item for item in every if item and now - item.since < self.seconds), None)

    def _look(self, digest: str, mine: _Finding, look_up: Callable[[], CheckedKey]) -> CheckedKey:
        try:
            mine.found.set_result(look_up())
        except BaseException as error:
            mine.found.set_exception(error)
            raise
        finally:
            with self._lock:
                if self._looking.get(digest) is mine:
                    del self._looking[digest]
                    if self.seconds and mine.found.exception() is None:
                        self._remember(digest, mine)
        return mine.found.result()

    def _remember(self, digest: str, finding: _Finding) -> None:
        accepted = finding.found.result().outcome is Outcome.ACCEPTED
        kept, others = (self._good, self._others) if accepted else (self._others, self._good)
        others.pop(digest, None)
        kept[digest] = finding
        kept.move_to_end(digest)
        if len(kept) > _MOST:
            kept.popitem(last=False)
