"""Vector tiles of a release: counts in bins at low zooms, records or shapes at high ones."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import polars as pl

from biodata.errors import InputError
from biodata.store.duck import quote
from biodata.store.mercator import BIN_BITS, GROUP_ZOOMS, LOW_ZOOMS, MAXIMUM_POINTS, MAXIMUM_ZOOM, ZOOM
from biodata.store.query import sql
from biodata.store.query.filters import (
    ONE_OF_EACH,
    And,
    Between,
    Compare,
    Filter,
    In,
    IsNull,
    Not,
    Or,
    check_size,
    parts_of,
)
from biodata.store.query.sql import Sql
from biodata.store.shapes import SHAPE_IDS, band_of
from biodata.store.tables import OCCURRENCE_GROUPS, RELEASE

_EXTENT_BITS: Final = 12
_EXTENT: Final = 1 << _EXTENT_BITS
_BUFFER: Final = 64

POINT_PROPERTIES: Final = (
    "key", "scientificName", "species", "class", "year", "countryCode", "basisOfRecord", "iucnRedListCategory",
    "sharing_category",
)  # fmt: skip
"""What a record tells in a tile."""

SHAPE_PROPERTIES: Final = {
    "protected_areas": ("area_id", "name", "original_name", "designation", "iucn_category", "status", "marine"),
    "corridors": (
        "corridor_id", "run_id", "from_name", "to_name", "functional", "least_cost", "cost_ratio", "path_length_m",
        "width_m", "narrowest_m", "sharing_category",
    ),
    "reserve_candidates": ("candidate_id", "run_id", "name", "rank", "score", "area_km2", "sharing_category"),
    "surveys": ("survey_id", "datasetKey", "eventID", "samplingProtocol", "records", "species"),
    "boundaries": ("code", "name", "level", "country_code"),
}  # fmt: skip
"""What a shape tells in a tile, beside `country_codes` as text where the table has them."""

Run = Callable[[str, list[Any]], list[tuple[Any, ...]]]
"""Runs a statement with its parameters and returns the rows."""

Crowds = Collection[tuple[Any, ...]]
"""Zoom, column and row of the tiles above the low zooms with more than `MAXIMUM_POINTS` records."""


def tile(
    run: Run,
    collection: str,
    z: int,
    x: int,
    y: int,
    *,
    crowds: Crowds,
    where: Filter | None = None,
    properties: Sequence[str] | None = None,
) -> bytes:
    """Return a Mapbox vector tile of WebMercatorQuad with one layer, named as the collection.

    Occurrences are counted in bins of 1/128 of a tile's side up to zoom 7 in the property `count`; those of the default
    view (`filters.ONE_OF_EACH`) were counted beforehand, up to zoom 4 by kingdom, phylum, class and year, too (see
    `tile_counts`). Above, each record is a point with `POINT_PROPERTIES` and `count` 1, as long as a tile has no more
    than `MAXIMUM_POINTS`; else it has such bins. Shapes are made simpler to suit the zoom.

    Parameters
    ----------
    run : callable
        Runs a statement on an open release.
    collection : str
        occurrences, protected_areas, corridors, reserve_candidates or boundaries.
    z, x, y : int
        Zoom, column from the west, row from the north.
    crowds : collection of (z, x, y)
        The crowded tiles of the release: only there records are counted.
    where : Filter, optional
        Only these rows.
    properties : sequence of str, optional
        What a record tells, and no more; `count` may be among it. Columns of single values.

    Returns
    -------
    bytes
        Empty where nothing lies in the tile.

    Raises
    ------
    InputError
        If there is no such tile or no tiles of the collection, or a property is none.
    """
    if not (0 <= z <= MAXIMUM_ZOOM and 0 <= x < 1 << z and 0 <= y < 1 << z):
        problem = "there is no such tile"
        expected = f"expected z from 0 to {MAXIMUM_ZOOM}, x and y from 0 to 2^z - 1"
        raise InputError(problem, value=f"{z}/{x}/{y}", expected=expected, code="TILE_UNKNOWN")
    if collection == "occurrences":
        told = _told(properties)
        if (z, x, y) in crowds and z not in LOW_ZOOMS:
            answer, records = run(*_bins(z, x, y, sql.where(where, RELEASE[collection])))[0]
            if records > MAXIMUM_POINTS:
                return bytes(answer)
        statement, params = _occurrences((z, x, y), where, told)
    elif collection in SHAPE_PROPERTIES:
        statement, params = _shapes(collection, z, x, y, where)
    else:
        problem = f"there are no tiles of {collection}"
        raise InputError(problem, code="TILE_UNKNOWN")
    answer = run(statement, params)[0][0]
    return bytes(answer) if answer is not None else b""


def _told(properties: Sequence[str] | None) -> str:
    """Return what a record tells in a tile as SQL."""
    found = []
    for name in properties if properties is not None else (*POINT_PROPERTIES, "count"):
        if name == "count":
            found.append('1 AS "count"')
            continue
        column = RELEASE["occurrences"].column(name)
        if isinstance(column.dtype, pl.List):
            problem = "a tile holds single values only"
            raise InputError(problem, column=name, code="COLUMN_UNKNOWN")
        # ST_AsMVT knows texts, numbers and truth values.
        found.append(f"{quote(name)}::VARCHAR AS {quote(name)}" if column.dtype == pl.Date else quote(name))
    return "".join(f", {told}" for told in found)


def _occurrences(place: tuple[int, int, int], where: Filter | None, told: str) -> Sql:
    """Return the statement for a tile of records: counted beforehand, one by one, or counted now at low zooms."""
    z, x, y = place
    if z in LOW_ZOOMS and where == ONE_OF_EACH:
        half = _EXTENT >> (BIN_BITS + 1)
        step = _EXTENT >> BIN_BITS
        return _encode(
            "occurrences",
            f"""SELECT ST_Point(px * {step} + {half}, py * {step} + {half}) AS geom, "count"
                FROM occurrence_tiles WHERE z = ? AND x = ? AND y = ?""",
            [z, x, y],
        )
    if z in GROUP_ZOOMS and (grouped := _grouped(where)) is not None:
        return _bins(z, x, y, grouped, of_groups=True)
    condition, params = sql.where(where, RELEASE["occurrences"])
    if z in LOW_ZOOMS:
        return _bins(z, x, y, (condition, params))
    shift = ZOOM - z
    west, north = x << shift, y << shift
    inside = "mx BETWEEN ? AND ? AND my BETWEEN ? AND ?"
    bounds = [west, west + (1 << shift) - 1, north, north + (1 << shift) - 1]
    fine = shift - _EXTENT_BITS
    return _encode(
        "occurrences",
        f"""SELECT ST_Point((mx - {west}) >> {fine}, (my - {north}) >> {fine}) AS geom{told}
            FROM occurrences WHERE {inside} AND {condition}""",
        [*bounds, *params],
    )


def _grouped(where: Filter | None) -> Sql | None:
    """Return a filter as a condition on what was counted by groups; None where it asks for more."""
    parts = where.parts if isinstance(where, And) else ()
    others = And(tuple(part for part in parts if part != ONE_OF_EACH))
    if len(others.parts) == len(parts):
        return None
    check_size(others)
    return sql.where(others, OCCURRENCE_GROUPS) if _of_groups(others) else None


def _of_groups(part: Filter) -> bool:
    """Tell whether a filter asks for the columns that were counted by, and for nothing else."""
    if isinstance(part, Compare | In | Between | IsNull):
        return part.column in OCCURRENCE_GROUPS.columns
    return isinstance(part, And | Or | Not) and all(_of_groups(inner) for inner in parts_of(part))


def _bins(z: int, x: int, y: int, where: Sql, *, of_groups: bool = False) -> Sql:
    """Return the statement that counts records, or what was counted by groups, in bins; beside the tile, how many."""
    table, across, down, counted, unit_bits = "occurrences", "mx", "my", "count(*)", ZOOM
    if of_groups:
        table, across, down, counted = "occurrence_groups", "bx", '"by"', 'sum("count")::BIGINT'
        unit_bits = GROUP_ZOOMS[-1] + BIN_BITS
    shift = unit_bits - z
    step, fine = _EXTENT >> BIN_BITS, shift - BIN_BITS
    west, north = x << shift, y << shift
    condition, params = where
    place = f"ST_Point(i * {step} + {step // 2}, j * {step} + {step // 2})"
    return _encode(
        "occurrences",
        f"""SELECT {place} AS geom, n AS "count" FROM (
                SELECT ({across} - {west}) >> {fine} AS i, ({down} - {north}) >> {fine} AS j, {counted} AS n
                FROM {table} WHERE {across} BETWEEN ? AND ? AND {down} BETWEEN ? AND ? AND {condition} GROUP BY ALL)""",
        [west, west + (1 << shift) - 1, north, north + (1 << shift) - 1, *params],
        beside=', coalesce(sum("count"), 0)::BIGINT',
    )


def _shapes(collection: str, z: int, x: int, y: int, where: Filter | None) -> Sql:
    """Return the statement for a tile of polygons, from the shapes of its zoom's band."""
    side = _WORLD_M / (1 << z)
    west, north = x * side - _WORLD_M / 2, _WORLD_M / 2 - y * side
    margin = side * _BUFFER / _EXTENT
    table = RELEASE[collection]
    condition, params = sql.where(where, table)
    told = [f"r.{quote(name)}" for name in SHAPE_PROPERTIES[collection]]
    if "country_codes" in table.columns:
        told.append("array_to_string(r.country_codes, ';') AS country_codes")
    edges = (west - margin, north - side - margin, west + side + margin, north + margin)
    tile_box = f"ST_Extent(ST_MakeEnvelope({west!r}, {north - side!r}, {west + side!r}, {north!r}))"
    # Clipped before it is snapped to the tile's grid: snapping first can break a polygon so that clipping fails.
    # What only touches the edge leaves lines and points beside polygons: ST_CollectionExtract keeps the largest kind.
    clipped = f"""CASE WHEN s.xmin >= {edges[0]!r} AND s.ymin >= {edges[1]!r} AND s.xmax <= {edges[2]!r}
                            AND s.ymax <= {edges[3]!r} THEN ST_GeomFromWKB(s.geometry)
                  ELSE ST_CollectionExtract(ST_Intersection(
                      ST_GeomFromWKB(s.geometry), ST_MakeEnvelope({", ".join(map(repr, edges))}))) END"""
    return _encode(
        collection,
        f"""SELECT * FROM (
                SELECT ST_AsMVTGeom({clipped}, {tile_box}, {_EXTENT}, {_BUFFER}, false) AS geom, {", ".join(told)}
                FROM shapes s JOIN (SELECT * FROM {quote(collection)} WHERE {condition}) r
                     ON r.{quote(SHAPE_IDS[collection])} = s.id
                WHERE s.collection = ? AND s.band = ? AND s.xmax >= ? AND s.ymax >= ? AND s.xmin <= ? AND s.ymin <= ?)
            WHERE geom IS NOT NULL AND NOT ST_IsEmpty(geom)""",
        [*params, collection, band_of(z), *edges],
    )


def _encode(layer: str, features: str, params: list[Any], *, beside: str = "") -> Sql:
    """Return the statement that encodes features with a column `geom` as a tile of one layer, and what stands beside it.

    A record's key is an attribute and not the feature's id, which ST_AsMVT takes from 32 bits.
    """
    encoded = f"ST_AsMVT(t, '{layer}', {_EXTENT}, 'geom')"
    return f"SELECT CASE WHEN count(*) > 0 THEN {encoded} END{beside} FROM ({features}) t", params


_WORLD_M: Final = 40075016.68557849
