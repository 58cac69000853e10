"""A task of uncertainty, as a worker gets it."""

import numpy as np
from affine import Affine
from pyproj import CRS

from biodata.analysis.grid import Grid
from biodata.analysis.uncertainty.assumptions import Assumptions
from biodata.analysis.uncertainty.inputs import ClassRange
from biodata.analysis.uncertainty.one_draw import Node, Task

SIDE, CELL_M = 24, 100.0


GRID = Grid(CRS.from_epsg(6933), Affine(CELL_M, 0, 0, 0, -CELL_M, SIDE * CELL_M), (SIDE, SIDE), CELL_M)


RANGES = (ClassRange(1, "forest", 1, 1, 2), ClassRange(2, "fields", 10, 3, 30), ClassRange(3, "fallow", 10, 3, 30),
          ClassRange(5, "town", 60, 20, 200))  # fmt: skip


def classes_of(seed=1):
    rng = np.random.default_rng(seed)
    values = rng.choice([1.0, 2.0, 3.0, 5.0], GRID.shape, p=[0.4, 0.3, 0.2, 0.1])
    values[rng.random(GRID.shape) < 0.05] = np.nan
    for row, column in ((2, 2), (20, 4), (12, 20)):
        values[row, column] = 1.0
    return values


def task_of(seed=1, **choices):
    values = classes_of()
    nodes = tuple(
        Node(
            name, name, np.array([row * SIDE + column]), ((column + 0.5) * CELL_M, (SIDE - row - 0.5) * CELL_M), radius
        )
        for name, row, column, radius in (("a", 2, 2, 0.0), ("b", 20, 4, 250.0), ("c", 12, 20, 0.0))
    )
    return Task(values, GRID, nodes, ((0, 1), (0, 2), (1, 2)), Assumptions(RANGES, **choices), seed)
