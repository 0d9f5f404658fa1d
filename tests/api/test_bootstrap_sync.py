"""`POST /api/v1/admin/bootstrap/sync`: what is missing is added, and no row is ever lost."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from cloudact.catalog.model import Granularity, Mode, TimePartition
from cloudact.wiring import Services
from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live
from tests.api.published import BOOTSTRAP_STATUS, BOOTSTRAP_SYNC, CENTRAL, CENTRAL_TABLES
from tests.api.unaudited import added, only_audited, trail, values

NOTHING = {
    "status": "SUCCESS",
    "dataset": CENTRAL,
    "dataset_created": False,
    "tables_created": [],
    "columns_added": {},
    "views_created": [],
    "views_replaced": [],
    "columns_changed": [],
    "metadata_updated": [],
    "conflicts": [],
    "errors": [],
    "notes": [],
    "not_requested": [],
    "bytes_billed": 0,
    "message": "organizations: nothing to change.",
}


def sync(client: TestClient, **flags: bool) -> dict[str, object]:
    answer = client.post(BOOTSTRAP_SYNC, json=flags)
    assert answer.status_code == 200
    return answer.json()


def status(client: TestClient) -> str:
    return str(client.get(BOOTSTRAP_STATUS).json()["status"])


def test_in_sync_there_is_nothing_to_do(onboarded: TestClient, live: Live) -> None:
    with only_audited(live, "SYNC DATASET SUCCESS"):
        assert sync(onboarded) == NOTHING


def test_before_bootstrap_it_says_so_with_the_call_to_make(client: TestClient, live: Live) -> None:
    answer = client.post(BOOTSTRAP_SYNC, json={})
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["code"] == "not_bootstrapped"
    assert problem["detail"] == "Organizations dataset does not exist"
    assert "POST /api/v1/admin/bootstrap" in problem["hint"]
    assert live.schemas() == set()


def test_a_new_column_is_added_and_everything_is_in_sync_again(
    bootstrapped: TestClient, files: CatalogFiles, live: Live, services: Services
) -> None:
    files.add_column("bootstrap", "org_profiles", "new_column", description="New column description")
    answer = sync(bootstrapped, sync_missing_tables=True, sync_missing_columns=True)
    assert answer == {
        **NOTHING,
        "columns_added": {"org_profiles": ["new_column"]},
        "message": "organizations: 1 change applied.",
    }
    assert live.dataset(CENTRAL) == services.catalogs.load().central_dataset()
    assert status(bootstrapped) == "SYNCED"
    assert sync(bootstrapped) == NOTHING


def test_a_new_table_is_created_as_declared(bootstrapped: TestClient, files: CatalogFiles, live: Live) -> None:
    columns = [
        {"name": "org_slug", "type": "STRING", "mode": "REQUIRED", "description": "Whose row it is."},
        {"name": "created_at", "type": "TIMESTAMP", "mode": "REQUIRED"},
        {"name": "tags", "type": "STRING", "mode": "REPEATED"},
    ]
    files.add_table(
        "bootstrap",
        "new_table",
        columns,
        description="New table description",
        partition={"type": "DAY", "field": "created_at"},
        clustering=["org_slug"],
    )
    assert sync(bootstrapped, sync_missing_tables=True)["tables_created"] == ["new_table"]
    table = live.dataset(CENTRAL).table("new_table")
    assert table.description == "New table description"
    assert table.partition == TimePartition(Granularity.DAY, "created_at")
    assert table.clustering == ("org_slug",)
    assert [(column.name, column.mode) for column in table.columns] == [
        ("org_slug", Mode.REQUIRED),
        ("created_at", Mode.REQUIRED),
        ("tags", Mode.REPEATED),
    ]
    assert table.columns[0].description == "Whose row it is."
    assert status(bootstrapped) == "SYNCED"


def test_without_a_body_tables_and_columns_are_added(bootstrapped: TestClient, files: CatalogFiles, live: Live) -> None:
    files.add_column("bootstrap", "org_profiles", "new_column")
    live.execute("DROP TABLE organizations.org_audit_logs")
    answer = bootstrapped.post(BOOTSTRAP_SYNC).json()
    assert answer["tables_created"] == ["org_audit_logs"]
    assert answer["columns_added"] == {"org_profiles": ["new_column"]}


@pytest.mark.parametrize(
    ("flags", "tables", "columns"),
    [
        ({}, True, True),
        ({"sync_missing_tables": True}, True, True),
        ({"sync_missing_columns": True}, True, True),
        ({"sync_missing_columns": False}, True, False),
        ({"sync_missing_tables": False}, False, True),
        ({"sync_missing_tables": False, "sync_missing_columns": False}, False, False),
    ],
    ids=str,
)
def test_each_flag_decides_about_its_own_kind(
    bootstrapped: TestClient, files: CatalogFiles, live: Live, flags: dict[str, bool], tables: bool, columns: bool
) -> None:
    files.add_column("bootstrap", "org_profiles", "new_column")
    live.execute("DROP TABLE organizations.org_audit_logs")
    answer = sync(bootstrapped, **flags)
    assert answer["status"] == "SUCCESS"
    assert answer["tables_created"] == (["org_audit_logs"] if tables else [])
    assert answer["columns_added"] == ({"org_profiles": ["new_column"]} if columns else {})
    left = [] if tables else ["create table org_audit_logs"]
    left += [] if columns else ["add column org_profiles.new_column (STRING)"]
    assert sorted(answer["not_requested"]) == sorted(left)
    assert ("org_audit_logs" in live.tables(CENTRAL)) is tables
    assert ("new_column" in live.columns(CENTRAL, "org_profiles")) is columns
    assert status(bootstrapped) == ("SYNCED" if tables and columns else "OUT_OF_SYNC")


def test_a_required_column_joins_an_existing_table_as_nullable_and_is_noted(
    onboarded: TestClient, files: CatalogFiles, live: Live
) -> None:
    files.add_column("bootstrap", "org_profiles", "tier", mode="REQUIRED")
    answer = sync(onboarded)
    assert answer["status"] == "SUCCESS"
    assert answer["columns_added"] == {"org_profiles": ["tier"]}
    (note,) = answer["notes"]
    assert note.startswith("org_profiles.tier: will be added NULLABLE, declared REQUIRED")
    assert live.dataset(CENTRAL).table("org_profiles").column("tier").mode is Mode.NULLABLE
    assert live.rows("SELECT tier FROM organizations.org_profiles") == [{"tier": None}]
    assert status(onboarded) == "SYNCED"
    assert sync(onboarded)["columns_added"] == {}


def test_a_required_column_of_a_new_table_is_required(
    bootstrapped: TestClient, files: CatalogFiles, live: Live
) -> None:
    files.add_table("bootstrap", "new_table", [{"name": "org_slug", "type": "STRING", "mode": "REQUIRED"}])
    assert sync(bootstrapped)["notes"] == []
    assert live.dataset(CENTRAL).table("new_table").column("org_slug").mode is Mode.REQUIRED


def test_a_new_column_with_a_default_leaves_old_rows_null(
    onboarded: TestClient, files: CatalogFiles, live: Live
) -> None:
    files.add_column("bootstrap", "org_idempotency_keys", "source", defaultValueExpression="'api'")
    insert = (
        "INSERT INTO organizations.org_idempotency_keys (idempotency_key, org_slug, created_at) VALUES (?, 'a', now())"
    )
    live.execute(insert, "old")
    assert sync(onboarded)["columns_added"] == {"org_idempotency_keys": ["source"]}
    live.execute(insert, "new")
    assert live.rows("SELECT idempotency_key, source FROM organizations.org_idempotency_keys ORDER BY 1") == [
        {"idempotency_key": "new", "source": "api"},
        {"idempotency_key": "old", "source": None},
    ]


def test_columns_are_relaxed_and_widened_in_place(onboarded: TestClient, files: CatalogFiles, live: Live) -> None:
    live.execute("UPDATE organizations.org_profiles SET fiscal_year_start_month = 4")
    files.set_column("bootstrap", "org_profiles", "company_name", mode="NULLABLE")
    files.set_column("bootstrap", "org_profiles", "fiscal_year_start_month", type="NUMERIC")
    assert sync(onboarded)["columns_changed"] == [
        "relax org_profiles.company_name to NULLABLE",
        "widen org_profiles.fiscal_year_start_month from INT64 to NUMERIC",
    ]
    assert live.rows("SELECT company_name, fiscal_year_start_month AS month FROM organizations.org_profiles") == [
        {"company_name": "Acme Corporation", "month": 4}
    ]
    live.execute("UPDATE organizations.org_profiles SET company_name = NULL, fiscal_year_start_month = 4.5")
    assert status(onboarded) == "SYNCED"


def test_changed_descriptions_and_clustering_are_taken_over(
    bootstrapped: TestClient, files: CatalogFiles, live: Live, services: Services
) -> None:
    files.set_column("bootstrap", "org_profiles", "company_name", description="Another sentence.")
    with files.config("bootstrap") as config:
        config["description"] = "Everything shared."
        config["tables"]["org_profiles"].update(description="One row each.", clustering=["status"])
    answer = sync(bootstrapped)
    assert sorted(answer["metadata_updated"]) == [
        "set description and labels of dataset organizations",
        "set metadata of org_profiles.company_name",
        "set metadata of table org_profiles",
    ]
    assert live.dataset(CENTRAL) == services.catalogs.load().central_dataset()


def test_what_is_extra_stays(bootstrapped: TestClient, files: CatalogFiles, live: Live) -> None:
    live.execute("ALTER TABLE organizations.org_profiles ADD COLUMN nickname VARCHAR")
    live.execute("CREATE TABLE organizations.notes AS SELECT 'keep me' AS text")
    files.add_column("bootstrap", "org_profiles", "new_column")
    sync(bootstrapped)
    assert {"nickname", "new_column"} <= set(live.columns(CENTRAL, "org_profiles"))
    assert live.rows("FROM organizations.notes") == [{"text": "keep me"}]


def test_every_row_and_value_survives_a_change_to_every_table(
    onboarded: TestClient, files: CatalogFiles, live: Live
) -> None:
    live.fill(CENTRAL)
    before, audited = values(live, CENTRAL), trail(live)
    for table in CENTRAL_TABLES:
        files.add_column("bootstrap", table, "added")
    answer = sync(onboarded)
    assert answer["columns_added"] == {table: ["added"] for table in CENTRAL_TABLES}
    assert values(live, CENTRAL) == {table: [{**row, "added": None} for row in rows] for table, rows in before.items()}
    assert added(live, audited) == ["SYNC DATASET SUCCESS"]
    assert sum(map(len, [*before.values(), audited])) > 20 * 3
