"""FOCUS exports load by column name, and every value comes back as it was written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.focus.facts import COST_AND_USAGE, DATASETS
from tests.focus.organization import Organization
from tests.focus.samples import PROVIDERS, REAL_1_0, Row, generated, read_rows, sample, sums, synthetic


def comparable(row: Row) -> tuple[str, ...]:
    """Return a row as texts by which rows can be put in order; equal values have equal texts."""
    return tuple(f"{name}={_text(row[name])}" for name in sorted(row))


def _text(value: object) -> str:
    match value:
        case Decimal():
            return f"{value.normalize():f}"
        case datetime():
            return value.astimezone(UTC).isoformat()
        case dict():
            return json.dumps(value, sort_keys=True)
        case str() if value.startswith("{"):
            return json.dumps(json.loads(value), sort_keys=True)
        case _:
            return repr(value)


def assert_all_there(organization: Organization, dataset: str, rows: Sequence[Row]) -> None:
    """Every row of what was loaded is there once, value for value, and costs add up to the same."""
    found = organization.read(dataset, list(rows[0]))
    assert sums(found) == sums(rows)
    assert sorted(map(comparable, found)) == sorted(map(comparable, rows))


def test_generated_data_comes_back_equal(organization: Organization, tmp_path: Path) -> None:
    for dataset, file in generated(tmp_path, "aws", rows=40, seed=7).items():
        rows = read_rows(file, organization.table(dataset))
        organization.load(dataset, rows)
        assert len(sums(rows)) > 0
        assert_all_there(organization, dataset, rows)


@pytest.mark.slow
def test_the_real_focus_1_0_export_comes_back_equal(anywhere: Organization) -> None:
    anywhere.sync()
    rows = read_rows(sample(REAL_1_0), anywhere.table(COST_AND_USAGE), {"Id": "x_source_record_id"})
    anywhere.load(COST_AND_USAGE, rows)
    assert (len(rows), len(rows[0])) == (1000, 44)
    assert_all_there(anywhere, COST_AND_USAGE, rows)


@pytest.mark.slow
def test_synthetic_exports_of_every_provider_come_back_equal(anywhere: Organization) -> None:
    anywhere.sync()
    for dataset in DATASETS:
        rows: list[Row] = []
        for provider in PROVIDERS:
            rows += read_rows(synthetic(dataset, provider), anywhere.table(dataset))
        anywhere.load(dataset, rows)
        assert_all_there(anywhere, dataset, rows)


@pytest.mark.slow
@pytest.mark.parametrize(("provider", "rows", "seed"), [("gcp", 300, 11), ("azure", 1_500, 2026)])
def test_generated_data_of_any_size_comes_back_equal(
    anywhere: Organization, tmp_path: Path, provider: str, rows: int, seed: int
) -> None:
    anywhere.sync()
    for dataset, file in generated(tmp_path, provider, rows, seed).items():
        written = read_rows(file, anywhere.table(dataset))
        anywhere.load(dataset, written)
        assert_all_there(anywhere, dataset, written)
