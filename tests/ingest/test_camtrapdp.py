"""Camera-trap packages: deployments and animals; people, blanks and vehicles left out and counted; faults told by their cell."""

import csv
import json
from collections import Counter

import pytest

from biodata import surveys
from biodata.core.errors import InputError
from biodata.formats import camtrapdp
from camtrapdp_rows import DEPLOYMENTS, OBSERVATIONS, package, read, read_both
from case_tables import cases
from releases import neighbours
from zips import zip_of, zip_of_folder


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
    assert [(r.row, r.value, r.code) for r in table.refusals] == [
        (3, "human", "PERSON_LEFT_OUT"),
        (4, "blank", "BLANK_LEFT_OUT"),
    ]


def test_a_deployment_is_an_event_even_where_nothing_was_seen(tmp_path):
    told = DEPLOYMENTS + "d2,21.3,101.4,,2026-01-01T00:00:00+07:00,2026-01-11T00:00:00+08:00,\n"
    ((_, events), _) = read_both(package(tmp_path / "p", deployments=told))
    first, second = events.rows(named=True)
    assert (first["eventID"], first["design"], first["timeZone"]) == ("d1", "camera_trap", "+07:00")
    assert second["eventDate"] == "2026-01-01T00:00:00+07:00/2026-01-11T00:00:00+08:00"
    assert second["timeZone"] is None


def test_names_of_people_are_not_taken_in(tmp_path):
    machine = "o4,d1,2026-01-06T06:00:00+07:00,2026-01-06T06:00:00+07:00,animal,Homo sapiens,1,somebody\n"
    tables = read_both(package(tmp_path / "p", observations=OBSERVATIONS + machine))
    text = str([frame.to_dicts() for _, frame in tables])
    assert "somebody" not in text
    assert "Khamla" not in text
    assert "Homo" not in text
    assert any("setupBy (1)" in note for note in tables[0][0].notes)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../outside.csv", "http://127.0.0.1/x.csv", "..\\outside.csv"], ids=str
)
def test_a_table_outside_the_package_is_refused(tmp_path, path):
    (tmp_path / "outside.csv").write_text("x\n1\n")
    with pytest.raises(InputError, match="does not stand beside"):
        read(package(tmp_path / "p", path=path))


def test_a_link_that_leads_out_is_refused(tmp_path):
    (tmp_path / "outside.csv").write_text(OBSERVATIONS)
    folder = package(tmp_path / "p", path="link.csv")
    (folder / "link.csv").symlink_to(tmp_path / "outside.csv")
    with pytest.raises(InputError, match="does not stand beside"):
        read(folder)


def test_a_zip_of_the_folder_is_read_the_same(tmp_path):
    folder = package(tmp_path / "p")
    (tmp_path / "p.zip").write_bytes(zip_of_folder(folder, "p/"))
    (_, plain), (_, zipped) = read_both(folder)[1], read_both(tmp_path / "p.zip")[1]
    assert plain.equals(zipped)


@pytest.mark.parametrize(("profile", "code"), [
    ("https://x.invalid/camtrap-dp/0.6/camtrap-dp-profile.json", "VERSION_UNKNOWN"), (None, None),
], ids=["before 1.0", "none"])  # fmt: skip
def test_the_version_decides_whether_it_is_read(tmp_path, profile, code):
    folder = package(tmp_path / "p", profile=profile)
    if code is None:
        assert read(folder)[0].height == 1
    else:
        with pytest.raises(InputError) as caught:
            read(folder)
        assert caught.value.code == code


def test_what_stands_for_an_empty_cell_depends_on_the_version(tmp_path):
    text = OBSERVATIONS.replace("Muntiacus muntjak,1", "Muntiacus muntjak,NA")
    for version, expected in (("1.0.1", "NA"), ("1.0.2", None)):
        profile = f"https://x.invalid/camtrap-dp/{version}/camtrap-dp-profile.json"
        frame, _ = read(package(tmp_path / "p", observations=text, profile=profile))
        assert frame["individualCount"][0] == expected


@pytest.mark.parametrize(
    ("row", "column", "code"), cases("camtrapdp", "test_a_fault_is_told_with_its_cell_and_refuses_its_row_alone")
)
def test_a_fault_is_told_with_its_cell_and_refuses_its_row_alone(tmp_path, row, column, code):
    ((table, events), (_, animals)) = read_both(package(tmp_path / "p", deployments=DEPLOYMENTS + row + "\n"))
    assert [(r.file, r.row, r.column, r.code) for r in table.refusals] == [("deployments.csv", 3, column, code)]
    assert (events.height, animals.height) == (1, 1)
    (found,) = [f for f in table.findings if f.row == 3]
    assert (found.column, found.code, found.blocking) == (column, code, True)
    assert found.value == table.refusals[0].value


def test_a_time_without_an_offset_comes_in_and_is_doubted(tmp_path):
    plain = {"deployments": DEPLOYMENTS.replace("+07:00", ""), "observations": OBSERVATIONS.replace("+07:00", "")}
    ((table, events), (_, animals)) = read_both(package(tmp_path / "p", **plain))
    assert events.select("eventDate", "timeZone").row(0) == ("2026-01-01T00:00:00/2026-01-31T00:00:00", None)
    assert animals["eventDate"].to_list() == ["2026-01-05T06:00:00/2026-01-05T06:01:00"]
    assert {(f.column, f.code, f.blocking) for f in table.findings if f.row == 2} == {
        ("deploymentStart", "CELL_PATTERN", False),
        ("deploymentEnd", "CELL_PATTERN", False),
    }


def test_a_row_that_is_an_earlier_one_in_every_cell_is_taken_once(tmp_path):
    twice = {
        "deployments": DEPLOYMENTS + DEPLOYMENTS.splitlines()[1],
        "observations": OBSERVATIONS + OBSERVATIONS.splitlines()[1],
    }
    ((cameras, events), (table, animals)) = read_both(package(tmp_path / "p", **twice))
    assert (events.height, animals.height) == (1, 1)
    found = [(r.row, r.column, r.code, r.by_rule) for r in cameras.refusals]
    assert found == [(3, "deploymentID", "DEPLOYMENT_REPEATED", True)]
    assert [(r.row, r.code, r.by_rule) for r in table.refusals[-1:]] == [(5, "PICTURE_REPEATED", True)]
    assert not [f for table in (cameras, table) for f in table.findings if f.blocking]


def test_an_equal_row_is_told_as_a_warning_and_a_row_with_another_cell_blocks(tmp_path):
    folder = package(tmp_path / "p", deployments=DEPLOYMENTS + DEPLOYMENTS.splitlines()[1])
    for other, codes in (("Khamla", ["DEPLOYMENT_REPEATED"]), ("Noy", ["CELL_REPEATED"])):
        text = DEPLOYMENTS + DEPLOYMENTS.splitlines()[1].replace("Khamla", other)
        (folder / "deployments.csv").write_text(text)
        problems = surveys.check_files([("p.zip", zip_of_folder(folder))], neighbours())["problems"]
        found = [one for one in problems if one["code"].endswith("REPEATED")]
        assert [one["code"] for one in found] == codes, "the name of who set it up is a cell, too"
        assert [one["blocking"] for one in found] == [other == "Noy"]


def test_a_fault_beside_the_point_refuses_nothing_and_is_told(tmp_path):
    ((table, events), _) = read_both(package(tmp_path / "p", deployments=DEPLOYMENTS.replace(",30,", ",-5,")))
    assert events.height == 1
    assert any("row 2, column coordinateUncertainty, value '-5'" in note for note in table.notes)


def test_animals_of_an_unknown_deployment_are_refused(tmp_path):
    frame, table = read(package(tmp_path / "p", observations=OBSERVATIONS.replace("o1,d1", "o1,d9")))
    assert frame.is_empty()
    assert (table.refusals[0].column, table.refusals[0].value) == ("deploymentID", "d9")


def test_animals_of_a_deployment_with_a_fault_are_told_as_one_and_block_nothing_besides(tmp_path):
    start = DEPLOYMENTS.splitlines()[1].split(",")[4]
    ((cameras, events), (table, animals)) = read_both(
        package(tmp_path / "p", deployments=DEPLOYMENTS.replace(start, "soon", 1))
    )
    assert (events.height, animals.height) == (0, 0)
    assert [(r.row, r.column, r.by_rule) for r in cameras.refusals] == [(2, "deploymentStart", False)]
    assert [(r.row, r.value, r.by_rule) for r in table.refusals if r.code == "DEPLOYMENT_BLOCKED"] == [(2, "d1", True)]


def media_package(folder, kind="human", public="true"):
    media = "mediaID,deploymentID,captureMethod,timestamp,filePath,filePublic,fileMediatype\n" + "".join(
        f"m{n},d1,activityDetection,2026-01-05T06:00:0{n}+07:00,{path},{public},image/jpeg\n"
        for n, path in enumerate(["https://x.invalid/0.jpg", "https://x.invalid/1.jpg", "media/2.jpg"])
    )
    rows = (
        "observationID,deploymentID,mediaID,eventID,eventStart,eventEnd,observationLevel,observationType,scientificName\n"
        "e1,d1,,ev,2026-01-05T06:00:00+07:00,2026-01-05T06:00:02+07:00,event,animal,Muntiacus muntjak\n"
        "a0,d1,m0,ev,2026-01-05T06:00:00+07:00,2026-01-05T06:00:00+07:00,media,animal,Muntiacus muntjak\n"
        "a1,d1,m1,ev,2026-01-05T06:00:01+07:00,2026-01-05T06:00:01+07:00,media,animal,Muntiacus muntjak\n"
        f"h1,d1,m1,ev,2026-01-05T06:00:01+07:00,2026-01-05T06:00:01+07:00,media,{kind},\n"
    )
    licences = [{"name": "CC0-1.0", "scope": "data"}, {"name": "CC-BY-4.0", "scope": "media"}]
    return package(folder, observations=rows, media=media, licenses=licences)


def test_an_events_row_takes_the_public_pictures_of_its_animals(tmp_path):
    frame, table = read(media_package(tmp_path / "p", kind="blank"))
    assert frame["occurrenceID"].to_list() == ["e1"]
    shown = json.loads(frame["multimedia_extension"][0])
    assert [item["identifier"] for item in shown] == ["https://x.invalid/0.jpg", "https://x.invalid/1.jpg"]
    assert {item["license"] for item in shown} == {"CC-BY-4.0"}
    assert Counter(r.code for r in table.refusals) == {"MEDIA_LEVEL_LEFT_OUT": 2, "BLANK_LEFT_OUT": 1}


@pytest.mark.parametrize("kind", ["human", "vehicle", "unclassified"])
def test_a_picture_that_a_person_may_be_on_is_never_shown(tmp_path, kind):
    frame, _ = read(media_package(tmp_path / "p", kind=kind))
    assert [item["identifier"] for item in json.loads(frame["multimedia_extension"][0])] == ["https://x.invalid/0.jpg"]


def test_no_picture_is_shown_where_only_some_times_have_an_offset(tmp_path):
    folder = media_package(tmp_path / "p", kind="blank")
    told = (folder / "observations.csv").read_text()
    (folder / "observations.csv").write_text(told.replace("+07:00", ""))
    assert read(folder)[0]["multimedia_extension"].to_list() == [None]


def test_pictures_that_are_not_public_stay_out(tmp_path):
    frame, _ = read(media_package(tmp_path / "p", public="false"))
    assert frame["multimedia_extension"].null_count() == 1


def test_a_camera_that_its_time_lapse_shows_silent_has_failure_periods(tmp_path):
    days = [*range(1, 11), *range(20, 31)]  # a picture every noon, none from 11 to 19 January
    media = "mediaID,deploymentID,captureMethod,timestamp,filePath,filePublic,fileMediatype\n" + "".join(
        f"m{day},d1,timeLapse,2026-01-{day:02d}T12:00:00+07:00,media/{day}.jpg,false,image/jpeg\n" for day in days
    )
    ((_, events), _) = read_both(package(tmp_path / "p", media=media))
    assert events["failurePeriods"].to_list() == ["2026-01-10T12:00:00+07:00/2026-01-20T12:00:00+07:00"]


def test_a_machines_word_is_kept_as_such(tmp_path):
    rows = (
        "observationID,deploymentID,eventStart,eventEnd,observationType,scientificName,classificationMethod,classifiedBy,"
        "classificationProbability\n"
        "o1,d1,2026-01-05T06:00:00+07:00,2026-01-05T06:01:00+07:00,animal,Muntiacus muntjak,machine,model 1,0.91\n"
        "o2,d1,2026-01-05T06:00:00+07:00,2026-01-05T06:01:00+07:00,animal,Muntiacus muntjak,human,somebody,\n"
    )
    frame, _ = read(package(tmp_path / "p", observations=rows))
    first, second = frame.rows(named=True)
    assert first["identificationVerificationStatus"] == "machine only"
    assert first["identificationRemarks"] == "determined by a machine: model 1, score 0.91"
    assert second["identificationVerificationStatus"] is None
    assert second["identificationRemarks"] is None


@pytest.mark.parametrize("text", ["[" * 200_000, '{"resources": 5}', "[]", "NaN", "\ufeff{}"], ids=lambda t: t[:5])
def test_a_descriptor_of_another_form_is_told_in_one_line(tmp_path, text):
    folder = package(tmp_path / "p")
    (folder / "datapackage.json").write_text(text)
    with pytest.raises(InputError) as caught:
        read(folder)
    assert caught.value.code == "DESCRIPTOR_INVALID"


def test_many_pictures_are_linked_without_a_product_of_rows(tmp_path):
    count = 20_000
    media = "mediaID,deploymentID,captureMethod,timestamp,filePath,filePublic,fileMediatype\n" + "".join(
        f"m{n},d1,activityDetection,2026-01-05T06:{n // 60 % 60:02d}:{n % 60:02d}+07:00,https://x.invalid/{n},true,image/jpeg\n"
        for n in range(count)
    )
    rows = "observationID,deploymentID,eventStart,eventEnd,observationType,scientificName\n" + "".join(
        f"o{n},d1,2026-01-05T06:00:00+07:00,2026-01-05T07:00:00+07:00,animal,Sus scrofa\n" for n in range(200)
    )
    frame, _ = read(package(tmp_path / "p", observations=rows, media=media))
    assert {len(json.loads(text)) for text in frame["multimedia_extension"]} == {100}


def test_the_fields_are_those_of_the_official_schemas(shared):
    for name in ("deployments", "media", "observations"):
        schema = json.loads((shared / f"data/camtrapdp_example/schemas/{name}-table-schema.json").read_text())
        ours = camtrapdp.fields(name)
        assert [field.name for field in ours] == [field["name"] for field in schema["fields"]]
        pointed = {key["fields"]: key["reference"]["resource"] for key in schema.get("foreignKeys", ())}
        for field, told in zip(ours, schema["fields"], strict=True):
            limits = told["constraints"]
            assert field.type == told["type"]
            assert (field.required, field.unique) == (limits["required"], limits.get("unique", False))
            assert (field.minimum, field.maximum) == (limits.get("minimum"), limits.get("maximum"))
            assert list(field.values) == limits.get("enum", [])
            assert bool(field.pattern) == ("pattern" in limits)
            assert (field.refers_to or ".").split(".")[0] == pointed.get(field.name, "")


def test_the_official_example_adds_up_and_has_no_fault(shared):
    folder = shared / "data" / "camtrapdp_example"
    (deployments, events), (observations, animals) = read_both(folder)
    with (folder / "observations.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    seen = [row for row in rows if row["observationLevel"] == "event" and row["observationType"] == "animal"]
    assert animals["occurrenceID"].to_list() == [row["observationID"] for row in seen]
    assert animals.height + len(observations.refusals) == len(rows) == 549
    assert events.height == 4
    assert not [*deployments.findings, *observations.findings]
    assert not deployments.refusals
    text = str([events.to_dicts(), animals.to_dicts()])
    assert not [
        row["classifiedBy"] for row in rows if row["classificationMethod"] == "human" and row["classifiedBy"] in text
    ]
    assert "Danny" not in text


@pytest.mark.parametrize("is_zip", [False, True])
def test_tables_without_their_descriptor_are_told_what_is_missing_once(tmp_path, is_zip):
    folder = package(tmp_path / "p")
    files = [(path.name, path.read_bytes()) for path in sorted(folder.iterdir()) if path.suffix == ".csv"]
    if is_zip:
        files = [("tables.zip", zip_of(files))]
    (problem,) = surveys.check_files(files, neighbours())["problems"]
    assert (problem["code"], problem["blocking"]) == ("DESCRIPTOR_MISSING", True)
    assert "datapackage.json" in problem["message"]
    assert "one zip" in problem["expected"]
