"""`biodata resistance`: layers turned into resistance to movement, by a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biodata.cli.options import check_outputs, read_box, read_options, say
from biodata.errors import InputError

if TYPE_CHECKING:
    from biodata.analysis.grid import Grid
    from biodata.analysis.layer_reading import LayerFile
    from biodata.analysis.resistance import ResistanceLayer
    from biodata.analysis.resistance_rules import RuleTable

_HELP = """Turn layers into resistance to movement, by a table.

The table of land cover alone has the columns class_value, class_name, resistance, note (and linear). That of several
layers has layer, class, function, resistance, note, and may have combine, linear, species, version:

\b
layer,class,function,resistance,note,linear
land_cover,2,,1,forest,no
land_cover,Croplands,,40,by the legend's name,no
roads,highway=trunk,,500,touching cells,yes
elevation,,slope,0:1 30:2 60:3,factors by degrees,no
settlements,,distance,0:200 2000:1,metres,no
population,,density,0:1 100:50,people by km²,no

A class is a value, a name of the layer's legend, any, other, or attribute=value of features; a resistance is a number
from 1 to 100 000 or barrier. combine is base, max, add or times.

DIR is an installation's folder or one of files called landcover*.tif, elevation*.tif, roads*.gpkg, … A table with a
column species gives a file for each: FILE_SPECIES.tif. The output tells table, layers and versions in its metadata.

Example: biodata resistance resistance.csv --layers mydata --use land_cover=landcover_china_laos --out resistance.tif
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="resistance", help=_HELP)(resistance)


def resistance(
    table: Annotated[Path, typer.Argument(help="CSV, see above.")],
    layers: Annotated[Path, typer.Option(help="Folder of the layers, of the installation, or the one raster itself.")],
    out: Annotated[Path, typer.Option(help="GeoTIFF to write.")],
    species: Annotated[str | None, typer.Option(help="Only this species of the table.")] = None,
    use: Annotated[list[str] | None, typer.Option(help="LAYER=NAME: which layer is meant; may be repeated.")] = None,
    cell_m: Annotated[
        float | None,
        typer.Option(help="Side of a cell of an equal-area grid, metres; else land cover's own cells.", min=1),
    ] = None,
    box: Annotated[str | None, typer.Option(help="Only inside west,south,east,north in degrees.")] = None,
    nearest: Annotated[
        bool, typer.Option("--nearest", help="Resample classes by the nearest cell, not the most common.")
    ] = False,
) -> None:
    """Read the layers, look them up, write."""
    from biodata.analysis.resistance_rules import is_rule_table, read_rules
    from biodata.pipeline.layer_folder import LayerFolder

    check_outputs([out], [table])
    window = None if box is None else read_box(box)
    with LayerFolder(layers) as folder:
        if not is_rule_table(table):
            found = folder.find(["land_cover"], read_options(use or []))
            _write_simple(table, found["land_cover"], out, cell_m, window, nearest=nearest)
            return
        tables = read_rules(table)
        if species is not None:
            if species not in tables:
                known = ", ".join(str(name) for name in tables if name) or "none"
                problem = "the table has no such species"
                raise InputError(problem, file=table.name, value=species, expected=f"one of {known}")
            tables = {species: tables[species]}
        for name, rules in tables.items():
            found = folder.find(rules.layers, read_options(use or []))
            target = out if len(tables) == 1 else out.with_name(f"{out.stem}_{_slug(str(name))}{out.suffix}")
            _write_rules(rules, found, target, cell_m, window, nearest=nearest)


def _write_simple(
    table: Path,
    layer: "LayerFile",
    out: Path,
    cell_m: float | None,
    window: tuple[float, float, float, float] | None,
    *,
    nearest: bool,
) -> None:
    """Write resistance by a table of land cover's classes."""
    from biodata.analysis import resistance as resistances
    from biodata.analysis.layer_reading import read_cells
    from biodata.analysis.resistance_table import read_table

    classes = read_table(table)
    grid = _grid(layer, cell_m, window)
    made = (
        resistances.from_layers(read_cells(layer, grid), classes)
        if cell_m is None
        else resistances.from_files(layer.path, classes, grid, resampling="nearest" if nearest else "mode")
    )
    _write(made, out, {"land_cover": layer}, _facts(table.name, table, None, None), cell_m)


def _write_rules(
    rules: "RuleTable",
    layers: "dict[str, LayerFile]",
    out: Path,
    cell_m: float | None,
    window: tuple[float, float, float, float] | None,
    *,
    nearest: bool,
) -> None:
    """Write resistance by a table of several layers."""
    from biodata.analysis.layered_resistance import from_rules

    rasters = [layer for layer in layers.values() if layer.form == "raster"]
    first = next((layer for layer in rasters if layer.theme == "land_cover"), rasters[0] if rasters else None)
    grid = _grid(first, cell_m, window)
    made = from_rules(rules, layers, grid, resampling="nearest" if nearest else "mode")
    facts = {
        "table": rules.name,
        "table_sha256": rules.sha256,
        "table_version": rules.version,
        "species": rules.species or "",
    }
    _write(made, out, layers, facts, cell_m)


def _facts(name: str, table: Path, species: str | None, version: str | None) -> dict[str, str]:
    """Return what the output tells of its table."""
    import hashlib

    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    return {
        "table": name, "table_sha256": digest, "table_version": version or digest[:12], "species": species or ""
    }  # fmt: skip


def _grid(layer: "LayerFile | None", cell_m: float | None, window: tuple[float, float, float, float] | None) -> "Grid":
    """Return the grid of the output."""
    from biodata import geo
    from biodata.analysis.grid import equal_area_grid
    from biodata.analysis.layer_reading import own_grid

    if layer is None and (cell_m is None or window is None):
        problem = "the table has no layer of cells to take the grid from"
        raise InputError(problem, expected="--cell-m and --box", code="GRID_EMPTY")
    if cell_m is None and layer is not None:
        return own_grid(layer, window)
    if window is None and layer is not None:
        own = own_grid(layer)
        import shapely

        outline = geo.densify(shapely.box(*own.bounds), max_segment_degrees=max(own.shape) * own.transform.a / 32)
        west, south, east, north = (float(edge) for edge in shapely.bounds(geo.project(outline, own.crs, 4326)))
        window = west, south, east, north
    if window is None or cell_m is None:
        problem = "the window is not known"
        raise InputError(problem, code="GRID_EMPTY")
    return equal_area_grid(window, cell_m)


def _write(
    made: "ResistanceLayer", out: Path, layers: "dict[str, LayerFile]", facts: dict[str, str], cell_m: float | None
) -> None:
    """Write the file with its metadata, and say what became of the cells."""
    import json
    from importlib.metadata import version

    from biodata.exports.cog import write_cog
    from biodata.store.code_version import code_hash

    told = {
        name: {
            "layer": layer.name, "sha256": layer.sha256, "version": layer.version, "crs": layer.crs,
            "legend": layer.legend, "notes": list(layer.notes),
        }
        for name, layer in layers.items()
    }  # fmt: skip
    tags = {
        **{f"BIODATA_{name.upper()}": value for name, value in facts.items() if value},
        "BIODATA_LAYERS": json.dumps(told, ensure_ascii=False, sort_keys=True),
        "BIODATA_PARAMETERS": json.dumps({"cell_m": cell_m, "counts": dict(made.counts)}, sort_keys=True),
        "BIODATA_CODE": f"biodata {version('biodata')} {code_hash()[:16]}",
    }
    write_cog(made.resistance, made.grid, out, tags=tags)
    for layer in layers.values():
        for note in layer.notes:
            say(f"{layer.name}: {note}")
    counted = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in made.counts.items() if count)
    species = f"{facts['species']}: " if facts["species"] else ""
    say(f"{species}{', '.join(layer.name for layer in layers.values())}: {counted} → {out}")


def _slug(text: str) -> str:
    return "_".join("".join(c if c.isalnum() else " " for c in text.lower()).split())
