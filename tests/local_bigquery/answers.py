"""What goes back to the client: answers of the emulator, and refusals in the format of Google's errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.bigquery_fake.rules import Refusal, Resource

_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    501: "UNIMPLEMENTED",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    content: bytes = b""
    content_type: str = "application/json; charset=UTF-8"

    @property
    def resource(self) -> Resource:
        """The answer's JSON object."""
        decoded: Resource = json.loads(self.content or b"{}")
        return decoded


class EmulatorRefused(Exception):
    """The emulator answered with an error, which goes to the client as it is."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.content.decode(errors='replace')}")
        self.answer = answer


def answered(resource: Resource) -> Answer:
    """Return a successful answer."""
    return Answer(200, json.dumps(resource).encode())


def error_proto(refusal: Refusal) -> dict[str, Any]:
    """Return a refusal as one entry of a list of errors."""
    return {"reason": refusal.reason, "message": refusal.message, "domain": "global"}


def refused(refusal: Refusal) -> Answer:
    """Return the answer that Google's API would give."""
    error = {
        "code": refusal.status,
        "message": refusal.message,
        "errors": [error_proto(refusal)],
        "status": _STATUS_NAMES[refusal.status],
    }
    return Answer(refusal.status, json.dumps({"error": error}).encode())


def refusal_of(answer: Answer) -> Refusal:
    """Return an error of the emulator as a refusal, for jobs, which fail instead of being refused."""
    error = answer.resource["error"]
    reason = error["errors"][0]["reason"]
    return Refusal(error["message"], rule="of the emulator", status=answer.status, reason=reason)


def not_modelled(what: str) -> Refusal:
    """Return a refusal of what real BigQuery accepts and nothing here can show."""
    return Refusal(what, rule="of the gateway", status=501, reason="notImplemented")


def not_found(what: str) -> Refusal:
    """Return a refusal of a name that is not there, or not in this location."""
    return Refusal(f"Not found: {what}", rule="40", status=404, reason="notFound")
