"""The sheets of a KoboToolbox export: submissions, and the repeats that belong to them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.core.errors import InputError, Refusal
from biodata.core.terms import EVENT_TERMS, VERBATIM_TERMS
from biodata.formats import delimited
from biodata.formats.archives import open_archive
from biodata.formats.other_workbooks import XLS, kind_of
from biodata.formats.workbooks import read_sheets
from biodata.ingest.headings import CERTAIN, Why, decided, propose
from biodata.ingest.headings.deciding import are_names
from biodata.ingest.headings.plain import words
from biodata.ingest.table_headings import declared_terms
from biodata.ingest.tables import Part, decided_headings, parts
from biodata.text.controlled import Vocabulary, parse_term
from biodata.text.scientific_names import genera
from biodata.text.tables import read_rows

# What the columns of a KoboToolbox export mean; a column that nobody mapped stays out.
#
# Answers of a form may be anybody's name, village or telephone. So nothing comes in because it is not known to be
# personal, only because it is known, or said by a person, to be about wildlife. Without a mapping that is a column whose
# heading surely is a term of numbers, dates, codes or names of taxa; free text needs a mapping that says so.

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
"""Fewer answers do not state that a question names animals."""
_PARTS_OF_COUNT: Final = (Vocabulary.LIFE_STAGE, Vocabulary.SEX)
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
_GEOPOINT: Final = r"^\s*(-?\d{1,3}\.?\d*) (-?\d{1,3}\.?\d*) (-?\d+\.?\d*) (\d+\.?\d*)\s*$"
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
    parts : list of str
        Headings of the columns whose sum is the count: seen and heard, adults and young, males and females.
    """

    terms: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    points: list[dict[str, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    @property
    def named(self) -> dict[str, str]:
        """The columns under terms, the place that was asked for among them where it is the only one."""
        names = set(self.terms.values())
        place = self.points[0] if len(self.points) == 1 and not {"decimalLatitude", "decimalLongitude"} & names else {}
        return self.terms | {heading: term for heading, term in place.items() if term not in names}

    @property
    def placed(self) -> bool:
        """Whether a place is stated."""
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


def kept_mapping(text: str) -> dict[str, str]:
    """Return which heading is which term, as it is kept of a dataset; terms that no answer can be are left out.

    Raises
    ------
    InputError
        If it is no JSON object of texts (OPTION_INVALID).
    """
    read = decided_headings(text, tell_value=False)
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
    found.parts = _parts_of_count(found, asked, cells)
    found.terms |= dict.fromkeys(found.parts, "individualCount")
    found.left_out = [heading for heading in found.left_out if heading not in found.parts]
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


def _parts_of_count(found: Columns, asked: Mapping[str, str], cells: Mapping[str, Sequence[str | None]]) -> list[str]:
    """Return the numbers beside a taxon whose headings differ in one word alone: ages and sexes, or words of noticing."""
    counts = {heading for heading, term in found.terms.items() if term == "individualCount"}
    beside = [h for h in asked if found.taxon and h.rpartition("/")[0] == found.taxon.rpartition("/")[0]]
    numbers = [h for h in beside if (names := [c for c in cells.get(h, ()) if c]) and _are_counts(names)]
    noticing = {
        word
        for row in read_rows("heading_parts.csv")
        if row["concept"] == "observe"
        for word in row["words"].split("|")
    }
    for observed in (True, False):
        alike: dict[tuple[str, ...], dict[str, str]] = {}
        for heading in numbers:
            said = words(asked[heading])
            for at, word in enumerate(said):
                meant = word in noticing if observed else any(parse_term(word, one) for one in _PARTS_OF_COUNT)
                if meant:
                    alike.setdefault((*said[:at], "", *said[at + 1 :]), {})[heading] = word
        for those in alike.values():
            ages, sexes = ({parse_term(word, one) for word in those.values()} - {None} for one in _PARTS_OF_COUNT)
            twice = sexes and "Adult" in ages  # males and females are adults
            if len(those) > 1 and counts <= set(those) and not twice:
                return list(those)
    return []


def _are_counts(names: Sequence[str]) -> bool:
    return sum(cell.strip().isdecimal() for cell in names) >= _MOSTLY * len(names)


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
        if (names := [cell.strip() for cell in below[p.heading] if cell and cell.strip()])
        and len(names) >= _FEWEST
        and are_names(names)
    ]
    for question in [
        p.heading for p in (open_ones if len(open_ones) == 1 else of_animals if len(of_animals) == 1 else ())
    ]:
        names = [cell.split()[0] for cell in below[question] if cell and cell.strip()]
        latin = bool(names) and sum(word in genera() for word in names) >= _MOSTLY * len(names)
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


_ID: Final = re.compile(r"(?:uuid:)?[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}|[1-9]\d{0,9}")
"""A UUID, or the number of a submission: neither a name nor the number of a telephone, with its 0 or its country."""
_SYSTEM: Final = frozenset({"_uuid", "_id", "_submission_time", "_index", "__version__"})
_MAX_DEPTH: Final = 8
_TEXTS: Final = (".csv", ".tsv", ".txt")
_OF_PARENT: Final = "_submission__uuid"
"""Tells the submission of a repeat; what is left where `_parent_index` was deleted."""
EVENT, PLACE_IN_PARENT = " event", " number"
"""Columns of our own: the submission that a row belongs to, and the how-manyth row of its parent it is."""


@dataclass
class Form:
    """A sheet of an export.

    Attributes
    ----------
    file : str
        The file.
    sheet : str or None
        The sheet; None for delimited text.
    parent : str or None
        The sheet that its rows are repeats of; None for submissions.
    frame : polars.DataFrame
        `source_row`, ` event`, ` number` and the columns as headed, text.
    headings : list of str
        The columns as headed.
    refusals : list of Refusal
        Rows that belong to no submission, or cannot be read.
    written : dict of str to str
        Column of ours → the heading whose cells it was read from, where the file has no such column.
    """

    file: str
    sheet: str | None
    parent: str | None
    frame: pl.DataFrame
    headings: list[str]
    refusals: list[Refusal]
    written: dict[str, str] = field(default_factory=dict)


def read_forms(path: Path, *, encoding: str | None, separator: str | None) -> list[Form]:
    """Read an export.

    Parameters
    ----------
    path : Path
        CSV, a zip of it, or XLSX with repeats as sheets.
    encoding, separator : str, optional
        Of CSV, where they are stated.

    Returns
    -------
    list of Form
        Submissions first.

    Raises
    ------
    InputError
        If it cannot be read, or has none of the columns that KoboToolbox adds (KOBO_NOT_EXPORT).
    """
    if not path.is_file():
        problem = "there is no such file"
        raise InputError(problem, file=str(path), code="FILE_MISSING")
    try:
        forms = (
            _sheets(path) if _is_workbook(path) else
            [_text(part, encoding, separator) for part in parts([path], suffixes=_TEXTS)]
        )  # fmt: skip
    except InputError as error:
        # What cannot be read may be anybody's name: where it stands is stated, never what it is.
        raise InputError(error.problem, file=error.file, row=error.row, column=error.column, expected=error.expected,
                         code=error.code) from None  # fmt: skip
    if not any(form.parent is None and _SYSTEM & set(form.headings) for form in forms):
        problem = "this is no export of KoboToolbox"
        expected = "a column _uuid or _id"
        raise InputError(problem, file=path.name, row=1, expected=expected, code="KOBO_NOT_EXPORT")
    for form in forms:
        _split_points(form)
    submissions = [_identified(form) for form in forms if form.parent is None and _SYSTEM & set(form.headings)]
    known: dict[str, dict[str, str]] = {}
    for form in submissions:
        known.setdefault(form.sheet or "", {}).update(_by_index(form))
    facts = {event.removeprefix("uuid:"): event for form in submissions for event in form.frame[EVENT]}
    waiting = [form for form in forms if form.parent is not None and "_parent_index" in form.headings]
    repeats = [_belonging(form, facts, _OF_PARENT) for form in forms if form.parent is not None and form not in waiting]
    for _ in range(_MAX_DEPTH):
        ready = [form for form in waiting if form.parent in known]
        for form in ready:
            repeats.append(_belonging(form, known[form.parent or ""]))
            known[form.sheet or ""] = _by_index(repeats[-1])
        waiting = [form for form in waiting if form not in ready]
    repeats += [_belonging(form, {}) for form in waiting]
    return [*submissions, *repeats]


def _split_points(form: Form) -> None:
    """Read places that stand in one cell, latitude first, as the columns that an export has which was asked to split them."""
    for heading in form.headings[:]:
        names = [f"_{heading}_{part}" for part in (*_PARTS, "altitude")]
        cells = form.frame[heading].drop_nulls().str.strip_chars()
        if names[0] in form.headings or not len(cells) or cells.str.contains(_GEOPOINT).mean() < _MOSTLY:  # type: ignore[operator]
            continue
        latitude, longitude, altitude, precision = (pl.col(heading).str.extract(_GEOPOINT, at) for at in range(1, 5))
        parts = zip(names, (latitude, longitude, precision, altitude), strict=True)
        form.frame = form.frame.with_columns(part.alias(name) for name, part in parts)
        form.headings += names
        form.written |= dict.fromkeys(names, heading)


def _is_workbook(path: Path) -> bool:
    """Tell a workbook from delimited text, and from a zip of it."""
    with path.open("rb") as stream:
        beginning = stream.read(4)
    if beginning != b"PK\x03\x04":
        return beginning == XLS[:4]
    if kind_of(path) is not None:
        return True
    try:
        names = open_archive(path).sizes
    except InputError:
        return True  # the reader of workbooks tells what is wrong with a broken one
    return not any(PurePosixPath(name).suffix.lower() in _TEXTS for name in names)


def _text(part: Part, encoding: str | None, separator: str | None) -> Form:
    """Read delimited text; of questions with the same label the second becomes `label (2)`."""
    table = delimited.read(
        part.open,
        file=part.file,
        encoding=encoding,
        separator=separator,
        named=False,
        header_lines=0,
        of_people=True,
        without_blank=True,
    )
    frames = list(table.batches)
    if not frames:
        problem = "the file has no heading that can be read"
        raise InputError(problem, file=part.file, row=1, code="HEADING_INVALID")
    rows = pl.concat(frames)
    headings: list[str] = []
    for number, cell in enumerate(rows.row(0)[1:], 1):
        label = (cell or "").strip("\ufeff ") or f"column_{number}"
        taken = {*headings, "source_row", "source_file"}
        again = (f"{label} ({count})" for count in range(2, len(taken) + 3))
        headings.append(label if label not in taken else next(name for name in again if name not in taken))
    names = dict(zip(table.headings, headings, strict=True))
    return Form(part.file, None, None, rows[1:].rename(names), headings, table.refusals)


def _sheets(path: Path) -> list[Form]:
    """Read a workbook."""
    forms = []
    for sheet in read_sheets(path.read_bytes(), file=path.name, numbered=True):
        headings = sheet.frame.columns[1:]
        is_repeat = "_parent_index" in headings or (_OF_PARENT in headings and "_uuid" not in headings)
        values = sheet.frame["_parent_table_name"].drop_nulls() if "_parent_table_name" in headings else pl.Series()
        parent = (values[0] if values.len() else "") if is_repeat else None
        forms.append(Form(path.name, sheet.name, parent, sheet.frame, headings, []))
    main = [form.sheet or "" for form in forms if form.parent is None]
    for form in forms:
        # A sheet's name is cut at 31 letters, the name of the table that it is stated by is not.
        if form.parent is not None and form.parent not in {f.sheet for f in forms}:
            cut = [name for name in main if form.parent[:20] == name[:20]] or main
            form.parent = cut[0] if len(cut) == 1 else form.parent
    return forms


def _identified(form: Form) -> Form:
    """Give each submission its identifier; without a sound one it is refused, and the value is not stated."""
    frame = form.frame
    entries = [pl.col(name).str.strip_chars() for name in ("_uuid", "_id") if name in form.headings]
    event = pl.coalesce(*entries) if entries else pl.lit(None, pl.String)
    # A number that a spreadsheet made of `_id` comes as text already.
    frame = frame.with_columns(pl.when(event.str.contains(f"^(?:{_ID.pattern})$")).then(event).alias(EVENT))
    message = "the submission has no _uuid or _id in the form that KoboToolbox gives"
    return _refused(form, frame, "_uuid", "SUBMISSION_ID_INVALID", message)


def _by_index(form: Form) -> dict[str, str]:
    """Return the identifiers of a form's submissions by the number that repeats point at."""
    if "_index" not in form.headings:
        return {}
    key = EVENT if form.parent is None else " path"
    frame = form.frame
    if form.parent is not None:
        frame = frame.with_columns((pl.col(EVENT) + "\x1f" + pl.col(PLACE_IN_PARENT)).alias(key))
    return dict(frame.select("_index", key).drop_nulls().iter_rows())


def _belonging(form: Form, parents: Mapping[str, str], pointer: str = "_parent_index") -> Form:
    """Give each repeat the submission that it belongs to, and its number in it."""
    key = pl.col(pointer).str.strip_prefix("uuid:")
    frame = form.frame.with_columns(key.replace_strict(parents, default=None, return_dtype=pl.String).alias(" path"))
    place = pl.int_range(1, pl.len() + 1).over(key).cast(pl.String)
    inner = pl.col(" path").str.splitn("\x1f", 2)
    frame = frame.with_columns(
        inner.struct.field("field_0").alias(EVENT),
        pl.concat_str(inner.struct.field("field_1"), place, separator=".", ignore_nulls=True).alias(PLACE_IN_PARENT),
    ).drop(" path")
    message = "the row points at no submission of the file"
    return _refused(form, frame, pointer, "SUBMISSION_UNKNOWN", message)


def _refused(form: Form, frame: pl.DataFrame, column: str, code: str, message: str) -> Form:
    """Return a form whose rows belong to a submission, the others refused."""
    lacking = frame.filter(pl.col(EVENT).is_null())["source_row"]
    refusals = [Refusal(form.file, row, column, None, code, message) for row in lacking]
    kept = frame.filter(pl.col(EVENT).is_not_null())
    return replace(form, frame=kept, refusals=[*form.refusals, *refusals])


def submissions(forms: Sequence[Form]) -> list[Form]:
    """Return the sheets of submissions."""
    return [form for form in forms if form.parent is None]


def repeats(forms: Sequence[Form]) -> list[Form]:
    """Return the sheets of repeats."""
    return [form for form in forms if form.parent is not None]
