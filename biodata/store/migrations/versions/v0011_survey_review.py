"""Surveys are reviewed: what is known of each submission, and what happened to it."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from biodata.store.migrations.counting import count_changes

revision: Final = "0011"
down_revision: Final = "0009"

NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT: Final = sa.DateTime(timezone=True)
JSON: Final = sa.JSON(none_as_null=True)


def upgrade() -> None:
    """Make the tables and columns; a submission of before was wanted as it came."""
    for column in (
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("complete", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("wanted", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("sides", JSON, nullable=True),
        sa.Column("difference", JSON, nullable=True),
        sa.Column("answers", NUMBER, nullable=True),
        sa.Column("returns_to", NUMBER, nullable=True),
        sa.Column("dataset_version", sa.Integer(), nullable=True),
    ):
        op.add_column("submission", column)
    op.create_table(
        "submission_event",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("submission_id", NUMBER, nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("country", sa.String(2), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("questions", JSON, nullable=True),
        sa.Column("created", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_submission_event_submission_id"), "submission_event", ["submission_id"])
    count_changes(("submission_event",))
