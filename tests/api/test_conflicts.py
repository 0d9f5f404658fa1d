"""A difference that needs a person: named by status, left alone by sync, and never silent or SYNCED."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live
from tests.api.published import ACME_STATUS, ACME_SYNC, BOOTSTRAP_STATUS, BOOTSTRAP_SYNC, CENTRAL
from tests.api.unaudited import added, trail, values


@dataclass(frozen=True, slots=True)
class Case:
    """How a conflict comes about, and what it is called."""

    name: str
    code: str
    object: str
    arise: Callable[[CatalogFiles, Live], None]

    @property
    def table(self) -> str:
        return self.object.partition(".")[0]


def _type_declared(files: CatalogFiles, _live: Live) -> None:
    files.set_column("bootstrap", "org_profiles", "company_name", type="INT64")


def _type_live(_files: CatalogFiles, live: Live) -> None:
    live.execute("ALTER TABLE organizations.org_usage_quotas ALTER COLUMN daily_limit SET DATA TYPE VARCHAR")


def _fewer_digits(files: CatalogFiles, _live: Live) -> None:
    files.set_column("bootstrap", "org_usage_quotas", "daily_limit", type="FLOAT64")


def _repeated(files: CatalogFiles, _live: Live) -> None:
    files.set_column("bootstrap", "org_profiles", "admin_email", mode="REPEATED")


def _partitioning(files: CatalogFiles, _live: Live) -> None:
    with files.config("bootstrap") as config:
        config["tables"]["org_api_keys"]["partition"]["type"] = "MONTH"


def _location(files: CatalogFiles, _live: Live) -> None:
    with files.config("bootstrap") as config:
        config["location"] = "EU"


def _view_in_the_way(_files: CatalogFiles, live: Live) -> None:
    live.execute("DROP TABLE organizations.org_cost_tracking")
    live.execute("CREATE VIEW organizations.org_cost_tracking AS SELECT 1 AS one")


CASES = [
    Case("another type is declared", "type_changed", "org_profiles.company_name", _type_declared),
    Case("the live type was changed", "type_changed", "org_usage_quotas.daily_limit", _type_live),
    Case("a type with fewer exact digits is declared", "type_changed", "org_usage_quotas.daily_limit", _fewer_digits),
    Case("a list is declared", "mode_changed", "org_profiles.admin_email", _repeated),
    Case("other partitioning is declared", "partitioning_changed", "org_api_keys", _partitioning),
    Case("another location is declared", "location_changed", "dataset", _location),
    Case("a view has the table's name", "name_taken", "org_cost_tracking", _view_in_the_way),
]
cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@cases
def test_status_names_the_conflict_and_is_never_synced(
    onboarded: TestClient, files: CatalogFiles, live: Live, case: Case
) -> None:
    case.arise(files, live)
    answer = onboarded.get(BOOTSTRAP_STATUS).json()
    assert answer["status"] == "OUT_OF_SYNC"
    (conflict,) = answer["conflicts"]
    assert (conflict["code"], conflict["object"]) == (case.code, case.object)
    assert all(conflict[part] for part in ("what", "why", "fix"))
    assert "1 conflict" in answer["message"]
    if case.table in answer["tables_existing"]:
        assert answer["schema_diffs"][case.table]["conflicts"] == [conflict]


@cases
def test_sync_does_everything_else_and_leaves_the_conflict_to_a_person(
    onboarded: TestClient, files: CatalogFiles, live: Live, case: Case
) -> None:
    live.fill(CENTRAL)
    case.arise(files, live)
    files.add_column("bootstrap", "org_hierarchy", "new_column")
    before, audited = values(live, CENTRAL), trail(live)
    answer = onboarded.post(BOOTSTRAP_SYNC, json={"recreate_views": True}).json()
    assert answer["status"] == "PARTIAL"
    assert [(item["code"], item["object"]) for item in answer["conflicts"]] == [(case.code, case.object)]
    assert answer["columns_added"] == {"org_hierarchy": ["new_column"]}
    assert "1 conflict" in answer["message"]
    hierarchy = [{**row, "new_column": None} for row in before["org_hierarchy"]]
    assert values(live, CENTRAL) == {**before, "org_hierarchy": hierarchy}
    assert added(live, audited) == ["SYNC DATASET SUCCESS"]
    assert onboarded.get(BOOTSTRAP_STATUS).json()["status"] == "OUT_OF_SYNC"


def test_a_conflict_that_was_mended_is_gone(onboarded: TestClient, files: CatalogFiles) -> None:
    contents = files.contents()
    files.set_column("bootstrap", "org_profiles", "company_name", type="INT64")
    assert onboarded.get(BOOTSTRAP_STATUS).json()["status"] == "OUT_OF_SYNC"
    files.restore(contents)
    assert onboarded.get(BOOTSTRAP_STATUS).json()["status"] == "SYNCED"


def test_a_conflict_within_a_record_is_named_by_its_path(onboarded: TestClient, files: CatalogFiles) -> None:
    with files.columns("organizations", "cloud_gcp_billing_raw_daily") as columns:
        record = next(column for column in columns if column["name"] == "credits")
        next(field for field in record["fields"] if field["name"] == "type").update(type="INT64")
    answer = onboarded.get(ACME_STATUS).json()
    assert answer["status"] == "OUT_OF_SYNC"
    (conflict,) = answer["schema_diffs"]["cloud_gcp_billing_raw_daily"]["conflicts"]
    assert conflict["object"] == "cloud_gcp_billing_raw_daily.credits.type"
    assert onboarded.post(ACME_SYNC).json()["status"] == "PARTIAL"


def test_only_conflicts_do_not_send_people_to_sync(onboarded: TestClient, files: CatalogFiles) -> None:
    files.set_column("bootstrap", "org_profiles", "company_name", type="INT64")
    assert "sync" not in onboarded.get(BOOTSTRAP_STATUS).json()["message"]
