"""Surveys in the forms that people have: CSV of many encodings, several files, two columns for a period, headings with units."""

from datetime import date

import polars as pl
import pytest

from biodata import pipeline
from biodata.core.settings import Settings
from biodata.ingest import forms
from biodata.store.lake import Lake
from biodata.surveys.check import check_files
from sheets import book_of, bytes_of
from survey_languages import HEADINGS, LOCALITIES
from zips import zip_of

TODAY = date(2026, 11, 24)
PLAIN = ["occurrenceID", "eventID", "eventDate", "scientificName", "decimalLatitude", "decimalLongitude", "locality"]
GOOD = ["R1", "E1", "2026-03-01", "Sus scrofa", "20.65", "101.95", "old ridge"]


def text(*rows, separator=","):
    return "\r\n".join(separator.join(row) for row in rows) + "\r\n"


def workbook(**sheets):
    return bytes_of(book_of(sheets))


def told(files, boundaries, **options):
    report = check_files(files, boundaries, today=TODAY, **options)
    return report, [(p["file"], p["row"], p["column"], p["code"]) for p in report["problems"]]


@pytest.mark.parametrize(
    ("language", "encoding"), [("lo", "utf-16"), ("my", "utf-8-sig"), ("km", "utf-16-le"), ("th", "cp874")]
)
def test_headings_and_cells_of_a_declared_encoding(language, encoding, boundaries):
    """Encodings of one region are guessed and declared in `test_survey_encodings`."""
    headings, place = [HEADINGS[language][term] for term in PLAIN], LOCALITIES[language]
    content = text(headings, [*GOOD[:6], place], ["R2", *GOOD[1:4], "91.2", *GOOD[5:6], place]).encode(encoding)
    kept = {heading: term for term, heading in HEADINGS[language].items()}
    declared = {"cp874": "windows-874"}.get(encoding, encoding)
    report, found = told([("s.csv", content)], boundaries, encoding=declared, kept=kept)
    assert found == [("s.csv", 3, HEADINGS[language]["decimalLatitude"], "COORDINATE_OUT_OF_RANGE")]
    assert report["rows"] == 2


def test_events_and_occurrences_as_two_texts(boundaries):
    events = text(["eventID", "eventDate", "decimalLatitude", "decimalLongitude"], ["E1", "2569-03-01", "20.65", "101.95"],
                  ["E2", "2026-03-01", "120.65", "1.95"], separator=";")  # fmt: skip
    records = text(
        ["occurrenceID", "eventID", "scientificName"], ["R1", "E1", "Sus scrofa"], ["R2", "E3", "Sus scrofa"]
    )
    files = [("records.csv", records.encode()), ("events.csv", events.encode())]
    _, found = told(files, boundaries)
    assert ("events.csv", 2, "eventDate", "RECORDED_DATE_BUDDHIST_ERA") in found
    assert ("events.csv", 3, "decimalLatitude", "PRESUMED_SWAPPED_COORDINATE") in found
    assert ("records.csv", 3, "eventID", "EVENT_UNKNOWN") in found
    assert not [one for one in found if one[:2] == ("records.csv", 2)], "what the event tells is told of the event"
    assert told([("survey.zip", zip_of(dict(files)))], boundaries)[1] == found


@pytest.mark.parametrize(("content", "expected"), [
    pytest.param(text(PLAIN, GOOD, ["R2", *GOOD[1:6], "ridge", " north"]), [(3, None, "ROW_TOO_LONG")],
                 id="a comma in a text without quotes"),
    pytest.param("sep=;\r\n" + text(PLAIN, GOOD, separator=";"), [], id="what a spreadsheet writes first"),
    pytest.param(text(PLAIN, *[[f"R{n}", *GOOD[1:4], "101.95", f"20.6{n}", "ridge"] for n in range(5)]),
                 [(1, "decimalLatitude", "COLUMNS_SWAPPED")], id="columns that changed places are told once"),
    pytest.param(text(PLAIN, [*GOOD[:6], "ေန႔စြဲ"], ["R2", *GOOD[1:6], "နေ့စွဲ"], ["R3", *GOOD[1:6], "တောကြီးချက်မှု"]),
                 [(2, "locality", "ENCODING_ZAWGYI")], id="Burmese for an old font"),
])  # fmt: skip
def test_what_is_odd_in_a_text_is_told(content, expected, boundaries):
    assert told([("s.csv", content.encode())], boundaries)[1] == [("s.csv", *one) for one in expected]


def test_a_period_in_two_columns(boundaries):
    events = [["eventID", "deploymentStart", "deploymentEnd", "decimalLatitude", "decimalLongitude"],
              ["E1", "2026-03-01", "2026-03-20", 20.65, 101.95], ["E2", "2026-03-20", "2026-03-01", 20.65, 101.95],
              ["E3", "2026-03-01", "2026-02-30", 20.65, 101.95]]  # fmt: skip
    records = [["occurrenceID", "eventID", "eventDate", "scientificName"], ["R1", "E1", "2026-03-04", "Sus scrofa"],
               ["R2", "E1", "2026-04-04", "Sus scrofa"]]  # fmt: skip
    _, found = told([("s.xlsx", workbook(occurrences=records, events=events))], boundaries)
    assert found == [
        ("s.xlsx", 3, "eventDate", "RECORD_OUTSIDE_EVENT"),
        ("s.xlsx", 3, "deploymentEnd", "EVENT_ENDS_BEFORE_START"),
        ("s.xlsx", 4, "deploymentEnd", "RECORDED_DATE_INVALID"),
    ]


def test_a_heading_that_may_mean_several_things_waits_for_an_answer(boundaries):
    headings = ["Record ID", "Event", "Date", "Scientific name", "Latitude", "Longitude", "locality"]
    content = workbook(occurrences=[headings, ["R1", None, "2569-03-01", *GOOD[3:]]])
    report, found = told([("s.xlsx", content)], boundaries)
    assert ("s.xlsx", 1, "Date", "HEADING_SEVERAL_MEANINGS") in found
    assert ("s.xlsx", 2, "Date", "RECORDED_DATE_BUDDHIST_ERA") in found, "the cells are looked at all the same"
    assert not report["ok"]
    kept = {"Date": "eventDate", "Event": "eventID"}
    seen = told([("s.xlsx", content)], boundaries, kept=kept)[1]
    assert seen == [("s.xlsx", 2, "Date", "RECORDED_DATE_BUDDHIST_ERA")]


def test_a_heading_tells_the_calendar_and_the_order_of_the_day(boundaries):
    headings = [*PLAIN[:2], "eventDate (dd/mm/yyyy)", *PLAIN[3:]]
    rows = [["R1", "E1", "03/04/2026", *GOOD[3:]], ["R2", "E1", "05/04/2026", *GOOD[3:]]]
    report, found = told([("s.csv", text(headings, *rows).encode())], boundaries, kept={headings[2]: "eventDate"})
    assert {code for *_, code in found} == {"VALUE_READ_AS"}
    assert [p["expected"] for p in report["problems"]] == ["2026-04-03", "2026-04-05"]


def test_feet_in_a_heading_become_metres_and_the_cell_stays(boundaries, tmp_path):
    headings = [*PLAIN, "coordinateUncertaintyInMeters (ft)"]
    content = workbook(occurrences=[headings, [*GOOD, 100]])
    assert told([("s.xlsx", content)], boundaries)[1] == [("s.xlsx", 1, headings[-1], "HEADING_UNIT_CONVERTED")]
    (tmp_path / "s.xlsx").write_bytes(content)
    settings = Settings(data=tmp_path / "data")
    pipeline.ingest("survey", [tmp_path / "s.xlsx"], settings, dataset="one")
    with Lake.open(settings.data) as lake:
        assert lake.read("occurrences")["coordinateUncertaintyInMeters"].to_list() == [pytest.approx(30.48)]
        assert "100" in lake.read("verbatim")["other"][0]


def test_a_survey_in_lao_goes_into_the_lake(tmp_path):
    headings = HEADINGS["lo"]
    events = [[headings[t] for t in ("eventID", "eventDate", "decimalLatitude", "decimalLongitude")],
              ["E1", "2026-03-01", 20.65, 101.95]]  # fmt: skip
    records = [[headings[t] for t in ("occurrenceID", "eventID", "scientificName", "individualCount")],
               ["R1", "E1", "Sus scrofa", 2], ["R2", "E1", "Sus scrofa", "໓"], ["ລວມ", None, None, 5]]  # fmt: skip
    (tmp_path / "lo.xlsx").write_bytes(workbook(**{"ການພົບເຫັນ": records, "ການສຳຫຼວດ": events}))
    options = {f"heading.{term}": headings[term] for term in ("eventDate", "individualCount")}
    settings = Settings(data=tmp_path / "data")
    reports = pipeline.ingest("survey", [tmp_path / "lo.xlsx"], settings, dataset="lo", options=options)
    assert [(report.table, report.stored) for report in reports] == [("events", 1), ("occurrences", 2)]
    with Lake.open(settings.data) as lake:
        read = lake.read("occurrences").sort("occurrenceID")
    assert read.select("individualCount", "eventDate", "decimalLatitude").rows() == [
        (2, "2026-03-01", 20.65), (3, "2026-03-01", 20.65),
    ]  # fmt: skip
    assert read["source_row"].to_list() == [2, 3]
    assert read.schema["individualCount"] == pl.Int64


def test_what_is_likely_meant_is_told(boundaries):
    headings = [*PLAIN, "individualCount", "coordinateUncertaintyInMeters", "countryCode"]
    content = text(headings, [*GOOD, "2 ekor", "0.2 km", "TH"], ["R2", *GOOD[1:], "mấy con", "near the camp", "LA"])
    report, _ = told([("s.csv", content.encode())], boundaries)
    meant = {(p["row"], p["column"]): p["expected"].rpartition("; ")[2] for p in report["problems"]}
    assert meant[2, "individualCount"] == "2 is meant?"
    assert meant[2, "coordinateUncertaintyInMeters"] == "200 is meant?"
    assert meant[2, "countryCode"] == "LA is meant?"
    assert "meant" not in meant[3, "individualCount"] + meant[3, "coordinateUncertaintyInMeters"]


COUNTS = {"event.csv": "eventID,eventDate,samplingProtocol\nE1,2026-03-01,point count\n",
          "occurrence.csv": "occurrenceID,eventID,scientificName\nO1,E1,Muntiacus muntjak\n"}  # fmt: skip


def test_a_text_for_people_to_read_beside_the_tables_of_a_zip_is_passed_over(tmp_path):
    path = tmp_path / "survey.zip"
    path.write_bytes(zip_of(COUNTS))
    alone = forms.recognise([path])
    path.write_bytes(zip_of({**COUNTS, "README.md": "# Our survey, with one word, a comma\n"}))
    assert forms.recognise([path]) == alone


def test_what_stands_beside_darwin_core_and_patrols_decides_nothing(tmp_path):
    description = "<eml><dataset><title>Point counts</title></dataset></eml>"
    patrol = {"a/b/p1.xml": '<patrol id="p"/>', "a/README.txt": "Read me, please", "__MACOSX/a/._p1.xml": "x"}
    for members, form in (({**COUNTS, "eml.xml": description}, "dwca"), (patrol, "smart")):
        path = tmp_path / f"{form}.zip"
        path.write_bytes(zip_of(members))
        assert forms.recognise([path]) == form
    told = pipeline.ingest("dwca", [tmp_path / "dwca.zip"], Settings(data=tmp_path / "data"), dataset="counts")
    assert [(one.table, one.stored) for one in told] == [("events", 1), ("occurrences", 1)]
