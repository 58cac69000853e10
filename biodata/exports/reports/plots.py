"""The report's plots as SVG: criteria against the other candidates, acceptability, evidence by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from biodata.exports.reports.findings import number
from biodata.exports.templating import add_functions, drawing, environment

SIDE_COLOURS: Final = ("#2166ac", "#b2452b", "#4d7f2a", "#6a3d9a")
"""One for each side."""
_LOOK: Final = {"width": 520, "ink": "#1d2a26", "quiet": "#4c5652", "other": "#6d7f78", "this": "#8a6500"}
_MOST_BARS: Final = 20
_LONGEST: Final = 70
"""Letters of a name above its bar."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One thing that rows of a run are compared by.

    Attributes
    ----------
    name, unit : str
        Of the measure.
    direction : str
        `more` or `less` is better; empty where neither is.
    mine : float or None
        The reported row's value.
    others : sequence of float or None
        Those of the other rows.
    """

    name: str
    unit: str
    direction: str
    mine: float | None
    others: Sequence[float | None]

    def known(self) -> list[float]:
        """Return the values that are known."""
        return [value for value in (*self.others, self.mine) if value is not None]

    def ends(self) -> tuple[float, float]:
        """Return the values at the left and at the right end; better is to the right."""
        low, high = min(self.known()), max(self.known())
        return (high, low) if self.direction == "less" else (low, high)

    def place(self, value: float, left: float, right: float) -> float:
        """Return where a value stands between two ends."""
        low, high = self.ends()
        return left + (right - left) * ((value - low) / (high - low) if high != low else 0.5)

    def standing(self) -> str:
        """Return how many of the others are better, in words."""
        if self.mine is None or not self.direction:
            return ""
        known = [value for value in self.others if value is not None]
        better = sum(value > self.mine if self.direction == "more" else value < self.mine for value in known)
        return f"{better} of {len(self.others)} better"


def parallel_dots(axes: Sequence[Axis], *, title: str) -> Markup:
    """Return a row of dots for each axis: the reported one is a diamond, every other a ring; better is to the right."""
    return _drawn("parallel_dots", axes, title)


def acceptability_bars(rows: Sequence[tuple[str, float, float, bool]], *, title: str) -> Markup:
    """Return how often candidates stand first, and among the first, of all sampled weights: the best, and the one reported.

    Parameters
    ----------
    rows : sequence of (name, first, within, reported)
        In the order of their ranks.
    title : str
        Read out in place of the drawing.
    """
    shown = [
        (rank, name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…", first, within, own)
        for rank, (name, first, within, own) in enumerate(rows, start=1)
        if rank <= _MOST_BARS or own
    ]
    return _drawn("acceptability_bars", shown, title)


def evidence_bars(species: Sequence[str], by_side: Mapping[str, Mapping[str, int]], *, title: str) -> Markup:
    """Return for each species a bar for each side, as long as the records that count."""
    most = max((n for counts in by_side.values() for n in counts.values()), default=1)
    return _drawn("evidence_bars", species, by_side, most, SIDE_COLOURS, title)


def _drawn(name: str, *values: Any) -> Markup:
    """Return what a macro of `plots.svg` draws."""
    made = environment("biodata.exports.reports", lenient=True)
    add_functions(made, {"number": number})
    return drawing(getattr(made.get_template("plots.svg", globals=_LOOK).module, name)(*values))
