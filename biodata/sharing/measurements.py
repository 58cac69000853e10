"""Measurements and facts, as rows of their own beside records and events.

What is measured of a record is stated with it where its place is open, as its remarks are; what may be stated of an event is
found in `event_measurements`. https://dwc.tdwg.org/terms/#measurementorfact, https://manual.obis.org/data_format.html
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any, Final

import polars as pl

from biodata.places import BoundarySet
from biodata.sharing.rules import RuleSet
from biodata.sharing.scopes import hidden_words
from biodata.text.numbers import ascii_digits
from biodata.text.reference_list import reference_list
from biodata.text.tables import read_rows

COLUMN: Final = "measurements"
FIELDS: Final = (
    "measurementID", "parentMeasurementID", "measurementType", "measurementTypeID", "measurementValue",
    "measurementValueID", "measurementAccuracy", "measurementUnit", "measurementUnitID", "measurementDeterminedDate",
    "measurementDeterminedBy", "measurementMethod", "measurementRemarks",
)  # fmt: skip
"""What is stated of each, under Darwin Core's terms and those that OBIS adds."""
_IDENTIFIERS: Final = FIELDS[:2]
OF_OBIS: Final = frozenset({"measurementTypeID", "measurementValueID", "measurementUnitID"})
"""Those that OBIS adds: http://rs.iobis.org/obis/terms/."""


def read(text: str | None) -> str | None:
    """Return measurements as JSON, as they are kept: of each the fields that are stated; None where there are none.

    Parameters
    ----------
    text : str, optional
        A JSON list of rows, as an archive's table has them.
    """
    return written(filled_fields(row) for row in rows_of(text))


def column(values: pl.Series) -> pl.Series:
    """Return a column of measurements as they are kept, `read` of each text."""
    return pl.Series(COLUMN, [read(text) for text in values], dtype=pl.String)


def without_identifiers(values: pl.Series) -> pl.Series:
    """Return measurements without their identifiers, which hold the record's or the event's own."""
    kept = [name for name in FIELDS if name not in _IDENTIFIERS]
    known = {
        text: written({name: row[name] for name in kept if name in row} for row in rows_of(text))
        for text in values.drop_nulls().unique()
    }
    return values.replace_strict(known, default=None, return_dtype=pl.String)


def items(published: str | None) -> list[dict[str, str]]:
    """Return what is published of the measurements of a record or an event."""
    return json.loads(published) if published else []


def filled_fields(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a row that are stated, in their order."""
    return {name: value.strip() for name in FIELDS if isinstance(value := row.get(name), str) and value.strip()}


def rows_of(text: str | None) -> list[Mapping[str, Any]]:
    """Return the rows of a JSON list; nothing of what is none: any table can have a column of that name."""
    try:
        found = json.loads(text) if text else []
    except (ValueError, RecursionError):
        return []
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def written(rows: Iterable[Mapping[str, Any] | None]) -> str | None:
    """Return rows as JSON, as they are kept; None where there are none."""
    kept = [row for row in rows if row]
    return json.dumps(kept, ensure_ascii=False) if kept else None


_ONE: Final = r"\d{1,9}(?:[.,]\d{1,9})?(?:[eE][+-]?\d{1,2})?"
_NUMBER: Final = re.compile(rf"[<>≤≥~≈±+-]{{0,2}}\s*{_ONE}\s*(?:(?:-|–|to|±|\+/-|/)\s*{_ONE})?\s*%?")
_DAY: Final = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?(?:/\d{4}(?:-\d{2}(?:-\d{2})?)?)?")
_CONCEPT: Final = re.compile(r"https?://vocab\.nerc\.ac\.uk/(?:collection|standard_name)/[\w./-]{1,60}", re.ASCII)
_WORD: Final = re.compile(r"[^\W\d_]+")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_DIGITS: Final = re.compile(r"\d{6}|[1-9][.,]\d{4}")
"""As many digits as a coordinate has, which no method needs."""
_LONGEST: Final = 300
_PARTS: Final = frozenset({"%", "percent", "percentage", "per", "cent", "pct", "proportion", "fraction", "ratio"})
"""Units of a part of the ground."""
_OF_GROUND: Final = frozenset({"of", "cover", "coverage", "area"})
"""Words that may stand beside these."""


def let_out_of_events(events: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet) -> pl.Series:
    """Return the measurements of events of which nothing in words may state what was met there.

    Parameters
    ----------
    events : polars.DataFrame of n rows
        datasetKey, eventID and `measurements`, as `read` returns them.
    rules, boundaries
        As `decide.decide` has them.

    Returns
    -------
    Series of str, length n
        JSON; null where none is left. Of a measurement that is stated, a field with other words is left out, and so is the
        name of whoever measured.
    """
    table = events.select("datasetKey", "eventID", COLUMN)
    rows = {text: rows_of(text) for text in table[COLUMN].drop_nulls().unique()}
    types = {filled_fields(row).get("measurementType", "") for listed in rows.values() for row in listed}
    taxa = pl.DataFrame({"word": sorted(set[str]().union(*map(_taxa_of, types)))}, schema={"word": pl.String})
    named = table.drop_nulls(COLUMN).select("datasetKey").unique().join(taxa, how="cross")
    shown: dict[str | None, set[str]] = {}
    if named.height:
        for key, word in named.filter(~hidden_words(named, rules, boundaries=boundaries)).iter_rows():
            shown.setdefault(key, set()).add(word)
    made = [
        None if text is None else written(_let_out(row, event or "", shown.get(key, set())) for row in rows[text])
        for key, event, text in table.iter_rows()
    ]
    return pl.Series(COLUMN, made, dtype=pl.String)


def kept_inside(rows: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Count the measurements that are stated of no event, whatever the rules are, by their type."""
    return Counter(filled_fields(row).get("measurementType", "") for row in rows if _let_out(row, "", None) is None)


def _let_out(row: Mapping[str, Any], event: str, shown: set[str] | None) -> dict[str, str] | None:
    """Return what may be stated of a measurement of an event; None where that is nothing."""
    facts = filled_fields(row)
    kind, unit, value = (facts.get(name, "") for name in ("measurementType", "measurementUnit", "measurementValue"))
    units = set(unit.casefold().split())
    is_part = bool(units & _PARTS and units <= _PARTS | _OF_GROUND) or (not unit and value.endswith("%"))
    if not (_is_measure(kind) or (is_part and _is_ground(kind, shown))) or not _is_unit(unit):
        return None
    may = {
        "measurementType": True,
        "measurementUnit": True,
        "measurementValue": _is_value(value),
        "measurementAccuracy": _is_value(facts.get("measurementAccuracy", "")),
        "measurementDeterminedDate": bool(_DAY.fullmatch(facts.get("measurementDeterminedDate", ""))),
        **{name: _is_plain(facts.get(name, "")) for name in ("measurementMethod", "measurementRemarks")},
        **{name: bool(_CONCEPT.fullmatch(facts.get(name, ""))) for name in OF_OBIS},
        **{name: _is_own(facts.get(name, ""), event) for name in _IDENTIFIERS},
    }
    return {name: text for name, text in facts.items() if may.get(name)} if may["measurementValue"] else None


def _is_measure(text: str) -> bool:
    """Return whether a type is a quantity of water, air, ground or light, in known words alone."""
    kinds = _kinds(text)
    return "quantity" in kinds and kinds <= {"quantity", "modifier", "ground"} and not _taxa_of(text)


def _is_ground(text: str, shown: set[str] | None) -> bool:
    """Return whether a type is what covers a part of the ground: sand, coral, or a taxon that is among those that are shown.

    Without these it is stated whether any taxon could be.
    """
    taxa = _taxa_of(text)
    if shown is not None and not taxa <= shown:
        return False
    kinds = _kinds(text, besides=bool(taxa))
    return bool(taxa or "ground" in kinds) and kinds <= {"ground", "modifier", "quantity"}


def _is_unit(text: str) -> bool:
    return _kinds(text) <= {"unit", "modifier"} and not _DIGITS.search(text)


def _is_value(text: str) -> bool:
    return bool(_NUMBER.fullmatch(ascii_digits(text)) or (text and _is_plain(text)))


def _is_plain(text: str) -> bool:
    """Return whether every word of a text is known to mean no organism, and no number in it is as long as a coordinate."""
    return len(text) <= _LONGEST and not _DIGITS.search(ascii_digits(text)) and "unknown" not in _kinds(text)


def _is_own(text: str, event: str) -> bool:
    """Return whether an identifier is that of the event, with a number or known words behind it."""
    rest = text.removeprefix(event) if event else text
    may = {"quantity", "modifier", "ground", "unit", "code"}
    return rest != text and len(rest) <= _LONGEST and not _DIGITS.search(ascii_digits(rest)) and _kinds(rest) <= may


@lru_cache(maxsize=4096)
def _kinds(text: str, *, besides: bool = False) -> frozenset[str]:
    """Return the kinds of a text's words; `unknown` among them where a word is none of the list.

    Parameters
    ----------
    text : str
    besides : bool
        Leave names of taxa aside.
    """
    plain = unicodedata.normalize("NFKC", text).replace("μ", "u").strip()
    known = _words()
    whole = known.get(plain.casefold())
    if whole is not None:
        return frozenset({whole[0]})
    left = plain
    if besides:
        for word in _names_in(plain):
            left = re.sub(rf"\b{re.escape(word)}\b", " ", left)
    if not left.isascii() and any(
        unicodedata.category(c)[0] in "LM" and not c.isascii() and not _is_latin(c) for c in left
    ):
        return frozenset({"unknown"})
    kinds = set[str]()
    for piece in _WORD.findall(left):
        words = [piece] if piece.casefold() in known else _HUMP.sub(" ", piece).split()
        kinds |= {known[word][0] if (word := one.casefold()) in known else "unknown" for one in words}
    return frozenset(kinds)


def _is_latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("LATIN ")


@lru_cache(maxsize=4096)
def _taxa_of(text: str) -> frozenset[str]:
    """Return the taxa that a type names: in Latin, or by a word of the list."""
    plain = unicodedata.normalize("NFKC", text).strip()
    pieces = [plain] if plain.casefold() in _words() else _WORD.findall(plain)
    found = {_words().get(word.casefold(), ("", ""))[1] for word in pieces}
    return frozenset(found | set(_names_in(plain))) - {""}


def _names_in(text: str) -> list[str]:
    """Return the genera and higher taxa that stand in a text as a name is written."""
    words = [word for word in _WORD.findall(text) if word.isascii() and word[:1].isupper() and word[1:].islower()]
    return [word for word in words if word.casefold() not in _words() and word in reference_list().group_ranks]


@cache
def _words() -> Mapping[str, tuple[str, str]]:
    """Return kind and taxon of each word of the list, small."""
    found: dict[str, tuple[str, str]] = {}
    for row in read_rows("measurement_words.csv"):
        for word in row["words"].split("|"):
            found.setdefault(word.strip(), (row["kind"], row["taxon"]))
    return found
