import json

import numpy as np
import polars as pl
import pytest
import shapely

from biodata.core import flags, geo, terms
from biodata.harmonise.area_borders import country_codes
from biodata.harmonise.protected_areas import protected_areas
from biodata.ingest import open_source
from biodata.places import country_geometry, load_boundaries
from case_tables import cases

SQUARE = shapely.box(101.6, 21.0, 101.7, 21.1)  # in Luang Namtha, far from a border
BOWTIE = shapely.Polygon([(102, 20), (102.1, 20.1), (102.1, 20), (102, 20.1)])


@pytest.fixture(scope="module")
def boundaries():
    return load_boundaries()


@pytest.fixture
def interpret(boundaries):
    def interpret(rows, geometry=SQUARE, **options):
        shapes = geometry if isinstance(geometry, list) else [geometry] * len(rows)
        batch = pl.DataFrame(rows, infer_schema_length=None).cast(pl.String).with_columns(
            source_file=pl.lit("areas.geojson"), source_row=pl.int_range(1, len(rows) + 1, dtype=pl.Int64),
            geometry=pl.Series([None if s is None else shapely.to_wkb(s) for s in shapes], dtype=pl.Binary),
        )  # fmt: skip
        frame, refusals = protected_areas(batch, dataset_key="pa", boundaries=boundaries, **options)
        assert frame.schema == terms.schema(terms.PROTECTED_AREA)
        assert set(frame["quality_flags"].explode().drop_nulls()) <= set(flags.FLAGS)
        assert frame.height + len(refusals) == len(rows)
        return frame if not refusals else (frame, refusals)

    return interpret


def one(frame):
    assert frame.height == 1
    return frame.row(0, named=True)


OLD = {"WDPAID": "10706", "WDPA_PID": "10706_A", "PA_DEF": "1", "NAME": "Xishuangbanna", "ORIG_NAME": "西双版纳国家级自然保护区",
       "DESIG": "国家级自然保护区", "DESIG_ENG": "National Nature Reserve", "IUCN_CAT": "IV", "MARINE": "0", "REP_AREA": "2418",
       "GIS_AREA": "9999", "STATUS": "Designated", "STATUS_YR": "1986", "ISO3": "CHN"}  # fmt: skip
NEW = {"SITE_ID": "555512345", "SITE_PID": "555512345", "SITE_TYPE": "OECM", "NAME_ENG": "Xishuangbanna",
       "NAME": "西双版纳国家级自然保护区", "DESIG_ENG": "Community Conserved Area", "IUCN_CAT": "Not Applicable",
       "REALM": "Terrestrial", "REP_AREA": "0", "STATUS": "Established", "STATUS_YR": "0", "ISO3": "LAO;VNM"}  # fmt: skip


def test_old_wdpa_columns(interpret):
    site = one(interpret([OLD]))
    assert (site["wdpaid"], site["site_id"]) == ("10706", None)
    assert (site["source_record_id"], site["area_id"]) == ("10706_A", "pa:10706_A")
    assert (site["name"], site["original_name"]) == ("Xishuangbanna", "西双版纳国家级自然保护区")
    assert site["designation"] == "National Nature Reserve"
    assert (site["iucn_category"], site["status"], site["status_year"]) == ("IV", "Designated", 1986)
    assert (site["is_oecm"], site["marine"], site["country_codes"]) == (False, "terrestrial", ["CN"])
    assert site["reported_area_km2"] == 2418
    assert json.loads(site["attributes"]) == OLD


def test_new_wdpca_columns(interpret):
    site = one(interpret([NEW]))
    assert (site["site_id"], site["wdpaid"]) == ("555512345", None)
    assert (site["name"], site["original_name"]) == ("Xishuangbanna", "西双版纳国家级自然保护区")
    assert (site["is_oecm"], site["marine"], site["iucn_category"]) == (True, "terrestrial", None)
    assert (site["status"], site["status_year"], site["reported_area_km2"]) == ("Established", None, None)
    assert site["country_codes"] == ["LA", "VN"]


@pytest.mark.parametrize(
    ("attributes", "km2"), cases("harmonise_protected_areas", "test_reported_area_is_in_the_unit_of_its_column")
)
def test_reported_area_is_in_the_unit_of_its_column(interpret, attributes, km2):
    area = one(interpret([{"NAME": "x", **attributes}]))["reported_area_km2"]
    assert area == (km2 if km2 is None else pytest.approx(km2))


@pytest.mark.parametrize(("reported", "flagged"), [(1.09, False), (1.2, True), (0.85, True), (0.95, False)])
def test_reported_and_computed_area(interpret, reported, flagged):
    site = one(interpret([{"NAME": "x", "REP_AREA": str(reported * geo.area_km2([SQUARE])[0])}]))
    assert ("AREA_DISAGREES" in site["quality_flags"]) == flagged
    assert site["computed_area_km2"] == pytest.approx(geo.area_km2([SQUARE])[0])


def test_national_status_that_is_a_designation(interpret):
    park = {"Name": "Virachey", "Status": "National Park", "Category": None}
    frame = interpret([park, {"Name": "Koh Kong", "Status": "Proposed"}])
    assert frame["designation"].to_list() == ["National Park", None]
    assert frame["status"].to_list() == [None, "Proposed"]


@pytest.mark.parametrize(("told", "codes"), cases("harmonise_protected_areas", "test_countries_as_stated"))
def test_countries_as_stated(told, codes):
    assert country_codes(told) == codes


def test_repeated_site_keeps_both_copies(interpret):
    frame = interpret([{"AHPSITEID": "2.0", "AHPNAME": "Kerinci-Seblat"}] * 3)
    assert frame["area_id"].to_list() == ["pa:2", "pa:2~2", "pa:2~3"]
    assert [("SITE_REPEATED" in told) for told in frame["quality_flags"]] == [False, True, True]


def test_parcels_of_one_site_are_not_repeated(interpret):
    frame = interpret([{**NEW, "SITE_PID": "1_A"}, {**NEW, "SITE_PID": "1_B"}])
    assert frame["source_record_id"].to_list() == ["1_A", "1_B"]
    assert frame["quality_flags"].to_list() == [[], []]


def test_names_identify_where_nothing_else_does(interpret):
    rows = [{"Name": "Preah Vihear", "ha": "1"}, {"Name": "Preah Vihear", "ha": "2"}, {"Name": "Phnom Prich"}]
    ids = interpret(rows)["source_record_id"].to_list()
    assert ids[2] == "Phnom_Prich"
    assert ids[0] != ids[1]
    assert all(told.startswith("Preah_Vihear-") for told in ids[:2])
    assert interpret(rows[::-1])["source_record_id"].to_list() == ids[::-1]


def test_column_of_a_file_identifies_only_where_it_is_whole(interpret):
    rows = [{"Code": "KMH1", "Name": "a"}, {"Code": "KMH2", "Name": "b"}]
    assert interpret(rows)["source_record_id"].to_list() == ["KMH1", "KMH2"]
    rows[1]["Code"] = None
    assert interpret(rows)["source_record_id"].to_list() == ["a", "b"]


def test_tables_of_one_ingest_share_identities(interpret):
    seen = set()
    first = interpret([{"Name": "Snuol", "ISO3": "LAO"}], seen=seen)
    second = interpret([{"Name": "Snuol", "ISO3": "LAO"}], seen=seen)
    assert (first["source_record_id"][0], second["source_record_id"][0]) == ("Snuol", "Snuol~2")
    assert second["quality_flags"][0].to_list() == ["SITE_REPEATED"]


def test_identifier_can_stand_in_an_address(interpret):
    assert one(interpret([{"Name": "Boeung Chhmar/Moat Khla?#"}]))["source_record_id"] == "Boeung_Chhmar_Moat_Khla"


@pytest.mark.parametrize(("geometry", "flag", "kind"), [
    pytest.param(BOWTIE, "GEOMETRY_INVALID", "MultiPolygon", id="a bow tie"),
    pytest.param(None, "GEOMETRY_MISSING", None, id="none"),
    pytest.param(shapely.Polygon(), "GEOMETRY_MISSING", None, id="empty"),
    pytest.param(shapely.Point(101.6, 21), "GEOMETRY_POINT", "Point", id="a point"),
])  # fmt: skip
def test_geometry_is_flagged(interpret, geometry, flag, kind):
    site = one(interpret([{"NAME": "x", "ISO3": "LAO"}], [geometry]))
    assert site["quality_flags"] == [flag]
    shape = shapely.from_wkb(site["geometry"])
    assert (shape.geom_type if shape is not None else None) == kind
    assert shape is None or shape.is_valid


def test_point_has_no_computed_area(interpret):
    site = one(interpret([{"NAME": "x", "REP_AREA": "10"}], [shapely.Point(101.6, 21)]))
    assert site["computed_area_km2"] is None
    assert site["located_country_codes"] == ["LA"]


def test_collection_is_reduced_to_its_polygons(interpret):
    collection = shapely.GeometryCollection([SQUARE, shapely.Point(1, 1), shapely.LineString([(0, 0), (1, 1)])])
    shape = shapely.from_wkb(one(interpret([{"NAME": "x"}], [collection]))["geometry"])
    assert shapely.equals(shape, SQUARE)


def test_assumed_coordinate_system_is_flagged(interpret):
    rows = [{"NAME": "x", "ISO3": "LAO"}]
    assert one(interpret(rows, declarations={}))["quality_flags"] == ["GEODETIC_DATUM_ASSUMED_WGS84"]
    assert one(interpret(rows, declarations={"crs": "EPSG:4326"}))["quality_flags"] == []


@pytest.mark.parametrize(("shape", "country", "located"), [
    pytest.param(SQUARE, "LAO", ["LA"], id="inside its country"),
    pytest.param(shapely.box(118, 14, 118.2, 14.2), "PHL", [], id="at sea"),
])  # fmt: skip
def test_site_that_spills_nowhere(interpret, shape, country, located):
    site = one(interpret([{"NAME": "x", "ISO3": country}], shape))
    assert (site["located_country_codes"], site["spill_km2"], site["quality_flags"]) == (located, 0, [])


def test_site_without_country_belongs_where_most_of_it_lies(interpret):
    site = one(interpret([{"NAME": "x"}]))
    assert (site["country_codes"], site["located_country_codes"]) == (["LA"], ["LA"])
    assert site["quality_flags"] == ["COUNTRY_DERIVED_FROM_COORDINATES"]
    site = one(interpret([{"NAME": "x"}], declarations={"country": "LA", "crs": "EPSG:4326"}))
    assert site["country_codes"] == ["LA"]


@pytest.mark.parametrize(("shape", "countries"), [
    pytest.param(shapely.Point(103.91, 1.30), ["SG"], id="a park on a coast that the map draws inland"),
    pytest.param(shapely.Point(103.91, 1.30).buffer(0.002), ["SG"], id="the same as a polygon"),
    pytest.param(shapely.Point(103.96, 1.41), ["MY", "SG"], id="an island in the strait between two"),
    pytest.param(shapely.Point(101.6, 21.15).buffer(0.002), ["LA", "CN"], id="within the band of a border"),
    pytest.param(shapely.Point(90.0, -5.0), [], id="on the high sea"),
])  # fmt: skip
def test_site_without_country_gets_every_side_that_the_band_allows(interpret, shape, countries):
    site = one(interpret([{"NAME": "x"}], [shape]))
    assert site["country_codes"] == countries
    assert ("COUNTRY_DERIVED_FROM_COORDINATES" in site["quality_flags"]) == bool(countries)
    assert ("BORDER_AMBIGUOUS" in site["quality_flags"]) == (len(countries) > 1)


def test_site_stated_in_the_wrong_country(interpret):
    site = one(interpret([{"NAME": "x", "ISO3": "KHM"}]))
    assert "COUNTRY_DISAGREES" in site["quality_flags"]
    assert site["located_country_codes"] == ["LA"]
    assert site["spill_outside_band_km2"] == pytest.approx(site["computed_area_km2"], rel=1e-3)


def test_transboundary_site_is_held_by_both(interpret, boundaries):
    shape = shapely.box(101.5, 21.3, 101.9, 21.9)  # Xishuangbanna and Luang Namtha
    site = one(interpret([{"NAME": "x", "ISO3": "LAO"}], shape))
    assert set(site["located_country_codes"]) == {"CN", "LA"}
    assert "BOUNDARY_DISAGREEMENT" in site["quality_flags"]
    spill = geo.area_km2(shapely.intersection(shape, country_geometry("CN", boundaries)))[0]
    assert site["spill_km2"] == pytest.approx(spill)
    assert 0 < site["spill_outside_band_km2"] < spill
    assert one(interpret([{"NAME": "x", "ISO3": "LAO;CHN"}], shape))["spill_km2"] == 0


def test_spill_outside_the_band_agrees_with_sampled_points(interpret, boundaries):
    shape = shapely.box(101.5, 21.3, 101.9, 21.9)
    site = one(interpret([{"NAME": "x", "ISO3": "LAO"}], shape))
    laos, china = country_geometry("LA", boundaries), country_geometry("CN", boundaries)
    lon, lat = np.meshgrid(np.arange(101.505, 101.9, 0.01), np.arange(21.305, 21.9, 0.01))
    points = shapely.points(lon.ravel(), lat.ravel())
    points = points[shapely.intersects(china, points)]
    nearest = shapely.get_coordinates(shapely.shortest_line(points, laos)).reshape(-1, 4)
    far = geo.geodesic_distance_m(*nearest.T) > boundaries.band_m
    cell = geo.area_km2(shapely.box(101.7, 21.6, 101.71, 21.61))[0]
    assert site["spill_outside_band_km2"] == pytest.approx(far.sum() * cell, rel=0.05)


@pytest.mark.parametrize(("place", "flagged"), [
    pytest.param((101.6, 21.05), True, id="a point deep in Laos said to be in China"),
    pytest.param((101.6, 21.15), False, id="a point in Laos, 3 km from China"),
])  # fmt: skip
def test_point_stated_in_another_country(interpret, boundaries, place, flagged):
    assert shapely.intersects(country_geometry("LA", boundaries), shapely.Point(place)) or not flagged
    site = one(interpret([{"NAME": "x", "ISO3": "CHN"}], [shapely.Point(place)]))
    assert ("COUNTRY_DISAGREES" in site["quality_flags"]) == flagged


def ingested(path, boundaries):
    (table,) = open_source("protected-areas", [path]).read()
    (batch,) = table.batches
    frame, refusals = protected_areas(batch, dataset_key="x", boundaries=boundaries, declarations=table.declarations)
    assert refusals == []
    assert frame["area_id"].is_unique().all()
    return frame


@pytest.fixture(scope="module")
def heritage_parks(shared, boundaries):
    return ingested(shared / "data" / "pa_asean_heritage_parks" / "asean_heritage_parks.geojson", boundaries)


@pytest.mark.parametrize(("park", "country", "other", "spill"), [
    ("Hkakaborazi", "MM", "CN", 268.1), ("Virachey", "KH", "VN", 271.4), ("Nam Ha", "LA", "CN", 33.0),
])  # fmt: skip
def test_heritage_parks_that_spill_are_not_transboundary(heritage_parks, boundaries, park, country, other, spill):
    site = one(heritage_parks.filter(pl.col("name").str.starts_with(park)))
    assert site["country_codes"] == site["located_country_codes"] == [country]
    assert "BOUNDARY_DISAGREEMENT" in site["quality_flags"]
    # Brute force: the whole polygons, and the area in another projection.
    part = shapely.intersection(shapely.from_wkb(site["geometry"]), country_geometry(other, boundaries))
    area = geo.project(part, "EPSG:4326", "ESRI:54034").area / 1e6
    assert area == pytest.approx(spill, rel=0.01)
    assert site["spill_km2"] >= area * 0.999
    assert site["spill_outside_band_km2"] < 0.01 * site["computed_area_km2"]


def test_heritage_parks_adds_up(heritage_parks):
    assert heritage_parks.height == 69
    counts = heritage_parks["quality_flags"].explode().value_counts()
    counted = dict(counts.drop_nulls().iter_rows())
    assert counted["SITE_REPEATED"] == 2
    assert counted["GEOMETRY_INVALID"] == 1
    assert heritage_parks["reported_area_km2"].null_count() == 4
    assert heritage_parks["designation"].unique().to_list() == ["ASEAN Heritage Park"]
    invalid = one(heritage_parks.filter(pl.col("source_record_id") == "2~2"))
    assert "GEOMETRY_INVALID" in invalid["quality_flags"]


@pytest.mark.parametrize(("name", "invalid"), [
    ("community_forests", 4), ("eastern_plains_protected_area", 0), ("key_biodiversity_areas", 3),
    ("protected_areas_and_forests", 0),
])  # fmt: skip
def test_cambodian_files(shared, boundaries, name, invalid):
    frame = ingested(shared / "data" / "pa_cambodia_odc" / f"{name}.geojson", boundaries)
    first = frame["located_country_codes"].list.first()
    assert (first != "KH").sum() <= 1  # one community forest of the east lies beyond this set's line
    assert frame["name"].null_count() == 0
    assert frame["reported_area_km2"].null_count() == 0
    assert sum("GEOMETRY_INVALID" in told for told in frame["quality_flags"]) == invalid
    assert shapely.is_valid(shapely.from_wkb(frame["geometry"].to_list())).all()
