"""A boundary set as rows of a release, and what a release tells of it."""

import json

import polars as pl
import shapely

from biodata import terms
from biodata.places import BoundarySet, country_geometry, country_name
from biodata.store.tables import BOUNDARY


def boundary_rows(boundaries: BoundarySet) -> pl.DataFrame:
    """Return countries, first-level divisions and disputed units as rows of the table `boundaries`.

    Parameters
    ----------
    boundaries : BoundarySet
        The set.

    Returns
    -------
    polars.DataFrame
        code, name, level (country, province or disputed), country_code, geometry (WKB); a disputed unit has no
        country, and a code made from its name.
    """
    codes = [code for code in boundaries.countries if code is not None]
    countries = pl.DataFrame(
        {
            "code": codes,
            "name": [country_name(code) for code in codes],
            "level": ["country"] * len(codes),
            "country_code": codes,
            "geometry": shapely.to_wkb([country_geometry(code, boundaries) for code in codes]),
        },
        schema=terms.schema(BOUNDARY),
    )
    units = boundaries.units.with_columns(pl.Series("geometry", shapely.to_wkb(boundaries.shapes), dtype=pl.Binary))
    slug = pl.col("name").str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", "-").str.strip_chars("-")
    parts = units.filter(pl.col("level").is_in(["province", "disputed"])).with_columns(
        code=pl.coalesce("province_code", "disputed:" + slug)
    )
    return pl.concat([countries, parts.select(terms.names(BOUNDARY))])


def described(boundaries: BoundarySet) -> str:
    """Return the set's name, version, viewpoint and band as JSON: what `release_info` keeps as `boundaries`."""
    return json.dumps(boundaries.told(), ensure_ascii=False, sort_keys=True)
