"""Sharing rules have versions in the registry; a role by which somebody decides is confirmed by a second person."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from biodata.store.migrations.counting import count_changes

revision: Final = "0015"
down_revision: Final = "0014"


def upgrade() -> None:
    """Add the table of versions, who confirmed a role, and since when it counts."""
    op.create_table(
        "rule_version",
        sa.Column(
            "number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False
        ),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("consents", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )
    op.create_index("ix_audit_action", "audit", ["action"])
    op.add_column("role_binding", sa.Column("confirmed_by", sa.Text(), nullable=True))
    op.add_column("role_binding", sa.Column("in_force", sa.DateTime(timezone=True), nullable=True))
    # What an earlier version gave goes on counting, save a role to decide that somebody gave himself.
    op.execute(
        "UPDATE role_binding SET in_force = created WHERE role NOT IN ('reviewer', 'node_manager', 'administrator')"
        " OR granted_by <> (SELECT name FROM account WHERE account.id = role_binding.account_id)"
    )
    count_changes(["rule_version"])
