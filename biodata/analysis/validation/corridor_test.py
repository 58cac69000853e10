"""Test whether held-out records stand nearer to corridors than places of the same effort do."""

import math
from dataclasses import asdict, dataclass, field
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.grid import Floats, Grid, Ints
from biodata.analysis.validation import moved_patterns
from biodata.analysis.validation.moved_patterns import Points
from biodata.core.errors import InputError


@dataclass(frozen=True, slots=True)
class ValidationParameters:
    """What a test decides, stated before the records are looked at.

    Attributes
    ----------
    moves : int
        Null patterns drawn; with 999 the least p is 0.001.
    level : float
        A p below it is called better than chance.
    independent_m : float
        Records of one square of this side are one place and count once together, metres; at least a cell.
    least_places : int
        Fewer places give no test.
    kept_share : float
        A move that leaves less than this share of the places on the ground is no null pattern.
    effort_points : int
        Points drawn where effort comes as a raster.
    seed : int
        Start of every random number.
    """

    moves: int = 999
    level: float = 0.05
    independent_m: float = 1000.0
    least_places: int = 10
    kept_share: float = 0.5
    effort_points: int = 5000
    seed: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Validation:
    """What a test found; no place is stated.

    Attributes
    ----------
    verdict : str
        `better than chance`, `no better than chance`, or `too few records`.
    p : float or None
        Of the null that decides; None where there was no test.
    sides : str
        What the p counts.
    records, places, effort_points : int
        Test records on the ground, independent places among them, and points of effort; 0 where effort was not stated.
    mean_rank, effort_rank, null_rank_spread : float or None
        Mean share of the ground that is cheaper than the records' places and than where people looked, and the spread
        (one standard deviation) of the difference under the null, in ranks.
    effect : float or None
        Records less effort in standard deviations of ranks at effort; below 0 is nearer to corridors.
    design_effect : float or None
        How many places carry as much as one independent place, from the spread of the null.
    places_needed : int
        Places that would show an effect of half a standard deviation with power 0.8.
    patterns : int
        Moved patterns that the observed one was held against.
    left_out : dict of str to int
        Records that were no test, by reason.
    notes : tuple of str
    parameters : dict
        As `ValidationParameters.told` gives them, with the seed.
    """

    verdict: str
    p: float | None
    sides: str
    records: int
    places: int
    effort_points: int
    mean_rank: float | None
    effort_rank: float | None
    null_rank_spread: float | None
    effect: float | None
    design_effect: float | None
    places_needed: int
    patterns: int
    left_out: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain values for JSON."""
        return asdict(self)

    def message(self) -> str:
        """Return the verdict as a line for a person."""
        if self.p is None:
            return (
                f"{self.verdict}: {self.records} records in {self.places} places; about {self.places_needed} places are "
                f"needed to see half a standard deviation with power {POWER:g}"
            )
        looked = "where people looked" if self.effort_points else "the ground"
        return (
            f"{self.verdict} (p = {self.p:.4g}, {self.sides}): {self.records} records in {self.places} places have "
            f"{self.mean_rank:.0%} of the ground nearer to a corridor, {looked} {self.effort_rank:.0%}"
        )


_TELLING_EFFECT = 0.5


_LEAST_EFFORT_POINTS = 30


_LEAST_NULL = 99


def on_ground(xy: Floats, grid: Grid, ground: NDArray[np.bool_]) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Return rows and columns of places on the ground, and which places those are.

    Parameters
    ----------
    xy : ndarray of float64, (n, 2)
        In the grid's own system.
    grid : Grid
    ground : ndarray of bool, grid.shape

    Returns
    -------
    rows, columns : ndarray of int64, (m,)
    kept : ndarray of bool, (n,)
        m of them True.
    """
    places = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
    rows, columns, kept = grid.cells_under(places)
    kept &= ground[rows, columns]
    return rows[kept], columns[kept], kept


def distinct_places(rows: Ints, columns: Ints, *, side: int) -> Points:
    """Return points whose weights add up to 1 in every square of so many cells: one place counts once.

    A herd seen by five people, or a camera with a hundred pictures, is one thing that is known.
    """
    square = rows // side * (1 << 32) + columns // side
    _, of, counts = np.unique(square, return_inverse=True, return_counts=True)
    return Points(rows, columns, 1.0 / counts[of.reshape(-1)])


def from_raster(effort: Floats, ground: NDArray[np.bool_], *, count: int, rng: np.random.Generator) -> Points:
    """Draw points by the effort of each cell.

    Parameters
    ----------
    effort : ndarray of float64, (rows, columns)
        0 or more, in any unit; nan counts as 0.
    ground : ndarray of bool, (rows, columns)
    count : int
    rng : numpy.random.Generator

    Returns
    -------
    Points

    Raises
    ------
    InputError
        If the raster has another shape, holds a negative number, or no effort lies on the ground.
    """
    if effort.shape != ground.shape:
        problem = f"effort has {effort.shape[0]} x {effort.shape[1]} cells, not {ground.shape[0]} x {ground.shape[1]}"
        raise InputError(problem, expected="the cells of the resistance raster", code="RASTERS_NOT_ALIGNED")
    weight = np.where(ground & np.isfinite(effort), effort, 0.0).reshape(-1)
    if weight.min(initial=0) < 0 or not weight.sum() > 0:
        problem = "effort is negative somewhere" if weight.min(initial=0) < 0 else "no effort lies on the ground"
        raise InputError(problem, expected="0 where nobody looked, more where more was looked", code="EFFORT_INVALID")
    rows, columns = np.divmod(rng.choice(weight.size, count, p=weight / weight.sum()), ground.shape[1])
    return Points(rows.astype(np.int64), columns.astype(np.int64), np.ones(count))


def against_chance(
    surface: Floats, ground: NDArray[np.bool_], grid: Grid, records: Floats, *, effort: Floats | None = None,
    effort_raster: Floats | None = None, parameters: ValidationParameters | None = None,
    left_out: dict[str, int] | None = None,
) -> Validation:  # fmt: skip
    """Test whether records stand lower on a surface than chance would put them.

    Parameters
    ----------
    surface : ndarray of float64, grid.shape
        Lower is nearer to a corridor, as `surfaces.excess` returns it; inf where no way leads.
    ground : ndarray of bool, grid.shape
        Cells where a record can count: with data, outside the areas that the corridors join, and where records were
        held out by place, inside the test's blocks.
    grid : Grid
    records : ndarray of float64, (n, 2)
        x and y of the test records, in the grid's own system: none that made the resistance, the sources or the
        evidence (`holding_out.hold_out`).
    effort : ndarray of float64, (m, 2), optional
        x and y of the target group: records of other species that the same people would have reported.
    effort_raster : ndarray of float64, grid.shape, optional
        How much each cell was looked at, where that is known better.
    parameters : ValidationParameters, optional
    left_out : dict of str to int, optional
        What was held back before, to be stated.

    Returns
    -------
    Validation

    Notes
    -----
    The statistic is the mean rank of the records' places on the surface less that of the effort, in standard deviations
    of the ranks at effort. The null moves records and effort together over the surface (`moved_patterns`): torus shift and
    symmetries. Its edges are joined, and a surface that is alike under many moves costs power. p = (b + 1) / (n + 1) counts
    the observed pattern among the null patterns (Davison & Hinkley 1997; Phipson & Smyth 2010,
    https://doi.org/10.2202/1544-6115.1585), ties as far out.

    tests/benchmarks/bench_validation.py measures how often records that know nothing of the corridor are called better than
    chance at a level of 5 %: 3 to 6 % in its settings, but 8 % where a range fills half of the window only.
    """
    parameters = ValidationParameters() if parameters is None else parameters
    rng = np.random.default_rng(parameters.seed)
    ground = ground & ~np.isnan(surface)
    ranks = moved_patterns.ranks(surface, ground)
    rows, columns, kept = on_ground(records, grid, ground)
    side = max(1, math.ceil(parameters.independent_m / grid.cell_m - 1e-9))
    seen = distinct_places(rows, columns, side=side)
    places = round(float(seen.weights.sum()))
    left_out = dict(left_out or {})
    if off := int((~kept).sum()):
        left_out["off the ground: no data, inside an area, or outside the raster"] = off
    looked, notes = _looked(effort, effort_raster, grid, ground, parameters, rng)
    found = None
    if places >= 2:
        found = moved_patterns.moved(
            ranks, seen, looked, moves=parameters.moves, kept_share=parameters.kept_share, rng=rng
        )
    enough = places >= parameters.least_places
    if found is not None and math.isfinite(found.observed) and found.null.size < min(_LEAST_NULL, parameters.moves):
        notes.append("The ground leaves the pattern no room to be moved: there is no test.")
        enough = False
    if found is not None and not math.isfinite(found.observed):
        notes.append("All effort lies at one rank of the surface: there is no test.")
        enough, found = False, None
    design = None
    if found is not None and found.null.size > 1:
        design = max(1.0, float(found.null.var() * places))
    p = exact_p(found.observed, found.null) if found is not None and enough else None
    verdict = "too few records" if places < parameters.least_places else "no test"
    if p is not None:
        verdict = "better than chance" if p < parameters.level else "no better than chance"
    spread = None if looked is None or found is None else float(np.std(ranks[looked.rows, looked.columns]))
    return Validation(
        verdict, p, "one-sided: nearer to corridors", int(kept.sum()), places,
        0 if looked is None else int(looked.rows.size), None if found is None else found.records_mean,
        None if found is None else found.effort_mean,
        None if found is None or found.null.size < 2 else float(found.null.std() * (spread or math.sqrt(1 / 12))),
        None if found is None else found.observed, design, _needed(parameters, design or 1.0),
        0 if found is None else int(found.null.size), left_out, tuple(notes), parameters.to_dict(),
    )  # fmt: skip


def _looked(
    effort: Floats | None, effort_raster: Floats | None, grid: Grid, ground: NDArray[np.bool_],
    parameters: ValidationParameters, rng: np.random.Generator,
) -> tuple[Points | None, list[str]]:  # fmt: skip
    """Return the points of effort, None where there are none, and what has to be said of that."""
    none = (
        "Effort was not told: the records are held against the whole ground. If people look more along corridors, or away "
        "from them, this test mistakes that for animals (7 to 8 % at a level of 5 % in simulations)."
    )
    if effort_raster is not None:
        return from_raster(effort_raster, ground, count=parameters.effort_points, rng=rng), []
    if effort is None:
        return None, [none]
    rows, columns, kept = on_ground(effort, grid, ground)
    notes = []
    if rows.size < _LEAST_EFFORT_POINTS:
        return None, [f"Only {rows.size} records of the target group lie on the ground; {none[0].lower()}{none[1:]}"]
    if not kept.all():
        notes.append(f"{int((~kept).sum())} of {kept.size} records of the target group lie off the ground.")
    return Points(rows, columns, np.ones(rows.size)), notes


def exact_p(observed: float, null: Floats) -> float:
    """Return the Monte-Carlo p of a statistic that is low where the alternative holds; ties count against it.

    Parameters
    ----------
    observed : float
    null : ndarray of float64, (n,)

    Returns
    -------
    float
        (b + 1) / (n + 1), never 0.
    """
    near = 1e-12 * max(1.0, abs(observed))  # sums in another order differ in the last bit
    return (1 + int((null <= observed + near).sum())) / (null.size + 1)


def _needed(parameters: ValidationParameters, design: float) -> int:
    """Return how many places would show half a standard deviation with power 0.8."""
    normal = NormalDist()
    plain = ((normal.inv_cdf(1 - parameters.level) + normal.inv_cdf(POWER)) / _TELLING_EFFECT) ** 2
    return max(parameters.least_places, math.ceil(plain * design))


POWER: Final = 0.8
"""The power that `places_needed` is stated for."""
