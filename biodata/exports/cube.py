"""Occurrence cubes: records counted by taxon, year and grid cell, none lost on the way.

After the specification of the B-Cubed project (https://docs.b-cubed.eu/guides/occurrence-cube). A record is counted in the
cell of its published point and nowhere else: nothing is drawn by lot inside its uncertainty, whose smallest value in each
line is told instead, so that the same records always give the same cube. Records without coordinates or a year are counted,
too, in lines without a cell or a year.
"""

from pathlib import Path
from types import MappingProxyType
from typing import Final

from biodata.exports.facts import Facts
from biodata.exports.request import ExportRequest, Grid
from biodata.exports.selection import LABELS_OF_GROUP, Selection, Step
from biodata.exports.simple_csv import write_guarded

_LAT, _LON = '"decimalLatitude"', '"decimalLongitude"'

# A corner of the Earth itself belongs to the last cell: 90° north and 180° east have none behind them.
_ROW, _COLUMN = (
    f"least(greatest(floor({value} * {{per}}), {low} * {{per}}), {high} * {{per}} - 1)::INTEGER"
    for value, low, high in ((_LAT, -90, 90), (_LON, -180, 180))
)


def _half(bit: int) -> str:
    """Return the letter of the quarter that a point lies in at one level: A B above C D, as QDGC has it."""
    north, east = (f"(({index.format(per=4)} + 1440) >> {bit}) & 1" for index in (_ROW, _COLUMN))
    return f"CASE WHEN {north} = 1 THEN CASE WHEN {east} = 1 THEN 'B' ELSE 'A' END ELSE CASE WHEN {east} = 1 THEN 'D' ELSE 'C' END END"


def _degree(index: str, positive: str, negative: str, digits: int) -> str:
    """Return a whole degree with its letter, counted away from zero: the cell from -1 to 0 is 000 of the west."""
    degree = f"({index.format(per=1)})"
    return (
        f"CASE WHEN {degree} >= 0 THEN '{positive}' || lpad({degree}::VARCHAR, {digits}, '0') "
        f"ELSE '{negative}' || lpad((-{degree} - 1)::VARCHAR, {digits}, '0') END"
    )


_QUARTER: Final = f"({_degree(_COLUMN, 'E', 'W', 3)}) || ({_degree(_ROW, 'N', 'S', 2)}) || ({_half(1)}) || ({_half(0)})"

_TENTH: Final = f"printf('%.1f,%.1f', ({_ROW.format(per=10)}) / 10.0, ({_COLUMN.format(per=10)}) / 10.0)"

# EPSG:6933: Lambert's cylindrical equal-area projection of the WGS 84 ellipsoid, true at 30°; Snyder 1987, pages 81-83.
_A, _E = 6378137.0, 0.0818191908426215
_K0: Final = 0.75**0.5 / (1 - _E**2 * 0.25) ** 0.5
_SIN: Final = f"sin(radians({_LAT}))"
_Q: Final = (
    f"{1 - _E**2!r} * ({_SIN} / (1 - {_E**2!r} * {_SIN} * {_SIN}) "
    f"- {1 / (2 * _E)!r} * ln((1 - {_E!r} * {_SIN}) / (1 + {_E!r} * {_SIN})))"
)
_EAST: Final = f"floor(radians({_LON}) * {_A * _K0 / 10_000!r})::INTEGER"
_NORTH: Final = f"floor(({_Q}) * {_A / (2 * _K0) / 10_000!r})::INTEGER"
_SQUARE: Final = (
    f"'10km' || CASE WHEN {_EAST} >= 0 THEN 'E' ELSE 'W' END || abs({_EAST})::VARCHAR "
    f"|| CASE WHEN {_NORTH} >= 0 THEN 'N' ELSE 'S' END || abs({_NORTH})::VARCHAR"
)

CELLS: Final = MappingProxyType(
    {
        Grid.EQDGC: ("eqdgcCellCode", _QUARTER),
        Grid.TENTH_DEGREE: ("cellSouthWest", _TENTH),
        Grid.EQUAL_AREA: ("easeCellCode", _SQUARE),
    }
)
"""Of each grid the column's name and the code of a cell in SQL over published coordinates.

`eqdgcCellCode` is E104N22AB: the degree's corner nearest to zero, then quarter and quarter of the quarter; `cellSouthWest`
is 22.3,104.5, the south-western corner; `easeCellCode` is 10kmE1004N300, the south-western corner in units of 10 km east and
north of 0°, 0°, those to the south and west with a minus told as S and W.
"""

_TAXON: Final = 'kingdom, phylum, class, "order", family, genus, species, "speciesKey"'


def write_cube(selection: Selection, facts: Facts, request: ExportRequest, out: Path, *, step: Step) -> None:
    """Write a line for every taxon, year and cell: `occurrences`, `minCoordinateUncertaintyInMeters`, `community_labels`.

    The sum of `occurrences` is the number of records.
    """
    del facts
    name, code = CELLS[request.grid]
    cell = f"CASE WHEN {_LAT} IS NOT NULL AND {_LON} IS NOT NULL THEN {code} END"
    select = (
        f'{_TAXON}, year, {cell} AS "{name}", count(*) AS occurrences, '
        f'min("coordinateUncertaintyInMeters") AS "minCoordinateUncertaintyInMeters", {LABELS_OF_GROUP}'
    )
    write_guarded(selection.batches(select, after=f'GROUP BY ALL ORDER BY {_TAXON}, year, "{name}"'), out)
    step(1.0)
