"""Templates of surveys: a workbook a design and language, made when it is asked for."""

import io
from functools import lru_cache
from typing import Final

from babel import Locale
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from biodata.core.vocabularies import SurveyDesign
from biodata.surveys.accepting import LICENCES
from biodata.surveys.designs import DESIGNS, PROJECT, SAMPLE_UNITS, Asked, Design, heading, notes, word
from biodata.surveys.problems import refuse
from biodata.text.times import COUNTRY_ZONES

_COUNTRIES: Final = tuple(sorted({*COUNTRY_ZONES, "ID"}))
_LISTS: Final = ("designs", "units", "answers", "countries", "licences", "datums")
_DATUMS: Final = ("WGS84", "CGCS2000", "VN-2000", "Lao 1997", "Indian 1975", "Kertau 1968", "Timbalai 1948")
_HEAD, _NEEDED, _EXAMPLE = "D9E2EC", "F6C85F", "EEEEEE"


@lru_cache(maxsize=80)
def template(design: str, language: str = "en") -> bytes:
    """Return the workbook (XLSX) to fill in for a survey of a design (`SurveyDesign`), in one of the ten languages."""
    if design not in DESIGNS:
        refuse("DESIGN_UNKNOWN", "NO_SUCH_DESIGN", ", ".join(DESIGNS), column="design", value=design)
    asked = DESIGNS[SurveyDesign(design)]
    book = Workbook()
    book.remove(book.worksheets[0])
    book.properties.creator = "biodata"
    _readme(book.create_sheet(word("sheet.readme", language)), asked, language)
    _project(book.create_sheet(word("sheet.project", language)), asked, language)
    for kind, columns in asked.sheets.items():
        _table(book.create_sheet(word(f"sheet.{kind}", language)), asked, columns, language)
    _codes(book.create_sheet(word("sheet.codes", language)), asked, language)
    book.active = 1
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _table(sheet: Worksheet, design: Design, columns: tuple[Asked, ...], language: str) -> None:
    sheet.append([heading(column.term, language) for column in columns])
    sheet.append([word("example", language), *(_example(column, design, language) for column in columns[1:])])
    for number, column in enumerate(columns, start=1):
        example = sheet.cell(2, number)
        example.font, example.fill = Font(italic=True, color="777777"), PatternFill("solid", fgColor=_EXAMPLE)
        _column(sheet, number, column, design, language, rows=(3, 5_000))
    sheet.freeze_panes = "A2"


def _project(sheet: Worksheet, design: Design, language: str) -> None:
    sheet.append([heading(column.term, language) for column in PROJECT])
    sheet.append([column.example or None for column in PROJECT])
    for number, column in enumerate(PROJECT, start=1):
        _column(sheet, number, column, design, language, rows=(2, 2))


def _column(sheet: Worksheet, number: int, column: Asked, design: Design, language: str, *, rows: tuple[int, int]) -> None:  # fmt: skip
    letter, head = get_column_letter(number), sheet.cell(1, number)
    head.font, head.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
    head.fill = PatternFill("solid", fgColor=_NEEDED if column.needed else _HEAD)
    sheet.cell(2, number).number_format = "@"
    sheet.column_dimensions[letter].width = max(14, min(36, len(str(head.value)) + 2))
    sheet.column_dimensions[letter].number_format = "@"
    if column.choices is not None:
        at, last = get_column_letter(_LISTS.index(column.choices) + 1), len(_choices(column.choices, design, language)) + 1  # fmt: skip
        source = f"'{word('sheet.codes', language)}'!${at}$2:${at}${last}"
        rule = DataValidation(type="list", formula1=source, allow_blank=True, showErrorMessage=True)
        # A unit of another name, or a country far away, may still be right: the check says so.
        rule.errorStyle = "warning"
        rule.add(f"{letter}{rows[0]}:{letter}{rows[1]}")
        sheet.add_data_validation(rule)


def _example(column: Asked, design: Design, language: str) -> str | None:
    sample = SAMPLE_UNITS.get(design.name)
    own = {"design": f"design.{design.name}", "samplingEffortUnit": f"unit.{design.unit}", "sampleSizeUnit": f"unit.{sample}"}  # fmt: skip
    name = f"answer.{column.example}" if column.choices == "answers" else own.get(column.term)
    return word(name, language) if name else column.example or None


def _choices(name: str, design: Design, language: str) -> list[str]:
    units = dict.fromkeys((design.unit, SAMPLE_UNITS.get(design.name, design.unit)))
    lists = {
        "designs": [word(f"design.{design.name}", language)], "units": [word(f"unit.{unit}", language) for unit in units],
        "answers": [word(f"answer.{one}", language) for one in ("yes", "no")], "licences": [*LICENCES], "datums": [*_DATUMS],
    }  # fmt: skip
    return lists.get(name, [*_COUNTRIES])


def _codes(sheet: Worksheet, design: Design, language: str) -> None:
    names = Locale.parse(language).territories
    columns = [[word(f"list.{name}", language), *_choices(name, design, language)] for name in _LISTS]
    columns.append([word("list.names", language), *(str(names.get(code, code)) for code in _COUNTRIES)])
    for number, cells in enumerate(columns, start=1):
        for row, cell in enumerate(cells, start=1):
            sheet.cell(row, number, cell)
        sheet.cell(1, number).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(number)].width = max(14, *(len(cell) + 2 for cell in cells))
    sheet.freeze_panes = "A2"


def _readme(sheet: Worksheet, design: Design, language: str) -> None:
    sheet.append([word(f"design.{design.name}", language)])
    sheet.append([f"{word('guide.effort', language)}: {word(f'unit.{design.unit}', language)}"])
    for sentence in notes(design.name.value, language):
        sheet.append([sentence])
    sheet.append([])
    top = sheet.max_row + 1
    sheet.append([word(f"guide.{name}", language) for name in ("sheet", "column", "needed", "example", "term")])
    for kind, columns in {"project": PROJECT, **design.sheets}.items():
        for at, column in enumerate(columns):
            shown = {"events": "E01", "occurrences": "R001"}.get(kind) if at == 0 else None
            shown = " / ".join(LICENCES) if column.choices == "licences" else shown
            answer = word("answer.yes" if column.needed else "answer.no", language)
            entries = (word(f"sheet.{kind}", language), heading(column.term, language), answer)
            sheet.append([*entries, shown or _example(column, design, language), column.term])
    sheet["A1"].font = Font(bold=True, size=14)
    for number, width in enumerate((26, 34, 12, 36, 32)):
        sheet.column_dimensions["ABCDE"[number]].width = width
        sheet.cell(top, number + 1).font = Font(bold=True)
    for row in range(2, top):
        sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=5)
        sheet.cell(row, 1).alignment = Alignment(wrap_text=True, vertical="top")
        sheet.row_dimensions[row].height = 32
