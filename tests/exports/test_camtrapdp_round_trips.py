"""Camera traps go out as Camtrap DP and come in whole: silent cameras, failures, scope, pictures."""

from dataclasses import replace

import pytest

from biodata import pipeline
from biodata.core.settings import Settings
from biodata.exports.write import Format, export
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.store.query.filters import Compare
from camtrapdp_tables import assert_valid, rows
from commands import run
from survey_trips import ASKED, OPEN, workbook

EVENT = ("eventID", "parentEventID", "locationID", "design", "eventDate", "event_start", "event_end", "time_zone",
         "decimalLatitude", "decimalLongitude", "effort_value", "effort_unit", "effort_basis", "failed_days",
         "targetTaxonomicScope", "isAbsenceReported", "locality", "habitat")  # fmt: skip


def out(settings, path):
    pipeline.release(settings)
    facts = export(releases.current(settings.data).path, Format.CAMTRAPDP, ASKED, path)
    return path, facts


def trip(source, paths, folder, **options):
    """Return the first package, the lake that took it in, and the package that this gives."""
    first, second = Settings(data=folder / "first"), Settings(data=folder / "second")
    pipeline.ingest(source, paths, first, **options)
    before, _ = out(first, folder / "before.zip")
    pipeline.ingest("camtrapdp", [before], second)
    return first, second, before, out(second, folder / "after.zip")[0]


def lake(settings, table):
    with Lake.open(settings.data) as opened:
        return opened.read(table)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template")
    (folder / "cameras.xlsx").write_bytes(workbook("camera_trap", OPEN))
    return trip("survey", [folder / "cameras.xlsx"], folder, dataset="cameras")


def test_a_filled_template_comes_in_as_it_was(template):
    first, second, before, _ = template
    was, now = (lake(settings, "events").sort("eventID") for settings in (first, second))
    assert now["datasetKey"].to_list() == ["cameras", "cameras"]
    for name in EVENT:
        if name not in ("eventDate", "event_start", "event_end"):
            assert now[name].to_list() == was[name].to_list(), name
    assert now["effort_value"].to_list() == [21.0, 21.0], "silent for 9 of 30 days, and one of them saw nothing"
    seen = [lake(settings, "occurrences").sort("occurrenceID") for settings in (first, second)]
    for name in ("datasetKey", "occurrenceID", "eventID", "parentEventID", "species", "individualCount"):
        assert seen[1][name].to_list() == seen[0][name].to_list(), name
    assert {row["deploymentID"] for row in rows(before, "deployments")} == {"E01", "E02"}


def test_the_second_package_is_the_first(template):
    for table in ("deployments", "media", "observations"):
        # In what order rows stand follows from numbers that each lake gives anew.
        was, now = (sorted(rows(path, table), key=str) for path in template[2:])
        tags = [row.pop("deploymentTags", "") for row in (*was, *now)]
        assert was == now
        assert all("effort:21 trap-night" in tag for tag in tags if tag)


def test_frictionless_finds_nothing_wrong_with_it(template, shared, tmp_path):
    assert_valid(template[2], shared, tmp_path)


def test_the_standards_own_example_comes_in_as_it_went_out(shared, tmp_path):
    first, second, before, after = trip("camtrapdp", [shared / "data/camtrapdp_example"], tmp_path)
    was, now = (lake(settings, "events") for settings in (first, second))
    assert was.height == now.height == 4
    for row in was.rows(named=True):
        (other,) = now.filter(eventID=row["eventID"]).rows(named=True)
        for name in EVENT:
            if name == "targetTaxonomicScope":  # what rules withhold is told of no scope
                assert set(other[name]) <= set(row[name])
            else:
                assert other[name] == row[name], name
    for table, key in (("media", "mediaID"), ("deployments", "deploymentID"), ("observations", "observationID")):
        told = [{row[key]: row for row in rows(path, table)} for path in (before, after)]
        assert told[0].keys() == told[1].keys()
        for name in told[0]:
            found = {k: v for k, v in told[0][name].items() if k != "deploymentTags"}
            assert found == {k: v for k, v in told[1][name].items() if k != "deploymentTags"}


def test_what_is_left_out_is_said(tmp_path):
    path = tmp_path / "walk.xlsx"
    path.write_bytes(workbook("line_transect", OPEN))
    settings = Settings(data=tmp_path / "data")
    pipeline.ingest("survey", [path], settings, dataset="walk")
    pipeline.release(settings)
    done = run("export", "--data", str(settings.data), "--format", "camtrapdp", "--out", str(tmp_path / "out.zip"))
    told = done.stdout + done.stderr
    assert "0 rows of release" in told
    assert (
        "0 observations and 0 deployments of camera traps are in it. 2 of 2 records are left out: 2 of other methods."
        in told
    )
    assert rows(tmp_path / "out.zip", "deployments") == []


def test_a_part_has_no_camera_that_it_does_not_name(template, tmp_path):
    release = releases.current(template[0].data).path
    export(
        release, Format.CAMTRAPDP, replace(ASKED, filter=Compare("datasetKey", "=", "cameras")), tmp_path / "all.zip"
    )
    export(release, Format.CAMTRAPDP, replace(ASKED, filter=Compare("countryCode", "=", "LA")), tmp_path / "part.zip")
    ids = [{row["deploymentID"] for row in rows(tmp_path / f"{name}.zip", "deployments")} for name in ("all", "part")]
    assert ids == [{"E01", "E02"}, {"E01"}]


def test_the_zone_of_a_site_goes_out_with_its_records(template):
    first, _, before, _ = template
    seen = lake(first, "occurrences").select("eventDate", "event_time", "event_zone", "repairs").row(0, named=True)
    assert (seen["event_time"], seen["event_zone"]) == ("06:42", "+07:00")
    assert {"term": "event_zone", "value": "+07:00", "rule": "zone_of_event", "applied": True} in seen["repairs"]
    told = rows(before, "observations")[0]
    assert told["eventStart"] == told["eventEnd"] == f"{seen['eventDate']}T06:42:00+07:00"
    assert "timeZone:unknown" not in told["observationTags"]
