"""Rows that are likely the same though identifiers or names of their places are others as well.

What is counted tells an event: when, where on the map, how and what. What people call the place and the device may be
translated, renumbered or mended, and is left out; where two cameras stand side by side, their names still tell them apart.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

BETWEEN: Final = "\x1f"
_ROWS: Final = "\x1e"
TIMES: Final = (
    "eventDate", "eventTime", "verbatimEventDate", "year", "month", "day", "startDayOfYear", "endDayOfYear",
)  # fmt: skip
SITES: Final = ("locationID", "locality", "verbatimLocality")
POINTS: Final = (
    "decimalLatitude", "decimalLongitude", "verbatimLatitude", "verbatimLongitude", "verbatimCoordinates",
    "footprintWKT",
)  # fmt: skip
NAMES: Final = ("scientificName", "verbatimIdentification", "vernacularName", "taxonID")
LINKS: Final = ("eventID", "parentEventID")
_DESIGN: Final = ("eventType", "samplingProtocol", "samplingEffort", "sampleSizeValue", "sampleSizeUnit")
_COUNTS: Final = (
    "individualCount", "organismQuantity", "organismQuantityType", "sex", "lifeStage", "occurrenceStatus",
)  # fmt: skip
_DEVICES: Final = ("cameraID", "deploymentID")
_CALLED: Final = (
    *SITES, *_DEVICES, "locationName", "higherGeography", "island", "islandGroup", "waterBody", "municipality", "county",
    "stateProvince", "country", "fieldNumber", "fieldNotes", "notes", "remarks", "comments", "eventRemarks",
    "locationRemarks", "occurrenceRemarks",
)  # fmt: skip
_PAIRED: Final = {"identifier": pl.String, "was": pl.String, "sheet": pl.String, "row": pl.Int64, "was_row": pl.Int64}


def tell_counted(events: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Give events what was counted in each: `counted`, one line a record, and `kinds`, the names alone."""
    if "=eventID" not in records.columns:
        return events.with_columns(counted=pl.lit(""), kinds=pl.lit(""))
    kinds, counted = (_content(records, names) for names in (NAMES, (*NAMES, *_COUNTS)))
    of_events = records.select(pl.col("=eventID").str.strip_chars().alias("identifier"), kinds=kinds, counted=counted)
    of_events = of_events.group_by("identifier").agg(
        pl.col("counted").sort().str.join(_ROWS), pl.col("kinds").unique().sort().str.join(_ROWS)
    )
    joined = events.join(of_events, on="identifier", how="left", maintain_order="left")
    return joined.with_columns(pl.col("counted", "kinds").fill_null(""))


def without_pairs(frame: pl.DataFrame, pairs: pl.DataFrame, which: str) -> pl.DataFrame:
    """Return the rows that are in no pair, by the pairs' column `which`."""
    return frame.join(pairs.select(identifier=which), on="identifier", how="anti")


def find_elsewhere(absent: pl.DataFrame, fresh: pl.DataFrame, *, without: Sequence[str]) -> tuple[pl.DataFrame, bool]:
    """Pair rows that are alike but for identifiers and names of places, and tell whether that is beyond doubt.

    Parameters
    ----------
    absent, fresh : polars.DataFrame
        As `renames.find_likely` has them; events with what `tell_counted` gives them.
    without : sequence of str
        The cells that hold identifiers.

    Returns
    -------
    polars.DataFrame
        `identifier`, `was`, `sheet`, `row`, `was_row`. Rows that are alike among themselves are paired in their order,
        where as many were so before.
    bool
        Of an event several records that were counted are alike: no new event is so by chance.
    """
    found = pl.DataFrame(schema=_PAIRED)
    if "counted" not in fresh.columns:
        for kept in ((*_DEVICES, *LINKS), _DEVICES, ()):
            more = _paired(absent, fresh, _of_records(fresh, without, kept))
            found, absent, fresh = (
                pl.concat([found, more]),
                without_pairs(absent, more, "was"),
                without_pairs(fresh, more, "identifier"),
            )
        # The only one of a name in its event, at its time and place, with other details.
        enough = _filled(fresh, NAMES) & _filled(fresh, LINKS) & _filled(fresh, TIMES) & _filled(fresh, POINTS)
        content = _content(fresh, (*NAMES, *LINKS, *TIMES, *POINTS))
        return pl.concat([found, _paired(absent, fresh, (enough, content), once=True)]), False
    sure = False
    for extra, names in (("counted", _DEVICES), ("counted", ()), ("kinds", ())):
        told = [*TIMES, *POINTS, *_DESIGN, *names]
        content = pl.concat_str(_content(fresh, told), pl.col(extra), separator=_ROWS)
        enough = _filled(fresh, TIMES) & _filled(fresh, POINTS)
        once = extra == "kinds"
        more = _paired(absent, fresh, (enough, content), once=once)
        if not once and more.height:
            several = fresh.join(more.select("identifier"), on="identifier", how="semi")["counted"]
            sure |= bool(several.str.contains(_ROWS, literal=True).any())
        found, absent, fresh = (
            pl.concat([found, more]),
            without_pairs(absent, more, "was"),
            without_pairs(fresh, more, "identifier"),
        )
    return found, sure


def _of_records(frame: pl.DataFrame, without: Sequence[str], kept: Sequence[str]) -> tuple[pl.Expr, pl.Expr]:
    """Return which records tell enough, and what they tell: their event counts where they do not tell time and place."""
    left_out = {*without, *(f"={name}" for name in {*_CALLED, *LINKS} - set(kept))}
    cells = sorted(name.removeprefix("=") for name in frame.columns if name.startswith("=") and name not in left_out)
    alone = _filled(frame, TIMES) & _filled(frame, POINTS)
    linked = pl.when(alone).then(pl.lit("")).otherwise(_content(frame, LINKS))
    named = _filled(frame, NAMES)
    return named & (alone | _filled(frame, LINKS)), pl.concat_str(_content(frame, cells), linked, separator=_ROWS)


def _paired(
    absent: pl.DataFrame, fresh: pl.DataFrame, told: tuple[pl.Expr, pl.Expr], *, once: bool = False
) -> pl.DataFrame:  # fmt: skip
    """Pair rows that tell the same, where as many did before; with `once` only those which nothing else is like."""
    enough, content = told
    before, after = (
        frame.filter(enough)
        .sort("row", "identifier", nulls_last=True)
        .with_columns(content=content)
        .with_columns(pl.int_range(pl.len()).over("content").alias("turn"), pl.len().over("content").alias("alike"))
        .filter((pl.col("alike") == 1) | pl.lit(not once))
        for frame in (absent, fresh)
    )
    paired = after.select("identifier", "sheet", "row", "content", "turn", "alike").join(
        before.select("content", "turn", "alike", was="identifier", was_row="row"), on=["content", "turn", "alike"]
    )
    return paired.select(*_PAIRED).cast(_PAIRED)  # type: ignore[arg-type]


def _content(frame: pl.DataFrame, names: Sequence[str]) -> pl.Expr:
    """Return the cells of these names in one, in their order."""
    cells = [pl.col(f"={name}").fill_null("").str.strip_chars() for name in names if f"={name}" in frame.columns]
    return pl.concat_str(cells, separator=BETWEEN) if cells else pl.lit("")


def _filled(frame: pl.DataFrame, names: Sequence[str]) -> pl.Expr:
    """Return whether a cell of these names is filled."""
    cells = [pl.col(f"={name}").fill_null("").str.strip_chars() != "" for name in names if f"={name}" in frame.columns]
    return pl.any_horizontal(pl.lit(value=False), *cells)
