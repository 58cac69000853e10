"""How often a cell is in a corridor and a link functions, over many draws.

A probability would need to know how likely each assumption is. What is counted here is in how many of the draws something
came out, where ranges, shapes and uncertainties are what somebody stated; another list of assumptions gives other counts.
"""

import math
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import polars as pl
from tqdm.auto import tqdm

from biodata.analysis.corridor_parts import ground_for
from biodata.analysis.grid import Floats
from biodata.analysis.uncertainty.one_draw import Drawn, Task, one

QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
_NOWHERE: Final = Path()
"""Stands for the values of a task that is handed them beside it."""


@dataclass(frozen=True, slots=True)
class Frequencies:
    """What came out of all draws.

    Attributes
    ----------
    cells : ndarray of float32, grid.shape
        Share of the draws in which the cell is in the corridor of some pair; nan where there is no data.
    pairs : polars.DataFrame
        A row for each pair: from_area_id, to_area_id, frequency (share of draws in which the link functions), error (one
        standard error of that, which is not 0 where all draws agree), least_cost_stated, least_cost_q05 … least_cost_q95 (over draws with a way), rank_stated,
        rank_median, rank_q05, rank_q95 (1 is the cheapest).
    rank_agreement : float or None
        Mean Spearman correlation of the pairs' costs in a draw with those as stated; None for fewer than three pairs.
    draws : int
    seed : int
    error : float
        Largest standard error of a frequency, from the draws' number alone: half a root of 1 / draws.
    chosen : list of dict
        What each draw drew.
    assumptions : list of str
    """

    cells: np.ndarray[tuple[int, int], np.dtype[np.float32]]
    pairs: pl.DataFrame
    rank_agreement: float | None
    draws: int
    seed: int
    error: float
    chosen: list[dict[str, Any]]
    assumptions: list[str]

    def message(self) -> str:
        """Return what came out as a line for a person."""
        inside = self.cells[np.isfinite(self.cells)]
        ever, always = float((inside > 0).mean()), float((inside >= 0.95).mean())
        agreement = (
            ""
            if self.rank_agreement is None
            else f", ranks of links agree with those stated by {self.rank_agreement:.2f}"
        )
        return (
            f"frequency under these assumptions, {self.draws} draws (error of a frequency at most {self.error:.3f}): "
            f"{ever:.0%} of the ground is ever in a corridor, {always:.0%} in 95 % of the draws or more{agreement}"
        )


def frequencies(task: Task, *, draws: int, executor: Executor | None = None, progress: bool = False) -> Frequencies:
    """Work all draws and count.

    Parameters
    ----------
    task : Task
        With `values` in memory.
    draws : int
        How many; the standard error of a frequency is at most 0.5 / sqrt(draws).
    executor : concurrent.futures.Executor, optional
        Where to work; `executors.ground_for` says how the raster gets there. Here where none is given. The result is
        the same.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Frequencies
    """
    values: Floats = np.load(task.values) if isinstance(task.values, Path) else task.values
    counts = np.zeros(values.size, dtype=np.int64)
    costs: list[Floats] = []
    functional: list[Any] = []
    chosen: list[dict[str, Any]] = []
    stated: Drawn | None = None
    with tqdm(total=draws + 1, unit="draw", disable=not progress) as bar:
        for number, drawn in _worked(task, values, draws, executor):
            bar.update()
            if number == 0:
                stated = drawn
                continue
            counts += np.unpackbits(drawn.inside, count=values.size)
            costs.append(drawn.least_cost)
            functional.append(drawn.functional)
            chosen.append({"draw": number, **drawn.chosen})
    if stated is None or not costs:
        message = "no draw was asked for"
        raise ValueError(message)
    share = np.where(np.isfinite(values), (counts / draws).reshape(values.shape), np.nan).astype(np.float32)
    pairs, agreement = _pairs(task, stated.least_cost, np.array(costs), np.array(functional))
    return Frequencies(
        share, pairs, agreement, draws, task.seed, 0.5 / math.sqrt(draws), chosen, task.assumptions.lines()
    )


def _worked(task: Task, values: Floats, draws: int, executor: Executor | None) -> Iterator[tuple[int, Drawn]]:
    """Yield every draw in order, from its file where it has one; a few are under way at a time."""
    if executor is None:
        yield from ((number, one(task, number)) for number in range(draws + 1))
        return
    with TemporaryDirectory(prefix="biodata-") as temporary:
        ground, bare = ground_for(executor, values, Path(temporary)), replace(task, values=_NOWHERE)
        ahead = 2 * int(getattr(executor, "_max_workers", None) or 1) + 1
        running: dict[int, Any] = {}
        for number in range(draws + 1):
            for asked in range(number + len(running), min(draws, number + ahead) + 1):
                running[asked] = executor.submit(_one_of, bare, ground, asked)
            yield number, running.pop(number).result()


def _one_of(task: Task, values: Floats | Path, number: int) -> Drawn:
    """Work a draw of a task whose values are handed beside it."""
    return one(replace(task, values=values), number)


def _pairs(task: Task, stated: Floats, costs: Floats, functional: Any) -> tuple[pl.DataFrame, float | None]:
    """Return the table of pairs, and how far ranks agree."""
    from scipy.stats import rankdata

    frequency = functional.mean(axis=0)
    ranks = rankdata(costs, axis=1)
    ranks_stated = rankdata(stated)
    reached = np.where(np.isfinite(costs), costs, np.nan)
    rows = []
    for n, (i, j) in enumerate(task.pairs):
        own = reached[:, n][np.isfinite(reached[:, n])]
        spread = np.quantile(own, QUANTILES) if own.size else [None] * len(QUANTILES)
        rank_low, rank_middle, rank_high = np.quantile(ranks[:, n], (0.05, 0.5, 0.95))
        rows.append(
            {
                "from_area_id": task.nodes[i].area_id,
                "to_area_id": task.nodes[j].area_id,
                "frequency": float(frequency[n]),
                "error": _error(float(frequency[n]), len(costs)),
                "least_cost_stated": float(stated[n]) if np.isfinite(stated[n]) else None,
                **{f"least_cost_q{round(100 * q):02d}": v for q, v in zip(QUANTILES, spread, strict=True)},
                "rank_stated": float(ranks_stated[n]),
                "rank_median": float(rank_middle),
                "rank_q05": float(rank_low),
                "rank_q95": float(rank_high),
            }
        )
    agreement = None
    if len(task.pairs) >= 3 and np.ptp(ranks_stated) > 0:
        centred = ranks_stated - ranks_stated.mean()
        others = ranks - ranks.mean(axis=1, keepdims=True)
        norm = np.sqrt((others**2).sum(axis=1) * (centred**2).sum())
        agreement = float(np.mean((others @ centred)[norm > 0] / norm[norm > 0])) if (norm > 0).any() else None
    table = pl.DataFrame(rows, schema_overrides={f"least_cost_q{round(100 * q):02d}": pl.Float64 for q in QUANTILES})
    return table, agreement


def _error(frequency: float, draws: int) -> float:
    """Return the standard error of a frequency with two draws of either kind added.

    Without them it would be 0 where every draw came out alike, though the next one need not (Agresti & Coull 1998,
    https://doi.org/10.1080/00031305.1998.10480550).
    """
    nearly = (frequency * draws + 2) / (draws + 4)
    return math.sqrt(nearly * (1 - nearly) / (draws + 4))
