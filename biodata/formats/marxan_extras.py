"""Marxan's files of what it was given and what it makes of it: penalties, totals, richness, features, units.

Source: output.cpp of Marxan 4, https://github.com/Marxan-source-code/marxan.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from biodata.formats.marxan import Project

_LOCKED_IN, _LOCKED_OUT = 2, 3


def _penalties(project: Project, penalties: NDArray[np.float64]) -> list[list[object]]:
    """Return `_penalty`: what missing all of each feature costs, before SPF."""
    return [["spid", "penalty"], *map(list, zip(project.species["id"], penalties.tolist(), strict=True))]


def _totals(project: Project, _: NDArray[np.float64]) -> list[list[object]]:
    """Return `_totalareas`: how much of each feature, and in how many units, exists, is locked in, is locked out."""
    heading = "spname totalarea reservedarea excludedarea targetarea totalocc reservedocc excludedocc targetocc".split()
    species, unit = project.amounts["species"].to_numpy(), project.amounts["unit"].to_numpy()
    status, amount = project.units["status"].to_numpy()[unit], project.amounts["amount"].to_numpy()
    counted = [np.ones(len(unit), dtype=bool), status == _LOCKED_IN, status == _LOCKED_OUT]
    n = project.species.height
    areas = [np.bincount(species[which], amount[which], n).tolist() for which in counted]
    units = [np.bincount(species[which], minlength=n).tolist() for which in counted]
    table, rows = project.species, list[list[object]]()
    for row in zip(table["id"], *areas, table["target"], *units, table["targetocc"], strict=True):
        rows.append(list(row))
    return [list(heading), *rows]


def _richness(project: Project, _: NDArray[np.float64]) -> list[list[object]]:
    """Return `_richness`: how many features each unit holds."""
    counts = np.bincount(project.amounts["unit"].to_numpy(), minlength=project.units.height)
    return [["puid", "richness"], *map(list, zip(project.units["id"], counts.tolist(), strict=True))]


def _features(project: Project, _: NDArray[np.float64]) -> list[list[object]]:
    """Return `_spec`: the features as they were read, with targets as amounts."""
    columns = ("id", "name", "target", "spf", "target2", "targetocc", "sepdistance", "sepnum")
    return [list(columns), *map(list, project.species.select(columns).iter_rows())]


def _units(project: Project, _: NDArray[np.float64]) -> list[list[object]]:
    """Return `_pu`: the units as they were read."""
    columns = ("id", "status", "cost", "xloc", "yloc")
    return [list(columns), *map(list, project.units.select(columns).iter_rows())]


EXTRAS: Final[dict[str, tuple[str, Callable[[Project, NDArray[np.float64]], list[list[object]]]]]] = {
    "SAVEPENALTY": ("_penalty", _penalties),
    "SAVETOTALAREAS": ("_totalareas", _totals),
    "SAVERICHNESS": ("_richness", _richness),
    "SAVESPEC": ("_spec", _features),
    "SAVEPU": ("_pu", _units),
}
"""By keyword: the ending of the file's name, and what returns its rows, the heading first."""
