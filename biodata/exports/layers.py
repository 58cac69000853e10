"""Published tables as layers for a GIS: GeoPackage and GeoParquet."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import shapely

from biodata.exports.columns import describe, published
from biodata.exports.styles import add_styles

if TYPE_CHECKING:
    import geopandas as gpd


def to_geodataframe(frame: pl.DataFrame) -> "gpd.GeoDataFrame":
    """Return a published table as a GeoDataFrame in WGS 84.

    Parameters
    ----------
    frame : polars.DataFrame
        n rows with `geometry` in WKB, or with `decimalLongitude` and `decimalLatitude`; lists become text.

    Returns
    -------
    geopandas.GeoDataFrame of n rows
    """
    import geopandas as gpd

    if "geometry" in frame.columns:
        geometry = shapely.from_wkb(frame["geometry"].to_numpy())
    else:
        longitude, latitude = (frame[name].to_numpy() for name in ("decimalLongitude", "decimalLatitude"))
        known = frame.select(pl.all_horizontal(pl.col("decimalLongitude", "decimalLatitude").is_not_null()))
        geometry = np.asarray(shapely.points(longitude, latitude), dtype=object)
        geometry[~known.to_series().to_numpy()] = None
    plain = frame.select(
        pl.col(name).list.join(";") if isinstance(dtype, pl.List) else pl.col(name)
        for name, dtype in frame.schema.items()
        if dtype != pl.Binary
    )
    return gpd.GeoDataFrame(plain.to_pandas(), geometry=geometry, crs="EPSG:4326")


def in_known_system(frame: "gpd.GeoDataFrame") -> "gpd.GeoDataFrame":
    """Return shapes in their own system where it has a number that GIS know (EPSG), else in WGS 84."""
    known = frame.crs is None or frame.crs.to_epsg() is not None
    return frame if known else frame.to_crs(4326)


def write_geopackage(frame: pl.DataFrame, path: Path, *, layer: str) -> None:
    """Write a published table as the one layer of a GeoPackage, styled and described; it appears whole or not at all."""
    write_layer(to_geodataframe(frame), path, layer=layer)


def write_layer(
    frame: "gpd.GeoDataFrame", path: Path, *, layer: str, facts: Mapping[str, str | float] | None = None
) -> None:
    """Write shapes as `write_layers` does."""
    write_layers({layer: frame}, path, facts=facts)


def write_layers(
    frames: "Mapping[str, gpd.GeoDataFrame]", path: Path, *, facts: Mapping[str, str | float] | None = None
) -> None:
    """Write shapes as the layers of a GeoPackage, by their names, styled; the file appears whole or not at all.

    Parameters
    ----------
    frames : mapping of str to geopandas.GeoDataFrame
    path : Path
    facts : mapping, optional
        What the layers' metadata tell, such as the boundary set.
    """
    told = {name: str(value) for name, value in (facts or {}).items()} or None
    part = path.with_name(f"{path.stem}.part.gpkg")
    part.unlink(missing_ok=True)
    for layer, frame in frames.items():
        in_known_system(frame).to_file(
            part, layer=layer, driver="GPKG", engine="pyogrio", mode="a" if part.exists() else "w", layer_metadata=told
        )
    add_styles(part, list(frames))
    describe(part, {name: told for layer in frames for name, told in published(layer).items()})
    part.replace(path)


def write_geoparquet(frame: pl.DataFrame, path: Path) -> None:
    """Write a published table as GeoParquet 1.1 with a covering box; the file appears whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    to_geodataframe(frame).to_parquet(part, schema_version="1.1.0", write_covering_bbox=True)
    part.replace(path)
