"""How the synthetic sample data is made: one file a subject, tables of real facts beside them."""

from typing import Final

SEED: Final = 20261124
"""The seed that every generator of this recipe is derived from."""
