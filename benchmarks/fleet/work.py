"""What is measured: six works on a fleet of organizations, and the sizes of fleets."""

from __future__ import annotations

from enum import StrEnum


class Work(StrEnum):
    """One work on a fleet, named as the programs of the sides take it."""

    CREATE = "create"
    STATUS = "status"
    SYNC = "sync"
    DRIFT = "drift"
    COLUMN = "column"
    ONBOARD = "onboard"

    @property
    def title(self) -> str:
        """How tables call it."""
        return _TITLES[self]

    @property
    def changes(self) -> bool:
        """Whether it leaves another database than it found."""
        return self not in {Work.STATUS, Work.SYNC}


_TITLES = {
    Work.CREATE: "create all",
    Work.STATUS: "status, nothing to do",
    Work.SYNC: "sync, nothing to do",
    Work.DRIFT: "sync, one drifted",
    Work.COLUMN: "one column to all",
    Work.ONBOARD: "onboard one more",
}

NEWCOMER = "newcomer"


def slugs(number: int) -> list[str]:
    """Return the slugs of a fleet."""
    return [f"org_{count:05}" for count in range(1, number + 1)]


def dataset_of(slug: str) -> str:
    """Return the name of an organization's dataset."""
    return f"{slug}_prod"


def drifted(number: int) -> str:
    """Return which organization of a fleet has drifted: the last, so that nobody finds it by luck."""
    return slugs(number)[-1]
