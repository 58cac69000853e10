"""Which cells of a difference may be kept where the service reads them: those whose value can tell no place and no taxon."""

from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.parsers.controlled import Vocabulary, parse_controlled

_NUMBERS: Final = MappingProxyType({"individualCount": r"^\d{1,4}$"})
"""No effort: it would know a coarse station again, and with columns moved it is a latitude to a tenth of a degree."""
_WORDS: Final = MappingProxyType(
    {
        "sex": Vocabulary.SEX,
        "lifeStage": Vocabulary.LIFE_STAGE,
        "occurrenceStatus": Vocabulary.OCCURRENCE_STATUS,
        "basisOfRecord": Vocabulary.BASIS_OF_RECORD,
        "samplingProtocol": Vocabulary.SURVEY_DESIGN,
        "design": Vocabulary.SURVEY_DESIGN,
    }
)


def tell_nothing(cells: pl.DataFrame) -> pl.Series:
    """Tell of which changed cells both values may be shown to everybody whom a survey concerns.

    Parameters
    ----------
    cells : polars.DataFrame of n rows
        `column`, `before` and `after`.

    Returns
    -------
    polars.Series of bool, length n
        True where each value is empty, a small number in a column of counts, or a known word of a column of words. A
        latitude that was typed into such a column is none of them.
    """
    return pl.select(
        pl.any_horizontal(
            pl.lit(False, dtype=pl.Boolean),
            *(
                (cells["column"] == name) & _known(cells["before"], name) & _known(cells["after"], name)
                for name in (*_NUMBERS, *_WORDS)
            ),
        ).alias("shown")
    )["shown"]


def _known(values: pl.Series, column: str) -> pl.Series:
    """Tell which values are empty or what the column is for."""
    text = values.str.strip_chars()
    if column in _NUMBERS:
        fits = text.str.contains(_NUMBERS[column])
    else:
        fits = parse_controlled(text, _WORDS[column])["term"].is_not_null()
    return (fits | text.is_null() | (text == "")).fill_null(value=True)
