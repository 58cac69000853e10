"""Real surveys changed as people and programs change files: what only is written otherwise is read, a fault is told at its row."""

import csv
import io
import random

import pytest

import releases
from biodata.surveys.check import check_files
from zips import zip_of

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
    report = check_files([("s.zip", zip_of(files))], BOUNDARIES)
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
    rows, _ = read(content)
    order = random.Random(3).sample(range(len(rows[0])), len(rows[0]))
    return {
        "a mark, CRLF, quotes, semicolons": b"\xef\xbb\xbf" + write(rows, ";", end="\r\n", quoting=csv.QUOTE_ALL),
        "UTF-16, tabs, CR, columns in another order, empty rows at the end": write(
            [*([row[at] for at in order] for row in rows), *[[""] * len(rows[0])] * 20], "\t", end="\r"
        )
        .decode()
        .encode("utf-16"),
    }


def test_what_is_only_written_otherwise_is_the_same(real):
    files, tables, _, before = real
    written = {name: otherwise(files[name]) for name in tables}
    for what in next(iter(written.values()), ()):  # all tables at once: each of them is read on its own
        assert told(files | {name: ways[what] for name, ways in written.items()}) == before, what


def test_a_row_twice_is_told_at_the_second(real):
    files, _, records, (_, before) = real
    rows, separator = read(files[records])
    _, found = told({**files, records: write([*rows, rows[1]], separator)})
    new = {(code, row) for code, _, row in found - before}
    assert new <= {("IDENTIFIER_REPEATED", len(rows) + 1), ("PICTURE_REPEATED", None)}
    assert new or records == "observations.csv", "a picture of people twice is one that is left out"
