"""A survey whose rows the dataset may have under another identifier waits for its sender's word about them."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0013"
down_revision: Final = "0012"


def upgrade() -> None:
    """Add what its sender says, and what that is about."""
    op.add_column("submission", sa.Column("renamed", sa.String(10), nullable=True))
    op.add_column("submission", sa.Column("renamed_of", sa.String(64), nullable=True))
