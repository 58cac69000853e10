"""Pairs of areas with the border open and closed, side by side."""

import math
from collections.abc import Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from biodata.analysis.areas import Site
from biodata.analysis.corridors import Network
from biodata.analysis.grid import Floats, Grid
from biodata.analysis.scenarios.barriers import ClosedGround

_SAME: Final = 1e-9
_MEASURES: Final = ("least_cost", "path_length_m", "narrowest_m", "width_m", "area_km2")
_COLUMNS: Final = (
    "from_area_id", "to_area_id", "from_name", "to_name", "from_countries", "to_countries", "change", "cost_ratio", "open_functional",
    "closed_functional", *(f"{name}_{measure}" for measure in _MEASURES for name in ("open", "closed")), "crossings",
    "notes",
)  # fmt: skip


def compared_pairs(
    first: Network, second: Network, cost: dict[str, Floats], sites: Sequence[Site], closed: ClosedGround, grid: Grid
) -> gpd.GeoDataFrame:
    """Return the pairs of both scenarios side by side.

    Parameters
    ----------
    first, second : Network
        Corridors with the border open and closed.
    cost : dict of str to ndarray of float64, (n, n)
        Least costs of all pairs in `open` and `closed`, as `costs.between_sites` returns them.
    sites : sequence of n Site
    closed : ClosedGround
    grid : Grid

    Returns
    -------
    geopandas.GeoDataFrame
        A row for each pair that is one of neighbours in either.
    """
    number = {site.area_id: position for position, site in enumerate(sites)}
    tables = {
        name: {
            (row["from_area_id"], row["to_area_id"]): row
            for row in network.corridors.drop(columns="geometry").to_dict("records")
        }
        for name, network in (("open", first), ("closed", second))
    }
    paths = {
        name: network.paths.set_index(["from_area_id", "to_area_id"]).geometry
        for name, network in (("open", first), ("closed", second))
    }
    rows: list[dict[str, Any]] = []
    for pair in sorted({*tables["open"], *tables["closed"]}):
        i, j = (number[area_id] for area_id in pair)
        row: dict[str, Any] = dict(zip(("from_area_id", "to_area_id"), pair, strict=True))
        row |= {"from_name": sites[i].name, "to_name": sites[j].name}
        row |= {"from_countries": ";".join(sites[i].country_codes), "to_countries": ";".join(sites[j].country_codes)}
        notes = []
        for name, links in tables.items():
            there = pair in links
            for measure in _MEASURES:
                row[f"{name}_{measure}"] = links[pair][measure] if there else None
            row[f"{name}_least_cost"] = cost[name][i, j] if math.isfinite(cost[name][i, j]) else None
            row[f"{name}_functional"] = bool(math.isfinite(cost[name][i, j]))
            if not there:
                notes.append(f"no neighbours with the border {name}, so without corridor there")
            elif not links[pair]["functional"]:
                notes.append(f"border {name}: {links[pair]['notes']}")
        change, ratio = _change(cost["open"][i, j], cost["closed"][i, j])
        line = paths["closed"].get(pair)
        row |= {
            "change": change,
            "cost_ratio": ratio,
            "crossings": _through(line, closed, grid),
            "notes": "; ".join(notes),
        }
        rows.append(row | {"geometry": line if line is not None else paths["open"].get(pair)})
    figures = [name for name in _COLUMNS if name.endswith(("_m", "_cost", "_km2", "_ratio"))]
    table = pd.DataFrame(rows, columns=[*_COLUMNS, "geometry"]).astype(dict.fromkeys(figures, "float64"))
    return gpd.GeoDataFrame(table, geometry="geometry", crs=grid.crs)


def _change(before: float, after: float) -> tuple[str, float | None]:
    """Return what barriers do to a pair, and by what factor its least cost rises."""
    if math.isinf(before) or math.isinf(after):
        if math.isinf(before) and math.isinf(after):
            return "unchanged", None
        return ("cut" if math.isinf(after) else "opened"), None
    ratio = after / before if before > 0 else (1.0 if after == 0 else None)
    if math.isclose(before, after, rel_tol=_SAME):
        return "unchanged", ratio
    return ("dearer" if after > before else "cheaper"), ratio


def _through(line: shapely.Geometry | None, closed: ClosedGround, grid: Grid) -> str:
    """Return the ids of the crossings that a path leads through."""
    if line is None:
        return ""
    at = shapely.get_coordinates(line)
    columns = np.floor((at[:, 0] - grid.transform.c) / grid.cell_m).astype(np.int64)
    rows = np.floor((grid.transform.f - at[:, 1]) / grid.cell_m).astype(np.int64)
    cells = rows * grid.shape[1] + columns
    used = [
        crossing.crossing_id
        for crossing, opened in zip(closed.crossings, closed.openings, strict=True)
        if np.isin(cells, opened).any()
    ]
    return "; ".join(used)
