"""The stated first-level division set beside the map."""

import numpy as np
import polars as pl

from biodata import places
from biodata.harmonise.findings import Findings
from biodata.harmonise.reach import surely_beyond


def interpret(
    stated: pl.Series,
    country: pl.Series,
    located: pl.Series,
    coordinates: Findings,
    uncertainty: pl.Series,
    *,
    boundaries: places.BoundarySet,
) -> Findings:
    """Compare stated divisions with those that the points fall in.

    Parameters
    ----------
    stated : Series of str, length n
        The division as told.
    country : Series of str, length n
        ISO 3166-1 alpha-2 code of the record's country.
    located : Series of str, length n
        ISO 3166-2 code of the division that the point falls in.
    coordinates : Findings
        What `coordinates.interpret` found.
    uncertainty : Series of float, length n
        Radius of the place in metres.
    boundaries : BoundarySet
        The map.

    Returns
    -------
    Findings of n rows
        `stateProvince` as told. PROVINCE_UNKNOWN: the country's divisions are on the map, and none is called so.
        PROVINCE_COORDINATE_MISMATCH: the point lies in another division, farther from the stated one than the set's
        band and than its own uncertainty.
    """
    columns = {"stateProvince": stated}
    if stated.null_count() == len(stated):
        return Findings(columns)
    rows = pl.DataFrame({"country": country, "text": stated, "here": located, "uncertainty": uncertainty})
    divided = boundaries.units.filter(pl.col("province_code").is_not_null())["country_code"].unique().to_list()
    pairs = rows.select("country", "text").drop_nulls().unique().filter(pl.col("country").is_in(divided))
    codes = [places.find_province(code, text, boundaries) for code, text in pairs.iter_rows()]
    known = pairs.with_columns(pl.Series("code", codes, dtype=pl.String), asked=pl.lit(value=True))
    rows = rows.join(known, on=["country", "text"], how="left", maintain_order="left")
    elsewhere = rows.with_row_index("row").filter(pl.col("here") != pl.col("code"))
    longitude = coordinates.columns["decimalLongitude"].to_numpy()
    latitude = coordinates.columns["decimalLatitude"].to_numpy()
    mismatch = np.zeros(rows.height, dtype=bool)
    for (code,), group in elsewhere.group_by("code"):
        at = group["row"].to_numpy()
        shape = places.province_geometry(str(code), boundaries)
        reach_m = group["uncertainty"].fill_null(0.0).clip(boundaries.band_m).to_numpy()
        mismatch[at] = surely_beyond(shape, longitude[at], latitude[at], reach_m)
    unknown = rows.select(pl.col("asked") & pl.col("code").is_null()).to_series()
    return Findings(columns, {"PROVINCE_UNKNOWN": unknown, "PROVINCE_COORDINATE_MISMATCH": pl.Series(mismatch)})
