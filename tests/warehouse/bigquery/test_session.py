"""One unit of work: which columns are asked for, and how a row is claimed, whatever becomes of the jobs."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from cloudact.catalog.model import Dataset, Kind, Mode, Table
from cloudact.errors import (
    WarehouseBusy,
    WarehouseDenied,
    WarehouseError,
    WarehouseNotFound,
    WarehouseRefused,
    WarehouseUnavailable,
)
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import EVERYTHING
from cloudact.warehouse.bigquery.inspect import Inspector
from cloudact.warehouse.bigquery.session import BigQuerySession, Unit
from cloudact.warehouse.bigquery.transport.client import JobEnd, Statement
from cloudact.warehouse.driver import Equals, Row, ignore
from tests.contract.datasets import column
from tests.warehouse.bigquery.answers import live
from tests.warehouse.bigquery.stub_client import WRITTEN, StubClient, counted

ROUNDS = 100
NOTES = Table("notes", (column("slug"), column("data", Kind.JSON), column("by", Kind.RECORD, fields=(column("name"),))))
SHOP = Dataset("shop", (NOTES,), location="EU")
ROW: Row = {"slug": "acme", "data": "1"}
ROWS: tuple[Row, ...] = (ROW, {"slug": "acme", "by": {"name": "Ann"}})
WON, BEATEN = JobEnd(True, 1), JobEnd(True, 0)
THEIRS = JobEnd(False, 1)
BUSY, UNAVAILABLE = WarehouseBusy("aborted due to concurrent update"), WarehouseUnavailable("try again")
REFUSED = WarehouseRefused("Value has type STRING which cannot be inserted into column data, which has type JSON")


def failed(error: WarehouseError, *, ours: bool = True) -> JobEnd:
    return JobEnd(ours, 0, error)


def session_of(
    client: StubClient, *, caller: str = "me", claims: dict[str, bool] | None = None, inspector: Inspector | None = None
) -> BigQuerySession:
    unit = Unit(caller=caller, claims={} if claims is None else claims)
    return BigQuerySession(client, inspector or Inspector(client), ignore, unit)


def make_client(*ends: JobEnd | WarehouseError, counts: int = 0) -> StubClient:
    """A client whose jobs end like this; so often the claimed row is looked for and not found."""
    client = StubClient(ends=list(ends))
    client.answers += [counted(0)] * counts
    client.tables["shop.notes"] = live(NOTES)
    return client


def claim(client: StubClient, row: Row = ROW, **more: str) -> bool:
    return session_of(client, **more).insert_if_absent("shop", "notes", row, ["slug"])  # type: ignore[arg-type]


def rounds(client: StubClient) -> list[int]:
    """The number of the round of each job."""
    found = [re.fullmatch(r"cloudact-claim-[0-9a-f]{40}-(?:eu|us)-(\d+)", job) for job, *_ in client.jobs]
    return [int(match[1]) for match in found if match]


def types(statement: Statement) -> list[str]:
    return [parameter.type["type"] for parameter in statement.parameters]


@pytest.mark.parametrize(("end", "expected"), [(WON, True), (BEATEN, False)], ids=["inserted", "there already"])
def test_the_end_of_our_own_job_decides(end: JobEnd, expected: bool) -> None:
    client = make_client(end)
    assert claim(client) == expected
    assert rounds(client) == [1]
    assert client.statements == []
    ((_, statement, caller, location),) = client.jobs
    assert statement.text.startswith("MERGE INTO `acme-analytics`.`shop`.`notes` AS target ")
    assert (caller, location) == ("me", "EU")


@pytest.mark.parametrize("end", [THEIRS, failed(REFUSED, ours=False), failed(BUSY)], ids=["theirs", "failed", "ours"])
def test_a_row_that_another_caller_has_inserted_is_not_ours(end: JobEnd) -> None:
    client = make_client(end)
    client.answers.append(counted(1))
    assert claim(client) is False
    assert rounds(client) == [1]
    ((statement, _),) = client.statements
    assert statement.text == "SELECT COUNT(*) FROM `acme-analytics`.`shop`.`notes` WHERE `slug` = @p0"


def test_a_row_that_is_gone_again_gets_another_round() -> None:
    client = make_client(THEIRS, THEIRS, WON, counts=2)
    assert claim(client)
    assert rounds(client) == [1, 2, 3]
    assert len({job.rpartition("-")[0] for job, *_ in client.jobs}) == 1


@pytest.mark.parametrize("row", ROWS, ids=["scalars", "a record"])
@pytest.mark.parametrize("error", [BUSY, UNAVAILABLE], ids=["busy", "unavailable"])
def test_a_failure_that_passes_gets_another_round(row: Row, error: WarehouseError) -> None:
    client = make_client(failed(error), failed(error), WON, counts=2)
    assert claim(client, row)
    assert rounds(client) == [1, 2, 3]
    assert client.looked_up == ["shop.notes"]


@pytest.mark.parametrize("error", [BUSY, UNAVAILABLE], ids=["busy", "unavailable"])
def test_failures_that_pass_end_in_a_pause(error: WarehouseError) -> None:
    client = make_client(failed(error), failed(error), failed(error), counts=2)
    with pytest.raises(WarehouseBusy, match="claims failed 3 times"):
        claim(client)
    assert rounds(client) == [1, 2, 3]


def test_values_that_are_refused_are_sent_as_the_columns_are() -> None:
    client = make_client(failed(REFUSED), failed(BUSY), WON, counts=2)
    assert claim(client)
    assert [types(statement) for _, statement, *_ in client.jobs] == [
        ["STRING", "STRING", "STRING"], ["STRING", "STRING", "JSON"], ["STRING", "STRING", "JSON"],
    ]  # fmt: skip


def test_what_is_refused_as_the_columns_are_is_refused() -> None:
    again = WarehouseRefused("Required field must cannot be null")
    client = make_client(failed(REFUSED), failed(again), counts=1)
    with pytest.raises(WarehouseRefused) as caught:
        claim(client)
    assert caught.value is again
    assert rounds(client) == [1, 2]


def test_a_record_is_sent_as_its_column_is_from_the_first_round() -> None:
    client = make_client(failed(REFUSED))
    with pytest.raises(WarehouseRefused, match="type STRING"):
        claim(client, {"slug": "acme", "by": {"NAME": "Ann"}})
    ((_, statement, *_),) = client.jobs
    assert statement.parameters[-1].type["structTypes"] == [{"name": "name", "type": {"type": "STRING"}}]
    assert client.statements == []


def test_what_another_caller_was_refused_says_nothing_of_our_values() -> None:
    client = make_client(failed(REFUSED, ours=False), failed(UNAVAILABLE, ours=False), WON, counts=2)
    assert claim(client)
    assert [types(statement) for _, statement, *_ in client.jobs] == [["STRING"] * 3] * 3
    assert client.looked_up == []


def test_however_many_claims_were_made_before_the_next_is_made() -> None:
    client = make_client(*[THEIRS] * 150, WON, counts=150)
    assert claim(client)
    assert rounds(client) == list(range(1, 152))


PERMANENT = {
    "no such column": WarehouseNotFound("Column data is not present in table shop.notes"),
    "no permission": WarehouseDenied("Permission bigquery.tables.updateData denied on table shop.notes"),
}


@pytest.mark.parametrize("error", PERMANENT.values(), ids=PERMANENT)
def test_a_failure_that_does_not_pass_gets_no_hundred_rounds(error: WarehouseError) -> None:
    client = make_client(*[failed(error)] * ROUNDS, counts=ROUNDS)
    with pytest.raises(type(error)):
        claim(client)
    assert len(client.jobs) <= 2


def test_claims_that_failed_long_ago_do_not_forbid_another() -> None:
    client = make_client(*[failed(UNAVAILABLE, ours=False)] * ROUNDS, WON, counts=ROUNDS)
    assert claim(client)


def test_a_job_follows_from_the_key_alone() -> None:
    client = make_client(*[WON] * 5)
    claim(client)
    claim(client, {"slug": "acme", "data": "2", "by": None}, caller="somebody else")
    claim(client, {"slug": "Acme", "data": "1"})
    session_of(client).insert_if_absent("shop", "others", ROW, ["slug"])
    session_of(client).insert_if_absent("shop", "notes", ROW, ["slug", "data"])
    jobs = [job for job, *_ in client.jobs]
    assert jobs[0] == jobs[1]
    assert len(set(jobs)) == 4


def test_a_unit_that_runs_again_has_the_answer_that_it_had() -> None:
    client, claims = make_client(WON, BEATEN), dict[str, bool]()
    key = ["slug"]
    for _ in range(2):
        session = session_of(client, claims=claims)
        assert session.insert_if_absent("shop", "notes", ROW, key)
        assert not session.insert_if_absent("shop", "notes", {**ROW, "slug": "other"}, key)
    assert rounds(client) == [1, 1]


def test_a_claim_that_ended_in_an_error_is_made_again_by_the_next_call() -> None:
    client = make_client(UNAVAILABLE, WON)
    session = session_of(client)
    with pytest.raises(WarehouseUnavailable):
        session.insert_if_absent("shop", "notes", ROW, ["slug"])
    assert session.insert_if_absent("shop", "notes", ROW, ["slug"])
    assert rounds(client) == [1, 1]


def test_a_dataset_in_another_location_is_found_and_remembered() -> None:
    absent = WarehouseNotFound("Dataset shop was not found in location EU")
    client = make_client(absent, WON, WON)
    client.datasets["shop"] = {"location": "US"}
    client.answers = [absent, counted(0)]
    inspector = Inspector(client)
    session = session_of(client, inspector=inspector)
    assert session.insert_if_absent("shop", "notes", ROW, ["slug"])
    assert session.insert_if_absent("shop", "notes", {**ROW, "slug": "other"}, ["slug"])
    assert [location for *_, location in client.jobs] == ["EU", "US", "US"]
    assert client.looked_up.count("shop") == 1
    assert inspector.location_of("shop") == "US"


@pytest.mark.parametrize("row", ROWS, ids=["scalars", "a record"])
def test_a_job_that_failed_where_the_dataset_is_not_is_run_where_it_is(row: Row) -> None:
    absent = WarehouseNotFound("Dataset shop was not found in location EU")
    client = make_client(failed(absent), WON)
    client.datasets["shop"] = {"location": "US"}
    client.answers = [absent, counted(0)]
    assert claim(client, row)
    assert [location for *_, location in client.jobs] == ["EU", "US"]


def test_the_columns_of_a_table_are_asked_for_once_in_a_session() -> None:
    client = make_client()
    client.answers = [WRITTEN, counted(1), REFUSED, WRITTEN]
    client.tables["shop.others"] = live(replace(NOTES, name="others"))
    session = session_of(client)
    session.insert("shop", "notes", [{"by": {"name": "Ann"}}, {"slug": "x", "by": None}])
    session.update("shop", "others", {"by": {"name": "Ann"}}, [Equals("slug", "x")])
    assert session.count("shop", "notes", [Equals("slug", "x")]) == 1
    session.update("shop", "notes", {"data": "1"}, [Equals("slug", "x")])
    session.commit()
    assert client.looked_up == ["shop.notes", "shop.others"]
    assert [types(statement) for statement, _ in client.statements] == [
        ["STRUCT", "STRING", "STRUCT", "STRING"], ["STRING"], ["STRING", "STRING"], ["JSON", "STRING"],
    ]  # fmt: skip


def test_the_next_session_asks_again() -> None:
    client = make_client()
    client.answers = [WRITTEN] * 2
    wider = replace(NOTES, columns=(*NOTES.columns, column("lines", Kind.RECORD, Mode.REPEATED, fields=NOTES.columns)))
    for table in (NOTES, wider):
        client.tables["shop.notes"] = live(table)
        session = session_of(client)
        session.insert("shop", "notes", [{table.columns[-1].name: [{"name": "Ann"}] if table is NOTES else [{}]}])
        session.commit()
    assert client.looked_up == ["shop.notes"] * 2


def test_no_column_is_asked_for_where_the_values_say_enough() -> None:
    client = make_client()
    client.answers = [WRITTEN]
    session = session_of(client)
    session.insert("shop", "notes", [{"slug": str(number)} for number in range(998)])
    session.update("shop", "notes", {"data": None}, [Equals("slug", "x")])
    session.commit()
    session.commit()
    assert client.looked_up == []
    assert len(client.statements) == 1


def test_many_values_of_small_writes_together_are_sent_by_the_columns() -> None:
    client = make_client()
    client.answers = [WRITTEN]
    session = session_of(client)
    for first in range(0, 20_000, 1_000):
        session.insert("shop", "notes", [{"slug": str(first + number)} for number in range(1_000)])
    session.commit()
    ((statement, _),) = client.statements
    assert types(statement) == ["ARRAY"] * 20
    assert sum(len(item.value["arrayValues"]) for item in statement.parameters) == 20_000
    assert client.looked_up == ["shop.notes"]


def test_rows_of_two_kinds_in_turn_are_two_statements() -> None:
    client = make_client()
    client.answers = [WRITTEN]
    session = session_of(client)
    session.insert("shop", "notes", [{"slug": "x"} if number % 2 else {"data": "1"} for number in range(10)])
    session.commit()
    ((statement, _),) = client.statements
    assert statement.text.count("INSERT INTO") == 2


def test_a_unit_with_too_much_to_write_writes_nothing() -> None:
    client = make_client()
    session = session_of(client)
    for number in range(11):
        session.update("shop", "notes", {f"c{part}": number for part in range(999)}, [Equals("slug", "x")])
    with pytest.raises(WarehouseRefused, match="11 writes have 11000 values"):
        session.commit()
    assert client.statements == []


def test_a_field_that_this_session_has_added_is_written() -> None:
    client = make_client()
    client.answers = [WRITTEN] * 2
    session = session_of(client)
    session.insert("shop", "notes", [{"by": {"name": "Ann"}}])
    session.commit()
    by = replace(NOTES.columns[-1], fields=(*NOTES.columns[-1].fields, column("email")))
    wider = replace(SHOP, tables=(replace(NOTES, columns=(*NOTES.columns[:-1], by)),))
    session.apply(make_plan(SHOP, wider, EVERYTHING))
    session.insert("shop", "notes", [{"by": {"name": "Ann", "email": "a@b.c"}}])
    session.commit()
    assert [item["name"] for item in client.statements[-1][0].parameters[0].type["structTypes"]] == ["name", "email"]
