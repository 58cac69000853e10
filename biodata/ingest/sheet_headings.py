"""What the headings of a survey's sheets say: which row they are, what each means, and what the sheet holds."""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from biodata.errors import InputError
from biodata.formats.archives import ArchiveLimits, open_archive
from biodata.formats.broken_zips import BROKEN_ZIP
from biodata.formats.spreadsheet_kinds import XLS
from biodata.formats.text_grids import read_text_grid
from biodata.formats.workbooks import Grid, read_grids
from biodata.ingest import survey_project
from biodata.ingest.headings import CERTAIN, Proposal, Why, decided, key, propose
from biodata.ingest.headings.dictionary import entries
from biodata.ingest.headings.units import units_in
from biodata.ingest.sheet_layout import Layout, lay_out, sheet_kind

NAMES_OF_TAXA: Final = ("scientificName", "vernacularName", "verbatimScientificName", "genus", "taxonID")
_OF_OTHER_TABLES: Final = frozenset({"measurementType", "measurementValue", "mediaID", "filePath", "associatedMedia"})
"""Columns of measurements and of media files, which have an event's identifier and are no events."""

NEEDED: Final = ("eventID", "eventDate", "scientificName", "decimalLatitude", "decimalLongitude")
"""Terms whose column has to be known for sure."""

_EVENT_SIGNS: Final = frozenset({"eventDate", "samplingProtocol", "decimalLatitude", "sampleSizeValue", "design",
                                 "deploymentStart", "verbatimCoordinates", "samplingEffort", "locality"})  # fmt: skip
_OF_EVENTS: Final = frozenset({"eventID", "eventDate", "verbatimEventDate", "year", "day", "deploymentStart", "deploymentEnd",
                               "design", "sampleSizeValue", "samplingEffort", "samplingEffortValue"})  # fmt: skip
_OF_RECORDS: Final = frozenset(
    {*NAMES_OF_TAXA, "individualCount", "organismQuantity", "decimalLatitude", "decimalLongitude", "easting", "northing",
     "verbatimCoordinates", "verbatimLatitude", "eventID", "locationID", "deploymentStart", "mediaID"}
)  # fmt: skip
"""Of these one at least is told by every record, station or deployment."""
_LABEL: Final = re.compile(r"[^\W\d]\s*[:：៖](?!\S*//)")
_SENTENCE: Final = 20
_CATEGORY: Final = re.compile(r"(?i)categor|kategori|类别|หมวด")
_PLACES: Final = frozenset({"decimalLatitude", "verbatimCoordinates", "verbatimLatitude", "easting"})
_LIKELY: Final = 0.5
_PARTS: Final = re.compile(r"[()\[\]/|\n\r（）]+| [-–—] ")
_NUMBER: Final = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")
_EXPLAINED: Final = 5
_LONGEST_HEADING: Final = 120


def laid_out(grid: Grid, kept: Mapping[str, str]) -> Layout | None:
    """Return where the table of a sheet is; None for a sheet without any filled cell."""
    known = {key(heading) for heading in kept}
    layout = lay_out(grid, lambda text: _is_heading(text, known))
    if layout is not None and sheet_kind(grid.name or "") == "project":  # a sheet of records may be called so, too
        one_row = lay_out(grid, lambda text: _is_heading(text, known), one_row=True)
        if one_row is not None and kind_of(one_row, *names_of(one_row, kept)) == "project":
            return one_row
    return layout


def is_guide(layout: Layout, kept: Mapping[str, str]) -> bool:
    """Tell whether a sheet explains the others: it is called so, or their headings stand in its cells, one below the other."""
    if sheet_kind(layout.grid.name or layout.grid.file) == "guide":
        return True
    known = {key(heading) for heading in kept}
    told = {cell for _, cells in layout.rows[:100] for cell in cells[:5] if cell is not None}
    return sum(_is_heading(cell, known) for cell in told) >= _EXPLAINED


@lru_cache(maxsize=4096)
def is_known(text: str) -> bool:
    """Tell whether the dictionary has a text, or a part of it, as a heading, whatever it may mean."""
    rest, _ = units_in(text)
    return any(key(part) in entries() for part in (text, rest, *_PARTS.split(text)) if part.strip())


def _is_heading(text: str, known: Collection[str]) -> bool:
    """Tell whether a text is surely a heading; `known` are those that somebody decided about."""
    if len(text) > _LONGEST_HEADING or _NUMBER.fullmatch(text):
        return False
    return key(text) in known or is_known(text.strip())


def names_of(layout: Layout, kept: Mapping[str, str]) -> tuple[dict[int, str], dict[int, Proposal]]:
    """Return for each column the term that it surely is, else its heading, and what is proposed for it."""
    cells = {column.heading: layout.cells(column.index)[:50] for column in layout.columns}
    # Longer than any heading: to look for one that is like it would only take time.
    asked = [column.heading if len(column.heading) <= _LONGEST_HEADING else "" for column in layout.columns]
    proposed = decided(propose(asked, cells=cells, kept=kept), cells)
    names: dict[int, str] = {}
    sure = {proposal.term for proposal in proposed if proposal.confidence > CERTAIN}
    for column, proposal in zip(layout.columns, proposed, strict=True):
        # What a record cannot do without is read as what it likely is, and blocks until somebody says that it is.
        needed = proposal.term in NEEDED and proposal.term not in sure and _is_likely(proposal)
        certain = proposal.term if proposal.confidence > CERTAIN or needed or proposal.why is Why.TAKEN else None
        names[column.index] = certain or column.heading
    return names, {column.index: proposal for column, proposal in zip(layout.columns, proposed, strict=True)}


def leave_out_no_records(layout: Layout, names: Mapping[int, str]) -> None:
    """Leave out rows of labels or sentences below the last record, without a taxon, a count or a place; and those of no animal."""
    told = [index for index, name in names.items() if name in _OF_RECORDS]
    while told and layout.rows:
        number, cells = layout.rows[-1]
        filled = [cell for cell in cells if cell is not None]
        below = any(index < len(cells) and cells[index] is not None for index in told)
        if below or not any(_LABEL.search(cell) or len(cell) > _SENTENCE for cell in filled):
            break
        layout.rows.pop()
        layout.findings.append(layout.finding(number, None, filled[0], "NOTE_ROW_LEFT_OUT"))
    _leave_out_others(layout, names)


def _leave_out_others(layout: Layout, names: Mapping[int, str]) -> None:
    """Leave out rows without a taxon whose category no row with a taxon has: snares and camps in a patrol's table."""
    category = next((c.index for c in layout.columns if _CATEGORY.search(c.heading)), None)
    taxa = [index for index, name in names.items() if name in NAMES_OF_TAXA]
    if category is None or not taxa:
        return
    rows = list(zip(layout.rows, layout.cells(category), zip(*map(layout.cells, taxa), strict=True), strict=True))
    of_taxa = {told for _, told, named in rows if any(named)}
    others = Counter(told for _, told, named in rows if not any(named) and told not in of_taxa and told is not None)
    layout.rows[:] = [row for row, told, named in rows if any(named) or told not in others]
    heading = next(c.heading for c in layout.columns if c.index == category)
    for told, count in others.items():
        layout.findings.append(layout.finding(None, heading, told, "NO_ANIMAL_LEFT_OUT", count=str(count)))


def _is_likely(proposal: Proposal) -> bool:
    """Tell whether a term is proposed for more than that the heading is like another one."""
    return proposal.confidence >= _LIKELY and proposal.why not in (Why.NEAR, Why.REPEATED, Why.UNIT_STRANGE)


def kind_of(layout: Layout, names: Mapping[int, str], proposals: Mapping[int, Proposal]) -> str | None:
    """Return what a sheet holds: what its columns surely or likely are decides, its name where they leave it open."""
    said = sheet_kind(layout.grid.name or layout.grid.file.rpartition(".")[0])
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
    return None if said == "project" and not terms & set(survey_project.TERMS) else said


_LIMITS: Final = ArchiveLimits(members=50, total_bytes=150_000_000)
_TEXTS: Final = (".csv", ".tsv", ".txt")


def grids_of(name: str, content: bytes, encoding: str | None) -> list[Grid]:
    """Return the sheets of a file, whatever its name says it is; refuse one that cannot be read, or passes a bound."""
    if content.startswith(XLS):
        return read_grids(content, file=name)
    if content.startswith(b"PK"):
        texts = _zipped(name, content)
        return read_grids(content, file=name) if texts is None else [
            read_text_grid(text, file=member, encoding=encoding) for member, text in texts
        ]  # fmt: skip
    grid = read_text_grid(content, file=name, encoding=encoding)
    if name.lower().endswith((".xlsx", ".xlsm")) and all(len(cells) < 2 for _, cells in grid.rows):
        problem = "this is no XLSX workbook"
        raise InputError(problem, file=name, expected="a file saved as .xlsx", code="WORKBOOK_INVALID")
    return [grid]


def _zipped(name: str, content: bytes) -> list[tuple[str, bytes]] | None:
    """Return the texts of a zip archive, checked before anything is unpacked; None for what holds no text."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as listed:
            if not any(member.lower().endswith(_TEXTS) for member in listed.namelist()):
                return None
    except BROKEN_ZIP:
        return None
    with TemporaryDirectory() as folder:
        path = Path(folder) / "survey.zip"
        path.write_bytes(content)
        try:
            archive = open_archive(path, limits=_LIMITS)
            if not all(member.lower().endswith(_TEXTS) for member in archive.sizes):
                return None
            texts = []
            for member in archive.sizes:
                with archive.open(member) as stream:
                    texts.append((member, stream.read()))
        except InputError as error:
            code = "INPUT_TOO_LARGE" if error.code == "ARCHIVE_TOO_LARGE" else error.code
            raise InputError(error.problem, file=name, value=error.value, expected=error.expected, code=code) from None
        return texts
