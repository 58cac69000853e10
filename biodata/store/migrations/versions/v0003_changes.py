"""How many changes there were: by that a checksum of the registry's SQLite file tells which state it is of."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"

_TRIGGER: Final = "CREATE TRIGGER {} BEGIN UPDATE changes SET count = count + 1 WHERE id = 1; END"


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
    for table in [name for name in tables if name != "changes"]:
        for event in ("INSERT", "UPDATE", "DELETE"):
            named = f'"counted_{table}_{event.lower()}" AFTER {event} ON "{table}"'
            op.execute(sa.text(_TRIGGER.format(named)))
