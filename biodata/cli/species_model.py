"""`biodata species model`: where a species may live, by MaxEnt, with its score on ground that it has not seen."""

from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import (
    DEFAULT_DATA,
    DataOption,
    check_kinds,
    check_outputs,
    installation,
    read_box,
    say,
)
from biodata.cli.species_options import (
    WARNING,
    AsOfOption,
    RecordsOption,
    SuspiciousOption,
    UntoldOption,
    as_text,
    day,
    facts_line,
    say_left_out,
)

MODEL = """Model where a species may live (MaxEnt, extra `sdm`), scored on blocks of ground that the model has not seen.

--layer is a raster layer of the installation, or NAME=2,5 for cells of these classes. Each fold's score stands beside that
of models of random points; a model that is no better says so.

Example: biodata species model "Sus scrofa" --layer landcover_china_laos=2,5 --layer landcover_china_laos=12,13 --data biodata_data --out suitability.tif
"""


def model(
    species: Annotated[str, typer.Argument(help="The species, as the records name it.")],
    layer: Annotated[list[str], typer.Option(help="NAME or NAME=CLASS,CLASS; may be repeated.")],
    data: DataOption = DEFAULT_DATA,
    box: Annotated[str | None, typer.Option(help="west,south,east,north: the first layer's.")] = None,
    cell_m: Annotated[float, typer.Option(help="Side of a cell.", min=30, max=1e6)] = 2_000.0,
    block_m: Annotated[
        float | None,
        typer.Option(
            help="Side of a block that is held out, metres: how far the layers are alike, where not told.",
            min=100,
            max=1e7,
        ),
    ] = None,
    folds: Annotated[int, typer.Option(help="Parts that blocks are dealt into.", min=2, max=20)] = 4,
    nulls: Annotated[int, typer.Option(help="Models of random points.", min=19, max=999)] = 19,
    seed: Annotated[int, typer.Option(help="Start of every random number.", min=0)] = 1,
    records: RecordsOption = "public",
    as_of: AsOfOption = None,
    recent_years: Annotated[int | None, typer.Option(help="Records of so many years: of all times.", min=1)] = None,
    untold_uncertainty_m: UntoldOption = None,
    keep_suspicious: SuspiciousOption = False,
    out: Annotated[Path | None, typer.Option(help="GeoTIFF (COG) of the suitability.", dir_okay=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read, fit, score, tell."""
    from biodata.species_layers.model import ModelRequest, model_of
    from biodata.species_layers.reading import view_of

    check_kinds([out])
    check_outputs([out], [])
    report = model_of(
        installation(data),
        ModelRequest(
            species=species, layers=tuple(layer), window=read_box(box) if box else None, view=view_of(records),
            cell_m=cell_m, block_m=block_m, folds=folds, nulls=nulls, seed=seed, as_of=day(as_of),
            recent_years=recent_years, untold_uncertainty_m=untold_uncertainty_m, keep_suspicious=keep_suspicious,
        ),
    )  # fmt: skip
    if out is not None:
        report.write(out)
    told = report.as_dict()
    if as_json:
        say(as_text(told))
        return
    for fold in told["scores"]["folds"]:
        say(
            f"fold {fold['fold']}: AUC {fold['auc']:.3f} of {fold['presences']} presences and {fold['background']} background "
            f"cells; random points {fold['null_median']:.3f} (95 % below {fold['null_95']:.3f})"
        )
    say(told["scores"]["says"])
    say(
        f"{told['presences']} cells with a record, {told['background']} background cells ({told['background_of']}), seed {seed}"
    )
    say_left_out(told["left_out"])
    say(facts_line(told))
    if told["sharing_category"] != "open":
        say(WARNING.format(told["sharing_category"]))
