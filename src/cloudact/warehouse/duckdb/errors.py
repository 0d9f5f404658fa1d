"""DuckDB's errors as this project's: one table, most specific first, and one place that applies it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from cloudact.errors import (
    WarehouseBusy,
    WarehouseError,
    WarehouseNotFound,
    WarehouseRefused,
    WarehouseUnavailable,
)

MAPPING: tuple[tuple[type[duckdb.Error], type[WarehouseError]], ...] = (
    (duckdb.TransactionException, WarehouseBusy),
    (duckdb.SerializationException, WarehouseBusy),
    (duckdb.FatalException, WarehouseUnavailable),
    (duckdb.InternalException, WarehouseUnavailable),
    (duckdb.IOException, WarehouseUnavailable),
    (duckdb.OutOfMemoryException, WarehouseUnavailable),
    (duckdb.ConnectionException, WarehouseUnavailable),
    (duckdb.InterruptException, WarehouseUnavailable),
    (duckdb.OperationalError, WarehouseUnavailable),
    (duckdb.Error, WarehouseRefused),
)

_LOCKED = "Conflicting lock is held"
# A commit that lost against another one and a commit that could not be written raise the same class, and DuckDB words
# the first in many ways and the second in the operating system's.
_NOT_WRITTEN = re.compile(r"Could not|Cannot|No space left|IO Error|No such file|File too large", re.IGNORECASE)
_DURABLE = "COMMIT succeeded and is durable"
_DAMAGED = re.compile(r"Corrupt database file|checksum")
# DuckDB calls a file's catalog as the file is called, and then takes `a.b` for both of schema and catalog `a`.
_NAMED_AS_FILE = re.compile(r'Ambiguous reference to catalog or schema "([^"]+)"')
_NOT_FOUND = re.compile(r"does not exist|does not have a column|not found in")
_HINTS: dict[type[WarehouseError], str] = {
    WarehouseUnavailable: "Check that the file, its folder and the disk are readable, writable and not full. A damaged "
    "file has to be restored from a backup.",
    WarehouseBusy: "Repeat the call; nothing of it remains.",
}


def to_warehouse_error(error: duckdb.Error) -> WarehouseError:
    """Return this project's error for one of DuckDB's; the engine's own words stay in the message."""
    kind = next(ours for theirs, ours in MAPPING if isinstance(error, theirs))
    message = " ".join(str(error).split("\nDid you mean")[0].split("\n\nLINE")[0].split())
    if _LOCKED in message:
        return WarehouseUnavailable(
            f"the DuckDB file is open in another process: {message}",
            hint="One process owns a DuckDB file. Send commands to the running service by setting CA_API_URL, "
            "or stop that process.",
        )
    if same := _NAMED_AS_FILE.search(message):
        return WarehouseRefused(
            f"dataset {same[1]} is called as its DuckDB file is, which DuckDB cannot tell apart: {message}",
            hint=f"Give the file another name than {same[1]}.duckdb, and CA_WAREHOUSE_URL with it; a file that has "
            "rows can be renamed while no process has it open.",
        )
    not_written = isinstance(error, duckdb.TransactionException) and _NOT_WRITTEN.search(message)
    if not_written or _DAMAGED.search(message):
        return WarehouseUnavailable(message, hint=_HINTS[WarehouseUnavailable])
    if isinstance(error, duckdb.CatalogException | duckdb.BinderException) and _NOT_FOUND.search(message):
        return WarehouseNotFound(message, hint="Sync the dataset that should hold it, then repeat the call.")
    return kind(message, hint=_HINTS.get(kind, ""))


@contextmanager
def mapped() -> Iterator[None]:
    """Let no DuckDB error out of the block."""
    try:
        yield
    except duckdb.Error as error:
        raise to_warehouse_error(error) from error


def is_fatal(error: BaseException) -> bool:
    """Tell whether the open database instance is unusable and has to be opened anew."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, duckdb.FatalException | duckdb.InternalException | duckdb.ConnectionException):
            return True
        cause = cause.__cause__
    return False


def is_durable(error: WarehouseError) -> bool:
    """Tell whether what failed was only the checkpoint after a commit, which itself is safe in the log."""
    return isinstance(error.__cause__, duckdb.FatalException) and _DURABLE in str(error.__cause__)
