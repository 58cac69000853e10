"""What the headings of a sheet mean: a term for each, how surely, in which unit, and why."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from biodata.formats.xml import local_term
from biodata.ingest.headings import patterns, readings, zawgyi
from biodata.ingest.headings.answers import CERTAIN, Proposal, Why
from biodata.ingest.headings.dictionary import NO_TERM, entries, is_term
from biodata.ingest.headings.plain import key
from biodata.ingest.headings.units import Unit, split_unit, units_in

_POINT: Final = re.compile(r"^_.*_(latitude|longitude|altitude|precision)$", re.IGNORECASE | re.DOTALL)
_POINT_TERMS: Final = MappingProxyType(
    {
        "latitude": "decimalLatitude",
        "longitude": "decimalLongitude",
        "altitude": "minimumElevationInMeters",
        "precision": "coordinateUncertaintyInMeters",
    }
)
"""KoboToolbox and ODK write a question's place into four columns, `_` + the question + `_latitude` and so on."""
_NUMBERING: Final = re.compile(
    r"^\s*(?:[(（]?\s*(?:q?\d{1,2}(?:[.\-]\d{1,2})*|[a-z]\d{1,2})\s*[).:）、．]+|[一二三四五六七八九十]+、|[①-⑳])\s*(?=\S)",
    re.I,
)
"""The number of a question before it: `3. `, `Q12:`, `(1)`, `一、`, `①`."""
_PLURAL: Final = re.compile(r"(?<=[a-z])\((?:e?s)\)", re.IGNORECASE)
"""`Observer(s)` is of observers; only `Duration (s)`, with a space, is in seconds."""
_DATUM_BEHIND: Final = re.compile(r"(?<=\w)[\s_(\-]+wgs[\s_-]?(?:19)?84\)?$", re.IGNORECASE)
"""`UTMX_WGS84` is the X; the datum of its coordinates changes nothing."""
_OF_A_POINT: Final = 0.95
LONGEST: Final = 300
"""Letters of a heading that is looked at: questions of forms are long, what is longer is a text and would only take time."""
_PREFIX: Final = re.compile(r"^(dwc|dwciri|dc|dcterms|gbif|ac|eco):", re.IGNORECASE)


def propose(
    headings: Sequence[str],
    *,
    sheet: str | None = None,
    cells: Mapping[str, Sequence[str | None]] = MappingProxyType({}),
    kept: Mapping[str, str] = MappingProxyType({}),
) -> list[Proposal]:
    """Propose a term for each heading of a sheet.

    Parameters
    ----------
    headings : sequence of str
        As they came, in their order.
    sheet : str, optional
        The sheet's name: on a sheet of events a place's cells are those of the event.
    cells : mapping of str to sequence of str
        Some cells below a heading: they decide between meanings, and never make a heading certain.
    kept : mapping of str to str
        Heading → term, as it was kept for the dataset; an empty term says that the heading is of none.

    Returns
    -------
    list of Proposal
        One a heading. The same headings give the same answer.
    """
    known = {key(heading): term for heading, term in kept.items()}
    language = _language([heading for heading in headings if len(heading) <= LONGEST])
    proposals = [_proposal(heading, known, language, cells.get(heading, ())) for heading in headings]
    return _each_once(proposals)


def _proposal(heading: str, kept: Mapping[str, str], language: str | None, cells: Sequence[str | None]) -> Proposal:
    """Return what is proposed for one heading, whatever the others are."""
    plain = key(heading)
    if plain in kept:
        return Proposal(
            heading, kept[plain] or None, 1.0, readings.unit_name(split_unit(heading, kept[plain])[1]), Why.KEPT
        )
    if len(heading) > LONGEST:
        return replace(_proposal("", {}, language, cells), heading=heading)
    name = heading.strip().strip("\ufeff")
    name = local_term(name) if "://" in name else _PREFIX.sub("", name)
    if is_term(name):
        return Proposal(heading, name, 1.0, None, Why.TERM)
    point = _POINT.match(name)
    if point:
        return Proposal(heading, _POINT_TERMS[point[1].lower()], _OF_A_POINT, None, Why.DICTIONARY)
    if zawgyi.looks_like(heading):
        found = _proposal(zawgyi.to_unicode(heading), {}, "my", cells)
        return replace(found, heading=heading, confidence=min(found.confidence, CERTAIN), why=Why.ZAWGYI)
    name = _PLURAL.sub("", _NUMBERING.sub("", name))
    rest, units = units_in(name)
    return (
        patterns.of_an_axis(heading, name, language)
        or _by_dictionary(heading, name, rest, units, language, cells)
        or patterns.of_several(heading, name, units, language, cells)
        or patterns.of_an_order(heading, name, language, cells)
        or readings.by_parts(heading, name, units, language, cells)
        or readings.without_its_marks(heading, rest, units)
        or _without_datum(heading, name, language, cells)
        or readings.guessed(heading, rest, units, language, cells)
    )


def _without_datum(heading: str, name: str, language: str | None, cells: Sequence[str | None]) -> Proposal | None:
    """Return the proposal for a heading without the datum behind it; None where it tells none."""
    before = _DATUM_BEHIND.sub("", name)
    return replace(_proposal(before, {}, language, cells), heading=heading) if before != name else None


def _by_dictionary(
    heading: str, name: str, rest: str, units: Sequence[Unit], language: str | None, cells: Sequence[str | None]
) -> Proposal | None:
    """Return what the dictionary has of a heading without its unit, or with what only seems to be one: `Country_ISO`."""
    measured = readings.in_dictionary(heading, rest, units, language, cells) if units else None
    if measured is not None and measured.why is not Why.UNIT_STRANGE:
        return measured
    return readings.in_dictionary(heading, name, (), language, cells) or measured


def _each_once(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Leave a term to the heading that surely has it; where two would have it, it is nobody's for sure."""
    wanted: dict[str, list[Proposal]] = {}
    for proposal in proposals:
        if proposal.term is not None:
            wanted.setdefault(proposal.term, []).append(proposal)
    out = []
    for proposal in proposals:
        rivals = [one for one in wanted.get(proposal.term or NO_TERM, ()) if one is not proposal]
        best = max((rival.confidence for rival in rivals), default=0.0)
        if rivals and proposal.confidence <= best and proposal.why is not Why.KEPT:
            proposal = _second(proposal, set(wanted))
        out.append(proposal)
    return out


def _second(proposal: Proposal, taken: set[str]) -> Proposal:
    """Return the other meaning of a heading whose first one another heading has, where it is free."""
    free = [term for term in proposal.others if term not in taken]
    if free and proposal.why in (Why.SEVERAL, Why.CELLS, Why.WORDS):
        others = (str(proposal.term), *(term for term in proposal.others if term != free[0]))
        return replace(proposal, term=free[0], confidence=min(proposal.confidence, 0.6), others=others)
    return replace(proposal, confidence=min(proposal.confidence, 0.5), why=Why.REPEATED)


def _language(headings: Sequence[str]) -> str | None:
    """Return the language that most headings are of, among those that share headings."""
    votes: Counter[str] = Counter()
    for heading in headings:
        entry = entries().get(key(heading))
        for language in entry.languages if entry else ():
            votes[language] += 1 if len(entry.languages if entry else ()) > 1 else 3
    ordered = votes.most_common(2)
    if not ordered or (len(ordered) > 1 and ordered[0][1] == ordered[1][1]):
        return None
    return ordered[0][0]
