"""Names led to the taxa of checklists: exact, then fuzzy inside the genus, then a higher rank; never by guessing.

The steps, each only for what the ones before left open; within a step the checklists are asked in their order:

1. the name as it is: EXACT where the authorship is the same too, CANONICAL where it is not stated on one side or differs;
2. another spelling in the same genus: VARIANT for another gender or -ii and -i, FUZZY for other letters;
3. the species that is stated beside it, or that a name below species belongs to; then another spelling of that;
4. a genus that nobody knows, with the same epithet: FUZZY;
5. the genus: HIGHERRANK.

A name that leads to several taxa is AMBIGUOUS and leads nowhere. A genus that is known is never exchanged for another.
Confidence, 0 to 100: 100 for name and authorship; less by 3 where no authorship could be compared, by 20 where it
differs, by 3 where no kingdom was stated, by 5 where homonyms were distinguished; at most 95 for another gender, 85 for
one letter, 75 for two, 70 for a misspelt genus, 60 for a genus in place of a species.
"""

import re
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np
import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import OSA

from biodata.text.name_text import Agreement, agreements

# Names that a checklist has in another spelling: inside the genus, or with the genus itself misspelt.

# What Latin epithets have in common and what keeps them apart: endings that vary, elements that carry a meaning.

# One word in its genders; a personal name in -ii or -i; the letters that a word must have. The first that fits counts.
_ENDINGS: Final = (
    (r"(?:us|a|um)$", "-A", 4), (r"(?:os|on)$", "-A", 7), (r"(?:is|e)$", "-B", 4), (r"i?orum$", "-orum", 7),
    (r"i?arum$", "-arum", 7), (r"ii?$", "-i", 4),
)  # fmt: skip

# Elements by which species of one genus are distinguished: another element is another word, however near its letters.
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
    """Return whether two epithets of near letters can be spellings of one word.

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


# Kingdoms in one spelling.

# Words for the same kingdom, for comparison only; what is in none of them is no kingdom that could disagree.
_SAME: Final = MappingProxyType(
    {"metazoa": "animalia", "viridiplantae": "plantae", "archaeplastida": "plantae", "monera": "bacteria"}
)
_NONE: Final = ("incertae sedis", "unknown", "unassigned", "not assigned", "biota", "life")


def kingdom(stated: pl.Expr) -> pl.Expr:
    """Return kingdoms in one spelling, for comparison only; null where none is stated."""
    small = stated.str.to_lowercase().str.strip_chars().replace(dict(_SAME))
    return pl.when(~small.is_in(_NONE)).then(small)


# Names that a checklist has letter by letter: homonyms kept apart by kingdom, authorship and family.

ASK: Final = pl.Schema(
    {"ask": pl.UInt32, "name": pl.String, "author": pl.String, "kingdom": pl.String, "family": pl.String}
)
"""A name that is asked for, with what is stated beside it."""

FOUND: Final = pl.Schema(
    [
        ("ask", pl.UInt32), ("taxon", pl.UInt32), ("status", pl.String), ("agreement", pl.Int8),
        ("kingdom_told", pl.Boolean), ("chosen", pl.Boolean), ("alternatives", pl.List(pl.UInt32)),
    ]
)  # fmt: skip
"""What was found: one row an ask; `taxon` is null where it is ambiguous, `alternatives` are the taxa it could be."""


def find(asked: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Look names up.

    Parameters
    ----------
    asked : polars.DataFrame of ASK
        Distinct names.
    names : polars.DataFrame
        `name`, `author`, `kingdom`, `family`, `status`, `taxon` (number of the accepted taxon), `order` (of the
        checklist; the smaller is asked first).

    Returns
    -------
    polars.DataFrame of FOUND
        Only asks whose name is there, outside of other kingdoms.
    """
    wanted = asked.drop_nulls("name")
    # An index of all the names is not made for nothing.
    pairs = wanted if wanted.is_empty() else wanted.join(names, on="name", how="inner", maintain_order="left_right")
    if pairs.is_empty():
        return FOUND.to_frame()
    return settle(pairs.with_columns(agreement=agreements(pairs, "author", "author_right")))


def settle(pairs: pl.DataFrame) -> pl.DataFrame:
    """Choose among candidates what is stated decides: kingdom, authorship, family; else the name is ambiguous.

    Parameters
    ----------
    pairs : polars.DataFrame
        Asks beside candidates: columns of ASK, those of `names` with `_right`, and `agreement`.

    Returns
    -------
    polars.DataFrame of FOUND

    Notes
    -----
    The first checklist that has a candidate decides. Where the same name with one authorship stands for an accepted
    taxon and as a synonym of others (pro parte), the accepted one is meant.
    """
    apart = pl.col("kingdom") != pl.col("kingdom_right")
    pairs = pairs.filter(~apart.fill_null(value=False))
    first = pl.col("order") == pl.col("order").min().over("ask")
    pairs = pairs.filter(first)
    every = pairs.group_by("ask").agg(alternatives=pl.col("taxon").unique(maintain_order=True))
    same_kingdom = (pl.col("kingdom") == pl.col("kingdom_right")).fill_null(value=False)
    pairs = _prefer(pairs, same_kingdom)
    pairs = _prefer(pairs, pl.col("agreement") == Agreement.SAME)
    pairs = _prefer(pairs, pl.col("agreement") != Agreement.CONFLICT)
    pairs = _prefer(pairs, (pl.col("family") == pl.col("family_right")).fill_null(value=False))
    bears = pl.col("status") != "SYNONYM"
    one_author = pl.col("author_right").drop_nulls().n_unique().over("ask") <= 1
    pairs = _prefer(pairs, bears & one_author)
    chosen = (
        pairs.sort("ask", bears, "taxon", descending=[False, True, False])
        .group_by("ask", maintain_order=True)
        .agg(
            count=pl.col("taxon").n_unique(),
            taxon=pl.col("taxon").first(),
            status=pl.col("status").first(),
            agreement=pl.col("agreement").first(),
            kingdom_told=(pl.col("kingdom") == pl.col("kingdom_right")).first().fill_null(value=False),
        )
    )
    one = pl.col("count") == 1
    return chosen.join(every, on="ask", how="left", maintain_order="left").select(
        "ask",
        taxon=pl.when(one).then("taxon"),
        status=pl.when(one).then("status"),
        agreement=pl.col("agreement").cast(pl.Int8),
        kingdom_told="kingdom_told",
        chosen=one & (pl.col("alternatives").list.len() > 1),
        alternatives="alternatives",
    )


def _prefer(pairs: pl.DataFrame, better: pl.Expr) -> pl.DataFrame:
    """Keep the better candidates of each ask that has any."""
    return (
        pairs.with_columns(better=better).filter(pl.col("better") | ~pl.col("better").any().over("ask")).drop("better")
    )


ASKED: Final = ("name", "species", "genus", "author", "kingdom", "family")
"""What is stated of a name: itself and its species without authorship, its genus; kingdom as from `kingdom`."""

MATCH: Final = pl.Schema(
    [
        ("taxon", pl.UInt32), ("status", pl.String), ("level", pl.String), ("match_type", pl.String),
        ("match_confidence", pl.Int32), ("match_note", pl.String), ("alternatives", pl.List(pl.UInt32)),
    ]
)  # fmt: skip
"""The answer for a name: number and status in the checklist, level (name, species, genus), kind, confidence, why."""

LISTED: Final = " is listed"
ONLY_SPECIES: Final = f"only the species{LISTED}"
"""How the note of a name below species begins whose species alone a checklist has."""

_STEPS: Final = pl.Schema([*FOUND.items(), ("level", pl.String), ("kind", pl.String), ("distance", pl.UInt8)])


class NameMatcher:
    """Matches names to the names of checklists.

    Parameters
    ----------
    names : polars.DataFrame
        `name` (without authorship), `author`, `kingdom` (as from `kingdom`), `family`, `status`, `taxon`
        (number of the accepted taxon), `order` (of the checklist). Rows of one name are alternatives.
    known_genera : polars.Series of str, optional
        Genera that are rightly spelt although no checklist here has them.
    """

    def __init__(self, names: pl.DataFrame, known_genera: pl.Series | None = None) -> None:
        self._names = names
        self._split = names.with_columns(*split(pl.col("name"))).drop_nulls("stem")
        self._split = self._split.with_columns(key=gender_key(pl.col("last")))
        genera = (
            names.select(genus=pl.col("name").str.extract(r"^(\S+)"), kingdom="kingdom").unique().drop_nulls("genus")
        )
        self._genera = genera
        known = pl.Series([], dtype=pl.String) if known_genera is None else known_genera
        self._known = known.unique().alias("genus").to_frame()

    def match(self, asked: pl.DataFrame, *, exactly: bool = False) -> pl.DataFrame:
        """Match names.

        Parameters
        ----------
        asked : polars.DataFrame of n rows
            Columns `ASKED`, each row once.
        exactly : bool
            Letter by letter: the name, its species, its genus, and no other spelling.

        Returns
        -------
        polars.DataFrame of n rows
            Columns of MATCH, in the same order.
        """
        asked = asked.select(ASKED).with_row_index("ask")
        asks = asked.with_columns(ask=pl.col("ask").cast(pl.UInt32))
        found = [_as_steps(find(asks, self._names), "name", "exact")]
        if exactly:
            found.append(_as_steps(find(_left(_species(asks), found), self._names), "species", "exact"))
        else:
            found += self._other_spellings(asks, found[0])
        genus = _renamed(asks, "genus").with_columns(author=pl.lit(None, dtype=pl.String))
        found.append(_as_steps(find(_left(genus, found), self._names), "genus", "exact"))
        table = asked.join(pl.concat(found), on="ask", how="left", maintain_order="left")
        return table.select(_answers())

    def _other_spellings(self, asks: pl.DataFrame, as_it_is: pl.DataFrame) -> list[pl.DataFrame]:
        """Return what is found of names below genus that no checklist has as they are."""
        found = [as_it_is]
        below = _renamed(asks, "name").filter(pl.col("name").str.count_matches(" ") == 2)
        found.append(self._near(_left(below, found), "name"))
        species = _species(asks)
        table = _as_steps(find(_left(species, found), self._names), "species", "exact")
        single = _renamed(asks, "name").filter(pl.col("name").str.count_matches(" ") == 1)
        near = self._near(_left(single, found), "name")
        # Another spelling of the name, where the species stated beside it does not say that it is another taxon.
        other = near.join(table.select("ask", told="taxon"), on="ask", how="inner").filter(
            pl.col("taxon").ne_missing(pl.col("told"))
        )
        found.append(near.join(other, on="ask", how="anti", maintain_order="left"))
        found.append(table.join(found[-1], on="ask", how="anti", maintain_order="left"))
        below_misspelt = species.filter(pl.col("name").str.count_matches(" ") == 1)
        found.append(self._near(_left(below_misspelt, found), "species"))
        found.append(self._genus_misspelt(_left(single, found), "name"))
        found.append(self._genus_misspelt(_left(below_misspelt, found), "species"))
        return found[1:]

    def _near(self, asked: pl.DataFrame, level: str) -> pl.DataFrame:
        """Return what another spelling of the last epithet finds."""
        if asked.is_empty():
            return _STEPS.to_frame()
        pairs = near(asked.with_columns(*split(pl.col("name"))), self._split)
        return _settled(pairs, level, "spelling")

    def _genus_misspelt(self, asked: pl.DataFrame, level: str) -> pl.DataFrame:
        """Return what another spelling of a genus finds that nobody knows."""
        if asked.is_empty():
            return _STEPS.to_frame()
        wanted = asked.with_columns(*split(pl.col("name")))
        known = wanted.join(self._genera, left_on="stem", right_on="genus", how="inner")
        apart = (pl.col("kingdom") != pl.col("kingdom_right")).fill_null(value=False)
        unknown = wanted.join(known.filter(~apart), on="ask", how="anti", maintain_order="left").join(
            self._known, left_on="stem", right_on="genus", how="anti", maintain_order="left"
        )
        return _settled(genus_misspelt(unknown, self._split), level, "genus")


def _renamed(asks: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return the asks with another column as the name that is looked for."""
    return asks.select("ask", pl.col(column).alias("name"), "author", "kingdom", "family").drop_nulls("name")


def _species(asks: pl.DataFrame) -> pl.DataFrame:
    """Return the asks with their species as the name; the authorship of a name below species is not that of its species."""
    three = pl.col("name").str.count_matches(" ") == 2
    authors = asks.with_columns(author=pl.when(~three.fill_null(value=False)).then("author"))
    return _renamed(authors.filter(pl.col("species").ne_missing(pl.col("name"))), "species")


def _left(asks: pl.DataFrame, found: list[pl.DataFrame]) -> pl.DataFrame:
    """Return the asks that nothing was found for yet."""
    return asks.join(pl.concat(found), on="ask", how="anti", maintain_order="left")


def _settled(pairs: pl.DataFrame, level: str, kind: str) -> pl.DataFrame:
    """Choose among candidates of near spelling."""
    if pairs.is_empty():
        return _STEPS.to_frame()
    distances = pairs.group_by("ask").agg(distance=pl.col("distance").first())
    settled = settle(pairs)
    return _as_steps(settled.join(distances, on="ask", how="left", maintain_order="left"), level, kind)


def _as_steps(found: pl.DataFrame, level: str, kind: str) -> pl.DataFrame:
    """Note at which step something was found."""
    distance = pl.col("distance") if "distance" in found.columns else pl.lit(0)
    frame = found.with_columns(level=pl.lit(level), kind=pl.lit(kind), distance=distance.cast(pl.UInt8))
    return frame.select(pl.col(name).cast(dtype) for name, dtype in _STEPS.items())


def _answers() -> list[pl.Expr]:
    """Return the columns of MATCH for asks joined with their steps."""
    found, one = pl.col("level").is_not_null(), pl.col("taxon").is_not_null()
    words = pl.coalesce("name", "species", "genus").str.count_matches(" ")
    level_words = (
        pl.when(pl.col("level") == "species").then(1).when(pl.col("level") == "genus").then(0).otherwise(words)
    )
    higher = level_words < words
    exact_kind = pl.col("kind") == "exact"
    same = pl.col("agreement") == Agreement.SAME
    match_type = (
        pl.when(~found)
        .then(pl.lit("NONE"))
        .when(~one)
        .then(pl.lit("AMBIGUOUS"))
        .when(higher)
        .then(pl.lit("HIGHERRANK"))
        .when(exact_kind & same)
        .then(pl.lit("EXACT"))
        .when(exact_kind)
        .then(pl.lit("CANONICAL"))
        .when((pl.col("kind") == "spelling") & (pl.col("distance") == 0))
        .then(pl.lit("VARIANT"))
        .otherwise(pl.lit("FUZZY"))
    )
    most = (
        pl.when(pl.col("kind") == "genus")
        .then(70)
        .when(pl.col("kind") == "spelling")
        .then(pl.lit(95) - pl.col("distance").cast(pl.Int32) * 10)
        .otherwise(100)
    )
    less = (
        pl.when(pl.col("agreement") == Agreement.CONFLICT).then(20).when(same).then(0).otherwise(3)
        + pl.when("kingdom_told").then(0).otherwise(3)
        + pl.when("chosen").then(5).otherwise(0)
    )
    sure = pl.when(higher & (pl.col("level") == "genus")).then(60).otherwise(most - less)
    confidence = (
        pl.when(~found)
        .then(None)
        .when(one)
        .then(sure)
        .otherwise(pl.lit(100) // pl.col("alternatives").list.len().clip(2))
    )
    others = pl.col("alternatives").list.set_difference(pl.concat_list("taxon").list.drop_nulls())
    return [
        pl.col("taxon"),
        pl.col("status"),
        pl.col("level"),
        match_type.alias("match_type"),
        confidence.cast(pl.Int32).alias("match_confidence"),
        _note(found=found, one=one, higher=higher).alias("match_note"),
        pl.when(others.list.len() > 0).then(others).alias("alternatives"),
    ]


def _note(*, found: pl.Expr, one: pl.Expr, higher: pl.Expr) -> pl.Expr:
    """Return why the confidence is what it is."""
    kind = pl.col("kind")
    parts = [
        pl.when(higher).then(pl.concat_str(pl.lit("only the "), "level", pl.lit(LISTED))),
        pl.when((kind == "spelling") & (pl.col("distance") == 0)).then(pl.lit("another gender or ending")),
        pl.when((kind == "spelling") & (pl.col("distance") > 0)).then(
            pl.concat_str(pl.lit("letters that differ: "), pl.col("distance").cast(pl.String))
        ),
        pl.when(kind == "genus").then(
            pl.concat_str(pl.lit("genus unknown; letters that differ: "), pl.col("distance").cast(pl.String))
        ),
        pl.when(pl.col("agreement") == Agreement.CONFLICT).then(pl.lit("authorship differs")),
        pl.when(pl.col("agreement") == Agreement.UNKNOWN).then(pl.lit("no authorship to compare")),
        pl.when(one & ~pl.col("kingdom_told")).then(pl.lit("no kingdom to compare")),
        pl.when(pl.col("chosen")).then(pl.lit("told apart from homonyms")),
        pl.when(~one).then(
            pl.concat_str(pl.lit("taxa it could be: "), pl.col("alternatives").list.len().cast(pl.String))
        ),
    ]
    stated = pl.concat_str(parts, separator="; ", ignore_nulls=True)
    return pl.when(found & (stated != "")).then(stated)
