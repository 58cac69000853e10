"""Archives with a core of events: what a release tells of surveys, read back by our reader and by python-dwca-reader."""

from uuid import NAMESPACE_URL, uuid5

import pytest
from dwca.read import DwCAReader
from typer.testing import CliRunner

import releases as fixture
from biodata import pipeline
from biodata.cli import app
from biodata.core.settings import Settings
from biodata.ingest import open_source
from biodata.store import releases
from rule_files import put_rules
from survey_events import MUNTJAC, RULES, TIGER, commit, event, seen, stations

DWC, ECO = "http://rs.tdwg.org/dwc/terms/", "http://rs.tdwg.org/eco/terms/"
FAR = {"decimalLatitude": 20.81, "decimalLongitude": 101.61}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    data = tmp_path_factory.mktemp("archive") / "data"
    data.mkdir()
    put_rules(data, RULES)
    made = Settings(data=data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
        line = "LINESTRING (101.61 20.81, 101.63 20.82)"
        events, records, at = stations()
        records += [seen(1, TIGER, "s3", **at[3]), seen(3, MUNTJAC, "s0", occurrenceStatus="ABSENT", **at[0])]
        # Numbers that do not run are published as they are.
        records = [{**row, "occurrenceID": str(uuid5(NAMESPACE_URL, str(n)))} for n, row in enumerate(records)]
        commit(data, [*events, event("empty", footprintWKT=line, **FAR)], records)
        commit(data, [], [seen(9, MUNTJAC, None, "museum", **FAR)])
        pipeline.release(made)
    return made


def archive(settings, tmp_path, *more):
    out = tmp_path / "out.zip"
    arguments = ["export", "--data", str(settings.data), "--format", "dwca", "--out", str(out), *more]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return out


def test_another_reader_finds_events_effort_and_records(settings, tmp_path):
    made = releases.read(releases.current(settings.data), "surveys")
    with DwCAReader(str(archive(settings, tmp_path, "--datasetKey", "cameras"))) as found:
        assert found.descriptor.core.type == f"{DWC}Event"
        rows = {row.data[f"{DWC}eventID"]: row for row in found.rows if row.extensions is not None}
    single = {name for name, row in rows.items() if row.data[f"{DWC}eventType"] == "Observation"}
    assert len(rows) - len(single) == made.filter(datasetKey="cameras").height == 11, (
        "every event, those without records too"
    )
    assert len(single) == 1, "a presence is of no event"
    kinds = {name: [e.rowtype.rpartition("/")[2] for e in row.extensions] for name, row in rows.items()}
    assert kinds["s0"].count("Occurrence") == 2
    assert kinds["empty"] == ["Event"]
    (effort,) = (e.data for e in rows["empty"].extensions)
    assert (effort[f"{ECO}samplingEffortValue"], effort[f"{ECO}samplingEffortUnit"]) == ("30.0", "trap-night")
    assert (effort[f"{ECO}isAbsenceReported"], effort[f"{ECO}targetTaxonomicScope"]) == ("true", "Mammalia")
    assert rows["empty"].data[f"{DWC}footprintWKT"].startswith("LINESTRING")
    told = [row.data[f"{DWC}decimal{axis}"] for row in rows.values() for axis in ("Latitude", "Longitude")]
    assert all(len(number.partition(".")[2]) <= 7 for number in told), "the middle of a cell is no 101.44999999999999"
    statuses = [e.data[f"{DWC}occurrenceStatus"] for e in rows["s0"].extensions if e.rowtype.endswith("Occurrence")]
    assert sorted(statuses) == ["ABSENT", "PRESENT"], "absences are those that were recorded"
    assert all(row.extensions for row in rows.values() if row.data[f"{DWC}eventID"] in single)
    (presence,) = (rows[name].data for name in single)
    assert (presence[f"{DWC}decimalLatitude"], presence[f"{DWC}decimalLongitude"]) == ("20.55", "101.25")


def test_our_reader_finds_as_many_records(settings, tmp_path):
    path = archive(settings, tmp_path, "--datasetKey", "cameras")
    tables = list(open_source("dwca", [path]).read())
    records = [table for table in tables if table.kind == "occurrences"]
    assert sum(batch.height for table in records for batch in table.batches) == 12
    taken = Settings(data=tmp_path / "again")
    told = pipeline.ingest("dwca", [path], taken)
    assert [(r.rows, r.refused) for r in told if r.table == "occurrences"] == [(12, 0)]


def test_a_part_has_the_events_that_it_names_and_other_datasets_have_none(settings, tmp_path):
    with DwCAReader(str(archive(settings, tmp_path, "--datasetKey", "cameras", "--species", MUNTJAC))) as found:
        assert {row.data[f"{DWC}eventID"] for row in found.rows} == {f"s{n}" for n in range(10)}
    with DwCAReader(str(archive(settings, tmp_path))) as found:
        assert found.descriptor.core.type == f"{DWC}Occurrence", "some records are of a dataset without events"
