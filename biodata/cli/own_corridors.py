"""`biodata corridors` over one's own raster and areas, without an installation."""

import shutil
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from biodata.cli.options import say, show_progress
from biodata.errors import InputError

_BANDS: Final = MappingProxyType(
    {
        "mosaic": ("cost above the cheapest path, least of all corridors", "resistance x m"),
        "largest": ("largest improvement score of any pair: cost saved per metre restored", "resistance"),
        "total": ("sum of the improvement scores of all pairs: cost saved per metre restored", "resistance"),
        "pinch": ("current inside corridors, most of any pair", "A"),
    }
)
"""Description and unit of the rasters' bands."""
_TO_STRONG: Final = ("#ffffcc", "#fed976", "#fd8d3c", "#e31a1c", "#800026")
_COLOURS: Final = MappingProxyType(
    {
        "mosaic": ("#1a5c38", "#5aa469", "#a6cf7e", "#e3e9a8", "#fbf7d5"),
        "largest": _TO_STRONG,
        "total": _TO_STRONG,
        "pinch": _TO_STRONG,
    }
)
"""Colours of the rasters' styles, from the lowest value to the highest: of the mosaic the cheapest ground is the darkest."""


def run(
    raster: Path,
    areas: Path,
    columns: dict[str, Any],
    choices: dict[str, Any],
    restoring: tuple[list[float], float | None] | None,
    out: Path | None,
    rasters: dict[str, Path | None],
    *,
    reading: dict[str, Any],
    workers: int | None,
    estimate: bool,
    check_window: bool,
) -> None:
    """Read, tell an estimate, run, write, say what came out.

    Parameters
    ----------
    raster, areas : Path
        Resistance, and polygons, points or a raster of ids.
    columns : dict
        Layer and columns of the areas' file, as `areas_of.read` takes them.
    choices : dict
        Of `CorridorParameters`.
    restoring : tuple of radii in metres and restored resistance, optional
        Where barriers are asked.
    out : Path, optional
        GeoPackage; None where only an estimate is asked.
    rasters : dict of str to Path or None
        GeoTIFFs to write: mosaic, largest, total.
    reading : dict
        Cells to put the raster into, band, nodata and system, as `own_ground.read` takes them.
    workers : int, optional
        Threads.
    estimate, check_window : bool
    """
    from concurrent.futures import ThreadPoolExecutor
    from importlib.metadata import version
    from os import cpu_count

    import numpy as np

    from biodata.analysis import areas as areas_of
    from biodata.analysis import corridor_parameters, corridors, own_ground, sources, window_check
    from biodata.analysis.barriers import BarrierParameters
    from biodata.exports.cog import write_cog
    from biodata.exports.corridors import write_network
    from biodata.exports.styles import shades_of, write_style

    parameters = corridor_parameters.CorridorParameters(**choices)
    resistance, grid, notes = own_ground.read(raster, **reading)
    for note in notes:
        say(f"{raster.name}: {note}")
    known = np.isfinite(resistance)
    lowest = float(np.min(resistance, where=known, initial=np.inf))
    highest = float(np.max(resistance, where=known, initial=-np.inf))
    if lowest < highest <= 1:
        say(
            f"{raster.name}: every value lies between {lowest:g} and {highest:g}; resistance is usually 1 or more: if these "
            "are habitat suitabilities, of which more is better, corridors would go where they should not"
        )
    if sources.is_raster(areas):
        table = own_ground.areas(areas, grid)
    else:
        table, unfit = areas_of.read(areas, **columns)
        for note in unfit:
            say(f"{areas.name}: {note}")
    plain = areas_of.on_plane(table, grid)
    sites = areas_of.on_grid(plain, resistance, grid)
    inside = {site.area_id for site in sites}
    outside = [area_id for area_id in plain["area_id"] if area_id not in inside]
    if outside:
        say(f"{areas.name}: {len(outside)} of {len(plain)} areas lie outside the raster: {_some(outside)}")
    if len(sites) < 2:
        problem = f"{len(sites)} of {len(plain)} areas lie on the raster"
        raise InputError(problem, file=areas.name, expected="two areas or more", code="AREAS_MISSING")
    bare = [site.area_id for site in sites if not site.cells.size]
    if bare:
        say(f"{areas.name}: {len(bare)} areas hold no resistance data: {_some(bare)}")
    workers = workers or cpu_count() or 1
    say(corridor_parameters.estimate(plain, grid, parameters=parameters, across_borders=False, workers=workers).told())
    if estimate or out is None:
        return
    barriers = None
    if restoring is not None:
        radii, restored = restoring
        barriers = BarrierParameters(tuple(radii), lowest if restored is None else restored)
    home = out.with_name(f"{out.stem}.parts")
    with ThreadPoolExecutor(workers) as executor:
        found = corridors.least_cost(
            plain, resistance, grid, parameters=parameters, barriers=barriers,
            currents=rasters["pinch"] is not None, executor=executor, folder=home, progress=show_progress(),
        )  # fmt: skip
        if check_window:
            cells = np.concatenate([site.all_cells for site in sites])
            same = window_check.with_cut_of(parameters, found.corridors["cut_cost"])
            checked = window_check.check(
                found.corridors, cells, grid, resistance,
                lambda ground, inner: corridors.least_cost(
                    plain, ground, inner, parameters=same, executor=executor
                ).corridors,
            )  # fmt: skip
            say(checked.told())
    facts = {
        "raster": raster.name, "areas": areas.name, "parameters": parameters.told(), "biodata": version("biodata"),
        "barriers": None if barriers is None else [*barriers.radii_m, barriers.restored_resistance],
        "rows_columns_cell_m": [*grid.shape, grid.cell_m], "notes": notes, "outside": outside,
        "window": checked.told() if check_window else None,
    }  # fmt: skip
    write_network(found, facts, out, as_of=max(path.stat().st_mtime for path in (raster, areas)))
    layers = {"mosaic": found.mosaic}
    if found.barrier_mosaic is not None:
        layers |= {name: np.where(v > 0, v, np.nan) for name, v in found.barrier_mosaic.layers().items()}
    if found.currents is not None:
        layers["pinch"] = found.currents.largest
    for name, path in rasters.items():
        if path is not None:
            description, unit = _BANDS[name]
            write_cog(layers[name], grid, path, description=description, unit=unit)
            shades = shades_of(layers[name], _COLOURS[name], unit=unit)
            if shades:
                write_style(shades, path, classes=False)
    shutil.rmtree(home, ignore_errors=True)
    linked = found.corridors[found.corridors["functional"]]
    say(
        f"{len(found.corridors)} pairs, {len(linked)} corridors → {', '.join(str(p) for p in (out, *rasters.values()) if p)}"
    )
    if barriers is not None:
        opened = int(found.barriers["score"].isna().sum())
        sizes = ", ".join(f"{radius:g}" for radius in barriers.radii_m)
        say(
            f"restoring one window of radius {sizes} m would make {len(found.barriers) - opened} paths cheaper and open a way "
            f"to {opened} of {int((~found.corridors['functional']).sum())} pairs without a link (layer barriers)"
        )
    if found.corridors.empty:
        say("no two neighbouring areas lie within the distance")
    for why, count in found.corridors["notes"][~found.corridors["functional"]].value_counts().head(5).items():
        say(f"{count:>6} {why}")


def _some(names: list[str]) -> str:
    """Return the first few of some names."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
