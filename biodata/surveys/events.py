"""Sampling events and camera deployments, out of a table, the lake or a release, as effort is told from them."""

from pathlib import Path
from typing import Final

import polars as pl
import shapely

from biodata.analysis.evidence import EVENTS
from biodata.errors import InputError
from biodata.sharing.received import came_open
from biodata.store.lake import Lake
from biodata.vocabularies import SharingCategory

_HEADINGS: Final = {
    "eventID": ("eventID", "deploymentID"),
    "decimalLongitude": ("decimalLongitude", "longitude"),
    "decimalLatitude": ("decimalLatitude", "latitude"),
    "event_start": ("deploymentStart", "eventDate"),
    "event_end": ("deploymentEnd", "eventDate"),
    "scope": ("targetTaxonomicScope", "scope"),
    "excluded": ("excludedTaxonomicScope", "excluded"),
}
"""Headings of Camtrap DP's deployments, Darwin Core's events and the Humboldt extension."""


def of_lake(lake: Lake, *, scope: list[str] | None = None) -> pl.DataFrame:
    """Return the events of a lake, exactly as they are: what is made of them is for its maker, as with exact records.

    Parameters
    ----------
    lake : Lake
    scope : list of str, optional
        As `read_events` has it.

    Returns
    -------
    polars.DataFrame of EVENTS
        An event without records is effort like any other. A scope is told only where absence was reported: where a taxon
        was looked for and not everything found was written down, nobody knows that it was not there. Events without
        effort (cameras that never worked), and those that others are parts of, are left out; so are those that came as cells
        in an archive.
    """
    return _as_effort(came_open(lake.read("events")), scope)


def of_published(surveys: pl.DataFrame, *, scope: list[str] | None = None) -> pl.DataFrame:
    """Return the published events whose place is open; see `of_lake`.

    Parameters
    ----------
    surveys : polars.DataFrame of `terms.SURVEY`
        Of a release (`releases.read(release, "surveys")`). Events that records alone tell of have no effort, and where
        one is told as a cell nobody knows in which cell of the analysis somebody looked: neither plays a part.
    scope : list of str, optional
        As `read_events` has it.
    """
    shown = surveys.filter(pl.col("sharing_category") == SharingCategory.OPEN, pl.col("license").is_not_null())
    shapes = shapely.from_wkb(shown["geometry"].to_list())
    places = pl.DataFrame(
        [(None, None) if shape is None else (shape.centroid.x, shape.centroid.y) for shape in shapes],
        schema={"decimalLongitude": pl.Float64, "decimalLatitude": pl.Float64},
        orient="row",
    )
    return _as_effort(shown.hstack(places), scope)


def _as_effort(events: pl.DataFrame, scope: list[str] | None) -> pl.DataFrame:
    """Return events of the lake, or published ones, in the form in which effort is counted."""
    upper = events.select("datasetKey", eventID="parentEventID").drop_nulls().unique()
    single = events.join(upper, on=["datasetKey", "eventID"], how="anti", maintain_order="left")
    told = single.filter(pl.col("effort_value").is_null() | (pl.col("effort_value") > 0)).sort("datasetKey", "eventID")
    declared = pl.when("isAbsenceReported").then("targetTaxonomicScope")
    return told.select(
        pl.format("{}:{}", "datasetKey", "eventID").alias("eventID"),
        "decimalLongitude",
        "decimalLatitude",
        pl.col("event_start").cast(pl.Date),
        pl.col("event_end").cast(pl.Date),
        declared.fill_null(pl.lit(scope, dtype=pl.List(pl.String))).alias("scope"),
        excluded="excludedTaxonomicScope",
    ).cast(EVENTS)


def read_events(path: Path, *, scope: list[str] | None = None) -> pl.DataFrame:
    """Read events.

    Parameters
    ----------
    path : Path
        CSV in UTF-8: Camtrap DP's `deployments.csv`, or a Darwin Core event table. Dates are ISO 8601; of a time only the
        day is read.
    scope : list of str, optional
        Taxa that were looked for at every event whose row does not tell its scope. A camera trap does not look for
        frogs: only what is named here, or in the table, can ever be absent.

    Returns
    -------
    polars.DataFrame of EVENTS
        `scope` is null where it is not declared.

    Raises
    ------
    InputError
        If a column that is needed is missing, or a value cannot be read; it names file, row, column and value.
    """
    try:
        table = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        problem = "the events cannot be read as CSV"
        raise InputError(problem, file=path.name, value=str(error)[:200], code="FILE_UNREADABLE") from error
    found = {name: next((h for h in headings if h in table.columns), None) for name, headings in _HEADINGS.items()}
    for name in ("eventID", "decimalLongitude", "decimalLatitude", "event_start"):
        if found[name] is None:
            problem = "a column is missing"
            raise InputError(problem, file=path.name, column=" or ".join(_HEADINGS[name]), code="COLUMN_MISSING")
    columns = {name: pl.col(heading) for name, heading in found.items() if heading is not None}
    dates = {"event_start": "first", "event_end": "last"}
    out = table.select(
        columns["eventID"].alias("eventID"),
        *(columns[name].str.strip_chars().cast(pl.Float64, strict=False).alias(name) for name in EVENTS.names()[1:3]),
        *(
            getattr(columns.get(name, columns["event_start"]).str.split("/").list, end)()
            .str.slice(0, 10)
            .str.to_date("%Y-%m-%d", strict=False)
            .alias(name)
            for name, end in dates.items()
        ),
        *(
            (
                columns[name].str.split("|").list.eval(pl.element().str.strip_chars())
                if name in columns
                else pl.lit(None)
            )
            .cast(pl.List(pl.String))
            .alias(name)
            for name in ("scope", "excluded")
        ),
    )
    _check(out, table, {name: heading for name, heading in found.items() if heading is not None}, path)
    if scope:
        out = out.with_columns(pl.col("scope").fill_null(pl.lit(scope, dtype=pl.List(pl.String))))
    return out.select(EVENTS.names())


def _check(out: pl.DataFrame, table: pl.DataFrame, headings: dict[str, str], path: Path) -> None:
    """Refuse a table with a value that is told and cannot be read."""
    expected = {
        "decimalLongitude": "degrees, -180 to 180", "decimalLatitude": "degrees, -90 to 90",
        "event_start": "an ISO 8601 date", "event_end": "an ISO 8601 date",
    }  # fmt: skip
    limits = {"decimalLongitude": 180.0, "decimalLatitude": 90.0}
    for name, right in expected.items():
        heading = headings.get(name)
        if heading is None:
            continue
        unread = out[name].is_null() & table[heading].is_not_null()
        if name in limits:
            unread |= (out[name].abs() > limits[name]).fill_null(value=False)
        if unread.any():
            row = int(unread.arg_max() or 0)
            problem = "a value cannot be read"
            raise InputError(
                problem, file=path.name, row=row + 2, column=heading, value=table[heading][row], expected=right,
                code="VALUE_INVALID",
            )  # fmt: skip
