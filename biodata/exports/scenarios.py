"""The open and the closed border side by side as one GeoPackage and a difference map."""

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from biodata.exports.cog import write_cog
from biodata.exports.columns import CORRIDOR_COLUMNS, Told
from biodata.exports.corridors import write_run
from biodata.exports.raster_styles import Shade, write_style

if TYPE_CHECKING:
    from biodata.analysis.grid import Grid
    from biodata.analysis.scenarios.barriers import Barrier
    from biodata.analysis.scenarios.comparing import Comparison

DIFFERENCE_SHADES: Final = (
    Shade(1, "#7b4fa3", "corridor with the border open and closed"),
    Shade(2, "#c81e1e", "corridor with the border open only: lost"),
    Shade(3, "#2c6fbb", "corridor with the border closed only: the way round"),
    Shade(4, "#3a3a3a", "barrier"),
)
_BOTH: Final = MappingProxyType(
    {
        f"{name}_{column}": told
        for name in ("open", "closed")
        for column in ("functional", "least_cost", "path_length_m", "narrowest_m", "width_m", "area_km2")
        for told in [(CORRIDOR_COLUMNS[column][0], f"With the border {name}: {CORRIDOR_COLUMNS[column][1]}")]
    }
)
_COLUMNS: Final[dict[str, Told]] = {
    **CORRIDOR_COLUMNS,
    **_BOTH,
    "change": ("", "What the barriers do to the pair: unchanged, dearer, cut, cheaper, opened."),
    "cost_ratio": ("", "closed_least_cost divided by open_least_cost (layers corridors: least_cost by euclidean_m)."),
    "from_countries": ("", "Countries of the first area, by its place on the boundary set."),
    "to_countries": ("", "Countries of the second area."),
    "crossings": ("", "Crossings that the closed border's path leads through."),
    "crossing_id": ("", "The crossing."),
    "alone_eca_km2": ("", "Equivalent connected area gained where it alone is open."),
    "alone_pairs_opened": ("", "Pairs of areas that get a way by it alone."),
    "alone_cost_saved": ("resistance x m", "What it alone saves of the least costs of pairs that had a way."),
    "last_eca_km2": ("", "Equivalent connected area lost where it alone is shut."),
    "order": (
        "",
        "Place when one after the other is opened, each time the one that gains most; empty for no more gain.",
    ),
    "order_eca_km2": ("", "What it gained then."),
    "tied_with": ("", "Crossings that would have gained as much then; the id decided."),
    "barrier_id": ("", "The barrier."),
    "pairs_cut": ("", "Pairs of areas that lose their way by this barrier alone; of all pairs."),
    "pairs_dearer": ("", "Pairs of areas whose least cost rises by this barrier alone."),
    "eca_lost_km2": ("", "Equivalent connected area lost by this barrier alone."),
    "kind": ("", "border, fence, road, river, dam, mine or another word."),
    "resistance": ("resistance", "In the barrier's cells; empty where nothing passes."),
}


def write_comparison(found: "Comparison", barriers: "list[Barrier]", facts: dict[str, Any], path: Path) -> None:
    """Write a comparison as a GeoPackage that appears whole or not at all.

    Parameters
    ----------
    found : Comparison
    barriers : list of Barrier
    facts : dict
        What the run was asked, for the table `run`.
    path : Path
        The file. Layers `pairs`, `crossings`, `barrier_lines`, and `corridors_open`, `corridors_closed`.
    """
    layers = [("pairs", found.pairs, "LineString")]
    layers += [("corridors_open", found.open.corridors, "MultiPolygon")]
    layers += [("corridors_closed", found.closed.corridors, "MultiPolygon")]
    layers += [("barrier_lines", barrier_table(barriers, found), "Unknown")]
    if found.crossings:
        layers.append(("crossings", crossing_table(found), "Unknown"))
    write_run(layers, facts, path, columns=_COLUMNS)


def write_difference(found: "Comparison", grid: "Grid", path: Path, *, tags: dict[str, str]) -> Path:
    """Write the difference map with its style; return the style's file."""
    write_cog(
        found.difference, grid, path, classes=True, tags=tags,
        description="corridors: 1 border open and closed, 2 open only, 3 closed only, 4 barrier",
    )  # fmt: skip
    return write_style(DIFFERENCE_SHADES, path, classes=True)


def barrier_table(barriers: "list[Barrier]", found: "Comparison") -> Any:
    """Return barriers with what each does alone as a GeoDataFrame."""
    import geopandas as gpd
    import numpy as np

    alone: list[Any] = [*found.barriers] or [None] * len(barriers)
    told = ("pairs_cut", "pairs_dearer", "eca_lost_km2")
    return gpd.GeoDataFrame(
        {
            "barrier_id": [one.barrier_id for one in barriers],
            "kind": [one.kind for one in barriers],
            "resistance": [one.resistance if np.isfinite(one.resistance) else None for one in barriers],
        }
        | {name: [getattr(one, name, None) for one in alone] for name in told},
        geometry=[one.shape for one in barriers],
        crs=found.closed.grid.crs,
    )


def crossing_table(found: "Comparison") -> Any:
    """Return crossings with what each is worth as a GeoDataFrame, in their order."""
    from dataclasses import asdict

    import geopandas as gpd
    import pandas as pd

    places = {one.crossing_id: one for one in found.ground.crossings}
    rows = [asdict(one) | {"tied_with": "; ".join(one.tied_with)} for one in found.crossings]
    table = pd.DataFrame(rows).astype({"order": "Int64", "order_eca_km2": "float64"})
    table["width_m"] = [places[one.crossing_id].width_m for one in found.crossings]
    shapes = [places[one.crossing_id].shape for one in found.crossings]
    return gpd.GeoDataFrame(table, geometry=shapes, crs=found.closed.grid.crs)
