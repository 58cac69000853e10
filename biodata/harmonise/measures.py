"""Numbers about the place: uncertainty, precision, elevation and depth."""

from typing import Final

import polars as pl

from biodata.harmonise.findings import Findings, repairs
from biodata.harmonise.told import Told
from biodata.parsers.decimals import parse_decimals

METRES: Final = ("m", "metre", "metres", "meter", "meters", "masl", "m asl", "米", "公尺")

MAX_UNCERTAINTY_M: Final = 5_000_000.0
"""GBIF takes no uncertainty of half the Earth's radius and more."""

MAX_PRECISION_DEGREES: Final = 10.0
WIDENED: Final = "datum_uncertainty"
HIGHEST_M, LOWEST_M, DEEPEST_M = 17_000.0, -11_000.0, 11_000.0

# Side of the cell in which iNaturalist puts an obscured record at random, and the share of its diagonal that rounding
# may take away. https://help.inaturalist.org/en/support/solutions/articles/151000169938
_INATURALIST: Final = "50c9509d-22c7-4a22-a47d-8c48425ef4a7"
_OBSCURED_DEGREES: Final = 0.2
_ROUNDING: Final = 0.99
_OBSCURED: Final = r"(?i)coordinate|obscur|generali[sz]|blurred|grid|randomi[sz]|rounded|degrade|\bfuzz"


def interpret(told: Told, coordinates: Findings, *, widened_m: pl.Series | None = None) -> Findings:
    """Read the numbers that say how well a place is known, and how high or deep it is.

    Parameters
    ----------
    told : Told
        n rows.
    coordinates : Findings
        What `coordinates.interpret` found.
    widened_m : Series of float64, length n, optional
        What another system adds to a place's uncertainty, moved or not, metres; null where it adds nothing.

    Returns
    -------
    Findings of n rows
    """
    parts = [
        _uncertainty(told),
        _height(told, "elevation", "Elevation", lowest=LOWEST_M, highest=HIGHEST_M),
        _height(told, "depth", "Depth", lowest=0.0, highest=DEEPEST_M),
    ]
    latitude, uncertainty = coordinates.columns["decimalLatitude"], parts[0].columns["coordinateUncertaintyInMeters"]
    parts.append(Findings(flags={"PUBLISHER_GENERALISED": _generalised(told, latitude, uncertainty)}))
    if widened_m is not None and widened_m.null_count() < told.height:
        parts[0] = _widened(parts[0], widened_m)
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


def _widened(read: Findings, widened_m: pl.Series) -> Findings:
    """Add to the radius how far the place may lie off for its datum; where no radius was told none is made up."""
    term = "coordinateUncertaintyInMeters"
    wider = read.columns[term] + widened_m
    done = wider.is_not_null()
    columns = dict(read.columns) | {term: read.columns[term].zip_with(~done, wider)}
    return Findings(columns, read.flags, [*read.repairs, repairs(done, term, wider, WIDENED, applied=True)])


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
