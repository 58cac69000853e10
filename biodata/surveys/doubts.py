"""What no single cell tells: rows that stand twice, counts beyond reason, places far from the others, and what an event lacks.

Nothing of it blocks: each may be right, and a person is asked to look.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from rapidfuzz import process

from biodata.analysis.scopes import unclear
from biodata.ingest.protocol import Finding
from biodata.parsers import zones
from biodata.parsers.reference_list import reference_list
from biodata.places.gazetteer import on_sphere
from biodata.surveys.cell_checks import Rows

_MANY, _TIMES_MANY = 100, 50
"""A count beyond reason is so great, and so many times what 95 of 100 rows of its table count."""
_LEAST_ROWS: Final = 5
_LEAST_PLACES: Final = 3
_FAR_M, _TIMES_FAR = 50_000.0, 20.0
"""A place is far beyond so many metres, and so many times what lies between the others: the second nearest place counts."""
_STEP_DEGREES: Final = 0.01
FAR: Final = "PLACE_FAR_FROM_OTHERS"
OF_A_WRONG_PLACE: Final = frozenset(
    "COUNTRY_COORDINATE_MISMATCH PROVINCE_COORDINATE_MISMATCH PRESUMED_SWAPPED_COORDINATE PRESUMED_NEGATED_LATITUDE "
    "PRESUMED_NEGATED_LONGITUDE ZERO_COORDINATE LAND_TAXON_AT_SEA MARINE_TAXON_ON_LAND PLACE_AT_SEA COLUMNS_SWAPPED".split()
)
"""What says already of a row that its place is wrong."""
_PLACES: Final = ("decimalLatitude", "verbatimCoordinates", "verbatimLatitude")
_TIMES: Final = ("eventTime", "eventDate", "verbatimEventDate")
_NEAR: Final = 80


def repeated(rows: Rows) -> Iterator[Finding]:
    """Tell rows in which every cell is as in an earlier one, where they tell a place of their own or a time of day.

    Of animals at one station on one day several may be alike; an identifier says that two records are two.
    """
    table, frame = rows.table, rows.table.frame
    if "occurrenceID" in frame.columns:
        return
    column, clock = next(iter(table.headings)), re.compile(r"\d[:.]\d\d")
    for row, before in table.repeats.items():
        own = rows.own[row]
        placed = any(own.get(name) is not None and (row, name) not in table.covered for name in _PLACES)
        if placed or any(clock.search(own.get(name) or "") for name in _TIMES):
            yield rows.finding(row, column, "ROW_REPEATED", blocking=False, other_row=str(before))


def counts(rows: Rows, read: pl.DataFrame) -> Iterator[Finding]:
    """Tell counts of individuals that are beyond reason beside the others of their table; `read` has the interpreted rows."""
    told = read.select("source_row", "individualCount").drop_nulls()
    if told.height < _LEAST_ROWS:
        return
    usual = told["individualCount"].quantile(0.95, "lower") or 1
    for row, count in told.filter(pl.col("individualCount") > max(_MANY, _TIMES_MANY * usual)).iter_rows():
        if rows.own[row].get("individualCount") is not None:
            yield rows.finding(
                row,
                "individualCount",
                "INDIVIDUAL_COUNT_UNLIKELY",
                blocking=False,
                usual=f"{usual:g}",
                count=str(count),
            )


def far(parts: Sequence[tuple[Rows, pl.DataFrame]]) -> Iterator[Finding]:
    """Tell places of a survey's own rows that lie far from all others of the survey.

    Parameters
    ----------
    parts : sequence of (Rows, polars.DataFrame)
        Tables, and their interpreted rows.
    """
    step = [(pl.col(name) / _STEP_DEGREES).round() for name in ("decimalLongitude", "decimalLatitude")]
    placed = [
        read.select("source_row", x=step[0], y=step[1]).drop_nulls(["x", "y"]).with_columns(part=pl.lit(number))
        for number, (_, read) in enumerate(parts)
    ]
    every = pl.concat(placed) if placed else pl.DataFrame()
    cells = every.select("x", "y").unique() if every.height else every
    if cells.height < _LEAST_PLACES:
        return
    from scipy.spatial import cKDTree

    points = on_sphere(*(cells[name].to_numpy() * _STEP_DEGREES for name in ("x", "y")))
    # Of a few places, one that is wrong is the second nearest of all.
    neighbour = 3 if cells.height >= _LEAST_ROWS else 2
    metres = np.asarray(cKDTree(points).query(points, k=[neighbour])[0])[:, 0]
    cells = cells.with_columns(metres=pl.Series(metres))
    limit = max(_FAR_M, _TIMES_FAR * float(np.median(metres)))
    lonely = every.join(cells.filter(pl.col("metres") > limit), on=["x", "y"])
    for row, number, distance in lonely.select("source_row", "part", "metres").iter_rows():
        rows = parts[number][0]
        column = next((name for name in _PLACES if rows.own[row].get(name) is not None), None)
        if column is not None and (row, column) not in rows.table.covered:
            yield rows.finding(row, column, FAR, blocking=False, km=f"{distance / 1000:.0f}")


def of_events(rows: Rows, read: pl.DataFrame) -> Iterator[Finding]:
    """Tell deployments of one camera that overlap, zones that are none of their place, and words of scopes that are no taxon.

    Parameters
    ----------
    rows : Rows
        Events as they came.
    read : polars.DataFrame
        The same as of `event_checks.read_events`.
    """
    last: dict[str, tuple[date, str | None]] = {}
    for row, camera, site, start, end in (
        read.sort("event_start").select("source_row", "camera_id", "locationID", "event_start", "event_end").iter_rows()
    ):
        if camera is None or start is None:
            continue
        until, where = last.get(camera, (date.min, None))
        if start.date() < until and where == site:
            yield rows.finding(row, "cameraID", "CAMERA_DEPLOYMENTS_OVERLAP", blocking=False)
        last[camera] = (end.date(), site)
    for row, zone, codes, start in read.select("source_row", "time_zone", "country_codes", "event_start").iter_rows():
        own = rows.own[row].get("timeZone")
        names = [zones.COUNTRY_ZONES[code].name for code in codes or () if code in zones.COUNTRY_ZONES]
        if own is None or zone is None or start is None or not names or len(names) < len(codes):
            continue
        day, clock = start.date(), start.strftime("%H:%M")
        offsets = {zones.offset_at(name, day, clock) for name in names}
        told = zone if zones.OFFSET.fullmatch(zone) else zones.offset_at(zone, day, clock)
        if told not in offsets:
            yield rows.finding(row, "timeZone", "TIME_ZONE_NOT_OF_PLACE", blocking=False, proposal=" / ".join(names))
    scopes = read.select("source_row", "targetTaxonomicScope").drop_nulls()
    _, unknown = unclear(scopes["targetTaxonomicScope"], read.select(scientificName=pl.lit(None, pl.String)).clear())
    groups = sorted(reference_list().group_ranks) if unknown else []
    near = {word: process.extractOne(word, groups, score_cutoff=_NEAR) for word in unknown}
    for row, words in scopes.iter_rows():
        for word in [word for word in words if word in near]:
            meant = near[word]
            yield rows.finding(row, "targetTaxonomicScope", "SCOPE_WORD_UNKNOWN", blocking=False, name=word,
                               **({"proposal": meant[0]} if meant else {}))  # fmt: skip
