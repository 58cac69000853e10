"""What a layer tells of some ground: people, settlements or roads on it, or what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely

from biodata import geo
from biodata.analysis.areas import km2
from biodata.analysis.grid import Floats, equal_area_grid
from biodata.analysis.layer_reading import LayerFile, read_cells, read_features
from biodata.analysis.rasters import cells_inside
from biodata.errors import InputError

THEMES: Final = ("population", "settlements", "roads")
"""Layers that tell of human pressure, the first that there is being the one that is used: several in one number would
need weights that nobody sees."""
LEAST_KNOWN: Final = 0.95
"""Share of the cells on some ground that a cost layer must know."""
_UNITS: Final = {"population": "people per km²", "settlements": "settlements per 100 km²", "roads": "km per km²"}


@dataclass(frozen=True, slots=True)
class Measured:
    """What a layer tells of some ground.

    Attributes
    ----------
    value : float, optional
        None where it tells nothing.
    input : dict
        The numbers that it was made from.
    """

    value: float | None
    input: dict[str, Any]


def chosen(layers: Sequence[LayerFile]) -> LayerFile | None:
    """Return the layer that tells of human pressure in a run; None where there is none."""
    ordered = [layer for theme in THEMES for layer in layers if layer.theme == theme]
    return ordered[0] if ordered else None


def human_pressure(polygon: shapely.Geometry, layer: LayerFile | None) -> Measured:
    """Measure human pressure on some ground.

    Parameters
    ----------
    polygon : shapely geometry
        Degrees, WGS 84.
    layer : LayerFile, optional
        As `chosen` gives it.

    Returns
    -------
    Measured
        People per km², settlements per 100 km², or kilometres of road per km².
    """
    if layer is None:
        return Measured(None, {"layer": None})
    area_km2 = km2(polygon)
    theme = layer.theme or ""
    told = {"layer": layer.name, "theme": theme, "unit": _UNITS[theme], "sha256": layer.sha256}
    found = sum_of_cells(polygon, layer) if layer.form == "raster" else _length_or_count(polygon, layer)
    if found is None or area_km2 <= 0:
        return Measured(None, told | {"amount": None})
    per_km2 = found / area_km2
    value = 100 * per_km2 if theme == "settlements" else per_km2
    return Measured(round(value, 6), told | {"amount": round(found, 6), "area_km2": round(area_km2, 6)})


def cost_by_layer(polygon: shapely.Geometry, layer: LayerFile) -> Measured:
    """Return what some ground costs by a layer: the sum of its cells there.

    Parameters
    ----------
    polygon : shapely geometry
        Degrees, WGS 84.
    layer : LayerFile
        A raster of quantities.

    Returns
    -------
    Measured
        None where the layer knows less than `LEAST_KNOWN` of the ground: what is not known would count as free.
    """
    found, within = _cells_on(polygon, layer)
    known = found[np.isfinite(found)]
    share = within * known.size / found.size if found.size else 0.0
    told: dict[str, Any] = {
        "layer": layer.name, "sha256": layer.sha256, "cells": int(found.size), "known_share": round(share, 6),
        "least_known_share": LEAST_KNOWN,
    }  # fmt: skip
    if share < LEAST_KNOWN:
        return Measured(None, told)
    return Measured(round(float(known.sum()), 6), told)


def sum_of_cells(polygon: shapely.Geometry, layer: LayerFile) -> float | None:
    """Return the sum of a raster's cells whose middles lie on some ground (degrees, WGS 84); None where none is known."""
    found, _ = _cells_on(polygon, layer)
    known = found[np.isfinite(found)]
    return float(known.sum()) if known.size else None


def _cells_on(polygon: shapely.Geometry, layer: LayerFile) -> tuple[Floats, float]:
    """Return a raster's cells whose middles lie on some ground, nan where they hold no data, and its share within it."""
    west, south, east, north = (float(v) for v in shapely.bounds(polygon))
    try:
        values, own = read_cells(layer, equal_area_grid((west, south, east, north), 1000.0))
    except InputError as error:
        if error.code != "RASTER_OUTSIDE":
            raise
        return np.empty(0), 0.0
    flat = geo.project(polygon, 4326, own.crs)
    whole = shapely.area(flat)
    within = (
        shapely.area(shapely.intersection(shapely.make_valid(flat), shapely.box(*own.bounds))) / whole if whole else 0.0
    )
    return values.ravel()[cells_inside(flat, own)], float(within)


def _length_or_count(polygon: shapely.Geometry, layer: LayerFile) -> float:
    """Return kilometres of lines, or the number of points and polygons, on some ground."""
    west, south, east, north = (float(v) for v in shapely.bounds(polygon))
    grid = equal_area_grid((west, south, east, north), 1000.0)
    own = shapely.make_valid(geo.project(polygon, 4326, grid.crs))
    shapes = np.asarray(read_features(layer, grid).geometry, dtype=object)
    shapes = shapes[shapely.intersects(shapes, own)] if len(shapes) else shapes
    lines = shapely.get_dimensions(shapes) == 1
    if layer.theme == "roads":
        # In degrees, on the ellipsoid: the plane keeps areas, not lengths.
        parts = shapely.get_parts(geo.project(shapely.intersection(shapes[lines], own), grid.crs, 4326))
        return float(sum(_length_km(part) for part in parts if shapely.get_dimensions(part) == 1))
    return float(len(shapes))


def _length_km(line: shapely.Geometry) -> float:
    """Return the length of a line (degrees, WGS 84), km."""
    at = shapely.get_coordinates(line)
    return float(geo.geodesic_distance_m(at[:-1, 0], at[:-1, 1], at[1:, 0], at[1:, 1]).sum()) / 1000
