"""Killed at any write of an onboarding, the repeat of the request under its idempotency key finishes it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.settings import Settings
from cloudact.tenancy.audit.verification import ChainStatus
from cloudact.wiring import Services, build_services
from tests.acme import ACME, ROOT, ROOT_HEADERS, ROOT_KEY
from tests.api.catalog_files import CatalogFiles
from tests.reliability.doomed import IDEMPOTENT, ONBOARD_PATH, Death, Instant, carry_out, dies
from tests.reliability.world import ONE_OF_EACH, World

LEASE_SECONDS = 0.1


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Services, TestClient]]:
    """The service over a warehouse file."""
    services = build_services(settings)
    with TestClient(create_app(services, SecretStr(ROOT_KEY)), headers=ROOT_HEADERS) as client:
        yield services, client


def onboard(client: TestClient) -> dict[str, Any]:
    """Send the request, as often as the service says that it is being worked on."""
    while True:
        answer = client.post(ONBOARD_PATH, json=ACME, headers=IDEMPOTENT)
        if answer.status_code != 409:
            assert answer.status_code == 201, answer.text
            return dict(answer.json())
        assert answer.json()["code"] == "idempotency_key_in_use"
        assert int(answer.headers["Retry-After"]) >= 1
        time.sleep(LEASE_SECONDS / 4)


@pytest.fixture
def beginning(tmp_path: Path, sealing_key: Path) -> Settings:
    """Settings of a service over a bootstrapped file, whose organizations have few tables."""
    root = Path(shutil.copytree(ROOT / "configs", tmp_path / "configs"))
    files = CatalogFiles(root)
    with files.config("organizations") as config:
        config["tables"] = dict(list(config["tables"].items())[:2])
        config["views"] = {name: view for name, view in config["views"].items() if name == "x_org_hierarchy"}
    for kind, kept in (("schemas", config["tables"]), ("views", config["views"])):
        for path in files.path(f"organizations/{kind}").iterdir():
            if path.stem not in kept:
                path.unlink()
    settings = Settings(
        root_api_key=SecretStr(ROOT_KEY),
        warehouse_url=f"duckdb:///{tmp_path / 'beginning.duckdb'}",
        config_dir=root,
        log_level="ERROR",
        idempotency_lease_seconds=LEASE_SECONDS,
    )
    with closing(build_services(settings)) as services:
        services.bootstrap.run()
    return settings


@pytest.mark.parametrize("instant", [Instant.CALL, Instant.COMMITTING, Instant.COMMITTED])
def test_one_organization_one_key_and_a_complete_dataset(beginning: Settings, tmp_path: Path, instant: Instant) -> None:
    deaths = 0
    for number in count(1):
        file = tmp_path / f"{number}.duckdb"
        shutil.copy(tmp_path / "beginning.duckdb", file)
        settings = beginning.model_copy(update={"warehouse_url": f"duckdb:///{file}"})
        died = dies(settings, partial(carry_out, "onboarding over HTTP"), Death(instant, number))
        deaths += died
        with opened(settings) as (services, client):
            answer = onboard(client)
            assert onboard(client) == answer
            world = World(services, CatalogFiles(settings.config_dir))
            world.assert_whole(answer["api_key"])
            assert world.own_rows() == ONE_OF_EACH
            assert services.verifier.verify().status is ChainStatus.INTACT
            rows = world.live.rows(
                "SELECT status FROM organizations.org_audit_logs WHERE resource_type = 'ORGANIZATION'"
            )
            assert [row["status"] for row in rows] == ["SUCCESS"]
            keys = world.live.rows("SELECT status FROM organizations.org_idempotency_keys")
            assert [row["status"] for row in keys] == ["COMPLETED"]
        file.unlink()
        if not died:
            break
    assert deaths >= 3
