"""What leaves the lake: places as cells, facts of the cell alone, nothing that tells more."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from biodata.core import terms
from biodata.core.errors import SharingError
from biodata.core.flags import FLAGS, TRACKED
from biodata.core.terms import OCCURRENCE, PUBLISHED_OCCURRENCE, Reach
from biodata.core.vocabularies import SharingCategory
from biodata.places import load_boundaries, locate
from biodata.runs import EVIDENCE_COLUMNS
from biodata.sharing import Rule, RuleSet, publish
from biodata.sharing.publish import as_published, plan_alone

GEOD = Geod(ellps="WGS84")
BOUNDARIES = load_boundaries()
CATEGORIES = [c for c in SharingCategory if c.cell_degrees]


def rules(category="0_1_degree", **more):
    return RuleSet.of(
        [Rule("gibbons", SharingCategory(category), "hunted and traded", scientific_name="Nomascus nasutus", **more)]
    )


def records(*rows, longitude=None, latitude=None, name="Nomascus nasutus"):
    """Return records of the lake, with the places' facts as harmonising tells them."""
    if longitude is not None:
        rows = [{"decimalLongitude": x, "decimalLatitude": y} for x, y in zip(longitude, latitude, strict=True)]
    rows = [{"key": n, "scientificName": name, "species": name} | row for n, row in enumerate(rows)]
    frame = terms.conform(pl.DataFrame(rows, infer_schema_length=None), OCCURRENCE)
    lon, lat = (frame[c].fill_null(np.nan).to_numpy() for c in ("decimalLongitude", "decimalLatitude"))
    found = locate(lon, lat, BOUNDARIES)
    return frame.with_columns([
        found[c].alias(c)
        for c in ("located_country_code", "province_code", "ambiguous", "country_codes", "border_distance_m")
    ]).with_columns(pl.coalesce("countryCode", "located_country_code").alias("countryCode"))  # fmt: skip


def published(frame, category="0_1_degree"):
    return publish(frame, rules(category), boundaries=BOUNDARIES)


def each(frame, category):
    ruleset = rules(category)
    plan = plan_alone(frame, ruleset, BOUNDARIES)
    return as_published(frame, replace(ruleset, plan=plan), boundaries=BOUNDARIES)


EVERYTHING = {
    "occurrenceID": "urn:1", "gbifID": "1", "source_record_id": "urn:1", "source_file": "f.csv", "source_row": 2,
    "individualCount": 4, "organismQuantity": "4", "sex": "FEMALE", "eventDate": "2021-03-04", "event_precision": "day",
    "event_start": date(2021, 3, 4), "event_end": date(2021, 3, 4), "event_time": "06:30", "year": 2021, "month": 3, "day": 4,
    "decimalLongitude": 106.41234, "decimalLatitude": 24.51234, "coordinateUncertaintyInMeters": 25.0,
    "coordinatePrecision": 0.00001, "elevation": 830.0, "countryCode": "CN", "stateProvince": "Guangxi",
    "locality": "24.51234, 106.41234", "habitat": "karst", "recordedBy": "A", "recordNumber": "106-24", "eventID": "e1",
    "occurrenceRemarks": "at 24.5123 N 106.4123 E", "informationWithheld": "exact place 24.51234 106.41234",
    "dataGeneralizations": "none", "datasetKey": "d", "license": "CC_BY_4_0", "basisOfRecord": "HUMAN_OBSERVATION",
    "quality_flags": ["BORDER_AMBIGUOUS", "COORDINATE_ROUNDED", "RECORDED_DATE_UNLIKELY", "GEODETIC_DATUM_ASSUMED_WGS84"],
}  # fmt: skip


def test_the_columns_are_those_of_the_published_table():
    for frame in (records(EVERYTHING), records(EVERYTHING, name="Passer montanus"), records(EVERYTHING).clear()):
        assert published(frame).schema == terms.schema(PUBLISHED_OCCURRENCE)


def test_an_open_record_is_as_it_was():
    frame = records(EVERYTHING, name="Passer montanus")
    out = published(frame)
    same = [c.name for c in OCCURRENCE if c.reach is not Reach.LAKE]
    assert out.select(same).equals(frame.select(same))
    assert out["sharing_category"].to_list() == ["open"]
    assert out.select("sharing_rule", "cell_west", "cell_north").row(0) == (None, None, None)


def test_a_withheld_record_is_left_out_and_the_others_keep_their_order():
    frame = pl.concat([records(*[EVERYTHING | {"key": n} for n in (5, 1, 3)]),
                       records(EVERYTHING | {"key": 2}, name="Passer montanus")])  # fmt: skip
    assert published(frame, "withheld")["key"].to_list() == [2]
    assert published(frame[[0, 3, 1, 2]])["sharing_category"].to_list() == ["open", "0_1_degree"]


def test_a_sensitive_taxon_goes_out_as_one_presence_of_a_cell_and_a_year():
    again = EVERYTHING | {"decimalLongitude": 106.48, "occurrenceID": "urn:2", "coordinateUncertaintyInMeters": 4_000.0}
    later = EVERYTHING | {"occurrenceID": "urn:3", "year": 2022, "event_start": date(2022, 3, 4)}
    frame = records(*[row | {"key": n} for n, row in enumerate((EVERYTHING, again, later), 7)])
    out = published(frame)
    assert sorted(out["year"]) == [2021, 2022], "one row however many records"
    row = out.filter(year=2021).row(0, named=True)
    assert (row["decimalLatitude"], row["decimalLongitude"]) == (24.55, 106.45)
    assert [row[f"cell_{edge}"] for edge in ("west", "south", "east", "north")] == [106.4, 24.5, 106.5, 24.6]
    half = max(GEOD.inv(106.45, 24.55, 106.4, y)[2] for y in (24.5, 24.6))
    assert row["coordinateUncertaintyInMeters"] == np.ceil(half)
    where = (row["countryCode"], row["country_codes"], row["province_code"], row["ambiguous"])
    assert where == ("CN", ["CN"], "CN-GX", False)
    assert (row["sharing_category"], row["sharing_rule"]) == ("0_1_degree", "gibbons")
    assert (row["scientificName"], row["datasetKey"]) == ("Nomascus nasutus", "d")
    assert (row["event_precision"], row["eventDate"]) == ("year", None), "no more of the date is told"
    assert "hunted and traded (rule gibbons, which gibbons can change)" in row["informationWithheld"]
    assert "locality" in row["informationWithheld"]
    assert "grid cell of 0.1°" in row["dataGeneralizations"]
    assert all(row[c.name] is None for c in PUBLISHED_OCCURRENCE if c.reach is Reach.PRECISE)
    assert row["basisOfRecord"] is row["quality_flags"] is None
    assert not set(out["key"]) & set(frame["key"])
    assert "24.51" not in str(row)
    assert "106.41" not in str(row)


def test_a_tracked_animal_is_withheld_whatever_it_is():
    assert published(records(EVERYTHING | {"quality_flags": [TRACKED]}, name="Passer montanus")).is_empty()
    assert published(records(EVERYTHING | {"quality_flags": [TRACKED]})).is_empty()


@pytest.mark.parametrize("category", [*map(str, CATEGORIES), "withheld"])
def test_nothing_of_its_own_but_place_taxon_dataset_and_year_changes_what_goes_out(category):
    same = ("decimalLongitude", "decimalLatitude", "year", "datasetKey", "event_start", "event_end")
    bare = {name: EVERYTHING[name] for name in same}
    full = EVERYTHING | {"quality_flags": sorted(set(FLAGS) - {TRACKED})}
    first, second = (published(records(row), category) for row in (full, bare))
    assert first.equals(second)
    assert first.height == (category != "withheld")


def test_a_cell_over_the_border_tells_no_country_but_all_that_it_touches():
    # The home of the cao-vit gibbon: both sides of the line between Guangxi and Cao Bang
    row = published(records(longitude=[106.55, 106.52, 106.58], latitude=[22.92, 22.98, 22.95]))
    told = row.select("countryCode", "province_code", "country_codes", "ambiguous").rows()
    assert told == [(None, None, ["CN", "VN"], True)]


def test_a_stated_country_that_disagrees_narrows_nothing():
    stated = [None, "VN", "LA", "CN"]
    rows = published(
        records(*[{"decimalLongitude": 106.55, "decimalLatitude": 22.92, "countryCode": c} for c in stated])
    )
    assert rows["country_codes"].to_list() == [["CN", "VN"]]


def test_a_coast_cell_is_published_with_its_neighbours():
    out = published(records(longitude=[109.2101], latitude=[13.7702])).row(0, named=True)
    assert out["cell_east"] - out["cell_west"] > 0.15
    assert "because of the coast" in out["dataGeneralizations"]
    assert out["countryCode"] == "VN"


def test_the_open_sea_has_no_country():
    at_sea = records({"decimalLongitude": 111.55, "decimalLatitude": 12.05, "countryCode": "VN"})
    row = published(at_sea).row(0, named=True)
    assert (row["countryCode"], row["country_codes"], row["cell_west"]) == (None, [], 111.5)


def test_a_lonely_island_is_told_only_as_a_large_square_or_not_at_all():
    row = published(records(longitude=[72.42], latitude=[-7.3]), "1_degree").row(0, named=True)  # Diego Garcia
    told = ("decimalLatitude", "cell_west", "countryCode", "country_codes", "coordinateUncertaintyInMeters")
    assert [row[name] for name in told] == [None] * len(told)
    assert "not published" in row["dataGeneralizations"]


def test_without_coordinates_the_stated_country_stays_where_it_is_large_enough():
    nowhere = EVERYTHING | {"decimalLongitude": None, "decimalLatitude": None}
    out = published(records(*(nowhere | {"countryCode": c} for c in ("LA", "SG", None))), "1_degree").sort(
        "countryCode", nulls_last=True
    )
    assert out["countryCode"].to_list() == ["LA", None], "what is too small is like what is not stated"
    assert out["country_codes"].to_list() == [["LA"], None]
    assert out["year"].to_list() == out["decimalLatitude"].to_list() == out["locality"].to_list() == [None] * 2


def test_what_its_publisher_calls_coarse_is_made_coarse_again():
    told = {"decimalLongitude": 101.437, "decimalLatitude": 21.512, "coordinateUncertaintyInMeters": 28000.0}
    flag = {"quality_flags": ["PUBLISHER_GENERALISED"], "dataGeneralizations": "to a tenth of a degree"}
    assert published(records(told | flag)).equals(published(records(told)))


def test_a_record_without_a_column_is_not_published():
    with pytest.raises(SharingError, match="without the columns family, genus"):
        publish(records(EVERYTHING).drop("family", "genus"), rules(), boundaries=BOUNDARIES)


def test_a_place_told_on_a_grid_line_is_in_the_cell_that_starts_there():
    lon, lat = np.round(np.arange(95, 122, 0.01), 2), np.round(np.arange(1, 28, 0.01), 2)
    n = min(len(lon), len(lat))
    out = each(records(longitude=lon[:n], latitude=lat[:n]), "0_01_degree").with_columns(x=lon[:n], y=lat[:n])
    own = out.filter(pl.col("cell_east") - pl.col("cell_west") < 0.015)
    assert own.height > 1000
    assert (own["cell_west"] == own["x"]).all()
    assert (own["cell_south"] == own["y"]).all()


def test_grid_lines_poles_and_the_date_line_have_a_cell():
    lon, lat = [102.3, -0.0, 180.0, -180.0, 10.0], [24.5, 0.0, 70.05, 70.05, 90.0]
    for category in CATEGORIES:
        out = each(records(longitude=lon, latitude=lat), str(category))
        told = out.drop_nulls("cell_west")
        for side, value, other in (("west", "Longitude", "east"), ("south", "Latitude", "north")):
            assert (told[f"cell_{side}"] < told[f"decimal{value}"]).all()
            assert (told[f"decimal{value}"] < told[f"cell_{other}"]).all()
        assert out["cell_west"][0] <= 102.3 <= out["cell_east"][0]
        assert out["cell_south"][0] <= 24.5 <= out["cell_north"][0]


places = st.tuples(st.floats(95, 122), st.floats(-8, 29))


@settings(max_examples=12)
@given(st.lists(places, min_size=1, max_size=30), st.sampled_from(CATEGORIES))
def test_the_cell_and_the_radius_hold_the_place(found, category):
    lon, lat = map(np.array, zip(*found, strict=True))
    out = each(records(longitude=lon, latitude=lat), str(category)).with_columns(x=lon, y=lat).drop_nulls("cell_west")
    assert (out["cell_west"] <= out["x"] + 1e-9).all()
    assert (out["x"] <= out["cell_east"]).all()
    assert (out["cell_south"] <= out["y"] + 1e-9).all()
    assert (out["y"] <= out["cell_north"]).all()
    away = GEOD.inv(*(out[c].to_numpy() for c in ("x", "y", "decimalLongitude", "decimalLatitude")))[2]
    assert (away <= out["coordinateUncertaintyInMeters"].to_numpy()).all()
    assert ((out["cell_east"] - out["cell_west"]) >= category.cell_degrees - 1e-9).all()


WORDS = ("24.51234, 106.41234", "24°30'44\" 106°24'44\"", "24 30 44 N 106 24 44 E", "24:30:44", "48Q 655123 2711456",
         "24,51")  # fmt: skip
TOLD_IN = ("kingdom", "family", "establishmentMeans", "iucnRedListCategory")


def test_words_that_a_source_tells_are_left_out_of_sensitive_records():
    """The taxon of a presence is the reference list's, whatever its records tell; each here is of a year of its own."""
    cells = [{column: text} for column in TOLD_IN for text in WORDS]
    cells += [{"scientificName": f"Nomascus nasutus {text}"} for text in WORDS]
    rows = [EVERYTHING | {"species": "Nomascus nasutus", "year": 1990 + n} | cell for n, cell in enumerate(cells)]
    out = published(records(*rows))
    assert out.height == len(rows)
    told = out.select("scientificName", *TOLD_IN).unique().rows()
    assert told == [("Nomascus nasutus", "Animalia", "Hylobatidae", None, None)]
    open_ones = [EVERYTHING | cell for cell in cells if "scientificName" not in cell]
    untouched = published(records(*open_ones, name="Passer montanus")).sort("key")
    for row, cell in zip(untouched.iter_rows(named=True), open_ones, strict=True):
        assert {name: row[name] for name in TOLD_IN if name in cell} == {n: cell[n] for n in TOLD_IN if n in cell}


def test_evidence_reads_every_column_that_a_rule_looks_at():
    seen = {"scientificName", "acceptedScientificName", "species", "genus", "genericName", "specificEpithet",
            "infraspecificEpithet", "match_type", "stated_taxon", "kingdom", "phylum", "class", "order", "family",
            "countryCode", "located_country_code", "country_codes", "province_code", "ambiguous", "datasetKey",
            "event_start", "event_end", "month"}  # fmt: skip
    assert seen <= set(EVIDENCE_COLUMNS)


def test_records_of_one_taxon_with_and_without_keys_are_one_presence():
    keyed = {"taxonKey": 7, "speciesKey": 7, "iucnRedListCategory": "CR"}
    frame = records(EVERYTHING | {"key": 1}, EVERYTHING | keyed | {"key": 2, "occurrenceID": "urn:2"})
    both, alone = published(frame), published(frame[:1])
    assert both.select(*keyed).rows() == [(7, 7, "CR")]
    assert alone["key"].to_list() == both["key"].to_list(), "it stays the same one when a key is known"
