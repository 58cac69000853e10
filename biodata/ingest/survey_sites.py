"""Sites of a survey on a sheet of their own: each told once, and its place taken by the events that name it."""

from collections.abc import Sequence
from typing import Final

import polars as pl
from rapidfuzz import process

from biodata.ingest.protocol import Finding
from biodata.ingest.survey_shapes import SurveyTable
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
