"""What the service needs of Google Cloud, each looked at without changing anything.

Permissions are those that the BigQuery documentation names for the requests of `transport.client` and for the
statements it sends; a person may hold them in any role, so roles are named only to mend what is missing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import requests
from google.api_core import exceptions
from google.auth import compute_engine, external_account, impersonated_credentials
from google.auth.credentials import AnonymousCredentials, Credentials, Scoped
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account
from sqlglot.errors import SqlglotError

from cloudact.catalog.rules import MAX_AUTHORIZED, MAX_MATERIALIZED_VIEWS
from cloudact.errors import CloudactError
from cloudact.warehouse.bigquery.authorization import authorized_by
from cloudact.warehouse.bigquery.ddl_text import read_view
from cloudact.warehouse.bigquery.limits import base_tables, materialized_view_texts
from cloudact.warehouse.bigquery.transport import rates
from cloudact.warehouse.bigquery.transport.client import EMULATOR, BigQueryClient, Statement
from cloudact.warehouse.bigquery.transport.concurrently import concurrently
from cloudact.warehouse.bigquery.transport.errors import mapped
from cloudact.warehouse.driver import Examination

BIGQUERY = "https://bigquery.googleapis.com"
RESOURCE_MANAGER = "https://cloudresourcemanager.googleapis.com"
JOB_USER, DATA_EDITOR, DATA_OWNER = (f"roles/bigquery.{role}" for role in ("jobUser", "dataEditor", "dataOwner"))
# Each with the smallest predefined role that holds it; dataOwner holds all that dataEditor holds.
NEEDED = {
    "bigquery.jobs.create": JOB_USER,
    "bigquery.datasets.create": DATA_EDITOR,
    "bigquery.datasets.get": DATA_EDITOR,
    "bigquery.datasets.update": DATA_OWNER,
    "bigquery.tables.create": DATA_EDITOR,
    "bigquery.tables.get": DATA_EDITOR,
    "bigquery.tables.list": DATA_EDITOR,
    "bigquery.tables.update": DATA_EDITOR,
    "bigquery.tables.getData": DATA_EDITOR,
    "bigquery.tables.updateData": DATA_EDITOR,
    # INFORMATION_SCHEMA.TABLES asks for these as well.
    "bigquery.routines.get": DATA_EDITOR,
    "bigquery.routines.list": DATA_EDITOR,
}
# Google refuses to give a token for a key when the time in the request is further off.
MAX_CLOCK_DIFFERENCE = timedelta(minutes=5)
# The share of a limit from which on it is told.
NEAR = 0.9
_TIMEOUT = 30.0
_SHARING_DATASETS = 10
# The client's own scope, that of BigQuery, does not extend to asking which permissions there are.
_SCOPE = "https://www.googleapis.com/auth/cloud-platform.read-only"
_KINDS: tuple[tuple[type[Credentials], str], ...] = (
    (AnonymousCredentials, f"none, because {EMULATOR} is set"),
    (service_account.Credentials, "a service account's key"),
    (impersonated_credentials.Credentials, "an impersonated service account"),
    (compute_engine.Credentials, "the service account of this machine"),
    (external_account.Credentials, "workload identity federation"),
    (user_credentials.Credentials, "a person's login"),
)


def _now() -> datetime:
    return datetime.now(UTC)


def examine(client: BigQueryClient, now: Callable[[], datetime] = _now) -> list[Examination]:
    """Return what was found, up to the first thing without which the others cannot be looked at."""
    return list(_examinations(client, now))


def _examinations(client: BigQueryClient, now: Callable[[], datetime]) -> Iterator[Examination]:
    connection, date = _connection(client.project)
    yield connection
    if not connection.passed:
        return
    yield _clock(date, now())
    credentials = _attempted("credentials", lambda: _credentials(client), _LOGIN)
    yield credentials
    if not credentials.passed:
        return
    project = _attempted("project", lambda: _project(client), _PROJECT.format(project=client.project))
    yield project
    yield _attempted("permissions", lambda: _permissions(client), _ASKING.format(project=client.project))
    if not project.passed:
        return
    location = _attempted("location", lambda: _location(client), _LOCATION)
    yield location
    yield _rates()
    if location.passed:
        yield from _limits(client)


_LOGIN = (
    "Set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account, or log in: "
    "gcloud auth application-default login"
)
_PROJECT = (
    "Check the project in CA_WAREHOUSE_URL, and that the API is enabled in it: "
    "gcloud services enable bigquery.googleapis.com --project={project}"
)
_ASKING = (
    "Enable the API that tells permissions: "
    "gcloud services enable cloudresourcemanager.googleapis.com --project={project}; for a person's login also: "
    "gcloud auth application-default set-quota-project {project}"
)
_LOCATION = (
    "Check location= in CA_WAREHOUSE_URL: US, EU or the name of a region, such as europe-west1; and the permissions."
)
_SHARE = "Let views of central tables be shared: leave `materialized` out, or declare it `shared`."
_READ_LIMITS = "Mend the permissions; what comes near BigQuery's limits is not known until then."


def _attempted(name: str, look: Callable[[], Examination], fix: str) -> Examination:
    """Look, and make whatever goes wrong on the way the finding."""
    try:
        with mapped():
            return look()
    except CloudactError as error:
        return Examination(name, passed=False, message=error.message, fix=fix)


def _endpoint(real: str) -> str:
    emulator = os.environ.get(EMULATOR)
    if not emulator:
        return real
    return emulator if "://" in emulator else f"http://{emulator}"


def _connection(project: str) -> tuple[Examination, str]:
    """Ask without credentials, so that a wrong clock or a missing key does not hide that there is a way."""
    endpoint = _endpoint(BIGQUERY)
    try:
        url = f"{endpoint}/bigquery/v2/projects/{project}/datasets"
        answer = requests.get(url, params={"maxResults": 1}, timeout=_TIMEOUT)
    except requests.RequestException as error:
        fix = f"Check the network, HTTPS_PROXY, and that {EMULATOR} is set only for an emulator."
        return Examination("connection", passed=False, message=f"{endpoint} does not answer: {error}", fix=fix), ""
    return Examination("connection", passed=True, message=f"{endpoint} answers"), answer.headers.get("Date", "")


def _clock(date: str, here: datetime) -> Examination:
    try:
        there = parsedate_to_datetime(date)
    except ValueError:
        return Examination("clock", passed=True, message="the answer has no date to compare with")
    seconds = round(abs(there.astimezone(UTC) - here).total_seconds())
    message = f"this machine's clock and Google's are {seconds} s apart"
    if seconds <= MAX_CLOCK_DIFFERENCE.total_seconds():
        return Examination("clock", passed=True, message=message)
    fix = "Set the clock, for example by NTP: Google refuses credentials whose time is wrong."
    return Examination("clock", passed=False, message=message, fix=fix)


def _credentials_of(client: BigQueryClient) -> Credentials:
    found: Credentials = client.session().credentials  # type: ignore[attr-defined]  # it is an AuthorizedSession
    return found


def _credentials(client: BigQueryClient) -> Examination:
    found = _credentials_of(client)
    if not found.valid:
        found.refresh(Request())
    kind = next((words for known, words in _KINDS if isinstance(found, known)), type(found).__name__)
    email = _email(found)
    return Examination("credentials", passed=True, message=f"{kind}: {email}" if email else kind)


def _email(credentials: Credentials) -> str:
    names = ("service_account_email", "account")
    return next((str(found) for name in names if (found := getattr(credentials, name, None))), "")


def _project(client: BigQueryClient) -> Examination:
    client.ping()
    return Examination("project", passed=True, message=f"the BigQuery API answers for project {client.project}")


def _permissions(client: BigQueryClient) -> Examination:
    credentials = _credentials_of(client)
    wider = credentials
    if isinstance(credentials, Scoped):
        wider = credentials.with_scopes([_SCOPE])  # type: ignore[no-untyped-call]  # not annotated
    url = f"{_endpoint(RESOURCE_MANAGER)}/v1/projects/{client.project}:testIamPermissions"
    with AuthorizedSession(wider) as session:
        response = session.post(url, json={"permissions": list(NEEDED)}, timeout=_TIMEOUT)
    if not response.ok:
        raise exceptions.from_http_response(response)
    granted = response.json().get("permissions", ())
    missing = [name for name in NEEDED if name not in granted]
    if not missing:
        return Examination("permissions", passed=True, message=f"all {len(NEEDED)} that are needed are granted")
    fix = _grants(client.project, _member(credentials), missing)
    return Examination("permissions", passed=False, message=f"missing: {', '.join(missing)}", fix=fix)


def _member(credentials: Credentials) -> str:
    kind = "user" if isinstance(credentials, user_credentials.Credentials) else "serviceAccount"
    return f"{kind}:{_email(credentials) or 'EMAIL'}"


def _grants(project: str, member: str, missing: Iterable[str]) -> str:
    """Return the commands that grant the fewest predefined roles with everything that is missing."""
    roles = {NEEDED[name] for name in missing}
    if DATA_OWNER in roles:
        roles.discard(DATA_EDITOR)
    grant = f"gcloud projects add-iam-policy-binding {project} --member={member} --role="
    return " && ".join(f"{grant}{role}" for role in sorted(roles))


def _location(client: BigQueryClient) -> Examination:
    client.query(Statement("SELECT 1"), client.location)
    return Examination("location", passed=True, message=f"statements run in {client.location}")


def _rates() -> Examination:
    kept = (
        ("requests of one kind", rates.REQUESTS_PER_METHOD),
        ("new tables", rates.TABLE_CREATIONS),
        ("changes to a table", rates.TABLE_UPDATES),
        ("changes to a partitioned table", rates.PARTITIONED_TABLE_UPDATES),
        ("changes to a dataset", rates.DATASET_UPDATES),
    )
    listed = ", ".join(f"{rate.count} {what} in {rate.seconds} s" for what, rate in kept)
    message = f"this process keeps to {listed}; others with the same credentials use up the same limits"
    return Examination("rates", passed=True, message=message)


def _limits(client: BigQueryClient) -> Iterator[Examination]:
    counted = Counter[tuple[str, str]]()

    def views() -> Examination:
        counted.update(_base_tables(client))
        return _views_on_one_table(client, counted)

    found = _attempted("materialized_views", views, _READ_LIMITS)
    yield found
    if found.passed and counted:
        yield _attempted("authorized_resources", lambda: _authorized(client, counted), _READ_LIMITS)


def _base_tables(client: BigQueryClient) -> Iterator[tuple[str, str]]:
    """Yield each table that a materialized view in the client's location reads, once per view."""
    for ddl in materialized_view_texts(client, client.location):
        # Anybody's view may be there, written in ways that are not ours.
        with suppress(SqlglotError, RecursionError):
            view = read_view("", ddl)
            yield from base_tables(view) if view else ()


def _views_on_one_table(client: BigQueryClient, counted: Counter[tuple[str, str]]) -> Examination:
    if not counted:
        message = f"no table has materialized views in {client.location}"
        return Examination("materialized_views", passed=True, message=message)
    (most, number), *_ = counted.most_common(1)
    message = f"{'.'.join(most)} has most of them, {number} of at most {MAX_MATERIALIZED_VIEWS}"
    passed = number < NEAR * MAX_MATERIALIZED_VIEWS
    return Examination("materialized_views", passed, message, "" if passed else _SHARE)


def _authorized(client: BigQueryClient, counted: Counter[tuple[str, str]]) -> Examination:
    """Look at the datasets whose tables other views read most; the central one is among them."""
    by_dataset = Counter[str]()
    for (dataset, _), number in counted.items():
        by_dataset[dataset] += number
    names = [name for name, _ in by_dataset.most_common(_SHARING_DATASETS)]
    numbers = concurrently(lambda name: _authorized_by(client, name), names)
    number, most = max(zip(numbers, names, strict=True))
    passed = number < NEAR * MAX_AUTHORIZED
    message = f"dataset {most} authorizes {number} views, datasets and routines of at most {MAX_AUTHORIZED}"
    fix = "" if passed else "Authorize a dataset instead of each view in it, or let only the service read."
    return Examination("authorized_resources", passed, message, fix)


def _authorized_by(client: BigQueryClient, dataset: str) -> int:
    return authorized_by(client.get_dataset(dataset) or {})
