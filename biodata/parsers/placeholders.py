"""What writers put into a cell to say that there is nothing to say."""

from typing import Final

PLACEHOLDERS: Final = (
    "", "-", "--", "---", "\u2013", "\u2014", "\\N", "NULL", "null", "Null", "N/A", "n/a", "#N/A", "#NA", "NaN", "nan",
    "None", "none", "?",
)  # fmt: skip
NA: Final = "NA"
"""One more, except among countries: a country NA is Namibia."""
