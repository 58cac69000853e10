"""Raster layers of an installation by their names."""

from typing import TYPE_CHECKING

import polars as pl

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
