"""Area of habitat of a species, and a distribution model scored on held-out blocks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata import places
from biodata.analysis.grid import Grid
from biodata.core import geo
from biodata.core.errors import InputError, MissingExtraError
from biodata.core.geo import Floats

if TYPE_CHECKING:
    from biodata.places import BoundarySet


NO_DATA = 255
_BLOCK = 2_000_000


Ints = NDArray[np.int64]
LEAST_PRESENCES: Final = 10
LEAST_NULLS: Final = 19
FEATURES: Final = ("linear", "quadratic", "hinge")


@dataclass(frozen=True, slots=True)
class Habitat:
    """An area of habitat.

    Attributes
    ----------
    cells : ndarray of uint8, grid.shape
        1 habitat, 0 none, NO_DATA outside the range or where a layer states nothing.
    grid : Grid
        The land-cover layer's own.
    by_country : dict of str to float
        Habitat, km²; ground of no side stands under `""`.
    range_km2, habitat_km2, unknown_km2 : float
        The range; habitat in it; what of it no layer states anything about.
    """

    cells: NDArray[np.uint8]
    grid: Grid
    by_country: dict[str, float]
    range_km2: float
    habitat_km2: float
    unknown_km2: float

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return {
            "habitat_km2": self.habitat_km2, "habitat_km2_by_country": self.by_country, "range_km2": self.range_km2,
            "unknown_km2": self.unknown_km2,
        }  # fmt: skip


def area_of_habitat(
    land_cover: geo.Floats, grid: Grid, species_range: shapely.Geometry, *, classes: tuple[int, ...],
    boundaries: "BoundarySet", elevation: geo.Floats | None = None, lowest_m: float | None = None,
    highest_m: float | None = None,
) -> Habitat:  # fmt: skip
    """Return the area of habitat of a species.

    Parameters
    ----------
    land_cover : ndarray of float64, grid.shape
        Classes on their own cells (they are not resampled); nan where there is no data.
    grid : Grid
    species_range : shapely geometry
        Degrees, WGS 84. A cell lies inside where its centre does.
    classes : tuple of int
        Suitable classes.
    boundaries : BoundarySet
        Whose countries habitat is stated by.
    elevation : ndarray of float64, grid.shape, optional
        Metres at the centres of the cells; nan where there is no data.
    lowest_m, highest_m : float, optional
        Limits of elevation, both included.

    Returns
    -------
    Habitat

    Raises
    ------
    ValueError
        If limits of elevation are asked without elevation.

    Notes
    -----
    Brooks et al. 2019, https://doi.org/10.1016/j.tree.2019.06.009.
    """
    if elevation is None and (lowest_m is not None or highest_m is not None):
        msg = "limits of elevation need a layer of elevation"
        raise ValueError(msg)
    known = np.isfinite(land_cover)
    suitable = np.isin(land_cover, classes)
    if elevation is not None and (lowest_m is not None or highest_m is not None):
        known &= np.isfinite(elevation)
        with np.errstate(invalid="ignore"):
            suitable &= elevation >= (-np.inf if lowest_m is None else lowest_m)
            suitable &= elevation <= (np.inf if highest_m is None else highest_m)
    inside = _inside(grid, species_range)
    km2 = grid.cell_km2()
    cells = np.where(inside & known, suitable, NO_DATA).astype(np.uint8)
    by_country = _by_country(grid, cells, km2, boundaries)
    whole = float(geo.area_km2(np.array([species_range], dtype=object))[0])
    seen, good = (float((mask * km2).sum()) for mask in (inside & known, cells == 1))
    return Habitat(cells, grid, by_country, whole, good, max(whole - seen, 0.0))


def centres_by_rows(grid: Grid) -> Iterator[tuple[slice, geo.Floats, geo.Floats]]:
    """Yield some rows at a time with longitude and latitude of their cells' centres, flat: never those of a large grid at once."""
    step = max(1, _BLOCK // grid.shape[1])
    for start in range(0, grid.shape[0], step):
        rows = np.arange(start, min(start + step, grid.shape[0]))
        lonlat = grid.lonlat(np.repeat(rows, grid.shape[1]), np.tile(np.arange(grid.shape[1]), len(rows)))
        yield slice(start, start + len(rows)), lonlat[:, 0].copy(), lonlat[:, 1].copy()


def _inside(grid: Grid, region: shapely.Geometry) -> NDArray[np.bool_]:
    """Tell which cells' centres lie in a region."""
    shapely.prepare(region)
    found = np.zeros(grid.shape, dtype=np.bool_)
    for rows, lon, lat in centres_by_rows(grid):
        lon = np.where(lon > 180, lon - 360, lon)
        found[rows] = shapely.contains_xy(region, lon, lat).reshape(-1, grid.shape[1])
    return found


def _by_country(grid: Grid, cells: NDArray[np.uint8], km2: geo.Floats, boundaries: "BoundarySet") -> dict[str, float]:
    """Add up cells of habitat by the country of their centre."""
    totals: dict[str, float] = {}
    for rows, lon, lat in centres_by_rows(grid):
        good = np.flatnonzero(cells[rows].ravel() == 1)
        if not len(good):
            continue
        areas = np.broadcast_to(km2[rows], cells[rows].shape).ravel()[good]
        where = places.locate(lon[good], lat[good], boundaries)["located_country_code"]
        codes = where.fill_null("").to_numpy()
        for code in np.unique(codes):
            totals[str(code)] = totals.get(str(code), 0.0) + float(areas[codes == code].sum())
    return {code: totals[code] for code in sorted(totals)}


@dataclass(frozen=True, slots=True)
class Scores:
    """How well a model tells held-out presences from held-out background.

    Attributes
    ----------
    folds : list of dict
        One a fold: presences and background held out, `auc`, and of the models of random points `null_median` and `null_95`.
    auc : float
        Mean over the folds.
    null_aucs : ndarray of float64
        The same of each model of random points.
    frequency : float
        How often random points are stated as well or better, among the nulls and the model itself.
    """

    folds: list[dict[str, Any]]
    auc: float
    null_aucs: Floats
    frequency: float

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain values, with a sentence."""
        middle, high = (float(v) for v in np.quantile(self.null_aucs, (0.5, 0.95)))
        verdict = "better than chance" if self.frequency <= 0.05 else "no better than chance"
        if len(self.null_aucs) < LEAST_NULLS:
            verdict = f"fewer than {LEAST_NULLS} models of random points cannot tell chance"
        return {
            "folds": self.folds, "auc": self.auc, "null_median": middle, "null_95": high,
            "nulls": len(self.null_aucs), "frequency_as_good": self.frequency,
            "says": f"AUC {self.auc:.3f} on held-out blocks, of random points {middle:.3f} (95 % below {high:.3f}): "
            + verdict,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Model:
    """A model of all presences, and its scores.

    Attributes
    ----------
    predict : callable
        Covariates of shape (n, k) → relative suitability, 0 to 1, length n.
    scores : Scores
    """

    predict: Callable[[Floats], Floats]
    scores: Scores


def fit_model(
    presences: Floats, background: Floats, *, presence_blocks: Ints, background_blocks: Ints, folds: int = 4,
    nulls: int = LEAST_NULLS, seed: int,
) -> Model:  # fmt: skip
    """Fit and score a model.

    Parameters
    ----------
    presences : ndarray of float64, shape (n, k)
        Covariates where the species was recorded.
    background : ndarray of float64, shape (m, k)
        The same where people recorded its target group: what is the same of both is effort and no preference.
    presence_blocks, background_blocks : ndarray of int64, length n and m
        Number of the block of ground that each lies in.
    folds : int
        Parts that blocks are dealt into; each is held out once.
    nulls : int
        Models of as many random background points, treated alike: 19 can state a frequency of 0.05.
    seed : int
        Start of the random numbers.

    Returns
    -------
    Model

    Raises
    ------
    MissingExtraError
        If elapid is not installed.
    InputError
        If there are too few presences (PRESENCES_TOO_FEW), or they lie in too few blocks (BLOCKS_TOO_FEW).

    Notes
    -----
    Target-group background: Phillips et al. 2009, https://doi.org/10.1890/07-2153.1; blocks: Roberts et al. 2017,
    https://doi.org/10.1111/ecog.02881; null models: Raes and ter Steege 2007,
    https://doi.org/10.1111/j.2007.0906-7590.05041.x.
    """
    if len(presences) < LEAST_PRESENCES:
        problem = "there are too few cells with a record for a model"
        raise InputError(
            problem, value=str(len(presences)), expected=f"{LEAST_PRESENCES} or more", code="PRESENCES_TOO_FEW"
        )
    if len(np.unique(presence_blocks)) < 2:
        problem = "all records lie in one block: no ground is left to test on"
        raise InputError(problem, expected="smaller blocks", code="BLOCKS_TOO_FEW")
    rng = np.random.default_rng(seed)
    dealt = _dealt(presence_blocks, background_blocks, folds, rng)
    of_presence = np.array([dealt[int(block)] for block in presence_blocks])
    of_background = np.array([dealt[int(block)] for block in background_blocks])
    used = [
        f for f in range(folds) if (of_presence == f).any() and (of_presence != f).any() and (of_background == f).any()
    ]
    random_state = int(rng.integers(2**31))

    def scored(points: Floats, of_point: Ints) -> list[float]:
        out = []
        for fold in used:
            held = of_point == fold
            if not held.any() or held.all():
                out.append(np.nan)
                continue
            predict = _fitted(points[~held], background[of_background != fold], random_state)
            out.append(auc(predict(points[held]), predict(background[of_background == fold])))
        return out

    own = scored(presences, of_presence)
    drawn = []
    size = min(len(presences), len(background))
    for _ in range(nulls):
        chosen = rng.choice(len(background), size, replace=False)
        drawn.append(scored(background[chosen], of_background[chosen]))
    null = np.array(drawn, dtype=np.float64).reshape(nulls, len(used))
    means = np.nanmean(null, axis=1)
    mean = float(np.mean(own))
    entries = [
        {
            "fold": number + 1, "presences": int((of_presence == fold).sum()),
            "background": int((of_background == fold).sum()), "auc": own[number],
            "null_median": float(np.nanquantile(null[:, number], 0.5)),
            "null_95": float(np.nanquantile(null[:, number], 0.95)),
        }
        for number, fold in enumerate(used)
    ]  # fmt: skip
    scores = Scores(entries, mean, means, float((1 + (means >= mean).sum()) / (1 + nulls)))
    return Model(_fitted(presences, background, random_state), scores)


def _dealt(presence_blocks: Ints, background_blocks: Ints, folds: int, rng: np.random.Generator) -> dict[int, int]:
    """Deal blocks into folds: those with most presences first, each to the fold with fewest."""
    blocks, counts = np.unique(presence_blocks, return_counts=True)
    order = rng.permutation(len(blocks))
    order = order[np.argsort(-counts[order], kind="stable")]
    totals, dealt = np.zeros(folds), {}
    for at in order:
        fold = int(totals.argmin())
        totals[fold] += counts[at]
        dealt[int(blocks[at])] = fold
    for block in np.setdiff1d(background_blocks, blocks):
        dealt[int(block)] = int(rng.integers(folds))
    return dealt


def auc(presences: Floats, background: Floats) -> float:
    """Return how often a presence has more than a background point; the same counts half."""
    from scipy.stats import rankdata

    n, m = len(presences), len(background)
    ranks = rankdata(np.concatenate([presences, background]))
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def _fitted(presences: Floats, background: Floats, random_state: int) -> Callable[[Floats], Floats]:
    """Return what a model of presences and background predicts."""
    try:
        from elapid import MaxentModel
    except ImportError as error:
        what = "a distribution model"
        raise MissingExtraError(what, "sdm") from error
    model = MaxentModel(feature_types=list(FEATURES), n_hinge_features=5, random_state=random_state, n_cpus=1)
    x = np.vstack([presences, background])
    model.fit(x, np.repeat([1, 0], [len(presences), len(background)]))

    def predict(values: Floats) -> Floats:
        found: Floats = np.asarray(model.predict(values), dtype=np.float64).ravel()
        return found

    return predict
