"""What is asked of a sync of the fleet: whom, in which waves, how fast, and when it has to stop by itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cloudact.errors import InvalidRequest, Problem
from cloudact.fleet.waves import LABEL_KEYS, Labelled, Member, OnPlan, parse, refuse_empty, refuse_unknown_keys
from cloudact.planning.policy import Policy
from cloudact.tenancy.labels.rules import KEY_RULE, PROFILE_FIELDS, VALUE_RULE, is_key, is_value

MAX_WORKERS = 32
MAX_PAUSE_SECONDS = 7 * 24 * 3600.0
MAX_SELECTORS = 100


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """A sync of the fleet; the names are those of the request's fields.

    `only` and `waves` are selectors, see `cloudact.fleet.waves`. `max_failures` is a number or, as in `5%`, a share of
    the wave that is under way: with more failures in a wave nothing more is begun.
    """

    sync_missing_tables: bool = True
    sync_missing_columns: bool = True
    recreate_views: bool = False
    only: tuple[str, ...] = ()
    waves: tuple[str, ...] = ()
    pause_seconds: float = 0.0
    max_failures: str = "0"
    workers: int = 4

    @property
    def policy(self) -> Policy:
        """What a sync of each organization may do."""
        return Policy(self.sync_missing_tables, self.sync_missing_columns, self.recreate_views)

    def check(self) -> None:
        """Raise InvalidRequest naming every field that cannot be."""
        problems = [Problem("request", name, what, "") for name, what in self._problems()]
        if problems:
            raise InvalidRequest("; ".join(f"{item.field}: {item.what}" for item in problems), problems=problems)

    def may_go_on(self, failed: int, organizations: int) -> bool:
        """Tell whether a wave of so many organizations goes on after so many failures."""
        number, percent, _ = self.max_failures.partition("%")
        # In thousandths of a percent, because 0.1 has no exact binary form.
        return failed * 100_000 <= organizations * round(float(number) * 1000) if percent else failed <= int(number)

    def looks_at_profiles(self) -> bool:
        """Tell whether a selector asks for more of an organization than its slug."""
        return any(isinstance(parse(text), Labelled | OnPlan) for text in (*self.only, *self.waves))

    def labels(self) -> frozenset[Labelled]:
        """Return the labels that selectors ask for."""
        return frozenset(found for text in (*self.only, *self.waves) if isinstance(found := parse(text), Labelled))

    def check_meaning(self, members: Collection[Member], keys_in_use: Collection[str]) -> None:
        """Raise InvalidRequest for a label or a plan that nobody has.

        `members` are all organizations, and `keys_in_use` those of the labels that they carry beside the profile's.
        """
        for name in ("only", "waves"):
            refuse_unknown_keys(map(parse, getattr(self, name)), keys_in_use, name)
            refuse_empty(getattr(self, name), members, name)

    def as_json(self) -> dict[str, Any]:
        """Return the fields, as `from_json` reads them."""
        return {**asdict(self), "only": list(self.only), "waves": list(self.waves)}

    @staticmethod
    def from_json(fields: Mapping[str, Any]) -> SyncRequest:
        """Return the request that these fields are; raises InvalidRequest."""
        request = SyncRequest(
            **{**fields, "only": tuple(fields.get("only", ())), "waves": tuple(fields.get("waves", ()))}
        )
        request.check()
        return request

    def _problems(self) -> Iterator[tuple[str, str]]:
        for name in ("only", "waves"):
            selectors = getattr(self, name)
            if len(selectors) > MAX_SELECTORS:
                yield name, f"has {len(selectors)} selectors; at most {MAX_SELECTORS} are allowed"
            for text in selectors[:MAX_SELECTORS]:
                yield from ((name, problem) for problem in _selector_problems(text))
        if not 0 <= self.pause_seconds <= MAX_PAUSE_SECONDS:
            yield "pause_seconds", f"{self.pause_seconds:g} is not from 0 to {MAX_PAUSE_SECONDS:g}"
        if not 1 <= self.workers <= MAX_WORKERS:
            yield "workers", f"{self.workers} is not from 1 to {MAX_WORKERS}"
        if not _is_limit(self.max_failures):
            yield "max_failures", f"{self.max_failures!r} is not a number such as 3, nor a share such as 5%"


def _selector_problems(text: str) -> Iterator[str]:
    try:
        selector = parse(text)
    except InvalidRequest as error:
        yield error.message
        return
    if not isinstance(selector, Labelled) or selector.key in PROFILE_FIELDS:
        return
    if not is_key(selector.key):
        yield f"{text!r} names no label of an organization: labels are {LABEL_KEYS}, of which {KEY_RULE}"
    if not is_value(selector.value):
        yield f"{text!r} names no value of a label: {VALUE_RULE}"


def _is_limit(text: str) -> bool:
    found = re.fullmatch(r"\d{1,7}|(\d{1,3}(?:\.\d{1,3})?)%", text, re.ASCII)
    return found is not None and (found[1] is None or float(found[1]) <= 100)
