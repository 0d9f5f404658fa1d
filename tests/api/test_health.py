"""`/healthz` tells that the process is up; `/readyz` that it can do its work."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from cloudact import __version__
from cloudact.api.operability.readiness import Readiness
from cloudact.wiring import Services
from tests.acme import ROOT_HEADERS
from tests.api.catalog_files import CatalogFiles
from tests.api.published import ACME_STATUS, BOOTSTRAP_STATUS


def test_a_healthy_process_says_so_with_its_version(client: TestClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "version": __version__})


def test_a_ready_process_says_so_with_its_version(client: TestClient) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "version": __version__})


def test_ready_does_not_wait_for_bootstrap_or_make_anything_up(client: TestClient, database: Path) -> None:
    assert client.get("/readyz").status_code == 200
    assert client.get("/api/v1/admin/bootstrap/status").json()["status"] == "NOT_BOOTSTRAPPED"


def test_health_does_not_touch_the_warehouse(client: TestClient, database: Path) -> None:
    assert client.get("/healthz").status_code == 200
    assert not database.exists()


def test_a_warehouse_that_cannot_be_read_is_up_but_not_ready(client: TestClient, database: Path) -> None:
    database.parent.mkdir()
    database.write_bytes(b"no database at all")
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "warehouse_unavailable")


def bad_column(files: CatalogFiles) -> None:
    files.set_column("bootstrap", "org_profiles", "org_slug", type="TEXT")


def bad_plans(files: CatalogFiles) -> None:
    (files.root / "plans.yml").write_text("plans: {STARTER: {daily_limit: many}}")


bad_catalogs = pytest.mark.parametrize("spoil", [bad_column, bad_plans])


@bad_catalogs
def test_a_bad_catalog_is_up_but_not_ready_until_it_is_mended(
    client: TestClient, files: CatalogFiles, spoil: Callable[[CatalogFiles], None]
) -> None:
    contents = files.contents()
    spoil(files)
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    files.restore(contents)
    assert client.get("/readyz").status_code == 200


@bad_catalogs
@pytest.mark.parametrize(
    ("path", "headers"),
    [("/readyz", {}), (ACME_STATUS, {"X-API-Key": "nobody's"}), ("/readyz", ROOT_HEADERS)],
    ids=["no key", "unrecognized key", "administrator"],
)
def test_what_is_wrong_with_the_catalog_is_not_told_where_anybody_may_ask(
    bootstrapped: TestClient,
    files: CatalogFiles,
    spoil: Callable[[CatalogFiles], None],
    path: str,
    headers: dict[str, str],
) -> None:
    spoil(files)
    del bootstrapped.headers["X-CA-Root-Key"]
    answer = bootstrapped.get(path, headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (503, "not_ready")
    assert problem["detail"] == "The catalog is not valid"
    assert "catalog lint" in problem["hint"]
    assert not problem.get("errors")
    assert all(name not in answer.text for name in ("org_profiles", "plans.yml", str(files.root)))


@bad_catalogs
def test_an_organizations_own_key_is_not_told_either(
    bootstrapped: TestClient, acme_key: str, files: CatalogFiles, spoil: Callable[[CatalogFiles], None]
) -> None:
    spoil(files)
    answer = bootstrapped.get(ACME_STATUS, headers={"X-API-Key": acme_key, "X-CA-Root-Key": ""})
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert not answer.json().get("errors")


def test_the_administrator_is_told_on_an_administrators_route(client: TestClient, files: CatalogFiles) -> None:
    bad_column(files)
    bad_plans(files)
    answer = client.get(BOOTSTRAP_STATUS)
    assert (answer.status_code, answer.json()["code"]) == (500, "catalog_invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [
        "plans.yml:1:plans.STARTER.daily_limit",
        "setup/bootstrap/schemas/org_profiles.json:org_slug.type",
    ]


def test_why_it_is_not_ready_is_in_the_log(client: TestClient, files: CatalogFiles, log: Callable[[], str]) -> None:
    bad_plans(files)
    client.get("/readyz")
    assert "plans.STARTER.daily_limit" in log()


def test_however_many_ask_whether_it_is_ready_one_looks(services: Services) -> None:
    asked, go_on = threading.Semaphore(0), threading.Event()

    def ping() -> None:
        asked.release()
        assert go_on.wait(20)

    readiness = Readiness(dataclasses.replace(services, ping=ping))

    async def ask() -> list[None]:
        probes = [asyncio.create_task(readiness.check()) for _ in range(100)]
        await asyncio.to_thread(asked.acquire)
        probes.pop(0).cancel()  # the one that began to look
        go_on.set()
        return await asyncio.gather(*probes)

    assert asyncio.run(ask()) == [None] * 99
    assert not asked.acquire(blocking=False)
    asyncio.run(readiness.check())
    assert asked.acquire(blocking=False)  # and looks anew when it is asked again
