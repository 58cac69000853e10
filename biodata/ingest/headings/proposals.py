"""What the headings of a sheet mean: a term for each, how surely, in which unit, and why."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from biodata.formats.xml import local_term
from biodata.ingest.headings import zawgyi
from biodata.ingest.headings.dictionary import NO_TERM, Entry, by_language, entries, is_term, unmarked
from biodata.ingest.headings.likeness import nearest
from biodata.ingest.headings.plain import key, without_marks
from biodata.ingest.headings.units import Unit, fits, fitting, split_unit, units_in

CERTAIN: Final = 0.9
"""What is surer than this needs nobody's word; a heading that may mean two things never is."""

_UNLIKELY: Final = 0.3
"""A likeness below which nothing is proposed."""
_NOT_WORTH_TELLING: Final = 0.25
"""Of headings tried, proposals less sure than this were wrong four times of five."""
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
_OF_A_POINT: Final = 0.95
_PARTS: Final = re.compile(r"[()\[\]/|\n\r;【】]+| [-–—] ")
_PREFIX: Final = re.compile(r"^(dwc|dwciri|dc|dcterms|gbif|ac|eco):", re.IGNORECASE)


class Why(StrEnum):
    """Why a term is proposed, or none; `surveys.words` tells it in the ten languages."""

    KEPT = "HEADING_KEPT"
    """The mapping that was kept for this dataset says so."""
    TERM = "HEADING_IS_TERM"
    """The heading is the term's own name."""
    DICTIONARY = "HEADING_IN_DICTIONARY"
    """The dictionary has it, with one meaning."""
    SEVERAL = "HEADING_SEVERAL_MEANINGS"
    """The dictionary has it with several meanings."""
    CELLS = "HEADING_BY_CELLS"
    """It has several meanings, and the cells below it decide."""
    MARKS_MISSING = "HEADING_WITHOUT_MARKS"
    """It is in the dictionary but for the marks on its letters."""
    PARTLY = "HEADING_PARTLY_KNOWN"
    """A part of it is in the dictionary."""
    NEAR = "HEADING_NEAR"
    """It is like a heading of the dictionary."""
    REPEATED = "HEADING_MEANS_THE_SAME"
    """Another heading of the sheet means the same."""
    UNIT_STRANGE = "HEADING_UNIT_STRANGE"
    """The unit in it is not one that the term is told in."""
    NOT_KEPT = "HEADING_OF_NO_TERM"
    """A column that holds nothing of a record: a row number, a signature, the weather."""
    ZAWGYI = "HEADING_ZAWGYI"
    """It is written in the Zawgyi encoding, read as Unicode."""
    UNKNOWN = "HEADING_UNKNOWN"
    """Nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a heading may mean.

    Attributes
    ----------
    heading : str
        As it came.
    term : str or None
        The term; None where it is of none, or where none is likely.
    confidence : float
        0 to 1; above `CERTAIN` nothing else can be meant.
    unit : str or None
        The unit that stands in the heading.
    why : Why
    others : tuple of str
        Terms that it may mean, too, the likeliest first.
    """

    heading: str
    term: str | None
    confidence: float
    unit: str | None
    why: Why
    others: tuple[str, ...] = ()


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
    language = _language(headings)
    proposals = [_proposal(heading, known, language, cells.get(heading, ())) for heading in headings]
    return _each_once(proposals)


def names_of(
    headings: Sequence[str],
    kept_mapping: Mapping[str, str] = MappingProxyType({}),
    *,
    at_least: float = CERTAIN,
    sheet: str | None = None,
    cells: Mapping[str, Sequence[str | None]] = MappingProxyType({}),
) -> dict[str, str]:
    """Return the term of each heading whose meaning is certain, or surer than `at_least`; each term once."""
    proposals = propose(headings, sheet=sheet, cells=cells, kept=kept_mapping)
    return {p.heading: p.term for p in proposals if p.term is not None and p.confidence > at_least}


def _proposal(heading: str, kept: Mapping[str, str], language: str | None, cells: Sequence[str | None]) -> Proposal:
    """Return what is proposed for one heading, whatever the others are."""
    plain = key(heading)
    if plain in kept:
        return Proposal(heading, kept[plain] or None, 1.0, _unit_name(split_unit(heading, kept[plain])[1]), Why.KEPT)
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
    rest, units = units_in(name)
    return (
        (_known(heading, rest, units, language, cells) if units else None)
        or _known(heading, name, (), language, cells)
        or _by_parts(heading, name, units, language, cells)
        or _unmarked(heading, rest, units)
        or _like(heading, rest, units)
    )


def _known(
    heading: str, name: str, units: Sequence[Unit], language: str | None, cells: Sequence[str | None]
) -> Proposal | None:
    """Return the proposal for a heading that the dictionary has."""
    plain = key(name)
    entry = entries().get(plain)
    if entry is None:
        return None
    entry, why = _by_unit(entry, units), Why.DICTIONARY if len(entry.terms) == 1 else Why.SEVERAL
    if language and len(entry.terms) > 1 and entry.confidence <= CERTAIN:
        own = by_language().get((plain, language), ())
        if len(own) == 1 and own[0] in entry.terms:
            entry = replace(entry, terms=(own[0], *(t for t in entry.terms if t != own[0])))
    if why is Why.SEVERAL and cells:
        decided = _by_cells(entry, cells)
        if decided is not None:
            entry, why = decided, Why.CELLS
    return _made(heading, entry.terms, entry.confidence, units, why)


def _made(heading: str, terms: Sequence[str], confidence: float, units: Sequence[Unit], why: Why) -> Proposal:
    """Return a proposal; one whose unit does not fit is less sure."""
    term = terms[0] or None
    unit = fitting(units, term)
    others = tuple(term for term in terms[1:] if term)
    if term is None:
        return Proposal(heading, None, confidence, _unit_name(unit), why if others else Why.NOT_KEPT, others)
    if unit is not None and not fits(term, unit):
        return Proposal(heading, term, min(confidence, 0.5), unit.name, Why.UNIT_STRANGE, others)
    return Proposal(heading, term, confidence, _unit_name(unit), why, others)


def _by_unit(entry: Entry, units: Sequence[Unit]) -> Entry:
    """Put those meanings of a heading first that its unit fits: X in metres is an easting."""
    if not units or len(entry.terms) == 1:
        return entry
    able = [term for term in entry.terms if term and any(fits(term, unit) for unit in units)]
    if units[0].dimension == "length" and {"easting", "northing"} & set(able):
        able = [term for term in able if term in ("easting", "northing")]
    if not able:
        return entry
    terms = (*able, *(term for term in entry.terms if term not in able))
    return replace(entry, terms=terms, confidence=CERTAIN if len(able) == 1 else entry.confidence)


def _by_parts(
    heading: str, name: str, units: Sequence[Unit], language: str | None, cells: Sequence[str | None]
) -> Proposal | None:
    """Return the proposal for a heading in two languages, or with something else beside it."""
    parts = [part for part in (p.strip() for p in _PARTS.split(name)) if len(key(part)) > 1 or not part.isascii()]
    parts += _scripts(name) if len(parts) == 1 else []
    if len(parts) < 2:
        return None
    known = [found for part in parts if (found := _known(heading, part, units, language, cells)) is not None]
    known = [found for found in known if found.term is not None]
    if not known:
        return None
    surest = max(known, key=lambda found: found.confidence)
    same = [found for found in known if found.term == surest.term]
    if len(same) < len(known):
        others = tuple(dict.fromkeys(f.term for f in known if f.term and f.term != surest.term))
        agreeing = [f for f in known if surest.term in f.others]
        confidence = 0.85 if len(same) + len(agreeing) == len(known) else 0.6
        return replace(surest, confidence=min(surest.confidence, confidence), why=Why.SEVERAL, others=others)
    if len(same) > 1 and surest.confidence > CERTAIN:
        return replace(surest, why=Why.DICTIONARY)
    return replace(surest, confidence=min(surest.confidence, 0.85), why=Why.PARTLY)


def _scripts(name: str) -> list[str]:
    """Return the parts of a heading in Latin letters and in others, where it has both."""
    latin = " ".join(re.findall(r"[A-Za-z][A-Za-z .]*", name)).strip()
    other = re.sub(r"[A-Za-z.]+", " ", name).strip()
    return [latin, other] if len(latin) > 1 and re.search(r"[^\W\d_]", other) and not other.isascii() else []


def _unmarked(heading: str, rest: str, units: Sequence[Unit]) -> Proposal | None:
    """Return the proposal for Vietnamese that is typed without its marks."""
    plain = key(rest)
    terms = unmarked().get(without_marks(plain)) if len(plain) > 2 else None
    if terms is None:
        return None
    doubtful = entries().get(plain)
    sure = 0.85 if len(terms) == 1 and len(plain) > 4 and doubtful is None else 0.6
    return _made(heading, terms, sure, units, Why.MARKS_MISSING)


def _like(heading: str, rest: str, units: Sequence[Unit]) -> Proposal:
    """Return the proposal for a heading that is like others."""
    found = nearest(rest)
    if units:
        found.sort(key=lambda one: -one[1] * (1.0 if one[0] and any(fits(one[0], unit) for unit in units) else 0.6))
    if not found or found[0][1] < _UNLIKELY:
        return Proposal(heading, None, 0.0, _unit_name(fitting(units, None)), Why.UNKNOWN)
    best, likeness = found[0]
    second = found[1][1] if len(found) > 1 else 0.0
    confidence = round(min(0.85, likeness * (0.55 + 0.45 * min(1.0, 3 * (likeness - second)))), 2)
    if confidence < _NOT_WORTH_TELLING:
        return Proposal(heading, None, 0.0, _unit_name(fitting(units, None)), Why.UNKNOWN)
    terms = (best, *(term for term, other in found[1:] if term and other > 0.6 * likeness))
    return _made(heading, terms, confidence, units, Why.NEAR)


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
    if free and proposal.why in (Why.SEVERAL, Why.CELLS):
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


_BINOMIAL: Final = re.compile(r"^[A-Z][a-z]+ (cf\. |aff\. )?(sp{1,2}\.|[a-z-]{3,})")
_NUMBER: Final = re.compile(r"^[-+]?\d+([.,]\d+)?$")


def _by_cells(entry: Entry, cells: Sequence[str | None]) -> Entry | None:
    """Return the meaning that the cells below a heading speak for; None where they speak for none."""
    told = [cell.strip() for cell in cells if cell and cell.strip()][:200]
    if len(told) < 3:
        return None
    term = next((t for t in entry.terms if t in _SPEAKS and _share(_SPEAKS[t], told) >= 0.8), None)
    if term is None:
        return None
    terms = (term, *(other for other in entry.terms if other != term))
    return replace(entry, terms=terms, confidence=min(CERTAIN, max(entry.confidence, 0.85)))


def _share(speaks: "re.Pattern[str]", told: Sequence[str]) -> float:
    """Return how many of the cells are of a kind."""
    return sum(speaks.search(cell) is not None for cell in told) / len(told)


_SPEAKS: Final = MappingProxyType(
    {
        "scientificName": _BINOMIAL,
        "easting": re.compile(r"^\d{6}(\.\d+)?$"),
        "northing": re.compile(r"^\d{6,8}(\.\d+)?$"),
        "decimalLatitude": re.compile(r"^-?\d{1,2}\.\d+$"),
        "decimalLongitude": re.compile(r"^-?\d{2,3}\.\d+$"),
        "eventDate": re.compile(r"\d{4}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"),
        "eventTime": re.compile(r"^\d{1,2}[:.]\d{2}"),
    }
)
"""What cells look like that can hold a term, and hardly the others that share a heading with it."""


def _unit_name(unit: Unit | None) -> str | None:
    """Return a unit's name."""
    return None if unit is None else unit.name
