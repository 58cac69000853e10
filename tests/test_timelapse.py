"""Timelapse's CSV: tags known by their headings, folders as deployments; people, vehicles and blanks counted."""

import polars as pl
import pytest

from biodata.errors import InputError
from biodata.ingest import open_source

DEPLOYMENTS = (
    "deploymentID,folder,latitude,longitude,deploymentStart,deploymentEnd\n"
    "d1,site\\cam1,21.2,101.3,2026-01-01T00:00:00+07:00,2026-01-31T00:00:00+07:00\n"
)
HEADING = "RootFolder,File,RelativePath,DateTime,DeleteFlag,Species,Count,Person,Analyst\n"
ROW = "root,1.jpg,site\\cam1,2026-01-05 06:00:00,false,Muntiacus vaginalis,2,0,Somchai\n"


def read(folder, rows, deployments=DEPLOYMENTS, heading=HEADING):
    folder.mkdir(exist_ok=True)
    (folder / "timelapse.csv").write_text(heading + rows)
    if deployments is not None:
        (folder / "deployments.csv").write_text(deployments)
    (events, _), (table, frame) = [
        (table, pl.concat(table.batches)) for table in open_source("timelapse", [folder]).read()
    ]
    return events, frame, table


def test_an_animal_comes_with_its_folders_place(tmp_path):
    _, frame, table = read(tmp_path / "p", ROW)
    (row,) = frame.rows(named=True)
    assert (row["parentEventID"], row["decimalLatitude"], row["individualCount"]) == ("d1", "21.2", "2")
    assert row["eventDate"] == "2026-01-05 06:00:00"
    assert not table.refusals


def test_who_looked_is_not_taken_in_and_the_columns_name_is_told(tmp_path):
    _, frame, table = read(tmp_path / "p", ROW)
    assert "Somchai" not in str(frame.to_dicts())
    assert any("Analyst" in note for note in table.notes)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("Muntiacus vaginalis", "Human"), "PERSON_LEFT_OUT"),
        (("Muntiacus vaginalis", "Homo sapiens"), "PERSON_LEFT_OUT"),
        (("Muntiacus vaginalis", "เจ้าหน้าที่"), "PERSON_LEFT_OUT"),
        (("Muntiacus vaginalis", "工作人员"), "PERSON_LEFT_OUT"),
        (("Muntiacus vaginalis", "xe máy"), "VEHICLE_LEFT_OUT"),
        (("Muntiacus vaginalis", "EMPTY"), "BLANK_LEFT_OUT"),
        (("Muntiacus vaginalis", ""), "UNCLASSIFIED_LEFT_OUT"),
        (("2,0,", "2,1,"), "PERSON_LEFT_OUT"),
        (("2,0,", "2,TRUE,"), "PERSON_LEFT_OUT"),
        (("false", "true"), "DELETED_LEFT_OUT"),
        (("site\\cam1", "site\\cam9"), "DEPLOYMENT_UNKNOWN"),
        (("site\\cam1", "..\\..\\etc"), "DEPLOYMENT_UNKNOWN"),
    ],
)
def test_what_is_left_out_is_counted_with_its_reason(tmp_path, change, code):
    _, frame, table = read(tmp_path / "p", ROW.replace(*change))
    assert frame.is_empty()
    assert [(r.row, r.code) for r in table.refusals] == [(2, code)]


def test_the_same_row_again_is_refused(tmp_path):
    _, frame, table = read(tmp_path / "p", ROW * 2)
    assert frame.height == 1
    assert [(r.row, r.code) for r in table.refusals] == [(3, "PICTURE_REPEATED")]


def test_without_a_table_of_deployments_folders_are_events_of_all_their_pictures(tmp_path):
    rows = ROW.replace("2026-01-05", "05-Jan-2026") + (
        "root,2.jpg,site\\cam1,21-Jan-2026 07:00:00,false,Empty,,0,Somchai\n"
        "root,0.jpg,site\\cam1,03-Feb-2026 07:00:00,false,Person,,1,Somchai\n"
    )
    events, frame, _ = read(tmp_path / "p", rows, deployments=None)
    assert frame["parentEventID"].to_list() == ["site/cam1"]
    (event,) = open_source("timelapse", [tmp_path / "p"]).read().__next__().batches
    assert event["eventDate"].to_list() == ["05-Jan-2026 06:00:00/03-Feb-2026 07:00:00"]
    assert "may have stood longer" in events.notes[0]


def test_a_place_of_ones_own_wins_over_the_deployments(tmp_path):
    heading = "File,RelativePath,DateTime,Species,Latitude,Longitude\n"
    rows = (
        "1.jpg,site/cam1,2026-01-05 06:00:00,Sus scrofa,21.9,101.9\n2.jpg,site/cam1,2026-01-05 06:00:00,Sus scrofa,,\n"
    )
    _, frame, _ = read(tmp_path / "p", rows, heading=heading)
    assert frame["decimalLatitude"].to_list() == ["21.9", "21.2"]


@pytest.mark.parametrize("heading", ["a,b\n", "File,RelativePath,DateTime\n", "File,RelativePath,Species\n"])
def test_a_table_that_lacks_a_column_is_told(tmp_path, heading):
    (tmp_path / "t.csv").write_text(heading + "1,2,3\n"[: 2 * heading.count(",") + 2] + "\n")
    with pytest.raises(InputError) as caught:
        [list(table.batches) for table in open_source("timelapse", [tmp_path / "t.csv"]).read()]
    assert caught.value.code == "HEADING_MISSING"


def test_of_blanks_only_the_moment_is_kept_for_the_camera_s_clock_and_of_people_nothing(tmp_path):
    blank = ROW.replace("Muntiacus vaginalis", "EMPTY").replace("1.jpg", "2.jpg").replace("06:00:00", "07:30:00")
    person = ROW.replace("Muntiacus vaginalis", "Human").replace("1.jpg", "3.jpg").replace("06:00:00", "08:45:00")
    _, frame, table = read(tmp_path / "p", ROW + blank + person)
    assert frame.height == 1
    images = pl.concat(table.images)
    assert images.rows() == [("d1", 3, "2026-01-05T07:30:00", None)]
