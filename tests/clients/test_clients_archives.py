"""An exported archive, read by readers that others wrote: python-dwca-reader, and pandas by meta.xml as GBIF's guides do."""

import io
import xml.etree.ElementTree as ET
import zipfile

import pandas as pd
import pytest
from dwca.darwincore.utils import qualname
from dwca.read import DwCAReader

import releases
from biodata.exports.request import ExportRequest
from biodata.exports.write import Format, export

pytestmark = pytest.mark.clients
TEXT = "{http://rs.tdwg.org/dwc/text/}"
ODD = ['a "quoted" word', "two\nlines", "tab\there", "=1+1", "西双版纳 ທົ່ງ", "  blanks  "]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archives")
    rows = [*releases.open_rows(), *releases.secret_rows()]
    for number, text in enumerate(ODD):
        rows[number]["locality"] = text
    release = releases.make_release(folder, rows)
    path = folder / "archive.zip"
    export(release.path, Format.DWCA, ExportRequest("0123abcd", "2026-11-24T10:00:00+00:00"), path)
    return path, releases.releases.read(release, "occurrences").to_dicts()


def test_python_dwca_reader(made):
    path, published = made
    with DwCAReader(str(path)) as archive:
        assert archive.descriptor.core.type == qualname("Occurrence")
        assert archive.metadata.find("dataset/title").text == "Occurrence download 0123abcd"
        rows = list(archive)
    assert [int(row.id) for row in rows] == [record["key"] for record in published]
    for row, record in zip(rows, published, strict=True):
        for name in ("locality", "scientificName", "eventDate", "occurrenceID"):
            # A presence is known by its key.
            own = record["key"] if name == "occurrenceID" and record["sharing_category"] != "open" else ""
            assert row.data[qualname(name)] == (record[name] or str(own))
        for name in ("decimalLatitude", "decimalLongitude"):
            assert row.data[qualname(name)] == ("" if record[name] is None else str(record[name]))
    assert set(ODD) <= {row.data[qualname("locality")] for row in rows}


def test_pandas_by_meta_xml(made):
    path, published = made
    with zipfile.ZipFile(path) as packed:
        core = ET.fromstring(packed.read("meta.xml")).find(f"{TEXT}core")
        data = packed.read(core.find(f"{TEXT}files/{TEXT}location").text)
    fields = sorted(core.findall(f"{TEXT}field"), key=lambda field: int(field.get("index")))
    found = pd.read_csv(
        io.BytesIO(data),
        sep=core.get("fieldsTerminatedBy").encode().decode("unicode_escape"),
        quotechar=core.get("fieldsEnclosedBy"),
        encoding=core.get("encoding"),
        skiprows=int(core.get("ignoreHeaderLines")),
        names=[field.get("term") for field in fields],
        dtype=str,
        keep_default_na=False,
        lineterminator="\n",
    )
    assert found["urn:biodata:terms#key"].astype(int).tolist() == [record["key"] for record in published]
    assert found[qualname("locality")].tolist() == [record["locality"] or "" for record in published]
    latitudes = pd.to_numeric(found[qualname("decimalLatitude")]).tolist()
    assert pd.Series(latitudes).equals(pd.Series([record["decimalLatitude"] for record in published], dtype=float))
