"""Coordinates of records: decimals first, verbatim terms where they are empty, proposals where nothing is certain."""

import polars as pl
import pytest

from biodata.harmonise import coordinates
from biodata.harmonise.findings import Stated
from case_tables import cases


def interpret(*rows):
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    columns = {heading: [row.get(heading) for row in rows] for heading in headings}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(headings, pl.String))
    place = pl.lit("file.csv").alias("source_file"), pl.int_range(2, len(rows) + 2).alias("source_row")
    return coordinates.interpret(Stated(frame.select(*place, pl.all())))


def point(found, row=0):
    return found.columns["decimalLatitude"][row], found.columns["decimalLongitude"][row]


def flags(found, row=0):
    return {name for name, mask in found.flags.items() if mask[row]}


def noted(found, row=0):
    rows = pl.concat([frame for frame in found.repairs if frame.height]) if any(map(len, found.repairs)) else None
    return set() if rows is None else {(r["term"], r["rule"], r["applied"]) for r in rows.filter(row=row).to_dicts()}


def both(rule, *, applied):
    return {("decimalLatitude", rule, applied), ("decimalLongitude", rule, applied)}


@pytest.mark.parametrize(
    ("told", "rule"), cases("harmonise_coordinates", "test_certain_verbatim_coordinates_are_taken_over")
)
def test_certain_verbatim_coordinates_are_taken_over(told, rule):
    found = interpret(told)
    assert point(found) == pytest.approx((21 + 28 / 60, 101 + 34 / 60))
    assert flags(found) == set()
    assert noted(found) == both(rule, applied=True)


@pytest.mark.parametrize(
    ("told", "rule", "doubts"), cases("harmonise_coordinates", "test_likely_verbatim_coordinates_are_proposed")
)
def test_likely_verbatim_coordinates_are_proposed(told, rule, doubts):
    found = interpret(told)
    assert point(found) == (None, None)
    assert flags(found) == {"COORDINATE_MISSING", *doubts}
    assert noted(found) == both(rule, applied=False)


@pytest.mark.parametrize(
    ("told", "doubts"), cases("harmonise_coordinates", "test_verbatim_coordinates_that_are_not_read_are_named")
)
def test_verbatim_coordinates_that_are_not_read_are_named(told, doubts):
    found = interpret(told)
    assert point(found) == (None, None)
    assert flags(found) == {"COORDINATE_MISSING", *doubts}
    assert noted(found) == set()


@pytest.mark.parametrize(("told", "expected", "doubts"), [
    pytest.param(("12.5", "101.5"), (12.5, 101.5), set(), id="read"),
    pytest.param(("tim", "101.5"), (None, None), {"COORDINATE_INVALID"}, id="unreadable"),
    pytest.param(("12.5", None), (None, None), {"COORDINATE_MISSING"}, id="only one"),
])  # fmt: skip
def test_decimals_that_tell_anything_decide(told, expected, doubts):
    rows = {"decimalLatitude": told[0], "decimalLongitude": told[1], "verbatimCoordinates": "1N 2E"}
    found = interpret(rows, {"verbatimCoordinates": "1N 2E"})
    assert point(found) == expected
    assert flags(found) == doubts
    assert point(found, 1) == (1, 2)


def test_letters_of_the_other_axis_are_a_proposal_to_swap():
    found = interpret({"decimalLatitude": "101°34'E", "decimalLongitude": "21°28'N"})
    assert point(found) == (None, None)
    assert flags(found) == {"COORDINATE_INVALID", "PRESUMED_SWAPPED_COORDINATE"}
    assert noted(found) == both("swap_latitude_longitude", applied=False)


@pytest.mark.parametrize(("told", "is_projected"), [
    pytest.param(("2375000", "735000"), True, id="UTM"),
    pytest.param(("18512345", "2765432"), True, id="Gauss-Krüger with its zone"),
    pytest.param(("200", "300"), False, id="degrees beyond the range"),
    pytest.param(("2375000", "101.5"), False, id="metres beside degrees"),
])  # fmt: skip
def test_metres_in_the_decimal_terms_are_named(told, is_projected):
    found = interpret({"decimalLatitude": told[0], "decimalLongitude": told[1]})
    assert point(found) == (None, None)
    assert "COORDINATE_OUT_OF_RANGE" in flags(found)
    assert ("COORDINATE_PROJECTED" in flags(found)) == is_projected


@pytest.mark.parametrize(("latitude", "longitude", "proposed", "may_be_metres"), [
    pytest.param("244711.85", "1013015.2", ("24.786625", "101.504222222"), False, id="with a fraction"),
    pytest.param("-84711", "1013015", ("-8.78638888889", "101.504166667"), False, id="below ten degrees"),
    pytest.param("244711", "-584711", ("24.7863888889", "-58.7863888889"), False, id="west"),
    pytest.param("244711", "584711", ("24.7863888889", "58.7863888889"), True, id="metres near the equator, too"),
    pytest.param("2375000", "735000", None, True, id="metres"),
])  # fmt: skip
def test_degrees_minutes_and_seconds_in_one_number_are_proposed(latitude, longitude, proposed, may_be_metres):
    found = interpret({"decimalLatitude": latitude, "decimalLongitude": longitude})
    assert point(found) == (None, None)
    assert "COORDINATE_OUT_OF_RANGE" in flags(found)
    assert ("COORDINATE_PROJECTED" in flags(found)) == may_be_metres
    told = [frame for frame in found.repairs if frame.height]
    values = {term: value for frame in told for term, value in frame.select("term", "value").iter_rows()}
    assert values == (dict(zip(coordinates.AXES, proposed, strict=True)) if proposed else {})
