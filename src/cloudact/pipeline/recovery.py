"""Runs whose process is gone: told apart from those that go on, and ended with everything they left open."""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from cloudact import __version__
from cloudact.errors import NotBootstrapped, WarehouseNotFound
from cloudact.pipeline.processor import JSON
from cloudact.pipeline.records import (
    LEASE,
    RUN_ID,
    RUNS,
    STEP_LOG_ID,
    STEP_LOGS,
    TRANSITION_ID,
    TRANSITIONS,
    Accounting,
    end_values,
    error_values,
)
from cloudact.pipeline.report import Failure, milliseconds
from cloudact.pipeline.states import OPEN, ErrorType, State
from cloudact.warehouse.driver import Equals, Session, Warehouse

_PROC = Path("/proc")
_IDENTIFIERS = uuid.UUID("6a1c7a7e-6d0f-5f0e-9d6f-0f3f9f0c5b1d")
_RUN_COLUMNS = ("org_slug", RUN_ID, "pipeline_id", "status", "start_time", "trigger_type", "user_id", "run_metadata")
_STEP_COLUMNS = (STEP_LOG_ID, "step_name", "status", "start_time")


@dataclass(frozen=True, slots=True)
class Process:
    """A process as a run names it; without `started` nothing but the lease can tell whether it is gone."""

    host: str
    pid: int
    started: str

    def metadata(self, now: datetime) -> dict[str, JSON]:
        """Return what a run of this process records of it, with a lease that begins now."""
        return {
            "host": self.host,
            "pid": self.pid,
            "process_started": self.started,
            "lease_until": (now + LEASE).isoformat(),
            "version": __version__,
        }


IsAlive = Callable[[Process], bool | None]


def this_process() -> Process:
    """Return the process that asks."""
    return Process(_host(), os.getpid(), _started(os.getpid()) or "")


def is_alive(process: Process) -> bool | None:
    """Tell whether a process is there, or None where that cannot be seen from here."""
    if process.host != _host() or not process.started:
        return None
    return _started(process.pid) == process.started


def mark_interrupted(
    warehouse: Warehouse,
    dataset: str,
    now: datetime,
    alive: IsAlive = is_alive,
    accounting: Accounting | None = None,
) -> tuple[str, ...]:
    """End every run whose process is gone, or whose lease is over, as FAILED; returns their ids.

    Safe to be interrupted itself, and to be done by several processes at once.
    """
    try:
        found = warehouse.run(lambda session: _open_runs(session, dataset))
    except WarehouseNotFound:
        return ()
    ended: list[str] = []
    for run in found:
        reason = why_interrupted(_metadata(run["run_metadata"]), run["start_time"], now, alive)
        end = partial(_end, dataset=dataset, run=run, reason=reason, now=now)
        if reason and _counted(warehouse, end, accounting):
            ended.append(run[RUN_ID])
    return tuple(ended)


def _counted(warehouse: Warehouse, end: Callable[..., bool], accounting: Accounting | None) -> bool:
    """A run is ended also where there is nothing to count its end in."""
    try:
        return warehouse.run(partial(end, accounting=accounting))
    except NotBootstrapped:
        return warehouse.run(partial(end, accounting=None))


def _open_runs(session: Session, dataset: str) -> list[dict[str, Any]]:
    return [
        run for state in OPEN for run in session.select(dataset, RUNS, _RUN_COLUMNS, [Equals("status", str(state))])
    ]


def why_interrupted(metadata: Mapping[str, Any], began: datetime, now: datetime, alive: IsAlive = is_alive) -> str:
    """Return why a run that is open has no process any more, or nothing when it may have one; changes nothing."""
    process = Process(
        str(metadata.get("host", "")), _pid(metadata.get("pid")), str(metadata.get("process_started", ""))
    )
    # What follows the name tells namespaces apart, and nothing to people.
    named = f"process {process.pid} on {process.host.partition(' ')[0] or 'an unknown host'}"
    if alive(process) is False:
        return f"interrupted: {named} is gone"
    until = _time(metadata.get("lease_until")) or began + LEASE
    if until < now:
        return f"interrupted: {named} gave no sign of life before its lease ended at {until:%Y-%m-%d %H:%M:%S %Z}"
    return ""


def _end(
    session: Session,
    dataset: str,
    run: Mapping[str, Any],
    reason: str,
    now: datetime,
    accounting: Accounting | None,
) -> bool:
    """One unit: it changes the run's own row, so that of two at once one has to look again and finds it ended."""
    where = [Equals(RUN_ID, run[RUN_ID]), Equals("status", run["status"])]
    if not session.count(dataset, RUNS, where):
        return False
    steps = [
        step
        for state in OPEN
        for step in session.select(
            dataset, STEP_LOGS, _STEP_COLUMNS, [Equals(RUN_ID, run[RUN_ID]), Equals("status", str(state))]
        )
    ]
    if accounting:
        accounting.ended(session, run["org_slug"], run[RUN_ID], str(State.FAILED), now)
    session.update(dataset, RUNS, _ended(run, reason, now), where)
    for step in steps:
        own = [Equals(STEP_LOG_ID, step[STEP_LOG_ID]), Equals("status", step["status"])]
        session.update(dataset, STEP_LOGS, _ended(step, reason, now), own)
        _add_transition(session, dataset, run, step, reason, now)
    _add_transition(session, dataset, run, None, reason, now)
    return True


def _ended(row: Mapping[str, Any], reason: str, now: datetime) -> dict[str, Any]:
    failure = Failure(reason, ErrorType.UNKNOWN, "Interrupted")
    return {**end_values(State.FAILED, row["start_time"], now), **error_values(failure, 0, is_retryable=True)}


def _add_transition(
    session: Session,
    dataset: str,
    run: Mapping[str, Any],
    step: Mapping[str, Any] | None,
    reason: str,
    now: datetime,
) -> None:
    entity = step or run
    row = {
        # The same from whoever finds it, so that it is there once.
        TRANSITION_ID: str(uuid.uuid5(_IDENTIFIERS, step[STEP_LOG_ID] if step else run[RUN_ID])),
        "org_slug": run["org_slug"],
        RUN_ID: run[RUN_ID],
        STEP_LOG_ID: step[STEP_LOG_ID] if step else None,
        "entity_type": "STEP" if step else "PIPELINE",
        "entity_name": step["step_name"] if step else run["pipeline_id"],
        "from_state": entity["status"],
        "to_state": str(State.FAILED),
        "transition_time": now,
        "transition_date": now.date(),
        "reason": reason,
        "error_type": str(ErrorType.UNKNOWN),
        "error_message": reason,
        "duration_in_state_ms": milliseconds(entity["start_time"], now),
        "trigger_type": run["trigger_type"],
        "user_id": run["user_id"],
    }
    session.ensure(dataset, TRANSITIONS, row, [TRANSITION_ID])


def _metadata(text: object) -> Mapping[str, Any]:
    """Whoever wrote the row: what cannot be read says nothing."""
    try:
        found = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _pid(value: object) -> int:
    return value if isinstance(value, int) else 0


def _time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else None


def _host() -> str:
    """Processes of different namespaces do not see each other, though they may call their host alike."""
    try:
        namespace = (_PROC / "self/ns/pid").readlink().name
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()} {namespace}"


def _started(pid: int) -> str | None:
    """Return when a process began, as ticks of a boot, or None where there is no such process or no /proc."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        # The name, in parentheses, may have anything in it; the state is the first field after it (man 5 proc).
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else f"{boot}:{fields[19]}"
