"""What the audit trail says of one event, in the words of its columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cloudact.tenancy.access.key_text import without_keys

MASK = "***"
MAX_TEXT = 1_000
_SECRET_NAME = re.compile(
    r"(^|[_-])(key|token|secret|password|passwd|passphrase|credential|authorization)$", re.IGNORECASE
)


class Action(StrEnum):
    """What was done."""

    CREATE = "CREATE"
    READ = "READ"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    EXECUTE = "EXECUTE"
    ROTATE = "ROTATE"
    SYNC = "SYNC"


class ResourceType(StrEnum):
    """To what kind of object; a REQUEST is a route of the service."""

    ORGANIZATION = "ORGANIZATION"
    DATASET = "DATASET"
    API_KEY = "API_KEY"
    USER = "USER"
    SUBSCRIPTION = "SUBSCRIPTION"
    QUOTA = "QUOTA"
    CREDENTIAL = "CREDENTIAL"
    PIPELINE = "PIPELINE"
    NOTIFICATION = "NOTIFICATION"
    HIERARCHY = "HIERARCHY"
    SEALING_KEY = "SEALING_KEY"
    REQUEST = "REQUEST"


class Status(StrEnum):
    """What came of it."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    DENIED = "DENIED"


@dataclass(frozen=True, slots=True)
class Event:
    """What is done to which object, and whose it is: an organization's, or the platform's without one."""

    action: Action
    resource_type: ResourceType
    resource_id: str | None
    organization: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)


def recordable(value: object, name: str = "") -> object:
    """Return a value as JSON that every engine gives back as it was, without what is named like a secret.

    Numbers that an engine may write in another way, and whatever is no JSON, become text.
    """
    match value:
        case None | bool():
            return value
        case int() if abs(value) < 2**53:
            return MASK if _SECRET_NAME.search(name) else value
        case Mapping():
            return {str(key): recordable(item, str(key)) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [recordable(item, name) for item in value]
        case _:
            return MASK if _SECRET_NAME.search(name) else text(str(value))


def text(value: str) -> str:
    """Return a text as every engine can hold it, without API keys, and shortened where it is very long."""
    whole = without_keys(value).encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    return whole if len(whole) <= MAX_TEXT else f"{whole[:MAX_TEXT]}…"
