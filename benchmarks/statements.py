"""The floor's statements: the same DDL and rows, as plain SQL, generated once from the catalog."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
from operations import MEASURED, request

from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import Dataset
from cloudact.planning.diff import diff
from cloudact.planning.policy import Policy
from cloudact.settings import Settings
from cloudact.warehouse.duckdb import ddl
from cloudact.warehouse.duckdb.type_map import literal, quote
from cloudact.wiring import Services, build_services

TABLE, COLUMN = "cost_data_standard_1_3", "x_one_more"


def extend_catalog(configs: Path, target: Path) -> Path:
    """Return a copy of the catalog whose cost table has one column more."""
    shutil.copytree(configs, target)
    schema = target / f"setup/organizations/schemas/{TABLE}.json"
    columns = json.loads(schema.read_text(encoding="utf-8"))
    columns.append({"name": COLUMN, "type": "STRING", "mode": "NULLABLE", "description": "One more."})
    schema.write_text(json.dumps(columns), encoding="utf-8")
    return target


def write_scripts(configs: Path, extended: Path, folder: Path) -> None:
    """Write one .sql file per script that an operation names."""
    catalog, more = CatalogSource(configs).load(), CatalogSource(extended).load()
    central, organization = catalog.central_dataset(), catalog.organization_dataset(MEASURED)
    rows = _rows(configs, extended, folder, central)
    scripts = {
        "bootstrap": _transaction([*_statements(None, central), *rows["bootstrap"]]),
        "onboard": _transaction([*_statements(None, organization), *rows["onboard"]]),
        "status": _catalog_query(organization.name),
        "sync": _transaction([_catalog_query(organization.name), *rows["sync"]]),
        "add_column": _transaction(
            [*_statements(organization, more.organization_dataset(MEASURED)), *rows["add_column"]]
        ),
    }
    for name, text in scripts.items():
        (folder / f"{name}.sql").write_text(text, encoding="utf-8")


def _statements(actual: Dataset | None, desired: Dataset) -> list[str]:
    planned = [ddl.statements(desired.name, change, actual) for change in diff(actual, desired).changes]
    # The comment on a view is this project's own bookkeeping: a raw program has no use for it.
    return [text for texts in planned for text in texts if not text.startswith("COMMENT ON VIEW")]


def _transaction(statements: list[str]) -> str:
    return ";\n".join(["BEGIN", *statements, "COMMIT"])


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
