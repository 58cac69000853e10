"""How plots of surveys look: parts by colour, mark, line and pattern, fonts of the region's scripts, limits as lines."""

import base64
import contextlib
import io
import textwrap
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from biodata.exports.reports.plots import SIDE_COLOURS
from biodata.places import country_name
from biodata.vocabularies import EFFORT_UNITS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

JOINT: Final = "joint"
JOINT_COLOUR, QUIET, OTHER_COLOUR, _GRID = "#1d2a26", "#4c5652", "#9aa39e", "#e4e0d4"
_WIDTH_IN: Final = 4.4
"""Narrow, so that words can be read where a page is as wide as a telephone."""
MARKERS: Final = ("o", "s", "^", "D", "v")
DASHES: Final[Any] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1, 1, 1)), (0, (3, 3)))
HATCHES: Final = ("", "////", "....", "xxxx", "----")
"""Parts differ in these too, so that they can be told apart where a page is printed in grey."""
_LETTERS: Final = MappingProxyType(
    {
        # Of a collection matplotlib knows the first face alone.
        "zh": (
            ("Noto Sans CJK SC", "Noto Sans SC", "Noto Sans CJK JP", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback"),
            "fonts-noto-cjk",
        ),
        "th": (("Noto Sans Thai",), "fonts-noto-core"), "lo": (("Noto Sans Lao",), "fonts-noto-core"),
        "km": (("Noto Sans Khmer",), "fonts-noto-core"), "my": (("Noto Sans Myanmar",), "fonts-noto-core"),
    }
)  # fmt: skip
"""Languages in other letters than Latin ones: the fonts that have them, and the Debian package of one."""
_LOOK: Final[Any] = {
    "font.size": 9, "axes.labelsize": 9, "svg.fonttype": "path", "svg.hashsalt": "biodata",
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": QUIET, "hatch.linewidth": 0.7,
}  # fmt: skip


def as_data(figure: "Figure") -> str:
    """Return a figure as the address of an SVG picture that needs nothing from elsewhere."""
    return "data:image/svg+xml;base64," + base64.b64encode(_drawn(figure, "svg")).decode()


def write_png(figure: "Figure", path: Path) -> None:
    """Write a figure as PNG, 200 dots an inch."""
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(_drawn(figure, "png"))
    part.replace(path)


def look() -> Any:
    """Return how plots look, with the fonts of the region's scripts that this machine has."""
    scripts = (name for names, _ in _LETTERS.values() for name in names if name in _there())
    return {**_LOOK, "font.family": ["DejaVu Sans", *scripts]}


def lacks_letters(language: str) -> str | None:
    """Return the Debian package of a font that a language's letters need and this machine lacks; None where it has one."""
    if language not in _LETTERS:
        return None
    names, package = _LETTERS[language]
    if not _there().intersection(names):
        _add_new_fonts()
    return None if _there().intersection(names) else package


def _there() -> set[str]:
    """Return the fonts that this machine has, as matplotlib remembers them."""
    from matplotlib import font_manager

    return {font.name for font in font_manager.fontManager.ttflist}


@cache
def _add_new_fonts() -> None:
    """Let matplotlib know the fonts that were installed after its first use, which it remembers for good."""
    from matplotlib import font_manager

    known = {font.fname for font in font_manager.fontManager.ttflist}
    for path in set(font_manager.findSystemFonts()) - known:
        with contextlib.suppress(RuntimeError, OSError, ValueError):  # a font of pictures, or one that cannot be read
            font_manager.fontManager.addfont(path)


def _drawn(figure: "Figure", kind: str) -> bytes:
    import matplotlib as mpl

    out = io.BytesIO()
    with mpl.rc_context(look()), warnings.catch_warnings():
        # A letter that no font of this machine has is a box; the table beside the plot has the name.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(out, format=kind, dpi=200, metadata={"Date": None} if kind == "svg" else {"Software": None})
    return out.getvalue()


def colours_of(sides: Sequence[str]) -> dict[str, str]:
    """Return a colour for each side and for all together."""
    return {JOINT: JOINT_COLOUR} | {side: SIDE_COLOURS[n % len(SIDE_COLOURS)] for n, side in enumerate(sides)}


def place_of(part: str, colours: Mapping[str, str]) -> int:
    """Return the place of a part among all, by which its marks differ."""
    return list(colours).index(part) % len(MARKERS) if part in colours else len(MARKERS) - 1


def part_name(part: str) -> str:
    """Return a side by its country's name."""
    if part == JOINT:
        return "all sides"
    return country_name(part) if len(part) == 2 and part.isupper() else part


def units(unit: str) -> str:
    """Return more than one of a unit; signs such as km, and words that are none of ours, have no plural."""
    return f"{unit}s" if unit in EFFORT_UNITS.values() and len(unit) > 2 else unit


def axes_of(height_in: float, title: str) -> "tuple[Figure, Axes]":
    """Return a figure of one plot and its axes."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(_WIDTH_IN, height_in), layout=ConstrainedLayoutEngine(w_pad=0.1))
    axes = figure.subplots()
    # Of the whole figure: the plot itself is narrow where names are long.
    figure.suptitle(wrapped(title, 44), x=0.02, ha="left", fontsize=10)
    axes.grid(color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def some_of(axes: "Axes", shown: int, every: int) -> None:
    """Say beside a plot that its rows are not all there are."""
    if shown < every:
        words = f"{shown} of {every} species, the tables have all"
        axes.text(1, 1.01, words, transform=axes.transAxes, ha="right", va="bottom", fontsize=7, color=QUIET)


def wrapped(words: str, letters: int) -> str:
    """Return words in two lines at most; a Chinese letter is as wide as two others."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in words)
    width = max(letters * len(words) // (len(words) + wide or 1), 8)
    return textwrap.fill(words, width, max_lines=2, placeholder=" …")


def intervals(
    axes: "Axes", rows: Sequence[tuple[str, Mapping[str, Mapping[str, Any]]]], value: str, low: str, high: str,
    colours: Mapping[str, str], *, most: float | None = None,
) -> None:  # fmt: skip
    """Draw a row for each species, and in it an interval for each part; what passes `most` ends in an arrow."""
    parts = [part for part in colours if any(low in by.get(part, {}) for _, by in rows)]
    for row, (_, by) in enumerate(rows):
        for place, part in enumerate(parts):
            one = by.get(part, {})
            if low not in one:
                continue
            y = row + (place - (len(parts) - 1) / 2) * 0.22
            end = one[high] if most is None else min(one[high], most)
            axes.plot([one[low], end], [y, y], color=colours[part], linewidth=1.8, solid_capstyle="butt")
            style: dict[str, Any] = {"color": colours[part], "markersize": 4.5, "clip_on": False, "zorder": 3}
            if one[value] is not None and one[value] <= end:
                face = "white" if one.get("at_a_bound") else colours[part]
                axes.plot(one[value], y, MARKERS[place_of(part, colours)], markerfacecolor=face, **style)
            if end < one[high]:
                axes.plot(end, y, ">", **style)
    axes.set_yticks(range(len(rows)), [wrapped(name, 28) for name, _ in rows], style="italic")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    legend(axes, {part: colours[part] for part in parts}, colours, marked=True)


def legend(
    axes: "Axes", parts: Mapping[str, str], colours: Mapping[str, str], *, marked: bool = False, filled: bool = False
) -> None:
    """Name the parts under the plot, where there is more than one."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    if len(parts) < 2:
        return
    named: list[Any] = []
    for part, colour in parts.items():
        place = place_of(part, colours)
        if filled:
            hatch = HATCHES[(place - 1) % len(HATCHES)]
            named.append(Patch(facecolor=colour, edgecolor="white", linewidth=0, hatch=hatch, label=part_name(part)))
        else:
            style = {"marker": MARKERS[place], "markersize": 4.5} if marked else {"linestyle": DASHES[place]}
            named.append(Line2D([], [], color=colour, linewidth=1.8, label=part_name(part), **style))
    columns = len(named) if len(named) < 4 else 2
    axes.figure.legend(handles=named, frameon=False, loc="outside lower center", ncols=columns, handlelength=3)
