"""Wildlife Insights' downloads: deployments, animals with their names; people, their names and addresses never."""

from collections import Counter

import polars as pl
import pytest

from biodata.core.errors import InputError
from biodata.ingest import camera_traps, open_source
from biodata.places import load_boundaries
from biodata.surveys.check import check_files
from case_tables import cases
from wildlife_insights_rows import CAMERAS, DEPLOYMENTS, HEADING, MUNTJAC, PROJECTS, ROW
from zips import zip_of, zip_of_folder


def written(folder, rows, **more):
    folder.mkdir(exist_ok=True)
    told = {"projects": PROJECTS, "cameras": CAMERAS, "deployments": DEPLOYMENTS, "images": HEADING + rows, **more}
    for name, text in told.items():
        if text is not None:
            (folder / f"{name}.csv").write_text(text)
    return folder


def read(folder):
    tables = list(open_source("wildlife-insights", [folder]).read())
    frames = [pl.concat(table.batches) for table in tables]
    return frames[0], frames[-1], tables[-1]


def test_deployments_and_animals_come_in_without_people(tmp_path):
    events, found, table = read(written(tmp_path / "p", ROW))
    (row,) = found.rows(named=True)
    assert (row["scientificName"], row["parentEventID"], row["decimalLatitude"]) == (
        "Muntiacus vaginalis", "d1", "21.2",
    )  # fmt: skip
    assert (row["individualCount"], row["classificationMethod"], row["license"]) == ("2", "human", "CC0")
    assert events["cameraModel"].to_list() == ["Reconyx-HF2X"] * 2
    assert events["eventRemarks"].to_list() == [None, "The camera failed: Vandalism/Theft"]
    assert (table.dataset.key, table.dataset.title) == ("7", "Nam Ha")
    text = str([events.to_dicts(), found.to_dicts()])
    assert not [word for word in ("Khamla", "k@x", "Bounmy", "Somchai", "gs://") if word in text]


@pytest.mark.parametrize(
    ("change", "code"), cases("wildlife_insights", "test_what_is_left_out_is_counted_with_its_reason")
)
def test_what_is_left_out_is_counted_with_its_reason(tmp_path, change, code):
    _, found, table = read(written(tmp_path / "p", ROW.replace(*change)))
    assert found.is_empty()
    assert [(r.row, r.code) for r in table.refusals] == [(2, code)]


def test_a_machines_determination_is_told_as_such(tmp_path):
    row = ROW.replace("Somchai", "Computer vision").replace(",2,,false", ",2,0.87,true")
    _, found, _ = read(written(tmp_path / "p", row))
    assert found["identificationVerificationStatus"].to_list() == ["machine only"]
    assert found["classificationProbability"].to_list() == ["0.87"]
    assert "fuzzed" in found["dataGeneralizations"][0]


def test_two_species_on_one_image_are_two_records_and_the_same_row_is_one(tmp_path):
    other = ROW.replace(MUNTJAC, "Aves,Galliformes,Phasianidae,Gallus,,Junglefowl Genus")
    _, found, table = read(written(tmp_path / "p", ROW + other + ROW))
    assert found["occurrenceID"].to_list() == ["i1", "i1#2"]
    assert found["scientificName"].to_list() == ["Muntiacus vaginalis", "Gallus"]
    assert found["taxonRank"].to_list() == [None, "genus"]
    assert Counter(r.code for r in table.refusals) == {"PICTURE_REPEATED": 1}


def test_sequences_have_an_interval_and_a_group(tmp_path):
    heading = "deployment_id,sequence_id,is_blank,class,order,family,genus,species,start_time,end_time,group_size\n"
    row = "d1,s1,0,Mammalia,Cetartiodactyla,Suidae,Sus,scrofa,2026-01-05 06:00:00,2026-01-05 06:00:09,5\n"
    _, found, _ = read(written(tmp_path / "p", "", images=None, sequences=heading + row))
    (told,) = found.rows(named=True)
    assert told["eventDate"] == "2026-01-05 06:00:00/2026-01-05 06:00:09"
    assert (told["individualCount"], told["eventID"]) == ("5", "s1")


def test_a_zip_in_a_zip_or_with_a_path_out_is_refused(tmp_path):
    folder = written(tmp_path / "p", ROW)
    (tmp_path / "good.zip").write_bytes(zip_of_folder(folder, "wildlife/"))
    assert read(tmp_path / "good.zip")[1].height == 1
    for name in ("../images.csv", "inner.zip"):
        (tmp_path / "bad.zip").write_bytes(zip_of({name: "x"}))
        with pytest.raises(InputError) as caught:
            read(tmp_path / "bad.zip")
        assert caught.value.code == "ARCHIVE_UNSAFE"


@pytest.mark.parametrize("lacking", ["deployments", "images"])
def test_a_table_that_is_missing_is_named(tmp_path, lacking):
    with pytest.raises(InputError, match=f"{lacking}.csv") as caught:
        read(written(tmp_path / "p", ROW, **{lacking: None}))
    assert caught.value.code == "TABLE_MISSING"


def test_a_deployment_that_stands_twice_cell_for_cell_is_taken_once(tmp_path):
    again = DEPLOYMENTS + DEPLOYMENTS.splitlines()[1] + "\n"
    folder = written(tmp_path / "p", ROW, deployments=again)
    tables = list(open_source("wildlife-insights", [folder]).read())
    assert [(r.row, r.code, r.by_rule) for r in tables[0].refusals] == [(4, "DEPLOYMENT_REPEATED", True)]
    report = check_files([(file.name, file.read_bytes()) for file in sorted(folder.iterdir())], load_boundaries())
    (problem,) = (one for one in report["problems"] if one["code"] == "DEPLOYMENT_REPEATED")
    assert (problem["blocking"], problem["message"][:4]) == (False, "1 × ")


def test_a_deployment_that_stands_twice_and_tells_two_things_is_refused(tmp_path):
    again = DEPLOYMENTS + DEPLOYMENTS.splitlines()[1].replace("101.3", "101.9") + "\n"
    tables = list(open_source("wildlife-insights", [written(tmp_path / "p", ROW, deployments=again)]).read())
    assert [(r.row, r.code, r.by_rule) for r in tables[0].refusals] == [(4, "EVENT_REPEATED", False)]


def test_an_animal_of_no_deployment_is_told_at_its_deployment(tmp_path):
    _, _, table = read(written(tmp_path / "p", ROW + ROW.replace("7,d1,i1", "7,d9,i2")))
    found = [(r.row, r.column, r.value, r.code) for r in table.refusals]
    assert found == [(3, "deployment_id", "d9", "DEPLOYMENT_UNKNOWN")]


def test_a_blank_behind_a_deployment_parts_it_from_no_animal(tmp_path):
    deployments = DEPLOYMENTS.replace("7,d1,", "7,d1 ,")
    _, found, table = read(written(tmp_path / "p", ROW + ROW.replace("7,d1,i1", "7, d1,i2"), deployments=deployments))
    assert found["parentEventID"].to_list() == ["d1", "d1"]
    assert table.refusals == []


def test_a_line_that_cannot_be_read_is_told_by_its_row_and_never_by_its_text(tmp_path):
    broken = "7,d1,Bounmy Somchai,gs://x\n"
    folder = written(tmp_path / "p", ROW + broken, deployments=DEPLOYMENTS + broken)
    tables = list(open_source("wildlife-insights", [folder]).read())
    _ = [list(table.batches) for table in tables]
    assert [[(r.row, r.value, r.code) for r in table.refusals] for table in tables] == [
        [(4, None, "ROW_FIELD_COUNT")],
        [(3, None, "ROW_FIELD_COUNT")],
    ]


def test_a_row_of_the_projects_that_was_cut_off_is_told_for_its_licence_is_lost(tmp_path):
    tables = list(open_source("wildlife-insights", [written(tmp_path / "p", ROW, projects=PROJECTS[:-20])]).read())
    assert [(one.file, one.row, one.code) for one in tables[0].refusals] == [("projects.csv", 2, "ROW_FIELD_COUNT")]
    assert "Khamla" not in str(tables[0].refusals)


def test_an_end_before_its_start_is_found_at_the_cell_of_the_end():
    days = {"start_date": ["2025-01-13 09:30:00"] * 2, "end_date": ["2025-03-12 15:30:00", "2024-03-12 15:30:00"]}
    found = camera_traps.period_findings(pl.DataFrame({"source_row": [2, 3], **days}), file="d.csv")
    assert [(one.row, one.column, one.code) for one in found] == [(3, "end_date", "EVENT_ENDS_BEFORE_START")]
