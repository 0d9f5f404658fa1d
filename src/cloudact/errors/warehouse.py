"""Errors of the warehouse itself."""

from __future__ import annotations

from typing import Any

from cloudact.errors.root import CloudactError


class WarehouseError(CloudactError):
    """The warehouse did not do what was asked."""

    code = "warehouse_error"


class WarehouseUnavailable(WarehouseError):
    """The warehouse cannot be reached or read, which says nothing about what exists in it."""

    code = "warehouse_unavailable"


class WarehouseDenied(WarehouseError):
    """The credentials that the service itself uses may not do this, which says nothing about what exists."""

    code = "warehouse_denied"


class WarehouseBusy(WarehouseError):
    """Concurrent work on the same objects won every time; repeating the call goes on from what there is."""

    code = "warehouse_busy"


class WarehouseNotFound(WarehouseError):
    """A statement names a dataset, table or column that does not exist."""

    code = "warehouse_not_found"


class WarehouseRefused(WarehouseError):
    """The engine refuses the statement for good; trying again does not help."""

    code = "warehouse_refused"


class ChangeFailed(WarehouseError):
    """One planned change was refused by the engine; `change` is that change, `cause` the engine's refusal.

    `applied` are changes that were made and stay, none where a unit of work is a transaction; `others` are further
    changes that were refused at the same time.
    """

    code = "change_failed"

    def __init__(self, change: Any, target: str, cause: CloudactError) -> None:
        super().__init__(f"{target}: could not {change}: {cause.message}", hint=cause.hint)
        # A planning.changes.Change; this module is below the one that defines it.
        self.change = change
        self.target = target
        self.cause = cause
        self.applied: tuple[Any, ...] = ()
        self.others: tuple[ChangeFailed, ...] = ()
