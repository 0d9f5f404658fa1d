"""Rules on the columns and the layout of tables beyond those the loader has."""

from __future__ import annotations

import sqlglot
from sqlglot import ErrorLevel

from cloudact.catalog.model import Granularity, Kind, RangePartition, TimePartition
from cloudact.catalog.problems import Code
from cloudact.catalog.rules import MAX_PARTITIONS
from cloudact.catalog.view_file import PARSER_ERRORS
from cloudact.lint.subject import Subject
from cloudact.planning.widening import MAX_STORED_DIGITS

_SHOWN = 8


def undescribed_objects(subject: Subject) -> None:
    """Whoever meets a dataset, table or view in the warehouse reads its description first."""
    template = subject.template
    described = [("description", template.description)]
    described += [(f"tables.{table.name}", table.description) for table in template.tables]
    described += [(f"views.{item.view.name}", item.view.description) for item in template.views]
    for path, description in described:
        if not description:
            fix = "say in `description` what one row is, who writes it and who reads it"
            subject.config.add(path, "has no description", fix, code=Code.UNDESCRIBED_OBJECT)


def undescribed_columns(subject: Subject) -> None:
    """One note a table: where one description is missing, mostly all are."""
    for table in subject.template.tables:
        names = [".".join(path) for path, column in table.walk() if not column.description]
        if names:
            shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
            what = f"begins the columns without a description, {len(names)} in all: {shown}"
            fix = "say in `description` what a value means"
            subject.schema(table.name).add(names[0], what, fix, code=Code.UNDESCRIBED_COLUMNS)


def digits_beyond_duckdb(subject: Subject) -> None:
    """Without precision it is what the format says of every BIGNUMERIC, so only declared digits are looked at."""
    for table in subject.template.tables:
        for path, column in table.walk():
            if column.type.kind is Kind.BIGNUMERIC and (column.type.precision or 0) > MAX_STORED_DIGITS:
                what = f"is {column.type}, and DuckDB stores {MAX_STORED_DIGITS} digits, of them 18 after the point"
                fix = "declare a precision of at most 38 where DuckDB holds the data"
                subject.schema(table.name).add(".".join(path), what, fix, code=Code.DIGITS_BEYOND_DUCKDB)


def untranslatable_defaults(subject: Subject) -> None:
    """On DuckDB a default is the translated expression."""
    for table in subject.template.tables:
        for column in table.columns:
            if column.default is not None and (reason := untranslatable(column.default)):
                what, fix = f"cannot be translated for DuckDB: {reason}", "write it with other functions"
                where = f"{column.name}.defaultValueExpression"
                subject.schema(table.name).add(where, what, fix, code=Code.UNTRANSLATABLE_DEFAULT)


def untranslatable(text: str) -> str:
    """Return why GoogleSQL cannot be written for DuckDB, or an empty text."""
    try:
        sqlglot.transpile(text, read="bigquery", write="duckdb", unsupported_level=ErrorLevel.RAISE)
    except PARSER_ERRORS as error:
        return " ".join(str(error).split())
    return ""


def too_many_partitions(subject: Subject) -> None:
    """BigQuery refuses the table."""
    for table in subject.template.tables:
        partition = table.partition
        if isinstance(partition, RangePartition):
            count = -((partition.start - partition.end) // partition.interval)
            if count > MAX_PARTITIONS:
                what, path = f"makes {count} partitions", f"tables.{table.name}.partition.interval"
                fix = f"widen it, so that there are at most {MAX_PARTITIONS}"
                subject.config.add(path, what, fix, code=Code.TOO_MANY_PARTITIONS)


def hourly_partitions(subject: Subject) -> None:
    """Rows of one hour more are refused then; by the day it takes 27 years."""
    longest = MAX_PARTITIONS // 24
    for table in subject.template.tables:
        partition = table.partition
        if not isinstance(partition, TimePartition) or partition.granularity is not Granularity.HOUR:
            continue
        if partition.expiration_days is None or partition.expiration_days > longest:
            what = f"is HOUR, which makes the {MAX_PARTITIONS} partitions a table may have in {longest} days"
            fix = f"use DAY, or let partitions expire within {longest} days"
            subject.config.add(f"tables.{table.name}.partition.type", what, fix, code=Code.HOURLY_PARTITIONS)
