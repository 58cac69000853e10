"""Plots of all that is published of a survey: its records by species and side, and how species accumulate over cells."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from biodata.analysis.surveys.joining import NO_SIDE
from biodata.exports.reports.survey_marks import (
    DASHES,
    HATCHES,
    JOINT,
    axes_of,
    intervals,
    legend,
    part_name,
    place_of,
    some_of,
    units,
    wrapped,
)  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GREY: Final = "#9aa39e"
MOST_ROWS: Final = 12
"""Species in a plot; tables have all."""


def published_plots(found: Mapping[str, Any] | None, colours: Mapping[str, str]) -> "dict[str, tuple[Figure, str]]":
    """Return plots by name, each with what it shows in words; none where no place is coarse.

    Parameters
    ----------
    found : mapping or None
        As `analysis.surveys.all_published.all_published` returns it.
    colours : mapping of part to colour
    """
    if not found:
        return {}
    made = {
        "published-records": _records(found, colours),
        "published-accumulation": _accumulation(found, colours),
        "published-rates": _rates(found, colours),
    }
    return {name: one for name, one in made.items() if one is not None}


def _records(found: Mapping[str, Any], colours: Mapping[str, str]) -> "tuple[Figure, str] | None":
    """Draw records by species: of several sides by side, else open ones and those told as cells."""
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    rows = [(one["species"], one["by"]) for one in found["species"]][:MOST_ROWS]
    if not rows:
        return None
    figure, axes = axes_of(1.3 + 0.26 * len(rows), "Records that are published")
    some_of(axes, len(rows), len(found["species"]))
    bars = _of_sides(found, rows, colours) if len(found["sides"]) > 1 else _of_places(rows, colours)
    left, named = [0] * len(rows), []
    for label, (counts, colour, hatch) in bars.items():
        axes.barh(
            range(len(rows)), counts, left=left, height=0.62, color=colour, hatch=hatch, edgecolor="white", linewidth=0
        )
        named.append(Patch(label=label, facecolor=colour, hatch=hatch, edgecolor="white", linewidth=0))
        left = [before + n for before, n in zip(left, counts, strict=True)]
    axes.set_yticks(range(len(rows)), [wrapped(name, 28) for name, _ in rows], style="italic")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("records, open and as cells")
    figure.legend(
        handles=named, frameon=False, loc="outside lower center", ncols=min(len(named), 3), handlelength=3
    )  # fmt: skip
    return (
        figure,
        "Records that are published, those whose place is told as a cell among them; the table tells how many.",
    )


Bars = dict[str, tuple[list[int], str, str]]
Rows = list[tuple[str, Mapping[str, Any]]]


def _of_sides(found: Mapping[str, Any], rows: Rows, colours: Mapping[str, str]) -> Bars:
    """Return the records of each side, and those of no single one."""
    bars: Bars = {}
    for side in found["sides"]:
        counts = [by.get(side, {}).get("records", 0) for _, by in rows]
        bars[part_name(side)] = counts, colours[side], HATCHES[(place_of(side, colours) - 1) % len(HATCHES)]
    rest = [by[JOINT]["records"] - sum(bars[name][0][row] for name in bars) for row, (_, by) in enumerate(rows)]
    return {**bars, NO_SIDE: (rest, _GREY, HATCHES[-1])} if any(rest) else bars


def _of_places(rows: Rows, colours: Mapping[str, str]) -> Bars:
    """Return the open records and those that are told as cells."""
    coarse = [by[JOINT]["coarse"] for _, by in rows]
    opened = [by[JOINT]["records"] - n for n, (_, by) in zip(coarse, rows, strict=True)]
    return {"open": (opened, colours[JOINT], ""), "as cells": (coarse, _GREY, HATCHES[1])}


def _accumulation(found: Mapping[str, Any], colours: Mapping[str, str]) -> "tuple[Figure, str] | None":
    """Draw accumulation curves over cells."""
    from matplotlib.ticker import MaxNLocator

    by = {part: one for part, one in found["richness"].items() if len(one["cells"]) > 1 and one["estimates"]["species"]}
    parts = [part for part in colours if part in by]
    if not parts:
        return None
    figure, axes = axes_of(3.0, "Species found, all that is published")
    for part in parts:
        one = by[part]
        axes.plot(
            one["cells"], one["species"], color=colours[part], linewidth=1.8, linestyle=DASHES[place_of(part, colours)]
        )
        axes.fill_between(one["cells"], one["low"], one["high"], color=colours[part], alpha=0.15, linewidth=0)
    axes.set(xlabel=f"cells of {found['cell_degrees']:g}° (shaded: 95 % limits)", ylabel="species", ylim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    legend(axes, {part: colours[part] for part in parts}, colours)
    return figure, "Species that so many cells hold, the mean of all orders, with 95 % limits of drawing other cells."


def _rates(found: Mapping[str, Any], colours: Mapping[str, str]) -> "tuple[Figure, str] | None":
    """Draw records for each hundred units of effort."""
    rated = [
        (one["species"], {part: _hundred(of) for part, of in one["by"].items() if "rate" in of})
        for one in found["rates"]
        if any("rate" in of for of in one["by"].values())
    ]
    rows = rated[:MOST_ROWS]
    if not rows:
        return None
    unit = units(next(one["unit"] for _, by in rows for one in by.values()))
    figure, axes = axes_of(1.2 + 0.34 * len(rows), "Records for effort, all that is published")
    intervals(axes, rows, "rate", "low", "high", colours)
    some_of(axes, len(rows), len(rated))
    axes.set(xlabel=f"records for 100 {unit},\n95 % limits over cells", xlim=(0, None))
    return figure, f"Records for each 100 {unit} with 95 % limits; records, not independent events."


def _hundred(one: Mapping[str, Any]) -> dict[str, Any]:
    return {**one, **{name: 100 * one[name] for name in ("rate", "low", "high")}}
