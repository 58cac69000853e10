"""Where records lie: the stated country beside the map, and points that seem swapped or negated."""

from functools import cache
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata import places
from biodata.harmonise.coordinates import swap
from biodata.harmonise.findings import Findings, Stated, repairs
from biodata.places.locate import country_boxes, surely_beyond
from biodata.text.countries import parse_countries
from biodata.text.tables import read_rows

# The stated first-level division set beside the map.


def interpret_provinces(
    stated: pl.Series, country: pl.Series, located: pl.Series, coordinates: Findings, uncertainty: pl.Series, *,
    boundaries: places.BoundarySet,
) -> Findings:  # fmt: skip
    """Compare stated divisions with those that the points fall in.

    Parameters
    ----------
    stated : Series of str, length n
        The division as stated.
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
        `stateProvince` as stated. PROVINCE_UNKNOWN: the country's divisions are on the map, and none is called so.
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


Floats = NDArray[np.float64]

FAR_AT_SEA_M: Final = 370_400.0
"""A point at sea disagrees with its country beyond 200 nautical miles of its land, the breadth of an exclusive economic
zone: article 57 of the United Nations Convention on the Law of the Sea."""


_BOX: Final = pl.Schema({"code": pl.String, **dict.fromkeys(("west", "south", "east", "north"), pl.Float64)})


class _Point(NamedTuple):
    """The places of n rows as numbers, NaN where there is none."""

    longitude: Floats
    latitude: Floats


def interpret(parsed: Stated, coordinates: Findings, *, boundaries: places.BoundarySet) -> Findings:
    """Set the stated country beside the map.

    Parameters
    ----------
    parsed : Stated
        n rows.
    coordinates : Findings
        What `coordinates.interpret` found.
    boundaries : BoundarySet
        The map.

    Returns
    -------
    Findings of n rows

    Notes
    -----
    COUNTRY_COORDINATE_MISMATCH: the point lies on another country's land, farther from the stated country than the
    set's band; or at sea, or in no country, farther than `FAR_AT_SEA_M` from its land. Inside the band of a border
    either side may be right: BORDER_AMBIGUOUS, and no mismatch with either. A territory that ISO 3166 lists apart may
    be stated under the code of the state that administers or claims it (`biodata/data/country_territories.csv`): that
    is no mismatch and no position. PRESUMED_SWAPPED_COORDINATE and
    PRESUMED_NEGATED_…: the point disagrees with the stated country and the changed one does not.
    """
    latitude, longitude = coordinates.columns["decimalLatitude"], coordinates.columns["decimalLongitude"]
    point = _Point(_floats(longitude), _floats(latitude))
    located = places.locate(point.longitude, point.latitude, boundaries)
    country = _stated_country(parsed)
    stated = country["stated"]
    disagrees = _disagrees(stated, located, point, boundaries)
    presumed, noted = _presumed(disagrees, stated, point, boundaries)
    facts = located.with_columns(stated=stated).select(
        code=pl.coalesce("stated", pl.when(~pl.col("ambiguous")).then("located_country_code")),
        derived=pl.col("stated").is_null() & ~pl.col("ambiguous") & pl.col("located_country_code").is_not_null(),
    )
    sides = located.with_columns(code=facts["code"]).select(
        pl.when(pl.col("country_codes").list.len() > 0)
        .then("country_codes")
        .when(pl.col("code").is_not_null())
        .then(pl.concat_list("code"))
        .alias("country_codes")
    )
    columns = {
        "countryCode": facts["code"],
        "country_codes": sides["country_codes"],
        **{name: located[name] for name in ("located_country_code", "province_code", "border_distance_m", "ambiguous")},
    }
    flags = {
        "COUNTRY_INVALID": country["invalid"],
        "COUNTRY_MISMATCH": country["mismatch"],
        "COUNTRY_DERIVED_FROM_COORDINATES": facts["derived"],
        "COUNTRY_COORDINATE_MISMATCH": disagrees,
        "BORDER_AMBIGUOUS": located["ambiguous"],
        **presumed,
    }
    return Findings(columns, flags, noted)


def _floats(values: pl.Series) -> Floats:
    """Return numbers as an array, NaN for null."""
    return values.fill_null(float("nan")).to_numpy()


def _stated_country(stated: Stated) -> pl.DataFrame:
    """Return the stated country of each row, whether it is not known, and whether code and name disagree."""
    code, name = parse_countries(stated["countryCode"]), parse_countries(stated["country"])
    both = pl.DataFrame({"code": code["code"], "name": name["code"], "a": code["known"], "b": name["known"]})
    return both.select(
        stated=pl.coalesce("code", "name"),
        invalid=~pl.col("a") | ~pl.col("b"),
        mismatch=pl.col("code") != pl.col("name"),
    )


def _disagrees(stated: pl.Series, located: pl.DataFrame, point: _Point, boundaries: places.BoundarySet) -> pl.Series:
    """Tell which points are not in their stated country, nor within the band of it, nor in its sea."""
    frame = located.select("located_country_code", "ambiguous", "country_codes").with_columns(stated=stated)
    here = pl.col("located_country_code")
    elsewhere = (
        pl.col("stated").is_not_null()
        & pl.col("ambiguous").is_not_null()
        & (here.is_null() | (here != pl.col("stated")))
    )
    suspects = frame.with_row_index("row").filter(elsewhere.fill_null(value=False))
    # Few rows are left here: only they need the slower test of every possible side.
    suspects = suspects.filter(~pl.col("country_codes").list.contains(pl.col("stated")).fill_null(value=False))
    territories = _territories()
    wrong = suspects.filter(here.is_not_null()).join(territories, on=["located_country_code", "stated"], how="anti")
    at_sea = suspects.filter(here.is_null() & ~pl.col("ambiguous"))
    found = np.zeros(len(stated), dtype=bool)
    found[wrong["row"].to_numpy()] = True
    of_states = dict(territories.group_by("stated").agg("located_country_code").iter_rows())
    known = at_sea.filter(pl.col("stated").is_in(list(country_boxes(boundaries))))
    for (code,), rows in known.group_by("stated"):
        at = rows["row"].to_numpy()
        found[at] = True
        for part in {code, *of_states.get(str(code), ())} & set(country_boxes(boundaries)):
            land = places.country_geometry(str(part), boundaries)
            found[at] &= surely_beyond(land, point.longitude[at], point.latitude[at], FAR_AT_SEA_M)
    return pl.Series("disagrees", found)


@cache
def _territories() -> pl.DataFrame:
    """Return the territories that ISO 3166 lists apart and that records also state under the code of a state."""
    rows = read_rows("country_territories.csv")
    columns = {"located_country_code": [row["territory"] for row in rows], "stated": [row["state"] for row in rows]}
    return pl.DataFrame(columns)


def _presumed(
    disagrees: pl.Series, stated: pl.Series, point: _Point, boundaries: places.BoundarySet
) -> tuple[dict[str, pl.Series], list[pl.DataFrame]]:
    """Tell which points would agree with their country if swapped, or with the other sign, and propose that."""
    # 0, 0 stays 0, 0 whichever way it is turned.
    at = np.flatnonzero(disagrees.to_numpy() & ((point.longitude != 0) | (point.latitude != 0)))
    x, y = point.longitude[at], point.latitude[at]
    ways = {
        "PRESUMED_SWAPPED_COORDINATE": (np.where(np.abs(x) <= 90, y, np.nan), x),
        "PRESUMED_NEGATED_LATITUDE": (x, np.where(y == 0, np.nan, -y)),
        "PRESUMED_NEGATED_LONGITUDE": (np.where(x == 0, np.nan, -x), y),
    }
    agrees = _in_country(
        stated.gather(at),
        np.stack([longitude for longitude, _ in ways.values()]),
        np.stack([latitude for _, latitude in ways.values()]),
        boundaries,
    )
    flags = {}
    for number, flag in enumerate(ways):
        marked = np.zeros(len(stated), dtype=bool)
        marked[at[agrees[number] & ~agrees[:number].any(axis=0)]] = True
        flags[flag] = pl.Series(flag, marked)
    latitude_told, longitude_told = pl.Series(point.latitude), pl.Series(point.longitude)
    noted = swap(flags["PRESUMED_SWAPPED_COORDINATE"], latitude_told, longitude_told)
    for flag, term, values in (
        ("PRESUMED_NEGATED_LATITUDE", "decimalLatitude", latitude_told),
        ("PRESUMED_NEGATED_LONGITUDE", "decimalLongitude", longitude_told),
    ):
        noted.append(repairs(flags[flag], term, -values, "negate", applied=False))
    return flags, noted


def _in_country(
    stated: pl.Series, longitude: Floats, latitude: Floats, boundaries: places.BoundarySet
) -> NDArray[np.bool_]:
    """Tell which points lie in the stated country, or within the band of it.

    Each of n rows has several points: `longitude`, `latitude` and the answer have a row for each, n long.
    """
    boxes = country_boxes(boundaries)
    sides = pl.DataFrame([(code, *box) for code, box in boxes.items()], schema=_BOX, orient="row")
    west, south, east, north = (
        column.fill_null(np.nan).to_numpy()
        for column in stated.alias("code").to_frame().join(sides, on="code", how="left", maintain_order="left")[:, 1:]
    )
    possible = (longitude >= west) & (longitude <= east) & (latitude >= south) & (latitude <= north)
    way, at = np.nonzero(possible)
    inside = np.zeros(longitude.shape, dtype=bool)
    if len(at):
        located = places.locate(longitude[way, at], latitude[way, at], boundaries).with_columns(
            stated=stated.gather(at)
        )
        here, side = pl.col("located_country_code"), pl.col("country_codes").list.contains(pl.col("stated"))
        inside[way, at] = located.select(((here == pl.col("stated")) | side).fill_null(value=False)).to_series()
    return inside
