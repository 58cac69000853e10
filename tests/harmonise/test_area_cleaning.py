"""Cleaning protected areas: what stays, what goes and why; overlaps; parts and zones; countries."""

import geopandas as gpd
import numpy as np
import pandas as pd
import polars as pl
import pytest
import shapely

from area_frames import SOUTH, WEST, box, check_sums, fates, frame, km2
from biodata.core import geo
from biodata.harmonise.area_cleaning import Options, clean_protected_areas
from biodata.harmonise.area_cleaning.steps import circles
from biodata.places import country_geometry, load_boundaries
from case_tables import cases
from made_areas import largest_overlap_m2, make_areas


def cleaned_of(*sites, **options):
    return clean_protected_areas(frame(*sites), **options)


@pytest.mark.parametrize(
    ("told", "reason"), cases("area_cleaning", "test_coverage_keeps_what_is_in_force_and_planning_all")
)
def test_coverage_keeps_what_is_in_force_and_planning_all(told, reason):
    cleaned = cleaned_of((box(0, 0), told), (box(1, 0), {}))
    fate = fates(cleaned)["1"]
    assert fate["not_in_coverage_because"] == reason
    assert fate["in_planning"]
    row = cleaned.planning.set_index("area_id").loc["areas:1"]
    assert row["in_coverage"] == (reason is None)
    assert reason is None or row["not_in_coverage_because"] == reason
    check_sums(cleaned, 2)


def test_file_that_tells_no_status_keeps_its_sites():
    areas = frame((box(0, 0), {}), (box(1, 0), {})).drop(columns="STATUS")
    cleaned = clean_protected_areas(areas)
    assert len(cleaned.coverage) == 2
    assert any("2 of files that tell no status" in step.note for step in cleaned.report.steps)


def test_old_columns():
    areas = frame((box(0, 0), {}), (box(0.05, 0), {"IUCN_CAT": "Ia"})).rename(
        columns={"SITE_ID": "WDPAID", "SITE_PID": "WDPA_PID", "NAME_ENG": "NAME", "REALM": "MARINE"}
    )
    areas["PA_DEF"], areas["MARINE"] = 1, 0
    cleaned = clean_protected_areas(areas.drop(columns="SITE_TYPE"))
    assert fates(cleaned)["1"]["erased_by"] == "areas:2"
    assert cleaned.coverage["wdpaid"].tolist() == ["1", "2"]


def test_point_becomes_a_circle_of_its_reported_area_and_stays_a_point_in_planning():
    cleaned = cleaned_of((box(0, 0).centroid, {"REP_AREA": 12.5}), (box(1, 0).centroid, {"REP_AREA": 0}))
    assert cleaned.coverage.area.tolist() == pytest.approx([12.5e6], rel=1e-5)
    assert cleaned.coverage["geometry_kind"].tolist() == ["circle"]
    assert fates(cleaned)["2"]["not_in_coverage_because"] == "POINT_WITHOUT_AREA"
    assert set(cleaned.planning.geom_type) == {"Point"}
    check_sums(cleaned, 2)


@pytest.mark.parametrize("latitude", [0.0, 21.0, -33.0, 60.0, 80.0])
@pytest.mark.parametrize("area", [0.001, 1.0, 10_000.0])
def test_circle_is_true_to_area_and_round_on_the_ground(latitude, area):
    (circle,) = circles(np.array([shapely.Point(101, latitude)]), np.array([area]))
    assert km2(circle) == pytest.approx(area, rel=1e-6)
    x, y = shapely.get_coordinates(circle).T
    radius = geo.geodesic_distance_m(101, latitude, x, y)
    assert radius.max() / radius.min() < 1 + 1e-9


def test_points_of_one_site_share_its_area():
    (shape,) = circles(np.array([shapely.MultiPoint([(101, 21), (102, 21)])]), np.array([10.0]))
    assert [km2(part) for part in shape.geoms] == pytest.approx([5, 5], rel=1e-6)


def test_circle_over_the_antimeridian_is_cut():
    (shape,) = circles(np.array([shapely.Point(179.99, -17)]), np.array([100.0]))
    assert shape.geom_type == "MultiPolygon"
    assert km2(shape) == pytest.approx(100, rel=1e-6)
    assert max(part.bounds[2] - part.bounds[0] for part in shape.geoms) < 1


@pytest.mark.parametrize(("first", "second", "winner"), cases("area_cleaning", "test_overlap_stays_with_the_first"))
def test_overlap_stays_with_the_first(first, second, winner):
    areas = frame((box(0, 0), first), (box(0.05, 0), second))
    for order in (areas, areas.iloc[::-1]):
        cleaned = clean_protected_areas(order)
        loser = "2" if winner == "1" else "1"
        told = fates(cleaned)
        assert told[winner]["erased_km2"] == 0
        assert told[loser]["erased_by"] == f"areas:{winner}"
        assert told[loser]["erased_km2"] == pytest.approx(km2(box(0.05, 0, 0.05)), rel=1e-3)
        assert largest_overlap_m2(cleaned.coverage) < 1e-3
        check_sums(cleaned, 2)


def test_site_covered_by_others_has_a_line():
    cleaned = cleaned_of((box(0, 0, 0.2, 0.2), {"IUCN_CAT": "II"}), (box(0.05, 0.05), {}), (box(1, 1, 1e-6, 1e-6), {}))
    told = fates(cleaned)
    assert (told["2"]["not_in_coverage_because"], told["2"]["erased_by"]) == ("COVERED_BY_OTHERS", "areas:1")
    assert told["3"]["not_in_coverage_because"] == "SLIVER"
    check_sums(cleaned, 3)


def test_proposed_site_erases_nothing():
    cleaned = cleaned_of((box(0, 0), {"IUCN_CAT": "Ia", "STATUS": "Proposed"}), (box(0, 0), {}))
    assert fates(cleaned)["2"]["erased_km2"] == 0


def test_three_sites_on_one_ground_lose_to_the_first():
    sites = ((box(0, 0, 0.1 + step / 100), {"IUCN_CAT": name}) for step, name in enumerate(("Ia", "II", "V")))
    cleaned = cleaned_of(*sites)
    told = fates(cleaned)
    assert told["3"]["erased_by"] == "areas:1; areas:2"
    assert cleaned.coverage.area.sum() == pytest.approx(km2(box(0, 0, 0.12)) * 1e6, rel=1e-3)


def test_two_thousand_sites():
    areas = make_areas(2_000, 1)
    cleaned = clean_protected_areas(areas)
    check_sums(cleaned, 2_000)
    assert largest_overlap_m2(cleaned.coverage) < 1e-3
    assert cleaned.coverage.is_valid.all()
    # Nothing is lost: the ground is that of all sites in force, joined.
    inside = cleaned.report.sites.filter(
        pl.col("in_coverage") | pl.col("not_in_coverage_because").is_in(["COVERED_BY_OTHERS", "COVERED_BY_OWN_PARTS"])
    )["area_id"]
    drawn = cleaned.planning.set_index("area_id").loc[inside.to_list()]
    polygons = drawn.geometry[drawn.geometry_kind == "polygon"].union_all()
    round_ones = cleaned.coverage.geometry[cleaned.coverage.geometry_kind == "circle"].union_all()
    assert cleaned.coverage.area.sum() == pytest.approx(polygons.union(round_ones).area, rel=2e-4)


def test_order_of_rows_does_not_matter():
    areas = make_areas(300)
    first = clean_protected_areas(areas)
    second = clean_protected_areas(areas.sample(frac=1, random_state=3).reset_index(drop=True))
    by = ["name", "coverage_km2"]
    one, other = (cleaned.coverage.sort_values(by).reset_index(drop=True) for cleaned in (first, second))
    assert one["name"].tolist() == other["name"].tolist()
    assert (one.geometry.to_wkb() == other.geometry.to_wkb()).all()
    assert first.report.countries.equals(second.report.countries)


def test_neighbours_drawn_a_little_apart_are_snapped():
    cleaned = cleaned_of((box(0, 0), {}), (box(0.1 - 1e-6, 0), {}))
    assert fates(cleaned)["2"]["erased_km2"] == 0
    loose = cleaned_of((box(0, 0), {}), (box(0.1 - 1e-6, 0), {}), options=Options(snap_m=0))
    assert fates(loose)["2"]["erased_km2"] > 0


def test_zones_of_a_site_are_not_erased_against_each_other():
    core, buffer, whole = box(0.04, 0.04, 0.02, 0.02), box(0.02, 0.02, 0.06, 0.06), box(0, 0)
    cleaned = cleaned_of((whole, {"SITE_ID": "9", "SITE_PID": "9", "IUCN_CAT": "Ia"}),
                         (buffer, {"SITE_ID": "9", "SITE_PID": "9_B", "zone": "缓冲区", "IUCN_CAT": "V"}),
                         (core, {"SITE_ID": "9", "SITE_PID": "9_A", "zone": "核心区"}))  # fmt: skip
    told = fates(cleaned)
    assert all(told[name]["in_coverage"] for name in ("9", "9_A", "9_B"))
    assert all(told[name]["erased_km2"] == 0 for name in told)
    assert told["9_A"]["coverage_km2"] == pytest.approx(km2(core), rel=1e-3)
    assert told["9_B"]["coverage_km2"] == pytest.approx(km2(buffer) - km2(core), rel=1e-3)
    assert cleaned.coverage.area.sum() / 1e6 == pytest.approx(km2(whole), rel=1e-3)
    assert dict(zip(cleaned.coverage["area_id"], cleaned.coverage["zone"], strict=True))["areas:9_A"] == "core"
    assert set(cleaned.coverage["part_of"]) == {"areas:9"}
    assert cleaned.report.countries["sites"].sum() == 1
    check_sums(cleaned, 3)


def test_parts_of_a_site_apart_stay_rows():
    west, east = ({"SITE_ID": "9", "SITE_PID": name} for name in ("9_A", "9_B"))
    cleaned = cleaned_of((box(0, 0), west), (box(1, 0), east))
    assert cleaned.coverage["area_id"].tolist() == ["areas:9_A", "areas:9_B"]


def test_whole_told_beside_its_parts_is_covered_by_them():
    shapes = {"9": box(0, 0), "9_A": box(0, 0, 0.05), "9_B": box(0.05, 0, 0.05)}
    cleaned = cleaned_of(*((shape, {"SITE_ID": "9", "SITE_PID": name}) for name, shape in shapes.items()))
    assert fates(cleaned)["9"]["not_in_coverage_because"] == "COVERED_BY_OWN_PARTS"
    check_sums(cleaned, 3)


def test_copy_of_a_row_is_left_out_and_named():
    bowtie = shapely.Polygon([*box(0, 0).exterior.coords[:-1], (WEST + 0.2, SOUTH + 0.3), (WEST, SOUTH + 0.31)])
    assert not bowtie.is_valid
    told = {"SITE_ID": "9", "SITE_PID": "9"}
    cleaned = cleaned_of((bowtie, told), (box(0, 0), told), (box(2, 0), told))
    found = fates(cleaned)
    copies = [name for name, row in found.items() if row["copy_of"]]
    assert len(copies) <= 1
    assert found["9~3"]["in_coverage"]
    check_sums(cleaned, 3)


def test_share_of_a_country_agrees_with_brute_force():
    boundaries = load_boundaries()
    laos = country_geometry("LA", boundaries)
    areas = frame((shapely.box(101.0, 19.5, 103.5, 20.8), {}), (shapely.box(103, 20, 104.5, 20.5), {}))
    cleaned = clean_protected_areas(areas)
    (row,) = cleaned.report.countries.filter(country_code="LA").to_dicts()
    inside = shapely.intersection(laos, areas.union_all())
    assert row["km2"] == pytest.approx(km2(inside), rel=1e-4)
    assert row["share_of_land"] == pytest.approx(km2(inside) / km2(laos), rel=1e-4)
    check_sums(cleaned, 2)


def test_ground_over_the_border_is_counted_apart():
    shape = shapely.box(101.5, 21.3, 101.9, 21.9)  # Xishuangbanna and Luang Namtha
    stated = cleaned_of((shape, {}))
    (china,) = stated.report.countries.filter(country_code="CN").to_dicts()
    assert (china["km2"], china["sites"]) == (0, 0)
    assert china["border_disagreement_km2"] > 0
    assert china["elsewhere_km2"] > 0
    both = cleaned_of((shape, {"ISO3": "LAO;CHN"}))
    (china_too,) = both.report.countries.filter(country_code="CN").to_dicts()
    assert china_too["km2"] == pytest.approx(china["border_disagreement_km2"] + china["elsewhere_km2"], rel=1e-6)
    untold = cleaned_of((shape, {"ISO3": None}))
    assert untold.report.countries.equals(both.report.countries)
    for cleaned in (stated, both, untold):
        check_sums(cleaned, 1)


def test_oecm_counts_only_where_no_protected_area_is():
    oecm, park = box(0, 0, 0.2, 0.1), box(0.1, 0, 0.2, 0.1)
    # The OECM has the first right to the shared ground, and still it is the protected area's in the country's sum.
    cleaned = cleaned_of((oecm, {"SITE_TYPE": "OECM", "IUCN_CAT": "Ia"}), (park, {}))
    assert fates(cleaned)["2"]["erased_km2"] > 0
    shares = {row["kind"]: row["km2"] for row in cleaned.report.countries.iter_rows(named=True)}
    assert shares["protected_area"] == pytest.approx(km2(park), rel=1e-3)
    assert shares["oecm"] == pytest.approx(km2(box(0, 0, 0.1, 0.1)), rel=1e-3)
    check_sums(cleaned, 2)


@pytest.mark.parametrize(("realm", "column"), [
    pytest.param("Marine", "km2", id="a marine site at sea"),
    pytest.param("Coastal", "km2", id="a coastal site's sea"),
    pytest.param("Terrestrial", "coast_disagreement_km2", id="a terrestrial site off the coast"),
])  # fmt: skip
def test_sea(realm, column):
    shape = shapely.box(118, 14, 118.2, 14.2)
    cleaned = cleaned_of((shape, {"ISO3": "PHL", "REALM": realm}))
    (row,) = cleaned.report.countries.to_dicts()
    assert row["country_code"] == "PH"
    assert row[column] == pytest.approx(km2(shape), rel=1e-3)
    assert row["realm"] == ("terrestrial" if realm == "Terrestrial" else "marine")


@pytest.mark.parametrize(("inland", "out", "realm", "column"), [
    pytest.param(0.2, 0.02, None, "coast_disagreement_km2", id="a park whose mangroves a coarse coast cuts off"),
    pytest.param(0.2, 0.12, None, "km2", id="a park that reaches beyond the band"),
    pytest.param(0.01, 0.03, None, "km2", id="mostly at sea"),
    pytest.param(0.2, 0.02, "Coastal", "km2", id="a park that says it is coastal"),
])  # fmt: skip
def test_what_a_coarse_coast_puts_into_the_sea(inland, out, realm, column):
    """On the straight coast of Quang Binh, whose longitude at one latitude is the set's own."""
    land = country_geometry("VN", load_boundaries())
    coast = shapely.bounds(shapely.intersection(land, shapely.LineString([(106.0, 17.4), (107.5, 17.4)])))[2]
    shape = shapely.box(coast - inland, 17.39, coast + out, 17.41)
    cleaned = cleaned_of((shape, {"ISO3": "VNM", "REALM": realm}))
    off = km2(shapely.difference(shape, land))
    rows = cleaned.report.countries
    assert rows["coast_disagreement_km2"].sum() == pytest.approx(off if column != "km2" else 0, rel=2e-3, abs=1e-6)
    marine = rows.filter(realm="marine")
    assert marine["km2"].sum() == pytest.approx(off if column == "km2" else 0, rel=2e-3, abs=1e-6)
    check_sums(cleaned, 1)


def test_national_list_counts_as_not_mapped():
    reserves = pd.DataFrame({
        "名称": ["西双版纳", "高黎贡山", "糯扎渡", "糯扎渡", "糯扎渡"],
        "级别": ["国家级", "国家级", "省级", "省级", "省级"],
        "类型": ["森林生态", "森林生态", "森林生态", "森林生态", "森林生态"],
        "面积(公顷)": ["242510", "405200", "21678", "7000", "14678"],
        "功能区": [None, None, None, "核心区", "实验区"],
        "建立时间": ["1958-01-01", "1983年", "19960401", "19960401", "19960401"],
        "行政区域": ["云南省西双版纳州", "云南省保山市", "云南", "云南", "云南"],
    })  # fmt: skip
    cleaned = clean_protected_areas([frame((box(0, 0), {})), reserves])
    lost = cleaned.not_mapped.set_index("area_id")
    assert len(lost) == 5
    assert set(lost["reason"]) == {"GEOMETRY_MISSING"}
    assert lost.loc["areas:西双版纳", "reported_area_km2"] == pytest.approx(2425.1)
    assert lost.loc["areas:西双版纳", ["level", "status_year", "designation"]].tolist() == ["national", 1958, "森林生态"]  # fmt: skip
    assert lost["status_year"].tolist().count(1996) == 3
    table = {row["level"]: row for row in cleaned.report.not_mapped.iter_rows(named=True)}
    assert {row["country_code"] for row in table.values()} == {"CN"}
    assert (table["national"]["sites"], table["national"]["claimed_km2"]) == (2, pytest.approx(6477.1))
    # One site told as a whole and in two zones.
    assert (table["provincial"]["sites"], table["provincial"]["rows"]) == (1, 3)
    assert table["provincial"]["claimed_km2"] == pytest.approx(216.78)
    check_sums(cleaned, 6)


@pytest.fixture(scope="module")
def heritage_parks(shared):
    return clean_protected_areas(
        gpd.read_file(shared / "data" / "pa_asean_heritage_parks" / "asean_heritage_parks.geojson")
    )


def test_heritage_parks(heritage_parks):
    check_sums(heritage_parks, 69)
    copies = heritage_parks.report.sites.filter(pl.col("copy_of").is_not_null())
    assert sorted(copies["name"]) == ["Kerinci-Seblat National Park", "Tasek Merimbun Heritage Park"]
    assert copies["not_in_coverage_because"].unique().to_list() == ["COPY"]
    assert len(heritage_parks.coverage) == 67
    assert largest_overlap_m2(heritage_parks.coverage) < 1e-3
    china = heritage_parks.report.countries.filter(country_code="CN")
    assert china["km2"].sum() == 0
    assert china["border_disagreement_km2"].sum() == pytest.approx(268.1 + 33.0, rel=0.01)


@pytest.mark.parametrize(("name", "rows", "repaired"), [
    ("community_forests", 316, 4),
    ("eastern_plains_protected_area", 6, 0),
    ("key_biodiversity_areas", 40, 3),
    ("protected_areas_and_forests", 33, 0),
])  # fmt: skip
def test_cambodian_files(shared, name, rows, repaired):
    areas = gpd.read_file(shared / "data" / "pa_cambodia_odc" / f"{name}.geojson")
    cleaned = clean_protected_areas(areas, country="KH")
    check_sums(cleaned, rows)
    assert int(cleaned.report.sites["geometry_repaired"].sum()) == repaired
    assert largest_overlap_m2(cleaned.coverage) < 1e-3
    valid = areas.geometry.make_valid(method="structure", keep_collapsed=False)
    assert cleaned.coverage.area.sum() / 1e6 == pytest.approx(km2(valid.union_all()), rel=1e-4)
