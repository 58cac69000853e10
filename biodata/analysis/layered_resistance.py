"""Resistance from several layers, by a table of rules; what no layer knows has no resistance, and is counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from biodata.analysis import rasters
from biodata.analysis.grid import Floats, Grid
from biodata.analysis.layer_reading import LayerFile, read_cells, read_features
from biodata.analysis.lines import burn_cells, burn_shapes, distance_m, padded, sealed
from biodata.analysis.resistance import ResistanceLayer, slope_degrees
from biodata.analysis.resistance_rules import ANY, HIGHEST, OTHER, Rule, RuleTable
from biodata.errors import InputError
from biodata.parsers import legends

_FARTHEST_CELLS: Final = 300
"""How far beyond the window features are looked for, where a function of distance reaches so far."""
_LISTED: Final = 5
_SURFACES: Final = ("elevation", "population")


def from_rules(
    table: RuleTable, layers: Mapping[str, LayerFile], grid: Grid, *, resampling: str = "mode"
) -> ResistanceLayer:
    """Make a resistance layer of several layers.

    Classes are resampled by the most common or the nearest, never averaged; classes that are linear, and features,
    keep the highest resistance of any that a cell touches, and where such cells meet at a corner only, one more is
    filled. Quantities are averaged over coarser cells.

    Parameters
    ----------
    table : RuleTable
    layers : mapping of str to LayerFile
        By the names that the table gives them.
    grid : Grid
        Where to make it.
    resampling : str
        Of classes: `mode` (the most common) or `nearest`.

    Returns
    -------
    ResistanceLayer
        Between 1 and 100 000. `counts` has cells, barrier, no_<layer> for each layer that knows nothing of a cell
        which then has no resistance, line_cells, sealed and bridged.

    Raises
    ------
    InputError
        If a layer does not reach the grid, a rule asks of a layer what it has not, or a class has no rule.
    """
    counts: Counter[str] = Counter({"cells": grid.cells, "line_cells": 0, "sealed": 0, "bridged": 0})
    combined: dict[str, list[Floats]] = {"base": [], "max": [], "add": [], "times": []}
    missing = np.zeros(grid.shape, dtype=bool)
    for name in table.layers:
        layer = layers[name]
        rules = [rule for rule in table.rules if rule.layer == name]
        for rule in (rule for rule in rules if rule.function):
            made = _curve(rule, _measure(rule, layer, grid))
            unknown = np.isnan(made)
            counts[f"no_{name}"] += int((unknown & ~missing).sum())
            missing |= unknown
            combined[rule.combine].append(made)
        for way in combined:
            chosen = [rule for rule in rules if rule.of_class and rule.combine == way]
            if not chosen:
                continue
            made = _of_classes(table, chosen, layer, grid, resampling, counts)
            if way == "base":
                counts[f"no_{name}"] += int((np.isnan(made) & ~missing).sum())
                missing |= np.isnan(made)
            combined[way].append(made)
    whole = _combine(combined, grid)
    whole[missing] = np.nan
    counts["barrier"] = int(np.isinf(whole).sum())
    whole = np.where(np.isfinite(whole), np.clip(whole, 1, HIGHEST), np.nan)
    return ResistanceLayer(whole, grid, dict(counts))


def _combine(combined: Mapping[str, Sequence[Floats]], grid: Grid) -> Floats:
    """Return (the highest of bases and maxima + what is added) x factors; what is nan changes nothing."""
    whole = np.full(grid.shape, np.nan)
    for one in (*combined["base"], *combined["max"]):
        whole = np.fmax(whole, one)
    whole = np.where(np.isnan(whole), 1.0, whole)
    for one in combined["add"]:
        whole = whole + np.where(np.isnan(one), 0, one)
    for one in combined["times"]:
        whole = whole * np.where(np.isnan(one), 1, one)
    return whole


def _curve(rule: Rule, measured: Floats) -> Floats:
    """Return the resistance of what was measured; nan where it is not known, inf where it is a barrier."""
    at, resistance = np.array(rule.points).T
    barrier = np.flatnonzero(np.isinf(resistance))
    level = np.where(np.isinf(resistance), np.nan, resistance)
    known = ~np.isnan(level)
    curve = np.interp(measured, at[known], level[known]) if known.any() else np.ones_like(measured)
    for index in barrier:
        upper = at[index + 1] if index + 1 < at.size else np.inf
        curve = np.where((measured >= at[index]) & (measured < upper), np.inf, curve)
    return np.where(np.isnan(measured), np.nan, curve)


def _measure(rule: Rule, layer: LayerFile, grid: Grid) -> Floats:
    """Return what a function is of: value, density, slope in degrees, or distance in metres; nan where not known."""
    if rule.function == "distance":
        reach = min(_FARTHEST_CELLS, int(np.ceil(rule.points[-1][0] / grid.cell_m)) + 1)
        wide = padded(grid, reach)
        present = _features(layer, wide) if layer.form == "vector" else _cells_above_0(layer, wide)
        return distance_m(present, wide)[reach:-reach, reach:-reach]
    if layer.form == "vector":
        raise _unfit(rule, layer, "a layer of features has no value; its function can be distance")
    if layer.measure == "categorical" and layer.theme == "land_cover":
        raise _unfit(rule, layer, "classes have no value; their lines name a class")
    values, own = read_cells(layer, grid)
    if rule.function == "density":
        wide_m, high_m = own.cell_sizes_m()
        values = values / (wide_m * high_m / 1e6)[:, None]
    if rule.function == "slope" and own.cell_m < grid.cell_m:
        # Slope is of the ground: that of a coarse mean of heights would be lower.
        return rasters.warp_values(slope_degrees(values, own), own, grid, resampling="average")
    resampled = _same_or(values, own, grid, "average" if own.cell_m < grid.cell_m else "bilinear")
    return slope_degrees(resampled, grid) if rule.function == "slope" else resampled


def _same_or(values: Floats, own: Grid, grid: Grid, resampling: str) -> Floats:
    """Return values as they are where they lie on the grid's cells, else resampled."""
    if own.shape == grid.shape and own.crs == grid.crs and np.allclose(own.bounds, grid.bounds, rtol=0, atol=1e-9):
        return values
    return rasters.warp_values(values, own, grid, resampling=resampling)


def _features(layer: LayerFile, grid: Grid) -> Any:
    """Return which cells a feature touches."""
    shapes = np.asarray(read_features(layer, grid).geometry)
    return ~np.isnan(burn_shapes(shapes, np.ones(len(shapes)), grid))


def _cells_above_0(layer: LayerFile, grid: Grid) -> Any:
    """Return which cells a cell above 0 lies in."""
    values, own = read_cells(layer, grid)
    return ~np.isnan(burn_cells(np.where(values > 0, 1.0, np.nan), own, grid))


def _of_classes(
    table: RuleTable, rules: Sequence[Rule], layer: LayerFile, grid: Grid, resampling: str, counts: "Counter[str]"
) -> Floats:
    """Return the resistance of a layer's classes; nan where there is none."""
    if layer.form == "vector":
        lines, filled = sealed(_burnt_features(rules, layer, grid))
        counts["line_cells"] += int((~np.isnan(lines)).sum())
        counts["sealed"] += filled
        return lines
    if layer.theme in _SURFACES:
        expected = "a function of it: value, slope or density"
        raise _unfit(rules[0], layer, f"{layer.theme} is a surface and has no classes", expected=expected)
    values, own = read_cells(layer, grid)
    found, missing = _same_or(values, own, grid, resampling), np.zeros(grid.shape)
    if found is not values:
        missing = rasters.warp_values(np.isnan(values).astype(np.float64), own, grid, resampling="average")
        missing[np.isnan(missing)] = 1
        found[missing >= 0.5] = np.nan
    by_value, other = _by_value(rules, layer)
    made = _look_up(found, by_value, other, table, layer)
    linear = {_value_of(r, layer): r.points[0][1] for r in rules if r.linear and r.of_class.lower() not in (ANY, OTHER)}
    anywhere = [r for r in rules if r.of_class.lower() == ANY and (r.linear or layer.theme != "land_cover")]
    cells = np.full(values.shape, np.nan)
    for value, resistance in linear.items():
        cells[values == value] = resistance
    for rule in anywhere:
        cells[values > 0] = rule.points[0][1]
    if linear or anywhere:
        lines, filled = sealed(burn_cells(cells, own, grid))
        counts["line_cells"] += int((~np.isnan(lines)).sum())
        counts["sealed"] += filled
        made = (
            np.fmax(made, lines)
            if rules[0].combine != "base"
            else np.where(np.isnan(found), np.nan, np.fmax(made, lines))
        )
    counts["bridged"] += int((np.isfinite(made) & (missing > 0)).sum()) if rules[0].combine == "base" else 0
    return made


def _by_value(rules: Sequence[Rule], layer: LayerFile) -> tuple[dict[int, float], float | None]:
    """Return the resistance by value, and that of other values; None where they have no rule."""
    by_value, other = {}, None
    for rule in rules:
        word = rule.of_class.lower()
        if word == OTHER:
            other = rule.points[0][1]
        elif word != ANY:
            by_value[_value_of(rule, layer)] = rule.points[0][1]
    return by_value, other


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
        else "a whole number, any or other"
    )
    raise _unfit(rule, layer, "there is no such class", expected=known)


def _look_up(
    found: Floats, by_value: Mapping[int, float], other: float | None, table: RuleTable, layer: LayerFile
) -> Floats:
    """Return the resistance of each cell; a layer that shows where something is may have cells without a rule."""
    made = np.full(found.shape, np.nan)
    values, place = np.unique(found, return_inverse=True)
    level = np.full(values.size, np.nan)
    unknown = []
    for index, value in enumerate(values):
        if np.isnan(value):
            continue
        level[index] = by_value.get(int(value), np.nan) if float(value).is_integer() else np.nan
        if np.isnan(level[index]):
            if other is not None:
                level[index] = other
            else:
                unknown.append((index, value))
    made = level[place].reshape(found.shape)
    if unknown and layer.theme == "land_cover":
        cells = np.bincount(place.ravel(), minlength=values.size)
        listed = ", ".join(f"{value:g} ({cells[index]} cells)" for index, value in unknown[:_LISTED])
        problem = f"{len(unknown)} classes of the layer {layer.name} are not in {table.name}: {listed}"
        expected = "give each class a resistance, or the word barrier, or a line with the class other"
        raise InputError(problem, file=layer.path.name, expected=expected, code="RESISTANCE_CLASS_UNKNOWN")
    return made


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
                raise _unfit(rule, layer, f"the layer has no attribute {attribute}", expected=f"one of {known}")
            chosen = (frame[attribute] == value).to_numpy()
            level[chosen] = np.fmax(level[chosen], rule.points[0][1])
        elif word in (ANY, OTHER):
            level[np.isnan(level)] = rule.points[0][1]
        else:
            raise _unfit(rule, layer, "features have no classes", expected="any, other, or attribute=value")
    some = ~np.isnan(level)
    return burn_shapes(np.asarray(frame.geometry)[some], level[some], grid)


def _unfit(rule: Rule, layer: LayerFile, problem: str, *, expected: str | None = None) -> InputError:
    """Return the error for a rule that asks of a layer what it has not."""
    column = "class" if rule.of_class else "function"
    value = rule.of_class or rule.function
    told = f"{problem} (layer {layer.name})"
    code = "RESISTANCE_TABLE_VALUE"
    return InputError(told, file=rule.file, row=rule.row, column=column, value=value, expected=expected, code=code)
