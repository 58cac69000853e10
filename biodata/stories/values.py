"""How each value of a record came about: the interpreted row beside the verbatim one."""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, Final

import polars as pl

from biodata import terms
from biodata.flags import FLAGS
from biodata.harmonise import rules
from biodata.harmonise.findings import Told
from biodata.harmonise.rules import ADMINISTRATION, CHECKS, READERS, RULES, Kind, Way
from biodata.stories.story import Doubt, How, Proposal, Use, Value

Row = dict[str, Any]
_HOW: Final = {Kind.READ: How.READ, Kind.FILL: How.FILLED, Kind.REPAIR: How.REPAIRED, Kind.CHECK: How.READ}
_FOLLOWS: Final = {"name_match": "taxon_id", "date": "eventDate"}
"""Rules that may set a told value aside: where the checklist, or the whole date, says otherwise."""


class Cells:
    """The verbatim cells of one record.

    Parameters
    ----------
    row : dict
        A row of the lake's table `verbatim`.

    Attributes
    ----------
    raw : dict of str to str
        By term each cell that is filled, as it came.
    cleaned : dict of str to str
        The same as the harmonising saw them: without placeholders for nothing.
    """

    def __init__(self, row: Row) -> None:
        self.raw: dict[str, str] = {
            term: row[f"v_{term}"] for term in terms.VERBATIM_TERMS if row.get(f"v_{term}") is not None
        }
        frame = pl.DataFrame({**self.raw, "source_file": "", "source_row": 1}, strict=False)
        told = Told(frame)
        self.cleaned: dict[str, str] = {
            term: text for term in self.raw if (text := told[term][0]) is not None
        }  # fmt: skip


class Rulebook:
    """The rules as a record met them.

    Parameters
    ----------
    kept : mapping of str to int, optional
        Their versions when it was interpreted; None where that was not kept.
    """

    def __init__(self, kept: Mapping[str, int] | None) -> None:
        self._kept = kept or {}

    def use(self, name: str, detail: str | None = None) -> Use:
        """Return a rule as it was used."""
        rule = RULES.get(name)
        version = self._kept.get(name)
        if rule is None:
            return Use(name, "", "", version, None, detail)
        return Use(name, rule.meaning, rule.source, version, rule.version, detail)

    def uses(self, noted: str | None) -> tuple[Use, ...]:
        """Return the rules that stand in a repair."""
        names, detail = rules.split(noted or "")
        return tuple(self.use(name, detail if name == names[-1] else None) for name in names)


def read_values(row: Row, cells: Cells, book: Rulebook) -> tuple[Value, ...]:
    """Return how each interpreted value came about.

    Parameters
    ----------
    row : dict
        A row of the lake's table `occurrences`.
    cells : Cells
        The verbatim cells of the same record.
    book : Rulebook
        The rules as it met them.
    """
    found = (_value(column.name, row, cells, book) for column in terms.OCCURRENCE if column.name not in ADMINISTRATION)
    return tuple(value for value in found if value is not None)


def read_doubts(row: Row, assessment: Row, book: Rulebook) -> tuple[Doubt, ...]:
    """Return what is doubtful about a record; flags that only the other records tell come last."""
    # What was found beside other records was not found by the ingest's rules.
    flags = [(name, book, None) for name in row.get("quality_flags") or ()]
    details, today = assessment.get("details") or (), Rulebook(None)
    flags += [(name, today, detail) for name, detail in zip_longest(assessment.get("flags") or (), details)]
    doubts = []
    for name, rulebook, detail in flags:
        flag, rule = FLAGS.get(name), CHECKS.get(name)
        use = rulebook.use(rule) if rule else None
        doubts.append(Doubt(name, flag.meaning if flag else "", use, flag.bdq if flag else (), detail))
    return tuple(doubts)


def also_told(cells: Cells, other: Mapping[str, str]) -> dict[str, str]:
    """Return what was told and no value is read from: known terms, then the row's other headings."""
    read = {term for ways in READERS.values() for way in ways for term in way.terms} | {"datasetKey", "id"}
    rest = {term: text for term, text in cells.raw.items() if term not in read and term in cells.cleaned}
    return {**rest, **other}


def _value(column: str, row: Row, cells: Cells, book: Rulebook) -> Value | None:
    """Return how one column's value came about; None where there is nothing to tell."""
    value = row.get(column)
    noted = [repair for repair in row.get("repairs") or () if repair["term"] == column]
    applied = [repair for repair in noted if repair["applied"]]
    proposals = tuple(Proposal(r["value"], book.uses(r["rule"])) for r in noted if not r["applied"])
    told, way = _way(column, value, row, cells)
    empty = value is None or value == []
    if empty and not proposals and not _is_own(column, told):
        return None
    uses = tuple(dict.fromkeys(use for repair in applied for use in book.uses(repair["rule"])))
    from_columns = tuple(name for name in way.columns if row.get(name) is not None) if way else ()
    if empty:
        how, uses = (How.PROPOSED, ()) if proposals else (How.NO_VALUE, (book.use(way.rule),) if way else ())
    elif uses:
        kinds = [RULES[use.name].kind for use in uses if use.name in RULES]
        how = next((_HOW[kind] for kind in (Kind.REPAIR, Kind.FILL) if kind in kinds), How.READ)
    elif way is None:
        how = How.WORKED_OUT
    elif not from_columns and any(_same(value, cells.cleaned[term]) for term in told):
        how = How.AS_TOLD
        told = {term: text for term, text in told.items() if _same(value, cells.cleaned[term])}
    else:
        uses = (book.use(way.rule),)
        how = _HOW[RULES[way.rule].kind] if way.terms or way.rule != "date" else How.WORKED_OUT
    return Value(column, value, how, told, from_columns, uses, proposals)


def _way(column: str, value: Any, row: Row, cells: Cells) -> tuple[dict[str, str], Way | None]:
    """Return what was told of a column, and the way that gave it its value."""
    ways = READERS[column]
    if _DERIVED.get(column) in (row.get("quality_flags") or ()):
        told = {term: cells.raw[term] for way in ways for term in way.terms if term in cells.cleaned}
        return told, next((way for way in ways if way.columns), None)
    for at, way in enumerate(ways):
        told = {term: cells.raw[term] for term in way.terms if term in cells.cleaned}
        if told:
            if value is not None and not any(_fits(value, cells.cleaned[term], way) for term in told):
                for later in ways[at + 1 :]:
                    if later.columns and row.get(_FOLLOWS.get(later.rule, "")) is not None:
                        return told, later
            return told, way
        if not way.terms and (not way.columns or any(row.get(name) is not None for name in way.columns)):
            return {}, way
    return {}, None


def _is_own(column: str, told: Mapping[str, str]) -> bool:
    """Tell whether what was told is told of this column, so that it matters when nothing could be read."""
    return column in told or (bool(told) and READERS[column][0].terms[:1] == (column,) and column in _STOOD_IN)


_DERIVED: Final = {"countryCode": "COUNTRY_DERIVED_FROM_COORDINATES"}
"""Columns that are worked out where what was told cannot be read, and the flag that says so."""

_STOOD_IN: Final = ("eventDate", "countryCode", "license", "decimalLatitude", "decimalLongitude", "elevation", "depth")
"""Columns for which another term may stand in."""


def _fits(value: Any, text: str, way: Way) -> bool:
    """Tell whether a value can be what was told, or a part of it where the text is taken apart."""
    in_parts = way.rule == "name_parts" or way.terms == ("eventTime",)
    return _same(value, text) or (in_parts and str(value) in text)


def _same(value: Any, text: str) -> bool:
    """Tell whether a value is what was told."""
    match value:
        case bool() | None:
            return False
        case int() | float():
            try:
                return float(text) == value
            except ValueError:
                return False
        case list():
            return ";".join(map(str, value)) == text
        case _:
            return str(value) == text
