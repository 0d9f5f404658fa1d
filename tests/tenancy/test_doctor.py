"""The doctor over real declarations and real drivers; each BigQuery examination has tests of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from cloudact.planning.policy import Policy
from cloudact.settings import Settings
from cloudact.tenancy.doctor import Diagnosis
from cloudact.tenancy.secrets.columns import CREDENTIAL
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.driver import Examination
from cloudact.warehouse.duckdb import doctor as duckdb_doctor
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from cloudact.wiring import Services, build_services
from tests.api.catalog_files import CatalogFiles
from tests.bigquery_fake.server import Fake

EVERYTHING = ["catalog", "sealing_key", "folder", "disk", "database", "central_dataset", "platform_secret"]


class Usage(NamedTuple):
    """What `shutil.disk_usage` answers."""

    total: int
    used: int
    free: int


@pytest.fixture(autouse=True)
def _room_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10 * 2**30, 0, 10 * 2**30))


@pytest.fixture
def ready(services: Services) -> Services:
    """The services after bootstrap."""
    services.bootstrap.run()
    return services


def failed(diagnosis: Diagnosis) -> dict[str, Examination]:
    return {item.name: item for item in diagnosis.examinations if not item.passed}


def test_after_bootstrap_everything_is_in_place(ready: Services, database: Path) -> None:
    diagnosis = ready.doctor.diagnose()
    assert (diagnosis.status, diagnosis.message) == ("HEALTHY", "Everything is in place.")
    assert [item.name for item in diagnosis.examinations] == EVERYTHING
    assert all(item.passed and item.message and not item.fix for item in diagnosis.examinations)
    assert f"DuckDB {duckdb.__version__}" in diagnosis.examinations[4].message
    assert diagnosis.examinations[5].message == "organizations exists in US"


def test_before_anything_was_done_it_says_how_to_begin_and_makes_nothing(services: Services, database: Path) -> None:
    diagnosis = services.doctor.diagnose()
    assert diagnosis.status == "UNHEALTHY"
    assert diagnosis.message == "1 examination of 5 failed. The central dataset was not looked at."
    missing = failed(diagnosis)["database"]
    assert str(database) in missing.message
    assert "cloudact bootstrap run" in missing.fix
    assert not database.parent.exists()


def test_a_warehouse_without_the_central_dataset_says_how_to_make_it(services: Services) -> None:
    services.ping()
    diagnosis = services.doctor.diagnose()
    assert [*failed(diagnosis)] == ["central_dataset"]
    assert diagnosis.message == "1 examination of 6 failed."
    assert "bootstrap" in failed(diagnosis)["central_dataset"].fix


def test_every_problem_of_the_declared_files_is_listed_and_the_warehouse_is_looked_at(
    ready: Services, files: CatalogFiles
) -> None:
    files.set_column("bootstrap", "org_profiles", "org_slug", type="TEXT")
    (files.root / "plans.yml").write_text("plans: {STARTER: {daily_limit: many}}")
    diagnosis = ready.doctor.diagnose()
    assert [item.name for item in diagnosis.examinations] == EVERYTHING[:-2]
    (problem,) = failed(diagnosis).values()
    assert "schemas/org_profiles.json" in problem.message
    assert "plans.yml" in problem.message
    assert "cloudact catalog lint" in problem.fix
    assert diagnosis.message == "1 examination of 5 failed."


def test_a_central_dataset_in_another_location_than_declared_is_told(ready: Services, files: CatalogFiles) -> None:
    layout = files.root / "setup/bootstrap/config.yml"
    layout.write_text(f"location: EU\n{layout.read_text(encoding='utf-8')}", encoding="utf-8")
    elsewhere = failed(ready.doctor.diagnose())["central_dataset"]
    assert elsewhere.message == "organizations is in US, declared in EU"
    assert "cannot be moved" in elsewhere.fix


def test_a_central_dataset_whose_location_is_not_on_record_passes(ready: Services, warehouse: DuckDBWarehouse) -> None:
    with warehouse.connect() as connection:
        connection.execute("DROP MACRO organizations.cloudact_manifest")
    diagnosis = ready.doctor.diagnose()
    assert diagnosis.examinations[-2].message == "organizations exists"
    assert diagnosis.status == "HEALTHY"


# The sealing key


def test_a_sealing_key_that_cannot_be_used_is_told_and_the_rest_is_looked_at(
    ready: Services, own_sealing_key: Path, process_settings: Settings
) -> None:
    own_sealing_key.write_text("no keyring")
    key = f"local:///{own_sealing_key}"
    services = build_services(process_settings.model_copy(update={"sealing_key_uri": key}))
    ready.close()
    diagnosis = services.doctor.diagnose()
    assert [*failed(diagnosis)] == ["sealing_key"]
    assert str(own_sealing_key) in failed(diagnosis)["sealing_key"].message
    assert diagnosis.examinations[-1].name == "central_dataset"
    services.close()


def test_the_sealing_key_of_another_warehouse_is_told(
    ready: Services, tmp_path: Path, process_settings: Settings
) -> None:
    ready.platform.derive("audit")
    ready.close()
    key = f"local:///{tmp_path}/another.key"
    services = build_services(process_settings.model_copy(update={"sealing_key_uri": key}))
    services.sealer.seal(b"", CREDENTIAL.context("system", "none"))
    diagnosis = services.doctor.diagnose()
    assert [*failed(diagnosis)] == ["platform_secret"]
    assert "not among those of" in failed(diagnosis)["platform_secret"].message
    services.close()


def test_a_key_that_is_not_there_yet_is_not_made_by_looking(tmp_path: Path, process_settings: Settings) -> None:
    key = tmp_path / "new.key"
    services = build_services(process_settings.model_copy(update={"sealing_key_uri": f"local:///{key}"}))
    synchronize(services.bootstrap.warehouse, services.catalogs.load().central_dataset(), Policy())
    assert failed(services.doctor.diagnose()) == {}
    assert not key.exists()
    services.close()


# BigQuery, as the test server plays it


def test_on_bigquery_everything_is_in_place_after_bootstrap(on_bigquery: tuple[Services, Fake]) -> None:
    services, fake = on_bigquery
    assert [*failed(services.doctor.diagnose())] == ["central_dataset"]
    services.bootstrap.run()
    with fake.log.measured() as asked:
        diagnosis = services.doctor.diagnose()
    assert failed(diagnosis) == {}
    found = {item.name: item.message for item in diagnosis.examinations}
    assert found["central_dataset"] == "organizations exists in EU"
    assert "organizations.org_notification_history has most of them, 2 of" in found["materialized_views"]
    assert found["authorized_resources"].startswith("dataset organizations authorizes 0 views")
    assert asked.by_kind().keys() == {"datasets.get", "datasets.list", "jobs.query", "projects.testIamPermissions"}
    assert asked.count("jobs.query") == 6


def test_on_bigquery_a_missing_permission_is_told_before_the_central_dataset(
    on_bigquery: tuple[Services, Fake],
) -> None:
    services, fake = on_bigquery
    fake.permissions = {"bigquery.jobs.create"}
    diagnosis = services.doctor.diagnose()
    assert [*failed(diagnosis)] == ["permissions"]
    assert diagnosis.message.endswith("The central dataset was not looked at.")


# DuckDB


def test_a_file_that_is_no_database_is_told(services: Services, database: Path) -> None:
    database.parent.mkdir()
    database.write_bytes(b"no database at all")
    unreadable = failed(services.doctor.diagnose())["database"]
    assert str(database) in unreadable.message
    assert unreadable.fix


@pytest.mark.parametrize(("free", "passed"), [(0, False), (2**30 - 1, False), (2**30, True)])
def test_a_disk_that_is_nearly_full_is_told(
    ready: Services, monkeypatch: pytest.MonkeyPatch, free: int, passed: bool
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10 * 2**30, 0, free))
    disk = next(item for item in ready.doctor.diagnose().examinations if item.name == "disk")
    assert (disk.passed, bool(disk.fix)) == (passed, not passed)


def test_a_folder_that_cannot_be_written_is_told(ready: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "CA_WAREHOUSE_URL" in failed(ready.doctor.diagnose())["folder"].fix


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path, config_dir: Path) -> None:
    (tmp_path / "data").write_text("")
    services = build_services(Settings(warehouse_url=f"duckdb:///{tmp_path}/data/w.duckdb", config_dir=config_dir))
    assert [*failed(services.doctor.diagnose())] == ["folder", "database"]


def test_a_path_that_cannot_be_looked_at_is_told(tmp_path: Path) -> None:
    (only,) = duckdb_doctor.examine(tmp_path / ("x" * 300) / "w.duckdb", _unused)
    assert (only.name, only.passed) == ("folder", False)
    assert "CA_WAREHOUSE_URL" in only.fix


def _unused() -> None:
    raise AssertionError("nothing is opened before the folder is known")


def test_a_warehouse_in_memory_says_that_nothing_is_kept(config_dir: Path) -> None:
    services = build_services(Settings(warehouse_url="duckdb:///:memory:", config_dir=config_dir))
    services.bootstrap.run()
    diagnosis = services.doctor.diagnose()
    assert [item.name for item in diagnosis.examinations] == [
        "catalog", "sealing_key", "database", "central_dataset", "platform_secret",
    ]  # fmt: skip
    assert "gone when the process ends" in diagnosis.examinations[2].message
    services.close()


Act = Callable[[Services], object]


@pytest.mark.parametrize("act", [lambda services: services.ping(), lambda services: services.bootstrap.run()])
def test_examining_changes_no_byte_of_the_file(services: Services, database: Path, act: Act) -> None:
    act(services)
    services.close()
    before = database.read_bytes()
    services.doctor.diagnose()
    services.close()
    assert database.read_bytes() == before
