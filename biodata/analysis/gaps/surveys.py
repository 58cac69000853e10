"""Where, and for which classes of animals and plants, each side of a border has been looked at less."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import shapely

from biodata import geo, places
from biodata.analysis import evidence
from biodata.analysis.evidence.effort import NO_EFFORT
from biodata.analysis.grid import Grid, equal_area_grid, refuse_more

if TYPE_CHECKING:
    from biodata.analysis.evidence import Counted

LESS: Final = 0.5
"""A country whose effort for a class is less than this share of the best visited country's is under-surveyed."""

MOST_CELLS: Final = 16_000_000

SURVEYS: Final = pl.Schema(
    {
        "class": pl.String, "country_code": pl.String, "land_km2": pl.Float64, "cells": pl.Int64, "cells_without_effort": pl.Int64,
        "share_without_effort": pl.Float64, "visits": pl.Int64, "visits_per_1000_km2": pl.Float64, "effort_of_best": pl.Float64,
        "under_surveyed": pl.Boolean, "species": pl.Int64, "asked_of": pl.String,
    }
)  # fmt: skip
"""One row a class and country. `visits` are distinct days, places and recorders of the class, recorded as `asked_of`, its
most recorded species, is; `effort_of_best` is their density as a share of that of the country with most. `species` of the
class are those with a record that counts for the country. No visit says that a species is absent."""

CELLS: Final = pl.Schema(
    [("country_code", pl.String), ("classes_without_effort", pl.List(pl.String)), ("geometry", pl.Binary)]
)
"""Cells where a class has not been looked for, degrees."""


def survey_gaps(
    counted: "Counted", countries: list[str], boundaries: places.BoundarySet, *, cell_m: float, region: shapely.Geometry | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:  # fmt: skip
    """Return how much each class was looked for in each country (SURVEYS), and the cells without effort (CELLS).

    `counted` is of the records of all species; only what lies in `region`, degrees, is told, else all land of the countries.
    """
    land = {code: places.country_geometry(code, boundaries) for code in countries}
    if region is not None:
        land = {code: shapely.intersection(shape, region) for code, shape in land.items()}
    region = shapely.union_all(list(land.values()))
    if shapely.is_empty(region):
        return pl.DataFrame(schema=SURVEYS), pl.DataFrame(schema=CELLS)
    shapely.prepare(region)
    inside = shapely.intersects(region, counted.places)
    counted = replace(
        counted, records=counted.records.filter(inside), places=counted.places[inside], tree=shapely.STRtree([])
    )
    west, south, east, north = (float(value) for value in shapely.bounds(region))
    grid = equal_area_grid((west, south, east, north), cell_m)
    refuse_more(grid, MOST_CELLS, column="--effort-cell-m", expected="larger cells")
    km2 = dict(zip(countries, geo.area_km2(list(land.values())), strict=True))
    records = counted.records.drop_nulls(["class", "species"])
    rows: list[dict[str, object]] = []
    empty: list[pl.DataFrame] = []
    for (name,), group in records.sort("class").group_by("class", maintain_order=True):
        species = str(group["species"].value_counts().sort("count", "species", descending=[True, False])["species"][0])
        told = evidence.effort(counted, species, grid=grid, boundaries=boundaries, region=region).cells
        for code in countries:
            cells = told.filter(pl.col("country_code") == code)
            without = cells.filter(pl.col("state") == NO_EFFORT)
            here = group.filter(pl.col("why_not").is_null(), pl.col("side") == code)
            rows.append(
                {
                    "class": name, "country_code": code, "land_km2": km2[code], "cells": cells.height,
                    "cells_without_effort": without.height, "visits": int(cells["visits"].sum()),
                    "species": here["species"].n_unique(), "asked_of": species,
                }
            )  # fmt: skip
            empty.append(without.select("row", "column", "country_code", pl.lit(name).alias("class")))
    density = pl.when(pl.col("land_km2") > 0).then(1000 * pl.col("visits") / pl.col("land_km2"))
    best = density.max().over("class")
    of_best = pl.when(best > 0).then(density / best)
    table = pl.DataFrame(rows, schema=SURVEYS).with_columns(
        share_without_effort=pl.when(pl.col("cells") > 0).then(pl.col("cells_without_effort") / pl.col("cells")),
        visits_per_1000_km2=density, effort_of_best=of_best, under_surveyed=of_best < LESS,
    )  # fmt: skip
    return table, _cells(empty, grid)


def _cells(empty: list[pl.DataFrame], grid: Grid) -> pl.DataFrame:
    if not empty:
        return pl.DataFrame(schema=CELLS)
    classes = (
        pl.concat(empty).group_by("row", "column", "country_code").agg(classes_without_effort=pl.col("class").sort())
    )
    cells = classes.sort("row", "column")
    centre, half = grid.centres(cells["row"].to_numpy(), cells["column"].to_numpy()), grid.cell_m / 2
    boxes = np.asarray(shapely.box(*(centre - half).T, *(centre + half).T), dtype=object)
    shapes = shapely.to_wkb(geo.project(boxes, grid.crs, 4326))
    return cells.with_columns(geometry=pl.Series(list(shapes), dtype=pl.Binary)).select(CELLS.names())
