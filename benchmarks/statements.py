"""The floor's statements: the same DDL and rows, as plain SQL, generated once from the catalog."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
from operations import MEASURED, request

from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import Dataset
from cloudact.planning.diff import diff
from cloudact.settings import Settings
from cloudact.warehouse.duckdb import ddl
from cloudact.warehouse.duckdb.type_map import literal, quote
from cloudact.wiring import build_services

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
    scripts = {
        "bootstrap": _transaction(_statements(None, central)),
        "onboard": _transaction([*_statements(None, organization), *_rows(configs, folder, central)]),
        "status": _catalog_query(organization.name),
        "add_column": _transaction(_statements(organization, more.organization_dataset(MEASURED))),
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


def _rows(configs: Path, folder: Path, central: Dataset) -> Iterator[str]:
    """Yield the rows that onboarding writes, read back from an onboarding."""
    scratch = folder / "scratch.duckdb"
    key = f"local:///{folder / 'sealing.key'}"
    settings = Settings(config_dir=configs, warehouse_url=f"duckdb:///{scratch}", sealing_key_uri=key)
    services = build_services(settings)
    services.bootstrap.run()
    services.onboarding.onboard(request(MEASURED))
    services.close()
    with duckdb.connect(str(scratch), read_only=True) as connection:
        for table in central.tables:
            name = f"{quote(central.name)}.{quote(table.name)}"
            rows = connection.execute(f"FROM {name}").fetchall()
            yield from (_insert(name, [column.name for column in table.columns], row) for row in rows)


def _insert(table: str, columns: list[str], row: tuple[object, ...]) -> str:
    given = {quote(name): _value(value) for name, value in zip(columns, row, strict=True) if value is not None}
    return f"INSERT INTO {table} ({', '.join(given)}) VALUES ({', '.join(given.values())})"


def _value(value: object) -> str:
    match value:
        case bool() | int():
            return str(value)
        case list():
            return f"[{', '.join(_value(item) for item in value)}]"
        case _:
            return literal(str(value))
