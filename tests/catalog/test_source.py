"""The catalog of a directory that people edit: always as the files stand, whole or refused."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event

import pytest

from cloudact.catalog.load import ORGANIZATION
from cloudact.catalog.template import Catalog
from cloudact.errors import CatalogError
from tests.catalog.declared import (
    ACCOUNTS,
    CONFIG_FILE,
    EVENTS,
    RECENT,
    CatalogDirectory,
    column,
    encoded,
    small_catalog,
)


def test_nothing_is_parsed_again_while_no_byte_changes(catalog: CatalogDirectory) -> None:
    first = catalog.load()
    assert catalog.load() is first
    catalog.write(EVENTS, small_catalog()[EVENTS])
    os.utime(catalog.root / RECENT, (0, 0))
    assert catalog.load() is first


def test_a_catalog_with_a_problem_is_not_parsed_again_either(catalog: CatalogDirectory) -> None:
    catalog.write(RECENT, "SELECT")
    problem = catalog.problem()
    assert catalog.problem() is problem
    catalog.write(RECENT, small_catalog()[RECENT])
    assert [item.view.name for item in catalog.load().organization.views] == ["recent"]


def test_an_edit_is_seen_by_the_next_call(catalog: CatalogDirectory) -> None:
    catalog.load()
    catalog.write(ACCOUNTS, [*small_catalog()[ACCOUNTS], column("added")])
    table = catalog.load().central.tables[0]
    assert table.column("added") is not None


def test_an_edit_that_keeps_size_and_time_is_seen_as_well(catalog: CatalogDirectory) -> None:
    catalog.load()
    catalog.write(RECENT, "SELECT id FROM {dataset}.events")
    catalog.load()
    path = catalog.root / ACCOUNTS
    before = path.stat()
    path.write_text(path.read_text().replace("email", "phone"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert catalog.load().central.tables[0].column("phone") is not None


def test_a_new_table_is_seen_when_its_files_are_complete(catalog: CatalogDirectory) -> None:
    catalog.load()
    path = f"{ORGANIZATION}/schemas/visits.json"
    catalog.write(path, [column("id")])
    assert catalog.problem().where == path
    catalog.change(CONFIG_FILE, tables=["events", "visits"])
    assert [table.name for table in catalog.load().organization.tables] == ["events", "visits"]


def test_a_bad_edit_is_an_error_until_a_good_one_replaces_it(catalog: CatalogDirectory) -> None:
    before = catalog.load()
    catalog.write(EVENTS, [column("id", "TEXT")])
    for _ in range(2):
        assert (catalog.problem().where, catalog.problem().field) == (EVENTS, "id.type")
    catalog.write(EVENTS, [column("id", "STRING")])
    assert [item.name for item in catalog.load().organization.tables[0].columns] == ["id"]
    catalog.write(EVENTS, small_catalog()[EVENTS])
    assert catalog.load() == before


@pytest.mark.parametrize("path", [ACCOUNTS, EVENTS])
def test_half_of_a_schema_file_is_never_a_schema(catalog: CatalogDirectory, path: str) -> None:
    whole = encoded(small_catalog())[path]
    for end in range(len(whole)):
        catalog.write(path, whole[:end])
        assert catalog.problem().where == path


def test_half_of_a_config_never_loses_a_table_or_a_view(catalog: CatalogDirectory) -> None:
    entries = "tables:\n  events:\n    clustering: [name]\nviews:\n  recent:\n    clustering: [email]\n"
    whole = ("dataset: '{org_slug}_prod'\n" + entries).encode()
    for end in range(len(whole)):
        catalog.write(CONFIG_FILE, whole[:end])
        if not catalog.problems():
            found = catalog.load().organization
            assert ([table.name for table in found.tables], [item.view.name for item in found.views]) == (
                ["events"],
                ["recent"],
            )


def test_half_of_a_view_file_never_shows_one_organization_the_rows_of_another(catalog: CatalogDirectory) -> None:
    whole = encoded(small_catalog())[RECENT]
    for end in range(len(whole)):
        catalog.write(RECENT, whole[:end])
        if not catalog.problems():
            loaded = catalog.load()
            reads = loaded.organization.views[0].query.tables
            assert not reads or loaded.organization_dataset("acme").views != loaded.organization_dataset("other").views


def write_variant(catalog: CatalogDirectory, name: str, other: str) -> None:
    """Turn a catalog with table `other` into one with table `name`, one file after another."""
    catalog.write(f"{ORGANIZATION}/schemas/{name}.json", [column(f"{name}_id")])
    catalog.change(CONFIG_FILE, tables={name: {"clustering": [f"{name}_id"]}})
    (catalog.root / f"{ORGANIZATION}/schemas/{other}.json").unlink(missing_ok=True)


def test_loads_while_files_are_edited_give_whole_catalogs_or_errors(catalog: CatalogDirectory) -> None:
    catalog.delete(EVENTS)
    write_variant(catalog, "left", "right")
    left = catalog.load()
    write_variant(catalog, "right", "left")
    right = catalog.load()
    done = Event()

    def edit() -> None:
        while not done.is_set():
            write_variant(catalog, "left", "right")
            write_variant(catalog, "right", "left")

    def load() -> list[Catalog]:
        found: list[Catalog] = []
        while len(found) < 4:
            with suppress(CatalogError):
                found.append(catalog.load())
        return found

    with ThreadPoolExecutor(9) as pool:
        editor = pool.submit(edit)
        loaders = [pool.submit(load) for _ in range(8)]
        try:
            loaded = [item for loader in loaders for item in loader.result()]
        finally:
            done.set()
        editor.result()
    assert all(item in (left, right) for item in loaded)
    assert catalog.load() == right


def test_loads_at_the_same_time_give_equal_catalogs(catalog: CatalogDirectory) -> None:
    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(lambda _: catalog.load(), range(64)))
    assert all(item == loaded[0] for item in loaded)
    assert catalog.load() is catalog.load()
