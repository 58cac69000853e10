"""Resistance of classes and of features, by the lines of a table; classes are never averaged."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from tqdm.auto import tqdm

from biodata.analysis import rasters
from biodata.analysis.grid import Floats, Grid
from biodata.analysis.layer_reading import LayerFile, pieces, reaches, read_cells, read_features
from biodata.analysis.lines import burn_cells, burn_shapes, sealed
from biodata.analysis.resistance_rules import ANY, OTHER, Rule, RuleTable, unfit
from biodata.errors import InputError
from biodata.text import legends

_LISTED: Final = 5
_SURFACES: Final = ("elevation", "population")
_LINES: Final = ("roads", "rivers", "fence", "dam")
"""What is a line unless its rule says otherwise."""
_MOST_VALUES: Final = 65_536


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
    table: RuleTable,
    rules: Sequence[Rule],
    layer: LayerFile,
    grid: Grid,
    *,
    resampling: str = "mode",
    progress: bool = False,
) -> OfClasses:
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
