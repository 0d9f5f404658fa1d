"""Every rule by its code: how serious it is, and what it says in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from cloudact.catalog.problems import Code
from cloudact.errors import Problem


class Level(StrEnum):
    """How serious a violation is, most serious first."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    def at_least(self, other: Level) -> bool:
        """Tell whether this is as serious as the other, or more."""
        order = list(Level)
        return order.index(self) <= order.index(other)


@dataclass(frozen=True, slots=True)
class Rule:
    """What one code stands for."""

    code: Code
    level: Level
    meaning: str

    @property
    def name(self) -> str:
        """The readable name, such as `required-added`."""
        return self.code.name.lower().replace("_", "-")


_ERRORS = {
    Code.MISSING_FILE: "A file that a config names, or a config itself, does not exist.",
    Code.UNREADABLE_FILE: "A file exists and cannot be read.",
    Code.NOT_UTF8: "A file is not UTF-8.",
    Code.SYNTAX: "A file is not YAML or not JSON.",
    Code.EMPTY_FILE: "A YAML file declares nothing.",
    Code.INVALID_ENTRY: "A YAML file has a key or a value that the format does not know.",
    Code.UNDECLARED_FILE: "A schema or view file is named by no entry of its config.",
    Code.DUPLICATE_KEY: "A key is written twice in one mapping or object.",
    Code.INVALID_COLUMN: "A column is not written as the format describes.",
    Code.UNKNOWN_TYPE: "A column's type is not one of BigQuery's.",
    Code.TYPE_PARAMETERS: "What parameterizes a type does not go with it.",
    Code.DUPLICATE_COLUMN: "Two columns of a table or RECORD differ at most by case.",
    Code.COLUMN_NAME: "A column's name is too long or has a character that BigQuery forbids.",
    Code.RESERVED_COLUMN_NAME: "A column's name begins with a prefix that BigQuery reserves.",
    Code.LONG_DESCRIPTION: "A column's description is longer than BigQuery stores.",
    Code.INVALID_DEFAULT: "A default is not one expression of the column's type, or stands inside a RECORD.",
    Code.TOO_MANY_COLUMNS: "A table has more columns, nested ones included, than BigQuery allows.",
    Code.DEEP_NESTING: "RECORDs are nested deeper than BigQuery allows.",
    Code.DATASET_NAME: "A dataset's name lacks its placeholder, has one too many, is too long, or could be another's.",
    Code.HIDDEN_DATASET: "A dataset's name begins with an underscore, which hides it from BigQuery's own metadata.",
    Code.RESERVED_DATASET_NAME: "A dataset has the name of a schema or database that DuckDB has already.",
    Code.DUPLICATE_NAME: "Two tables or views of a dataset differ at most by case.",
    Code.RESERVED_TABLE_NAME: "A table or view has the name of BigQuery's own metadata.",
    Code.PARTITION_FIELD: "A table is partitioned by what is no column, or by one of a type that cannot partition.",
    Code.PARTITION_GRANULARITY: "A table is partitioned by the hour of a DATE.",
    Code.TOO_MANY_PARTITIONS: "The ranges of a partitioning are more than the partitions a table may have.",
    Code.CLUSTERING_COLUMNS: "A clustering names too many columns, one twice, or what is no column.",
    Code.CLUSTERING_TYPE: "A clustering names a column of a type that cannot be clustered by.",
    Code.VIEW_SQL: "A view file is not one SELECT statement of GoogleSQL.",
    Code.PLACEHOLDER: "A view file has a placeholder that is unknown, misplaced, or without a value there.",
    Code.UNKNOWN_TABLE: "A view reads a table that the catalog does not declare.",
    Code.UNKNOWN_COLUMN: "A view reads a column or field that its tables do not have, or that several have.",
    Code.UNSCOPED_VIEW: "An organization's view reads a central table without its own organization.",
    Code.NOT_MATERIALIZABLE: "A view is declared `shared` or `own`, and its query cannot be materialized so.",
    Code.CLUSTERED_AGGREGATE: "A materialized view is clustered by an aggregate.",
    Code.DUPLICATE_VIEW_COLUMN: "A view gives two columns one name.",
    Code.SHARED_NAME_TAKEN: "The name of a shared materialized view is that of a table or view of the central dataset.",
    Code.MATERIALIZED_VIEW_BUDGET: "More materialized views would read one table than BigQuery allows in a project.",
    Code.REQUIRED_ADDED: "A REQUIRED column was added to an existing table, whose rows have no value for it.",
    Code.MODE_TIGHTENED: "A NULLABLE column became REQUIRED, and rows may exist that have no value.",
    Code.TYPE_CHANGED: "A column's type became one that does not hold every value of the old one.",
    Code.TYPE_NARROWED: "A column's type became one with fewer values than the old one.",
    Code.WIDENING_REFUSED: "A column was widened that cannot be in place: nested, REPEATED, or part of the layout.",
    Code.WIDENING_NOT_ON_DUCKDB: "A column was widened to a type whose storage on DuckDB holds fewer digits.",
    Code.REPEATED_CHANGED: "A single value became a list, or a list a single value.",
    Code.COLLATION_CHANGED: "A column's collation changed, which is fixed when the column is created.",
    Code.TOO_MANY_COLUMNS_KEPT: "With the columns that were removed and stay, a table has more than BigQuery allows.",
    Code.NAME_CASE_CHANGED: "The case of a table's or view's name changed, which on BigQuery makes it another one.",
    Code.PARTITIONING_CHANGED: "The partitioning of an existing table changed, which is fixed when it is created.",
    Code.CLUSTERING_COLUMN_REMOVED: "A column that existing tables are clustered by is no longer declared.",
    Code.CLUSTERING_BLOCKED: "A table is to be clustered by a column that is itself in conflict.",
    Code.KIND_CHANGED: "A table became a view of the same name, or a view a table.",
    Code.DATASET_RENAMED: "A dataset's name changed, so that the datasets which exist are left behind.",
    Code.LOCATION_CHANGED: "A dataset's location changed, which is fixed when it is created.",
    Code.REFUSED_BY_DUCKDB: "DuckDB refuses to make a dataset, a table with its defaults, or a view.",
    Code.EXPORT_TARGET: "An export names a table or a column that is not declared.",
    Code.EXPORT_TARGET_TYPE: "An export puts any number of columns into one that is not JSON.",
    Code.EXPORT_TARGET_TAKEN: "Two columns of an export land in one column.",
    Code.EXPORT_COLUMN_TWICE: "Two columns of an export differ at most by case.",
}
_WARNINGS = {
    Code.HOURLY_PARTITIONS: "A table is partitioned by the hour, which reaches the limit of partitions in 416 days.",
    Code.SELECT_STAR: "A view selects `*`, so that its columns change with its tables'.",
    Code.UNTRANSLATABLE_VIEW: "A view's query has something that cannot be translated for DuckDB.",
    Code.AUTHORIZED_DATASETS: "The catalog authorizes views, which ends at 2,500 organizations.",
    Code.COLUMN_RENAMED: "A new column looks like a removed one under another name; its values stay in the old one.",
    Code.COLUMN_CASE_CHANGED: "Only the case of a column's name changed, which has no effect where the column exists.",
    Code.TABLE_RENAMED: "A new table looks like a removed one under another name; its rows stay in the old one.",
    Code.CLUSTERING_CHANGED: "The clustering of an existing table changed, and the rows in it keep the old order.",
    Code.UNTRANSLATABLE_DEFAULT: "A default has something that cannot be translated for DuckDB.",
}
_NOTES = {
    Code.UNDESCRIBED_COLUMNS: "A table has columns without a description.",
    Code.UNDESCRIBED_OBJECT: "A dataset, table or view has no description.",
    Code.UNUSED_LAYOUT: "A plain view has a clustering or a refresh interval, which it does not use.",
    Code.COLUMN_REMOVED: "A column was removed, and stays in the tables that have it.",
    Code.ATTRIBUTE_KEPT: "An attribute of a column was removed, and stays in the tables that have it.",
    Code.TABLE_REMOVED: "A table was removed, and stays in the datasets that have it.",
    Code.CLUSTERING_KEPT: "A table's clustering was removed, and stays in the tables that have it.",
    Code.VIEW_REMOVED: "A view was removed, and stays in the datasets that have it.",
    Code.VIEW_CHANGED: "A view changed, and a sync replaces it only when asked to.",
    Code.DIGITS_BEYOND_DUCKDB: "A BIGNUMERIC has more digits than DuckDB stores.",
}

RULES: Mapping[Code, Rule] = MappingProxyType(
    {
        code: Rule(code, level, meaning)
        for level, meanings in ((Level.ERROR, _ERRORS), (Level.WARNING, _WARNINGS), (Level.NOTE, _NOTES))
        for code, meaning in meanings.items()
    }
)


def rule_of(problem: Problem) -> Rule:
    """Return the rule that a problem of a catalog breaks."""
    return RULES[Code(problem.code)]
