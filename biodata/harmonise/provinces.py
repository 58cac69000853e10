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
        PROVINCE_AMBIGUOUS: several are or were. PROVINCE_COORDINATE_MISMATCH: the point lies in another division,
        farther from each that could be meant than the set's band and than its own uncertainty.
    """
    columns = {"stateProvince": stated}
    if stated.null_count() == len(stated):
        return Findings(columns)
    rows = pl.DataFrame({"country": country, "text": stated, "here": located, "uncertainty": uncertainty})
    divided = boundaries.units.filter(pl.col("province_code").is_not_null())["country_code"].unique().to_list()
    pairs = rows.select("country", "text").drop_nulls().unique().filter(pl.col("country").is_in(divided))
    codes = [list(places.find_provinces(code, text, boundaries)) for code, text in pairs.iter_rows()]
    known = pairs.with_columns(pl.Series("codes", codes, dtype=pl.List(pl.String)))
    rows = rows.join(known, on=["country", "text"], how="left", maintain_order="left").with_row_index("row")
    named = pl.col("codes").list.len()
    elsewhere = rows.filter((named > 0) & pl.col("here").is_not_null() & ~pl.col("codes").list.contains(pl.col("here")))
    longitude = coordinates.columns["decimalLongitude"].to_numpy()
    latitude = coordinates.columns["decimalLatitude"].to_numpy()
    mismatch = np.zeros(rows.height, dtype=bool)
    mismatch[elsewhere["row"].to_numpy()] = True
    for (code,), group in elsewhere.explode("codes").group_by("codes"):
        at = group["row"].to_numpy()
        shape = places.province_geometry(str(code), boundaries)
        reach_m = group["uncertainty"].fill_null(0.0).clip(boundaries.band_m).to_numpy()
        mismatch[at] &= surely_beyond(shape, longitude[at], latitude[at], reach_m)
    flags = {
        "PROVINCE_UNKNOWN": rows.select(named == 0).to_series(),
        "PROVINCE_AMBIGUOUS": rows.select(named > 1).to_series(),
        "PROVINCE_COORDINATE_MISMATCH": pl.Series(mismatch),
    }
    return Findings(columns, flags)
