"""Rules on the names of datasets, tables and views that BigQuery or DuckDB would break late."""

from __future__ import annotations

from cloudact.catalog.problems import Code
from cloudact.catalog.view_file import SLUG
from cloudact.lint.subject import Subject

MAX_DATASET_NAME = 1_024
LONGEST_SLUG = 50
# Schemas and databases that every DuckDB connection has.
RESERVED_DATASETS = frozenset({"information_schema", "main", "pg_catalog", "system", "temp"})
# What BigQuery answers with metadata under `dataset.NAME`.
RESERVED_TABLES = frozenset({"information_schema", "__tables__", "__tables_summary__"})


def hidden_dataset(subject: Subject) -> None:
    """BigQuery's INFORMATION_SCHEMA leaves such datasets out, so that they always look as if they were missing."""
    name = subject.template.name
    if name.startswith("_"):
        what = f"is {name}, and BigQuery hides datasets whose names begin with an underscore"
        subject.config.add("dataset", what, "let it begin with a letter", code=Code.HIDDEN_DATASET)


def reserved_dataset_name(subject: Subject) -> None:
    """A dataset is a schema on DuckDB, which has some already."""
    name = subject.template.name
    if name.casefold() in RESERVED_DATASETS:
        fix = f"choose a name other than {', '.join(sorted(RESERVED_DATASETS))}"
        subject.config.add("dataset", f"is {name}, which DuckDB has already", fix, code=Code.RESERVED_DATASET_NAME)


def long_dataset_name(subject: Subject) -> None:
    """The placeholder is shorter than the longest slug."""
    longest = subject.template.name.replace(f"{{{SLUG}}}", "x" * LONGEST_SLUG)
    if len(longest) > MAX_DATASET_NAME:
        what = f"has {len(longest)} characters with the longest slug"
        subject.config.add("dataset", what, f"use at most {MAX_DATASET_NAME}", code=Code.DATASET_NAME)


def reserved_table_name(subject: Subject) -> None:
    """A table of such a name could be made and never be read."""
    tables = [("tables", table.name) for table in subject.template.tables]
    for kind, name in (*tables, *(("views", item.view.name) for item in subject.template.views)):
        if name.casefold() in RESERVED_TABLES:
            what = "has a name under which BigQuery answers with metadata"
            subject.config.add(f"{kind}.{name}", what, "rename it", code=Code.RESERVED_TABLE_NAME)
