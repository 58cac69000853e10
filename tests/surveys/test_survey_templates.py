"""Templates: every design in ten languages goes in as it is given, and filled in rightly without a warning."""

import io
from datetime import date

import openpyxl
import pytest

from biodata import pipeline
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.core.vocabularies import SurveyDesign
from biodata.ingest.survey_tables import read_survey
from biodata.store.lake import Lake
from biodata.surveys import templates
from biodata.surveys.check import check
from biodata.surveys.designs import DESIGNS, LANGUAGES, SAMPLE_UNITS, word
from biodata.text.controlled import Vocabulary, parse_term
from biodata.text.units import effort_unit, in_unit
from commands import run
from filled_templates import filled
from sheets import bytes_of

TODAY = date(2026, 11, 26)


def design_in(language):
    """Return the design that a whole check of a language is made of: over all languages each design is met.

    Headings and explanations are read in every language of every design by
    `test_nobody_is_asked_about_a_template_s_headings_nor_about_its_explanations`.
    """
    return list(DESIGNS)[list(LANGUAGES).index(language) % len(DESIGNS)]


@pytest.mark.parametrize("language", ["en", "lo"])
def test_a_template_as_it_is_lacks_only_rows(boundaries, language):
    empty = io.BytesIO(templates.template(design_in(language), language))
    told = check(empty, "t.xlsx", boundaries, today=TODAY)["problems"]
    assert {problem["code"] for problem in told} == {"SHEET_EMPTY"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_survey_that_is_filled_in_rightly_has_no_problem(boundaries, language):
    told = check(filled(design_in(language), language), "t.xlsx", boundaries, today=TODAY)
    assert (told["problems"], told["rows"]) == ([], 2)
    assert "LICENSE_MISSING" in {notice["code"] for notice in told["notices"]}


def test_events_without_any_record_go_in_as_effort(tmp_path, boundaries):
    path = tmp_path / "survey.xlsx"
    path.write_bytes(filled("camera_trap", "lo", records=False).read())
    told = check(io.BytesIO(path.read_bytes()), "t.xlsx", boundaries, today=TODAY)
    assert (told["ok"], [problem["code"] for problem in told["problems"]]) == (True, ["SHEET_EMPTY"])
    settings = Settings(data=tmp_path / "data")
    pipeline.ingest("survey", [path], settings, dataset="empty")
    with Lake.open(settings.data) as lake:
        assert lake.read("events")["effort_value"].to_list() == [21.0, 21.0]
        assert lake.read("occurrences").height == 0


def test_cells_are_text_and_headings_stay_in_sight():
    book = openpyxl.load_workbook(io.BytesIO(templates.template("camera_trap", "th")))
    for kind in ("sites", "events", "occurrences"):
        sheet = book[word(f"sheet.{kind}", "th")]
        assert sheet.freeze_panes == "A2"
        assert {sheet.column_dimensions[cell.column_letter].number_format for cell in sheet[1]} == {"@"}
    assert [rule.type for rule in book[word("sheet.events", "th")].data_validations.dataValidation] == ["list", "list"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_lists_hold_what_is_read(language):
    for design in DESIGNS:
        assert parse_term(word(f"design.{design}", language), Vocabulary.SURVEY_DESIGN) == design
        unit = effort_unit(word(f"unit.{DESIGNS[design].unit}", language))
        assert unit is not None
        assert in_unit(1.0, unit, DESIGNS[design].unit) == 1.0
    for unit, size in (("m", 0.001), ("m²", 1.0)):
        assert effort_unit(word(f"unit.{unit}", language)).size == size
    assert set(SAMPLE_UNITS.values()) == {"m", "m²"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_asked_about_a_template_s_headings_nor_about_its_explanations(language):
    for design in DESIGNS:
        read = read_survey([("t.xlsx", templates.template(design, language))])
        assert len(read.tables) == 4, design
        assert [one.code for one in read.findings] == [], design
        assert [list(table.proposals) for table in read.tables] == [[]] * 4, design


def test_no_name_of_a_design_means_two():
    from biodata.text.controlled import plain_key
    from biodata.text.tables import read_rows

    for file in ("survey_design.csv", "effort_units.csv"):
        seen = {}
        for row in read_rows(file):
            for name in (row["value"], *row["names"].split("|")):
                assert seen.setdefault(plain_key(name), row["value"]) == row["value"], name


def test_another_design_is_refused_with_those_that_there_are():
    with pytest.raises(InputError) as caught:
        templates.template("trawl")
    assert caught.value.column == "design"
    assert caught.value.expected


def test_the_command_writes_it(tmp_path):
    out = tmp_path / "survey.xlsx"
    run("survey", "template", "camera_trap", "--language", "lo", "--out", str(out))
    made = openpyxl.load_workbook(io.BytesIO(templates.template("camera_trap", "lo")))
    assert openpyxl.load_workbook(out).sheetnames == made.sheetnames


def with_project(design, language, licence, datum="WGS84"):
    """Return a template that is filled in, with what its first sheet tells of all rows."""
    book = openpyxl.load_workbook(filled(design, language))
    sheet = book[word("sheet.project", language)]
    assert sheet.cell(2, 2).value == "WGS84", "the datum of a GPS receiver stands there"
    assert sheet.cell(2, 1).value is None, "nobody chooses a licence but the team"
    sheet.cell(2, 1).value, sheet.cell(2, 2).value = licence, datum
    return io.BytesIO(bytes_of(book))


def test_a_licence_that_is_told_once_is_not_noticed(boundaries):
    told = check(with_project("plot", "lo", "CC BY-NC 4.0"), "t.xlsx", boundaries, today=TODAY)
    assert (told["problems"], [one for one in told["notices"] if one["code"] == "LICENSE_MISSING"]) == ([], [])


def test_what_the_sheet_of_the_project_tells_is_of_every_row(tmp_path):
    path = tmp_path / "survey.xlsx"
    path.write_bytes(with_project("camera_trap", "my", "CC BY 4.0").read())
    settings = Settings(data=tmp_path / "data")
    pipeline.ingest("survey", [path], settings, dataset="filled")
    with Lake.open(settings.data) as lake:
        events, records = lake.read("events"), lake.read("occurrences")
    for rows in (events, records):
        assert rows["license"].to_list() == ["CC_BY_4_0"] * 2
        assert not any("GEODETIC_DATUM_ASSUMED_WGS84" in flags for flags in rows["quality_flags"])


def test_a_site_without_a_place_is_told_at_the_site_alone(boundaries):
    book = openpyxl.load_workbook(filled("camera_trap", "lo"))
    sheet = book[word("sheet.sites", "lo")]
    terms = [column.term for column in DESIGNS[SurveyDesign.CAMERA_TRAP].sheets["sites"]]
    for term in ("decimalLatitude", "decimalLongitude"):
        sheet.cell(sheet.max_row, terms.index(term) + 1).value = None
    (one,) = check(io.BytesIO(bytes_of(book)), "t.xlsx", boundaries, today=TODAY)["problems"]
    assert (one["code"], one["sheet"], one["row"]) == ("COORDINATE_MISSING", word("sheet.sites", "lo"), sheet.max_row)


def test_a_fault_of_the_project_s_sheet_is_told_there_once(boundaries):
    told = check(with_project("mist_net", "lo", "ask me", "nowhere"), "t.xlsx", boundaries, today=TODAY)
    assert [(one["sheet"], one["row"], one["value"], one["code"], one["blocking"]) for one in told["problems"]] == [
        ("ໂຄງການ", 2, "ask me", "LICENSE_UNKNOWN", False),
        ("ໂຄງການ", 2, "nowhere", "GEODETIC_DATUM_INVALID", True),
    ]
