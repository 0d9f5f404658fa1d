"""Pulling what was pushed gives the declaration it was pushed from, on real warehouses."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudact.catalog.load import CENTRAL, ORGANIZATION, CatalogSource, load_dataset, parse_catalog, read_files
from cloudact.catalog.model import Dataset
from cloudact.catalog.template import Catalog, DatasetTemplate, Engine
from cloudact.catalog.write.directory import write_directory
from cloudact.planning.policy import EVERYTHING
from cloudact.tenancy.adoption.pull import Pull
from cloudact.tenancy.declarations import Declarations
from cloudact.tenancy.sync import synchronize
from cloudact.warehouse.driver import Warehouse
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.acme import ROOT
from tests.bigquery_fake.server import Fake, running
from tests.contract.bigquery import bigquery_at
from tests.strategies import datasets

FEW = settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
MANY = settings(FEW, max_examples=150)
NAMED = datasets(name=st.just("acme_prod"))
Make = Callable[[], Warehouse]


@pytest.fixture(scope="module")
def bigquery_fake() -> Iterator[Fake]:
    """A strict server, in which each warehouse has a project of its own."""
    with running() as fake:
        fake.limits.enabled = False
        yield fake


def on_duckdb() -> Warehouse:
    return DuckDBWarehouse(None)


@pytest.fixture
def on_bigquery(bigquery_fake: Fake) -> Make:
    return lambda: bigquery_at(bigquery_fake.url, f"project-{uuid.uuid4().hex[:12]}")[0]


@cache
def declarations(engine: Engine) -> Declarations:
    """The shipped catalog, parsed once."""
    return Declarations(ROOT / "configs", engine)


def pull(warehouse: Warehouse, name: str, out: Path, *, org_slug: str | None = None) -> list[str]:
    """Pull a dataset and return the notes."""
    answer = Pull(declarations(warehouse.engine), warehouse).declaration(name, org_slug=org_slug)
    write_directory(out, answer.files)
    return answer.notes


def rendered(template: DatasetTemplate, name: str) -> Dataset:
    return template.render({"organizations": "organizations", "org_slug": "acme"}, name=name)


def pulled_back(make: Make, declared: Dataset) -> None:
    with closing(make()) as warehouse, tempfile.TemporaryDirectory() as folder:
        assert synchronize(warehouse, declared, EVERYTHING).failed == []
        pull(warehouse, declared.name, Path(folder) / "out")
        template = load_dataset(Path(folder), "out", warehouse.engine)
        assert rendered(template, declared.name) == declared
        assert template.name == declared.name


def pulled_for_every_organization(make: Make, declared: Dataset) -> None:
    """What reads the dataset's own tables reads the other organization's own tables in the other one."""
    with closing(make()) as warehouse, tempfile.TemporaryDirectory() as folder:
        synchronize(warehouse, declared, EVERYTHING)
        pull(warehouse, declared.name, Path(folder) / "out", org_slug="acme")
        template = load_dataset_for_organizations(Path(folder), warehouse)
        assert template.dataset_name({"org_slug": "globex"}) == "globex_prod"
        assert rendered(template, declared.name) == declared
        other = template.render({"organizations": "organizations", "org_slug": "globex"})
        moved = [replace(view, query=view.query.replace("acme_prod", "globex_prod")) for view in declared.views]
        assert other == replace(declared, name="globex_prod", views=tuple(moved))


def load_dataset_for_organizations(folder: Path, warehouse: Warehouse) -> DatasetTemplate:
    shutil.copytree(ROOT / "configs/setup/bootstrap", folder / CENTRAL)
    (folder / "out").rename(folder / ORGANIZATION)
    files = {**read_files(folder, CENTRAL), **read_files(folder, ORGANIZATION)}
    return parse_catalog(files, replace(warehouse.engine, materializes=False)).organization


@FEW
@given(declared=NAMED)
def test_any_dataset_on_duckdb_is_pulled_as_declared(declared: Dataset) -> None:
    pulled_back(on_duckdb, declared)


@FEW
@given(declared=NAMED)
def test_any_dataset_on_duckdb_is_pulled_for_every_organization(declared: Dataset) -> None:
    pulled_for_every_organization(on_duckdb, declared)


@pytest.mark.slow
@MANY
@given(declared=NAMED)
def test_any_dataset_on_duckdb_is_pulled_at_length(declared: Dataset) -> None:
    pulled_back(on_duckdb, declared)
    pulled_for_every_organization(on_duckdb, declared)


@pytest.mark.slow
@MANY
@given(declared=NAMED)
def test_any_dataset_on_bigquery_is_pulled_as_declared(on_bigquery: Make, declared: Dataset) -> None:
    pulled_back(on_bigquery, declared)


# The shipped catalog


def assert_shipped_comes_back(warehouse: Warehouse, folder: Path) -> list[str]:
    shipped = CatalogSource(ROOT / "configs", warehouse.engine).load()
    for dataset in (shipped.central_dataset(), shipped.organization_dataset("acme")):
        assert synchronize(warehouse, dataset, EVERYTHING).failed == []
    notes = pull(warehouse, "organizations", folder / CENTRAL)
    notes += pull(warehouse, "acme_prod", folder / ORGANIZATION, org_slug="acme")
    plain = replace(warehouse.engine, materializes=False)
    declared, pulled = (CatalogSource(root, plain).load() for root in (ROOT / "configs", folder))
    assert _comparable(pulled) == _comparable(declared)
    again = CatalogSource(folder, warehouse.engine).load()
    for dataset in (again.central_dataset(), again.organization_dataset("acme")):
        assert synchronize(warehouse, dataset, EVERYTHING).plan.changes == ()
    return notes


def _comparable(catalog: Catalog) -> tuple[object, ...]:
    values = {"organizations": "organizations", "org_slug": "globex"}
    return tuple(
        (item.name, item.location, item.authorize_views, item.render(values))
        for item in (catalog.central, catalog.organization)
    )


def test_the_shipped_catalog_on_duckdb_is_pulled_as_declared(tmp_path: Path) -> None:
    with closing(on_duckdb()) as warehouse:
        assert assert_shipped_comes_back(warehouse, tmp_path) == []


@pytest.mark.slow
def test_the_shipped_catalog_on_bigquery_is_pulled_as_declared(on_bigquery: Make, tmp_path: Path) -> None:
    with closing(on_bigquery()) as warehouse:
        notes = assert_shipped_comes_back(warehouse, tmp_path)
    assert len(notes) == 4
    assert all("was made for a shared view" in note for note in notes)
