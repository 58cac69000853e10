"""The next survey: on both sides, where nobody was, and honest about what it can settle."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
import shapely

from biodata.analysis import evidence
from biodata.analysis.evidence import design as detection
from biodata.core import geo
from biodata.core.errors import InputError
from biodata.core.vocabularies import SharingCategory
from biodata.places import locate
from evidence_rows import GIBBON, count, gibbon, mammal, records
from landscapes import CRS, halves, local, square_grid

CORRIDOR = local(shapely.box(-9_000, -3_000, 9_000, 3_000))
PATH = local(shapely.LineString([(-9_000, 500), (9_000, 500)]))
SIDES = [("LA",), ("VN",)]


def design(*rows, kind="camera", corridor=CORRIDOR, path=PATH, boundaries=None, **more) -> evidence.Proposal:
    boundaries = boundaries or halves()
    settings = {name: more.pop(name) for name in ("stations", "spacing_m", "nights", "detection") if name in more}
    known = evidence.effort(count(records(*rows), boundaries), GIBBON, grid=square_grid(10_000, 2000.0),
                            boundaries=boundaries, region=corridor, strictest=lambda _: SharingCategory.OPEN)  # fmt: skip
    parameters = evidence.DesignParameters(kind=kind, **({"spacing_m": 1000.0} | settings))
    return evidence.propose(known, corridor, SIDES, boundaries=boundaries, parameters=parameters, path=path, **more)


def plane(stations: pl.DataFrame) -> np.ndarray:
    return geo.project(stations.select("decimalLongitude", "decimalLatitude").to_numpy(), 4326, CRS)


def test_cameras_stand_on_both_sides_where_nobody_was_and_keep_their_distance():
    found = design(gibbon(-5500.0), mammal(4500.0, 500.0), mammal(5500.0, -1500.0), stations=10)
    stations = found.stations
    assert stations["side"].to_list() == ["LA"] * 5 + ["VN"] * 5
    assert stations["station_id"][0] == "LA-001"
    xy = plane(stations)
    assert min(np.hypot(*(a - b)) for a, b in combinations(xy, 2)) >= 999
    place = locate(stations["decimalLongitude"].to_numpy(), stations["decimalLatitude"].to_numpy(), halves())
    assert place["located_country_code"].to_list() == stations["side"].to_list()
    assert (np.abs(xy[:, 0]) > 200).all(), (
        "a detection would count for its side: beyond the band and the place's radius"
    )
    visited = [(-6000, -4000, 0, 2000), (4000, 6000, 0, 2000), (4000, 6000, -2000, 0)]
    for west, east, south, north in visited:
        assert not ((xy[:, 0] > west) & (xy[:, 0] < east) & (xy[:, 1] > south) & (xy[:, 1] < north)).any()
    assert found.sharing_category == "open"
    assert found.facts["boundary_set"] == "toy"
    assert found.facts["reachable"].startswith("not looked at")


def test_the_path_comes_first_and_cells_take_turns():
    found = design(gibbon(-5500.0), stations=6)
    away = np.abs(plane(found.stations)[:, 1] - 500)
    assert away.max() <= 1600
    cells = {tuple(np.floor(xy / 2000)) for xy in plane(found.stations)}
    assert len(cells) == 6


def test_only_places_that_can_be_reached_are_taken():
    reachable = local(shapely.box(-9_000, -3_000, -1_000, 3_000))
    found = design(gibbon(-5500.0), stations=10, reachable=reachable)
    assert set(found.stations["side"]) == {"LA"}
    assert found.settles["VN"]["stations"] == 0
    assert "no place without effort can be reached" in found.settles["VN"]["says"]


def test_transects_cross_the_corridor_and_stay_on_one_side():
    found = design(gibbon(-5500.0), stations=8, kind="transect")
    ends = geo.project(found.stations.select("end_longitude", "end_latitude").to_numpy(), 4326, CRS)
    starts = plane(found.stations)
    np.testing.assert_allclose(np.hypot(*(ends - starts).T), 2000, rtol=1e-3)
    np.testing.assert_allclose(starts[:, 0], ends[:, 0], atol=30)
    along = design(gibbon(-5500.0), stations=8, kind="transect", path=None)
    ends = geo.project(along.stations.select("end_longitude", "end_latitude").to_numpy(), 4326, CRS)
    assert (np.sign(ends[:, 0]) == np.sign(plane(along.stations)[:, 0])).all(), "eastward, and not over the border"


def test_the_design_is_the_same_for_every_order_of_the_records():
    rows = [gibbon(-5500.0), mammal(4500.0), mammal(-2500.0, 1500.0), gibbon(-7500.0)]
    assert design(*rows).stations.equals(design(*reversed(rows)).stations)


def test_the_band_of_the_boundary_set_keeps_stations_from_the_line():
    wide = halves()
    wide = type(wide)("wide", "1", "", "", "another's", 3000.0, wide.units, wide.shapes, wide.claim_lines)
    found = design(gibbon(-7500.0), stations=40, boundaries=wide)
    assert np.abs(plane(found.stations)[:, 0]).min() >= 3099
    assert found.facts["boundary_set"] == "wide"


@pytest.mark.parametrize(("per_night", "nights"), [
    pytest.param(0.03, 99, id="3 %"), pytest.param(0.05, 59, id="5 %"), pytest.param(0.5, 5, id="every second"),
])  # fmt: skip
def test_nights_needed_bring_the_chance_to_miss_just_below_the_limit(per_night, nights):
    how = evidence.Detection(per_night=per_night, source="a study")
    assert detection.nights_needed(how) == nights
    assert detection.missed(how, nights) < 0.05 <= detection.missed(how, nights - 1)


def test_the_smallest_use_that_a_survey_finds_agrees_with_thrown_dice():
    how = evidence.Detection(per_night=0.05, source="a study")
    least = detection.smallest_use(how, 12, 60)
    rng = np.random.default_rng(1)
    used = rng.random((40_000, 12)) < least
    found = rng.random((40_000, 12)) < 1 - 0.95**60
    assert (~(used & found).any(axis=1)).mean() == pytest.approx(0.05, abs=0.005)
    assert detection.smallest_use(how, 1, 10) is None


def test_low_middle_and_high_chances_are_told_with_what_each_needs():
    how = evidence.Detection(per_night=0.05, source="a study", low=0.02, high=0.1)
    told = design(gibbon(-5500.0), stations=20, nights=60, detection=how).settles["VN"]
    for name, chance in (("low", 0.02), ("middle", 0.05), ("high", 0.1)):
        case = told["range"][name]
        nights = case["nights_needed"]
        assert case["per_night"] == chance
        assert (1 - chance) ** nights < 0.05 <= (1 - chance) ** (nights - 1)
        reached = told["cells_reached"]
        found = case["smallest_use"] * (1 - (1 - chance) ** 60)
        assert (1 - found) ** reached == pytest.approx(0.05, rel=0.01)
    assert told["range"]["low"]["smallest_use"] > told["smallest_use"] > told["range"]["high"]["smallest_use"]
    assert "as low as 0.02" in told["says"]
    assumed = evidence.Detection(per_night=0.03)
    assert assumed.range == pytest.approx((0.01, 1 - 0.97**3))
    assert assumed.to_dict()["range"].startswith("assumed")


def test_a_survey_that_settles_nothing_says_so():
    how = evidence.Detection(per_night=0.001, source="a study")
    found = design(gibbon(-5500.0), stations=2, nights=10, detection=how)
    assert found.settles["VN"]["smallest_use"] is None
    assert "they settle nothing" in found.settles["VN"]["says"]


def test_what_it_settles_is_told_with_the_source_of_the_chance():
    found = design(gibbon(-5500.0), stations=20, detection=evidence.Detection(per_night=0.05, source="a study of 2024"))
    told = found.settles["VN"]
    assert told["cells_reached"] == 10
    assert 0 < told["value_share"] < 1
    assert told["miss_where_used"] < 0.05
    assert 0.2 < told["smallest_use"] < 0.4
    assert "a study of 2024" in told["says"]
    assert "finding nothing settles nothing" in told["says"]


@pytest.mark.parametrize("wrong", [
    pytest.param(lambda: evidence.DesignParameters(kind="balloon"), id="kind"),
    pytest.param(lambda: evidence.DesignParameters(stations=0), id="no station"),
    pytest.param(lambda: evidence.Detection(per_night=0.0), id="never detected"),
    pytest.param(lambda: evidence.Detection(per_night=0.2, low=0.3), id="outside its own range"),
    pytest.param(lambda: evidence.Detection(per_night=0.1, source=" "), id="no source"),
    pytest.param(lambda: design(gibbon(-5500.0), spacing_m=1.0), id="too fine"),
])  # fmt: skip
def test_designs_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InputError):
        wrong()
