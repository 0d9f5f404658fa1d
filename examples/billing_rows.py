"""Billing rows for the demo: from a CSV file or made up, loaded as written, and measured to the last digit."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from cloudact.warehouse.duckdb.type_map import quote

MADE_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Facts:
    """What a sync must not change: how many rows, the exact sum of their cost, a checksum of every value."""

    rows: int
    billed: Decimal
    checksum: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """Which columns of a file a table took, and which it does not have."""

    columns: list[str]
    skipped: list[str]


def columns_of(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Return the table's columns and their types."""
    return {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {table}").fetchall()}


def load(connection: duckdb.DuckDBPyConnection, source: Path, table: str) -> Loaded:
    """Append the file's rows by column name; NULL and empty text become NULL, and no number passes through a float."""
    rows = connection.read_csv(
        str(source), header=True, delimiter=",", quotechar='"', escapechar='"', all_varchar=True, na_values=["NULL", ""]
    )
    types = columns_of(connection, table)
    known = [name for name in rows.columns if name in types]
    casts = ", ".join(f"CAST({quote(name)} AS {types[name]}) AS {quote(name)}" for name in known)
    rows.query("incoming", f"INSERT INTO {table} BY NAME SELECT {casts} FROM incoming")  # noqa: S608 - names are quoted
    return Loaded(known, [name for name in rows.columns if name not in types])


def measure(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> Facts:
    """Return the facts of these columns; the checksum does not depend on the order of rows."""
    texts = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name in columns)
    lines = connection.table(table).project(f"BilledCost, CAST(to_json([{texts}]) AS VARCHAR) AS line")
    found = lines.aggregate("count(*), sum(BilledCost), sha256(string_agg(line, chr(10) ORDER BY line))").fetchall()
    return Facts(*found[0])


def billed_as_written(source: Path) -> Decimal:
    """Return the sum of BilledCost in the file, added up without DuckDB."""
    with source.open(encoding="utf-8", newline="") as lines:
        return sum((Decimal(row["BilledCost"]) for row in csv.DictReader(lines)), Decimal(0))


def write_made_rows(path: Path) -> Path:
    """Write rows like those of a provider's export, the same at every run."""
    rows = list(_charges())
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def _charges() -> Iterator[dict[str, str]]:
    for number in range(MADE_ROWS):
        # Eleven decimals, as real exports have; too many digits for a float to carry through a sum.
        cost = str(number % 13 + Decimal(number * 7919 % 100_003) / 10**11)
        hour = f"2024-09-{number % 30 + 1:02} {number % 23:02}"
        yield {
            "Id": str(number),
            "BilledCost": cost,
            "EffectiveCost": cost,
            "ListCost": cost,
            "BillingAccountId": "1234567890123",
            "BillingCurrency": "USD",
            "BillingPeriodStart": "2024-09-01 00:00:00",
            "BillingPeriodEnd": "2024-10-01 00:00:00",
            "ChargePeriodStart": f"{hour}:00:00",
            "ChargePeriodEnd": f"{hour}:59:59",
            "ChargeCategory": "Usage",
            "InvoiceIssuerName": "Example Cloud, Inc.",
            "RegionId": ("eu-central-1", "us-east-1", "NULL")[number % 3],
            "ServiceCategory": ("Compute", "Storage", "Databases")[number % 3],
            "ServiceName": ("Machines", "Objects", "Tables")[number % 3],
            "Tags": '{"environment": "dev", "note": "naïve, “quoted”"}' if number % 5 == 0 else "",
        }
