"""Pulling datasets, and comparing what was pulled with what there is."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cloudact.catalog.load import CENTRAL, ORGANIZATION, CatalogSource
from cloudact.catalog.template import Catalog, Engine
from cloudact.catalog.write.directory import write_directory
from cloudact.planning.status import compare
from cloudact.tenancy.adoption.pull import Declaration, Pull
from cloudact.tenancy.declarations import Declarations
from cloudact.warehouse.driver import Warehouse
from tests.acme import ROOT


@cache
def declarations(engine: Engine) -> Declarations:
    """The shipped catalog, parsed once."""
    return Declarations(ROOT / "configs", engine)


def pull(warehouse: Warehouse, dataset: str = "acme_prod", **how: object) -> Declaration:
    how = {"org_slug": "acme" if dataset == "acme_prod" else None, **how}
    return Pull(declarations(warehouse.engine), warehouse).declaration(dataset, **how)  # type: ignore[arg-type]


def adopt(warehouse: Warehouse, root: Path) -> Catalog:
    """Pull the central dataset and acme's, and load what was written."""
    write_directory(root / CENTRAL, pull(warehouse, "organizations").files)
    write_directory(root / ORGANIZATION, pull(warehouse).files)
    return CatalogSource(root, warehouse.engine).load()


def assert_in_step(warehouse: Warehouse, catalog: Catalog) -> None:
    for desired in (catalog.central_dataset(), catalog.organization_dataset("acme")):
        actual = warehouse.run(lambda session, name=desired.name: session.inspect(name))  # type: ignore[misc]
        drift = compare(actual, desired)
        assert drift.in_sync
        assert (drift.tables_missing, drift.views_missing, drift.conflicts, drift.tables_extra) == ((), (), (), ())
