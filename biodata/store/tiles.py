"""Vector tiles of a release: counts in bins at low zooms, records or shapes at high ones."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from biodata.core.errors import InputError
from biodata.formats.vector_tiles import Whole, encode_points
from biodata.store.duck import quote
from biodata.store.query import filters, sql
from biodata.store.query.sql import Sql
from biodata.store.shapes import SHAPE_IDS, band_of
from biodata.store.tables import OCCURRENCE_GROUPS, RELEASE
from biodata.store.tile_counts import BIN_BITS, GROUP_ZOOMS, LOW_ZOOMS, MAXIMUM_POINTS, MAXIMUM_ZOOM, ZOOM

_EXTENT_BITS: Final = 12
_EXTENT: Final = 1 << _EXTENT_BITS
_BUFFER: Final = 64
_BINS: Final = 1 << 2 * BIN_BITS

POINT_PROPERTIES: Final = (
    "key", "scientificName", "species", "class", "year", "countryCode", "basisOfRecord", "iucnRedListCategory",
    "sharing_category",
)  # fmt: skip
"""What a record states in a tile."""

SHAPE_PROPERTIES: Final = {
    "protected_areas": ("area_id", "name", "original_name", "designation", "iucn_category", "status", "marine"),
    "corridors": (
        "corridor_id", "run_id", "from_name", "to_name", "functional", "least_cost", "cost_ratio", "path_length_m",
        "width_m", "narrowest_m", "sharing_category",
    ),
    "reserve_candidates": ("candidate_id", "run_id", "name", "rank", "front", "acceptability", "area_km2", "sharing_category"),
    "considered_ground": ("considered_id", "run_id", "name", "outcome", "sharing_category"),
    "surveys": (
        "survey_id", "datasetKey", "eventID", "design", "samplingProtocol", "effort_value", "effort_unit", "records",
        "species", "sharing_category",
    ),
    "boundaries": ("code", "name", "level", "country_code"),
}  # fmt: skip
"""What a shape tells in a tile, beside `country_codes` as text where the table has them."""

MAXIMUM_SURVEYS: Final = 500
"""A tile with more surveys than this has no shapes of them, and signs only for those that stand alone."""

SIGNS: Final = "survey_signs"
"""The second layer of a tile of surveys."""

_SIGN_ZOOM: Final = 12
"""From this zoom each survey has its sign: stations stand apart, and visits to one lie on each other."""

_SIGN_BITS: Final = 4
"""Below, a tile has 2^4 by 2^4 bins with one sign each: a number can be read in it."""

T = TypeVar("T")


class Run(Protocol):
    """Runs a statement with its parameters, and returns what is made of its columns as they come."""

    def __call__(self, statement: str, params: list[Any], then: Callable[[pa.RecordBatchReader], T]) -> T:
        """Run it."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What stands beside the records of a release's base.

    Attributes
    ----------
    gone : numpy.ndarray
        Places of the base's records that are gone, in their order.
    seeing : function of a statement
        Gives one that sees the records of both files, with `signed` those that are gone as -1.
    """

    gone: NDArray[np.int64]
    seeing: Callable[..., str]


def is_among(places: NDArray[np.int64], gone: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which of n places are among others, which are sorted and some."""
    return np.equal(gone[np.minimum(np.searchsorted(gone, places), len(gone) - 1)], places)


Crowds = Collection[tuple[Any, ...]]
"""Zoom, column and row of the tiles above the low zooms with more than `MAXIMUM_POINTS` records."""


def tile(
    run: Run, collection: str, z: int, x: int, y: int, *, crowds: Crowds, where: filters.Filter | None = None,
    properties: Sequence[str] | None = None, changes: Changes | None = None,
) -> bytes:  # fmt: skip
    """Return a Mapbox vector tile of WebMercatorQuad with one layer, named as the collection.

    Occurrences are counted in bins of 1/128 of a tile's side up to zoom 7 in the property `count`; those of the default
    view were counted beforehand, up to zoom 4 by kingdom, phylum, class and year, too (see
    `tile_counts`). Above, each record is a point with `POINT_PROPERTIES` and `count` 1, as long as a tile has no more
    than `MAXIMUM_POINTS`; else it has such bins. Shapes are made simpler to suit the zoom.

    A tile of surveys has a second layer, `survey_signs`: a point for each, where its sign stands, once in all tiles of a
    zoom. Up to zoom 11, and where a tile has more than `MAXIMUM_SURVEYS`, surveys are counted in bins of 1/16 of its side:
    `count`, `design` where all have the same, and of one that stands alone all that its shape tells. Those that others
    are parts of have no sign: they are `whole`.

    Parameters
    ----------
    run : callable
        Runs a statement on an open release.
    collection : str
        occurrences, or one of `SHAPE_PROPERTIES`.
    z, x, y : int
        Zoom, column from the west, row from the north.
    crowds : collection of (z, x, y)
        The crowded tiles of the release: only there records are counted.
    where : Filter, optional
        Only these rows.
    properties : sequence of str, optional
        What a record tells, and no more; `count` may be among it. Columns of single values.
    changes : Changes, optional
        What stands beside the records of the release's base, where some of these are gone.

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
        return _points(run, (z, x, y), crowds, where, properties, changes)
    if collection not in SHAPE_PROPERTIES:
        problem = f"there are no tiles of {collection}"
        raise InputError(problem, code="TILE_UNKNOWN")
    if collection == "surveys":
        return _surveys(run, z, x, y, where)
    return _bytes(run, _shapes(collection, z, x, y, where))


def _surveys(run: Run, z: int, x: int, y: int, where: filters.Filter | None) -> bytes:
    """Return a tile of surveys: their shapes unless they are many, and signs. Layers of tiles are joined by joining the bytes."""
    few = bool(_one(run, _how_many(z, x, y, where)) <= MAXIMUM_SURVEYS)
    shapes = _bytes(run, _shapes("surveys", z, x, y, where)) if few else b""
    return shapes + _bytes(run, _signs(z, x, y, where, each=few and z >= _SIGN_ZOOM))


def _bytes(run: Run, statement: Sql) -> bytes:
    """Return a layer; nothing where it holds nothing."""
    answer: bytes | None = _one(run, statement)
    return answer or b""


def _one(run: Run, statement: Sql) -> Any:
    """Return the one value that a statement answers."""
    return run(*statement, _read).column(0)[0].as_py()


def _read(columns: pa.RecordBatchReader) -> pa.Table:
    """Return all that comes."""
    return columns.read_all()


def _points(
    run: Run, place: tuple[int, int, int], crowds: Crowds, where: filters.Filter | None,
    properties: Sequence[str] | None, changes: Changes | None,
) -> bytes:  # fmt: skip
    """Return a tile of records, or of their counts in bins where the zoom is low or the tile crowded."""
    z, x, y = place
    text = _properties_sql(properties)
    if z in LOW_ZOOMS or place in crowds:
        counts = run(*_counted(z, x, y, where, changes), _in_bins)
        if z in LOW_ZOOMS or counts.sum() > MAXIMUM_POINTS:
            return _binned(counts)
    condition, params = sql.where(where, RELEASE["occurrences"])
    shift = ZOOM - z
    west, north = x << shift, y << shift
    place_of = ", rowid" if changes is not None else ""
    statement = f"""SELECT mx, my{text}{place_of} FROM occurrences
            WHERE mx BETWEEN ? AND ? AND my BETWEEN ? AND ? AND {condition}"""
    statement = changes.seeing(statement) if changes is not None else statement
    box = [west, west + (1 << shift) - 1, north, north + (1 << shift) - 1]
    found: pa.Table = run(statement, [*box, *params], _read)
    if changes is not None:
        gone = is_among(found["rowid"].to_numpy(), changes.gone)
        found = (found.filter(pa.array(~gone)) if gone.any() else found).drop_columns("rowid")
    fine = shift - _EXTENT_BITS
    return encode_points(
        "occurrences", (found["mx"].to_numpy() - west) >> fine, (found["my"].to_numpy() - north) >> fine,
        dict(zip(found.column_names[2:], found.columns[2:], strict=True)), extent=_EXTENT,
    )  # fmt: skip


def _in_bins(columns: pa.RecordBatchReader) -> Whole:
    """Count what comes by the number of its bin, `bin`, each row once or as often as `count` says.

    Notes
    -----
    In half of the time of a GROUP BY, which has to hash what can be counted in place.
    """
    counts = np.zeros(_BINS, dtype=np.int64)
    for batch in columns:
        values = batch.column("bin").to_numpy()
        if batch.num_columns == 1:
            counts += np.bincount(values, minlength=_BINS)
        else:
            np.add.at(counts, values, batch.column("count").to_numpy())
    return counts


def _binned(counts: Whole) -> bytes:
    """Return a tile of counts: a point in the middle of each bin."""
    step = _EXTENT >> BIN_BITS
    found = np.flatnonzero(counts)
    down, across = (place * step + step // 2 for place in np.divmod(found, 1 << BIN_BITS))
    facts = {"count": pa.chunked_array([counts[found]])}
    return encode_points("occurrences", across, down, facts, extent=_EXTENT)


def _properties_sql(properties: Sequence[str] | None) -> str:
    """Return what a record states in a tile as SQL; its key is an attribute, as a feature's id has 32 bits for some."""
    found = []
    for name in properties if properties is not None else (*POINT_PROPERTIES, "count"):
        if name == "count":
            found.append('1 AS "count"')
            continue
        column = RELEASE["occurrences"].column(name)
        if isinstance(column.dtype, pl.List):
            problem = "a tile holds single values only"
            raise InputError(problem, column=name, code="COLUMN_UNKNOWN")
        # A tile knows texts, numbers and truth values.
        found.append(f"{quote(name)}::VARCHAR AS {quote(name)}" if column.dtype == pl.Date else quote(name))
    return "".join(f", {text}" for text in found)


def _counted(z: int, x: int, y: int, where: filters.Filter | None, changes: Changes | None) -> Sql:
    """Return the statement for the bins of a tile: counted beforehand where they can be, else now.

    A bin's number is its row times the bins of a row, plus its column.
    """
    if z in LOW_ZOOMS and where is None:
        table = f'SELECT (py::BIGINT << {BIN_BITS}) | px AS bin, "count" FROM occurrence_tiles'
        return f"{table} WHERE z = ? AND x = ? AND y = ?", [z, x, y]
    table, across, down, counted, unit_bits = "occurrences", "mx", "my", "", ZOOM
    entries = sql.where(where, RELEASE["occurrences"])
    if z in GROUP_ZOOMS and (grouped := _grouped(where)) is not None:
        table, across, down, counted, entries = (
            "occurrence_groups", "bx", '"by"', ', "count"::BIGINT AS "count"', grouped,
        )  # fmt: skip
        unit_bits = GROUP_ZOOMS[-1] + BIN_BITS
    shift = unit_bits - z
    fine = shift - BIN_BITS
    west, north = x << shift, y << shift
    place = f"((({down} - {north}) >> {fine})::BIGINT << {BIN_BITS}) | (({across} - {west}) >> {fine})"
    condition, params = entries
    signed = changes is not None and table == "occurrences"
    counted = ', sign AS "count"' if signed else counted
    statement = f"""SELECT {place} AS bin{counted} FROM {table}
            WHERE {across} BETWEEN ? AND ? AND {down} BETWEEN ? AND ? AND {condition}"""
    if changes is not None and signed:
        statement = changes.seeing(statement, signed=True)
    return statement, [west, west + (1 << shift) - 1, north, north + (1 << shift) - 1, *params]


def _grouped(where: filters.Filter | None) -> Sql | None:
    """Return a filter as a condition on what was counted by groups; None where it asks for more."""
    if where is None:
        return None
    filters.check_size(where)
    return sql.where(where, OCCURRENCE_GROUPS) if _of_groups(where) else None


def _of_groups(part: filters.Filter) -> bool:
    """Return whether a filter asks for the columns that were counted by, and for nothing else."""
    if isinstance(part, filters.Compare | filters.In | filters.Between | filters.IsNull):
        return part.column in OCCURRENCE_GROUPS.columns
    return isinstance(part, filters.And | filters.Or | filters.Not) and all(
        _of_groups(inner) for inner in filters.parts_of(part)
    )


def _shapes(collection: str, z: int, x: int, y: int, where: filters.Filter | None) -> Sql:
    """Return the statement for a tile of polygons, from the shapes of its zoom's band."""
    west, south, east, north = _square(z, x, y)
    margin = (east - west) * _BUFFER / _EXTENT
    table = RELEASE[collection]
    lines = [f"r.{quote(name)}" for name in SHAPE_PROPERTIES[collection]]
    if "country_codes" in table.columns:
        lines.append("array_to_string(r.country_codes, ';') AS country_codes")
    if collection == "surveys":
        lines.append(f"{_WHOLE} AS whole")
    edges = (west - margin, south - margin, east + margin, north + margin)
    tile_box = f"ST_Extent(ST_MakeEnvelope({west!r}, {south!r}, {east!r}, {north!r}))"
    # Clipped before it is snapped to the tile's grid: snapping first can break a polygon so that clipping fails.
    # What only touches the edge leaves lines and points beside polygons: ST_CollectionExtract keeps the largest kind.
    clipped = f"""CASE WHEN s.xmin >= {edges[0]!r} AND s.ymin >= {edges[1]!r} AND s.xmax <= {edges[2]!r}
                            AND s.ymax <= {edges[3]!r} THEN ST_GeomFromWKB(s.geometry)
                  ELSE ST_CollectionExtract(ST_Intersection(
                      ST_GeomFromWKB(s.geometry), ST_MakeEnvelope({", ".join(map(repr, edges))}))) END"""
    rows, params = _drawn(collection, band_of(collection, z), edges, where)
    return _encode(
        collection,
        f"""SELECT * FROM (
                SELECT ST_AsMVTGeom({clipped}, {tile_box}, {_EXTENT}, {_BUFFER}, false) AS geom, {", ".join(lines)}
                FROM {rows})
            WHERE geom IS NOT NULL AND NOT ST_IsEmpty(geom)""",
        params,
    )


def _how_many(z: int, x: int, y: int, where: filters.Filter | None) -> Sql:
    """Return the statement that counts the surveys of a tile."""
    rows, params = _drawn("surveys", band_of("surveys", z), _square(z, x, y), where)
    return f"SELECT count(*) FROM {rows}", params


def _signs(z: int, x: int, y: int, where: filters.Filter | None, *, each: bool) -> Sql:
    """Return the statement for the signs of a tile of surveys: one of each, or one of each bin."""
    west, south, east, north = square = _square(z, x, y)
    rows, params = _drawn("surveys", band_of("surveys", z), square, where)
    lines = ["survey_id", *(name for name in SHAPE_PROPERTIES["surveys"] if name != "survey_id")]
    names = ", ".join(map(quote, lines))
    # Of several only what holds for all of them is stated, and the sign stands near the middle of the bin: no two touch.
    alone = ", ".join(
        f"CASE WHEN count(*) = 1 THEN any_value({quote(n)}) END AS {quote(n)}" for n in lines if n != "design"
    )
    # What would be rounded to the edge of the next tile is no tile's for a map, and not drawn.
    step, unit = (east - west) / (1 << _SIGN_BITS), (east - west) / _EXTENT

    def beside(across: str, edge: float, number: str) -> str:
        middle, most = f"({edge!r} + ({number} + 0.5) * {step!r})", 0.2 * step
        near = f"greatest(least(avg({across}), {middle} + {most!r}), {middle} - {most!r})"
        return f"CASE WHEN count(*) = 1 THEN avg({across}) ELSE {near} END"

    counted = f"""SELECT ST_Point({beside("px", west, "any_value(h)")}, {beside("py", south, "any_value(v)")}) AS place,
            count(*) AS "count", CASE WHEN count(DISTINCT design) = 1 AND count(design) = count(*) THEN any_value(design) END AS design,
            {alone} FROM binned GROUP BY h, v"""
    single = f'SELECT ST_Point(px, py) AS place, 1::BIGINT AS "count", {names} FROM binned'
    return _encode(
        SIGNS,
        f"""WITH placed AS (
                SELECT {", ".join(f"r.{quote(n)}" for n in lines)}, ST_PointOnSurface(ST_GeomFromWKB(s.geometry)) AS inside
                FROM {rows} AND NOT {_WHOLE}),
            binned AS (
                SELECT {names}, ST_X(inside) AS px, ST_Y(inside) AS py,
                       floor((px - {west!r}) / {step!r}) AS h, floor((py - {south!r}) / {step!r}) AS v FROM placed
                WHERE px >= {west!r} AND px < {east!r} AND py >= {south!r} AND py < {north!r})
            SELECT ST_AsMVTGeom(ST_Point(least(ST_X(place), {east - 0.51 * unit!r}), greatest(ST_Y(place), {south + 0.51 * unit!r})), ST_Extent(ST_MakeEnvelope({west!r}, {south!r}, {east!r}, {north!r})),
                       {_EXTENT}, {_BUFFER}, false) AS geom, * EXCLUDE (place)
            FROM ({single if each else counted})""",
        params,
    )


_WHOLE: Final = (
    'EXISTS (SELECT 1 FROM surveys w WHERE w."datasetKey" = r."datasetKey" AND w."parentEventID" = r."eventID")'
)
"""Whether a survey has parts that are stated themselves."""


def _drawn(collection: str, band: int, edges: tuple[float, float, float, float], where: filters.Filter | None) -> Sql:
    """Return what stands behind FROM for the rows `r` of a collection with their shapes `s` that touch a square."""
    condition, params = sql.where(where, RELEASE[collection])
    return (
        f"""shapes s JOIN (SELECT * FROM {quote(collection)} WHERE {condition}) r ON r.{quote(SHAPE_IDS[collection])} = s.id
            WHERE s.collection = ? AND s.band = ? AND s.xmax >= ? AND s.ymax >= ? AND s.xmin <= ? AND s.ymin <= ?""",
        [*params, collection, band, *edges],
    )


def _square(z: int, x: int, y: int) -> tuple[float, float, float, float]:
    """Return west, south, east, north of a tile, metres of EPSG:3857; tiles side by side have the same edge, to the last bit."""
    side = _WORLD_M / (1 << z)
    west, east = (column * side - _WORLD_M / 2 for column in (x, x + 1))
    south, north = (_WORLD_M / 2 - row * side for row in (y + 1, y))
    return west, south, east, north


def _encode(layer: str, features: str, params: list[Any]) -> Sql:
    """Return the statement that encodes features with a column `geom` as a tile of one layer."""
    encoded = f"ST_AsMVT(t, '{layer}', {_EXTENT}, 'geom')"
    return f"SELECT CASE WHEN count(*) > 0 THEN {encoded} END FROM ({features}) t", params


_WORLD_M: Final = 40075016.68557849
