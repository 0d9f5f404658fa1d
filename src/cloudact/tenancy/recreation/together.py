"""Tables of the central dataset that hold one another up, so that they are emptied together or keep their rows.

The platform's secret is a row of one of them, and what it recognizes and verifies is in others; where a chain of the
audit trail ends is in a third. An organization that is onboarded again must not meet the keys of one before it.
"""

from __future__ import annotations

from collections.abc import Sequence

from cloudact.catalog.model import Dataset
from cloudact.errors import DestructiveRefused
from cloudact.tenancy.audit.rows import AUDIT_LOGS
from cloudact.tenancy.recreation.results import Mode, Outcome
from cloudact.tenancy.recreation.scope import Step, rows_of
from cloudact.tenancy.secrets.columns import API_KEY, CREDENTIAL, IDEMPOTENT_ANSWER
from cloudact.tenancy.store import PROFILES
from cloudact.warehouse.driver import Session

_HOLDING = frozenset({CREDENTIAL.table, AUDIT_LOGS, PROFILES})
_TOGETHER = (API_KEY.table, AUDIT_LOGS, IDEMPOTENT_ANSWER.table, CREDENTIAL.table, PROFILES)
_GONE = frozenset({Outcome.EMPTIED, Outcome.REMOVED})


def refusal_to_part(session: Session, actual: Dataset, steps: Sequence[Step]) -> DestructiveRefused | None:
    """Return why these steps on the central dataset are refused; None where no rows are left that need lost ones."""
    gone = {step.table.key: step.rows for step in steps if step.outcome in _GONE}
    holding = [name for name in _TOGETHER if name in _HOLDING and gone.get(name)]
    if not holding:
        return None
    others = (actual.table(name) for name in _TOGETHER if name not in gone)
    left = [table.name for table in others if table and rows_of(session, actual, table)]
    if not left:
        return None
    named = " ".join(f"--table {name}" for name in _TOGETHER)
    return DestructiveRefused(
        f"emptying {', '.join(holding)} is refused: the rows of {', '.join(left)} could not be recognized or verified "
        "any more",
        hint=f"To keep every row, use --with-data, the mode {Mode.WITH_DATA}. To empty them, name all that belong "
        f"together: {named}. No table was changed.",
    )
