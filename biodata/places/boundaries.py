"""Named, replaceable sets of boundaries with a viewpoint; none of them is biodata's position on any boundary."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypedDict

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.core.errors import InputError
from biodata.core.geo import Floats, Geometries
from biodata.places.borders import SEA, Edges, Ints, Lines, edges_of, ranges

# Which unit a point falls in: cells of 0.1° first, the edges of a cell where it is divided.
COLUMNS, ROWS, PER_DEGREE = 3600, 1800, 10
DIVIDED: Final = -2
NUDGE: Final = 3.3e-9
"""Degrees (0.4 mm) added to latitudes, so that no vertex lies exactly level with a point."""
MARGIN: Final = 1e-8


@dataclass(frozen=True, eq=False)
class Cells:
    """The world in cells of 0.1°.

    Attributes
    ----------
    unit : ndarray of int16, length 6,480,000
        The unit that holds the whole cell, -1 for the sea, -2 for a divided cell; rows from 90° S, columns from 180° W.
    divided : ndarray of int64
        The divided cells in order.
    first : ndarray of int64
        Where each one's edges start in `edge`; one longer than `divided`.
    edge : ndarray of int64
        Edges that touch the cells.
    edges : Edges
    """

    unit: NDArray[np.int16]
    divided: NDArray[np.int64]
    first: NDArray[np.int64]
    edge: NDArray[np.int64]
    edges: Edges

    def locate(self, longitude: Floats, latitude: Floats) -> Ints:
        """Return the unit of each point; -1 is the sea.

        Parameters
        ----------
        longitude, latitude : ndarray of float64, length n
            Degrees, within ±180 and ±90.

        Returns
        -------
        ndarray of int32, length n
        """
        latitude = latitude + NUDGE
        column = np.minimum(((longitude + 180) * PER_DEGREE).astype(np.int64), COLUMNS - 1)
        row = np.minimum(((latitude + 90) * PER_DEGREE).astype(np.int64), ROWS - 1)
        cell = row * COLUMNS + column
        unit: Ints = self.unit[cell].astype(np.int32)
        pending = np.flatnonzero(unit == DIVIDED)
        cell = cell[pending]
        while len(pending):
            found = self._west_edge(longitude[pending], latitude[pending], cell)
            unit[pending] = np.where(found >= 0, self.edges.right[found], DIVIDED)
            # Nothing between the point and the cell's western side: what lies there is stated by the next cell west.
            left = found < 0
            pending, cell = pending[left], cell[left] - 1
            edge_of_map = cell % COLUMNS == COLUMNS - 1
            unit[pending] = np.where(edge_of_map, SEA, self.unit[cell])
            still = unit[pending] == DIVIDED
            pending, cell = pending[still], cell[still]
        return unit

    def _west_edge(self, longitude: Floats, latitude: Floats, cell: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the edge next west of each point at its latitude inside the cell, or -1."""
        slot = np.searchsorted(self.divided, cell)
        owner, at = ranges(self.first[slot], self.first[slot + 1] - self.first[slot])
        edge = self.edge[at]
        x0, y0, x1, y1 = self.edges.ends[edge].T
        lat = latitude[owner]
        meets = np.flatnonzero((y0 <= lat) & (lat < y1))
        owner, edge = owner[meets], edge[meets]
        x = x0[meets] + (lat[meets] - y0[meets]) / (y1[meets] - y0[meets]) * (x1[meets] - x0[meets])
        west = (cell % COLUMNS)[owner] / PER_DEGREE - 180
        inside = (x <= longitude[owner]) & (x >= west - MARGIN)
        owner, edge, x = owner[inside], edge[inside], x[inside]
        found = np.full(len(longitude), -1, dtype=np.int64)
        if len(owner):
            starts = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
            easternmost = np.repeat(np.maximum.reduceat(x, starts), np.diff(np.append(starts, len(owner))))
            last = x == easternmost
            found[owner[last]] = edge[last]
        return found


def cells_of(edges: Edges) -> Cells:
    """Return the cells of a set's edges.

    Notes
    -----
    A cell that no edge touches lies in one unit: the one east of the last edge that a line through the cells' middles
    crosses before the cell.
    """
    x0, y0, x1, y1 = edges.ends.T
    slope = np.divide(x1 - x0, y1 - y0, out=np.zeros_like(x0), where=y1 > y0)
    # Where the middle line of a row crosses an edge
    low = np.ceil((y0 + 90 - NUDGE) * PER_DEGREE - 0.5).astype(np.int64)
    high = np.ceil((y1 + 90 - NUDGE) * PER_DEGREE - 0.5).astype(np.int64)
    edge, row = ranges(low, high - low)
    x = x0[edge] + ((row + 0.5) / PER_DEGREE - 90 + NUDGE - y0[edge]) * slope[edge]
    order = np.lexsort((x, row))
    column = np.ceil((x[order] + 180) * PER_DEGREE - 0.5).astype(np.int64).clip(0, COLUMNS)
    # Each row begins at sea; from each crossing to the next the cells lie in one unit.
    begins = np.searchsorted(row[order], np.arange(ROWS))
    start = np.insert(row[order] * COLUMNS + column, begins, np.arange(ROWS) * COLUMNS)
    east = np.insert(edges.right[edge[order]], begins, SEA).astype(np.int16)
    unit = np.repeat(east, np.diff(np.append(start, ROWS * COLUMNS)))
    # Which cells an edge touches
    bottom = np.floor((y0 + 90) * PER_DEGREE).astype(np.int64)
    top = np.minimum(np.floor((y1 + 90) * PER_DEGREE).astype(np.int64), ROWS - 1)
    edge, row = ranges(bottom, top - bottom + 1)
    ya = np.clip(row / PER_DEGREE - 90, y0[edge], y1[edge])
    yb = np.clip((row + 1) / PER_DEGREE - 90, y0[edge], y1[edge])
    level = y0[edge] == y1[edge]
    xa = np.where(level, x0[edge], x0[edge] + (ya - y0[edge]) * slope[edge])
    xb = np.where(level, x1[edge], x0[edge] + (yb - y0[edge]) * slope[edge])
    first = np.floor((np.minimum(xa, xb) + 180 - MARGIN) * PER_DEGREE).astype(np.int64).clip(0, COLUMNS - 1)
    last = np.floor((np.maximum(xa, xb) + 180 + MARGIN) * PER_DEGREE).astype(np.int64).clip(0, COLUMNS - 1)
    owner, column = ranges(first, last - first + 1)
    cell = row[owner] * COLUMNS + column
    order = np.argsort(cell, kind="stable")
    cell = cell[order]
    first = np.flatnonzero(np.append(True, cell[1:] != cell[:-1])[: len(cell)])
    unit[cell[first]] = DIVIDED
    return Cells(unit, cell[first], np.append(first, len(cell)), edge[owner][order], edges)


# The units of a boundary set cut along whole and tenth degrees: small boxes meet small shapes, not a whole coast.

Longs = NDArray[np.int64]
_WIDEST: Final = 4
"""Boxes over more squares than these meet the whole shapes."""
_SMALL: Final = 0.0101
"""Boxes up to this many degrees are cut out of squares of a tenth degree."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """The units by squares of one degree and of a tenth, each square cut when it is first asked for.

    Attributes
    ----------
    shapes : ndarray of shapely geometries, length u
        The units, degrees.
    tree : STRtree
        Their index.
    """

    shapes: Geometries
    tree: shapely.STRtree
    _squares: dict[tuple[int, int, int], tuple[Longs, Geometries]] = field(default_factory=dict, repr=False)

    def cut(self, west: Floats, south: Floats, east: Floats, north: Floats) -> tuple[Longs, Longs, Geometries]:
        """Return what of each unit lies in each box.

        Parameters
        ----------
        west, south, east, north : ndarray of float64, length n
            Edges of boxes, degrees; none reaches over a whole degree, nor those of at most 0.01° over a tenth.

        Returns
        -------
        box, unit : ndarray of int64, length m
            Which box, and which unit.
        piece : ndarray of shapely geometries, length m
            What they share; edges that only touch may be among them.
        """
        boxes = shapely.box(west, south, east, north)
        scale = 10 if len(boxes) and (east - west).max() <= _SMALL else 1
        column, row = (np.floor(middle * scale).astype(np.int64) for middle in ((west + east) / 2, (south + north) / 2))
        found: list[tuple[Longs, Longs, Geometries]] = []
        for square, asked in _by_square(column, row, np.arange(len(boxes))):
            unit, shape = self._square(scale, *square)
            which, at = shapely.STRtree(boxes[asked]).query(shape, predicate="intersects")
            box = asked[at]
            found.append((box, unit[which], shapely.intersection(shape[which], boxes[box])))
        if not found:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, object)
        return (
            np.concatenate([part[0] for part in found]),
            np.concatenate([part[1] for part in found]),
            np.concatenate([part[2] for part in found]),
        )

    def touched(self, west: Floats, south: Floats, east: Floats, north: Floats) -> NDArray[np.bool_]:
        """Tell which of n boxes have a point with any unit in common; edges count."""
        boxes = shapely.box(west, south, east, north)
        scale = 10 if len(boxes) and (east - west).max() <= _SMALL * 10 else 1
        first = np.floor(np.stack([west, south]) * scale).astype(np.int64)
        spans = np.floor(np.stack([east, north]) * scale).astype(np.int64) - first
        touched = np.zeros(len(boxes), dtype=bool)
        wide = np.flatnonzero(spans.max(axis=0, initial=0) > _WIDEST)
        touched[wide[np.unique(self.tree.query(boxes[wide], predicate="intersects")[0])]] = True
        for aside in range(_WIDEST + 1):
            for up in range(_WIDEST + 1):
                reach = (spans[0] >= aside) & (spans[1] >= up) & ~touched
                at = np.flatnonzero(reach & (spans.max(axis=0, initial=0) <= _WIDEST))
                for square, asked in _by_square(first[0, at] + aside, first[1, at] + up, at):
                    _, shape = self._square(scale, *square)
                    hit = shapely.STRtree(boxes[asked]).query(shape, predicate="intersects")[1]
                    touched[asked[hit]] = True
        return touched

    def _square(self, scale: int, column: int, row: int) -> tuple[Longs, Geometries]:
        """Return the units that reach into a square of 1/scale degrees, and what of them lies in it."""
        known = self._squares.get((scale, column, row))
        if known is None:
            box = shapely.box(column / scale, row / scale, (column + 1) / scale, (row + 1) / scale)
            if scale == 1:
                unit = np.sort(self.tree.query(box, predicate="intersects")).astype(np.int64)
                shapes = self.shapes[unit]
            else:
                unit, shapes = self._square(1, column // scale, row // scale)
                at = np.flatnonzero(shapely.intersects(shapes, box))
                unit, shapes = unit[at], shapes[at]
            known = unit, shapely.intersection(shapes, box)
            self._squares[scale, column, row] = known
        return known


def _by_square(column: Longs, row: Longs, asked: Longs) -> Iterator[tuple[tuple[int, int], Longs]]:
    """Yield each square with those that ask for it."""
    if not len(asked):
        return
    squares, inverse = np.unique(np.stack([column, row]), axis=1, return_inverse=True)
    order = np.argsort(inverse.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(inverse.ravel()))
    for number, part in enumerate(np.split(order, ends[:-1])):
        yield (int(squares[0, number]), int(squares[1, number])), asked[part]


REACH_M: Final = 30_000.0
"""Distances to a land border are stated up to here."""


@dataclass(frozen=True, eq=False, repr=False)
class BoundarySet:
    """Countries and first-level divisions that touch without gap or overlap.

    Attributes
    ----------
    name, version, source, licence : str
        What it is and where it comes from.
    viewpoint : str
        Whose view of the boundaries it is.
    band_m : float
        Within this distance of a border a place may belong to either side.
    units : polars.DataFrame of n rows
        level ('province', 'country', 'disputed', 'uncoded'), country_code, province_code, name; a disputed or uncoded
        unit has no codes and belongs to no side.
    shapes : ndarray of n shapely polygons
        Degrees, WGS 84.
    claim_lines : polars.DataFrame
        name and geometry (WKB) of lines that somebody claims as a border; they bound no unit and decide nothing.
    """

    name: str
    version: str
    source: str
    licence: str
    viewpoint: str
    band_m: float
    units: pl.DataFrame
    shapes: Geometries
    claim_lines: pl.DataFrame

    def __repr__(self) -> str:
        """Say which set it is; the frames and polygons would fill pages."""
        return f"<BoundarySet {self.name}: {self.units.height} units, {self.version}>"

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields alone: what was worked out from them (trees, locks) another process works out itself."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def named(self) -> dict[str, str | float]:
        """Return the set's name, version, viewpoint and band."""
        return {"name": self.name, "version": self.version, "viewpoint": self.viewpoint, "band_m": self.band_m}

    def to_dict(self) -> dict[str, str | float]:
        """Return what every output that depends on borders has to name: the set, its version, viewpoint and band."""
        return {
            "boundary_set": self.name,
            "boundary_version": self.version,
            "viewpoint": self.viewpoint,
            "band_m": self.band_m,
        }

    @cached_property
    def countries(self) -> list[str | None]:
        """Country codes by number; a disputed or uncoded unit has a number of its own without a code."""
        return [*self._coded, *([None] * self.units["country_code"].null_count())]

    @cached_property
    def _coded(self) -> list[str]:
        return self.units["country_code"].drop_nulls().unique().sort().to_list()

    @cached_property
    def country_of(self) -> Ints:
        """Number of each unit's country in `countries`."""
        coded = {code: number for number, code in enumerate(self._coded)}
        codes = self.units["country_code"].to_list()
        spare = iter(range(len(coded), len(self.countries)))
        return np.array([next(spare) if code is None else coded[code] for code in codes], dtype=np.int32)

    @cached_property
    def provinces(self) -> list[str | None]:
        """Code of each unit's division; None where it has none."""
        return self.units["province_code"].to_list()

    @cached_property
    def edges(self) -> Edges:
        """Every edge with the units on both sides."""
        return edges_of(self.shapes)

    @cached_property
    def cells(self) -> Cells:
        """The index that states a point's unit."""
        return cells_of(self.edges)

    @cached_property
    def border_edges(self) -> Edges:
        """The edges between the land of two countries."""
        e = self.edges
        land = (e.left != SEA) & (e.right != SEA)
        return _pick(e, land & (self.country_of[e.left] != self.country_of[e.right]))

    @cached_property
    def coast_edges(self) -> Edges:
        """The edges between land and sea."""
        return _pick(self.edges, (self.edges.left == SEA) | (self.edges.right == SEA))

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The index of the units' polygons."""
        return shapely.STRtree(self.shapes)

    @cached_property
    def pieces(self) -> Pieces:
        """The units' polygons cut along whole degrees."""
        return Pieces(self.shapes, self.tree)

    @cached_property
    def borders(self) -> Lines:
        """The index of distances to land borders."""
        return Lines(self.border_edges.ends, reach_m=REACH_M, band_m=self.band_m)

    @cached_property
    def coasts(self) -> Lines:
        """The index of distances to coasts, no farther than the band."""
        return Lines(self.coast_edges.ends, reach_m=self.band_m, band_m=self.band_m)


def _pick(edges: Edges, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Edges:
    """Return the edges where `mask` is True."""
    return Edges(edges.ends[mask], edges.left[mask], edges.right[mask])


class _Facts(TypedDict):
    """What is known of a set beside its units."""

    version: str
    source: str
    licence: str
    viewpoint: str
    band_m: float


_NATURAL_EARTH: Final[_Facts] = {
    "version": "4.1.0, 1:10 million, simplified by QGIS; Langkawi in Kedah",
    "source": "Natural Earth, from Debian's qgis-common 3.40.6+dfsg-1 (biodata/data/README.md)",
    "licence": "public domain",
    "viewpoint": (
        "Natural Earth draws who holds the ground (de facto). Codes are ISO 3166's, which lists Taiwan, Hong Kong and "
        "Macao by themselves. The Paracel Islands, the Spratly Islands and the Siachen Glacier are marked as disputed "
        "and belong to no side. biodata takes no position on any boundary."
    ),
    "band_m": 5000.0,
}
_SETS: Final = MappingProxyType({"natural_earth": _NATURAL_EARTH})


@lru_cache
def load_boundaries(name: str = "natural_earth") -> BoundarySet:
    """Return a boundary set; the same object each time.

    Parameters
    ----------
    name : str
        Name of a bundled set, or the path of one's own (`read_boundaries`).

    Raises
    ------
    InputError
        If there is no set of that name; the message names those that there are. If a file is no boundary set.
    """
    if name.lower().endswith((".gpkg", ".geojson", ".shp")):
        return read_boundaries(Path(name))
    if name not in _SETS:
        problem = f"no boundary set called {name!r}"
        raise InputError(
            problem,
            expected=f"known sets: {', '.join(_SETS)}; or the path of a .gpkg, .geojson or .shp",
            code="BOUNDARIES_UNKNOWN",
        )
    with files("biodata").joinpath("data").joinpath(f"boundaries_{name}.parquet").open("rb") as file:
        frame = pl.read_parquet(file)
    polygons = frame.filter(pl.col("level") != "claim_line")
    return BoundarySet(
        name=name,
        units=polygons.drop("geometry"),
        shapes=shapely.from_wkb(polygons["geometry"].to_numpy()),
        claim_lines=frame.filter(pl.col("level") == "claim_line").select("name", "geometry"),
        **_SETS[name],
    )


# A boundary set of one's own: a file of countries or their divisions, and beside it what the set is and whose view it shows.

if TYPE_CHECKING:
    import geopandas as gpd

_TEXTS: Final = ("version", "source", "licence", "viewpoint", "country_column")
_UNKNOWN: Final = ("", "-99", "-1")


def read_boundaries(path: Path) -> BoundarySet:
    """Read a boundary set.

    Parameters
    ----------
    path : Path
        GeoPackage, GeoJSON or shapefile of countries, in any system that it tells; neighbours share the vertices of the
        line between them. Beside it a JSON file of the same stem: `version`, `source`, `licence`, `viewpoint`, `band_m`
        (metres within which a place may belong to either side), `country_column` (ISO 3166-1 alpha-2 codes; a feature
        without one is disputed and belongs to no side), and, where there are, `name`, `name_column`, and
        `province_column` (ISO 3166-2 codes of first-level divisions; features of one division are one).

    Returns
    -------
    BoundarySet
        Of countries, or of their divisions where a column states them.

    Raises
    ------
    InputError
        If a file is missing or cannot be read, a fact is not stated, no feature has a code, or a division's code is not of
        its country.
    """
    import geopandas as gpd
    from pyogrio.errors import DataSourceError

    facts = _facts(path)
    try:
        table = gpd.read_file(path).to_crs(4326)
    except (DataSourceError, OSError, ValueError) as error:
        problem = "the boundaries cannot be read"
        raise InputError(problem, file=path.name, value=str(error)[:200], code="BOUNDARIES_UNREADABLE") from error
    column = facts["country_column"]
    if column not in table.columns:
        problem = "there is no such column of country codes"
        expected = ", ".join(str(name) for name in table.columns[:12])
        raise InputError(problem, file=path.name, column=column, expected=expected, code="COLUMN_MISSING")
    table = table[table.geometry.notna() & ~table.geometry.is_empty]
    codes = [code.upper() if isinstance(code, str) and code not in _UNKNOWN else None for code in table[column]]
    wrong = next((code for code in codes if code is not None and not (len(code) == 2 and code.isalpha())), None)
    if wrong is not None or not any(codes):
        problem = "countries need codes of two letters"
        raise InputError(
            problem, file=path.name, column=column, value=wrong, expected="ISO 3166-1 alpha-2: LA", code="CODE_INVALID"
        )
    names = [str(name) for name in table[facts["name_column"]]] if facts.get("name_column") in table.columns else codes
    divisions = _divisions(table, codes, facts.get("province_column"), path)
    units = pl.DataFrame(
        {
            "level": [
                "disputed" if code is None else "country" if division is None else "province"
                for code, division in zip(codes, divisions, strict=True)
            ],
            "country_code": codes,
            "province_code": divisions,
            "name": [name or "disputed" for name in names],
        },
        schema_overrides={"country_code": pl.String, "province_code": pl.String},
    )
    units, shapes = _one_a_division(units, shapely.force_2d(table.geometry.to_numpy()))
    return BoundarySet(
        name=facts.get("name") or path.stem, version=facts["version"], source=facts["source"], licence=facts["licence"],
        viewpoint=facts["viewpoint"], band_m=float(facts["band_m"]), units=units, shapes=shapes,
        claim_lines=pl.DataFrame(schema={"name": pl.String, "geometry": pl.Binary}),
    )  # fmt: skip


def _divisions(table: "gpd.GeoDataFrame", codes: list[str | None], column: str | None, path: Path) -> list[str | None]:
    """Return the code of each feature's division; None where there is none."""
    if column is None:
        return [None] * len(codes)
    if column not in table.columns:
        problem, expected = "there is no such column of divisions", ", ".join(str(name) for name in table.columns[:12])
        raise InputError(problem, file=path.name, column=column, expected=expected, code="COLUMN_MISSING")
    names = [text.strip().upper() if isinstance(text, str) else "" for text in table[column]]
    found = [
        text if text not in _UNKNOWN and code is not None else None for text, code in zip(names, codes, strict=True)
    ]
    for row, (division, code) in enumerate(zip(found, codes, strict=True), start=1):
        if division is not None and not re.fullmatch(f"{code}-[A-Z0-9]{{1,3}}", division):
            problem = "a division's code begins with that of its country"
            raise InputError(
                problem, file=path.name, row=row, column=column, value=division, expected=f"ISO 3166-2: {code}-…",
                code="CODE_INVALID",
            )  # fmt: skip
    return found


def _one_a_division(units: pl.DataFrame, shapes: Geometries) -> tuple[pl.DataFrame, Geometries]:
    """Return units and shapes with all features of a division as one."""
    at = units.with_row_index("at").with_columns(
        group=pl.coalesce("province_code", pl.col("at").cast(pl.String)),
    )
    groups = at.group_by("group", maintain_order=True).agg(pl.col("at"))["at"].to_list()
    joined = [shapes[rows[0]] if len(rows) == 1 else shapely.coverage_union_all(shapes[rows]) for rows in groups]
    return units[[rows[0] for rows in groups]], np.array(joined, dtype=object)


def _facts(path: Path) -> dict[str, Any]:
    """Return what is stated of a set beside its file."""
    beside = path.with_suffix(".json")
    try:
        facts = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problem = "what the boundary set is cannot be read"
        expected = f"a JSON object with {', '.join(_TEXTS)}, band_m"
        raise InputError(problem, file=beside.name, expected=expected, code="BOUNDARIES_UNKNOWN") from error
    facts = facts if isinstance(facts, dict) else {}
    for name in _TEXTS:
        if not isinstance(facts.get(name), str) or not facts[name].strip():
            problem = f"{name} of the boundary set is not told"
            raise InputError(problem, file=beside.name, column=name, expected="a text", code="BOUNDARIES_UNKNOWN")
    band_m = facts.get("band_m")
    if isinstance(band_m, bool) or not isinstance(band_m, int | float) or not 0 <= band_m <= 30_000:
        problem = "the band of the borders is not told"
        raise InputError(
            problem, file=beside.name, column="band_m", value=str(band_m), expected="0 to 30,000 metres",
            code="BOUNDARIES_UNKNOWN",
        )  # fmt: skip
    return facts
