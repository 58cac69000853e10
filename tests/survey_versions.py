"""Two versions of a survey's workbook, in rows, for tests of what a new version changes."""

from pathlib import Path

from sheets import book_of, bytes_of

RECORDS = ["occurrenceID", "eventID", "scientificName", "individualCount", "sex"]
EVENTS = ["eventID", "eventDate", "decimalLatitude", "decimalLongitude", "locationID"]
FIRST_EVENTS = [
    ["E1", "2026-03-01", 21.05, 101.2, "site 1"],
    ["E2", "2026-03-02", 21.06, 101.3, "site 2"],
    ["E3", "2026-03-03", 21.07, 101.4, "site 3"],
]
FIRST = [["NH-1", "E1", "Muntiacus muntjak", 1, "male"], ["NH-2", "E1", "Muntiacus muntjak", 2, None],
         ["NH-3", "E2", "Elephas maximus", 4, None], ["NH-4", "E2", "Rusa unicolor", 1, None],
         ["NH-5", "E3", "Sus scrofa", 3, None], ["NH-6", "E3", "Macaca mulatta", 7, None]]  # fmt: skip


def save(path: Path, records, events, headings=RECORDS) -> Path:
    path.write_bytes(bytes_of(book_of({"events": [EVENTS, *events], "occurrences": [headings, *records]})))
    return path
