"""Tables made anew over HTTP: by bootstrap's force flags, and by recreate, always after a backup."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.settings import Environment, Settings
from cloudact.wiring import Services, build_services
from tests.acme import ROOT_HEADERS, ROOT_KEY
from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live
from tests.api.published import ACME_DATASET, BOOTSTRAP, BOOTSTRAP_STATUS, CENTRAL, CENTRAL_TABLES
from tests.api.unaudited import added, trail, values

RECREATE = f"/api/v1/admin/datasets/{CENTRAL}/recreate"
BACKUPS = "/api/v1/admin/backups"
BY_DAY = "partition: {type: DAY, field: usage_date}\n    clustering: [org_slug]\n"
BY_MONTH = BY_DAY.replace("DAY", "MONTH")


@pytest.fixture
def filled(onboarded: TestClient, live: Live) -> TestClient:
    """The application with acme_corp, rows in every central table, and a table that nothing declares."""
    live.fill(CENTRAL, rows=2)
    live.execute("CREATE TABLE organizations.notes (text VARCHAR)")
    live.execute("INSERT INTO organizations.notes VALUES ('kept')")
    return onboarded


@pytest.fixture
def partitioned_by_month(filled: TestClient, files: CatalogFiles) -> TestClient:
    """The same after a catalog that declares another partitioning."""
    config = files.path("bootstrap/config.yml")
    config.write_text(config.read_text().replace(BY_DAY, BY_MONTH, 1))
    assert filled.get(BOOTSTRAP_STATUS).json()["status"] == "OUT_OF_SYNC"
    return filled


def rows_of(live: Live, dataset: str) -> dict[str, int]:
    return {table: len(rows) for table, rows in values(live, dataset).items()}


def held(live: Live, backup: str, before: dict[str, list[dict[str, Any]]], audited: list[dict[str, Any]]) -> bool:
    """Whether a backup has every row that was there; the audit log has one more, of the attempt itself."""
    copied = values(live, backup)
    kept = [row for row in trail(live, backup) if row in audited]
    return kept == audited and copied == {name: before[name] for name in copied}


@pytest.mark.parametrize(
    ("flags", "mode", "notes"),
    [
        pytest.param({"force_recreate_tables": True}, "tables", True, id="tables", marks=pytest.mark.slow),
        pytest.param({"force_recreate_dataset": True}, "dataset", False, id="dataset", marks=pytest.mark.slow),
        pytest.param(
            {"force_recreate_dataset": True, "force_recreate_tables": True},
            "dataset",
            False,
            id="both",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_confirmed_force_flag_empties_the_tables_and_the_backup_has_every_row(
    filled: TestClient, live: Live, flags: dict[str, bool], mode: str, notes: bool
) -> None:
    before, audited = values(live, CENTRAL), trail(live)
    answer = filled.post(BOOTSTRAP, json={**flags, "confirm_dataset": CENTRAL}).json()
    assert (answer["status"], answer["tables_existed"]) == ("SUCCESS", CENTRAL_TABLES)
    recreated = answer["recreated"]
    assert (recreated["mode"], recreated["failed"]) == (mode, False)
    outcomes = {item["table"]: item["outcome"] for item in recreated["tables"]}
    assert outcomes == dict.fromkeys(CENTRAL_TABLES, "emptied") | ({} if notes else {"notes": "removed"})
    assert held(live, recreated["backup"], before, audited)
    left = rows_of(live, CENTRAL)
    assert trail(live)  # of this very call
    assert left.pop("org_integration_credentials") == 1  # the platform's secret, made anew
    empty = dict.fromkeys(set(CENTRAL_TABLES) - {"org_audit_logs", "org_integration_credentials"}, 0)
    assert left == empty | ({"notes": 1} if notes else {})
    assert [item["name"] for item in filled.get(BACKUPS).json()["backups"]] == [recreated["backup"]]


def test_a_force_flag_without_a_dataset_creates_it(client: TestClient, live: Live) -> None:
    answer = client.post(BOOTSTRAP, json={"force_recreate_tables": True, "confirm_dataset": CENTRAL}).json()
    assert (answer["status"], answer["dataset_created"], answer["recreated"]) == ("SUCCESS", True, None)
    assert live.tables(CENTRAL) == CENTRAL_TABLES


def test_another_confirmation_is_none(filled: TestClient, live: Live) -> None:
    before = live.snapshot()
    for confirm in ("", "organization", "ORGANIZATIONS", None):
        answer = filled.post(BOOTSTRAP, json={"force_recreate_tables": True, "confirm_dataset": confirm})
        assert (answer.status_code, answer.json()["code"]) == (422, "destructive_refused")
        answer = filled.post(RECREATE, json={"mode": "dataset", "confirm": confirm})
        assert (answer.status_code, answer.json()["code"]) == (422, "destructive_refused")
        assert CENTRAL in answer.json()["detail"]
    assert live.snapshot() == before


def test_another_partitioning_with_every_row(partitioned_by_month: TestClient, live: Live, services: Services) -> None:
    before, audited = values(live, CENTRAL), trail(live)
    body = {"mode": "with_data", "confirm": CENTRAL, "reason": "By month"}
    answer = partitioned_by_month.post(RECREATE, json=body).json()
    assert answer["failed"] is False
    outcomes = {item["table"]: item["outcome"] for item in answer["tables"]}
    assert outcomes.pop("org_usage_quotas") == "rebuilt"
    assert set(outcomes.values()) <= {"unchanged"}
    assert values(live, CENTRAL) == before
    assert added(live, audited) == ["UPDATE DATASET SUCCESS"] * 2
    declared = services.catalogs.load().central_dataset().table("org_usage_quotas")
    assert live.dataset(CENTRAL).table("org_usage_quotas") == declared
    assert partitioned_by_month.get(BOOTSTRAP_STATUS).json()["status"] == "SYNCED"
    (backup,) = partitioned_by_month.get(BACKUPS).json()["backups"]
    assert (backup["name"], "By month" in backup["reason"]) == (answer["backup"], True)


@pytest.mark.slow
def test_a_dry_run_tells_and_changes_nothing(partitioned_by_month: TestClient, live: Live) -> None:
    before = live.snapshot()
    body = {"mode": "with_data", "dry_run": True}
    answer = partitioned_by_month.post(RECREATE, json=body).json()
    (rebuilt,) = [item for item in answer["tables"] if item["outcome"] != "unchanged"]
    assert (rebuilt["table"], rebuilt["outcome"], rebuilt["rows_before"]) == ("org_usage_quotas", "rebuilt", 3)
    assert (answer["backup"], answer["failed"]) == (None, False)
    assert live.snapshot() == before


@pytest.mark.slow
def test_a_table_that_cannot_keep_its_rows_stays_and_is_told(filled: TestClient, live: Live) -> None:
    live.execute("ALTER TABLE organizations.org_hierarchy ADD COLUMN mine INTEGER")
    before = live.rows("FROM organizations.org_hierarchy ORDER BY ALL")
    body = {"mode": "with_data", "tables": ["org_hierarchy"], "confirm": CENTRAL}
    answer = filled.post(RECREATE, json=body)
    assert answer.status_code == 200
    (table,) = answer.json()["tables"]
    assert (answer.json()["failed"], table["outcome"]) == (True, "failed")
    assert "mine" in table["error"]
    assert table["fix"]
    assert live.rows("FROM organizations.org_hierarchy ORDER BY ALL") == before


@pytest.mark.slow
def test_one_table_of_an_organization_is_emptied_and_the_others_are_left(filled: TestClient, live: Live) -> None:
    live.fill(ACME_DATASET)
    before = live.values(ACME_DATASET)
    path = f"/api/v1/admin/datasets/{ACME_DATASET}/recreate"
    body = {"mode": "tables", "tables": ["subscription_plans"], "confirm": ACME_DATASET}
    answer = filled.post(path, json=body).json()
    assert [(item["table"], item["outcome"], item["rows_before"]) for item in answer["tables"]] == [
        ("subscription_plans", "emptied", 3)
    ]
    assert live.values(answer["backup"]) == {"subscription_plans": before["subscription_plans"]}
    assert live.values(ACME_DATASET) == before | {"subscription_plans": []}


@pytest.mark.slow
def test_what_nothing_declares_is_not_made_anew(filled: TestClient, live: Live) -> None:
    live.execute("CREATE SCHEMA elsewhere")
    answer = filled.post("/api/v1/admin/datasets/elsewhere/recreate", json={"mode": "tables", "confirm": "elsewhere"})
    assert (answer.status_code, answer.json()["code"]) == (404, "dataset_not_declared")
    assert CENTRAL in answer.json()["hint"]


@pytest.mark.slow
def test_unknown_tables_are_named_with_the_known(filled: TestClient, live: Live) -> None:
    before = live.snapshot()
    answer = filled.post(RECREATE, json={"mode": "tables", "tables": ["org_profile"], "confirm": CENTRAL})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "org_profiles" in answer.text
    assert live.snapshot() == before


@pytest.fixture
def in_production(process_settings: Settings, filled: TestClient) -> Iterator[TestClient]:
    """Another service over the same file, in production."""
    filled.app.state.cloudact.services.close()
    settings = process_settings.model_copy(update={"environment": Environment.PRODUCTION})
    services = build_services(settings)
    yield TestClient(create_app(services, SecretStr(ROOT_KEY)), headers=ROOT_HEADERS, raise_server_exceptions=False)
    services.close()


@pytest.mark.slow
def test_production_refuses_and_names_the_setting(in_production: TestClient) -> None:
    for path, body in (
        (BOOTSTRAP, {"force_recreate_tables": True, "confirm_dataset": CENTRAL}),
        (RECREATE, {"mode": "with_data", "confirm": CENTRAL}),
    ):
        answer = in_production.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "destructive_refused")
        assert "CA_ALLOW_RECREATE" in answer.text
    shown = in_production.post(RECREATE, json={"mode": "tables", "dry_run": True})
    assert (shown.status_code, "is refused in production" in shown.json()["message"]) == (200, True)
    assert in_production.get(BACKUPS).json() == {"backups": []}
    made = in_production.post(BACKUPS, json={"dataset": CENTRAL, "tables": ["org_profiles"]})
    assert made.status_code == 200


@pytest.mark.slow
def test_production_can_be_allowed_to(process_settings: Settings, filled: TestClient) -> None:
    filled.app.state.cloudact.services.close()
    allowed = process_settings.model_copy(update={"environment": Environment.PRODUCTION, "allow_recreate": True})
    services = build_services(allowed)
    client = TestClient(create_app(services, SecretStr(ROOT_KEY)), headers=ROOT_HEADERS)
    body = {"mode": "tables", "tables": ["org_hierarchy"], "confirm": CENTRAL}
    assert client.post(RECREATE, json=body).json()["tables"][0]["outcome"] == "emptied"
    services.close()


@pytest.mark.slow
def test_who_did_it_and_why_is_in_the_audit_log(filled: TestClient, live: Live) -> None:
    body = {"mode": "tables", "tables": ["org_hierarchy"], "confirm": CENTRAL, "reason": "Tests"}
    backup = filled.post(RECREATE, json=body).json()["backup"]
    logged = live.rows("SELECT details::VARCHAR AS details, status FROM organizations.org_audit_logs")
    mine = [row for row in logged if backup in (row["details"] or "")]
    assert mine
    assert all("Tests" in row["details"] for row in mine if "reason" in row["details"])


@pytest.mark.slow
def test_a_bootstrap_whose_recreation_failed_in_part_is_no_success(filled: TestClient, live: Live) -> None:
    live.execute("DROP TABLE organizations.org_hierarchy")
    live.execute("CREATE VIEW organizations.org_hierarchy AS SELECT 1 AS one")
    body = {"force_recreate_tables": True, "confirm_dataset": CENTRAL}
    answer = filled.post(BOOTSTRAP, json=body).json()
    assert (answer["status"], answer["recreated"]["failed"]) == ("PARTIAL", True)
    assert [item["table"] for item in answer["recreated"]["tables"] if item["error"]] == ["org_hierarchy"]
    assert answer["message"].startswith(answer["recreated"]["message"])
