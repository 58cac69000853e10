"""Pictures that are no records tell of a camera's clock: blank ones, and those of setting up; flagged, never changed."""

import io
import json
import zipfile

import pytest

from biodata import pipeline, places
from biodata.core.settings import Settings
from biodata.store.lake import Lake
from biodata.surveys.check import check_files
from zips import zip_of

ANIMALS = [("2026-05-04T08:00:00+07:00", "animal", ""), ("2026-05-10T09:00:00+07:00", "animal", "")]
FIELDS = (
    "observationID,deploymentID,eventStart,eventEnd,observationLevel,observationType,cameraSetupType,scientificName"
)


def package(*others, start="2026-05-01T12:00:00+07:00", end="2026-05-31T12:00:00+07:00"):
    """Return a package of one camera: two animals, and pictures that are no records, in the order of their rows."""
    rows = [*others[: len(others) // 2], *ANIMALS, *others[len(others) // 2 :]]
    lines = [
        f"o{n},D1,{at},{at},event,{kind},{setup},{'Muntiacus vaginalis' if kind == 'animal' and not setup else ''}"
        for n, (at, kind, setup) in enumerate(rows)
    ]
    out = io.BytesIO()
    resources = [{"name": name, "path": f"{name}.csv"} for name in ("deployments", "observations")]
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(
            "datapackage.json",
            json.dumps(
                {"name": "clock", "profile": "https://x.invalid/1.0.1/camtrap-dp-profile.json", "resources": resources}
            ),
        )
        archive.writestr(
            "deployments.csv",
            f"deploymentID,latitude,longitude,deploymentStart,deploymentEnd\nD1,21.05,101.35,{start},{end}\n",
        )
        archive.writestr("observations.csv", "\n".join([FIELDS, *lines]) + "\n")
    return out.getvalue()


def told(content):
    report = check_files([("package.zip", content)], places.load_boundaries())
    return [problem["code"] for problem in report["problems"] if problem["code"].startswith("CAMERA_CLOCK")]


SETUP = ("2026-05-01T12:20:00+07:00", "unclassified", "setup")
PICKUP = ("2026-05-31T11:40:00+07:00", "unclassified", "setup")


@pytest.mark.parametrize(("others", "codes"), [
    pytest.param([SETUP, PICKUP], [], id="the crew within an hour"),
    pytest.param([("2026-05-01T00:02:00+07:00", "unclassified", "setup"), ("2026-05-31T00:01:00+07:00", "unclassified", "setup")],
                 ["CAMERA_CLOCK_TWELVE_HOURS"], id="twelve hours early at both ends"),
    pytest.param([("2026-05-01T14:30:00+07:00", "human", "setup"), ("2026-05-31T14:31:00+07:00", "human", "setup")],
                 ["CAMERA_CLOCK_OFF"], id="two and a half hours off, with the crew on the picture"),
    pytest.param([SETUP, ("2026-05-31T07:00:00+07:00", "unclassified", "setup")], ["CAMERA_CLOCK_DRIFT"], id="off at the end alone"),
    pytest.param([("2026-05-11T10:00:00+07:00", "blank", ""), ("2012-01-01T04:00:00+07:00", "blank", "")],
                 ["CAMERA_CLOCK_RESET"], id="a reset that only blanks show"),
    pytest.param([("2026-05-11T10:00:00+07:00", "calibration", "calibration")], [], id="a calibration at any time"),
    pytest.param([("2026-05-31T12:25:00+07:00", "blank", "")], [], id="a blank while the camera is taken down"),
])  # fmt: skip
def test_setup_and_blank_pictures_show_it_at_the_deployment(others, codes):
    assert told(package(*others)) == codes


def test_where_only_the_day_is_told_a_crew_shows_nothing():
    others = [
        ("2026-05-01T15:30:00+07:00", "unclassified", "setup"),
        ("2026-05-31T09:00:00+07:00", "unclassified", "setup"),
    ]
    assert told(package(*others, start="2026-05-01T00:00:00+07:00", end="2026-05-31T23:59:59+07:00")) == []


def test_the_lake_flags_the_deployment_and_changes_no_time(tmp_path):
    path = tmp_path / "package.zip"
    path.write_bytes(package(("2026-05-01T00:02:00+07:00", "unclassified", "setup"),
                             ("2026-05-31T00:01:00+07:00", "unclassified", "setup")))  # fmt: skip
    settings = Settings(data=tmp_path / "data", memory_limit="500MB")
    pipeline.ingest("camtrapdp", [path], settings, dataset="clock")
    with Lake.open(settings.data) as lake:
        (event,) = lake.read("events", columns=["eventDate", "quality_flags"]).to_dicts()
        records = lake.read("occurrences", columns=["eventDate"])["eventDate"].to_list()
    assert "CAMERA_CLOCK_TWELVE_HOURS" in event["quality_flags"]
    assert event["eventDate"].startswith("2026-05-01T12:00")
    assert sorted(records) == [at for at, _, _ in ANIMALS]


def test_wildlife_insights_setup_pictures_show_it_too():
    images = "deployment_id,image_id,timestamp,genus,species,class,order,family,common_name,is_blank\n" + "".join(
        f"D1,{n},{at},{genus},{species},,,,{common},0\n"
        for n, (at, genus, species, common) in enumerate(
            [("2026-05-01 00:03:00", "", "", "Setup_Pickup"), ("2026-05-04 08:00:00", "Muntiacus", "vaginalis", ""),
             ("2026-05-10 08:00:00", "Muntiacus", "vaginalis", ""), ("2026-05-31 00:02:00", "", "", "Setup_Pickup")]
        )
    )  # fmt: skip
    deployments = (
        "project_id,deployment_id,latitude,longitude,start_date,end_date\n"
        "p,D1,21.05,101.35,2026-05-01 12:00:00,2026-05-31 12:00:00\n"
    )
    assert told(zip_of({"images.csv": images, "deployments.csv": deployments})) == ["CAMERA_CLOCK_TWELVE_HOURS"]
