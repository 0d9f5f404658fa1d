"""The published flow over HTTP where statements are really executed: local-bigquery, behind the strict gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.wiring import Services, build_services
from tests.acme import ACME, ROOT_HEADERS, ROOT_KEY
from tests.api.catalog_files import CatalogFiles
from tests.bigquery.world import DATASET, settings_for
from tests.contract.bigquery import BigQueryHand
from tests.local_bigquery.fixtures import Service, local_bigquery, local_bigquery_process

__all__ = ["local_bigquery", "local_bigquery_process"]
pytestmark = pytest.mark.slow
ORGANIZATION = "/api/v1/organizations/acme_corp"


@pytest.fixture
def services(local_bigquery: Service, config_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """The use cases over the emulator's empty project."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", local_bigquery.url)
    built = build_services(settings_for(local_bigquery.project, config_dir))
    yield built
    built.close()


def answer(response: Any) -> dict[str, Any]:
    assert response.is_success, response.text
    found: dict[str, Any] = response.json()
    return found


def test_the_whole_flow(services: Services, local_bigquery: Service, files: CatalogFiles) -> None:
    client = local_bigquery.client("EU")
    with TestClient(create_app(services, SecretStr(ROOT_KEY)), headers=ROOT_HEADERS) as http:
        assert answer(http.get("/api/v1/admin/bootstrap/status"))["status"] == "NOT_BOOTSTRAPPED"
        assert len(answer(http.post("/api/v1/admin/bootstrap", json={}))["tables_created"]) == 20
        onboarding = answer(http.post("/api/v1/organizations/onboard", json=ACME))
        assert (len(onboarding["tables_created"]), len(onboarding["views_created"])) == (19, 4)
        assert answer(http.get(f"{ORGANIZATION}/status"))["status"] == "SYNCED"
        assert http.post("/api/v1/organizations/onboard", json=ACME).status_code == 409

        client.query_and_wait(
            "INSERT INTO organizations.org_notification_history"
            " (org_slug, notification_id, channel_id, notification_type, priority, subject, status, created_at)"
            " VALUES ('acme_corp', 'n1', 'c1', 'alert', 'high', 'Budget', 'sent', CURRENT_TIMESTAMP()),"
            " ('somebody_else', 'n2', 'c1', 'alert', 'high', 'Budget', 'sent', CURRENT_TIMESTAMP())"
        )
        stats = list(client.query_and_wait(f"SELECT org_slug, notification_count FROM {DATASET}.x_notification_stats"))
        assert [tuple(row.values()) for row in stats] == [("acme_corp", 1)]

        files.add_column("organizations", "subscription_plans", "new_column", type="STRING")
        drifted = answer(http.get(f"{ORGANIZATION}/status"))
        assert drifted["schema_diffs"]["subscription_plans"]["missing_columns"] == ["new_column"]
        synced = answer(http.post(f"{ORGANIZATION}/sync", json={}))
        assert synced["columns_added"] == {"subscription_plans": ["new_column"]}

        BigQueryHand(client).drop_dataset(DATASET)
        assert answer(http.get(f"{ORGANIZATION}/status"))["status"] == "PROFILE_ONLY"
        assert answer(http.post(f"{ORGANIZATION}/sync", json={"recreate_views": True}))["dataset_created"]
        assert answer(http.get(f"{ORGANIZATION}/status"))["status"] == "SYNCED"
