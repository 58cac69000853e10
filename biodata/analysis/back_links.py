"""The compiled pass that finds, on a finished cost surface, the step that led into each cell."""

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.bucket_queue import UNREACHED, Floats, Ints32, Steps, compiled


@compiled
def link_back(
    resistance: Floats,
    cost: Floats,
    allocation: Ints32 | None,
    steps: Steps,
    level: bool,
    link: NDArray[np.int8],
) -> int:
    """Set the back-link of every cell that has none: the step out of the predecessor with the lowest index.

    Returns how many cells that were reached have none still.

    A predecessor is a neighbour of the same source from where the step costs exactly what the cell costs. It is cheaper
    than the cell; with `level`, for steps so short that they did not change the cost, it may cost the same if it has a
    back-link already. Arrays are (rows, columns), Whole rows are compared with
    their neighbours, which compiles to vector instructions: a tenth of what it costs to keep links during the search.
    """
    rows, columns = cost.shape
    missing = 0
    for row in range(rows):
        for step in range(7, -1, -1):  # the last step comes out of the lowest index
            position = step if step < 4 else step + 1
            step_row, step_column = position // 3 - 1, position % 3 - 1
            before = row - step_row
            is_diagonal = step_row != 0 and step_column != 0
            if not 0 <= before < rows or (is_diagonal and not steps.diagonals):
                continue
            half = steps.east[row]
            if step_row != 0:
                half = steps.diagonal[max(row, before)] if is_diagonal else steps.south[max(row, before)]
            start, end = max(0, step_column), columns + min(0, step_column)
            of_start, of_end = start - step_column, end - step_column
            of_resistance, of_cost = resistance[before, of_start:of_end], cost[before, of_start:of_end]
            of_link = link[before, of_start:of_end]
            own_resistance, own_cost, own_link = resistance[row, start:end], cost[row, start:end], link[row, start:end]
            beside, across = cost[before, start:end], cost[row, of_start:of_end]
            if allocation is not None:
                of_source, own_source = allocation[before, of_start:of_end], allocation[row, start:end]
            check_corners = is_diagonal and not steps.cut_corners
            for i in range(end - start):
                fits = of_cost[i] + (own_resistance[i] + of_resistance[i]) * half == own_cost[i]
                fits &= own_link[i] == UNREACHED
                if level:
                    fits &= (of_cost[i] <= own_cost[i]) & (of_link[i] != UNREACHED)
                else:
                    fits &= of_cost[i] < own_cost[i]
                if allocation is not None:
                    fits &= of_source[i] == own_source[i]
                if check_corners:
                    fits &= not (np.isnan(beside[i]) & np.isnan(across[i]))
                own_link[i] = step if fits else own_link[i]
        for column in range(columns):
            missing += (link[row, column] == UNREACHED) & (cost[row, column] < np.inf)
    return missing
