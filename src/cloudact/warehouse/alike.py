"""One plan for many datasets, on an engine that gains nothing from doing them together: each is looked at by itself."""

from __future__ import annotations

from collections.abc import Sequence

from cloudact.catalog.model import Dataset
from cloudact.planning.alike import changes_for
from cloudact.planning.plan import Plan, make_plan
from cloudact.planning.policy import EVERYTHING
from cloudact.warehouse.driver import Session


def apply_one_by_one(session: Session, plan: Plan, declared: Sequence[Dataset]) -> tuple[str, ...]:
    """See `Session.apply_alike`."""
    return tuple(dataset.name for dataset in declared if not _applied(session, plan, dataset))


def _applied(session: Session, plan: Plan, declared: Dataset) -> bool:
    """Apply the changes when each is one that the dataset needs, and tell whether it was so."""
    names = [*(table.name for table in declared.tables), *(view.name for view in declared.views)]
    actual = session.inspect(declared.name, names, declared)
    changes, own = changes_for(plan, declared), make_plan(actual, declared, EVERYTHING)
    if changes is None or (actual is None) != (plan.actual is None) or not all(item in own.changes for item in changes):
        return False
    session.apply(Plan(declared.name, actual, changes, (), own.findings))
    return True
