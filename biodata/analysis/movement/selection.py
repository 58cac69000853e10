"""Step selection: what the ends of real steps have more of than those of random ones; conditional logistic regression."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.errors import InputError
from biodata.geo import Floats

_STEPS: Final = 60
_TOLERANCE: Final = 1e-9
_SAME: Final = 1e-8
"""Terms of which a mix varies less than this, while each of them varies by 1, tell the same."""
MOVEMENT_TERMS: Final = ("length_km", "log_length", "cos_turn")
"""Terms that correct the fitted lengths and turns for what was selected (integrated step selection)."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A fitted step selection.

    Attributes
    ----------
    names : tuple of str, length k
        The terms.
    coefficients, standard_errors, p_values : ndarray of float64, length k
        Logarithms of relative selection strength, per unit of the term; of Wald's test.
    log_likelihood, null_log_likelihood : float
        Of the fit, and where every step of a stratum is as likely.
    strata : int
        Real steps used.
    left_out : int
        Real steps whose end, or all of whose random ends, tell no value.
    """

    names: tuple[str, ...]
    coefficients: Floats
    standard_errors: Floats
    p_values: Floats
    log_likelihood: float
    null_log_likelihood: float
    strata: int
    left_out: int

    def told(self) -> dict[str, Any]:
        """Return the fit as plain values."""
        terms = zip(self.names, self.coefficients, self.standard_errors, self.p_values, strict=True)
        return {
            "terms": {
                name: {
                    "coefficient": float(b), "standard_error": float(se), "relative_selection_strength": float(np.exp(b)),
                    "interval_95": [float(b - 1.96 * se), float(b + 1.96 * se)], "p": float(p),
                }
                for name, b, se, p in terms
            },
            "log_likelihood": self.log_likelihood, "null_log_likelihood": self.null_log_likelihood,
            "aic": 2 * len(self.names) - 2 * self.log_likelihood, "real_steps": self.strata,
            "left_out_without_value": self.left_out,
            "note": "steps are taken as independent; neighbouring steps of one animal are not quite, so errors are "
            "rather too small",
        }  # fmt: skip


def fit(table: pl.DataFrame, covariates: tuple[str, ...], *, movement_terms: bool = True) -> Selection:
    """Fit a step selection.

    Parameters
    ----------
    table : polars.DataFrame
        As `RandomSteps.table`, with the covariates at the steps' ends as columns; nan or null where there is no value.
    covariates : tuple of str
        Columns of numbers.
    movement_terms : bool
        Fit MOVEMENT_TERMS too.

    Returns
    -------
    Selection

    Raises
    ------
    InputError
        If a covariate is told twice (COVARIATE_REPEATED), no step has a value of each (VALUES_MISSING), one does not vary
        among the choices of any step (COVARIATE_CONSTANT), two tell the same (COVARIATES_COLLINEAR), or the fit has no
        maximum as a covariate separates real steps from random ones (SEPARATION).

    Notes
    -----
    Fortin et al. 2005, https://doi.org/10.1890/04-0953; integrated: Avgar et al. 2016,
    https://doi.org/10.1111/2041-210X.12528. Newton's method on the conditional likelihood.
    """
    frame = table.with_columns(
        length_km=pl.col("length_m") / 1000, log_length=pl.col("length_m").clip(lower_bound=1.0).log(),
        cos_turn=pl.col("turn").cos(),
    )  # fmt: skip
    names = (*covariates, *(MOVEMENT_TERMS if movement_terms else ()))
    repeated = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if repeated is not None:
        problem = "this is told twice"
        raise InputError(problem, column=repeated, expected="each layer once", code="COVARIATE_REPEATED")
    whole = frame.filter(
        pl.all_horizontal(pl.col(name).cast(pl.Float64).is_finite().fill_null(value=False) for name in names)
    )
    whole = whole.filter(pl.col("used").any().over("stratum") & (pl.len().over("stratum") > 1)).sort("stratum", "draw")
    strata = whole["stratum"].rle_id().to_numpy().astype(np.int64)
    values = whole.select(pl.col(name).cast(pl.Float64) for name in names).to_numpy()
    used = whole["used"].to_numpy()
    total = int(strata.max()) + 1 if len(strata) else 0
    if not total:
        problem = "no real step has a value at its end and at the end of a random one"
        raise InputError(
            problem, column=", ".join(covariates), expected="layers that reach the steps", code="VALUES_MISSING"
        )
    scaled, spread = _scaled(values, strata, total, names)
    beta, information, likelihood = _newton(scaled, used, strata, total, names)
    variance = np.linalg.inv(information)
    errors = np.sqrt(np.diag(variance)) / spread
    coefficients = beta / spread
    sizes = np.bincount(strata, minlength=total)
    real = table.filter("used")["stratum"].n_unique()
    return Selection(
        names, coefficients, errors, _two_sided(coefficients / errors), likelihood, float(-np.log(sizes).sum()), total,
        real - total,
    )  # fmt: skip


def _scaled(values: Floats, strata: NDArray[np.int64], total: int, names: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Return the terms by their spread inside the choices of a step, which is all that the fit can see, and that spread."""
    sizes = np.bincount(strata, minlength=total)
    means = np.column_stack([np.bincount(strata, column, total) / sizes for column in values.T])
    inside = values - means[strata]
    spread: Floats = np.sqrt((inside**2).mean(axis=0))
    for name, one, size in zip(names, spread, np.abs(values).max(axis=0), strict=True):
        if not one > 1e-12 * size:
            problem = "this does not vary among the choices of any step: nothing can be selected"
            raise InputError(problem, column=name, code="COVARIATE_CONSTANT")
    _, parts, mixes = np.linalg.svd((inside / spread).T @ (inside / spread) / len(values))
    if parts[-1] < _SAME:
        problem = "these terms tell the same: one follows from the others"
        same = ", ".join(name for name, part in zip(names, mixes[-1], strict=True) if abs(part) > 0.05)
        raise InputError(problem, column=same, expected="all but one of them", code="COVARIATES_COLLINEAR")
    return (values - values.mean(axis=0)) / spread, spread


def _newton(
    x: Floats, used: NDArray[np.bool_], strata: NDArray[np.int64], total: int, names: tuple[str, ...]
) -> tuple[Floats, Floats, float]:
    """Return the coefficients, the information matrix and the log likelihood at the maximum."""
    beta: Floats = np.zeros(x.shape[1])
    likelihood, gradient, information = _likelihood(beta, x, used, strata, total)
    for _ in range(_STEPS):
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:  # the likelihood has grown flat on the way
            break
        share = 1.0
        while share > 1e-6:
            tried = _likelihood(beta + share * step, x, used, strata, total)
            if tried[0] >= likelihood - 1e-12:
                break
            share /= 2
        beta = beta + share * step
        gain = tried[0] - likelihood
        likelihood, gradient, information = tried
        if np.abs(beta).max() > 30:
            break
        if gain < _TOLERANCE and np.abs(share * step).max() < 1e-8:
            return beta, information, likelihood
    problem = "the fit has no maximum: a term separates the real steps from the random ones"
    raise InputError(problem, column=names[int(np.abs(beta).argmax())], code="SEPARATION")


def _likelihood(
    beta: Floats, x: Floats, used: NDArray[np.bool_], strata: NDArray[np.int64], total: int
) -> tuple[float, Floats, Floats]:
    """Return the conditional log likelihood, its gradient and the information."""
    score = x @ beta
    highest = np.full(total, -np.inf)
    np.maximum.at(highest, strata, score)
    weight = np.exp(score - highest[strata])
    sums = np.bincount(strata, weight, total)
    share = weight / sums[strata]
    likelihood = float((score[used] - highest[strata[used]] - np.log(sums[strata[used]])).sum())
    mean = np.zeros((total, x.shape[1]))
    np.add.at(mean, strata, share[:, None] * x)
    gradient = x[used].sum(axis=0) - mean.sum(axis=0)
    information = (x * share[:, None]).T @ x - mean.T @ mean
    return likelihood, gradient, information


def _two_sided(z: Floats) -> Floats:
    """Return the two-sided p values of normal scores."""
    from scipy import stats

    p: Floats = 2 * stats.norm.sf(np.abs(z))
    return p
