"""Derive first-level divisions of the rest of the world from Natural Earth's map as Debian ships it with QGIS.

Usage: python sample_data/recipe/bundled/make_divisions_world.py world_map.gpkg

`world_map.gpkg` is the member of Debian's package `qgis-common` that `make_boundaries.py` reads too. The script writes
`divisions_world.parquet` into `biodata/data`: country, names, and coarse polygons of the divisions that the boundary set
does not have. Neighbours stay joined; no vertex moves more than about 2 km, and coordinates are whole thousandths of a
degree, told as differences so that the file is small.
"""

import argparse
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyogrio
import shapely

DATA: Final = Path(__file__).parents[3] / "biodata" / "data"
TOLERANCE_DEGREES: Final = 0.02
PER_DEGREE: Final = 1000
WITH_PROVINCES: Final = frozenset("CN BN KH ID LA MY MM PH SG TH TL VN IN BD BT PG".split())
"""Countries whose divisions `boundaries_natural_earth.parquet` has."""
NAMES: Final = ("name", "gn_name", "woe_label", "woe_name")


def main() -> None:
    """Read the map, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("map", type=Path, help="world_map.gpkg of QGIS")
    meta, _, wkb, columns = pyogrio.raw.read(parser.parse_args().map, layer="states_provinces")
    told = dict(zip(meta["fields"], columns, strict=True))
    shapes = shapely.coverage_simplify(shapely.from_wkb(wkb), TOLERANCE_DEGREES)
    rows = []
    for position, shape in enumerate(shapes):
        row = {name: told[name][position] for name in ("iso_a2", *NAMES)}
        names = names_of(row)
        if row["iso_a2"] in (None, "-1", *WITH_PROVINCES) or not names:
            continue
        rows.append({"country_code": row["iso_a2"], "names": "|".join(names), **packed(shape)})
    frame = pl.DataFrame(rows).sort("country_code", "names")
    frame.write_parquet(DATA / "divisions_world.parquet", compression="zstd", compression_level=22)


def names_of(row: dict[str, Any]) -> list[str]:
    """Return a division's names, each once; Yahoo's label has the country behind it."""
    texts = [(row[column] or "").strip() for column in NAMES]
    texts[2] = texts[2].partition(",")[0].strip()
    return list(dict.fromkeys(text for text in texts if text))


def packed(shape: shapely.Geometry) -> dict[str, list[int]]:
    """Return the rings of a shape: how many vertices each has, whether it is a hole, and differences of vertices."""
    whole = shapely.make_valid(
        shapely.transform(shape, lambda xy: np.round(xy * PER_DEGREE)), method="structure", keep_collapsed=False
    )
    rings, holes = [], []
    for part in shapely.get_parts(whole):
        for number, ring in enumerate(shapely.get_rings(part)):
            rings.append(shapely.get_coordinates(ring).astype(np.int64)[:-1])
            holes.append(int(number > 0))
    vertices = np.diff(np.vstack(rings), axis=0, prepend=0)
    return {
        "sizes": [len(ring) for ring in rings],
        "holes": holes,
        "dx": vertices[:, 0].tolist(),
        "dy": vertices[:, 1].tolist(),
    }


if __name__ == "__main__":
    main()
