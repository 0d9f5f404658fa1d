"""A warehouse that cannot be read says nothing about what exists: 503, and the same answers again once it is mended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from cloudact.wiring import Services
from tests.acme import ACME
from tests.api.documented import Operation, operations
from tests.api.published import ACME_STATUS, BOOTSTRAP_STATUS, DOCTOR

HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
PIPELINES = "/api/v1/admin/pipelines"
OF_ORGANIZATION = "/api/v1/organizations/{org_slug}/pipelines/run"
# The first three are answered without the warehouse; to the others what is wrong with it is the answer.
ANSWERING = {"/healthz", "/metrics", PIPELINES, DOCTOR, f"{PIPELINES}/run", OF_ORGANIZATION}
HIERARCHY = "entity_type,entity_id,entity_name,parent_id\nDEPARTMENT,D1,One,\n"
NEEDING = [operation for operation in operations() if operation.path not in ANSWERING]


@contextmanager
def _garbage(database: Path) -> Iterator[None]:
    content = database.read_bytes()
    database.write_bytes(b"no database at all" * 1000)
    yield
    database.write_bytes(content)


@contextmanager
def _cut_after_its_headers(database: Path) -> Iterator[None]:
    content = database.read_bytes()
    database.write_bytes(content[: 3 * 4096])
    yield
    database.write_bytes(content)


@contextmanager
def _folder_instead(database: Path) -> Iterator[None]:
    aside = database.rename(database.with_suffix(".aside"))
    database.mkdir()
    yield
    database.rmdir()
    aside.rename(database)


@contextmanager
def _file_instead_of_its_folder(database: Path) -> Iterator[None]:
    aside = database.parent.rename(database.parent.with_suffix(".aside"))
    database.parent.write_text("not a folder")
    yield
    database.parent.unlink()
    aside.rename(database.parent)


@contextmanager
def _held_by_another_process(database: Path) -> Iterator[None]:
    command = [sys.executable, "-c", HOLD, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.communicate()


OBSTACLES = [_garbage, _cut_after_its_headers, _folder_instead, _file_instead_of_its_folder, _held_by_another_process]
Obstacle = Callable[[Path], object]


@pytest.fixture(params=OBSTACLES, ids=lambda obstacle: obstacle.__name__.strip("_").replace("_", " "))
def unreadable(
    request: pytest.FixtureRequest, client: TestClient, acme_key: str, services: Services, database: Path
) -> Iterator[TestClient]:
    """The application with acme_corp onboarded, over a file that it can no longer open."""
    services.close()
    with request.param(database):
        yield client
        services.close()
    assert client.get(BOOTSTRAP_STATUS).json()["status"] == "SYNCED"
    assert client.get(ACME_STATUS).json()["status"] == "SYNCED"


def content_for(operation: Operation) -> dict[str, object]:
    """What a request has to bring so that nothing but the warehouse stands in its way."""
    sent: dict[str, object] = {"headers": {"If-Match": "*"}}
    if "text/csv" in operation.spec.get("requestBody", {}).get("content", {}):
        sent = {"headers": {"If-Match": "*", "Content-Type": "text/csv"}, "content": HIERARCHY}
    elif operation.body:
        new = {**ACME, "org_slug": "globex"}
        sent["json"] = new if "org_slug" in operation.body["properties"] else operation.body["examples"][0]
    return sent


def test_every_operation_is_unavailable_and_never_says_that_something_does_not_exist(unreadable: TestClient) -> None:
    for operation in NEEDING:
        answer = unreadable.request(operation.method, operation.url(), **content_for(operation))
        assert answer.status_code == 503, str(operation)
        assert answer.json()["code"] == "warehouse_unavailable"
        assert int(answer.headers["Retry-After"]) > 0
        assert "does not exist" not in answer.text, str(operation)
        assert not any(word in answer.text for word in ("NOT_FOUND", "NOT_BOOTSTRAPPED", "PROFILE_ONLY")), str(
            operation
        )


def test_a_key_that_cannot_be_looked_up_is_not_called_wrong_and_its_sender_learns_of_no_file(
    unreadable: TestClient, acme_key: str, database: Path
) -> None:
    for key in (acme_key, "junk"):
        answer = unreadable.get(ACME_STATUS, headers={"X-API-Key": key, "X-CA-Root-Key": ""})
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        assert database.name not in answer.text


def test_what_is_wrong_and_what_to_do_is_said_and_nothing_of_datasets(unreadable: TestClient, database: Path) -> None:
    problem = unreadable.get(BOOTSTRAP_STATUS).json()
    assert str(database) in problem["detail"]
    assert problem["hint"]
    answer = unreadable.get(DOCTOR)
    assert (answer.status_code, answer.json()["status"]) == (200, "UNHEALTHY")
    (examined,) = (item for item in answer.json()["examinations"] if item["name"] == "database")
    assert not examined["passed"]
    assert examined["fix"]
    assert "central_dataset" not in {item["name"] for item in answer.json()["examinations"]}


def test_a_pipeline_fails_in_the_step_that_needs_it_and_may_be_run_again(unreadable: TestClient) -> None:
    wanted = {"pipeline": "setup/bootstrap_system.yml", "tenant_id": "system", "dry_run": True}
    (of_organization,) = (operation for operation in operations() if operation.path == OF_ORGANIZATION)
    for answer in (
        unreadable.post(f"{PIPELINES}/run", json=wanted),
        unreadable.post(of_organization.url(), **content_for(of_organization)),
    ):
        assert answer.status_code == 200
        run = answer.json()
        assert run["state"] == "FAILED"
        assert {step["failure"]["error_type"] for step in run["steps"]} == {"TRANSIENT"}
