"""The commands users were given, run by bash and curl against the service as it is really started."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.acme import ROOT, ROOT_KEY
from tests.api.published import CENTRAL_TABLES, ORGANIZATION_TABLES, VIEWS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl"),
]

PUBLISHED_ADDRESS = "http://localhost:8000"
STARTS_WITHIN_ATTEMPTS = 600

# The complete commands, as they were given.
BOOTSTRAP_STATUS = r"""
curl -X GET "http://localhost:8000/api/v1/admin/bootstrap/status" \
  -H "X-CA-Root-Key: $CA_ROOT_API_KEY"
"""
ORGANIZATION_STATUS = r"""
curl -X GET "http://localhost:8000/api/v1/organizations/{org_slug}/status" \
  -H "X-CA-Root-Key: $CA_ROOT_API_KEY"
"""
BOOTSTRAP = r"""
curl -X POST "http://localhost:8000/api/v1/admin/bootstrap" \
  -H "X-CA-Root-Key: $CA_ROOT_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{}'
"""
ONBOARD = r"""
curl -X POST "http://localhost:8000/api/v1/organizations/onboard" \
  -H "X-CA-Root-Key: $CA_ROOT_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "org_slug": "acme_corp",
    "company_name": "Acme Corporation",
    "admin_email": "admin@acme.com",
    "subscription_plan": "STARTER",
    "default_currency": "USD",
    "default_timezone": "America/New_York"
  }'
"""
BOOTSTRAP_SYNC = r"""
curl -X POST "http://localhost:8000/api/v1/admin/bootstrap/sync" \
  -H "X-CA-Root-Key: $CA_ROOT_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{"sync_missing_tables": true, "sync_missing_columns": true}'
"""
ORGANIZATION_SYNC = r"""
curl -X POST "http://localhost:8000/api/v1/organizations/{org_slug}/sync" \
  -H "X-CA-Root-Key: $CA_ROOT_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{"sync_missing_tables": true, "sync_missing_columns": true, "recreate_views": true}'
"""

# What users were told to write into the catalog.
NEW_COLUMN = """{
  "name": "new_column",
  "type": "STRING",
  "mode": "NULLABLE",
  "description": "New column description"
}"""
NEW_TABLE = """tables:
  new_table:
    description: "New table description"
    partition:
      type: "DAY"
      field: "created_at"
    clustering: ["org_slug"]
"""
NEW_TABLE_SCHEMA = """[
  {"name": "org_slug", "type": "STRING", "mode": "REQUIRED", "description": "Organization that owns the row."},
  {"name": "created_at", "type": "TIMESTAMP", "mode": "REQUIRED", "description": "When the row was written."}
]"""


def spelled_out(call: str, body: str = "") -> str:
    """Return the complete command for one that was given as `curl POST /path -d body`."""
    method, path = call.split()
    data = f""" -H "Content-Type: application/json" -d '{body}'""" if body else ""
    return f'curl -X {method} "{PUBLISHED_ADDRESS}{path}" -H "X-CA-Root-Key: $CA_ROOT_API_KEY"{data}'


class Service:
    """`cloudact serve` in a directory with a catalog, with every setting but the key and the port left alone."""

    def __init__(self, directory: Path) -> None:
        self.catalog = Path(shutil.copytree(ROOT / "configs", directory / "configs")) / "setup"
        self._directory = directory
        self._environment = {"PATH": os.environ["PATH"], "CA_ROOT_API_KEY": ROOT_KEY}
        self._port = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the service, from when it answers until the end of the block."""
        self._port = _free_port()
        command = [sys.executable, "-m", "cloudact", "serve", "--port", str(self._port)]
        with (
            (self._directory / "service.log").open("ab") as log,
            subprocess.Popen(command, cwd=self._directory, env=self._environment, stderr=log) as process,
        ):
            try:
                self._wait_until_it_answers(process)
                yield
            finally:
                process.terminate()
                process.wait()

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        for _ in range(STARTS_WITHIN_ATTEMPTS):
            if self._curl('curl --fail "http://localhost:8000/healthz"').returncode == 0:
                return
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
                break
        pytest.fail((self._directory / "service.log").read_text())

    def run(self, command: str) -> dict[str, Any]:
        """Return what the service answers to a command, which is changed in nothing but address and slug."""
        done = self._curl(command.replace("{org_slug}", "acme_corp"))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def _curl(self, command: str) -> subprocess.CompletedProcess[str]:
        script = command.replace(PUBLISHED_ADDRESS, f"http://127.0.0.1:{self._port}")
        return subprocess.run(
            ["bash", "-c", script], env=self._environment, capture_output=True, text=True, check=False
        )

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Do something to the file while no service holds it."""
        with duckdb.connect(str(self._directory / "data" / "warehouse.duckdb")) as connection:
            return connection.execute(statement).fetchall()

    def declare_new_column(self) -> None:
        """Follow the first step of the workflow."""
        path = self.catalog / "bootstrap/schemas/org_profiles.json"
        path.write_text(f"{path.read_text().rstrip().removesuffix(']').rstrip()},\n   {NEW_COLUMN}\n]\n")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """The service, not yet started."""
    return Service(tmp_path)


@pytest.fixture
def onboarded(service: Service) -> Service:
    """The service, stopped after bootstrap and onboarding."""
    with service.running():
        service.run(BOOTSTRAP)
        service.run(ONBOARD)
    return service


def test_the_complete_commands_work_as_written(service: Service) -> None:
    with service.running():
        assert service.run(BOOTSTRAP_STATUS)["status"] == "NOT_BOOTSTRAPPED"
        assert service.run(BOOTSTRAP)["tables_created"] == CENTRAL_TABLES
        assert service.run(BOOTSTRAP_STATUS)["status"] == "SYNCED"
        assert service.run(ORGANIZATION_STATUS)["status"] == "NOT_FOUND"
        onboarded = service.run(ONBOARD)
        assert onboarded["api_key"].startswith("acme_corp_api_")
        assert (onboarded["tables_created"], onboarded["views_created"]) == (ORGANIZATION_TABLES, VIEWS)
        assert service.run(ORGANIZATION_STATUS)["status"] == "SYNCED"
        assert service.run(BOOTSTRAP_SYNC)["status"] == "SUCCESS"
        assert service.run(ORGANIZATION_SYNC)["status"] == "SUCCESS"
    assert service.execute("SELECT org_slug, company_name FROM organizations.org_profiles") == [
        ("acme_corp", "Acme Corporation")
    ]


def test_the_workflow_for_a_new_column_ends_in_sync(onboarded: Service) -> None:
    rows = onboarded.execute("FROM organizations.org_profiles")
    with onboarded.running():
        onboarded.declare_new_column()
        told = onboarded.run(spelled_out("GET /api/v1/admin/bootstrap/status"))
        assert told["status"] == "OUT_OF_SYNC"
        assert told["schema_diffs"]["org_profiles"]["missing_columns"] == ["new_column"]
        body = '{"sync_missing_tables": true, "sync_missing_columns": true}'
        synced = onboarded.run(spelled_out("POST /api/v1/admin/bootstrap/sync", body))
        assert synced["columns_added"] == {"org_profiles": ["new_column"]}
        assert onboarded.run(spelled_out("GET /api/v1/admin/bootstrap/status"))["status"] == "SYNCED"
    assert onboarded.execute("FROM organizations.org_profiles") == [(*row, None) for row in rows]


def test_adding_a_new_table_ends_in_sync(onboarded: Service) -> None:
    with onboarded.running():
        (onboarded.catalog / "bootstrap/schemas/new_table.json").write_text(NEW_TABLE_SCHEMA)
        config = onboarded.catalog / "bootstrap/config.yml"
        config.write_text(config.read_text().replace("\ntables:\n", f"\n{NEW_TABLE}", 1))
        synced = onboarded.run(spelled_out("POST /api/v1/admin/bootstrap/sync", '{"sync_missing_tables": true}'))
        assert synced["tables_created"] == ["new_table"]
        assert onboarded.run(BOOTSTRAP_STATUS)["status"] == "SYNCED"
    assert onboarded.execute("DESCRIBE organizations.new_table")[0][:3] == ("org_slug", "VARCHAR", "NO")


def test_a_deleted_dataset_is_made_anew(onboarded: Service) -> None:
    onboarded.execute("DROP SCHEMA acme_corp_prod CASCADE")
    with onboarded.running():
        told = onboarded.run(spelled_out("GET /api/v1/organizations/acme_corp/status"))
        assert told["status"] == "PROFILE_ONLY"
        body = '{"sync_missing_tables": true, "recreate_views": true}'
        synced = onboarded.run(spelled_out("POST /api/v1/organizations/acme_corp/sync", body))
        assert (synced["tables_created"], synced["views_created"]) == (ORGANIZATION_TABLES, VIEWS)
        told = onboarded.run(spelled_out("GET /api/v1/organizations/acme_corp/status"))
        assert told["status"] == "SYNCED"


def test_new_columns_are_added_without_data_loss(onboarded: Service) -> None:
    rows = onboarded.execute("FROM organizations.org_profiles")
    onboarded.declare_new_column()
    with onboarded.running():
        assert onboarded.run(spelled_out("GET /api/v1/admin/bootstrap/status"))["status"] == "OUT_OF_SYNC"
        synced = onboarded.run(spelled_out("POST /api/v1/admin/bootstrap/sync", '{"sync_missing_columns": true}'))
        assert synced["columns_added"] == {"org_profiles": ["new_column"]}
    assert onboarded.execute("FROM organizations.org_profiles") == [(*row, None) for row in rows]


def test_a_fresh_environment_is_set_up_and_its_troubles_are_explained(service: Service) -> None:
    least = '"org_slug": "acme", "company_name": "Acme", "admin_email": "admin@acme.com"'
    onboard = spelled_out("POST /api/v1/organizations/onboard", f"{{{least}}}")
    with service.running():
        assert service.run(onboard)["detail"] == "Organizations dataset does not exist"
        assert service.run(spelled_out("POST /api/v1/admin/bootstrap"))["total_tables"] == 20
        assert service.run(onboard)["dataset"] == "acme_prod"
        refused = service.run(onboard)
        assert (refused["status"], refused["detail"]) == (409, "Organization already exists: acme")
        again = f'{{{least}, "regenerate_api_key_if_exists": true}}'
        assert service.run(spelled_out("POST /api/v1/organizations/onboard", again))["already_existed"] is True
