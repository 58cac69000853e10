"""What an upload would change, against what a person sees by laying the two files side by side."""

import io
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from biodata import pipeline
from biodata.settings import Settings
from biodata.surveys.difference import Corrected, difference
from biodata.surveys.shown_cells import tell_nothing

RECORDS = ["occurrenceID", "eventID", "scientificName", "individualCount", "sex"]
EVENTS = ["eventID", "eventDate", "decimalLatitude", "decimalLongitude", "locationID"]
FIRST_EVENTS = [
    ["E1", "2026-03-01", 21.05, 101.2, "site 1"],
    ["E2", "2026-03-02", 21.06, 101.3, "site 2"],
    ["E3", "2026-03-03", 21.07, 101.4, "site 3"],
]
FIRST = [
    ["NH-1", "E1", "Muntiacus muntjak", 1, "male"],
    ["NH-2", "E1", "Muntiacus muntjak", 2, None],
    ["NH-3", "E2", "Elephas maximus", 4, None],
    ["NH-4", "E2", "Rusa unicolor", 1, None],
    ["NH-5", "E3", "Sus scrofa", 3, None],
    ["NH-6", "E3", "Macaca mulatta", 7, None],
]


def save(path: Path, records, events, headings=RECORDS) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in (("events", [EVENTS, *events]), ("occurrences", [headings, *records])):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    path.write_bytes(content.getvalue())
    return path


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("difference")
    settings = Settings(data=folder / "data", memory_limit="500MB")
    pipeline.ingest("survey", [save(folder / "first.xlsx", FIRST, FIRST_EVENTS)], settings, dataset="nam-ha")
    return settings


def test_the_same_file_changes_nothing(settings, tmp_path):
    found = difference([save(tmp_path / "again.xlsx", FIRST, FIRST_EVENTS)], "nam-ha", settings)
    assert found.occurrences.counts() == {"new": 0, "changed": 0, "renamed": 0, "gone": 0, "unchanged": 6}
    assert found.events.counts() == {"new": 0, "changed": 0, "renamed": 0, "gone": 0, "unchanged": 3}


def test_another_order_of_rows_and_columns_changes_nothing(settings, tmp_path):
    turned = [RECORDS[i] for i in (2, 0, 1, 4, 3)]
    rows = [[row[i] for i in (2, 0, 1, 4, 3)] for row in reversed(FIRST)]
    found = difference([save(tmp_path / "t.xlsx", rows, FIRST_EVENTS[::-1], turned)], "nam-ha", settings)
    assert found.occurrences.counts()["unchanged"] == 6
    assert found.events.counts()["unchanged"] == 3


def test_each_kind_of_change_is_told_in_its_cell(settings, tmp_path):
    records = [
        FIRST[0],
        ["NH-2", "E1", "Muntiacus muntjak", 3, "female"],  # two cells changed
        FIRST[2],
        ["NH-04", "E2", "Rusa unicolor", 1, None],  # another identifier, all else as it was
        ["NH-7", "E3", "Sus scrofa", 9, None],  # new; NH-5 and NH-6 are gone
    ]
    found = difference([save(tmp_path / "s.xlsx", records, FIRST_EVENTS)], "nam-ha", settings, complete=True)
    assert found.occurrences.counts() == {"new": 1, "changed": 1, "renamed": 1, "gone": 2, "unchanged": 2}
    told = found.as_dict()["occurrences"]
    assert told["changed"] == [
        {
            "identifier": "NH-2",
            "sheet": "occurrences",
            "row": 3,
            "column": "individualCount",
            "before": "2",
            "after": "3",
        },
        {"identifier": "NH-2", "sheet": "occurrences", "row": 3, "column": "sex", "before": None, "after": "female"},
    ]
    assert [(r["before"], r["identifier"], r["row"]) for r in told["renamed"]] == [("NH-4", "NH-04", 5)]
    assert [r["identifier"] for r in told["new"]] == ["NH-7"]
    assert [r["before"] for r in told["gone"]] == ["NH-5", "NH-6"]


def test_a_renamed_event_is_recognised_with_its_records(settings, tmp_path):
    events = [FIRST_EVENTS[0], ["NAMHA-E2", *FIRST_EVENTS[1][1:]], FIRST_EVENTS[2]]
    records = [[*row[:1], row[1].replace("E2", "NAMHA-E2"), *row[2:]] for row in FIRST]
    found = difference([save(tmp_path / "s.xlsx", records, events)], "nam-ha", settings)
    assert found.events.counts() == {"new": 0, "changed": 0, "renamed": 1, "gone": 0, "unchanged": 2}
    assert found.occurrences.counts() == {"new": 0, "changed": 0, "renamed": 2, "gone": 0, "unchanged": 4}
    assert found.occurrences.cells.is_empty()


def test_every_identifier_renamed_at_once(settings, tmp_path):
    records = [[f"2026/{row[0]}", f"2026/{row[1]}", *row[2:]] for row in FIRST]
    events = [[f"2026/{row[0]}", *row[1:]] for row in FIRST_EVENTS]
    found = difference([save(tmp_path / "s.xlsx", records, events)], "nam-ha", settings)
    assert found.events.counts()["renamed"] == 3
    assert found.occurrences.counts() == {"new": 0, "changed": 0, "renamed": 6, "gone": 0, "unchanged": 0}


def test_renamed_and_changed_is_new_and_lacking(settings, tmp_path):
    records = [*FIRST[:5], ["NH-60", "E3", "Macaca mulatta", 8, None]]
    found = difference([save(tmp_path / "s.xlsx", records, FIRST_EVENTS)], "nam-ha", settings)
    assert found.occurrences.counts() == {"new": 1, "changed": 0, "renamed": 0, "gone": 0, "unchanged": 5}
    assert (found.occurrences.lacking, found.events.lacking) == (1, 0), "which stays"


def test_rows_that_are_alike_are_renamed_only_where_as_many_were_so(tmp_path):
    settings = Settings(data=tmp_path / "data", memory_limit="500MB")
    twins = [[f"T-{n}", "E1", "Muntiacus muntjak", 1, None] for n in range(3)]
    pipeline.ingest("survey", [save(tmp_path / "a.xlsx", twins, FIRST_EVENTS)], settings, dataset="d")
    same = [[f"U-{n}", *row[1:]] for n, row in enumerate(twins)]
    found = difference([save(tmp_path / "b.xlsx", same, FIRST_EVENTS)], "d", settings)
    assert found.occurrences.counts()["renamed"] == 3
    found = difference([save(tmp_path / "c.xlsx", same[:2], FIRST_EVENTS)], "d", settings)
    assert found.occurrences.counts() == {"new": 2, "changed": 0, "renamed": 0, "gone": 0, "unchanged": 0}
    assert found.occurrences.lacking == 3


def test_of_a_corrected_survey_go_its_rows_alone_and_no_event_that_others_belong_to(settings, tmp_path):
    rows = {"events": pl.Series(["E1", "E2", "E3"]), "occurrences": pl.Series(["NH-1", "NH-2", "NH-3", "NH-4", "NH-5"])}
    file = save(tmp_path / "s.xlsx", FIRST[:2], FIRST_EVENTS[:1])
    found = difference([file], "nam-ha", settings, of=lambda _: Corrected(7, rows))
    assert (found.corrects, found.occurrences.gone(), found.events.gone()) == (7, ["NH-3", "NH-4", "NH-5"], ["E2"])
    assert found.occurrences.lacking == 0


def test_a_dataset_that_is_not_there_yet_is_all_new(settings, tmp_path):
    found = difference([save(tmp_path / "s.xlsx", FIRST, FIRST_EVENTS)], "another", settings)
    assert (found.occurrences.counts()["new"], found.events.counts()["new"]) == (6, 3)


def test_without_values_nothing_is_told_of_any_cell(settings, tmp_path):
    records = [["NH-1", "E1", "Panthera tigris", 42, "SECRET"], ["NEW-ID", "E1", "Panthera tigris", 43, "SECRET"]]
    found = difference([save(tmp_path / "s.xlsx", records, FIRST_EVENTS)], "nam-ha", settings)
    told = str(found.as_dict(values=False))
    for value in ("SECRET", "Panthera", "NEW-ID", "NH-", "Elephas", "21.0"):
        assert value not in told
    changed = {one["column"]: one for one in found.as_dict(values=False)["occurrences"]["changed"]}
    # A count tells no place and no taxon; a name does, and a word that the column does not know may.
    assert changed["individualCount"] == {
        "sheet": "occurrences", "row": 2, "column": "individualCount", "before": "1", "after": "42", "shown": True,
    }  # fmt: skip
    assert {changed[column]["after"] for column in ("scientificName", "sex")} == {None}


@pytest.mark.parametrize(
    ("column", "before", "after", "shown"),
    [
        pytest.param("individualCount", None, "3", True, id="a count"),
        pytest.param("individualCount", "3", "21.0512", False, id="a latitude below the heading of counts"),
        pytest.param("individualCount", "3", "21.1", False, id="a latitude to a tenth below the heading of counts"),
        pytest.param("sampleSizeValue", "30", "29.5", False, id="an effort, which would know a coarse station again"),
        pytest.param("sex", "male", "雌", True, id="a word in two languages"),
        pytest.param("sex", "male", "Ban Nam Ha", False, id="a village below the heading of sex"),
        pytest.param("decimalLatitude", "21", "22", False, id="a place"),
        pytest.param("scientificName", "Panthera tigris", "Panthera pardus", False, id="a taxon"),
    ],
)
def test_only_what_tells_no_place_and_no_taxon_is_shown(column, before, after, shown):
    cells = pl.DataFrame(
        {"column": [column], "before": [before], "after": [after]}, schema_overrides={"before": pl.String}
    )
    assert tell_nothing(cells).to_list() == [shown]
