"""What the headings of a survey's sheets say: which row they are, what each means, and what the sheet holds."""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final, NamedTuple

import polars as pl

from biodata.core.errors import InputError
from biodata.formats.archives import BROKEN, ArchiveLimits, open_archive, read_document
from biodata.formats.other_workbooks import XLS
from biodata.formats.workbooks import Grid, read_grids, read_text_grid
from biodata.ingest import survey_shapes
from biodata.ingest.headings import CERTAIN, Proposal, Why, decided, key, propose
from biodata.ingest.headings.deciding import NAMES_OF_TAXA
from biodata.ingest.headings.dictionary import TERMS, entries
from biodata.ingest.headings.plain import units_in
from biodata.ingest.headings.proposals import scripts
from biodata.ingest.sheet_layout import Cells, Layout, lay_out, sheet_kind
from biodata.ingest.sheet_repairs import ZONE_TOLD
from biodata.ingest.survey_shapes import ANY_DAY, SurveyTable
from biodata.text import dates
from biodata.text.coordinate_pairs import read_pair
from biodata.text.numbers import ascii_digits
from biodata.text.proposals import names_a_place
from biodata.text.reference_list import reference_list
from biodata.text.times import ZONE

IN_DEGREES: Final = MappingProxyType({"easting": "decimalLongitude", "northing": "decimalLatitude"})
"""What stands for what where a place is stated in metres."""
NEEDED: Final = ("eventID", "eventDate", "scientificName", "decimalLatitude", "decimalLongitude")
"""Terms whose column has to be known for sure."""
_OF_OTHER_TABLES: Final = frozenset("measurementType measurementValue mediaID filePath associatedMedia".split())
"""Columns of measurements and of media files, which have an event's identifier and are no events."""
_EVENT_SIGNS: Final = frozenset(
    """eventDate samplingProtocol decimalLatitude sampleSizeValue design deploymentStart verbatimCoordinates samplingEffort
    locality""".split()
)
_OF_EVENTS: Final = frozenset(
    """eventID eventDate verbatimEventDate year day deploymentStart deploymentEnd design sampleSizeValue samplingEffort
    samplingEffortValue""".split()
)
_PLACES: Final = frozenset("decimalLatitude verbatimCoordinates verbatimLatitude easting".split())
_OF_RECORDS: Final = frozenset(
    """individualCount organismQuantity decimalLongitude northing eventID locationID deploymentStart mediaID""".split()
).union(NAMES_OF_TAXA, _PLACES)
"""Of these one at least is stated by every record, station or deployment."""
_CODES: Final = ("occurrenceID", "organismID", "recordNumber")
_LABEL: Final = re.compile(r"[^\W\d]\s*[:：៖](?!\S*//)")
_NOTHING: Final = re.compile(
    r"(?i)(?:no|none|nil|nothing|zero|tidak ada|tiada|không|wala)(?![^\W_])|无|没有|未见|未发现|ไม่พบ|ບໍ່ພົບ|មិនឃើញ|មិនមាន|မတွေ့"
)
"""What stands in the place of a name where nothing was seen."""
_CATEGORY: Final = re.compile(r"(?i)categor|kategori|类别|หมวด")
_PARTS: Final = re.compile(r"[()\[\]/|\n\r（）]+| [-–—] ")
_NUMBER: Final = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")
_SENTENCE, _LIKELY, _LONGEST_HEADING, _WIDE = 20, 0.5, 120, 5


def laid_out(grid: Grid, kept: Mapping[str, str]) -> Layout | None:
    """Return where the table of a sheet is; None for a sheet without any filled cell."""
    known = {key(heading) for heading in kept}
    layout = lay_out(grid, lambda text: _is_heading(text, known))
    if layout is not None and sheet_kind(grid.name or "") == "project":  # a sheet of records may be called so, too
        one_row = lay_out(grid, lambda text: _is_heading(text, known), one_row=True)
        layout = one_row if one_row and kind_of(one_row, *names_of(one_row, kept)) == "project" else layout
    return layout


@lru_cache(maxsize=4096)
def is_known(text: str) -> bool:
    """Return whether the dictionary has a text, or a part of it, as a heading, whatever it may mean."""
    rest, _ = units_in(text)
    return any(key(part) in entries() for part in (text, rest, *_PARTS.split(text), *scripts(text)) if part.strip())


def _is_heading(text: str, known: Collection[str]) -> bool:
    is_short = len(text) <= _LONGEST_HEADING and not _NUMBER.fullmatch(text)
    return is_short and (key(text) in known or is_known(text.strip()))


def names_of(layout: Layout, kept: Mapping[str, str]) -> tuple[dict[int, str], dict[int, Proposal]]:
    """Return for each column the term that it surely is, else its heading, and what is proposed for it."""
    least = _usual(layout) / 2  # a legend below the records is of no column
    records = replace(layout, rows=[row for row in layout.rows if _filled(row) >= least][:50])
    cells = {column.heading: records.cells(column.index) for column in layout.columns}
    # Longer than any heading: to look for one that is like it would only take time.
    asked = [column.heading if len(column.heading) <= _LONGEST_HEADING else "" for column in layout.columns]
    proposed = decided(propose(asked, cells=cells, kept=kept), cells)
    by_index = {column.index: one for column, one in zip(layout.columns, proposed, strict=True)}
    sure = {one.term for one in proposed if one.confidence > CERTAIN}
    names: dict[int, str] = {}
    sure |= {in_degrees for metres, in_degrees in IN_DEGREES.items() if metres in sure}
    for column in layout.columns:
        one = by_index[column.index]
        # What a record cannot do without is read as what it likely is, and blocks until somebody says that it is.
        needed = one.term in NEEDED and one.term not in sure and _is_likely(one)
        is_taken = one.confidence > CERTAIN or needed or one.why is Why.TAKEN
        names[column.index] = (one.term if is_taken else None) or column.heading
    return names, by_index


def leave_out_no_records(layout: Layout, names: Mapping[int, str]) -> None:
    """Leave out rows below the last record that are none: labels, sentences, and what fills hardly a cell."""
    items = [index for index, name in names.items() if name in _OF_RECORDS]
    usual = _usual(layout)
    for number, cells in [*layout.rows] if items and usual >= _WIDE else ():
        (at, title), *more = [(at, cell) for at, cell in enumerate(cells) if cell is not None] or [(-1, "")]
        name = names.get(at, "")
        # A month, or a group, that stands alone above its records.
        if not more and title and not any(map(str.isdigit, title)) and (name in _CODES or name not in TERMS):
            layout.rows.remove((number, cells))
            layout.findings.append(layout.finding(number, None, title, "NOTE_ROW_LEFT_OUT"))
    while items and layout.rows:
        number, cells = layout.rows[-1]
        filled = [cell for cell in cells if cell is not None]
        below = [index for index in items if index < len(cells) and cells[index] is not None]
        apart = len(layout.rows) > 1 and layout.rows[-2][0] < number - 1
        few = (2 if apart else 3) * len(filled) <= usual
        worded = any(_LABEL.search(cell) or len(cell) > _SENTENCE for cell in filled)
        labels = all(_LABEL.search(cell + " ") for cell in filled)
        identified = any(names.get(at) == "occurrenceID" for at, cell in enumerate(cells) if cell is not None)
        few = few and not (identified and not worded)
        if not labels and not (few and (worded or len(below) < 3)) and (below or not worded):
            break
        layout.rows.pop()
        layout.findings.append(layout.finding(number, None, filled[0], "NOTE_ROW_LEFT_OUT"))
    taxa = [index for index, name in names.items() if name in NAMES_OF_TAXA]
    _leave_out_others(layout, taxa)
    for number, cells in [*layout.rows] if taxa else ():
        named = [cell for at in taxa if at < len(cells) and (cell := cells[at]) is not None]
        if named and all(map(_NOTHING.match, named)):
            layout.rows.remove((number, cells))
            layout.findings.append(layout.finding(number, None, named[0], "NOTE_ROW_LEFT_OUT"))


def _filled(row: tuple[int, Cells]) -> int:
    return sum(cell is not None for cell in row[1])


def _usual(layout: Layout) -> int:
    return sorted(map(_filled, layout.rows))[len(layout.rows) // 2] if layout.rows else 0


def _leave_out_others(layout: Layout, taxa: list[int]) -> None:
    """Leave out rows without a taxon whose category no row with a taxon has: snares and camps in a patrol's table."""
    category = next((column for column in layout.columns if _CATEGORY.search(column.heading)), None)
    if category is not None and taxa:
        named = [any(cells) for cells in zip(*map(layout.cells, taxa), strict=True)]
        rows = list(zip(layout.rows, layout.cells(category.index), named, strict=True))
        of_taxa = {None, *(kind for _, kind, has_taxon in rows if has_taxon)}
        others = Counter(kind for _, kind, _ in rows if kind is not None and kind not in of_taxa)
        layout.rows[:] = [row for row, kind, _ in rows if kind not in others]
        for kind, count in others.items():
            layout.findings.append(layout.finding(None, category.heading, kind, "NO_ANIMAL_LEFT_OUT", count=str(count)))


def _is_likely(proposal: Proposal) -> bool:
    return proposal.confidence >= _LIKELY and proposal.why not in (Why.REPEATED, Why.UNIT_STRANGE)


def kind_of(layout: Layout, names: Mapping[int, str], proposals: Mapping[int, Proposal]) -> str | None:
    """Return what a sheet holds: what its columns surely or likely are decides, its name where they leave it open."""
    said = sheet_kind(layout.grid.title)
    terms = {*names.values(), *(one.term for one in proposals.values() if one.term and _is_likely(one))}
    if said == "guide":
        return None
    if terms & _OF_OTHER_TABLES and not terms & set(NAMES_OF_TAXA):
        return None
    if terms & set(NAMES_OF_TAXA) or "occurrenceID" in terms:
        return "occurrences"
    if "locationID" in terms and terms & _PLACES and not terms & _OF_EVENTS:
        return "sites"
    if terms & {"eventID", "locationID", "deploymentStart"} and terms & _EVENT_SIGNS:
        return "events"
    return None if said == "project" and not terms & set(survey_shapes.TERMS) else said


_LIMITS: Final = ArchiveLimits(members=50, total_bytes=150_000_000)
_TEXTS: Final = (".csv", ".tsv", ".txt")


def grids_of(name: str, content: bytes, encoding: str | None) -> list[Grid]:
    """Return the sheets of a file, whatever its name says it is; refuse one that cannot be read, or passes a bound."""
    texts = _zipped(name, content) if content.startswith(b"PK") else []
    if texts:
        return [read_text_grid(text, file=member, encoding=encoding) for member, text in texts]
    if content.startswith((XLS, b"PK")):
        return read_grids(content, file=name)
    grid = read_text_grid(content, file=name, encoding=encoding)
    if name.lower().endswith((".xlsx", ".xlsm")) and all(len(cells) < 2 for _, cells in grid.rows):
        problem = "this is no XLSX workbook"
        raise InputError(problem, file=name, expected="a file saved as .xlsx", code="WORKBOOK_INVALID")
    return [grid]


def _zipped(name: str, content: bytes) -> list[tuple[str, bytes]]:
    """Return the texts of a zip archive, checked before anything is unpacked; none where it holds anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as listed:
            if not any(member.lower().endswith(_TEXTS) for member in listed.namelist()):
                return []
    except BROKEN:
        return []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "survey.zip"
        path.write_bytes(content)
        try:
            archive = open_archive(path, limits=_LIMITS)
            members = archive.sizes if all(member.lower().endswith(_TEXTS) for member in archive.sizes) else ()
            return [(member, read_document(archive, member, most=_LIMITS.total_bytes)) for member in members]
        except InputError as error:
            code = "INPUT_TOO_LARGE" if error.code == "ARCHIVE_TOO_LARGE" else error.code
            raise InputError(error.problem, file=name, value=error.value, expected=error.expected, code=code) from None


_DATUM: Final = re.compile(r"(?i)wgs[\s_-]*(?:19)?84|(?:vn|cgcs)[\s-]?2000|indian 19\d\d|prs[\s-]?92|hanoi 1?9?72")
_PLACE: Final = re.compile(r"-?\d[^()（）]*")
_OF_ALL: Final = frozenset(
    """recordedBy locationID locality country stateProvince county municipality habitat samplingProtocol decimalLatitude
    decimalLongitude easting northing minimumElevationInMeters eventTime""".split()
)
"""Terms that a label may tell of all rows."""
_OF_FILES: Final = frozenset({"license", "geodeticDatum", "timeZone"})
"""Terms that a label may tell of whole files."""
_LICENCE: Final = re.compile(r"(?i)(?:CC[\s-]*(?:BY|0)(?![^\W\d_])|creative commons).*")
_BINOMIAL: Final = re.compile(r"(?<![^\W_])[A-Z][a-z]+ [a-z]{3,}(?![^\W_])")
_ONE_COORDINATE: Final = ("decimalLatitude", "decimalLongitude", "easting", "northing")
_YEAR: Final = re.compile(r"(?<!\d)(?:19[5-9]\d|20[0-4]\d|2[45]\d\d)(?!\d)")
_DAY_MONTH: Final = re.compile(r"(\d{1,2})([-/. 月]?) ?(?:\d{1,2}日?|[^\W\d][^\d]*)")
_YEAR_OF_TWO: Final = re.compile(r"(\d{1,2}([-/. ])(?:\d{1,2}|[^\W\d]+)\2)(\d\d)")
_DAY_INSIDE: Final = re.compile(
    r"\d{4}([-/.])\d\d?\1\d\d?(?!\d)|\d{4}年\d\d?月\d\d?日|(?<!\d)\d\d?(?:([-/.])\d\d?\2| [^\W\d]+,? )\d{4}"
)


class Told(NamedTuple):
    """What a cell above the headings tells: the term, its value, what it is called there, and where."""

    term: str
    value: str
    label: str
    row: int
    text: str


def facts_above(layout: Layout) -> list[Told]:
    """Return what is stated above the headings; of several that state the same nothing."""
    found = [one for row, cells in layout.above for label, text in _labelled(cells) for one in _read(row, label, text)]
    values = {one.term: {other.value for other in found if other.term == one.term} for one in found}
    return [one for one in {one.term: one for one in found}.values() if len(values[one.term]) == 1]


def _labelled(cells: Cells) -> Iterator[tuple[str, str]]:
    """Yield the texts of a row with what stands before their colon; a label alone is of the text behind it."""
    texts = [line.strip() for cell in cells if cell for line in re.split(r"[\r\n]+|\s{2,}", cell) if line.strip()]
    label = ""
    for text, after in zip_longest(texts, texts[1:]):
        before, *rest = re.split(r"\s*[:：៖]\s*", text, maxsplit=1)
        # What it says stands in the next cell.
        follows = after and (
            (is_known(text) and not is_known(after)) or (names_a_place(after) and not names_a_place(text))
        )
        if (rest and not rest[0]) or (not rest and not label and follows):
            label = before
            continue
        yield (before, rest[0]) if rest else (label, text)
        label = ""


def _read(row: int, label: str, text: str) -> Iterator[Told]:
    """Yield what a text tells: by its label as a heading would, by itself where it is a licence, a zone, a datum, a place or a date."""
    zone, datum = ZONE_TOLD.search(text), _DATUM.search(text)
    licence, offset = _LICENCE.search(text), re.search(r"(?:UTC|GMT) ?[+-]\d[\d:]*", text)
    alone = {"license": licence and licence[0], "timeZone": offset and offset[0].replace(" ", ""),
             "utm_zone": zone and f"{zone[1]}{zone[2]}", "geodeticDatum": datum and datum[0]}  # fmt: skip
    yield from (Told(term, value, label or text, row, text) for term, value in alone.items() if value)
    names = reference_list().look_up(pl.Series(_BINOMIAL.findall(text), dtype=pl.String))["name"]
    yield from (Told("scientificName", name, label or text, row, text) for name in names)
    labelled = of_label(label, text) if label and not any(alone.values()) else None
    places = (one.strip() for one in _PLACE.findall(text) if read_pair(one.strip()).latitude is not None)
    if labelled == "timeZone" and (named := re.search(ZONE, text)) is not None:
        yield Told(labelled, named[0], label, row, text)
    elif labelled in (*_ONE_COORDINATE, *(_OF_FILES - {"timeZone"})):
        yield Told(labelled, text, label, row, text)
    elif names_a_place(text) and (place := next(places, None)) is not None:
        yield Told("verbatimCoordinates", place, label or text, row, text)
    elif (day := next(filter(_is_date, [text, *(one[0] for one in _DAY_INSIDE.finditer(text))]), None)) is not None:
        yield Told("eventDate", day, label or text, row, text)
    elif labelled in _OF_ALL:
        yield Told(labelled, text, label, row, text)


def project_of(grid: Grid) -> SurveyTable | None:
    """Read a sheet of labels, each with its text in the next cell, as the project of all others; None for any other sheet."""
    rows = [(number, [cell for cell in cells if cell is not None]) for number, cells in grid.rows]
    # Headings side by side are of a table, and so is a label below which its text stands.
    pairs = [cells for _, cells in rows if len(cells) == 2]
    beside = any({of_label(one, "") for one in pair} <= _OF_FILES or _LICENCE.match(pair[0]) for pair in pairs)
    if beside or any(len(cells) > 2 for _, cells in rows):
        return None
    found = [one for number, (label, *texts) in ((n, c) for n, c in rows if c) for text in texts
             for one in _read(number, label, text) if one.term in _OF_FILES]  # fmt: skip
    facts = {one.term: one for one in reversed(found)}
    frame = pl.DataFrame({"source_row": [row for row, _ in rows[:1]], **{n: [one.value] for n, one in facts.items()}})
    project = SurveyTable("project", grid.file, grid.name, 0, frame, {name: one.label for name, one in facts.items()})
    project.stands = {name: one.row for name, one in facts.items()}
    return project if facts else None


def of_label(label: str, *texts: str) -> str | None:
    """Return the term that a label surely has with the texts beside it, of those that may be of all rows."""
    (one,) = decided(propose([label], cells={label: [*texts]}), {label: [*texts]})
    sure = one.confidence > CERTAIN or one.why is Why.TAKEN
    return one.term if sure and one.term in (*_OF_ALL, *_OF_FILES, "eventDate") else None


def _is_date(text: str) -> bool:
    """Return whether a text is a day, several or a month, if only in one of two orders or another era."""
    (read,) = dates.parse_dates(pl.Series([text]), today=ANY_DAY).iter_rows(named=True)
    bare = ascii_digits(text).replace(".", "").isdigit() and len(text) != len("20260301")
    return not bare and (read["precision"] in ("day", "interval", "month") or read["proposal"] is not None)


def year_of(layout: Layout) -> str | None:
    """Return the one year that stands above the headings of a sheet, else in its name, else in its file's name."""
    above = " ".join(cell for _, cells in layout.above for cell in cells if cell is not None)
    for text in (above, layout.grid.name or "", layout.grid.file.rpartition(".")[0]):
        if len(years := set(_YEAR.findall(ascii_digits(text)))) == 1:
            return str(years.pop())
    return None


def named_month(name: str, year: str | None) -> str | None:
    """Return the month, `2023-05`, that a sheet's name or a heading is, or ends with, if only in the year that is stated above the table."""
    texts = [name, name.rpartition(" ")[2], *([f"{name} {year}", f"{year}年{name}"] if year is not None else [])]
    read = dates.parse_dates(pl.Series(texts), today=ANY_DAY)
    entries = (row["event_date"] if row["issue"] is None else row["proposal"] for row in read.iter_rows(named=True))
    return next((text for text in entries if text is not None and re.fullmatch(r"\d{4}-\d{2}", text)), None)


def day_of(heading: str, year: str | None) -> str | None:
    """Return the month or the day that a heading is, if only in the year that is stated above the table; None for any other text."""
    day = heading if _is_date(heading) else None if year is None else with_year(heading, year)
    return named_month(heading, year) or day


def with_year(text: str, year: str) -> str | None:
    """Return a day and month with a year, that of two digits where it ends with them; None for any other text."""
    if (short := _YEAR_OF_TWO.fullmatch(ascii_digits(text.strip()))) is not None:
        return short[1] + year if year.endswith(short[3]) else None
    parts = _DAY_MONTH.fullmatch(ascii_digits(text.strip()))
    if parts is None:
        return None
    signs = parts[2] if parts[2] in "-/." and parts[2] else " "
    whole = f"{year}年{parts[0]}" if "月" in text else f"{text.strip()}{signs}{year}"
    (read,) = dates.parse_dates(pl.Series([whole]), today=ANY_DAY).iter_rows(named=True)
    return whole if read["precision"] == "day" or read["proposal"] is not None else None
