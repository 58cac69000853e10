"""What a new version of a part would change, against what a person sees by laying the two files side by side."""

import polars as pl
import pytest

from biodata import pipeline
from biodata.core.settings import Settings
from biodata.surveys.difference import as_dict, compare, difference, shown_to_all
from case_tables import cases
from survey_versions import FIRST, FIRST_EVENTS, RECORDS, save


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("difference")
    settings = Settings(data=folder / "data", memory_limit="500MB")
    pipeline.ingest(
        "survey", [save(folder / "first.xlsx", FIRST, FIRST_EVENTS)], settings, dataset="nam-ha", part="March"
    )
    return settings


def test_the_same_file_changes_nothing(settings, tmp_path):
    found = difference([save(tmp_path / "again.xlsx", FIRST, FIRST_EVENTS)], "nam-ha", "March", settings)
    assert found["occurrences"].counts() == {"new": 0, "changed": 0, "gone": 0, "unchanged": 6}
    assert found["events"].counts() == {"new": 0, "changed": 0, "gone": 0, "unchanged": 3}


def test_another_order_of_rows_and_columns_changes_nothing(settings, tmp_path):
    turned = [RECORDS[i] for i in (2, 0, 1, 4, 3)]
    rows = [[row[i] for i in (2, 0, 1, 4, 3)] for row in reversed(FIRST)]
    found = difference([save(tmp_path / "t.xlsx", rows, FIRST_EVENTS[::-1], turned)], "nam-ha", "March", settings)
    assert found["occurrences"].counts()["unchanged"] == 6
    assert found["events"].counts()["unchanged"] == 3


def test_each_kind_of_change_is_told_in_its_cell(settings, tmp_path):
    records = [
        FIRST[0],
        ["NH-2", "E1", "Muntiacus muntjak", 3, "female"],  # two cells changed
        FIRST[2],
        ["NH-04", "E2", "Rusa unicolor", 1, None],  # another identifier is another row
        ["NH-7", "E3", "Sus scrofa", 9, None],  # new; NH-5 and NH-6 are gone
    ]
    found = difference([save(tmp_path / "s.xlsx", records, FIRST_EVENTS)], "nam-ha", "March", settings)
    assert found["occurrences"].counts() == {"new": 2, "changed": 1, "gone": 3, "unchanged": 2}
    told = found["occurrences"].as_dict()
    assert told["changed"] == [
        {"identifier": "NH-2", "sheet": "occurrences", "row": 3, "column": "individualCount", "before": "2",
         "after": "3"},
        {"identifier": "NH-2", "sheet": "occurrences", "row": 3, "column": "sex", "before": None, "after": "female"},
    ]  # fmt: skip
    assert [(r["identifier"], r["row"]) for r in told["new"]] == [("NH-04", 5), ("NH-7", 6)]
    assert [(r["identifier"], r["was_row"]) for r in told["gone"]] == [("NH-4", 5), ("NH-5", 6), ("NH-6", 7)]
    assert told["all_told"]


def test_another_part_of_the_dataset_is_compared_with_nothing_of_this_one(settings, tmp_path):
    found = difference([save(tmp_path / "s.xlsx", FIRST, FIRST_EVENTS)], "nam-ha", "April", settings)
    assert (found["occurrences"].counts()["new"], found["occurrences"].counts()["gone"]) == (6, 0)


def test_the_first_thousand_rows_are_told_and_that_there_are_more():
    had = pl.DataFrame({"identifier": [f"N-{n}" for n in range(1_001)], "sheet": "s", "row": range(2, 1_003)})
    told = compare(had, had.clear()).as_dict()
    assert (told["counts"]["gone"], len(told["gone"]), told["all_told"]) == (1_001, 1_000, False)
    assert len(compare(had, had.clear()).as_dict(most=None)["gone"]) == 1_001


def test_of_what_goes_only_what_the_map_tells_is_told_without_values():
    had = pl.DataFrame({"identifier": ["open", "hidden"], "sheet": ["21.05, 101.2", "records"], "row": [2, 3]})
    told = compare(had, had.clear(), shown=["open"]).as_dict(values=False)["gone"]
    assert told == [
        {"was_sheet": None, "was_row": 2, "identifier": "open"},
        {"was_sheet": "records", "was_row": 3, "identifier": None},
    ]


def test_a_dataset_that_is_not_there_yet_is_all_new(settings, tmp_path):
    found = difference([save(tmp_path / "s.xlsx", FIRST, FIRST_EVENTS)], "another", "March", settings)
    assert (found["occurrences"].counts()["new"], found["events"].counts()["new"]) == (6, 3)


def test_without_values_nothing_is_told_of_any_cell(settings, tmp_path):
    records = [["NH-1", "E1", "Panthera tigris", 42, "SECRET"], ["NEW-ID", "E1", "Panthera tigris", 43, "SECRET"]]
    found = difference([save(tmp_path / "s.xlsx", records, FIRST_EVENTS)], "nam-ha", "March", settings)
    told = str(as_dict(found, values=False))
    for value in ("SECRET", "Panthera", "NEW-ID", "NH-", "Elephas", "21.0"):
        assert value not in told
    changed = {one["column"]: one for one in as_dict(found, values=False)["occurrences"]["changed"]}
    # A count tells no place and no taxon; a name does, and a word that the column does not know may.
    assert changed["individualCount"] == {"sheet": "occurrences", "row": 2, "column": "individualCount", "before": "1",
                                          "after": "42", "shown": True}  # fmt: skip
    assert {changed[column]["after"] for column in ("scientificName", "sex")} == {None}


@pytest.mark.parametrize(
    ("column", "before", "after", "shown"),
    cases("survey_difference", "test_only_what_tells_no_place_and_no_taxon_is_shown"),
)
def test_only_what_tells_no_place_and_no_taxon_is_shown(column, before, after, shown):
    cells = pl.DataFrame(
        {"column": [column], "before": [before], "after": [after]}, schema_overrides={"before": pl.String}
    )
    assert shown_to_all(cells).to_list() == [shown]
