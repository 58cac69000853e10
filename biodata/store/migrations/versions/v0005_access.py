"""Requests for exact records, and what each country's node decided."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from biodata.store.migrations.counting import count_changes

revision: Final = "0005"
down_revision: Final = "0004"

NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "access_request",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("account_id", NUMBER, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_access_request_account_id"), "access_request", ["account_id"])
    op.create_table(
        "access_decision",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("grant", sa.Text(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided", MOMENT, nullable=False),
        sa.Column("revoked", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["access_request.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("request_id", "country", name="uq_access_decision_country"),
    )
    op.create_index(op.f("ix_access_decision_request_id"), "access_decision", ["request_id"])
    op.create_index(op.f("ix_access_decision_country"), "access_decision", ["country"])
    count_changes(("access_request", "access_decision"))
