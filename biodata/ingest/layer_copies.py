"""Layers' files inside an installation: a copy of what came, saying what is known of it and not what the file got wrong."""

import hashlib
import json
import secrets
import shutil
from pathlib import Path
from typing import Any, Final

import polars as pl

from biodata.formats import geotiff
from biodata.ingest.layer_vectors import describe as describe_vector

_FORMAT: Final = 2
"""Raised when the same file is to be stored otherwise."""


def store_layers(frame: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """Copy each layer's file into the installation, and tell the copy's name.

    A raster is copied byte by byte, unless its system or nodata value is another than its file tells, it is one band
    of several, or several values or a mask tell what has no data: then its cells are written into a new file that tells the right
    ones. Features are written as a GeoPackage.

    Parameters
    ----------
    frame : polars.DataFrame
        Rows of `LayerSource`.
    folder : Path
        The installation's folder of layers; made when needed.

    Returns
    -------
    polars.DataFrame
        With `file_name`: made of the file's checksum and of what was corrected, so that the same layer has one file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for row in frame.iter_rows(named=True):
        name = _name(row)
        if not (folder / name).exists():
            # Of this process alone: two may take in the same layer at once.
            part = folder / f"{Path(name).stem}.{secrets.token_hex(4)}.part{Path(name).suffix}"
            try:
                if row["form"] == "vector":
                    _write_features(row, part)
                elif row["rewrite"]:
                    _write_cells(row, part)
                else:
                    shutil.copyfile(row["path"], part)
                part.replace(folder / name)
            finally:
                part.unlink(missing_ok=True)
        names.append(name)
    return frame.with_columns(pl.Series("file_name", names, dtype=pl.String))


def _name(row: dict[str, Any]) -> str:
    """Return the name of a layer's copy."""
    start = row["sha256"][:16]
    if row["form"] == "raster" and not row["rewrite"]:
        return f"{start}.tif"
    told = [_FORMAT, row["crs"], row["nodata"], row["band"], row["empty"], row["options"]]
    corrected = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:8]
    return f"{start}-{corrected}.{'gpkg' if row['form'] == 'vector' else 'tif'}"


def _write_cells(row: dict[str, Any], path: Path) -> None:
    """Write one band block by block, with the right system and nodata value."""
    import numpy as np
    import rasterio

    with geotiff.opened(Path(row["path"])) as raster:
        scale, offset = geotiff.scaling(raster, row["band"])
        profile = {
            "driver": "GTiff", "width": raster.width, "height": raster.height, "count": 1, "dtype": row["dtype"],
            "crs": rasterio.crs.CRS.from_user_input(row["crs"]), "transform": raster.transform, "nodata": row["nodata"],
            "tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "bigtiff": "if_safer",
        }  # fmt: skip
        with rasterio.open(path, "w", **profile) as target:
            target.scales, target.offsets = (scale,), (offset,)
            for _, window in target.block_windows(1):
                cells, kept = geotiff.read(raster, row["band"], window)
                if row["empty"]:
                    cells[np.isin(cells, row["empty"])] = row["nodata"]
                if kept is not None:
                    cells[~kept] = row["nodata"]
                target.write(cells, 1, window=window)


def _write_features(row: dict[str, Any], path: Path) -> None:
    """Write features in their own coordinates, with the right system."""
    import geopandas as gpd
    import shapely

    _, features = describe_vector(Path(row["path"]), json.loads(row["options"]))
    shapes = shapely.from_wkb(features["geometry"].to_numpy())
    plain = features.drop("geometry").to_pandas()
    gpd.GeoDataFrame(plain, geometry=shapes, crs=row["crs"]).to_file(
        path, layer=row["name"], driver="GPKG", engine="pyogrio"
    )
