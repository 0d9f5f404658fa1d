"""The tables and views of one organization."""

from __future__ import annotations

from alembic import context, op

revision, down_revision = "0001", None


def upgrade() -> None:
    """Create them."""
    attributes = context.config.attributes
    declared, slug = attributes["declared"], attributes["schema"].removesuffix("_prod")
    for name, columns in attributes["columns"].items():
        op.create_table(name, *columns())
    for name, query in declared["views"].items():
        op.execute(f'CREATE VIEW "{name}" AS {query.replace(declared["placeholder"], slug)}')
