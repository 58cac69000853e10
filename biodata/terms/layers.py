"""The columns of what is known of a raster or vector layer."""

from typing import Final

import polars as pl

from biodata.terms.columns import Column, Reach

_LAKE = Reach.LAKE

LAYER: Final = (
    Column("name", pl.String, "What a command calls the layer.", _LAKE),
    Column("datasetKey", pl.String, "The dataset that it came with.", _LAKE),
    Column("file_name", pl.String, "Its file, below the folder `layers`.", _LAKE),
    Column("form", pl.String, "raster or vector.", _LAKE),
    Column("theme", pl.String, "What it shows: land_cover, elevation, roads, ….", _LAKE),
    Column("kind", pl.String, "categorical (classes) or continuous (quantities) of a raster; features.", _LAKE),
    Column("legend", pl.String, "The legend that its classes belong to.", _LAKE),
    Column("features", pl.Int64, "Features of a vector layer.", _LAKE),
    Column("crs", pl.String, "Coordinate system, as authority and code where it has one.", _LAKE),
    Column("declared_crs", pl.String, "The system that its file tells, where that is another.", _LAKE),
    Column("width", pl.Int64, "Columns of cells.", _LAKE),
    Column("height", pl.Int64, "Rows of cells.", _LAKE),
    Column("west", pl.Float64, "Western edge, degrees, WGS 84.", _LAKE),
    Column("south", pl.Float64, "Southern edge, degrees, WGS 84.", _LAKE),
    Column("east", pl.Float64, "Eastern edge, degrees, WGS 84.", _LAKE),
    Column("north", pl.Float64, "Northern edge, degrees, WGS 84.", _LAKE),
    Column("dtype", pl.String, "Type of the cells; of features points, lines or polygons.", _LAKE),
    Column("nodata", pl.Float64, "The value that stands for nothing known.", _LAKE),
    Column("notes", pl.List(pl.String), "What is doubtful of it, or was decided, in sentences.", _LAKE),
    Column("sha256", pl.String, "Checksum of the file as it came.", _LAKE),
)
"""The lake's table `layers`: what is known of each layer; cells and features stay in their files."""
