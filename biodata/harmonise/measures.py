"""Numbers about the place: uncertainty, precision, elevation, depth, and the datum."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from biodata.harmonise.findings import Findings, repairs
from biodata.harmonise.told import Told
from biodata.parsers.controlled import Vocabulary, parse_controlled
from biodata.parsers.decimals import parse_decimals

METRES: Final = ("m", "metre", "metres", "meter", "meters", "masl", "m asl", "米", "公尺")

MAX_UNCERTAINTY_M: Final = 5_000_000.0
"""GBIF takes no uncertainty of half the Earth's radius and more."""

MAX_PRECISION_DEGREES: Final = 10.0
WGS84: Final = "WGS84"
HIGHEST_M, LOWEST_M, DEEPEST_M = 17_000.0, -11_000.0, 11_000.0

# Side of the cell in which iNaturalist puts an obscured record at random, and the share of its diagonal that rounding
# may take away. https://help.inaturalist.org/en/support/solutions/articles/151000169938
_INATURALIST: Final = "50c9509d-22c7-4a22-a47d-8c48425ef4a7"
_OBSCURED_DEGREES: Final = 0.2
_ROUNDING: Final = 0.99
_OBSCURED: Final = r"(?i)coordinate|obscur|generali[sz]|blurred|grid|randomi[sz]|rounded|degrade|\bfuzz"


def interpret(told: Told, coordinates: Findings, *, declarations: Mapping[str, str]) -> Findings:
    """Read the numbers that say how well a place is known, and how high or deep it is.

    Parameters
    ----------
    told : Told
        n rows.
    coordinates : Findings
        What `coordinates.interpret` found.
    declarations : mapping
        `datum`: the datum of coordinates that state none.

    Returns
    -------
    Findings of n rows
    """
    parts = [
        _uncertainty(told),
        _height(told, "elevation", "Elevation", lowest=LOWEST_M, highest=HIGHEST_M),
        _height(told, "depth", "Depth", lowest=0.0, highest=DEEPEST_M),
        _datum(told, coordinates, declarations.get("datum")),
    ]
    latitude, uncertainty = coordinates.columns["decimalLatitude"], parts[0].columns["coordinateUncertaintyInMeters"]
    parts.append(Findings(flags={"PUBLISHER_GENERALISED": _generalised(told, latitude, uncertainty)}))
    columns = {name: column for part in parts for name, column in part.columns.items()}
    flags = {name: column for part in parts for name, column in part.flags.items()}
    return Findings(columns, flags, [frame for part in parts for frame in part.repairs])


def _uncertainty(told: Told) -> Findings:
    """Read the radius of the place, in metres, and the precision of its coordinates, in degrees."""
    radius = parse_decimals(told["coordinateUncertaintyInMeters"], units=METRES)
    precision = parse_decimals(told["coordinatePrecision"])
    metres, degrees = radius["number"], precision["number"]
    right = (metres > 0) & (metres < MAX_UNCERTAINTY_M)
    precise = (degrees > 0) & (degrees < MAX_PRECISION_DEGREES)
    columns = {
        "coordinateUncertaintyInMeters": _where(right, metres),
        "coordinatePrecision": _where(precise, degrees),
    }
    flags = {
        "COORDINATE_UNCERTAINTY_METERS_INVALID": radius["value"].is_not_null() & ~right.fill_null(value=False),
        "COORDINATE_PRECISION_INVALID": precision["value"].is_not_null() & ~precise.fill_null(value=False),
    }
    return Findings(columns, flags, _by_rule("coordinateUncertaintyInMeters", radius))


def _height(told: Told, term: str, word: str, *, lowest: float, highest: float) -> Findings:
    """Read elevation or depth: the number itself, or the middle of its least and greatest value, in metres."""
    accuracy = f"{term}Accuracy"
    ends = [f"minimum{word}InMeters", f"maximum{word}InMeters"]
    if not told.has(term, *ends):
        return Findings({term: _numbers(told[term]), accuracy: _numbers(told[accuracy])})
    middle = parse_decimals(told[term], units=METRES)
    least, greatest = (parse_decimals(told[end], units=METRES) for end in ends)
    frame = pl.DataFrame(
        {
            "middle": middle["number"],
            "least": least["number"],
            "greatest": greatest["number"],
            "accuracy": _numbers(told[accuracy]),
        }
    )
    low, high = pl.coalesce("least", "greatest"), pl.coalesce("greatest", "least")
    frame = frame.select(
        value=pl.coalesce("middle", (low + high) / 2),
        accuracy=pl.coalesce("accuracy", pl.when(pl.col("middle").is_null()).then((high - low).abs() / 2)),
    )
    likely = frame["value"].is_between(lowest, highest)
    unreadable = [part["value"].is_not_null() & part["number"].is_null() for part in (middle, least, greatest)]
    return Findings(
        {term: _where(likely, frame["value"]), accuracy: _where(likely, frame["accuracy"])},
        {
            f"{word.upper()}_NON_NUMERIC": unreadable[0] | unreadable[1] | unreadable[2],
            f"{word.upper()}_UNLIKELY": ~likely,
        },
        _by_rule(term, middle),
    )


def _datum(told: Told, coordinates: Findings, declared: str | None) -> Findings:
    """Say whether the coordinates are WGS 84; a place in another datum is not moved here and keeps no datum."""
    placed = coordinates.columns["decimalLatitude"].is_not_null()
    stated = told["geodeticDatum"] if declared is None else told["geodeticDatum"].fill_null(declared)
    datum = parse_controlled(stated, Vocabulary.DATUM)["term"]
    wgs84 = (datum == WGS84).fill_null(value=False)
    name = pl.Series("geodeticDatum", [WGS84]).new_from_index(0, told.height)
    return Findings(
        {"geodeticDatum": _where(placed & (wgs84 | stated.is_null()), name)},
        {
            "GEODETIC_DATUM_ASSUMED_WGS84": placed & stated.is_null(),
            "GEODETIC_DATUM_INVALID": stated.is_not_null() & datum.is_null(),
            "GEODETIC_DATUM_NOT_WGS84": placed & datum.is_not_null() & ~wgs84,
        },
    )


def _generalised(told: Told, latitude: pl.Series, uncertainty: pl.Series) -> pl.Series:
    """Tell which places their publisher had already made coarser."""
    said = told["dataGeneralizations"].str.contains(_OBSCURED) | told["informationWithheld"].str.contains(_OBSCURED)
    frame = pl.DataFrame({"latitude": latitude, "uncertainty": uncertainty, "dataset": told["datasetKey"]})
    side = _OBSCURED_DEGREES * 111_320.0
    diagonal = side * (1 + (pl.col("latitude").radians().cos()) ** 2).sqrt()
    obscured = (pl.col("dataset") == _INATURALIST) & (pl.col("uncertainty") >= _ROUNDING * diagonal)
    return said.fill_null(value=False) | frame.select(obscured.fill_null(value=False)).to_series()


def _numbers(values: pl.Series) -> pl.Series:
    """Return a column of numbers; null where there is none."""
    return parse_decimals(values, units=METRES)["number"]


def _by_rule(term: str, read: pl.DataFrame) -> list[pl.DataFrame]:
    """Note the numbers that were read by a rule."""
    return [repairs(read["rule"].is_not_null(), term, read["number"], read["rule"], applied=True)]


def _where(mask: pl.Series, values: pl.Series) -> pl.Series:
    """Return the values where `mask` is True, else null."""
    return pl.select(pl.when(mask).then(values)).to_series()
