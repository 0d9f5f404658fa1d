"""Credentials of integrations: what may be stored, and what may be told of it afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cloudact.tenancy.checks import failed, require
from cloudact.tenancy.secrets.validation import ValidationStatus

# The name of a credential that its row has no name for.
UNNAMED = "default"
MAX_SECRET = 64 * 1024
MAX_METADATA = 16 * 1024
_PROVIDER = r"[A-Z][A-Z0-9_]{1,49}"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_RESERVED = "CLOUDACT"
_MASK = "****"
# Of a shorter secret, four characters would give too much away.
_LONG = 20
_SHOWN = 4


class CredentialType(StrEnum):
    """The form of a secret, in the words of the column."""

    API_KEY = "API_KEY"
    ACCESS_KEY = "ACCESS_KEY"
    SERVICE_ACCOUNT = "SERVICE_ACCOUNT"
    IAM_ROLE = "IAM_ROLE"
    CLIENT_SECRET = "CLIENT_SECRET"  # noqa: S105 - the name of a form
    OAUTH_TOKEN = "OAUTH_TOKEN"  # noqa: S105 - the name of a form


@dataclass(frozen=True, slots=True)
class CredentialName:
    """Which credential of an organization; `parse` makes one of any text."""

    provider: str
    name: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.name}"

    @property
    def column(self) -> str | None:
        """The name as the column has it."""
        return None if self.name == UNNAMED else self.name

    @staticmethod
    def parse(provider: str, name: str) -> CredentialName:
        """Return the name, with the provider in capitals; raises InvalidRequest saying what is wrong with it."""
        problems = []
        code = provider.upper()
        if not re.fullmatch(_PROVIDER, code, re.ASCII):
            problems.append(failed("provider", "must be 2 to 50 characters of A-Z, 0-9 and underscore, such as OPENAI"))
        if code == _RESERVED:
            problems.append(failed("provider", "is the platform's own; it is no integration"))
        if not re.fullmatch(_NAME, name, re.ASCII):
            problems.append(failed("credential_name", "must be 1 to 100 characters of a-z, A-Z, 0-9, . _ and -"))
        require(problems)
        return CredentialName(code, name)


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A credential to store; `metadata` are facts that are no secret."""

    name: CredentialName
    credential_type: CredentialType
    secret: str = field(repr=False)
    metadata: Mapping[str, object] = field(default_factory=dict)

    def check(self) -> None:
        """Raise InvalidRequest naming what cannot be stored; the message never repeats it."""
        problems = []
        size = len(self.secret.encode(errors="surrogatepass"))
        if not self.secret.strip():
            problems.append(failed("secret", "is empty"))
        if size > MAX_SECRET:
            problems.append(failed("secret", f"has {size} bytes; at most {MAX_SECRET} are allowed"))
        if any(0xD800 <= ord(character) <= 0xDFFF for character in self.secret):
            problems.append(failed("secret", "has half of a surrogate pair, which is no character"))
        if what := self._metadata_problem():
            problems.append(failed("metadata", what))
        require(problems)

    def _metadata_problem(self) -> str:
        try:
            written = json.dumps(dict(self.metadata), ensure_ascii=False, allow_nan=False)
            size = len(written.encode())
        except (ValueError, RecursionError):  # NaN, half of a surrogate pair, or a thousand levels
            return "holds a number or a text that JSON cannot carry"
        if "\\u0000" in written:
            return "holds a text with a NUL character, which not every warehouse can keep"
        if size > MAX_METADATA:
            return f"has {size} bytes; at most {MAX_METADATA} are allowed"
        if len(self.secret) > _SHOWN and json.dumps(self.secret, ensure_ascii=False)[1:-1] in written:
            return "holds the secret, and is stored in the clear"
        return ""

    @property
    def hint(self) -> str | None:
        """The last characters of a long secret, for people to recognize it; None where they would tell too much."""
        told = self.credential_type is not CredentialType.SERVICE_ACCOUNT and len(self.secret) >= _LONG
        return self.secret[-_SHOWN:] if told else None


@dataclass(frozen=True, slots=True)
class Credential:
    """What is told of a stored credential: everything but the secret."""

    credential_id: str
    org_slug: str
    provider: str
    credential_name: str
    credential_type: str
    masked: str
    validation_status: ValidationStatus
    last_validated_at: datetime | None
    last_error: str | None
    metadata: Mapping[str, object]
    is_active: bool
    created_at: datetime
    updated_at: datetime | None


def masked(hint: str | None) -> str:
    """Return what is shown in the place of a secret: never more than its last four characters."""
    return _MASK + (hint or "")[-_SHOWN:]


def without_secret(text: str, secret: str) -> str:
    """Return a text of others that may repeat a secret without it."""
    for form in (secret, json.dumps(secret)[1:-1], secret.strip()):
        text = text.replace(form, _MASK) if form else text
    return text
