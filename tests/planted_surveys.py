"""Surveys in ten languages with planted faults: the workbook, and where each fault stands, written down while planting.

Nothing here asks the checker: a plant knows the cell that it spoils and the code that it must be told by.
"""

import io
import re
import zipfile
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import openpyxl

from survey_languages import DIGITS, HEADINGS, LOCALITIES, MANY, NOTE, SHEETS, TITLE, TOTAL

# A place inland, far from every border, and one at sea off the same country; None for a country without a coast.
PLACES: Final = {
    "en": ("MY", 5.20, 117.00, (6.9, 115.2)), "zh": ("CN", 24.90, 102.10, (20.9, 113.6)),
    "th": ("TH", 14.40, 101.40, (11.6, 100.6)), "vi": ("VN", 20.30, 105.60, (19.0, 106.9)),
    "lo": ("LA", 20.60, 101.90, None), "km": ("KH", 12.90, 105.30, (10.0, 103.0)),
    "my": ("MM", 21.50, 96.50, (15.5, 95.9)), "ms": ("MY", 4.60, 102.40, (5.6, 104.4)),
    "id": ("ID", -1.80, 103.00, (-1.4, 105.0)), "fil": ("PH", 16.50, 121.30, (16.5, 119.4)),
}  # fmt: skip
OTHER: Final = {"MY": "TH", "CN": "VN", "TH": "VN", "VN": "TH", "LA": "ID", "KH": "CN", "MM": "VN", "ID": "TH",
                "PH": "ID"}  # fmt: skip
SPECIES: Final = ("Paradoxurus hermaphroditus", "Prionailurus bengalensis", "Sus scrofa", "Macaca nemestrina", "Gallus gallus",
                  "Arctictis binturong", "Rusa unicolor", "Viverra zibetha")  # fmt: skip
OCCURRENCE: Final = ("occurrenceID", "eventID", "eventDate", "scientificName", "individualCount", "decimalLatitude",
                     "decimalLongitude", "coordinateUncertaintyInMeters", "countryCode", "locality", "occurrenceRemarks")  # fmt: skip
EVENT: Final = ("eventID", "eventDate", "samplingProtocol", "sampleSizeValue", "sampleSizeUnit", "decimalLatitude",
                "decimalLongitude", "design")  # fmt: skip


@dataclass
class Sheet:
    """A sheet on its way: rows of cells by term, and what has to be done to the finished sheet."""

    terms: list[str]
    rows: list[dict[str, Any]]
    free: list[int] = field(default_factory=list)


@dataclass
class Survey:
    """A survey with its faults: `expected` holds (sheet, row, column, code)."""

    language: str
    seed: int
    content: bytes = b""
    expected: set[tuple[str, int | None, str | None, str]] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    kept: dict[str, str] = field(default_factory=dict)
    """The mapping of headings that the project has kept, some with a unit behind them."""


class Planter:
    """Makes one survey and spoils it."""

    def __init__(self, language: str, seed: int) -> None:
        self.random = Random(f"{language} {seed}")
        self.language, self.survey = language, Survey(language, seed)
        self.country, self.latitude, self.longitude, self.sea = PLACES[language]
        self.names = SHEETS[language]
        self.headings = dict(HEADINGS[language])
        self.survey.kept = {heading: term for term, heading in self.headings.items()}
        self.events = self._events()
        self.records = self._records()
        self.cells: list[tuple[int, int, str, str, Any]] = []
        self.marks: list[tuple[Any, ...]] = []  # (sheet, kind, logical row, term)

    def _events(self) -> Sheet:
        rows = []
        for number in range(24):
            month, day = 2 + number // 8, 1 + 3 * (number % 8)
            rows.append({
                "eventID": f"{self.country}26-E{number + 1:02d}", "eventDate": f"2026-{month:02d}-{day:02d}/2026-{month:02d}-{day + 2:02d}",
                "samplingProtocol": "line transect" if number % 2 else "camera trap", "sampleSizeValue": 2 + (number % 3 if number % 2 else 0),
                "sampleSizeUnit": "km" if number % 2 else "trap-night", "decimalLatitude": round(self.latitude + number / 500, 4),
                "decimalLongitude": round(self.longitude + number / 500, 4),
                "design": "line_transect" if number % 2 else "camera_trap",
            })  # fmt: skip
        return Sheet(list(EVENT), rows, list(range(12, 24)))

    def _records(self) -> Sheet:
        rows = []
        for number in range(140):
            event = self.events.rows[number % 12]
            rows.append({
                "occurrenceID": f"{self.country}26-R{number + 1:03d}", "eventID": event["eventID"],
                "eventDate": event["eventDate"][:10], "scientificName": SPECIES[number % len(SPECIES)],
                "individualCount": 1 + number % 4, "decimalLatitude": round(self.latitude + self.random.randint(-40, 40) / 1000 + 0.00012, 5),
                "decimalLongitude": round(self.longitude + self.random.randint(-40, 40) / 1000 + 0.00013, 5),
                "coordinateUncertaintyInMeters": self.random.choice((10, 20, 30)), "countryCode": self.country,
                "locality": f"{LOCALITIES[self.language]} {1 + number % 9}", "occurrenceRemarks": None,
            })  # fmt: skip
        return Sheet(list(OCCURRENCE), rows, list(range(140)))

    def row(self, sheet: Sheet, run: int = 1) -> int:
        """Take a row that is still sound (or the first of a run of them) for a fault."""
        starts = [at for at in sheet.free if all(at + step in sheet.free for step in range(run)) and at > 1]
        at = self.random.choice(starts)
        for step in range(run):
            sheet.free.remove(at + step)
        return at

    def digits(self, text: str) -> str:
        """Return a text with the language's own digits."""
        return text.translate(str.maketrans("0123456789", DIGITS[self.language]))


def cell_plants(p: Planter) -> dict[str, tuple[str, str, Any]]:
    """Return the plants of single cells of records: kind → (term, code, value made from the row)."""
    whole, part = divmod(abs(p.latitude), 1)
    degrees = f"{whole:.0f}°{part * 60:.0f}'00\"{'S' if p.latitude < 0 else 'N'}"
    wrong = (
        "café".encode().decode("latin-1")
        if LOCALITIES[p.language].isascii()
        else LOCALITIES[p.language].encode().decode("latin-1")
    )
    dates = (
        {
            "day first": (
                "eventDate",
                "VALUE_READ_AS",
                lambda row: row.update(eventID=row["eventID"][:-2] + "05") or "13/02/2026",
            )
        }
        if p.survey.seed % 2
        else {"ambiguous date": ("eventDate", "RECORDED_DATE_DAY_MONTH_AMBIGUOUS", lambda _: "03/04/2026")}
    )
    return {
        "Buddhist Era": ("eventDate", "RECORDED_DATE_BUDDHIST_ERA", lambda row: row["eventDate"].replace("2026", "2569")),
        "native digits in a count": ("individualCount", "VALUE_READ_AS", lambda _: p.digits("3")),
        "native digits in a date": ("eventDate", "VALUE_READ_AS", lambda row: p.digits(row["eventDate"])),
        "comma decimals": ("decimalLatitude", "VALUE_READ_AS", lambda row: str(row["decimalLatitude"]).replace(".", ",")),
        "words for a coordinate": ("decimalLongitude", "COORDINATE_INVALID", lambda _: "E of the camp"),
        "no latitude": ("decimalLatitude", "COORDINATE_MISSING", lambda _: None),
        "no such day": ("eventDate", "RECORDED_DATE_INVALID", lambda _: "2026-02-30"),
        "spreadsheet serial": ("eventDate", "RECORDED_DATE_EXCEL_SERIAL", lambda _: 46060),
        "future date": ("eventDate", "RECORDED_DATE_UNLIKELY", lambda row: row["eventDate"].replace("2026", "2066")),
        "no name": ("scientificName", "SCIENTIFIC_NAME_MISSING", lambda _: None),
        "fewer than none": ("individualCount", "INDIVIDUAL_COUNT_INVALID", lambda _: -2),
        "many": ("individualCount", "INDIVIDUAL_COUNT_INVALID", lambda _: MANY[p.language]),
        "a unit in a count": ("individualCount", "INDIVIDUAL_COUNT_INVALID", lambda _: "2 ekor"),
        "half an animal": ("individualCount", "INDIVIDUAL_COUNT_INVALID", lambda _: 1.5),
        "words for an uncertainty": ("coordinateUncertaintyInMeters", "COORDINATE_UNCERTAINTY_METERS_INVALID", lambda _: "about 50 or so"),
        "a unit in an uncertainty": ("coordinateUncertaintyInMeters", "VALUE_READ_AS", lambda _: "30 m"),
        "another unit in an uncertainty": ("coordinateUncertaintyInMeters", "COORDINATE_UNCERTAINTY_METERS_INVALID", lambda _: "0.2 km"),
        "wrong country": ("countryCode", "COUNTRY_COORDINATE_MISMATCH", lambda _: OTHER[p.country]),
        "no such country": ("countryCode", "COUNTRY_INVALID", lambda _: "Atlantis"),
        "wrong sign north": ("decimalLatitude", "PRESUMED_NEGATED_LATITUDE", lambda row: -row["decimalLatitude"]),
        "wrong sign east": ("decimalLongitude", "PRESUMED_NEGATED_LONGITUDE", lambda row: -row["decimalLongitude"]),
        "degrees and minutes": ("decimalLatitude", "VALUE_READ_AS", lambda _: degrees),
        "no identifier": ("occurrenceID", "IDENTIFIER_MISSING", lambda _: None),
        "identifier repeated": ("occurrenceID", "IDENTIFIER_REPEATED", lambda _: f"{p.country}26-R001"),
        "identifier in other capitals": ("occurrenceID", "IDENTIFIER_CASE", lambda _: f"{p.country}26-r002"),
        "spaces around an identifier": ("occurrenceID", "IDENTIFIER_SPACES", lambda row: f" {row['occurrenceID']} "),
        "unknown event": ("eventID", "EVENT_UNKNOWN", lambda _: f"{p.country}26-E99"),
        "outside its event": ("eventDate", "RECORD_OUTSIDE_EVENT", lambda _: "2026-09-09"),
        "garbled text": ("locality", "TEXT_GARBLED", lambda _: wrong),
        "lost text": ("locality", "TEXT_GARBLED", lambda _: "???? 3"),
        "an error": ("individualCount", "CELL_ERROR", lambda _: "#REF!"),
        **dates,
    }  # fmt: skip


def event_plants() -> dict[str, tuple[str, str, Any]]:
    """Return the plants of single cells of events."""
    return {
        "event in the Buddhist Era": ("eventDate", "RECORDED_DATE_BUDDHIST_ERA", lambda row: row["eventDate"].replace("2026", "2569")),
        "event ends before it starts": ("eventDate", "RECORDED_DATE_INVALID", lambda row: "/".join(reversed(row["eventDate"].split("/")))),
        "event without identifier": ("eventID", "EVENT_ID_MISSING", lambda _: None),
        "event repeated": ("eventID", "EVENT_REPEATED", lambda row: row["eventID"][:-2] + "01"),
        "effort in another design's unit": ("sampleSizeUnit", "EFFORT_UNIT_UNFIT", lambda row: "km" if row["design"] == "camera_trap" else "trap-night"),
        "effort in words": ("sampleSizeValue", "EFFORT_INVALID", lambda _: "half a day"),
        "unknown design": ("design", "DESIGN_UNKNOWN", lambda _: "strolling"),
        "event swapped": ("decimalLatitude", "PRESUMED_SWAPPED_COORDINATE", None),
    }  # fmt: skip


def plant(language: str, seed: int, *, share: float = 0.66) -> Survey:
    """Return a survey with faults: that share of all kinds, chosen by chance; all of them where it is 1, none where 0."""
    p = Planter(language, seed)
    survey, records, events = p.survey, p.records, p.events

    def wanted(kind: str) -> bool:
        chosen = p.random.random() < share
        if chosen:
            survey.kinds.add(kind)
        return chosen

    told: list[tuple[int, Any, str | None, str]] = []  # sheet, a row's place (or a mark of the form), term, code
    for kind, (term, code, made) in cell_plants(p).items():
        if wanted(kind):
            at = p.row(records)
            records.rows[at][term] = made(records.rows[at])
            told.append((0, at, term, code))
    if wanted("swapped coordinates"):
        at = p.row(records)
        row = records.rows[at]
        row["decimalLatitude"], row["decimalLongitude"] = row["decimalLongitude"], row["decimalLatitude"]
        told.append((0, at, "decimalLatitude", "PRESUMED_SWAPPED_COORDINATE"))
    if wanted("both coordinates in one cell"):
        at = p.row(records)
        row = records.rows[at]
        row["decimalLatitude"], row["decimalLongitude"] = f"{row['decimalLatitude']}, {row['decimalLongitude']}", None
        told.append((0, at, "decimalLatitude", "COORDINATES_IN_ONE_CELL"))
    if wanted("zero coordinates"):
        at = p.row(records)
        records.rows[at].update(decimalLatitude=0, decimalLongitude=0)
        told.append((0, at, "decimalLatitude", "ZERO_COORDINATE"))
    for kind, code, taxon in (
        ("at sea", "PLACE_AT_SEA", "Gallus gallus"),
        ("a boar at sea", "LAND_TAXON_AT_SEA", "Sus scrofa"),
    ):
        if p.sea and wanted(kind):
            at = p.row(records)
            records.rows[at].update(decimalLatitude=p.sea[0], decimalLongitude=p.sea[1], scientificName=taxon)
            # The coordinate that is as the others' is right.
            told.append((0, at, "decimalLongitude" if p.sea[0] == p.latitude else "decimalLatitude", code))
    for kind, (term, code, made) in event_plants().items():
        if not wanted(kind):
            continue
        at = p.row(events)
        row, event = events.rows[at], events.rows[at]["eventID"]
        if made is None:
            row["decimalLatitude"], row["decimalLongitude"] = row["decimalLongitude"], row["decimalLatitude"]
        else:
            row[term] = made(row)
        told.append((1, at, term, code))
        if code in ("RECORDED_DATE_BUDDHIST_ERA", "PRESUMED_SWAPPED_COORDINATE"):
            # A record that takes date and place from its event: the fault is told of the event, not of the record.
            of_it = p.row(records)
            records.rows[of_it].update(eventID=event, eventDate=None, decimalLatitude=None, decimalLongitude=None)
    survey.content = _written(p, told, wanted)
    return survey


def _written(p: Planter, told: list[tuple[int, Any, str | None, str]], wanted: Any) -> bytes:
    """Write the workbook with the faults of its form, and put down where everything stands."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    expected = p.survey.expected
    values: dict[str, str] = {}
    for number, sheet in enumerate((p.records, p.events)):
        name = p.names[number]
        page = book.create_sheet(name)
        heading = {term: p.headings.get(term, term) for term in sheet.terms}
        columns = {term: index for index, term in enumerate(sheet.terms, start=1)}
        line = 1
        if number == 0 and wanted("title rows"):
            page.cell(1, 1).value = TITLE[p.language]
            page.cell(2, 1).value = "2026"
            expected.add((name, 1, None, "TITLE_ROWS_LEFT_OUT"))
            line = 4
        if number == 0 and wanted("two rows of headings"):
            at = columns["decimalLatitude"]
            page.cell(line, 1).value = "A"
            page.cell(line, at).value = p.headings["verbatimCoordinates"]
            page.merge_cells(start_row=line, end_row=line, start_column=at, end_column=at + 1)
            expected.add((name, line, None, "HEADING_ROWS_JOINED"))
            line += 1
        if number == 0 and wanted("a unit in a heading"):
            # Only where the rest of the column can be told in it.
            term = "coordinateUncertaintyInMeters"
            heading[term] = re.sub(r"\s*[(（].*", "", heading[term]) + " (ft)"
            p.survey.kept[heading[term]] = term
            expected.add((name, line, heading[term], "HEADING_UNIT_CONVERTED"))
        extra = len(columns)
        if number == 0 and wanted("unknown heading"):
            extra += 1
            page.cell(line, extra).value = "Xqzt 7"
            expected.add((name, line, "Xqzt 7", "HEADING_UNKNOWN"))
        if number == 0 and wanted("a column twice"):
            extra += 1
            page.cell(line, extra).value = heading["locality"]
            expected.add((name, line, heading["locality"], "HEADING_REPEATED"))
        if number == 0 and wanted("hidden column"):
            extra += 1
            page.cell(line, extra).value = p.headings["recordedBy"]
            page.column_dimensions[openpyxl.utils.get_column_letter(extra)].hidden = True
            expected.add((name, line, p.headings["recordedBy"], "COLUMN_HIDDEN"))
        for term, index in columns.items():
            page.cell(line, index).value = heading[term]
        form = _form(p, sheet, number, wanted) if number == 0 else {}
        where: dict[int, int] = {}
        for at, row in enumerate(sheet.rows):
            line += 1
            for kind in form.get(at, ()):
                if kind == "blank":
                    expected.add((name, line, None, "ROWS_BLANK"))
                    line += 2
                elif kind == "headings again":
                    for term, index in columns.items():
                        page.cell(line, index).value = heading[term]
                    if extra > len(columns):  # the whole row is repeated
                        for index in range(len(columns) + 1, extra + 1):
                            page.cell(line, index).value = page.cell(_heading_line(page, heading, columns), index).value
                    expected.add((name, line, None, "HEADING_ROW_REPEATED"))
                    line += 1
                elif kind == "total":
                    page.cell(line, 1).value = TOTAL[p.language]
                    expected.add((name, line, None, "TOTALS_ROW_LEFT_OUT"))
                    line += 1
                elif kind == "hidden row":
                    page.cell(line, 1).value = "hidden"
                    page.row_dimensions[line].hidden = True
                    expected.add((name, line, None, "ROW_HIDDEN"))
                    line += 1
            where[at] = line
            for term, index in columns.items():
                cell = page.cell(line, index)
                cell.value = row[term]
                if row[term] == "#REF!":
                    cell.data_type = "e"
        for spot, place, term, code in told:
            if spot == number:
                expected.add((name, where[place], heading.get(term or "", term), code))
        if number == 0:
            _more_form(p, page, where, columns, heading, extra, values, wanted)
            if wanted("a note below"):
                page.cell(line + 2, 1).value = NOTE[p.language]
                expected.add((name, line + 2, None, "NOTE_ROW_LEFT_OUT"))
    if wanted("hidden sheet"):
        page = book.create_sheet("old")
        page.append(["eventID", "eventDate"])
        page.sheet_state = "hidden"
        expected.add(("old", None, None, "SHEET_HIDDEN"))
    if wanted("a sheet that is neither"):
        page = book.create_sheet("Blatt 9")
        page.append(["decimalLatitude", "decimalLongitude", "Zzz"])
        page.append([1, 2, 3])
        expected.add(("Blatt 9", None, None, "SHEET_NOT_READ"))
    out = io.BytesIO()
    book.save(out)
    return _with_values(out.getvalue(), values)


def _heading_line(page: Any, heading: dict[str, str], columns: dict[str, int]) -> int:
    """Return the row of the headings."""
    return next(
        line for line in range(1, 8) if page.cell(line, columns["scientificName"]).value == heading["scientificName"]
    )


def _form(p: Planter, sheet: Sheet, number: int, wanted: Any) -> dict[int, list[str]]:
    """Choose before which rows something stands that is no record."""
    out: dict[int, list[str]] = {}
    for kind in ("blank", "headings again", "total", "hidden row"):
        if wanted(kind):
            at = p.random.randrange(5, len(sheet.rows) - 5)
            while at in out:
                at += 1
            out[at] = [kind]
    return out


def _more_form(
    p: Planter, page: Any, where: dict[int, int], columns: dict[str, int], heading: dict[str, str], extra: int,
    values: dict[str, str], wanted: Any,
) -> None:  # fmt: skip
    """Plant merged cells, formulas and stray values into the finished sheet of records."""
    expected, name, sheet = p.survey.expected, page.title, p.records

    def run() -> int:
        while True:
            at = p.row(sheet, 3)
            if where[at + 2] == where[at] + 2:
                return at

    if wanted("merged down a site"):
        at, index = run(), columns["locality"]
        page.merge_cells(start_row=where[at], end_row=where[at] + 2, start_column=index, end_column=index)
        expected.add((name, where[at], heading["locality"], "MERGED_CELLS_FILLED"))
    if wanted("merged down a name"):
        at, index = run(), columns["scientificName"]
        page.merge_cells(start_row=where[at], end_row=where[at] + 2, start_column=index, end_column=index)
        expected.add((name, where[at], heading["scientificName"], "MERGED_CELLS"))
    if wanted("merged across"):
        at, index = p.row(sheet), columns["locality"]
        page.merge_cells(start_row=where[at], end_row=where[at], start_column=index, end_column=index + 1)
        expected.add((name, where[at], heading["locality"], "MERGED_CELLS"))
    if wanted("formula with its value"):
        at = p.row(sheet)
        cell = page.cell(where[at], columns["individualCount"])
        cell.value, values[cell.coordinate] = "=1+1", "2"
        expected.add((name, where[at], heading["individualCount"], "FORMULA_VALUE_USED"))
    if wanted("formula without a value"):
        at = p.row(sheet)
        page.cell(where[at], columns["scientificName"]).value = "=D2"
        expected.add((name, where[at], heading["scientificName"], "FORMULA_WITHOUT_VALUE"))
    if wanted("a value below no heading"):
        at = p.row(sheet)
        page.cell(where[at], extra + 2).value = "stray"
        expected.add((name, where[at], openpyxl.utils.get_column_letter(extra + 2), "HEADING_MISSING"))


def _with_values(content: bytes, values: dict[str, str]) -> bytes:
    """Put the values of formulas into the first sheet, as a spreadsheet keeps them."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            data = old.read(member)
            if member == "xl/worksheets/sheet1.xml":
                for cell, value in values.items():
                    pattern = rf'(<c r="{cell}"[^>]*>\s*<f>[^<]*</f>)\s*<v\s*/?>(?:</v>)?'.encode()
                    data = re.sub(pattern, rf"\1<v>{value}</v>".encode(), data)
            new.writestr(member, data)
    return out.getvalue()
