"""Errors as Google's APIs answer them: a status, a reason that clients classify by, and a message."""

from __future__ import annotations

from typing import Any

# What jobs.getQueryResults answers for a failed job: the status that belongs to the reason of its error.
STATUS_OF_REASON = {
    "accessDenied": 403,
    "backendError": 503,
    "bytesBilledLimitExceeded": 400,
    "duplicate": 409,
    "internalError": 500,
    "invalid": 400,
    "invalidQuery": 400,
    "jobBackendError": 400,
    "jobInternalError": 400,
    "jobRateLimitExceeded": 400,
    "notFound": 404,
    "notImplemented": 501,
    "quotaExceeded": 403,
    "rateLimitExceeded": 403,
    "resourceInUse": 400,
}
_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}


class GoogleError(Exception):
    """The answer is this error; `status` is HTTP's."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message

    def body(self) -> dict[str, Any]:
        """Return the document that Google answers."""
        item = {"message": self.message, "domain": "global", "reason": self.reason}
        return {
            "error": {
                "code": self.status,
                "message": self.message,
                "errors": [item],
                "status": _STATUS_NAMES.get(self.status, "UNKNOWN"),
            }
        }

    def proto(self) -> dict[str, str]:
        """Return the error as it stands in the status of a job."""
        return {"reason": self.reason, "message": self.message}


def invalid(message: str) -> GoogleError:
    """Return the refusal of a request that can never succeed."""
    return GoogleError(400, "invalid", message)


def invalid_query(message: str) -> GoogleError:
    """Return the refusal of a statement."""
    return GoogleError(400, "invalidQuery", message)


def unsupported(what: str) -> GoogleError:
    """Return the refusal of what the fake does not model, so that no test passes by its ignorance."""
    return GoogleError(501, "notImplemented", f"bigquery_fake does not know {what}")


def duplicate(what: str) -> GoogleError:
    """Return the refusal of a second object of one name, such as `Dataset p:ds`."""
    return GoogleError(409, "duplicate", f"Already Exists: {what}")


def not_found(what: str, location: str | None = None) -> GoogleError:
    """Return the answer for an object that is not there, or not in this location."""
    where = f" was not found in location {location}" if location else ""
    return GoogleError(404, "notFound", f"Not found: {what}{where}")


def precondition_failed() -> GoogleError:
    """Return the refusal of a write based on a stale etag."""
    return GoogleError(412, "conditionNotMet", "Precondition Failed: the resource has another etag")
