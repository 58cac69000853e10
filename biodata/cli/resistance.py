"""`biodata resistance`: layers turned into resistance to movement, by a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biodata.cli.options import check_outputs, read_box, read_options, say, show_progress

if TYPE_CHECKING:
    from biodata.analysis.layers import LayerFile
    from biodata.analysis.resistance import ResistanceLayer
    from biodata.analysis.resistance_rules import RuleTable

_HELP = """Turn layers into resistance to movement, by a table.

The table has the columns layer, class, function, resistance, note, and may have combine, linear, curve, species,
version:

\b
layer,class,function,resistance,note,linear,curve
land_cover,2,,1,forest,no,
land_cover,Croplands,,40,by the legend's name,no,
roads,highway=trunk,,500,touching cells,yes,
elevation,,slope,0:1 30:2 60:3,factors by degrees,no,
settlements,,distance,0:200 2000:1,metres,no,
population,,density,0:1 100:50,people by km²,no,
suitability,,value,0:100 1:1,after Keeley et al. 2016,no,exponential 4

A class is a value, a name of the layer's legend, any, other, or attribute=value of features; a resistance is a number
from 1 to 100 000 or barrier. combine is base, max, add or times. A curve is straight, or exponential and a number. A
table of land cover alone may have class_value, class_name, resistance, note (and linear) in place of these.

DIR is an installation's folder or one of files called landcover*.tif, elevation*.tif, roads*.gpkg, … A table with a
column species gives a file for each: FILE_SPECIES.tif. The output tells the table's version, which another value
changes, and the layers with their checksums in its metadata.

Example: biodata resistance sample_data/resistance.csv --layers biodata_data --use land_cover=landcover_china_laos --out resistance.tif
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
    from biodata.analysis.layers import grid_of
    from biodata.analysis.resistance import from_rules
    from biodata.analysis.resistance_rules import for_species, read_rules
    from biodata.exports.cog import file_name_of, resistance_tags, write_cog
    from biodata.pipeline.layer_folder import LayerFolder

    check_outputs([out], [table])
    window = None if box is None else read_box(box)
    tables = read_rules(table)
    if species is not None:
        tables = {species: for_species(tables, species, file=table.name)}
    with LayerFolder(layers, progress=show_progress()) as folder:
        for name, rules in tables.items():
            found = folder.find(rules.layers, read_options(use or []))
            target = out if len(tables) == 1 else out.with_name(f"{out.stem}_{file_name_of(str(name))}{out.suffix}")
            made = from_rules(
                rules, found, grid_of(found, cell_m=cell_m, box=window),
                resampling="nearest" if nearest else "mode", progress=show_progress(),
            )  # fmt: skip
            facts = resistance_tags(made, rules, found, cell_m=cell_m, resampling="nearest" if nearest else "mode")
            write_cog(made.resistance, made.grid, target, tags=facts)
            _tell(made, rules, found, target)


def _tell(made: "ResistanceLayer", rules: "RuleTable", layers: "dict[str, LayerFile]", out: Path) -> None:
    """Say what became of the cells."""
    for layer in layers.values():
        for note in layer.notes:
            say(f"{layer.name}: {note}")
    counted = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in made.counts.items() if count)
    species = f"{rules.species}, " if rules.species else ""
    say(f"{species}{rules.name} version {rules.version}")
    say(f"{', '.join(layer.name for layer in layers.values())}: {counted} → {out}")
