"""Every column of the central tables that holds sealed values, and what its values are bound to."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from cloudact.errors import SealBroken
from cloudact.sealing.sealer import Context


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values: the columns that tell its rows apart, and whether it is text instead of bytes."""

    table: str
    column: str
    row_key: tuple[str, ...]
    text: bool = False

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"

    def context(self, organization: str, *row: str) -> Context:
        """Return what a value is bound to; `row` are the values of `row_key`."""
        if len(row) != len(self.row_key):
            raise ValueError(f"{self}: a row is told by {', '.join(self.row_key)}")
        # With one part, which nearly all have, the row is that part; a list of parts is never mistaken for another.
        name = row[0] if len(row) == 1 else "".join(f"{len(part)}:{part}" for part in row)
        return Context(organization, self.table, self.column, name)

    def to_column(self, sealed: bytes) -> bytes | str:
        """Return a sealed value as the column holds it."""
        return base64.b64encode(sealed).decode() if self.text else sealed

    def from_column(self, value: object) -> bytes:
        """Return the sealed value; raises SealBroken when the column holds something else."""
        try:
            if self.text:
                return base64.b64decode(str(value), validate=True)
            if isinstance(value, bytes | bytearray | memoryview):
                return bytes(value)
        except binascii.Error:
            pass
        raise SealBroken(
            f"{self}: the value is not {'base64' if self.text else 'bytes'}",
            hint="Something else wrote it. Store the secret anew.",
        )


API_KEY = SealedColumn("org_api_keys", "encrypted_org_api_key", ("org_api_key_id",))
CREDENTIAL = SealedColumn("org_integration_credentials", "encrypted_credential", ("credential_id",))
SLACK_URL = SealedColumn("org_notification_channels", "slack_webhook_url_encrypted", ("channel_id",), text=True)
WEBHOOK_URL = SealedColumn("org_notification_channels", "webhook_url_encrypted", ("channel_id",), text=True)
WEBHOOK_HEADERS = SealedColumn("org_notification_channels", "webhook_headers_encrypted", ("channel_id",), text=True)
IDEMPOTENT_ANSWER = SealedColumn("org_idempotency_keys", "encrypted_response", ("record_id", "request_hash"))

SEALED_COLUMNS = (API_KEY, CREDENTIAL, SLACK_URL, WEBHOOK_URL, WEBHOOK_HEADERS, IDEMPOTENT_ANSWER)
