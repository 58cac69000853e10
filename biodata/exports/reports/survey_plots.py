"""Plots of a survey's results, each a figure of its own: for a page as SVG, for other uses as PNG."""

import base64
import io
import re
import textwrap
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np
import shapely

from biodata import places
from biodata.core.geo import metres_per_degree
from biodata.core.phrases import Phrase
from biodata.core.vocabularies import EFFORT_UNITS
from biodata.exports.reports.area_map import SIDE_COLOURS
from biodata.exports.reports.findings import number, spaced

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ROWS: Final = 12
JOINT: Final = "joint"
_INK, _QUIET, _OTHER_COLOUR, _GRID = "#1d2a26", "#4c5652", "#9aa39e", "#e4e0d4"
_LETTERS: Final = MappingProxyType({
    # Of a collection matplotlib knows the first face alone.
    "zh": (("Noto Sans CJK SC", "Noto Sans SC", "Noto Sans CJK JP", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
            "Droid Sans Fallback"), "fonts-noto-cjk"),
    "th": (("Noto Sans Thai",), "fonts-noto-core"), "lo": (("Noto Sans Lao",), "fonts-noto-core"),
    "km": (("Noto Sans Khmer",), "fonts-noto-core"), "my": (("Noto Sans Myanmar",), "fonts-noto-core"),
})  # fmt: skip
"""Languages in other letters than Latin ones: the fonts that have them, and the Debian package of one."""
_LOOK: Final[Any] = {
    "font.size": 9, "axes.labelsize": 9, "svg.fonttype": "path", "svg.hashsalt": "biodata",
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": _QUIET, "hatch.linewidth": 0.7,
}  # fmt: skip
_LABEL_LETTERS: Final = 34
"""In a line beside an axis, which is narrower than the plot by the names of species."""

Told: TypeAlias = Mapping[str, Any]
Translate: TypeAlias = Callable[[str], str]
"""Returns an English sentence in the reader's language."""
Stations: TypeAlias = Sequence[tuple[shapely.Geometry, str]]
"""Places of events, degrees, each with its side; empty where it may be of several."""
Plot: TypeAlias = tuple["Figure", str]
"""A figure, and what it shows in words."""


class Style(NamedTuple):
    """How a part is drawn: parts differ in each, so that they can be distinguished where a page is printed in grey."""

    colour: str
    marker: str
    dash: Any
    hatch: str


Styles: TypeAlias = Mapping[str, Style]
_MARKS: Final[Any] = (
    ("o", "-", ""), ("s", (0, (5, 1.5)), ""), ("^", (0, (1.5, 1)), "////"), ("D", (0, (5, 1, 1, 1)), "...."), ("v", (0, (3, 3)), "xxxx"),
)  # fmt: skip
_OTHER: Final = Style(_OTHER_COLOUR, *_MARKS[-1])


def styles_of(sides: Sequence[str]) -> Styles:
    """Return a style for all together and for each side."""
    of_sides = {side: Style(SIDE_COLOURS[n % 4], *_MARKS[1 + n % 4]) for n, side in enumerate(sides)}
    return {JOINT: Style(_INK, *_MARKS[0])} | of_sides


def plots(
    facts: Told, *, language: str = "en", translate: Translate = str, stations: Stations = (),
    boundaries: places.BoundarySet | None = None,
) -> dict[str, Plot]:  # fmt: skip
    """Return the plots of a survey's results by name, those of each method and a map of stations; what cannot be stated has none."""
    import matplotlib as mpl

    with mpl.rc_context(_look()):
        styles = styles_of(sorted(facts["summary"]["sides"]))
        t = translate if lacks_letters(language) is None else str
        found: dict[str, Plot | None] = {"stations": _map(facts, stations, boundaries, styles, t)} if stations else {}
        for n, method in enumerate(sorted({row["method"] for row in facts["effort"]}), start=1):
            plain = re.sub(r"[^a-z0-9]+", "-", method.lower()).strip("-")[:40] or "method"
            of_method = {"effort": _effort(facts, method, styles, t)}
            of_method["accumulation"] = _accumulation(facts, method, styles, t)
            of_method |= {kind: _intervals(facts, kind, method, styles, t) for kind in _INTERVALS}
            found |= {f"{name}-{n}-{plain}": one for name, one in of_method.items()}
        return {name: one for name, one in found.items() if one is not None}


def as_data(figure: "Figure") -> str:
    """Return a figure as the address of an SVG picture that needs nothing from elsewhere."""
    return "data:image/svg+xml;base64," + base64.b64encode(_drawn(figure, "svg")).decode()


def write_png(figure: "Figure", path: Path) -> None:
    """Write a figure as PNG, 200 dots an inch."""
    path.write_bytes(_drawn(figure, "png"))


def _drawn(figure: "Figure", kind: str) -> bytes:
    import matplotlib as mpl

    out = io.BytesIO()
    with mpl.rc_context(_look()), warnings.catch_warnings():
        # A letter that no font of this machine has is a box; the table beside the plot has the name.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(out, format=kind, dpi=200, metadata={"Date": None} if kind == "svg" else {"Software": None})
    return out.getvalue()


def _look() -> Any:
    scripts = (name for names, _ in _LETTERS.values() for name in names if name in _fonts())
    return {**_LOOK, "font.family": ["DejaVu Sans", *scripts]}


def lacks_letters(language: str) -> str | None:
    """Return the Debian package of a font that a language's letters need and this machine lacks; None where it has one."""
    names, package = _LETTERS.get(language, ((), None))
    if names and not _fonts().intersection(names):
        _add_new_fonts()
    return None if _fonts().intersection(names) else package


def _fonts() -> set[str]:
    from matplotlib import font_manager

    return set(font_manager.get_font_names())


@cache
def _add_new_fonts() -> None:
    """Let matplotlib know the fonts that were installed after its first use, which it remembers for good."""
    from matplotlib import font_manager

    font_manager.fontManager.ttflist = font_manager.FontManager().ttflist


def part_name(part: str) -> str:
    """Return a side by its country's name."""
    if part == JOINT:
        return "all sides"
    return places.country_name(part) if len(part) == 2 and part.isupper() else part


def units(unit: str) -> str:
    """Return more than one of a unit; signs such as km, and words that are none of ours, have no plural."""
    return f"{unit}s" if unit in EFFORT_UNITS.values() and len(unit) > 2 else unit


def wrapped(words: str, letters: int) -> str:
    """Return words in two lines at most; a Chinese letter is as wide as two others."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in words)
    width = max(letters * len(words) // (len(words) + wide or 1), 8)
    return textwrap.fill(words, width, max_lines=2, placeholder=" …")


def _axes(height_in: float, title: str) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    # Narrow, so that words can be read where a page is as wide as a telephone.
    figure = Figure(figsize=(4.4, height_in), layout=ConstrainedLayoutEngine(w_pad=0.1))
    axes = figure.subplots()
    # Of the whole figure: the plot itself is narrow where names are long.
    figure.suptitle(wrapped(title, 44), x=0.02, ha="left", fontsize=10)
    axes.grid(color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def _legend(axes: "Axes", t: Translate) -> None:
    handles, names = axes.get_legend_handles_labels()
    if len(names) > 1:
        place: dict[str, Any] = {"loc": "outside lower center", "ncols": len(names) if len(names) < 4 else 2}
        axes.figure.legend(handles, [*map(t, names)], frameon=False, handlelength=3, **place)


def _key(axes: "Axes", styles: Styles, parts: Sequence[str], t: Translate) -> None:
    for part in parts:
        one = styles[part]
        axes.plot([], [], color=one.colour, linewidth=1.8, marker=one.marker, markersize=4.5, label=part_name(part))
    _legend(axes, t)


def _map(facts: Told, stations: Stations, boundaries: places.BoundarySet | None, styles: Styles, t: Translate) -> Plot:
    west, south, east, north = shapely.total_bounds([shape for shape, _ in stations])
    half, x, y = 0.6 * max(east - west, north - south, 0.02), (west + east) / 2, (south + north) / 2
    figure, axes = _axes(4.4, t("Sites"))
    sides = sorted({side for _, side in stations if side in styles})
    borders = [places.country_geometry(side, boundaries).boundary for side in sides] if boundaries else []
    for border in shapely.clip_by_rect(borders, x - half, y - half, x + half, y + half):
        for part in shapely.get_parts(shapely.line_merge(border)):
            axes.plot(*shapely.get_coordinates(part).T, color=_QUIET, linewidth=0.8)
    look: dict[str, Any] = {"linewidth": 1.4, "markersize": 5, "markeredgecolor": "white", "markeredgewidth": 0.5}
    for shape, side in stations:
        style = styles.get(side, _OTHER)
        for part in shapely.get_parts(shape):
            marker = style.marker if part.geom_type == "Point" else ""
            axes.plot(*shapely.get_coordinates(part).T, color=style.colour, marker=marker, **look)
    east_m = float(metres_per_degree(np.array([y]))[0][0])
    widest_km = 2 * half * east_m / 4000
    size = 10.0 ** np.floor(np.log10(widest_km))
    km = next(float(step * size) for step in (5, 2, 1) if step * size <= widest_km)
    start, foot = x - 0.95 * half, y - 0.95 * half
    axes.plot([start, start + 1000 * km / east_m], [foot, foot], color=_INK, linewidth=2, solid_capstyle="butt")
    axes.annotate(f"{number(km)} km", (start, foot), (0, 4), textcoords="offset points", fontsize=8)
    bounds = {"xlim": (x - half, x + half), "ylim": (y - half, y + half)}
    axes.set(**bounds, aspect=1 / np.cos(np.radians(y)), xticks=[], yticks=[])
    _key(axes, styles, sides, t)
    words = "Places as they are published; where a place is hidden, its cell."
    return figure, "Exact places, for the team alone." if facts["facts"]["evidence_view"] == "exact" else words


def _effort(facts: Told, method: str, styles: Styles, t: Translate) -> Plot | None:
    rows = [r for r in facts["effort_by_month"] if r["method"] == method and r["effort"] is not None and r["month"]]
    if not rows:
        return None
    months, sides = sorted({row["month"] for row in rows}), sorted({row["side"] for row in rows})
    figure, axes = _axes(2.6, t(Phrase("Effort, {a}", a=spaced(method))))
    below = np.zeros(len(months))
    for side in sides:
        own = {row["month"]: row["effort"] for row in rows if row["side"] == side}
        heights, one = np.array([own.get(month, 0.0) for month in months]), styles.get(side, _OTHER)
        look: dict[str, Any] = {"color": one.colour, "hatch": one.hatch, "edgecolor": "white", "linewidth": 0}
        axes.bar(months, heights, bottom=below, label=part_name(side), **look)
        below += heights
    step = -(-len(months) // 8)
    axes.set_xticks(range(0, len(months), step), months[::step], rotation=45, ha="right")
    unit = next((row["effort_unit"] for row in rows if row["effort_unit"]), "not told")
    axes.set_ylabel(wrapped(t(Phrase("effort, {a}", a=units(unit))), _LABEL_LETTERS))
    axes.grid(visible=False, axis="x")
    if not set(sides) & set(styles):
        axes.set_xlabel(wrapped(t("all events lie surely on no side"), _LABEL_LETTERS))
    _legend(axes, t)
    return figure, Phrase("Effort of {a} by month and side, days of failures taken off.", a=spaced(method))


def _accumulation(facts: Told, method: str, styles: Styles, t: Translate) -> Plot | None:
    by = facts["richness"].get(method, {}).get("by", {})
    parts = [part for part in styles if len(by.get(part, {}).get("sites", ())) > 1]  # one site makes no line
    if not parts or not max(by[JOINT]["species"]):
        return None
    figure, axes = _axes(3.0, t(Phrase("Species found, {a}", a=spaced(method))))
    for part in parts:
        one, style = by[part], styles[part]
        look: dict[str, Any] = {"color": style.colour, "linewidth": 1.8, "linestyle": style.dash}
        axes.plot(one["sites"], one["species"], label=part_name(part), **look)
        axes.fill_between(one["sites"], one["low"], one["high"], color=style.colour, alpha=0.15, linewidth=0)
    axes.set(xlabel=wrapped(t("sites (shaded: 95 % limits)"), _LABEL_LETTERS), ylabel=t("species"), ylim=(0, None))
    axes.locator_params(integer=True)
    _legend(axes, t)
    return figure, "Species that so many sites hold, the mean of all orders, with 95 % limits of drawing other sites."


class _Intervals(NamedTuple):
    """What intervals are drawn of: names of the value and its limits, of the plot and its axis, in which `{a}` is the effort."""

    names: tuple[str, str, str]
    title: str
    label: str
    words: str
    factor: float = 1
    most: float | None = None


_INTERVALS: Final = {
    "abundance": _Intervals(
        ("rate", "low", "high"), "Relative abundance", "independent events for {a}, 95 % limits",
        "Independent events for each {a} with 95 % limits; an index, not a density.", factor=100,
    ),
    "occupancy": _Intervals(
        ("psi", "psi_low", "psi_high"), "Occupancy", "share of sites occupied, 95 % intervals",
        "Occupancy corrected for detection with 95 % intervals; an open mark stands at a bound, where there is no mark it cannot be told.",
        most=1,
    ),
}  # fmt: skip


def _intervals(facts: Told, kind: str, method: str, styles: Styles, t: Translate) -> Plot | None:
    """Draw an interval for each part of each of the first species, of the last year; what stands at a bound is open."""
    of = _INTERVALS[kind]
    rows = [one for one in facts[kind] if one["method"] == method]
    last = max((one["repeat"] for one in rows if one.get("repeat") is not None), default=None)
    rows = [one for one in rows if one.get("repeat") == last]
    value = of.names[0]
    known = [one for one in rows if any(value in found for found in one["by"].values())]
    shown = known[:MOST_ROWS]
    if not shown:
        return None
    every = [found for one in shown for found in one["by"].values() if value in found]
    effort = Phrase("{n} {a}", n="100", a=next((units(found["unit"]) for found in every if "unit" in found), ""))
    of_year = spaced(method) if last is None else Phrase("{a} {n}", a=spaced(method), n=str(last))
    figure, axes = _axes(1.2 + 0.34 * len(shown), t(Phrase(f"{of.title}, {{a}}", a=of_year)))
    parts = [part for part in styles if any(value in one["by"].get(part, {}) for one in shown)]
    for row, one in enumerate(shown):
        for place, part in enumerate(parts):
            found = one["by"].get(part, {})
            if value not in found:
                continue
            mean: float | None = None if found[value] is None else of.factor * found[value]
            low, high = (of.factor * found[name] for name in of.names[1:])
            y = row + (place - (len(parts) - 1) / 2) * 0.22
            colour = styles[part].colour
            axes.plot([low, high], [y, y], color=colour, linewidth=1.8, solid_capstyle="butt")
            style: dict[str, Any] = {"color": colour, "markersize": 4.5, "clip_on": False, "zorder": 3}
            if mean is not None:
                face = "white" if found.get("at_a_bound") else colour
                axes.plot(mean, y, styles[part].marker, markerfacecolor=face, **style)
    axes.set_yticks(range(len(shown)), [wrapped(one["species"], 28) for one in shown], style="italic")
    label = wrapped(t(Phrase(of.label, a=effort)), _LABEL_LETTERS)
    axes.set(ylim=(len(shown) - 0.5, -0.5), xlabel=label, xlim=(0, of.most))
    if len(shown) < len(known):
        words = Phrase("{n} of {n1} species, the tables have all", n=len(shown), n1=len(known))
        axes.text(1, 1.01, t(words), transform=axes.transAxes, ha="right", va="bottom", fontsize=7, color=_QUIET)
    _key(axes, styles, parts, t)
    return figure, Phrase(of.words, a=effort)
