"""Latitudes and longitudes as text: decimal degrees, degrees, minutes and seconds, sides in the region's languages; metres of a projection."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

import polars as pl

from biodata.text.numbers import SCHEMA, ascii_digits, parse_decimal, parse_decimals
from biodata.text.tables import Confidence, columns_of, over_distinct, read_rows

# The pieces of a written coordinate: numbers, marks, signs, sides, words for latitude and longitude.


class Kind(StrEnum):
    """What a piece is."""

    NUMBER = "number"
    SIGN = "sign"
    DEGREE = "degree"
    MINUTE = "minute"
    SECOND = "second"
    JOINT = "joint"
    SIDE = "side"
    AXIS = "axis"
    SEPARATOR = "separator"


class Token(NamedTuple):
    """A piece of a written coordinate.

    `text` is a number in ASCII, a sign, a single letter for a side (to be read by language), or the meaning of a word
    (`north`, `longitude`); `spaced` says whether white space stands before it.
    """

    kind: Kind
    text: str
    spaced: bool


LONGEST: Final = 160
"""No pair of coordinates needs more characters."""

MOST_TOKENS: Final = 40

# Single capitals: read by language, see `coordinates.LETTERS`. Two and more letters have one meaning.
_PAIRS: Final = MappingProxyType(
    {
        "LU": "north", "LS": "south", "BT": "east", "BB": "west",  # Indonesian: lintang utara, …, bujur barat
        "NB": "north", "ZB": "south", "OL": "east", "WL": "west",  # Dutch: noorderbreedte, …, westerlengte
    }
)  # fmt: skip
_KINDS: Final = MappingProxyType({str(kind): kind for kind in Kind})
_SIDES: Final = frozenset({"north", "south", "east", "west"})
_DEGREES: Final = "°º˚∘゜◦⁰ᵒ\ufffd"
_PRIMES: Final = "'′’‘´`ʹʼ‛ˈ"
_DOUBLE_PRIMES: Final = '"″”“„ʺ˝〃'
_PLAIN: Final = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-")
    | dict.fromkeys("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000", " ")
    | dict.fromkeys("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", None)
    | {"Ð": "Đ", "、": ",", "﹐": ",", "।": None}
)


def normalise(text: str) -> str:
    """Return text with ASCII digits, full-width signs as ASCII, one kind of hyphen and of blank, composed (NFC)."""
    if text.isascii():
        return text.strip()
    ascii_signs = "".join(chr(ord(c) - 0xFEE0) if "\uff01" <= c <= "\uff5e" else c for c in ascii_digits(text))
    # A degree sign that was saved as UTF-8 and read as Latin-1.
    composed = unicodedata.normalize("NFC", ascii_signs.translate(_PLAIN)).replace("Â°", "°").replace("Âº", "°")
    return composed.strip()


def tokens_of(text: str, *, comma_is_decimal: bool) -> list[Token] | None:
    """Take a written coordinate apart.

    Parameters
    ----------
    text : str
        As `normalise` returns it.
    comma_is_decimal : bool
        A comma between digits is a decimal comma; else each comma separates.

    Returns
    -------
    list of Token, or None where something in the text belongs to no coordinate
    """
    if len(text) > LONGEST:
        return None
    pattern, words = _pattern(comma_is_decimal), _words()
    tokens: list[Token] = []
    at, spaced = 0, False
    while at < len(text):
        match = pattern.match(text, at)
        if match is None or len(tokens) >= MOST_TOKENS:
            return None
        at, group, piece = match.end(), match.lastgroup, match[0]
        if group == "blank":
            spaced = True
            continue
        if group == "word":
            meaning = words[piece.casefold()]
            kind = Kind.SIDE if meaning in _SIDES else Kind.AXIS if meaning.endswith("itude") else _KINDS[meaning]
            tokens.append(Token(kind, meaning, spaced))
        elif group == "pair":
            tokens.append(Token(Kind.SIDE, _PAIRS[piece.replace(".", "")], spaced))
        elif group == "letter":
            tokens.append(Token(Kind.SIDE, piece.upper(), spaced))
        else:
            tokens.append(Token(_KINDS[str(group)], piece.replace(",", ".") if group == "number" else piece, spaced))
        spaced = False
        if group in {"word", "pair", "letter"} and (after := _AFTER_WORD.match(text, at)):
            at = after.end()
    return tokens


_AFTER_WORD: Final = re.compile(r"\.?(?!\d)(?:\s*[:=])?|\s*[:=]")


@cache
def _words() -> dict[str, str]:
    """Return every word with its meaning."""
    return {
        unicodedata.normalize("NFC", word).casefold(): row["meaning"]
        for row in read_rows("coordinate_words.csv")
        for word in row["words"].split("|")
    }


@cache
def _pattern(comma_is_decimal: bool) -> re.Pattern[str]:
    """Return the pattern of one piece; no part of it can backtrack over more than a number."""
    words = sorted(_words(), key=len, reverse=True)
    latin = [re.escape(word) for word in words if unicodedata.name(word[0]).startswith("LATIN")]
    other = [re.escape(word) for word in words if not unicodedata.name(word[0]).startswith("LATIN")]
    mark = "[.,]" if comma_is_decimal else r"\."
    return re.compile(
        rf"(?P<blank>[\s()\[\]{{}}]+)"
        rf"|(?P<number>\d+(?:{mark}\d+)?|(?<!\d)\.\d+)"
        rf"|(?P<word>(?i:(?:{'|'.join(latin)})(?![^\W\d_])|{'|'.join(other)}))"
        r"|(?P<pair>L\.?[US]|B\.?[TB]|[NZ]\.?B|[OW]\.?L)(?![^\W\d_])"
        # Behind a figure d, g and a small o are degrees, m and s are minutes and seconds.
        rf"|(?P<degree>[{_DEGREES}]|(?<=\d)[dgo](?![a-z])|(?<=\d )[dg](?![a-z]))"
        rf"|(?P<second>[{_DOUBLE_PRIMES}]|[{_PRIMES}]{{2}}|(?:(?<=\d)|(?<=\d ))s(?![a-z]))"
        rf"|(?P<minute>[{_PRIMES}]|(?:(?<=\d)|(?<=\d ))m(?![a-z]))"
        r"|(?P<joint>(?<=\d)[:](?=\d)|(?<=\d)-(?=\d))"
        r"|(?P<letter>[NSEWOLBTUZĐnew](?![^\W\d_])|(?<=[^\d\s])s(?![^\W\d_]))"
        r"|(?P<sign>[+\-])"
        r"|(?P<separator>[,;/|&]|(?i:and)(?![^\W\d_]))"
    )


# The commonest spellings of coordinates read as columns; every other one is read text by text.

_ANGLE: Final = (
    r"^(SIDES)?\s*(\d{1,3}(?:\.\d+)?)\s*"
    r"(?:[°º]\s*(?:(\d{1,2}(?:\.\d+)?)\s*['′’]\s*(?:(\d{1,2}(?:\.\d+)?)\s*[\x22″”]\s*)?)?)?(SIDES)?$"
)
# Both letters are stated, so only one cut is possible.
_PAIR: Final = r"^\s*([NS\d.°º'′’\x22″”\s]*?[\d°º'′’\x22″”NS])\s*[,;/\s]\s*([EW\d.°º'′’\x22″”\s]+?)\s*$"
_LONGEST: Final = 60
_CHINESE: Final = MappingProxyType(
    {
        "北纬": "N", "北緯": "N", "南纬": "S", "南緯": "S", "，": ",", "东经": " E", "東經": " E", "西经": " W", "西經": " W",
    }
)  # fmt: skip


def read_angles(values: pl.Series, positive: str, negative: str) -> pl.DataFrame:
    """Read a column of degrees with a letter, such as `21.5°N`, `N 21°28.5'`, `21°28'30"N`.

    Parameters
    ----------
    values : polars.Series of str, length n
        Text without white space around it.
    positive, negative : str
        The letters of the two sides.

    Returns
    -------
    polars.DataFrame of n rows
        `degrees`, null where the text has another form, and `rule`.
    """
    pattern = _ANGLE.replace("SIDES", f"[{positive}{negative}]")
    groups = values.alias("told").to_frame().select(pl.col("told").str.extract_groups(pattern)).unnest("told")
    groups.columns = ["before", "d", "m", "s", "after"]
    before, after = pl.col("before").is_not_null(), pl.col("after").is_not_null()
    degrees, minutes, seconds = (pl.col(name).cast(pl.Float64, strict=False) for name in "dms")
    whole = (pl.col("m").is_null() | ~pl.col("d").str.contains(".", literal=True)) & (
        pl.col("s").is_null() | ~pl.col("m").str.contains(".", literal=True)
    )
    right = (
        (before != after)
        & whole
        & (minutes.fill_null(0) < 60)
        & (seconds.fill_null(0) < 60)
        & (values.str.len_chars() <= _LONGEST)
    )
    total = degrees + minutes.fill_null(0.0) / 60 + seconds.fill_null(0.0) / 3600
    factor = pl.when(pl.coalesce("before", "after") == negative).then(-1.0).otherwise(1.0)
    return groups.select(
        degrees=pl.when(right).then(factor * total),
        rule=pl.when(right).then(
            pl.when(pl.col("m").is_null()).then(pl.lit("hemisphere")).otherwise(pl.lit("degrees_minutes_seconds"))
        ),
    )


def read_pairs(values: pl.Series) -> pl.DataFrame:
    """Read a column of latitudes and longitudes with N or S and E or W, the latitude first.

    Parameters
    ----------
    values : polars.Series of str, length n
        Such as `21°28'N, 101°34'E` or `北纬21°28′东经101°34′`.

    Returns
    -------
    polars.DataFrame of n rows
        `latitude` and `longitude` in range, null where the text has another form; `rule`.
    """
    letters = pl.col("told").str.replace_many(list(_CHINESE), list(_CHINESE.values()))
    halves = values.alias("told").to_frame().select(letters.str.extract_groups(_PAIR)).unnest("told")
    first, second = halves.get_columns()
    latitude, longitude = read_angles(first, "N", "S"), read_angles(second, "E", "W")
    both = pl.DataFrame(
        {"a": latitude["degrees"], "b": longitude["degrees"], "rule_a": latitude["rule"], "rule_b": longitude["rule"]}
    )
    right = (
        (pl.col("a").abs() <= 90) & (pl.col("b").abs() <= 180) & ((pl.col("a") != 0) | (pl.col("b") != 0))
        & (values.str.len_chars() <= 2 * _LONGEST)
    )  # fmt: skip
    rule = (
        pl.when(pl.col("rule_a") == pl.col("rule_b"))
        .then("rule_a")
        .otherwise(pl.lit("degrees_minutes_seconds+hemisphere"))
    )
    return both.select(
        latitude=pl.when(right).then("a"), longitude=pl.when(right).then("b"), rule=pl.when(right).then(rule)
    )


class Axis(StrEnum):
    """Which of the two a coordinate is."""

    LATITUDE = "latitude"
    LONGITUDE = "longitude"

    @property
    def other(self) -> "Axis":
        """The other one."""
        return Axis.LONGITUDE if self is Axis.LATITUDE else Axis.LATITUDE


_LATITUDE, _LONGITUDE = Axis
_SIDE_NAMES: Final = MappingProxyType(
    {"north": (_LATITUDE, 1), "south": (_LATITUDE, -1), "east": (_LONGITUDE, 1), "west": (_LONGITUDE, -1)}
)
Side = tuple[Axis, int]


Letters = MappingProxyType[str, Side]


def _letters(north: str, south: str, east: str, west: str) -> Letters:
    """Return the sides of a language by letter; a blank is a letter that is not read in it."""
    stated = zip((north, south, east, west), _SIDE_NAMES.values(), strict=True)
    return MappingProxyType({letter: side for letter, side in stated if letter.strip()})


LETTERS: Final = (
    _letters("N", "S", "E", "W"),  # English
    _letters("N", "S", "E", "O"),  # French, Spanish, Italian
    _letters("N", "S", "L", "O"),  # Portuguese
    _letters("N", "S", "O", "W"),  # German
    _letters("N", "Z", "O", "W"),  # Dutch
    _letters("U", "S", "T", "B"),  # Indonesian and Malay: utara, selatan, timur, barat
    _letters("B", " ", "Đ", "T"),  # Vietnamese: bắc, (nam), đông, tây; its N for south would undo everybody's north
)
"""What single letters mean, by language. A text is read where all languages that know its letters agree: O is east in
German and west in French, T east in Malay and west in Vietnamese, so alone they are never read."""


class Angle(NamedTuple):
    """One coordinate: degrees whatever their size, its axis where stated, the rule, how sure."""

    degrees: float
    axis: Axis | None
    rule: str | None
    confidence: Confidence


def parse_coordinates(values: pl.Series, axis: Axis) -> pl.DataFrame:
    """Read a column of latitudes or of longitudes.

    Parameters
    ----------
    values : polars.Series of str, length n
        Text without white space around it.
    axis : Axis
        What the column holds; a letter of the other axis is not read.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as stated; `number` in degrees, whatever its size, null where it cannot be read; `rule`:
        `decimal_comma`, `digits`, `hemisphere`, `degrees_minutes_seconds` or `packed` where the text was no plain
        number, all of them certain.
    """
    read = parse_decimals(values, comma_is_decimal=True)
    rest = read["value"].set(read["number"].is_not_null(), None)
    if rest.null_count() == len(rest):
        return read

    def parse(distinct: pl.Series) -> pl.DataFrame:
        plain = read_angles(distinct, *("NS" if axis is _LATITUDE else "EW"))
        odd = plain["degrees"].is_null()
        stated = distinct.filter(odd)
        slow = pl.DataFrame([(text, *parse_angle(text, axis)) for text in stated], schema=SCHEMA, orient="row")
        quick = plain.select(distinct.alias("value"), pl.col("degrees").alias("number"), "rule").filter(~odd)
        return pl.concat([quick, slow])

    angles = over_distinct(rest, parse).select(pl.all().name.prefix("angle_"))
    return pl.concat([read, angles], how="horizontal").select(
        "value", pl.coalesce("number", "angle_number").alias("number"), pl.coalesce("rule", "angle_rule").alias("rule")
    )


def parse_angle(text: str, axis: Axis) -> tuple[float | None, str | None]:
    """Read one coordinate; return it in degrees, and the rule that was needed, as in `parse_coordinates`."""
    angle = read_angle(text, axis)
    certain = angle is not None and angle.axis is not axis.other and angle.confidence is Confidence.DEFINITE
    return (angle.degrees, angle.rule) if angle is not None and certain else (None, None)


@lru_cache(maxsize=1 << 17)
def read_angle(text: str, axis: Axis | None) -> Angle | None:
    """Read one coordinate; return None where it cannot be read, or where languages disagree about it.

    Parameters
    ----------
    text : str
        The coordinate.
    axis : Axis, optional
        What the column holds; a text that says the other axis is returned with that axis.

    Returns
    -------
    Angle or None
        PROBABLE, with the rule `degrees_minutes_unmarked`, for two numbers without any mark (`21 30`).
    """
    number, rule = parse_decimal(text, comma_is_decimal=True)
    if number is not None:
        return Angle(number, None, rule, Confidence.DEFINITE)
    tokens = tokens_of(normalise(text), comma_is_decimal=True)
    if not tokens:
        return None
    readings = {angle for letters in languages_of(tokens) if (angle := angle_of(tokens, letters, axis)) is not None}
    of_axis = {angle for angle in readings if axis is None or angle.axis is not axis.other} or readings
    return of_axis.pop() if len(of_axis) == 1 else None


def languages_of(tokens: Iterable[Token]) -> list[Letters]:
    """Return the languages that know every single letter among the tokens; one is enough where there is no letter."""
    letters = {token.text for token in tokens if token.kind is Kind.SIDE and token.text not in _SIDE_NAMES}
    if not letters:
        return [LETTERS[0]]
    # Languages that read these letters alike are one.
    known = {tuple(language[x] for x in letters): language for language in LETTERS if letters <= language.keys()}
    return list(known.values())


def angle_of(tokens: Sequence[Token], letters: Letters, axis: Axis | None) -> Angle | None:
    """Read tokens as one coordinate in a language; return None where they are none.

    Minutes and seconds are below 60, only the last number has a fraction, and a sign does not stand beside a side.
    `axis` is what the column holds: it decides how packed digits (433819N) are cut.
    """
    body = [token for token in tokens if token.kind not in {Kind.SIDE, Kind.AXIS}]
    about = [token for token in tokens if token.kind in {Kind.SIDE, Kind.AXIS}]
    if not body or not _stands_around(tokens, body):
        return None
    sides = {_SIDE_NAMES.get(token.text) or letters[token.text] for token in about if token.kind is Kind.SIDE}
    axes = {side[0] for side in sides} | {Axis(token.text) for token in about if token.kind is Kind.AXIS}
    if len(sides) > 1 or len(axes) > 1:
        return None
    told_axis = axes.pop() if axes else None
    sign = body[0].text if body[0].kind is Kind.SIGN else ""
    parts = _parts(body[1:] if sign else body)
    if parts is None or (sides and sign == "-"):
        return None
    numbers, marked = parts
    factor = sides.pop()[1] if sides else -1 if sign == "-" else 1
    if len(numbers) == 1 and not marked and len(numbers[0].partition(".")[0]) > 3:
        degrees = _packed(numbers[0], told_axis or axis) if about else None
        return None if degrees is None else Angle(factor * degrees, told_axis, "packed", Confidence.DEFINITE)
    if len(numbers[0].partition(".")[0]) > 3 or any("." in number for number in numbers[:-1]):
        return None
    values = [float(number) for number in numbers]
    if any(value >= 60 for value in values[1:]):
        return None
    degrees = factor * sum(value / 60**power for power, value in enumerate(values))
    if len(values) == 1:
        rule = "hemisphere" if about or marked else None
        return Angle(degrees, told_axis, rule, Confidence.DEFINITE)
    if len(values) == 2 and not marked and not any(token.kind is Kind.SIDE for token in about):
        return Angle(degrees, told_axis, "degrees_minutes_unmarked", Confidence.PROBABLE)
    return Angle(degrees, told_axis, "degrees_minutes_seconds", Confidence.DEFINITE)


def _stands_around(tokens: Sequence[Token], body: Sequence[Token]) -> bool:
    """Return whether the numbers stand together, words and letters only before or behind them."""
    first = tokens.index(body[0])
    return list(tokens[first : first + len(body)]) == list(body)


def _parts(body: Sequence[Token]) -> tuple[list[str], bool] | None:
    """Return degrees, minutes, seconds as text, and whether a mark tells what they are; None where marks are wrong."""
    numbers: list[str] = []
    marked, closed = False, True
    for token in body:
        level = len(numbers)
        if token.kind is Kind.NUMBER:
            if level == 3:
                return None
            numbers.append(token.text)
            closed = False
        elif closed or not level:
            return None
        elif token.kind is Kind.JOINT:
            marked, closed = marked or token.text == ":", True
        elif token.kind is (Kind.DEGREE, Kind.MINUTE, Kind.SECOND)[level - 1] or (
            # 21°28'30' : the third number can only be seconds.
            level == 3 and marked and token.kind is Kind.MINUTE
        ):
            marked, closed = True, True
        else:
            return None
    return (numbers, marked) if numbers and body[-1].kind is not Kind.JOINT else None


_PACKED: Final = re.compile(r"(\d{2,3})(\d{2})(\d{2}(?:\.\d+)?)")


def _packed(digits: str, axis: Axis | None) -> float | None:
    """Read DDMMSS or DDDMMSS without marks, with or without a fraction, where no other cut gives a coordinate.

    `433819` cannot have three digits of degrees; `043300` could be 4°33'00" or, filled up to three digits, 43°30'0":
    it is not read.
    """
    most, length = 90 if axis is _LATITUDE else 180, len(digits.partition(".")[0])
    if axis is None or length not in {6, 7} or (length == 6 and int(digits[:3]) <= most):
        return None
    match = _PACKED.fullmatch(digits)
    if match is None:
        return None
    degrees, minutes, seconds = int(match[1]), int(match[2]), float(match[3])
    if degrees > most or minutes >= 60 or seconds >= 60:
        return None
    return degrees + minutes / 60 + seconds / 3600


# Metres of a projection: recognised and taken apart as what they are; turning them into degrees is another's work.
class Grid(StrEnum):
    """The kinds of grids that can be recognised."""

    UTM = "utm"
    """Universal Transverse Mercator, or a national system in its zones (the datum is not stated by the text)."""
    GAUSS_KRUGER_6 = "gauss_kruger_6"
    """China's 6° zones 13-23, the zone written before the easting."""
    GAUSS_KRUGER_3 = "gauss_kruger_3"
    """China's 3° zones 24-45, the zone written before the easting."""
    VN2000 = "vn2000"
    """VN-2000, named in the text."""
    MGRS = "mgrs"
    """A reference of the Military Grid Reference System."""
    METRES = "metres"
    """Two numbers of metres, the grid not stated."""


class Projected(NamedTuple):
    """A place in metres of a projection.

    Attributes
    ----------
    easting_m, northing_m : float, optional
        Metres; None for a grid reference. A zone written before the easting is taken off.
    zone : int, optional
        Number of the zone, where stated.
    band : str, optional
        The letter behind the zone as stated: a latitude band, or N and S for the hemisphere.
    hemisphere : str, optional
        N or S, where the letter proves it: every letter from N on is north of the equator, but S could be either the
        band from 32° N or the south.
    grid : Grid
        What kind of grid it is.
    central_meridian : float, optional
        Degrees east, where stated.
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
        `value` as stated and the fields of `Projected`; null where the text is none.
    """

    def parse(distinct: pl.Series) -> pl.DataFrame:
        rows = [(text, *(read_projected(text) or (None,) * len(Projected._fields))) for text in distinct]
        return pl.DataFrame(rows, schema={"value": pl.String, **columns_of(Projected)}, orient="row")

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
    text = match["side"] or match["label"]
    if text is None:
        return None
    first = text[-1].lower() if text in {"mE", "mN"} else text[0].lower()
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
        entries = ways[0] if at_easting == 0 else ways[1]
        return (*entries, True) if entries in possible else None
    return (*possible[0], len(possible) == 1) if possible else None


def _is_easting(number: float) -> bool:
    """Return whether a number can be an easting, with or without a zone before it."""
    prefix, within = divmod(number, 1_000_000)
    return _EASTINGS_M[0] <= within <= _EASTINGS_M[1] and (prefix == 0 or 13 <= prefix <= 45)


def _hemisphere(band: str | None) -> str | None:
    """Return N or S where a letter behind a zone proves it."""
    if band is None or band == "S":
        return None
    return "N" if band >= "N" else "S"
