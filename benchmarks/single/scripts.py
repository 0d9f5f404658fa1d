"""The floor's scripts for one organization: the same DDL and rows, as plain SQL, generated once from the catalog."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.single.operations import MEASURED, request
from benchmarks.statements import statements, transaction
from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import Dataset
from cloudact.planning.policy import Policy
from cloudact.settings import Settings
from cloudact.warehouse.duckdb.type_map import literal, quote
from cloudact.wiring import Services, build_services


def write_scripts(configs: Path, extended: Path, folder: Path) -> None:
    """Write one .sql file per script that an operation names."""
    catalog, more = CatalogSource(configs).load(), CatalogSource(extended).load()
    central, organization = catalog.central_dataset(), catalog.organization_dataset(MEASURED)
    rows = _rows(configs, extended, folder, central)
    scripts = {
        "bootstrap": transaction([*statements(None, central), *rows["bootstrap"]]),
        "onboard": transaction([*statements(None, organization), *rows["onboard"]]),
        "status": _catalog_query(organization.name),
        "sync": transaction([_catalog_query(organization.name), *rows["sync"]]),
        "add_column": transaction(
            [*statements(organization, more.organization_dataset(MEASURED)), *rows["add_column"]]
        ),
    }
    for name, text in scripts.items():
        (folder / f"{name}.sql").write_text(text, encoding="utf-8")


def _catalog_query(dataset: str) -> str:
    return (
        "SELECT table_name, column_name, data_type, is_nullable, column_default FROM duckdb_columns() "
        f"WHERE database_name = current_database() AND schema_name = {literal(dataset)}"
    )


def _rows(configs: Path, extended: Path, folder: Path, central: Dataset) -> dict[str, list[str]]:
    """Return the rows that each operation adds, audit rows among them, read back from a file that it was done in."""
    scratch = folder / "scratch.duckdb"
    key = f"local:///{folder / 'sealing.key'}"
    done: tuple[tuple[str, Path, Callable[[Services], object]], ...] = (
        ("bootstrap", configs, lambda to: to.bootstrap.run()),
        ("onboard", configs, lambda to: to.onboarding.onboard(request(MEASURED))),
        ("sync", configs, lambda to: to.organizations.sync(MEASURED, Policy())),
        ("add_column", extended, lambda to: to.organizations.sync(MEASURED, Policy())),
    )
    rows: dict[str, list[str]] = {}
    there: dict[str, int] = {}
    for name, catalog, act in done:
        settings = Settings(config_dir=catalog, warehouse_url=f"duckdb:///{scratch}", sealing_key_uri=key)
        services = build_services(settings)
        act(services)
        services.close()
        rows[name] = _added(scratch, central, there)
    return rows


def _added(file: Path, central: Dataset, there: dict[str, int]) -> list[str]:
    """Return the rows behind those that were there before, and remember that they are there."""
    statements = []
    with duckdb.connect(str(file), read_only=True) as connection:
        for table in central.tables:
            name = f"{quote(central.name)}.{quote(table.name)}"
            rows = connection.execute(f"FROM {name} OFFSET {there.get(name, 0)}").fetchall()
            there[name] = there.get(name, 0) + len(rows)
            statements += [_insert(name, [column.name for column in table.columns], row) for row in rows]
    return statements


def _insert(table: str, columns: list[str], row: tuple[object, ...]) -> str:
    given = {quote(name): _value(value) for name, value in zip(columns, row, strict=True) if value is not None}
    return f"INSERT INTO {table} ({', '.join(given)}) VALUES ({', '.join(given.values())})"


def _value(value: object) -> str:
    match value:
        case bool() | int():
            return str(value)
        case list():
            return f"[{', '.join(_value(item) for item in value)}]"
        case bytes():
            return f"from_hex('{value.hex()}')"
        case _:
            return literal(str(value))
