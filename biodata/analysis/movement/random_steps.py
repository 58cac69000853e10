"""Random steps: from where each real step began, of the lengths and turns that real steps have."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from biodata.analysis.movement.steps import Steps
from biodata.errors import InputError
from biodata.geo import WGS84

LEAST_STEPS = 20
"""Fewer steps tell no distribution."""


@dataclass(frozen=True, slots=True)
class RandomSteps:
    """Real steps, each with its random ones.

    Attributes
    ----------
    table : polars.DataFrame of m rows
        stratum, the number of the real step; used, True for the real one; draw, 0 for it and 1 … n for the others; track;
        start_longitude, start_latitude, longitude, latitude (of the end), degrees; length_m; turn, radians.
    facts : dict
        Shape and scale of the lengths' gamma distribution (m), concentration of the turns' von Mises distribution around
        0, random steps a real one, seed, real steps, as plain values.
    """

    table: pl.DataFrame
    facts: dict[str, Any]


def random_steps(steps: Steps, *, per_step: int = 20, seed: int) -> RandomSteps:
    """Draw random steps beside the real ones.

    Parameters
    ----------
    steps : Steps
        Those that have a turn are used: a first step of a burst tells no direction to turn from.
    per_step : int
        Random steps a real one.
    seed : int
        Start of the random numbers.

    Returns
    -------
    RandomSteps

    Raises
    ------
    InputError
        If fewer than LEAST_STEPS steps have a turn (STEPS_TOO_FEW).

    Notes
    -----
    Lengths are gamma, turns von Mises around 0, both fitted by maximum likelihood (Avgar et al. 2016,
    https://doi.org/10.1111/2041-210X.12528).
    """
    from scipy import stats

    real = steps.table.drop_nulls("turn")
    if real.height < LEAST_STEPS:
        problem = "there are too few steps for a distribution of lengths and turns"
        raise InputError(
            problem, value=str(real.height), expected=f"{LEAST_STEPS} steps with a turn; another interval or tolerance",
            code="STEPS_TOO_FEW",
        )  # fmt: skip
    length, turn = real["length_m"].to_numpy(), real["turn"].to_numpy()
    shape, _, scale = stats.gamma.fit(length, floc=0)
    concentration, _, _ = stats.vonmises.fit(turn, floc=0, fscale=1)
    rng = np.random.default_rng(seed)
    size = (real.height, per_step)
    lengths = np.column_stack([length, rng.gamma(shape, scale, size)])
    turns = np.column_stack([turn, rng.vonmises(0.0, concentration, size)])
    began = real["start_longitude"].to_numpy(), real["start_latitude"].to_numpy()
    lon, lat = (np.repeat(one[:, None], per_step + 1, axis=1) for one in began)
    heading = np.degrees(real["came_from"].to_numpy()[:, None] + turns)
    ends = WGS84.fwd(lon.ravel(), lat.ravel(), heading.ravel(), lengths.ravel())
    end_lon, end_lat = (np.asarray(one).reshape(lon.shape) for one in ends[:2])
    end_lon[:, 0], end_lat[:, 0] = real["longitude"], real["latitude"]
    draw = np.tile(np.arange(per_step + 1), real.height)
    table = pl.DataFrame(
        {
            "stratum": np.repeat(np.arange(real.height), per_step + 1), "draw": draw, "used": draw == 0,
            "track": np.repeat(real["track"].to_numpy(), per_step + 1),
            "start_longitude": lon.ravel(), "start_latitude": lat.ravel(),
            "longitude": end_lon.ravel(), "latitude": end_lat.ravel(),
            "length_m": lengths.ravel(), "turn": turns.ravel(),
        }
    )  # fmt: skip
    facts = {
        "length_gamma_shape": float(shape), "length_gamma_scale_m": float(scale),
        "turn_von_mises_concentration": float(concentration), "random_per_step": per_step, "seed": seed,
        "real_steps": real.height, "steps_without_turn": steps.table.height - real.height,
    }  # fmt: skip
    return RandomSteps(table, facts)
