"""What earlier releases made of sensitive records."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from biodata.store.migrations.counting import count_changes

revision: Final = "0016"
down_revision: Final = "0015"


def upgrade() -> None:
    """Add the tables."""
    memory = op.create_table(
        "sharing_memory",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("waiting", sa.JSON, nullable=False),
    )
    # Nothing is kept as yet; without the row what was kept is lost.
    op.bulk_insert(memory, [{"id": 1, "digest": "", "waiting": {}}])
    op.create_table(
        "published_presences",
        sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("since", sa.Integer, nullable=False),
    )
    count_changes(("sharing_memory", "published_presences"))
