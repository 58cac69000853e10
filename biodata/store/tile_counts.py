"""What the tiles of a release are counted from beforehand, all of it from the published rows of the release itself.

Three tables stand in its file:

`occurrence_tiles` (z, x, y, px, py, count)
    Of each tile of `mercator.LOW_ZOOMS` the bins with records: px and py are the bin's column and row of the 128 in
    the tile. Every placed record is in exactly one bin of each zoom, so the
    sum over a zoom is the number of placed records.
`occurrence_groups` (bx, by, kingdom, phylum, class, year, count)
    The same records in bins of 1/2048 of the world, those of zoom 4, by group of taxa and year; null where a record
    tells none. Tiles of `mercator.GROUP_ZOOMS` are counted from it where a filter asks for these four columns only. At
    higher zooms nearly every record has a bin, group and year of its own (at a million records 0.93 of them at zoom
    6), so that their filtered tiles are counted from the records themselves, which the curve keeps together.
`occurrence_crowds` (z, x, y)
    Tiles above the low zooms with more than `mercator.MAXIMUM_POINTS` records: no other tile
    has to be counted before its records are drawn.

In the file of what differs from a base they are views of the base's and of what changed: of tiles and groups what was
added and, as negative counts, what went; of crowds those that came. One that went is counted once more than it need be.
"""

# ruff: noqa: S608 - no value of anybody's stands in these statements.

from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

_PLACED: Final = "occurrences WHERE mx IS NOT NULL"


def count_tiles(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the three tables from the table `occurrences` of a release that is being written."""
    connection.execute(f"CREATE TABLE occurrence_tiles AS {_low_zooms(connection, _PLACED, 'count(*)')}")
    connection.execute(f"CREATE TABLE occurrence_groups AS {_groups(_PLACED, 'count(*)')}")
    connection.execute("CREATE TABLE occurrence_crowds (z INTEGER, x INTEGER, y INTEGER)")
    _crowds(connection)


def count_changes(connection: duckdb.DuckDBPyConnection, *, before: str | None) -> None:
    """Make the three views, and the tables of what changed, from the temporary tables `staged` and `lost`.

    Parameters
    ----------
    connection : DuckDBPyConnection
        With the whole file attached as `base`.
    before : str, optional
        The name that the file of the release before is attached by, where that differs from the same base.
    """
    columns = 'mx, my, kingdom, phylum, "class", "year"'
    connection.execute(
        f"""CREATE TEMP VIEW signed AS SELECT {columns}, 1 AS n FROM staged WHERE mx IS NOT NULL
            UNION ALL SELECT {columns}, -1 AS n FROM lost WHERE mx IS NOT NULL"""
    )
    for table, counted, order in (
        ("occurrence_tiles", _low_zooms(connection, "signed", "sum(n)"), "z, y, x, py, px"),
        ("occurrence_groups", _groups("signed", "sum(n)"), 'kingdom, phylum, "class", "by", bx, "year"'),
    ):
        known = f"UNION ALL FROM {before}.{table}_delta" if before is not None else ""
        connection.execute(
            f"""CREATE TABLE {table}_delta AS
                SELECT * EXCLUDE ("count"), sum("count")::BIGINT AS "count" FROM ((FROM ({counted})) {known})
                GROUP BY ALL HAVING sum("count") <> 0 ORDER BY {order}"""
        )
        connection.execute(f"CREATE VIEW {table} AS FROM base.{table} UNION ALL FROM {table}_delta")
    _new_crowds(connection, before=before)


def _low_zooms(connection: duckdb.DuckDBPyConnection, source: str, counted: str) -> str:
    """Count every record into bins of the low zooms' tiles, each zoom from the finer one; return the query for the bins."""
    finest, bins = LOW_ZOOMS[-1], 1 << BIN_BITS
    shift = ZOOM - finest - BIN_BITS
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE bins AS
        SELECT {finest} AS z, mx >> {shift} AS bx, my >> {shift} AS "by", {counted}::BIGINT AS "count"
        FROM {source} GROUP BY ALL
        """
    )
    for zoom in reversed(LOW_ZOOMS[:-1]):
        connection.execute(
            f"""
            INSERT INTO bins SELECT {zoom}, bx >> 1, "by" >> 1, sum("count")::BIGINT
            FROM bins WHERE z = {zoom + 1} GROUP BY ALL
            """
        )
    return f"""
        SELECT z::INTEGER AS z, (bx >> {BIN_BITS})::INTEGER AS x, ("by" >> {BIN_BITS})::INTEGER AS y,
               (bx & {bins - 1})::INTEGER AS px, ("by" & {bins - 1})::INTEGER AS py, "count"
        FROM bins ORDER BY z, y, x, py, px
        """


def _groups(source: str, counted: str) -> str:
    """Return the query for every record by bin, group of taxa and year; a group's rows stand together."""
    shift = ZOOM - GROUP_ZOOMS[-1] - BIN_BITS
    return f"""
        SELECT (mx >> {shift})::INTEGER AS bx, (my >> {shift})::INTEGER AS "by", kingdom, phylum, "class", "year",
               {counted}::BIGINT AS "count"
        FROM {source} GROUP BY ALL
        ORDER BY kingdom, phylum, "class", "by", bx, "year"
        """


def _crowds(connection: duckdb.DuckDBPyConnection) -> None:
    """Find the crowded tiles zoom by zoom: what lies in a tile that is not crowded is not looked at again."""
    last = LOW_ZOOMS[-1]
    for zoom in range(last + 1, MAXIMUM_ZOOM + 1):
        shift = ZOOM - zoom
        inside = "true"
        if zoom > last + 1:
            parents = f"SELECT x::BIGINT << 32 | y FROM occurrence_crowds WHERE z = {zoom - 1}"
            inside = f"{_tile(shift + 1)} IN ({parents})"
        found = connection.execute(
            f"""
            INSERT INTO occurrence_crowds
            SELECT {zoom}, mx >> {shift}, my >> {shift} FROM {_PLACED} AND {inside}
            GROUP BY ALL HAVING count(*) > {MAXIMUM_POINTS}
            ORDER BY ALL
            """
        ).fetchall()[0][0]
        if not found:
            return


def _new_crowds(connection: duckdb.DuckDBPyConnection, *, before: str | None) -> None:
    """Find the tiles that new records make crowded: those that hold some, below crowded ones."""
    known = f" UNION ALL FROM {before}.occurrence_crowds_delta" if before is not None else ""
    connection.execute(f"CREATE TEMP TABLE crowds AS FROM base.occurrence_crowds{known}")
    connection.execute("CREATE TEMP TABLE new_crowds (z INTEGER, x INTEGER, y INTEGER)")
    last = LOW_ZOOMS[-1]
    for zoom in range(last + 1, MAXIMUM_ZOOM + 1):
        shift = ZOOM - zoom
        crowded = "(SELECT x::BIGINT << 32 | y FROM (FROM crowds UNION ALL FROM new_crowds) WHERE z = {})"
        inside = "true" if zoom == last + 1 else f"{_tile(shift + 1)} IN {crowded.format(zoom - 1)}"
        query = f"SELECT DISTINCT {_tile(shift)} AS tile FROM staged WHERE mx IS NOT NULL AND {inside}"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE looked_at AS {query}")
        if not connection.execute("SELECT count(*) FROM looked_at").fetchall()[0][0]:
            break
        if connection.execute(
            f"DELETE FROM looked_at WHERE tile IN {crowded.format(zoom)}; SELECT count(*) FROM looked_at"
        ).fetchall()[0][0]:
            connection.execute(
                f"""
                INSERT INTO new_crowds
                SELECT {zoom}, mx >> {shift}, my >> {shift} FROM {_PLACED} AND {_tile(shift)} IN (FROM looked_at)
                GROUP BY ALL HAVING count(*) > {MAXIMUM_POINTS}
                """
            )
    connection.execute(f"CREATE TABLE occurrence_crowds_delta AS SELECT * FROM (FROM new_crowds{known}) ORDER BY ALL")
    connection.execute(
        "CREATE VIEW occurrence_crowds AS FROM base.occurrence_crowds UNION ALL FROM occurrence_crowds_delta"
    )


def _tile(shift: int) -> str:
    """Return the SQL of a number for the tile of a record."""
    return f"((mx >> {shift}) << 32 | (my >> {shift}))"


Whole = NDArray[np.int64]
Floats = NDArray[np.float64]

ZOOM: Final = 32
"""The world is 2^32 by 2^32 units: less than a centimetre at the equator."""

MAXIMUM_LATITUDE: Final = 85.05112877980659
"""Where Web Mercator ends; what lies beyond stands on its edge."""

HILBERT_ORDER: Final = 21
"""The curve visits 2^21 by 2^21 cells, 19 m at the equator."""

LOW_ZOOMS: Final = range(8)
"""Zooms whose tiles are counted beforehand."""

BIN_BITS: Final = 7
"""A counted tile has 2^7 by 2^7 bins."""

GROUP_ZOOMS: Final = range(5)
"""Zooms whose tiles are counted beforehand by group of taxa and year, too."""

MAXIMUM_ZOOM: Final = 20
"""At 2^32 units to the world a tile of this zoom still has a unit for each of its own 4,096."""

MAXIMUM_POINTS: Final = 10_000
"""A tile with more records than this shows counts in bins instead."""


def project(longitude: Floats, latitude: Floats) -> tuple[Whole, Whole]:
    """Return Web Mercator positions, x eastwards from 180° W and y southwards, 2^32 units to the world.

    Parameters
    ----------
    longitude, latitude : ndarray of n floats
        Degrees, WGS 84; none is missing.

    Returns
    -------
    mx, my : ndarray of n int64
        0 to 2^32 - 1.
    """
    size = float(1 << ZOOM)
    radians = np.radians(np.clip(latitude, -MAXIMUM_LATITUDE, MAXIMUM_LATITUDE))
    x = (longitude / 360 + 0.5) * size
    y = (0.5 - np.arcsinh(np.tan(radians)) / (2 * np.pi)) * size
    mx, my = (np.clip(np.floor(v), 0, size - 1).astype(np.int64) for v in (x, y))
    return mx, my


def hilbert(mx: Whole, my: Whole) -> Whole:
    """Return positions along a Hilbert curve: places near on it are near on the map.

    Parameters
    ----------
    mx, my : ndarray of n int64
        From `project`.

    Returns
    -------
    ndarray of n int64
        0 to 2^42 - 1.

    Notes
    -----
    The bitwise form of https://en.wikipedia.org/wiki/Hilbert_curve#Applications_and_mapping_algorithms.
    """
    x, y = mx >> (ZOOM - HILBERT_ORDER), my >> (ZOOM - HILBERT_ORDER)
    distance = np.zeros(x.shape, dtype=np.int64)
    last = (1 << HILBERT_ORDER) - 1
    for bit in range(HILBERT_ORDER - 1, -1, -1):
        right, low = (x >> bit) & 1, (y >> bit) & 1
        distance += ((3 * right) ^ low) << (2 * bit)
        turned = low == 0
        flipped = turned & (right == 1)
        x, y = np.where(flipped, last - x, x), np.where(flipped, last - y, y)
        x, y = np.where(turned, y, x), np.where(turned, x, y)
    return distance
