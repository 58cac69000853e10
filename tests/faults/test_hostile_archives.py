"""Archives and tables at the size in which they do harm: nothing is written, and memory stays small."""

import json
import subprocess
import sys
import zipfile

import pytest

from biodata.core.errors import InputError
from biodata.ingest import open_source
from zips import zip_of

pytestmark = pytest.mark.faults
DWC = "http://rs.tdwg.org/dwc/terms/"
HEADING = "gbifID\toccurrenceID\tscientificName\tlocality\n"
MEGABYTE = 1 << 20

# Reads a file in a process of its own and tells rows, refusals, the error, and the highest memory above the start's.
READER = """
import json, resource, sys
from pathlib import Path
from biodata.core.errors import InputError
from biodata.ingest import open_source
import polars as pl
pl.read_csv(b"a,b\\n1,2\\n")
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before, rows, refused, error = peak(), 0, 0, None
try:
    for table in open_source(sys.argv[1], [Path(sys.argv[2])]).read():
        for batch in table.batches:
            rows += batch.height
        refused += len(table.refusals)
except InputError as caught:
    error = [caught.code, str(caught)]
print(json.dumps({"rows": rows, "refused": refused, "error": error, "grown": peak() - before}))
"""


def read_apart(source, path):
    done = subprocess.run(
        [sys.executable, "-c", READER, source, str(path)], capture_output=True, text=True, check=True, timeout=240
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def refused(path, source="dwca"):
    """Return the error of a path, after a look that nothing was written beside it."""
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(InputError) as caught:
        read_all(source, path)
    assert sorted(path.parent.rglob("*")) == before
    assert "\n" not in str(caught.value)
    return caught.value


def read_all(source, path):
    for table in open_source(source, [path]).read():
        list(table.batches)


def archive(path, location, members=()):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr(
            "meta.xml",
            f'<archive><core rowType="{DWC}Occurrence"><files><location>{location}</location></files>'
            f'<id index="0"/><field index="1" term="{DWC}scientificName"/></core></archive>',
        )
        for name, data in members:
            out.writestr(name, data)
    return path


def test_a_hundred_thousand_members(tmp_path):
    path = archive(tmp_path / "records.zip", "0.txt", ((f"{n}.txt", "") for n in range(100_000)))
    assert refused(path).code == "ARCHIVE_TOO_LARGE"


def test_a_bomb_of_300_megabytes_of_nul(tmp_path):
    path = archive(tmp_path / "records.zip", "occurrence.txt", [("occurrence.txt", bytes(300 * MEGABYTE))])
    assert path.stat().st_size < MEGABYTE
    found = read_apart("dwca", path)
    assert found["error"][0] == "ARCHIVE_TOO_LARGE"
    assert found["grown"] < 30 * MEGABYTE


@pytest.mark.parametrize("zipped", [False, True], ids=["text", "zip"])
def test_memory_does_not_grow_with_the_file(tmp_path, zipped):
    grown = []
    for count in (400_000, 1_600_000):
        path = tmp_path / ("records.zip" if zipped else "records.txt")
        lines = (
            f"{n}\tocc:{n}\tHoolock tianxing Fan et al., 2017\tGaoligong Mountains, {n % 977} m\n" for n in range(count)
        )
        text = HEADING + "".join(lines)
        if zipped:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
                out.writestr("records.txt", text)
        else:
            path.write_text(text, encoding="utf-8")
        found = read_apart("gbif", path)
        assert (found["rows"], found["refused"], found["error"]) == (count, 0, None)
        grown.append(found["grown"])
    assert grown[1] < grown[0] + 60 * MEGABYTE
    assert grown[1] < 300 * MEGABYTE


@pytest.mark.parametrize(("data", "code"), [
    pytest.param(lambda: HEADING.encode() + b"1\to\t" + b"x" * (200 * MEGABYTE), "FIELD_TOO_LONG", id="200 MB field"),
    pytest.param(lambda: b'id,scientificName\n1,"' + b"x\n" * (100 * MEGABYTE), "QUOTE_NOT_CLOSED",
                 id="200 MB after a quote"),
    pytest.param(lambda: HEADING.encode() + b"\t" * (100 * MEGABYTE), "RECORD_TOO_LONG", id="100 million separators"),
    pytest.param(lambda: HEADING.encode() + b"1\n" * 2_000_000, "ROWS_REFUSED_TOO_MANY", id="two million short rows"),
    pytest.param(lambda: b",".join(b"scientificName%d" % n for n in range(1_000_000)), "RECORD_TOO_LONG",
                 id="a million columns"),
    pytest.param(lambda: bytes(200 * MEGABYTE), "INPUT_NOT_TEXT", id="200 MB of NUL"),
    pytest.param(lambda: b"\n" * (200 * MEGABYTE), "INPUT_EMPTY", id="200 million empty lines"),
])  # fmt: skip
def test_a_hostile_table_ends_in_one_line_and_little_memory(tmp_path, data, code):
    path = tmp_path / "records.csv"
    path.write_bytes(data())
    found = read_apart("gbif", path)
    assert found["error"][0] == code
    assert "\n" not in found["error"][1]
    assert len(found["error"][1]) < 500
    assert found["grown"] < 400 * MEGABYTE


def test_a_meta_xml_of_a_billion_laughs_asks_nothing_of_the_network(tmp_path):
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    path = tmp_path / "records.zip"
    meta = f'<!DOCTYPE a [<!ENTITY l0 "lol">{laughs}]><archive>&l11;</archive>'
    path.write_bytes(zip_of({"meta.xml": meta, "occurrence.txt": HEADING}))
    found = read_apart("dwca", path)
    assert found["error"][0] == "XML_UNSAFE"
    assert found["grown"] < 20 * MEGABYTE
