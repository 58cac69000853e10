"""KoboToolbox exports: what is mapped comes in; names, telephones and all other answers stay out."""

import zipfile
from pathlib import Path

import duckdb
import openpyxl
import polars as pl
import pytest

from biodata import pipeline
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.ingest import open_source
from biodata.store.lake import Lake
from case_tables import cases
from kobo_rows import HEADINGS, UUIDS, submission

SHARED = Path(__file__).parents[3] / "shared" / "data" / "survey_exports"
SECRETS = ("Somchai", "Jaidee", "0812345678", "3-1005-01234-56-7", "collect:device9", "ranger_account", "house 7",
           "a-secret")  # fmt: skip


def csv_of(path, *rows, headings=HEADINGS):
    lines = [";".join(f'"{cell}"' for cell in row) for row in (headings, *rows)]
    path.write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def mapping(tmp_path, **terms):
    path = tmp_path / "mapping.csv"
    path.write_text(
        "heading,term\n" + "".join(f'"{heading}",{term}\n' for heading, term in terms.items()), encoding="utf-8"
    )
    return str(path)


def read(path, **options):
    tables = [(table, list(table.batches)) for table in open_source("kobo", [path], options=options).read()]
    return tables[0][0], [pl.concat(frames) if frames else None for _, frames in tables]


def mapped(tmp_path, *rows, term="vernacularName", **options):
    """Return what is read of submissions whose question after animals is mapped."""
    told = mapping(tmp_path, **{"Which animals?": term})
    return read(csv_of(tmp_path / "k.csv", *rows), mapping=told, **options)


def changed(path, change):
    book = openpyxl.load_workbook(path)
    change(book)
    book.save(path)
    return path


def test_a_question_with_several_answers_gives_a_record_of_each(tmp_path):
    _, (events, records) = mapped(tmp_path, submission(0), submission(1, sambar="1", precision="0"))
    assert events["eventID"].to_list() == list(UUIDS)
    assert events["coordinateUncertaintyInMeters"].to_list() == ["4.5", None]
    assert records.select("occurrenceID", "vernacularName", "eventDate", "decimalLatitude", "geodeticDatum").rows() == [
        (f"{uuid}:{name}", name, "2026-03-17", "21.22", "WGS84")
        for uuid, name in ((UUIDS[0], "Gaur"), (UUIDS[1], "Gaur"), (UUIDS[1], "Sambar"))
    ]


def test_the_headings_that_stay_out_are_told_and_no_answer_is(tmp_path):
    table, _ = read(csv_of(tmp_path / "k.csv", submission(0)))
    (note, *_) = table.notes
    assert "4 headings" in note
    assert all(heading in note for heading in ("Your name", "Village", "Notes", "Which animals?"))
    assert not any(secret in str(table.notes) + str(table.refusals) for secret in SECRETS)


def test_a_form_without_species_is_told_plainly(tmp_path):
    headings = [heading.replace("Where are you?_l", "Where are you?_at_l") for heading in HEADINGS]
    headings = [heading for heading in headings if "_latitude" not in heading]
    rows = [submission(number)[:9] + submission(number)[10:] for number in range(2)]
    table, (events,) = read(csv_of(tmp_path / "k.csv", *rows, headings=headings))
    assert events is None
    assert [refusal.row for refusal in table.refusals] == [2, 3]
    assert {refusal.code for refusal in table.refusals} == {"SUBMISSION_WITHOUT_RECORD"}


@pytest.mark.parametrize(
    ("heading", "answers", "term"), cases("kobo", "test_a_question_that_surely_names_animals_needs_no_mapping")
)
def test_a_question_that_surely_names_animals_needs_no_mapping(tmp_path, heading, answers, term):
    lines = [f"_uuid,_id,{heading},Your name", *(f"{UUIDS[n]},{n + 1},{one},Somebody" for n, one in enumerate(answers))]
    path = tmp_path / "k.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    table, (_, records) = read(path)
    assert records[term].to_list() == list(answers)
    assert "Your name" in table.notes[0]


def test_with_a_design_a_form_without_species_gives_effort_alone(tmp_path):
    path = csv_of(tmp_path / "k.csv", submission(0))
    _, (events,) = read(path, design="listening_post", mapping=mapping(tmp_path, **{"Notes": "samplingEffortValue"}))
    assert events.select("design", "samplingEffortValue").rows() == [("listening_post", "3-1005-01234-56-7")]


def workbook(path, *, loose=False):
    """Write a workbook with animals in each submission, and marks of each animal."""
    book = openpyxl.Workbook()
    main = book.active
    main.title = "Wildlife patrol form with a long "[:31]
    keep = [n for n, heading in enumerate(HEADINGS) if not heading.startswith("Which")]
    main.append([HEADINGS[n] for n in keep])
    for number in (0, 1):
        main.append([submission(number)[n] for n in keep])
    animals = book.create_sheet("animal")
    animals.append(["scientificName", "individualCount", "Who saw it?", "_index", "_parent_table_name", "_parent_index",
                    "_submission__id"])  # fmt: skip
    long = "Wildlife patrol form with a long name"
    rows = [["Bos gaurus", 3, "Somchai", 1, long, 1, 1], ["Rusa unicolor", 1, "Jaidee", 2, long, 1, 1],
            ["Bos gaurus", 2, "", 3, long, 2, 1], ["Panthera tigris", 1, "Somchai", 4, long, 99, 1]]  # fmt: skip
    for row in rows if loose else rows[:3]:
        animals.append(row)
    marks = book.create_sheet("mark")
    marks.append(["vernacularName", "_index", "_parent_table_name", "_parent_index"])
    marks.append(["dung of a gaur", 1, "animal", 3])
    book.save(path)
    return path


def test_repeats_become_records_of_their_submission(tmp_path):
    _, (events, animals, marks) = read(workbook(tmp_path / "k.xlsx"))
    assert events.height == 2
    assert set(animals.select("eventDate", "decimalLongitude").rows()) == {("2026-03-17", "101.33")}
    assert animals.select("occurrenceID", "scientificName", "individualCount").rows() == [
        (f"{UUIDS[0]}:animal:1", "Bos gaurus", "3"), (f"{UUIDS[0]}:animal:2", "Rusa unicolor", "1"),
        (f"{UUIDS[1]}:animal:1", "Bos gaurus", "2"),
    ]  # fmt: skip
    assert marks.select("occurrenceID", "eventID").rows() == [(f"{UUIDS[1]}:mark:1.1", UUIDS[1])]


@pytest.mark.parametrize(("gaur", "sambar", "seen"), [
    *[(gaur, sambar, (f"{UUIDS[0]}:Gaur", "Gaur")) for gaur, sambar in (("x", ""), ("Gaur", ""), ("1", "0"), ("True", "False"))],
    pytest.param("", "", (UUIDS[0], "Gaur Sambar"), id="the question itself where the columns of the answers are empty"),
])  # fmt: skip
def test_an_answer_counts_as_chosen_however_the_export_marks_it(tmp_path, gaur, sambar, seen):
    _, (_, records) = mapped(tmp_path, submission(0, gaur=gaur, sambar=sambar))
    assert records.select("occurrenceID", "vernacularName").rows() == [seen]


@pytest.mark.parametrize("broken", ['"Somchai Jaidee";"0812345678"', '"a";"Som"chai";"0812345678"'])
def test_a_line_that_cannot_be_read_is_told_by_its_row_and_never_by_its_text(tmp_path, broken):
    path = csv_of(tmp_path / "k.csv", submission(0))
    path.write_text(path.read_text() + broken + "\n")
    table, _ = read(path, design="point_count")
    assert [(refusal.row, refusal.value) for refusal in table.refusals] == [(3, None)]
    assert not any(secret in str(table.refusals) for secret in SECRETS)


def test_a_cell_below_no_heading_is_told_by_its_place_alone(tmp_path):
    path = changed(workbook(tmp_path / "k.xlsx"), lambda book: book.worksheets[0].cell(2, 40, "Somchai Jaidee"))
    with pytest.raises(InputError, match="row 2, column AN") as error:
        read(path)
    assert "Somchai" not in str(error.value)
    assert error.value.value is None


def test_the_number_of_a_telephone_is_no_identifier(tmp_path):
    row = ["" if cell in UUIDS else "0812345678" if cell == "254135870" else cell for cell in submission(0)]
    table, _ = read(csv_of(tmp_path / "k.csv", row), design="point_count")
    assert [refusal.code for refusal in table.refusals] == ["SUBMISSION_ID_INVALID"]


def test_repeats_without_their_index_are_told_by_their_submission_s_uuid(tmp_path):
    def by_uuid(book):
        del book["mark"]
        (column,) = [cell.column for cell in book["animal"][1] if cell.value == "_parent_index"]
        for row, value in enumerate(["_submission__uuid", UUIDS[0], UUIDS[0], f"uuid:{UUIDS[1]}"], 1):
            book["animal"].cell(row, column, value)

    _, (_, records) = read(changed(workbook(tmp_path / "k.xlsx"), by_uuid))
    assert records["eventID"].to_list() == [UUIDS[0], UUIDS[0], UUIDS[1]]
    assert records["occurrenceID"].str.split(":").list.last().to_list() == ["1", "2", "1"]


@pytest.mark.parametrize("named", ["Homo sapiens", "Poacher", "คน", "people"])
def test_people_that_a_form_was_filled_in_for_are_no_record(tmp_path, named):
    row = [named if cell == "Gaur Sambar" else cell for cell in submission(0, gaur="", sambar="")]
    told = mapping(tmp_path, **{"Which animals?": "vernacularName"})
    path = csv_of(tmp_path / "k.csv", row, submission(1))
    tables = [(table, list(table.batches)) for table in open_source("kobo", [path], options={"mapping": told}).read()]
    records, frames = tables[1]
    assert [frame["vernacularName"].to_list() for frame in frames] == [["Gaur"]]
    assert [(one.row, one.value, one.code) for one in records.refusals] == [(2, None, "PERSON_LEFT_OUT")]


def test_a_repeat_of_no_submission_is_refused(tmp_path):
    tables = list(open_source("kobo", [workbook(tmp_path / "k.xlsx", loose=True)]).read())
    assert [(refusal.row, refusal.code) for refusal in tables[1].refusals] == [(5, "SUBMISSION_UNKNOWN")]


def test_a_form_that_asks_for_a_place_gives_events_and_says_what_to_type_for_records(tmp_path):
    path = csv_of(tmp_path / "k.csv", submission(0), submission(1))
    table, (events,) = read(path)
    assert table.refusals == []
    told = events.select("eventID", "decimalLatitude", "eventDate").rows()
    assert told == [(uuid, "21.22", "2026-03-17") for uuid in UUIDS]
    assert not any(secret in str(events.rows()) + str(table.notes) for secret in SECRETS)
    assert any("--option 'heading.Which animals?=vernacularName'" in note for note in table.notes)
    _, (_, records) = read(path, **{"heading.Which animals?": "vernacularName"})
    assert records["vernacularName"].to_list() == ["Gaur", "Gaur"]
    with pytest.raises(InputError, match="people never come in"):
        read(path, **{"heading.Your name": "recordedBy"})


@pytest.mark.parametrize("name", ["kobotoolbox_submissions.csv", "kobotoolbox_submissions_multiple_sheets.xlsx"])
def test_the_shared_exports_give_places_and_their_wrong_longitude_is_found_in_its_cell(name):
    if not SHARED.exists():
        pytest.skip("the shared exports are not on this machine")
    table, (events,) = read(SHARED / name)
    assert events.height == 3
    assert table.refusals == []
    heading = "_Please record the location of your local ecosystem._longitude"
    found = {(f.row, f.column, f.value, f.code, f.blocking) for f in table.findings}
    assert found == {(4, heading, "-199.058787", "COORDINATE_OUT_OF_RANGE", True)}


@pytest.mark.parametrize("name", ["kobotoolbox_submissions.csv", "kobotoolbox_submissions_multiple_sheets.xlsx"])
def test_the_shared_exports_give_three_submissions_where_a_person_maps_a_question(name, tmp_path):
    if not SHARED.exists():
        pytest.skip("the shared exports are not on this machine")
    asked = "Which traditional plants and animals are important to your community?"
    _, frames = read(SHARED / name, mapping=mapping(tmp_path, **{asked: "vernacularName"}))
    assert [frame.height for frame in frames if frame is not None] == [3, 3]
    assert frames[0]["eventDate"].to_list() == ["2023-07-18", "2023-07-19", "2023-07-18"]


@pytest.mark.parametrize(("term", "code"), [
    ("recordedBy", "TERM_PERSONAL"), ("samplingPerformedBy", "TERM_PERSONAL"), ("eventID", "TERM_PERSONAL"),
    ("nonsense", "TERM_UNKNOWN"),
])  # fmt: skip
def test_no_mapping_takes_in_people(tmp_path, term, code):
    path = csv_of(tmp_path / "k.csv", submission(0))
    with pytest.raises(InputError) as caught:
        read(path, mapping=mapping(tmp_path, **{"Your name": term}))
    assert (caught.value.code, caught.value.row) == (code, 2)


def test_a_heading_that_asks_for_the_observer_stays_out(tmp_path):
    headings = ["Observer", "recordedBy", "Recorded by", "Collector", "ผู้บันทึก", "记录人", "scientificName", "_uuid"]
    path = csv_of(tmp_path / "k.csv", ["Somchai"] * 6 + ["Bos gaurus", UUIDS[0]], headings=headings)
    _, (events, records) = read(path)
    assert records["scientificName"].to_list() == ["Bos gaurus"]
    assert "Somchai" not in str(events.rows()) + str(records.rows())


def test_an_identifier_that_is_no_identifier_is_refused_and_not_told(tmp_path):
    path = csv_of(tmp_path / "k.csv", ["Bos gaurus", "Somchai Jaidee"], headings=["scientificName", "_uuid"])
    tables = list(open_source("kobo", [path]).read())
    assert [refusal.code for refusal in tables[0].refusals] == ["SUBMISSION_ID_INVALID"]
    assert "Somchai" not in str(tables[0].refusals)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_is_planted_is_found_nowhere(tmp_path, kind, capfd, caplog):
    caplog.set_level("DEBUG")
    if kind == "csv":
        path, told = csv_of(tmp_path / "k.csv", submission(0), submission(1)), {"Which animals?": "vernacularName"}
    else:
        path, told = workbook(tmp_path / "k.xlsx", loose=True), {}
    data = tmp_path / "data"
    options = {"mapping": mapping(tmp_path, **told)} if told else {}
    settings, report = Settings(data=data), tmp_path / "r.csv"
    reports = pipeline.ingest("kobo", [path], settings, dataset="k", options=options, report_file=report)
    assert reports[0].rows == 2
    seen = str([r.as_dict() for r in reports]) + report.read_text() + "".join(capfd.readouterr()) + caplog.text
    for file in [file for file in data.rglob("*") if file.is_file()]:
        seen += file.name + file.read_bytes().decode("latin-1")
        if file.suffix == ".parquet":
            seen += str(duckdb.sql("FROM read_parquet(?)", params=[str(file)]).fetchall())
    assert [secret for secret in SECRETS if secret in seen] == []
    assert UUIDS[0] in seen


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "scientificName\nBos gaurus\n"])
def test_a_table_of_another_kind_is_no_export(tmp_path, content):
    (tmp_path / "k.csv").write_text(content)
    with pytest.raises(InputError) as caught:
        read(tmp_path / "k.csv")
    assert caught.value.code == "KOBO_NOT_EXPORT"


def test_headings_of_the_mapping_that_the_file_lacks_are_told(tmp_path):
    path = csv_of(tmp_path / "k.csv", submission(0))
    table, _ = read(path, mapping=mapping(tmp_path, **{"Which animals?": "vernacularName", "Gone": "habitat"}))
    assert "the file lacks 1 headings of the mapping: gone" in table.notes
    with pytest.raises(InputError) as caught:
        read(path, mapping=mapping(tmp_path, Gone="habitat"))
    assert caught.value.code == "HEADING_MISSING"


def test_two_questions_may_have_the_same_label(tmp_path):
    headings = ["scientificName", "Please specify", "Please specify", "source_row", "_uuid"]
    path = csv_of(tmp_path / "k.csv", ["Bos gaurus", "Somchai", "grassland", "9", UUIDS[0]], headings=headings)
    table, (_, records) = read(path, mapping=mapping(tmp_path, **{"Please specify (2)": "habitat"}))
    assert records["habitat"].to_list() == ["grassland"]
    assert "2 headings stay out" in table.notes[0]


def test_an_export_in_a_zip_is_read_as_it_is_alone(sample_data, tmp_path):
    path = sample_data / "kobo" / "wildlife.csv"
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.write(path, "export/wildlife.csv")
    options = {"mapping": str(sample_data / "kobo" / "mapping.csv")}
    alone, zipped = (
        [pl.concat(list(table.batches)) for table in open_source("kobo", [one], dataset="k", options=options).read()]
        for one in (path, tmp_path / "export.zip")
    )
    assert [frame.height for frame in zipped] == [frame.height for frame in alone]
    assert zipped[-1]["source_file"].unique().to_list() == ["export.zip/wildlife.csv"]


@pytest.mark.parametrize(("design", "basis"), [
    ({"design": "camera_trap"}, "MACHINE_OBSERVATION"), ({}, "HUMAN_OBSERVATION"),
])  # fmt: skip
def test_who_observed_is_told_by_the_design(tmp_path, design, basis):
    path = csv_of(tmp_path / "k.csv", submission(0))
    options = {"mapping": mapping(tmp_path, **{"Which animals?": "vernacularName"}), **design}
    settings = Settings(data=tmp_path / "data")
    pipeline.ingest("kobo", [path], settings, dataset="k", options=options)
    with Lake.open(settings.data) as lake:
        assert lake.read("occurrences")["basisOfRecord"].to_list() == [basis]


_ASKED = ["start", "end", "today", "site/gps", "obs/scientific_name", "obs/number_seen", "obs/number_heard", "_id",
          "_uuid"]  # fmt: skip


@pytest.mark.parametrize(("heading", "cell", "code"), [
    ("site/gps", "101.33 21.22 600 4.5", "COORDINATE_OUT_OF_RANGE"),
    ("end", "2026-03-17T07:00:00.000+07:00", "EVENT_ENDS_BEFORE_START"),
    ("start", "2026-03-17T09:30:00.000+09:00", "TIME_ZONE_NOT_OF_PLACE"),
    ("_id", "254135870", "IDENTIFIER_REPEATED"),
])  # fmt: skip
def test_what_a_submission_shows_by_itself_is_found_at_its_cell(tmp_path, heading, cell, code):
    rows = [
        [f"2026-03-17T0{n}:00:00.000+07:00", "2026-03-17T09:00:00.000+07:00", "2026-03-17", "21.22 101.33 600 4.5", "Bos gaurus",
         "2", "3", f"25413587{n}", UUIDS[0][:-1] + str(n)] for n in range(9)
    ]  # fmt: skip
    right, _ = read(csv_of(tmp_path / "right.csv", *rows, headings=_ASKED))
    rows[8][_ASKED.index(heading)] = cell
    events, (_, frame) = read(csv_of(tmp_path / "k.csv", *rows, headings=_ASKED))
    assert right.findings == []
    assert [(f.row, f.column, f.value is not None, f.code) for f in events.findings] == [(10, heading, True, code)]
    assert {events.headings[term] for term in ("eventID", "eventDate", "decimalLatitude")} == {
        "_uuid", "today", "site/gps",
    }  # fmt: skip
    assert frame["individualCount"].unique().to_list() == ["5"]
    assert frame["decimalLongitude"][0] == "101.33"
