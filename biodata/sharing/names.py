"""What a record's columns tell of its taxon, each distinct combination once."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from biodata.sharing.readings import latin_words
from biodata.sharing.taxonomy import RANKS

FULL_NAMES: Final[tuple[str, ...]] = ("scientificName", "acceptedScientificName", "species")
CERTAIN: Final = ("EXACT", "CANONICAL")
"""The `match_type` of a name that is spelt as its taxon: its alternatives are homonyms, which are written like it."""
ABOVE: Final = RANKS[:5]
_COLUMNS: Final = (
    *FULL_NAMES, "genus", "genericName", "specificEpithet", "infraspecificEpithet", "match_type", "match_alternatives",
    "speciesKey", *ABOVE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Names:
    """What a record's columns tell of its taxon.

    Attributes
    ----------
    texts : tuple of str
        Whole names; of one that could mean several taxa, those too. What was told comes first.
    genera : tuple of str
        Columns of the genus, small.
    above : tuple of (rank, name)
        The classification, small.
    certain : bool
        True where the name was found, spelt as it is, in a checklist or in GBIF's backbone.
    only_genus : bool
        True where a checklist has the genus and not the species.
    """

    texts: tuple[str, ...]
    genera: tuple[str, ...] = ()
    above: tuple[tuple[str, str], ...] = ()
    certain: bool = False
    only_genus: bool = False


def names_of(frame: pl.DataFrame) -> tuple[list[Names], pl.Series]:
    """Return what the rows of a frame tell of their taxa.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        With the name columns of `terms.OCCURRENCE` that it has.

    Returns
    -------
    list of Names, Series of UInt32, length n
        Each distinct combination, and the place of each row in that list.
    """
    told = frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).alias(name) for name in _COLUMNS
    ).with_columns(
        pl.col("match_alternatives").cast(pl.List(pl.String)).list.join("\x1f"), pl.col("speciesKey").is_not_null()
    )
    told = told.with_columns(pl.exclude("speciesKey").cast(pl.String))
    distinct = told.unique(maintain_order=True).with_row_index("place")
    place = told.join(distinct, on=list(_COLUMNS), how="left", nulls_equal=True, maintain_order="left")["place"]
    return [_names(row) for row in distinct.iter_rows(named=True)], place


def _names(row: dict[str, str | None]) -> Names:
    """Return what one combination tells."""
    parts = [row["genericName"], row["specificEpithet"], row["infraspecificEpithet"]]
    texts = [row[name] for name in FULL_NAMES]
    if parts[0] and parts[1]:
        texts.append(" ".join(part for part in parts if part))
    matched = row["match_type"] in CERTAIN
    certain = matched or bool(row["speciesKey"])
    if not matched and row["match_alternatives"]:
        # A name that can mean several taxa may mean the one that is asked for, and one that is misspelt even where a
        # taxon was chosen.
        texts += row["match_alternatives"].split("\x1f")
        certain = False
    return Names(
        texts=tuple(dict.fromkeys(text.strip() for text in texts if text and text.strip())),
        genera=tuple(dict.fromkeys(_first_word(row[name]) for name in ("genus", "genericName") if row[name])),
        above=tuple((rank, _first_word(row[rank])) for rank in ABOVE if row[rank]),
        certain=certain and row["species"] is not None,
        only_genus=row["match_type"] == "HIGHERRANK" and not row["speciesKey"],
    )


def _first_word(text: str | None) -> str:
    """Return the first Latin word of a text, small; empty where there is none."""
    return next(iter(latin_words(text or "")), "").lower()
