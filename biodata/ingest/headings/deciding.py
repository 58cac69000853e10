"""Plain headings (`Date`, `物种`, `จำนวน`) that a whole sheet decides: their cells speak for a term, and no other heading does."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.ingest.headings.dictionary import CERTAIN, Proposal, Why
from biodata.ingest.headings.plain import has_digits
from biodata.sharing.names import bundled_common_names, meaning
from biodata.text.controlled import Vocabulary, parse_term
from biodata.text.coordinate_pairs import read_pair
from biodata.text.coordinates import Axis, parse_coordinates
from biodata.text.dates import parse_dates
from biodata.text.numbers import ascii_digits, parse_decimal
from biodata.text.scientific_names import genera, latin_beside
from biodata.text.times import ZONE

_MOSTLY, _HALF, _FEW, _LOOKED_AT, _LIKELY = 0.8, 0.5, 2, 200, 0.5
NAMES_OF_TAXA: Final = ("scientificName", "vernacularName", "verbatimScientificName", "genus", "taxonID")
_OF_TAXA: Final = {*NAMES_OF_TAXA, "taxonRank", "taxonKey", "taxonRemarks", "scientificNameID", "family", "species"}
"""A heading that can mean nothing but these is of taxa, whether or not their names are known here."""
_PLACED: Final = {*NAMES_OF_TAXA, "locationID", "eventID", "eventDate", "deploymentStart"}
_BESIDE: Final[Mapping[str, Collection[str]]] = MappingProxyType({
    **dict.fromkeys(("individualCount", "occurrenceID", "perpendicular_distance_m"), NAMES_OF_TAXA),
    **dict.fromkeys(("decimalLatitude", "decimalLongitude"), _PLACED),
    "samplingEffortValue": {"samplingEffortUnit"}, "sampleSizeValue": {"sampleSizeUnit"},
    "deploymentStart": {"deploymentEnd"}, "deploymentEnd": {"deploymentStart"},
})  # fmt: skip
"""What other headings have to mean: a number of an event may be of cameras, or of days, and a code that of a station."""
_LIKELIEST_ONLY: Final = frozenset({"locality", "locationID", "verbatimCoordinates", "eventTime"})
"""Terms that are decided only where nothing else is likelier."""
_NEEDED: Final = frozenset({"eventID", "eventDate", *NAMES_OF_TAXA, "decimalLatitude", "decimalLongitude"})
"""What is stated cell by cell that it cannot be read, where nothing else is meant."""
_AGAINST: Final = MappingProxyType({"eventDate": ("deploymentStart", "deploymentEnd")})
"""Of two headings, one for a beginning or an end, the other may be its fellow."""
_LATIN: Final = re.compile(r"^([A-Z][a-z]{2,})(?: |$)")
_BINOMIAL: Final = re.compile(r"[A-Z][a-z]+ [a-z-]{3,}")
_COUNT: Final = re.compile(r"\D{0,12}(\d{1,5})(?!\d)[^.]{0,12}")
_CODE: Final = re.compile(r"[A-Za-z]{0,4}[-_ ./]?\d+[A-Za-z]?")
_IDENTIFIER: Final = re.compile(r"(?=.*\d)[\w./:#() -]{2,60}")
_CLOCK: Final = re.compile(r"\d{1,2}[:.h]\d{2}(?::\d{2})?(?: ?(?:[AaPp]\.?[Mm]\.?|น\.?))?")
METRES: Final = re.compile(r"\D{0,3}0?(\d{6}(?:[.,]\d+)?)\D{1,4}0?(\d{5,8}(?:[.,]\d+)?)\D{0,3}")
_ANY_DAY: Final = date(9999, 1, 1)  # whether a date has been yet is no question of what a column holds


def decided(proposals: Sequence[Proposal], cells: Mapping[str, Sequence[str | None]]) -> list[Proposal]:
    """Return the proposals of a sheet, with `Why.TAKEN` for those that the sheet decides; their confidence stays.

    A heading is decided where the dictionary or its words have it, its cells are of one of its meanings that is a plain one
    (date, species, count, place, code of a record), and no other heading of the sheet may mean the same. What its cells
    contradict it does not mean.
    """
    entries = [_non_empty(cells.get(one.heading, ())) for one in proposals]
    proposals = _with_latin([_without_contradicted(*each) for each in zip(proposals, entries, strict=True)], entries)
    twice = {term for term, n in Counter(one.term for one in proposals).items() if n > 1}
    proposals = [replace(p, why=Why.REPEATED) if p.term in twice and p.why is Why.WORDS else p for p in proposals]
    # What cells alone tell decides what stands beside it.
    return _decide(_by_cells(_decide(_with_ends(proposals, entries), cells), entries), cells)


def _decide(proposals: Sequence[Proposal], cells: Mapping[str, Sequence[str | None]]) -> list[Proposal]:
    able = [_meanings(one, cells.get(one.heading, ())) for one in proposals]
    out = list(proposals)
    for at, one in enumerate(proposals):
        others = {term for place, terms in enumerate(able) if place != at for term in terms}
        if _LIKELY <= one.confidence <= CERTAIN and any(cell and cell.strip() for cell in cells.get(one.heading, ())):
            asked = able[at] if one.why in (Why.SEVERAL, Why.NOT_KEPT, Why.WORDS) else ()
            able_here = (t for t in asked if t == one.term or t not in _LIKELIEST_ONLY)
            term = next((term for term in able_here if _is_decided(term, others)), None)
            if term is not None:
                rest = tuple(t for t in (one.term, *one.others) if t is not None and t != term)
                out[at] = replace(one, term=term, others=rest, why=Why.TAKEN)
                able[at] = [term]
    return out


def _with_latin(proposals: Sequence[Proposal], cells: Sequence[list[str]]) -> list[Proposal]:
    """Return proposals in which of headings of common names the one whose cells are Latin is of scientific names."""
    named = [at for at, one in enumerate(proposals) if one.term == "vernacularName" and one.why is not Why.KEPT]
    latin = [at for at in named if cells[at] and _most(cells[at], _BINOMIAL.match) and are_latin(cells[at])]
    if len(latin) != 1 or "scientificName" in {one.term for one in proposals}:
        return [*proposals]
    # The others have no rival then.
    out = [replace(one, why=Why.WORDS) if at in named else one for at, one in enumerate(proposals)]
    out[latin[0]] = replace(out[latin[0]], term="scientificName", confidence=CERTAIN, others=(), why=Why.TAKEN)
    return out


def _with_ends(proposals: list[Proposal], cells: Sequence[list[str]]) -> list[Proposal]:
    """Return proposals in which two dates beside a third, or mostly in this order where no taxa are stated, are a start and an end."""
    terms, out = [one.term for one in proposals], list(proposals)
    dates = [at for at, one in enumerate(out) if one.term == "eventDate" and one.confidence <= CERTAIN]
    starts = [at for at in dates if out[at].others == ("deploymentStart",)]
    if "deploymentEnd" in terms and len(dates) - 1 == len(starts) == 1:
        for at in dates:
            out[at] = replace(out[at], why=Why.WORDS)
        out[starts[0]] = replace(out[starts[0]], term="deploymentStart", others=("eventDate",))
    elif terms.count("deploymentStart") == len(dates) == 1 and not {"deploymentEnd", *NAMES_OF_TAXA} & {*terms}:
        first, last = (_usual_day(cells[at]) for at in (terms.index("deploymentStart"), dates[0]))
        if "" < first < last:
            out[dates[0]] = replace(out[dates[0]], term="deploymentEnd", others=("eventDate",))
    for term, other in (ENDS, ENDS[::-1]):  # opened and closed, both like one of the two
        able = [at for at, one in enumerate(out) if one.term == term and one.confidence <= CERTAIN]
        both = sorted((_usual_day(cells[at]), at) for at in able)
        if len(both) == len(ENDS) and "" < both[0][0] < both[1][0] and other not in terms:
            for name, (_, at) in zip(ENDS, both, strict=True):
                out[at] = replace(out[at], term=name, others=("eventDate",), confidence=_BY_CELLS, why=Why.WORDS)
    return out


def _usual_day(names: list[str]) -> str:
    days = parse_dates(pl.Series(names, dtype=pl.String), today=_ANY_DAY)["event_date"].drop_nulls().sort()
    return days[len(days) // 2] if len(days) else ""


def _by_cells(proposals: list[Proposal], cells: Sequence[list[str]]) -> list[Proposal]:
    """Return proposals with what cells alone tell where no heading may mean it: dates, places, and beside them taxa."""
    out = list(proposals)
    for terms, fellows in _TOLD_BY_CELLS:
        may_mean = {
            term for one, names in zip(out, cells, strict=True)
            if one.confidence >= _LIKELY and one.why is not Why.NOT_KEPT
            for term in ((one.term or "",) if one.why is Why.TAKEN else (one.term or "", *one.others))
            if term == one.term or term not in _ARE or not names or _ARE[term](names)
        }  # fmt: skip
        may_mean |= {"individualCount"} if any(names and _are_counts(names) for names in cells) else set()
        if may_mean & {*terms, *fellows} or not (terms[0] not in NAMES_OF_TAXA or may_mean & _BESIDE_TAXA):
            continue
        for term in terms:
            # A heading that is itself of the kind is a first record in the place of headings.
            found = [
                at for at, one in enumerate(out) if _is_open(one) and len(cells[at]) >= _FEWEST
                and _ARE[term](cells[at]) and not _ARE[term]([one.heading])
            ]  # fmt: skip
            named = {1: (term,), 2: fellows[:2] if term == "eventDate" else ()}.get(len(found), ())
            for at, own in zip(found, named, strict=False):
                out[at] = replace(out[at], term=own, confidence=_BY_CELLS, others=(), why=Why.TAKEN)
            if named:
                break
    return out


def _without_contradicted(one: Proposal, names: list[str]) -> Proposal:
    """Return a proposal without the meanings that none of half of its cells is of."""
    are_days = len(names) >= _FEWEST and _are_dates(names)
    terms = [t for t in (one.term, *one.others) if t is not None and (has_digits(t) or not are_days)]
    of_angle = ("decimalLatitude", "decimalLongitude") if one.unit in ("m", "km", "cm") else ()
    fitting = [t for t in terms if t not in of_angle]
    able = [t for t in fitting if t not in _ARE or len(names) < _FEWEST or _ARE[t](names)]
    # Monday is no day, and L and S are no latitude.
    wordy = len(names) >= _FEWEST and has_digits(one.term or "") and not any(map(str.isdigit, "".join(names)))
    is_open = one.why in (Why.SEVERAL, Why.WORDS) or one.term in ("basisOfRecord", "day")
    if one.term is None or one.term in able or not is_open or (not able and one.term in _NEEDED and not wordy):
        return one
    return replace(one, term=next(iter(able), None), others=tuple(able[1:]), why=one.why if able else Why.NOT_KEPT)


def _is_open(one: Proposal) -> bool:
    """Return whether hardly anything is known of a heading, or that it is of no term without being sure of it."""
    return one.confidence < _LIKELY or (one.why is Why.NOT_KEPT and one.confidence < CERTAIN)


def _meanings(one: Proposal, cells: Sequence[str | None]) -> list[str]:
    """Return what a heading may mean by its cells, what they prove first; one that is surely something means nothing else."""
    terms = [t for t in ((one.term,) if one.confidence > CERTAIN else (one.term, *one.others)) if t is not None]
    names = _non_empty(cells)
    proven = [t for t in terms if one.confidence > CERTAIN or not names or t not in _ARE or _ARE[t](names)]
    unknown = [t for t in terms if t in NAMES_OF_TAXA and t not in proven] if _OF_TAXA.issuperset(terms) else []
    likelier = "scientificName" if _most(names, _BINOMIAL.match, _HALF) else "vernacularName"
    return proven + [t for t in sorted(unknown, key=lambda term: term != likelier) if possible((t,), names)]


def _most(names: list[str], fits: Callable[[str], object], share: float = _MOSTLY) -> bool:
    return sum(bool(fits(text)) for text in names) >= share * len(names)


def _is_decided(term: str, others: Collection[str]) -> bool:
    if term not in _ARE or {term, *_AGAINST.get(term, ())} & set(others):
        return False
    return term not in _BESIDE or not set(others).isdisjoint(_BESIDE[term])


def _are_dates(names: list[str]) -> bool:
    """Return whether cells are dates with a day; one that can be read in two orders is one, a bare number is none."""
    # The year may stand elsewhere.
    texts = pl.Series(names, dtype=pl.String).str.replace(r"^(\d{1,2}月\d{1,2}日?)$", "2000年$1")
    read = parse_dates(texts, today=_ANY_DAY)
    written = read["precision"].is_in(["day", "time", "interval"]) | read["proposal"].is_not_null()
    bare = pl.Series([ascii_digits(text).isdigit() and len(text) != len("20260301") for text in names])
    return len(names) - int((written & ~bare).sum()) <= max(len(names) > _FEW, (1 - _MOSTLY) * len(names))


def are_latin(names: list[str]) -> bool:
    """Return whether cells begin with a known genus."""
    return _most(names, lambda text: (begun := _LATIN.match(text)) and begun[1] in genera())


def _are_counts(names: list[str]) -> bool:
    read = [_COUNT.fullmatch(ascii_digits(text)) for text in names]
    numbers = [int(found[1]) for found in read if found is not None]
    in_order = len(numbers) > 2 and all(after == before + 1 for before, after in pairwise(numbers))
    return len(numbers) >= _MOSTLY * len(names) and not in_order


def _are_places(names: list[str]) -> bool:
    """Return whether cells are names of places: neither coordinates nor codes, and none of them a number."""
    others = any(_CODE.fullmatch(ascii_digits(text)) or read_pair(text).latitude is not None for text in names)
    return not others and any(map(str.isalpha, ascii_digits(" ".join(names))))


def _are_common(names: list[str]) -> bool:
    return _most(names, lambda text: meaning(text, bundled_common_names()), _HALF) and not are_latin(names)


def are_names(names: list[str], *, some_latin: bool = False) -> bool:
    """Return whether cells are names of taxa, in Latin or common ones."""
    latin = [text for text in names if are_latin([text]) or latin_beside(text) is not None]
    common = (text in latin or meaning(text, bundled_common_names()) for text in names)
    return (bool(latin) or not some_latin) and sum(map(bool, common)) >= _MOSTLY * len(names)


def _are_identifiers(names: list[str]) -> bool:
    """Return whether cells are codes, nearly each another one, and not the numbers of the rows."""
    plain = [ascii_digits(text) for text in names]
    numbers = [int(text) for text in plain if text.isdigit()]
    running = len(numbers) == len(plain) and sum(b == a + 1 for a, b in pairwise(numbers)) > _HALF * len(numbers)
    each_another = len(names) > 2 and len(set(plain)) >= _MOSTLY * len(plain)
    return each_another and all(map(_IDENTIFIER.fullmatch, plain)) and not (running and min(numbers) < 2)


def _share(pattern: "re.Pattern[str]") -> Callable[[list[str]], bool]:
    return lambda names: _most(names, lambda text: pattern.fullmatch(ascii_digits(text)))


def _are_within(least: float, greatest: float) -> Callable[[list[str]], bool]:
    return lambda names: _most(names, lambda text: (n := parse_decimal(text)[0]) is not None and least <= n <= greatest)


def _are_degrees(names: list[str], *, axis: Axis) -> bool:
    numbers = parse_coordinates(pl.Series(names, dtype=pl.String), axis)["number"].abs()
    return int((numbers <= (90 if axis is Axis.LATITUDE else 180)).sum()) >= _MOSTLY * len(names)


_ARE: Final[Mapping[str, Callable[[list[str]], bool]]] = MappingProxyType({
    **dict.fromkeys(("eventDate", "deploymentStart", "deploymentEnd"), _are_dates),
    "eventTime": _share(_CLOCK),
    "scientificName": partial(are_names, some_latin=True),
    "vernacularName": _are_common,
    "individualCount": _are_counts,
    "locality": _are_places,
    "locationID": _share(_CODE),
    "occurrenceID": _are_identifiers,
    "perpendicular_distance_m": _are_within(0, 2000),
    "easting": _are_within(100_000, 900_000),
    "northing": _are_within(1000, 10_002_000),
    "verbatimCoordinates": partial(_most, fits=lambda text: METRES.fullmatch(text) is not None or read_pair(text).latitude is not None),
    **dict.fromkeys(("samplingEffortValue", "sampleSizeValue"), _are_within(0, 1e7)),
    "decimalLatitude": partial(_are_degrees, axis=Axis.LATITUDE),
    "decimalLongitude": partial(_are_degrees, axis=Axis.LONGITUDE),
    "family": lambda told: not _most(told, _BINOMIAL.match, _HALF),
    "day": _are_within(1, 31),
    "timeZone": _share(re.compile(ZONE)),
    "utm_zone": _share(re.compile(r"(?:UTM ?)?\d{1,2} ?[A-Za-z]?")),
    **dict.fromkeys(("sex", "lifeStage"), lambda told: len({*told}) <= 8),  # words that stand again and again
    "occurrenceStatus": partial(_most, fits=lambda text: parse_term(text, Vocabulary.OCCURRENCE_STATUS), share=_HALF),
    "basisOfRecord": partial(_most, fits=lambda text: parse_term(text, Vocabulary.BASIS_OF_RECORD), share=_HALF),
})  # fmt: skip


_BY_CELLS: Final = 0.6
_TOLD_BY_CELLS: Final = (
    (("eventDate",), ("deploymentStart", "deploymentEnd", "verbatimEventDate", "year", "month", "day")),
    (("verbatimCoordinates",), ("decimalLatitude", "decimalLongitude", "easting", "verbatimLatitude")),
    (("scientificName", "vernacularName"), ("verbatimScientificName", "genus", "taxonID")),
)
"""Terms that cells alone can tell, and those of which one is stated then already."""
_BESIDE_TAXA: Final = frozenset("eventDate deploymentStart verbatimCoordinates decimalLatitude individualCount".split())
ENDS: Final = ("deploymentStart", "deploymentEnd")
_FEWEST: Final = 3  # fewer cells than these tell nothing
_CELLS_WORDED: Final = frozenset(
    """recordedBy identifiedBy scientificName vernacularName family genus order class kingdom phylum country
    stateProvince county municipality habitat behavior samplingProtocol datasetName""".split()
)
"""Terms whose cells are words, not numbers throughout."""


def possible(terms: Sequence[str], cells: Sequence[str | None]) -> tuple[str, ...]:
    """Return the meanings that the cells can have: no name is a number throughout, and no elevation is without digits."""
    names = _non_empty(cells)
    if len(names) < _FEWEST:
        return tuple(terms)
    digits = sum(re.search(r"\d", cell) is not None for cell in names) / len(names)
    numbers = sum(re.fullmatch(r"[-+]?[\d\s.,]+", cell) is not None for cell in names) / len(names)
    words = {term for term in terms if term in _CELLS_WORDED and numbers >= _MOSTLY}
    return tuple(term for term in terms if not (has_digits(term) and digits < 1 - _MOSTLY) and term not in words)


def _non_empty(cells: Sequence[str | None]) -> list[str]:
    return [cell.strip() for cell in cells if cell and cell.strip()][:_LOOKED_AT]
