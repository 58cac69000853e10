"""Rows of the tables that state corridors."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from biodata.analysis import adjacency, links
from biodata.analysis import areas as areas_of
from biodata.analysis.barriers import Restored
from biodata.analysis.corridor_parameters import CorridorParameters
from biodata.analysis.grid import Grid
from biodata.core import geo, terms

if TYPE_CHECKING:
    from biodata.places import BoundarySet

NAMES: Final = ("corridor_id", "from_area_id", "to_area_id", "from_name", "to_name")
_PLAIN: Final = MappingProxyType(
    dict.fromkeys(NAMES, "object")
    | {"functional": "bool"}
    | dict.fromkeys(
        ("least_cost", "euclidean_m", "path_length_m", "cost_ratio", "cost_per_path_m", "width_m", "narrowest_m",
         "area_km2", "cut_cost"), "float64",
    )
    | {"cells": "Int64", "strands": "Int64"}
    | dict.fromkeys(("mean_resistance", "habitat_share", "nodata_share"), "float64")
    | {"raster_large_enough": "boolean", "through": "object", "notes": "object"}
)  # fmt: skip
_OF_PATH: Final = (*NAMES, "least_cost", "euclidean_m", "path_length_m", "cost_ratio", "cost_per_path_m", "through")


def evidence_row(
    number: int, first: areas_of.Site, second: areas_of.Site, link: links.Link, grid: Grid,
    parameters: CorridorParameters, boundaries: "BoundarySet", best_resistance: float | None, through: list[str],
) -> dict[str, Any]:  # fmt: skip
    """Return one row of terms.CORRIDOR, its geometries in degrees; its evidence tells no place."""
    straight = shapely.get_coordinates(shapely.shortest_line(first.shape, second.shape))
    (lon1, lat1), (lon2, lat2) = geo.project(straight, grid.crs, 4326)
    euclidean_m = float(geo.geodesic_distance_m(lon1, lat1, lon2, lat2))
    notes = [*link.notes]
    for site in (first, second):
        if site.spill_km2 >= 0.005:
            notes.append(
                f"{site.name} holds {site.spill_km2:.2f} km² of another country on this boundary set: "
                "a disagreement between maps, left out."
            )
    if euclidean_m <= boundaries.band_m:
        notes.append("The gap lies within the boundary set's band: on other maps the two areas may touch.")
    notes += _grid_notes(link, euclidean_m, grid)
    evidence = {
        "parameters": parameters.to_dict(),
        "grid": {
            "system": grid.crs.coordinate_operation.method_name if grid.crs.coordinate_operation else grid.crs.name,
            "cell_m": grid.cell_m,
            "rows": grid.shape[0],
            "columns": grid.shape[1],
        },
        "boundaries": boundaries.named(),
        "best_resistance": best_resistance,
        "through": through,
        **link.facts,
        "notes": notes,
    }
    row: dict[str, Any] = {column.name: None for column in terms.CORRIDOR}
    row |= {
        **_named(number, first, second),
        "country_codes": sorted({*first.country_codes, *second.country_codes}),
        "functional": link.functional,
        "least_cost": link.least_cost,
        "euclidean_m": euclidean_m,
        "evidence": json.dumps(evidence, ensure_ascii=False),
        "sharing_category": "open",
    }
    if link.line is not None and link.least_cost is not None and link.narrowest_at is not None:
        line, polygon, place = (
            geo.project(shape, grid.crs, 4326) for shape in (link.line, link.polygon, shapely.Point(*link.narrowest_at))
        )
        row |= {
            "path_length_m": link.path_length_m,
            "cost_ratio": link.least_cost / euclidean_m if euclidean_m > 0 else None,
            "cost_per_path_m": link.cost_per_path_m,
            "width_m": link.width_m,
            "narrowest_m": link.narrowest_m,
            "narrowest_longitude": place.x,
            "narrowest_latitude": place.y,
            "area_km2": areas_of.km2(polygon),
            "path": shapely.to_wkb(line),
            "geometry": shapely.to_wkb(polygon),
        }
    return row


def plain_row(
    number: int, first: areas_of.Site, second: areas_of.Site, link: links.Link, grid: Grid, through: list[str]
) -> dict[str, Any]:
    """Return one row of what `corridors.least_cost` tells of a pair, without its geometries.

    Lengths are measured in the grid's own system, as the costs are; the area is that on the ellipsoid.
    """
    euclidean_m = float(shapely.distance(first.shape, second.shape))
    notes = [*link.notes, *_grid_notes(link, euclidean_m, grid)]
    if through and link.functional:
        notes.append(f"The cheapest path leads through {', '.join(through)}.")
    could_change = link.facts.get("could_leave_raster")
    return {
        **_named(number, first, second),
        "functional": link.functional,
        "least_cost": link.least_cost,
        "euclidean_m": euclidean_m,
        "path_length_m": link.path_length_m,
        "cost_ratio": link.least_cost / euclidean_m if link.least_cost is not None and euclidean_m > 0 else None,
        "cost_per_path_m": link.cost_per_path_m,
        "width_m": link.width_m,
        "narrowest_m": link.narrowest_m,
        "area_km2": None if link.polygon is None else areas_of.km2(geo.project(link.polygon, grid.crs, 4326)),
        "cut_cost": link.facts.get("cut_cost"),
        "cells": link.facts.get("cells"),
        "strands": link.facts.get("strands"),
        "mean_resistance": link.facts.get("mean_resistance"),
        "habitat_share": link.facts.get("habitat_share"),
        "nodata_share": link.facts.get("nodata_share"),
        "raster_large_enough": None if could_change is None else not could_change,
        "through": "; ".join(through) if link.functional else None,
        "notes": " ".join(notes),
    }


def geodataframes(
    rows: list[dict[str, Any]], measured: list[links.Link], grid: Grid
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return corridors as polygons, paths as lines and narrowest places as points, of `plain_row`s and their links."""
    table = pd.DataFrame(rows, columns=list(_PLAIN)).astype(_PLAIN)
    polygons = np.array([link.polygon for link in measured], dtype=object)
    corridors = gpd.GeoDataFrame(table, geometry=polygons, crs=grid.crs)
    linked = np.flatnonzero(table["functional"])
    lines = np.array([measured[k].line for k in linked], dtype=object)
    paths = gpd.GeoDataFrame(table.iloc[linked][list(_OF_PATH)].reset_index(drop=True), geometry=lines, crs=grid.crs)
    points = [shapely.Point(*(measured[k].narrowest_at or ())) for k in linked]
    narrowest = gpd.GeoDataFrame(
        table.iloc[linked][[*NAMES, "narrowest_m"]].reset_index(drop=True), geometry=points, crs=grid.crs
    )
    return corridors, paths, narrowest


def barrier_table(
    rows: list[dict[str, Any]],
    pairs: list[adjacency.Pair],
    restored: Mapping[adjacency.Pair, tuple[float | None, Restored]],
    grid: Grid,
) -> gpd.GeoDataFrame:
    """Return where restoring would help each pair most: those first that would get a way, then by score.

    Parameters
    ----------
    rows : list of dict
        `plain_row` of each pair.
    pairs : list of (int, int)
        The same pairs by their sites.
    restored : mapping of pair to (score, Restored)
        The best window of each pair that one would help; no score where there was no way before.
    grid : Grid

    Returns
    -------
    geopandas.GeoDataFrame
        The window's middle, radius and score, what it saves of the least cost as cost and share, and the least cost
        then. A pair that has no way without it has neither score nor saving.
    """
    found = []
    for row, pair in zip(rows, pairs, strict=True):
        if pair not in restored:
            continue
        score, window = restored[pair]
        saved = None if score is None else score * 2 * window.radius_m
        place = shapely.Point(grid.centres(np.array([window.row]), np.array([window.column]))[0])
        found.append(
            {name: row[name] for name in NAMES}
            | {"score": score, "radius_m": window.radius_m, "saved_cost": saved}
            | {"saved_share": None if saved is None else saved / row["least_cost"], "restored_cost": window.least_cost}
            | {"geometry": place}
        )
    found.sort(key=lambda one: (one["score"] is not None, -(one["score"] or 0.0), one["restored_cost"]))
    figures = ["score", "radius_m", "saved_cost", "saved_share", "restored_cost"]
    table = pd.DataFrame(found, columns=[*NAMES, *figures, "geometry"]).astype(dict.fromkeys(figures, "float64"))
    return gpd.GeoDataFrame(table, geometry="geometry", crs=grid.crs)


def _named(number: int, first: areas_of.Site, second: areas_of.Site) -> dict[str, str]:
    """Return the columns of `NAMES`."""
    return dict(zip(NAMES, (f"corridor-{number}", first.area_id, second.area_id, first.name, second.name), strict=True))


def _grid_notes(link: links.Link, euclidean_m: float, grid: Grid) -> list[str]:
    """Tell where the raster is too coarse or too small for a pair."""
    notes = []
    if 0 < euclidean_m < 2 * grid.cell_m:
        notes.append("The gap is less than two cells wide: cost, width and length tell the grid's coarseness as well.")
    if link.facts.get("could_leave_raster"):
        notes.append("Ground outside the raster could hold a way as cheap as this one: try a larger window.")
    return notes
