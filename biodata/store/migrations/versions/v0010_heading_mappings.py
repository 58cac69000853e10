"""A stand-in for the tables of headings, which another part brings."""

from typing import Final

revision: Final = "0010"
down_revision: Final = "0009"


def upgrade() -> None:
    """Make nothing."""
