"""Which taxa a record belongs to, from every name that it carries."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import polars as pl

from biodata.sharing.rules import HIGHER_RANKS, Rule

FULL_NAMES: Final[tuple[str, ...]] = ("scientificName", "acceptedScientificName", "species", "genus", "genericName")
CERTAIN: Final = ("EXACT", "CANONICAL")
"""The `match_type` of a name that is spelt as its taxon: its alternatives are homonyms, which are written like it."""

# Letters of other scripts that look like Latin ones would otherwise hide a name.
_LOOK_ALIKE: Final = str.maketrans("аеорсухіѕјԁһӏαορ", "aeopcyxisjdhlaop")
_WORD: Final = re.compile(r"[a-z][a-z-]*")
_NO_EPITHET: Final = frozenset(
    "cf aff nr sp spp ssp subsp var f fo forma subvar agg gr group x indet det ex et de von van the".split()
)


def keys(text: str) -> list[str]:
    """Return what a name says of its taxon: its first word, its first two, its first three.

    Parameters
    ----------
    text : str
        A scientific name, with or without authorship, qualifiers and signs.

    Returns
    -------
    list of str
        Keys as `1:elephas`, `2:elephas maximus`, `3:elephas maximus indicus`; an author's name can end the last ones,
        which no rule then matches.
    """
    plain = unicodedata.normalize("NFKC", text).replace("_", " ").replace("\u200b", "").replace("\ufeff", "")
    plain = re.sub(r"\([^)]*\)", " ", plain).casefold().translate(_LOOK_ALIKE)
    plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    words = [word for word in _WORD.findall(plain) if word not in _NO_EPITHET]
    return [f"{n}:{' '.join(words[:n])}" for n in range(1, min(len(words), 3) + 1)]


def keys_of_rule(rule: Rule) -> list[str]:
    """Return the keys that a record must have one of; none for a rule about all taxa."""
    if rule.scientific_name is None:
        return []
    found = keys(rule.scientific_name)
    name = found[-1].partition(":")[2] if found else ""
    if rule.rank in HIGHER_RANKS:
        return [f"{rule.rank}:{name}", f"1:{name}"]
    if rule.rank is None and len(found) == 1:
        return [f"1:{name}", *(f"{rank}:{name}" for rank in HIGHER_RANKS)]
    return [found[-1]] if found else []


def matches(frame: pl.DataFrame, wanted: Mapping[str, list[int]]) -> pl.DataFrame:
    """Return which rows carry a wanted taxon in any of their names.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        With the name columns of `terms.OCCURRENCE` that it has, and `row`.
    wanted : mapping
        From a key to the numbers of the rules that ask for it.

    Returns
    -------
    polars.DataFrame
        row, rule: each pair once.
    """
    found = [pl.DataFrame(schema={"row": frame.schema["row"], "rule": pl.Int64})]
    columns = {name: pl.col(name) for name in FULL_NAMES if name in frame.columns}
    if {"genericName", "specificEpithet"} <= set(frame.columns):
        parts = ["genericName", "specificEpithet"]
        parts += ["infraspecificEpithet"] if "infraspecificEpithet" in frame.columns else []
        told = pl.col("specificEpithet").is_not_null() & pl.col("genericName").is_not_null()
        columns["_parts"] = pl.when(told).then(pl.concat_str(parts, separator=" ", ignore_nulls=True))
    for expression in columns.values():
        found.append(_pairs(frame, expression, wanted, keys))
    if {"match_type", "match_alternatives"} <= set(frame.columns):
        # A name that can mean several taxa may mean the one that is asked for, and one that is misspelt even where a
        # taxon was chosen.
        uncertain = ~pl.col("match_type").is_in(CERTAIN).fill_null(value=False)
        several = frame.select("row", "match_type", "match_alternatives").filter(
            pl.col("match_alternatives").is_not_null() & uncertain
        )
        several = several.explode("match_alternatives")
        found.append(_pairs(several, pl.col("match_alternatives"), wanted, keys))
    for rank in HIGHER_RANKS:
        if rank.lower() in frame.columns:
            found.append(_pairs(frame, pl.col(rank.lower()), wanted, partial(_higher, rank=rank)))
    return pl.concat(found).unique()


def _higher(text: str, rank: str) -> list[str]:
    """Return the key of a name above genus."""
    return [f"{rank}:{key[2:]}" for key in keys(text)[:1]]


def _pairs(
    frame: pl.DataFrame, column: pl.Expr, wanted: Mapping[str, list[int]], keys_of: Callable[[str], list[str]]
) -> pl.DataFrame:
    """Return the rows and rules that one column brings together; each distinct text is taken apart once."""
    told = frame.select("row", text=column).drop_nulls("text")
    texts = told["text"].unique()
    rules = [(text, number) for text in texts for key in keys_of(text) for number in wanted.get(key, ())]
    table = pl.DataFrame(rules, schema={"text": pl.String, "rule": pl.Int64}, orient="row")
    return told.join(table, on="text").select("row", "rule")
