"""What goes in of a survey with a row that cannot be taken: nothing by `ingest survey`, the other rows by its form's source."""

import pytest

from biodata.core.settings import Settings
from biodata.store.lake import Lake
from commands import run
from zips import zip_of

EVENT = "id\teventID\teventDate\tdecimalLatitude\tdecimalLongitude\tcountryCode\nE1\tE1\t2026-03-01\t20.9\t101.4\tLA\n"
OCCURRENCE = "id\toccurrenceID\tbasisOfRecord\tscientificName\n" "E1\t\tHumanObservation\tSus scrofa\nE1\tR2\tHumanObservation\tSus scrofa\n"  # fmt: skip
TERMS = "http://rs.tdwg.org/dwc/terms/"


def described(tag, row_type, file, text, key):
    fields = "".join(
        f'<field index="{n}" term="{TERMS}{name}"/>' for n, name in enumerate(text.splitlines()[0].split("\t")) if n
    )
    return (
        f'<{tag} encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1" '
        f'rowType="{TERMS}{row_type}"><files><location>{file}</location></files><{key} index="0"/>{fields}</{tag}>'
    )


@pytest.fixture
def archive(tmp_path):
    core = described("core", "Event", "event.txt", EVENT, "id")
    extension = described("extension", "Occurrence", "occurrence.txt", OCCURRENCE, "coreid")
    path = tmp_path / "walk.zip"
    meta = f'<archive xmlns="http://rs.tdwg.org/dwc/text/">{core}{extension}</archive>'
    path.write_bytes(zip_of({"meta.xml": meta, "event.txt": EVENT, "occurrence.txt": OCCURRENCE}))
    return path


def test_its_form_s_source_takes_the_rows_that_can_be_taken_and_says_so(archive, tmp_path):
    settings = Settings(data=tmp_path / "data")
    done = run("ingest", "dwca", str(archive), "--data", str(settings.data))
    assert done.returncode == 0, done.stderr
    assert "row 2: nothing identifies the record" in done.stdout
    assert "1 rows of this survey were refused and are not in the lake; the others are." in done.stderr
    with Lake.open(settings.data) as lake:
        assert lake.read("occurrences")["occurrenceID"].to_list() == ["R2"]


def test_sheets_are_what_ingest_survey_reads_and_it_says_which_source_reads_this(archive, tmp_path):
    done = run("ingest", "survey", str(archive), "--data", str(tmp_path / "data"))
    assert done.returncode != 0
    assert "this is a Darwin Core Archive of events, which the source survey does not read" in done.stderr
    assert f"biodata ingest dwca {archive}" in done.stderr
