"""Scientific names taken apart by gbif-name-parser."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

import nameparser
import polars as pl

from biodata.parsers.distinct import over_distinct

SCHEMA: Final = pl.Schema(
    {
        "value": pl.String,
        "canonical": pl.String,
        "uninomial": pl.String,
        "genus": pl.String,
        "specific_epithet": pl.String,
        "infraspecific_epithet": pl.String,
        "authorship": pl.String,
        "rank": pl.String,
    }
)

LONGEST: Final = 500
"""No name needs more characters, and no parser should be kept busy by a page of text."""

# A name in the region's scripts beside the Latin one would be taken for the genus, and the Latin name for an author.
_OTHER_SCRIPTS: Final = re.compile(
    "[(\\[]?[\u0900-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef][^A-Za-z\u00d7\u2020]*"
)
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff]")


def parse_names(values: pl.Series) -> pl.DataFrame:
    """Take a column of scientific names apart.

    Parameters
    ----------
    values : polars.Series of str, length n
        Names with or without authorship; a common name in one of the region's scripts beside it is left out.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as told; `canonical`, the name without authorship and rank markers, in ASCII; `uninomial` of a name
        above species; `genus`, `specific_epithet`, `infraspecific_epithet`; `authorship`; `rank` in GBIF's spelling.
        Null where there is no such part, or where the text is no scientific name.

    Notes
    -----
    gbif-name-parser, https://github.com/gbif/name-parser: 5,500 to 20,000 names a second; a name that comes again is remembered.
    """
    return over_distinct(values, _parse)


def _parse(distinct: pl.Series) -> pl.DataFrame:
    """Take each distinct name apart."""
    rows = [(text, *_parts(text)) for text in distinct.to_list()]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _latin(text: str) -> str:
    """Return the name without invisible characters and without words in the region's scripts."""
    visible = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    return " ".join(_OTHER_SCRIPTS.sub(" ", visible).split())


@lru_cache(maxsize=1 << 17)
def _parts(text: str) -> tuple[str | None, ...]:
    """Return the answers for one name; batches of a file repeat their names."""
    if len(text) > LONGEST:
        return (None,) * 7
    try:
        name = nameparser.parse(_latin(text))
    except nameparser.UnparsableNameError:
        return (None,) * 7
    if isinstance(name, nameparser.Informal):
        return name.taxon, name.taxon, None, None, None, None, name.taxon_rank
    rank = None if name.rank == "UNRANKED" else name.rank
    return (
        name.canonical_name_minimal() or None,
        name.uninomial,
        name.genus,
        name.specific_epithet,
        name.infraspecific_epithet,
        name.authorship_complete() or None,
        rank,
    )
