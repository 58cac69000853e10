"""Polygons and lines as a release holds them: with their box, and made simpler for each band of zooms."""

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.core import terms
from biodata.places import BoundarySet, country_geometry, country_name
from biodata.store.tables import BOUNDARY
from biodata.store.tile_counts import MAXIMUM_LATITUDE

BANDS: Final = (1, 3, 6, 9, 12)
"""The last zoom of each band; the last band serves every higher zoom too."""

_RADIUS_M: Final = 6378137.0
_TILE_UNITS: Final = 4096
SHAPE_IDS: Final[Mapping[str, str]] = {
    "protected_areas": "area_id", "corridors": "corridor_id", "reserve_candidates": "candidate_id",
    "considered_ground": "considered_id", "surveys": "survey_id", "boundaries": "code",
}  # fmt: skip
"""What joins the simpler shapes to the rows of a table."""

_DETAIL: Final = 4
"""Units that no screen shows: half a pixel where a tile is drawn 512 pixels wide."""

_POLYGONS: Final = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
_WORLD_M: Final = 2 * np.pi * _RADIUS_M


def bands_of(collection: str) -> tuple[int, ...]:
    """Return the bands that a collection is drawn by: surveys by the finest alone, they are seen however small they are."""
    return BANDS[-1:] if collection == "surveys" else BANDS


def band_of(collection: str, zoom: int) -> int:
    """Return the band that serves a zoom of a collection."""
    bands = bands_of(collection)
    return next((band for band in bands if zoom <= band), bands[-1])


def boxes(wkb: pl.Series) -> pl.DataFrame:
    """Return west, south, east, north of n geometries, degrees; null where there is none."""
    bounds = shapely.bounds(shapely.from_wkb(wkb.to_numpy()))
    return pl.DataFrame(bounds, schema=dict.fromkeys(("west", "south", "east", "north"), pl.Float64)).fill_nan(None)


def simplified(collection: str, ids: pl.Series, wkb: pl.Series) -> pl.DataFrame:
    """Return the geometries in Web Mercator, once for each band of their collection, without detail that its zooms cannot show.

    Parameters
    ----------
    collection : str
        The table that they belong to.
    ids : polars.Series of n strings
        What joins them to its rows.
    wkb : polars.Series of n binary
        Degrees, WGS 84; rows without a geometry give none.

    Returns
    -------
    polars.DataFrame
        collection, id, band, xmin, ymin, xmax, ymax (metres, EPSG:3857), geometry (WKB, EPSG:3857). Parts too
        small to be seen are left out of a band, but for the last.
    """
    here = wkb.is_not_null().to_numpy()
    # Shapes are for drawing only: one that is not valid is mended here, and stands as it came in its own table.
    projected = _mended(shapely.transform(shapely.from_wkb(wkb.to_numpy()[here]), _to_mercator))
    frames = []
    for band in bands_of(collection):
        detail_m = _WORLD_M / 2**band / _TILE_UNITS * _DETAIL
        finest = band == BANDS[-1]
        parts = projected if finest else _without_specks(projected, detail_m)
        simple = shapely.simplify(parts, detail_m / 8 if finest else detail_m, preserve_topology=True)
        bounds = shapely.bounds(simple)
        kept = ~shapely.is_empty(simple)
        frames.append(
            pl.DataFrame(
                {
                    "collection": [collection] * int(kept.sum()),
                    "id": ids.to_numpy()[here][kept],
                    "band": [band] * int(kept.sum()),
                    **{name: bounds[kept, i] for i, name in enumerate(("xmin", "ymin", "xmax", "ymax"))},
                    "geometry": shapely.to_wkb(simple[kept]),
                },
                schema=SHAPES,
            )
        )
    return pl.concat(frames)


SHAPES: Final = {
    "collection": pl.String, "id": pl.String, "band": pl.Int32, "xmin": pl.Float64, "ymin": pl.Float64,
    "xmax": pl.Float64, "ymax": pl.Float64, "geometry": pl.Binary,
}  # fmt: skip
"""Columns of the release's table `shapes`."""


def _mended(geometries: NDArray[Any]) -> NDArray[Any]:
    """Make polygons valid, keeping their surface."""
    broken = ~shapely.is_valid(geometries)
    mended = geometries.copy()
    mended[broken] = shapely.make_valid(geometries[broken], method="structure", keep_collapsed=False)
    return mended


def _without_specks(geometries: NDArray[Any], detail_m: float) -> NDArray[Any]:
    """Leave out the polygons, and parts of them, whose box is smaller than `detail_m` both ways."""
    kept = geometries.copy()
    polygons = np.flatnonzero(np.isin(shapely.get_type_id(geometries), _POLYGONS))
    parts, owner = shapely.get_parts(geometries[polygons], return_index=True)
    bounds = shapely.bounds(parts)
    large = np.maximum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1]) >= detail_m
    seen, number = np.unique(owner[large], return_inverse=True)
    kept[polygons] = shapely.Polygon()
    kept[polygons[seen]] = shapely.multipolygons(parts[large], indices=number)
    return kept


def _to_mercator(positions: NDArray[Any]) -> NDArray[Any]:
    """Project degrees to metres of EPSG:3857."""
    radians = np.radians(np.clip(positions[:, 1], -MAXIMUM_LATITUDE, MAXIMUM_LATITUDE))
    return np.column_stack([np.radians(positions[:, 0]), np.arcsinh(np.tan(radians))]) * _RADIUS_M


def boundary_rows(boundaries: BoundarySet) -> pl.DataFrame:
    """Return countries, first-level divisions and disputed units as rows of the table `boundaries`.

    Parameters
    ----------
    boundaries : BoundarySet
        The set.

    Returns
    -------
    polars.DataFrame
        code, name, level (country, province or disputed), country_code, geometry (WKB); a disputed unit has no
        country, and a code made from its name.
    """
    codes = [code for code in boundaries.countries if code is not None]
    countries = pl.DataFrame(
        {
            "code": codes,
            "name": [country_name(code) for code in codes],
            "level": ["country"] * len(codes),
            "country_code": codes,
            "geometry": shapely.to_wkb([country_geometry(code, boundaries) for code in codes]),
        },
        schema=terms.schema(BOUNDARY),
    )
    units = boundaries.units.with_columns(pl.Series("geometry", shapely.to_wkb(boundaries.shapes), dtype=pl.Binary))
    slug = pl.col("name").str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", "-").str.strip_chars("-")
    parts = units.filter(pl.col("level").is_in(["province", "disputed"])).with_columns(
        code=pl.coalesce("province_code", "disputed:" + slug)
    )
    return pl.concat([countries, parts.select(terms.names(BOUNDARY))])


def boundaries_in_words(boundaries: BoundarySet) -> str:
    """Return the set's name, version, viewpoint and band as JSON: what `release_info` keeps as `boundaries`."""
    return json.dumps(boundaries.to_dict(), ensure_ascii=False, sort_keys=True)
