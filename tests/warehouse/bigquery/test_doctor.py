"""The examinations of BigQuery, against a server that answers as Google does, well or not."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import google.auth
import pytest
from google.auth import exceptions
from google.auth.credentials import Credentials
from google.auth.crypt import Signer
from google.auth.transport.requests import AuthorizedSession
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

from cloudact.warehouse.bigquery import doctor
from cloudact.warehouse.bigquery.doctor import DATA_EDITOR, DATA_OWNER, JOB_USER, NEEDED, examine
from cloudact.warehouse.bigquery.transport.client import EMULATOR, BigQueryClient, Patience
from cloudact.warehouse.driver import Examination
from tests.docs_text import DOCS, blocks, plain, table

PROJECT = "some-project"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
Answer = tuple[int, object]
EVERYTHING = [
    "connection", "clock", "credentials", "project", "permissions", "location", "rates", "materialized_views",
]  # fmt: skip


def refusal(status: int, reason: str, message: str) -> Answer:
    item = {"reason": reason, "message": message, "domain": "global"}
    return status, {"error": {"code": status, "message": message, "errors": [item]}}


def rows(*values: tuple[str]) -> Answer:
    """The answer to a query for one column of texts."""
    return 200, {
        "jobComplete": True,
        "jobReference": {"projectId": PROJECT, "jobId": "job"},
        "schema": {"fields": [{"name": "ddl", "type": "STRING"}]},
        "rows": [{"f": [{"v": value}]} for (value,) in values],
        "totalRows": str(len(values)),
    }


@dataclass
class Google:
    """What each method answers, by the last part of its path, and what was asked."""

    url: str = ""
    date: datetime | None = NOW
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Answer:
        self.asked.append((method, path, body))
        ending = path.partition("?")[0].rpartition("/")[2].rpartition(":")[2]
        kind = "select_1" if body.get("query") == "SELECT 1" else ending
        return self.answers.get(kind, (404, {"error": {"message": f"no {kind}"}}))


@pytest.fixture
def healthy() -> Iterator[Google]:
    """A project in which everything is granted, and nothing exists."""
    google_ = Google()
    google_.answers = {
        "datasets": (200, {"datasets": []}),
        "testIamPermissions": (200, {"permissions": list(NEEDED)}),
        "select_1": rows(("1",)),
        "queries": rows(),
        "token": (200, {"access_token": "granted", "expires_in": 3600}),
    }
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(google_)) as server:
        google_.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield google_
        server.shutdown()
        thread.join()


def _handler(google_: Google) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.loads(text) if text.startswith(b"{") else {"form": text.decode()}
            status, answer = google_.answer(self.command, self.path, body)
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response_only(status)
            if google_.date:
                self.send_header("Date", format_datetime(google_.date, usegmt=True))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer  # noqa: N815 - the names that http.server looks for

    return Handler


@pytest.fixture
def client(healthy: Google, monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQueryClient]:
    """A client of that server, which does not wait long."""
    monkeypatch.setenv(EMULATOR, healthy.url)
    made = BigQueryClient(PROJECT, "EU", patience=Patience(attempt=5, total=0.1, first_wait=0.01))
    yield made
    made.close()


def looked(client: BigQueryClient) -> list[Examination]:
    return examine(client, now=lambda: NOW)


def found(client: BigQueryClient, name: str) -> Examination:
    return next(item for item in looked(client) if item.name == name)


def failed(client: BigQueryClient) -> dict[str, Examination]:
    return {item.name: item for item in looked(client) if not item.passed}


def test_a_healthy_project_passes_everything_in_order(client: BigQueryClient) -> None:
    examined = looked(client)
    assert [item.name for item in examined] == EVERYTHING
    assert [item for item in examined if not item.passed or item.fix] == []
    assert all(item.message for item in examined)


def test_nothing_is_written(client: BigQueryClient, healthy: Google) -> None:
    looked(client)
    sent = [(method, path.partition("?")[0].rpartition("/")[2]) for method, path, _ in healthy.asked]
    assert set(sent) == {("GET", "datasets"), ("POST", f"{PROJECT}:testIamPermissions"), ("POST", "queries")}
    assert all(body["query"].startswith("SELECT ") for _, path, body in healthy.asked if path.endswith("/queries"))


def test_statements_are_run_in_the_clients_location(client: BigQueryClient, healthy: Google) -> None:
    looked(client)
    queries = [body for _, _, body in healthy.asked if "query" in body]
    assert {body["location"] for body in queries} == {"EU"}
    assert f"`{PROJECT}`.`region-eu`.INFORMATION_SCHEMA.TABLES" in queries[-1]["query"]


# The connection and the clock


def test_no_connection_is_the_only_finding(client: BigQueryClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EMULATOR, "127.0.0.1:1")
    (only,) = looked(client)
    assert (only.name, only.passed) == ("connection", False)
    assert "127.0.0.1:1" in only.message
    assert EMULATOR in only.fix


@pytest.mark.parametrize(
    ("apart", "passed"), [(0, True), (-300, True), (300, True), (-301, False), (301, False), (86400, False)]
)
def test_a_clock_that_is_minutes_off_fails(client: BigQueryClient, healthy: Google, apart: int, passed: bool) -> None:
    healthy.date = NOW + timedelta(seconds=apart)
    clock = found(client, "clock")
    assert (clock.passed, bool(clock.fix)) == (passed, not passed)
    assert f"are {abs(apart)} s apart" in clock.message


def test_an_answer_without_a_date_says_nothing_of_the_clock(client: BigQueryClient, healthy: Google) -> None:
    healthy.date = None
    assert found(client, "clock").passed


# Credentials


def test_without_credentials_nothing_else_is_looked_at(
    client: BigQueryClient, healthy: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    def default(scopes: object) -> None:
        raise exceptions.DefaultCredentialsError("none")  # type: ignore[no-untyped-call]

    monkeypatch.delenv(EMULATOR)
    monkeypatch.setattr(doctor, "BIGQUERY", healthy.url)
    monkeypatch.setattr(google.auth, "default", default)
    examined = looked(client)
    assert [item.name for item in examined] == ["connection", "clock", "credentials"]
    assert not examined[-1].passed
    assert "gcloud auth application-default login" in examined[-1].fix


def test_an_emulator_needs_no_credentials(client: BigQueryClient) -> None:
    assert EMULATOR in found(client, "credentials").message


class _Signature(Signer):
    """Signs without a key, for a server that does not look."""

    @property
    def key_id(self) -> str:
        return "1"

    def sign(self, message: object) -> bytes:
        return b"signed"


def account(healthy: Google) -> Credentials:
    found: Credentials = service_account.Credentials(  # type: ignore[no-untyped-call]
        _Signature(), "etl@some-project.iam.gserviceaccount.com", f"{healthy.url}/token", scopes=["bigquery"]
    )
    return found


def person(_healthy: Google) -> Credentials:
    found: Credentials = user_credentials.Credentials(  # type: ignore[no-untyped-call]
        "token", account="ada@example.com"
    )
    return found


@pytest.fixture
def lend(client: BigQueryClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Credentials], None]]:
    """Have the client's session use other credentials."""
    sessions: list[AuthorizedSession] = []

    def use(credentials: Credentials) -> None:
        sessions.append(AuthorizedSession(credentials))  # type: ignore[no-untyped-call]
        monkeypatch.setattr(client, "session", lambda: sessions[0])

    yield use
    for session in sessions:
        session.close()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("kind", "words"),
    [(account, "service account's key: etl@some-project"), (person, "person's login: ada@example.com")],
    ids=["service account", "person"],
)
def test_credentials_are_named_with_their_owner(
    client: BigQueryClient,
    healthy: Google,
    lend: Callable[[Credentials], None],
    kind: Callable[[Google], Credentials],
    words: str,
) -> None:
    lend(kind(healthy))
    credentials = found(client, "credentials")
    assert credentials.passed
    assert words in credentials.message


def test_credentials_that_give_no_token_fail(
    client: BigQueryClient, healthy: Google, lend: Callable[[Credentials], None]
) -> None:
    healthy.answers["token"] = (400, {"error": "invalid_grant", "error_description": "account not found"})
    lend(account(healthy))
    assert "account not found" in failed(client)["credentials"].message


def test_permissions_are_asked_for_with_a_scope_that_may(
    client: BigQueryClient, healthy: Google, lend: Callable[[Credentials], None]
) -> None:
    lend(account(healthy))
    assert found(client, "permissions").passed
    forms = [body["form"] for _, path, body in healthy.asked if path == "/token"]
    assert [_scope(form) for form in forms] == ["bigquery", "https://www.googleapis.com/auth/cloud-platform.read-only"]


def _scope(form: str) -> str:
    """The scope that a signed request for a token asks for."""
    payload = parse_qs(form)["assertion"][0].split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "==="))["scope"])


# Permissions


@pytest.mark.parametrize(
    ("missing", "roles"),
    [
        (["bigquery.jobs.create"], [JOB_USER]),
        (["bigquery.tables.create", "bigquery.tables.getData"], [DATA_EDITOR]),
        (["bigquery.datasets.update"], [DATA_OWNER]),
        (list(NEEDED), [DATA_OWNER, JOB_USER]),
    ],
)
def test_missing_permissions_are_named_with_the_commands_that_grant_them(
    client: BigQueryClient,
    healthy: Google,
    lend: Callable[[Credentials], None],
    missing: list[str],
    roles: list[str],
) -> None:
    lend(account(healthy))
    healthy.answers["testIamPermissions"] = (200, {"permissions": [name for name in NEEDED if name not in missing]})
    permissions = found(client, "permissions")
    assert permissions.message == f"missing: {', '.join(missing)}"
    assert permissions.fix == " && ".join(
        f"gcloud projects add-iam-policy-binding {PROJECT} "
        f"--member=serviceAccount:etl@some-project.iam.gserviceaccount.com --role={role}"
        for role in roles
    )


def test_a_project_that_grants_nothing_answers_an_empty_document(client: BigQueryClient, healthy: Google) -> None:
    healthy.answers["testIamPermissions"] = (200, {})
    assert all(name in failed(client)["permissions"].message for name in NEEDED)


@pytest.mark.parametrize(
    "answer",
    [refusal(403, "SERVICE_DISABLED", "the API is disabled"), (200, b"<html>"), (503, b"")],
    ids=["disabled", "no JSON", "unavailable"],
)
def test_permissions_that_cannot_be_told_are_no_permissions(
    client: BigQueryClient, healthy: Google, answer: Answer
) -> None:
    healthy.answers["testIamPermissions"] = answer
    assert "gcloud services enable cloudresourcemanager.googleapis.com" in failed(client)["permissions"].fix


def test_the_guide_lists_exactly_the_permissions_and_their_roles() -> None:
    guide = DOCS / "bigquery.md"
    assert {plain(row["permission"]): plain(row["smallest predefined role"]) for row in table(guide, "Roles")} == NEEDED
    (command,) = (block.text for block in blocks(guide, "bash") if "roles create" in block.text)
    assert set(re.findall(r"bigquery[.]\w+[.]\w+", command)) == set(NEEDED)


def test_the_guide_lists_every_examination() -> None:
    listed = [plain(row["examination"]) for row in table(DOCS / "bigquery.md", "The doctor")]
    assert listed == ["catalog", *EVERYTHING, "authorized_resources", "central_dataset"]


# Project and location


def test_a_disabled_api_is_told_with_the_command_that_enables_it(client: BigQueryClient, healthy: Google) -> None:
    healthy.answers["datasets"] = refusal(403, "accessNotConfigured", "BigQuery API has not been used before")
    examined = looked(client)
    assert [item.name for item in examined] == EVERYTHING[:5]
    project = examined[3]
    assert (project.name, project.passed) == ("project", False)
    assert "has not been used" in project.message
    assert f"gcloud services enable bigquery.googleapis.com --project={PROJECT}" in project.fix


def test_a_location_that_does_not_exist_is_told_and_limits_are_not_looked_at(
    client: BigQueryClient, healthy: Google
) -> None:
    healthy.answers["select_1"] = refusal(400, "invalid", "Location EUR does not exist")
    assert [item.name for item in looked(client)] == EVERYTHING[:-1]
    location = failed(client)["location"]
    assert "EUR" in location.message
    assert "CA_WAREHOUSE_URL" in location.fix


# Limits


def materialized(name: str, query: str) -> tuple[str]:
    return (f"CREATE MATERIALIZED VIEW `{PROJECT}.views.{name}`\nOPTIONS(\n  enable_refresh=true\n)\nAS {query};",)


def several(number: int, table: str) -> list[tuple[str]]:
    return [materialized(f"mv_{item}", f"SELECT a, SUM(b) AS b FROM {table} GROUP BY a") for item in range(number)]


@pytest.mark.parametrize(("number", "passed"), [(1, True), (89, True), (90, False), (100, False)])
def test_many_materialized_views_on_one_table_fail_before_the_limit(
    client: BigQueryClient, healthy: Google, number: int, passed: bool
) -> None:
    healthy.answers["queries"] = rows(*several(number, f"`{PROJECT}.central.runs`"), *several(1, "central.others"))
    healthy.answers["central"] = (200, dataset(0))
    views = found(client, "materialized_views")
    assert (views.passed, bool(views.fix)) == (passed, not passed)
    assert f"central.runs has most of them, {number} of at most 100" in views.message


def test_a_view_counts_once_and_one_that_cannot_be_read_not_at_all(client: BigQueryClient, healthy: Google) -> None:
    healthy.answers["queries"] = rows(
        materialized("twice", "SELECT a.x FROM central.runs AS a JOIN central.runs AS b ON a.x = b.x"),
        materialized("unreadable", "SELECT FROM WHERE ("),
        ("CREATE SOMETHING ELSE",),
    )
    healthy.answers["central"] = (200, dataset(0))
    assert "central.runs has most of them, 1 of" in found(client, "materialized_views").message


def dataset(authorized: int) -> dict[str, Any]:
    view = {"projectId": PROJECT, "datasetId": "acme_corp_prod"}
    people = [{"role": "OWNER", "specialGroup": "projectOwners"}, {"role": "READER", "userByEmail": "ada@example.com"}]
    views = [{"view": {**view, "tableId": f"v_{number}"}} for number in range(authorized)]
    return {
        "datasetReference": {"projectId": PROJECT, "datasetId": "central"},
        "location": "EU",
        "access": [*people, *views],
    }


@pytest.mark.parametrize(("number", "passed"), [(0, True), (2249, True), (2250, False)])
def test_many_authorized_resources_fail_before_the_limit(
    client: BigQueryClient, healthy: Google, number: int, passed: bool
) -> None:
    healthy.answers["queries"] = rows(*several(2, "central.runs"), *several(1, "lonely.runs"))
    healthy.answers["central"] = (200, dataset(number))
    authorized = found(client, "authorized_resources")
    assert (authorized.passed, bool(authorized.fix)) == (passed, not passed)
    assert f"authorizes {number} views, datasets and routines of at most 2500" in authorized.message


def test_limits_that_cannot_be_read_are_a_finding(client: BigQueryClient, healthy: Google) -> None:
    healthy.answers["queries"] = refusal(403, "accessDenied", "Access Denied: no bigquery.tables.list")
    assert "bigquery.tables.list" in failed(client)["materialized_views"].message
