"""Resistance to movement from layers, by a table of rules; what no layer knows has no resistance, and is counted."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from biodata.analysis.grid import Floats, Grid
from biodata.analysis.layer_reading import LayerFile
from biodata.analysis.resistance_classes import of_classes
from biodata.analysis.resistance_measures import of_measure
from biodata.analysis.resistance_rules import COMBINE, HIGHEST, RuleTable
from biodata.errors import InputError

MAX_CELLS: Final = 100_000_000
"""Of a grid: its arrays of eight bytes a cell are held in memory, five or six at a time."""


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
    table: RuleTable,
    layers: Mapping[str, LayerFile],
    grid: Grid,
    *,
    resampling: str = "mode",
    progress: bool = False,
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
            chosen = [rule for rule in rules if rule.of_class and rule.combine == way]
            if chosen:
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
