"""`biodata corridors-validate`."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biodata.cli.options import OWN_FILES, check_outputs, say
from biodata.errors import InputError

if TYPE_CHECKING:
    import polars as pl

_HELP = """Test whether held-out records stand nearer to corridors than chance would put them, given where people looked.

RECORDS is a table with decimalLongitude and decimalLatitude (or x and y in the raster's system), or a layer of points;
it may have species, class, eventDate, coordinateUncertaintyInMeters, duplicate_group, and used (yes for a record that
made the resistance, the areas or the evidence: such a record, its event and its block are no test).

Effort is what --effort tells (a raster), the records of --target, or, with --species, the other species of RECORDS, of
the same class where that is told.

The null moves records and effort together over the corridors' surface, so herds and roads keep their shape. It says
better than chance, no better than chance, or how many places a test would need.

Example: biodata corridors-validate --raster resistance.tif --areas areas.gpkg --records mammals.csv --species "Elephas maximus" --out validation.json
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="corridors-validate", help=_HELP)(corridors_validate)


def corridors_validate(
    raster: Annotated[Path, typer.Option(help="Resistance raster.", dir_okay=False)],
    areas: Annotated[Path, typer.Option(help="Areas that the corridors join: polygons, points or a raster of ids.")],
    records: Annotated[Path, typer.Option(help="Records of the animals.", dir_okay=False)],
    out: Annotated[Path, typer.Option(help="JSON to write.", dir_okay=False)],
    species: Annotated[str | None, typer.Option(help="Only this species of RECORDS; the others are effort.")] = None,
    target: Annotated[
        Path | None, typer.Option(help="Records that the same people would have reported.", dir_okay=False)
    ] = None,
    effort: Annotated[Path | None, typer.Option(help="Raster of effort on the same cells.", dir_okay=False)] = None,
    used: Annotated[
        Path | None, typer.Option(help="Table whose first column tells ids of records that were used.", dir_okay=False)
    ] = None,
    since: Annotated[datetime | None, typer.Option(help="First day of the test's time.", formats=["%Y-%m-%d"])] = None,
    block_m: Annotated[
        float | None, typer.Option(help="Side of the blocks, metres: the variogram's range where not told.", min=0)
    ] = None,
    max_uncertainty_m: Annotated[
        float | None, typer.Option(help="Records less certain are no test: the side of a block where not told.", min=0)
    ] = None,
    surface: Annotated[
        Path | None, typer.Option(help="Another surface to test, lower is better, in place of corridors.")
    ] = None,
    cell_m: Annotated[float | None, typer.Option(help="Put the raster into cells of this side, metres.", min=1)] = None,
    moves: Annotated[int, typer.Option(help="Null patterns.", min=19)] = 999,
    level: Annotated[float, typer.Option(help="A p below it is better than chance.", min=0.0001, max=0.5)] = 0.05,
    two_sided: Annotated[bool, typer.Option("--two-sided", help="Also count records far from corridors.")] = False,
    least_places: Annotated[int, typer.Option(help="Fewer independent places give no test.", min=2)] = 10,
    seed: Annotated[int, typer.Option(help="Start of every random number.", min=0)] = 1,
) -> None:
    """Read, hold out, test, write, say."""
    from importlib.metadata import version

    import numpy as np

    from biodata.analysis import areas as areas_of
    from biodata.analysis import own_areas, own_ground, rasters, sources
    from biodata.analysis.grid import require_aligned
    from biodata.analysis.uncertainty import inputs
    from biodata.analysis.validation import corridor_test, holding_out, record_files, surfaces, variogram
    from biodata.analysis.validation.parameters import ValidationParameters

    check_outputs([out], [path for path in (raster, areas, records, target, effort, used, surface) if path])
    parameters = ValidationParameters(
        moves=moves, level=level, two_sided=two_sided, least_places=least_places, seed=seed
    )
    resistance, grid, notes = own_ground.read(raster, cell_m=cell_m)
    if surface is None:
        notes += inputs.doubt(resistance, raster=raster.name)
    if sources.is_raster(areas):
        table = own_ground.areas(areas, grid)
    else:
        table, columns_told = own_areas.read(areas)
        notes += columns_told
    sites = areas_of.on_grid(own_areas.on_plane(table, grid), resistance, grid)
    ground = np.isfinite(resistance)
    for site in sites:
        ground.reshape(-1)[site.cells] = False
    if surface is None:
        lower = surfaces.excess([site for site in sites if site.cells.size], resistance, grid)
    else:
        lower, own = rasters.read(surface)
        require_aligned({raster.name: grid, surface.name: own})
        notes.append(f"{surface.name} is tested in place of the corridors")
    looked = None
    if effort is not None:
        looked, own = rasters.read(effort)
        require_aligned({raster.name: grid, effort.name: own})
    found = record_files.read(records, grid)
    group, rest = _of_species(found, species, records)
    others = rest if target is None else record_files.read(target, grid)
    length = variogram.variogram_range(
        surfaces.ranks(lower, ground & ~np.isnan(lower)), ground, grid, rng=np.random.default_rng(seed)
    )
    side = length.range_m if block_m is None else block_m
    first_day: date | None = None if since is None else since.date()
    group = group.with_columns(used=group["used"] | group["id"].is_in(_ids(used)))
    limit = max(side, grid.cell_m) if max_uncertainty_m is None else max_uncertainty_m
    kept, left_out = _certain(group, limit)
    held = holding_out.hold_out(kept, block_m=side, origin=(grid.bounds[0], grid.bounds[1]), since=first_day)
    test = kept.filter(held.test)
    ground = ground & _outside_used(kept, grid, side)
    effort_xy = None if others is None or looked is not None else _distinct(others, limit)
    result = corridor_test.against_chance(
        lower, ground, grid, test.select("x", "y").to_numpy(), effort=effort_xy, effort_raster=looked,
        parameters=parameters, left_out=left_out | held.left_out(),
    )  # fmt: skip
    told: dict[str, Any] = {
        **result.as_dict(),
        "told": result.told(),
        "species": species,
        "blocks": {"side_m": side, "variogram": length.told(), "range_m": length.range_m},
        "inputs": {name: path.name for name, path in (("raster", raster), ("areas", areas), ("records", records))},
        "effort": effort.name if effort else target.name if target else "other species of the records" if rest is not None else None,
        "since": None if first_day is None else first_day.isoformat(),
        "max_uncertainty_m": limit,
        "evidence_view": OWN_FILES,
        "biodata": version("biodata"),
        "raster_notes": notes,
    }  # fmt: skip
    out.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
    for reason, count in result.left_out.items():
        say(f"{count:>6} records are no test: {reason}")
    say(f"blocks of {side:,.0f} m; {length.told()}")
    for null in result.nulls:
        if null.p is not None:
            say(f"p {null.p:.4g} against {null.name}{'' if null.decides else ' (shown beside, decides nothing)'}")
    for note in (*notes, *result.notes):
        say(note)
    say(f"records: {OWN_FILES}")
    say(f"{result.told()} → {out}")


def _of_species(found: "pl.DataFrame", species: str | None, file: Path) -> tuple["pl.DataFrame", "pl.DataFrame | None"]:
    """Return the records of the species, and the others of its class; all and none where no species is told."""
    import polars as pl

    if species is None:
        return found, None
    own = found.filter(pl.col("species") == species)
    if own.is_empty():
        counts = (
            found["species"].drop_nulls().value_counts(sort=True).sort("count", "species", descending=[True, False])
        )
        known = ", ".join(counts["species"].head(5))
        problem = "no record is of this species" if known else "the file tells no species"
        expected = f"one of {known}" if known else "a column species, or no --species where all records are of one"
        raise InputError(problem, file=file.name, column="species", value=species, expected=expected)
    others = found.filter(pl.col("species").is_not_null() & (pl.col("species") != species))
    classes = own["class"].drop_nulls().unique().to_list()
    return own, others.filter(pl.col("class").is_in(classes)) if classes else others


def _ids(path: Path | None) -> list[str]:
    """Return the ids of records that were used."""
    if path is None:
        return []
    import polars as pl

    from biodata.formats import delimited

    table = delimited.read(lambda: path.open("rb"), file=path.name)
    batches = list(table.batches)
    return pl.concat(batches)[table.headings[0]].drop_nulls().to_list() if batches else []


def _certain(records: "pl.DataFrame", limit: float) -> tuple["pl.DataFrame", dict[str, int]]:
    """Take the records whose place is told and certain enough, and count the others."""
    import polars as pl

    placed = records.drop_nulls(["x", "y"])
    certain = placed.filter(pl.col("uncertainty_m").fill_null(0) <= limit)
    reasons = {
        "no place": records.height - placed.height,
        "uncertainty wider than a block": placed.height - certain.height,
    }
    return certain, {reason: count for reason, count in reasons.items() if count}


def _distinct(records: "pl.DataFrame", limit: float) -> Any:
    """Return x and y of the target group, each species once at a place on a day."""
    certain, _ = _certain(records, limit)
    return certain.unique(["species", "x", "y", "date"], maintain_order=True).select("x", "y").to_numpy()


def _outside_used(records: "pl.DataFrame", grid: Any, side: float) -> Any:
    """Return which cells lie in no block of a record that was used: null points come from the test's ground only."""
    import numpy as np
    import polars as pl

    marked = records.filter(pl.col("used"))
    if marked.is_empty() or side <= 0:
        return np.ones(grid.shape, dtype=bool)
    corner = np.array(grid.bounds[:2])
    blocks = np.floor((marked.select("x", "y").to_numpy() - corner) / side).astype(np.int64)
    rows, columns = np.divmod(np.arange(grid.cells), grid.shape[1])
    own = np.floor((grid.centres(rows, columns) - corner) / side).astype(np.int64)
    taken = {(int(a), int(b)) for a, b in blocks}
    keys = own[:, 0] * (1 << 32) + own[:, 1]
    return ~np.isin(keys, [a * (1 << 32) + b for a, b in taken]).reshape(grid.shape)
