"""Query parameters: each value with its type, as the client library itself would send it."""

from __future__ import annotations

import re
from collections import OrderedDict
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.cloud import bigquery
from google.cloud.bigquery import _helpers
from hypothesis import given
from hypothesis import strategies as st

from cloudact.catalog.model import Column, Kind, Materialized, Mode, Type
from cloudact.errors import WarehouseRefused
from cloudact.warehouse.bigquery.statements.parameters import Parameters, parameter
from cloudact.warehouse.bigquery.statements.rows import values_of
from cloudact.warehouse.bigquery.transport.client import Answer

BERLIN = ZoneInfo("Europe/Berlin")
WIDEST = Decimal(f"{'9' * 38}.{'9' * 38}")
EXACTLY = Context(prec=100)


def of(kind: Kind, mode: Mode = Mode.NULLABLE, *fields: Column, element: Kind | None = None, name: str = "c") -> Column:
    return Column(name, Type(kind, element=element), mode, fields=fields)


def shape(value: object, column: Column | None = None) -> tuple[Any, Any]:
    """The type and the value that are sent, each without its outermost name where there is just one."""
    sent = parameter("p", value, column).to_api_repr()
    assert sent.keys() == {"name", "parameterType", "parameterValue"}
    assert sent["name"] == "p"
    type_, found = sent["parameterType"], sent["parameterValue"]
    return (type_["type"] if set(type_) == {"type"} else type_), (found["value"] if set(found) == {"value"} else found)


SCALARS: tuple[tuple[object, str, str], ...] = (
    ("", "STRING", ""),
    ('it\'s "x" \\ `y` @p0 ; --', "STRING", 'it\'s "x" \\ `y` @p0 ; --'),
    ("größer 数据 🙂\n", "STRING", "größer 数据 🙂\n"),
    (Materialized.SHARED, "STRING", "shared"),
    (True, "BOOL", "true"),
    (False, "BOOL", "false"),
    (0, "INT64", "0"),
    (-(2**63), "INT64", "-9223372036854775808"),
    (2**63 - 1, "INT64", "9223372036854775807"),
    (0.1, "FLOAT64", "0.1"),
    (-0.0, "FLOAT64", "-0.0"),
    (5e-324, "FLOAT64", "5e-324"),
    (1.7976931348623157e308, "FLOAT64", "1.7976931348623157e+308"),
    (float("nan"), "FLOAT64", "nan"),
    (float("inf"), "FLOAT64", "inf"),
    (float("-inf"), "FLOAT64", "-inf"),
    (b"", "BYTES", ""),
    (b"\x00\xff;'", "BYTES", "AP87Jw=="),
    (date(1, 1, 1), "DATE", "0001-01-01"),
    (date(2024, 2, 29), "DATE", "2024-02-29"),
    (time(0), "TIME", "00:00:00.000000"),
    (time(23, 59, 59, 999_999), "TIME", "23:59:59.999999"),
    (datetime(2024, 2, 29, 1, 2, 3), "DATETIME", "2024-02-29T01:02:03.000000"),  # noqa: DTZ001 - a DATETIME has no zone
    (datetime(9999, 12, 31, 23, 59, 59, 999_999), "DATETIME", "9999-12-31T23:59:59.999999"),  # noqa: DTZ001
    (datetime(1969, 12, 31, 23, 59, 59, 1, UTC), "TIMESTAMP", "1969-12-31 23:59:59.000001+00:00"),
    (datetime(2024, 7, 1, 1, tzinfo=BERLIN), "TIMESTAMP", "2024-06-30 23:00:00.000000+00:00"),
    (datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN), "TIMESTAMP", "2024-10-27 00:30:00.000000+00:00"),
    (datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1), "TIMESTAMP", "2024-10-27 01:30:00.000000+00:00"),
    (
        datetime(2024, 1, 1, 0, 0, 1, tzinfo=timezone(timedelta(hours=-5, minutes=-45))),
        "TIMESTAMP",
        "2024-01-01 05:45:01.000000+00:00",
    ),
    (timedelta(0), "INTERVAL", "0-0 0 0:0:0.000000"),
    (timedelta(days=3, hours=4, minutes=5, seconds=6, microseconds=7), "INTERVAL", "0-0 3 4:5:6.000007"),
    (timedelta(hours=-1), "INTERVAL", "0-0 -0 -1:0:0.000000"),
    (timedelta(days=-2, microseconds=-1), "INTERVAL", "0-0 -2 -0:0:0.000001"),
    (timedelta(days=1, hours=-1), "INTERVAL", "0-0 0 23:0:0.000000"),
    (timedelta(days=-1, hours=1), "INTERVAL", "0-0 -0 -23:0:0.000000"),
    (timedelta(days=3_660_000), "INTERVAL", "0-0 3660000 0:0:0.000000"),
)


@pytest.mark.parametrize(("value", "type_", "text"), SCALARS, ids=lambda item: str(item)[:40])
def test_a_value_says_its_own_type(value: object, type_: str, text: str) -> None:
    assert shape(value) == (type_, text)
    assert shape([value, value]) == (
        {"type": "ARRAY", "arrayType": {"type": type_}},
        {"arrayValues": [{"value": text}, {"value": text}]},
    )


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("0", "NUMERIC"),
        ("-0", "NUMERIC"),
        ("0.000000001", "NUMERIC"),
        ("0.0000000001", "BIGNUMERIC"),
        ("9" * 29 + "." + "9" * 9, "NUMERIC"),
        ("-" + "9" * 29 + "." + "9" * 9, "NUMERIC"),
        ("1" + "0" * 29, "BIGNUMERIC"),
        (str(WIDEST), "BIGNUMERIC"),
        (f"-{WIDEST}", "BIGNUMERIC"),
        ("1.50", "NUMERIC"),
    ],
)
def test_a_decimal_is_sent_digit_by_digit(text: str, type_: str) -> None:
    assert shape(Decimal(text)) == (type_, text)


@pytest.mark.parametrize(
    ("value", "type_", "text"),
    [("1E+5", "NUMERIC", "100000"), ("1E+28", "NUMERIC", "1" + "0" * 28), ("1E+29", "BIGNUMERIC", "1" + "0" * 29)],
)
def test_a_decimal_is_sent_without_an_exponent(value: str, type_: str, text: str) -> None:
    assert shape(Decimal(value)) == (type_, text)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=38, min_value=WIDEST.copy_negate(), max_value=WIDEST))
def test_no_digit_of_a_decimal_is_lost(value: Decimal) -> None:
    type_, text = shape(value.normalize(EXACTLY))
    assert Decimal(text) == value
    assert "E" not in text
    nanos = value.scaleb(9, EXACTLY)
    fits = value.copy_abs() < 10**29 and nanos == nanos.to_integral_value(context=EXACTLY)
    assert type_ == ("NUMERIC" if fits else "BIGNUMERIC")


@given(st.floats() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=20) | st.text(max_size=20) | st.timedeltas())
def test_any_value_can_be_told_from_what_is_sent(value: float | bytes | str | timedelta) -> None:
    kind, text = shape(value)
    field = bigquery.SchemaField("c", kind)
    found = _helpers.CELL_DATA_PARSER.to_py(text, field)  # type: ignore[no-untyped-call]
    (row,) = values_of(Answer((field,), ((found,),), 0))
    assert repr(row[0]) == repr(value)


@given(st.datetimes(min_value=datetime(2, 1, 1), timezones=st.timezones()))  # noqa: DTZ001 - hypothesis adds the zone
def test_a_moment_is_sent_as_the_same_moment(value: datetime) -> None:
    kind, text = shape(value)
    assert kind == "TIMESTAMP"
    assert text.endswith("+00:00")
    assert datetime.fromisoformat(text) == value.astimezone(UTC)


def test_a_list_of_records_is_sent_as_the_library_sends_it() -> None:
    first = bigquery.StructQueryParameter(
        None,
        bigquery.ScalarQueryParameter("sku", "STRING", "a"),
        bigquery.ScalarQueryParameter("day", "DATE", date(2024, 1, 2)),
        bigquery.ArrayQueryParameter("codes", "STRING", ["x", "y"]),
    )
    library = bigquery.ArrayQueryParameter("p", "STRUCT", [first]).to_api_repr()
    value = [{"sku": "a", "day": date(2024, 1, 2), "codes": ["x", "y"]}]
    assert parameter("p", value).to_api_repr() == library


def test_a_range_is_sent_as_the_library_sends_it() -> None:
    start, end = date(2024, 1, 2), date(2025, 1, 2)
    library = bigquery.RangeQueryParameter("DATE", start, end, "p")  # type: ignore[no-untyped-call]
    found = parameter("p", {"start": start, "end": end}, of(Kind.RANGE, element=Kind.DATE))
    assert found.to_api_repr() == library.to_api_repr()


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ({"start": date(2024, 1, 2), "end": None}, {"start": {"value": "2024-01-02"}}),
        ({"start": None, "end": date(2024, 1, 2)}, {"end": {"value": "2024-01-02"}}),
        ({"End": date(2024, 1, 2)}, {"end": {"value": "2024-01-02"}}),
        ({}, {}),
    ],
)
def test_a_range_without_an_end_has_none(value: dict[str, object], sent: dict[str, object]) -> None:
    assert shape(value, of(Kind.RANGE, element=Kind.DATE))[1] == {"rangeValue": sent}


def test_a_range_of_moments_is_in_universal_time() -> None:
    value = {"start": datetime(2024, 7, 1, tzinfo=BERLIN), "end": datetime(2024, 7, 2, tzinfo=BERLIN)}
    assert shape(value, of(Kind.RANGE, element=Kind.TIMESTAMP)) == (
        {"type": "RANGE", "rangeElementType": {"type": "TIMESTAMP"}},
        {
            "rangeValue": {
                "start": {"value": "2024-06-30 22:00:00.000000+00:00"},
                "end": {"value": "2024-07-01 22:00:00.000000+00:00"},
            }
        },
    )


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Kind.JSON, '{"a": [1, 2.50], "b": "\\u00e9"}', '{"a": [1, 2.50], "b": "\\u00e9"}'),
        (Kind.JSON, "null", "null"),
        (Kind.GEOGRAPHY, "POINT(1 2)", "POINT(1 2)"),
        (Kind.NUMERIC, 5, "5"),
        (Kind.BIGNUMERIC, Decimal("1.5"), "1.5"),
        (Kind.FLOAT64, 1, "1"),
        (Kind.TIMESTAMP, datetime(2024, 1, 2), "2024-01-02T00:00:00.000000"),  # noqa: DTZ001
        (Kind.DATE, "2024-02-29", "2024-02-29"),
        (Kind.INTERVAL, "1-2 3 4:5:6", "1-2 3 4:5:6"),
        (Kind.STRING, "x", "x"),
    ],
    ids=str,
)
def test_a_column_decides_the_type_where_it_is_known(kind: Kind, value: object, text: str) -> None:
    assert shape(value, of(kind)) == (kind.value, text)
    assert shape([value], of(kind, Mode.REPEATED)) == (
        {"type": "ARRAY", "arrayType": {"type": kind.value}},
        {"arrayValues": [{"value": text}]},
    )


LINE = of(
    Kind.RECORD,
    Mode.REPEATED,
    of(Kind.STRING, name="Sku"),
    of(Kind.NUMERIC, Mode.REPEATED, name="prices"),
    of(Kind.RECORD, Mode.NULLABLE, of(Kind.JSON, name="data"), of(Kind.BOOL, name="ok"), name="extra"),
)
LINE_TYPE = {
    "type": "ARRAY",
    "arrayType": {
        "type": "STRUCT",
        "structTypes": [
            {"name": "Sku", "type": {"type": "STRING"}},
            {"name": "prices", "type": {"type": "ARRAY", "arrayType": {"type": "NUMERIC"}}},
            {
                "name": "extra",
                "type": {
                    "type": "STRUCT",
                    "structTypes": [
                        {"name": "data", "type": {"type": "JSON"}},
                        {"name": "ok", "type": {"type": "BOOL"}},
                    ],
                },
            },
        ],
    },
}
ABSENT = {"value": None}


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ({}, {"Sku": ABSENT, "prices": ABSENT, "extra": ABSENT}),
        ({"sku": None, "extra": None}, {"Sku": ABSENT, "prices": ABSENT, "extra": ABSENT}),
        ({"prices": [], "sku": ""}, {"Sku": {"value": ""}, "prices": {"arrayValues": []}, "extra": ABSENT}),
        (
            OrderedDict(EXTRA={"ok": False}, Prices=(1, Decimal("2.5")), SKU="a"),
            {
                "Sku": {"value": "a"},
                "prices": {"arrayValues": [{"value": "1"}, {"value": "2.5"}]},
                "extra": {"structValues": {"data": ABSENT, "ok": {"value": "false"}}},
            },
        ),
    ],
)
def test_a_record_has_every_field_of_its_column_in_its_order(line: dict[str, object], sent: dict[str, object]) -> None:
    type_, value = shape([line], LINE)
    assert type_ == LINE_TYPE
    assert value == {"arrayValues": [{"structValues": sent}]}
    assert list(value["arrayValues"][0]["structValues"]) == ["Sku", "prices", "extra"]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ({"sku": "a", "sku2": "b"}, "sku2"),
        ({"sku2": None}, "sku2"),
        ({"skus": [], "Price": 1, "prices": [1], "B": 1, "a": 1, "c": 1}, "a, b, c, price, skus"),
        ({"extra": {"OK": True, "Why": "x"}}, "why"),
    ],
)
def test_a_part_that_the_column_has_no_field_for_is_refused(line: dict[str, object], names: str) -> None:
    with pytest.raises(WarehouseRefused, match=rf"values for {names}, which its column has no field") as caught:
        shape([{"sku": "whole"}, line], LINE)
    assert re.search(r"fields are (Sku, prices, extra|data, ok);", caught.value.hint)


def test_without_a_column_a_record_has_the_parts_that_it_has() -> None:
    assert shape({"sku2": "b"})[1] == {"structValues": {"sku2": {"value": "b"}}}


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"start": date(2024, 1, 2), "stop": date(2024, 2, 2)}, "stop"),
        ({"Stop": None, "from": None, "end": date(2024, 2, 2)}, "from, stop"),
    ],
)
def test_a_part_that_a_range_does_not_have_is_refused(value: dict[str, object], names: str) -> None:
    column = of(Kind.RANGE, element=Kind.DATE)
    with pytest.raises(WarehouseRefused, match=rf"values for {names}, which its column has no field") as caught:
        shape(value, column)
    assert "start, end" in caught.value.hint
    with pytest.raises(WarehouseRefused, match=names):
        shape([{"start": date(2024, 1, 2)}, value], of(Kind.RANGE, Mode.REPEATED, element=Kind.DATE))


def test_a_null_inside_a_list_is_sent_as_one() -> None:
    assert shape(["a", None], of(Kind.STRING, Mode.REPEATED))[1] == {"arrayValues": [{"value": "a"}, ABSENT]}


def test_each_value_gets_a_name_of_its_own() -> None:
    parameters = Parameters()
    texts = [parameters.add(value) for value in ("a", "a", 1, None, 2)]
    assert texts == ["@p0", "@p1", "@p2", "NULL", "@p3"]
    assert [item.name for item in parameters.found] == ["p0", "p1", "p2", "p3"]
    assert [item.value["value"] for item in parameters.found] == ["a", "a", "1", "2"]


@pytest.mark.parametrize(("value", "text"), [(None, "NULL"), ([], "[]"), ((), "[]")])
@pytest.mark.parametrize("column", [None, of(Kind.STRING, Mode.REPEATED), LINE])
def test_what_has_no_type_is_a_literal(value: object, text: str, column: Column | None) -> None:
    parameters = Parameters()
    assert parameters.add(value, column) == text
    assert parameters.found == []


@pytest.mark.parametrize("value", ["", b"", 0, False, 0.0, Decimal(0), timedelta(0)], ids=repr)
def test_what_is_merely_empty_is_a_value(value: object) -> None:
    parameters = Parameters()
    assert parameters.add(value) == "@p0"
    assert len(parameters.found) == 1
