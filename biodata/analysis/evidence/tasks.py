"""What to look for on the other side: species of a region that count on one side of the border alone."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely

from biodata import geo, places
from biodata.analysis.evidence import counting
from biodata.analysis.evidence.effort import NO_EFFORT, STATES, Strictest, category_of, effort
from biodata.analysis.evidence.two_sided import reasons, two_sided
from biodata.analysis.grid import equal_area_grid
from biodata.vocabularies import SharingCategory

if TYPE_CHECKING:
    from biodata.places import BoundarySet

TASKS: Final = pl.Schema(
    [
        ("species", pl.String),
        ("iucnRedListCategory", pl.String),
        ("recorded_in", pl.List(pl.String)),
        ("survey_in", pl.String),
        ("records_counting", pl.Int64),
        ("doubtful_there", pl.Int64),
        ("area_km2", pl.Float64),
        ("cells", pl.Int64),
        ("cells_visited", pl.Int64),
        ("cells_without_effort", pl.Int64),
        ("looked_for", pl.Int64),
        ("nights", pl.Float64),
        ("why", pl.String),
        ("sharing_category", pl.String),
        ("geometry", pl.Binary),
    ]
)
"""One row a species and a country without a record that counts. `area_km2` and `geometry` (WKB) are of the habitat or
corridor there; `doubtful_there` are records there that do not count; cells are those of the effort grid."""


def survey_tasks(
    counted: counting.Counted,
    sides: list[tuple[str, ...]],
    *,
    region: shapely.Geometry,
    boundaries: "BoundarySet",
    habitat: shapely.Geometry | None = None,
    cell_m: float = 5_000.0,
    events: pl.DataFrame | None = None,
    strictest: Strictest | None = None,
    threatened: counting.Counted | None = None,
) -> pl.DataFrame:
    """Turn one-sided evidence into tasks for a survey on the other side.

    Parameters
    ----------
    counted : Counted
        Of all species; tasks are made of the threatened ones.
    sides : list of tuple of str
        The country codes of each side.
    region : shapely geometry
        Corridor or candidate, degrees, WGS 84.
    boundaries : BoundarySet
    habitat : shapely geometry, optional
        Where in the region the species may live, degrees; all of the region where it is not given.
    cell_m : float
        Side of the cells in which effort is counted, metres.
    events : polars.DataFrame of effort.EVENTS, optional
    strictest : callable, optional
        Tells the strictest sharing category of records; without it tasks are withheld.
    threatened : Counted, optional
        `counted.threatened()`, where it is at hand.

    Returns
    -------
    polars.DataFrame of TASKS
        By species and country. The reason tells no place.
    """
    near = counted.inside(region)
    looked_for = (threatened or counted.threatened()).inside(region)
    found = two_sided(looked_for, sides)
    ground = region if habitat is None else shapely.intersection(region, habitat)
    west, south, east, north = shapely.bounds(region)
    grid = equal_area_grid((west, south, east, north), cell_m)
    located = places.locate(
        looked_for["decimalLongitude"].to_numpy().copy(), looked_for["decimalLatitude"].to_numpy().copy(), boundaries
    )["located_country_code"]
    doubtful = looked_for.with_columns(located=located).filter(pl.col("why_not").is_not_null())
    inside = counting.Counted(near, counted.facts, counted.places[:0], shapely.STRtree([]))
    # The target group is that of a species' class, so species of one class share most of the work; there are few.
    rows: list[dict[str, Any]] = []
    for one in found.one_sided:
        species, there = str(one["species"]), [str(code) for code in _listed(one["recorded_in"])]
        known = effort(
            inside, species, grid=grid, boundaries=boundaries, region=region, events=events, strictest=strictest
        )
        for code in (str(code) for code in _listed(one["survey_in"])):
            land = shapely.intersection(ground, places.country_geometry(code, boundaries))
            cells = known.cells.filter(pl.col("country_code") == code)
            states = dict.fromkeys(STATES, 0) | dict(cells["state"].value_counts().iter_rows())
            kept = doubtful.filter(pl.col("species") == species, pl.col("located") == code)
            n = sum(found.by_country[country][species] for country in there)
            rows.append(
                {
                    "species": species,
                    "iucnRedListCategory": _category(looked_for, species),
                    "recorded_in": there,
                    "survey_in": code,
                    "records_counting": n,
                    "doubtful_there": kept.height,
                    "area_km2": float(geo.area_km2(np.array([land], dtype=object))[0]),
                    "cells": cells.height,
                    "cells_visited": int((cells["visits"] > 0).sum()),
                    "cells_without_effort": states[NO_EFFORT],
                    "looked_for": int(cells["looked_for"].sum()),
                    "nights": float(cells["nights"].sum()),
                    "why": _why(n, there, code, reasons(kept), cells, states[NO_EFFORT]),
                    "sharing_category": _strictest(known.sharing_category, looked_for, species, strictest),
                    "geometry": shapely.to_wkb(land),
                }
            )
    return pl.DataFrame(rows, schema=TASKS).sort("species", "survey_in")


def _why(n: int, there: list[str], code: str, left_out: dict[str, int], cells: pl.DataFrame, without: int) -> str:
    """Say why a species is to be looked for; in words and counts, no place."""
    told = [f"{n} record{'s' if n > 1 else ''} count{'' if n > 1 else 's'} in {' and '.join(there)}, none in {code}"]
    if left_out:
        total = sum(left_out.values())
        parts = ", ".join(f"{count}: {reason}" for reason, count in left_out.items())
        told.append(f"{total} there {'do' if total > 1 else 'does'} not count ({parts})")
    if not cells.height:
        told.append("no cell of the region lies there")
    else:
        told.append(f"{without} of {cells.height} cells there have no effort for its kind")
    looked = int(cells["looked_for"].sum())
    told.append(
        f"it was looked for {looked} times without a record" if looked else "nothing says that it was looked for there"
    )
    return "; ".join(told) + "."


def _strictest(known: str, threatened: pl.DataFrame, species: str, strictest: Strictest | None) -> str:
    """Return the stricter category of what effort read and the species' own records."""
    own = category_of(threatened.filter(pl.col("species") == species), strictest)
    return str(max(SharingCategory(known), SharingCategory(own), key=lambda category: category.strictness))


def _category(threatened: pl.DataFrame, species: str) -> str | None:
    """Return the Red List category that a species' records tell."""
    told = threatened.filter(pl.col("species") == species)["iucnRedListCategory"].drop_nulls().unique().sort()
    return str(told[0]) if len(told) else None


def _listed(value: object) -> list[Any]:
    """Return a list that is typed as an object."""
    return list(value) if isinstance(value, list) else []
