"""Headings' meaning until `ingest.headings` gives `propose`: to be deleted then."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from rapidfuzz import process

from biodata.ingest.headings import term_of
from biodata.parsers.bundled import read_rows
from biodata.terms import VERBATIM_TERMS
from biodata.terms.events import EVENT_TERMS

CERTAIN: Final = 0.9
_TERMS: Final = tuple(dict.fromkeys((*VERBATIM_TERMS, *EVENT_TERMS, "deploymentStart", "deploymentEnd")))
_UNIT: Final = re.compile(r"^(.*?)\s*[(（\[]\s*([^()（）\[\]]+?)\s*[)）\]]\s*$")


@dataclass(frozen=True)
class Proposal:
    """What a heading may mean."""

    heading: str
    term: str | None
    confidence: float
    unit: str | None = None
    why: str = ""


@cache
def _known() -> Mapping[str, str]:
    own = {term.lower(): term for term in _TERMS}
    return {row["heading"].lower(): row["term"] for row in read_rows("heading_stand_in.csv")} | own


def propose(
    headings: Sequence[str], *, sheet: str | None = None, cells: Mapping[str, Sequence[str]] | None = None
) -> list[Proposal]:
    """Propose what headings mean."""
    return [_proposal(heading) for heading in headings]


def _proposal(heading: str) -> Proposal:
    plain = heading.strip().lower()
    found = _UNIT.match(heading)
    unit = found[2] if found else None
    for name in (plain, found[1].strip().lower() if found else plain):
        if name in _known():
            return Proposal(heading, _known()[name], 1.0, unit)
    term = term_of(found[1] if found else heading)
    if term in _TERMS:
        return Proposal(heading, term, 0.98, unit)
    near = process.extractOne(plain, {term: term.lower() for term in _TERMS}, score_cutoff=75)
    return Proposal(heading, near[2] if near else None, 0.5 if near else 0.0, unit)


def names_of(headings: Sequence[str], kept: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what headings surely mean."""
    sure = {p.heading: p.term for p in propose(headings) if p.term and p.confidence >= CERTAIN}
    return sure | {heading: term for heading, term in (kept or {}).items() if heading in headings}
