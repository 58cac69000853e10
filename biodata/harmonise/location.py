"""Where records lie: the stated country and province against the map, and points that seem swapped or negated."""

from typing import Final, NamedTuple, cast

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata import places
from biodata.harmonise.coordinates import swap
from biodata.harmonise.findings import Findings, repairs
from biodata.harmonise.told import Told
from biodata.parsers.countries import parse_countries

Floats = NDArray[np.float64]

FAR_AT_SEA_M: Final = 370_400.0
"""A point at sea disagrees with its country beyond 200 nautical miles of its land, the breadth of an exclusive economic
zone: article 57 of the United Nations Convention on the Law of the Sea."""

_METRES_PER_DEGREE: Final = 111_320.0


class _Point(NamedTuple):
    """The places of n rows as numbers, NaN where there is none."""

    longitude: Floats
    latitude: Floats


def interpret(told: Told, coordinates: Findings, *, boundaries: places.BoundarySet) -> Findings:
    """Set the stated country and province beside the map.

    Parameters
    ----------
    told : Told
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
    either side may be right: BORDER_AMBIGUOUS, and no mismatch with either. PRESUMED_SWAPPED_COORDINATE and
    PRESUMED_NEGATED_…: the point disagrees with the stated country and the changed one does not.
    PROVINCE_COORDINATE_MISMATCH: the point lies in another division, farther than the band from the stated one.
    """
    latitude, longitude = coordinates.columns["decimalLatitude"], coordinates.columns["decimalLongitude"]
    point = _Point(_floats(longitude), _floats(latitude))
    located = places.locate(point.longitude, point.latitude, boundaries)
    country = _stated_country(told)
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
        "stateProvince": told["stateProvince"],
        **{name: located[name] for name in ("located_country_code", "province_code", "border_distance_m", "ambiguous")},
    }
    flags = {
        "COUNTRY_INVALID": country["invalid"],
        "COUNTRY_MISMATCH": country["mismatch"],
        "COUNTRY_DERIVED_FROM_COORDINATES": facts["derived"],
        "COUNTRY_COORDINATE_MISMATCH": disagrees,
        "BORDER_AMBIGUOUS": located["ambiguous"],
        **presumed,
        **_province_flags(told, facts["code"], located, point, boundaries),
    }
    return Findings(columns, flags, noted)


def _floats(values: pl.Series) -> Floats:
    """Return numbers as an array, NaN for null."""
    return values.fill_null(float("nan")).to_numpy()


def _stated_country(told: Told) -> pl.DataFrame:
    """Return the stated country of each row, whether it is not known, and whether code and name disagree."""
    code, name = parse_countries(told["countryCode"]), parse_countries(told["country"])
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
    wrong = suspects.filter(here.is_not_null())["row"]
    at_sea = suspects.filter(here.is_null() & ~pl.col("ambiguous"))
    found = np.zeros(len(stated), dtype=bool)
    found[wrong.to_numpy()] = True
    for (code,), rows in at_sea.group_by("stated"):
        at = rows["row"].to_numpy()
        found[at] = _beyond(_country(code, boundaries), point, at, FAR_AT_SEA_M)
    return pl.Series("disagrees", found)


def _country(code: object, boundaries: places.BoundarySet) -> shapely.Geometry | None:
    """Return a country's land; None where the set does not have it."""
    known = bool(boundaries.units["country_code"].eq(code).any())
    return places.country_geometry(str(code), boundaries) if known else None


def _beyond(
    geometry: shapely.Geometry | None, point: _Point, at: NDArray[np.uint32], distance_m: float
) -> NDArray[np.bool_]:
    """Tell which of the points are surely farther than `distance_m` from the geometry; none where there is none."""
    if geometry is None:
        return np.zeros(len(at), dtype=bool)
    # A degree of longitude is never longer than one of latitude: counted in the shorter, the reach is never too small.
    degrees = distance_m / (_METRES_PER_DEGREE * np.maximum(np.cos(np.radians(point.latitude[at])), 0.05))
    shapely.prepare(geometry)
    points = shapely.points(np.column_stack([point.longitude[at], point.latitude[at]]))
    # The stubs know one distance only, shapely takes one a point.
    return np.asarray(~shapely.dwithin(geometry, points, cast("float", degrees)), dtype=np.bool_)


def _presumed(
    disagrees: pl.Series, stated: pl.Series, point: _Point, boundaries: places.BoundarySet
) -> tuple[dict[str, pl.Series], list[pl.DataFrame]]:
    """Tell which points would agree with their country if swapped, or with the other sign, and propose that."""
    at = disagrees.arg_true().to_numpy()
    x, y = point.longitude[at], point.latitude[at]
    ways = {
        "PRESUMED_SWAPPED_COORDINATE": (np.where(np.abs(x) <= 90, y, np.nan), x),
        "PRESUMED_NEGATED_LATITUDE": (x, np.where(y == 0, np.nan, -y)),
        "PRESUMED_NEGATED_LONGITUDE": (np.where(x == 0, np.nan, -x), y),
    }
    open_rows = np.ones(len(at), dtype=bool)
    flags = {}
    for flag, (longitude, latitude) in ways.items():
        agrees = open_rows & _in_country(stated.gather(at), longitude, latitude, boundaries)
        open_rows &= ~agrees
        marked = np.zeros(len(stated), dtype=bool)
        marked[at[agrees]] = True
        flags[flag] = pl.Series(flag, marked)
    latitude_told, longitude_told = pl.Series(point.latitude), pl.Series(point.longitude)
    noted = swap(flags["PRESUMED_SWAPPED_COORDINATE"], latitude_told, longitude_told)
    for flag, term, told in (
        ("PRESUMED_NEGATED_LATITUDE", "decimalLatitude", latitude_told),
        ("PRESUMED_NEGATED_LONGITUDE", "decimalLongitude", longitude_told),
    ):
        noted.append(repairs(flags[flag], term, -told, "negate", applied=False))
    return flags, noted


def _in_country(
    stated: pl.Series, longitude: Floats, latitude: Floats, boundaries: places.BoundarySet
) -> NDArray[np.bool_]:
    """Tell which points lie in the stated country, or within the band of it."""
    if not len(stated):
        return np.zeros(0, dtype=bool)
    located = places.locate(longitude, latitude, boundaries).with_columns(stated=stated)
    inside = (pl.col("located_country_code") == pl.col("stated")) | pl.col("country_codes").list.contains(
        pl.col("stated")
    )
    return located.select(inside.fill_null(value=False)).to_series().to_numpy()


def _province_flags(
    told: Told, country: pl.Series, located: pl.DataFrame, point: _Point, boundaries: places.BoundarySet
) -> dict[str, pl.Series]:
    """Set the stated province beside the map, in countries whose divisions the set has."""
    if not told.has("stateProvince"):
        return {}
    rows = pl.DataFrame({"country": country, "text": told["stateProvince"], "here": located["province_code"]})
    divided = boundaries.units.filter(pl.col("province_code").is_not_null())["country_code"].unique()
    pairs = rows.select("country", "text").drop_nulls().unique().filter(pl.col("country").is_in(divided.implode()))
    codes = [places.find_province(code, text, boundaries) for code, text in pairs.iter_rows()]
    known = pairs.with_columns(pl.Series("code", codes, dtype=pl.String), asked=pl.lit(value=True))
    rows = rows.join(known, on=["country", "text"], how="left", maintain_order="left")
    elsewhere = rows.with_row_index("row").filter(pl.col("here") != pl.col("code"))
    mismatch = np.zeros(rows.height, dtype=bool)
    for (code,), group in elsewhere.group_by("code"):
        at = group["row"].to_numpy()
        mismatch[at] = _beyond(places.province_geometry(str(code), boundaries), point, at, boundaries.band_m)
    return {
        "PROVINCE_UNKNOWN": rows.select(pl.col("asked") & pl.col("code").is_null()).to_series(),
        "PROVINCE_COORDINATE_MISMATCH": pl.Series(mismatch),
    }
