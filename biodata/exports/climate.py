"""Climate velocity and analogues as rasters with styles, and what becomes of areas as a GeoPackage."""

import json
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from biodata.exports.cog import write_cog
from biodata.exports.columns import Told, describe
from biodata.exports.raster_styles import Shade, write_style
from biodata.exports.styles import add_styles

if TYPE_CHECKING:
    from biodata.analysis.grid import Floats, Grid

_COLOURS: Final = ("#fff7d6", "#f9c15c", "#e57332", "#b3282d", "#5a1233")
COLUMNS: Final = MappingProxyType[str, Told](
    {
        "country_code": ("", "Country of most of the area's cells on the boundary set."),
        "direction": ("", "forward: where today's climate is tomorrow; backward: where tomorrow's climate is today."),
        "cells": ("", "Cells of the area whose climate is known."),
        "stays_inside": ("0-1", "Share of the cells whose nearest analogue lies in the area itself."),
        "same_country": ("0-1", "Share whose analogue lies elsewhere in the same country."),
        "across_border": ("0-1", "Share whose analogue lies in another country, beyond the boundary set's band."),
        "unclear_side": ("0-1", "Share whose analogue lies inside the band of a border, or where no country is told."),
        "none_in_window": ("0-1", "Share that has no analogue on the raster."),
        "in_areas_across": ("0-1", "Share whose analogue lies in one of the areas across a border."),
        "median_km": ("", "Median distance to the analogues, kilometres."),
        "countries": ("", "Countries of the analogues with their shares."),
        "areas_across": ("", "Areas across a border that hold analogues, with their shares."),
        "from_today_c": ("°C", "Mean of the first area today."),
        "to_today_c": ("°C", "Mean of the second area today."),
        "straight_km": ("", "Straight distance between the two areas' edges, kilometres."),
        "functional": ("", "False where there is no way, for the reason in notes."),
        "to_future_c": ("°C", "Mean of the second area tomorrow."),
        "cooler_c": ("K", "By how much the second area is cooler today."),
        "climate_kept": (
            "0-1",
            "Share of the first area's cells whose climate of today some cell of the second has tomorrow.",
        ),
        "least_cost": ("resistance x m", "Cost of the cheapest path: ground and changes of climate."),
        "ground_cost": ("resistance x m", "The part of it that the ground has."),
        "path_length_m": ("", "Length of the path, metres."),
        "change_c": ("K", "Sum of all changes of climate along the path, up and down."),
        "reversal_c": (
            "K",
            "What of it is more than the difference between its ends: ways into warmer ground and back.",
        ),
    }
)


def write_speed(values: "Floats", grid: "Grid", path: Path, *, description: str, tags: dict[str, str]) -> Path:
    """Write kilometres a year with a style in five steps of quantiles; return the style's file."""
    write_cog(values, grid, path, description=description, unit="km/year", tags=tags)
    known = np.abs(values[np.isfinite(values)])
    steps = np.quantile(known, [0.05, 0.25, 0.5, 0.75, 0.95]) if known.size else np.arange(5.0)
    shades = [Shade(float(v), c, f"{v:.3g} km/year") for v, c in zip(steps, _COLOURS, strict=True)]
    return write_style(shades, path, classes=False)


def write_areas(layers: dict[str, Any], facts: dict[str, Any], path: Path) -> None:
    """Write GeoDataFrames and what was asked as a GeoPackage that appears whole or not at all.

    Parameters
    ----------
    layers : dict of str to geopandas.GeoDataFrame
        By the layer's name.
    facts : dict
        What the run was asked, for the table `run`.
    path : Path
        The file.
    """
    import pandas as pd
    import pyogrio

    part = path.with_name(f"{path.stem}.part.gpkg")
    part.unlink(missing_ok=True)
    for name, table in layers.items():
        kind = "LineString" if name == "climate_paths" else "MultiPolygon"
        pyogrio.write_dataframe(
            table, part, layer=name, driver="GPKG", geometry_type=kind, promote_to_multi=kind == "MultiPolygon",
            append=part.exists(),
        )  # fmt: skip
    told = pd.DataFrame({"name": list(facts), "value": [json.dumps(v, ensure_ascii=False) for v in facts.values()]})
    pyogrio.write_dataframe(told, part, layer="run", driver="GPKG", append=part.exists())
    add_styles(part, list(layers))
    describe(part, COLUMNS)
    part.replace(path)
