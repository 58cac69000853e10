"""Derive the bundled boundary set and its code table from Natural Earth's map as Debian ships it with QGIS.

Usage: python sample_data/recipe/bundled/make_boundaries.py world_map.gpkg

`world_map.gpkg` is a member of Debian's package `qgis-common`; `biodata/data/README.md` tells how to get it and
which one was used. The script writes `boundaries_natural_earth.parquet` and `province_codes.csv` into `biodata/data`.
"""

import argparse
import re
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pycountry
import shapely
from numpy.typing import NDArray

DATA: Final = Path(__file__).parents[3] / "biodata" / "data"
BY_HAND: Final = DATA / "province_codes_by_hand.csv"
PARTS_BY_HAND: Final = DATA / "boundary_parts_by_hand.csv"
"""Islands that the map gives to another division than theirs, each by a point of it."""
DECIMALS: Final = 5
"""Coordinates are kept to 0.00001° (about 1 m); shared vertices stay shared, since equal numbers round equally."""

WITH_PROVINCES: Final = ("CN", "BN", "KH", "ID", "LA", "MY", "MM", "PH", "SG", "TH", "TL", "VN", "IN", "BD", "BT", "PG")
"""Members of the scope and the neighbours whose divisions have ISO 3166-2 codes; elsewhere only countries are kept."""

DISPUTED: Final = {"PFA": "Paracel Islands", "PGA": "Spratly Islands", "KAS": "Siachen Glacier"}
"""Features (by gu_a3) that the map gives to one side or to none; here they belong to no side."""

COUNTRY_BY_HAND: Final = {"CXR": "CX", "CCK": "CC", "KAB": "KZ", "CLP": "FR"}
"""ISO 3166-1 codes of features (by gu_a3) for which the map says -1."""

WORDS: Final = re.compile(
    r"\b(sheng|shi|zizhiqu|huizu|zhuangzu|uygur|autonomous region|changwat|province|provinsi|propinsi|tinh|khett|khet"
    r"|krong|state|division|district|distrito|dzongkhag|thanh pho|special region|city|khoueng|daerah|negeri|of"
    r"|union territory)\b"
)
SPELLINGS: Final = ("name", "gn_name", "woe_label", "woe_name")
SCHEMA: Final = {
    "level": pl.String,
    "country_code": pl.String,
    "province_code": pl.String,
    "name": pl.String,
    "geometry": pl.Binary,
}
LEVELS: Final = ("province", "country", "disputed", "uncoded", "claim_line")


def key(text: str) -> str:
    """Return the letters of a name without accents and without words for 'province'."""
    plain = unicodedata.normalize("NFKD", text.replace("đ", "d").replace("Đ", "D"))
    plain = "".join(c for c in plain if not unicodedata.combining(c)).lower()
    return re.sub(r"[^a-z]", "", WORDS.sub(" ", plain))


def subdivisions(country: str) -> dict[str, list[str]]:
    """Return the ISO 3166-2 codes of a country's first level by the key of their names."""
    found: dict[str, list[str]] = defaultdict(list)
    for entry in pycountry.subdivisions:
        if entry.country_code != country:
            continue
        suffix = entry.code.split("-")[1]
        # Indonesia's island groups and the Philippines' regions stand above provinces, Bangladesh's districts below.
        above = entry.type == "Geographical unit" or (country == "PH" and suffix.isdigit())
        below = country == "BD" and not suffix.isalpha()
        if not above and not below:
            found[key(entry.name)].append(entry.code)
    return found


def find_code(row: dict[str, Any], by_key: dict[str, list[str]], by_hand: dict[str, Any] | None) -> dict[str, str]:
    """Return the code of a feature, how it was found, the right name and a note."""
    if by_hand:
        told = {column: by_hand[column] or "" for column in ("province_code", "name", "note")}
        return told | {"how": "hand", "spellings": spellings(row, told["name"], by_hand["not_its_name"])}
    for column in ("gn_name", "woe_label", "woe_name", "name"):
        text = (row[column] or "").split(",")[0]
        codes = by_key.get(key(text), []) if text else []
        if len(codes) == 1:
            told = {"province_code": codes[0], "name": row["name"], "note": "", "how": column}
            return told | {"spellings": spellings(row, row["name"], None)}
    msg = f"no code for {row['iso_a2']} {row['name']!r} ({row['gn_name']!r}): add it to {BY_HAND.name}"
    raise SystemExit(msg)


def spellings(row: dict[str, Any], name: str, not_its_name: str | None) -> str:
    """Return the names of a feature, each once, separated by bars; without the columns that name something else."""
    right = (row[column] for column in SPELLINGS if column not in (not_its_name or "").split("|"))
    return "|".join(dict.fromkeys([name, *(text.split(",")[0] for text in right if text)]))


def read_layer(path: Path, layer: str) -> tuple[list[dict[str, Any]], NDArray[np.object_]]:
    """Return the attributes of a layer's features, and their geometries with rounded coordinates."""
    from pyogrio.raw import read

    meta, _, wkb, fields = read(path, layer=layer)
    table = zip(*fields, strict=True)
    rows = [
        {name: value if isinstance(value, str) else None for name, value in zip(meta["fields"], values, strict=True)}
        for values in table
    ]
    return rows, shapely.transform(shapely.from_wkb(wkb), lambda xy: np.round(xy, DECIMALS))


def move_parts(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the units with each part of `PARTS_BY_HAND` in the division that it belongs to."""
    codes = frame["province_code"].to_list()
    shapes = shapely.from_wkb(frame["geometry"].to_numpy())
    for row in pl.read_csv(PARTS_BY_HAND).iter_rows(named=True):
        of_map, own = codes.index(row["map_code"]), codes.index(row["province_code"])
        parts = shapely.get_parts(shapes[of_map])
        here = shapely.intersects_xy(parts, row["longitude"], row["latitude"])
        if here.sum() != 1:
            msg = f"no part of {row['map_code']} holds the point of {row['note']!r}: correct {PARTS_BY_HAND.name}"
            raise SystemExit(msg)
        shapes[of_map] = shapely.multipolygons(parts[~here])
        shapes[own] = shapely.multipolygons(np.concatenate([shapely.get_parts(shapes[own]), parts[here]]))
    return frame.with_columns(geometry=pl.Series(list(shapely.to_wkb(shapes)), dtype=pl.Binary))


def main() -> None:
    """Read the map, write both files."""
    parser = argparse.ArgumentParser(description="Derive the bundled boundary set from world_map.gpkg.")
    parser.add_argument("world_map", type=Path)
    path = parser.parse_args().world_map
    hand = {
        (row["country_code"], row["source_name"], row["source_gn_name"] or ""): row
        for row in pl.read_csv(BY_HAND, infer_schema=False).iter_rows(named=True)
    }
    by_key = {country: subdivisions(country) for country in WITH_PROVINCES}
    features, shapes = read_layer(path, "states_provinces")
    groups: dict[tuple[str, str | None, str | None, str], list[int]] = defaultdict(list)
    table = []
    for i, row in enumerate(features):
        country = COUNTRY_BY_HAND.get(row["gu_a3"]) if row["iso_a2"] == "-1" else row["iso_a2"]
        if row["gu_a3"] in DISPUTED:
            groups["disputed", None, None, DISPUTED[row["gu_a3"]]].append(i)
        elif country in by_key:
            found = find_code(row, by_key[country], hand.pop((country, row["name"], row["gn_name"] or ""), None))
            groups["province", country, found["province_code"], found["name"]].append(i)
            table.append(
                found | {"country_code": country} | {f"source_{c}": row[c] or "" for c in (*SPELLINGS, "fips")}
            )
        elif country:
            groups["country", country, None, ""].append(i)
        else:
            groups["uncoded", None, None, row["name"] or row["admin"]].append(i)
    if hand:
        msg = f"lines of {BY_HAND.name} that fit no feature: {sorted(hand)}"
        raise SystemExit(msg)
    rows = [(*group, shapely.to_wkb(shapely.coverage_union_all(shapes[i]))) for group, i in groups.items()]
    claims, lines = read_layer(path, "disputed_borders")
    for row, line in zip(claims, lines, strict=True):
        rows.append(("claim_line", None, None, f"{row['name']} ({row['adm0_left']})", shapely.to_wkb(line)))
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    twice = frame.filter(pl.col("level") == "province", pl.col("province_code").is_duplicated())
    if not twice.is_empty():
        msg = f"one code with two names: {twice.drop('geometry').rows()}"
        raise SystemExit(msg)
    rank = pl.col("level").replace_strict(LEVELS, range(len(LEVELS)))
    frame = move_parts(frame.sort(rank, "country_code", "province_code", "name"))
    frame.write_parquet(DATA / "boundaries_natural_earth.parquet", compression="zstd", compression_level=19)
    pl.DataFrame(table).select(
        "province_code",
        "country_code",
        "name",
        "how",
        "note",
        "spellings",
        *(f"source_{c}" for c in (*SPELLINGS, "fips")),
    ).sort("province_code", "source_name", "source_gn_name").write_csv(DATA / "province_codes.csv")


if __name__ == "__main__":
    main()
