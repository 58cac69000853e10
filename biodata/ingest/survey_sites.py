"""Sites of a survey on a sheet of their own: each told once, and its place taken by the events that name it."""

from collections.abc import Sequence
from typing import Final

import polars as pl
from rapidfuzz import process

from biodata.ingest.protocol import Finding
from biodata.ingest.survey_periods import ANY_DAY, with_period
from biodata.ingest.survey_shapes import Survey, SurveyTable
from biodata.parsers import dates
from biodata.terms import EVENT_TERMS

PLACE: Final = (
    "decimalLatitude", "decimalLongitude", "verbatimCoordinates", "verbatimLatitude", "verbatimLongitude",
    "coordinateUncertaintyInMeters", "geodeticDatum",
)  # fmt: skip
"""Terms of the place, which is taken from a site or event whole or not at all."""

_NEAR: Final = 75


def join(sites: Sequence[SurveyTable], events: Sequence[SurveyTable], findings: list[Finding]) -> None:
    """Fill what events do not tell from the sites that they name.

    Parameters
    ----------
    sites : sequence of SurveyTable
        Rows with a `locationID`.
    events : sequence of SurveyTable
        Their frames and headings grow by the columns of the sites. What is filled counts as covered, and so does a place
        that the site itself lacks: a fault of it is told of the site.
    findings : list of Finding
        Events that name a site which is not there are added to it.
    """
    known = _known(sites)
    if known is None:
        return
    headings = {name: heading for table in sites for name, heading in table.headings.items()}
    for table in events:
        if "locationID" not in table.frame.columns:
            continue
        table.frame, answered = _filled(table.frame, known)
        for name, rows in answered.items():
            if name in table.frame.columns and name in headings:
                table.headings.setdefault(name, headings[name])
            table.covered.update((row, name) for row in rows)
        _tell_unknown(table, known[" site"].to_list(), findings)


def by_station(survey: Survey) -> None:
    """Identify events that tell no identifier by their station, with its first day where it has several; records follow.

    Records that name a station and no event are of the station's event, of several of the one whose days they fall in; where
    stations are sites without events, they have the place of their site.
    """
    records = [
        t for t in survey.of("occurrences") if "locationID" in t.frame.columns and "eventID" not in t.frame.columns
    ]
    events = [t for t in survey.of("events") if "locationID" in t.frame.columns and "eventID" not in t.frame.columns]
    if not events:
        join(survey.of("sites"), records, survey.findings)
        return
    station = pl.col("locationID").str.strip_chars()
    frames = []
    for table in events:
        frame = with_period(table.frame, ANY_DAY)
        day = pl.col("eventDate").str.slice(0, 10) if "eventDate" in frame.columns else pl.lit(None, pl.String)
        several = station.is_duplicated() & day.is_not_null()
        frame = frame.with_columns(
            pl.when(several).then(pl.concat_str(station, day, separator=" ")).otherwise(station).alias("eventID")
        )
        table.frame = table.frame.with_columns(frame["eventID"])
        table.headings["eventID"] = table.heading("locationID")
        last = pl.col("eventDate").str.split("/").list.last().str.slice(0, 10) if "eventDate" in frame.columns else day
        frames.append(
            frame.select(
                station.alias(" station"), pl.col("eventID").alias(" event"), day.alias(" first"), last.alias(" last")
            )
        )
    known = pl.concat(frames).drop_nulls(" station")
    for table in records:
        told = (
            table.frame["eventDate"]
            if "eventDate" in table.frame.columns
            else pl.Series([None] * table.frame.height, dtype=pl.String)
        )
        days = dates.parse_dates(told.str.strip_chars(), today=ANY_DAY)["event_date"].str.slice(0, 10)
        rows = table.frame.select("source_row", station.alias(" station")).with_columns(days.alias(" day"))
        there = rows.join(known, on=" station", how="left").with_columns(
            within=pl.col(" day").is_between(pl.col(" first"), pl.col(" last")).fill_null(value=False)
        )
        found = there.sort("within", descending=True, maintain_order=True).unique(
            "source_row", keep="first", maintain_order=True
        )
        of_rows = rows.join(found.select("source_row", " event"), on="source_row", how="left", maintain_order="left")
        table.frame = table.frame.with_columns(
            of_rows.select(pl.coalesce(" event", " station").alias("eventID")).to_series()
        )
        table.headings["eventID"] = table.heading("locationID")


def _known(sites: Sequence[SurveyTable]) -> pl.DataFrame | None:
    """Return the sites by ` site`, the first of those that stand twice; None where there are none."""
    frames = [table.frame for table in sites if "locationID" in table.frame.columns and table.frame.height]
    if not frames:
        return None
    both = pl.concat(frames, how="diagonal").with_columns(pl.col("locationID").str.strip_chars().alias(" site"))
    columns = [name for name in both.columns if name in EVENT_TERMS and name != "locationID"]
    there = both.filter(pl.col(" site").is_not_null())
    return there.unique(" site", keep="first", maintain_order=True).select(" site", *columns)


def _filled(frame: pl.DataFrame, known: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, list[int]]]:
    """Return events with the cells of their sites, and the rows in which each column is the site's to tell."""
    joined = frame.with_columns(pl.col("locationID").str.strip_chars().alias(" site")).join(
        known, on=" site", how="left", suffix=" of the site", maintain_order="left"
    )
    of_a_site = pl.col(" site").is_in(known[" site"].to_list())
    own_place = [name for name in PLACE if name in frame.columns]
    placeless = pl.all_horizontal(pl.col(name).is_null() for name in own_place) if own_place else pl.lit(value=True)
    columns, answered = [], {}
    for name in known.columns[1:]:
        told = pl.col(name) if name in frame.columns else pl.lit(None, dtype=pl.String)
        site = pl.col(f"{name} of the site" if name in frame.columns else name)
        may = told.is_null() & (placeless & of_a_site if name in PLACE else site.is_not_null())
        answered[name] = joined.filter(may)["source_row"].to_list()
        columns.append(pl.when(may).then(site).otherwise(told).alias(name))
    filled = joined.with_columns(columns)
    added = [name for name in known.columns[1:] if name not in frame.columns and filled[name].count()]
    return filled.select(*frame.columns, *added), answered


def _tell_unknown(table: SurveyTable, known: list[str], findings: list[Finding]) -> None:
    """Tell events whose site is not on the sheet of sites."""
    told = table.frame.select("source_row", pl.col("locationID").str.strip_chars())
    for row, site in told.filter(~pl.col("locationID").is_in(known)).iter_rows():
        if site is None:
            continue
        near = process.extractOne(site.lower(), {one: one.lower() for one in known}, score_cutoff=_NEAR)
        params = {} if near is None else {"near": str(near[2])}
        findings.append(Finding(table.file, table.sheet, row, table.heading("locationID"), site, "SITE_UNKNOWN",
                                True, params))  # fmt: skip
