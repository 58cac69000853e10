"""What the headings of a sheet mean: a term for each, how surely, in which unit, and why."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from biodata.formats.xml import local_term
from biodata.ingest.headings import zawgyi
from biodata.ingest.headings.compounds import compound, of_something_unknown
from biodata.ingest.headings.deciding import by_cells, contradicted, possible
from biodata.ingest.headings.dictionary import (
    CERTAIN,
    NO_TERM,
    Entry,
    Proposal,
    Why,
    by_language,
    entries,
    is_term,
    nearest,
    unmarked,
)
from biodata.ingest.headings.plain import key
from biodata.ingest.headings.units import Unit, date_begun, fits, fitting, split_unit, units_in

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
        return Proposal(heading, kept[plain] or None, 1.0, unit_name(split_unit(heading, kept[plain])[1]), Why.KEPT)
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
        of_an_axis(heading, name, language)
        or _by_dictionary(heading, name, rest, units, language, cells)
        or of_several(heading, name, units, language, cells)
        or of_an_order(heading, name, language, cells)
        or by_parts(heading, name, units, language, cells)
        or without_its_marks(heading, rest, units)
        or _without_datum(heading, name, language, cells)
        or guessed(heading, rest, units, language, cells)
    )


def _without_datum(heading: str, name: str, language: str | None, cells: Sequence[str | None]) -> Proposal | None:
    """Return the proposal for a heading without the datum behind it; None where it tells none."""
    before = _DATUM_BEHIND.sub("", name)
    return replace(_proposal(before, {}, language, cells), heading=heading) if before != name else None


def _by_dictionary(
    heading: str, name: str, rest: str, units: Sequence[Unit], language: str | None, cells: Sequence[str | None]
) -> Proposal | None:
    """Return what the dictionary has of a heading without its unit, or with what only seems to be one: `Country_ISO`."""
    measured = in_dictionary(heading, rest, units, language, cells) if units else None
    if measured is not None and measured.why is not Why.UNIT_STRANGE:
        return measured
    return in_dictionary(heading, name, (), language, cells) or measured


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


_UNLIKELY: Final = 0.3
"""A likeness below which nothing is proposed."""
_NOT_WORTH_TELLING: Final = 0.55
"""Of headings that nobody had used, proposals by likeness less sure than this were right once for four that were of no term."""
_OF_WORDS: Final = 0.85
"""How sure a meaning can be at most that no dictionary has."""
_ENOUGH_OF_WORDS: Final = 0.55
"""Words that say less together are heard only if no heading is liker."""
_SURE_OF_WORDS: Final = 0.7
"""Words that say as much together outdo one part alone."""
_GLOSS: Final = re.compile(r"^(.+?)\s*[(\[]([!-~ ]+)[)\]]$")
_NOTE: Final = re.compile(r"\s*[(\[（【][^()\[\]（）【】]*[)\]）】]\s*:?\s*$")
_ONE_WORD: Final = 10
_TWICE: Final = 2
_BOTH: Final = frozenset({"decimalLatitude", "decimalLongitude"})
"""A heading that tells both is of a pair."""
_OF_A_DATE: Final = frozenset({"month", "year"})
"""A heading that tells these with what they are of is of a whole date: `Waktu kejadian: tanggal - bulan - tahun`."""
_AS_TOLD: Final = "verbatim"
"""What is kept as it was told is told in any unit."""
_LATIN: Final = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff][A-Za-z\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff .]*")
_PARTS: Final = re.compile(r"[()\[\]/|\n\r;【】]+| [-–—] ")


def in_dictionary(
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
        decided = by_cells(entry, cells)
        if decided is not None:
            entry, why = decided, Why.CELLS
    elif cells:
        sure, entry = entry, contradicted(entry, cells)
        why = why if entry is sure else Why.CELLS
    return made(heading, entry.terms, entry.confidence, units, why)


def made(heading: str, terms: Sequence[str], confidence: float, units: Sequence[Unit], why: Why) -> Proposal:
    """Return a proposal; one whose unit does not fit is less sure, and none where it was doubtful before."""
    term = terms[0] or None
    unit = fitting(units, term)
    others = tuple(term for term in terms[1:] if term)
    if term is None:
        return Proposal(heading, None, confidence, unit_name(unit), why if others else Why.NOT_KEPT, others)
    if unit is not None and not fits(term, unit) and not term.startswith(_AS_TOLD):
        if confidence <= CERTAIN:  # a height in centimetres is a plant's or an animal's
            return Proposal(heading, None, 0.5, unit.name, Why.UNIT_STRANGE, (term, *others))
        return Proposal(heading, term, 0.5, unit.name, Why.UNIT_STRANGE, others)
    return Proposal(heading, term, confidence, unit_name(unit), why, others)


def _by_unit(entry: Entry, units: Sequence[Unit]) -> Entry:
    """Put those meanings of a heading first that its unit fits: X in metres is an easting."""
    if not units or len(entry.terms) == 1 or entry.terms[0] == NO_TERM:
        return entry  # what is of no record has units, too: Height (m) is a tree's
    able = [term for term in entry.terms if term and any(fits(term, unit) for unit in units)]
    if units[0].dimension == "length" and {"easting", "northing"} & set(able):
        able = [term for term in able if term in ("easting", "northing")]
    if not able:
        return entry
    terms = (*able, *(term for term in entry.terms if term not in able))
    return replace(entry, terms=terms, confidence=CERTAIN if len(able) == 1 else entry.confidence)


def by_parts(
    heading: str, name: str, units: Sequence[Unit], language: str | None, cells: Sequence[str | None]
) -> Proposal | None:
    """Return the proposal for a heading in two languages, or with something else beside it."""
    parts = [part for part in (p.strip() for p in _PARTS.split(name)) if len(key(part)) > 1 or not part.isascii()]
    parts = (_scripts(name) if len(parts) == 1 else []) or parts
    if len(parts) < 2:
        return None
    known = [
        found
        for part in parts
        if (found := in_dictionary(heading, part, units, language, cells)) is not None and found.term is not None
    ]
    if not known:
        return _parts_by_words(heading, parts, units, language, cells)
    meant = {found.term for found in known}
    if meant >= _OF_A_DATE:
        return replace(known[0], term="eventDate", confidence=0.85, why=Why.PARTLY, others=())
    if meant == _BOTH:
        return replace(
            known[0], term="verbatimCoordinates", confidence=0.85, why=Why.PARTLY, others=tuple(sorted(_BOTH))
        )
    surest = max(known, key=lambda found: found.confidence)
    same = [found for found in known if found.term == surest.term]
    together = by_words(heading, name, units, language, cells) if len(same) < len(parts) else None
    if (
        together is not None and together.confidence >= _SURE_OF_WORDS and surest.confidence <= CERTAIN
    ):  # Date (deployed)
        return together
    if len(same) < len(known):
        surest = _gloss(heading, name, units, language, cells) or surest
        same = [found for found in known if found.term == surest.term]
        others = tuple(dict.fromkeys(f.term for f in known if f.term and f.term != surest.term))
        agreeing = [f for f in known if surest.term in f.others]
        confidence = 0.85 if len(same) + len(agreeing) == len(known) else 0.6
        return replace(surest, confidence=min(surest.confidence, confidence), why=Why.SEVERAL, others=others)
    if len(same) == len(parts) or (len(same) > 1 and surest.confidence > CERTAIN):
        return surest  # in each of its languages the same
    return replace(surest, confidence=min(surest.confidence, 0.85), why=Why.PARTLY)


def _gloss(
    heading: str, name: str, units: Sequence[Unit], language: str | None, cells: Sequence[str | None]
) -> Proposal | None:
    """Return what the brackets at the end of a heading in another script say: `ชื่อจุดตรวจ/พิกัด (location_name)`."""
    told = _GLOSS.match(name)
    found = in_dictionary(heading, told[2], units, language, cells) if told and not told[1].isascii() else None
    return found if found is not None and found.term is not None else None


def _parts_by_words(
    heading: str, parts: Sequence[str], units: Sequence[Unit], language: str | None, cells: Sequence[str | None]
) -> Proposal | None:
    """Return what the words of the parts mean where two parts mean the same: `Date of incident / Tarikh kejadian`."""
    read = [found for part in parts if (found := by_words(heading, part, units, language, cells)) is not None]
    means = Counter(found.term for found in read)
    term, often = means.most_common(1)[0] if means else (None, 0)
    if often < _TWICE:
        return None
    return max((found for found in read if found.term == term), key=lambda found: found.confidence)


def _scripts(name: str) -> list[str]:
    """Return the parts of a heading in Latin letters and in others, where it has both; the marks of `lưu ý` are Latin."""
    latin = " ".join(_LATIN.findall(name)).strip()
    other = _LATIN.sub(" ", name).strip()
    return [latin, other] if len(latin) > 1 and re.search(r"[^\W\d_]", other) and not other.isascii() else []


def without_its_marks(heading: str, rest: str, units: Sequence[Unit]) -> Proposal | None:
    """Return the proposal for Vietnamese that is typed without its marks."""
    plain = key(rest)
    terms = unmarked().get(plain) if len(plain) > 2 else None
    if terms is None:
        return None
    doubtful = entries().get(plain)
    sure = 0.85 if len(terms) == 1 and len(plain) > 4 and doubtful is None else 0.6
    return made(heading, terms, sure, units, Why.MARKS_MISSING)


def like_others(heading: str, rest: str, units: Sequence[Unit], cells: Sequence[str | None] = ()) -> Proposal:
    """Return the proposal for a heading that is like others."""
    found = nearest(rest)
    able = possible([term for term, _ in found], cells)
    found = [one for one in found if one[0] in able]
    if units:
        found.sort(key=lambda one: -one[1] * (1.0 if one[0] and any(fits(one[0], unit) for unit in units) else 0.6))
    if not found or found[0][1] < _UNLIKELY:
        return Proposal(heading, None, 0.0, unit_name(fitting(units, None)), Why.UNKNOWN)
    best, likeness = found[0]
    second = found[1][1] if len(found) > 1 else 0.0
    confidence = round(min(0.85, likeness * (0.55 + 0.45 * min(1.0, 3 * (likeness - second)))), 2)
    if confidence < _NOT_WORTH_TELLING:
        return Proposal(heading, None, 0.0, unit_name(fitting(units, None)), Why.UNKNOWN)
    terms = (best, *(term for term, other in found[1:] if term and other > 0.6 * likeness))
    return made(heading, terms, confidence, units, Why.NEAR)


def by_words(
    heading: str, rest: str, units: Sequence[Unit], language: str | None, cells: Sequence[str | None]
) -> Proposal | None:
    """Return the proposal for a heading whose words are known, together."""
    found = compound(rest, language)
    if found is None and units and units[0].dimension == "count":  # `Elephants (no.)`
        found = compound(f"number of {rest}", language)
    terms = possible(found.terms, cells) if found is not None else ()
    if found is None or not terms:
        return None
    entry = _by_unit(Entry(terms, (), found.confidence), units)
    decided = by_cells(entry, cells) if len(entry.terms) > 1 and cells else None
    if decided is not None:
        return made(heading, decided.terms, min(decided.confidence, _OF_WORDS), units, Why.CELLS)
    return made(heading, entry.terms, min(entry.confidence, _OF_WORDS), units, Why.WORDS)


def guessed(
    heading: str, rest: str, units: Sequence[Unit], language: str | None, cells: Sequence[str | None]
) -> Proposal:
    """Return the proposal for a heading by its words, or by its likeness to others."""
    together = by_words(heading, rest, units, language, cells)
    without = _NOTE.sub("", rest)  # a note in brackets tells how to fill in, not what: (if it is known)
    told = by_words(heading, rest[len(without) :], units, language, cells) if _is_short(rest[len(without) :]) else None
    before = by_words(heading, without, units, language, cells) if without != rest and told is None else None
    if before is not None and before.term and (together is None or before.confidence > together.confidence):
        together = before
    if together is not None and together.confidence >= _ENOUGH_OF_WORDS:
        return together
    like = like_others(heading, rest, units, cells)
    if like.confidence < _SURE_OF_WORDS and of_something_unknown(rest, language):
        return Proposal(heading, None, 0.0, like.unit, Why.UNKNOWN)
    return like if together is None or like.confidence >= together.confidence else together


def _is_short(note: str) -> bool:
    """Tell whether a note in brackets is one word, which may name what is meant: `Camera point (code)`."""
    return 0 < len(key(note)) <= _ONE_WORD


def unit_name(unit: Unit | None) -> str | None:
    """Return a unit's name."""
    return None if unit is None else unit.name


_AXIS: Final = re.compile(r"^(.+?)[\s(（\[_:-]+([xyen])[)）\]]?$", re.IGNORECASE)
_EAST: Final = ("easting", "decimalLongitude")
_NORTH: Final = ("northing", "decimalLatitude")
_PLACES: Final = frozenset({"locationID", "locality", "cameraID"})
"""What has an x and a y."""
_OF_AN_AXIS: Final = 0.7
_NUMBER_BEHIND: Final = re.compile(r"^(\D{3,}?)[\s_#.]*\d$")
_OF_SEVERAL: Final = 0.75
_OFTEN_SEVERAL: Final = frozenset(
    """recordedBy identifiedBy associatedMedia occurrenceRemarks eventRemarks locationRemarks scientificNameAuthorship
    taxonRank genus specificEpithet infraspecificEpithet vernacularName decimalLatitude decimalLongitude easting northing
    habitat preparations otherCatalogNumbers associatedTaxa identificationVerificationStatus""".split()
)
"""Terms that sheets have several columns of, each with its number."""


def of_an_axis(heading: str, name: str, language: str | None) -> Proposal | None:
    """Return the proposal for coordinates with the letter of one axis: `GPS (X)`, `พิกัด N`, `Plot center Y`; else None."""
    axis = _AXIS.match(name)
    if axis is None:
        return None
    entry = entries().get(key(axis[1]))
    words = compound(axis[1], language) if entry is None and key(name) not in entries() else entry
    term = words.terms[0] if words is not None else None
    if term != "verbatimCoordinates" and not (axis[2].lower() in "xy" and term in _PLACES):
        return None
    return made(heading, _EAST if axis[2].lower() in "xe" else _NORTH, _OF_AN_AXIS, (), Why.SEVERAL)


def of_several(
    heading: str, name: str, units: Sequence[Unit], language: str | None, cells: Sequence[str | None]
) -> Proposal | None:
    """Return the proposal for one of several columns alike: `note1`, `Observer 2`; a second plot or visit may be anything."""
    numbered = _NUMBER_BEHIND.match(name)
    found = in_dictionary(heading, numbered[1], units, language, cells) if numbered else None
    if found is None or found.term not in _OFTEN_SEVERAL:
        return None
    return replace(found, confidence=min(found.confidence, _OF_SEVERAL), why=Why.PARTLY)


def of_an_order(heading: str, name: str, language: str | None, cells: Sequence[str | None]) -> Proposal | None:
    """Return the proposal for a heading that begins with the order of a date: `ว/ด/ป ที่สำรวจ` is the date of a survey."""
    rest = date_begun(name)
    return by_words(heading, f"date {rest}", (), language, cells) if rest is not None else None
