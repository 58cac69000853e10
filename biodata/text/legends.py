"""Legends of land-cover maps: which one a raster's values belong to, and what a class is called."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from biodata.core.errors import InputError
from biodata.text.tables import read_rows

NO_DATA: Final = "no data"


@dataclass(frozen=True, slots=True)
class Legend:
    """A legend.

    Attributes
    ----------
    name : str
        By which `--option legend=` names it.
    title : str
        The map that it belongs to, and where its classes are stated.
    cells_m : tuple of float
        Sides of the map's own cells, metres.
    words : str
        A pattern of words in the map's file names.
    classes : mapping of int to str
        Names of classes by value, without values that stand for no data.
    empty : frozenset of int
        Values that stand for no data.
    """

    name: str
    title: str
    cells_m: tuple[float, ...]
    words: str
    classes: Mapping[int, str]
    empty: frozenset[int]


@dataclass(frozen=True, slots=True)
class LegendFound:
    """Which legend a layer's values belong to.

    Attributes
    ----------
    legend : Legend or None
        None where it cannot be stated.
    outside : mapping of int to int
        Values that are not in it, with their numbers of cells.
    note : str
        How it was stated, or why not.
    """

    legend: Legend | None
    outside: Mapping[int, int]
    note: str


_MAPS: Final = {
    "worldcover": ("ESA WorldCover, product user manual 2.0, https://worldcover2021.esa.int", (10,), r"world_?cover"),
    "igbp": (
        "IGBP, as in MODIS MCD12, user guide for collection 6, https://doi.org/10.5067/MODIS/MCD12Q1.006",
        (463.3, 500, 927, 1000, 5566),
        r"igbp|mcd12",
    ),
    "clcd": ("China Land Cover Dataset, Yang and Huang 2021, https://doi.org/10.5194/essd-13-3907-2021", (30,), "clcd"),
    "esa_cci": (
        "ESA CCI Land Cover, after LCCS, product user guide 2.0, https://maps.elie.ucl.ac.be/CCI/viewer",
        (300,),
        r"esa_?cci|lccs|c3s_?lc",
    ),
}
_ALIASES: Final = {"esacci": "esa_cci", "cci": "esa_cci", "esacciandc3s": "esa_cci", "esaworldcover": "worldcover",
                   "mcd12": "igbp", "mcd12q1": "igbp", "mcd12c1": "igbp", "modis": "igbp"}  # fmt: skip
_FEW_OUTSIDE: Final = 0.2
"""Where more of the cells have values outside a legend, it is another legend's raster."""


@cache
def all_legends() -> Mapping[str, Legend]:
    """Return the legends that are known, by name."""
    rows = read_rows("legends.csv")
    found = {}
    for name, (title, cells_m, words) in _MAPS.items():
        own = {int(row["value"]): row["name"] for row in rows if row["legend"] == name}
        classes = {value: text for value, text in own.items() if not text.startswith(NO_DATA)}
        found[name] = Legend(
            name, title, cells_m, words, MappingProxyType(classes), frozenset(own.keys() - classes.keys())
        )
    return MappingProxyType(found)


def find_legend(text: str) -> Legend:
    """Return a legend by the name that a person gives it.

    Raises
    ------
    InputError
        If there is none (OPTION_INVALID).
    """
    key = re.sub(r"[^a-z0-9]", "", text.lower())
    name = _ALIASES.get(key) or next((n for n in _MAPS if n.replace("_", "") == key), None)
    if name is None:
        problem = "there is no such legend"
        expected = f"one of {', '.join(_MAPS)}, or none"
        raise InputError(problem, column="legend", value=text, expected=expected, code="OPTION_INVALID")
    return all_legends()[name]


def recognise(
    counts: Mapping[int, int], *, cell_m: float | None = None, file: str = "", told: str | None = None
) -> LegendFound:
    """Tell which legend a raster's values belong to.

    Parameters
    ----------
    counts : mapping of int to int
        How many cells have each value, those without data left out.
    cell_m : float, optional
        Side of a cell, metres.
    file : str
        The file's name.
    stated : str, optional
        The legend that a person tells, or `none`.

    Returns
    -------
    LegendFound
        A legend is stated only where one alone fits the values; among several, the one that the file's name tells, else
        the one whose map has such cells.
    """
    if told is not None:
        if told.strip().lower() == "none":
            return LegendFound(None, {}, "no legend, as told")
        legend = find_legend(told)
        return LegendFound(legend, _outside(counts, legend), f"legend {legend.name}, as told")
    fitting = [legend for legend in all_legends().values() if _fits(counts, legend)]
    if not fitting:
        return LegendFound(None, {}, "the values are in no legend that is known; name one with --option legend=…")
    exact = [legend for legend in fitting if not _outside(counts, legend)]
    named = [legend for legend in fitting if re.search(legend.words, file.lower().replace("-", "_"))]
    sized = [
        legend for legend in exact if cell_m is not None and any(0.8 < cell_m / side < 1.25 for side in legend.cells_m)
    ]
    most = [
        legend
        for legend in ([] if exact else fitting)
        if all(_outside(counts, legend).keys() < _outside(counts, o).keys() for o in fitting if o is not legend)
    ]
    ways = (
        (exact, "by its values"),
        (named, "by the file's name"),
        (sized, "by its values and cells"),
        (most, "by most values"),
    )
    for some, how in ways:
        if len(some) == 1:
            return LegendFound(some[0], _outside(counts, some[0]), f"legend {some[0].name}, told {how}")
    names = " or ".join(legend.name for legend in exact or fitting)
    return LegendFound(None, {}, f"the values fit the legends {names}; name one with --option legend=…")


def _fits(counts: Mapping[int, int], legend: Legend) -> bool:
    """Return whether nearly all cells have values of a legend."""
    whole = sum(counts.values())
    known = sum(counts.get(value, 0) for value in legend.classes)
    return known > 0 and sum(_outside(counts, legend).values()) <= _FEW_OUTSIDE * whole


def _outside(counts: Mapping[int, int], legend: Legend) -> dict[int, int]:
    """Return the values that a legend lacks, with their numbers of cells."""
    known = legend.classes.keys() | legend.empty
    return {value: count for value, count in sorted(counts.items()) if value not in known}
