"""Sites: events that share a locationID, on one side of a border or on both."""

from typing import Final

import polars as pl
from pyproj import Geod

from biodata.harmonise.event_cells import cells
from biodata.harmonise.findings import Findings

APART_M: Final = 2_000.0
"""Places of one site lie no farther apart, beyond what they are uncertain by: the ends of a transect are one site."""

_GEOD: Final = Geod(ellps="WGS84")
PLACE: Final = ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters")


def interpret(told: pl.DataFrame, placed: pl.DataFrame, ends: pl.DataFrame) -> Findings:
    """Compare the events of one table by their site and camera.

    Parameters
    ----------
    told : polars.DataFrame
        n rows: `locationID` and `cameraID`, where there are.
    placed : polars.DataFrame
        n rows: the place, degrees and metres.
    ends : polars.DataFrame
        n rows as of `event_times.ends_of`.

    Returns
    -------
    Findings of n rows
        `camera_id`.
    """
    site, camera = cells(told, "locationID", "cameraID").get_columns()
    frame = placed.select(PLACE).with_columns(
        site.alias("locationID"), camera.alias("camera"), ends["start"], ends["end"]
    )
    apart = pl.Series([number > 0 for number in _clusters(frame)], dtype=pl.Boolean)
    return Findings({"camera_id": camera}, {"SITE_PLACES_DISAGREE": apart, "CAMERA_AT_TWO_SITES": _at_two_sites(frame)})


def sites(events: pl.DataFrame) -> pl.DataFrame:
    """Return the site of each event, over all datasets and both sides of a border.

    Parameters
    ----------
    events : polars.DataFrame
        n rows with columns of `terms.EVENT`.

    Returns
    -------
    polars.DataFrame of n rows
        `event_key`; `site_key`, the same for events of the same site; `shared`, whether events of several sides have it.
        Events are of the same site where they share a locationID and lie near each other: S01 of one team and S01 of
        another, a hundred kilometres away, are two. An event without a locationID is a site of its own.
    """
    frame = events.sort("event_key")
    numbers = _clusters(frame)
    keys = [
        event if site is None else site if number == 0 else f"{site} #{number + 1}"
        for event, site, number in zip(frame["event_key"], frame["locationID"], numbers, strict=True)
    ]
    return (
        frame.select("event_key", "side", pl.Series("site_key", keys, dtype=pl.String))
        .with_columns(shared=pl.col("side").drop_nulls().n_unique().over("site_key") > 1)
        .select("event_key", "site_key", "shared")
    )


def _clusters(frame: pl.DataFrame) -> list[int]:
    """Return for each row which of the places of its locationID it lies at: 0 the first that is told, 1 another, and so on."""
    known: dict[str, list[tuple[float, float, float]]] = {}
    out = []
    for site, latitude, longitude, uncertainty in frame.select("locationID", *PLACE).iter_rows():
        if site is None or latitude is None or longitude is None:
            out.append(0)
            continue
        places = known.setdefault(site, [])
        radius = uncertainty or 0.0
        near = (
            at
            for at, (north, east, other) in enumerate(places)
            if _GEOD.inv(east, north, longitude, latitude)[2] <= APART_M + radius + other
        )
        number = next(near, len(places))
        if number == len(places):
            places.append((latitude, longitude, radius))
        out.append(number)
    return out


def _at_two_sites(frame: pl.DataFrame) -> pl.Series:
    """Tell which events have a camera that stood at another site at the same time; one may be moved within a day."""
    rows = frame.with_row_index("row").filter(
        pl.col("camera").is_not_null() & pl.col("locationID").is_not_null() & pl.col("start").is_not_null()
    )
    wrong: set[int] = set()
    for _, group in rows.group_by("camera", maintain_order=True):
        ordered = group.sort("start").select("row", "locationID", "start", "end").rows()
        for at, (row, site, _, end) in enumerate(ordered):
            for other, elsewhere, begins, _ in ordered[at + 1 :]:
                if begins.date() >= end.date():
                    break
                if elsewhere != site:
                    wrong |= {row, other}
    return pl.Series([row in wrong for row in range(frame.height)], dtype=pl.Boolean)
