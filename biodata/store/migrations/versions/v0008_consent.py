"""Shared outputs that nodes are asked about, and what nodes signed."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from biodata.store.migrations.counting import count_changes

revision: Final = "0008"
down_revision: Final = "0007"

MOMENT: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables; an answer of before has no signature, so nobody agreed by it."""
    op.add_column("consent_answer", sa.Column("signature", sa.Text(), nullable=True))
    op.create_table(
        "shared_output",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("table_name", sa.String(40), nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("row", sa.JSON(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("gone", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "node_word",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("node", sa.String(2), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_index(op.f("ix_node_word_node"), "node_word", ["node"])
    count_changes(("shared_output", "node_word"))
