"""Plots of a survey's results, each a figure of its own: for a page as SVG, for other uses as PNG."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import shapely

from biodata import places
from biodata.exports.reports import survey_marks as marks
from biodata.exports.reports.in_language import Retold, figure_in
from biodata.exports.reports.words import number, spaced
from biodata.geo import metres_per_degree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ROWS: Final = 12
"""Species in a plot; tables have all."""
Told: TypeAlias = Mapping[str, Any]
Colours: TypeAlias = Mapping[str, str]
Stations: TypeAlias = Sequence[tuple[shapely.Geometry, str]]
"""Places of events, degrees, each with its side; empty where it may be of several."""


def plots(
    told: Told, *, language: str = "en", retold: Retold = str, stations: Stations = (),
    boundaries: places.BoundarySet | None = None,
) -> dict[str, tuple["Figure", str]]:  # fmt: skip
    """Return the plots of a survey's results by name, each with what it shows in words.

    Parameters
    ----------
    told : mapping
        As `analysis.surveys.results` returns it. What cannot be told has no plot.
    language : str
        Of the words; English where this machine has no font for its letters.
    retold : callable
        Returns an English sentence in that language.
    stations : sequence of (geometry, side)
        For a map, with the borders of `boundaries`.
    """
    import matplotlib as mpl

    with mpl.rc_context(marks.look()):
        colours = marks.colours_of(sorted(told["summary"]["sides"]))
        found = {"stations": _map(told, stations, boundaries, colours)} if stations else {}
        for n, method in enumerate(sorted({row["method"] for row in told["effort"]}), start=1):
            plain = re.sub(r"[^a-z0-9]+", "-", method.lower()).strip("-")[:40] or "method"
            found |= {f"{name}-{n}-{plain}": draw(told, method, colours) for name, draw in _OF_METHOD.items()}
        drawn = {name: one for name, one in found.items() if one is not None}
        if language != "en" and marks.lacks_letters(language) is None:
            for figure, _ in drawn.values():
                figure_in(figure, retold)
        return drawn


def _map(
    told: Told, stations: Stations, boundaries: places.BoundarySet | None, colours: Colours
) -> tuple["Figure", str] | None:
    """Draw where events took place: a mark where the place is told, a box where only its cell is."""
    west, south, east, north = shapely.total_bounds([shape for shape, _ in stations])
    half, x, y = 0.6 * max(east - west, north - south, 0.02), (west + east) / 2, (south + north) / 2
    figure, axes = marks.axes_of(4.4, "Sites")
    sides = sorted({side for _, side in stations if side in colours})
    borders = [places.country_geometry(side, boundaries).boundary for side in sides] if boundaries else []
    for border in shapely.clip_by_rect(borders, x - half, y - half, x + half, y + half):
        for part in shapely.get_parts(shapely.line_merge(border)):
            axes.plot(*shapely.get_coordinates(part).T, color=marks.QUIET, linewidth=0.8)
    for shape, side in stations:
        colour = colours.get(side, marks.OTHER_COLOUR)
        for part in shapely.get_parts(shape):
            corners = shapely.get_coordinates(part)
            mark = marks.MARKERS[marks.place_of(side, colours)] if len(corners) == 1 else ""
            axes.plot(
                *corners.T,
                color=colour,
                linewidth=1.4,
                marker=mark,
                markersize=5,
                markeredgecolor="white",
                markeredgewidth=0.5,
            )
    east_m, _ = metres_per_degree(np.array([y]))
    km = 2 * half * float(east_m[0]) / 4000
    km = next(
        step * 10.0 ** np.floor(np.log10(km)) for step in (5, 2, 1) if step * 10.0 ** np.floor(np.log10(km)) <= km
    )
    start, foot = x - 0.95 * half, y - 0.95 * half
    axes.plot(
        [start, start + 1000 * km / float(east_m[0])],
        [foot, foot],
        color=marks.JOINT_COLOUR,
        linewidth=2,
        solid_capstyle="butt",
    )
    axes.annotate(f"{number(float(km))} km", (start, foot), (0, 4), textcoords="offset points", fontsize=8)
    axes.set(
        xlim=(x - half, x + half), ylim=(y - half, y + half), aspect=1 / np.cos(np.radians(y)), xticks=[], yticks=[]
    )
    marks.legend(axes, {side: colours[side] for side in sides}, colours, marked=True)
    if told["facts"]["evidence_view"] == "exact":
        return figure, "Exact places, for the team alone."
    return figure, "Places as they are published; where a place is hidden, its cell."


def _effort(told: Told, method: str, colours: Colours) -> tuple["Figure", str] | None:
    """Draw effort by month, the sides above each other."""
    rows = [r for r in told["effort_by_month"] if r["method"] == method and r["effort"] is not None and r["month"]]
    if not rows:
        return None
    months, sides = sorted({row["month"] for row in rows}), sorted({row["side"] for row in rows})
    figure, axes = marks.axes_of(2.6, f"Effort, {spaced(method)}")
    below = np.zeros(len(months))
    used = {side: colours.get(side, marks.OTHER_COLOUR) for side in sides}
    for side, colour in used.items():
        own = {row["month"]: row["effort"] for row in rows if row["side"] == side}
        heights = np.array([own.get(month, 0.0) for month in months])
        hatch = marks.HATCHES[(marks.place_of(side, colours) - 1) % len(marks.HATCHES)] if len(sides) > 1 else ""
        axes.bar(months, heights, bottom=below, color=colour, hatch=hatch, edgecolor="white", linewidth=0)
        below += heights
    step = max(1, -(-len(months) // 8))
    axes.set_xticks(range(0, len(months), step), months[::step], rotation=45, ha="right")
    unit = next((row["effort_unit"] for row in rows if row["effort_unit"]), "not told")
    axes.set_ylabel(f"effort, {marks.units(unit)}")
    axes.grid(visible=False, axis="x")
    if not set(sides) & set(colours):
        axes.set_xlabel("all events lie surely on no side")
    marks.legend(axes, used, colours, filled=True)
    return figure, f"Effort of {spaced(method)} by month and side, days of failures taken off."


def _accumulation(told: Told, method: str, colours: Colours) -> tuple["Figure", str] | None:
    """Draw accumulation curves with their limits."""
    by = told["richness"].get(method, {}).get("by", {})
    if not by or max(len(one["sites"]) for one in by.values()) < 2 or not max(by[marks.JOINT]["species"]):
        return None
    figure, axes = marks.axes_of(3.0, f"Species found, {spaced(method)}")
    parts = [part for part in colours if len(by.get(part, {}).get("sites", ())) > 1]  # one site makes no line
    for part in parts:
        one, style = by[part], marks.DASHES[marks.place_of(part, colours)]
        axes.plot(one["sites"], one["species"], color=colours[part], linewidth=1.8, linestyle=style)
        axes.fill_between(one["sites"], one["low"], one["high"], color=colours[part], alpha=0.15, linewidth=0)
    axes.set(xlabel="sites (shaded: 95 % limits)", ylabel="species", ylim=(0, None))
    axes.locator_params(integer=True)
    marks.legend(axes, {part: colours[part] for part in parts}, colours)
    return figure, "Species that so many sites hold, the mean of all orders, with 95 % limits of drawing other sites."


def _of(told: Told, kind: str, method: str) -> tuple[list[Told], str]:
    """Return what is told of a method in its last year, where years are told apart, and that year for a title."""
    rows = [one for one in told[kind] if one["method"] == method]
    last = max((one["repeat"] for one in rows if one.get("repeat") is not None), default=None)
    return [one for one in rows if one.get("repeat") == last], "" if last is None else f" {last}"


def _interval_plot(
    rows: Sequence[Told], names: tuple[str, str, str], title: str, colours: Colours, *, factor: float = 1, most: float | None = None,
    **axis: Any,
) -> "Figure | None":  # fmt: skip
    """Draw the intervals of the first species of which anything is known."""
    value = names[0]
    known = [one for one in rows if any(value in found for found in one["by"].values())]
    if not known:
        return None
    figure, axes = marks.axes_of(1.2 + 0.34 * len(known[:MOST_ROWS]), title)
    drawn: list[tuple[str, Mapping[str, Any]]] = []
    for one in known[:MOST_ROWS]:
        told = {part: found for part, found in one["by"].items() if value in found}
        scaled = {
            part: {**found, **{name: factor * found[name] for name in names if found[name] is not None}}
            for part, found in told.items()
        }
        drawn.append((one["species"], scaled))
    marks.intervals(axes, drawn, *names, colours, most=most)
    marks.some_of(axes, len(drawn), len(known))
    axes.set(**axis)
    return figure


def _abundance(told: Told, method: str, colours: Colours) -> tuple["Figure", str] | None:
    """Draw events for each hundred units of effort."""
    rows, _ = _of(told, "abundance", method)
    unit = next((marks.units(found["unit"]) for one in rows for found in one["by"].values() if "unit" in found), "")
    figure = _interval_plot(
        rows, ("rate", "low", "high"), f"Relative abundance, {spaced(method)}", colours, factor=100,
        xlabel=f"independent events\nfor 100 {unit}, 95 % limits", xlim=(0, None),
    )  # fmt: skip
    return (
        None
        if figure is None
        else (figure, f"Independent events for each 100 {unit} with 95 % limits; an index, not a density.")
    )


def _occupancy(told: Told, method: str, colours: Colours) -> tuple["Figure", str] | None:
    """Draw occupancy with its interval."""
    rows, year = _of(told, "occupancy", method)
    figure = _interval_plot(
        rows, ("psi", "psi_low", "psi_high"), f"Occupancy, {spaced(method)}{year}", colours,
        xlabel="share of sites occupied,\n95 % intervals", xlim=(0, 1),
    )  # fmt: skip
    words = "Occupancy corrected for detection with 95 % intervals; an open mark stands at a bound, where there is no mark it cannot be told."
    return None if figure is None else (figure, words)


def _trends(told: Told, method: str, colours: Colours) -> tuple["Figure", str] | None:
    """Draw changes a year."""
    rows, _ = _of(told, "trends", method)
    most = max(
        (100 * found["high"] for one in rows for found in one["by"].values() if "change" in found), default=100.0
    )
    most = min(most * 1.05, 300.0) if most > 0 else 10.0
    figure = _interval_plot(
        rows, ("change", "low", "high"), f"Change a year, {spaced(method)}", colours, factor=100, most=most,
        xlabel="change a year, %,\n95 % intervals", xlim=(-100, most),
    )  # fmt: skip
    if figure is None:
        return None
    figure.axes[0].axvline(0, color=marks.QUIET, linewidth=1, linestyle="--")
    return figure, "Change of relative abundance a year at the same sites, corrected for effort, with 95 % intervals."


def _totals(told: Told, method: str, _colours: Colours) -> tuple["Figure", str] | None:
    """Draw totals of all sides as intervals."""
    counted, year = _of(told, "totals", method)
    rows = counted[:MOST_ROWS]
    if not rows:
        return None
    figure, axes = marks.axes_of(1.0 + 0.3 * len(rows), f"Counted on all sides, {spaced(method)}{year}")
    marks.some_of(axes, len(rows), len(counted))
    for row, one in enumerate(rows):
        axes.plot([one["low"], one["high"]], [row, row], color=marks.JOINT_COLOUR, linewidth=5, solid_capstyle="butt")
        axes.plot([one["low"], one["high"]], [row, row], "|", color=marks.JOINT_COLOUR, markersize=9)
    axes.set_yticks(range(len(rows)), [marks.wrapped(one["species"], 28) for one in rows], style="italic")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set(xlabel="individuals in independent\nevents, least and most", xlim=(0, None))
    return (
        figure,
        "From the least that explains all counts, groups near the border taken as one, to the sum of the sides.",
    )


_OF_METHOD: Final[Mapping[str, Callable[[Told, str, Colours], tuple["Figure", str] | None]]] = {
    "effort": _effort, "accumulation": _accumulation, "abundance": _abundance, "occupancy": _occupancy, "trends": _trends,
    "totals": _totals,
}  # fmt: skip
