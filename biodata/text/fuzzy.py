"""Names that a checklist has in another spelling: inside the genus, or with the genus itself misspelt."""

import re
from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import OSA

from biodata.text.name_text import Agreement, agreements

# What Latin epithets have in common and what keeps them apart: endings that vary, elements that carry a meaning.

# One word in its genders; a personal name in -ii or -i; the letters that a word must have. The first that fits counts.
_ENDINGS: Final = (
    (r"(?:us|a|um)$", "-A", 4),
    (r"(?:os|on)$", "-A", 7),
    (r"(?:is|e)$", "-B", 4),
    (r"i?orum$", "-orum", 7),
    (r"i?arum$", "-arum", 7),
    (r"ii?$", "-i", 4),
)

# Elements by which species of one genus are told apart: another element is another word, however near its letters.
BEGINNINGS: Final = (
    "albi", "atri", "atro", "auri", "bi", "brachy", "brevi", "chloro", "chryso", "crassi", "cyano", "erythro", "flavi",
    "fulvi", "grandi", "griseo", "hetero", "homo", "hyper", "hypo", "infra", "inter", "intra", "lati", "lepto", "leuco",
    "longi", "macro", "magni", "mega", "melano", "micro", "multi", "nigri", "novem", "octo", "pachy", "para", "parvi",
    "pauci", "platy", "pluri", "poly", "post", "prae", "pseudo", "quadri", "quinque", "rufi", "semi", "septem", "sex",
    "sub", "super", "supra", "tenui", "tri", "uni", "xantho",
)  # fmt: skip
ENDINGS: Final = (
    "cauda", "caudata", "caudatus", "caudus", "ceps", "cephala", "cephalus", "collis", "color", "cornis", "costatus",
    "dactylus", "dens", "dorsalis", "flora", "florus", "folia", "folius", "folium", "formis", "frons", "gaster",
    "gastra", "gula", "gularis", "loba", "lobus", "maculatus", "maculata", "nervis", "notatus", "notus", "nucha",
    "oides", "oideus", "otis", "ops", "pennis", "pes", "phylla", "phyllus", "phyllum", "pleura", "pleurus", "poda",
    "ptera", "pterus", "punctata", "punctatus", "pus", "rostris", "spina", "spinus", "stachys", "striata", "striatus",
    "sulcatus", "venter", "ventris", "vittatus",
)  # fmt: skip

# The longest of them that leaves a letter of the word.
_BEGINNING: Final = re.compile("^(?:" + "|".join(sorted(BEGINNINGS, key=len, reverse=True)) + ")(?=.)")
_ENDING: Final = re.compile("(?<=.)(?:" + "|".join(ENDINGS) + ")$")


def gender_key(epithet: pl.Expr) -> pl.Expr:
    """Return an epithet in one form for all of its genders (`alba`, `albus`, `album`) and for -ii and -i."""
    fits = [epithet.str.contains(pattern) & (epithet.str.len_chars() >= least) for pattern, _, least in _ENDINGS]
    changed = [epithet.str.replace(pattern, ending) for pattern, ending, _ in _ENDINGS]
    first = [pl.when(fit).then(key) for fit, key in zip(fits, changed, strict=True)]
    return pl.coalesce(*first, epithet)


@lru_cache(maxsize=1 << 16)
def same_word(one: str, other: str) -> bool:
    """Tell whether two epithets of near letters can be spellings of one word.

    Parameters
    ----------
    one, other : str
        Epithets.

    Returns
    -------
    bool
        False where each begins or ends with another meaningful element (`unicolor`, `bicolor`; `ruficeps`,
        `rufipes`).
    """
    pairs = ((_element(pattern, one), _element(pattern, other)) for pattern in (_BEGINNING, _ENDING))
    return all(mine is None or theirs is None or mine == theirs for mine, theirs in pairs)


def _element(pattern: re.Pattern[str], word: str) -> str | None:
    """Return the longest element that a word begins or ends with."""
    match = pattern.search(word)
    return match[0] if match else None


_SLICE: Final = 5_000
_FAR: Final = 9


def split(name: pl.Expr) -> list[pl.Expr]:
    """Return `stem` and `last`: a name of two or three words without its last one, and that one."""
    parts = name.str.extract_groups(r"^(?<stem>\S+(?: \S+)?) (?<last>\S+)$")
    return [parts.struct.field("stem").alias("stem"), parts.struct.field("last").alias("last")]


def near(asked: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Pair names with those of the same genus (and species) whose last epithet is spelt nearly so.

    Parameters
    ----------
    asked : polars.DataFrame
        Columns of `matcher.ASK`, with `stem` and `last`.
    names : polars.DataFrame
        As in `matcher.find`, with `stem`, `last` and `key` (the gender key of `last`).

    Returns
    -------
    polars.DataFrame
        Pairs as `matcher.settle` takes them, with `distance`: 0 for another gender or -ii and -i, else letters that were
        changed, swapped, left out or put in. Only the nearest candidates of each ask, in the first checklist that has
        one.

    Notes
    -----
    A letter in five to eight, two in nine and more may differ; digits never. The first letter is the same (*Bos taurus*
    is no misspelt *Bos gaurus*), but for one change in nine and more; meaningful elements are the same
    (`same_word`), and authorships do not contradict each other.
    """
    found = [_near(asked.slice(start, _SLICE), names) for start in range(0, max(asked.height, 1), _SLICE)]
    return pl.concat(found)


def _near(asked: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Pair a slice of the names."""
    pairs = (
        asked.drop_nulls("stem")
        .with_columns(key=gender_key(pl.col("last")))
        .join(names, on="stem", how="inner", maintain_order="left_right")
    )
    a, b = pl.col("last"), pl.col("last_right")
    length = pl.min_horizontal(a.str.len_chars(), b.str.len_chars())
    most = pl.when(length < 5).then(0).when(length < 9).then(1).otherwise(2)
    same_key = pl.col("key") == pl.col("key_right")
    likely = (a.str.len_chars().cast(pl.Int64) - b.str.len_chars().cast(pl.Int64)).abs() <= 2
    digits = a.str.replace_all(r"[^0-9]", "") == b.str.replace_all(r"[^0-9]", "")
    pairs = pairs.with_columns(most=most, same_key=same_key).filter(same_key | (likely & digits))
    pairs = pairs.with_columns(distance=_distances(pairs["last"], pairs["last_right"]))
    first_letter = a.str.head(1) == b.str.head(1)
    close = (pl.col("distance") <= pl.col("most")) & (first_letter | ((pl.col("distance") < 2) & (length > 8)))
    pairs = pairs.with_columns(distance=pl.when("same_key").then(pl.lit(0, pl.UInt8)).otherwise("distance")).filter(
        pl.col("same_key") | close
    )
    same = [same_word(x, y) for x, y in pairs.select("last", "last_right").iter_rows()]
    return _nearest(pairs.filter(pl.col("same_key") | pl.Series(same, dtype=pl.Boolean)))


def genus_misspelt(asked: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Pair names whose genus nobody knows with those of the same epithet and a genus that is spelt nearly so.

    Parameters
    ----------
    asked : polars.DataFrame
        As for `near`, names of two words of which no checklist has the genus.
    names : polars.DataFrame
        As for `near`.

    Returns
    -------
    polars.DataFrame
        As from `near`. The epithet is the same but for its gender, the genus has the same first letter, and one letter
        in five to seven, two in eight and more may differ.
    """
    wanted = asked.drop_nulls("stem").filter(~pl.col("stem").str.contains(" "))
    wanted = wanted.with_columns(key=gender_key(pl.col("last")), initial=pl.col("stem").str.head(1))
    if wanted.is_empty():
        return wanted
    initials = names.with_columns(initial=pl.col("stem").str.head(1))
    single = initials.filter(~pl.col("stem").str.contains(" ")).join(wanted, on=["key", "initial"], how="semi")
    pairs = wanted.join(single, on=["key", "initial"], how="inner", maintain_order="left_right")
    pairs = pairs.with_columns(distance=_distances(pairs["stem"], pairs["stem_right"]))
    length = pl.min_horizontal(pl.col("stem").str.len_chars(), pl.col("stem_right").str.len_chars())
    most = pl.when(length < 5).then(0).when(length < 8).then(1).otherwise(2)
    return _nearest(pairs.filter((pl.col("distance") > 0) & (pl.col("distance") <= most)))


def _distances(one: pl.Series, other: pl.Series) -> pl.Series:
    """Return how many letters differ, pair by pair; 9 for more than two."""
    if one.is_empty():
        return pl.Series([], dtype=pl.UInt8)
    scores = process.cpdist(one.to_list(), other.to_list(), scorer=OSA.distance, score_cutoff=2, dtype=np.uint8)
    return pl.Series(np.where(scores > 2, _FAR, scores).astype(np.uint8))


def _nearest(pairs: pl.DataFrame) -> pl.DataFrame:
    """Keep the nearest candidates of each ask that no authorship and no kingdom speaks against."""
    apart = (pl.col("kingdom") != pl.col("kingdom_right")).fill_null(value=False)
    pairs = pairs.filter(~apart)
    pairs = pairs.with_columns(agreement=agreements(pairs, "author", "author_right"))
    # A name that one checklist cites with another author is not taken from a second one that cites none.
    conflict, same = (
        (pl.col("agreement") == one).any().over("ask", "name_right") for one in (Agreement.CONFLICT, Agreement.SAME)
    )
    pairs = pairs.filter((pl.col("agreement") != Agreement.CONFLICT) & (same | ~conflict))
    pairs = pairs.filter(pl.col("order") == pl.col("order").min().over("ask"))
    return pairs.filter(pl.col("distance") == pl.col("distance").min().over("ask"))
