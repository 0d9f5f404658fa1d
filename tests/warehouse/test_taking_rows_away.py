"""The only statements that take rows away are in the operations that insist on a copy."""

from __future__ import annotations

import re

from tests.acme import ROOT

SOURCE = ROOT / "src" / "cloudact"
TAKES_AWAY = re.compile(
    r"\b(DROP (TABLE|SCHEMA|COLUMN)|TRUNCATE TABLE|DELETE FROM|CREATE OR REPLACE TABLE)\b"
    r"|\.delete_(table|dataset)\(|WRITE_TRUNCATE"
)
# The second is the one request that the first sends.
ALLOWED = {
    "warehouse/duckdb/rebuild/operations.py",
    "warehouse/bigquery/rebuild/operations.py",
    "warehouse/bigquery/rebuild/statements.py",
    "warehouse/bigquery/transport/client.py",
}


def test_nothing_else_takes_rows_away() -> None:
    found = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if any(TAKES_AWAY.search(line) for line in path.read_text().splitlines())
    }
    assert found == ALLOWED
