"""From a file to the lake and out again: numbers that add up, a store that is as it was after a fault, nothing leaked."""

import itertools
import json
import zipfile

import polars as pl
import pytest
from sqlalchemy import select

import releases as fixture
from biodata import pipeline
from biodata.core.errors import InputError, SharingError
from biodata.core.settings import Settings
from biodata.exports import layers, tables
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.store.models import RuleVersion
from biodata.store.registry import Registry
from commands import run
from leaks import Place, scan_file, scan_frame
from zips import zip_of

HEADING = "occurrenceID\tscientificName\tdecimalLatitude\tdecimalLongitude\teventDate\tcountryCode\tlocality\n"
GIBBON = (22.91837, 106.50213)
ROWS = [
    f"g1\tNomascus nasutus\t{GIBBON[0]}\t{GIBBON[1]}\t2024-03-05\tVN\tridge at {GIBBON[0]}, {GIBBON[1]}\n",
    "m1\tMuntiacus muntjak\t21.04312\t101.30177\t2024-03-06\tLA\tNam Ha\n",
    "m2\tMuntiacus muntjak\t21.05\t101.31\t2024-03-07\tLA\tNam Ha\n",
]
STATED = {"title": "Made for a test", "license": "CC0"}


@pytest.fixture
def settings(tmp_path):
    return Settings(data=tmp_path / "data", memory_limit="500MB")


def table(tmp_path, rows=ROWS, name="survey.csv"):
    path = tmp_path / name
    path.write_text(HEADING + "".join(rows), encoding="utf-8")
    return path


def take(settings, path, source="gbif", **options):
    report = pipeline.ingest(source, [path], settings, **options)[-1]
    assert report.rows == report.stored + report.unchanged + report.refused
    return report


def snapshot(settings):
    with Lake.open(settings.data) as lake:
        return lake.snapshot(), lake.count("occurrences")


def test_a_second_time_changes_nothing(settings, tmp_path):
    path = table(tmp_path)
    assert take(settings, path).stored == 3
    before = snapshot(settings)
    again = take(settings, path)
    assert (again.stored, again.unchanged) == (0, 3)
    assert snapshot(settings) == before


def test_an_edit_keeps_the_records_number(settings, tmp_path):
    take(settings, table(tmp_path))
    with Lake.open(settings.data) as lake:
        before = dict(lake.read("occurrences", columns=["occurrenceID", "key"]).iter_rows())
    report = take(settings, table(tmp_path, [*ROWS[:2], ROWS[2].replace("21.05", "21.06")]))
    assert (report.new, report.changed, report.unchanged) == (0, 1, 2)
    with Lake.open(settings.data) as lake:
        assert dict(lake.read("occurrences", columns=["occurrenceID", "key"]).iter_rows()) == before


def test_a_dry_run_says_what_would_happen_and_changes_nothing(settings, tmp_path):
    report = take(settings, table(tmp_path), dry_run=True)
    assert (report.stored, report.snapshot) == (3, None)
    assert snapshot(settings)[1] == 0


def test_the_whole_column_tells_which_number_is_the_day(settings, tmp_path):
    dates = ["03/04/2010", "25/03/2010", "05/06/2011"]
    rows = [f"d{n}\tMuntiacus muntjak\t21.0\t101.3\t{date}\tLA\tNam Ha\n" for n, date in enumerate(dates)]
    report = take(settings, table(tmp_path, rows), options=STATED)
    assert report.notes == ["the table: eventDate has the day first, as 1 rows prove; 2 others are read so"]
    with Lake.open(settings.data) as lake:
        read = dict(lake.read("occurrences", columns=["occurrenceID", "eventDate"]).iter_rows())
    assert read == {"d0": "2010-04-03", "d1": "2010-03-25", "d2": "2011-06-05"}


def test_dates_against_the_declared_order_are_told_in_the_report(settings, tmp_path):
    dates = ["03/04/2010", "13/04/2010"]
    rows = [f"d{n}\tMuntiacus muntjak\t21.0\t101.3\t{date}\tLA\tNam Ha\n" for n, date in enumerate(dates)]
    (note,) = take(settings, table(tmp_path, rows), options=STATED | {"day_month_order": "month_first"}).notes
    assert note.endswith("the day first, and are read so: 1, the first of them survey.csv, row 3")
    assert take(settings, table(tmp_path, rows), options=STATED | {"day_month_order": "day_first"}).notes == []


def test_an_unknown_declaration_is_one_line_that_names_what_would_be_right(settings, tmp_path):
    with pytest.raises(InputError, match="buddhist"):
        take(settings, table(tmp_path), options={"calendar": "mayan"})


def test_an_uncertainty_is_declared_of_records_alone(settings, tmp_path, sample_data):
    report = take(settings, table(tmp_path), options={"uncertainty_m": "250"})
    assert report.flags["COORDINATE_UNCERTAINTY_DECLARED"] == 3
    with Lake.open(settings.data) as lake:
        assert lake.read("occurrences")["coordinateUncertaintyInMeters"].to_list() == [250.0] * 3
    before = snapshot(settings)
    with pytest.raises(InputError, match="declared of records"):
        pipeline.ingest(
            "protected-areas", [sample_data / "protected_areas.geojson"], settings, options={"uncertainty_m": "250"}
        )
    assert snapshot(settings) == before


def test_a_row_report_tells_where_every_row_went(settings, tmp_path):
    take(settings, table(tmp_path, [*ROWS, ROWS[2], "\t\t\t\t\t\t\n"]), report_file=tmp_path / "rows.csv")
    told = pl.read_csv(tmp_path / "rows.csv")
    assert dict(told.select("row", "outcome").iter_rows()) == {
        2: "taken in", 3: "taken in", 4: "taken in", 5: "refused", 6: "refused"
    }  # fmt: skip


def truncated_zip(tmp_path):
    path = tmp_path / "truncated.zip"
    path.write_bytes(zip_of({"occurrence.csv": HEADING + "".join(ROWS) * 50})[:-60])
    return path, "truncated.zip"


def system_file(tmp_path):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "meta.xml",
            '<archive xmlns="http://rs.tdwg.org/dwc/text/"><core rowType="http://rs.tdwg.org/dwc/terms/Occurrence">'
            '<files><location>/etc/passwd</location></files><id index="0"/></core></archive>',
        )
    return path, "/etc/passwd"


def huge_field(tmp_path):
    return table(tmp_path, [f"x\t{'a' * 10_000_000}\t1\t1\t2024\tLA\t\n"], "huge.csv"), "row 2"


def empty(tmp_path):
    path = tmp_path / "empty.csv"
    path.touch()
    return path, "empty.csv"


def test_a_broken_file_is_one_line_and_the_store_is_as_it_was(settings, tmp_path):
    take(settings, table(tmp_path))
    before = snapshot(settings)
    for source, broken in itertools.product(("gbif", "dwca"), (truncated_zip, system_file, huge_field, empty)):
        path, named = broken(tmp_path)
        if source == "dwca" and path.suffix != ".zip":
            named = path.name
        with pytest.raises(InputError) as caught:
            pipeline.ingest(source, [path], settings)
        assert named in str(caught.value), (source, broken)
        assert "\n" not in str(caught.value), (source, broken)
        assert snapshot(settings) == before, (source, broken)
        assert not [p for p in (settings.data / "staging").iterdir() if p.is_dir()], (source, broken)
    command = ["ingest", "gbif", str(table(tmp_path)), "--option", "encoding=klingon", "--data", str(settings.data)]
    done = run(*command)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "klingon" in done.stderr
    assert snapshot(settings) == before


def test_json_report_has_the_agreed_shape(settings, tmp_path):
    done = run("ingest", "gbif", table(tmp_path, [*ROWS, "\t\t\t\t\t\t\n"]), "--json", "--data", settings.data)
    report = json.loads(done.stdout)
    assert {"dataset", "rows", "stored", "unchanged", "refused", "flags", "refusals"} <= set(report)
    assert set(report["refusals"][0]) == {"file", "row", "column", "value", "code", "message"}
    assert report["refusals"][0]["row"] == 5


def test_no_public_file_holds_the_gibbons_place(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    take(settings, table(tmp_path))
    gibbon, muntjac = Place("gibbon", *GIBBON), Place("muntjac", 21.04312, 101.30177)
    with Lake.open(settings.data) as lake:
        assert scan_frame(lake.read("occurrences"), [gibbon], name="lake"), "the scanner does not see the planted place"
    made = pipeline.release(settings)
    published = releases.read(made, "occurrences")
    files = {"csv": tmp_path / "o.csv", "gpkg": tmp_path / "o.gpkg", "parquet": tmp_path / "o.parquet"}
    tables.write_csv(published, files["csv"])
    layers.write_geopackage(published, files["gpkg"], layer="occurrences")
    layers.write_geoparquet(published, files["parquet"])
    for path in (made.path, *files.values()):
        assert scan_file(path, [muntjac]), f"the scanner is blind in {path.suffix}"
        assert not scan_file(path, [gibbon]), path.name
    assert published.filter(pl.col("species") == "Nomascus nasutus")["sharing_category"].to_list() != ["open"]


def test_rules_that_were_changed_stop_the_release_and_the_old_one_stays(settings, tmp_path):
    take(settings, table(tmp_path))
    before = pipeline.release(settings)
    with Registry.open(settings) as registry, registry.session() as session, session.begin():
        session.scalars(select(RuleVersion)).one().rules = "rule_id,category,reason\n"
    with pytest.raises(SharingError, match="version 1 was changed since it was written"):
        pipeline.release(settings)
    assert releases.current(settings.data).id == before.id


@pytest.mark.parametrize(("source", "name", "rows"), [
    pytest.param("gbif", "data/occ_bovidae_gbif_raw/Gbif_raw_allBov.csv", 554, id="Bovidae"),
    pytest.param("gbif", "data/occ_elephas_maximus_gbif/elephas_maximus_gbif.csv", 1324, id="elephants"),
    pytest.param("gbif", "data/occ_borneo_mammals/mammals_borneo.tsv", 6262, id="Borneo"),
    pytest.param("gbif", "suites/dwca/gbif_downloads/0000066-140928181241064.zip", 470, id="GBIF archive"),
    pytest.param("gbif", "suites/dwca/gbif_downloads/0009886-250127130748423.zip", 91, id="GBIF simple CSV"),
    pytest.param("protected-areas", "data/pa_cambodia_odc/protected_areas_and_forests.geojson", 33, id="Cambodia"),
    pytest.param("protected-areas", "data/pa_asean_heritage_parks/asean_heritage_parks.geojson", 69, id="parks"),
])  # fmt: skip
def test_real_files_go_in_with_a_report_that_adds_up(settings, shared, source, name, rows):
    report = take(settings, shared / name, source)
    assert report.rows == rows
    assert report.refused <= 1


def test_a_new_state_of_a_file_without_identifiers_is_told_to_stand_beside_the_old_one(settings, tmp_path):
    plain = [line.split("\t", 1)[1] for line in (HEADING, *ROWS)]
    path = tmp_path / "plain.csv"
    path.write_text("".join(plain), encoding="utf-8")
    assert not any("beside" in note for note in take(settings, path).notes)
    assert not any("beside" in note for note in take(settings, path).notes), "the same file again changes nothing"
    path.write_text(
        "".join(line.rstrip("\n") + f"\t{extra}\n" for line, extra in zip(plain, ["sex", *"MFM"], strict=True))
    )
    report = take(settings, path)
    assert (report.new, report.unchanged) == (3, 0)
    assert "3 are new, and 3 records that were there stay beside them" in " ".join(report.notes)
