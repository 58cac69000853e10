"""How long the check of a survey takes: workbooks and CSV of ten thousand rows, sound and with faults in every row.

usage: python tests/benchmarks/bench_survey_check.py [ROWS]

Run by hand. What is promised is ten thousand rows in under five seconds.
"""

import csv
import io
import resource
import sys
import time
from random import Random

import openpyxl

from biodata import places
from biodata.surveys import check

SPECIES = ("Muntiacus muntjak", "Panthera pardus", "Sus scrofa", "Macaca nemestrina", "Gallus gallus")
HEADINGS = ["occurrenceID", "eventID", "eventDate", "scientificName", "individualCount", "decimalLatitude",
            "decimalLongitude", "coordinateUncertaintyInMeters", "countryCode", "stateProvince", "locality",
            "basisOfRecord", "recordedBy", "samplingProtocol", "occurrenceRemarks"]  # fmt: skip


def main(rows: int) -> None:
    boundaries = places.load_boundaries()
    check(io.BytesIO(as_csv(table(10, faults=True))), "warm.csv", boundaries)
    for faults in (False, True):
        cells = table(rows, faults=faults)
        with_events = {"occurrences": cells, "events": events(rows // 20)}
        forms = (("survey.xlsx", as_workbook({"occurrences": cells})), ("with events", as_workbook(with_events)),
                 ("survey.csv", as_csv(cells)))  # fmt: skip
        for name, content in forms:
            start, used = time.perf_counter(), time.process_time()
            report = check(io.BytesIO(content), name, boundaries)
            seconds, used = time.perf_counter() - start, time.process_time() - used
            told = f"{rows:,} rows, {'a fault in each' if faults else 'sound'}: {len(report['problems']):,} problems"
            print(f"{name:12} {told:60} {seconds:6.2f} s, {used:5.2f} s of a core")
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


def table(rows: int, *, faults: bool) -> list[list[object]]:
    """Return a survey's occurrences, and with them its headings."""
    random, out = Random(1), [list(HEADINGS)]
    for number in range(rows):
        day = f"2026-{1 + number // 20 % 9:02d}-{1 + number % 28:02d}"
        row = [f"R{number}", f"E{number // 20}", day, SPECIES[number % 5], 1 + number % 5, round(20.6 + random.random() / 10, 5),
               round(101.9 + random.random() / 10, 5), 20, "LA", "Oudomxai", f"ridge {number % 300}", "HumanObservation",
               "team 1", "line transect", ""]  # fmt: skip
        if faults:
            at, value = ((2, day.replace("2026", "2569")), (4, "many"), (5, "21,0412"), (8, "VN"), (2, 46000 + number % 90),
                         (6, f"{row[6]}°E"), (3, None), (5, row[6]))[number % 8]  # fmt: skip
            row[at] = value
        out.append(row)
    return out


def events(count: int) -> list[list[object]]:
    """Return the survey's events."""
    headings = ["eventID", "deploymentStart", "deploymentEnd", "design", "samplingEffortValue", "samplingEffortUnit",
                "decimalLatitude", "decimalLongitude", "locationID", "cameraID", "timeZone"]  # fmt: skip
    rows = [[f"E{n}", f"2026-{1 + n % 9:02d}-01", f"2026-{1 + n % 9:02d}-28", "camera_trap", 27, "trap-night", 20.65,
             101.95, f"S{n % 40}", f"C{n}", "Asia/Vientiane"] for n in range(count)]  # fmt: skip
    return [headings, *rows]


def as_workbook(sheets: dict[str, list[list[object]]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    for name, cells in sheets.items():
        sheet = book.create_sheet(name)
        for row in cells:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_csv(cells: list[list[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(cells)
    return out.getvalue().encode()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
