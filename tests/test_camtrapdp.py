"""Camera-trap packages: the animals with their cameras' places; people, blanks and vehicles left out and counted."""

import json

import polars as pl
import pytest

from biodata.errors import InputError
from biodata.ingest import open_source


def package(folder, *, path="observations.csv"):
    folder.mkdir(exist_ok=True)
    (folder / "deployments.csv").write_text(
        "deploymentID,latitude,longitude,coordinateUncertainty,deploymentStart,deploymentEnd\n"
        "d1,21.2,101.3,30,2026-01-01T00:00:00+07:00,2026-02-01T00:00:00+07:00\n"
    )
    (folder / "observations.csv").write_text(
        "observationID,deploymentID,eventStart,eventEnd,observationType,scientificName,count,classifiedBy\n"
        "o1,d1,2026-01-05T06:00:00+07:00,2026-01-05T06:01:00+07:00,animal,Muntiacus muntjak,1,somebody\n"
        "o2,d1,2026-01-05T07:00:00+07:00,2026-01-05T07:00:00+07:00,human,,1,somebody\n"
        "o3,d1,2026-01-05T08:00:00+07:00,2026-01-05T08:00:00+07:00,blank,,,somebody\n"
    )
    resources = [{"name": "deployments", "path": "deployments.csv"}, {"name": "observations", "path": path}]
    (folder / "datapackage.json").write_text(json.dumps({"name": "nam-ha", "resources": resources}))
    return folder


def read(path):
    (table,) = open_source("camtrapdp", [path]).read()
    return pl.concat(table.batches), table


def test_an_animal_comes_with_its_cameras_place_and_an_interval(tmp_path):
    frame, table = read(package(tmp_path / "p"))
    assert table.dataset.key == "nam-ha"
    row = frame.row(0, named=True)
    assert (row["decimalLatitude"], row["coordinateUncertaintyInMeters"]) == ("21.2", "30")
    assert row["eventDate"] == "2026-01-05T06:00:00+07:00/2026-01-05T06:01:00+07:00"
    assert row["basisOfRecord"] == "MachineObservation"


def test_people_and_blanks_are_refused_with_that_reason(tmp_path):
    frame, table = read(package(tmp_path / "p"))
    assert frame.height == 1
    assert [(r.row, r.value) for r in table.refusals] == [(3, "human"), (4, "blank")]


def test_who_classified_is_not_taken_in(tmp_path):
    frame, _ = read(package(tmp_path / "p"))
    assert "somebody" not in str(frame.to_dicts())


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside.csv", "http://127.0.0.1/x.csv"], ids=str)
def test_a_table_outside_the_package_is_refused(tmp_path, path):
    (tmp_path / "outside.csv").write_text("x\n1\n")
    with pytest.raises(InputError, match="does not stand beside"):
        read(package(tmp_path / "p", path=path))


def test_the_official_example_adds_up(shared):
    frame, table = read(shared / "data" / "camtrapdp_example")
    assert frame.height + len(table.refusals) == 549
