"""Submissions as events, and what was seen as records, each with what its submission tells of place and date."""

from collections.abc import Iterator
from typing import Final

import polars as pl

from biodata.errors import Refusal
from biodata.ingest.camera_traps import why_left_out
from biodata.ingest.event_core import DATE, PLACE
from biodata.ingest.kobo.mapping import TAXA, Columns
from biodata.ingest.kobo.submissions import EVENT, PLACE_IN_PARENT, Form
from biodata.ingest.protocol import Finding
from biodata.terms import EVENT_TERMS

_DAY: Final = r"^\d{4}-\d{2}-\d{2}"
_NO: Final = ("0", "0.0", "false", "no")
_BOUNDS: Final = {"decimalLatitude": 90, "decimalLongitude": 180}


def event_rows(form: Form, columns: Columns, design: str | None) -> pl.DataFrame:
    """Return the submissions of a sheet as events.

    Parameters
    ----------
    form : Form
        n submissions.
    columns : Columns
        What its columns mean.
    design : str, optional
        The design that was declared.

    Returns
    -------
    polars.DataFrame of n rows
        `source_file`, `source_sheet`, `source_row`, `eventID` and terms of events.
    """
    named = {heading: term for heading, term in columns.named.items() if term in EVENT_TERMS and term != "eventID"}
    frame = _terms(form, columns, named)
    if not set(DATE) & set(frame.columns):
        frame = frame.with_columns(_of_device(form).alias("eventDate"))
    if design is not None and "design" not in frame.columns:
        frame = frame.with_columns(pl.lit(design).alias("design"))
    return frame.drop(PLACE_IN_PARENT, strict=False)


def record_rows(form: Form, columns: Columns) -> pl.DataFrame:
    """Return what a sheet's rows name as records; of a question with several answers each answer is one.

    Returns
    -------
    polars.DataFrame of m rows
        `source_file`, `source_sheet`, `source_row`, `occurrenceID`, `eventID` and terms.
    """
    taxon = columns.taxon
    if taxon is None:
        return pl.DataFrame()
    own = columns.named if form.parent is not None else {
        heading: term for heading, term in columns.terms.items() if term not in EVENT_TERMS
    }  # fmt: skip
    named = {heading: term for heading, term in own.items() if term not in ("eventID", "occurrenceID")}
    frame = _terms(form, columns, named)
    begin = (
        [pl.col("eventID")] if form.parent is None else [pl.col("eventID"), pl.lit(form.sheet), pl.col(PLACE_IN_PARENT)]
    )
    frame = frame.with_columns(pl.concat_str(begin, separator=":").alias("occurrenceID"))
    term = columns.terms[taxon]
    if taxon in columns.choices:
        # What was not chosen is 0 or empty; what was is 1, true, x or the answer's label, as the form was exported.
        parts, any_ = [], pl.repeat(value=False, n=frame.height, eager=True)
        for heading, label in columns.choices[taxon]:
            cell = form.frame[heading].str.strip_chars().str.to_lowercase()
            chosen = (~cell.is_in(["", *_NO])).fill_null(value=False)
            any_ |= chosen
            parts.append(
                frame.filter(chosen).with_columns(pl.lit(label).alias(term), pl.col("occurrenceID") + f":{label}")
            )
        # An export may leave the columns of the answers empty: then the question tells what was seen.
        parts.append(frame.filter(~any_ & pl.col(term).is_not_null()))
        # As the rows came, and each one's answers in the order of the form.
        frame = pl.concat(parts).sort("source_row", maintain_order=True)
    else:
        names = [name for name in dict.fromkeys(columns.terms.values()) if name in TAXA and name in frame.columns]
        frame = frame.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in names))
    return frame.drop(PLACE_IN_PARENT, strict=False)


def with_events(records: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Fill what a record does not tell from its submission; a place and a date are taken whole or not at all.

    Where the submission has a design, that tells who observed: a camera, or people.
    """
    told = events.drop("source_file", "source_sheet", "source_row", strict=False).unique(
        "eventID", keep="first", maintain_order=True
    )
    joined = records.join(told, on="eventID", how="left", suffix=" of the event", maintain_order="left")
    silent = {
        group: pl.all_horizontal(
            pl.lit(value=True), *(pl.col(name).is_null() for name in group if name in records.columns)
        )
        for group in (PLACE, DATE)
    }
    filled = []
    for name in (column for column in told.columns if column != "eventID"):
        group = next((group for group in silent if name in group), None)
        theirs = pl.col(f"{name} of the event") if name in records.columns else pl.col(name)
        value = theirs if group is None else pl.when(silent[group]).then(theirs)
        filled.append((pl.coalesce(name, value) if name in records.columns else value).alias(name))
    joined = joined.with_columns(filled).drop(
        f"{name} of the event" for name in told.columns if name in records.columns and name != "eventID"
    )
    if "basisOfRecord" in joined.columns:
        return joined
    of_people = pl.lit("HumanObservation")
    if "design" in joined.columns:
        of_people = pl.when(pl.col("design").is_null()).then(of_people)
    return joined.with_columns(of_people.alias("basisOfRecord"))


def without_people(records: pl.DataFrame, file: str, column: str | None) -> tuple[pl.DataFrame, list[Refusal]]:
    """Return the records without those of people, and a refusal of each of these that does not tell who."""
    people = pl.any_horizontal(
        pl.lit(value=False),
        *(why_left_out(pl.col(name)) == "PERSON_LEFT_OUT" for name in TAXA if name in records.columns),
    ).fill_null(value=False)
    message = "it tells of a person: people are never taken in"
    refusals = [
        Refusal(file, row, column, None, "PERSON_LEFT_OUT", message) for row in records.filter(people)["source_row"]
    ]
    return records.filter(~people), refusals


def findings(form: Form, columns: Columns) -> Iterator[Finding]:
    """Yield the cells of places that lie outside the world, each by its heading."""
    places = {heading: term for point in columns.points for heading, term in point.items()} | columns.terms
    for heading, term in places.items():
        if term not in _BOUNDS:
            continue
        number = form.frame[heading].str.strip_chars().cast(pl.Float64, strict=False)
        outside = (number.abs() > _BOUNDS[term]).fill_null(value=False)
        for row, value in form.frame.filter(outside).select("source_row", heading).iter_rows():
            bound = {"bound": str(_BOUNDS[term]), "term": term}
            yield Finding(form.file, form.sheet, row, heading, value, "COORDINATE_OUT_OF_RANGE", True, bound)


def _terms(form: Form, columns: Columns, named: dict[str, str]) -> pl.DataFrame:
    """Return a sheet's rows under terms; of several columns of one term the first that is filled counts."""
    by_term: dict[str, list[str]] = {}
    for heading, term in named.items():
        by_term.setdefault(term, []).append(heading)
    number = [PLACE_IN_PARENT] if PLACE_IN_PARENT in form.frame.columns else []
    of_point = {heading for point in columns.points for heading in point}
    frame = form.frame.select(
        pl.lit(form.file).alias("source_file"),
        pl.lit(form.sheet, pl.String).alias("source_sheet"),
        "source_row",
        pl.col(EVENT).alias("eventID"),
        *number,
        *(pl.coalesce(headings).alias(term) for term, headings in by_term.items()),
    )
    radius = [heading for heading, term in named.items() if term == "coordinateUncertaintyInMeters"]
    if radius and set(radius) <= of_point:
        # A place that was set on the map has the precision 0: nothing is told of it.
        told = pl.col("coordinateUncertaintyInMeters")
        frame = frame.with_columns(
            pl.when(told.cast(pl.Float64, strict=False) != 0).then(told).alias(told.meta.output_name())
        )
    if of_point & set(named) and "geodeticDatum" not in frame.columns:
        placed = pl.col("decimalLatitude").is_not_null()
        frame = frame.with_columns(pl.when(placed).then(pl.lit("WGS84")).alias("geodeticDatum"))
    return frame


def _of_device(form: Form) -> pl.Series:
    """Return the day that the device tells, where no question asks for the date."""
    told = [
        pl.col(name).str.strip_chars().str.extract(f"({_DAY[1:]})")
        for name in ("today", "start")
        if name in form.headings
    ]
    return (
        form.frame.select(pl.coalesce(*told) if told else pl.lit(None, pl.String).alias("day")).to_series()
        if told
        else pl.Series("day", [None] * form.frame.height, dtype=pl.String)
    )
