"""What DuckDB refuses to make is told with its file, once, and by the column where it is a default."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cloudact.catalog.model import Dataset
from cloudact.catalog.problems import Code
from cloudact.errors import ChangeFailed, WarehouseRefused
from cloudact.lint.check import lint_catalog
from cloudact.planning.changes import CreateTable
from cloudact.wiring import rehearse
from tests.catalog.declared import ACCOUNTS, CENTRAL_CONFIG, EVENTS, RECENT, column
from tests.lint.cases import Edit, central, made, more, query

REFUSED = column("hash", "INT64", defaultValueExpression="FARM_FINGERPRINT('x')")
GOOD = column("note", defaultValueExpression="'none'")
WHY = "is refused by DuckDB: Catalog Error: Scalar Function with name farm_fingerprint does not exist!"


def refused(folder: Path, edit: Edit) -> list[tuple[str, str, int, str]]:
    """Return the refusals as file, object, line and what was said."""
    report = lint_catalog(made(folder, edit), rehearse=rehearse)
    found = [item for item in report.problems if item.code == Code.REFUSED_BY_DUCKDB]
    return [(Path(item.where).relative_to(folder).as_posix(), item.field, item.line, item.what) for item in found]


def test_what_can_be_made_is_not_spoken_of(tmp_path: Path) -> None:
    assert refused(tmp_path, more(GOOD)) == []


def test_a_view_is_told_by_its_file(tmp_path: Path) -> None:
    edit = query("SELECT FARM_FINGERPRINT(name) AS hash FROM {dataset}.events")
    assert refused(tmp_path, edit) == [(RECENT, "", 0, WHY)]


def test_a_default_is_told_by_its_column_and_views_of_its_table_have_to_wait(tmp_path: Path) -> None:
    edit = {**more(GOOD, REFUSED), **query("SELECT hash, note FROM {dataset}.events")}
    assert refused(tmp_path, edit) == [(EVENTS, "hash.defaultValueExpression", 1, WHY)]


def test_both_datasets_are_made(tmp_path: Path) -> None:
    edit = {ACCOUNTS: [column("org_slug"), column("email"), REFUSED], **more(REFUSED)}
    assert [file for file, *_ in refused(tmp_path, edit)] == [ACCOUNTS, EVENTS]


def test_what_a_rule_has_told_already_is_not_told_again(tmp_path: Path) -> None:
    report = lint_catalog(made(tmp_path, central(dataset="temp")), rehearse=rehearse)
    errors = [item for item in report.problems if item.where.endswith(CENTRAL_CONFIG) and item.field == "dataset"]
    assert [item.code for item in errors] == [Code.RESERVED_DATASET_NAME]


def test_a_table_without_defaults_is_told_as_a_whole(tmp_path: Path) -> None:
    def full(datasets: Sequence[Dataset]) -> list[ChangeFailed]:
        refusal = WarehouseRefused("there is no room for it")
        return [ChangeFailed(CreateTable(table), item.name, refusal) for item in datasets for table in item.tables]

    report = lint_catalog(made(tmp_path, {}), rehearse=full)
    found = [item for item in report.problems if item.code == Code.REFUSED_BY_DUCKDB]
    assert [(Path(item.where).name, item.field) for item in found] == [("accounts.json", ""), ("events.json", "")]
    assert {item.what for item in found} == {"is refused by DuckDB: there is no room for it"}


@pytest.mark.parametrize("name", ["setup/first", "second"])
def test_the_dataset_of_a_template_is_made_by_itself(tmp_path: Path, name: str) -> None:
    templates = tmp_path / "templates"
    files = {
        "config.yml": "dataset: central\ntables: [accounts]\nviews: [hashes]\n",
        "schemas/accounts.json": '[{"name": "id", "type": "STRING"}]',
        "views/hashes.sql": "SELECT FARM_FINGERPRINT(id) AS hash FROM {dataset}.accounts",
    }
    for path, text in files.items():
        target = templates / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    report = lint_catalog(made(tmp_path / "configs", {}), templates, rehearse=rehearse)
    (found,) = [item for item in report.problems if item.code == Code.REFUSED_BY_DUCKDB]
    assert (found.where, found.what) == ((templates / name / "views/hashes.sql").as_posix(), WHY)


def test_a_catalog_that_cannot_be_loaded_is_not_made(tmp_path: Path) -> None:
    assert refused(tmp_path, {**more(REFUSED), **query("DROP TABLE x")}) == []
