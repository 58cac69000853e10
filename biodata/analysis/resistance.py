"""Resistance to movement from layers, by a table of rules; what no layer knows has no resistance, and is counted."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from tqdm.auto import tqdm

from biodata.analysis import rasters
from biodata.analysis.grid import Floats, Grid
from biodata.analysis.layers import LayerFile, own_grid, pieces, reaches, read_cells, read_features
from biodata.analysis.rasters import burn_cells, burn_shapes, distance_m, padded, sealed
from biodata.analysis.resistance_rules import ANY, COMBINE, HIGHEST, OTHER, Rule, RuleTable, unfit
from biodata.core.errors import InputError
from biodata.text import legends

_FARTHEST_CELLS: Final = 300
"""How far beyond the window features are looked for, where a function of distance reaches so far."""
_LISTED: Final = 5
_SURFACES: Final = ("elevation", "population")
_LINES: Final = ("roads", "rivers", "fence", "dam")
"""What is a line unless its rule says otherwise."""
_MOST_VALUES: Final = 65_536
MAX_CELLS: Final = 100_000_000
"""Of a grid: its arrays of eight bytes a cell are held in memory, five or six at a time."""


def slope_degrees(elevation: Floats, grid: Grid) -> Floats:
    """Return the slope of the ground.

    Parameters
    ----------
    elevation : ndarray of float64, grid.shape
        Metres; nan where there is no data.
    grid : Grid

    Returns
    -------
    ndarray of float64, grid.shape
        Degrees; nan where there is no elevation. A neighbour without elevation counts as level with the cell.

    Notes
    -----
    Horn 1981, https://doi.org/10.1109/PROC.1981.11918, as in gdaldem.
    """
    padded = np.pad(elevation, 1, constant_values=np.nan)
    rows, columns = elevation.shape

    def beside(down: int, right: int) -> Floats:
        moved = padded[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]
        return np.where(np.isnan(moved), elevation, moved)

    wide, high = grid.cell_sizes_m()
    east = beside(-1, 1) + 2 * beside(0, 1) + beside(1, 1) - beside(-1, -1) - 2 * beside(0, -1) - beside(1, -1)
    south = beside(1, -1) + 2 * beside(1, 0) + beside(1, 1) - beside(-1, -1) - 2 * beside(-1, 0) - beside(-1, 1)
    degrees = np.degrees(np.arctan(np.hypot(east / (8 * wide[:, None]), south / (8 * high[:, None]))))
    return np.where(np.isnan(elevation), np.nan, degrees)


def of_measure(rule: Rule, layer: LayerFile, grid: Grid, *, progress: bool = False) -> Floats:
    """Return the resistance that a rule of a function gives.

    Parameters
    ----------
    rule : Rule
        Of a function.
    layer : LayerFile
    grid : Grid
    progress : bool
        Show a progress bar.

    Returns
    -------
    ndarray of float64, grid.shape
        nan where the layer knows nothing, inf for a barrier.

    Raises
    ------
    InputError
        If the function asks of the layer what it has not.
    """
    return rule.resistance_at(_measured(rule, layer, grid, progress=progress))


def _measured(rule: Rule, layer: LayerFile, grid: Grid, *, progress: bool) -> Floats:
    """Return value, density, slope in degrees, or distance in metres; nan where not known."""
    if rule.function == "distance":
        reach = min(_FARTHEST_CELLS, int(np.ceil(rule.points[-1][0] / grid.cell_m)) + 1)
        wide = padded(grid, reach)
        present = _features(layer, wide) if layer.form == "vector" else _cells_above_0(layer, wide, progress=progress)
        return distance_m(present, wide)[reach:-reach, reach:-reach]
    if layer.form == "vector":
        problem = "a layer of features has no value; its function can be distance"
        raise unfit(rule, layer.name, problem, column="function")
    if layer.theme == "land_cover" or layer.legend is not None:
        problem = "classes have no value; their lines name a class"
        raise unfit(rule, layer.name, problem, column="function")
    if own_grid(layer).cell_m >= grid.cell_m:
        values, own = _values(rule, layer, grid)
        resampled = values if own.lies_as(grid) else rasters.warp_values(values, own, grid, resampling="bilinear")
        return slope_degrees(resampled, grid) if rule.function == "slope" else resampled

    def averaged(piece: Grid) -> Floats:
        values, own = _values(rule, layer, piece)
        # Slope is of the ground: that of a coarse mean of heights would be lower.
        measured = slope_degrees(values, own) if rule.function == "slope" else values
        return rasters.warp_values(measured, own, piece, resampling="average")

    return _in_pieces(averaged, layer, grid, progress=progress)


def _values(rule: Rule, layer: LayerFile, grid: Grid) -> tuple[Floats, Grid]:
    """Return a layer's values on its own grid; of a density by km²."""
    values, own = read_cells(layer, grid)
    if rule.function == "density":
        wide_m, high_m = own.cell_sizes_m()
        values = values / (wide_m * high_m / 1e6)[:, None]
    return values, own


def _in_pieces(make: Callable[[Grid], Floats], layer: LayerFile, grid: Grid, *, progress: bool) -> Floats:
    """Return what is made of a raster layer piece by piece; nan where the layer does not reach."""
    made = np.full(grid.shape, np.nan)
    for place, piece in tqdm(list(pieces(layer, grid)), desc=layer.name, unit="piece", disable=not progress):
        if reaches(layer, piece):
            made[place] = make(piece)
    return made


def _features(layer: LayerFile, grid: Grid) -> Any:
    """Return which cells a feature touches."""
    shapes = np.asarray(read_features(layer, grid).geometry)
    return ~np.isnan(burn_shapes(shapes, np.ones(len(shapes)), grid))


def _cells_above_0(layer: LayerFile, grid: Grid, *, progress: bool) -> Any:
    """Return which cells a cell above 0 lies in."""

    def burnt(piece: Grid) -> Floats:
        values, own = read_cells(layer, piece)
        return burn_cells(np.where(values > 0, 1.0, np.nan), own, piece)

    return ~np.isnan(_in_pieces(burnt, layer, grid, progress=progress))


@dataclass(frozen=True, slots=True)
class OfClasses:
    """Resistance by a layer's classes or features.

    Attributes
    ----------
    resistance : ndarray of float64, grid.shape
        nan where there is none, inf for a barrier.
    line_cells, sealed, bridged : int
        As `resistance.ResistanceLayer` counts them.
    """

    resistance: Floats
    line_cells: int
    sealed: int
    bridged: int


@dataclass(frozen=True, slots=True)
class _Levels:
    """Resistances by value of a class, `others` for a value that has none of its own, nan for no resistance."""

    by_value: Mapping[int, float]
    others: float = np.nan

    def of(self, values: Floats) -> tuple[Floats, "Counter[float]"]:
        """Return the resistance of each cell, and how many cells have a value without one."""
        made = np.full(values.shape, np.nan)
        known = ~np.isnan(values)
        cells = values[known]
        if not cells.size:
            return made, Counter()
        low, high = cells.min(), cells.max()
        place = (cells - low).astype(np.int64) if high - low < _MOST_VALUES else None
        if place is not None and np.array_equal(place + low, cells):
            counts = np.bincount(place)
            found = (np.arange(counts.size) + low).tolist()
        else:
            unique, place, counts = np.unique(cells, return_inverse=True, return_counts=True)
            found = unique.tolist()
        level = np.array([self.by_value.get(one, self.others) for one in found])  # 3.0 finds what 3 does
        made[known] = level[place]
        without = np.flatnonzero((counts > 0) & np.isnan(level))
        return made, Counter({found[index]: int(counts[index]) for index in without})


def of_classes(
    table: RuleTable, rules: Sequence[Rule], layer: LayerFile, grid: Grid, *, resampling: str = "mode",
    progress: bool = False,
) -> OfClasses:  # fmt: skip
    """Return the resistance of a layer's classes, or of its features, on a grid.

    Parameters
    ----------
    table : RuleTable
        For what an error calls it.
    rules : sequence of Rule
        Of this layer, all of classes, and all combined in one way.
    layer : LayerFile
    grid : Grid
    resampling : str
        `mode` (the most common) or `nearest`.
    progress : bool
        Show a progress bar.

    Raises
    ------
    InputError
        If a rule names a class or attribute that there is not, or a class of land cover has no rule.
    """
    if layer.form == "vector":
        lines, filled = sealed(_burnt_features(rules, layer, grid))
        return OfClasses(lines, int((~np.isnan(lines)).sum()), filled, 0)
    if layer.theme in _SURFACES:
        expected = "a function of it: value, slope or density"
        raise unfit(
            rules[0], layer.name, f"{layer.theme} is a surface and has no classes", column="class", expected=expected
        )
    all_levels, line_levels, present = _levels(rules, layer)
    made, lines = np.full(grid.shape, np.nan), np.full(grid.shape, np.nan)
    partly = np.zeros(grid.shape, dtype=bool)
    without: Counter[float] = Counter()
    as_mapped = False
    for place, piece in tqdm(list(pieces(layer, grid)), desc=layer.name, unit="piece", disable=not progress):
        if not reaches(layer, piece):
            continue
        values, own = read_cells(layer, piece)
        found, missing = _resampled(values, own, piece, resampling)
        made[place], unknown = all_levels.of(found)
        without += unknown
        partly[place] = missing > 0
        cells = np.full(values.shape, np.nan) if line_levels is None else line_levels.of(values)[0]
        if present is not None:
            # What names one value says more than `any`.
            cells[(values > 0) & ~np.isin(values, list(all_levels.by_value))] = present
        as_mapped = own.lies_as(piece)
        if not np.isnan(cells).all():
            lines[place] = cells if as_mapped else burn_cells(cells, own, piece)
    if without and layer.theme == "land_cover":
        raise _unknown_classes(without, table, layer)
    # On the layer's own cells everything stays as it was mapped.
    lines, filled = (lines, 0) if as_mapped else sealed(lines)
    base = rules[0].combine == "base"
    # What is not known is no ground to walk on, whatever line leads through it.
    made = np.where(np.isnan(made), np.nan, np.fmax(made, lines)) if base else np.fmax(made, lines)
    bridged = int((np.isfinite(made) & partly).sum()) if base else 0
    return OfClasses(made, int((~np.isnan(lines)).sum()), filled, bridged)


def _resampled(values: Floats, own: Grid, grid: Grid, resampling: str) -> tuple[Floats, Floats]:
    """Return classes on a grid, nan where half of the ground or more has none, and the share that has none."""
    if own.lies_as(grid):
        return values, np.zeros(grid.shape)
    found = rasters.warp_values(values, own, grid, resampling=resampling)
    if not np.isnan(values).any():
        return found, np.where(np.isnan(found), 1.0, 0.0)
    missing = rasters.warp_values(np.isnan(values).astype(np.float64), own, grid, resampling="average")
    missing[np.isnan(missing)] = 1
    found[missing >= 0.5] = np.nan
    return found, missing


def _levels(rules: Sequence[Rule], layer: LayerFile) -> tuple[_Levels, _Levels | None, float | None]:
    """Return the resistance of all classes, that of linear ones, and that of wherever a value is above 0."""
    plain: dict[int, float] = {}
    linear: dict[int, float] = {}
    others = linear_others = np.nan
    present = None
    for rule in rules:
        word, level = rule.of_class.lower(), rule.points[0][1]
        line = rule.linear if rule.linear is not None else layer.theme in _LINES
        if word == ANY and (line or layer.theme != "land_cover"):
            present = level
        elif word in (ANY, OTHER):
            others, linear_others = level, level if line else np.nan
        else:
            value = _value_of(rule, layer)
            plain[value], linear[value] = level, level if line else np.nan
    some = any(not np.isnan(level) for level in (*linear.values(), linear_others))
    return _Levels(plain, others), _Levels(linear, linear_others) if some else None, present


def _value_of(rule: Rule, layer: LayerFile) -> int:
    """Return the value of the class that a rule names."""
    try:
        return int(rule.of_class)
    except ValueError:
        pass
    names = {} if layer.legend is None else legends.find_legend(layer.legend).classes
    values = [value for value, name in names.items() if name.lower() == rule.of_class.lower()]
    if len(values) == 1:
        return values[0]
    known = (
        f"a value, any, other, or a name of the legend {layer.legend}"
        if layer.legend
        else "a whole number, any or other; for names tell the layer's legend: ingest layer … --option legend=worldcover"
    )
    raise unfit(rule, layer.name, "there is no such class", column="class", expected=known)


def _unknown_classes(without: "Counter[float]", table: RuleTable, layer: LayerFile) -> InputError:
    """Return the error for classes of land cover that the table does not have."""
    found = sorted(without.items())
    listed = ", ".join(f"{value:g} ({count} cells)" for value, count in found[:_LISTED])
    listed += f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    problem = f"{len(found)} classes of the layer {layer.name} are not in {table.name}: {listed}"
    expected = "give each class a resistance, or the word barrier, or a line with the class other"
    return InputError(problem, file=layer.path.name, expected=expected, code="RESISTANCE_CLASS_UNKNOWN")


def _burnt_features(rules: Sequence[Rule], layer: LayerFile, grid: Grid) -> Floats:
    """Return the highest resistance of the features that touch a cell; nan where none does."""
    frame = read_features(layer, grid)
    level = np.full(len(frame), np.nan)
    # What names one attribute's value says more than `any` and `other`.
    for rule in sorted(rules, key=lambda rule: "=" not in rule.of_class):
        word = rule.of_class.lower()
        if "=" in word:
            attribute, _, value = (part.strip() for part in rule.of_class.partition("="))
            if attribute not in frame.columns:
                known = ", ".join(str(name) for name in frame.columns if name != "geometry") or "none"
                problem = f"the layer has no attribute {attribute}"
                raise unfit(rule, layer.name, problem, column="class", expected=f"one of {known}")
            chosen = (frame[attribute] == value).to_numpy()
            level[chosen] = np.fmax(level[chosen], rule.points[0][1])
        elif word in (ANY, OTHER):
            level[np.isnan(level)] = rule.points[0][1]
        else:
            problem, expected = "features have no classes", "any, other, or attribute=value"
            raise unfit(rule, layer.name, problem, column="class", expected=expected)
    some = ~np.isnan(level)
    return burn_shapes(np.asarray(frame.geometry)[some], level[some], grid)


@dataclass(frozen=True, slots=True)
class ResistanceLayer:
    """Resistance on a grid, and what became of its cells.

    Attributes
    ----------
    resistance : ndarray of float64, grid.shape
        Cost of a metre; nan where there is no data or a barrier.
    grid : Grid
    counts : mapping of str to int
        cells; barrier; no_<layer> for each layer that knows nothing of a cell which then has no resistance; line_cells
        (cells that a line runs through); sealed (cells raised so that a line has no gap at a corner); bridged (cells
        with data although some of the ground below them, less than half, has none).
    """

    resistance: Floats
    grid: Grid
    counts: Mapping[str, int]


def from_rules(
    table: RuleTable, layers: Mapping[str, LayerFile], grid: Grid, *, resampling: str = "mode", progress: bool = False
) -> ResistanceLayer:
    """Make a resistance layer.

    Classes are resampled by the most common or the nearest, never averaged; classes that are linear, and features,
    keep the highest resistance of any that a cell touches, and where such cells meet at a corner only, one more is
    filled. Quantities are averaged over coarser cells. Layers that are finer than the grid are read piece by piece.

    Parameters
    ----------
    table : RuleTable
    layers : mapping of str to LayerFile
        By the names that the table gives them.
    grid : Grid
        Where to make it.
    resampling : str
        Of classes: `mode` (the most common) or `nearest`.
    progress : bool
        Show a progress bar for each layer.

    Returns
    -------
    ResistanceLayer
        Between 1 and 100 000: (the highest of bases and maxima + what is added) x factors.

    Raises
    ------
    InputError
        If the grid is too large (GRID_TOO_LARGE), a layer does not reach it, a rule asks of a layer what it has not,
        or a class has no rule.
    """
    if grid.cells > MAX_CELLS:
        problem = f"the grid has {grid.shape[0]:,} x {grid.shape[1]:,} cells"
        expected = f"at most {MAX_CELLS:,}: coarser cells (--cell-m), or a part of it (--box)"
        raise InputError(problem, expected=expected, code="GRID_TOO_LARGE")
    counts: Counter[str] = Counter({"cells": grid.cells, "line_cells": 0, "sealed": 0, "bridged": 0})
    combined = {"max": np.full(grid.shape, np.nan)}
    missing = np.zeros(grid.shape, dtype=bool)

    def add(made: Floats, way: str) -> None:
        if way == "add":
            combined[way] = combined.get(way, 0.0) + np.nan_to_num(made, nan=0.0, posinf=np.inf)
        elif way == "times":
            combined[way] = combined.get(way, 1.0) * np.nan_to_num(made, nan=1.0, posinf=np.inf)
        else:
            combined["max"] = np.fmax(combined["max"], made)

    def note_missing(made: Floats, name: str) -> None:
        unknown = np.isnan(made)
        counts[f"no_{name}"] += int((unknown & ~missing).sum())
        missing[unknown] = True

    for name in table.layers:
        rules = [rule for rule in table.rules if rule.layer == name]
        for rule in (rule for rule in rules if rule.function):
            made = of_measure(rule, layers[name], grid, progress=progress)
            note_missing(made, name)
            add(made, rule.combine)
        for way in COMBINE:
            if chosen := [rule for rule in rules if rule.of_class and rule.combine == way]:
                found = of_classes(table, chosen, layers[name], grid, resampling=resampling, progress=progress)
                counts.update(line_cells=found.line_cells, sealed=found.sealed, bridged=found.bridged)
                if way == "base":
                    note_missing(found.resistance, name)
                add(found.resistance, way)
    whole = combined["max"]
    whole[np.isnan(whole)] = 1.0
    whole = (whole + combined.get("add", 0.0)) * combined.get("times", 1.0)
    whole[missing] = np.nan
    counts["barrier"] = int(np.isinf(whole).sum())
    return ResistanceLayer(np.where(np.isfinite(whole), np.clip(whole, 1, HIGHEST), np.nan), grid, dict(counts))
