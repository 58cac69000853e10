"""Headings made comparable: one spelling for what looks or sounds the same in each script of the region."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from biodata.text.tables import read_rows

_UNSEEN: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z]{2})(?=[A-Z][a-z]{2})")
_MARKS: Final = ("Mn", "Mc", "Me")


@lru_cache(maxsize=1)
def _simplified() -> dict[int, str]:
    return {ord(row["traditional"]): row["simplified"] for row in read_rows("heading_characters.csv")}


@lru_cache
def _rules(file: str) -> list[tuple["re.Pattern[str]", str]]:
    return [(re.compile(row["found"]), row["put"]) for row in read_rows(file)]


def respelt(text: str, file: str) -> str:
    """Return a text with the rules of a table applied in their order: what is found, and what is put in its place."""
    for found, put in _rules(file):
        text = found.sub(put, text)
    return text


def settled(text: str) -> str:
    """Return a text in one spelling, its words and signs kept; signs that are not seen are left out."""
    text = unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).casefold()
    return respelt(unicodedata.normalize("NFKC", text), "heading_spellings.csv").translate(_simplified())


def words(text: str) -> list[str]:
    """Return the words of a heading in one spelling; a heading in a script without spaces is one word."""
    spaced = settled(_CAMEL.sub(" ", _UNSEEN.sub("", text)))
    return "".join(sign if _is_letter(sign) else " " for sign in spaced).split()


@lru_cache(maxsize=1 << 16)
def key(text: str) -> str:
    """Return what two spellings of the same heading have in common: letters and digits, without spaces and signs."""
    return "".join(filter(_is_letter, settled(text))) or "".join(text.split())


def without_marks(text: str) -> str:
    """Return a key in Latin letters without the marks above and below them, as Vietnamese is typed on a bare keyboard."""
    bare = "".join(s for s in unicodedata.normalize("NFD", text.replace("đ", "d")) if unicodedata.category(s) != "Mn")
    return unicodedata.normalize("NFC", bare)


def _is_letter(sign: str) -> bool:
    return sign.isalnum() or unicodedata.category(sign) in _MARKS


_IMPOSSIBLE: Final = re.compile(
    "(?:^|[^\u1000-\u109f])\u1031[\u1000-\u1021\u103b\u107e-\u1084]"  # the vowel e without a letter before it
    "|\u1031\u1031"
    "|(?:^|[^\u1000-\u109f]|\u1038)\u103b[\u1000-\u1021]"  # a medial without a letter before it
    "|\u1039(?![\u1000-\u1021\u105a-\u105d\u1075-\u1081])"  # asat, where Unicode has a stack
    "|(?<=[\u1000-\u1021\u102b-\u103e])[\u1094\u1095]"  # the dot below; in Unicode digits of Shan
    "|[\u107e\u107f\u1080\u1082-\u1084][\u1000-\u1021](?!\u103a)"  # ra drawn around its letter
    "|[\u1000-\u1021][\u1060-\u1063\u1065-\u1068\u106c\u106d\u1070-\u107c\u1085\u1093\u1096]"  # stacked letters
    "(?![\u103a\u1060-\u109f\u102b-\u1032])"
)
_ORDER: Final = "\u103b\u103c\u103d\u103e\u1031\u102d\u102e\u1032\u102f\u1030\u102b\u102c\u1036\u103a\u1037\u1038"


def is_zawgyi(text: str) -> bool:
    """Return whether a text is Burmese in the Zawgyi encoding: its signs stand in an order that Unicode does not have."""
    return _IMPOSSIBLE.search(text) is not None


def from_zawgyi(text: str) -> str:
    """Return a Zawgyi text in Unicode, the signs behind each letter in Unicode's order."""
    text = respelt(text, "heading_zawgyi.csv")
    return re.sub(f"[{_ORDER}]{{2,}}", lambda run: "".join(sorted(run[0], key=_ORDER.index)), text)


_BRACKETS: Final = re.compile(r"[(\[{<【〔「]([^()\[\]{}<>【】〔〕「」]*)[)\]}>】〕」]")
_TAIL: Final = re.compile(r"^(.*\S)\s*[,;:/_\-–—\s]\s*(?:in\s+)?(\S+(?:\s\S+)?)$", re.IGNORECASE)
_TAIL_DIMENSIONS: Final = ("length", "area", "date_order", "clock")
"""What is a unit also without brackets; `date e` and `number of animals` are no units."""
_IN_METRES: Final = frozenset(
    """minimumElevationInMeters maximumElevationInMeters coordinateUncertaintyInMeters easting northing samplingEffort
    samplingEffortValue""".split()
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit by its name and what it measures, the first columns of `data/heading_units.csv`: `m`, length."""

    name: str
    dimension: str


def split_unit(heading: str, term: str | None = None) -> tuple[str, Unit | None]:
    """Return a heading without its unit, and the unit that fits a term best; None where it states none."""
    rest, units = units_in(heading)
    return rest, fitting(units, term)


def units_in(heading: str) -> tuple[str, tuple[Unit, ...]]:
    """Return a heading without its unit, and the units that it can be: n is of north, and of a number."""
    text = unicodedata.normalize("NFKC", heading)
    for match in _BRACKETS.finditer(text):
        parts = match[1], re.split("[,;،、]", match[1])[-1]  # (east, m)
        units = next(filter(None, (_units().get(_plain(part)) for part in parts)), ())
        rest = f"{text[: match.start()]} {text[match.end() :]}".strip()
        if units and rest:
            return rest, units
    if (tail := _TAIL.match(" ".join(heading.split()))) is None:
        return heading, ()
    for unit in _units().get(_plain(tail[2]), ())[:1]:
        is_count = unit.dimension in ("count", "mass") and "/" in tail[0][tail.end(1) : tail.start(2)]
        of_a_zone = unit.dimension == "grid" and any(sign.isdigit() for sign in tail[2])  # `X_UTM48N`
        if unit.dimension in _TAIL_DIMENSIONS or is_count or of_a_zone:
            return tail[1].rstrip(",;:/_-–— "), _units()[_plain(tail[2])]
    return heading, ()


def unit_alone(text: str) -> Unit | None:
    """Return the unit that a text is, in brackets or not; None where it is anything else."""
    return next(iter(_units().get(_plain(text.strip("[]()（） ")), ())), None)


def fitting(units: Sequence[Unit], term: str | None) -> Unit | None:
    """Return the unit that a term can be stated in, else the first one; None where there is none."""
    return next((unit for unit in units if term and fits(term, unit)), units[0] if units else None)


def fits(term: str | None, unit: Unit) -> bool:
    """Return whether the values of a term may be stated in a unit."""
    if unit.name in ("cm", "mm") and term in _IN_METRES:
        return False
    return term is None or unit.dimension in _dimensions().get(term, ())


def has_digits(term: str) -> bool:
    """Return whether the cells of a term have digits, in whatever script: it is measured; abundances have codes, too."""
    return term == "verbatimElevation" or (term in _dimensions() and term != "organismQuantity")


@lru_cache(maxsize=1)
def _dimensions() -> dict[str, list[str]]:
    """Return what the values of a term may be measured in; any other term has no unit."""
    return {row["term"]: row["dimensions"].split("|") for row in read_rows("heading_dimensions.csv")}


@lru_cache(maxsize=1)
def _units() -> dict[str, tuple[Unit, ...]]:
    known: dict[str, tuple[Unit, ...]] = {}
    for row in read_rows("heading_units.csv"):
        for word in row["words"].split("|"):
            plain = _plain(word)
            known[plain] = (*known.get(plain, ()), Unit(row["unit"], row["dimension"]))
    return known


def _plain(text: str) -> str:
    """Return a unit in one spelling; its signs are kept, since ° and % are all that some have."""
    return " ".join(settled(text).split()).rstrip(".")
