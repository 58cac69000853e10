"""What the edges of a shape cost: GEOS cannot be stopped, so a shape that would hold it for minutes is found beforehand."""

from typing import Any, Final

import numpy as np
import shapely

from biodata.core.errors import InputError

MAX_VERTICES: Final = 5_000_000
"""Of one shape; the largest real ones, marine areas with the coast of every island, have about one million."""

MAX_CROSSINGS: Final = 20_000
"""Estimated crossings of a shape's edges up to which it is repaired; a star of 200 points has as many and takes half a second."""

MAX_MEETINGS: Final = 50_000_000
"""Pairs of edges whose boxes meet up to which a shape is looked at at all: every question to GEOS asks each pair."""

_FEW: Final = 200
"""Vertices of a shape whose edges cannot cross more often than `MAX_CROSSINGS`."""

_SAMPLE: Final = 2_000
_AT_ONCE: Final = 2_000_000
# A segment of a tidy polygon meets its own box, its two neighbours' and, in a winding river, a few more.
_TIDY_NEIGHBOURS: Final = 8


def meetings(shape: Any, *, most: float) -> float:
    """Estimate how many pairs of a shape's edges meet beyond those of a tidy one; crossings are among them.

    Parameters
    ----------
    shape : shapely geometry
        Any; what has no rings has lines.
    most : float
        The count ends once it is certain that there are more.

    Returns
    -------
    float
        From a sample of the edges, by their boxes.
    """
    parts = shapely.get_parts(shapely.get_parts(shape))
    lines = [*shapely.get_rings(parts), *parts[shapely.get_dimensions(parts) == 1]]
    coordinates, line = shapely.get_coordinates(lines, return_index=True)
    same = line[1:] == line[:-1]
    starts, ends = coordinates[:-1][same], coordinates[1:][same]
    if not len(starts):
        return 0.0
    boxes = shapely.box(*np.minimum(starts, ends).T, *np.maximum(starts, ends).T)
    sample = boxes[:: max(1, len(boxes) // _SAMPLE)]
    tree = shapely.STRtree(boxes)
    enough = (2 * most / len(boxes) + _TIDY_NEIGHBOURS) * len(sample)
    found = 0
    # A few at once: in a hostile star every box meets every other.
    for chunk in np.array_split(sample, max(1, len(sample) * len(boxes) // _AT_ONCE)):
        found += tree.query(chunk).shape[1] if len(chunk) else 0
        if found > enough:
            break
    return float(max(0.0, found / len(sample) - _TIDY_NEIGHBOURS) * len(boxes) / 2)


def problem_of(shape: Any, *, most_vertices: int = MAX_VERTICES) -> str | None:
    """Return why a shape cannot be worked with in bounded time; None where it can.

    Notes
    -----
    Joining, buffering and repairing cost a step for each pair of edges that cross, a question whether a shape is valid
    one for each pair whose boxes meet.
    """
    count = int(shapely.get_num_coordinates(shape))
    if count <= _FEW:
        return None
    if count > most_vertices:
        return f"the shape has {count:,} vertices; at most {most_vertices:,} are taken"
    tangled = f"the edges of the shape, of {count:,} vertices, cross too often to be worked with"
    if count > int(MAX_MEETINGS**0.5) and meetings(shape, most=MAX_MEETINGS) > MAX_MEETINGS:
        return tangled
    if not shapely.is_valid(shape) and meetings(shape, most=MAX_CROSSINGS) > MAX_CROSSINGS:
        return tangled
    return None


def check_shapes(shapes: Any, *, file: str, most_vertices: int = MAX_VERTICES) -> None:
    """Refuse the shapes of a file if one of them would hold the process.

    Raises
    ------
    InputError
        GEOMETRY_TOO_COMPLEX, with the row, from 1, and its number of vertices.
    """
    found = np.asarray(shapes, dtype=object)
    for at in np.flatnonzero(shapely.get_num_coordinates(found) > _FEW):
        problem = problem_of(found[at], most_vertices=most_vertices)
        if problem is not None:
            expected = "a shape of fewer vertices, whose rings do not cross themselves"
            raise InputError(problem, file=file, row=int(at) + 1, expected=expected, code="GEOMETRY_TOO_COMPLEX")
