"""What was left out of a survey's scope, and answers that are neither yes nor no: kept, told, and never taken for absence."""

from datetime import date

import polars as pl
import pytest

from biodata import places
from biodata.analysis.surveys.joining import join, looked_for
from biodata.harmonise import events as event_scope
from biodata.surveys.check import check_files
from survey_worlds import event, events, record, records

HEAD = "eventID,design,eventDate,targetTaxonomicScope,excludedTaxonomicScope,isAbsenceReported,decimalLatitude,decimalLongitude,countryCode\n"


def read(**cells):
    found = event_scope.interpret_scope(pl.DataFrame({name: [cell] for name, cell in cells.items()}))
    return {name: column[0] for name, column in found.columns.items()}, {n for n, m in found.flags.items() if m[0]}


def test_the_excluded_taxa_are_kept():
    told, flags = read(
        targetTaxonomicScope="Mammalia", excludedTaxonomicScope="Chiroptera | Rodentia", isAbsenceReported="yes"
    )
    assert told["excludedTaxonomicScope"].to_list() == ["Chiroptera", "Rodentia"]
    assert (told["isAbsenceReported"], flags) == (True, set())


@pytest.mark.parametrize(("answer", "absence", "flags"), [
    ("maybe", False, {"ABSENCE_REPORT_INVALID"}), ("yes", True, set()), ("no", False, set()), (None, None, set()),
])  # fmt: skip
def test_an_answer_that_is_neither_yes_nor_no_reports_no_absence(answer, absence, flags):
    cells = {"targetTaxonomicScope": "Mammalia", "isAbsenceReported": answer}
    told, found = read(**cells) if answer else read(targetTaxonomicScope="Mammalia")
    assert (told["isAbsenceReported"], found) == (absence, flags)


def test_the_check_tells_it_in_its_cell():
    text = f"{HEAD}E1,camera_trap,2026-05-01/2026-05-31,Mammalia,Chiroptera,maybe,20.81,101.70,LA\n"
    rows = "occurrenceID,eventID,eventDate,scientificName\nR1,E1,2026-05-04,Sus scrofa\n"
    report = check_files(
        [("events.csv", text.encode()), ("records.csv", rows.encode())],
        places.load_boundaries(),
        today=date(2026, 11, 24),
    )
    assert report["ok"]
    found = [(p["row"], p["column"], p["code"]) for p in report["problems"]]
    assert found == [(2, "isAbsenceReported", "ABSENCE_REPORT_INVALID")]


def test_an_event_that_left_deer_out_has_not_looked_for_them():
    told = events(
        event("a"), event("b", excludedTaxonomicScope=["Cervidae"]), event("c", excludedTaxonomicScope=["Chiroptera"])
    )
    joined = join(told, records(record("a", "2026-01-03T06:00:00")))
    found, left_out = looked_for(joined, "Muntiacus vaginalis")
    assert sorted(found["eventID"]) == ["a", "c"]
    assert left_out == {"outside its scope": 1}
