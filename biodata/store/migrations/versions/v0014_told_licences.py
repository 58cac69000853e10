"""A survey's licence may be told when it is handed in, for a file that has no place for it."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0014"
down_revision: Final = "0013"


def upgrade() -> None:
    """Add what its sender says."""
    op.add_column("submission", sa.Column("license", sa.String(500), nullable=True))
