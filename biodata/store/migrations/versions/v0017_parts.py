"""A dataset is a set of parts: a survey is a version of one of them, replaces it whole, and answers nothing else."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0017"
down_revision: Final = "0016"


def upgrade() -> None:
    """Add the part, and drop what told of several uploads which of them said a row."""
    op.add_column("submission", sa.Column("part", sa.String(200), nullable=False, server_default=""))
    op.add_column("submission", sa.Column("part_version", sa.Integer(), nullable=True))
    op.add_column("submission", sa.Column("restores", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
    op.add_column("submission", sa.Column("removes", sa.Boolean(), nullable=False, server_default=sa.false()))
    # Column by column: a table made anew would lose the triggers that count its changes.
    for name in ("complete", "answers", "renamed", "renamed_of", "returns_to", "dataset_version"):
        op.drop_column("submission", name)
