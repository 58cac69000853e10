"""What earlier releases made of sensitive records."""

import hashlib
from typing import Final

import sqlalchemy as sa
from alembic import op

from biodata.store.migrations.counting import count_changes

revision: Final = "0015"
down_revision: Final = "0014"


def upgrade() -> None:
    """Add the tables."""
    memory = op.create_table(
        "sharing_memory",
        sa.Column("dataset", sa.String(255), primary_key=True),
        *(sa.Column(name, sa.LargeBinary, nullable=False) for name in ("states", "crowds", "seen")),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    # The digest of all rows, of none as yet: without it what is kept was lost.
    nothing = dict.fromkeys(("states", "crowds", "seen"), b"")
    op.bulk_insert(memory, [{"dataset": "\n", **nothing, "digest": hashlib.sha256(b"").hexdigest()}])
    op.create_table(
        "published_presences",
        sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("since", sa.Integer, nullable=False),
    )
    count_changes(("sharing_memory", "published_presences"))
