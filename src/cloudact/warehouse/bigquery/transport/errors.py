"""Google's errors as this project's: one table by reason, and one place that applies it.

Source of the reasons: BigQuery documentation, Error messages. The reason decides, and the HTTP status only where there
is none, because BigQuery answers 400 for failures of a job that pass, and 403 for limits as well as for permissions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

import requests.exceptions
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions

from cloudact.errors import (
    WarehouseBusy,
    WarehouseDenied,
    WarehouseError,
    WarehouseNotFound,
    WarehouseRefused,
    WarehouseUnavailable,
)


class Outcome(StrEnum):
    """What an error means for the caller."""

    TRANSIENT = "transient"
    CONFLICT = "conflict"
    EXISTS = "exists"
    NOT_FOUND = "not found"
    DENIED = "denied"
    EXHAUSTED = "exhausted"
    TERMINAL = "terminal"


REASONS: Mapping[str, Outcome] = {
    "rateLimitExceeded": Outcome.TRANSIENT,
    "backendError": Outcome.TRANSIENT,
    "internalError": Outcome.TRANSIENT,
    "badGateway": Outcome.TRANSIENT,
    "jobRateLimitExceeded": Outcome.TRANSIENT,
    "jobBackendError": Outcome.TRANSIENT,
    "jobInternalError": Outcome.TRANSIENT,
    "tableUnavailable": Outcome.TRANSIENT,
    "timeout": Outcome.TRANSIENT,
    "conditionNotMet": Outcome.CONFLICT,
    "failedPrecondition": Outcome.CONFLICT,
    "duplicate": Outcome.EXISTS,
    "notFound": Outcome.NOT_FOUND,
    "accessDenied": Outcome.DENIED,
    "accessNotConfigured": Outcome.DENIED,
    "billingNotEnabled": Outcome.DENIED,
    "billingTierLimitExceeded": Outcome.EXHAUSTED,
    "quotaExceeded": Outcome.EXHAUSTED,
    "bytesBilledLimitExceeded": Outcome.TERMINAL,
    "resourcesExceeded": Outcome.TERMINAL,
    "responseTooLarge": Outcome.TERMINAL,
    "invalid": Outcome.TERMINAL,
    "invalidQuery": Outcome.TERMINAL,
    "invalidUser": Outcome.TERMINAL,
    "notImplemented": Outcome.TERMINAL,
    "resourceInUse": Outcome.TERMINAL,
    "blocked": Outcome.TERMINAL,
    "stopped": Outcome.TERMINAL,
}
# Reasons of a job that ended: the same job id or request id would only tell the same end again.
JOB_REASONS = frozenset({"jobRateLimitExceeded", "jobBackendError", "jobInternalError", "tableUnavailable"})
STATUSES: Mapping[int, Outcome] = {
    401: Outcome.DENIED,
    403: Outcome.DENIED,
    404: Outcome.NOT_FOUND,
    408: Outcome.TRANSIENT,
    409: Outcome.EXISTS,
    412: Outcome.CONFLICT,
    429: Outcome.TRANSIENT,
    500: Outcome.TRANSIENT,
    502: Outcome.TRANSIENT,
    503: Outcome.TRANSIENT,
    504: Outcome.TRANSIENT,
}
# The request may have been carried out or not: only its answer is missing, or is no answer.
CONNECTION_ERRORS: tuple[type[Exception], ...] = (
    ConnectionError,
    TimeoutError,  # of the library's own waiting for a job
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    requests.exceptions.JSONDecodeError,
    auth_exceptions.TransportError,
)
GOOGLE_ERRORS: tuple[type[Exception], ...] = (
    exceptions.GoogleAPIError,
    auth_exceptions.GoogleAuthError,
    requests.exceptions.RequestException,
    ConnectionError,
    TimeoutError,
)
# What a script says that relied on a row which is no longer as it was read; sending it again would tell the same.
MOVED_ON = "cloudact: the row that the unit relies on is not as it was"
# These come as invalidQuery, which is otherwise terminal.
_CONFLICTING = re.compile(r"concurrent update|aborted due to|Could not serialize access", re.IGNORECASE)
_UNKNOWN_NAME = re.compile(
    r"Unrecognized name|is not present in table|Not found: (Table|Dataset|Column)|Name \S+ not found"
)

_ERRORS: Mapping[Outcome, tuple[type[WarehouseError], str]] = {
    Outcome.TRANSIENT: (WarehouseUnavailable, "BigQuery did not answer in time; repeat the call."),
    Outcome.CONFLICT: (WarehouseBusy, "Repeat the call: it goes on from what is there now."),
    Outcome.EXISTS: (WarehouseRefused, "Something of that name was made meanwhile; look at the status, then repeat."),
    Outcome.NOT_FOUND: (WarehouseNotFound, "Sync the dataset that should hold it, then repeat the call."),
    Outcome.DENIED: (WarehouseDenied, "Run `cloudact doctor`: it says which role is missing."),
    Outcome.EXHAUSTED: (
        WarehouseUnavailable,
        "A quota of the project is used up; wait for it, or ask Google for more.",
    ),
    Outcome.TERMINAL: (WarehouseRefused, ""),
}


def outcome_of(error: BaseException) -> Outcome:
    """Return what an error of the client library means."""
    if isinstance(error, exceptions.RetryError):
        return outcome_of(error.cause) if error.cause else Outcome.TRANSIENT
    if isinstance(error, CONNECTION_ERRORS):
        return Outcome.TRANSIENT
    if isinstance(error, auth_exceptions.GoogleAuthError):
        return Outcome.TRANSIENT if error.retryable else Outcome.DENIED
    if not isinstance(error, exceptions.GoogleAPICallError):
        return Outcome.TERMINAL
    reason = reason_of(error)
    found = REASONS.get(reason) or STATUSES.get(int(error.code or 0), Outcome.TERMINAL)
    if found is Outcome.TERMINAL and (_has_moved_on(error) or _CONFLICTING.search(error.message)):
        return Outcome.CONFLICT
    if found is Outcome.TERMINAL and _UNKNOWN_NAME.search(error.message):
        return Outcome.NOT_FOUND
    return found


def reason_of(error: BaseException) -> str:
    """Return the `reason` of the first error in Google's answer, or nothing."""
    details = getattr(error, "errors", None) or []
    first = details[0] if details else {}
    return str(first.get("reason", "")) if isinstance(first, Mapping) else ""


def is_transient(error: BaseException) -> bool:
    """Tell whether sending the same request again may help."""
    return outcome_of(error) is Outcome.TRANSIENT and reason_of(error) not in JOB_REASONS


def is_failed_job(error: BaseException) -> bool:
    """Tell whether a job ended without effect for a reason that passes, so that another job may do it."""
    return reason_of(error) in JOB_REASONS or (outcome_of(error) is Outcome.CONFLICT and not _has_moved_on(error))


def _has_moved_on(error: BaseException) -> bool:
    return isinstance(error, exceptions.GoogleAPICallError) and MOVED_ON in error.message


def to_warehouse_error(error: BaseException) -> WarehouseError:
    """Return this project's error for one of Google's; its own words stay in the message."""
    if isinstance(error, exceptions.RetryError) and error.cause is not None:
        return to_warehouse_error(error.cause)
    kind, hint = _ERRORS[outcome_of(error)]
    message = error.message if isinstance(error, exceptions.GoogleAPICallError) else str(error)
    if isinstance(error, auth_exceptions.DefaultCredentialsError):
        message = "no Google credentials were found"
        hint = "Run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file."
    return kind(" ".join(message.split()) or type(error).__name__, hint=hint)


@contextmanager
def mapped() -> Iterator[None]:
    """Let no error of the client library out of the block."""
    try:
        yield
    except GOOGLE_ERRORS as error:
        raise to_warehouse_error(error) from error
