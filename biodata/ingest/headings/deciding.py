"""Plain headings (`Date`, `物种`, `จำนวน`) that a whole sheet decides: their cells speak for a term, and no other heading does."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.ingest.headings.answers import CERTAIN, Proposal, Why
from biodata.parsers.coordinate_pairs import read_pair
from biodata.parsers.dates import parse_dates
from biodata.parsers.numerals import ascii_digits
from biodata.parsers.one_taxon import genera

_MOSTLY: Final = 0.8
_LOOKED_AT: Final = 200
_LIKELY: Final = 0.6
_NAMES_OF_TAXA: Final = frozenset({"scientificName", "vernacularName", "verbatimScientificName", "genus", "taxonID"})
_AGAINST: Final = MappingProxyType({"eventDate": ("deploymentStart", "deploymentEnd")})
"""Of two headings, one for a beginning or an end, the other may be its fellow."""
_LATIN: Final = re.compile(r"^([A-Z][a-z]{2,})(?: |$)")
_COUNT: Final = re.compile(r"\D{0,12}(\d{1,5})(?!\d)[^.]{0,12}")
_CODE: Final = re.compile(r"[A-Za-z]{0,4}[-_ ./]?\d+[A-Za-z]?")
_ANY_DAY: Final = date(9999, 1, 1)
"""Whether a date has been yet is no question of what a column holds."""


def decided(proposals: Sequence[Proposal], cells: Mapping[str, Sequence[str | None]]) -> list[Proposal]:
    """Return the proposals of a sheet, with `Why.TAKEN` for those that the sheet decides; their confidence stays.

    A heading is decided where the dictionary has it, its likeliest meaning is a plain one (date, species, count, place),
    its cells are of it, and no other heading of the sheet may mean the same.

    Parameters
    ----------
    proposals : sequence of Proposal
        One a heading of the sheet, from `propose`.
    cells : mapping of str to sequence of str
        Some cells below each heading.
    """
    return [
        replace(one, why=Why.TAKEN) if _is_decided(one, proposals, cells.get(one.heading, ())) else one
        for one in proposals
    ]


def _is_decided(one: Proposal, proposals: Sequence[Proposal], cells: Sequence[str | None]) -> bool:
    """Tell whether a sheet decides what a heading means."""
    term = one.term
    if term is None or term not in _ARE or one.confidence > CERTAIN or one.confidence < _LIKELY:
        return False
    if one.why not in (Why.SEVERAL, Why.CELLS):
        return False
    others = [other for other in proposals if other is not one]
    meant = {name for other in others for name in (other.term, *_doubted(other)) if name is not None}
    if meant & {term, *_AGAINST.get(term, ())}:
        return False
    if term == "individualCount" and not meant & _NAMES_OF_TAXA:
        return False  # a number of an event may be of cameras, or of days
    told = [cell.strip() for cell in cells if cell and cell.strip()][:_LOOKED_AT]
    return bool(told) and _ARE[term](told)


def _doubted(other: Proposal) -> tuple[str, ...]:
    """Return what a heading may mean beside its likeliest term; one that is surely something means nothing else."""
    return other.others if other.confidence <= CERTAIN else ()


def _are_dates(told: list[str]) -> bool:
    """Tell whether cells are dates with a day; one that can be read in two orders is one, a bare number is none."""
    read = parse_dates(pl.Series(told, dtype=pl.String), today=_ANY_DAY)
    written = read["precision"].is_in(["day", "time", "interval"]) | read["proposal"].is_not_null()
    bare = pl.Series([ascii_digits(text).isdigit() and len(text) != len("20260301") for text in told])
    return int((written & ~bare).sum()) >= _MOSTLY * len(told)


def are_latin(told: list[str]) -> bool:
    """Tell whether cells begin with a known genus."""
    begun = [_LATIN.match(text) for text in told]
    return sum(found is not None and found[1] in genera() for found in begun) >= _MOSTLY * len(told)


def _are_counts(told: list[str]) -> bool:
    """Tell whether cells are small numbers, and not the numbers of the rows."""
    read = [_COUNT.fullmatch(ascii_digits(text)) for text in told]
    numbers = [int(found[1]) for found in read if found is not None]
    in_order = len(numbers) > 2 and all(after == before + 1 for before, after in pairwise(numbers))
    return len(numbers) >= _MOSTLY * len(told) and not in_order


def _are_places(told: list[str]) -> bool:
    """Tell whether cells are names of places: neither coordinates nor codes, and none of them a number."""
    latin = ascii_digits(" ".join(told))
    if not any(sign.isalpha() for sign in latin):
        return False
    named = [text for text in told if not _CODE.fullmatch(ascii_digits(text)) and read_pair(text).latitude is None]
    return len(named) == len(told)


_ARE: Final[Mapping[str, Callable[[list[str]], bool]]] = MappingProxyType(
    {
        "eventDate": _are_dates,
        "scientificName": are_latin,
        "individualCount": _are_counts,
        "locality": _are_places,
    }
)
"""The plain terms, and whether cells are of them."""
