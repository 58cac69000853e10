"""The survey's workbooks: the empty template, one that is filled well, and the same one with faults."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from recipe import files, records
from recipe.tables import chance, table

OCCURRENCES: Final = table("survey_columns").filter(sheet="occurrences")["column"].to_list()
EVENTS: Final = table("survey_columns").filter(sheet="events")["column"].to_list()
Sheet = list[list[Any]]


@dataclass(frozen=True, slots=True)
class Planted:
    """One fault of the workbook: where it stands, as a spreadsheet counts rows, and what it is."""

    sheet: str
    row: int
    column: str
    value: Any
    code: str
    description: str


def make(out: Path) -> None:
    """Write `survey_template.xlsx`, `survey_namha.xlsx`, `survey_with_faults.xlsx` and `survey_faults.json`."""
    columns = table("survey_columns")
    guide = [["sheet", "column", "needed", "what to write", "example"], *columns.iter_rows()]
    note = ["", "", "", "One row a record. Leave a cell empty rather than write 'unknown'. Save as .xlsx.", ""]
    guide.append(note)
    files.write_workbook(
        out / "survey_template.xlsx", {"occurrences": [OCCURRENCES], "events": [EVENTS], "README": guide}
    )
    occurrences, events = filled()
    files.write_workbook(
        out / "survey_namha.xlsx",
        {"occurrences": [OCCURRENCES, *occurrences], "events": [EVENTS, *events], "README": guide},
    )
    planted = plant(occurrences)
    files.write_workbook(
        out / "survey_with_faults.xlsx",
        {"occurrences": [OCCURRENCES, *occurrences], "events": [EVENTS, *events], "README": guide},
    )
    files.write_json(out / "survey_faults.json", [asdict(fault) for fault in planted])


def filled() -> tuple[Sheet, Sheet]:
    """Return 40 sound records of eight events in Nam Ha, clear of the border, and the events."""
    rng = chance("survey")
    walks = records.clean("namha").filter(
        (pl.col("site") == "nam_ha")
        & ~pl.col("ambiguous")
        & pl.col("group").is_in(["large_mammal", "primate", "ground_bird", "bird"])
    )[:40]
    events: Sheet = []
    for number in range(8):
        first = walks.row(number * 5, named=True)
        protocol = ("line transect", "call survey")[number % 2]
        size, unit = (2 + number % 3, "kilometre") if protocol == "line transect" else (30, "minute")
        day = f"2026-{2 + number // 4:02d}-{3 + 3 * number:02d}"
        events.append([f"NH26-E{number + 1}", day, protocol, size, unit, first["latitude"], first["longitude"]])
    occurrences: Sheet = []
    for number, record in enumerate(walks.iter_rows(named=True)):
        event = events[number // 5]
        hour, minute = divmod(int(rng.integers(330, 1080)), 60)
        values = {
            "occurrenceID": f"NH26-{number + 1:03d}",
            "eventDate": event[1],
            "eventTime": f"{hour:02d}:{minute:02d}+07:00",
            "scientificName": record["species"],
            "individualCount": record["count"],
            "decimalLatitude": record["latitude"],
            "decimalLongitude": record["longitude"],
            "coordinateUncertaintyInMeters": int(rng.choice([10, 20, 30])),
            "countryCode": record["country"],
            "stateProvince": "Luang Namtha",
            "locality": record["locality"],
            "basisOfRecord": "HumanObservation",
            "recordedBy": f"Survey team {1 + number // 20}",
            "samplingProtocol": event[2],
            "eventID": event[0],
            "occurrenceRemarks": "",
        }
        occurrences.append([values[column] for column in OCCURRENCES])
    return occurrences, events


def plant(occurrences: Sheet) -> list[Planted]:
    """Spoil one cell in each of some rows and list them."""
    swapped = occurrences[4]
    latitude, longitude = OCCURRENCES.index("decimalLatitude"), OCCURRENCES.index("decimalLongitude")
    faults: tuple[tuple[int, str, Any, str, str], ...] = (
        (3, "decimalLatitude", "21,0412", "COORDINATE_COMMA", "a decimal comma: may be read, or told to be mended"),
        (6, "decimalLatitude", swapped[longitude], "PRESUMED_SWAPPED_COORDINATE", "latitude and longitude are swapped"),
        (8, "decimalLongitude", "E of the camp", "COORDINATE_INVALID", "no number"),
        (10, "decimalLatitude", None, "COORDINATE_MISSING", "the latitude is empty"),
        (12, "eventDate", "31/02/2026", "RECORDED_DATE_INVALID", "there is no 31st of February"),
        (14, "eventDate", "2569-02-06", "RECORDED_DATE_BUDDHIST_ERA", "a year of the Buddhist Era"),
        (16, "eventDate", "03/04/2026", "RECORDED_DATE_DAY_MONTH_AMBIGUOUS", "the 3rd of April or the 4th of March"),
        (18, "eventDate", 46060, "RECORDED_DATE_EXCEL_SERIAL", "a spreadsheet's day number"),
        (20, "eventDate", "2066-02-15", "RECORDED_DATE_UNLIKELY", "a date to come"),
        (22, "scientificName", None, "SCIENTIFIC_NAME_MISSING", "no name"),
        (24, "scientificName", "Muntiacus vaginnalis", "TAXON_MATCH_NONE", "a misspelt name"),
        (26, "individualCount", -2, "INDIVIDUAL_COUNT_INVALID", "fewer than no animals"),
        (28, "coordinateUncertaintyInMeters", "about 50 m or so", "COORDINATE_UNCERTAINTY_METERS_INVALID", "words"),
        (30, "countryCode", "VN", "COUNTRY_COORDINATE_MISMATCH", "the place lies in Laos"),
        (32, "basisOfRecord", "heard about it", "BASIS_OF_RECORD_INVALID", "none of the known words"),
        (34, "occurrenceID", None, "IDENTIFIER_MISSING", "nothing identifies the record"),
        (36, "occurrenceID", "NH26-001", "IDENTIFIER_REPEATED", "row 2 has the same identifier"),
        (38, "eventID", "NH26-E88", "EVENT_UNKNOWN", "sheet 'events' has no such event"),
    )
    planted = []
    for row, column, value, code, description in faults:
        cells = occurrences[row - 2]
        if code == "PRESUMED_SWAPPED_COORDINATE":
            cells[longitude] = cells[latitude]
        cells[OCCURRENCES.index(column)] = value
        planted.append(Planted("occurrences", row, column, value, code, description))
    return planted
