"""FOCUS 1.3 as facts: each column of its two datasets, with type, whether it may be null, and feature level."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from cloudact.catalog.load import CatalogSource
from cloudact.catalog.model import Table
from tests.acme import ACME, ROOT

COST_AND_USAGE = "CostAndUsage"
CONTRACT_COMMITMENT = "ContractCommitment"
# The tables that hold the two datasets.
TABLES = {COST_AND_USAGE: "cost_data_standard_1_3", CONTRACT_COMMITMENT: "contract_commitment_1_3"}
DATASETS = list(TABLES)
DECLARED = CatalogSource(ROOT / "configs").load().organization_dataset(ACME["org_slug"])
# Type and nullability are those of the specification's dataset tables, except HostProviderName: its own page lets it
# be null, and is the later word.
FACTS = Path(__file__).parent / "focus_1_3.csv"


@dataclass(frozen=True, slots=True)
class Fact:
    """What the specification says of one column."""

    dataset: str
    column: str
    type: str
    allows_nulls: bool
    level: str


def read_facts(path: Path = FACTS) -> tuple[Fact, ...]:
    """Return every fact, in the order of the file."""
    with path.open(encoding="utf-8", newline="") as lines:
        return tuple(
            Fact(row["dataset"], row["column"], row["type"], row["allows_nulls"] == "true", row["level"])
            for row in csv.DictReader(lines)
        )


def facts_of(dataset: str) -> tuple[Fact, ...]:
    """Return the facts of one dataset, in the order of its columns."""
    return tuple(fact for fact in read_facts() if fact.dataset == dataset)


def table_of(dataset: str) -> Table:
    """Return the shipped table that holds a dataset."""
    found = DECLARED.table(TABLES[dataset])
    assert found is not None
    return found
