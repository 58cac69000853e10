"""Rasters as Cloud Optimized GeoTIFF: tiled, with overviews, read in parts over the network, with their facts as tags."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biodata.store.checksums import code_hash

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from biodata.analysis.grid import Grid
    from biodata.analysis.layers import LayerFile
    from biodata.analysis.resistance import ResistanceLayer
    from biodata.analysis.resistance_rules import RuleTable

_BLOCK = 512


def write_cog(
    values: "NDArray[Any]", grid: "Grid", path: Path, *, classes: bool = False, nodata: float | None = None,
    description: str = "", unit: str = "", tags: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Write values on a grid as a Cloud Optimized GeoTIFF; the file appears whole or not at all.

    Parameters
    ----------
    values : ndarray, grid.shape
        Of float64 or float32: nan and inf become the file's nodata value, nan. Whole numbers stay as they are. Of
        classes whole numbers from 1 to 65 535 as floats, nan where there is none; they are written as whole numbers, 0
        being no data.
    grid : Grid
        Where the cells lie.
    path : Path
        The file.
    classes : bool
        True for classes that come as floats. Overviews of them and of whole numbers take the nearest cell, so that they
        hold no value which the file does not; those of quantities an average.
    nodata : float, optional
        Of whole numbers: what stands for no data.
    description, unit : str
        Of the band; the unit stands in the description too, as few programs show it else.
    tags : mapping of str to str, optional
        The file's metadata.

    Raises
    ------
    ValueError
        If a class is no such number.

    Notes
    -----
    https://www.ogc.org/standard/ogc-cog (OGC 21-026).
    """
    import rasterio
    import rasterio.shutil

    cells, nodata, whole = _cells(values, nodata, classes=classes)
    profile: dict[str, Any] = {
        "driver": "GTiff", "width": grid.shape[1], "height": grid.shape[0], "count": 1, "dtype": str(cells.dtype),
        "nodata": nodata, "crs": rasterio.crs.CRS.from_wkt(grid.crs.to_wkt()), "transform": grid.transform,
        "bigtiff": "if_safer",
    }  # fmt: skip
    part, plain = path.with_name(f"{path.stem}.part.tif"), path.with_name(f"{path.stem}.part.plain.tif")
    try:
        with rasterio.open(plain, "w", **profile) as target:
            target.write(cells, 1)
            target.set_band_description(1, f"{description} ({unit})" if unit else description)
            if unit:
                target.units = (unit,)
            target.update_tags(**(tags or {}))
        # Not MODE: with it GDAL 3.10 writes 0 into overviews where there is no data, a class that the map may not have.
        resampling = "NEAREST" if whole else "AVERAGE"
        rasterio.shutil.copy(
            plain, part, driver="COG", compress="DEFLATE", predictor="YES", blocksize=_BLOCK,
            overview_resampling=resampling, resampling=resampling, bigtiff="IF_SAFER",
        )  # fmt: skip
        part.replace(path)
    finally:
        plain.unlink(missing_ok=True)
        part.unlink(missing_ok=True)


def _cells(values: "NDArray[Any]", nodata: float | None, *, classes: bool) -> tuple["NDArray[Any]", float | None, bool]:
    """Return what is written, what stands for no data, and whether they are whole numbers."""
    import numpy as np

    if not np.issubdtype(values.dtype, np.floating):
        return values, nodata, True
    cells = np.where(np.isfinite(values), values, np.nan).astype(values.dtype)
    if not classes:
        return cells, float("nan"), False
    known = cells[np.isfinite(cells)]
    if known.size and not (known.min() >= 1 and known.max() <= 65_535 and (known == np.rint(known)).all()):
        message = "classes are whole numbers from 1 to 65 535"
        raise ValueError(message)
    dtype = "uint8" if not known.size or known.max() <= 255 else "uint16"
    return np.nan_to_num(cells, nan=0).astype(dtype), 0.0, True


# What a file of resistance tells of itself: by which table, of which layers, with which choices, by which code.
def resistance_tags(
    made: "ResistanceLayer", rules: "RuleTable", layers: "Mapping[str, LayerFile]", *, cell_m: float | None,
    resampling: str,
) -> dict[str, str]:  # fmt: skip
    """Return the metadata of a file of resistance.

    Parameters
    ----------
    made : ResistanceLayer
    rules : RuleTable
        The lines that it was made by.
    layers : mapping of str to LayerFile
        What it was made of.
    cell_m : float, optional
        The side of a cell that was asked for, metres.
    resampling : str
        Of classes.

    Returns
    -------
    dict of str to str
        Names begin with `BIODATA_`.
    """
    stated = {
        name: {
            "layer": layer.name, "sha256": layer.sha256, "version": layer.version, "crs": layer.crs,
            "legend": layer.legend, "notes": list(layer.notes),
        }
        for name, layer in layers.items()
    }  # fmt: skip
    choices = {"cell_m": cell_m, "resampling": resampling, "counts": dict(made.counts)}
    facts = {
        "TABLE": rules.name,
        "TABLE_SHA256": rules.sha256,
        "TABLE_VERSION": rules.version,
        "SPECIES": rules.species or "",
        "LAYERS": json.dumps(stated, ensure_ascii=False, sort_keys=True),
        "PARAMETERS": json.dumps(choices, sort_keys=True),
        "CODE": f"biodata {version('biodata')} {code_hash()[:16]}",
    }
    return {f"BIODATA_{name}": value for name, value in facts.items() if value}


def file_name_of(species: str) -> str:
    """Return a species' name as part of a file's name: letters and digits with `_` between them."""
    return "_".join("".join(c if c.isalnum() else " " for c in species.lower()).split()) or "species"
