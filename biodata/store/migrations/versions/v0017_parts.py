"""A dataset is a set of parts: a survey is a version of one of them, replaces it whole, and answers nothing else."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from biodata.store.migrations.counting import count_changes

revision: Final = "0017"
down_revision: Final = "0016"


def upgrade() -> None:
    """Add the part and what was accepted, and drop what told of several uploads which of them said a row."""
    op.add_column("submission", sa.Column("part", sa.String(200), nullable=False, server_default=""))
    op.add_column("submission", sa.Column("part_version", sa.Integer(), nullable=True))
    op.add_column(
        "submission", sa.Column("restores", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    )
    op.add_column("submission", sa.Column("removes", sa.Boolean(), nullable=False, server_default=sa.false()))
    # Column by column: a table made anew would lose the triggers that count its changes.
    for name in ("complete", "answers", "renamed", "renamed_of", "returns_to", "dataset_version"):
        op.drop_column("submission", name)
    op.create_table(
        "accepted_proposal",
        sa.Column("dataset", sa.String(255), primary_key=True),
        sa.Column("accepted", sa.String(300), primary_key=True),
        sa.Column(
            "account_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            sa.ForeignKey("account.id"),
            nullable=True,
        ),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    )
    count_changes(["accepted_proposal"])
