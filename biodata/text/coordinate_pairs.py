"""Latitude and longitude together: two columns, or one text for both, with GBIF's issues and confidence."""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

import polars as pl

from biodata.text.coordinates import (
    LONGEST,
    Angle,
    Axis,
    Kind,
    Token,
    angle_of,
    languages_of,
    normalise,
    parse_coordinates,
    read_angle,
    read_pairs,
    tokens_of,
)
from biodata.text.numbers import ascii_digits
from biodata.text.tables import Confidence, over_distinct

INVALID: Final = "COORDINATE_INVALID"
OUT_OF_RANGE: Final = "COORDINATE_OUT_OF_RANGE"
SWAPPED: Final = "PRESUMED_SWAPPED_COORDINATE"
ZERO: Final = "ZERO_COORDINATE"

FIRST_ASSUMED: Final = "latitude_first_assumed"
"""The rule of a pair whose order nothing proves: both numbers could be latitudes."""

SCHEMA: Final = pl.Schema(
    {
        "latitude": pl.Float64(), "longitude": pl.Float64(), "issues": pl.List(pl.String), "confidence": pl.String(),
        "rule": pl.String(),
    }
)  # fmt: skip


class Pair(NamedTuple):
    """A place as read.

    Attributes
    ----------
    latitude, longitude : float, optional
        Degrees, in range; None where they could not be read.
    issues : tuple of str
        GBIF's issue names.
    confidence : Confidence, optional
        None where nothing was read.
    rule : str, optional
        What was needed to read it, None for two plain numbers.
    """

    latitude: float | None
    longitude: float | None
    issues: tuple[str, ...]
    confidence: Confidence | None
    rule: str | None


NOTHING: Final = Pair(None, None, (), None, None)
_UNREADABLE: Final = Pair(None, None, (INVALID,), None, None)


def parse_pairs(values: pl.Series) -> pl.DataFrame:
    """Read a column of texts that hold both coordinates, such as Darwin Core's verbatimCoordinates.

    Parameters
    ----------
    values : polars.Series of str, length n
        Such as `21°28'N, 101°34'E`, `北纬21°28′东经101°34′`, `21.5 101.6`.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as stated; `latitude` and `longitude` in degrees, null where they cannot be read or are out of range;
        `issues`, GBIF's names; `confidence`, see `Confidence`; `rule`. Null in each where a value is null.
    """

    def parse(distinct: pl.Series) -> pl.DataFrame:
        plain = read_pairs(distinct)
        odd = plain["latitude"].is_null()
        rows = [(text, *_row(read_pair(text))) for text in distinct.filter(odd)]
        slow = pl.DataFrame(rows, schema={"value": pl.String(), **SCHEMA}, orient="row")
        quick = plain.filter(~odd).select(
            distinct.filter(~odd).alias("value"), "latitude", "longitude", issues=pl.lit([], dtype=pl.List(pl.String)),
            confidence=pl.lit(str(Confidence.DEFINITE)), rule="rule",
        )  # fmt: skip
        return pl.concat([quick, slow])

    return over_distinct(values, parse)


def parse_two_columns(latitudes: pl.Series, longitudes: pl.Series) -> pl.DataFrame:
    """Read a column of latitudes and one of longitudes.

    Parameters
    ----------
    latitudes, longitudes : polars.Series of str, length n
        Text without white space around it.

    Returns
    -------
    polars.DataFrame of n rows
        As `parse_pairs` without `value`. Where either is null nothing is read and nothing is at issue.
    """
    read = [parse_coordinates(latitudes, Axis.LATITUDE), parse_coordinates(longitudes, Axis.LONGITUDE)]
    easy_rows = pl.DataFrame({"a": read[0]["number"], "b": read[1]["number"]}).select(
        easy=(pl.col("a").abs() <= 90) & (pl.col("b").abs() <= 180) & ((pl.col("a") != 0) | (pl.col("b") != 0))
    )["easy"]
    table = pl.DataFrame({"a": latitudes, "b": longitudes, "easy": easy_rows.fill_null(value=False)})
    odd = table.filter(~pl.col("easy")).select("a", "b").drop_nulls().unique()
    rows = [(a, b, *_row(read_two(a, b))) for a, b in odd.iter_rows()]
    answers = pl.DataFrame(rows, schema={"a": pl.String(), "b": pl.String(), **SCHEMA}, orient="row")
    easy = pl.col("easy")
    # As `_joined` of both rules.
    pair = [pl.col("lat_rule"), pl.col("lon_rule")]
    rule = (
        pl.when(pair[0] == pair[1])
        .then(pair[0])
        .when(pair[0].is_not_null() & pair[1].is_not_null())
        .then(pl.concat_str(pl.min_horizontal(pair), pl.max_horizontal(pair), separator="+"))
        .otherwise(pl.coalesce(pair))
    )
    return (
        table.with_columns(
            read[0]["number"].alias("lat"),
            read[1]["number"].alias("lon"),
            read[0]["rule"].alias("lat_rule"),
            read[1]["rule"].alias("lon_rule"),
        )
        .join(answers, on=["a", "b"], how="left", maintain_order="left")
        .select(
            pl.when(easy).then("lat").otherwise("latitude").alias("latitude"),
            pl.when(easy).then("lon").otherwise("longitude").alias("longitude"),
            pl.when(easy).then(pl.lit([], dtype=pl.List(pl.String))).otherwise("issues").alias("issues"),
            pl.when(easy).then(pl.lit(str(Confidence.DEFINITE))).otherwise("confidence").alias("confidence"),
            pl.when(easy).then(rule).otherwise("rule").alias("rule"),
        )
    )


def _row(pair: Pair) -> tuple[float | None, float | None, list[str], str | None, str | None]:
    """Return a pair as the cells of a row."""
    confidence = None if pair.confidence is None else str(pair.confidence)
    return pair.latitude, pair.longitude, list(pair.issues), confidence, pair.rule


def read_two(latitude: str, longitude: str) -> Pair:
    """Read a latitude and a longitude that were distinguished.

    Letters decide over columns: `101°34'E` as the latitude and `21°28'N` as the longitude are swapped, which is
    presumed and said.
    """
    if not latitude.strip() or not longitude.strip():
        return NOTHING
    first, second = read_angle(latitude, Axis.LATITUDE), read_angle(longitude, Axis.LONGITUDE)
    if first is None or second is None:
        # A letter of two languages is read beside one of the same language: U is Malay, so its T is east.
        known = (first is not None and first.axis is Axis.LATITUDE) or (
            second is not None and second.axis is Axis.LONGITUDE
        )
        together = read_pair(f"{latitude} {longitude}") if known else _UNREADABLE
        return together if together.confidence is Confidence.DEFINITE else _UNREADABLE
    if first.axis is Axis.LONGITUDE and second.axis is Axis.LATITUDE:
        turned = _checked(second, first)
        confidence = None if turned.confidence is None else max(turned.confidence, Confidence.PROBABLE, key=_doubt)
        return turned._replace(issues=(SWAPPED, *turned.issues), confidence=confidence) if confidence else turned
    if first.axis is Axis.LONGITUDE or second.axis is Axis.LATITUDE:
        return _UNREADABLE
    return _checked(first, second)


@lru_cache(maxsize=1 << 16)
def read_pair(text: str) -> Pair:
    """Read one text that holds both coordinates.

    Parameters
    ----------
    text : str
        Such as `21°28'N, 101°34'E`.

    Returns
    -------
    Pair
        `rule` is `latitude_first_assumed` and the confidence PROBABLE where neither letters, words nor ranges prove
        which is which. A text that can be cut in two ways, or that two languages read differently, is not read.
    """
    if not text.strip():
        return NOTHING
    if len(text) > LONGEST:
        return _UNREADABLE
    plain = normalise(text)
    found = _standard(plain)
    if found is None:
        readings = {pair for comma in (True, False) for pair in _cuts(plain, comma_is_decimal=comma)}
        if len(readings) != 1:
            return _UNREADABLE
        found = readings.pop()
    pair = _ordered(*found)
    digits = ascii_digits(text) != text
    return pair._replace(rule=_joined(pair.rule, "digits")) if digits and pair.confidence else pair


def _ordered(first: Angle, second: Angle) -> Pair:
    """Find out which of two angles is the latitude."""
    axes = {first.axis, second.axis}
    if axes in ({Axis.LATITUDE}, {Axis.LONGITUDE}):
        return _UNREADABLE
    if first.axis is Axis.LONGITUDE or second.axis is Axis.LATITUDE:
        return _checked(second, first)
    pair = _checked(first, second)
    if axes != {None} or abs(second.degrees) > 90 or pair.confidence is not Confidence.DEFINITE:
        return pair
    return pair._replace(confidence=Confidence.PROBABLE, rule=_joined(pair.rule, FIRST_ASSUMED))


_NUMBER: Final = r"[+\-]?\d{1,3}(?:\.\d{1,20})?"
_WKT: Final = re.compile(rf"(?:SRID=4326;)?POINT ?\( ?({_NUMBER}) ({_NUMBER}) ?\)", re.IGNORECASE)
_GEO_URI: Final = re.compile(rf"geo:({_NUMBER}),({_NUMBER})", re.IGNORECASE)
_ISO_6709: Final = re.compile(
    r"([+\-])(\d{2})(\d{2})?(\d{2})?(\.\d{1,20})?([+\-])(\d{3})(\d{2})?(\d{2})?(\.\d{1,20})?"
    r"(?:[+\-]\d{1,5}(?:\.\d{1,9})?)?(?:CRSWGS_?84)?/?"
)


def _standard(text: str) -> tuple[Angle, Angle] | None:
    """Read the forms whose order a standard fixes: well-known text, RFC 5870, ISO 6709."""
    match = _WKT.fullmatch(text)
    if match:
        longitude, latitude = (float(part) for part in match.groups())
        return _known(latitude, longitude, "well_known_text")
    match = _GEO_URI.fullmatch(text)
    if match:
        latitude, longitude = (float(part) for part in match.groups())
        return _known(latitude, longitude, "geo_uri")
    match = _ISO_6709.fullmatch(text)
    if match is None:
        return None
    angles = [_sexagesimal(*match.groups()[at : at + 5]) for at in (0, 5)]
    return None if None in angles else _known(angles[0] or 0.0, angles[1] or 0.0, "iso_6709")


def _known(latitude: float, longitude: float, rule: str) -> tuple[Angle, Angle]:
    """Return two angles whose axes are known."""
    sure = Confidence.DEFINITE
    return Angle(latitude, Axis.LATITUDE, rule, sure), Angle(longitude, Axis.LONGITUDE, rule, sure)


def _sexagesimal(
    sign: str, degrees: str, minutes: str | None, seconds: str | None, fraction: str | None
) -> float | None:
    """Return degrees of ISO 6709's ±DD[MM[SS]][.f]; the fraction belongs to the last part."""
    parts = [part for part in (degrees, minutes, seconds) if part]
    values = [float(part) for part in parts[:-1]] + [float(parts[-1] + (fraction or ""))]
    if any(value >= 60 for value in values[1:]):
        return None
    total: float = sum(value / 60.0**power for power, value in enumerate(values))
    return -total if sign == "-" else total


def _cuts(text: str, *, comma_is_decimal: bool) -> set[tuple[Angle, Angle]]:
    """Return every way to read a text as two coordinates, one comma being decimal or all of them separators."""
    if comma_is_decimal and not _has_decimal_comma(text):
        return set()
    tokens = tokens_of(text, comma_is_decimal=comma_is_decimal)
    if not tokens:
        return set()
    while tokens and tokens[-1].kind is Kind.SEPARATOR:
        tokens.pop()
    found: set[tuple[Angle, Angle]] = set()
    for letters in languages_of(tokens):
        for left, right in _halves(tokens):
            first, second = angle_of(left, letters, None), angle_of(right, letters, None)
            if first is not None and second is not None and not _both_doubtful(first, second, left, right, tokens):
                found.add((_by_comma(first, comma_is_decimal), _by_comma(second, comma_is_decimal)))
    return found


def _by_comma(angle: Angle, comma_is_decimal: bool) -> Angle:
    """Note that a number was read with a decimal comma."""
    return angle._replace(rule="decimal_comma") if comma_is_decimal and angle.rule is None else angle


def _halves(tokens: list[Token]) -> list[tuple[list[Token], list[Token]]]:
    """Return the ways to cut tokens: at the separator where there is one, else between any two.

    A sign begins a number only where white space stands before it: in `21°28'-101°34'` it could be a dash. Before a
    coordinate with a letter it can only be a dash.
    """
    at = [i for i, token in enumerate(tokens) if token.kind is Kind.SEPARATOR]
    if at:
        return [(tokens[: at[0]], tokens[at[0] + 1 :])] if len(at) == 1 else []
    cuts = []
    for i, (_, after) in enumerate(pairwise(tokens), start=1):
        if after.kind in {Kind.NUMBER, Kind.SIDE, Kind.AXIS} or (after.kind is Kind.SIGN and after.spaced):
            cuts.append((tokens[:i], tokens[i:]))
        if after.text == "-" and any(token.kind is Kind.SIDE for token in tokens[i:]):
            cuts.append((tokens[:i], tokens[i + 1 :]))
    return cuts


def _both_doubtful(first: Angle, second: Angle, left: list[Token], right: list[Token], tokens: list[Token]) -> bool:
    """Return whether bare figures were cut without a separator into parts of unlike shape, such as `21 | 30 101`."""
    separated = len(left) + len(right) < len(tokens)
    unmarked = "degrees_minutes_unmarked"
    return not separated and (first.rule == unmarked) != (second.rule == unmarked)


def _has_decimal_comma(text: str) -> bool:
    """Return whether commas can be decimal ones: no full stop is, and one that separates is followed by a blank.

    Where a comma without a blank separates (`21,5,101,6`), both numbers have a decimal comma.
    """
    if re.search(r"\d\.\d", text) or not re.search(r"\d,\d", text):
        return False
    runs = re.findall(r"\d+(?:,\d+)+", text)
    return all(run.count(",") == 1 or (run.count(",") == 3 and len(runs) == 1) for run in runs)


def _doubt(confidence: Confidence) -> int:
    """Return 0 for the surest confidence, more for others."""
    return list(Confidence).index(confidence)


def _checked(latitude: Angle, longitude: Angle) -> Pair:
    """Set two angles beside the ranges of latitude and longitude, and name what is the matter.

    Notes
    -----
    As GBIF: 0, 0 is possible only; a latitude beyond 90° beside a longitude within 90° is presumed swapped.
    """
    lat, lon = latitude.degrees, longitude.degrees
    rule = _joined(latitude.rule, longitude.rule)
    confidence = max(latitude.confidence, longitude.confidence, key=_doubt)
    if lat == 0 and lon == 0:
        return Pair(0.0, 0.0, (ZERO,), Confidence.POSSIBLE, rule)
    if abs(lat) <= 90 and abs(lon) <= 180:
        return Pair(lat, lon, (), confidence, rule)
    if abs(lat) <= 180 and abs(lon) <= 90:
        return Pair(lon, lat, (SWAPPED,), Confidence.PROBABLE, rule)
    return Pair(None, None, (OUT_OF_RANGE,), None, rule)


def _joined(*rules: str | None) -> str | None:
    """Return the rules that were needed, each once."""
    needed = sorted({rule for rule in rules if rule})
    return "+".join(needed) or None
