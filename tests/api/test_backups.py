"""`/api/v1/admin/backups`: copies beside datasets, listed, and restored under new names only."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudact.catalog.model import Dataset
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import BOOTSTRAP
from cloudact.warehouse.driver import Session
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.acme import ACME
from tests.api.live import Live
from tests.api.published import ACME_DATASET, BOOTSTRAP_STATUS, CENTRAL, ORGANIZATIONS

BACKUPS = "/api/v1/admin/backups"


@pytest.fixture
def backup(onboarded: TestClient, live: Live) -> dict[str, Any]:
    """A backup of two of the organization's tables, with rows."""
    live.fill(ACME_DATASET, rows=2)
    body = {"dataset": ACME_DATASET, "tables": ["subscription_plans", "genai_payg_pricing"], "reason": "Before all"}
    answer = onboarded.post(BACKUPS, json=body)
    assert answer.status_code == 200
    made: dict[str, Any] = answer.json()
    return made


def test_a_backup_is_a_dataset_with_equal_tables(backup: dict[str, Any], live: Live) -> None:
    assert backup["name"].startswith(f"{ACME_DATASET}__backup_")
    assert (backup["backup_of"], backup["reason"], backup["complete"]) == (ACME_DATASET, "Before all", True)
    assert backup["created_by"] == "administrator"
    assert sorted((item["table"], item["rows"]) for item in backup["tables"]) == [
        ("genai_payg_pricing", 2),
        ("subscription_plans", 2),
    ]
    copied = live.values(backup["name"])
    assert copied == {name: rows for name, rows in live.values(ACME_DATASET).items() if name in copied}
    assert len(copied) == 2


def test_backups_are_listed_the_newest_first_and_by_dataset(backup: dict[str, Any], onboarded: TestClient) -> None:
    another = onboarded.post(BACKUPS, json={"dataset": CENTRAL}).json()
    assert len(another["tables"]) == 20
    assert onboarded.get(BACKUPS).json() == {"backups": [another, backup]}
    assert onboarded.get(BACKUPS, params={"dataset": ACME_DATASET}).json() == {"backups": [backup]}
    assert onboarded.get(BACKUPS, params={"dataset": "nobody"}).json() == {"backups": []}


@pytest.mark.slow
def test_a_backup_is_no_part_of_what_is_kept_in_step(backup: dict[str, Any], onboarded: TestClient) -> None:
    assert onboarded.get(BOOTSTRAP_STATUS).json()["status"] == "SYNCED"
    assert [item["org_slug"] for item in onboarded.get(ORGANIZATIONS).json()["organizations"]] == [ACME["org_slug"]]


def test_a_backup_is_restored_to_a_new_dataset(backup: dict[str, Any], onboarded: TestClient, live: Live) -> None:
    before = live.values(ACME_DATASET)
    answer = onboarded.post(f"{BACKUPS}/{backup['name']}/restore", json={"target": "acme_again"})
    assert answer.status_code == 200
    assert answer.json() == {
        "dataset": "acme_again", "backup": backup["name"], "tables": backup["tables"], "changed": [],
    }  # fmt: skip
    assert live.values("acme_again") == live.values(backup["name"])
    assert live.values(ACME_DATASET) == before


NO_NAMES = ["", "a-b", "a.b", "a b", "üüü", "x" * 2000, 'a"; DROP SCHEMA organizations', "_hidden"]


def test_a_backup_is_restored_to_a_name_that_is_one_and_is_free(
    backup: dict[str, Any], onboarded: TestClient, live: Live
) -> None:
    before = live.snapshot()
    path = f"{BACKUPS}/{backup['name']}/restore"
    for target in (ACME_DATASET, CENTRAL, backup["name"]):
        answer = onboarded.post(path, json={"target": target})
        assert (answer.status_code, answer.json()["code"]) == (409, "dataset_name_taken")
        assert target in answer.json()["detail"]
    for target in NO_NAMES:
        answer = onboarded.post(path, json={"target": target})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert live.snapshot() == before


@pytest.mark.slow
def test_what_is_not_there_is_named_with_what_is(backup: dict[str, Any], onboarded: TestClient, live: Live) -> None:
    before = live.schemas()
    answer = onboarded.post(f"{BACKUPS}/no_such_backup/restore", json={"target": "acme_again"})
    assert (answer.status_code, answer.json()["code"]) == (404, "backup_not_found")
    assert backup["name"] in answer.json()["hint"]
    answer = onboarded.post(BACKUPS, json={"dataset": "nobody"})
    assert (answer.status_code, answer.json()["code"]) == (404, "dataset_not_found")
    answer = onboarded.post(BACKUPS, json={"dataset": CENTRAL, "tables": ["org_profile"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "org_profiles" in answer.text
    assert live.schemas() == before


@pytest.mark.slow
def test_a_backup_that_was_interrupted_is_listed_and_not_restored(
    backup: dict[str, Any], onboarded: TestClient, live: Live, warehouse: DuckDBWarehouse
) -> None:
    def forget(session: Session) -> None:
        found = session.inspect(backup["name"])
        assert found is not None
        labels = tuple(label for label in found.labels if label[0] != "complete")
        bare = Dataset("another__backup_20260131120000", location=found.location, labels=labels)
        session.apply(make_plan(session.inspect(bare.name), bare, BOOTSTRAP))

    warehouse.run(forget)
    (listed,) = [item for item in onboarded.get(BACKUPS).json()["backups"] if not item["complete"]]
    assert (listed["name"], listed["backup_of"]) == ("another__backup_20260131120000", "another")
    answer = onboarded.post(f"{BACKUPS}/{listed['name']}/restore", json={"target": "acme_again"})
    assert (answer.status_code, answer.json()["code"]) == (409, "backup_incomplete")
    assert "acme_again" not in live.schemas()
