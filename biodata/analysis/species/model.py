"""A distribution model (MaxEnt) scored on blocks of ground that it has not seen, beside models of random points."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from biodata.errors import InputError, MissingExtraError
from biodata.geo import Floats

Ints = NDArray[np.int64]
LEAST_PRESENCES: Final = 10
LEAST_NULLS: Final = 19
FEATURES: Final = ("linear", "quadratic", "hinge")


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
        How often random points are told as well or better, among the nulls and the model itself.
    """

    folds: list[dict[str, Any]]
    auc: float
    null_aucs: Floats
    frequency: float

    def told(self) -> dict[str, Any]:
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
    presences: Floats,
    background: Floats,
    *,
    presence_blocks: Ints,
    background_blocks: Ints,
    folds: int = 4,
    nulls: int = LEAST_NULLS,
    seed: int,
) -> Model:
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
        Models of as many random background points, treated alike: 19 can tell a frequency of 0.05.
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
    told = [
        {
            "fold": number + 1, "presences": int((of_presence == fold).sum()),
            "background": int((of_background == fold).sum()), "auc": own[number],
            "null_median": float(np.nanquantile(null[:, number], 0.5)),
            "null_95": float(np.nanquantile(null[:, number], 0.95)),
        }
        for number, fold in enumerate(used)
    ]  # fmt: skip
    scores = Scores(told, mean, means, float((1 + (means >= mean).sum()) / (1 + nulls)))
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
