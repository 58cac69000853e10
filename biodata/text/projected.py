"""Metres of a projection: recognised and taken apart as what they are; turning them into degrees is another's work."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

import polars as pl

from biodata.text.coordinates import LONGEST, normalise
from biodata.text.tables import over_distinct


class Grid(StrEnum):
    """The kinds of grids that can be recognised."""

    UTM = "utm"
    """Universal Transverse Mercator, or a national system in its zones (the datum is not told by the text)."""
    GAUSS_KRUGER_6 = "gauss_kruger_6"
    """China's 6° zones 13-23, the zone written before the easting."""
    GAUSS_KRUGER_3 = "gauss_kruger_3"
    """China's 3° zones 24-45, the zone written before the easting."""
    VN2000 = "vn2000"
    """VN-2000, named in the text."""
    MGRS = "mgrs"
    """A reference of the Military Grid Reference System."""
    METRES = "metres"
    """Two numbers of metres, the grid not told."""


class Projected(NamedTuple):
    """A place in metres of a projection.

    Attributes
    ----------
    easting_m, northing_m : float, optional
        Metres; None for a grid reference. A zone written before the easting is taken off.
    zone : int, optional
        Number of the zone, where told.
    band : str, optional
        The letter behind the zone as told: a latitude band, or N and S for the hemisphere.
    hemisphere : str, optional
        N or S, where the letter proves it: every letter from N on is north of the equator, but S could be either the
        band from 32° N or the south.
    grid : Grid
        What kind of grid it is.
    central_meridian : float, optional
        Degrees east, where told.
    proven : bool
        False where nothing proves which of the numbers is the easting: it was taken to be the first.
    """

    easting_m: float | None
    northing_m: float | None
    zone: int | None
    band: str | None
    hemisphere: str | None
    grid: Grid
    central_meridian: float | None
    proven: bool


SCHEMA: Final = pl.Schema(
    {
        "easting_m": pl.Float64,
        "northing_m": pl.Float64,
        "zone": pl.Int64,
        "band": pl.String,
        "hemisphere": pl.String,
        "grid": pl.String,
        "central_meridian": pl.Float64,
        "proven": pl.Boolean,
    }
)

# Metres of the usual grids: false eastings of 500 km, China's with up to two digits of the zone before them; northings
# up to the pole. Below 10 km nothing tells them from degrees and other figures.
_LEAST_M, _MOST_NORTHING_M = 10_000.0, 10_002_000.0
_EASTINGS_M: Final = (100_000.0, 999_999.999)

_METRES: Final = re.compile(
    r"(?<![\d.,])(?:(?P<label>[ENXYxy]|mE|mN|(?i:easting|northing|east|north|东|北|东坐标|北坐标))\s*[:=]?\s*)?"
    r"(?P<number>\d{5,8}(?:\.\d{1,6})?|\d{1,2}(?:[ ,]\d{3}){1,2}(?:\.\d{1,6})?(?![\d,])|\d{3}[ ,]\d{3}(?:\.\d{1,6})?(?![\d,]))"
    r"(?![\d])\s*(?:m(?:etres|eters)?(?![a-z]))?(?(label)|\s*(?P<side>mE|mN|[EN](?![A-Za-z]))?)"
)
_ZONE: Final = re.compile(
    r"(?<![\d.])(?:(?:UTM|zone|zona|fuseau|múi|带|帶)\s*[:.]?\s*)*(?P<zone>[1-9]|[1-5]\d|60)\s*(?P<band>[C-HJ-NP-X])?"
    r"(?![\dA-Za-z.°])",
    re.IGNORECASE,
)
_MGRS: Final = re.compile(
    r"([1-9]|[1-5]\d|60) ?([C-HJ-NP-X]) ?([A-HJ-NP-Z][A-HJ-NP-V]) ?((?:\d\d){1,5}|\d{1,5} \d{1,5})"
)
_MERIDIAN: Final = re.compile(r"(?<![\d.])(\d{2,3})\s*°\s*(?:(\d{1,2})\s*['′’])?")
_NAMES: Final = re.compile(
    r"(?i)UTM|VN[ -]?2000|WGS[ -]?84|Gauss[ -]?Kr[üu](?:e)?ger|高斯|克吕格|克呂格|Indian 19\d\d|Beijing|Xi'?an|CGCS2000"
    r"|zone|zona|fuseau|múi|kinh tuyến trục|KTT|hệ tọa độ|坐标|带号|带|datum|grid"
)


def parse_projected(values: pl.Series) -> pl.DataFrame:
    """Take a column of metres of a projection apart.

    Parameters
    ----------
    values : polars.Series of str, length n
        Such as `47Q 735000 2375000`, `UTM 48N E 735000 N 2375000`, `X 2765432 Y 18512345`.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as told and the fields of `Projected`; null where the text is none.
    """

    def parse(distinct: pl.Series) -> pl.DataFrame:
        rows = [(text, *(read_projected(text) or (None,) * len(SCHEMA))) for text in distinct]
        return pl.DataFrame(rows, schema={"value": pl.String, **SCHEMA}, orient="row")

    return over_distinct(values, parse)


@lru_cache(maxsize=1 << 16)
def read_projected(text: str) -> Projected | None:
    """Recognise one text; return None where it holds no metres of a projection."""
    plain = normalise(text) if len(text) <= LONGEST else ""
    match = _MGRS.fullmatch(plain)
    if match:
        return Projected(None, None, int(match[1]), match[2], _hemisphere(match[2]), Grid.MGRS, None, proven=True)
    found = list(_METRES.finditer(plain))
    if len(found) != 2:
        return None
    numbers = [float(re.sub("[ ,]", "", match["number"])) for match in found]
    around = plain
    for match in reversed(found):
        around = around[: match.start()] + " ; " + around[match.end() :]
    meridian = _MERIDIAN.search(around)
    central = int(meridian[1]) + int(meridian[2] or 0) / 60 if meridian else None
    # Names with figures (WGS 84) go first, or the figures would be taken for a zone.
    named = _NAMES.sub(lambda name: name[0] if name[0].isalpha() else " ", _MERIDIAN.sub(" ", around))
    zones = list(_ZONE.finditer(named))
    zone = zones[0] if len(zones) == 1 else None
    rest = _NAMES.sub(" ", named if zone is None else named[: zone.start()] + " " + named[zone.end() :])
    if re.search(r"[^\s,;:/()\[\].\-]", rest):
        return None
    order = _order([_label(match) for match in found], numbers)
    if order is None:
        return None
    easting, northing, proven = order
    named_vn2000 = re.search(r"(?i)VN[ -]?2000", plain) is not None
    return _placed(easting, northing, zone, central, named_vn2000=named_vn2000, proven=proven)


def _placed(
    easting: float,
    northing: float,
    zone: re.Match[str] | None,
    central: float | None,
    *,
    named_vn2000: bool,
    proven: bool,
) -> Projected:
    """Say which grid two numbers of metres belong to."""
    number, band = (int(zone["zone"]), zone["band"]) if zone else (None, None)
    band = band.upper() if band else None
    prefix, within = divmod(easting, 1_000_000)
    if 13 <= prefix <= 45 and _EASTINGS_M[0] <= within <= _EASTINGS_M[1]:
        grid = Grid.GAUSS_KRUGER_6 if prefix <= 23 else Grid.GAUSS_KRUGER_3
        return Projected(within, northing, int(prefix), None, "N", grid, central, proven=proven)
    grid = Grid.VN2000 if named_vn2000 else Grid.UTM if number is not None else Grid.METRES
    return Projected(easting, northing, number, band, _hemisphere(band), grid, central, proven=proven)


def _label(match: re.Match[str]) -> str | None:
    """Return E or N where a label or letter says what a number is; X and Y say nothing, see `_order`."""
    told = match["side"] or match["label"]
    if told is None:
        return None
    first = told[-1].lower() if told in {"mE", "mN"} else told[0].lower()
    return {"e": "E", "n": "N", "东": "E", "北": "N"}.get(first)


def _order(labels: list[str | None], numbers: list[float]) -> tuple[float, float, bool] | None:
    """Return easting, northing and whether that order is proven; None where neither order is possible.

    X and Y are swapped between surveyors (X to the north, in China and Viet Nam) and GIS (X to the east): the size of
    the numbers decides, as it does where nothing is said.
    """
    ways = [(numbers[0], numbers[1]), (numbers[1], numbers[0])]
    possible = [way for way in ways if _is_easting(way[0]) and _LEAST_M <= way[1] <= _MOST_NORTHING_M]
    if "E" in labels or "N" in labels:
        at_easting = labels.index("E") if "E" in labels else 1 - labels.index("N")
        told = ways[0] if at_easting == 0 else ways[1]
        return (*told, True) if told in possible else None
    return (*possible[0], len(possible) == 1) if possible else None


def _is_easting(number: float) -> bool:
    """Tell whether a number can be an easting, with or without a zone before it."""
    prefix, within = divmod(number, 1_000_000)
    return _EASTINGS_M[0] <= within <= _EASTINGS_M[1] and (prefix == 0 or 13 <= prefix <= 45)


def _hemisphere(band: str | None) -> str | None:
    """Return N or S where a letter behind a zone proves it."""
    if band is None or band == "S":
        return None
    return "N" if band >= "N" else "S"
