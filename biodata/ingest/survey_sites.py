"""Sites of a survey on a sheet of their own: each told once, and its place taken by the events that name it."""

from collections.abc import Sequence
from typing import Final

import polars as pl
from rapidfuzz import process

from biodata.ingest.protocol import Finding
from biodata.ingest.survey_periods import ANY_DAY, with_period
from biodata.ingest.survey_shapes import Survey, SurveyTable, is_nothing
from biodata.parsers import dates
from biodata.terms import EVENT_TERMS

PLACE: Final = (
    "decimalLatitude", "decimalLongitude", "verbatimCoordinates", "verbatimLatitude", "verbatimLongitude",
    "coordinateUncertaintyInMeters", "geodeticDatum",
)  # fmt: skip
"""Terms of the place, which is taken from a site or event whole or not at all."""

KEY: Final = " key"
_NEAR: Final = 75


def join(sites: Sequence[SurveyTable], events: Sequence[SurveyTable], findings: list[Finding]) -> None:
    """Fill what events do not tell from the sites that they name; tell those that name a site which is not there."""
    frames = [table.frame for table in sites if "locationID" in table.frame.columns and table.frame.height]
    if not frames:
        return
    every = pl.concat(frames, how="diagonal").with_columns(pl.col("locationID").str.strip_chars().alias(KEY))
    terms = [name for name in every.columns if name in EVENT_TERMS and name != "locationID" and every[name].count()]
    known = every.drop_nulls(KEY).unique(KEY, keep="first", maintain_order=True).select(KEY, *terms)
    headings = {name: heading for table in sites for name, heading in table.headings.items()}
    for table in events:
        if "locationID" not in table.frame.columns:
            continue
        table.frame, answered = fill_from(table.frame, "locationID", known, (PLACE,))
        for name, rows in answered.items():
            if name in headings:
                table.headings.setdefault(name, headings[name])
            # A fault of what is filled, and of a place that the site itself lacks, is told of the site.
            table.covered.update((row, name) for row in rows)
        _tell_unknown(table, known[KEY].to_list(), findings)


def fill_from(
    frame: pl.DataFrame, key: str, known: pl.DataFrame, groups: Sequence[Sequence[str]]
) -> tuple[pl.DataFrame, dict[str, list[int]]]:
    """Return rows with what others of their key tell and they do not, and by column the rows that these answer for.

    The others are known by `KEY`, each once. The terms of a group are taken whole or not at all.
    """
    joined = frame.with_columns(pl.col(key).str.strip_chars().alias(KEY)).join(
        known.with_columns(pl.lit(value=True).alias(" known")),
        on=KEY,
        how="left",
        suffix=" told",
        maintain_order="left",
    )
    columns, answered = [], {}
    for name in known.columns[1:]:
        own = pl.col(name) if name in frame.columns else pl.lit(None, dtype=pl.String)
        told = pl.col(f"{name} told" if name in frame.columns else name)
        group = next((terms for terms in groups if name in terms), ())
        mine = [term for term in group or (name,) if term in frame.columns]
        silent = pl.all_horizontal(map(is_nothing, mine)) if mine else pl.lit(value=True)
        answers = silent & (pl.col(" known") if group else told.is_not_null())
        answered[name] = joined.filter(answers)["source_row"].to_list()
        columns.append(pl.when(answers & told.is_not_null()).then(told).otherwise(own).alias(name))
    added = [name for name in known.columns[1:] if name not in frame.columns]
    return joined.with_columns(columns).select(*frame.columns, *added), answered


def by_station(survey: Survey) -> None:
    """Identify events that tell no identifier by their station, with its first day where it has several; records follow.

    Records that name a station and no event are of the station's event, of several of the one whose days they fall in; where
    stations are sites without events, they have the place of their site.
    """
    records, events = (
        [t for t in survey.of(kind) if "locationID" in t.frame.columns and "eventID" not in t.frame.columns]
        for kind in ("occurrences", "events")
    )
    if not events:
        join(survey.of("sites"), records, survey.findings)
        return
    station = pl.col("locationID").str.strip_chars().alias("station")
    known = []
    for table in events:
        frame = with_period(table.frame, ANY_DAY)
        told = pl.col("eventDate") if "eventDate" in frame.columns else pl.lit(None, pl.String)
        days = frame.select(station, first=told.str.slice(0, 10), last=told.str.split("/").list.last().str.slice(0, 10))
        several = pl.col("station").is_duplicated() & pl.col("first").is_not_null()
        event = pl.when(several).then(pl.concat_str("station", "first", separator=" ")).otherwise("station")
        known.append(days.with_columns(event=event))
        table.frame = table.frame.with_columns(known[-1]["event"].alias("eventID"))
        table.headings["eventID"] = table.heading("locationID")
    of_stations = pl.concat(known).drop_nulls("station")
    for table in records:
        told = pl.col("eventDate") if "eventDate" in table.frame.columns else pl.lit(None, pl.String)
        rows = table.frame.select("source_row", station, told.str.strip_chars().alias("day"))
        day = dates.parse_dates(rows["day"], today=ANY_DAY)["event_date"].str.slice(0, 10)
        there = rows.with_columns(day.alias("day")).join(of_stations, on="station", how="left", maintain_order="left")
        within = pl.col("event").filter(pl.col("day").is_between("first", "last")).first()
        found = there.group_by("source_row", maintain_order=True).agg(
            eventID=pl.coalesce(within, pl.col("event").first(), pl.col("station").first())
        )
        table.frame = table.frame.with_columns(found["eventID"])
        table.headings["eventID"] = table.heading("locationID")


def _tell_unknown(table: SurveyTable, known: list[str], findings: list[Finding]) -> None:
    """Tell events whose site is not on the sheet of sites."""
    told = table.frame.select("source_row", pl.col("locationID").str.strip_chars())
    for row, site in told.filter(~pl.col("locationID").is_in(known)).iter_rows():
        if site is None:
            continue
        near = process.extractOne(site.lower(), {one: one.lower() for one in known}, score_cutoff=_NEAR)
        params = {} if near is None else {"near": str(near[2])}
        findings.append(table.finding(row, table.heading("locationID"), site, "SITE_UNKNOWN", True, **params))
