"""The report's plots, drawn here as SVG: criteria against the other candidates, acceptability, evidence by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from biodata.exports.reports.words import NOT_KNOWN, number, text

WIDTH: Final = 520
"""Narrow, so that the words can still be read where a page is as wide as a telephone."""
_INK, _QUIET, _LINE, _OTHER, _THIS = "#1d2a26", "#4c5652", "#c9c4b6", "#6d7f78", "#8a6500"
SIDE_COLOURS: Final = ("#2166ac", "#b2452b", "#4d7f2a", "#6a3d9a")
"""One for each side."""
_MOST_BARS: Final = 20
_LONGEST: Final = 70
"""Letters of a name above its bar."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One thing that rows of a run are compared by.

    Attributes
    ----------
    name, unit : str
    direction : str
        `more` or `less` is better; the better end stands to the right. Empty where neither is.
    mine : float or None
        Of the row that is reported.
    others : sequence of float or None
    """

    name: str
    unit: str
    direction: str
    mine: float | None
    others: Sequence[float | None]

    def standing(self) -> str:
        """Tell how many of the others are better."""
        known = [value for value in self.others if value is not None]
        if self.mine is None or not self.direction:
            return ""
        better = sum(value > self.mine if self.direction == "more" else value < self.mine for value in known)
        return f"{better} of {len(self.others)} better"


def parallel_dots(axes: Sequence[Axis], *, title: str) -> str:
    """Return a row of dots for each axis: the reported one is a diamond, every other a ring; better is to the right.

    Parameters
    ----------
    axes : sequence of Axis
    title : str
        What the plot shows, for who cannot see it.
    """
    row_px, left, right = 56, 8, WIDTH - 8
    drawn = ""
    for n, axis in enumerate(axes):
        y = n * row_px + 32
        known = [value for value in (*axis.others, axis.mine) if value is not None]
        unit = f", {axis.unit}" if axis.unit else ""
        standing = f" · {axis.standing()}" if axis.standing() else ""
        drawn += (
            f'<text x="{left - 8}" y="{y - 16}" font-size="13"><tspan font-weight="bold">{text(axis.name)}</tspan>'
            f'<tspan fill="{_QUIET}">{text(unit)}</tspan></text>'
            f'<text x="{right + 8}" y="{y - 16}" font-size="13" text-anchor="end"><tspan font-weight="bold" fill="{_THIS}">'
            f'{number(axis.mine)}</tspan><tspan fill="{_QUIET}">{standing}</tspan></text>'
            f'<path d="M{left} {y}H{right}" stroke="{_LINE}" stroke-width="2"/>'
        )
        if not known:
            drawn += f'<text x="{(left + right) / 2}" y="{y + 17}" font-size="12" text-anchor="middle">{NOT_KNOWN} of any</text>'
            continue
        low, high = (min(known), max(known)) if axis.direction != "less" else (max(known), min(known))

        def x(value: float, low: float = low, high: float = high) -> float:
            return left + (right - left) * ((value - low) / (high - low) if high != low else 0.5)

        rings = "".join(f'<circle cx="{x(v):.1f}" cy="{y}" r="5"/>' for v in axis.others if v is not None)
        drawn += f'<g fill="#ffffff" fill-opacity="0.6" stroke="{_OTHER}" stroke-width="1.5">{rings}</g>'
        ends = (
            ((low, left - 8, "start"), (high, right + 8, "end"))
            if high != low
            else ((low, (left + right) / 2, "middle"),)
        )
        for value, at, anchor in ends:
            drawn += f'<text x="{at}" y="{y + 18}" font-size="11" fill="{_QUIET}" text-anchor="{anchor}">{number(value)}</text>'
        if axis.mine is not None:
            at = x(axis.mine)
            drawn += f'<path d="M{at:.1f} {y - 9}L{at + 8:.1f} {y}L{at:.1f} {y + 9}L{at - 8:.1f} {y}Z" fill="{_THIS}" stroke="#ffffff"/>'
    return _svg(len(axes) * row_px + 2, drawn, title)


def acceptability_bars(rows: Sequence[tuple[str, float, float, bool]], *, title: str) -> str:
    """Return how often candidates stand first, and among the first, of all sampled weights: the best, and the one reported.

    Parameters
    ----------
    rows : sequence of (name, first, among the first, whether it is the one reported)
        Shares, 0-1, the best first.
    title : str
    """
    row_px, right = 42, WIDTH - 90
    shown_rows = [(rank, *row) for rank, row in enumerate(rows, start=1) if rank <= _MOST_BARS or row[3]]
    drawn = ""
    for n, (rank, name, first, within, own) in enumerate(shown_rows):
        y = n * row_px + 16
        weight, colour = ("bold", _THIS) if own else ("normal", _OTHER)
        shown = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
        drawn += (
            f'<text x="0" y="{y}" font-size="13" font-weight="{weight}">{rank}. {text(shown)}</text>'
            f'<rect x="0" y="{y + 5}" width="{max(within, 0) * right:.1f}" height="14" fill="{colour}" fill-opacity="0.3"/>'
            f'<rect x="0" y="{y + 8}" width="{max(first, 0) * right:.1f}" height="8" fill="{colour}"/>'
            f'<text x="{within * right + 6:.1f}" y="{y + 16}" font-size="12">{first:.0%} · {within:.0%}</text>'
        )
    return _svg(len(shown_rows) * row_px + 4, drawn, title)


def evidence_bars(species: Sequence[str], by_side: Mapping[str, Mapping[str, int]], *, title: str) -> str:
    """Return for each species a bar for each side, as long as the records that count.

    Parameters
    ----------
    species : sequence of str
    by_side : mapping of str to mapping of str to int
        Records that count by side's name and species.
    title : str
    """
    sides = list(by_side)
    bar_px, left, right = 12, 186, WIDTH - 36
    row_px = bar_px * len(sides) + 9
    most = max((n for counts in by_side.values() for n in counts.values()), default=1)
    drawn, apart = "", min(170, WIDTH // max(len(sides), 1))
    for s, name in enumerate(sides):
        drawn += (
            f'<rect x="{s * apart}" y="4" width="12" height="12" fill="{SIDE_COLOURS[s % len(SIDE_COLOURS)]}"/>'
            f'<text x="{s * apart + 18}" y="15" font-size="13">{text(name)}</text>'
        )
    for n, name in enumerate(species):
        y = 26 + n * row_px
        middle = y + bar_px * len(sides) / 2 + 4
        drawn += f'<text x="{left - 8}" y="{middle:.1f}" font-size="13" font-style="italic" text-anchor="end">{text(name)}</text>'
        for s, side in enumerate(sides):
            count = by_side[side].get(name, 0)
            long = count / most * (right - left)
            drawn += (
                f'<rect x="{left}" y="{y + s * bar_px}" width="{long:.1f}" height="{bar_px - 1}" fill="{SIDE_COLOURS[s % len(SIDE_COLOURS)]}"/>'
                f'<text x="{left + long + 4:.1f}" y="{y + s * bar_px + 10}" font-size="11">{count}</text>'
            )
    return _svg(26 + len(species) * row_px, drawn, title)


def _svg(height: float, drawn: str, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" role="img" '
        f'aria-label="{text(title)}" font-family="sans-serif" fill="{_INK}">{drawn}</svg>'
    )
