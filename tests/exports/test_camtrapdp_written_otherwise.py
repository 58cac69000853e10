"""Camera-trap packages that are not written as the standard asks: read where it is sure, told in their cell, never counted twice."""

import gzip

import pytest

from biodata.core.errors import InputError
from camtrapdp_rows import DEPLOYMENTS, package, read, read_both

ANIMALS = (
    "observationID,deploymentID,mediaID,eventID,eventStart,observationLevel,observationType,scientificName,count\n"
    "e1,d1,,v1,2026-01-05T06:00:00+07:00,{event},animal,Muntiacus muntjak,2\n"
    "m1,d1,p1,v1,2026-01-05T06:00:00+07:00,{media},animal,Muntiacus muntjak,2\n"
    "m2,d1,p2,v1,2026-01-05T06:00:10+07:00,{media},animal,Muntiacus muntjak,1\n"
)


def notes(folder):
    return read_both(folder)[0][0].notes


@pytest.mark.parametrize(("event", "media"), [("event", "media"), ("Event", "Media"), ("", ""), ("sequence", "image")])
def test_the_same_animals_are_never_counted_for_the_event_and_for_its_pictures(tmp_path, event, media):
    frame, table = read(package(tmp_path / "p", observations=ANIMALS.format(event=event, media=media)))
    assert frame["occurrenceID"].to_list() == ["e1"]
    assert [refusal.code for refusal in table.refusals] == ["MEDIA_LEVEL_LEFT_OUT"] * 2


def test_a_package_that_lacks_the_column_of_the_level_counts_them_once(tmp_path):
    told = [line.split(",") for line in ANIMALS.format(event="event", media="media").splitlines()]
    text = "".join(",".join(cells[:5] + cells[6:]) + "\n" for cells in told)
    frame, _ = read(package(tmp_path / "p", observations=text))
    assert frame["occurrenceID"].to_list() == ["e1"]


@pytest.mark.parametrize("heading", ["ScientificName", " scientificName ", "scientific_name"])
def test_a_heading_in_other_letters_is_the_field_and_is_told(tmp_path, heading):
    text = ANIMALS.format(event="event", media="media").replace("scientificName", heading)
    folder = package(tmp_path / "p", observations=text)
    assert read(folder)[0]["scientificName"].to_list() == ["Muntiacus muntjak"]
    assert any(f"column {heading}" in note and "expected scientificName" in note for note in notes(folder))


def test_a_blank_behind_an_identifier_parts_no_camera_from_its_animals(tmp_path):
    folder = package(
        tmp_path / "p",
        deployments=DEPLOYMENTS.replace("d1,", "d1 ,"),
        observations=ANIMALS.format(event="event", media="media"),
    )
    assert read(folder)[0]["parentEventID"].to_list() == ["d1"]
    assert any("row 2, column deploymentID, value 'd1 '" in note for note in notes(folder))


@pytest.mark.parametrize("start", ["2026-01-01 00:00:00+07:00", "2026-01-01T00:00:00.000+07:00"])
def test_a_time_that_means_one_moment_is_read_and_told(tmp_path, start):
    folder = package(tmp_path / "p", deployments=DEPLOYMENTS.replace("2026-01-01T00:00:00+07:00", start))
    (events, frame), _ = read_both(folder)
    assert frame.select("eventID", "timeZone").rows() == [("d1", "+07:00")]
    assert events.refusals == []
    assert any("column deploymentStart" in note and "as 2026-01-31T06:00:00+07:00" in note for note in events.notes)


def test_a_doubt_of_many_rows_is_one_note(tmp_path):
    rows = "".join(f"p{n},nowhere,2026-01-05T06:00:00+07:00,p{n}.jpg,true,image/jpeg\n" for n in range(50))
    media = "mediaID,deploymentID,timestamp,filePath,filePublic,fileMediatype\n" + rows
    told = [note for note in notes(package(tmp_path / "p", media=media)) if "column deploymentID" in note]
    assert len(told) == 1
    assert "and 49 more rows" in told[0]


def test_a_line_that_cannot_be_read_is_told_by_its_row_and_never_by_its_text(tmp_path):
    (events, _), _ = read_both(package(tmp_path / "p", deployments=DEPLOYMENTS + "d2,Khamla,Bounmy\n"))
    assert [(refusal.row, refusal.value) for refusal in events.refusals] == [(3, None)]


def packed(folder, content, keep=None):
    """Return a package whose table of observations is packed with gzip."""
    path = package(folder, path="observations.csv.gz")
    (path / "observations.csv.gz").write_bytes(gzip.compress(content)[:keep])
    return path


def test_a_table_that_is_packed_with_gzip_is_read(tmp_path):
    text = ANIMALS.format(event="event", media="media")
    frame, table = read(packed(tmp_path / "p", text.encode()))
    assert frame["occurrenceID"].to_list() == ["e1"]
    assert [refusal.row for refusal in table.refusals] == [3, 4]


@pytest.mark.parametrize(("content", "keep", "code"), [
    (b"observationID\n" + b"\n" * 60_000_000, None, "INPUT_TOO_LARGE"),
    (b"observationID\n" * 9_000, 60, "ARCHIVE_BROKEN"),
], ids=["that unpacks to a thousand times its size", "that is cut off"])  # fmt: skip
def test_a_packed_table_is_refused(tmp_path, content, keep, code):
    with pytest.raises(InputError, match=r"observations\.csv\.gz") as caught:
        read(packed(tmp_path / "p", content, keep))
    assert caught.value.code == code
