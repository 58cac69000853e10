"""Points whose system nobody stated: their numbers, the place that they are stated in, and what the numbers look like."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import polars as pl
import shapely

from biodata import places
from biodata.core.geo import PREPARED, Floats, metres_per_degree
from biodata.harmonise.findings import Stated
from biodata.places.datums import Form, System, all_systems, false_easting_m
from biodata.text.coordinates import Axis, parse_coordinates
from biodata.text.countries import parse_countries
from biodata.text.numbers import parse_decimals

POINTS: Final = pl.Schema(
    {
        "row": pl.Int64, "dataset": pl.String, "x": pl.Float64, "y": pl.Float64, "form": pl.String, "zone": pl.Int64,
        "country": pl.String, "region": pl.String,
    }
)  # fmt: skip
"""n points: longitude or easting as `x`, latitude or northing as `y`; `form` of `datums.Form`, null where the numbers
are no coordinates; `zone` of a Gauss-Krüger easting, 0 without; `region` is the ISO code of the stated division, or of
the country where none is known."""

PAIRS: Final = (
    ("decimalLongitude", "decimalLatitude"), ("easting", "northing"), ("x", "y"),
    ("verbatimLongitude", "verbatimLatitude"), ("utm_e", "utm_n"), ("utm_x", "utm_y"), ("xcoord", "ycoord"),
    ("lon", "lat"), ("lng", "lat"),
)  # fmt: skip
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


def read_points(stated: Stated, *, boundaries: places.BoundarySet) -> pl.DataFrame:
    """Read the points of a table.

    Parameters
    ----------
    stated : Stated
        n rows.
    boundaries : BoundarySet
        The map that has the stated places.

    Returns
    -------
    polars.DataFrame of n rows, `POINTS`
    """
    x, y = stated_numbers(stated)
    form, zone, swapped = forms_of(x, y)
    country, region = _regions(stated, boundaries)
    dataset = stated.first_of(*_DATASETS)
    frame = pl.DataFrame(
        {
            "row": stated.batch["source_row"], "dataset": dataset.fill_null(""), "x": np.where(swapped, y, x),
            "y": np.where(swapped, x, y), "form": form, "zone": zone, "country": country, "region": region,
        }
    )  # fmt: skip
    return frame.select(pl.col(name).cast(dtype) for name, dtype in POINTS.items())


def stated_numbers(stated: Stated) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of each row's place, longitude or easting first; NaN where none can be read."""
    headings = {name.lower(): name for name in stated.batch.columns}
    x, y = (np.full(stated.height, np.nan) for _ in range(2))
    for pair in PAIRS:
        names = [headings.get(name.lower()) for name in pair]
        missing = np.isnan(x) | np.isnan(y)
        if None in names or not missing.any():
            continue
        angles = pair[0].lower().startswith(("decimal", "verbatim", "l"))
        of_x = _numbers(_cells(stated, str(names[0])), Axis.LONGITUDE if angles else None)
        of_y = _numbers(_cells(stated, str(names[1])), Axis.LATITUDE if angles else None)
        fill = missing & ~np.isnan(of_x) & ~np.isnan(of_y)
        x, y = np.where(fill, of_x, x), np.where(fill, of_y, y)
    missing = np.isnan(x) | np.isnan(y)
    if missing.any() and stated.has("verbatimCoordinates"):
        text = stated["verbatimCoordinates"].str.extract_groups(f"^{_IN_ONE.pattern}$").struct
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


def _cells(stated: Stated, name: str) -> pl.Series:
    """Return a column's cells, of a term or of another heading."""
    return stated[name] if name in stated.terms else stated.batch[name].str.strip_chars()


def _numbers(cells: pl.Series, axis: Axis | None) -> np.ndarray:
    """Read metres, or on an axis degrees in any spelling; NaN where there is neither."""
    plain = cells.str.to_lowercase().str.replace_all(r"[ '](\d{3})\b", "$1")
    read = parse_decimals(plain, units=_METRE_UNITS)["number"]
    if axis is not None:
        read = pl.select(pl.coalesce(parse_coordinates(cells, axis)["number"], read)).to_series()
    return read.fill_null(np.nan).to_numpy()


def _regions(parsed: Stated, boundaries: places.BoundarySet) -> tuple[pl.Series, pl.Series]:
    """Return the stated country, and the most exact stated place that the map has."""
    code, name = parse_countries(parsed["countryCode"])["code"], parse_countries(parsed["country"])["code"]
    rows = pl.DataFrame({"country": code, "named": name, "text": parsed["stateProvince"]}).select(
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


# A stated place as an area, and the systems that come into question there.

_REACH_DEGREES: Final = 0.5


class Region:
    """A stated country or division as an area that points lie in or out of.

    Parameters
    ----------
    shape : shapely geometry
        Degrees, WGS 84.

    Attributes
    ----------
    bounds : ndarray of float64, length 4
        West, south, east, north, degrees.
    """

    def __init__(self, shape: shapely.Geometry) -> None:
        self._shape = shape
        with PREPARED:
            shapely.prepare(shape)
        self.bounds = shapely.bounds(shape)
        latitude = np.array([(self.bounds[1] + self.bounds[3]) / 2])
        east, north = metres_per_degree(latitude)
        self._scale = np.array([east[0], north[0]])
        rings = shapely.get_rings(shapely.get_parts(shape))
        coordinates, ring = shapely.get_coordinates(rings, return_index=True)
        same = ring[1:] == ring[:-1]
        ends = np.stack([coordinates[:-1][same], coordinates[1:][same]], axis=1) * self._scale
        self._edges = shapely.STRtree(shapely.linestrings(ends))

    def outside_m(self, longitude: Floats, latitude: Floats) -> Floats:
        """Return how far points lie outside, negative inside.

        Parameters
        ----------
        longitude, latitude : ndarray of float64, length n
            Degrees, WGS 84; NaN lies infinitely far outside.

        Returns
        -------
        ndarray of float64, length n
            Metres; the sign is exact for the shape's straight edges, the size within some per cent. Infinite farther
            than half a degree outside the box around the area.
        """
        west, south, east, north = self.bounds
        reach = _REACH_DEGREES
        near = (longitude > west - reach) & (longitude < east + reach)
        near &= (latitude > south - reach) & (latitude < north + reach)
        outside = np.full(len(longitude), np.inf)
        at = np.flatnonzero(near)
        if not len(at):
            return outside
        points = shapely.points(np.column_stack([longitude[at], latitude[at]]) * self._scale)
        (which, _), metres = self._edges.query_nearest(points, return_distance=True, all_matches=False)
        distance = np.empty(len(at))
        distance[which] = metres
        with PREPARED:
            inside = shapely.contains_xy(self._shape, longitude[at], latitude[at])
        outside[at] = np.where(inside, -distance, distance)
        return outside


@lru_cache(maxsize=512)
def region(code: str, boundaries: places.BoundarySet) -> Region:
    """Return the area of a country (ISO 3166-1 alpha-2) or of a division (ISO 3166-2)."""
    shape = places.province_geometry(code, boundaries) if "-" in code else places.country_geometry(code, boundaries)
    return Region(shape)


_MARGIN_DEGREES: Final = {Form.DEGREES.value: 1.5, Form.METRES.value: 3.0, Form.METRES_WITH_ZONE.value: 3.0}
"""How far beyond its area a system is used: a country on two zones of a projection often keeps to one of them."""

_ELSEWHERE: Final = 0.1
"""How common a TM-3 zone is outside the provinces that it is prescribed for, and a Gauss-Krüger zone so far beyond its
edge that the easting, 500 km and more from the meridian, begins with the neighbour's number."""

_TM3: Final = "VN-2000 / TM-3"
_WEST, _EAST = "EPSG:5897", "EPSG:5898"
_DIVIDE_DEGREES: Final = 106.5


class Candidate(NamedTuple):
    """A system that comes into question, and how common it is beside the others."""

    system: System
    weight: float


@lru_cache(maxsize=4096)
def candidates(place: str, form: str, zone: int, boundaries: places.BoundarySet) -> tuple[Candidate, ...]:
    """Return the systems that records of a place may be stated in, the commonest first.

    Parameters
    ----------
    place : str
        ISO 3166-2 code of a division, or ISO 3166-1 alpha-2 code of a country.
    form : str
        A value of `datums.Form`: what the numbers look like.
    zone : int
        The zone before a Gauss-Krüger easting, else 0.
    boundaries : BoundarySet
        The map.

    Notes
    -----
    Circular 973/2001/TT-TCĐC of Viet Nam prescribes a meridian for each province; EPSG names the provinces in its areas
    of use. A province that none of them names has the meridian 105° or 108° of the two wide zones.
    """
    country = place.partition("-")[0]
    box = region(place, boundaries).bounds
    found = []
    for use in all_systems():
        system = use.system
        if use.country_code != country or system.form != form or not _touch(system.bounds, box, _MARGIN_DEGREES[form]):
            continue
        off = abs(int(false_easting_m(system.crs) // 1e6) - zone) if zone else 0
        if off > 1:
            continue
        tm3 = system.name.startswith(_TM3) and "-" in place
        prescribed = not tm3 or prescribed_zones(boundaries).get(place, _wide_zone(box)) == system.id
        found.append(Candidate(system, use.weight * (_ELSEWHERE if off or not prescribed else 1.0)))
    return tuple(sorted(found, key=lambda candidate: -candidate.weight))


@lru_cache(maxsize=8)
def prescribed_zones(boundaries: places.BoundarySet) -> dict[str, str]:
    """Return the TM-3 zone of each Vietnamese province that EPSG names one for, by ISO 3166-2 code."""
    zones: dict[str, str] = {}
    for use in all_systems():
        if not use.system.name.startswith(_TM3):
            continue
        words = use.system.area.removeprefix("Vietnam - ").replace(";", ",").replace(" and ", ",")
        for text in words.split(","):
            code = places.find_province("VN", _province(text), boundaries)
            if code is not None:
                zones[code] = use.system.id
    return zones


def _province(text: str) -> str:
    """Return a province's name as EPSG writes it, without the words around it."""
    for word in ("provinces", "province", "municipality", "cities"):
        text = text.replace(word, "")
    return text.strip()


def _wide_zone(box: np.ndarray) -> str:
    """Return the TM-3 zone, 3° wide, that a province without a zone of its own lies in."""
    return _WEST if (box[0] + box[2]) / 2 < _DIVIDE_DEGREES else _EAST


def _touch(area: tuple[float, float, float, float], box: np.ndarray, margin: float) -> bool:
    """Return whether two boxes come within the margin of each other."""
    west, south, east, north = area
    across = bool(box[0] <= east + margin and box[2] >= west - margin)
    return across and bool(box[1] <= north + margin and box[3] >= south - margin)
