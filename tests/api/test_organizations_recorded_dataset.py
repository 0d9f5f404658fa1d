"""An organization keeps the dataset that its profile names, wherever `config.yml` puts those of new organizations."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME
from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live
from tests.api.published import ACME_DATASET, ACME_STATUS, ACME_SYNC, ONBOARD
from tests.api.unaudited import only_audited


@pytest.fixture
def moved(onboarded: TestClient, files: CatalogFiles) -> TestClient:
    """The application with acme_corp onboarded, after another name and location were declared for datasets."""
    with files.config("organizations") as config:
        config.update(dataset="{org_slug}_live", location="EU")
    return onboarded


def test_status_is_synced_under_the_name_on_record(moved: TestClient) -> None:
    answer = moved.get(ACME_STATUS).json()
    assert (answer["status"], answer["dataset"], answer["conflicts"]) == ("SYNCED", ACME_DATASET, [])


def test_sync_has_nothing_to_do_and_creates_nothing(moved: TestClient, live: Live) -> None:
    with only_audited(live, "SYNC ORGANIZATION SUCCESS"):
        answer = moved.post(ACME_SYNC, json={"recreate_views": True}).json()
        assert (answer["status"], answer["dataset"]) == ("SUCCESS", ACME_DATASET)
        assert answer["message"] == "acme_corp_prod: nothing to change."


def test_a_new_key_comes_with_the_dataset_on_record(moved: TestClient, live: Live) -> None:
    schemas = live.schemas()
    answer = moved.post(ONBOARD, json={**ACME, "regenerate_api_key_if_exists": True}).json()
    assert (answer["dataset"], answer["dataset_created"], answer["conflicts"]) == (ACME_DATASET, False, [])
    assert live.schemas() == schemas


def test_a_deleted_dataset_is_made_anew_where_it_was(moved: TestClient, live: Live) -> None:
    made = live.dataset(ACME_DATASET)
    live.execute("DROP SCHEMA acme_corp_prod CASCADE")
    assert moved.post(ACME_SYNC).json()["dataset_created"] is True
    assert live.dataset(ACME_DATASET) == made


def test_a_new_organization_gets_what_is_declared_now(moved: TestClient, live: Live) -> None:
    assert moved.post(ONBOARD, json={**ACME, "org_slug": "globex"}).json()["dataset"] == "globex_live"
    made = live.dataset("globex_live")
    assert made is not None
    assert made.location == "EU"
    statement = "SELECT org_dataset_id, dataset_location FROM organizations.org_profiles ORDER BY org_slug"
    assert live.rows(statement) == [
        {"org_dataset_id": ACME_DATASET, "dataset_location": "US"},
        {"org_dataset_id": "globex_live", "dataset_location": "EU"},
    ]
