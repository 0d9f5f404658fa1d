"""Every error of Google's as one of this project's; the tables are those of the documentation and the rules."""

from __future__ import annotations

from http import HTTPStatus

import pytest
import requests.exceptions
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions

from cloudact.errors import (
    ConfigurationError,
    WarehouseBusy,
    WarehouseDenied,
    WarehouseError,
    WarehouseNotFound,
    WarehouseRefused,
    WarehouseUnavailable,
)
from cloudact.warehouse.bigquery.transport.errors import (
    CONNECTION_ERRORS,
    GOOGLE_ERRORS,
    JOB_REASONS,
    MOVED_ON,
    REASONS,
    STATUSES,
    Outcome,
    is_failed_job,
    is_transient,
    mapped,
    outcome_of,
    reason_of,
    to_warehouse_error,
)

# The error that each reason of the service comes to, with the HTTP status that comes with it.
# Source: BigQuery documentation, Error messages.
TOLD: dict[str, tuple[int, type[WarehouseError]]] = {
    "accessDenied": (403, WarehouseDenied),
    "accessNotConfigured": (403, WarehouseDenied),
    "attributeError": (400, WarehouseRefused),
    "backendError": (503, WarehouseUnavailable),
    "badGateway": (502, WarehouseUnavailable),
    "badRequest": (400, WarehouseRefused),
    "billingNotEnabled": (403, WarehouseDenied),
    "billingTierLimitExceeded": (400, WarehouseUnavailable),
    "blocked": (403, WarehouseRefused),
    "bytesBilledLimitExceeded": (400, WarehouseRefused),
    "conditionNotMet": (412, WarehouseBusy),
    "duplicate": (409, WarehouseRefused),
    "failedPrecondition": (400, WarehouseBusy),
    "internalError": (500, WarehouseUnavailable),
    "invalid": (400, WarehouseRefused),
    "invalidQuery": (400, WarehouseRefused),
    "invalidUser": (400, WarehouseRefused),
    "jobBackendError": (400, WarehouseUnavailable),
    "jobInternalError": (400, WarehouseUnavailable),
    "jobRateLimitExceeded": (400, WarehouseUnavailable),
    "notFound": (404, WarehouseNotFound),
    "notImplemented": (501, WarehouseRefused),
    "quotaExceeded": (403, WarehouseUnavailable),
    "rateLimitExceeded": (403, WarehouseUnavailable),
    "resourceInUse": (400, WarehouseRefused),
    "resourcesExceeded": (400, WarehouseRefused),
    "responseTooLarge": (403, WarehouseRefused),
    "stopped": (400, WarehouseRefused),
    "tableUnavailable": (400, WarehouseUnavailable),
    "timeout": (400, WarehouseUnavailable),
}
RESENT = {"rateLimitExceeded", "internalError", "backendError", "badGateway", "timeout"}
FOLLOWED = ("jobBackendError", "jobInternalError", "jobRateLimitExceeded", "tableUnavailable")


def google_error(status: int, reason: str = "", message: str = "no") -> exceptions.GoogleAPICallError:
    """What the client library raises for an answer with this status and this first reason."""
    errors = [{"reason": reason, "message": message}] if reason else []
    return exceptions.from_http_status(status, message, errors=errors)  # type: ignore[no-any-return, no-untyped-call]


@pytest.mark.parametrize("reason", TOLD)
def test_a_reason_of_the_service_is_told_in_this_projects_words(reason: str) -> None:
    status, kind = TOLD[reason]
    found = to_warehouse_error(google_error(status, reason, f"{reason} happened"))
    assert type(found) is kind
    assert f"{reason} happened" in found.message


def test_every_reason_in_the_table_is_one_of_the_service() -> None:
    assert set(REASONS) <= set(TOLD)


@pytest.mark.parametrize("reason", TOLD)
def test_what_passes_by_itself_is_sent_again_and_nothing_else(reason: str) -> None:
    error = google_error(TOLD[reason][0], reason)
    assert is_transient(error) == (reason in RESENT)
    assert not (is_transient(error) and is_failed_job(error))


@pytest.mark.parametrize("reason", FOLLOWED)
def test_a_job_that_ended_without_effect_is_followed_by_another(reason: str) -> None:
    error = google_error(400, reason)
    assert is_failed_job(error)
    assert not is_transient(error)
    assert reason in JOB_REASONS


@pytest.mark.parametrize("reason", REASONS)
def test_the_reason_wins_over_the_status(reason: str) -> None:
    found = {status: outcome_of(google_error(status, reason)) for status in (200, 400, 501, *STATUSES)}
    assert set(found.values()) == {REASONS[reason]}


@pytest.mark.parametrize(
    ("status", "kind", "again"),
    [
        (400, WarehouseRefused, False),
        (401, WarehouseDenied, False),
        (403, WarehouseDenied, False),
        (404, WarehouseNotFound, False),
        (408, WarehouseUnavailable, True),
        (409, WarehouseRefused, False),
        (412, WarehouseBusy, False),
        (429, WarehouseUnavailable, True),
        (500, WarehouseUnavailable, True),
        (501, WarehouseRefused, False),
        (502, WarehouseUnavailable, True),
        (503, WarehouseUnavailable, True),
        (504, WarehouseUnavailable, True),
    ],
)
@pytest.mark.parametrize("reason", ["", "somethingNew"])
def test_the_status_decides_where_the_reason_says_nothing(
    status: int, kind: type[WarehouseError], again: bool, reason: str
) -> None:
    error = google_error(status, reason)
    assert type(to_warehouse_error(error)) is kind
    assert is_transient(error) is again


@pytest.mark.parametrize(
    "message",
    [
        "Transaction is aborted due to concurrent update against table p:shop.orders",
        "Could not serialize access to table p:shop.orders due to concurrent update",
        "Query error: Resources exceeded: aborted due to a conflicting transaction",
    ],
)
def test_a_statement_that_lost_to_another_is_busy_not_refused(message: str) -> None:
    error = google_error(400, "invalidQuery", message)
    assert type(to_warehouse_error(error)) is WarehouseBusy
    assert is_failed_job(error)
    assert not is_transient(error)


@pytest.mark.parametrize(
    "message",
    [
        "Unrecognized name: nmae at [1:8]",
        "Unrecognized name: nmae; Did you mean name? at [1:8]",
        "Column nmae is not present in table shop.orders at [1:27]",
        "Not found: Table p:shop.orders was not found in location EU",
        "Not found: Dataset p:shop was not found in location EU",
        "Name nmae not found inside o at [1:10]",
    ],
)
def test_a_statement_that_names_nothing_is_not_found(message: str) -> None:
    assert type(to_warehouse_error(google_error(400, "invalidQuery", message))) is WarehouseNotFound


def test_a_message_decides_only_where_nothing_else_does() -> None:
    message = "Not found: Table x, aborted due to concurrent update"
    assert outcome_of(google_error(403, "accessDenied", message)) is Outcome.DENIED
    assert outcome_of(google_error(503, "backendError", message)) is Outcome.TRANSIENT
    assert outcome_of(google_error(400, "invalidQuery", "Syntax error: Unexpected end of script")) is Outcome.TERMINAL


CONNECTION = (
    ConnectionResetError("reset"),
    BrokenPipeError("pipe"),
    # QueryJob.result and query_and_wait raise it when their timeout is over.
    TimeoutError("job"),
    ConnectionRefusedError("refused"),
    requests.exceptions.ConnectionError("lost"),
    requests.exceptions.ConnectTimeout("slow"),
    requests.exceptions.ReadTimeout("slow"),
    requests.exceptions.SSLError("cut"),
    requests.exceptions.ChunkedEncodingError("short"),
    requests.exceptions.ContentDecodingError("garbled"),
    requests.exceptions.JSONDecodeError("Expecting value", "{", 1),
    auth_exceptions.TransportError("metadata server"),  # type: ignore[no-untyped-call]
)


@pytest.mark.parametrize("error", CONNECTION, ids=lambda error: type(error).__name__)
def test_a_connection_that_broke_says_nothing_about_the_request(error: Exception) -> None:
    assert isinstance(error, CONNECTION_ERRORS)
    assert is_transient(error)
    assert not is_failed_job(error)
    assert type(to_warehouse_error(error)) is WarehouseUnavailable
    with pytest.raises(WarehouseUnavailable), mapped():
        raise error


def test_what_retrying_could_not_mend_is_told_by_its_cause() -> None:
    cause = google_error(403, "rateLimitExceeded", "Exceeded rate limits: too many table update operations")
    error = exceptions.RetryError("Timeout of 120.0s exceeded", cause)  # type: ignore[no-untyped-call]
    found = to_warehouse_error(exceptions.RetryError("again", error))  # type: ignore[no-untyped-call]
    assert outcome_of(error) is Outcome.TRANSIENT
    assert type(found) is WarehouseUnavailable
    assert found.message == "Exceeded rate limits: too many table update operations"
    lost = exceptions.RetryError("again", ConnectionResetError("reset"))  # type: ignore[no-untyped-call]
    assert type(to_warehouse_error(lost)) is WarehouseUnavailable


def test_what_retrying_could_not_mend_is_no_refusal_even_without_a_cause() -> None:
    error = exceptions.RetryError("Timeout of 120.0s exceeded", None)  # type: ignore[no-untyped-call]
    found = to_warehouse_error(error)
    assert type(found) is WarehouseUnavailable
    assert found.message.startswith("Timeout of 120.0s exceeded")
    assert found.hint


def test_missing_credentials_are_told_with_the_command_that_mends_it() -> None:
    error = auth_exceptions.DefaultCredentialsError("see https://example.invalid")  # type: ignore[no-untyped-call]
    found = to_warehouse_error(error)
    assert type(found) is WarehouseDenied
    assert found.message == "no Google credentials were found"
    assert "gcloud auth application-default login" in found.hint


def test_credentials_that_were_refused_are_denied() -> None:
    error = auth_exceptions.RefreshError("invalid_grant: Token has been expired or revoked.")  # type: ignore[no-untyped-call]
    assert outcome_of(error) is Outcome.DENIED
    assert not is_transient(error)


def test_credentials_that_could_not_be_renewed_just_now_are_not_denied() -> None:
    error = auth_exceptions.RefreshError("503 Service Unavailable", retryable=True)  # type: ignore[no-untyped-call]
    assert outcome_of(error) is Outcome.TRANSIENT
    assert is_transient(error)
    assert type(to_warehouse_error(error)) is WarehouseUnavailable


def test_a_unit_whose_row_has_moved_on_is_run_again_and_its_job_is_not() -> None:
    error = google_error(400, "invalidQuery", f"Query error: Assertion failed: {MOVED_ON} at [2:1]")
    assert outcome_of(error) is Outcome.CONFLICT
    assert isinstance(to_warehouse_error(error), WarehouseBusy)
    assert not is_failed_job(error)
    assert is_failed_job(google_error(400, "invalidQuery", "Transaction is aborted due to concurrent update"))


def test_every_outcome_has_an_error() -> None:
    outcomes = {*REASONS.values(), *STATUSES.values()}
    assert outcomes == set(Outcome)
    examples = {outcome: next(reason for reason in REASONS if REASONS[reason] is outcome) for outcome in Outcome}
    for reason in examples.values():
        assert isinstance(to_warehouse_error(google_error(HTTPStatus.IM_A_TEAPOT, reason)), WarehouseError)


@pytest.mark.parametrize("outcome", [item for item in Outcome if item is not Outcome.TERMINAL])
def test_what_can_be_mended_comes_with_a_hint(outcome: Outcome) -> None:
    reason = next(reason for reason in REASONS if REASONS[reason] is outcome)
    assert to_warehouse_error(google_error(400, reason)).hint


def test_a_message_is_one_line_with_googles_own_words() -> None:
    found = to_warehouse_error(google_error(400, "invalidQuery", "Syntax error\n  at [1:1]\n\nJob ID: x"))
    assert found.message == "Syntax error at [1:1] Job ID: x"
    assert to_warehouse_error(ConnectionResetError()).message == "ConnectionResetError"


@pytest.mark.parametrize("errors", [(), [{}], ["text"], [{"message": "no reason"}]])
def test_an_answer_without_a_reason_has_none(errors: list[object]) -> None:
    error = exceptions.from_http_status(400, "no", errors=errors)  # type: ignore[no-untyped-call]
    assert reason_of(error) == ""
    assert outcome_of(error) is Outcome.TERMINAL


def test_the_first_reason_counts() -> None:
    errors = [{"reason": "quotaExceeded"}, {"reason": "invalid"}]
    error = exceptions.from_http_status(403, "no", errors=errors)  # type: ignore[no-untyped-call]
    assert reason_of(error) == "quotaExceeded"


@pytest.mark.parametrize("kind", GOOGLE_ERRORS, ids=lambda kind: kind.__name__)
def test_no_error_of_the_library_gets_out(kind: type[Exception]) -> None:
    with pytest.raises(WarehouseError) as caught, mapped():
        raise kind("x")
    assert isinstance(caught.value.__cause__, kind)


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyError("x"), ConfigurationError("x"), WarehouseBusy("x")], ids=repr
)
def test_what_is_not_the_librarys_passes_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, mapped():
        raise error
    assert caught.value is error
