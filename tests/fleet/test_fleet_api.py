"""The fleet over HTTP: a run goes on after its answer, can be followed, and ends in good order with the service."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import httpx2
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.api.fleet import events
from cloudact.errors import WarehouseRefused
from tests.acme import ROOT_HEADERS, ROOT_KEY
from tests.api.served import served
from tests.fleet.fleets import TWELVE, Fleet, opened, with_faults

PATH = "/api/v1/admin/fleet"


class Gate:
    """Holds organizations back until it is opened, and refuses some."""

    def __init__(self, *refused: str) -> None:
        self.open, self.reached = threading.Event(), threading.Event()
        self.refused = refused

    def __call__(self, slug: str) -> None:
        self.reached.set()
        assert self.open.wait(30)
        if slug in self.refused:
            raise WarehouseRefused("no")


@pytest.fixture
def gate() -> Gate:
    """What the organizations of the run wait for."""
    return Gate("org_02")


@pytest.fixture
def client(small: Fleet, gate: Gate) -> Iterator[TestClient]:
    """The application over the twelve, everybody of whom lacks a column."""
    small.declare()
    services = replace(small.services, fleet_sync=replace(with_faults(small, gate), beat_seconds=0.0))
    with TestClient(create_app(services, SecretStr(ROOT_KEY)), headers=ROOT_HEADERS) as made:
        yield made
        gate.open.set()


def ended(client: TestClient, location: str) -> dict[str, object]:
    """The account of a run, read as it is followed to its end."""
    lines = client.get(f"{location}/events").text.strip().split("\n\n")
    name, data = lines[-1].split("\n")
    assert name == "event: end"
    account: dict[str, object] = json.loads(data.removeprefix("data: "))
    return account


def test_status_and_plan(client: TestClient) -> None:
    assert client.get(f"{PATH}/status").json()["sync_status"] == {"OUT_OF_SYNC": 12}
    plan = client.post(f"{PATH}/plan", json={"waves": ["25%"]}).json()
    assert [wave["organizations"] for wave in plan["waves"]] == [3, 9]
    assert client.post(f"{PATH}/plan").json()["needed"] == 12
    refused = client.post(f"{PATH}/plan", json={"waves": ["some"], "workers": 99})
    assert (refused.status_code, [item["field"] for item in refused.json()["errors"]]) == (422, ["waves", "workers"])


def test_a_run_is_answered_before_it_has_ended(
    client: TestClient, gate: Gate, small: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "POLL_SECONDS", 0.02)
    key = {"Idempotency-Key": "one sync"}
    answer = client.post(f"{PATH}/sync", json={"max_failures": "100%"}, headers=key)
    assert (answer.status_code, answer.json()["state"], answer.json()["status"]) == (202, "RUNNING", "RUNNING")
    location = answer.headers["Location"]
    assert client.get(location).json()["run_id"] == answer.json()["run_id"]
    again = client.post(f"{PATH}/sync", json={"max_failures": "100%"}, headers=key)
    assert (again.json(), again.headers["Location"]) == (answer.json(), location)
    busy = client.post(f"{PATH}/sync")
    assert (busy.status_code, busy.json()["code"]) == (409, "fleet_busy")
    gate.open.set()
    account = ended(client, location)
    assert (account["state"], account["synced"], account["failed"]) == ("FAILED", 11, 1)
    assert client.get(location).json()["failures"] == account["failures"]
    assert small.in_step() == set(TWELVE) - {"org_02"}
    gate.refused = ()
    retried = client.post(f"{location}/retry")
    assert retried.status_code == 202
    assert ended(client, retried.headers["Location"])["synced"] == 1
    resumed = client.post(f"{location}/resume")
    assert ended(client, resumed.headers["Location"])["needed"] == 0
    page = client.get(f"{PATH}/runs", params={"limit": 2}).json()
    assert (page["total"], [run["continues"] for run in page["runs"]]) == (3, [answer.json()["run_id"]] * 2)


def test_aborted_it_finishes_what_it_is_at(client: TestClient, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "POLL_SECONDS", 0.02)
    location = client.post(f"{PATH}/sync", json={"workers": 2}).headers["Location"]
    assert gate.reached.wait(30)
    aborted = client.post(f"{location}/abort")
    assert (aborted.status_code, aborted.json()["state"]) == (200, "CANCELLED")
    assert client.post(f"{location}/abort").status_code == 409
    gate.open.set()
    assert ended(client, location)["state"] == "CANCELLED"


def test_a_plan_is_applied_and_nothing_beside_it(client: TestClient, gate: Gate, small: Fleet) -> None:
    gate.refused = ()
    gate.open.set()
    plan = client.post(f"{PATH}/plan").json()["plan_hash"]
    beside = client.post(f"{PATH}/sync", json={"plan_hash": plan, "workers": 2})
    assert (beside.status_code, beside.json()["errors"][0]["field"]) == (422, "workers")
    small.files.add_column("organizations", "genai_payg_pricing", "x_other")
    stale = client.post(f"{PATH}/sync", json={"plan_hash": plan})
    assert (stale.status_code, stale.json()["code"]) == (409, "fleet_plan_stale")
    assert client.post(f"{PATH}/sync", json={"plan_hash": "none"}).json()["code"] == "fleet_plan_not_found"


def test_unknown_runs_are_not_found(client: TestClient) -> None:
    for path in ("", "/events"):
        assert client.get(f"{PATH}/runs/nobody{path}").json()["code"] == "fleet_run_not_found"
    for verb in ("abort", "resume", "retry"):
        assert client.post(f"{PATH}/runs/nobody/{verb}").status_code == 404


def test_the_end_of_the_service_ends_a_run_that_can_be_resumed(small: Fleet, gate: Gate) -> None:
    small.declare()
    services = replace(small.services, fleet_sync=with_faults(small, gate))
    with served(create_app(services, SecretStr(ROOT_KEY))) as url:
        run = httpx2.post(f"{url}{PATH}/sync", json={"workers": 1}, headers=ROOT_HEADERS).json()
        assert gate.reached.wait(30)
        threading.Timer(0.2, gate.open.set).start()
    after = opened(small.files.root.parent)
    try:
        shown = after.services.fleet_runs.show(run["run_id"])
        assert (str(shown.state), shown.synced + shown.failed, shown.lease_until) == ("CANCELLED", 1, "")
        assert shown.message.endswith("cancelled: the service stopped")
        assert after.again(run["run_id"]).status == "SUCCESS"
    finally:
        after.services.close()
