"""Calls on the fleet, as a command makes them: in this process, or to a running service."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from pydantic_core import to_jsonable_python

from cloudact.cli.render import Answer
from cloudact.errors import ConfigurationError, ServiceError
from cloudact.fleet.onboarding.onboarding import FleetOnboarded
from cloudact.fleet.progress import Progress
from cloudact.fleet.request import SyncRequest
from cloudact.fleet.sync import OpenRun
from cloudact.pipeline.cancellation import Cancellation, cancelled_by_signals
from cloudact.tenancy.actor import Actor
from cloudact.wiring import Services

Send = Callable[..., Answer]
# Is told how far a run has come, in the words of the answer.
Watch = Callable[[Answer], None]
_PATH = "/api/v1/admin/fleet"
_POLL_SECONDS = 1.0


class FleetCalls(Protocol):
    """Operations on the fleet, with answers as the service's JSON; `watch` is called while a run goes on."""

    def status(self) -> Answer:
        """GET /api/v1/admin/fleet/status."""

    def plan(self, fields: Mapping[str, Any]) -> Answer:
        """POST /api/v1/admin/fleet/plan."""

    def sync(self, fields: Mapping[str, Any], watch: Watch) -> Answer:
        """POST /api/v1/admin/fleet/sync, until the run has ended; `plan_hash` stands for every other field."""

    def again(self, run_id: str, watch: Watch, *, only_failed: bool) -> Answer:
        """POST /api/v1/admin/fleet/runs/{run_id}/resume, or retry, until the run has ended."""

    def onboard(self, requests: Iterable[str], keys_out: Path, watch: Watch) -> Answer:
        """Onboard everybody whom a line of JSON asks for; keys go to the file alone."""

    def runs(self, limit: int, offset: int) -> Answer:
        """GET /api/v1/admin/fleet/runs."""

    def show(self, run_id: str) -> Answer:
        """GET /api/v1/admin/fleet/runs/{run_id}."""

    def abort(self, run_id: str) -> Answer:
        """POST /api/v1/admin/fleet/runs/{run_id}/abort."""


class LocalFleetCalls:
    """Carries them out in this process; Ctrl-C and SIGTERM end a run, and leave a record of it."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def status(self) -> Answer:
        """See `FleetCalls`."""
        return _plain(self._services.fleet_status.look())

    def plan(self, fields: Mapping[str, Any]) -> Answer:
        """See `FleetCalls`."""
        return _plain(self._services.fleet_sync.plan(SyncRequest.from_json(fields), Actor.local()))

    def sync(self, fields: Mapping[str, Any], watch: Watch) -> Answer:
        """See `FleetCalls`."""
        sync, actor = self._services.fleet_sync, Actor.local()
        if plan_hash := fields.get("plan_hash"):
            return self._carried_out(sync.begin_planned(plan_hash, actor), watch)
        return self._carried_out(sync.begin(SyncRequest.from_json(fields), actor), watch)

    def again(self, run_id: str, watch: Watch, *, only_failed: bool) -> Answer:
        """See `FleetCalls`."""
        run = self._services.fleet_sync.begin_again(run_id, Actor.local(), only_failed=only_failed)
        return self._carried_out(run, watch)

    def onboard(self, requests: Iterable[str], keys_out: Path, watch: Watch) -> Answer:
        """See `FleetCalls`."""

        def notice(so_far: FleetOnboarded) -> None:
            watch({"done": so_far.done, "requests": so_far.requests, "failed": len(so_far.failed)})

        onboarding = self._services.fleet_onboarding
        return _plain(onboarding.onboard(requests, keys_out, actor=Actor.local(), notice=notice))

    def runs(self, limit: int, offset: int) -> Answer:
        """See `FleetCalls`."""
        return _plain(self._services.fleet_runs.page(limit=limit, offset=offset))

    def show(self, run_id: str) -> Answer:
        """See `FleetCalls`."""
        return _plain(self._services.fleet_runs.show(run_id))

    def abort(self, run_id: str) -> Answer:
        """See `FleetCalls`."""
        return _plain(self._services.fleet_runs.abort(run_id, Actor.local()))

    def _carried_out(self, run: OpenRun, watch: Watch) -> Answer:
        def notice(progress: Progress) -> None:
            watch(_plain(progress) | {"needed": progress.needed, "synced": progress.synced, "failed": progress.failed})

        cancellation = Cancellation()
        with cancelled_by_signals(cancellation):
            return _plain(self._services.fleet_sync.carry_out(run, cancellation, notice))


class RemoteFleetCalls:
    """Sends them to a running service, whose runs go on whatever becomes of the command."""

    def __init__(self, send: Send, patience: object, pause: Callable[[float], object] = time.sleep) -> None:
        self._send = send
        self._patience = patience
        self._pause = pause

    def status(self) -> Answer:
        """See `FleetCalls`."""
        return self._send("GET", f"{_PATH}/status", timeout=self._patience)

    def plan(self, fields: Mapping[str, Any]) -> Answer:
        """See `FleetCalls`."""
        return self._send("POST", f"{_PATH}/plan", json=dict(fields), timeout=self._patience)

    def sync(self, fields: Mapping[str, Any], watch: Watch) -> Answer:
        """See `FleetCalls`."""
        run = self._send("POST", f"{_PATH}/sync", json=dict(fields), timeout=self._patience)
        return self._until_it_ended(run, watch)

    def again(self, run_id: str, watch: Watch, *, only_failed: bool) -> Answer:
        """See `FleetCalls`."""
        verb = "retry" if only_failed else "resume"
        run = self._send("POST", f"{_run(run_id)}/{verb}", timeout=self._patience)
        return self._until_it_ended(run, watch)

    def onboard(self, requests: Iterable[str], keys_out: Path, watch: Watch) -> Answer:
        """See `FleetCalls`; a service is asked for one organization at a time, and keeps no file of keys for others."""
        del requests, keys_out, watch
        raise ConfigurationError(
            "the requests of a file are onboarded where the warehouse is, and CA_API_URL names a service",
            hint="Stop the service and take CA_API_URL away, or send it each with `cloudact org onboard`.",
        )

    def runs(self, limit: int, offset: int) -> Answer:
        """See `FleetCalls`."""
        return self._send("GET", f"{_PATH}/runs", params={"limit": limit, "offset": offset})

    def show(self, run_id: str) -> Answer:
        """See `FleetCalls`."""
        return self._send("GET", _run(run_id))

    def abort(self, run_id: str) -> Answer:
        """See `FleetCalls`."""
        return self._send("POST", f"{_run(run_id)}/abort")

    def _until_it_ended(self, run: Answer, watch: Watch) -> Answer:
        while run.get("status") == "RUNNING":
            watch(run)
            self._pause(_POLL_SECONDS)
            run = self._looked_at(run["run_id"])
        return run

    def _looked_at(self, run_id: str) -> Answer:
        try:
            return self.show(run_id)
        except ServiceError as error:
            hint = f"The run may go on without this command: cloudact fleet show {run_id}"
            raise ServiceError(error.message, hint=hint, remote_code=error.remote_code) from error


def _run(run_id: str) -> str:
    return f"{_PATH}/runs/{quote(run_id, safe='')}"


def _plain(result: object) -> Answer:
    answer: Answer = to_jsonable_python(result)
    return answer
