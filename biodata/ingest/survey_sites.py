"""What the rows of a survey take from one another: places of sites, events of stations, dates of a first and a last day."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl
from rapidfuzz import process

from biodata.ingest.protocol import Finding
from biodata.ingest.sheet_units import declared
from biodata.ingest.survey_shapes import Survey, SurveyTable, column, is_nothing
from biodata.terms import EVENT_TERMS
from biodata.text import dates
from biodata.text.day_month import OrderEvidence

PLACE: Final = (
    "decimalLatitude", "decimalLongitude", "verbatimCoordinates", "verbatimLatitude", "verbatimLongitude",
    "coordinateUncertaintyInMeters", "geodeticDatum",
)  # fmt: skip
"""Terms of the place, which is taken from a site or event whole or not at all."""
KEY: Final = " key"
ENDS: Final = ("deploymentStart", "deploymentEnd")
ANY_DAY: Final = date(9999, 1, 1)
"""Whether a date has been yet is no question of where it stands."""
_ZONE: Final = "timeZone"
_OFFSET: Final = r"^[^/]*T[0-9:.]+([+-]\d\d:?\d\d)(?:/|$)"
_LAST_OFFSET: Final = r"T[0-9:.]+([+-]\d\d:?\d\d)$"
_NEAR: Final = 75


def read_ends(frame: pl.DataFrame, today: date) -> dict[str, pl.DataFrame]:
    """Return the first and the last day of events as `dates.parse_dates` reads them, those that they tell.

    Both columns together tell the era of their years, and whether they write the day first.
    """
    texts = {name: frame[name].str.strip_chars() for name in ENDS if name in frame.columns}
    every = pl.concat(texts.values())
    buddhist = declared(ENDS[0], None, every.drop_nulls().to_list()).get("calendar") == "buddhist"
    order = OrderEvidence.of(every, today=today, buddhist=buddhist).order
    return {n: dates.parse_dates(text, today=today, buddhist=buddhist, day_first=order) for n, text in texts.items()}


def with_period(frame: pl.DataFrame, today: date) -> pl.DataFrame:
    """Return events with `eventDate` made of their start and end, where they tell these and no `eventDate`."""
    if ENDS[0] not in frame.columns:
        return frame
    ends = [read["event_date"] for read in read_ends(frame, today).values()]
    made = pl.when(ends[0].is_not_null()).then(pl.concat_str(*ends, separator="/", ignore_nulls=True))
    # Events of several designs in one table: some tell a date, others a start and an end.
    told = column(frame, "eventDate")
    told = pl.when(told.str.strip_chars() != "").then(told)
    return frame.with_columns(pl.coalesce(told, made).alias("eventDate"))


def with_zone(frame: pl.DataFrame) -> pl.DataFrame:
    """Return events with the offset that all times of their `eventDate` are told in as `timeZone`, where they tell no zone."""
    if "eventDate" not in frame.columns:
        return frame
    # UTC is what programs write of any time: it is no zone of an event.
    first, last = pl.col("eventDate").str.extract(_OFFSET), pl.col("eventDate").str.extract(_LAST_OFFSET)
    both = pl.when((first == last) & ~first.is_in(["+00:00", "+0000"])).then(first)
    if not frame.select(both.is_not_null().any()).item():
        return frame
    return frame.with_columns(pl.coalesce(column(frame, _ZONE), both).alias(_ZONE))


def join(sites: Sequence[SurveyTable], events: Sequence[SurveyTable], findings: list[Finding]) -> None:
    """Fill what events do not tell from the sites that they name; tell those that name a site which is not there."""
    frames = [table.frame for table in sites if "locationID" in table.frame.columns and table.frame.height]
    if not frames:
        return
    every = pl.concat(frames, how="diagonal").with_columns(pl.col("locationID").str.strip_chars().alias(KEY))
    terms = [name for name in every.columns if name in EVENT_TERMS and name != "locationID" and every[name].count()]
    known = every.drop_nulls(KEY).unique(KEY, keep="first", maintain_order=True).select(KEY, *terms)
    headings = {name: heading for table in sites for name, heading in table.headings.items()}
    names = {site: site.lower() for site in known[KEY]}
    for table in events:
        if "locationID" not in table.frame.columns:
            continue
        table.frame, answered = fill_from(table.frame, "locationID", known, (PLACE,))
        for name, rows in answered.items():
            if name in headings:
                table.headings.setdefault(name, headings[name])
            # A fault of what is filled, and of a place that the site itself lacks, is told of the site.
            table.covered.update((row, name) for row in rows)
        stations = table.frame.select("source_row", pl.col("locationID").str.strip_chars())
        for row, site in stations.drop_nulls().filter(~pl.col("locationID").is_in([*names])).iter_rows():
            near = process.extractOne(site.lower(), names, score_cutoff=_NEAR)
            params = {} if near is None else {"near": str(near[2])}
            findings.append(table.finding(row, table.heading("locationID"), site, "SITE_UNKNOWN", True, **params))


def fill_from(
    frame: pl.DataFrame, key: str, known: pl.DataFrame, groups: Sequence[Sequence[str]]
) -> tuple[pl.DataFrame, dict[str, list[int]]]:
    """Return rows with what others of their key tell and they do not, and by column the rows that these answer for.

    The others are known by `KEY`, each once. The terms of a group are taken whole or not at all.
    """
    others = known.with_columns(pl.lit(value=True).alias(" known"))
    keyed = frame.with_columns(pl.col(key).str.strip_chars().alias(KEY))
    joined = keyed.join(others, on=KEY, how="left", suffix=" told", maintain_order="left")
    columns, answered = [], {}
    for name in known.columns[1:]:
        told = pl.col(f"{name} told" if name in frame.columns else name)
        group = next((terms for terms in groups if name in terms), ())
        silent = [is_nothing(term) for term in group or (name,) if term in frame.columns]
        answers = pl.all_horizontal(pl.lit(value=True), *silent) & (pl.col(" known") if group else told.is_not_null())
        answered[name] = joined.filter(answers)["source_row"].to_list()
        columns.append(pl.when(answers & told.is_not_null()).then(told).otherwise(column(frame, name)).alias(name))
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
        told = column(frame, "eventDate")
        days = frame.select(station, first=told.str.slice(0, 10), last=told.str.split("/").list.last().str.slice(0, 10))
        several = pl.col("station").is_duplicated() & pl.col("first").is_not_null()
        event = pl.when(several).then(pl.concat_str("station", "first", separator=" ")).otherwise("station")
        known.append(days.with_columns(eventID=event))
        _identify(table, known[-1])
    of_stations = pl.concat(known).drop_nulls("station")
    for table in records:
        rows = table.frame.select(
            "source_row", station, column(table.frame, "eventDate").str.strip_chars().alias("day")
        )
        day = dates.parse_dates(rows["day"], today=ANY_DAY)["event_date"].str.slice(0, 10)
        there = rows.with_columns(day.alias("day")).join(of_stations, on="station", how="left", maintain_order="left")
        within = pl.col("eventID").filter(pl.col("day").is_between("first", "last")).first()
        event = pl.coalesce(within, pl.col("eventID").first(), pl.col("station").first())
        _identify(table, there.group_by("source_row", maintain_order=True).agg(event.alias("eventID")))


def _identify(table: SurveyTable, rows: pl.DataFrame) -> None:
    table.frame = table.frame.with_columns(rows["eventID"])
    table.headings["eventID"] = table.heading("locationID")
