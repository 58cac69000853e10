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
"""

# ruff: noqa: S608 - no value of anybody's stands in these statements.

from typing import Final

import duckdb

from biodata.store.mercator import BIN_BITS, GROUP_ZOOMS, LOW_ZOOMS, MAXIMUM_POINTS, MAXIMUM_ZOOM, ZOOM

TABLES: Final = ("occurrence_tiles", "occurrence_groups", "occurrence_crowds")
"""The tables that `count` makes."""


def count(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the three tables from the table `occurrences` of a release that is being written."""
    _low_zooms(connection)
    _groups(connection)
    _crowds(connection)


def _low_zooms(connection: duckdb.DuckDBPyConnection) -> None:
    """Count every record into bins of the low zooms' tiles: each zoom from the finer one."""
    finest, bins = LOW_ZOOMS[-1], 1 << BIN_BITS
    shift = ZOOM - finest - BIN_BITS
    connection.execute(
        f"""
        CREATE TEMP TABLE bins AS
        SELECT {finest} AS z, mx >> {shift} AS bx, my >> {shift} AS "by", count(*) AS "count"
        FROM occurrences WHERE mx IS NOT NULL GROUP BY ALL
        """
    )
    for zoom in reversed(LOW_ZOOMS[:-1]):
        connection.execute(
            f"""
            INSERT INTO bins SELECT {zoom}, bx >> 1, "by" >> 1, sum("count")::BIGINT
            FROM bins WHERE z = {zoom + 1} GROUP BY ALL
            """
        )
    connection.execute(
        f"""
        CREATE TABLE occurrence_tiles AS
        SELECT z::INTEGER AS z, (bx >> {BIN_BITS})::INTEGER AS x, ("by" >> {BIN_BITS})::INTEGER AS y,
               (bx & {bins - 1})::INTEGER AS px, ("by" & {bins - 1})::INTEGER AS py, "count"
        FROM bins ORDER BY z, y, x, py, px
        """
    )
    connection.execute("DROP TABLE bins")


def _groups(connection: duckdb.DuckDBPyConnection) -> None:
    """Count every record by bin, group of taxa and year; a group's rows stand together."""
    shift = ZOOM - GROUP_ZOOMS[-1] - BIN_BITS
    connection.execute(
        f"""
        CREATE TABLE occurrence_groups AS
        SELECT (mx >> {shift})::INTEGER AS bx, (my >> {shift})::INTEGER AS "by", kingdom, phylum, "class", "year",
               count(*)::INTEGER AS "count"
        FROM occurrences WHERE mx IS NOT NULL GROUP BY ALL
        ORDER BY kingdom, phylum, "class", "by", bx, "year"
        """
    )


def _crowds(connection: duckdb.DuckDBPyConnection) -> None:
    """Find the crowded tiles zoom by zoom: what lies in a tile that is not crowded is not looked at again."""
    connection.execute("CREATE TABLE occurrence_crowds (z INTEGER, x INTEGER, y INTEGER)")
    last = LOW_ZOOMS[-1]
    for zoom in range(last + 1, MAXIMUM_ZOOM + 1):
        shift = ZOOM - zoom
        inside = "true"
        if zoom > last + 1:
            parents = f"SELECT x::BIGINT << 32 | y FROM occurrence_crowds WHERE z = {zoom - 1}"
            inside = f"(mx >> {shift + 1}) << 32 | (my >> {shift + 1}) IN ({parents})"
        found = connection.execute(
            f"""
            INSERT INTO occurrence_crowds
            SELECT {zoom}, mx >> {shift}, my >> {shift} FROM occurrences WHERE mx IS NOT NULL AND {inside}
            GROUP BY ALL HAVING count(*) > {MAXIMUM_POINTS}
            ORDER BY ALL
            """
        ).fetchall()[0][0]
        if not found:
            return
