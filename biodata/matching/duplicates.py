"""Records of the same event: within a dataset, across datasets, across a border; each link with its reason.

Strengths
- `strong`: an identifier says that it is the same record. Where it is the record of a specimen or an event, the rest may
  differ in one thing (name, date, place), since one of the two may have been corrected.
- `likely`: species, time, place and people agree as they hardly do by chance.
- `possible`: GBIF's rule for related records (same species, same day, within 200 m, another dataset), or a time whose
  zone is only proposed. Told to curators; nothing is left out for it.

Within one dataset only an identifier makes two records one, or a row that is repeated: to the minute, or in every cell of
a file that identifies no row, or where nothing but a species and a point is told. Surveys note the same species at the
same place on the same day again and again (at most possible), and a camera sees two animals in one minute (nothing).
Records that tell different individuals, numbers in a collection or counts are never one.

Across a border (both teams): the same species at the same time in UTC, noted in different countries or zones, at places
that agree within their uncertainties and `HEARD_M` or `SEEN_M`. A song is heard up to about 2 km away, so two posts that
hear one group may be 4 km apart (the cao vit gibbon's collaborative censuses, Ma et al. 2020, Oryx 54: 776-783, placed
posts so that each hears several valleys, and joined what both sides heard by time and place).

GBIF's rules: Grosjean & Robertson 2021, https://data-blog.gbif.org/post/clustering-occurrences/. They leave out pairs of
different countries and of one dataset, which are what a border needs.
"""

from collections.abc import Iterable
from typing import Final

import polars as pl

from biodata.matching.duplicate_pairs import (
    MOST_IN_BLOCK,
    SAME_PLACE_M,
    SAME_TIME_S,
    agreement,
    blocks,
    cells,
    explode,
    pairs,
)

RULE_VERSION: Final = "1"
"""Raised when a rule changes: what was found before is then found anew."""

STRENGTHS: Final = ("possible", "likely", "strong")
HEARD_M: Final = 4_000.0
SEEN_M: Final = 1_000.0
"""How far apart the places of one event may be told by two teams, beside their uncertainties: observers often give
their own place, not the animals'."""
LARGEST_RADIUS_M: Final = 2_000.0
"""What an uncertainty adds to that at most."""
VAGUE_M: Final = 5_000.0
"""Places that are less certain are no evidence for an event of two teams."""
HEARD_S: Final = 600
SEEN_S: Final = 300
"""How far apart two teams may note the beginning of one event: watches differ, and a duet lasts a quarter of an hour."""
LONGEST_S: Final = 3_600
"""A longer stretch of time is the team's presence, not the event."""
OVERLAPPING_S: Final = 1_800
MOST_OF_IDENTIFIER: Final = 50
"""An identifier that more records share names none of them."""
GATHERED_M: Final = 2_000.0
"""How far apart two collections may place what one person gathered under one number."""
CORRECTED_M: Final = 10_000.0
"""Places farther apart than this contradict each other."""

LINKS: Final = pl.Schema(
    {
        "a": pl.Int64,
        "b": pl.Int64,
        "strength": pl.Int8,
        "reason": pl.String,
        "agree": pl.Int32,
        "seconds": pl.Int64,
        "metres": pl.Float64,
    }
)
"""Two records by key, how sure (position in `STRENGTHS`) and why they are of one event, and how near they are."""

IDENTIFIED_BY: Final = ("key", "id_occurrence", "id_gbif", "id_catalogued", "named", "names")
"""The columns of `duplicate_facts.facts` that `identifiers` reads."""
_AGREEING: Final = ("count", "sex", "lifeStage", "organismID", "recordNumber", "catalogNumber", "clock", "x", "y")
_KM: Final = (pl.col("metres") / 1000).round(1)
_METRES: Final = pl.col("metres").round().cast(pl.Int64)
_SAME: Final = pl.col("present_a") == pl.col("present_b")
_PRESENT: Final = pl.col("present") & pl.col("species").is_not_null()
_REACH_M: Final = HEARD_M + 2 * LARGEST_RADIUS_M


def by_event(facts: pl.DataFrame) -> pl.DataFrame:
    """Link records by what they tell of their event.

    Parameters
    ----------
    facts : polars.DataFrame
        What `duplicate_facts.facts` returned, of every record of some species.

    Returns
    -------
    polars.DataFrame of LINKS
        The same for any order of the rows. A pair may be linked for several reasons.
    """
    return _together([*_repeated(facts), *_by_time(facts), _by_person(facts), _nearby(facts)])


def by_identifier(facts: pl.DataFrame) -> pl.DataFrame:
    """Link records by their identifiers.

    Parameters
    ----------
    facts : polars.DataFrame
        What `duplicate_facts.facts` returned, of every record that shares one of `identifiers` with another.

    Returns
    -------
    polars.DataFrame of LINKS
    """
    numbered = _identifier_blocks(facts, named_by_others(facts))
    found = pairs(facts, numbered, across_datasets=False, most=MOST_OF_IDENTIFIER).filter(_SAME)
    told = {
        name: (pl.col(f"{name}_a") == pl.col(f"{name}_b")).fill_null(value=False)
        for name in ("id_occurrence", "id_gbif", "id_catalogued", "species")
    }
    other_collection = (pl.col("collection_a") != pl.col("collection_b")).fill_null(value=False)
    catalogued = told["id_catalogued"] & ~other_collection
    other_species = (pl.col("species_a") != pl.col("species_b")).fill_null(value=False)
    moved = (pl.col("metres") > CORRECTED_M + pl.sum_horizontal("radius_a", "radius_b")).fill_null(value=False)
    other_time = pl.col("days_differ") | pl.col("clocks_differ")
    contradictions = pl.sum_horizontal(c.cast(pl.Int32) for c in (other_species, moved, other_time))
    agrees = told["species"] & (contradictions == 0) & ~pl.col("individuals_differ")
    names_other = _shares("names", "named") | _shares("named", "names") | _shares("names", "names")
    across = pl.col("other_dataset")
    here = agrees & pl.col("same_day") & pl.col("same_place") & ~_differs("recordNumber")
    found = found.with_columns(
        reason=pl.when(across & told["id_gbif"] & (contradictions <= 1))
        .then(pl.lit("the same gbifID in two datasets"))
        .when(across & told["id_occurrence"] & pl.col("id_global_a") & (contradictions <= 1))
        .then(pl.lit("the same occurrenceID in two datasets"))
        .when(across & catalogued & (contradictions <= 1))
        .then(pl.lit("the same institutionCode and catalogNumber in two datasets"))
        .when(across & told["id_occurrence"] & here & ~pl.col("border"))
        .then(pl.lit("the same occurrenceID, species, day and place in two datasets"))
        .when(~across & catalogued & here)
        .then(pl.lit("the same catalogNumber twice in one dataset, with the same species, day and place"))
        .when(names_other & agrees & ~pl.col("days_differ"))
        .then(pl.lit("the otherCatalogNumbers of one name the other")),
        but=pl.when(other_species)
        .then(pl.lit("; the species differ"))
        .when(moved)
        .then(pl.lit("; the places differ"))
        .when(other_time)
        .then(pl.lit("; the dates differ"))
        .otherwise(pl.lit("")),
    )
    return _links(found.drop_nulls("reason"), 2, pl.col("reason") + pl.col("but"))


def named_by_others(facts: pl.DataFrame) -> pl.Series:
    """Return what the records' otherCatalogNumbers name, as numbers."""
    return explode(facts.select("names"), "names")["names"].drop_nulls().unique()


def identifiers(facts: pl.DataFrame, named: pl.Series) -> pl.DataFrame:
    """Return key and each of its identifiers as a number (`block`): records that share one are `by_identifier`'s.

    Parameters
    ----------
    facts : polars.DataFrame
        What `duplicate_facts.facts` returned.
    named : polars.Series
        `named_by_others` of all records.
    """
    numbered = _identifier_blocks(facts, named)
    return numbered.select(facts["key"].gather(numbered["row"]), "block")


def _identifier_blocks(facts: pl.DataFrame, named: pl.Series) -> pl.DataFrame:
    """Return rows and numbers of their identifiers; a name that no other record uses is left out."""
    rows = facts.with_row_index("row")
    plain = [rows.select("row", block=name) for name in ("id_occurrence", "id_gbif", "id_catalogued")]
    lists = [explode(rows.select("row", block=name), "block") for name in ("named", "names") if len(named)]
    lists = [told.filter(pl.col("block").is_in(named.implode())) for told in lists]
    return pl.concat([*plain, *lists]).drop_nulls().unique()


def _repeated(facts: pl.DataFrame) -> list[pl.DataFrame]:
    """Link rows that repeat another: word for word, to the minute, or with nothing told that could tell them apart."""
    placed, named = _PRESENT & pl.col("x").is_not_null() & ~pl.col("machine"), pl.col("people").list.len() > 0
    timed = placed & named & pl.col("clock").is_not_null()
    dated = placed & named & pl.col("day").is_not_null() & pl.col("clock").is_null()

    def found(where: pl.Expr, *columns: str, most: int = MOST_IN_BLOCK) -> pl.DataFrame:
        return pairs(facts, blocks(facts, *columns, where=where), across_datasets=False, most=most)

    to_the_minute = found(timed, "dataset", "content").filter(~_differs("catalogNumber"))
    return [
        _links(
            found(placed, "row_told"), 1, pl.lit("the row is repeated in every cell, in a file that identifies no row")
        ),
        _links(to_the_minute, 1, pl.lit("the row is repeated: time, place, people and all else are the same")),
        _links(
            found(placed & pl.col("bare"), "dataset", "content"),
            1,
            pl.lit("the same species at the same point in one dataset, and nothing else is told of either"),
        ),
        _links(
            found(dated, "dataset", "content", most=MOST_OF_IDENTIFIER),
            0,
            pl.lit("the row is repeated in one dataset, but no time of day is told"),
        ),
    ]


def _by_time(facts: pl.DataFrame) -> list[pl.DataFrame]:
    """Link records of the same time in UTC: copies in other datasets, and what two teams noted of one event."""
    timed = _PRESENT & pl.col("t0").is_not_null() & pl.col("x").is_not_null()
    rows = (
        facts.with_row_index("row").filter(timed).select("row", "dataset", "country", "zone", "species", "t0", "x", "y")
    )
    half = pl.concat_list((pl.col("t0") + shift) // LONGEST_S for shift in (-OVERLAPPING_S // 2, OVERLAPPING_S // 2))
    rows = rows.with_columns(hour=half.list.unique()).explode("hour")
    several = pl.any_horizontal(pl.col(name).n_unique() > 1 for name in ("dataset", "country", "zone"))
    busy = rows.group_by("species", "hour").agg(several=several).filter("several")
    rows = rows.join(busy, on=["species", "hour"], how="semi")
    rows = rows.with_columns(cell=cells(pl.col("x"), pl.col("y"), side=0.2, reach_m=_REACH_M)).explode("cell")
    found = pairs(
        facts, rows.select("row", block=pl.struct("species", "hour", "cell").hash(22)), across_datasets=False
    ).filter(pl.col("other_dataset") | pl.col("border"))
    return [_copies(found), _two_teams(found)]


def _copies(found: pl.DataFrame) -> pl.DataFrame:
    """Link records of one instant and place in two datasets."""
    copies = found.filter(
        "other_dataset", pl.col("seconds") <= SAME_TIME_S, "same_place", ~pl.col("individuals_differ"),
        ~_differs("recordNumber"),
    )  # fmt: skip
    sure = pl.col("sure_a") & pl.col("sure_b") & ~pl.col("no_word_shared")
    return _links(
        copies,
        sure.cast(pl.Int8),
        pl.format("the same species at the same time in UTC and place ({} m) in two datasets{}", _METRES, _zone_note()),
    )


def _two_teams(found: pl.DataFrame) -> pl.DataFrame:
    """Link what two teams noted of one event, on both sides of a border or from two posts."""
    heard = pl.col("heard_a") | pl.col("heard_b")
    radius = pl.sum_horizontal(pl.col(f"radius_{end}").fill_null(0).clip(0, LARGEST_RADIUS_M) for end in "ab")
    vague = pl.max_horizontal("radius_a", "radius_b").fill_null(0) > VAGUE_M
    long = pl.max_horizontal(pl.col(f"t1_{end}") - pl.col(f"t0_{end}") for end in "ab") > LONGEST_S
    gap = pl.max_horizontal("t0_a", "t0_b") - pl.min_horizontal("t1_a", "t1_b")
    near_in_time = (pl.col("seconds") <= pl.when(heard).then(HEARD_S).otherwise(SEEN_S)) | (
        (gap < 0) & (pl.col("seconds") <= OVERLAPPING_S)
    )
    individuals = _differs("organismID") | _differs("sex") | (~heard & _differs("count"))
    teams = found.filter(
        pl.col("metres") <= radius + pl.when(heard).then(HEARD_M).otherwise(SEEN_M),
        near_in_time & ~long & ~vague & ~individuals,
        heard | ~(pl.col("machine_a") | pl.col("machine_b")),
        pl.col("other_dataset") | (heard & ~pl.col("same_person")),
    )
    sure = pl.col("border") & pl.col("sure_a") & pl.col("sure_b")
    minutes = (pl.col("seconds") / 60).round().cast(pl.Int64)
    reason = pl.format(
        "the same species {} by two teams {}, at the same time in UTC (begun {} min apart), {} km apart{}",
        pl.when(heard).then(pl.lit("heard")).otherwise(pl.lit("seen")),
        pl.when("border").then(pl.lit("on both sides of a border")).otherwise(pl.lit("of one country")),
        minutes,
        _KM,
        _zone_note(),
    )
    return _links(teams, sure.cast(pl.Int8), reason)


def _by_person(facts: pl.DataFrame) -> pl.DataFrame:
    """Link what one person recorded on one day at one place in two datasets; with a collector's number, more surely."""
    rows = explode(facts.with_row_index("row").filter(_PRESENT & pl.col("day").is_not_null()), "people")
    block = pl.struct("species", "day", "people").hash(23)
    found = pairs(facts, rows.select("row", block=block), across_datasets=True)
    found = found.filter(~pl.col("clocks_differ"), ~pl.col("individuals_differ"), ~_differs("recordNumber"))
    numbered = (pl.col("recordNumber_a") == pl.col("recordNumber_b")).fill_null(value=False)
    gathered = found.filter(numbered, (pl.col("metres") <= GATHERED_M) | pl.col("metres").is_null())
    # Both of one institution, each with its own number: two objects of one person's day.
    own_numbers = _differs("catalogNumber") & (pl.col("id_catalogued_a").is_not_null())
    same = found.filter(~numbered, "same_place", ~(own_numbers & _equal("collection")))
    return _together(
        [
            _links(gathered, 2, pl.lit("the same person's recordNumber, day and species in two datasets")),
            _links(
                same,
                1,
                pl.format("the same person, species, day and place ({} m) in two datasets", _METRES),
            ),
        ]
    )


def _nearby(facts: pl.DataFrame) -> pl.DataFrame:
    """Link records that GBIF would call related: species, day, 200 m, two datasets."""
    rows = facts.with_row_index("row").filter(_PRESENT & pl.col("day").is_not_null() & pl.col("x").is_not_null())
    rows = rows.select("row", "dataset", "species", "day", "x", "y")
    several = pl.col("dataset").min() != pl.col("dataset").max()
    busy = rows.group_by("species", "day").agg(several=several).filter("several")
    rows = rows.join(busy, on=["species", "day"], how="semi")
    rows = rows.with_columns(cell=cells(pl.col("x"), pl.col("y"), side=0.01, reach_m=SAME_PLACE_M)).explode("cell")
    found = pairs(facts, rows.select("row", block=pl.struct("species", "day", "cell").hash(24)), across_datasets=True)
    found = found.filter(pl.col("metres") <= SAME_PLACE_M, ~pl.col("clocks_differ"), ~pl.col("individuals_differ"))
    return _links(found, 0, pl.format("the same species and day within {} m in two datasets", _METRES))


def _links(found: pl.DataFrame, strength: int | pl.Expr, reason: pl.Expr) -> pl.DataFrame:
    """Return compared pairs as links."""
    return found.select(
        a="key_a",
        b="key_b",
        strength=pl.lit(strength, dtype=pl.Int8) if isinstance(strength, int) else strength,
        reason=reason,
        agree=agreement(_AGREEING),
        seconds="seconds",
        metres="metres",
    ).select(pl.col(name).cast(dtype) for name, dtype in LINKS.items())


def _together(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return links of several rules."""
    return pl.concat([pl.DataFrame(schema=LINKS), *parts])


def _zone_note() -> pl.Expr:
    """Return what is to be said where a zone is only proposed."""
    return (
        pl.when(pl.col("sure_a") & pl.col("sure_b"))
        .then(pl.lit(""))
        .otherwise(pl.lit("; a time zone is only proposed, from the country"))
    )


def _equal(name: str) -> pl.Expr:
    """Tell where both records tell the same in a column."""
    return (pl.col(f"{name}_a") == pl.col(f"{name}_b")).fill_null(value=False)


def _differs(name: str) -> pl.Expr:
    """Tell where both records tell a column, and not the same."""
    return (pl.col(f"{name}_a") != pl.col(f"{name}_b")).fill_null(value=False)


def _shares(one: str, other: str) -> pl.Expr:
    """Tell where two lists, one of each record, have a member in common."""
    common = pl.col(f"{one}_a").list.set_intersection(pl.col(f"{other}_b")).list.len()
    return (common > 0).fill_null(value=False)
