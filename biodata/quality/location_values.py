"""Tests of BDQ Core on datums, coordinates, depths and elevations as numbers and as verbatim text."""

import math
import re
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.quality.location_place import code_meant, is_code
from biodata.quality.model import (
    BLANKS,
    Answer,
    Arguments,
    Context,
    Preparation,
    Test,
    number,
    parameters_of,
    term_of,
    test,
    value,
)
from biodata.text.coordinate_pairs import FIRST_ASSUMED, NOTHING, Pair, read_pair, read_two
from biodata.text.numbers import ascii_digits

# Depths and elevations stated in words, with their unit, to metres.

# Metres in a unit; feet, yards and fathoms as agreed in 1959 (1 yard = 0.9144 m).
UNITS: Final = MappingProxyType(
    {
        **dict.fromkeys(("m", "ms", "mt", "mts", "mtr", "mtrs", "meter", "meters", "metre", "metres", "metro", "metros",
                         "m.s.n.m", "msnm", "mètre", "mètres", "米", "公尺", "เมตร", "mét"), Decimal(1)),
        **dict.fromkeys(("km", "kms", "kilometer", "kilometers", "kilometre", "kilometres", "公里"), Decimal(1000)),
        **dict.fromkeys(("ft", "fts", "feet", "foot", "'", "′", "英尺"), Decimal("0.3048")),
        **dict.fromkeys(("yd", "yds", "yard", "yards"), Decimal("0.9144")),
        **dict.fromkeys(("fathom", "fathoms", "fath", "fth", "fths", "fm", "fms", "ftm", "ftms"), Decimal("1.8288")),
    }
)  # fmt: skip
ENGLISH: Final = frozenset({Decimal("0.3048"), Decimal("0.9144"), Decimal("1.8288")})
"""Units that people use who set thousands apart with commas."""

_NUMBER: Final = r"[+-]?\d+(?:,\d{3})*(?:\.\d+)?"
_UNIT: Final = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_LEAST: Final = r"min(?:imum)?\.?\s*(?:depth|elevation|elev\.?|alt(?:itude)?\.?)?"
_MOST: Final = r"max(?:imum)?\.?\s*(?:depth|elevation|elev\.?|alt(?:itude)?\.?)?"
_BEFORE: Final = re.compile(
    r"^(?:depth|water depth|elevation|elev|altitude|alt|height|at|from|between|海拔|水深|深度|độ cao|độ sâu)\b[\s.:=]*"
    r"|^(?:海拔|水深|深度)[约約]?\s*"
)
_AFTER: Final = re.compile(
    r"[\s,;(]*(?:above (?:mean )?sea[ -]level|below (?:the )?(?:surface|sea[ -]level)|a\.?\s?s\.?\s?l\.?|a\.?m\.?s\.?l\.?"
    r"|elevation|elev\.?|altitude|alt\.?|depth|deep|high)[)\s.]*$"
)
_ONE: Final = re.compile(rf"(?P<low>{_NUMBER})\s*(?P<unit>{_UNIT})\.?")
_RANGE: Final = re.compile(
    rf"(?P<low>{_NUMBER})\s*(?P<unit>{_UNIT})?\.?\s*(?:-|–|—|~|～|to|and|until|/|至|到|đến)\s*(?P<high>{_NUMBER})\s*(?P<of>{_UNIT})\.?"
)
_BOTH: Final = re.compile(
    rf"{_LEAST}\s*[:=]?\s*(?P<low>{_NUMBER})\s*(?P<unit>{_UNIT})?\.?\s*[,;/&]?\s*(?:and\s+)?{_MOST}\s*[:=]?\s*"
    rf"(?P<high>{_NUMBER})\s*(?P<of>{_UNIT})\.?"
)
_LONGEST: Final = 120


def read_heights(text: str, *, below_zero: bool) -> tuple[str, str] | None:
    """Return the least and the largest metres that a text tells; None where that is not beyond doubt.

    Parameters
    ----------
    text : str
        One number or a range, with a unit: `10-15 ftm`, `Mindepth 10m, maxdepth=100m`, `1500 to 1800 ft`. One end
        alone, a number without a unit, or one that is about or more or less, is not read.
    below_zero : bool
        Whether negative numbers make sense (elevations).

    Returns
    -------
    tuple of str, or None
        Plain decimals, the smaller first; no digit is rounded.
    """
    if len(text) > _LONGEST:
        return None
    stated = " ".join(ascii_digits(text).casefold().split()).strip(" .;,")
    stated = _AFTER.sub("", _BEFORE.sub("", stated)).strip(" .;,()")
    match = _BOTH.fullmatch(stated) or _RANGE.fullmatch(stated) or _ONE.fullmatch(stated)
    if match is None:
        return None
    parts = match.groupdict()
    low = _metres(parts["low"], parts["unit"] or parts.get("of"))
    high = _metres(parts["high"], parts["of"]) if parts.get("high") else low
    if low is None or high is None or (min(low, high) < 0 and not below_zero):
        return None
    least, most = sorted((low, high))
    return _plain(least), _plain(most)


def _metres(number: str, unit: str | None) -> Decimal | None:
    """Return metres; None where a comma could be a decimal one."""
    if unit is None:
        return None
    factor = UNITS[unit]
    if "," in number and factor not in ENGLISH:
        return None
    # Metres keep the digits that were stated ("10.0 m"); noughts that a conversion adds say nothing.
    metres = Decimal(number.replace(",", "")) * factor
    return metres if factor == 1 else metres.normalize()


def _plain(metres: Decimal) -> str:
    """Return a decimal without exponent."""
    return f"{metres:f}"


# Tests of BDQ Core on the numbers of a place: coordinates in range, uncertainty, depths and elevations.

HALF_EQUATOR_M: Final = 20_037_509
"""Half the circumference of the earth at the equator, metres."""


def _within(label: str, low: float, high: float) -> Test:
    """Return the test whether a coordinate is in its range."""
    term = term_of(label)
    return test(label, lambda _: Answer(value(term).is_between(low, high)), number(term))


def _in_valid_range(label: str, *, least: float = -math.inf) -> Test:
    """Return the test whether a number lies between two parameters; below `least` it is none that can be tested."""
    term, (lower, upper) = term_of(label), parameters_of(label)

    def answer(arguments: Arguments) -> Answer:
        then = pl.when(value(term) >= least).then(value(term))
        return Answer((then >= arguments.number(lower)) & (then <= arguments.number(upper)))

    return test(label, answer, number(term))


def _ordered(label: str, what: str, *, least: float = -math.inf) -> Test:
    """Return the test whether a minimum is not above its maximum."""
    low, high = f"minimum{what}InMeters", f"maximum{what}InMeters"

    def answer(_: Arguments) -> Answer:
        testable = (value(low) >= least) & (value(high) >= least)
        return Answer(pl.when(testable).then(value(low) <= value(high)))

    return test(label, answer, number(low), number(high))


def _uncertainty_in_range(arguments: Arguments) -> Answer:
    stated = value("coordinateUncertaintyInMeters")
    inside = stated.is_between(1, HALF_EQUATOR_M).fill_null(value=False)
    return Answer(pl.when(arguments.filled("coordinateUncertaintyInMeters")).then(inside))


def _not_zero(_: Arguments) -> Answer:
    latitude, longitude = value("decimalLatitude"), value("decimalLongitude")
    stated = latitude.is_not_null() & longitude.is_not_null()
    return Answer(pl.when(stated).then((latitude != 0) | (longitude != 0)))


# Amendments of BDQ Core that read coordinates, depths and elevations out of their verbatim terms.

_VERBATIM: Final = (
    "verbatimCoordinates", "verbatimLatitude", "verbatimLongitude", "verbatimCoordinateSystem", "verbatimSRS",
)  # fmt: skip
_READ: Final = pl.Schema({"latitude": pl.String, "longitude": pl.String, "datum": pl.String})
_NO_DEGREES: Final = re.compile(r"utm|mgrs|grid|metres|meters|easting|northing|gauss|lambert|mercator|网格|公里网")
_PLAIN: Final = re.compile(r"[+-]?\d+(?:\.\d+)?")
_DECIMALS: Final = 7
"""Degrees of minutes and seconds are stated to a centimetre."""
_AGREES_DEGREES: Final = 1e-4

Texts = tuple[str | None, ...]


def _make_read(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
    rows = [_read(*(None if text is None else text.strip(BLANKS) for text in row)) for row in frame.iter_rows()]
    return pl.DataFrame(rows, schema=_READ, orient="row")


def _read(both: str | None, latitude: str | None, longitude: str | None, system: str | None, srs: str | None) -> Texts:
    """Return decimal latitude, longitude and datum that the verbatim terms tell; None three times where in doubt."""
    nothing = (None, None, None)
    datum = None if srs is None else srs if is_code(srs) else code_meant(srs)
    if (srs is not None and datum is None) or (system is not None and _NO_DEGREES.search(system.casefold())):
        return nothing
    apart = read_two(latitude, longitude) if latitude is not None and longitude is not None else NOTHING
    together = NOTHING if both is None else read_pair(both)
    if (both is not None and not _sure(together, may_be_swapped=True)) or (
        latitude is not None and longitude is not None and not _sure(apart, may_be_swapped=False)
    ):
        return nothing
    pair = apart if apart.latitude is not None else together
    if pair.latitude is None or pair.longitude is None or not _agree(pair, together, latitude, longitude):
        return nothing
    texts = [text for text in (latitude, longitude) if text] if pair is apart else re.split(r"[\s,;]+", both or "")
    return _decimal(pair.latitude, texts), _decimal(pair.longitude, texts), datum


def _sure(pair: Pair, *, may_be_swapped: bool) -> bool:
    """Return whether a pair could not be read in another way; of one text the longitude may stand first."""
    allowed = {"PRESUMED_SWAPPED_COORDINATE"} if may_be_swapped else set()
    return pair.latitude is not None and pair.rule != FIRST_ASSUMED and set(pair.issues) <= allowed


def _agree(pair: Pair, together: Pair, latitude: str | None, longitude: str | None) -> bool:
    """Return whether the pair agrees with the one text for both, and with a latitude or longitude that stands alone."""
    if pair.latitude is None or pair.longitude is None:
        return False
    if together.latitude is not None and together.longitude is not None:
        near = abs(together.latitude - pair.latitude) + abs(together.longitude - pair.longitude)
        if near > _AGREES_DEGREES:
            return False
    # One of the two with another text than the pair's own is read beside the pair's other one.
    if (latitude is None) != (longitude is None):
        alone = read_two(latitude or f"{pair.latitude}", longitude or f"{pair.longitude}")
        if alone.latitude is None or alone.longitude is None:
            return False
        return abs(alone.latitude - pair.latitude) + abs(alone.longitude - pair.longitude) <= _AGREES_DEGREES
    return True


def _decimal(degrees: float, texts: list[str]) -> str:
    """Return degrees as text: the digits that were stated where they are plain degrees."""
    for text in texts:
        if _PLAIN.fullmatch(text) and float(text) == degrees:
            return text.lstrip("+")
    text = f"{degrees:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


_VERBATIM_READ: Final = Preparation("verbatim_coordinates", _VERBATIM, dict(_READ), _make_read)


def _coordinates(arguments: Arguments) -> Answer:
    source = arguments.filled("verbatimCoordinates") | arguments.filled("verbatimLatitude", "verbatimLongitude")
    testable = ~arguments.any_filled("decimalLatitude", "decimalLongitude") & source
    datum = pl.when(~arguments.filled("geodeticDatum")).then(_VERBATIM_READ.column("datum"))
    return Answer(
        pl.when(testable).then(pl.lit(value=True)),
        proposals={
            "decimalLatitude": _VERBATIM_READ.column("latitude"),
            "decimalLongitude": _VERBATIM_READ.column("longitude"),
            "geodeticDatum": datum,
        },
        filled_in=True,
    )


def _heights(label: str, what: str, *, below_zero: bool) -> Test:
    """Return the amendment that reads a depth or an elevation."""
    low, high, source = f"minimum{what}InMeters", f"maximum{what}InMeters", f"verbatim{what}"

    def make(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
        rows = [
            (text is not None and read_heights(text.strip(BLANKS), below_zero=below_zero)) or (None, None)
            for text in frame[source]
        ]
        return pl.DataFrame(rows, schema={"low": pl.String, "high": pl.String}, orient="row")

    read = Preparation(f"{source}.read", (source,), {"low": pl.String, "high": pl.String}, make)

    def answer(arguments: Arguments) -> Answer:
        testable = ~arguments.any_filled(low, high) & arguments.filled(source)
        return Answer(
            pl.when(testable).then(pl.lit(value=True)),
            proposals={low: read.column("low"), high: read.column("high")},
            filled_in=True,
        )

    return test(label, answer, read)


TESTS: Final = (
    _within("VALIDATION_DECIMALLATITUDE_INRANGE", -90.0, 90.0),
    _within("VALIDATION_DECIMALLONGITUDE_INRANGE", -180.0, 180.0),
    test("VALIDATION_COORDINATES_NOTZERO", _not_zero, number("decimalLatitude"), number("decimalLongitude")),
    test("VALIDATION_COORDINATEUNCERTAINTY_INRANGE", _uncertainty_in_range, number("coordinateUncertaintyInMeters")),
    _in_valid_range("VALIDATION_MINDEPTH_INRANGE", least=0.0),
    _in_valid_range("VALIDATION_MAXDEPTH_INRANGE", least=0.0),
    _in_valid_range("VALIDATION_MINELEVATION_INRANGE"),
    _in_valid_range("VALIDATION_MAXELEVATION_INRANGE"),
    _ordered("VALIDATION_MINDEPTH_LESSTHAN_MAXDEPTH", "Depth", least=0.0),
    _ordered("VALIDATION_MINELEVATION_LESSTHAN_MAXELEVATION", "Elevation"),
    test("AMENDMENT_COORDINATES_FROM_VERBATIM", _coordinates, _VERBATIM_READ),
    _heights("AMENDMENT_MINDEPTHMAXDEPTH_FROM_VERBATIM", "Depth", below_zero=False),
    _heights("AMENDMENT_MINELEVATIONMAXELEVATION_FROM_VERBATIM", "Elevation", below_zero=True),
)
"""The tests of numbers and verbatim texts."""
