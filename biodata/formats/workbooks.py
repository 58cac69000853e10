"""Spreadsheets and delimited text as people hand them in: every cell as it came, with the row that a person sees in the margin."""

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO, Final
from xml.parsers import expat

import polars as pl

from biodata.core.errors import InputError
from biodata.formats import encodings, xml
from biodata.formats.archives import BROKEN
from biodata.formats.delimited import SEPARATORS, sniff
from biodata.formats.encodings import utf8_blocks
from biodata.formats.other_workbooks import ODS, XLS, cell_text, check_container, kind_of, read_other
from biodata.formats.records import Dialect, Limits, Record, split_fields

# What a sheet's XML tells besides values: formulas, errors, hidden rows and columns, and how far its cells reach.
MAX_CELLS: Final = 3_000_000
"""Cells that are filled, and cells of the rectangle that holds them."""
MAX_ROWS: Final = 1_048_576
MAX_COLUMNS: Final = 2_000
_BLOCK_BYTES: Final = 1 << 16
_LONGEST_FORMULA: Final = 200
_CELL: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


@dataclass
class Marks:
    """What is stated of a sheet's cells; rows count from 1 as a person counts, columns from 0.

    Attributes
    ----------
    last_row, last_column : int
        The rectangle that holds every filled cell; 0 and -1 where there is none.
    formulas : dict of (row, column) to str
        Formulas as text, without their sign of equality, cut at 200 letters.
    without_value : set of (row, column)
        Formulas whose value the file does not hold.
    errors : dict of (row, column) to str
        Cells that are an error, such as `#REF!`.
    hidden_rows : set of int
        Rows that are not shown.
    hidden_columns : list of (first, last)
        Columns that are not shown.
    """

    last_row: int = 0
    last_column: int = -1
    formulas: dict[tuple[int, int], str] = field(default_factory=dict)
    without_value: set[tuple[int, int]] = field(default_factory=set)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)

    def hides_column(self, column: int) -> bool:
        """Return whether a column is hidden."""
        return any(first <= column <= last for first, last in self.hidden_columns)


def read_marks(stream: IO[bytes], *, sheet: str, file: str) -> Marks:
    """Read a sheet's marks.

    Parameters
    ----------
    stream : binary file
        The sheet's XML.
    sheet, file : str
        What errors call them.

    Returns
    -------
    Marks

    Raises
    ------
    InputError
        If it is no XML or has a document type, or if a bound is passed.
    """
    reader = _Reader(sheet, file)
    parse_blocks(stream, reader.parser, file)
    return reader.marks


def parse_blocks(stream: IO[bytes], parser: expat.XMLParserType, file: str) -> None:
    """Parse a stream block by block; a document type is refused before anything of it is read.

    Raises
    ------
    InputError
        If it is not well formed (WORKBOOK_INVALID) or has a document type (XML_UNSAFE).
    """
    parser.StartDoctypeDeclHandler = _refuse_document_type(file)
    try:
        while block := stream.read(_BLOCK_BYTES):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        problem = f"a part of the workbook is no XML ({error})"
        raise InputError(problem, file=file, expected="an XLSX workbook", code="WORKBOOK_INVALID") from error


def _refuse_document_type(file: str) -> Callable[..., None]:
    """Return what refuses a document type."""

    def refuse(*_: object) -> None:
        problem = "a part of the workbook has a document type or entities, which are not taken"
        raise InputError(problem, file=file, code="XML_UNSAFE")

    return refuse


class _Reader:
    """Follows the elements of a sheet."""

    def __init__(self, sheet: str, file: str) -> None:
        self.sheet, self.file = sheet, file
        self.marks = Marks()
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.row, self.column, self.cells = 0, -1, 0
        self.is_error = self.is_text = False
        self.text: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        match name.rpartition(":")[2]:
            case "c":
                self.cell(attributes)
            case "v":
                self.filled()
                if self.is_error or (self.row, self.column) in self.marks.without_value:
                    self.listen()
            case "is":
                self.filled()
                self.marks.without_value.discard((self.row, self.column))
            case "f":
                self.filled()
                self.marks.formulas[self.row, self.column] = ""
                self.marks.without_value.add((self.row, self.column))
                self.listen()
            case "row":
                self.row = _whole(attributes.get("r"), self.row + 1)
                self.column = -1
                if attributes.get("hidden") in ("1", "true") and len(self.marks.hidden_rows) < MAX_ROWS:
                    self.marks.hidden_rows.add(self.row)
            case "col" if attributes.get("hidden") in ("1", "true") and len(self.marks.hidden_columns) < MAX_COLUMNS:
                first = _whole(attributes.get("min"), 1)
                self.marks.hidden_columns.append((first - 1, _whole(attributes.get("max"), first) - 1))

    def end(self, name: str) -> None:
        """End an element."""
        if self.parser.CharacterDataHandler is None:
            return
        match name.rpartition(":")[2]:
            case "f":
                self.marks.formulas[self.row, self.column] = "".join(self.text)[:_LONGEST_FORMULA]
                self.parser.CharacterDataHandler = None
            case "v":
                place, text = (self.row, self.column), "".join(self.text)
                if self.is_error:
                    self.marks.errors[place] = text[:20]
                # Writers that compute nothing leave an empty value; a formula's empty text is one that is stated.
                if text or self.is_text:
                    self.marks.without_value.discard(place)
                self.parser.CharacterDataHandler = None

    def cell(self, attributes: dict[str, str]) -> None:
        """Begin a cell."""
        place = _CELL.fullmatch(attributes.get("r", ""))
        if place is None:
            self.column += 1
        else:
            self.row, self.column = int(place[2]), column_number(place[1])
        self.is_error, self.is_text = attributes.get("t") == "e", attributes.get("t") == "str"

    def filled(self) -> None:
        """Count a cell that is filled."""
        marks = self.marks
        self.cells += 1
        marks.last_row, marks.last_column = max(marks.last_row, self.row), max(marks.last_column, self.column)
        size = marks.last_row * (marks.last_column + 1)
        if marks.last_row > MAX_ROWS or marks.last_column >= MAX_COLUMNS or max(size, self.cells) > MAX_CELLS:
            problem = f"the cells of sheet {self.sheet!r} reach over {marks.last_row} rows and {marks.last_column + 1} columns"
            expected = (
                f"no more than {MAX_ROWS} rows, {MAX_COLUMNS} columns and {MAX_CELLS} cells; is a value left far away?"
            )
            row = self.row if self.row <= MAX_ROWS else None
            raise InputError(problem, file=self.file, row=row, expected=expected, code="INPUT_TOO_LARGE")

    def listen(self) -> None:
        """Keep the text that comes."""
        self.text = []
        self.parser.CharacterDataHandler = self.text.append


def column_number(letters: str) -> int:
    """Return a column's number from its letters; A is 0."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _whole(text: str | None, otherwise: int) -> int:
    """Return a whole number."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 9 else otherwise


# A workbook's container: its bounds, its sheets and their parts, and a copy of only what holds the values to be read.
_BOOK: Final = "xl/workbook.xml"
_BOOK_LINKS: Final = "xl/_rels/workbook.xml.rels"
_NEEDED: Final = ("[Content_Types].xml", "_rels/.rels", _BOOK, _BOOK_LINKS, "xl/styles.xml", "xl/sharedStrings.xml")
_SMALL_BYTES: Final = 4_000_000


@dataclass(frozen=True)
class Part:
    """A worksheet: its name, whether it is shown, where it is in the container, and its marks.

    Hidden sheets are not looked into: their marks are empty.
    """

    name: str
    visible: bool
    member: str
    marks: Marks


def open_parts(content: bytes, *, file: str) -> tuple[list[Part], bytes]:
    """Look a workbook over before its values are read.

    Parameters
    ----------
    content : bytes
        The file.
    file : str
        What errors call it.

    Returns
    -------
    parts : list of Part
        Its worksheets in their order.
    clean : bytes
        A workbook with the shown worksheets and nothing else: no pictures, programs, links or hidden sheets.

    Raises
    ------
    InputError
        If it is no XLSX, holds programs, or a bound is passed.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_container(archive, len(content), file)
            parts = _parts(archive, file)
            return parts, _clean(archive, parts, file)
    except BROKEN as error:
        problem = "this is no XLSX workbook that can be read"
        raise InputError(problem, file=file, expected="a file saved as .xlsx", code="WORKBOOK_INVALID") from error


def _check_container(archive: zipfile.ZipFile, size: int, file: str) -> None:
    """Refuse what is no XLSX, holds programs, or unpacks to far more than it is."""
    check_container(archive, size, file)
    names = archive.namelist()
    if _BOOK not in names or len(names) > len(set(names)):
        problem = "this is no XLSX workbook"
        raise InputError(problem, file=file, expected="a file saved as .xlsx", code="WORKBOOK_INVALID")


def _parts(archive: zipfile.ZipFile, file: str) -> list[Part]:
    """Return the worksheets."""
    members = set(archive.namelist())
    targets = {}
    if _BOOK_LINKS in members:
        for link in xml.parse(_small(archive, _BOOK_LINKS, file), file=file):
            if link.get("Type", "").endswith("/worksheet") and link.get("TargetMode") != "External":
                target = link.get("Target", "")
                targets[link.get("Id")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    parts = []
    for element in xml.parse(_small(archive, _BOOK, file), file=file).iter():
        if xml.local_name(element.tag) != "sheet":
            continue
        links = [value for name, value in element.attrib.items() if xml.local_name(name) == "id"]
        member = targets.get(links[0]) if links else None
        if member not in members or member is None:
            continue
        name, visible = element.get("name", ""), element.get("state", "visible") == "visible"
        marks = Marks()
        if visible:
            with archive.open(member) as stream:
                marks = read_marks(stream, sheet=name, file=file)
        parts.append(Part(name, visible, member, marks))
    return parts


def _small(archive: zipfile.ZipFile, member: str, file: str) -> bytes:
    """Return a part that is small in every workbook."""
    if archive.getinfo(member).file_size > _SMALL_BYTES:
        problem = f"the part {member} is larger than {_SMALL_BYTES} bytes"
        raise InputError(problem, file=file, code="INPUT_TOO_LARGE")
    return archive.read(member)


def _clean(archive: zipfile.ZipFile, parts: list[Part], file: str) -> bytes:
    """Return the workbook with only what is needed to read its shown sheets; every byte of it was counted."""
    wanted = [*_NEEDED, *(part.member for part in parts if part.visible)]
    members = set(archive.namelist())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as clean:
        for member in dict.fromkeys(wanted):
            if member not in members:
                continue
            if member == "xl/sharedStrings.xml":
                with archive.open(member) as stream:
                    parse_blocks(stream, expat.ParserCreate(), file)
            clean.writestr(member, archive.read(member))
    return out.getvalue()


@dataclass(frozen=True)
class Grid:
    """A sheet, or a file of delimited text, cell by cell.

    Attributes
    ----------
    file : str
        What a person calls the file.
    name : str or None
        The sheet's name; None for delimited text.
    visible : bool
        False for a hidden sheet; its cells are not read.
    rows : list of (row, cells)
        Every row with its number as a person counts, blank ones too; a cell is text or None. Rows may differ in length.
    marks : Marks
        Formulas, errors, what is hidden.
    merges : list of (first row, first column, last row, last column)
        Merged cells; rows count from 1, columns from 0.
    guessed_encoding : str or None
        Of delimited text: the encoding, where nothing but its letters tells it.
    """

    file: str
    name: str | None
    visible: bool
    rows: list[tuple[int, list[str | None]]]
    marks: Marks = field(default_factory=Marks)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    guessed_encoding: str | None = None

    @property
    def title(self) -> str:
        """What a person calls the sheet: by its name, delimited text by that of its file without the ending."""
        return self.name or self.file.rpartition(".")[0]


@dataclass(frozen=True)
class Sheet:
    """One sheet.

    Attributes
    ----------
    name : str
        The sheet's name.
    heading_row : int
        Row of the headings, as a person counts.
    frame : polars.DataFrame
        n rows that are not wholly blank: `source_row`, then a text column a heading; empty cells are null.
    """

    name: str
    heading_row: int
    frame: pl.DataFrame


def read_grids(content: bytes, *, file: str) -> list[Grid]:
    """Read every sheet of a workbook (XLSX, ODS, XLS) cell by cell; formulas are not computed, hidden sheets not read.

    Parameters
    ----------
    content : bytes
        The file.
    file : str
        What errors call it.

    Raises
    ------
    InputError
        If it is no workbook, holds programs, or a bound is passed.
    """
    if content.startswith(XLS) or (content.startswith(b"PK") and kind_of(content) == ODS):
        return [
            Grid(file, sheet["name"], sheet["visible"], list(enumerate(sheet["rows"], start=1)),
                 merges=[(a, b, c, d) for a, b, c, d in sheet["merges"]])
            for sheet in read_other(content, file=file)
        ]  # fmt: skip
    parts, clean = open_parts(content, file=file)
    from python_calamine import CalamineError, CalamineWorkbook

    grids = []
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(clean)) as workbook:
            for part in parts:
                if not part.visible:
                    grids.append(Grid(file, part.name, False, []))
                    continue
                sheet = workbook.get_sheet_by_name(part.name)
                cells = sheet.to_python(skip_empty_area=False)
                rows = [(number, [cell_text(cell) for cell in row]) for number, row in enumerate(cells, start=1)]
                merges = [(r1 + 1, c1, r2 + 1, c2) for (r1, c1), (r2, c2) in sheet.merged_cell_ranges or ()]
                grids.append(Grid(file, part.name, True, rows, part.marks, merges))
    except (CalamineError, ValueError, zlib.error, EOFError) as error:
        problem = f"the workbook cannot be read ({error})"
        raise InputError(problem, file=file, expected="an XLSX workbook", code="WORKBOOK_INVALID") from error
    return grids


def read_sheets(content: bytes, *, file: str, numbered: bool = False) -> list[Sheet]:
    """Read every shown sheet of a workbook as a table.

    Parameters
    ----------
    content : bytes
        The file.
    file : str
        What errors call it.
    numbered : bool
        Of columns with the same heading the second is called `heading (2)`; else they are refused.

    Returns
    -------
    list of Sheet
        Without the sheets that are empty. The first row that is not blank holds the headings.

    Raises
    ------
    InputError
        If it is no workbook, a bound is passed, or two columns of a sheet have the same heading.
    """
    read = [
        _read(grid.rows, grid.name or "", file, numbered=numbered)
        for grid in read_grids(content, file=file)
        if grid.visible
    ]
    return [sheet for sheet in read if sheet is not None]


def _read(table: Sequence[tuple[int, list[str | None]]], name: str, file: str, *, numbered: bool) -> Sheet | None:
    """Turn a sheet's cells into a text table; None for an empty sheet."""
    filled = [(number, row) for number, row in table if any(cell is not None for cell in row)]
    if not filled:
        return None
    heading_row, headings = filled[0]
    used = [index for index, heading in enumerate(headings) if heading is not None]
    names = [str(headings[index]).strip() for index in used]
    if numbered:
        names = _numbered(names)
    for heading in names:
        if names.count(heading) > 1:
            problem = f"two columns of sheet {name!r} have the same heading"
            raise InputError(problem, file=file, row=heading_row, column=heading, code="HEADING_REPEATED")
    rows = filled[1:]
    _check_nameless(rows, used, name, file)
    columns = {"source_row": pl.Series([number for number, _ in rows], dtype=pl.Int64)}
    columns |= {
        heading: pl.Series([row[index] for _, row in rows], dtype=pl.String)
        for heading, index in zip(names, used, strict=True)
    }
    return Sheet(name, heading_row, pl.DataFrame(columns))


def _numbered(headings: Sequence[str]) -> list[str]:
    """Return headings of which no two are the same: the second `label` is `label (2)`."""
    names: list[str] = []
    for heading in headings:
        again = (f"{heading} ({count})" for count in range(2, len(headings) + 2))
        taken = {*names, "source_row", "source_file"}
        names.append(heading if heading not in taken else next(name for name in again if name not in taken))
    return names


def _check_nameless(rows: list[tuple[int, list[str | None]]], used: list[int], name: str, file: str) -> None:
    """Refuse a value below no heading: nobody could say what it is."""
    named = set(used)
    for number, row in rows:
        for index, cell in enumerate(row):
            if cell is not None and index not in named:
                problem = f"a value of sheet {name!r} stands below no heading"
                column = column_letters(index)
                raise InputError(problem, file=file, row=number, column=column, value=cell, code="HEADING_MISSING")


def column_letters(index: int) -> str:
    """Return a column's letters as a spreadsheet shows them; 0 is A."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


# Delimited text as people hand it in: whole, small, with titles above the heading and notes below the rows.
_SEEN_RECORDS: Final = 60
_SAMPLE_BYTES: Final = 1 << 18
_LIMITS: Final = Limits(field_bytes=100_000)


def read_text_grid(content: bytes, *, file: str, encoding: str | None = None, separator: str | None = None) -> Grid:
    """Read delimited text cell by cell.

    Parameters
    ----------
    content : bytes
        The file.
    file : str
        What errors call it.
    encoding, separator : str, optional
        Where they are declared; found in the text where not.

    Returns
    -------
    Grid
        Rows are numbered by the line in which they begin; blank lines are left out. A cell is text as it came, or None
        where it is empty.

    Raises
    ------
    InputError
        If it is no text, or its encoding cannot be stated (ENCODING_UNSURE), or a quote is not closed, or a bound is passed.
    """
    chosen = encodings.chosen(encodings.sample_of(io.BytesIO(content)), declared=encoding, file=file)
    if chosen.rival is not None:
        problem = f"its letters may be of the encoding {chosen.name} or {encodings.Choice(chosen.rival).name}"
        expected = f"a file saved as UTF-8 or XLSX, or its encoding declared, such as --encoding {chosen.name}"
        raise InputError(problem, file=file, expected=expected, code="ENCODING_UNSURE")
    text = b"".join(utf8_blocks(io.BytesIO(content), encoding=chosen.encoding, file=file))
    if (position := text.find(b"\0")) >= 0:
        problem = "the text holds a character that is none (NUL)"
        raise InputError(problem, file=file, row=text.count(b"\n", 0, position) + 1, code="INPUT_NOT_TEXT")
    first_line = 1
    if text[:4].lower() == b"sep=" and text[5:6] in (b"\r", b"\n"):  # Excel writes how a file is separated into it
        separator = separator or chr(text[4])
        _, _, text = text.partition(b"\n")
        first_line = 2
    dialect = sniff(text[:_SAMPLE_BYTES], separator=separator or _separator(text[:_SAMPLE_BYTES], file))
    # A spreadsheet may write a million rows without a cell behind the last one.
    end = _end_of_cells(text, f"{dialect.separator}\r\n \t".encode())
    text = b"".join((memoryview(text)[:end], dialect.line_end.encode()))
    if text.count(dialect.separator.encode()) + text.count(dialect.line_end.encode()) > 2 * MAX_CELLS:
        problem, expected = "the file has too many cells", f"no more than {MAX_CELLS}"
        raise InputError(problem, file=file, expected=expected, code="INPUT_TOO_LARGE")
    records = _records(text, dialect, file, line=first_line, at_end=True)
    widest = max((len(record.values) for record in records), default=0)
    if widest > MAX_COLUMNS or sum(len(record.values) for record in records) > MAX_CELLS:
        problem = f"the file has {widest} columns and {len(records)} rows"
        expected = f"no more than {MAX_COLUMNS} columns and {MAX_CELLS} cells"
        raise InputError(problem, file=file, expected=expected, code="INPUT_TOO_LARGE")
    for record in records:
        if record.problem is not None:
            raise InputError(record.problem, file=file, row=record.row, code="QUOTE_WRONG")
    rows = [(record.row, [value.decode() or None for value in record.values]) for record in records]
    return Grid(file, None, True, rows, guessed_encoding=chosen.name if chosen.guessed else None)


def _end_of_cells(text: bytes, blanks: bytes) -> int:
    """Return where the last cell of a text ends, without a copy of the whole."""
    end = len(text)
    while end:
        start = max(0, end - _SAMPLE_BYTES)
        if rest := text[start:end].rstrip(blanks):
            return start + len(rest)
        end = start
    return 0


def _records(
    text: bytes, dialect: Dialect, file: str, *, line: int, at_end: bool, most: int | None = None
) -> list[Record]:
    """Return the records of a text."""
    return split_fields(text, dialect, line=line, at_end=at_end, file=file, limits=_LIMITS, most=most).records


def _separator(sample: bytes, file: str) -> str:
    """Return the separator under which most records of the beginning have the same number of fields."""
    best, most = ",", 0
    for separator in SEPARATORS:
        dialect = sniff(sample, separator=separator)
        try:
            records = _records(sample, dialect, file, line=1, at_end=False, most=_SEEN_RECORDS)
        except InputError:
            continue
        widths = Counter(len(record.values) for record in records if record.problem is None)
        score = max((count * (width - 1) for width, count in widths.items()), default=0)
        if score > most:
            best, most = separator, score
    return best
