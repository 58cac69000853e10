"""What headings mean in a dataset's uploads, as somebody decided."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from biodata.store.migrations.counting import count_changes

revision: Final = "0010"
down_revision: Final = "0009"

NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "heading_mapping",
        sa.Column("dataset", sa.String(255), nullable=False),
        sa.Column("plain", sa.String(300), nullable=False),
        sa.Column("heading", sa.String(300), nullable=False),
        sa.Column("term", sa.String(80), nullable=False),
        sa.Column("account_id", NUMBER, nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.PrimaryKeyConstraint("dataset", "plain"),
    )
    count_changes(("heading_mapping",))
