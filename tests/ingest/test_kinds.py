import zipfile

import pytest
from typer.testing import CliRunner

from biodata.cli import app
from biodata.core.errors import InputError
from biodata.ingest.forms import source_of

DWC = "http://rs.tdwg.org/dwc/terms/"


def archive(path, row_type):
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.txt", "1,x\n")
        packed.writestr(
            "meta.xml",
            f'<archive><core rowType="{DWC}{row_type}"><files><location>a.txt</location></files><id index="0"/>'
            f'<field index="1" term="{DWC}scientificName"/></core></archive>',
        )
    return path


@pytest.mark.parametrize(("headings", "source"), [
    pytest.param("occurrenceID,scientificName,decimalLatitude,eventDate", "gbif", id="records in Darwin Core"),
    pytest.param("Species,Lat,Lon,Date seen", "survey", id="records as people write them"),
    pytest.param("taxonID,Scientific_name,taxonRank", "checklist", id="taxa"),
])  # fmt: skip
def test_a_table_is_known_by_its_headings(tmp_path, headings, source):
    path = tmp_path / "table.csv"
    path.write_text(headings + "\n1,2,3,4\n", encoding="utf-8")
    assert source_of([path]).source == source


@pytest.mark.parametrize(
    ("row_type", "source"), [("Taxon", "checklist"), ("Occurrence", "dwca"), ("Event", "dwca"), ("DarwinCore", "dwca")]
)
def test_an_archive_is_known_by_its_core(tmp_path, row_type, source):
    assert source_of([archive(tmp_path / "a.zip", row_type)]).source == source


def test_a_real_package_of_camera_traps(shared):
    assert source_of([shared / "data/camtrapdp_example"]).source == "camtrapdp"


def test_what_nothing_tells_is_not_guessed(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\x00\x01\x02")
    assert source_of([tmp_path / "a.bin"]) is None or source_of([tmp_path / "a.bin"]).source == "survey"
    assert source_of([]) is None


@pytest.mark.parametrize(("source", "right"), [("dwca", "gbif"), ("camtrapdp", "gbif"), ("smart", "gbif")])
def test_who_names_another_source_is_answered_with_what_to_type(tmp_path, source, right):
    path, data = tmp_path / "table.csv", tmp_path / "data"
    path.write_text("occurrenceID,scientificName,eventDate\n1,Panthera tigris,2020\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["ingest", source, str(path), "--data", str(data)])
    assert isinstance(done.exception, InputError)
    assert done.exception.code == "SOURCE_OTHER"
    assert f"type `biodata ingest {right} {path} --data {data}`" in str(done.exception)
