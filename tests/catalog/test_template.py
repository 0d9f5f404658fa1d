"""Declared datasets rendered for one organization or for the centre."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from cloudact.catalog.folder import Folder
from cloudact.catalog.model import Dataset, Partition, RangePartition, Table, TimePartition, View
from cloudact.catalog.problems import Problems
from cloudact.catalog.schema_file import column_to_json
from tests.catalog.declared import CENTRAL_CONFIG, CONFIG_FILE, EVENTS, CatalogDirectory, Values, encoded
from tests.strategies import datasets


def test_an_organizations_dataset_carries_its_name_everywhere(catalog: CatalogDirectory) -> None:
    loaded = catalog.load()
    acme = loaded.organization_dataset("acme_corp")
    assert acme.name == loaded.organization_dataset_name("acme_corp") == "acme_corp_prod"
    assert [view.query for view in acme.views] == ["SELECT email FROM `central`.accounts WHERE org_slug = 'acme_corp'"]


def test_organizations_differ_in_name_and_views_only(catalog: CatalogDirectory) -> None:
    loaded = catalog.load()
    acme, other = loaded.organization_dataset("acme"), loaded.organization_dataset("other")
    assert acme.tables == other.tables
    assert (acme.location, acme.description, acme.labels) == (other.location, other.description, other.labels)
    assert {acme.name, other.name} == {"acme_prod", "other_prod"}


def test_rendering_again_gives_an_equal_dataset(catalog: CatalogDirectory) -> None:
    loaded = catalog.load()
    assert loaded.organization_dataset("acme") == loaded.organization_dataset("acme")


def test_a_dataset_is_where_it_is_declared_unless_told_otherwise(catalog: CatalogDirectory) -> None:
    catalog.change(CONFIG_FILE, location="EU")
    loaded = catalog.load()
    assert loaded.organization_dataset("acme").location == "EU"
    assert loaded.organization_dataset("acme", location="asia-east1").location == "asia-east1"
    assert loaded.central_dataset().location == "US"


def test_the_central_datasets_name_is_what_views_read_from(catalog: CatalogDirectory) -> None:
    catalog.change(CENTRAL_CONFIG, dataset="shared")
    loaded = catalog.load()
    assert (loaded.central_name, loaded.central_dataset().name) == ("shared", "shared")
    assert loaded.organization_dataset("acme").views[0].query.startswith("SELECT email FROM `shared`.accounts")


def test_the_order_of_tables_makes_no_difference(catalog: CatalogDirectory) -> None:
    catalog.write(EVENTS.replace("events", "visits"), [{"name": "id", "type": "INT64"}])
    catalog.change(CONFIG_FILE, tables=["visits", "events"])
    visits_first = catalog.load()
    catalog.change(CONFIG_FILE, tables=["events", "visits"])
    assert catalog.load().organization_dataset("acme") == visits_first.organization_dataset("acme")


def _partition(partition: Partition) -> Values:
    match partition:
        case TimePartition():
            return {
                "type": partition.granularity.value,
                "field": partition.field,
                "expiration_days": partition.expiration_days,
                "require_filter": partition.require_filter,
            }
        case RangePartition():
            return {
                "type": "RANGE",
                "field": partition.field,
                "start": partition.start,
                "end": partition.end,
                "interval": partition.interval,
                "require_filter": partition.require_filter,
            }


def _table(table: Table) -> Values:
    entry: Values = {
        "description": table.description,
        "clustering": list(table.clustering),
        "labels": dict(table.labels),
    }
    return entry | ({"partition": _partition(table.partition)} if table.partition else {})


def _view(view: View) -> Values:
    return {
        "description": view.description,
        "materialized": view.materialized.value,
        "clustering": list(view.clustering),
        "refresh_interval_minutes": view.refresh_interval_minutes,
        "labels": dict(view.labels),
    }


def files_of(dataset: Dataset, folder: str) -> Values:
    """Return the files that declare a dataset."""
    config: dict[str, Any] = {
        "dataset": dataset.name,
        "location": dataset.location,
        "description": dataset.description,
        "labels": dict(dataset.labels),
        "tables": {table.name: _table(table) for table in dataset.tables},
        "views": {view.name: _view(view) for view in dataset.views},
    }
    schemas = {f"{folder}/schemas/{table.name}.json": [*map(column_to_json, table.columns)] for table in dataset.tables}
    queries = {f"{folder}/views/{view.name}.sql": view.query for view in dataset.views}
    return {f"{folder}/config.yml": config} | schemas | queries


@given(datasets())
def test_any_valid_dataset_can_be_declared_in_files(dataset: Dataset) -> None:
    problems = Problems()
    template = Folder("setup", encoded(files_of(dataset, "setup")), problems).parse()
    assert problems.found == []
    assert template is not None
    assert template.render({}) == dataset
