"""Clusters of cells along a border: on both sides, within the cap, near records of the same species on both sides."""

import numpy as np
import pytest
import shapely

from biodata.analysis.candidates import clusters
from biodata.analysis.rasters import cells_inside
from landscapes import halves, square_grid

GRID = square_grid(100_000, 2500.0)
STRIPS = clusters.strips(halves(), GRID, reach_m=50_000.0)


def found(points, *, reach_m=10_000.0, share=0.05, most=5):
    worth = [clusters.worths(strip, points, GRID, reach_m=reach_m) for strip in STRIPS]
    return clusters.clusters(STRIPS, worth, GRID, share=share, most=most, apart_m=10_000.0)


def at(*places):
    return np.array(places, dtype=float)


def test_strip_is_the_land_within_reach_of_the_other_country():
    (strip,) = STRIPS
    assert strip.border == ("LA", "VN")
    xy = GRID.centres(*np.divmod(strip.cells, GRID.shape[1]))
    assert np.abs(xy[:, 0]).max() <= 50_000
    assert strip.cells.size == pytest.approx(2 * 50_000 * 200_000 / 2500**2, rel=0.06)
    assert (strip.first == (xy[:, 0] < 0)).all()


def test_worth_needs_the_same_species_on_both_sides():
    (strip,) = STRIPS
    both = {("LA", "a"): at((-5000, 0)), ("VN", "a"): at((5000, 0))}
    worth = clusters.worths(strip, both, GRID, reach_m=10_000.0)
    assert worth.max() == pytest.approx(np.exp(-1), rel=0.1), "10 km between the records, at any place between them"
    other = {("LA", "a"): at((-5000, 0)), ("VN", "b"): at((5000, 0))}
    assert clusters.worths(strip, other, GRID, reach_m=10_000.0).max() == 0
    far = {("LA", "a"): at((-5000, 0)), ("VN", "a"): at((90_000, 0))}
    assert clusters.worths(strip, far, GRID, reach_m=10_000.0).max() == 0


def test_clusters_lie_on_both_sides_within_the_cap_and_apart():
    points = {
        ("LA", "a"): at((-4000, -60_000), (-6000, 50_000)),
        ("VN", "a"): at((4000, -60_000), (6000, 50_000)),
        ("LA", "only here"): at((-30_000, 0)),
    }
    out = found(points)
    (strip,) = STRIPS
    first = dict(zip(strip.cells.tolist(), strip.first.tolist(), strict=True))
    assert 2 <= len(out) <= 5
    assert sum(one.cells.size for one in out) <= 0.05 * strip.cells.size
    for number, one in enumerate(out):
        for other in out[:number]:
            between = shapely.distance(clusters.polygon_of(one, GRID), clusters.polygon_of(other, GRID))
            assert between > 0.05, "degrees; no two of one landscape"
    assert [one.worth for one in out] == sorted((one.worth for one in out), reverse=True)
    for one in out:
        assert {first[int(cell)] for cell in one.cells} == {True, False}
        polygon = clusters.polygon_of(one, GRID)
        assert polygon.geom_type == "Polygon"
        assert polygon.is_valid
    middles = [GRID.centres(*np.divmod(one.cells, GRID.shape[1])).mean(axis=0)[1] for one in out[:2]]
    assert sorted(round(y / 1e4) for y in middles) == pytest.approx([-6, 5], abs=1)


@pytest.mark.parametrize(("points", "options"), [
    pytest.param({}, {}, id="no records"),
    pytest.param({("LA", "a"): at((-4000, 0))}, {}, id="one side"),
    pytest.param({("LA", "a"): at((-4000, 0)), ("VN", "a"): at((4000, 0))}, {"most": 0}, id="none wanted"),
    pytest.param({("LA", "a"): at((-4000, 0)), ("VN", "a"): at((4000, 0))}, {"share": 1e-4}, id="less than a cell"),
])  # fmt: skip
def test_no_clusters(points, options):
    assert found(points, **options) == []


def test_planted_landscapes_are_found_and_not_with_the_species_of_one_side_dealt_out_anew():
    """Five pairs of species, each around its own place: permuted, two of the same species are seldom near."""
    rng = np.random.default_rng(4)
    places = [-80_000.0, -40_000.0, 0.0, 40_000.0, 80_000.0]
    points = {}
    for number, y in enumerate(places):
        for code, x in (("LA", -6000), ("VN", 6000)):
            points[code, f"species {number}"] = rng.normal((x, y), 1500, (6, 2))
    cells = {y: cells_inside(shapely.box(-6000, y - 6000, 6000, y + 6000), GRID) for y in places}

    def hits(these) -> int:
        taken = np.concatenate([np.zeros(0, dtype=int), *(one.cells for one in found(these))])
        return sum(np.isin(inside, taken).mean() >= 0.25 for inside in cells.values())

    assert hits(points) == 5
    order = [3, 4, 0, 1, 2]
    moved = {**points, **{("VN", f"species {n}"): points["VN", f"species {order[n]}"] for n in range(5)}}
    assert hits(moved) == 0
