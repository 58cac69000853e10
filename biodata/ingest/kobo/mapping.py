"""What the columns of a KoboToolbox export mean; a column that nobody mapped stays out.

Answers of a form may be anybody's name, village or telephone. So nothing comes in because it is not known to be
personal, only because it is known, or said by a person, to be about wildlife. Without a mapping that is a column whose
heading surely is a term of numbers, dates, codes or names of taxa; free text needs a mapping that says so.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.errors import InputError
from biodata.formats import delimited
from biodata.ingest.headings import CERTAIN, Why, decided, propose
from biodata.ingest.headings.deciding import are_names
from biodata.ingest.table_headings import declared_terms
from biodata.ingest.tables import decided_headings
from biodata.terms import EVENT_TERMS, VERBATIM_TERMS
from biodata.text.scientific_names import genera

NEVER: Final = frozenset(
    """recordedBy recordedByID identifiedBy identifiedByID georeferencedBy samplingPerformedBy measurementDeterminedBy
    creator publisher rightsHolder otherCatalogNumbers id gbifID datasetKey identifier eventID occurrenceID""".split()
)
"""Terms that no column can be mapped to: people, and identifiers, which KoboToolbox gives itself."""
TAXA: Final = ("scientificName", "vernacularName", "species", "genus", "family", "verbatimIdentification")
"""Terms that make an answer a record."""
_BY_ITSELF: Final = frozenset(
    """scientificName vernacularName genus family taxonRank individualCount organismQuantity organismQuantityType sex
    lifeStage occurrenceStatus eventDate year month day eventTime verbatimEventDate decimalLatitude decimalLongitude
    geodeticDatum coordinateUncertaintyInMeters verbatimCoordinates verbatimLatitude verbatimLongitude countryCode
    country stateProvince locationID minimumElevationInMeters maximumElevationInMeters sampleSizeValue sampleSizeUnit
    samplingEffortValue samplingEffortUnit targetTaxonomicScope isAbsenceReported design failurePeriods timeZone side
    cameraID""".split()
)
"""Terms whose columns come in without a mapping where their heading is certain: none of them is free text."""
_FEWEST: Final = 3
"""Fewer answers do not tell that a question names animals."""
_MOSTLY: Final = 0.8
"""Share of answers that have to begin with a known genus."""
_POINT: Final = re.compile(r"_(?P<question>.+)_(?P<part>latitude|longitude|precision|altitude)")
_PARTS: Final = MappingProxyType(
    {
        "latitude": "decimalLatitude",
        "longitude": "decimalLongitude",
        "precision": "coordinateUncertaintyInMeters",
    }
)
_META: Final = frozenset(
    """start end today deviceid device_id subscriberid simserial phonenumber phone_number username user_name email audit
    background-audio instanceid formhub/uuid meta/instanceid meta/instancename""".split()
)


@dataclass
class Columns:
    """What the columns of a sheet mean.

    Attributes
    ----------
    terms : dict of str to str
        Heading → term.
    choices : dict of str to list of (str, str)
        Of a question that names taxa and has several answers: heading → its choices' headings and their labels.
    points : list of dict of str to str
        Places that a question asked for, each heading → term; used where there is one.
    left_out : list of str
        Headings of the columns that stay out, those that KoboToolbox adds itself not among them.
    """

    terms: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    points: list[dict[str, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def named(self) -> dict[str, str]:
        """The columns under terms, the place that was asked for among them where it is the only one."""
        told = set(self.terms.values())
        place = self.points[0] if len(self.points) == 1 and not {"decimalLatitude", "decimalLongitude"} & told else {}
        return self.terms | {heading: term for heading, term in place.items() if term not in told}

    @property
    def placed(self) -> bool:
        """Whether a place is told."""
        return {"decimalLatitude", "decimalLongitude"} <= set(self.named.values())

    @property
    def taxon(self) -> str | None:
        """The heading of the question that names taxa; None where there is none."""
        by_term = {term: heading for heading, term in self.terms.items()}
        return next((by_term[term] for term in TAXA if term in by_term), None)


def read_mapping(path: Path) -> dict[str, str]:
    """Read which heading is which term.

    Parameters
    ----------
    path : Path
        A CSV file with the headings `heading` and `term`.

    Raises
    ------
    InputError
        If a column is missing, a term is not known (TERM_UNKNOWN), or is about people (TERM_PERSONAL).
    """
    table = delimited.read(lambda: path.open("rb"), file=path.name)
    for heading in ("heading", "term"):
        if heading not in table.headings:
            problem = "a column is missing"
            raise InputError(problem, file=path.name, row=1, column=heading, code="HEADING_MISSING")
    rows = pl.concat([frame.select("source_row", "heading", "term") for frame in table.batches]).drop_nulls()
    found: dict[str, str] = {}
    for row, heading, term in rows.iter_rows():
        found[_key(heading)] = _checked(term.strip(), file=path.name, row=row)
    return found


def declared_mapping(options: Mapping[str, str]) -> dict[str, str]:
    """Return which heading is which term, as the options `heading.*` declare.

    Raises
    ------
    InputError
        As `read_mapping`.
    """
    return {_key(heading): _checked(term) for heading, term in declared_terms(options).items()}


def _checked(term: str, *, file: str | None = None, row: int | None = None) -> str:
    """Return a term that an answer can be."""
    if term in NEVER:
        problem = "no answer can be this term: people never come in, and identifiers are those of KoboToolbox"
        raise InputError(problem, file=file, row=row, column="term", value=term, code="TERM_PERSONAL")
    if term not in VERBATIM_TERMS and term not in EVENT_TERMS:
        problem, expected = "this is no term", "such as scientificName"
        raise InputError(problem, file=file, row=row, column="term", value=term, expected=expected, code="TERM_UNKNOWN")
    return term


def kept_mapping(told: str) -> dict[str, str]:
    """Return which heading is which term, as it is kept of a dataset; terms that no answer can be are left out.

    Raises
    ------
    InputError
        If it is no JSON object of texts (OPTION_INVALID).
    """
    read = decided_headings(told, tell_value=False)
    known = (set(VERBATIM_TERMS) | set(EVENT_TERMS)) - NEVER
    return {_key(heading): term for heading, term in read.items() if term in known}


def columns_of(
    headings: Sequence[str],
    mapping: Mapping[str, str],
    *,
    cells: Mapping[str, Sequence[str | None]] = MappingProxyType({}),
) -> Columns:
    """Return what the columns of a sheet mean.

    Parameters
    ----------
    headings : sequence of str
        As they came.
    mapping : mapping of str to str
        From `read_mapping`.
    cells : mapping of str to sequence of str, optional
        What stands below the headings: it decides between Latin and common names.
    """
    found = Columns()
    points: dict[str, dict[str, str]] = {}
    asked: dict[str, str] = {}
    for heading in headings:
        point = _POINT.fullmatch(heading)
        if _key(heading) in mapping:
            found.terms[heading] = mapping[_key(heading)]
        elif point is not None:
            if point["part"] in _PARTS:
                points.setdefault(point["question"], {})[heading] = _PARTS[point["part"]]
        elif heading.startswith("_") or heading.strip().casefold() in _META:
            continue
        else:
            asked[heading] = _question(heading, headings)
    taken = set(found.terms.values())
    likely = _likely(asked, cells, named=bool(taken & set(TAXA)))
    for heading, question in asked.items():
        term = likely.get(question)
        if term in _BY_ITSELF and term not in taken:
            found.terms[heading] = term
            taken.add(term)
        else:
            found.left_out.append(heading)
    found.points = [
        parts for parts in points.values() if {"decimalLatitude", "decimalLongitude"} <= set(parts.values())
    ]
    if found.taxon is not None:
        begin = f"{found.taxon}/"
        choices = [(heading, heading.removeprefix(begin)) for heading in headings if heading.startswith(begin)]
        if choices:
            found.choices[found.taxon] = choices
            found.left_out = [heading for heading in found.left_out if not heading.startswith(begin)]
    # A person maps a question: its choices, the parts of its place and the address of its picture follow from it.
    every = set(headings)
    found.left_out = [
        heading
        for heading in found.left_out
        if heading not in points
        and heading.rpartition("/")[0] not in every
        and heading.removesuffix("_URL") not in every - {heading}
    ]
    return found


def _likely(asked: Mapping[str, str], cells: Mapping[str, Sequence[str | None]], *, named: bool) -> dict[str, str]:
    """Return the term of each question that surely has one, or that its answers decide.

    Of one that surely names taxa (`Species`, `物种`) and does not say how, the answers tell: known genera are Latin.
    """
    below: dict[str, list[str | None]] = {}
    for heading, question in asked.items():
        below.setdefault(question, []).extend(cells.get(heading, ()))
    proposals = decided(propose(list(below)), below)
    sure = (p for p in proposals if p.confidence > CERTAIN or p.why is Why.TAKEN)
    likely = {p.heading: p.term for p in sure if p.term is not None}
    if named or set(TAXA) & set(likely.values()):
        return likely
    open_ones = [
        p for p in proposals if p.why is Why.SEVERAL and {"scientificName", "vernacularName"} <= {p.term, *p.others}
    ]
    of_animals = [
        p
        for p in proposals
        if (told := [cell.strip() for cell in below[p.heading] if cell and cell.strip()])
        and len(told) >= _FEWEST
        and are_names(told)
    ]
    for question in [
        p.heading for p in (open_ones if len(open_ones) == 1 else of_animals if len(of_animals) == 1 else ())
    ]:
        told = [cell.split()[0] for cell in below[question] if cell and cell.strip()]
        latin = bool(told) and sum(word in genera() for word in told) >= _MOSTLY * len(told)
        likely[question] = "scientificName" if latin else "vernacularName"
    return likely


def _question(heading: str, headings: Sequence[str]) -> str:
    """Return a heading without the groups that its question stands in; a choice keeps its question before it."""
    groups, _, last = heading.rpartition("/")
    return heading if not groups or groups in headings else last


def unknown_headings(mapping: Mapping[str, str], headings: Sequence[str]) -> list[str]:
    """Return the headings of a mapping, as they are compared, that no sheet has."""
    known = {_key(heading) for heading in headings}
    return [heading for heading in mapping if heading not in known]


def _key(heading: str) -> str:
    """Return a heading as it is compared."""
    return " ".join(heading.strip("\ufeff").casefold().split())
