"""Raster layers of an installation by their names, and what they tell of places."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from biodata import geo
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store.lake import Lake

if TYPE_CHECKING:
    from biodata.analysis.layer_reading import LayerFile


def raster_layer(settings: Settings, name: str) -> "LayerFile":
    """Return a raster layer that `biodata ingest layer` took in.

    Raises
    ------
    InputError
        If there is none of that name, or it is no raster (LAYER_UNKNOWN).
    """
    from biodata.analysis.layer_reading import LayerFile

    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        known = lake.read("layers")
    rasters = known.filter(pl.col("form").fill_null("raster") == "raster")
    found = rasters.filter(pl.col("name") == name)
    if found.is_empty():
        problem = "there is no raster layer of this name"
        names = ", ".join(sorted(rasters["name"])) or "none yet: `biodata ingest layer`"
        raise InputError(problem, column="layer", value=name, expected=f"known ones: {names}", code="LAYER_UNKNOWN")
    row = found.row(0, named=True)
    return LayerFile(
        row["name"], row["theme"], "raster", settings.data / "layers" / row["file_name"], row["kind"], row["crs"],
        row["sha256"],
    )  # fmt: skip


def with_layers(
    settings: Settings, table: pl.DataFrame, layers: Sequence[str]
) -> tuple[pl.DataFrame, tuple[str, ...], list[dict[str, str]]]:
    """Add what layers tell of places.

    Parameters
    ----------
    settings : Settings
        The installation.
    table : polars.DataFrame
        `longitude` and `latitude`, degrees.
    layers : sequence of str
        `elevation_china_laos` for the value of a raster; `landcover_china_laos=2,5` for 1
        in cells of these classes and 0 in others.

    Returns
    -------
    table : polars.DataFrame
    names : tuple of str
        The columns that were added.
    inputs : list of dict
        Name and checksum of each layer.

    Raises
    ------
    InputError
        If a layer is no raster of the installation, or classes are no whole numbers.
    """
    names, inputs = [], []
    lon, lat = table["longitude"].to_numpy(), table["latitude"].to_numpy()
    for told in layers:
        name, equals, classes = told.partition("=")
        values, sha256 = sampled(settings, name, lon, lat)
        if equals:
            wanted = _classes(told, classes)
            values = np.where(np.isfinite(values), np.isin(values, wanted).astype(np.float64), np.nan)
        table = table.with_columns(pl.Series(told, values))
        names.append(told)
        inputs.append({"layer": told, "sha256": sha256})
    return table, tuple(names), inputs


def sampled(settings: Settings, name: str, lon: geo.Floats, lat: geo.Floats) -> tuple[geo.Floats, str]:
    """Return the values of a raster layer of the installation at points, nan where it has none, and its checksum."""
    from biodata.analysis.layer_values import values_at

    layer = raster_layer(settings, name)
    found = values_at(layer, lon, lat)
    if not np.isfinite(found).any():
        problem = "the layer tells nothing at any of the places"
        told = f"{lon.min():.3f}, {lat.min():.3f} to {lon.max():.3f}, {lat.max():.3f}"
        raise InputError(problem, file=name, value=told, expected="a layer that reaches them", code="RASTER_OUTSIDE")
    return found, layer.sha256


def _classes(told: str, classes: str) -> list[int]:
    """Read classes with commas between them."""
    try:
        return [int(part) for part in classes.split(",")]
    except ValueError:
        problem = "these are no classes"
        raise InputError(
            problem, column="--layer", value=told, expected="NAME=2,5", code="PARAMETERS_INVALID"
        ) from None
