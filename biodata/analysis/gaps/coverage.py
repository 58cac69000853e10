"""How much of each country is protected at dates, and how well the protected ground has been surveyed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely

from biodata import places
from biodata.analysis import evidence
from biodata.analysis.evidence import counting
from biodata.analysis.evidence.effort import NO_EFFORT
from biodata.analysis.gaps.features import Places
from biodata.analysis.gaps.protected import PLANE, Protected, amounts, keyed_ground, land_km2, layers_of, to_plane
from biodata.analysis.grid import Grid, equal_area_grid, refuse_more
from biodata.core import geo
from biodata.core.errors import InputError

if TYPE_CHECKING:
    from biodata.analysis.evidence import Counted


TARGET_SHARE: Final = 0.3
"""Of land and inland waters, and of the sea, by 2030: Target 3, https://www.cbd.int/gbf/targets/3."""

COVERAGE: Final = pl.Schema(
    {
        "scenario": pl.String, "as_of": pl.Date, "place_kind": pl.String, "place": pl.String,
        "country_code": pl.String, "realm": pl.String, "area_km2": pl.Float64, "protected_area_km2": pl.Float64,
        "oecm_km2": pl.Float64, "covered_km2": pl.Float64, "share": pl.Float64, "target_share": pl.Float64,
        "missing_km2": pl.Float64, "circles_km2": pl.Float64, "undated_km2": pl.Float64,
        "border_disagreement_km2": pl.Float64, "elsewhere_km2": pl.Float64, "coast_disagreement_km2": pl.Float64,
        "not_mapped_sites": pl.Int64, "not_mapped_without_area": pl.Int64, "reported_not_mapped_km2": pl.Float64,
        "share_with_reported": pl.Float64, "note": pl.String,
    }
)  # fmt: skip
"""One row a scenario, date, place and realm. `oecm_km2` holds no ground that protected areas hold, too. `circles_km2` and
`undated_km2` are parts of `covered_km2`: points given their reported area, and (at most) what sites hold that state no year.
`missing_km2` is what lacks to the target, 0 where it is met. What stands behind it is in none of those: disagreements of
maps, and areas claimed by sites that nobody can draw; `share_with_reported` adds the claims as if none overlapped."""

_SEA: Final = "the boundary set has no sea borders: the sea is told by the countries that sites state, without a share"
_UNTOLD: Final = "the areas hold no site of {}: that is no statement that nothing is protected there"
_REPORTED: Final = "claims of sites without a map may overlap mapped ground and each other"
_APART: Final = ("border_disagreement_km2", "elsewhere_km2", "coast_disagreement_km2")


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
OCCUPIED: Final = "occupied cells"
PUBLISHED: Final = "published cells"
_PRESENT: Final = (
    counting.OVER_SEA, counting.OVER_BORDER, counting.IN_BAND, counting.DUPLICATE, counting.DEPENDENT,
)  # fmt: skip
"""Reasons with which a record is no evidence for a side, and the species was there all the same."""


def coverage(
    scenarios: Sequence[Protected], countries: Sequence[str], boundaries: places.BoundarySet, *,
    regions: Sequence[Places] = (), target_share: float = TARGET_SHARE,
) -> pl.DataFrame:  # fmt: skip
    """Return how much is protected in each country, in all of them jointly, and in regions.

    Parameters
    ----------
    scenarios : sequence of Protected
        Of different dates and choices of sites.
    countries : sequence of str
        ISO 3166-1 alpha-2 codes; only ground of these counts, in regions too.
    boundaries : BoundarySet
        The one that the scenarios were cut with.
    regions : sequence of Places, optional
        A region's area is that of its land in these countries. It has a row for each of them and a joint one where it
        has land in several.
    target_share : float
        0-1.

    Returns
    -------
    polars.DataFrame of COVERAGE

    Raises
    ------
    InputError
        If the set has no country of a code, or the target is no share.
    """
    if not 0 <= target_share <= 1:
        problem = "the target is no share"
        raise InputError(problem, column="target", value=f"{target_share:g}", expected="0 to 1", code="TARGET_INVALID")
    codes = list(dict.fromkeys(countries))
    land = {code: land_km2(code, boundaries) for code in codes}
    shapes = [(region, to_plane(region.shapes)) for region in regions]
    rows: list[dict[str, Any]] = []
    for one in scenarios:
        facts = {"scenario": one.scenario, "as_of": one.as_of}
        rows += [facts | row for row in _of_countries(one, codes, land)]
        layers = layers_of(one, codes, boundaries)
        for region, flat in shapes:
            found = amounts(flat, layers).filter(pl.col("what") != "all")
            for (at,), parts in found.group_by("feature", maintain_order=True):
                name = region.names[int(str(at))]
                rows += [facts | {"place_kind": region.kind, "place": name} | row for row in _of_region(parts)]
        _note_untold(rows, one, codes)
    frame = pl.DataFrame(rows, schema=COVERAGE, infer_schema_length=None)
    share = pl.col("covered_km2") / pl.col("area_km2")
    with_claims = (pl.col("covered_km2") + pl.col("reported_not_mapped_km2")) / pl.col("area_km2")
    on_land = pl.col("area_km2").is_not_null()
    known = ~pl.col("note").fill_null("").str.starts_with(_UNTOLD[:20]) | pl.col("country_code").is_null()
    return frame.with_columns(
        share=pl.when(known).then(share),
        target_share=pl.when(on_land).then(pl.lit(target_share)),
        missing_km2=pl.when(known).then(
            (pl.col("area_km2") * target_share - pl.col("covered_km2")).clip(lower_bound=0)
        ),
        share_with_reported=pl.when(pl.col("reported_not_mapped_km2") > 0).then(with_claims.clip(upper_bound=1)),
    ).select(COVERAGE.names())


def sites_counted(one: Protected, countries: Sequence[str]) -> dict[str, int]:
    """Count the mapped sites that a country's share is made of, none where the files hold none.

    A share is of the sites that the files hold, which may be few of those that a country has: it is never stated without
    this number.
    """
    known = one.ground.filter(pl.col("country_code").is_in(list(countries)))
    counts = dict(known.group_by("country_code").agg(pl.col("site").n_unique()).iter_rows())
    return {code: counts.get(code, 0) for code in countries}


def _note_untold(rows: list[dict[str, Any]], one: Protected, codes: list[str]) -> None:
    """Add a note to the rows of a date about countries of which nobody stated a site; `rows` is changed in place."""
    names = {*one.ground["country_code"], *";".join(one.not_mapped["country_code"].drop_nulls()).split(";")}
    untold = [code for code in codes if code not in names]
    for row in rows:
        asked = [code for code in untold if row["country_code"] in (code, None)]
        if asked and row["realm"] == "terrestrial" and (row["scenario"], row["as_of"]) == (one.scenario, one.as_of):
            row["note"] = "; ".join(filter(None, (_UNTOLD.format(", ".join(asked)), row.get("note"))))


def _of_countries(one: Protected, codes: list[str], land: dict[str, float]) -> list[dict[str, Any]]:
    """Return the rows of each country and the joint ones, land and sea."""
    ground = keyed_ground(one, codes)
    rows = []
    for code in [*codes, *([None] if len(codes) > 1 else [])]:
        mine = pl.lit(value=True) if code is None else pl.col("country_code") == code
        asked = codes if code is None else [code]
        place = {"place_kind": "joint" if code is None else "country", "place": " + ".join(asked), "country_code": code}
        for realm in ("terrestrial", "marine"):
            part = ground.filter(mine, pl.col("realm") == realm)
            apart = one.apart.filter(pl.col("country_code").is_in(asked), pl.col("realm") == realm)
            row = place | {"realm": realm} | _sums(part) | {name: apart[name].sum() for name in _APART}
            if realm == "terrestrial":
                row |= {"area_km2": sum(land[c] for c in asked)} | _claims(one, asked)
            else:
                row |= {"note": _SEA}
            rows.append(row)
    return rows


def _claims(one: Protected, codes: list[str]) -> dict[str, Any]:
    """Return what sites claim that nobody can draw; a site of several countries counts where all of them are asked."""
    own = one.not_mapped.filter(pl.col("country_code").str.split(";").list.set_difference(codes).list.len() == 0)
    claimed = float(own["claimed_km2"].sum())
    return {
        "not_mapped_sites": int(own["sites"].sum()),
        "not_mapped_without_area": int(own["without_area"].sum()),
        "reported_not_mapped_km2": claimed,
        "note": _REPORTED if claimed > 0 else None,
    }


def _of_region(parts: pl.DataFrame) -> list[dict[str, Any]]:
    """Return a region's rows: by country, and jointly where it has land in several."""
    on_land = parts.filter(pl.col("realm").is_null() | (pl.col("realm") == "terrestrial"))
    codes = on_land.filter(pl.col("what") == "land")["country_code"].to_list()
    rows = []
    for code in [*codes, *([None] if len(codes) > 1 else [])]:
        mine = on_land if code is None else on_land.filter(pl.col("country_code") == code)
        area = float(mine.filter(pl.col("what") == "land")["km2"].sum())
        ground = _sums(mine.filter(pl.col("what") == "protected"))
        rows.append({"country_code": code, "realm": "terrestrial", "area_km2": area} | ground)
    sea = parts.filter(pl.col("realm") == "marine")
    if sea.height:
        rows.append({"country_code": None, "realm": "marine", "note": _SEA} | _sums(sea))
    return rows


def _sums(ground: pl.DataFrame) -> dict[str, float]:
    """Return the sums of ground by kind."""
    oecm = float(ground.filter(pl.col("kind") == "oecm")["km2"].sum())
    whole = float(ground["km2"].sum())
    return {
        "protected_area_km2": whole - oecm,
        "oecm_km2": oecm,
        "covered_km2": whole,
        "circles_km2": float(ground.filter("circle")["km2"].sum()),
        "undated_km2": float(ground.filter("undated")["km2"].sum()),
    }


def survey_gaps(
    counted: "Counted", countries: list[str], boundaries: places.BoundarySet, *, cell_m: float, region: shapely.Geometry | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:  # fmt: skip
    """Return how much each class was looked for in each country (SURVEYS), and the cells without effort (CELLS).

    `counted` is of the records of all species; only what lies in `region`, degrees, is stated, else all land of the countries.
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
    grid = equal_area_grid(shapely.bounds(region), cell_m)
    refuse_more(grid, MOST_CELLS, column="--effort-cell-m", expected="larger cells")
    km2 = dict(zip(countries, geo.area_km2(list(land.values())), strict=True))
    records = counted.records.drop_nulls(["class", "species"])
    rows: list[dict[str, object]] = []
    empty: list[pl.DataFrame] = []
    for (name,), group in records.sort("class").group_by("class", maintain_order=True):
        species = str(group["species"].value_counts().sort("count", "species", descending=[True, False])["species"][0])
        frame = evidence.effort(counted, species, grid=grid, boundaries=boundaries, region=region).cells
        for code in countries:
            cells = frame.filter(pl.col("country_code") == code)
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
    """Return the cells without effort, each once, with the classes that nobody looked for there."""
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


def occupied(counted: "Counted", *, cell_m: float) -> list[Places]:
    """Return the cells that records of each species lie in.

    Parameters
    ----------
    counted : Counted
        Of `evidence.counted`, whose flags, dates and uncertainty leave records out.
    cell_m : float
        Side of a cell on the equal-area plane, metres.

    Returns
    -------
    list of Places
        OCCUPIED: species of which every place is stated. PUBLISHED: those with a record that is published as a cell; that
        whole cell stands for it, so what is stated of them is no finer than what everybody may see. Cells are where people
        looked and found: neither a range nor all of what the species holds.
    """
    seen = counted.records.filter(
        pl.col("why_not").is_null() | pl.col("why_not").is_in(_PRESENT),
        pl.col("species").is_not_null(),
        pl.col("occurrenceStatus").fill_null("PRESENT") == "PRESENT",
    )
    edges = ["cell_west", "cell_south", "cell_east", "cell_north"]
    seen = seen.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in edges if name not in seen.columns)
    found: dict[str, tuple[list[str], list[shapely.Geometry]]] = {OCCUPIED: ([], []), PUBLISHED: ([], [])}
    for (species,), rows in seen.sort("species").group_by("species", maintain_order=True):
        values = rows["cell_west"].is_null()
        lonlat = rows.filter(values).select("decimalLongitude", "decimalLatitude").to_numpy()
        corner = np.unique(np.floor(geo.project(lonlat, 4326, PLANE) / cell_m), axis=0) * cell_m
        boxes = shapely.box(corner[:, 0], corner[:, 1], corner[:, 0] + cell_m, corner[:, 1] + cell_m)
        cells = rows.filter(~values).select(edges).unique().to_numpy()
        shapes = [*boxes, *to_plane(np.asarray(shapely.box(*cells.T), dtype=object))]
        names, unions = found[OCCUPIED if values.all() else PUBLISHED]
        names.append(str(species))
        unions.append(shapely.union_all(shapes))
    return [
        Places(kind, names, np.asarray(geo.project(np.array(unions, dtype=object), PLANE, 4326), dtype=object))
        for kind, (names, unions) in found.items()
        if names
    ]
