"""schemathesis over the whole OpenAPI document: every answer is one that the document describes, and none is a 5xx."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.settings import Settings
from cloudact.tenancy.access.scopes import Scope
from cloudact.wiring import build_services
from tests.acme import ACME, ROOT_HEADERS, ROOT_KEY
from tests.api.documented import operations
from tests.api.served import served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
CONFIG = Path(__file__).with_name("schemathesis.toml")
ENTITIES = (
    {"entity_type": "DEPARTMENT", "entity_id": "DEPT-001", "entity_name": "Engineering"},
    {"entity_type": "PROJECT", "entity_id": "PROJ-001", "entity_name": "Platform", "parent_id": "DEPT-001"},
    # Nobody removes an entity that has another one below it.
    {"entity_type": "TEAM", "entity_id": "TEAM-001", "entity_name": "Data", "parent_id": "PROJ-001"},
)

CHANNEL = {"channel_type": "SLACK", "name": "FinOps", "slack_webhook_url": "https://hooks.example.com/x"}


@dataclass(frozen=True)
class Service:
    """The real application over a warehouse in memory, with one organization."""

    url: str
    api_key: str
    key_id: str
    channel_id: str

    def asked_by_schemathesis(
        self, folder: Path, scheme: str, key: str, options: Sequence[str]
    ) -> subprocess.CompletedProcess[str]:
        """What came of asking it everything that the document allows, and what it does not."""
        config = folder / "schemathesis.toml"
        config.write_text(f'{CONFIG.read_text()}\n[auth.openapi.{scheme}]\napi_key = "${{CONFORMANCE_KEY}}"\n')
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", "--no-color"]
        environment = {
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.conformance.hooks",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "CONFORMANCE_KEY": key,
            "CONFORMANCE_KEY_ID": self.key_id,
            "CONFORMANCE_CHANNEL_ID": self.channel_id,
            "CONFORMANCE_ROOT_KEY": ROOT_KEY,
        }
        return subprocess.run(
            [*command, *options, f"{self.url}/openapi.json"],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def service(config_dir: Path, own_sealing_key: Path) -> Iterator[Service]:
    """The service, bootstrapped."""
    services = build_services(Settings(warehouse_url="duckdb:///:memory:", config_dir=config_dir))
    with (
        served(create_app(services, SecretStr(ROOT_KEY))) as url,
        httpx2.Client(base_url=url, headers=ROOT_HEADERS, timeout=60) as client,
    ):
        client.post("/api/v1/admin/bootstrap", json={}).raise_for_status()
        client.post("/api/v1/organizations/onboard", json=ACME).raise_for_status()
        organization = "/api/v1/organizations/acme_corp"
        for entity in ENTITIES:
            client.post(f"{organization}/hierarchy/entities", json=entity).raise_for_status()
        made = client.post(f"{organization}/keys", json={"scopes": list(Scope)}).raise_for_status().json()
        channel = client.post(f"{organization}/notifications/channels", json=CHANNEL).raise_for_status().json()
        yield Service(url, made["api_key"], made["key"]["key_id"], channel["channel_id"])


@dataclass(frozen=True)
class Run:
    """Whose key schemathesis has, how many operations it has to use with success, and what it is about."""

    scheme: str
    used: int
    paths: str = "^/"
    phases: str = "examples,coverage,fuzzing,stateful"

    def key(self, service: Service) -> str:
        """The key itself."""
        return {"RootKey": ROOT_KEY, "OrganizationKey": service.api_key}[self.scheme]

    @property
    def options(self) -> list[str]:
        """What schemathesis is told beside its configuration."""
        return ["--include-path-regex", self.paths, "--phases", self.phases]


# The root key opens everything, and every value of every field is tried with it. What is an organization's own is asked
# again with its key; that each field is validated alike does not depend on whose key it is, and that such a key opens
# nothing else is the matter of tests/api/test_isolation.py.
RUNS = (
    Run("RootKey", used=50),
    Run("OrganizationKey", used=25, paths=r"^/api/v1/organizations/\{org_slug\}", phases="examples,fuzzing,stateful"),
)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.scheme)
def test_every_answer_is_as_the_document_says(service: Service, tmp_path: Path, run: Run) -> None:
    done = service.asked_by_schemathesis(tmp_path, run.scheme, run.key(service), run.options)
    assert done.returncode == 0, done.stdout + done.stderr
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested
    assert int(tested[1]) == sum(bool(re.search(run.paths, operation.path)) for operation in operations())
    answers = (tmp_path / "answers.txt").read_text().splitlines()
    assert [answer for answer in answers if answer.startswith("5")] == []
    # Not only refusals are looked at.
    assert len({answer for answer in answers if answer.startswith("2")}) >= run.used
