"""What the reader of the `ddl` column does not know for certain it leaves to be asked for: None, never a guess."""

from __future__ import annotations

import pytest

from cloudact.warehouse.bigquery.ddl_text import read_table, read_view
from tests.warehouse.bigquery.answers import WHOLE_TABLE, ddl_with

UNKNOWN = {
    "no table": "CREATE VIEW `p.s.v`\nAS SELECT 1;",
    "another kind": "CREATE EXTERNAL TABLE `p.s.t`\n(\n  a INT64\n);",
    "a snapshot": "CREATE SNAPSHOT TABLE `p.s.t`\nCLONE `p.s.u`;",
    "a name in parts": "CREATE TABLE `p`.`s`.`t`\n(\n  a INT64\n);",
    "nothing": "",
    "no columns": ddl_with(""),
    "an unknown type": ddl_with("a GRAPH"),
    "a parameter that the type does not have": ddl_with("a INT64(5)"),
    "two parameters of a length": ddl_with("a STRING(1, 2)"),
    "a timestamp of another precision": ddl_with("a TIMESTAMP(12)"),
    "an unknown word after a type": ddl_with("a INT64 HIDDEN"),
    "an unknown option of a column": ddl_with("a STRING OPTIONS(data_policies=[\"{'name':'p'}\"])"),
    "a generated column": ddl_with("a INT64 GENERATED ALWAYS AS (1)"),
    "a primary key": ddl_with("a INT64 NOT NULL,\n  PRIMARY KEY (a) NOT ENFORCED"),
    "a primary key on the column": ddl_with("a INT64 PRIMARY KEY NOT ENFORCED"),
    "a foreign key": ddl_with("a INT64,\n  CONSTRAINT fk FOREIGN KEY (a) REFERENCES `p.s.u`(b) NOT ENFORCED"),
    "a default collation": ddl_with("a INT64", "\nDEFAULT COLLATE 'und:ci'"),
    "a connection": ddl_with("a INT64", "\nWITH CONNECTION `p.eu.c`"),
    "a list of lists": ddl_with("a ARRAY<ARRAY<INT64>>"),
    "a list of no nulls": ddl_with("a ARRAY<INT64 NOT NULL>"),
    "a list that is required": ddl_with("a ARRAY<INT64> NOT NULL"),
    "a list without an end": ddl_with("a ARRAY<INT64"),
    "a record without fields": ddl_with("a STRUCT<>"),
    "a record without types": ddl_with("a STRUCT<INT64>"),
    "an unknown partition function": ddl_with("a DATE", "\nPARTITION BY FARM_FINGERPRINT(a)"),
    "an unknown partition unit": ddl_with("a DATE", "\nPARTITION BY DATE_TRUNC(a, WEEK)"),
    "an unknown bucket function": ddl_with("a INT64", "\nPARTITION BY RANGE_BUCKET(a, [0, 10, 20])"),
    "too many bounds": ddl_with("a INT64", "\nPARTITION BY RANGE_BUCKET(a, GENERATE_ARRAY(0, 1, 2, 3))"),
    "clustering without a name": ddl_with("a INT64", "\nCLUSTER BY 1"),
    "an option without a value": ddl_with("a INT64", "\nOPTIONS(description)"),
    "a second statement": ddl_with("a INT64") + "\nDROP TABLE `p.s.t`;",
    "a query": ddl_with("a INT64", "\nAS SELECT 1 AS a"),
    "text in three quotes": ddl_with("a INT64", '\nOPTIONS(description="""it\'s""")'),
    "text in three quotes of a column": ddl_with("a INT64 OPTIONS(description='''it's''')"),
    "a description that is no text": ddl_with("a INT64", "\nOPTIONS(description=TITLE)"),
    "a description that is a number": ddl_with("a INT64", "\nOPTIONS(description=1)"),
    "a description without a value": ddl_with("a INT64", "\nOPTIONS(description=NULL)"),
    "a description of a column without a value": ddl_with("a INT64 OPTIONS(description=NULL)"),
    "a label that is no pair": ddl_with("a INT64", '\nOPTIONS(labels=["ab"])'),
    "a label whose value is no text": ddl_with("a INT64", '\nOPTIONS(labels=[("a", 1)])'),
    "labels that are no list": ddl_with("a INT64", '\nOPTIONS(labels="ab")'),
    "labels without a value": ddl_with("a INT64", "\nOPTIONS(labels=NULL)"),
    "a range of something else": ddl_with("a RANGE<INT64, 5>"),
    "a list with a default that is required": ddl_with("a ARRAY<INT64> DEFAULT [] NOT NULL"),
    "a list with a collation that is required": ddl_with("a ARRAY<STRING> COLLATE 'und:ci' NOT NULL"),
    "a column that is required twice": ddl_with("a INT64 NOT NULL NOT NULL"),
    "a collation that is no text": ddl_with("a STRING COLLATE CI"),
    "a collation of a length that is no text": ddl_with("a STRING(5) COLLATE 5"),
    "a collation in a record that is no text": ddl_with("a STRUCT<b STRING COLLATE CI>"),
    "a rounding mode that is no text": ddl_with("a NUMERIC OPTIONS(rounding_mode=NULL)"),
    "an expiration that is no number": ddl_with("a DATE", "\nPARTITION BY a\nOPTIONS(partition_expiration_days='5')"),
    "an expiration without a value": ddl_with("a DATE", "\nPARTITION BY a\nOPTIONS(partition_expiration_days=NULL)"),
    "an expiration that is a truth": ddl_with("a DATE", "\nPARTITION BY a\nOPTIONS(partition_expiration_days=true)"),
    "a filter that is no truth": ddl_with("a DATE", "\nPARTITION BY a\nOPTIONS(require_partition_filter=NOT FALSE)"),
    "a filter without a value": ddl_with("a DATE", "\nPARTITION BY a\nOPTIONS(require_partition_filter=NULL)"),
    "a filter that is a number": ddl_with("a DATE", "\nPARTITION BY a\nOPTIONS(require_partition_filter=1)"),
    "a filter of numbers that is text": ddl_with(
        "a INT64", '\nPARTITION BY RANGE_BUCKET(a, GENERATE_ARRAY(0, 9, 1))\nOPTIONS(require_partition_filter="true")'
    ),
}


@pytest.mark.parametrize("text", UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_unknown_is_not_read_at_all(text: str) -> None:
    assert read_table("t", text) is None


MALFORMED = {
    "a range of an unknown type": ddl_with("a RANGE<MONTH>"),
    "a length that is no whole number": ddl_with("a STRING(1.5)"),
    "bounds that are no whole numbers": ddl_with(
        "a INT64", "\nPARTITION BY RANGE_BUCKET(a, GENERATE_ARRAY(0, 1.5, 2))"
    ),
    "a default without an end": "CREATE TABLE `p.s.t`\n(\n  a INT64 DEFAULT (1",
    "a default with a stray bracket": ddl_with("a INT64 DEFAULT 1], b INT64"),
    "labels that are no pairs": ddl_with("a INT64", '\nOPTIONS(labels=[("a", "b", "c")])'),
    "a default without an expression": ddl_with("a INT64 DEFAULT, b INT64"),
    "text without an end": ddl_with("a INT64", '\nOPTIONS(description="x)'),
    "no semicolon": ddl_with("a INT64").removesuffix(";"),
    "a character that does not exist": ddl_with("a INT64", '\nOPTIONS(description="\\UFFFFFFFF")'),
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_is_not_read_at_all(text: str) -> None:
    assert read_table("t", text) is None


MISREAD = {
    "a list that is required and described": ddl_with("a ARRAY<INT64> DEFAULT [] NOT NULL OPTIONS(description='d')"),
    "a list that is required before its default": ddl_with("a ARRAY<STRING> COLLATE 'und:ci' NOT NULL DEFAULT []"),
    "a column that is required twice, and described": ddl_with("a INT64 NOT NULL NOT NULL OPTIONS(description='d')"),
}


@pytest.mark.parametrize("text", MISREAD.values(), ids=MISREAD)
def test_what_cannot_be_told_for_certain_is_not_guessed(text: str) -> None:
    assert read_table("t", text) is None


def test_a_text_that_was_cut_off_is_never_read() -> None:
    assert [WHOLE_TABLE[:cut] for cut in range(len(WHOLE_TABLE)) if read_table("t", WHOLE_TABLE[:cut])] == []


def test_the_text_of_a_view_that_was_cut_off_is_never_read() -> None:
    text = 'CREATE VIEW `p.shop.v`\nOPTIONS(\n  description="d"\n)\nAS SELECT 1 AS a FROM `shop`.t WHERE a > 0;'
    assert [text[:cut] for cut in range(len(text)) if read_view("v", text[:cut])] == []
