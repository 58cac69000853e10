"""Where the climate of areas goes: how much of it lies across a border tomorrow, and in which areas."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from biodata import places
from biodata.analysis.areas import Site
from biodata.analysis.climate.analogues import Analogues
from biodata.analysis.grid import Grid

if TYPE_CHECKING:
    from biodata.places import BoundarySet

_SHARES: Final = ("stays_inside", "same_country", "across_border", "unclear_side", "none_in_window", "in_areas_across")
_COLUMNS: Final = (
    "area_id",
    "name",
    "country_code",
    "direction",
    "cells",
    *_SHARES,
    "median_km",
    "countries",
    "areas_across",
)
_LISTED: Final = 5


def cell_countries(grid: Grid, boundaries: "BoundarySet") -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Return the country of every cell's middle, and whether another one is possible.

    Parameters
    ----------
    grid : Grid
    boundaries : BoundarySet

    Returns
    -------
    codes : ndarray of str or None, (cells,)
        None at sea and in disputed units.
    ambiguous : ndarray of bool, (cells,)
        True inside the set's band of a border.
    """
    rows, columns = (axis.ravel() for axis in np.indices(grid.shape))
    lonlat = grid.lonlat(rows, columns)
    found = places.locate(lonlat[:, 0], lonlat[:, 1], boundaries)
    codes = np.array(found["located_country_code"].to_list(), dtype=object)
    return codes, found["ambiguous"].fill_null(value=True).to_numpy()


def located(sites: Sequence[Site], codes: NDArray[np.object_]) -> list[Site]:
    """Return areas with the country of most of their cells in place of what they state; none where no cell has one."""
    found = []
    for site in sites:
        told = sorted(code for code in codes[site.all_cells] if code is not None)
        found.append(replace(site, country_codes=tuple(code for code, _ in Counter(told).most_common(1))))
    return found


def of_areas(
    sites: Sequence[Site],
    found: Analogues,
    codes: NDArray[np.object_],
    ambiguous: NDArray[np.bool_],
    grid: Grid,
    *,
    direction: str,
) -> gpd.GeoDataFrame:
    """Return, for each area, where its cells' analogues lie.

    Parameters
    ----------
    sites : sequence of Site
    found : Analogues
    codes, ambiguous : ndarrays, (cells,)
        As `cell_countries` returns them.
    grid : Grid
    direction : str
        forward or backward, as the analogues are.

    Returns
    -------
    geopandas.GeoDataFrame
        A row for each area with a known climate: its country (that of most of its cells); shares of its cells whose
        analogue lies in the area itself, elsewhere in the same country, across a border, inside a border's band or
        where no country is told (unclear), or nowhere in the window; the share whose analogue lies in an area across;
        the median distance; the countries and the areas across with the share that lies in each.
    """
    owner: dict[int, list[int]] = {}
    for position, site in enumerate(sites):
        for cell in site.all_cells.tolist():
            owner.setdefault(cell, []).append(position)
    targets, distance = found.cell.ravel(), found.distance_m.ravel()
    rows, shapes = [], []
    for position, site in enumerate(sites):
        cells = site.all_cells[targets[site.all_cells] > -2]
        if not cells.size:
            continue
        told = [code for code in codes[cells] if code is not None]
        home = Counter(told).most_common(1)[0][0] if told else None
        counts: Counter[str] = Counter()
        countries: Counter[str] = Counter()
        areas: Counter[str] = Counter()
        for target in targets[cells].tolist():
            kind = _kind(target, position, owner, codes, ambiguous, home)
            counts[kind] += 1
            if target >= 0 and codes[target] is not None:
                countries[codes[target]] += 1
            if kind == "across_border" and target in owner:
                counts["in_areas_across"] += 1
                areas.update(sites[other].name for other in owner[target])
        away = distance[cells]
        rows.append(
            {
                "area_id": site.area_id,
                "name": site.name,
                "country_code": home,
                "direction": direction,
                "cells": cells.size,
            }
            | {name: counts[name] / cells.size for name in _SHARES}
            | {"median_km": float(np.nanmedian(away)) / 1000 if np.isfinite(away).any() else None}
            | {"countries": _listed(countries, cells.size), "areas_across": _listed(areas, cells.size)}
        )
        shapes.append(site.shape)
    figures: dict[str, Any] = dict.fromkeys((*_SHARES, "median_km"), "float64")
    table = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(figures)
    return gpd.GeoDataFrame(table, geometry=np.array(shapes, dtype=object), crs=grid.crs)


def _kind(
    target: int,
    position: int,
    owner: dict[int, list[int]],
    codes: NDArray[np.object_],
    ambiguous: NDArray[np.bool_],
    home: str | None,
) -> str:
    """Return where one analogue lies, seen from its area."""
    if target < 0:
        return "none_in_window"
    if position in owner.get(target, ()):
        return "stays_inside"
    if ambiguous[target] or codes[target] is None or home is None:
        return "unclear_side"
    return "same_country" if codes[target] == home else "across_border"


def _listed(counts: Counter[str], cells: int) -> str:
    """Return the first few with their shares, by falling share."""
    first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_LISTED]
    return "; ".join(f"{name} {count / cells:.1%}" for name, count in first)
