"""How many changes there were: by that a checksum of the registry's SQLite file tells which state it is of."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from biodata.store.migrations.counting import count_changes

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    """Make the table; on SQLite every change of a row is counted."""
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute(sa.text("INSERT INTO changes VALUES (1, 1)"))
    tables = sa.inspect(op.get_bind()).get_table_names()
    count_changes(name for name in tables if name != "changes")
