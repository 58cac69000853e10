"""Real surveys changed as people and programs change files: what only is written otherwise is read, a fault is told at its row."""

import csv
import io
import random
import zipfile

import pytest

import releases
from biodata.surveys.check import check_files

BOUNDARIES = releases.neighbours()
REAL = {
    "event_liloan_mpa_ph": ("data/event_liloan_mpa_ph", ("event.csv", "occurrence.csv", "emof.csv"), "occurrence.csv"),
    "camtrapdp_example": ("data/camtrapdp_example", ("deployments.csv", "observations.csv", "media.csv"), "observations.csv"),
    "an event archive": ("suites/dwca/event_example", (), "occurrence.txt"),
}  # fmt: skip
"""Where it lies, its tables that may be written with another separator, and its table of records."""


@pytest.fixture(scope="module", params=REAL)
def real(request, shared):
    """Return a survey's files, the tables that change, that of its records, and what is told of it as it is."""
    folder, tables, records = REAL[request.param]
    paths = sorted(path for path in (shared / folder).iterdir() if path.suffix in (".csv", ".txt", ".json", ".xml"))
    files = {path.name: path.read_bytes() for path in paths}
    return files, tables, records, told(files)


def told(files):
    """Return (rows, {(code, row)}) of files in a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    report = check_files([("s.zip", out.getvalue())], BOUNDARIES)
    return report["rows"], {(p["code"], p["file"].rpartition("/")[2], p["row"]) for p in report["problems"]}


def read(content):
    text = content.decode("utf-8-sig")
    first = text.partition("\n")[0]
    separator = max("\t;,", key=first.count)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator)), separator


def write(rows, separator, *, end="\n", quoting=csv.QUOTE_MINIMAL):
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting).writerows(rows)
    return out.getvalue().encode()


def otherwise(content):
    """Return a table as people and programs write it, by what is other about it."""
    rows, separator = read(content)
    order = random.Random(3).sample(range(len(rows[0])), len(rows[0]))
    return {
        "a mark": b"\xef\xbb\xbf" + write(rows, separator),
        "CRLF": write(rows, separator, end="\r\n"),
        "CR": write(rows, separator, end="\r"),
        "UTF-16": write(rows, separator).decode().encode("utf-16"),
        "semicolons": write(rows, ";"),
        "tabs": write(rows, "\t"),
        "quotes": write(rows, separator, quoting=csv.QUOTE_ALL),
        "columns in another order": write([[row[at] for at in order] for row in rows], separator),
        "empty rows at the end": write([*rows, *[[""] * len(rows[0])] * 20], separator),
    }


def test_what_is_only_written_otherwise_is_the_same(real):
    files, tables, _, before = real
    written = {name: otherwise(files[name]) for name in tables}
    for what in next(iter(written.values()), ()):  # all tables at once: each of them is read on its own
        assert told(files | {name: ways[what] for name, ways in written.items()}) == before, what


@pytest.mark.searches
def test_a_row_that_was_cut_or_has_too_many_cells_is_told_at_its_line(real):
    files, tables, records, (_, before) = real
    for name in tables or (records,):
        rows, separator = read(files[name])
        for at, row in ((1, rows[1][:2]), (2, [*rows[2], "x", "y"])):
            _, found = told({**files, name: write([*rows[:at], row, *rows[at + 1 :]], separator)})
            assert ("ROW_FIELD_COUNT", name, at + 1) in found - before or name == "media.csv", name


def test_a_row_twice_is_told_at_the_second(real):
    files, _, records, (_, before) = real
    rows, separator = read(files[records])
    _, found = told({**files, records: write([*rows, rows[1]], separator)})
    new = {(code, row) for code, _, row in found - before}
    assert new <= {("IDENTIFIER_REPEATED", len(rows) + 1), ("PICTURE_REPEATED", None)}
    assert new or records == "observations.csv", "a picture of people twice is one that is left out"


@pytest.mark.parametrize("change", ["all swapped", "one swapped", "beyond the pole"])
@pytest.mark.searches
def test_coordinates_that_changed_places_are_told_in_each_table(real, change):
    files, tables, _, (_, before) = real
    for name in tables:
        rows, separator = read(files[name])
        latitude, longitude = (
            next((n for n, told in enumerate(rows[0]) if told.lower().endswith(axis)), None)
            for axis in ("latitude", "longitude")
        )
        if latitude is None:
            continue
        changed = [row.copy() for row in rows]
        for row in changed[1:] if change == "all swapped" else changed[1:2]:
            row[latitude], row[longitude] = (
                ("999", row[longitude]) if "pole" in change else (row[longitude], row[latitude])
            )
        _, found = told({**files, name: write(changed, separator)})
        if name == "deployments.csv" and "swapped" in change:  # both are latitudes; its package tells where it is
            assert "CELL_RANGE" in {code for code, *_ in found - before}
        else:
            row = 1 if change == "all swapped" else 2
            assert (name, row) in {(file, row) for _, file, row in found - before}, (name, found - before)


@pytest.mark.searches
def test_a_file_or_a_column_that_is_missing_is_no_crash(real):
    files, tables, _, _ = real
    for name in files:
        told({other: content for other, content in files.items() if other != name})
    parsed = {name: (rows[:30], separator) for name in tables for rows, separator in [read(files[name])]}
    for at in range(max((len(rows[0]) for rows, _ in parsed.values()), default=0)):  # one of each table at once
        fewer = {
            name: write([[*row[:at], *row[at + 1 :]] for row in rows], sep) for name, (rows, sep) in parsed.items()
        }
        told({**files, **fewer})
