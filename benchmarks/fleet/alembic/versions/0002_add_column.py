"""One column more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    """Add it."""
    declared = context.config.attributes["declared"]
    op.add_column(declared["table"], sa.Column(declared["added"], sa.String()))
