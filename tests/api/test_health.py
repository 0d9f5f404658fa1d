"""`/healthz` tells that the process is up; `/readyz` that it can do its work."""

from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient

from cloudact import __version__
from tests.api.catalog_files import CatalogFiles


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


def test_a_bad_catalog_is_up_but_not_ready_until_it_is_mended(client: TestClient, files: CatalogFiles) -> None:
    contents = files.contents()
    files.set_column("bootstrap", "org_profiles", "org_slug", type="TEXT")
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (500, "catalog_invalid")
    files.restore(contents)
    assert client.get("/readyz").status_code == 200
