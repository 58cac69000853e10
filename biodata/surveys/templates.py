"""Templates of surveys: a workbook a design and language, made when it is asked for, the same bytes each time."""

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from biodata.errors import InputError
from biodata.parsers.zones import COUNTRY_ZONES
from biodata.surveys.designs import DESIGNS, LANGUAGES, Asked, Design, word
from biodata.surveys.designs.columns import PROJECT, SAMPLE_UNITS
from biodata.surveys.designs.words import heading, notes
from biodata.surveys.report_forms import same_bytes
from biodata.vocabularies import SurveyDesign

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_COUNTRIES: Final = tuple(sorted({*COUNTRY_ZONES, "ID"}))
_LISTS: Final = ("designs", "units", "answers", "countries", "licences", "datums")
LICENCES: Final = ("CC0 1.0", "CC BY 4.0", "CC BY-NC 4.0")
"""Those that a release knows by name."""
_DATUMS: Final = ("WGS84", "CGCS2000", "VN-2000", "Lao 1997", "Indian 1975", "Kertau 1968", "Timbalai 1948")
_LAST_ROW: Final = 5_000
_MADE: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - a workbook's properties tell no zone
_HEAD, _NEEDED, _EXAMPLE = "D9E2EC", "F6C85F", "EEEEEE"


@lru_cache(maxsize=80)
def template(design: str, language: str = "en") -> bytes:
    """Return the workbook (XLSX) to fill in for a survey of a design (`SurveyDesign`), in one of the ten languages.

    It has a sheet of what holds for all of it, the sheets of sites, events and occurrences, each with an example row that is
    left out when it is read, the lists that cells are chosen from, and how to fill it in. An unknown design or language
    raises an InputError that names those that there are.
    """
    if design not in DESIGNS:
        problem, known = "there is no such design", ", ".join(DESIGNS)
        raise InputError(problem, column="design", value=design, expected=known, code="DESIGN_UNKNOWN")
    if language not in LANGUAGES:
        problem, known = "there are no templates in this language", ", ".join(LANGUAGES)
        raise InputError(problem, column="language", value=language, expected=known, code="LANGUAGE_UNKNOWN")
    # Loaded when a template is asked for: it is not needed by anything else.
    from openpyxl import Workbook

    asked = DESIGNS[SurveyDesign(design)]
    book = Workbook()
    book.remove(book.worksheets[0])
    book.properties.created, book.properties.creator = _MADE, "biodata"
    _readme(book.create_sheet(word("sheet.readme", language)), asked, language)
    _project(book.create_sheet(word("sheet.project", language)), asked, language)
    for kind, columns in asked.sheets.items():
        _table(book.create_sheet(word(f"sheet.{kind}", language)), asked, columns, language)
    _codes(book.create_sheet(word("sheet.codes", language)), asked, language)
    book.active = 1
    return same_bytes(book)


def file_name(design: str, language: str) -> str:
    """Return what a template is called."""
    return f"survey_{design}_{language}.xlsx"


def offered() -> list[dict[str, object]]:
    """Return every design with the unit of its effort and the languages of its templates."""
    return [
        {"design": design.name.value, "unit": design.unit, "title": word(f"design.{design.name}", "en"),
         "languages": list(LANGUAGES)}
        for design in DESIGNS.values()
    ]  # fmt: skip


def _table(sheet: "Worksheet", design: Design, columns: tuple[Asked, ...], language: str) -> None:
    """Write one sheet to fill in: headings, the example, lists; all cells are text, so that no date is made of them."""
    from openpyxl.styles import Font, PatternFill

    sheet.append([heading(column.term, language) for column in columns])
    sheet.append([word("example", language), *(_example(column, design, language) for column in columns[1:])])
    for number, column in enumerate(columns, start=1):
        example = sheet.cell(2, number)
        example.font, example.fill = Font(italic=True, color="777777"), PatternFill("solid", fgColor=_EXAMPLE)
        _column(sheet, number, column, design, language, rows=(3, _LAST_ROW))
    sheet.freeze_panes = "A2"


def _project(sheet: "Worksheet", design: Design, language: str) -> None:
    """Write the sheet of what holds for all rows: headings and the one row, in which the datum of a GPS stands."""
    sheet.append([heading(column.term, language) for column in PROJECT])
    sheet.append([column.example or None for column in PROJECT])
    for number, column in enumerate(PROJECT, start=1):
        _column(sheet, number, column, design, language, rows=(2, 2))


def _column(
    sheet: "Worksheet", number: int, column: Asked, design: Design, language: str, *, rows: tuple[int, int]
) -> None:
    """Show a column's heading and whether it is needed, make its cells text, and let those of `rows` be chosen."""
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    letter, head = get_column_letter(number), sheet.cell(1, number)
    head.font, head.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
    head.fill = PatternFill("solid", fgColor=_NEEDED if column.needed else _HEAD)
    sheet.cell(2, number).number_format = "@"
    sheet.column_dimensions[letter].width = max(14, min(36, len(str(head.value)) + 2))
    sheet.column_dimensions[letter].number_format = "@"
    if column.choices is not None:
        at = _LISTS.index(column.choices)
        source = f"'{word('sheet.codes', language)}'!${_letter(at)}$2:${_letter(at)}${len(_choices(column.choices, design, language)) + 1}"
        rule = DataValidation(type="list", formula1=source, allow_blank=True, showErrorMessage=True)
        # A unit of another name, or a country far away, may still be right: the check says so.
        rule.errorStyle = "warning"
        rule.add(f"{letter}{rows[0]}:{letter}{rows[1]}")
        sheet.add_data_validation(rule)


def _example(column: Asked, design: Design, language: str) -> str | None:
    """Return what the example row shows in a column."""
    if column.term == "design":
        return word(f"design.{design.name}", language)
    if column.term == "samplingEffortUnit":
        return word(f"unit.{design.unit}", language)
    if column.term == "sampleSizeUnit":
        return word(f"unit.{SAMPLE_UNITS[design.name]}", language)
    if column.choices == "answers":
        return word(f"answer.{column.example}", language)
    return column.example or None


def _choices(name: str, design: Design, language: str) -> list[str]:
    """Return one of the lists that cells are chosen from."""
    units = dict.fromkeys((design.unit, SAMPLE_UNITS.get(design.name, design.unit)))
    lists = {
        "designs": [word(f"design.{design.name}", language)],
        "units": [word(f"unit.{unit}", language) for unit in units],
        "answers": [word("answer.yes", language), word("answer.no", language)],
        "licences": [*LICENCES],
        "datums": [*_DATUMS],
    }
    return lists.get(name, [*_COUNTRIES])


def _codes(sheet: "Worksheet", design: Design, language: str) -> None:
    """Write the lists, and the countries' names beside their codes."""
    from babel import Locale
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    names = Locale.parse(language).territories
    columns = [[word(f"list.{name}", language), *_choices(name, design, language)] for name in _LISTS]
    columns.append([word("list.names", language), *(str(names.get(code, code)) for code in _COUNTRIES)])
    for number, cells in enumerate(columns, start=1):
        for row, cell in enumerate(cells, start=1):
            sheet.cell(row, number, cell)
        sheet.cell(1, number).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(number)].width = max(14, *(len(cell) + 2 for cell in cells))
    sheet.freeze_panes = "A2"


def _readme(sheet: "Worksheet", design: Design, language: str) -> None:
    """Write what the workbook is, how it is filled in, and every column with its term and an example."""
    from openpyxl.styles import Alignment, Font

    sheet.append([word(f"design.{design.name}", language)])
    sheet.append([f"{word('guide.effort', language)}: {word(f'unit.{design.unit}', language)}"])
    for sentence in notes(design.name.value, language):
        sheet.append([sentence])
    sheet.append([])
    top = sheet.max_row + 1
    sheet.append([word(f"guide.{name}", language) for name in ("sheet", "column", "needed", "example", "term")])
    for kind, columns in {"project": PROJECT, **design.sheets}.items():
        for at, column in enumerate(columns):
            shown = "E01" if at == 0 and kind == "events" else "R001" if at == 0 and kind == "occurrences" else None
            answer = word("answer.yes" if column.needed else "answer.no", language)
            example = shown or _example(column, design, language)
            if column.choices == "licences":
                example = " / ".join(LICENCES)
            sheet.append(
                [word(f"sheet.{kind}", language), heading(column.term, language), answer, example, column.term]
            )
    sheet["A1"].font = Font(bold=True, size=14)
    for number, width in enumerate((26, 34, 12, 36, 32)):
        sheet.column_dimensions[_letter(number)].width = width
        sheet.cell(top, number + 1).font = Font(bold=True)
    for row in range(2, top):
        sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=5)
        sheet.cell(row, 1).alignment = Alignment(wrap_text=True, vertical="top")
        sheet.row_dimensions[row].height = 32


def _letter(index: int) -> str:
    """Return a column's letter; 0 is A."""
    return "ABCDEFGH"[index]
