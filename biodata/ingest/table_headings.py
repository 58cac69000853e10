"""What the columns of a table are called: as a person declares it, as Darwin Core names it, as the dictionary is sure of it."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import BinaryIO, Final

import polars as pl

from biodata.core.errors import InputError
from biodata.core.terms import EVENT_TERMS, VERBATIM_TERMS
from biodata.formats import delimited
from biodata.formats.delimited import Delimited
from biodata.formats.xml import local_term
from biodata.ingest.headings import CERTAIN, Proposal, Why, decided, key, propose
from biodata.ingest.headings.deciding import are_latin
from biodata.ingest.headings.dictionary import bare_name
from biodata.ingest.protocol import OPTION, is_heading_option

_TERMS: Final = frozenset({*VERBATIM_TERMS, *EVENT_TERMS})
_SHOWN, _LIKELY = 12, 0.4
_PARTS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = MappingProxyType({
    "scientific name": tuple((term,) for term in (
        """scientificName acceptedScientificName acceptedNameUsage verbatimScientificName verbatimIdentification
        vernacularName species genus genericName taxonKey speciesKey scientificNameID""".split()
    )),
    "coordinate": (("decimalLatitude", "decimalLongitude"), ("verbatimLatitude", "verbatimLongitude"),
                   ("verbatimCoordinates",), ("footprintWKT",)),
    "date": (("eventDate",), ("verbatimEventDate",), ("year",)),
})  # fmt: skip
"""What a record says: the terms that say it, the usual ones first."""
_RESERVED: Final = ("source_file", "source_row", "geometry")
# Other names of the same thing; what is only likely (X, Y, Date) stays as it was stated.
_ALIASES: Final = MappingProxyType({
    "latitude": "decimalLatitude", "declatitude": "decimalLatitude", "longitude": "decimalLongitude",
    "declongitude": "decimalLongitude", "scientificnames": "scientificName", "collector": "recordedBy",
    "licence": "license", "province": "stateProvince", "behaviour": "behavior", "catalogueno": "catalogNumber",
    "cataloguenumber": "catalogNumber", "coordinateuncertaintyinmetres": "coordinateUncertaintyInMeters",
})  # fmt: skip
_BY_PLAIN: Final = MappingProxyType(_ALIASES | {key(term): term for term in (*VERBATIM_TERMS, "id", "coreid")})


def term_of(heading: str) -> str:
    """Return the term that a heading names; the heading as stated where it names none."""
    name = bare_name(heading)
    return _BY_PLAIN.get(key(name), heading if name == heading.strip().strip("\ufeff") else name)


def terms_of(headings: Sequence[str], *, file: str, any_of: bool = True) -> dict[str, str]:
    """Return the name of each column: the term that its heading names, if no other column has it already."""
    for heading in (one for one in headings if one in _RESERVED):
        problem = f"the heading {heading!r} is a name that biodata uses itself"
        raise InputError(problem, file=file, row=1, column=heading, code="HEADING_RESERVED")
    wanted = {heading: term_of(heading) for heading in headings}
    if any_of and not any(term in VERBATIM_TERMS for term in wanted.values()):
        problem = f"no heading is a Darwin Core term: {', '.join(headings[:5])}"
        expected = "such as scientificName, occurrenceID"
        raise InputError(problem, file=file, row=1, expected=expected, code="HEADING_UNKNOWN")
    holders: dict[str, str] = {}
    for heading in sorted(headings, key=lambda text: local_term(text) != wanted[text]):  # a stable sort
        holders.setdefault(wanted[heading], heading)
    return {text: term if holders[term] == text else text for text, term in wanted.items()}


def renamed(names: Mapping[str, str]) -> dict[str, str]:
    """Return, as declarations, the headings that were stated otherwise than their term."""
    return {f"heading.{term}": text for text, term in names.items() if term != text and "://" not in text}


def declared_terms(options: Mapping[str, str]) -> dict[str, str]:
    """Return heading → term of the options `heading.*`; an empty term says that the heading is of none."""
    facts = {name.removeprefix(OPTION): value for name, value in options.items() if is_heading_option(name)}
    swapped = {name for name, value in facts.items() if name in _TERMS and value not in _TERMS and value != ""}
    return dict((value, name) if name in swapped else (name, value) for name, value in facts.items())


def open_table(
    open_stream: Callable[[], BinaryIO], *, file: str, options: Mapping[str, str], needed: bool = False,
    of_people: bool = False, without_blank: bool = False,
) -> Delimited:  # fmt: skip
    """Open a table of text as `delimited.read` does, its columns called as the options `heading.*` declare."""
    encoding, separator = options.get("encoding"), options.get("separator")
    table = delimited.read(
        open_stream, file=file, encoding=encoding, separator=separator, of_people=of_people, without_blank=without_blank
    )
    return called_as_declared(table, options, needed=needed)


def called_as_declared(table: Delimited, options: Mapping[str, str], *, needed: bool = False) -> Delimited:
    """Return a table with its columns called as the options `heading.*` declare; as `open_table` has them."""
    names = declared_names(options, table.headings, file=table.file, needed=needed)
    headings = tuple(names.get(heading, heading) for heading in table.headings)
    return replace(table, headings=headings, batches=(frame.rename(names, strict=False) for frame in table.batches))


def renamed_frames(batches: Iterator[pl.DataFrame], options: Mapping[str, str], *, file: str) -> Iterator[pl.DataFrame]:
    """Yield the frames of one table that is no text, its columns called as the options `heading.*` declare."""
    for frame in batches:
        headings = [name for name in frame.columns if name not in _RESERVED]
        yield frame.rename(declared_names(options, headings, file=file, needed=True))


def declared_names(
    options: Mapping[str, str], headings: Sequence[str], *, file: str, needed: bool = False
) -> dict[str, str]:
    """Return what columns of a table are to be called, heading → name, where a person declares it."""
    there = {key(heading): heading for heading in headings}
    names: dict[str, str] = {}
    for declared, term in declared_terms(options).items():
        if key(declared) in there:
            names[there[key(declared)]] = term or there[key(declared)]
        elif term and key(term) in there:
            names[there[key(term)]] = declared
        elif needed:
            problem = f"there is no such heading; the headings are {_listed(headings)}"
            raise InputError(problem, file=file, row=1, column=declared, code="HEADING_MISSING")
    return names | {h: f"{h}_" for h in headings if h in names.values() and h not in names}


def record_columns(
    headings: Sequence[str], declared: Mapping[str, str], *, file: str, cells: Mapping[str, Sequence[str | None]]
) -> tuple[dict[str, str], list[str]]:
    """Return what the columns of a table of records are called, each by one name, and in sentences what was read or lacks."""
    kept = {heading for heading, name in declared.items() if heading == name}
    called = {heading: declared.get(heading, heading) for heading in headings}
    terms = terms_of([name for heading, name in called.items() if heading not in kept], file=file, any_of=False)
    names = {heading: name if heading in kept else terms[name] for heading, name in called.items()}
    open_ones = [h for h in headings if h not in declared and names[h] == h and term_of(h) not in VERBATIM_TERMS]
    proposals = decided(propose(open_ones, cells=cells), cells) if _missing(names.values()) else []
    read: dict[str, str] = {}
    for one in proposals:
        is_free = one.term in VERBATIM_TERMS and one.term not in (*names.values(), *read.values())
        if is_free and one.term is not None and (one.confidence > CERTAIN or one.why is Why.TAKEN):
            read[one.heading] = one.term
    names |= read
    left = [one for one in proposals if one.heading not in read]
    likely = {part: " ".join(_likely(left, part, cells)) for part in _missing(names.values())}
    if not any(set(names.values()) & set(way) for ways in _PARTS.values() for way in ways):
        problem = f"no heading says which column holds a scientific name, a coordinate or a date; the headings are {_listed(headings)}"
        expected = f"say it: {' '.join(likely.values())}"
        raise InputError(problem, file=file, row=1, expected=expected, code="HEADING_UNKNOWN")
    shown = ", ".join(f"{heading} as {term}" for heading, term in read.items())
    example = f"--option {OPTION}{next(iter(read), '')}=TERM"
    notes = [f"headings were read: {shown}; {example} says that one is something else"] if read else []
    for part, options in likely.items():
        notes.append(f"no heading says which column holds a {part}; if one does, say it: {options}")
    return names, notes


def cells_below(table: Delimited) -> dict[str, list[str | None]]:
    """Return the cells of the first rows of a table by heading."""
    rows = [[value.decode(errors="replace") for value in record.values] for record in table.seen if not record.problem]
    return {heading: [row[at] if at < len(row) else None for row in rows] for at, heading in enumerate(table.headings)}


def _missing(names: Iterable[str]) -> list[str]:
    stated = set(names)
    return [part for part, ways in _PARTS.items() if not any(stated.issuperset(terms) for terms in ways)]


def _likely(proposals: Sequence[Proposal], part: str, cells: Mapping[str, Sequence[str | None]]) -> list[str]:
    """Return the options that would say which headings hold a part: the likely ones, else HEADING in their stead."""
    likely: dict[str, str] = {}
    for one in sorted(proposals, key=lambda one: -one.confidence):
        term = next((term for term in (one.term, *one.others) if any(term in way for way in _PARTS[part])), None)
        names = [cell for cell in cells.get(one.heading, ()) if cell] if part == "scientific name" else []
        if term is not None and one.confidence >= _LIKELY:
            likely.setdefault(term, one.heading)
        elif names and are_latin(names):
            likely.setdefault("scientificName", one.heading)
    way = next((way for way in _PARTS[part] if set(way) & set(likely)), _PARTS[part][0])
    options = [f"{OPTION}{likely.get(term, 'HEADING')}={term}" for term in way]
    return [f"--option {shlex.quote(option)}" for option in options]


def _listed(headings: Sequence[str]) -> str:
    return ", ".join(headings[:_SHOWN]) + (f" and {len(headings) - _SHOWN} more" if len(headings) > _SHOWN else "")
