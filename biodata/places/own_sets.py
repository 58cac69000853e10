"""A boundary set of one's own: a file of countries, and beside it what the set is and whose view it shows."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import shapely

from biodata.errors import InputError
from biodata.places.boundaries import BoundarySet

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
        without one is disputed and belongs to no side), and, where there are, `name`, `name_column`.

    Returns
    -------
    BoundarySet
        Of countries, without divisions.

    Raises
    ------
    InputError
        If a file is missing or cannot be read, a fact is not told, or no feature has a code.
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
    units = pl.DataFrame(
        {
            "level": ["disputed" if code is None else "country" for code in codes],
            "country_code": codes,
            "province_code": pl.Series([None] * len(codes), dtype=pl.String),
            "name": [name or "disputed" for name in names],
        },
        schema_overrides={"country_code": pl.String},
    )
    shapes = np.array([shapely.force_2d(shape) for shape in table.geometry], dtype=object)
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
