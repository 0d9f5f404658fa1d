"""The requests that carry out a plan on BigQuery, as the client library sends them, kept as JSON."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import pytest

from cloudact.catalog.model import (
    Column,
    Dataset,
    Granularity,
    Kind,
    Materialized,
    Mode,
    RangePartition,
    Table,
    TimePartition,
    Type,
    View,
)
from cloudact.planning.plan import make_plan
from cloudact.planning.policy import EVERYTHING
from cloudact.warehouse.bigquery.driver import BigQueryWarehouse
from cloudact.warehouse.bigquery.resources import dataset_resource
from cloudact.warehouse.bigquery.transport.client import BigQueryClient
from cloudact.warehouse.driver import Equals, Row, Session
from cloudact.warehouse.fingerprints import Naming
from tests.contract.datasets import OPEN_ORDERS, ORDERS, SHOP, column, with_column, with_columns, with_table
from tests.warehouse.bigquery.answers import PROJECT, live

FOLDER = Path(__file__).parent / "bigquery"
ETAG = "as-it-was-read"
# Different at every run.
RANDOM = ("requestId", "cloudact_caller")

RECORD = column(
    "record",
    Kind.RECORD,
    fields=(
        column("must", mode=Mode.REQUIRED),
        column("list", Kind.RECORD, Mode.REPEATED, fields=(column("leaf", Kind.BYTES),)),
    ),
)
EVERY_KIND = tuple(column(kind.lower(), kind) for kind in Kind if kind not in {Kind.RECORD, Kind.RANGE, Kind.NATIVE})
ONE_OF_EVERYTHING = Table(
    name="everything",
    columns=(
        Column("id", Type(Kind.STRING, max_length=36), Mode.REQUIRED, default="GENERATE_UUID()"),
        *EVERY_KIND,
        Column("price", Type(Kind.NUMERIC, 20, 4), rounding_mode="ROUND_HALF_EVEN", default="0"),
        Column("whole", Type(Kind.NUMERIC, 20, 0)),
        Column("valid", Type(Kind.RANGE, element=Kind.TIMESTAMP)),
        Column("name", Type(Kind.STRING), collation="und:ci", policy_tags=("projects/p/taxonomies/1/policyTags/2",)),
        Column("secret", Type(Kind.STRING), data_policies=("projects/p/locations/eu/dataPolicies/mask",)),
        Column("tags", Type(Kind.STRING), Mode.REPEATED),
        RECORD,
    ),
    description='One of "everything".\nReally.',
    partition=TimePartition(Granularity.DAY, "timestamp", 90.0, require_filter=True),
    clustering=("id", "date"),
    labels=(("env", ""), ("team", "shop")),
)
BY_NUMBER = Table("by_number", (column("n", Kind.INT64),), partition=RangePartition("n", 0, 100, 10))
TITLE = Column("title", Type(Kind.STRING, max_length=1), collation="und:ci")
TITLES = Table("titles", (TITLE,))
BY_LOAD_TIME = Table("by_load_time", (column("n"),), partition=TimePartition(Granularity.HOUR))
TOTALS = View(
    name="totals",
    query="SELECT id, SUM(amount) AS amount FROM `shop`.orders GROUP BY id",
    description="Amounts by order.",
    materialized=Materialized.OWN,
    clustering=("id",),
    refresh_interval_minutes=15,
    labels=(("team", "shop"),),
)
WITH_TITLES = replace(SHOP, tables=(*SHOP.tables, TITLES))
WITH_TOTALS = replace(SHOP, views=(*SHOP.views, TOTALS))

_PATH = f"/bigquery/v2/projects/{PROJECT}/datasets/shop"
_RELATIONS: tuple[Table | View, ...] = (ORDERS, TITLES, ONE_OF_EVERYTHING, OPEN_ORDERS, TOTALS)
LIVE = {
    _PATH: dataset_resource(PROJECT, SHOP),
    **{f"{_PATH}/tables/{relation.name}": live(relation) for relation in _RELATIONS},
}


def with_view(view: View) -> Dataset:
    """The shop with one of its views declared in another way."""
    return replace(WITH_TOTALS, views=tuple(view if item.name == view.name else item for item in WITH_TOTALS.views))


def planned(actual: Dataset | None, desired: Dataset) -> Callable[[Session], object]:
    return lambda session: session.apply(make_plan(actual, desired, EVERYTHING))


def _evolved() -> Dataset:
    grown = with_columns(
        with_column(SHOP, "orders", replace(ORDERS.columns[0], mode=Mode.NULLABLE)), "orders", column("note")
    )
    line = replace(ORDERS.columns[-1], fields=(*ORDERS.columns[-1].fields, column("weight", Kind.FLOAT64)))
    described = with_column(grown, "orders", replace(line, description="What was ordered."))
    layout = TimePartition(Granularity.DAY, "placed_at", require_filter=True)
    return with_table(described, "orders", clustering=("count", "id"), labels=(("env", "x"),), partition=layout)


# Records are sent with every field of the column in its order, so the column has to be asked for.
BOUGHT: Row = {"id": "o-1", "buyer": {"email": "a@b.c", "name": "Ann"}}


def write_rows(session: Session) -> None:
    """Writes whose values say how they are to be sent."""
    session.update("shop", "orders", {"count": 2}, [Equals("id", "o-1")])
    session.insert("shop", "everything", [{"id": "e-1"}, {"id": "e-2"}])
    session.ensure("shop", "titles", {"title": "x"}, ["title"])


def write_rows_with_records(session: Session) -> None:
    """Writes of which one does not say it, so that all are sent by their columns."""
    session.insert("shop", "orders", [BOUGHT])
    session.ensure("shop", "everything", {"id": "e-1", "json": "{}", "tags": ["x"]}, ["id"])


CASES: dict[str, Callable[[Session], object]] = {
    "create_dataset": planned(None, replace(SHOP, tables=(), views=())),
    "set_dataset_metadata": planned(SHOP, replace(SHOP, description="New.", labels=(("team", "shop"),))),
    "create_table": planned(SHOP, replace(SHOP, tables=(*SHOP.tables, ONE_OF_EVERYTHING))),
    "create_table_by_number": planned(SHOP, replace(SHOP, tables=(*SHOP.tables, BY_NUMBER))),
    "create_table_by_load_time": planned(SHOP, replace(SHOP, tables=(*SHOP.tables, BY_LOAD_TIME))),
    "create_view": planned(replace(SHOP, views=()), SHOP),
    "create_materialized_view": planned(SHOP, WITH_TOTALS),
    "patch_table": planned(SHOP, _evolved()),
    "patch_description": planned(SHOP, with_table(SHOP, "orders", description="New.")),
    "patch_one_field": planned(SHOP, with_column(SHOP, "orders", replace(ORDERS.columns[1], description="New."))),
    "widen_type": planned(SHOP, with_column(SHOP, "orders", column("count", Kind.NUMERIC))),
    "widen_type_collated": planned(
        WITH_TITLES, with_column(WITH_TITLES, "titles", replace(TITLE, type=Type(Kind.STRING, max_length=9)))
    ),
    "replace_view": planned(WITH_TOTALS, with_view(replace(OPEN_ORDERS, query="SELECT id FROM `shop`.orders"))),
    "replace_materialized_view": planned(WITH_TOTALS, with_view(replace(TOTALS, query="SELECT id FROM `shop`.orders"))),
    "patch_materialized_view": planned(WITH_TOTALS, with_view(replace(TOTALS, refresh_interval_minutes=60))),
    "inspect": lambda session: session.inspect("shop", expected=Dataset("shop", location="EU")),
    "inspect_many": lambda session: session.inspect_many(["shop", "acme_prod"], "EU"),
    "fingerprints": lambda session: session.fingerprints(["EU"], Naming("", "_prod", {"shop": "shop"})),
    "select": lambda session: session.select("shop", "orders", ["id"], [Equals("id", "o-1")]),
    "insert_if_absent": lambda session: session.insert_if_absent("shop", "orders", {"id": "o-1", "count": 1}, ["id"]),
    "insert_if_absent_with_record": lambda session: session.insert_if_absent("shop", "orders", BOUGHT, ["id"]),
    "write_rows": write_rows,
    "write_rows_with_records": write_rows_with_records,
}


class Recorder(BaseHTTPRequestHandler):
    """Keeps every request, and answers it as if it had taken effect."""

    protocol_version = "HTTP/1.1"
    found: ClassVar[list[dict[str, Any]]]

    def do_GET(self) -> None:
        """Answer with what is there."""
        self._record(None)

    def do_POST(self) -> None:
        """Answer with what was sent, or with the end of a job."""
        self._record(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def do_PATCH(self) -> None:
        """Answer with what it changes."""
        self.do_POST()

    def log_message(self, *_parts: object) -> None:
        """Write nothing to standard error."""

    def _record(self, body: dict[str, Any] | None) -> None:
        path = unquote(urlsplit(self.path).path)
        parts = {"method": self.command, "path": path, "if_match": self.headers["If-Match"], "body": body}
        self.found.append({key: value for key, value in parts.items() if value is not None})
        answer = json.dumps(answer_to(path, body)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def answer_to(path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    """What BigQuery might answer."""
    job = {"projectId": PROJECT, "jobId": "j", "location": "EU"}
    if "/queries" in path:
        rows = {"jobComplete": True, "totalRows": "0", "numDmlAffectedRows": "1", "totalBytesProcessed": "0"}
        return {"jobReference": job, "schema": {"fields": [{"name": "id", "type": "STRING"}]}, **rows}
    if path.endswith("/jobs"):
        return {**(body or {}), "status": {"state": "DONE"}, "statistics": {"query": {"numDmlAffectedRows": "1"}}}
    return {**LIVE.get(path, {}), "etag": ETAG, **(body or {})}


def recorded(work: Callable[[Session], object]) -> str:
    """The requests that a unit of work sends, in order."""
    sent: list[dict[str, Any]] = []

    class OwnRecorder(Recorder):
        found = sent

    with ThreadingHTTPServer(("127.0.0.1", 0), OwnRecorder) as server:
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        warehouse = BigQueryWarehouse(BigQueryClient(PROJECT, "EU", endpoint=address, max_bytes_billed=2**40))
        try:
            warehouse.run(work)
        finally:
            warehouse.close()
            server.shutdown()
            thread.join()
    return json.dumps(steady(sent), indent=1, ensure_ascii=False) + "\n"


def steady(value: Any) -> Any:
    """The same with what is different at every run left out."""
    if isinstance(value, dict):
        return {key: "..." if key in RANDOM else steady(item) for key, item in value.items()}
    return [steady(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", CASES)
def test_requests_are_as_recorded(name: str, update_golden: bool) -> None:
    path = FOLDER / f"{name}.json"
    found = recorded(CASES[name])
    if update_golden:
        path.parent.mkdir(exist_ok=True)
        path.write_text(found)
    assert found == path.read_text()


def test_no_recorded_request_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(CASES)


def test_no_request_deletes() -> None:
    found = [item for path in FOLDER.glob("*.json") for item in json.loads(path.read_text())]
    assert {item["method"] for item in found} == {"GET", "POST", "PATCH"}
    assert not any(item["path"].endswith(":delete") for item in found)


def test_every_patch_says_what_it_was_read_as() -> None:
    found = [item for path in FOLDER.glob("*.json") for item in json.loads(path.read_text())]
    assert {item.get("if_match") for item in found if item["method"] == "PATCH"} == {ETAG}
