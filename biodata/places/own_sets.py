"""A boundary set of one's own: a file of countries or their divisions, and beside it what the set is and whose view it shows."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely

from biodata.errors import InputError
from biodata.geo import Geometries
from biodata.places.boundaries import BoundarySet

if TYPE_CHECKING:
    import geopandas as gpd

_TEXTS: Final = ("version", "source", "licence", "viewpoint", "country_column")
_UNKNOWN: Final = ("", "-99", "-1")


def read_boundaries(path: Path) -> BoundarySet:
    """Read a boundary set.

    Parameters
    ----------
    path : Path
        GeoPackage, GeoJSON or shapefile of countries, in any system that it tells; neighbours share the vertices of the
        line between them. Beside it a JSON file of the same stem: `version`, `source`, `licence`, `viewpoint`, `band_m`
        (metres within which a place may belong to either side), `country_column` (ISO 3166-1 alpha-2 codes; a feature
        without one is disputed and belongs to no side), and, where there are, `name`, `name_column`, and
        `province_column` (ISO 3166-2 codes of first-level divisions; features of one division are one).

    Returns
    -------
    BoundarySet
        Of countries, or of their divisions where a column tells them.

    Raises
    ------
    InputError
        If a file is missing or cannot be read, a fact is not told, no feature has a code, or a division's code is not of
        its country.
    """
    import geopandas as gpd
    from pyogrio.errors import DataSourceError

    facts = _facts(path)
    try:
        table = gpd.read_file(path).to_crs(4326)
    except (DataSourceError, OSError, ValueError) as error:
        problem = "the boundaries cannot be read"
        raise InputError(problem, file=path.name, value=str(error)[:200], code="BOUNDARIES_UNREADABLE") from error
    column = facts["country_column"]
    if column not in table.columns:
        problem = "there is no such column of country codes"
        expected = ", ".join(str(name) for name in table.columns[:12])
        raise InputError(problem, file=path.name, column=column, expected=expected, code="COLUMN_MISSING")
    table = table[table.geometry.notna() & ~table.geometry.is_empty]
    codes = [code.upper() if isinstance(code, str) and code not in _UNKNOWN else None for code in table[column]]
    wrong = next((code for code in codes if code is not None and not (len(code) == 2 and code.isalpha())), None)
    if wrong is not None or not any(codes):
        problem = "countries need codes of two letters"
        raise InputError(
            problem, file=path.name, column=column, value=wrong, expected="ISO 3166-1 alpha-2: LA", code="CODE_INVALID"
        )
    names = [str(name) for name in table[facts["name_column"]]] if facts.get("name_column") in table.columns else codes
    divisions = _divisions(table, codes, facts.get("province_column"), path)
    units = pl.DataFrame(
        {
            "level": [
                "disputed" if code is None else "country" if division is None else "province"
                for code, division in zip(codes, divisions, strict=True)
            ],
            "country_code": codes,
            "province_code": divisions,
            "name": [name or "disputed" for name in names],
        },
        schema_overrides={"country_code": pl.String, "province_code": pl.String},
    )
    units, shapes = _one_a_division(units, shapely.force_2d(table.geometry.to_numpy()))
    return BoundarySet(
        name=facts.get("name") or path.stem,
        version=facts["version"],
        source=facts["source"],
        licence=facts["licence"],
        viewpoint=facts["viewpoint"],
        band_m=float(facts["band_m"]),
        units=units,
        shapes=shapes,
        claim_lines=pl.DataFrame(schema={"name": pl.String, "geometry": pl.Binary}),
    )


def _divisions(table: "gpd.GeoDataFrame", codes: list[str | None], column: str | None, path: Path) -> list[str | None]:
    """Return the code of each feature's division; None where there is none."""
    if column is None:
        return [None] * len(codes)
    if column not in table.columns:
        problem, expected = "there is no such column of divisions", ", ".join(str(name) for name in table.columns[:12])
        raise InputError(problem, file=path.name, column=column, expected=expected, code="COLUMN_MISSING")
    told = [text.strip().upper() if isinstance(text, str) else "" for text in table[column]]
    found = [
        text if text not in _UNKNOWN and code is not None else None for text, code in zip(told, codes, strict=True)
    ]
    for row, (division, code) in enumerate(zip(found, codes, strict=True), start=1):
        if division is not None and not re.fullmatch(f"{code}-[A-Z0-9]{{1,3}}", division):
            problem = "a division's code begins with that of its country"
            raise InputError(
                problem, file=path.name, row=row, column=column, value=division, expected=f"ISO 3166-2: {code}-…",
                code="CODE_INVALID",
            )  # fmt: skip
    return found


def _one_a_division(units: pl.DataFrame, shapes: Geometries) -> tuple[pl.DataFrame, Geometries]:
    """Return units and shapes with all features of a division as one."""
    at = units.with_row_index("at").with_columns(
        group=pl.coalesce("province_code", pl.col("at").cast(pl.String)),
    )
    groups = at.group_by("group", maintain_order=True).agg(pl.col("at"))["at"].to_list()
    joined = [shapes[rows[0]] if len(rows) == 1 else shapely.coverage_union_all(shapes[rows]) for rows in groups]
    return units[[rows[0] for rows in groups]], np.array(joined, dtype=object)


def _facts(path: Path) -> dict[str, Any]:
    """Return what is told of a set beside its file."""
    beside = path.with_suffix(".json")
    try:
        facts = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problem = "what the boundary set is cannot be read"
        expected = f"a JSON object with {', '.join(_TEXTS)}, band_m"
        raise InputError(problem, file=beside.name, expected=expected, code="BOUNDARIES_UNKNOWN") from error
    facts = facts if isinstance(facts, dict) else {}
    for name in _TEXTS:
        if not isinstance(facts.get(name), str) or not facts[name].strip():
            problem = f"{name} of the boundary set is not told"
            raise InputError(problem, file=beside.name, column=name, expected="a text", code="BOUNDARIES_UNKNOWN")
    band_m = facts.get("band_m")
    if isinstance(band_m, bool) or not isinstance(band_m, int | float) or not 0 <= band_m <= 30_000:
        problem = "the band of the borders is not told"
        raise InputError(
            problem, file=beside.name, column="band_m", value=str(band_m), expected="0 to 30,000 metres",
            code="BOUNDARIES_UNKNOWN",
        )  # fmt: skip
    return facts
