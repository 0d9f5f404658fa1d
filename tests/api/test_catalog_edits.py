"""The catalog is read anew by each request: an edit counts at once, a bad one is named and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from tests.acme import ACME
from tests.api.catalog_files import CatalogFiles
from tests.api.live import Live
from tests.api.published import (
    ACME_STATUS,
    ACME_SYNC,
    BOOTSTRAP,
    BOOTSTRAP_STATUS,
    BOOTSTRAP_SYNC,
    DRYRUN,
    ONBOARD,
    ORGANIZATIONS,
)

NEWCOMER = {**ACME, "org_slug": "globex"}
READS = [BOOTSTRAP_STATUS, ACME_STATUS, ORGANIZATIONS]
WRITES: list[tuple[str, dict[str, object]]] = [
    (BOOTSTRAP, {}),
    (BOOTSTRAP_SYNC, {}),
    (ACME_SYNC, {}),
    (DRYRUN, NEWCOMER),
    (ONBOARD, NEWCOMER),
    (ONBOARD, {**ACME, "regenerate_api_key_if_exists": True}),
]


@dataclass(frozen=True, slots=True)
class BadEdit:
    """A mistake in a file, and the file and field that its report must name, whatever the line."""

    name: str
    place: str
    make: Callable[[CatalogFiles], None]


def _unknown_type(files: CatalogFiles) -> None:
    files.set_column("bootstrap", "org_profiles", "company_name", type="TEXT")


def _duplicate_column(files: CatalogFiles) -> None:
    files.add_column("organizations", "subscription_plans", "PLAN_NAME")


def _syntax(files: CatalogFiles) -> None:
    files.path("bootstrap/schemas/org_hierarchy.json").write_text('[\n  {"name": "a" "type": "STRING"}\n]\n')


def _yaml_syntax(files: CatalogFiles) -> None:
    files.path("organizations/config.yml").write_text("dataset: '{org_slug}_prod\ntables: {")


def _partition_by_nothing(files: CatalogFiles) -> None:
    with files.config("bootstrap") as config:
        config["tables"]["org_api_keys"]["partition"]["field"] = "issued_at"


def _five_clustering_columns(files: CatalogFiles) -> None:
    with files.config("organizations") as config:
        names = ["provider", "status", "billing_cycle", "plan_name", "category"]
        config["tables"]["subscription_plans"]["clustering"] = names


def _file_without_table(files: CatalogFiles) -> None:
    files.path("bootstrap/schemas/stray.json").write_text('[{"name": "a", "type": "STRING"}]')


def _table_without_file(files: CatalogFiles) -> None:
    files.path("organizations/schemas/subscription_plans.json").unlink()


def _unknown_limit(files: CatalogFiles) -> None:
    (files.root / "plans.yml").write_text("plans:\n  STARTER:\n    daly_limit: 6\n")


def _view_of_nothing(files: CatalogFiles) -> None:
    path = files.path("organizations/views/x_org_hierarchy.sql")
    path.write_text(path.read_text().replace("{organizations}.org_hierarchy", "{organizations}.org_tree"))


BAD_EDITS = [
    BadEdit("unknown type", "setup/bootstrap/schemas/org_profiles.json:company_name.type", _unknown_type),
    BadEdit("duplicate column", "setup/organizations/schemas/subscription_plans.json:PLAN_NAME", _duplicate_column),
    BadEdit("JSON syntax", "setup/bootstrap/schemas/org_hierarchy.json", _syntax),
    BadEdit("YAML syntax", "setup/organizations/config.yml", _yaml_syntax),
    BadEdit("partition field", "setup/bootstrap/config.yml:tables.org_api_keys.partition.field", _partition_by_nothing),
    BadEdit(
        "clustering", "setup/organizations/config.yml:tables.subscription_plans.clustering", _five_clustering_columns
    ),
    BadEdit("file without table", "setup/bootstrap/schemas/stray.json", _file_without_table),
    BadEdit("table without file", "setup/organizations/schemas/subscription_plans.json", _table_without_file),
    BadEdit("view of nothing", "setup/organizations/views/x_org_hierarchy.sql", _view_of_nothing),
    BadEdit("unknown limit", "plans.yml:plans.STARTER.daly_limit", _unknown_limit),
]
LINE = re.compile(r":\d+(?=:|$)")
bad_edits = pytest.mark.parametrize("edit", BAD_EDITS, ids=lambda edit: edit.name)


@bad_edits
def test_a_bad_edit_is_named_by_every_request_and_changes_nothing(
    onboarded: TestClient, files: CatalogFiles, live: Live, edit: BadEdit
) -> None:
    before = live.snapshot()
    files.add_column("bootstrap", "org_audit_logs", "a_good_edit_beside_it")
    edit.make(files)
    answers = [onboarded.get(path) for path in READS] + [onboarded.post(path, json=body) for path, body in WRITES]
    for answer in answers:
        assert answer.status_code == 500
        assert answer.json()["code"] == "catalog_invalid"
        (error,) = answer.json()["errors"]
        assert LINE.sub("", error["field"]).startswith(edit.place)
        assert error["message"]
        assert edit.place.partition(":")[0] in answer.json()["detail"]
        assert "catalog lint" in answer.json()["hint"]
    assert live.snapshot() == before


@bad_edits
def test_once_it_is_mended_everything_works_again(onboarded: TestClient, files: CatalogFiles, edit: BadEdit) -> None:
    contents = files.contents()
    edit.make(files)
    assert onboarded.get(BOOTSTRAP_STATUS).status_code == 500
    files.restore(contents)
    assert onboarded.get(BOOTSTRAP_STATUS).json()["status"] == "SYNCED"
    assert onboarded.get(ACME_STATUS).json()["status"] == "SYNCED"
    assert onboarded.post(ONBOARD, json=NEWCOMER).status_code == 201


def test_every_problem_of_the_catalog_is_reported_at_once(onboarded: TestClient, files: CatalogFiles) -> None:
    _unknown_type(files)
    _duplicate_column(files)
    _file_without_table(files)
    _unknown_limit(files)
    answer = onboarded.get(BOOTSTRAP_STATUS).json()
    places = [
        "plans.yml:3:plans.STARTER.daly_limit",
        "setup/bootstrap/schemas/org_profiles.json:company_name.type",
        "setup/bootstrap/schemas/stray.json",
        "setup/organizations/schemas/subscription_plans.json:PLAN_NAME",
    ]
    assert [error["field"] for error in answer["errors"]] == places
    assert "4 problems" in answer["detail"]


def test_a_syntax_error_is_named_with_its_line(onboarded: TestClient, files: CatalogFiles) -> None:
    _syntax(files)
    answer = onboarded.get(BOOTSTRAP_STATUS).json()
    assert "org_hierarchy.json:2" in answer["detail"]
    assert [error["field"] for error in answer["errors"]] == ["setup/bootstrap/schemas/org_hierarchy.json:2"]


def test_a_problem_of_a_field_is_named_with_its_line(onboarded: TestClient, files: CatalogFiles) -> None:
    _five_clustering_columns(files)
    (error,) = onboarded.get(BOOTSTRAP_STATUS).json()["errors"]
    file, line, field = error["field"].split(":")
    assert field == "tables.subscription_plans.clustering"
    assert '"clustering":' in (files.root / file).read_text().splitlines()[int(line) - 1]


def test_an_edit_is_seen_by_the_next_request_without_a_restart(onboarded: TestClient, files: CatalogFiles) -> None:
    for name in ("first", "second"):
        files.add_column("bootstrap", "org_profiles", name)
        assert onboarded.get(BOOTSTRAP_STATUS).json()["schema_diffs"]["org_profiles"]["missing_columns"] == [name]
        assert onboarded.post(BOOTSTRAP_SYNC).json()["columns_added"] == {"org_profiles": [name]}


def test_a_new_organization_gets_the_edited_schema(bootstrapped: TestClient, files: CatalogFiles, live: Live) -> None:
    files.add_column("organizations", "subscription_plans", "new_column", mode="REQUIRED")
    assert bootstrapped.post(ONBOARD, json=ACME).status_code == 201
    assert "new_column" in live.columns("acme_corp_prod", "subscription_plans")
    assert bootstrapped.get(ACME_STATUS).json()["schema_diffs"] == {}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("plans: {STARTER: {daily_limit: many}}", "plans.yml:1:plans.STARTER.daily_limit"),
        ("plans: {STARTER: {daly_limit: 6}}", "plans.yml:1:plans.STARTER.daly_limit"),
        ("plans: {starter: {}}", "plans.yml:1:plans.starter"),
        ("plans: {}", "plans.yml:1:plans"),
        ("plans: [", "plans.yml"),
        ("", "plans.yml"),
    ],
)
def test_a_bad_edit_of_the_plans_is_named_and_nobody_is_onboarded(
    bootstrapped: TestClient, files: CatalogFiles, live: Live, text: str, field: str
) -> None:
    path = files.root / "plans.yml"
    good, before = path.read_text(), live.snapshot()
    path.write_text(text)
    for url in (DRYRUN, ONBOARD):
        answer = bootstrapped.post(url, json=ACME)
        assert answer.status_code == 500
        assert answer.json()["code"] == "catalog_invalid"
        assert answer.json()["errors"][0]["field"].startswith(field)
    assert live.snapshot() == before
    path.write_text(good)
    assert bootstrapped.post(ONBOARD, json=ACME).status_code == 201
