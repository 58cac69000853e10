"""`biodata reserves units`: planning units of a region, as the part of a Marxan project that needs no species."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, read_box, read_country, say, settings_for
from biodata.errors import InputError

UNITS_HELP = """Make planning units: hexagons or squares of equal area, cut at coasts and at the borders of countries.

--out gets input/pu.dat and input/bound.dat (kilometres), units.gpkg with the shapes, and an input.dat where there is
none. A unit costs its area in km², or that times what a square kilometre costs in its country. With spec.dat and
puvspr.dat in the folder input too, `biodata reserves solve` can solve it.

Example: biodata reserves units --countries LA,CN --box 100,20,103,23 --cell-km 10 --shape hexagon --out units
"""


class UnitShape(StrEnum):
    """Shapes of planning units."""

    HEXAGON = "hexagon"
    SQUARE = "square"


ShapeOption = Annotated[UnitShape, typer.Option(help="Shape of a whole unit.")]
CostOption = Annotated[
    list[str] | None,
    typer.Option(help="COUNTRY=COST of a square kilometre, once for each country; 1 where none is named."),
]


def units(
    out: Annotated[Path, typer.Option(help="Folder of the project.", file_okay=False)],
    countries: Annotated[
        str | None, typer.Option(help="Codes or names, with commas; else all that have land in the box.")
    ] = None,
    box: Annotated[
        str | None, typer.Option(help="Only inside west,south,east,north in degrees; west above east goes across ±180.")
    ] = None,
    cell_km: Annotated[float, typer.Option(help="Side of a square, km; a hexagon has the same area.", min=0.01)] = 10,
    shape: ShapeOption = UnitShape.HEXAGON,
    least_share: Annotated[
        float, typer.Option(help="Smaller parts of a whole unit join a neighbour of their country.", min=0, max=1)
    ] = 0.0,
    cost_per_km2: CostOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Cut, write, say."""
    from biodata import places
    from biodata.analysis.reserves import planning_units
    from biodata.exports.engine_inputs import write_project_of_units

    if countries is None and box is None:
        problem = "it is not told where"
        raise InputError(problem, expected="--countries or --box", code="OPTIONS_UNFIT")
    boundaries = places.load_boundaries(settings_for(data).boundaries)
    found = planning_units.cut_at_borders(
        [read_country(one, option="--countries") for one in countries.split(",")] if countries else (),
        boundaries,
        unit_km2=cell_km**2,
        shape=shape.value,
        bounds=read_box(box) if box else None,
        smallest_share=least_share,
    )
    codes = found["country_code"].value_counts()
    rates = read_rates(cost_per_km2 or []) or dict.fromkeys(codes.index, 1.0)
    files = write_project_of_units(found, planning_units.costs_by_country(found, rates), out, facts=boundaries.told())
    counted = ", ".join(f"{count:,} {code}" for code, count in codes.sort_index().items())
    say(
        f"{len(found):,} units ({counted}), {found['area_km2'].sum():,.0f} km² → "
        + ", ".join(str(file) for file in files)
    )
    say(
        f"cut by boundary set {boundaries.name} {boundaries.version}, band {boundaries.band_m:g} m: {boundaries.viewpoint}"
    )


def read_rates(texts: list[str]) -> dict[str, float]:
    """Read COUNTRY=COST.

    Raises
    ------
    InputError
        If one is no such text (COST_INVALID), or there is no such country (COUNTRY_UNKNOWN).
    """
    rates = {}
    for text in texts:
        country, _, cost = text.partition("=")
        try:
            value = float(cost)
        except ValueError:
            value = float("nan")
        if not 0 <= value < float("inf"):
            problem = "this is no cost of a country"
            expected = "COUNTRY=COST, such as LA=2.5"
            raise InputError(problem, column="--cost-per-km2", value=text, expected=expected, code="COST_INVALID")
        rates[read_country(country, option="--cost-per-km2")] = value
    return rates
