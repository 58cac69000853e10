"""Inputs of draws: ranges of classes, areas as nodes, pairs of neighbours; and what the draws will take."""

import csv
from pathlib import Path
from typing import Final

import numpy as np
import shapely

from biodata.analysis import adjacency, own_ground, sources
from biodata.analysis import areas as areas_of
from biodata.analysis.adjacency import Pair
from biodata.analysis.areas import Site
from biodata.analysis.grid import Floats, Grid
from biodata.analysis.uncertainty.assumptions import ClassRange
from biodata.analysis.uncertainty.one_draw import Node, Task
from biodata.analysis.validation import holding_out
from biodata.core.errors import InputError

_CELLS_PER_SECOND_OF_SEARCH = 1.5e7
_CELLS_PER_SECOND_OF_PAIR = 1e8
_BYTES_PER_CELL_OF_SURFACE = 9
_BYTES_PER_CELL_OF_DRAW = 60


def estimate(task: Task, *, draws: int, workers: int = 1) -> str:
    """Return what a run of `frequencies.frequencies` will take, as a line for a person, without a search.

    Parameters
    ----------
    task : Task
    draws : int
    workers : int
        Threads.
    """
    cells, nodes, pairs = task.grid.cells, len(task.nodes), len(task.pairs)
    each = cells * (nodes / _CELLS_PER_SECOND_OF_SEARCH + pairs / _CELLS_PER_SECOND_OF_PAIR)
    held = cells * (_BYTES_PER_CELL_OF_DRAW + nodes * _BYTES_PER_CELL_OF_SURFACE)
    memory, seconds = workers * held + 16 * cells, (draws + 1) * each / workers
    return (
        f"estimate: {draws} draws of {cells:,} cells, {nodes} areas, {pairs:,} pairs: "
        f"{memory / 2**20:,.0f} MiB, {max(seconds, 1):,.0f} s; error of a frequency at most {0.5 / draws**0.5:.3f}"
    )


_COLUMNS: Final = ("class_value", "class_name", "resistance", "low", "high")


_TABLES: Final = frozenset({".csv", ".tsv", ".txt"})


def read_ranges(path: Path) -> tuple[ClassRange, ...]:
    """Read a table of the ranges that the resistances of classes may have.

    Parameters
    ----------
    path : Path
        CSV in UTF-8 with the columns class_value, class_name, resistance, low, high.

    Returns
    -------
    tuple of ClassRange
        In rising order of the class's value.

    Raises
    ------
    InputError
        Naming file, row, column and value of the first fault.
    """
    try:
        lines = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problem = "the table cannot be read as CSV in UTF-8"
        raise InputError(problem, file=path.name, code="RANGES_UNREADABLE") from error
    if not lines or (missing := [name for name in _COLUMNS if name not in lines[0]]):
        problem = f"the table lacks the columns {', '.join(missing)}" if lines else "the table has no row"
        raise InputError(problem, file=path.name, row=1, expected=", ".join(_COLUMNS), code="RANGES_COLUMNS")
    found: dict[float, ClassRange] = {}
    for number, row in enumerate(lines, start=2):
        numbers = {}
        for name in ("class_value", "resistance", "low", "high"):
            try:
                numbers[name] = float(row[name] or "")
            except ValueError:
                problem = "this is no number"
                raise InputError(
                    problem, file=path.name, row=number, column=name, value=row[name], code="RANGES_VALUE"
                ) from None
        value, stated, low, high = numbers.values()
        if not 0 < low <= stated <= high < np.inf or value in found:
            problem = "the class stands twice" if value in found else "the range does not hold its resistance"
            text = f"{low:g} to {high:g} around {stated:g}"
            raise InputError(
                problem, file=path.name, row=number, column="low", value=text,
                expected="0 < low <= resistance <= high, each class once", code="RANGES_VALUE",
            )  # fmt: skip
        found[value] = ClassRange(value, row["class_name"] or "", stated, low, high)
    return tuple(found[value] for value in sorted(found))


def check_classes(values: Floats, ranges: tuple[ClassRange, ...], *, raster: str, table: str) -> None:
    """Refuse a raster that holds a class which the table of ranges does not tell.

    Raises
    ------
    InputError
        Naming the first such class (CLASS_UNKNOWN).
    """
    strange = np.setdiff1d(values[np.isfinite(values)], [one.value for one in ranges])
    if strange.size:
        problem = f"{strange.size} classes of {raster} are not in the table"
        raise InputError(problem, file=table, column="class_value", value=f"{strange[0]:g}", code="CLASS_UNKNOWN")


def read_nodes(path: Path, values: Floats, grid: Grid) -> tuple[tuple[Node, ...], list[Site], list[str]]:
    """Read what corridors start from: areas that stay, or points that may be moved.

    Parameters
    ----------
    path : Path
        Polygons, a raster of ids, or points (a layer or a table); points may tell
        coordinateUncertaintyInMeters.
    values : ndarray of float64, grid.shape
        nan where there is no data.
    grid : Grid

    Returns
    -------
    nodes : tuple of Node
    sites : list of Site
        The same as stated, for `adjacency`.
    notes : list of str
        What was left out.
    """
    points = None
    lines: list[str] = []
    if path.suffix.lower() in _TABLES:
        points = holding_out.read(path, grid)
    elif not sources.is_raster(path):
        table, lines = areas_of.read(path)
        if (shapely.get_type_id(table.geometry.to_numpy()) == shapely.GeometryType.POINT).all():
            points = holding_out.read(path, grid)
    if points is None:
        areas = own_ground.areas(path, grid) if sources.is_raster(path) else table
        sites = areas_of.on_grid(areas_of.on_plane(areas, grid), values, grid)
        kept = [site for site in sites if site.cells.size]
        notes = [
            *lines,
            *([f"{len(areas) - len(kept)} of {len(areas)} areas hold no data"] if len(kept) < len(areas) else []),
        ]
        return tuple(Node(site.area_id, site.name, site.cells) for site in kept), kept, notes
    nodes, sites, off = [], [], 0
    for row in points.iter_rows(named=True):
        name = row["id"] or str(row["row"])
        place = (row["x"], row["y"])
        if (cell := _cell(place, values, grid)) is None:
            off += 1
            continue
        cells = np.array([cell], dtype=np.int64)
        nodes.append(Node(name, name, cells, place, row["uncertainty_m"] or 0.0))
        west, north = (grid.transform.c, grid.transform.f)
        r, c = divmod(cell, grid.shape[1])
        side = grid.transform.a
        shape = shapely.box(west + c * side, north - (r + 1) * side, west + (c + 1) * side, north - r * side)
        sites.append(Site(name, name, (), shape, cells, cells, 0.0))
    notes = [f"{off} of {points.height} points lie on no cell with data"] if off else []
    moving = sum(node.radius_m > 0 for node in nodes)
    notes.append(f"{moving} of {len(nodes)} points state an uncertainty and are moved inside it; the others stay")
    return tuple(nodes), sites, notes


def neighbours(sites: list[Site], stated: Floats, grid: Grid, *, max_distance_m: float = np.inf) -> tuple[Pair, ...]:
    """Return the pairs that are neighbours under the resistances as stated and do not touch: they stay in every draw."""
    found = adjacency.neighbours(sites, stated, grid, max_distance_m=max_distance_m, across_borders=False)
    return tuple(sorted(pair for pair, one in found.items() if one.bound > 0))


def _cell(place: tuple[float | None, float | None], values: Floats, grid: Grid) -> int | None:
    """Return the cell of a point; None where it lies on no data."""
    x, y = place
    if x is None or y is None:
        return None
    column = int(np.floor((x - grid.transform.c) / grid.transform.a))
    row = int(np.floor((y - grid.transform.f) / grid.transform.e))
    inside = 0 <= row < grid.shape[0] and 0 <= column < grid.shape[1]
    return row * grid.shape[1] + column if inside and np.isfinite(values[row, column]) else None
