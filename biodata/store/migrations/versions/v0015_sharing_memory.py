"""What earlier releases made of sensitive records."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0015"
down_revision: Final = "0014"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "sharing_memory",
        sa.Column("dataset", sa.String(255), primary_key=True),
        *(sa.Column(name, sa.LargeBinary, nullable=False) for name in ("states", "crowds", "seen")),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_table(
        "waiting_records",
        sa.Column("dataset", sa.String(255), primary_key=True),
        sa.Column("counts", sa.JSON, nullable=False),
    )
