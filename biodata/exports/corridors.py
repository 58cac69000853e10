"""Corridors as one GeoPackage: the same layers, whether they come from a raster or from an installation."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biodata.exports.columns import CORRIDOR_COLUMNS, Told, describe, published
from biodata.exports.styles import add_styles

if TYPE_CHECKING:
    import geopandas as gpd
    import polars as pl

    from biodata.analysis.corridors import Network

Layer = tuple[str, "gpd.GeoDataFrame", str]
"""Name, table and kind of geometry."""
_OF_PATH = ("corridor_id", "from_area_id", "to_area_id", "from_name", "to_name", "least_cost", "path_length_m",
            "cost_per_path_m")  # fmt: skip
_OF_PLACE = ("corridor_id", "from_area_id", "to_area_id", "from_name", "to_name", "narrowest_m")


def write_network(found: "Network", facts: Mapping[str, Any], path: Path, *, as_of: float) -> None:
    """Write the corridors of a raster as a GeoPackage; the same corridors give the same bytes.

    Parameters
    ----------
    found : Network
    facts : mapping
        What the run was asked, for the table `run`.
    path : Path
        The file. Layers `corridors`, `paths` and `narrowest`, `barriers` and `pinch_points` where they were asked, and
        the table `run`.
    as_of : float
        Time of the inputs, seconds since 1970, which GeoPackage keeps as the time of the last change.
    """
    layers: list[Layer] = [("corridors", found.corridors, "MultiPolygon"), ("paths", found.paths, "LineString")]
    layers += [("narrowest", found.narrowest, "Point")]
    if found.barrier_mosaic is not None:
        layers.append(("barriers", found.barriers, "Point"))
    if found.currents is not None:
        layers.append(("pinch_points", found.pinch_points, "Point"))
    changed = datetime.fromtimestamp(as_of, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    write_run(layers, facts, path, columns=CORRIDOR_COLUMNS, as_of=changed)


def write_published(frame: "pl.DataFrame", path: Path) -> None:
    """Write corridors of an installation as a GeoPackage with the layers of `write_network`.

    Parameters
    ----------
    frame : polars.DataFrame of terms.PUBLISHED_TABLES["corridors"]
        Of one run, or of several, whose facts then stand one below the other in the table `run`.
    path : Path
        The file.
    """
    evidence = [json.loads(text) for text in frame["evidence"]]
    runs = {row["run_id"]: told.get("run", {}) for row, told in zip(frame.to_dicts(), evidence, strict=True)}
    columns = {**CORRIDOR_COLUMNS, **published("corridors")}
    write_run(published_layers(frame), runs, path, columns=columns)


def published_layers(frame: "pl.DataFrame") -> list[Layer]:
    """Return published corridors as the layers `corridors`, `paths` and `narrowest`."""
    import geopandas as gpd
    import polars as pl
    import shapely

    from biodata.exports.layers import to_geodataframe

    evidence = [json.loads(text) for text in frame["evidence"]]
    corridors = to_geodataframe(frame)
    corridors["cut_cost"] = pl.Series([one.get("cut_cost") for one in evidence], dtype=pl.Float64).to_numpy()
    for name in ("through", "notes"):
        corridors[name] = [("; " if name == "through" else " ").join(one.get(name) or []) for one in evidence]
    linked = frame.filter(pl.col("path").is_not_null())
    paths = gpd.GeoDataFrame(
        linked.select(_OF_PATH).to_pandas(), geometry=shapely.from_wkb(linked["path"].to_numpy()), crs=4326
    )
    placed = frame.filter(pl.col("narrowest_longitude").is_not_null(), pl.col("narrowest_latitude").is_not_null())
    places = shapely.points(placed.select("narrowest_longitude", "narrowest_latitude").to_numpy())
    narrowest = gpd.GeoDataFrame(placed.select(_OF_PLACE).to_pandas(), geometry=places, crs=4326)
    return [("corridors", corridors, "MultiPolygon"), ("paths", paths, "LineString"), ("narrowest", narrowest, "Point")]


def write_run(
    layers: Sequence[Layer],
    facts: Mapping[str, Any],
    path: Path,
    *,
    columns: Mapping[str, Told],
    as_of: str | None = None,
) -> None:
    """Write the layers of a run, styled and described, as a GeoPackage that appears whole or not at all.

    Parameters
    ----------
    layers : sequence of Layer
        In systems that GIS know by number as they are; others, such as an equal-area plane around a window, in WGS 84.
    facts : mapping
        What the run was asked, for the table `run`.
    path : Path
        The file.
    columns : mapping of str to (unit, meaning)
        By the column's name.
    as_of : str, optional
        ISO time of the last change; now where none is given.
    """
    import pandas as pd
    import pyogrio

    from biodata.exports.layers import in_known_system

    part = path.with_name(f"{path.stem}.part.gpkg")
    part.unlink(missing_ok=True)
    told = pd.DataFrame({"name": list(facts), "value": [json.dumps(v, ensure_ascii=False) for v in facts.values()]})
    if as_of is not None:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": as_of})
    try:
        for name, table, kind in layers:
            pyogrio.write_dataframe(
                in_known_system(table), part, layer=name, driver="GPKG", geometry_type=kind,
                promote_to_multi=kind == "MultiPolygon", append=part.exists(),
            )  # fmt: skip
        pyogrio.write_dataframe(told, part, layer="run", driver="GPKG", append=True)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    add_styles(part, [name for name, _, _ in layers], as_of=as_of)
    describe(part, columns)
    part.replace(path)
