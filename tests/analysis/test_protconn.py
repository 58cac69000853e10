"""ProtConn on squares whose answers are worked out by hand, across borders, and on Cambodia's real areas."""

import doctest
import math

import geopandas as gpd
import numpy as np
import pytest
import shapely

from biodata.analysis.networks import protconn as protconns
from biodata.analysis.networks.protconn import protconn
from biodata.analysis.networks.protconn_pieces import cut
from biodata.core.errors import InputError

PLANE = "ESRI:54034"  # cylindrical, equal-area, metres


def squares(*boxes, crs=PLANE):
    """Return boxes of kilometres: west, south, east, north."""
    return gpd.GeoSeries([shapely.box(*(1000 * side for side in box)) for box in boxes], crs=crs)


REGION = squares((0, 0, 20, 10))
A, B = (0, 8, 2, 10), (18, 8, 20, 10)  # 4 km² each, 16 km apart, both at the northern border
DIRECT = 0.5**1.6


def eca(*pairs):
    """Return the root of squares and doubled products: areas, then (a, b, p)."""
    return math.sqrt(sum(a * a if b is None else 2 * a * b * p for a, b, p in pairs))


def test_the_docstring_tells_the_truth():
    assert doctest.testmod(protconns).failed == 0


def test_two_squares_and_a_region():
    found = protconn(squares(A, B), REGION, transboundary_m=None)
    expected = eca((4, None, 1), (4, None, 1), (4, 4, DIRECT))
    assert found.eca_km2 == pytest.approx(expected, rel=1e-12)
    assert found.pc == pytest.approx((expected / 200) ** 2, rel=1e-12)
    assert (found.region_km2, found.protected_km2) == pytest.approx((200, 8), rel=1e-12)
    assert (found.prot, found.unprotected) == pytest.approx((4, 96), rel=1e-12)
    assert found.protconn == pytest.approx(expected / 2, rel=1e-12)
    assert found.protunconn == pytest.approx(4 - expected / 2, rel=1e-12)
    assert found.relconn == pytest.approx(100 * expected / 8, rel=1e-12)
    assert found.prot_fraction == pytest.approx(100 * math.sqrt(32) / expected, rel=1e-12)
    assert found.within == pytest.approx(found.prot_fraction, rel=1e-12)
    assert (found.contig, found.trans) == (0, 0)
    assert found.unprot == pytest.approx(100 - found.prot_fraction, rel=1e-12)
    # One land: it could join everything, so that all that is not connected is a matter of design.
    assert found.protunconn_design == pytest.approx(found.protunconn, rel=1e-12)
    assert found.protconn_bound == pytest.approx(found.protconn, rel=1e-12)


def test_a_neighbour_that_touches_the_border_counts():
    # connectscape/Makurhini#29: one area along the border, of which nothing lies in the region.
    touching = protconn(squares(A, B, (0, 10, 20, 12)), REGION)
    assert touching.eca_km2 == pytest.approx(8, rel=1e-12)
    assert (touching.pieces, touching.beyond) == (2, 1)
    assert touching.protected_km2 == pytest.approx(8, rel=1e-12)
    without = protconn(squares(A, B, (0, 10, 20, 12)), REGION, transboundary_m=None)
    assert without.eca_km2 == protconn(squares(A, B), REGION, transboundary_m=None).eca_km2
    assert touching.trans == pytest.approx(100 * (8 - without.eca_km2) / 8, rel=1e-12)
    assert touching.prot_fraction + touching.unprot + touching.trans == pytest.approx(100, rel=1e-12)
    # With a reach of 0 only what touches is taken in, and with it the answer is the same.
    assert protconn(squares(A, B, (0, 10, 20, 12)), REGION, transboundary_m=0).eca_km2 == touching.eca_km2


def test_a_neighbour_five_kilometres_off_counts_by_its_distance():
    areas = squares(A, B, (0, 15, 20, 17))
    found = protconn(areas, REGION)
    assert found.eca_km2 == pytest.approx(eca((4, None, 1), (4, None, 1), (4, 4, 0.5)), rel=1e-12)
    assert protconn(areas, REGION, transboundary_m=4_999).beyond == 0
    assert protconn(areas, REGION, transboundary_m=5_000).beyond == 1
    told = protconn(areas, REGION, distance_m=5_000).eca_km2
    assert told == pytest.approx(eca((4, None, 1), (4, None, 1), (4, 4, max(0.25, 0.5**3.2))), rel=1e-12)


def test_overlaps_are_counted_once():
    found = protconn(squares((0, 0, 4, 4), (2, 0, 6, 4)), REGION, transboundary_m=None)
    assert (found.protected_km2, found.pieces) == (pytest.approx(24, rel=1e-12), 1)
    assert found.protconn == pytest.approx(found.prot, rel=1e-12)
    assert (found.relconn, found.prot_fraction) == pytest.approx((100, 100), rel=1e-12)
    # Two sites of 16 km², their sum of 32 cut down to the 24 that there are.
    assert found.within == pytest.approx(100 * math.sqrt(2 * 16**2 * 24 / 32) / 24, rel=1e-12)
    assert found.within + found.contig == pytest.approx(100, rel=1e-12)
    twice = protconn(squares((0, 0, 4, 4), (0, 0, 4, 4)), REGION, transboundary_m=None)
    assert twice.within == pytest.approx(100, rel=1e-12)


def test_contiguous_areas_are_one_piece():
    found = protconn(squares((0, 0, 3, 4), (3, 0, 6, 4)), REGION, transboundary_m=None)
    assert found.pieces == 1
    assert found.within == pytest.approx(100 * math.sqrt(2) * 12 / 24, rel=1e-12)
    assert found.contig == pytest.approx(100 - found.within, rel=1e-12)


def test_an_area_across_the_border_counts_to_the_border():
    across = (15, 4, 25, 6)
    found = protconn(squares(across), REGION)
    assert (found.protected_km2, found.pieces, found.beyond) == (pytest.approx(10, rel=1e-12), 1, 1)
    assert found.protconn == pytest.approx(5, rel=1e-12)
    # Its other half leads on: a second area 4 km beyond its end and back inside is nearer by that way.
    areas = squares((0, 9, 10, 13), (18, 9, 20, 13), (0, 12, 20, 13))
    joined = protconn(areas, REGION)
    assert joined.eca_km2 == pytest.approx(12, rel=1e-12)
    told = protconn(areas, REGION, transboundary_m=None).eca_km2
    assert told == pytest.approx(eca((10, None, 1), (2, None, 1), (10, 2, 0.5**0.8)), rel=1e-12)


def test_what_the_sea_parts_is_no_fault_of_design():
    islands = squares((0, 0, 10, 10), (30, 0, 40, 10))
    areas = squares((0, 0, 2, 2), (6, 0, 8, 2), (32, 0, 34, 2))
    found = protconn(areas, islands, transboundary_m=None)
    near, far, strait = 0.5**0.4, 0.5**2.4, 0.5**2.0
    whole = eca((4, None, 1), (4, None, 1), (4, None, 1), (4, 4, near), (4, 4, far), (4, 4, 0.5**2.8))
    # With protected land throughout, the islands of 8 and 4 km² are parted by the 20 km of the strait.
    best = eca((8, None, 1), (4, None, 1), (8, 4, strait))
    assert found.eca_km2 == pytest.approx(whole, rel=1e-12)
    assert found.protunconn_design == pytest.approx((best - whole) / 2, rel=1e-12)
    assert found.protconn_bound == pytest.approx(found.prot - found.protunconn_design, rel=1e-12)


def test_a_region_without_protected_areas_and_one_that_is_protected_throughout():
    none = protconn(squares((50, 50, 60, 60)), REGION)
    assert (none.prot, none.protconn, none.protconn_bound, none.pc) == (0, 0, 0, 0)
    assert math.isnan(none.relconn)
    assert math.isnan(none.trans)
    assert none.as_dict()["ProtConn_Trans_land"] == 0
    empty = protconn(gpd.GeoSeries([], crs=PLANE), REGION)
    assert empty.prot == 0
    whole = protconn(squares((-5, -5, 30, 30)), REGION)
    assert (whole.prot, whole.protconn, whole.unprotected) == pytest.approx((100, 100, 0), abs=1e-9)


def test_what_meets_in_one_point_is_certain_to_be_reached():
    found = protconn(squares((0, 0, 4, 4), (4, 4, 8, 8)), REGION, transboundary_m=None)
    assert found.pieces == 2  # two polygons, 0 m apart
    assert found.eca_km2 == pytest.approx(32, rel=1e-12)
    corner = protconn(squares((16, 6, 20, 10), (20, 10, 24, 14)), REGION, transboundary_m=0)
    assert (corner.pieces, corner.beyond) == (1, 1)
    assert corner.trans == 0


def test_the_printed_table_has_makurhinis_names():
    found = protconn(squares(A, B, (0, 10, 20, 12)), REGION)
    values = found.as_dict()
    assert list(values)[:11] == ["EC(PC)", "PC", "Maximum landscape attribute", "Protected surface", "Prot",
                                 "Unprotected", "ProtConn", "ProtUnconn", "ProtUnconn_Design", "ProtConn_Bound",
                                 "RelConn"]  # fmt: skip
    parts = ("Within", "Contig", "Unprot", "Trans")
    assert sum(values[f"ProtConn_{part}"] for part in parts) == pytest.approx(100, rel=1e-12)
    assert sum(values[f"ProtConn_{part}_land"] for part in parts) == pytest.approx(found.protconn, rel=1e-12)


def test_several_distances_of_one_cut():
    areas = squares(A, B, (0, 15, 20, 17))
    pieces = cut(areas, REGION, reach_m=protconns.reach_of(30_000, 0.5))
    for distance_m in (1_000, 10_000, 30_000):
        once = protconns.of_pieces(pieces, distance_m=distance_m)
        assert once.eca_km2 == pytest.approx(protconn(areas, REGION, distance_m=distance_m).eca_km2, rel=1e-9)


def test_degrees_are_measured_on_an_equal_area_plane():
    region = shapely.box(104, 12, 106, 14)
    parks = gpd.GeoSeries(
        [shapely.box(104.2, 12.2, 104.6, 12.6), shapely.box(104.8, 12.2, 105.2, 12.6), shapely.Point(105, 13)], crs=4326
    )
    found = protconn(parks, region)
    from biodata.core import geo

    areas = geo.area_km2(parks.to_numpy())
    assert found.region_km2 == pytest.approx(geo.area_km2([region])[0], rel=1e-5)
    assert found.protected_km2 == pytest.approx(areas.sum(), rel=1e-5)
    gap_m = geo.geodesic_distance_m(104.6, 12.6, 104.8, 12.6)  # nearest in the north
    p = 0.5 ** (float(gap_m) / 10_000)
    told = found.eca_km2
    assert told == pytest.approx(eca((areas[0], None, 1), (areas[1], None, 1), (areas[0], areas[1], p)), rel=1e-4)
    mercator = protconn(parks.to_crs(3857), gpd.GeoSeries([region], crs=4326))
    assert mercator.region_km2 == pytest.approx(found.region_km2, rel=1e-6)
    assert mercator.eca_km2 == pytest.approx(found.eca_km2, rel=1e-4)


@pytest.mark.parametrize(("areas", "region", "message"), [
    pytest.param(squares(A, crs=None), REGION, "tells no coordinate system", id="areas without a system"),
    pytest.param(squares(A), squares(A, crs=None), "tells no coordinate system", id="region without a system"),
    pytest.param(squares(A), gpd.GeoSeries([shapely.Point(0, 0)], crs=PLANE), "the region has no area", id="a point"),
])  # fmt: skip
def test_what_cannot_be_measured_is_refused(areas, region, message):
    with pytest.raises(InputError, match=message):
        protconn(areas, region)


def test_cambodia_with_and_without_its_neighbours(shared):
    from biodata.places import country_geometry, load_boundaries

    own = gpd.read_file(shared / "data" / "pa_cambodia_odc" / "protected_areas_and_forests.geojson").geometry
    parks = gpd.read_file(shared / "data" / "pa_asean_heritage_parks" / "asean_heritage_parks.geojson").geometry
    cambodia = country_geometry("KH", load_boundaries())
    both = gpd.GeoSeries(np.concatenate([own.to_numpy(), parks.to_numpy()]), crs=4326)
    alone = protconn(own, cambodia, transboundary_m=None)
    beside = protconn(both, cambodia)
    assert 170_000 < alone.region_km2 < 185_000
    assert 20 < alone.prot < 35
    assert 0 < alone.protconn < alone.prot
    assert beside.prot >= alone.prot
    assert beside.beyond > 0
    assert beside.trans > 0
    for found in (alone, beside):
        assert found.within + found.contig + found.unprot + found.trans == pytest.approx(100, rel=1e-9)
        assert found.protconn <= found.protconn_bound <= found.prot + 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_scattered_areas_follow_the_formulas_one_by_one(seed):
    # The fractions as the papers' authors compute them, with GEOS's distances and Floyd's paths over all pairs.
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-20, 60, (25, 2))
    size = rng.uniform(1, 12, (25, 2))
    areas = squares(*np.hstack([corner, corner + size]))
    region = squares((0, 0, 40, 40), (43, 5, 50, 30))
    land = region.union_all()
    clipped = [part for shape in areas for part in shapely.get_parts(shape.intersection(land)) if part.area > 0]
    inside = [part for part in shapely.get_parts(shapely.union_all(clipped)) if part.area > 0]
    near = [shape.difference(land) for shape in areas if shape.distance(land) <= 15_000]
    beyond = [part for part in shapely.get_parts(shapely.union_all(near)) if part.area > 0]
    found = protconn(areas, region, transboundary_m=15_000, distance_m=4_000)
    assert (found.pieces, found.beyond) == (len(inside), len(beyond))

    def equivalent(shapes, weights):
        best = 0.5 ** (np.array([[one.distance(other) for other in shapes] for one in shapes]) / 4_000)
        np.fill_diagonal(best, 1)
        for middle in range(len(shapes)):
            best = np.maximum(best, np.outer(best[:, middle], best[middle]))
        return math.sqrt(weights @ best @ weights)

    own = np.array([part.area for part in inside])
    weights = np.concatenate([own, np.zeros(len(beyond))])
    lands = list(shapely.get_parts(land))
    whole, alone = equivalent(inside + beyond, weights), equivalent(inside, own)
    bound = equivalent(inside + beyond + lands, np.concatenate([weights, np.zeros(2)]))
    single = np.array([part.area for part in clipped])
    within = math.sqrt((single**2).sum()) * math.sqrt(own.sum() / single.sum())
    expected = {
        "EC(PC)": whole / 1e6,
        "Prot": 100 * own.sum() / land.area,
        "ProtConn": 100 * whole / land.area,
        "ProtUnconn_Design": 100 * (bound - whole) / land.area,
        "ProtConn_Bound": 100 * (own.sum() - bound + whole) / land.area,
        "RelConn": 100 * whole / own.sum(),
        "ProtConn_Prot": 100 * math.sqrt((own**2).sum()) / whole,
        "ProtConn_Trans": 100 * (whole - alone) / whole,
        "ProtConn_Unprot": 100 * (alone - math.sqrt((own**2).sum())) / whole,
        "ProtConn_Within": 100 * min(within, math.sqrt((own**2).sum())) / whole,
    }
    for name, value in expected.items():
        assert found.as_dict()[name] == pytest.approx(value, rel=1e-9, abs=1e-7), name
