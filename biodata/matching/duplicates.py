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
that agree within their uncertainties and `HEARD_M` or `SEEN_M`. That is a default of ours: two listening posts that hear
one group are taken to be at most 4 km apart. (In the collaborative censuses of the cao vit gibbon, posts stand on ridges
of both sides, each within hearing of several valleys: Ma et al. 2020, Oryx 54(6).)

GBIF's rules: Grosjean & Robertson 2021, https://data-blog.gbif.org/post/clustering-occurrences/. They leave out pairs of
different countries and of one dataset, which are what a border needs.
"""

from typing import Final

import polars as pl

from biodata.matching.duplicate_identifiers import MOST_OF_IDENTIFIER
from biodata.matching.duplicate_links import differs, equal, links, together
from biodata.matching.duplicate_pairs import (
    MOST_IN_BLOCK,
    SAME_PLACE_M,
    SAME_TIME_S,
    blocks,
    cells,
    explode,
    pairs,
)

RULE_VERSION: Final = "1"
"""Raised when a rule changes: what was found before is then found anew."""

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
GATHERED_M: Final = 2_000.0
"""How far apart two collections may place what one person gathered under one number."""
_KM: Final = (pl.col("metres") / 1000).round(1)
_METRES: Final = pl.col("metres").round().cast(pl.Int64)
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
    return together([*_repeated(facts), *_by_time(facts), _by_person(facts), _nearby(facts)])


def _repeated(facts: pl.DataFrame) -> list[pl.DataFrame]:
    """Link rows that repeat another: word for word, to the minute, or with nothing told that could tell them apart."""
    placed, named = _PRESENT & pl.col("x").is_not_null() & ~pl.col("machine"), pl.col("people").list.len() > 0
    timed = placed & named & pl.col("clock").is_not_null()
    dated = placed & named & pl.col("day").is_not_null() & pl.col("clock").is_null()

    def found(where: pl.Expr, *columns: str, most: int = MOST_IN_BLOCK) -> pl.DataFrame:
        return pairs(facts, blocks(facts, *columns, where=where), across_datasets=False, most=most)

    to_the_minute = found(timed, "dataset", "content").filter(~differs("catalogNumber"))
    return [
        links(
            found(placed, "row_told"), 1, pl.lit("the row is repeated in every cell, in a file that identifies no row")
        ),
        links(to_the_minute, 1, pl.lit("the row is repeated: time, place, people and all else are the same")),
        links(
            found(placed & pl.col("bare"), "dataset", "content"),
            1,
            pl.lit("the same species at the same point in one dataset, and nothing else is told of either"),
        ),
        links(
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
        ~differs("recordNumber"),
    )  # fmt: skip
    sure = pl.col("sure_a") & pl.col("sure_b") & ~pl.col("no_word_shared")
    return links(
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
    individuals = differs("organismID") | differs("sex") | (~heard & differs("count"))
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
    return links(teams, sure.cast(pl.Int8), reason)


def _by_person(facts: pl.DataFrame) -> pl.DataFrame:
    """Link what one person recorded on one day at one place in two datasets; with a collector's number, more surely."""
    rows = explode(facts.with_row_index("row").filter(_PRESENT & pl.col("day").is_not_null()), "people")
    block = pl.struct("species", "day", "people").hash(23)
    found = pairs(facts, rows.select("row", block=block), across_datasets=True)
    found = found.filter(~pl.col("clocks_differ"), ~pl.col("individuals_differ"), ~differs("recordNumber"))
    numbered = (pl.col("recordNumber_a") == pl.col("recordNumber_b")).fill_null(value=False)
    gathered = found.filter(numbered, (pl.col("metres") <= GATHERED_M) | pl.col("metres").is_null())
    # Both of one institution, each with its own number: two objects of one person's day.
    own_numbers = differs("catalogNumber") & (pl.col("id_catalogued_a").is_not_null())
    same = found.filter(~numbered, "same_place", ~(own_numbers & equal("collection")))
    return together(
        [
            links(gathered, 2, pl.lit("the same person's recordNumber, day and species in two datasets")),
            links(
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
    return links(found, 0, pl.format("the same species and day within {} m in two datasets", _METRES))


def _zone_note() -> pl.Expr:
    """Return what is to be said where a zone is only proposed."""
    return (
        pl.when(pl.col("sure_a") & pl.col("sure_b"))
        .then(pl.lit(""))
        .otherwise(pl.lit("; a time zone is only proposed, from the country"))
    )
