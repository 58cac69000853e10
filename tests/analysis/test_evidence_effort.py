"""Effort: where a species was looked for, where people were without recording it, and where nobody was."""

from datetime import date

import polars as pl
import pytest
import shapely

from biodata import sharing
from biodata.analysis import evidence
from biodata.analysis.evidence.effort import EVENTS, STATES, Effort
from biodata.core.vocabularies import SharingCategory
from evidence_rows import GIBBON, count, gibbon, mammal, records
from landscapes import halves, local, square_grid

REGION = local(shapely.box(-9_500, -4_500, 9_500, 4_500))


def look(*rows, species: str = GIBBON, events=None, **changes) -> Effort:
    return evidence.effort(count(records(*rows), **changes), species, grid=square_grid(10_000, 1000.0),
                           boundaries=halves(), region=REGION, events=events, strictest=lambda _: SharingCategory.OPEN)  # fmt: skip


def cell(found: Effort, x: float, y: float = 500.0) -> dict[str, object]:
    (longitude, latitude) = local(shapely.Point(x, y)).coords[0]
    row, column = (int(part[0]) for part in found.grid.cells_at([longitude], [latitude]))
    return found.cells.row(by_predicate=(pl.col("row") == row) & (pl.col("column") == column), named=True)


def test_cells_are_told_apart_by_what_was_done_in_them():
    found = look(gibbon(-5500.0), mammal(-3500.0), mammal(4500.0))
    assert [cell(found, x)["state"] for x in (-5500.0, -3500.0, 4500.0, -7500.0)] == [
        "effort with the species", "effort without the species", "effort without the species", "no effort",
    ]  # fmt: skip
    assert found.by_side() == {
        "LA": {STATES[0]: 1, STATES[1]: 1, STATES[2]: 98},
        "VN": {STATES[0]: 0, STATES[1]: 1, STATES[2]: 99},
    }
    assert cell(found, -5500.0)["counting"] == 1


@pytest.mark.parametrize("change", [
    pytest.param({"class": "Aves"}, id="of another class"),
    pytest.param({"basisOfRecord": "PRESERVED_SPECIMEN"}, id="on another basis"),
    pytest.param({"event_start": date(1999, 1, 1)}, id="long ago"),
    pytest.param({"coordinateUncertaintyInMeters": None}, id="anywhere"),
    pytest.param({"quality_flags": ["AT_INSTITUTION"]}, id="in a museum"),
])  # fmt: skip
def test_other_records_are_no_effort(change):
    found = look(gibbon(-5500.0), mammal(4500.0, **change))
    assert cell(found, 4500.0)["state"] == "no effort"


def test_visits_are_distinct_days_places_and_recorders():
    day = {"event_start": date(2024, 5, 1), "recordedBy": "a"}
    group = [mammal(4500.0, **day), mammal(4500.0, **day, species="Macaca mulatta"), mammal(4500.0, **day),
             mammal(4500.0, **(day | {"recordedBy": "b"})), mammal(4500.0, 900.0, **day),
             mammal(4500.0, **(day | {"event_start": date(2024, 5, 2)}))]  # fmt: skip
    found = look(gibbon(-5500.0), *group)
    assert cell(found, 4500.0)["visits"] == 4
    assert cell(found, 4500.0)["records"] == 0


def event(x: float, scope: list[str] | None, nights: int = 10, excluded: list[str] | None = None) -> dict[str, object]:
    longitude, latitude = local(shapely.Point(x, 500.0)).coords[0]
    last = date(2024, 5, 1 + nights)
    return dict(zip(EVENTS, (f"e{x}", longitude, latitude, date(2024, 5, 1), last, scope, excluded), strict=True))


def test_what_a_scope_leaves_out_was_not_looked_for():
    scope = ["Mammalia"]
    rows = [
        event(1500.0, scope, excluded=["Primates"]),
        event(3500.0, scope, excluded=["Chiroptera"]),
        event(5500.0, scope),
    ]
    found = look(gibbon(-5500.0), mammal(2500.0), events=pl.DataFrame(rows, schema=EVENTS))
    assert [cell(found, x)["looked_for"] for x in (1500.0, 3500.0, 5500.0)] == [0, 1, 1]


def test_absence_is_told_only_inside_a_declared_scope():
    events = pl.DataFrame(
        [event(1500.0, ["Mammalia"]), event(3500.0, ["Aves"]), event(5500.0, None), event(7500.0, [GIBBON], 4)],
        schema=EVENTS,
    )
    found = look(gibbon(-5500.0), mammal(2500.0), events=events)
    assert [cell(found, x)["looked_for"] for x in (1500.0, 2500.0, 3500.0, 5500.0, 7500.0)] == [1, 0, 0, 0, 1]
    assert [cell(found, x)["state"] for x in (1500.0, 2500.0, 3500.0, 5500.0, 7500.0)] == [
        "effort without the species", "effort without the species", "no effort", "no effort",
        "effort without the species",
    ]  # fmt: skip
    assert cell(found, 7500.0)["nights"] == 4
    assert found.facts["events_without_scope"] == 1


def test_a_recorded_absence_says_that_it_was_looked_for():
    found = look(gibbon(-5500.0), gibbon(4500.0, occurrenceStatus="ABSENT"))
    there = cell(found, 4500.0)
    assert (there["looked_for"], there["records"], there["state"]) == (1, 0, "effort without the species")


def test_the_category_of_what_was_read_is_carried():
    rows = (gibbon(-5500.0), mammal(4500.0))
    open_one = look(*rows)
    assert open_one.sharing_category == "open"
    hidden = evidence.effort(count(records(*rows)), GIBBON, grid=square_grid(10_000, 1000.0), boundaries=halves())
    assert hidden.sharing_category == "withheld", "nobody was asked"
    seen = []
    evidence.effort(count(records(*rows)), GIBBON, grid=square_grid(10_000, 1000.0), boundaries=halves(),
                    strictest=lambda frame: seen.append(sorted(frame["key"])) or SharingCategory.ONE_DEGREE)  # fmt: skip
    assert seen == [[0, 1]], "the visits of others are inputs too"
    rules = sharing.RuleSet(())
    ruled = evidence.effort(count(records(*rows)), GIBBON, grid=square_grid(10_000, 1000.0), boundaries=halves(),
                            strictest=lambda frame: sharing.strictest(frame, rules, boundaries=halves()))  # fmt: skip
    assert ruled.sharing_category == "open"


def tasks(*rows, **more) -> pl.DataFrame:
    return evidence.survey_tasks(count(records(*rows)), [("LA",), ("VN",)], region=REGION, boundaries=halves(),
                                 cell_m=1000.0, strictest=lambda _: SharingCategory.OPEN, **more)  # fmt: skip


def test_one_sided_evidence_becomes_a_task_on_the_other_side():
    rows = [gibbon(-5500.0), gibbon(-6500.0), gibbon(40.0), mammal(4500.0), mammal(-4500.0), gibbon(60_000.0)]
    found = tasks(*rows)
    task = found.row(0, named=True)
    assert found.height == 1, "species of least concern make no task"
    assert (task["species"], task["recorded_in"], task["survey_in"]) == (GIBBON, ["LA"], "VN")
    assert (task["records_counting"], task["doubtful_there"], task["cells_visited"]) == (2, 1, 2)
    assert task["area_km2"] == pytest.approx(9.5 * 9, rel=0.01)
    assert shapely.from_wkb(task["geometry"]).bounds[0] == pytest.approx(local(shapely.Point(0, 0)).x, abs=1e-4)
    assert "2 records count in LA, none in VN" in task["why"]
    assert "1: the side is not certain" in task["why"]
    assert "nothing says that it was looked for there" in task["why"]
    assert "101." not in task["why"], "no place"


def test_a_task_tells_habitat_and_what_was_looked_for():
    events = pl.DataFrame([event(3500.0, ["Mammalia"])], schema=EVENTS)
    habitat = local(shapely.box(2000, -1000, 4000, 1000))
    task = tasks(gibbon(-5500.0), events=events, habitat=habitat).row(0, named=True)
    assert task["area_km2"] == pytest.approx(4, rel=0.01)
    assert (task["looked_for"], task["nights"]) == (1, 10)
    assert "it was looked for 1 times without a record" in task["why"]


def test_two_sided_evidence_makes_no_task_and_categories_are_carried():
    assert tasks(gibbon(-5500.0), gibbon(5500.0)).is_empty()
    hidden = evidence.survey_tasks(
        count(records(gibbon(-5500.0))), [("LA",), ("VN",)], region=REGION, boundaries=halves(), cell_m=1000.0
    )
    assert hidden["sharing_category"].to_list() == ["withheld"]
