"""Geometry of protected areas: repaired with all its ground or refused with its reason; what could end the process."""

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from area_frames import box, check_sums, fates, frame, km2
from biodata.core.errors import InputError
from biodata.harmonise.area_cleaning import clean_protected_areas
from biodata.harmonise.area_cleaning.repair import repair
from biodata.harmonise.area_cleaning.steps import split_at_antimeridian, to_plane


def star(points):
    angle = np.arange(points) * (points // 2) * 2 * np.pi / points
    return shapely.Polygon(np.c_[103 + np.cos(angle), 19 + np.sin(angle)])


def winding_area(polygon):
    """Return the area that a ring goes around, any number of times: every face of its lines, tested by its winding."""
    ring = shapely.get_exterior_ring(polygon)
    faces = shapely.get_parts(shapely.polygonize([shapely.union_all([ring])]))
    points = shapely.get_coordinates(shapely.point_on_surface(faces))
    start, end = shapely.get_coordinates(ring)[:-1], shapely.get_coordinates(ring)[1:]
    total = 0.0
    for face, point in zip(faces, points, strict=True):
        a, b = start - point, end - point
        turn = np.arctan2(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], (a * b).sum(axis=1)).sum()
        total += face.area if abs(turn) > 1 else 0
    return total


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=4, max_size=14, unique=True))
def test_self_crossing_polygon_keeps_all_its_ground(points):
    polygon = shapely.Polygon(points)
    found = repair([shapely.to_wkb(polygon)])
    wanted = winding_area(polygon)
    if wanted == 0:
        assert found.reasons == ["GEOMETRY_COLLAPSED"]
    else:
        assert found.shapes[0].is_valid
        assert found.shapes[0].area == pytest.approx(wanted, abs=1e-9)


def ring(*points):
    return np.array(points, dtype=float)


@pytest.mark.parametrize(("shape", "reason"), [
    pytest.param(shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), None, id="a bow tie"),
    pytest.param(shapely.MultiPolygon([box(0, 0), box(0, 0)]), None, id="the same part twice"),
    pytest.param(shapely.Polygon(box(0, 0).exterior, [box(0.02, 0.02, 0.02, 0.02).exterior] * 2), None,
                 id="a hole twice"),
    pytest.param(shapely.Polygon(box(0, 0).exterior, [box(1, 1).exterior]), None, id="a hole outside"),
    pytest.param(shapely.Polygon(box(0, 0).exterior, [box(0, 0).exterior]), "GEOMETRY_COLLAPSED", id="all hole"),
    pytest.param(shapely.Polygon([(0, 0), (1, 1), (2, 2), (0, 0)]), "GEOMETRY_COLLAPSED", id="a line as a polygon"),
    pytest.param(shapely.MultiPolygon([box(0, 0), shapely.Polygon()]), None, id="an empty part"),
    pytest.param(shapely.Polygon(), "GEOMETRY_MISSING", id="empty"),
    pytest.param(None, "GEOMETRY_MISSING", id="none"),
    pytest.param(shapely.LineString([(0, 0), (1, 1)]), "GEOMETRY_NO_AREA", id="a line"),
    pytest.param(shapely.GeometryCollection([box(0, 0), shapely.Point(0, 0)]), None, id="polygon and point"),
    pytest.param(star(5001), "GEOMETRY_TOO_COMPLEX", id="a hostile star"),
])  # fmt: skip
def test_geometry_is_repaired_or_has_its_reason(shape, reason):
    cleaned = clean_protected_areas(frame((shape, {"REP_AREA": 7}), (box(3, 0), {})))
    fate = fates(cleaned)["1"]
    assert fate["not_mapped_because"] == reason
    assert fate["in_coverage"] == (reason is None)
    if reason:
        assert cleaned.not_mapped["reason"].tolist() == [reason]
        assert cleaned.not_mapped["reported_area_km2"].tolist() == [7]
    assert cleaned.coverage.is_valid.all()
    assert set(cleaned.coverage.geom_type) <= {"Polygon", "MultiPolygon"}
    check_sums(cleaned, 2)


def test_unclosed_ring_is_closed():
    blob = bytearray(shapely.to_wkb(box(0, 0), byte_order=1))
    blob[9:13] = (4).to_bytes(4, "little")
    (shape,) = repair([bytes(blob[:-16])]).shapes
    assert shape.area == pytest.approx(box(0, 0).area)


@pytest.mark.parametrize(("shape", "code"), [
    pytest.param(b"\x01\x07\x00\x00\x00\x01\x00\x00\x00" * 100_000, "GEOMETRY_TOO_DEEP", id="100,000 collections deep"),
    pytest.param(shapely.to_wkb(shapely.LinearRing([(0, 0), (1, 0), (1, 1)])).replace(
        np.float64(1.0).tobytes(), np.float64("nan").tobytes()), "COORDINATE_INVALID", id="not a number"),
    pytest.param(shapely.to_wkb(shapely.LineString([(0, 0), (np.inf, 1)])), "COORDINATE_INVALID", id="infinite"),
    pytest.param(b"\x01\x03\x00\x00\x00" + b"\x00" * 80_000_100, "GEOMETRY_TOO_LARGE", id="five million vertices"),
])  # fmt: skip
def test_hostile_bytes_are_refused_before_geos(shape, code):
    table = pl.DataFrame({"area_id": ["a", "b"], "geometry": [shapely.to_wkb(box(0, 0)), shape]})
    with pytest.raises(InputError) as caught:
        clean_protected_areas(table)
    assert (caught.value.code, caught.value.row) == (code, 2)


def test_deep_collection_of_a_geodataframe_is_refused():
    shape = shapely.Point(0, 0)
    for _ in range(40):
        shape = shapely.GeometryCollection([shape])
    with pytest.raises(InputError) as caught:
        clean_protected_areas(frame((shape, {})))
    assert caught.value.code == "GEOMETRY_TOO_DEEP"


@pytest.mark.parametrize("shape", [
    pytest.param(shapely.Polygon([(179, -17), (-179, -17), (-179, -16), (179, -16)]), id="edges that jump"),
    pytest.param(shapely.box(179, -17, 181, -16), id="beyond 180°"),
    pytest.param(shapely.box(-181, -17, -179, -16), id="beyond -180°"),
])  # fmt: skip
def test_antimeridian(shape):
    (cut,), (changed,) = split_at_antimeridian(np.array([shape]))
    assert changed
    assert sorted(part.bounds for part in cut.geoms) == [(-180, -17, -179, -16), (179, -17, 180, -16)]
    cleaned = clean_protected_areas(frame((shape, {"ISO3": "FJI", "REALM": "Marine"})))
    assert cleaned.coverage.area.sum() / 1e6 == pytest.approx(km2(shapely.box(0, -17, 2, -16)), rel=1e-4)


def test_plane_keeps_areas_of_long_edges():
    shape = shapely.Polygon([(95, 5), (110, 15), (104, 27)])
    assert to_plane(np.array([shape]))[0].area / 1e6 == pytest.approx(km2(shape), rel=1e-6)
