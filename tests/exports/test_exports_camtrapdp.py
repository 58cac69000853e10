"""Camtrap DP out: valid by the standard's own schemas, published values only, and in again with the same counts."""

import csv
import io
import json
import shutil
import zipfile
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

import releases
from biodata.exports.request import ExportRequest
from biodata.exports.write import Format, export
from biodata.formats import camtrapdp
from biodata.formats.camtrapdp import open_package
from biodata.ingest import open_source
from biodata.store.query.filters import Compare
from camtrapdp_tables import assert_valid

ASKED = {"name": "0123abcd", "created": "2026-11-24T10:00:00+00:00"}
TRAP = {
    "datasetKey": "traps",
    "basisOfRecord": "MACHINE_OBSERVATION",
    "samplingProtocol": "camera trap",
    "parentEventID": "D1",
    "eventID": "D1-7",
    "eventDate": "2021-03-04T05:06:07+07:00/2021-03-04T05:06:17+07:00",
}


def trap_rows():
    """Return records of two cameras: one of a gibbon, one told without a zone, one by a machine, one of a person."""
    base = [row | TRAP for row in releases.open_rows()[:6]]
    for number, row in enumerate(base):
        row |= {"occurrenceID": f"T{number}", "source_record_id": f"T{number}", "decimalLatitude": 21.5, "sex": "MALE"}
        row |= {"decimalLongitude": 101.5, "coordinateUncertaintyInMeters": 10.0, "lifeStage": "Adult"}
    base[1] |= {"eventDate": "2021-03-05T05:06", "parentEventID": "D2"}
    base[2] |= {"quality_flags": ["IDENTIFIED_BY_MACHINE"], "individualCount": 0,
                "classificationProbability": 0.91}  # fmt: skip
    base[3] |= {"genus": "Homo", "species": "Homo sapiens", "scientificName": "Homo sapiens"}
    base[4] |= {"occurrenceStatus": "ABSENT"}
    base[5] |= {"media": json.dumps([{"identifier": "https://x.invalid/1.jpg", "format": "image/jpeg", "license": "CC0_1_0"},
                                     {"identifier": "https://x.invalid/../2.jpg", "format": "image/jpeg"}])}  # fmt: skip
    secret = [row | TRAP | {"parentEventID": "D1"} for row in releases.secret_rows()]
    return [*base, *secret, *releases.open_rows()[10:30]]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    release = releases.make_release(tmp_path_factory.mktemp("traps"), trap_rows())
    out = tmp_path_factory.mktemp("out") / "out.zip"
    export(release.path, Format.CAMTRAPDP, ExportRequest(**ASKED), out)
    return out


def rows(path, name):
    with zipfile.ZipFile(path) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(f"{name}.csv").decode())))


def test_only_animals_of_camera_traps_are_in_it(written):
    seen = rows(written, "observations")
    assert len(seen) == 6  # four open ones, and the gibbon twice; not the person, the absence, what is withheld
    assert {row["observationType"] for row in seen} == {"animal"}
    assert sorted(row["classificationMethod"] for row in seen) == ["", "", "", "", "", "machine"]
    assert sorted(row["classificationProbability"] for row in seen) == ["", "", "", "", "", "0.91"]
    with zipfile.ZipFile(written) as archive:
        assert (
            " 1 rows of deployments.csv are none: they stand for the cell and the year of observations whose camera is not told."
            in json.loads(archive.read("datapackage.json"))["description"]
        )
        assert (
            "22 of 28 records are left out: 20 of other methods, 1 of people, 1 of absence."
            in json.loads(archive.read("datapackage.json"))["description"]
        )


def test_a_coarse_record_leads_to_no_camera(written):
    (cell,) = [row for row in rows(written, "deployments") if "place:generalised" in row["deploymentTags"]]
    assert (cell["latitude"], cell["longitude"], cell["coordinateUncertainty"]) == ("22.95", "106.55", "7600")
    assert (cell["deploymentStart"], cell["deploymentEnd"]) == ("2019-01-01T00:00:00Z", "2019-12-31T23:59:59Z")
    with zipfile.ZipFile(written) as archive:
        text = b"".join(archive.read(name) for name in archive.namelist()).decode()
    for word in (*releases.SECRET_WORDS, "22.9135", "106.5124"):
        assert word not in text
    of_gibbons = [row for row in rows(written, "observations") if row["scientificName"] == releases.GIBBON]
    assert {row["deploymentID"] for row in of_gibbons} == {cell["deploymentID"]}
    assert {row["eventID"] + row["count"] for row in of_gibbons} == {""}


def test_a_time_without_a_zone_is_said_to_be_without(written):
    opened = [row for row in rows(written, "deployments") if "place" not in row["deploymentTags"]]
    first, second = sorted(opened, key=lambda row: row["deploymentID"])
    assert (first["deploymentID"], first["deploymentStart"]) == ("D1", "2021-03-04T05:06:07+07:00")
    assert (second["deploymentStart"], second["timestampIssues"]) == ("2021-03-05T05:06:00+07:00", "true")
    (seen,) = [row for row in rows(written, "observations") if row["deploymentID"] == "D2"]
    assert (seen["eventStart"], seen["observationTags"]) == ("2021-03-05T05:06:00+07:00", "timeZone:unknown")


def test_instants_agree_with_their_deployment_out_and_in_again(tmp_path):
    """Times without a zone: of an event with a zone, of a country alone, and of neither, whose longitude is known."""
    base = releases.open_rows()[0] | TRAP | {"decimalLatitude": -2.5, "coordinateUncertaintyInMeters": 10.0}
    # Yangon is at +06:30; Indonesia has three zones, so only the longitude of 131.5° E tells of one.
    places = [("D1", "MM", 97.5, "+06:30"), ("D2", "LA", 101.5, "+07:00"), ("D3", "ID", 131.5, "+09:00")]
    made = [
        base | {"occurrenceID": f"{camera}-{n}", "source_record_id": f"{camera}-{n}", "parentEventID": camera,
                "eventID": f"{camera}-{n}", "countryCode": country, "decimalLongitude": longitude, "eventDate": moment,
                "event_start": day, "event_end": day}
        for camera, country, longitude, _ in places
        for n, (moment, day) in enumerate((("2021-03-05T05:06", date(2021, 3, 5)), ("2021-03-07", date(2021, 3, 7))))
    ]  # fmt: skip
    release = releases.make_release(tmp_path / "data", made)
    out = tmp_path / "out.zip"
    export(release.path, Format.CAMTRAPDP, ExportRequest(**ASKED), out)
    at = datetime.fromisoformat
    spans = {row["deploymentID"]: row for row in rows(out, "deployments")}
    zones = {camera: zone for camera, _, _, zone in places}
    for row in rows(out, "observations"):
        span = spans[row["deploymentID"]]
        assert at(span["deploymentStart"]) <= at(row["eventStart"]) <= at(row["eventEnd"]) <= at(span["deploymentEnd"])
        assert {row[name][19:] for name in ("eventStart", "eventEnd")} == {zones[row["deploymentID"]]}
        assert {span[name][19:] for name in ("deploymentStart", "deploymentEnd")} == {zones[row["deploymentID"]]}
    records = [pl.concat(table.batches) for table in open_source("camtrapdp", [out]).read()][-1]
    assert sorted(records["eventDate"].str.slice(0, 16).unique()) == ["2021-03-05T05:06", "2021-03-07T00:00"]
    assert not records["eventDate"].str.contains(r"Z|[+-]\d\d:\d\d$").any(), (
        "a zone that nobody stated comes in as none"
    )


def test_pictures_come_with_their_licence(written):
    (picture,) = rows(written, "media")
    assert picture["filePath"] == "https://x.invalid/1.jpg"
    assert "CC0_1_0" in picture["mediaComments"]


def test_every_cell_fits_the_schemas(written):
    package = open_package(written)
    assert list(package.faults()) == []
    known = {}
    for name in ("deployments", "media", "observations"):
        frame = pl.concat(package.table(name).batches)
        assert frame.columns[1:] == [field.name for field in camtrapdp.fields(name)]
        assert list(camtrapdp.faults(name, frame, known=known)) == []
        known |= {f"{name}.{frame.columns[1]}": frame[frame.columns[1]]}


def test_what_went_out_comes_in_again(written):
    tables = [(table, pl.concat(table.batches)) for table in open_source("camtrapdp", [written]).read()]
    (events, deployments), (animals, records) = tables
    assert (deployments.height, records.height) == (2, 6), "a cell of coarse records is no deployment"
    assert not events.refusals
    assert deployments["design"].null_count() == 2  # first and last observation are no effort
    (coarse,) = (
        records.filter(pl.col("dataGeneralizations").is_not_null())
        .select("eventID", "parentEventID", "eventDate")
        .unique()
        .rows()
    )
    assert coarse == (None, None, "2019")
    assert not animals.refusals
    assert not [*events.findings, *animals.findings]


def test_nothing_chosen_is_a_package_without_rows(tmp_path):
    release = releases.make_release(tmp_path / "data", releases.open_rows()[:20])
    out = tmp_path / "out.zip"
    export(release.path, Format.CAMTRAPDP, ExportRequest(**ASKED), out)
    assert [len(rows(out, name)) for name in ("deployments", "media", "observations")] == [0, 0, 0]
    assert list(open_package(out).faults()) == []


def test_published_events_give_cameras_their_interval_and_those_that_saw_nothing(tmp_path):
    release = releases.make_release(tmp_path / "data", trap_rows())
    path = shutil.copy(release.path, tmp_path / "with_events.duckdb")
    shown = [("D1", "open", 101.5), ("D9", "open", 102.5), (None, "0_1_degree", 101.0)]
    with duckdb.connect(path) as connection:
        connection.execute("DROP TABLE surveys")
        connection.execute(
            'CREATE TABLE surveys (survey_id VARCHAR, "datasetKey" VARCHAR, "eventID" VARCHAR, "locationID" VARCHAR, '
            'design VARCHAR, "eventDate" VARCHAR, locality VARCHAR, habitat VARCHAR, '
            '"coordinateUncertaintyInMeters" DOUBLE, sharing_category VARCHAR, geometry BLOB, west DOUBLE, south DOUBLE, '
            "east DOUBLE, north DOUBLE)"
        )
        for event, category, longitude in shown:
            interval = "2021-03-01T00:00:00+07:00/2021-03-31T00:00+07:00" if category == "open" else None
            connection.execute(
                "INSERT INTO surveys VALUES (?, 'traps', ?, 'S1', 'camera_trap', ?, NULL, NULL, 10, ?, NULL, ?, 21.5, ?, 21.5)",
                [f"traps:{event}", event, interval, category, longitude, longitude],
            )
    out = tmp_path / "out.zip"
    export(Path(path), Format.CAMTRAPDP, ExportRequest(**ASKED), out)
    told = {row["deploymentID"]: row for row in rows(out, "deployments")}
    whole = ("2021-03-01T00:00:00+07:00", "2021-03-31T00:00:00+07:00", "")
    for name in ("D1", "D9"):
        row = told[name]
        assert (row["deploymentStart"], row["deploymentEnd"], row["deploymentComments"]) == whole
    assert told["D9"]["longitude"] == "102.5"
    assert (told["D9"]["deploymentTags"], told["D2"]["deploymentTags"]) == ("effortBasis:none", "effort:unknown")
    assert "first and the last" in told["D2"]["deploymentComments"]
    # Some records alone: the cameras that saw nothing are not among them.
    export(Path(path), Format.CAMTRAPDP, ExportRequest(**ASKED, filter=Compare("countryCode", "=", "LA")), out)
    assert "D9" not in {row["deploymentID"] for row in rows(out, "deployments")}
    assert list(camtrapdp.faults("deployments", pl.concat(open_package(out).table("deployments").batches))) == []


def test_the_profile_and_frictionless_find_nothing_wrong(written, shared, tmp_path):
    assert_valid(written, shared, tmp_path)
