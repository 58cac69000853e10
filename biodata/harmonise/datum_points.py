"""Points whose system nobody told: their numbers, the place that they are stated in, and what the numbers look like."""

import re
from typing import Final

import numpy as np
import polars as pl

from biodata import places
from biodata.datums import Form
from biodata.harmonise.told import Told
from biodata.text.coordinates import Axis, parse_coordinates
from biodata.text.countries import parse_countries
from biodata.text.numbers import parse_decimals

POINTS: Final = pl.Schema(
    {
        "row": pl.Int64,
        "dataset": pl.String,
        "x": pl.Float64,
        "y": pl.Float64,
        "form": pl.String,
        "zone": pl.Int64,
        "country": pl.String,
        "region": pl.String,
        "stated": pl.String,
    }
)
"""n points: longitude or easting as `x`, latitude or northing as `y`; `form` of `datums.Form`, null where the numbers
are no coordinates; `zone` of a Gauss-Krüger easting, 0 without; `region` is the ISO code of the stated division, or of
the country where none is known; `stated` is the datum as told."""

PAIRS: Final = (
    ("decimalLongitude", "decimalLatitude"),
    ("easting", "northing"),
    ("x", "y"),
    ("verbatimLongitude", "verbatimLatitude"),
    ("utm_e", "utm_n"),
    ("utm_x", "utm_y"),
    ("xcoord", "ycoord"),
    ("lon", "lat"),
    ("lng", "lat"),
)
"""Columns that hold a place, the likelier first; in any letter case."""

_DATASETS: Final = ("datasetKey", "datasetID", "datasetName", "collectionCode")
_METRE_UNITS: Final = ("m", "me", "mn", "e", "n", "metres", "meters", "米")
_IN_ONE: Final = re.compile(
    r"(?:\d{1,2}\s*[A-Za-z]{1,5}\b[\s,;:]*)?(?:[XEYN]\s*[=:]?\s*)?(\d{5,8}(?:\.\d+)?)\s*(?:m|mE|E)?"
    r"[\s,;/]+(?:[XEYN]\s*[=:]?\s*)?(\d{5,8}(?:\.\d+)?)\s*(?:m|mN|N)?"
)
SMALLEST_M: Final = 1000.0
LARGEST_M: Final = 10_500_000.0
_FIRST_ZONE_M, _LAST_ZONE_M = 13e6, 46e6


def read_points(told: Told, *, boundaries: places.BoundarySet) -> pl.DataFrame:
    """Read the points of a table.

    Parameters
    ----------
    told : Told
        n rows.
    boundaries : BoundarySet
        The map that has the stated places.

    Returns
    -------
    polars.DataFrame of n rows, `POINTS`
    """
    x, y = told_numbers(told)
    form, zone, swapped = forms_of(x, y)
    country, region = _regions(told, boundaries)
    dataset = told.first_of(*_DATASETS)
    frame = pl.DataFrame(
        {
            "row": told.batch["source_row"],
            "dataset": dataset.fill_null(""),
            "x": np.where(swapped, y, x),
            "y": np.where(swapped, x, y),
            "form": form,
            "zone": zone,
            "country": country,
            "region": region,
            "stated": told["geodeticDatum"],
        }
    )
    return frame.select(pl.col(name).cast(dtype) for name, dtype in POINTS.items())


def told_numbers(told: Told) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of each row's place, longitude or easting first; NaN where none can be read."""
    headings = {name.lower(): name for name in told.batch.columns}
    x, y = (np.full(told.height, np.nan) for _ in range(2))
    for pair in PAIRS:
        names = [headings.get(name.lower()) for name in pair]
        missing = np.isnan(x) | np.isnan(y)
        if None in names or not missing.any():
            continue
        angles = pair[0].lower().startswith(("decimal", "verbatim", "l"))
        of_x = _numbers(_cells(told, str(names[0])), Axis.LONGITUDE if angles else None)
        of_y = _numbers(_cells(told, str(names[1])), Axis.LATITUDE if angles else None)
        fill = missing & ~np.isnan(of_x) & ~np.isnan(of_y)
        x, y = np.where(fill, of_x, x), np.where(fill, of_y, y)
    missing = np.isnan(x) | np.isnan(y)
    if missing.any() and told.has("verbatimCoordinates"):
        text = told["verbatimCoordinates"].str.extract_groups(f"^{_IN_ONE.pattern}$").struct
        of_x, of_y = (text.field(str(n)).cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy() for n in (1, 2))
        x, y = np.where(missing, of_x, x), np.where(missing, of_y, y)
    return x, y


def forms_of(x: np.ndarray, y: np.ndarray) -> tuple[pl.Series, np.ndarray, np.ndarray]:
    """Tell what pairs of numbers look like.

    Parameters
    ----------
    x, y : ndarray of float64, length n
        Longitude or easting, latitude or northing.

    Returns
    -------
    form : Series of str, null where they are no coordinates
    zone : ndarray of int64
        The zone before a Gauss-Krüger easting, else 0.
    swapped : ndarray of bool
        The easting stands in the northing's place, as its zone shows; China writes X for the northing.
    """
    degrees = (np.abs(x) <= 180) & (np.abs(y) <= 90)
    zoned_x = (x >= _FIRST_ZONE_M) & (x < _LAST_ZONE_M) & (y > SMALLEST_M) & (y < LARGEST_M)
    zoned_y = (y >= _FIRST_ZONE_M) & (y < _LAST_ZONE_M) & (x > SMALLEST_M) & (x < LARGEST_M)
    metres = ~degrees & (np.maximum(np.abs(x), np.abs(y)) > SMALLEST_M)
    metres &= (np.minimum(x, y) > -1e6) & (np.maximum(x, y) < LARGEST_M)
    easting = np.where(zoned_y, y, x)
    zoned = zoned_x | zoned_y
    zone = np.where(zoned, np.where(zoned, easting, 0) // 1_000_000, 0).astype(np.int64)
    form = np.select(
        [degrees, zoned, metres], [Form.DEGREES.value, Form.METRES_WITH_ZONE.value, Form.METRES.value], default=""
    )
    return pl.Series("form", form).replace("", None), zone, zoned_y


def _cells(told: Told, name: str) -> pl.Series:
    """Return a column's cells, of a term or of another heading."""
    return told[name] if name in told.terms else told.batch[name].str.strip_chars()


def _numbers(cells: pl.Series, axis: Axis | None) -> np.ndarray:
    """Read metres, or on an axis degrees in any spelling; NaN where there is neither."""
    plain = cells.str.to_lowercase().str.replace_all(r"[ '](\d{3})\b", "$1")
    read = parse_decimals(plain, units=_METRE_UNITS)["number"]
    if axis is not None:
        read = pl.select(pl.coalesce(parse_coordinates(cells, axis)["number"], read)).to_series()
    return read.fill_null(np.nan).to_numpy()


def _regions(told: Told, boundaries: places.BoundarySet) -> tuple[pl.Series, pl.Series]:
    """Return the stated country, and the most exact stated place that the map has."""
    code, name = parse_countries(told["countryCode"])["code"], parse_countries(told["country"])["code"]
    rows = pl.DataFrame({"country": code, "named": name, "text": told["stateProvince"]}).select(
        pl.coalesce("country", "named").alias("country"), "text"
    )
    on_map = set(boundaries.units["country_code"].drop_nulls())
    divided = boundaries.units.filter(pl.col("province_code").is_not_null())["country_code"].unique().sort().to_list()
    answers = []
    for country, text in rows.unique().iter_rows():
        known = [country] if country else divided
        found = [p for c in known if text and c in divided and (p := places.find_province(c, text, boundaries))]
        province = found[0] if len(found) == 1 else None
        stated = country or (province or "").partition("-")[0] or None
        answers.append((country, text, stated, province or (stated if stated in on_map else None)))
    schema = {"country": pl.String, "text": pl.String, "stated": pl.String, "region": pl.String}
    table = pl.DataFrame(answers, schema=schema, orient="row")
    joined = rows.join(table, on=["country", "text"], how="left", nulls_equal=True, maintain_order="left")
    return joined["stated"], joined["region"]
