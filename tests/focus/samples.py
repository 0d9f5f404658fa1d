"""FOCUS data to load: sample files where they are, and data made by focus-data-toolkit."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from pathlib import Path

import pytest
from focus_data_toolkit import cli as toolkit

from cloudact.catalog.model import Column, Kind, Table
from tests.acme import ROOT
from tests.focus.facts import CONTRACT_COMMITMENT, COST_AND_USAGE

SAMPLES = ROOT.parent / "shared/reference/data"
REAL_1_0 = "focus_1_0_real_anonymised_1000.csv"
PROVIDERS = ["aws", "azure", "gcp"]
_FILES = {COST_AND_USAGE: "cost_and_usage", CONTRACT_COMMITMENT: "contract_commitment"}
# Exports write an absent value so.
_ABSENT = {"", "NULL"}

Row = Mapping[str, object]


def sample(name: str) -> Path:
    """Return a sample file; the test is skipped where it is not on this machine."""
    path = SAMPLES / name
    if not path.is_file():
        pytest.skip(f"the sample file {name} is not on this machine")
    return path


def synthetic(dataset: str, provider: str) -> Path:
    """Return the sample file of a dataset that was generated for a provider."""
    return sample(f"focus_1_3_synthetic_{_FILES[dataset]}_{provider}.csv")


def generated(directory: Path, provider: str, rows: int, seed: int) -> dict[str, Path]:
    """Make FOCUS 1.3 data as a provider would export it, and return the file of each dataset."""
    options = ["--provider", provider, "--focus-version", "1.3", "--rows", str(rows), "--seed", str(seed)]
    assert toolkit.main(["generate", *options, "--out", str(directory)]) == 0
    return {dataset: directory / f"focus_1_3_{file}_{provider}.csv" for dataset, file in _FILES.items()}


def read_rows(path: Path, table: Table, renamed: Mapping[str, str] | None = None) -> list[Row]:
    """Return a file's rows as values of the table's columns, by name; a column without a home is an error."""
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        homes = {name: _column(table, (renamed or {}).get(name, name)) for name in reader.fieldnames or ()}
        return [{homes[name].name: _value(text, homes[name]) for name, text in row.items()} for row in reader]


def _column(table: Table, name: str) -> Column:
    found = next((column for column in table.columns if column.name == name), None)
    assert found is not None, f"{name} has no home in {table.name}"
    return found


def _value(text: str, column: Column) -> object:
    if text in _ABSENT:
        return None
    match column.type.kind:
        case Kind.BIGNUMERIC:
            return Decimal(text)
        case Kind.TIMESTAMP:  # a time without a zone is UTC by the specification
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        case _:
            return text


def sums(rows: Sequence[Row]) -> dict[str, Decimal]:
    """Return the exact sum of every column that holds decimals."""
    names = {name for row in rows for name, value in row.items() if isinstance(value, Decimal)}
    with localcontext(prec=100):
        return {name: sum((_number(row[name]) for row in rows), Decimal(0)) for name in names}


def _number(value: object) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(0)
