"""The offset from UTC of times that tell none: as declared, else proposed from the country."""

from typing import Final

import polars as pl

from biodata.errors import InputError
from biodata.harmonise.findings import repairs
from biodata.harmonise.told import Told
from biodata.parsers import zones
from biodata.parsers.countries import parse_countries

RULE: Final = "zone_of_country"


def declared_zone(name: str | None) -> str | None:
    """Return the zone that is declared, an offset (+07:00) or an IANA name (Asia/Yangon); None where none is.

    Raises
    ------
    InputError
        If it is neither.
    """
    if name is not None and not zones.is_zone(name):
        problem = "the time_zone that is declared is neither an offset from UTC nor an IANA name"
        expected = "+07:00 or Asia/Bangkok for Indochina"
        raise InputError(problem, column="time_zone", value=name, expected=expected, code="DECLARATION_UNKNOWN")
    return name


def with_declared(frame: pl.DataFrame, zone: str | None) -> pl.DataFrame:
    """Give times that tell no zone the offset that the declared zone had then.

    Parameters
    ----------
    frame : polars.DataFrame
        n rows with `start`, `time` and `zone`.
    zone : str, optional
        What `declared_zone` returned.

    Returns
    -------
    polars.DataFrame of n rows
    """
    if zone is None or not frame.select((pl.col("time").is_not_null() & pl.col("zone").is_null()).any()).item():
        return frame
    return frame.with_columns(zone=pl.col("zone").fill_null(zones.offsets(pl.col("start"), pl.col("time"), zone)))


def proposals(frame: pl.DataFrame, told: Told) -> pl.DataFrame:
    """Propose for times that still have no zone the offset that the stated country had then.

    Parameters
    ----------
    frame : polars.DataFrame
        n rows with `start`, `time` and `zone`.
    told : Told
        The same n rows.

    Returns
    -------
    polars.DataFrame of `findings.REPAIR_ROWS`, none of them applied
    """
    nothing = pl.Series([False]).new_from_index(0, told.height)
    if not told.has("countryCode", "country"):
        return repairs(nothing, "event_zone", nothing, RULE, applied=False)
    lacking = frame.with_row_index("row").filter(pl.col("time").is_not_null() & pl.col("zone").is_null())
    if lacking.is_empty():
        return repairs(nothing, "event_zone", nothing, RULE, applied=False)
    stated = told.first_of("countryCode", "country").gather(lacking["row"])
    lacking = lacking.with_columns(country=parse_countries(stated)["code"])
    offset = zones.country_offsets(pl.col("country"), pl.col("start"), pl.col("time"))
    lacking = lacking.select("row", value=offset).drop_nulls()
    return lacking.select(
        "row", term=pl.lit("event_zone"), value="value", rule=pl.lit(RULE), applied=pl.lit(value=False)
    )
