"""Dates in words: months by name, marks such as 年月日 or ngày, tháng, năm, eras, in the region's languages.

A text is cut into numbers, names of months and marks; each number is a year, month or day by the mark beside it, or by
its digits: four are a year, one or two beside a named month are a day. Any other word makes the text unreadable: nothing
is skipped that could change the meaning (農曆, before, ca.). Two digits are never a year, but for Minguo.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

from babel import Locale

from biodata.text.tables import read_rows

# Names of months in English, the region's languages, and those of old labels.
#
# Names are those of Unicode's CLDR as babel brings them, and `biodata/data/month_names.csv` for what CLDR lacks: Tetum,
# Vietnamese month words, old Indonesian spellings (Pebruari, Nopember), Latin genitives, Thai without -คม.

# The languages of the scope, and those of the collections that hold its old specimens.
LANGUAGES: Final = (
    "en", "zh", "th", "vi", "my", "lo", "km", "id", "ms", "fil", "ta", "pt", "fr", "de", "nl", "es", "it",
)  # fmt: skip

ROMAN: Final = MappingProxyType(
    {numeral: n for n, numeral in enumerate("i ii iii iv v vi vii viii ix x xi xii".split(), start=1)}
)


def month_number(name: str, *, roman: bool = False) -> int | None:
    """Return the number of a month, 1-12, by its name or short form in a language of `LANGUAGES`.

    Parameters
    ----------
    name : str
        Any letter case; full stops are left out.
    roman : bool
        Take a Roman numeral too: right between a day and a year, the custom of entomological labels.

    Returns
    -------
    int, or None where the name is not known or is another month in another language
    """
    key = month_key(name)
    return month_names().get(key) or (ROMAN.get(key) if roman else None)


def month_key(name: str) -> str:
    """Return the form in which names are compared."""
    return unicodedata.normalize("NFKC", name).strip().replace(".", "").casefold()


@cache
def month_names() -> Mapping[str, int]:
    """Return every name with its month; a name that means two months, or holds a number, is left out."""
    found: dict[str, set[int]] = {}
    for language in LANGUAGES:
        months = Locale.parse(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[context][width].items():
                    found.setdefault(month_key(name), set()).add(number)
    for row in read_rows("month_names.csv"):
        for name in row["names"].split("|"):
            found.setdefault(month_key(name), set()).add(int(row["value"]))
    for name, numbers in list(found.items()):
        if (plain := _without_accents(name)) != name:
            found.setdefault(plain, set()).update(numbers)
    return MappingProxyType(
        {
            name: min(numbers)
            for name, numbers in found.items()
            if len(numbers) == 1 and not any(map(str.isdigit, name)) and not name.endswith("月")
        }
    )


def _without_accents(name: str) -> str:
    """Return a name in Latin letters as old typewriters wrote it (fevrier, marco); other scripts stay."""
    parts = unicodedata.normalize("NFD", name)
    if not name or not unicodedata.name(parts[0]).startswith("LATIN"):
        return name
    return "".join(part for part in parts if not unicodedata.combining(part))


@cache
def day_names() -> frozenset[str]:
    """Return the names of the days of the week, and the English short forms."""
    names = {month_key(n) for lang in LANGUAGES for n in Locale.parse(lang).days["format"]["wide"].values()}
    short = Locale.parse("en").days["format"]["abbreviated"].values()
    return frozenset(names | {month_key(name) for name in short}) - month_names().keys()


# Years of other eras: the Buddhist Era of Thailand, Laos and Cambodia, and Minguo.
#
# Conventions
# - Thailand and Laos: the year is 543 ahead. Until BE 2483 (1940) Thailand's year began on 1 April, so January to March
#   belong to the year before: 10 February BE 2475 is of 1933 to its writer, of 1932 to whoever took 543 off later. Both
#   readings are offered. Sources: Thailand's Calendar Year Act of BE 2483; Eade, The Calendrical Systems of Mainland
#   South-East Asia (1995).
# - Cambodia's ព.ស. changes at Visakha Bochea (April to June) and is 544 ahead after it, so only January to March have one
#   reading.
# - Minguo: 1912 is year 1.

BUDDHIST_YEARS: Final = range(2400, 2601)
"""1857-2057; no record is of those years of the common era."""

BUDDHIST_OFFSET: Final = 543
MINGUO_OFFSET: Final = 1911

# From this year on, Thailand's Buddhist year begins on 1 January.
_FIRST_JANUARY_YEAR: Final = 2484


class Era(StrEnum):
    """What a year is counted from; the rule that converts it has the same name."""

    COMMON = "common_era"
    BUDDHIST = "buddhist_era"
    KHMER = "khmer_buddhist_era"
    MINGUO = "minguo"


def common_years(year: int, month: int | None, era: Era) -> list[int]:
    """Return the years of the common era that a year could be, the likeliest first.

    Parameters
    ----------
    year : int
        As stated.
    month : int, optional
        1-12; None where only the year was stated.
    era : Era
        What the year is counted from.

    Raises
    ------
    ValueError
        If the era has no such year in the time of records.
    """
    if era is Era.COMMON:
        return [year]
    if era is Era.MINGUO:
        if year < 1:
            problem = "the era has no such year"
            raise ValueError(problem)
        return [year + MINGUO_OFFSET]
    if year not in BUDDHIST_YEARS:
        problem = "no year of the Buddhist Era of the time of records"
        raise ValueError(problem)
    common = year - BUDDHIST_OFFSET
    if era is Era.KHMER:
        return [common] if month is not None and month <= 3 else [common, common - 1]
    if year < _FIRST_JANUARY_YEAR and (month is None or month <= 3):
        return [common, common + 1]
    return [common]


def exists(year: int, month: int | None, day: int | None) -> bool:
    """Return whether the calendar has the year, month or day."""
    try:
        date(year, 1 if month is None else month, 1 if day is None else day)
    except ValueError:
        return False
    return True


_ERAS: Final = {
    "era_buddhist": Era.BUDDHIST, "era_khmer": Era.KHMER, "era_minguo": Era.MINGUO, "era_common": Era.COMMON,
}  # fmt: skip
_CHINESE: Final = re.compile(r"([〇○零元一二三四五六七八九十廿卅百]+)(?=\s*[年月日号號])")
_DIGITS: Final = {char: str(n) for n, char in enumerate("零一二三四五六七八九")} | {"〇": "0", "○": "0"}
# The full stops of ม.ค. and ພ.ສ., which may be left out.
_STOPS: Final = re.compile(
    r"(?<=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\.\s?(?=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])"
)
_INVISIBLE: Final = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
# Orders of unmarked parts in which people write: d M y, M d y, y M d, and those without day or year.
_ORDERS: Final = frozenset({"dMy", "Mdy", "yMd", "My", "yM", "dM", "Md", "M", "d", "y"})


class Token(NamedTuple):
    """A piece of a date: its kind (`number`, `month`, `roman`, `-` or a kind of `date_words.csv`), value and text."""

    kind: str
    value: int
    text: str


class Partial(NamedTuple):
    """What one end of a date tells; the rule that read it."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    era: Era | None = None
    rule: str = "words"


def read_words(text: str) -> tuple[Partial, Partial]:
    """Read a date or an interval in words.

    Parameters
    ----------
    text : str
        Digits in ASCII.

    Returns
    -------
    (Partial, Partial)
        Both ends, the same where it is no interval; each has a year.

    Raises
    ------
    ValueError
        If it is none, or has a word that is not known.
    """
    tokens = _tokens(text)
    if {token.kind for token in tokens} <= {"number", "-", "ignore"}:
        problem = "no word that tells a month, a year or a day"
        raise ValueError(problem)
    if all(token.kind != "range" for token in tokens):
        try:
            one = _partial(tokens)
        except ValueError:
            pass
        else:
            if one.year is not None:
                return one, one
    found = set()
    for at, token in enumerate(tokens):
        if token.kind in {"range", "-"}:
            try:
                found.add(_joined(_partial(tokens[:at]), _partial(tokens[at + 1 :])))
            except ValueError:
                continue
    if len(found) != 1:
        problem = "no date in any form that is known"
        raise ValueError(problem)
    return found.pop()


def _joined(first: Partial, last: Partial) -> tuple[Partial, Partial]:
    """Give each end what it left out because the other tells it."""
    shapes = [[part is not None for part in (end.month, end.day)] for end in (first, last)]
    if first.year is None and last.year is not None:
        first = first._replace(year=last.year, era=last.era, month=first.month or last.month)
    elif last.year is None and first.year is not None:
        last = last._replace(year=first.year, era=first.era, month=last.month or first.month)
    elif first.year is None:
        problem = "no year"
        raise ValueError(problem)
    # 5-8 March: both are days; May-8 June: one is a month, the other a day, and that is no interval.
    if shapes[0][1] != shapes[1][1] or (first.month is None) != (last.month is None):
        problem = "its ends tell different parts"
        raise ValueError(problem)
    rule = first.rule if first.rule != "words" else last.rule
    return first._replace(rule=rule), last._replace(rule=rule)


def _partial(tokens: Sequence[Token]) -> Partial:
    """Read the parts of one end."""
    parts: dict[str, int] = {}
    era: Era | None = None
    order, marked, pending = "", False, ""
    tokens = [token for token in tokens if token.kind not in {"-", "ignore"}]
    named = any(token.kind in {"month", "roman"} for token in tokens)
    at = 0
    while at < len(tokens):
        token = tokens[at]
        following = tokens[at + 1].kind if at + 1 < len(tokens) else ""
        at += 1
        if token.kind in _ERAS:
            if era is not None:
                problem = "two eras"
                raise ValueError(problem)
            era = _ERAS[token.kind]
            pending = "year" if era is Era.MINGUO else pending
        elif token.kind.endswith("_before"):
            if pending and pending != token.kind.removesuffix("_before"):
                problem = "a mark without a number"
                raise ValueError(problem)
            pending = token.kind.removesuffix("_before")
        elif token.kind in {"month", "roman"}:
            if pending not in {"", "month"}:
                problem = "a mark without a number"
                raise ValueError(problem)
            pending, order = "", order + "M"
            _put(parts, "month", token.value)
            at += following == "month_after"
        elif token.kind == "number":
            role = pending
            if following.endswith("_after"):
                if role and role != following.removesuffix("_after"):
                    problem = "two marks of one number"
                    raise ValueError(problem)
                role, at = following.removesuffix("_after"), at + 1
            marked |= bool(role)
            if not role:
                role = "year" if len(token.text) == 4 else "day" if len(token.text) <= 2 else ""
            pending, order = "", order + {"year": "y", "month": "M", "day": "d"}.get(role, "?")
            if not role or (role == "year" and len(token.text) != 4 and era is not Era.MINGUO):
                problem = "a number that is neither year nor day"
                raise ValueError(problem)
            _put(parts, role, token.value)
        else:
            problem = "a mark without a number"
            raise ValueError(problem)
    roman = any(token.kind == "roman" for token in tokens)
    if pending or not parts or (not marked and order not in _ORDERS) or (roman and "day" not in parts):
        problem = "no date in an order that is known"
        raise ValueError(problem)
    if "month" not in parts and "day" in parts and "year" in parts:
        problem = "a day without a month"
        raise ValueError(problem)
    if not marked and not named and len(parts) > 1:
        problem = "numbers without a mark"
        raise ValueError(problem)
    chinese = any(token.text in {"年", "月"} for token in tokens)
    rule = "chinese" if chinese else "month_name" if named else "words"
    return Partial(parts.get("year"), parts.get("month"), parts.get("day"), era, rule)


def _put(parts: dict[str, int], role: str, value: int) -> None:
    """Set a part that must not stand twice."""
    if role in parts:
        problem = f"two numbers for the {role}"
        raise ValueError(problem)
    parts[role] = value


def _tokens(stated: str) -> list[Token]:
    """Cut a text into tokens; ValueError where something in it is not known."""
    text = unicodedata.normalize("NFKC", stated).translate(_INVISIBLE).casefold()
    text = _STOPS.sub("", _CHINESE.sub(lambda match: _chinese_number(match[1]), text))
    pattern, words = _lexer()
    tokens, at = [], 0
    while at < len(text):
        match = pattern.match(text, at)
        if match is None:
            problem = "a word that is not known"
            raise ValueError(problem)
        at = match.end()
        if match["number"]:
            tokens.append(Token("number", int(match["number"]), match["number"]))
        elif match["word"]:
            kind, value = words[re.sub(r"\s+", "", match["word"])]
            tokens.append(Token(kind, value, match["word"]))
        elif match["hyphen"]:
            tokens.append(Token("-", 0, "-"))
    return tokens


def _chinese_number(numeral: str) -> str:
    """Return 二〇二四 as 2024, 三十一 as 31, 元 (of the first year) as 1."""
    if numeral == "元":
        return "1"
    if all(char in _DIGITS for char in numeral):
        return "".join(_DIGITS[char] for char in numeral)
    numeral = numeral.replace("廿", "二十").replace("卅", "三十")
    hundreds, _, rest = numeral.rpartition("百")
    tens, ten, ones = rest.rpartition("十")
    total = 0
    for digits, size, missing in ((hundreds, 100, 0), (tens, 10, 1 if ten else 0), (ones, 1, 0)):
        digits = digits.removeprefix("零")
        if digits and digits not in _DIGITS:
            problem = "no Chinese number"
            raise ValueError(problem)
        total += size * (int(_DIGITS[digits]) if digits else missing)
    return str(total)


@cache
def _lexer() -> tuple[re.Pattern[str], dict[str, tuple[str, int]]]:
    """Return the pattern of a token, and every word with its kind and value."""
    words: dict[str, tuple[str, int]] = dict.fromkeys(day_names(), ("ignore", 0))
    for row in read_rows("date_words.csv"):
        for name in row["names"].split("|"):
            key = unicodedata.normalize("NFKC", name).casefold()
            for spelling in (key, key.rstrip("."), key.replace(".", "")):
                words[spelling] = (row["kind"], 0)
    words.update({numeral: ("roman", number) for numeral, number in ROMAN.items()})
    words.update({name: ("month", number) for name, number in month_names().items()})
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    latin = [re.escape(word).replace(r"\ ", r"\s+") for word in longest_first if _is_latin(word)]
    # Scripts without white space between words: the longest word that fits.
    other = [re.escape(word).replace(r"\ ", r"\s*") for word in longest_first if not _is_latin(word)]
    pattern = (
        rf"(?P<number>\d+)|(?P<word>(?<![^\W\d_])(?:{'|'.join(latin)})(?![^\W\d_])|{'|'.join(other)})"
        r"|(?P<hyphen>[-~])|[\s.,/\\()\u104a\u104b\u17d4]+"
    )
    return re.compile(pattern), {re.sub(r"\s+", "", word): value for word, value in words.items()}


def _is_latin(word: str) -> bool:
    """Return whether a word is in the Latin script, which parts its words."""
    return unicodedata.name(word[0]).startswith("LATIN")
