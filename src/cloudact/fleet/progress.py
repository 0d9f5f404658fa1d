"""How far a run of the fleet has come: counted while it goes on, and told the same way of a run on record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from cloudact.pipeline.report import Failure
from cloudact.pipeline.states import State

NAMED = 5


@dataclass(slots=True)
class WaveProgress:
    """How far one wave has come."""

    number: int
    selector: str
    organizations: int
    synced: int = 0
    failed: int = 0


@dataclass(slots=True)
class Progress:
    """How far a run has come; `wave` is the number of the one under way, 0 before the first."""

    run_id: str
    blocked: int
    waves: list[WaveProgress]
    wave: int = 0

    def count(self, steps: Iterable[Step]) -> None:
        """Count what came of organizations, each in its wave."""
        for step in steps:
            wave = self.waves[step.wave - 1]
            if step.state is State.COMPLETED:
                wave.synced += 1
            else:
                wave.failed += 1

    def with_steps(self, steps: Iterable[Step]) -> Progress:
        """Return how far the run has come with these as well."""
        further = Progress(self.run_id, self.blocked, [replace(item) for item in self.waves], self.wave)
        further.count(steps)
        return further

    @property
    def needed(self) -> int:
        """How many organizations the run was begun for."""
        return sum(item.organizations for item in self.waves)

    @property
    def synced(self) -> int:
        """How many organizations were brought in step."""
        return sum(item.synced for item in self.waves)

    @property
    def failed(self) -> int:
        """How many organizations were not, though the run came to them."""
        return sum(item.failed for item in self.waves)

    def as_json(self) -> dict[str, Any]:
        """Return what the run's row keeps of it."""
        return {"wave": self.wave, "blocked": self.blocked, "waves": [asdict(item) for item in self.waves]}

    @staticmethod
    def from_json(run_id: str, kept: Mapping[str, Any]) -> Progress:
        """Return the progress that a run's row keeps."""
        waves = [WaveProgress(**item) for item in kept.get("waves", ())]
        return Progress(run_id, int(kept.get("blocked", 0)), waves, int(kept.get("wave", 0)))


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one organization in a run; a SKIPPED one is left to a person, as `failure` says."""

    step_id: str
    org_slug: str
    wave: int
    state: State
    started: datetime
    ended: datetime
    summary: str = ""
    changes: int = 0
    failure: Failure | None = None

    def as_failure(self) -> FleetFailure | None:
        """Return what the account says of an organization that is not in step; None for one that is."""
        if self.failure is None:
            return None
        return FleetFailure(self.org_slug, self.wave, self.failure.message, str(self.failure.error_type))


@dataclass(frozen=True, slots=True)
class FleetFailure:
    """An organization that is not in step after a run, and why; without a wave only a person can do anything."""

    org_slug: str
    wave: int
    cause: str
    error_type: str


@dataclass(frozen=True, slots=True)
class FleetCause:
    """How many organizations have one cause in common, and the first of them."""

    cause: str
    organizations: int
    org_slugs: list[str]


@dataclass(frozen=True, slots=True)
class FleetRun:
    """The account of a run. `needed` is how many organizations it was begun for; those it did not come to are told.

    `status` is SUCCESS when all that was asked for is done, and nobody is left to a person, and INTERRUPTED for one
    whose row says RUNNING though its process is gone. `synced_before` is how many were brought in step by the
    runs that this one goes on with, and `not_requested` how many organizations lack something that was not asked for.
    """

    run_id: str
    state: State
    status: str
    organizations: int
    needed: int
    synced: int
    failed: int
    blocked: int
    not_reached: int
    not_requested: int
    wave: int
    waves: list[WaveProgress]
    failures: list[FleetFailure]
    causes: list[FleetCause]
    request: dict[str, Any]
    plan_hash: str
    continues: str
    synced_before: int
    triggered_by: str
    started_at: datetime
    ended_at: datetime | None
    duration_ms: int | None
    lease_until: str
    recorded: bool
    message: str


RUNNING, INTERRUPTED, SUCCESS, PARTIAL = "RUNNING", "INTERRUPTED", "SUCCESS", "PARTIAL"
# What the row of a run has not before its end.
NOT_ENDED: Mapping[str, None] = {"end_time": None, "duration_ms": None, "error_message": None}


def account(
    run: Mapping[str, Any],
    progress: Progress,
    failures: Iterable[FleetFailure],
    *,
    recorded: bool = True,
    interrupted: str = "",
) -> FleetRun:
    """Return the account of a run: its row with parameters and metadata as JSON, how far it came, and who failed.

    `interrupted` is why a run that is RUNNING on record has no process any more.
    """
    state, parameters = State(run["status"]), run["parameters"]
    named = sorted(failures, key=lambda item: (item.wave == 0, item.wave, item.org_slug))
    left = progress.needed - progress.synced - progress.failed
    whole = not (left or progress.failed or progress.blocked) and state is State.COMPLETED
    before = int(parameters.get("synced_before", 0))
    status = SUCCESS if whole else PARTIAL
    if state is State.RUNNING:
        status = INTERRUPTED if interrupted else RUNNING
    return FleetRun(
        run_id=run["pipeline_logging_id"],
        state=state,
        status=status,
        organizations=parameters["organizations"],
        needed=progress.needed,
        synced=progress.synced,
        failed=progress.failed,
        blocked=progress.blocked,
        not_reached=left,
        not_requested=parameters["not_requested"],
        wave=progress.wave,
        waves=progress.waves,
        failures=named,
        causes=_causes(named),
        request=parameters["request"],
        plan_hash=parameters["plan_hash"],
        continues=parameters["continues"],
        synced_before=before,
        triggered_by=run["trigger_by"] or "",
        started_at=run["start_time"],
        ended_at=run["end_time"],
        duration_ms=run["duration_ms"],
        lease_until=str(run["run_metadata"].get("lease_until", "")) if state is State.RUNNING else "",
        recorded=recorded,
        message=_before(before)
        + _message(status, progress, left, parameters["not_requested"], interrupted or run["error_message"] or ""),
    )


def _causes(failures: Iterable[FleetFailure]) -> list[FleetCause]:
    found: dict[str, list[str]] = {}
    for item in failures:
        found.setdefault(common_cause(item.cause, item.org_slug), []).append(item.org_slug)
    causes = [FleetCause(cause, len(slugs), slugs[:NAMED]) for cause, slugs in found.items()]
    return sorted(causes, key=lambda item: (-item.organizations, item.cause))


def common_cause(cause: str, slug: str) -> str:
    """Return a cause as it is told of many: what names one organization, or its dataset, stands for any."""
    return re.sub(rf"(?<![a-z0-9_]){re.escape(slug)}(?=_[a-z0-9]+\b|\b)", "{org_slug}", cause)


def _before(synced: int) -> str:
    return f"{synced} brought in step before. " if synced else ""


def _message(status: str, progress: Progress, left: int, not_requested: int, error: str) -> str:
    if status == RUNNING:
        return f"Wave {progress.wave} of {len(progress.waves)}: {progress.synced} of {progress.needed} in step so far."
    parts = [f"{progress.synced} of {progress.needed} brought in step"] if progress.needed else []
    parts += [f"{number} {what}" for number, what in _rest(progress, left) if number]
    if not_requested:
        parts.append(f"{not_requested} with changes that were not asked for")
    told = f"{', '.join(parts)}." if parts else "Nothing to do: all are in step."
    return f"{told} {error}".rstrip()


def _rest(progress: Progress, left: int) -> list[tuple[int, str]]:
    return [(progress.failed, "failed"), (left, "not reached"), (progress.blocked, "left to a person")]
