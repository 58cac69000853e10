"""Places in metres of UTM: turned into degrees where zone and datum are told, else it is said what is missing."""

import pyproj
import pytest

from biodata import pipeline
from biodata.core.settings import Settings
from biodata.store.lake import Lake
from biodata.surveys.check import check_files

# Nam Ha: 101.35 E, 20.95 N in zone 47 N.
EAST, NORTH = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32647", always_xy=True).transform(101.35, 20.95)


def sheet(*rows, headings="easting,northing,UTM zone,geodeticDatum"):
    lines = [f"occurrenceID,eventDate,scientificName,{headings}"]
    lines += [f"R{n},2026-03-0{n},Sus scrofa,{row}" for n, row in enumerate(rows, 1)]
    return "\n".join(lines).encode()


def told(content, boundaries):
    problems = check_files([("s.csv", content)], boundaries)["problems"]
    return [(p["row"], p["code"], p["blocking"]) for p in problems if not p["code"].startswith("HEADING")], problems


GOOD = f"{EAST:.1f},{NORTH:.1f}"


SOUTH = "{:.0f},{:.0f}".format(
    *pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32748", always_xy=True).transform(106.8, -6.6)
)
CONVERTED = [(1, "UTM_CONVERTED", False)]


@pytest.mark.parametrize(("content", "expected"), [
    pytest.param(sheet(*(f"{GOOD},{zone},WGS84" for zone in ("47N", "47 Q", "47", "zone 47", "47q"))), CONVERTED,
                 id="metres become degrees"),
    pytest.param(sheet(f"{SOUTH},48,WGS84"), CONVERTED, id="south of the equator by its northing"),
    *[pytest.param(sheet(f"{GOOD},47N", f"{GOOD},UTM 47N", headings=f"easting,northing,{heading}"), CONVERTED, id=heading)
      for heading in ("Zona", "UTM带", "ເຂດ")],
    pytest.param(sheet(f"{GOOD},47N,WGS84,20.95,101.35",
                       headings="easting,northing,UTM zone,geodeticDatum,decimalLatitude,decimalLongitude"), [],
                 id="degrees beside metres win"),
])  # fmt: skip
def test_what_is_turned_into_degrees_is_told(content, expected, boundaries):
    assert told(content, boundaries)[0] == expected


def test_the_lake_has_the_place_and_the_cells_as_they_came(tmp_path):
    path = tmp_path / "s.csv"
    path.write_bytes(sheet(f"{GOOD},47N,WGS84", f"{GOOD},47N,Indian 1975"))
    settings = Settings(data=tmp_path / "data", memory_limit="500MB")
    pipeline.ingest("survey", [path], settings, dataset="utm")
    with Lake.open(settings.data) as lake:
        rows = lake.read("occurrences", columns=["decimalLatitude", "decimalLongitude"]).sort("decimalLatitude")
        other = lake.read("verbatim", columns=["other"])["other"][0]
    first, second = rows.rows()
    assert first == pytest.approx((20.95, 101.35), abs=2e-6) or second == pytest.approx((20.95, 101.35), abs=2e-6)
    # Indian 1975 lies some 450 m aside.
    assert 0.001 < abs(first[0] - second[0]) + abs(first[1] - second[1]) < 0.01
    assert f"{EAST:.1f}" in other


def test_what_is_missing_or_wrong_is_told_in_its_row(boundaries):
    lacking = {f"{GOOD},,WGS84": "utm_zone (48N)", f"{GOOD},47N,Nobody's datum": "geodeticDatum (WGS84)",
               f"{GOOD},47C,WGS84": "utm_zone (47N)", f"12,{NORTH:.0f},47N,WGS84": "easting (100000-900000)",
               f"{EAST:.0f},7000000,47N,WGS84": "northing (0-10000000)",
               f"{EAST:.0f},many,47N,WGS84": "northing (0-10000000)"}  # fmt: skip
    found, problems = told(sheet(f"{GOOD},47N,WGS84", *lacking), boundaries)
    ours = [one for one in found if one[1] != "GEODETIC_DATUM_INVALID"]
    assert ours == [(1, "UTM_CONVERTED", False), *((row, "UTM_INCOMPLETE", True) for row in range(3, 9))]
    messages = {one["row"]: one["message"] for one in problems if one["code"] == "UTM_INCOMPLETE"}
    assert [what for row, what in enumerate(lacking.values(), 3) if what not in messages[row]] == []


def test_missing_columns_are_told_once_at_the_heading(boundaries):
    found, problems = told(sheet(GOOD, GOOD, headings="easting,northing"), boundaries)
    assert (1, "UTM_INCOMPLETE", True) in found
    assert sum(code == "UTM_INCOMPLETE" for _, code, _ in found) == 1
    message = next(p["message"] for p in problems if p["code"] == "UTM_INCOMPLETE")
    assert "utm_zone (48N)" in message


def test_without_a_datum_it_is_that_of_degrees_and_flagged(boundaries):
    assert told(sheet(f"{GOOD},47N,"), boundaries)[0] == told(sheet(f"{GOOD},47N,WGS84"), boundaries)[0]
