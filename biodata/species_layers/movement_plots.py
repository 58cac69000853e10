"""Plots of movement: lengths and turns with what was fitted, what steps select, real steps beside random ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from biodata.analysis.movement.inside import Inside
    from biodata.analysis.movement.random_steps import RandomSteps

_BLUE, _ORANGE, _GREY = "#1f5f8b", "#c8641c", "#8a8a8a"


def plot(
    drawn: "RandomSteps",
    path: Path,
    *,
    told: dict[str, Any] | None = None,
    inside: "Inside | None" = None,
    note: str = "",
) -> None:
    """Draw what was found of steps into a PNG, SVG or PDF file.

    Parameters
    ----------
    drawn : RandomSteps
        Real and random steps.
    path : Path
        The file.
    told : dict, optional
        `Selection.told()`.
    inside : Inside, optional
    note : str
        What the picture has to name: species, view, category.
    """
    from matplotlib.figure import Figure

    panels = 2 + (told is not None) + (inside is not None)
    figure = Figure(figsize=(4.2 * panels, 3.8), layout="constrained")
    axes = list(np.atleast_1d(figure.subplots(1, panels)))
    _lengths(axes.pop(0), drawn)
    _turns(axes.pop(0), drawn)
    if told is not None:
        _terms(axes.pop(0), told)
    if inside is not None:
        _shares(axes.pop(0), inside)
    if note:
        figure.supxlabel(note, fontsize=8)
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    figure.savefig(part, dpi=150)
    part.replace(path)


def _lengths(axes: "Axes", drawn: "RandomSteps") -> None:
    """Draw the lengths of real steps and the fitted gamma distribution."""
    from scipy import stats

    real = drawn.table.filter(pl.col("used"))["length_m"].to_numpy() / 1000
    axes.hist(real, bins=30, density=True, color=_BLUE, alpha=0.6, label="real steps")
    x = np.linspace(1e-3, real.max(), 200)
    scale = drawn.facts["length_gamma_scale_m"] / 1000
    axes.plot(x, stats.gamma.pdf(x, drawn.facts["length_gamma_shape"], scale=scale), color=_ORANGE, label="gamma")
    axes.set(xlabel="length of a step, km", ylabel="density", title="Lengths")
    axes.legend(frameon=False)


def _turns(axes: "Axes", drawn: "RandomSteps") -> None:
    """Draw the turns of real steps and the fitted von Mises distribution."""
    from scipy import stats

    real = np.degrees(drawn.table.filter(pl.col("used"))["turn"].to_numpy())
    axes.hist(real, bins=36, range=(-180, 180), density=True, color=_BLUE, alpha=0.6, label="real steps")
    x = np.linspace(-180, 180, 200)
    density = stats.vonmises.pdf(np.radians(x), drawn.facts["turn_von_mises_concentration"]) * np.pi / 180
    axes.plot(x, density, color=_ORANGE, label="von Mises")
    axes.set(xlabel="turn, degrees (right positive)", title="Turns", xticks=[-180, -90, 0, 90, 180])
    axes.legend(frameon=False)


def _terms(axes: "Axes", told: dict[str, Any]) -> None:
    """Draw coefficients with their intervals."""
    names = list(told["terms"])[::-1]
    for y, name in enumerate(names):
        term = told["terms"][name]
        axes.plot(term["interval_95"], [y, y], color=_BLUE, linewidth=2)
        axes.plot(term["coefficient"], y, "o", color=_BLUE)
    axes.axvline(0, color=_GREY, linewidth=1, linestyle="--")
    axes.set(yticks=range(len(names)), xlabel="coefficient, with 95 % interval", title="Selection")
    axes.set_yticklabels(names, fontsize=8)
    axes.margins(y=0.2)


def _shares(axes: "Axes", inside: "Inside") -> None:
    """Draw the share of real steps inside beside those of random ones."""
    axes.hist(inside.random_shares, bins=20, color=_GREY, alpha=0.7, label="random steps")
    axes.axvline(inside.real_share, color=_ORANGE, linewidth=2, label="real steps")
    axes.set(xlabel="share that ends inside", ylabel="draws", title="Inside the corridor")
    axes.legend(frameon=False)
