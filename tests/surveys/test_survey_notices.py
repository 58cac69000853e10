"""What a survey's team is told beside faults: names that make a station coarse, and why; and who else reads of it."""

import io

import openpyxl
import pytest

import releases as fixture
from biodata import surveys
from biodata.core.vocabularies import SharingCategory
from biodata.sharing import Rule, RuleSet
from biodata.surveys import notices, problems
from biodata.surveys.designs import DESIGNS
from biodata.surveys.templates import template

BOUNDARIES = fixture.neighbours()


def filled(*rows, scope="Mammalia|Galliformes"):
    """Return a camera trap template with events E1 and E2, and records of (event, name)."""
    book = openpyxl.load_workbook(io.BytesIO(template("camera_trap")))
    for n in (1, 2):
        book["sites"].append([f"S{n}", None, f"20.6{n}", "101.25", "10", "LA", None, "LA", "+07:00"])
        book["events"].append(
            [f"E{n}", f"S{n}", "camera trap", "2026-03-01T12:00", "2026-03-31T12:00", f"C{n}", *[None] * 4, scope, "yes", None]
        )  # fmt: skip
    for n, (event, name) in enumerate(rows, start=1):
        book["occurrences"].append([f"R{n}", event, f"2026-03-{n + 9}", "06:42", name, "1", None, None, None, None])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def told(content, **options):
    return surveys.check_files([("s.xlsx", content)], BOUNDARIES, licence="CC BY 4.0", **options)


ROWS = [("E1", "Nomascus concolor"), ("E1", "Sus scrofa"), ("E2", "Sus scrofa"), ("E2", "Muntiacus sp.")]


@pytest.fixture(scope="module")
def report():
    return told(filled(*ROWS))


def test_names_that_make_a_station_coarse_are_told_with_their_reason_and_are_no_fault(report):
    assert (report["ok"], report["warnings"]) == (True, 0)
    found = {one["name"]: one for one in report["notices"] if one["name"]}
    assert found.keys() == {"Nomascus concolor", "Muntiacus sp."}
    gibbon, deer = found["Nomascus concolor"], found["Muntiacus sp."]
    assert (gibbon["code"], gibbon["sure"], gibbon["events"]) == ("NAME_PUBLISHED_COARSE", True, ["E1"])
    assert gibbon["others"] == 0, "the boar of its event stays as it is"
    assert gibbon["expected"].endswith("; biodata default list can change that"), "beside why, who can change it"
    assert (gibbon["rows"], gibbon["category"]) == ([3], "0_1_degree")
    assert "0.1°" in gibbon["message"]
    assert (deer["code"], deer["sure"], deer["events"], deer["rows"]) == ("NAME_MAY_BE_SENSITIVE", False, ["E2"], [6])
    assert deer["may_mean"][0].startswith("Muntiacus ")
    assert ", …" in deer["message"]
    assert "biodata " not in deer["expected"], "a ranger on the page has no command line"


def test_records_at_fewer_than_ten_places_wait(report):
    """A camera's places are shown, so that a sensitive record hides among ten of them, or waits."""
    (waits,) = [one for one in report["notices"] if one["code"] == "RECORDS_WAIT"]
    assert waits["message"].startswith("waits: 2 of 10 places; records of sensitive species: 2.")


def test_what_is_withheld_and_what_the_scope_leaves_open_is_told():
    rules = RuleSet.of([Rule("pigs", SharingCategory.WITHHELD, "hunted", scientific_name="Sus scrofa")])
    report = told(filled(("E1", "Sus scrofa"), ("E2", "Gallus gallus"), scope="Mammalia|Mamalla"), rules=rules)
    assert [(one["code"], one["name"]) for one in report["notices"]] == [
        ("NAME_WITHHELD", "Sus scrofa"), ("SCOPE_WORD_UNKNOWN", "Mamalla"),
    ]  # fmt: skip
    assert "hunted" not in str(report["notices"]), "of a record that is not published nobody is told why"
    unplaced = told(filled(("E1", "Ignotus yus")), rules=rules)["notices"]
    assert ("SCOPE_TAXON_UNPLACED", "Ignotus yus") in {(one["code"], one["name"]) for one in unplaced}


def test_of_a_genus_the_listed_ones_of_it_are_named_of_a_class_none_and_of_an_unknown_name_that_no_list_has_it():
    notices = told(filled(("E1", "Lophura sp."), ("E1", "Aves"), ("E2", "Wrongus namus")))["notices"]
    found = {one["name"]: one for one in notices if one["code"].startswith("NAME_")}
    assert found["Lophura sp."]["may_mean"] == ["Lophura edwardsi", "Lophura hatinhensis"]
    assert "Aves" not in found
    assert (found["Wrongus namus"]["code"], found["Wrongus namus"]["may_mean"]) == ("NAME_UNKNOWN", [])
    assert "no list of names" in found["Wrongus namus"]["message"]


def test_records_without_a_name_are_told_as_such():
    notice, waits = told(filled(("E1", None)))["notices"]
    assert waits["code"] == "RECORDS_WAIT"
    assert (notice["code"], notice["name"], notice["events"]) == ("NAME_EMPTY", "", ["E1"])
    assert "…" not in notice["message"]


def test_problems_stand_in_the_order_of_the_workbook():
    book = openpyxl.load_workbook(io.BytesIO(filled(("E1", None), ("E9", "Sus scrofa"))))
    for sheet, row, column in (("sites", 2, 3), ("events", 3, 4), ("events", 2, 5), ("events", 2, 4)):
        book[sheet].cell(row, column).value = "x"
    out = io.BytesIO()
    book.save(out)
    found = [(p["sheet"], p["row"], p["column"]) for p in told(out.getvalue())["problems"]]
    sheets = {name: at for at, name in enumerate(book.sheetnames)}
    headings = {s.title: {cell.value: at for at, cell in enumerate(s[1])} for s in book}
    places = [(sheets[sheet], row or 0, headings[sheet].get(column, -1)) for sheet, row, column in found]
    assert places == sorted(places)
    assert len({sheet for sheet, *_ in found}) > 1


def test_notices_are_told_in_the_team_s_language():
    gibbon, _ = told(filled(ROWS[0]), language="lo")["notices"]
    assert "Nomascus concolor" in gibbon["message"]
    assert "0.1°" in gibbon["message"]
    assert "sensitive" not in gibbon["message"]


def test_nothing_of_it_is_kept_where_the_service_reads(report):
    kept = problems.kept(report)
    assert "notices" not in kept
    assert "Nomascus" not in str(kept)


def test_the_example_of_every_template_is_open_in_every_rule():
    asked = [one for design in DESIGNS.values() for one in design.sheets["occurrences"]]
    names = [one.example for one in asked if one.term == "scientificName"]
    assert len(names) == len(DESIGNS)
    assert told(filled(*(("E1", name) for name in names)))["notices"] == []


def test_of_many_notices_alike_the_first_are_stated_and_the_others_are_counted():
    alike = [_entry("NAME_PUBLISHED_COARSE", f"Name {n}") for n in range(20)]
    stated = notices.sentences([*alike, _entry("LICENSE_MISSING", "license")])
    assert len(stated) == 7
    assert (
        stated[5]
        == "15 more like these: Name 5, Name 6, Name 7, Name 8, Name 9, Name 10, Name 11, Name 12, Name 13, Name 14, …"
    )
    assert notices.sentences(alike[:6], "vi")[-1] == "còn 1 mục nữa giống vậy: Name 5"


def _entry(code: str, name: str) -> dict[str, object]:
    return {"code": code, "category": None, "name": name, "message": name, "expected": "nothing"}
