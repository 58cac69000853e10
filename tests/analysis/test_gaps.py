"""Coverage of countries and regions: against hand-made landscapes and a raster; what is counted apart."""

from datetime import date

import numpy as np
import polars as pl
import pytest
import shapely
from affine import Affine
from rasterio.features import rasterize

from area_frames import box, frame, km2
from biodata.analysis.gaps.coverage import coverage
from biodata.analysis.gaps.features import Places, provinces
from biodata.analysis.gaps.protected import shared_km2, to_plane
from biodata.core import geo
from biodata.core.errors import InputError
from biodata.pipeline.gap_analysis import protected_ground, read_sites
from biodata.places import country_geometry, load_boundaries

BOUNDARIES = load_boundaries()
TODAY = date(2026, 11, 24)


def sites_of(tmp_path, *rows):
    path = tmp_path / "areas.gpkg"
    frame(*rows).to_file(path, engine="pyogrio")
    return read_sites([path])


def covered(tmp_path, *rows, countries=("LA",), as_of=TODAY, proposed=False, **told):
    ground = protected_ground(sites_of(tmp_path, *rows), BOUNDARIES, as_of=as_of, proposed=proposed)
    return coverage([ground], countries, BOUNDARIES, **told)


def land(table, **told):
    return table.filter(realm="terrestrial", **told).row(0, named=True)


def blob(rng, middle, radius):
    angle = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    reach = radius * rng.uniform(0.4, 1, 30)
    return shapely.Polygon(np.column_stack([middle[0] + reach * np.cos(angle), middle[1] + reach * np.sin(angle)]))


def test_shared_ground_is_that_of_overlaying_everything():
    rng = np.random.default_rng(5)
    features = np.array([blob(rng, rng.uniform(0, 4e5, 2), r) for r in rng.uniform(5e3, 3e5, 12)] + [shapely.Polygon()])
    hole = features[3].buffer(-2e4)
    features[3] = features[3].difference(hole.centroid.buffer(1e4))
    layers = np.array([blob(rng, rng.uniform(0, 4e5, 2), r) for r in rng.uniform(1e3, 2e5, 20)])
    found = shared_km2(features, layers, np.arange(20), keys=20)
    wanted = shapely.area(shapely.intersection(features[:, None], layers[None])) / 1e6
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-6)


def test_layers_of_one_key_are_added():
    halves = np.array([shapely.box(0, 0, 1e4, 1e4), shapely.box(1e4, 0, 2e4, 1e4)])
    found = shared_km2(np.array([shapely.box(5e3, 0, 15e3, 1e4)]), halves, np.array([1, 1]), keys=3)
    assert found.tolist() == [[0, pytest.approx(100), 0]]


def test_overlaps_count_once_and_oecm_holds_what_no_protected_area_holds(tmp_path):
    table = covered(tmp_path, (box(0, 0), {}), (box(0.05, 0), {}), (box(0.1, 0), {"SITE_TYPE": "OECM"}))
    row = land(table)
    assert row["covered_km2"] == pytest.approx(km2(box(0, 0, 0.2)), rel=1e-4)
    assert row["oecm_km2"] == pytest.approx(km2(box(0.15, 0, 0.05)), rel=1e-3)
    assert row["protected_area_km2"] + row["oecm_km2"] == row["covered_km2"]
    assert row["area_km2"] == pytest.approx(geo.area_km2([country_geometry("LA", BOUNDARIES)])[0])
    assert row["share"] == row["covered_km2"] / row["area_km2"]
    assert row["missing_km2"] == pytest.approx(0.3 * row["area_km2"] - row["covered_km2"])


def test_proposed_sites_count_only_when_asked(tmp_path):
    rows = [(box(0, 0), {}), (box(1, 0), {"STATUS": "Proposed"}), (box(2, -1), {"STATUS": "Not Reported"})]
    assert land(covered(tmp_path, *rows))["covered_km2"] == pytest.approx(km2(box(0, 0)), rel=1e-4)
    with_them = covered(tmp_path, *rows, proposed=True)
    assert land(with_them)["covered_km2"] == pytest.approx(2 * km2(box(0, 0)), rel=1e-4)
    assert set(with_them["scenario"]) == {"with proposed"}


def test_dates_leave_out_later_years_and_tell_sites_without_a_year(tmp_path):
    rows = [(box(0, 0), {"STATUS_YR": 1995}), (box(1, 0), {"STATUS_YR": 2015}), (box(2, -1), {"STATUS_YR": 0})]
    one = km2(box(0, 0))
    early, late = (land(covered(tmp_path, *rows, as_of=date(year, 1, 1))) for year in (2010, 2015))
    assert (early["as_of"], early["covered_km2"]) == (date(2010, 1, 1), pytest.approx(2 * one, rel=1e-2))
    assert late["covered_km2"] == pytest.approx(3 * one, rel=1e-2)
    assert early["undated_km2"] == pytest.approx(one, rel=1e-2)


def test_points_are_told_apart_and_sites_without_a_map_are_never_added(tmp_path):
    unmapped = {"REP_AREA": 5000.0}
    rows = [(box(0, 0), {}), (box(1, 0).centroid, {"REP_AREA": 20.0}), (None, unmapped), (None, {"REP_AREA": 0.0})]
    row = land(covered(tmp_path, *rows, (None, {"REP_AREA": 7.0, "STATUS": "Proposed"})))
    assert row["circles_km2"] == pytest.approx(20, rel=1e-4)
    assert row["covered_km2"] == pytest.approx(20 + km2(box(0, 0)), rel=1e-4)
    assert (row["not_mapped_sites"], row["not_mapped_without_area"], row["reported_not_mapped_km2"]) == (2, 1, 5000)
    assert row["share_with_reported"] == pytest.approx((row["covered_km2"] + 5000) / row["area_km2"])


def test_ground_beyond_the_line_is_cut_off_and_told(tmp_path):
    site = shapely.box(101.5, 20.9, 101.7, 21.6)  # Luang Namtha, and over the line into Yunnan
    table = covered(tmp_path, (site, {}), countries=("LA", "CN"))
    china, laos, joint = (land(table, place=place) for place in ("CN", "LA", "LA + CN"))
    assert china["covered_km2"] == 0
    assert china["border_disagreement_km2"] > 0
    assert laos["covered_km2"] == pytest.approx(km2(site & country_geometry("LA", BOUNDARIES)), rel=1e-4)
    told = laos["covered_km2"] + china["border_disagreement_km2"] + china["elsewhere_km2"]
    assert told == pytest.approx(km2(site), rel=1e-4)
    assert joint["covered_km2"] == laos["covered_km2"]
    assert joint["area_km2"] == china["area_km2"] + laos["area_km2"]


def test_sea_has_no_share(tmp_path):
    sea = shapely.box(103.0, 9.0, 103.1, 9.1)
    table = covered(tmp_path, (sea, {"REALM": "Marine", "ISO3": "KHM"}), countries=("KH",))
    row = table.filter(realm="marine").row(0, named=True)
    assert row["covered_km2"] == pytest.approx(km2(sea), rel=1e-3)
    assert row["share"] is None
    assert "no sea borders" in row["note"]


def test_regions_agree_with_a_raster(tmp_path):
    rng = np.random.default_rng(8)
    middles = rng.uniform((101.2, 20.2), (102.8, 21.4), (25, 2))
    shapes = [blob(rng, middle, radius) for middle, radius in zip(middles, rng.uniform(0.05, 0.3, 25), strict=True)]
    region = shapely.box(101.3, 20.3, 102.7, 21.5)
    rows = [(shape, {"ISO3": "LAO;CHN;VNM"}) for shape in shapes]
    table = covered(
        tmp_path, *rows, countries=("LA", "CN"), regions=[Places("landscape", ["north"], np.array([region]))]
    ).filter(pl.col("place_kind") == "landscape")
    cell = 200.0
    flat = to_plane(np.array([region, *shapes], dtype=object))
    west, south, east, north = shapely.bounds(flat[0])
    size = int((north - south) / cell) + 1, int((east - west) / cell) + 1
    transform = Affine(cell, 0, west, 0, -cell, north)

    def burnt(which):
        return rasterize([shape for shape in which if not shape.is_empty], out_shape=size, transform=transform) > 0

    inside, protected = burnt(flat[:1]), burnt(flat[1:])
    for code in ("LA", "CN"):
        country = burnt(to_plane(np.array([country_geometry(code, BOUNDARIES)]))) & inside
        row = land(table, country_code=code)
        assert row["area_km2"] == pytest.approx(country.sum() * cell**2 / 1e6, rel=5e-3)
        assert row["covered_km2"] == pytest.approx((country & protected).sum() * cell**2 / 1e6, rel=5e-3)
    joint = table.filter(pl.col("country_code").is_null()).row(0, named=True)
    found = joint["covered_km2"]
    assert found == pytest.approx(table.filter(pl.col("country_code").is_not_null())["covered_km2"].sum())


def test_provinces_add_up_to_their_country(tmp_path):
    table = covered(tmp_path, (box(0, 0, 0.8, 0.3), {}), regions=[provinces(["LA"], BOUNDARIES)])
    by_province = table.filter(place_kind="province", realm="terrestrial")
    whole = land(table, place_kind="country")
    assert by_province["covered_km2"].sum() == pytest.approx(whole["covered_km2"], rel=1e-6)
    assert by_province["area_km2"].sum() == pytest.approx(whole["area_km2"], rel=1e-4)


def test_target_must_be_a_share():
    with pytest.raises(InputError, match="target"):
        coverage([], ["LA"], BOUNDARIES, target_share=30)


def test_country_without_sites_gets_no_share(tmp_path):
    table = covered(tmp_path, (box(0, 0), {}), countries=("LA", "KH"))
    cambodia, joint = land(table, place="KH"), land(table, place_kind="joint")
    assert (cambodia["covered_km2"], cambodia["share"], cambodia["missing_km2"]) == (0, None, None)
    assert "no site of KH" in cambodia["note"]
    assert "no site of KH" in joint["note"]
    assert land(table, place="LA")["note"] is None
