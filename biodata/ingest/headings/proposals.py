"""What the headings of a sheet mean: a term for each, how surely, in which unit, and why."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from biodata.ingest.headings import dictionary
from biodata.ingest.headings.compounds import compound
from biodata.ingest.headings.deciding import possible
from biodata.ingest.headings.dictionary import CERTAIN, Entry, Proposal, Why, bare_name, entries
from biodata.ingest.headings.plain import Unit, fits, fitting, from_zawgyi, is_zawgyi, key, split_unit, units_in

# Of any question of KoboToolbox and ODK.
_POINT: Final = re.compile(r"(?is)^_.*_(latitude|longitude|altitude|precision)$")
LONGEST: Final = 300  # letters: questions of forms are long, what is longer is a text and would only take time
_OF_WORDS: Final = 0.85  # how sure a meaning can be at most that no dictionary has
_QUESTION: Final = re.compile(
    r"(?i)^\s*(?:[(（]?\s*(?:q?\d{1,2}(?:[.\-]\d{1,2})*|[a-z]\d{1,2})\s*[).:）、．]+|[一二三四五六七八九十]+、|[①-⑳])\s*(?=\S)"
)
"""The number of a question before it: `3. `, `Q12:`, `(1)`, `一、`, `①`."""
_NOTE: Final = re.compile(r"\s*[(\[（【][^()\[\]（）【】]*[)\]）】]\s*:?\s*$")
"""A note in brackets tells how to fill in, not what: (if it is known)."""
_AS_TOLD: Final = "verbatim"  # what is kept as it was stated is stated in any unit
_LATIN: Final = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff][A-Za-z\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff .]*")
_PARTS: Final = re.compile(r"[()\[\]/|\n\r;【】]+| [-–—] ")


class _Asked(NamedTuple):
    """A heading that is asked about, its units, and some cells below it."""

    heading: str
    units: Sequence[Unit]
    cells: Sequence[str | None]


_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


def propose(
    headings: Sequence[str], *, cells: Mapping[str, Sequence[str | None]] = _NONE, kept: Mapping[str, str] = _NONE
) -> list[Proposal]:
    """Propose a term for each heading of a sheet, one a heading; the same headings give the same answer."""
    # `n` is no `N` that stands beside it.
    known = {key(heading): term for heading, term in kept.items() if heading not in headings}
    own = [known | ({key(one): kept[one]} if one in kept else {}) for one in headings]
    return _each_once([_proposal(one, of, cells.get(one, ())) for one, of in zip(headings, own, strict=True)])


def _proposal(heading: str, kept: Mapping[str, str], cells: Sequence[str | None]) -> Proposal:
    plain = key(heading)
    if plain in kept:
        return Proposal(heading, kept[plain] or None, 1.0, _name_of(split_unit(heading, kept[plain])[1]), Why.KEPT)
    if len(heading) > LONGEST:
        return replace(_proposal("", {}, cells), heading=heading)
    name = _POINT.sub(r"_gps_\1", bare_name(heading))
    if dictionary.is_term(name):
        return Proposal(heading, name, 1.0, None, Why.TERM)
    if is_zawgyi(heading):
        found = _proposal(from_zawgyi(heading), {}, cells)
        return replace(found, heading=heading, confidence=min(found.confidence, CERTAIN), why=Why.ZAWGYI)
    name = _QUESTION.sub("", name)
    rest, units = units_in(name)
    asked = _Asked(heading, units, cells)
    measured = _in_dictionary(asked, rest) if units else None
    if measured is not None and measured.why is not Why.UNIT_STRANGE:
        return measured
    # what seems to be a unit may be a word of it: `Country_ISO`
    whole = _in_dictionary(asked._replace(units=()), name) or measured
    return whole or _by_parts(asked, name) or _by_words(asked, rest)


def _each_once(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Leave a term to the heading that surely has it; where two would have it, it is nobody's for sure."""
    wanted: dict[str, list[Proposal]] = {}
    for proposal in proposals:
        if proposal.term is not None:
            wanted.setdefault(proposal.term, []).append(proposal)
    out = []
    for proposal in proposals:
        rivals = [one for one in wanted.get(proposal.term or "", ()) if one is not proposal]
        best = max((rival.confidence for rival in rivals), default=0.0)
        if rivals and proposal.confidence <= best and proposal.why is not Why.KEPT:
            free = [term for term in proposal.others if term not in wanted]
            if free and proposal.why in (Why.SEVERAL, Why.WORDS):
                others = (str(proposal.term), *(term for term in proposal.others if term != free[0]))
                proposal = replace(proposal, term=free[0], confidence=min(proposal.confidence, 0.6), others=others)
            else:
                proposal = replace(proposal, confidence=min(proposal.confidence, 0.5), why=Why.REPEATED)
        out.append(proposal)
    return out


def _in_dictionary(asked: _Asked, name: str) -> Proposal | None:
    if (entry := entries().get(key(name))) is None:
        return None
    why = Why.DICTIONARY if len(entry.terms) == 1 and entry.confidence > CERTAIN else Why.SEVERAL
    return _made(asked, _by_unit(entry, asked.units), why)


def _made(asked: _Asked, entry: Entry, why: Why) -> Proposal:
    """Return a proposal; one whose unit does not fit is less sure, and none where it was doubtful before."""
    term, unit = entry.terms[0] or None, fitting(asked.units, entry.terms[0])
    confidence, others = entry.confidence, tuple(filter(None, entry.terms[1:]))
    if term is None:
        why = why if others else Why.NOT_KEPT
    elif unit is not None and not fits(term, unit) and not term.startswith(_AS_TOLD):
        # a height in centimetres is a plant's or an animal's
        term, others = (None, (term, *others)) if confidence <= CERTAIN else (term, others)
        confidence, why = 0.5, Why.UNIT_STRANGE
    return Proposal(asked.heading, term, confidence, _name_of(unit), why, others)


def _by_unit(entry: Entry, units: Sequence[Unit]) -> Entry:
    """Put those meanings of a heading first that its unit fits: X in metres is an easting."""
    if not units or len(entry.terms) == 1 or not entry.terms[0]:
        return entry  # what is of no record has units, too: Height (m) is a tree's
    able = [term for term in entry.terms if term and any(fits(term, unit) for unit in units)]
    if units[0].dimension == "length" and {"easting", "northing"} & set(able):
        able = [term for term in able if term in ("easting", "northing")]
    if not able:
        return entry
    terms = (*able, *(term for term in entry.terms if term not in able))
    return replace(entry, terms=terms, confidence=CERTAIN if len(able) == 1 else entry.confidence)


def _by_parts(asked: _Asked, name: str) -> Proposal | None:
    """Return the proposal for a heading in two languages, where it means the same in each that is known."""
    parts = [part for part in (p.strip() for p in _PARTS.split(name)) if len(key(part)) > 1 or not part.isascii()]
    parts = (scripts(name) if len(parts) == 1 else []) or parts
    known = sorted(filter(None, (_in_dictionary(asked, part) for part in parts)), key=lambda one: -one.confidence)
    sure = [one for one in known if one.term is not None]
    terms = (sure[0].term, *sure[0].others) if sure else ()
    meant = [t for t in terms if t is not None and all(t in (one.term, *one.others) for one in known)]
    return replace(sure[0], term=meant[0], others=tuple(meant[1:])) if meant and len(known) > 1 else None


def scripts(name: str) -> list[str]:
    """Return the parts of a heading in Latin letters and in others, where it has both; the marks of `lưu ý` are Latin."""
    latin = " ".join(_LATIN.findall(name)).strip()
    other = _LATIN.sub(" ", name).strip()
    return [latin, other] if len(latin) > 1 and re.search(r"[^\W\d_]", other) and not other.isascii() else []


def _by_words(asked: _Asked, rest: str) -> Proposal:
    found = compound(rest) or compound(_NOTE.sub("", rest))
    if found is None and asked.units and asked.units[0].dimension == "count":  # `Elephants (no.)`
        found = compound(f"number of {rest}")
    terms = possible(found.terms, asked.cells) if found is not None else ()
    if found is None or not terms:
        return Proposal(asked.heading, None, 0.0, _name_of(fitting(asked.units, None)), Why.UNKNOWN)
    entry = _by_unit(Entry(terms, found.confidence), asked.units)
    return _made(asked, replace(entry, confidence=min(entry.confidence, _OF_WORDS)), Why.WORDS)


def _name_of(unit: Unit | None) -> str | None:
    return None if unit is None else unit.name
