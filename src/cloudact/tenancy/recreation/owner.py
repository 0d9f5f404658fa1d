"""Whose dataset a dataset is, for the audit trail."""

from __future__ import annotations

from cloudact.tenancy.store import PROFILES
from cloudact.warehouse.driver import Equals, Session, Warehouse

_COLUMNS = ("org_slug", "org_dataset_id")


def owner_of(warehouse: Warehouse, central: str, dataset: str) -> str | None:
    """Return the organization whose dataset this is; None when it is the platform's, or nobody can tell."""

    def work(session: Session) -> str | None:
        live = session.inspect(central, among=[PROFILES])
        profiles = live.table(PROFILES) if live else None
        if profiles is None or not all(map(profiles.column, _COLUMNS)):
            return None
        found = session.select(central, profiles.name, ["org_slug"], [Equals("org_dataset_id", dataset)])
        return str(found[0]["org_slug"]) if found else None

    return warehouse.run(work)
