"""Plots of a survey's results, each a figure of its own: for a page as SVG, for other uses as PNG."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from biodata.analysis.surveys.floors import LEAST_EVENTS
from biodata.exports.reports.in_language import Retold, figure_in
from biodata.exports.reports.survey_marks import (
    DASHES,
    HATCHES,
    JOINT,
    JOINT_COLOUR,
    QUIET,
    axes_of,
    colours_of,
    intervals,
    lacks_letters,
    legend,
    look,
    place_of,
    some_of,
    units,
    wrapped,
)  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ROWS: Final = 12
"""Species in a plot; tables have all."""


def plots(told: Mapping[str, Any], *, language: str = "en", retold: Retold = str) -> dict[str, tuple["Figure", str]]:
    """Return the plots of a survey's results by name, each with what it shows in words.

    Parameters
    ----------
    told : mapping
        As `analysis.surveys.results.results` returns it. What cannot be told has no plot.
    language : str
        Of the words; English where this machine has no font for its letters.
    retold : callable
        Returns an English sentence in that language.
    """
    import matplotlib as mpl

    in_english = language == "en" or lacks_letters(language) is not None
    with mpl.rc_context(look()):
        colours = colours_of(sorted(told["summary"]["sides"]))
        found: dict[str, tuple[Figure, str]] = {}
        for number, method in enumerate(sorted({row["method"] for row in told["effort"]}), start=1):
            mark = f"{number}-{_plain(method)}"
            found |= _named(f"effort-{mark}", _effort(told, method, colours))
            found |= _named(f"accumulation-{mark}", _accumulation(told, method, colours))
            found |= _named(f"abundance-{mark}", _abundance(told, method, colours))
            found |= _named(f"occupancy-{mark}", _occupancy(told, method, colours))
            found |= _named(f"trends-{mark}", _trends(told, method, colours))
            found |= _named(f"totals-{mark}", _totals(told, method))
        found |= _named("activity", _activity(told))
        if not in_english:
            for figure, _ in found.values():
                figure_in(figure, retold)
        return found


def _plain(name: str) -> str:
    """Return a name that a file can have everywhere."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "method"


def _named(name: str, made: "tuple[Figure, str] | None") -> "dict[str, tuple[Figure, str]]":
    return {} if made is None else {name: made}


def _method(name: str) -> str:
    return name.replace("_", " ")


def _effort(told: Mapping[str, Any], method: str, colours: Mapping[str, str]) -> "tuple[Figure, str] | None":
    """Draw effort by month, the sides above each other."""
    rows = [r for r in told["effort_by_month"] if r["method"] == method and r["effort"] is not None and r["month"]]
    if not rows:
        return None
    from biodata.analysis.surveys.joining import NO_SIDE

    months = sorted({row["month"] for row in rows})
    figure, axes = axes_of(2.6, f"Effort, {_method(method)}")
    below, used = dict.fromkeys(months, 0.0), {}
    sides = sorted({row["side"] for row in rows})
    several = len(sides) > 1
    for side in sides:
        own = {row["month"]: row["effort"] for row in rows if row["side"] == side}
        colour = colours.get(side, "#9aa39e") if side != NO_SIDE else "#9aa39e"
        used[side] = colour
        axes.bar(
            months, [own.get(m, 0.0) for m in months], bottom=[below[m] for m in months], color=colour,
            hatch=HATCHES[(place_of(side, colours) - 1) % len(HATCHES)] if several else "", edgecolor="white", linewidth=0,
        )  # fmt: skip
        below = {m: below[m] + own.get(m, 0.0) for m in months}
    step = max(1, -(-len(months) // 8))
    axes.set_xticks(range(0, len(months), step), months[::step], rotation=45, ha="right")
    unit = next((row["effort_unit"] for row in rows if row["effort_unit"]), "not told")
    axes.set_ylabel(f"effort, {units(unit)}")
    axes.grid(visible=False, axis="x")
    if sides == [NO_SIDE]:
        axes.set_xlabel("all events lie surely on no side")
    legend(axes, used, colours, filled=True)
    return figure, f"Effort of {_method(method)} by month and side, days of failures taken off."


def _accumulation(told: Mapping[str, Any], method: str, colours: Mapping[str, str]) -> "tuple[Figure, str] | None":
    """Draw accumulation curves with their limits."""
    by = told["richness"].get(method, {}).get("by", {})
    if not by or max(len(one["sites"]) for one in by.values()) < 2 or not max(by[JOINT]["species"]):
        return None
    figure, axes = axes_of(3.0, f"Species found, {_method(method)}")
    parts = [part for part in colours if len(by.get(part, {}).get("sites", ())) > 1]  # one site makes no line
    for part in parts:
        one, style = by[part], DASHES[place_of(part, colours)]
        axes.plot(one["sites"], one["species"], color=colours[part], linewidth=1.8, linestyle=style)
        axes.fill_between(one["sites"], one["low"], one["high"], color=colours[part], alpha=0.15, linewidth=0)
    axes.set(xlabel="sites (shaded: 95 % limits)", ylabel="species", ylim=(0, None))
    axes.locator_params(integer=True)
    legend(axes, {part: colours[part] for part in parts}, colours)
    return figure, "Species that so many sites hold, the mean of all orders, with 95 % limits of drawing other sites."


def _rows(told: Sequence[Mapping[str, Any]], method: str) -> list[Mapping[str, Any]]:
    return [one for one in told if one["method"] == method]


def _shown(rows: Sequence[Mapping[str, Any]], key: str) -> tuple[list[tuple[str, Any]], int]:
    """Return the first species for which anything is known, and of how many."""
    known = [one for one in rows if any(key in found for found in one["by"].values())]
    return [(one["species"], one["by"]) for one in known[:MOST_ROWS]], len(known)


def _abundance(told: Mapping[str, Any], method: str, colours: Mapping[str, str]) -> "tuple[Figure, str] | None":
    """Draw events for each hundred units of effort."""
    rows, known = _shown(_rows(told["abundance"], method), "rate")
    if not rows:
        return None
    unit = next(one["unit"] for _, by in rows for one in by.values() if "unit" in one)
    hundreds = [
        (name, {part: {**one, **{k: 100 * one[k] for k in ("rate", "low", "high")}} if "rate" in one else one for part, one in by.items()})
        for name, by in rows
    ]  # fmt: skip
    figure, axes = axes_of(1.2 + 0.34 * len(rows), f"Relative abundance, {_method(method)}")
    intervals(axes, hundreds, "rate", "low", "high", colours)
    some_of(axes, len(rows), known)
    axes.set(xlabel=f"independent events\nfor 100 {units(unit)}, 95 % limits", xlim=(0, None))
    return figure, f"Independent events for each 100 {units(unit)} with 95 % limits; an index, not a density."


def _occupancy(told: Mapping[str, Any], method: str, colours: Mapping[str, str]) -> "tuple[Figure, str] | None":
    """Draw occupancy with its interval."""
    every = _rows(told["occupancy"], method)
    years = [one["repeat"] for one in every if one["repeat"] is not None]
    last = max(years, default=None)
    rows, known = _shown([one for one in every if one["repeat"] == last], "psi")
    if not rows:
        return None
    figure, axes = axes_of(1.2 + 0.34 * len(rows), f"Occupancy, {_method(method)}{'' if last is None else f' {last}'}")
    intervals(axes, rows, "psi", "psi_low", "psi_high", colours)
    some_of(axes, len(rows), known)
    axes.set(xlabel="share of sites occupied,\n95 % intervals", xlim=(0, 1))
    words = "Occupancy corrected for detection with 95 % intervals; an open mark stands at a bound, where there is no mark it cannot be told."
    return figure, words


def _trends(told: Mapping[str, Any], method: str, colours: Mapping[str, str]) -> "tuple[Figure, str] | None":
    """Draw changes a year."""
    rows, known = _shown(_rows(told["trends"], method), "change")
    if not rows:
        return None
    percent = [
        (name, {part: {**one, **{k: 100 * one[k] for k in ("change", "low", "high")}} if "change" in one else one for part, one in by.items()})
        for name, by in rows
    ]  # fmt: skip
    figure, axes = axes_of(1.2 + 0.34 * len(rows), f"Change a year, {_method(method)}")
    most = max((one["high"] for _, by in percent for one in by.values() if "high" in one), default=100.0)
    most = min(most * 1.05, 300.0) if most > 0 else 10.0
    intervals(axes, percent, "change", "low", "high", colours, most=most)
    some_of(axes, len(rows), known)
    axes.axvline(0, color=QUIET, linewidth=1, linestyle="--")
    axes.set(xlabel="change a year, %,\n95 % intervals", xlim=(-100, most))
    return figure, "Change of relative abundance a year at the same sites, corrected for effort, with 95 % intervals."


def _activity(told: Mapping[str, Any]) -> "tuple[Figure, str] | None":
    """Draw at which hours cameras saw each species; the darker the more."""
    enough = [one for one in told["activity"] if one["by"][JOINT]["events"] >= LEAST_EVENTS]
    rows = enough[:MOST_ROWS]
    if not rows:
        return None
    figure, axes = axes_of(1.3 + 0.3 * len(rows), "Activity, camera trap")
    some_of(axes, len(rows), len(enough))
    shares = [[n / max(one["by"][JOINT]["hours"]) for n in one["by"][JOINT]["hours"]] for one in rows]
    axes.imshow(shares, cmap="Greys", aspect="auto", extent=(0, 24, len(rows) - 0.5, -0.5), vmin=0, vmax=1)
    axes.set_yticks(
        range(len(rows)),
        [wrapped(f"{one['species']} ({one['by'][JOINT]['events']})", 28) for one in rows],
        style="italic",
    )
    axes.set_yticks([row + 0.5 for row in range(len(rows) - 1)], minor=True)
    axes.grid(visible=False)
    axes.grid(which="minor", axis="y", color="white", linewidth=3)
    axes.tick_params(which="minor", length=0)
    axes.set_xticks(range(0, 25, 6))
    axes.set(xlabel="hour of the day by the sun\n(beside the species: events)")
    words = (
        f"Independent events of cameras by the hour of the sun, each species' busiest hour black; those of {LEAST_EVENTS} events or "
        "more, cameras whose clock is in doubt left out."
    )
    return figure, words


def _totals(told: Mapping[str, Any], method: str) -> "tuple[Figure, str] | None":
    """Draw totals of all sides as intervals."""
    every = _rows(told["totals"], method)
    last = max((one["repeat"] for one in every if one["repeat"] is not None), default=None)
    counted = [one for one in every if one["repeat"] == last]
    rows = counted[:MOST_ROWS]
    if not rows:
        return None
    figure, axes = axes_of(
        1.0 + 0.3 * len(rows), f"Counted on all sides, {_method(method)}{'' if last is None else f' {last}'}"
    )
    some_of(axes, len(rows), len(counted))
    for row, one in enumerate(rows):
        axes.plot([one["low"], one["high"]], [row, row], color=JOINT_COLOUR, linewidth=5, solid_capstyle="butt")
        axes.plot([one["low"], one["high"]], [row, row], "|", color=JOINT_COLOUR, markersize=9)
    axes.set_yticks(range(len(rows)), [wrapped(one["species"], 28) for one in rows], style="italic")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set(xlabel="individuals in independent\nevents, least and most", xlim=(0, None))
    return (
        figure,
        "From the least that explains all counts, groups near the border taken as one, to the sum of the sides.",
    )
