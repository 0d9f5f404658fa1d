"""`POST /api/v1/admin/bootstrap`: the central dataset is made once, and finished when unfinished."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from fastapi.testclient import TestClient

from cloudact.wiring import Services
from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live
from tests.api.published import BOOTSTRAP, BOOTSTRAP_STATUS, CENTRAL, CENTRAL_TABLES
from tests.api.unaudited import only_audited


def test_a_new_warehouse_gets_the_dataset_and_its_twenty_tables(client: TestClient, live: Live) -> None:
    answer = client.post(BOOTSTRAP, json={})
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "SUCCESS",
        "dataset": CENTRAL,
        "dataset_created": True,
        "tables_created": CENTRAL_TABLES,
        "tables_existed": [],
        "total_tables": 20,
        "conflicts": [],
        "bytes_billed": 0,
        "message": "20 tables created, 0 existed already.",
        "recreated": None,
    }
    assert live.tables(CENTRAL) == CENTRAL_TABLES


def test_what_is_made_equals_what_is_declared(bootstrapped: TestClient, live: Live, services: Services) -> None:
    assert live.dataset(CENTRAL) == services.catalogs.load().central_dataset()


def test_no_body_is_needed(client: TestClient) -> None:
    assert client.post(BOOTSTRAP).json()["tables_created"] == CENTRAL_TABLES


def test_again_and_again_it_finds_everything_and_changes_nothing(onboarded: TestClient, live: Live) -> None:
    with only_audited(live, "CREATE DATASET SUCCESS", "CREATE DATASET SUCCESS", "CREATE DATASET SUCCESS"):
        for _ in range(3):
            answer = onboarded.post(BOOTSTRAP, json={})
            assert answer.status_code == 200
            assert answer.json() == {
                "status": "SUCCESS",
                "dataset": CENTRAL,
                "dataset_created": False,
                "tables_created": [],
                "tables_existed": CENTRAL_TABLES,
                "total_tables": 20,
                "conflicts": [],
                "bytes_billed": 0,
                "message": "0 tables created, 20 existed already.",
                "recreated": None,
            }


@pytest.mark.parametrize("left", [0, 1, 19])
def test_a_dataset_left_unfinished_is_finished(
    bootstrapped: TestClient, live: Live, services: Services, left: int
) -> None:
    for table in CENTRAL_TABLES[left:]:
        live.execute(f"DROP TABLE organizations.{table}")
    answer = bootstrapped.post(BOOTSTRAP, json={}).json()
    assert answer["dataset_created"] is False
    assert answer["tables_created"] == CENTRAL_TABLES[left:]
    assert answer["tables_existed"] == CENTRAL_TABLES[:left]
    assert live.dataset(CENTRAL) == services.catalogs.load().central_dataset()


def test_a_dataset_somebody_else_created_is_filled(client: TestClient, live: Live) -> None:
    live.execute("CREATE SCHEMA organizations")
    answer = client.post(BOOTSTRAP, json={}).json()
    assert answer["dataset_created"] is False
    assert answer["tables_created"] == live.tables(CENTRAL) == CENTRAL_TABLES
    assert client.get(BOOTSTRAP_STATUS).json()["status"] == "SYNCED"


def test_a_table_somebody_else_created_is_left_exactly_as_it_is(client: TestClient, live: Live) -> None:
    live.execute("CREATE SCHEMA organizations")
    live.execute("CREATE TABLE organizations.org_hierarchy (org_slug VARCHAR, mine INTEGER DEFAULT 7)")
    live.execute("INSERT INTO organizations.org_hierarchy VALUES ('acme_corp', 1), ('globex', NULL)")
    described = live.rows("DESCRIBE organizations.org_hierarchy")
    answer = client.post(BOOTSTRAP, json={}).json()
    assert answer["tables_existed"] == ["org_hierarchy"]
    assert answer["total_tables"] == 20
    assert "bootstrap/status" in answer["message"]
    assert live.rows("DESCRIBE organizations.org_hierarchy") == described
    assert live.rows("FROM organizations.org_hierarchy ORDER BY ALL") == [
        {"org_slug": "acme_corp", "mine": 1},
        {"org_slug": "globex", "mine": None},
    ]


def test_a_column_added_to_the_catalog_waits_for_sync(onboarded: TestClient, live: Live, files: CatalogFiles) -> None:
    files.add_column("bootstrap", "org_profiles", "new_column")
    with only_audited(live, "CREATE DATASET SUCCESS"):
        answer = onboarded.post(BOOTSTRAP, json={}).json()
        assert answer["tables_existed"] == CENTRAL_TABLES
        assert "bootstrap/status" in answer["message"]


@pytest.mark.parametrize(
    "flags",
    [
        {"force_recreate_dataset": True},
        {"force_recreate_tables": True},
        {"force_recreate_dataset": True, "force_recreate_tables": True},
    ],
    ids="+".join,
)
def test_recreating_without_confirmation_is_refused_and_nothing_is_touched(
    onboarded: TestClient, live: Live, flags: dict[str, bool]
) -> None:
    live.fill(CENTRAL)
    before = live.snapshot()
    answer = onboarded.post(BOOTSTRAP, json=flags)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "destructive_refused"
    assert all(name in problem["detail"] for name in flags)
    assert '"confirm_dataset": "organizations"' in problem["hint"]
    assert "bootstrap/sync" in problem["hint"]
    assert live.snapshot() == before


def test_recreating_without_confirmation_is_refused_before_there_is_anything_to_recreate(
    client: TestClient, live: Live
) -> None:
    assert client.post(BOOTSTRAP, json={"force_recreate_dataset": True}).status_code == 422
    assert live.schemas() == set()


def test_a_force_flag_that_is_false_means_nothing(client: TestClient) -> None:
    answer = client.post(BOOTSTRAP, json={"force_recreate_dataset": False, "force_recreate_tables": False})
    assert answer.json()["tables_created"] == CENTRAL_TABLES


def test_a_table_that_could_not_be_made_is_named_and_not_called_a_success(client: TestClient, live: Live) -> None:
    live.execute("CREATE SCHEMA organizations")
    live.execute("CREATE VIEW organizations.org_profiles AS SELECT 1 AS one")
    answer = client.post(BOOTSTRAP, json={})
    assert answer.json()["status"] != "SUCCESS"
    assert "org_profiles" in answer.text


def test_simultaneous_callers_share_the_work_and_all_succeed(client: TestClient, live: Live) -> None:
    start = Barrier(4)

    def call(_number: int) -> dict[str, object]:
        start.wait()
        answer = client.post(BOOTSTRAP, json={})
        assert answer.status_code == 200
        return answer.json()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(call, range(4)))
    assert sorted(str(answer["dataset_created"]) for answer in answers) == ["False", "False", "False", "True"]
    assert sorted(name for answer in answers for name in answer["tables_created"]) == CENTRAL_TABLES
    assert live.tables(CENTRAL) == CENTRAL_TABLES
