"""The cheapest choice of units where rows are priced and not required: a minimum cut."""

from typing import Any, Final

import numpy as np

from biodata.analysis.reserves.model import Model
from biodata.analysis.reserves.targets import Bools, Floats

_LARGEST: Final = 2.0**48
"""Capacities are whole numbers that add up to about this, so none overflows and rounding is far below any gap."""


class MinimumCut:
    """min (linear - prices)·x - Σ weight x_first x_second over x that are 0 or 1, with the locks.

    A pair w x_i x_j is w/2 (x_i + x_j) - w/2 |x_i - x_j|: an edge of w/2 both ways, and half of it on each unit.

    Parameters
    ----------
    model : Model

    Notes
    -----
    The flow is OR-Tools' push-relabel; the graph is built once and only its capacities change.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        n, first, second, weight = model.units, model.first, model.second, model.weight
        self._half = np.bincount(first, weight / 2, n) + np.bincount(second, weight / 2, n)
        self._flow: Any = None
        if weight.size:
            from ortools.graph.python import max_flow

            self._flow = max_flow.SimpleMaxFlow()
            unit = np.arange(n)
            tails = np.concatenate([np.full(n, n), unit, first, second]).astype(np.int32)
            heads = np.concatenate([unit, np.full(n, n + 1), second, first]).astype(np.int32)
            self._arcs = self._flow.add_arcs_with_capacity(tails, heads, np.zeros(len(tails), dtype=np.int64))

    def cheapest(self, linear: Floats) -> tuple[float, Bools]:
        """Return a value that no choice goes below, and the choice that has it but for rounding.

        Parameters
        ----------
        linear : ndarray of float64, length n
            Cost of each unit, prices taken off.
        """
        model = self.model
        slack = 0.0
        if self._flow is None:
            chosen = linear < 0
        else:
            chosen, slack = self._cut(linear)
        chosen = (chosen | model.locked_in) & ~model.locked_out
        pairs = float(model.weight[chosen[model.first] & chosen[model.second]].sum())
        return float(linear[chosen].sum()) - pairs - slack, chosen

    def _cut(self, linear: Floats) -> tuple[Bools, float]:
        """Return the units on the source's side, and how much rounding may have cost."""
        model, n = self.model, self.model.units
        own = linear - self._half
        scale = _LARGEST / max(float(np.abs(own).sum() + model.weight.sum()), 1e-300)
        edge = np.rint(model.weight / 2 * scale).astype(np.int64)
        tied = np.zeros(n, dtype=np.int64)
        np.add.at(tied, model.first, edge)
        np.add.at(tied, model.second, edge)
        source = np.rint(np.maximum(-own, 0) * scale).astype(np.int64)
        sink = np.rint(np.maximum(own, 0) * scale).astype(np.int64)
        source[model.locked_in], sink[model.locked_in] = tied[model.locked_in] + 1, 0
        source[model.locked_out], sink[model.locked_out] = 0, tied[model.locked_out] + 1
        self._flow.set_arcs_capacity(self._arcs, np.concatenate([source, sink, edge, edge]))
        status = self._flow.solve(n, n + 1)
        if status != self._flow.OPTIMAL:
            message = f"the maximum flow ended with {status}"
            raise RuntimeError(message)
        side = np.asarray(self._flow.get_source_side_min_cut(), dtype=np.int64)
        chosen = np.zeros(n, dtype=bool)
        chosen[side[side < n]] = True
        return chosen, (2 * n + 2 * len(edge)) / scale
