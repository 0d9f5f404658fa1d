"""The same answers from this process, through a running service, and from the service itself."""

from __future__ import annotations

import json
import re
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudact.wiring import Services
from tests.acme import ACME, ROOT_KEY
from tests.api.catalog_files import CatalogFiles
from tests.api.published import (
    ACME_DATASET,
    ACME_STATUS,
    ACME_SYNC,
    BOOTSTRAP,
    BOOTSTRAP_STATUS,
    BOOTSTRAP_SYNC,
    DRYRUN,
    ONBOARD,
    ORGANIZATIONS,
)
from tests.cli.command_line import CommandLine, fields
from tests.reliability.world import declare_more

State = Callable[[CommandLine, CatalogFiles], None]
Answering = Callable[[int, bytes], str]

ASKED = {name: value for name, value in ACME.items() if name not in {"subscription_plan", "default_currency"}}


def empty(cli: CommandLine, files: CatalogFiles) -> None:
    """Nothing was done yet."""


def bootstrapped(cli: CommandLine, files: CatalogFiles) -> None:
    cli.bootstrap()


def onboarded(cli: CommandLine, files: CatalogFiles) -> None:
    cli.onboard()


def drifted(cli: CommandLine, files: CatalogFiles) -> None:
    """Tables, columns and views are missing, stale, in excess or in conflict."""
    cli.onboard()
    declare_more(files)
    with cli.warehouse() as live:
        live.execute(f"CREATE OR REPLACE VIEW {ACME_DATASET}.x_org_hierarchy AS SELECT 1 AS one")
        live.execute(f"CREATE TABLE {ACME_DATASET}.notes (text VARCHAR)")
        live.execute(f"DROP TABLE {ACME_DATASET}.subscription_plans")
        live.execute(f"CREATE VIEW {ACME_DATASET}.subscription_plans AS SELECT 1 AS one")


def deleted(cli: CommandLine, files: CatalogFiles) -> None:
    cli.onboard()
    with cli.warehouse() as live:
        live.execute(f"DROP SCHEMA {ACME_DATASET} CASCADE")


@dataclass(frozen=True)
class Scene:
    """A state, a command, and the call that asks the same of the service."""

    state: State
    words: list[str]
    call: tuple[str, str]
    body: dict[str, Any] | None = None
    exit_code: int = 0

    def __str__(self) -> str:
        return f"{self.state.__name__}: {' '.join(self.words[:3])}"


SYNC_ALL = {"sync_missing_tables": True, "sync_missing_columns": True, "recreate_views": True}
SYNC_TABLES = {"sync_missing_tables": True, "sync_missing_columns": False, "recreate_views": False}
ORG_DRYRUN, ORG_ONBOARD = (["org", command, "acme_corp", *fields()] for command in ("dryrun", "onboard"))
ORG_STATUS, ORG_SYNC = (["org", command, "acme_corp"] for command in ("status", "sync"))
SCENES = [
    *(Scene(state, ["bootstrap", "run"], ("POST", BOOTSTRAP), {}) for state in (empty, bootstrapped)),
    *(Scene(state, ["bootstrap", "status"], ("GET", BOOTSTRAP_STATUS)) for state in (empty, bootstrapped, drifted)),
    Scene(bootstrapped, ["bootstrap", "sync"], ("POST", BOOTSTRAP_SYNC), {}),
    Scene(drifted, ["bootstrap", "sync", "--recreate-views"], ("POST", BOOTSTRAP_SYNC), SYNC_ALL),
    Scene(drifted, ["bootstrap", "sync", "--no-columns"], ("POST", BOOTSTRAP_SYNC), SYNC_TABLES),
    *(Scene(state, ORG_DRYRUN, ("POST", DRYRUN), ASKED, exit_code=2) for state in (empty, onboarded)),
    Scene(bootstrapped, ORG_DRYRUN, ("POST", DRYRUN), ASKED),
    Scene(bootstrapped, ORG_ONBOARD, ("POST", ONBOARD), ASKED),
    *(
        Scene(
            state,
            [*ORG_ONBOARD, "--regenerate-api-key-if-exists"],
            ("POST", ONBOARD),
            {**ASKED, "regenerate_api_key_if_exists": True},
        )
        for state in (drifted, deleted)
    ),
    *(Scene(state, ORG_STATUS, ("GET", ACME_STATUS)) for state in (empty, bootstrapped, onboarded, drifted, deleted)),
    *(Scene(state, ORG_SYNC, ("POST", ACME_SYNC), {}) for state in (onboarded, drifted, deleted)),
    Scene(drifted, [*ORG_SYNC, "--recreate-views"], ("POST", ACME_SYNC), SYNC_ALL),
    *(Scene(state, ["org", "list"], ("GET", ORGANIZATIONS)) for state in (bootstrapped, onboarded)),
    Scene(
        onboarded,
        ["org", "list", "--search", "Nobody & co", "--plan", "SCALE", "--limit", "7", "--offset", "3"],
        ("GET", f"{ORGANIZATIONS}?search=Nobody%20%26%20co&subscription_plan=SCALE&limit=7&offset=3"),
    ),
]


@dataclass(frozen=True)
class Twin:
    """The service's file, made equal to the command line's before each question."""

    services: Services
    original: Path
    copy: Path

    def renew(self) -> None:
        """Forget what the service did."""
        self.services.close()
        self.copy.parent.mkdir(exist_ok=True)
        self.copy.unlink(missing_ok=True)
        if self.original.exists():
            shutil.copy(self.original, self.copy)


@pytest.fixture
def twin(services: Services, cli: CommandLine, database: Path) -> Twin:
    """The service's file, beside the command line's."""
    return Twin(services, original=cli.database, copy=database)


@pytest.fixture
def at_service(service_url: str) -> dict[str, str]:
    """The settings that send a command to the service."""
    return {"CA_API_URL": service_url, "CA_ROOT_API_KEY": ROOT_KEY}


def without_key(text: str) -> str:
    """What was printed, but for the key, which is another every time."""
    return re.sub(r"acme_corp_api_[\w-]+", "KEY", text)


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_every_answer_is_the_services_to_the_letter(
    cli: CommandLine,
    files: CatalogFiles,
    twin: Twin,
    client: TestClient,
    at_service: dict[str, str],
    scene: Scene,
) -> None:
    scene.state(cli, files)
    twin.renew()
    remote = cli.run(*scene.words, "--json", **at_service)
    twin.renew()
    answer = client.request(*scene.call, json=scene.body)
    local = cli.run(*scene.words, "--json")
    assert (local.exit_code, remote.exit_code, answer.is_success) == (scene.exit_code, scene.exit_code, True)
    assert (local.stderr, remote.stderr) == ("", "")
    assert without_key(local.stdout) == without_key(remote.stdout)
    assert without_key(local.stdout) == without_key(_printed(answer.json()))


def _printed(answer: dict[str, Any]) -> str:
    return f"{json.dumps(answer, indent=2, ensure_ascii=False)}\n"


REFUSED = [
    (empty, ORG_ONBOARD, 5),
    (onboarded, ORG_ONBOARD, 5),
    (bootstrapped, ORG_SYNC, 5),
    (bootstrapped, ["org", "status", "A"], 3),
    (bootstrapped, [*ORG_ONBOARD, "--plan", "NONE"], 3),
]


@pytest.mark.parametrize(("state", "words", "exit_code"), REFUSED)
def test_a_refusal_is_the_services_code_detail_and_hint(
    cli: CommandLine,
    files: CatalogFiles,
    twin: Twin,
    at_service: dict[str, str],
    state: State,
    words: list[str],
    exit_code: int,
) -> None:
    state(cli, files)
    twin.renew()
    local_exit, local = cli.refusal(*words)
    _, remote = cli.refusal(*words, **at_service)
    assert (local_exit, local) == (exit_code, remote)


# Services that say no, or are none


def test_a_key_the_service_does_not_know_is_told_with_the_services_code(cli: CommandLine, service_url: str) -> None:
    code, problem = cli.refusal("bootstrap", "run", CA_API_URL=service_url, CA_ROOT_API_KEY="another")
    assert (code, problem["code"]) == (6, "unauthenticated")


def test_no_key_at_all_is_told_with_the_services_code(cli: CommandLine, service_url: str) -> None:
    code, problem = cli.refusal("bootstrap", "run", CA_API_URL=service_url)
    assert (code, problem["code"]) == (6, "unauthenticated")


def test_with_a_service_no_file_is_opened_here(cli: CommandLine, at_service: dict[str, str]) -> None:
    cli.succeed("bootstrap", "run", **at_service)
    assert not cli.database.exists()


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_address_may_end_with_a_slash(cli: CommandLine, at_service: dict[str, str], slash: str) -> None:
    address = at_service["CA_API_URL"] + slash
    assert "SUCCESS" in cli.succeed("bootstrap", "run", **{**at_service, "CA_API_URL": address})


def test_no_service_at_the_address_is_told_with_the_setting(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "http://{}:{}".format(*taken.getsockname())
    code, problem = cli.refusal("bootstrap", "status", CA_API_URL=address)
    assert (code, problem["code"]) == (6, "service_error")
    assert address in problem["detail"]
    assert "CA_API_URL" in problem["hint"]


@pytest.mark.parametrize("address", ["http://[::1", "http://localhost:port"])
def test_what_is_no_address_is_a_wrong_setting(cli: CommandLine, address: str) -> None:
    code, problem = cli.refusal("bootstrap", "status", CA_API_URL=address)
    assert (code, problem["code"]) == (3, "configuration_invalid")
    assert "CA_API_URL" in problem["detail"]


@pytest.mark.parametrize("address", ["nonsense", "ftp://localhost", "localhost:8000"])
def test_an_address_that_is_not_of_http_is_told_with_the_setting(cli: CommandLine, address: str) -> None:
    code, problem = cli.refusal("bootstrap", "status", CA_API_URL=address)
    assert (code, problem["code"]) == (6, "service_error")
    assert "CA_API_URL" in problem["hint"]


NOT_OURS = [b"", b"null", b"[]", b'"hello"', b'{"a": 1}', b'{"message": "Welcome"}', b'{"organizations": 5}', b"<html>"]


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize("body", NOT_OURS, ids=bytes.decode)
def test_an_answer_that_is_not_the_services_is_an_error_with_a_hint(
    cli: CommandLine, answering: Answering, body: bytes, as_json: list[str]
) -> None:
    done = cli.run("bootstrap", "status", *as_json, CA_API_URL=answering(200, body))
    assert (done.exit_code, done.stdout) == (6, "")
    assert "CA_API_URL" in done.stderr


@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b'{"detail": "Bad Gateway"}', b"{}"], ids=bytes.decode)
def test_a_gateway_that_fails_is_an_error_that_says_what_it_said(
    cli: CommandLine, answering: Answering, body: bytes
) -> None:
    code, problem = cli.refusal("bootstrap", "status", CA_API_URL=answering(502, body))
    assert (code, problem["code"]) == (6, "service_error")
    assert re.search("Bad Gateway|502|not JSON", problem["detail"])
