"""National nodes, what they withdrew, and what they agreed to."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from biodata.store.migrations.counting import count_changes

revision: Final = "0006"
down_revision: Final = "0004"

NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "node",
        sa.Column("code", sa.String(2), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("trusted", MOMENT, nullable=False),
        sa.Column("distrusted", MOMENT, nullable=True),
        sa.Column("sequence", NUMBER, nullable=False),
        sa.Column("manifest", sa.String(64), nullable=True),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("harvested", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "withdrawal",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("records", NUMBER, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("purged", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "tombstone",
        sa.Column("key", NUMBER, nullable=False),
        sa.Column("withdrawal_id", NUMBER, nullable=False),
        sa.Column("dataset", sa.String(255), nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "consent_answer",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("output", sa.String(255), nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("answer", sa.String(10), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("output", "country", "number", name="uq_consent_answer_number"),
    )
    for table, columns in {
        "tombstone": ("withdrawal_id", "dataset", "identity"),
        "consent_answer": ("output",),
    }.items():
        for column in columns:
            op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    count_changes(("node", "withdrawal", "tombstone", "consent_answer"))
