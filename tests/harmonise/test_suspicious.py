"""Places that stand in for the true one are flagged; true places beside them are not."""

import os
from datetime import date
from importlib.resources import files

import numpy as np
import polars as pl
import pytest
from pyproj import Geod

from biodata import places
from biodata.core.errors import InputError
from biodata.core.flags import FLAGS, SUSPICIOUS
from biodata.harmonise import Harmoniser
from biodata.harmonise.suspicious import _groups
from biodata.places.datums import wgs84_to_bd09, wgs84_to_gcj02

BOUNDARIES = places.load_boundaries()
GEOD = Geod(ellps="WGS84")
# Kunming and Mengla as GeoNames gives them.
KUNMING, MENGLA = (102.71833, 25.03889), (101.5637, 21.46234)


@pytest.fixture(scope="module")
def harmoniser():
    return Harmoniser(boundaries=BOUNDARIES, secret=bytes(32), today=date(2026, 11, 24))


@pytest.fixture(scope="module")
def seats():
    with files("biodata").joinpath("data").joinpath("seats.parquet").open("rb") as file:
        return pl.read_parquet(file)


def flags(harmoniser, rows):
    frame = pl.DataFrame(rows, infer_schema_length=None).cast(pl.String)
    frame = frame.with_columns(source_file=pl.lit("a.csv"), source_row=pl.int_range(2, pl.len() + 2))
    told = frame.with_columns(occurrenceID=pl.int_range(pl.len()).cast(pl.String))
    found = harmoniser.occurrences(told, dataset_key="test").interpreted["quality_flags"]
    return [set(row) & SUSPICIOUS for row in found.to_list()]


def at(place, decimals=5, **more):
    longitude, latitude = place
    return {"decimalLongitude": f"{longitude:.{decimals}f}", "decimalLatitude": f"{latitude:.{decimals}f}", **more}


def moved(place, metres, azimuth=70.0):
    longitude, latitude, _ = GEOD.fwd(*place, azimuth, metres)
    return longitude, latitude


@pytest.mark.parametrize(("row", "expected"), [
    pytest.param(at(MENGLA), {"NEAR_COUNTY_SEAT"}, id="a county's seat"),
    pytest.param(at(KUNMING), {"NEAR_PROVINCE_CAPITAL"}, id="a province's capital"),
    pytest.param(at((116.39723, 39.9075)), {"NEAR_COUNTRY_CAPITAL"}, id="a country's capital"),
    pytest.param(at((101.55069, 21.46859)), {"NEAR_COUNTY_SEAT"}, id="where it was published before"),
    pytest.param(at(MENGLA, 4), {"NEAR_COUNTY_SEAT"}, id="four decimals"),
    pytest.param(at(MENGLA, 3), {"NEAR_COUNTY_SEAT"}, id="three decimals"),
    pytest.param(at(MENGLA, 2), {"NEAR_COUNTY_SEAT"}, id="two decimals"),
    pytest.param(at((101.563, 21.462), 3), {"NEAR_COUNTY_SEAT"}, id="cut to three decimals"),
    pytest.param(at(MENGLA, 1), set(), id="one decimal says nothing"),
    pytest.param(at((101 + 34 / 60, 21 + 28 / 60), 6), {"NEAR_COUNTY_SEAT"}, id="whole minutes"),
    pytest.param({"decimalLongitude": "101°33'49\"E", "decimalLatitude": "21°27'44\"N"}, {"NEAR_COUNTY_SEAT"},
                 id="whole seconds"),
    pytest.param(at(MENGLA, coordinateUncertaintyInMeters="10"), {"NEAR_COUNTY_SEAT"}, id="equal, called exact"),
    pytest.param(at(moved(MENGLA, 20)), {"NEAR_COUNTY_SEAT"}, id="20 m away"),
    pytest.param(at(moved(MENGLA, 20), coordinateUncertaintyInMeters="10"), set(), id="20 m away by receiver"),
    pytest.param(at(moved(MENGLA, 150)), set(), id="150 m away"),
    pytest.param(at(moved(MENGLA, 900)), set(), id="900 m away"),
    pytest.param(at(moved(MENGLA, 900), georeferenceSources="GeoNames"), {"NEAR_COUNTY_SEAT"},
                 id="900 m away, looked up"),
    pytest.param(at(moved(MENGLA, 900), county="Mengla", locality="Mengla"), {"NEAR_COUNTY_SEAT"},
                 id="900 m away, the county for a locality"),
    pytest.param(at(moved(MENGLA, 900), county="Mengla", locality="Nangong hill"), set(), id="a locality"),
    pytest.param(at((105.0, 35.0)), {"COORDINATES_CENTRE_OF_COUNTRY"}, id="the middle of China"),
    pytest.param(at((102.0, 25.0)), set(), id="a round place"),
    pytest.param(at((116.205, 39.9925)), {"AT_INSTITUTION"}, id="the institute of botany"),
    pytest.param({"decimalLongitude": None, "decimalLatitude": None}, set(), id="no place"),
    pytest.param({"decimalLongitude": "181", "decimalLatitude": "95"}, set(), id="no such place"),
])  # fmt: skip
def test_a_stand_in_is_named(harmoniser, row, expected):
    assert flags(harmoniser, [row]) == [expected]


@pytest.mark.parametrize("shift", [wgs84_to_gcj02, wgs84_to_bd09])
def test_a_seat_as_chinese_maps_shift_it(harmoniser, shift):
    x, y = shift(*np.array([MENGLA]).T)
    assert flags(harmoniser, [at((x[0], y[0]), 6)]) == [{"NEAR_COUNTY_SEAT"}]


def test_middles_of_divisions_are_those_that_programs_reckon(harmoniser):
    shape = places.province_geometry("CN-YN", BOUNDARIES)
    west, south, east, north = shape.bounds
    centroid = (shape.centroid.x, shape.centroid.y)
    rows = [at(centroid), at(((west + east) / 2, (south + north) / 2)), at(moved(centroid, 800))]
    assert flags(harmoniser, rows) == [{"COORDINATES_CENTRE_OF_STATEPROVINCE"}] * 3
    assert flags(harmoniser, [at(moved(centroid, 800), coordinateUncertaintyInMeters="15")]) == [set()]


def test_the_circle_around_a_middle_fits_its_country(harmoniser):
    rows = [at(moved((103.8, 1.3667), metres)) for metres in (100, 600)]
    wrong = {"COORDINATES_CENTRE_OF_COUNTRY"}
    assert [found & wrong for found in flags(harmoniser, rows)] == [wrong, set()]


def test_middles_of_countries(harmoniser):
    rows = []
    for code in ("LA", "KH", "MM", "CN"):
        centroid = places.country_geometry(code, BOUNDARIES).centroid
        rows.append(at((centroid.x, centroid.y)))
    assert all("COORDINATES_CENTRE_OF_COUNTRY" in found for found in flags(harmoniser, rows))


@pytest.mark.parametrize("decimals", [3, 4, 5, 6])
def test_planted_seats_are_found_and_true_places_near_them_are_not(harmoniser, seats, decimals):
    generator = np.random.default_rng(20261124)
    scope = ["CN", "VN", "LA", "MM", "TH", "KH", "MY", "ID", "PH"]
    chosen = seats.filter(pl.col("country_code").is_in(scope), kind="county").sample(1000, seed=7)
    planted = list(chosen.select("longitude", "latitude").iter_rows())
    found = flags(harmoniser, [at(place, decimals) for place in planted])
    assert sum(map(bool, found)) >= 990
    metres, azimuth = generator.uniform(300, 5000, 1000), generator.uniform(0, 360, 1000)
    true = [moved(place, m, a) for place, m, a in zip(planted, metres, azimuth, strict=True)]
    assert sum(map(bool, flags(harmoniser, [at(place, decimals) for place in true]))) < 10


@pytest.mark.parametrize(("taxon", "place", "expected"), [
    pytest.param({"family": "Delphinidae", "genus": "Tursiops"}, KUNMING, "MARINE_TAXON_ON_LAND", id="dolphin"),
    pytest.param({"family": "Delphinidae", "genus": "Orcaella"}, KUNMING, None, id="a dolphin of rivers"),
    pytest.param({"family": "Delphinidae"}, KUNMING, None, id="a dolphin without a genus"),
    pytest.param({"family": "Delphinidae", "genus": "Tursiops"}, (114.0, 15.0), None, id="a dolphin at sea"),
    pytest.param({"order": "Proboscidea"}, (114.0, 15.0), "LAND_TAXON_AT_SEA", id="an elephant at sea"),
    pytest.param({"order": "Proboscidea"}, (101.0, 22.0), None, id="an elephant on land"),
    pytest.param({"class": "Aves"}, (114.0, 15.0), None, id="a bird anywhere"),
    pytest.param({"order": "Scleractinia"}, (101.0, 22.0), None, id="coral of no told basis may be a fossil"),
    pytest.param({"order": "Scleractinia", "basisOfRecord": "HumanObservation"}, (101.0, 22.0), "MARINE_TAXON_ON_LAND",
                 id="living coral on a hill"),
    pytest.param({"family": "Balaenopteridae", "basisOfRecord": "FossilSpecimen"}, (101.0, 22.0), None,
                 id="a fossil whale"),
    pytest.param({"family": "Bovidae"}, (108.72, 21.57), None, id="within the coast's band"),
])  # fmt: skip
def test_sea_and_land_against_the_taxon(harmoniser, taxon, place, expected):
    found = flags(harmoniser, [at(moved(place, 137), 4, **taxon)])[0] & {"MARINE_TAXON_ON_LAND", "LAND_TAXON_AT_SEA"}
    assert found == ({expected} if expected else set())


def test_every_suspicious_flag_can_tell_a_place():
    assert all(FLAGS[name].narrows_place for name in SUSPICIOUS)


def test_the_bundled_tables_are_whole(seats):
    gazetteer = places.load_gazetteer(BOUNDARIES)
    assert set(seats["kind"]) == set(gazetteer.seats)
    assert seats.null_count().sum_horizontal().item() == 0
    assert {group.element for group in _groups()} == {"sea", "land"}
    institutions = gazetteer.institutions
    assert institutions.name.n_unique() == len(institutions.name)
    assert ((institutions.radius_m >= 100) & (institutions.radius_m <= 1000)).all()


HEADING = "kind,name,longitude,latitude,radius_m"


def test_an_installation_s_own_points_stand_beside_the_bundled_ones(tmp_path):
    path = tmp_path / "gazetteer.csv"
    own = (101.7, 22.3)
    path.write_text(
        f"{HEADING}\ncounty,Own,101.7,22.3,\ncounty_centre,Own,101.9,22.4,\ninstitution,Lab,101.5,22.1,200\n"
    )
    gazetteer = places.load_gazetteer(BOUNDARIES, path)
    with_own = Harmoniser(boundaries=BOUNDARIES, secret=bytes(32), today=date(2026, 11, 24), gazetteer=gazetteer)
    rows = [at(own), at(MENGLA), at(moved((101.9, 22.4), 500)), at(moved((101.5, 22.1), 150)), at(moved(own, 500))]
    expected = ["NEAR_COUNTY_SEAT", "NEAR_COUNTY_SEAT", "COORDINATES_CENTRE_OF_COUNTY", "AT_INSTITUTION", None]
    assert flags(with_own, rows) == [{name} if name else set() for name in expected]
    path.write_text(f"{HEADING}\ninstitution,Lab,101.5,22.1,200\n")
    os.utime(path, (0, 0))
    changed = places.load_gazetteer(BOUNDARIES, path)
    assert len(changed.centres["county"].name) == 0


@pytest.mark.parametrize(("text", "told"), [
    pytest.param("kind,name,longitude\n", "latitude", id="a column is missing"),
    pytest.param(f"{HEADING}\ntown,A,100,20,\n", "row 2, column kind, value 'town'", id="another kind"),
    pytest.param(f"{HEADING}\ncounty,A,100,20,\ncounty,B,200,20,\n", "row 3, column longitude", id="no longitude"),
    pytest.param(f"{HEADING}\ncounty,A,100,north,\n", "column latitude, value 'north'", id="no number"),
    pytest.param(f"{HEADING}\ninstitution,A,100,20,\n", "column radius_m", id="an institution without a radius"),
    pytest.param("", "no table", id="nothing"),
])  # fmt: skip
def test_points_that_cannot_be_read_are_named(tmp_path, text, told):
    path = tmp_path / "gazetteer.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=told) as error:
        places.load_gazetteer(BOUNDARIES, path)
    assert "gazetteer.csv" in str(error.value)
