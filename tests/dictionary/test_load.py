"""What the dictionary takes from the files."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudact.catalog.model import Materialized
from cloudact.dictionary.answer import described
from cloudact.dictionary.entries import Dictionary, ViewEntry
from cloudact.errors import CatalogError
from tests.catalog.declared import column
from tests.dictionary.small_catalog import FILES, loaded, write_files

CONFIG = "configs/setup/organizations/config.yml"


def view(dictionary: Dictionary, name: str) -> ViewEntry:
    return next(item for dataset in dictionary.datasets for item in dataset.views if item.address.name == name)


def test_every_dataset_is_there_in_the_order_of_its_config(dictionary: Dictionary) -> None:
    found = {item.name: [entry.address.name for entry in item.entries] for item in dictionary.datasets}
    assert found == {
        "central": ["accounts"],
        "{org_slug}_prod": ["invoices", "payments", "recent", "totals", "everything"],
        "tenants": ["accounts", "runs"],
    }
    assert [(item.setting, item.folder) for item in dictionary.datasets] == [
        ("CA_CONFIG_DIR", "setup/bootstrap"),
        ("CA_CONFIG_DIR", "setup/organizations"),
        ("CA_TEMPLATES_DIR", "one/two"),
    ]


def test_joins_are_those_of_the_phrase_that_name_a_column(dictionary: Dictionary) -> None:
    assert {str(join.column): str(join.target) for join in dictionary.joins} == {
        "{org_slug}_prod.invoices.id": "{org_slug}_prod.payments.lines.invoice",
        "{org_slug}_prod.invoices.org_slug": "central.accounts.org_slug",
        "{org_slug}_prod.payments.odd name-1": "{org_slug}_prod.invoices.id",
        "tenants.runs.tenant_id": "tenants.accounts.tenant_id",
    }


def test_a_joins_target_is_first_looked_for_in_the_columns_own_dataset(tmp_path: Path) -> None:
    columns = [column("org_slug"), column("other", description="Joins to ACCOUNTS.email."), column("email")]
    write_files(tmp_path, **{"configs/setup/bootstrap/schemas/accounts.json": columns})
    (found,) = [join for join in loaded(tmp_path).joins if join.column.column == "other"]
    assert str(found.target) == "central.accounts.email"


def test_a_name_that_could_be_of_another_dataset_is_one_of_the_columns_own(tmp_path: Path) -> None:
    config, schemas = FILES[CONFIG], "configs/setup/organizations/schemas"
    twice = column("email", description="Joins to central.accounts.email; again, joins to central.accounts.email.")
    write_files(tmp_path, **{
        CONFIG: {**config, "tables": {**config["tables"], "central": None, "mail": None}},
        f"{schemas}/central.json": [column("accounts", "RECORD", fields=[column("email")])],
        f"{schemas}/mail.json": [twice],
    })  # fmt: skip
    (found,) = [join for join in loaded(tmp_path).joins if join.column.name == "mail"]
    assert str(found.target) == "{org_slug}_prod.central.accounts.email"


def test_of_two_tables_that_a_view_reads_neither_gives_a_type(tmp_path: Path) -> None:
    query = "SELECT i.id FROM {dataset}.invoices AS i JOIN {dataset}.payments AS p ON p.number = 1"
    write_files(tmp_path, **{"configs/setup/organizations/views/totals.sql": query})
    (only,) = view(loaded(tmp_path), "totals").columns
    assert (only.name, only.declared, only.expression) == ("id", None, "i.id")


def test_a_views_file_may_begin_with_a_byte_order_mark_and_a_tables_name_have_capitals(tmp_path: Path) -> None:
    query = "\ufeffSELECT total FROM {dataset}.Invoices"
    config = FILES[CONFIG]
    tables = {"Invoices": config["tables"]["invoices"], "payments": config["tables"]["payments"]}
    schemas = "configs/setup/organizations/schemas"
    write_files(tmp_path, **{
        CONFIG: {**config, "tables": tables},
        f"{schemas}/invoices.json": None,
        f"{schemas}/Invoices.json": FILES[f"{schemas}/invoices.json"],
        "configs/setup/organizations/views/totals.sql": query,
    })  # fmt: skip
    totals = view(loaded(tmp_path), "totals")
    assert totals.query == query[1:]
    assert [item.declared and str(item.declared.type) for item in totals.columns] == ["NUMERIC(10, 2)"]


def test_a_view_has_the_types_of_the_columns_it_reads_and_the_text_of_those_it_computes(dictionary: Dictionary) -> None:
    recent = view(dictionary, "recent")
    assert [(item.name, item.declared and str(item.declared.type)) for item in recent.columns] == [
        ("org_slug", "STRING"),
        ("mail", "STRING"),
        ("n", None),
    ]
    assert recent.columns[2].expression == "COUNT(*)"
    assert list(map(str, recent.reads)) == ["central.accounts"]
    assert recent.query.startswith("-- all\nSELECT")
    assert recent.materialized is Materialized.SHARED


def test_a_view_of_its_own_dataset_and_one_behind_a_star(dictionary: Dictionary) -> None:
    assert list(map(str, view(dictionary, "totals").reads)) == ["{org_slug}_prod.invoices"]
    assert view(dictionary, "everything").columns == ()
    assert view(dictionary, "everything").column_count == 0


def test_an_export_is_of_the_table_it_is_loaded_into(dictionary: Dictionary) -> None:
    invoices, payments = dictionary.datasets[1].tables
    assert [(export.name, source) for export, source in invoices.sources_of("id")] == [("bill", "InvoiceId")]
    assert [source for _, source in invoices.sources_of("total")] == ["total"]
    assert [source for _, source in invoices.sources_of("extra")] == ["*"]
    assert payments.exports == ()


def test_a_prefix_of_export_columns_lands_in_the_column_of_its_map(tmp_path: Path) -> None:
    bill = {"title": "Bill", "table": "invoices", "columns": {"id": None}, "maps": {"tag/": "extra"}}
    write_files(tmp_path, **{"configs/exports/bill.yml": bill})
    found = loaded(tmp_path)
    invoices = found.datasets[1].tables[0]
    assert [source for _, source in invoices.sources_of("extra")] == ["tag/*"]
    assert described(found, invoices)["exports"][0]["maps"] == {"tag/": "extra"}


def test_templates_and_exports_may_be_absent(tmp_path: Path) -> None:
    write_files(tmp_path, **dict.fromkeys(("configs/exports/bill.yml", "templates/one/two/config.yml")))
    assert [item.name for item in loaded(tmp_path).datasets] == ["central", "{org_slug}_prod"]


def test_a_catalog_with_a_problem_has_no_dictionary(tmp_path: Path) -> None:
    write_files(tmp_path, **{"templates/one/two/schemas/runs.json": None})
    with pytest.raises(CatalogError, match=r"one/two/schemas/runs\.json"):
        loaded(tmp_path)
