"""What is said of tables, views and columns beside their columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudact.catalog.model import Column, Granularity, Kind, TimePartition, Type
from cloudact.dictionary.phrases import column_notes, counted, dataset_facts, facts, first_sentence, partition_text
from tests.dictionary.small_catalog import FILES, loaded, write_files

CONFIG = "configs/setup/organizations/config.yml"
LABELS = {"team": "billing", "tier": "gold"}


@pytest.mark.parametrize(
    ("description", "first"),
    [
        ("One row per key. Written once.", "One row per key."),
        ("One row\nper key.  Written once.", "One row per key."),
        ("Costs, such as 1.5, by version 2. of a file", "Costs, such as 1.5, by version 2. of a file"),
        ("No end", "No end"),
        ("", ""),
    ],
)
def test_the_first_sentence_ends_where_another_begins(description: str, first: str) -> None:
    assert first_sentence(description) == first


def test_a_column_tells_all_that_is_declared_beside_its_type() -> None:
    column = Column(
        "c", Type(Kind.NUMERIC), default="1", collation="und:ci", rounding_mode="ROUND_HALF_EVEN",
        policy_tags=("p", "q"), data_policies=("d",),
    )  # fmt: skip
    assert column_notes(column) == [
        "default 1", "collation und:ci", "rounding ROUND_HALF_EVEN", "policy tags p, q", "data policies d",
    ]  # fmt: skip
    assert column_notes(Column("c", Type(Kind.STRING))) == []


def test_partitions_without_a_column_are_by_the_time_of_loading() -> None:
    assert partition_text(TimePartition(Granularity.DAY)) == "by DAY of the time of loading"
    assert partition_text(None) == ""


def test_counts_are_of_one_or_more() -> None:
    assert [counted(number, "table") for number in (0, 1, 2)] == ["0 tables", "1 table", "2 tables"]


def test_labels_layout_and_refresh_are_told(tmp_path: Path) -> None:
    config = FILES[CONFIG]
    views = config["views"]
    changed = {
        "labels": LABELS,
        "tables": {**config["tables"], "invoices": {"labels": LABELS, "clustering": ["id", "day"]}},
        "views": {
            **views,
            "recent": {**views["recent"], "refresh_interval_minutes": 60, "labels": LABELS, "clustering": ["mail"]},
            "totals": {**views["totals"], "clustering": ["the total"]},
        },
    }
    write_files(tmp_path, **{CONFIG: {**config, **changed}})
    dataset = loaded(tmp_path).datasets[1]
    assert dataset_facts(dataset)[1] == ("labels", "team=billing, tier=gold")
    told = {entry.address.name: dict(facts(entry)) for entry in dataset.entries}
    assert told["invoices"]["labels"] == told["recent"]["labels"] == "team=billing, tier=gold"
    assert (told["invoices"]["clustering"], told["recent"]["clustering"]) == ("id, day", "mail")
    assert told["recent"]["kept"].endswith("refreshed every 60 minutes")
    assert told["totals"] == {
        "reads": "{org_slug}_prod.invoices",
        "kept": "never: a plain view",
        "file": "setup/organizations/views/totals.sql",
    }
