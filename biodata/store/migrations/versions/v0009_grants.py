"""What came of granted requests: reads, reports, reviews; extensions; and who was told of what was taken back."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from biodata.store.migrations.counting import count_changes

revision: Final = "0009"
down_revision: Final = "0008"

NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables and columns."""
    op.add_column("access_request", sa.Column("extends", sa.String(32), nullable=True))
    op.add_column("access_decision", sa.Column("review", sa.Date(), nullable=True))
    op.add_column("access_decision", sa.Column("exact_told", MOMENT, nullable=True))
    op.create_table(
        "access_use",
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("first_read", MOMENT, nullable=False),
        sa.Column("last_read", MOMENT, nullable=False),
        sa.Column("reads", NUMBER, nullable=False),
        sa.Column("rows", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["access_request.id"]),
        sa.PrimaryKeyConstraint("request_id"),
    )
    op.create_table(
        "access_report",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("made", sa.Text(), nullable=False),
        sa.Column("links", sa.JSON(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["access_request.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_access_report_request_id"), "access_report", ["request_id"])
    count_changes(("access_use", "access_report"))
