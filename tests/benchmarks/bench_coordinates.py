"""How fast coordinates of records are read: plain decimals, some dirt, and verbatim texts.

usage: python tests/benchmarks/bench_coordinates.py [ROWS]

Run by hand.
"""

import sys
import time

import numpy as np
import polars as pl

from biodata.harmonise import coordinates
from biodata.harmonise.findings import Told

DIRT = ("21°28'N", "tim", None, "21,5", "100.5")


def main(rows: int) -> None:
    rng = np.random.default_rng(1)
    latitude = pl.Series("decimalLatitude", rng.uniform(0, 30, rows).round(5)).cast(pl.String)
    longitude = pl.Series("decimalLongitude", rng.uniform(95, 120, rows).round(5)).cast(pl.String)
    plain = pl.DataFrame([latitude, longitude])
    at = pl.int_range(rows, eager=True)
    odd = (at // 20 % len(DIRT)).replace_strict(range(len(DIRT)), DIRT, return_dtype=pl.String)
    dirty = plain.with_columns(decimalLatitude=pl.when(at % 20 == 0).then(odd).otherwise("decimalLatitude"))
    pairs = plain.select(verbatimCoordinates=pl.format("{}°N, {}°E", "decimalLatitude", "decimalLongitude"))
    words = plain.select(verbatimCoordinates=pl.format("北纬{}° 东经{}°", "decimalLatitude", "decimalLongitude"))
    for name, table in (
        ("plain decimals", plain),
        ("5 % of them dirt", dirty),
        ("verbatim with N and E", pairs),
        ("verbatim in Chinese, a tenth", words.head(rows // 10)),
    ):
        source = pl.lit("file.csv").alias("source_file"), pl.int_range(2, pl.len() + 2).alias("source_row")
        told = Told(table.select(*source, pl.all()))
        start = time.perf_counter()
        coordinates.interpret(told)
        seconds = time.perf_counter() - start
        print(f"{name:<30} {table.height:>9,} rows {seconds:7.2f} s {table.height / seconds:>12,.0f} rows/s")


if __name__ == "__main__":
    main(*[int(argument) for argument in sys.argv[1:2]] or [1_000_000])
