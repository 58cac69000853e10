"""Accepted proposals: what is proposed stands in the place of a cell, and what was written stays verbatim."""

import csv
import io

import openpyxl
import polars as pl
import pytest

from biodata import places
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.ingest import interpreted_tables
from biodata.pipeline import ingest
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.store.survey_steps import accepted_of, decided
from biodata.surveys import accepting, check
from biodata.surveys.marked_workbooks import marked
from sheets import book_of, bytes_of

HEADINGS = ["occurrenceID", "eventDate", "scientificName", "individualCount", "decimalLatitude", "decimalLongitude",
            "countryCode"]  # fmt: skip
ROWS = [
    ["a1", "2026-01-02", "tiger", "1", "20.9", "101.4", "LA"],
    ["a2", "2026-01-02", "Rusa unicolor", "1", "101.4", "20.9", "LA"],
    ["a3", "2026-01-02", "Rusa unicolor", "1", "20.9, 101.4", "", "LA"],
    ["a4", "2026-01-02", "Rusa unicolor", "2O", "20.9", "101.4", "LA"],
]
CODES = ("NAME_COMMON", "PRESUMED_SWAPPED_COORDINATE", "COORDINATES_IN_ONE_CELL", "INDIVIDUAL_COUNT_INVALID")


def looked_at(accepted=(), target=None, rows=ROWS):
    text = io.StringIO()
    csv.writer(text).writerows([HEADINGS, *rows])
    return check(
        io.BytesIO(text.getvalue().encode()), "sheet.csv", places.load_boundaries(), accepted=accepted, target=target
    )


def test_each_kind_is_one_group_that_says_how_many_can_be_accepted():
    report = looked_at()
    groups = {group["code"]: group for group in report["groups"]}
    assert not report["ok"]
    assert report["accepted"] == 0
    assert {code: groups[code]["proposals"] for code in CODES} == dict.fromkeys(CODES, 1)
    found = [group["blocking"] for group in report["groups"]]
    assert found == sorted((g["blocking"] for g in report["groups"]), reverse=True)
    assert sum(group["rows"] for group in report["groups"]) == len(report["problems"])


def test_what_is_accepted_blocks_no_more_and_is_told():
    report = looked_at(CODES)
    assert report["ok"]
    assert report["accepted"] == 6
    read = {
        (p["row"], p["column"]): (p["value"], p["expected"]) for p in report["problems"] if p["code"] == "VALUE_READ_AS"
    }
    assert read == {
        (2, "scientificName"): ("tiger", "Panthera tigris"),
        (3, "decimalLatitude"): ("101.4", "20.9"),
        (3, "decimalLongitude"): ("20.9", "101.4"),
        (4, "decimalLatitude"): ("20.9, 101.4", "20.9"),
        (4, "decimalLongitude"): (None, "101.4"),
        (5, "individualCount"): ("2O", "2"),
    }


@pytest.mark.parametrize(
    ("accepted", "taken"), [(("INDIVIDUAL_COUNT_INVALID=2O",), 1), (("INDIVIDUAL_COUNT_INVALID=3O",), 0)]
)
def test_one_text_alone_can_be_accepted(accepted, taken):
    assert looked_at(accepted)["accepted"] == taken


def test_two_likely_meanings_are_never_taken():
    report = looked_at(
        ("EVENT_DATE_AMBIGUOUS", "RECORDED_DATE_INVALID"),
        rows=[["a1", "1 or 2 May 2026", *ROWS[1][2:4], "20.9", "101.4", "LA"]],
    )
    assert report["accepted"] == 0


def test_what_was_written_stays_verbatim_in_the_lake_and_a_checklist_leaves_what_was_accepted(tmp_path):
    taken = tmp_path / "sheet.taken"
    assert looked_at(CODES, taken)["ok"]
    assert [table.kind for table in interpreted_tables.read(taken, dataset="d")] == ["occurrences"]
    settings = Settings(data=tmp_path / "data", memory_limit="500MB")
    ingest("survey", taken, settings, dataset="d", part="one")
    names = ["occurrenceID", "scientificName", "individualCount", "decimalLatitude", "decimalLongitude",
             "quality_flags"]  # fmt: skip
    with Lake.open(settings.data) as lake:
        read = lake.read("occurrences", columns=names).sort("occurrenceID")
        written = lake.read("verbatim", columns=["v_occurrenceID", *(f"v_{name}" for name in HEADINGS[2:6])]).sort(
            "v_occurrenceID"
        )
    assert read["scientificName"].to_list() == ["Panthera tigris", *["Rusa unicolor"] * 3]
    assert read["individualCount"].to_list() == [1, 1, 1, 2]
    assert set(read["decimalLatitude"]) == {20.9}
    assert set(read["decimalLongitude"]) == {101.4}
    assert read["quality_flags"].list.contains("PROPOSAL_ACCEPTED").all()
    assert written.drop("v_occurrenceID").rows() == [tuple(cell or None for cell in row[2:6]) for row in ROWS]
    checklist = tmp_path / "names.csv"
    pl.DataFrame({"taxonID": ["1"], "scientificName": ["Panthera tigris"], "taxonRank": ["species"]}).write_csv(
        checklist
    )
    ingest("checklist", checklist, settings)
    with Lake.open(settings.data) as lake:
        again = lake.read("occurrences", columns=names).sort("occurrenceID")
    assert again["scientificName"].to_list() == read["scientificName"].to_list()


def test_what_was_accepted_for_a_dataset_is_remembered(tmp_path):
    with Registry.open(Settings(data=tmp_path / "data")) as registry:
        with registry.session() as session, session.begin():
            accepting.remember(session, "d", ["NAME_COMMON", "NAME_COMMON", "COUNT=2O"], account_id=None)
            accepting.remember(session, "d", ["heading.X=sex", "heading.X=habitat", "heading.A=B="], account_id=None)
            for other in ("whatever", "heading.X=latitude", "heading.X", "heading.=sex"):
                with pytest.raises(InputError, match="no kind of proposal"):
                    accepting.remember(session, "d", [other], account_id=None)
        assert accepted_of(registry, "d") == ["COUNT=2O", "NAME_COMMON", "heading.A=B=", "heading.X=habitat"]
        assert decided(accepted_of(registry, "d")) == {"A=B": "", "X": "habitat"}
        assert accepted_of(registry, "other") == []


def test_what_is_marked_in_the_marked_workbook_is_accepted_when_it_is_sent_again():
    text = io.StringIO()
    csv.writer(text).writerows([HEADINGS, *ROWS])
    report = looked_at()
    book = openpyxl.load_workbook(io.BytesIO(marked(text.getvalue().encode(), report, language="lo")))
    listed = book.worksheets[0]
    for cells in listed.iter_rows(min_row=2):
        if cells[5].value in CODES[:3]:
            cells[9].value = "x"
    again = check(io.BytesIO(bytes_of(book)), "marked.xlsx", places.load_boundaries())
    assert again["accepted"] == 5
    assert {one.partition("=")[0] for one in again["accepts"]} == set(CODES[:3])
    assert again["ok"]
    assert CODES[3] in {p["code"] for p in again["problems"]}


def test_an_ingest_for_the_dataset_uses_what_was_decided(tmp_path):
    head = ["ລະຫັດບັນທຶກ", "ຈຸດໝາຍ", "ຊື່ວິທະຍາສາດ", "ລະຕິຈູດ", "ລອງຈິຈູດ", "ວັນທີສຳຫຼວດ"]
    path = tmp_path / "survey.xlsx"
    book_of({"Sheet": [head, ["1", "S-1", "Muntiacus muntjak", 21.05, 101.2, "2026-03-01"]]}).save(path)
    settings = Settings(data=tmp_path / "data")
    with Registry.open(settings) as registry, registry.session() as session, session.begin():
        accepting.remember(session, "namha", ["heading.ຈຸດໝາຍ=locationID"], account_id=None)
    ingest("survey", [path], settings, dataset="namha")
    with Lake.open(settings.data) as lake:
        kept = lake.read("verbatim")
    assert kept["v_locationID"].to_list() == ["S-1"]
    assert kept["v_decimalLatitude"].to_list() == ["21.05"]
