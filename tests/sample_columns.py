"""Names of the sample data's files, and their columns as expressions over raw text."""

import polars as pl

GBIF, ARCHIVE = "occurrences_gbif.zip", "xishuangbanna_namha.zip"
MEMBERS = {GBIF: "occurrences_gbif.csv", ARCHIVE: "occurrence.txt"}
LAT, LON = pl.col("decimalLatitude"), pl.col("decimalLongitude")
LATITUDE, LONGITUDE = LAT.cast(pl.Float64, strict=False), LON.cast(pl.Float64, strict=False)
