"""Occurrences harmonised: doubts named, told values kept, proposals waiting, every row accounted for."""

import json
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata import places
from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.flags import FLAGS
from biodata.harmonise import Harmoniser
from biodata.harmonise.findings import Findings, quality_flags
from case_tables import cases, together

TODAY = date(2026, 11, 24)
SECRET = bytes(range(32))


def harmoniser(checklist=None):
    return Harmoniser(boundaries=places.load_boundaries(), secret=SECRET, checklist=checklist, today=TODAY)


@pytest.fixture
def harmonise():
    def run(*rows, **declarations):
        return harmoniser().occurrences(batch(*rows), dataset_key="test", declarations=declarations)

    return run


def batch(*rows):
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    columns = {heading: [row.get(heading) for row in rows] for heading in headings}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(headings, pl.String))
    place = pl.lit("file.csv").alias("source_file"), pl.int_range(2, len(rows) + 2, dtype=pl.Int64).alias("source_row")
    return frame.select(*place, pl.all())


def each(harmonise, told, **declared):
    """Return what is made of each of some rows that are harmonised together."""
    return harmonise(*({**row, "id": str(n)} for n, row in enumerate(told)), **declared).interpreted.to_dicts()


def only(result):
    (row,) = result.interpreted.to_dicts()
    return row


def proposals(row):
    return {(r["term"], r["value"]) for r in row["repairs"] or [] if not r["applied"]}


def applied(row):
    return {(r["term"], r["value"], r["rule"]) for r in row["repairs"] or [] if r["applied"]}


def test_coordinates_in_doubt(harmonise):
    doubts = {("0", "0.0"): "ZERO_COORDINATE", ("twenty", "100.1"): "COORDINATE_INVALID",
              ("21.5", None): "COORDINATE_MISSING", ("95", "200"): "COORDINATE_OUT_OF_RANGE",
              ("102.7", "25.04"): "PRESUMED_SWAPPED_COORDINATE"}  # fmt: skip
    told = [{"decimalLatitude": latitude, "decimalLongitude": longitude} for latitude, longitude in doubts]
    for (pair, flag), row in zip(doubts.items(), each(harmonise, told), strict=True):
        assert flag in row["quality_flags"], pair


@pytest.mark.parametrize(("latitude", "longitude", "country", "doubts", "taken"), [
    pytest.param("102.7", "25.04", "CN", set(), (None, None), id="out of range"),
    pytest.param("85.4", "28.2", "NP", {"PRESUMED_SWAPPED_COORDINATE", "COUNTRY_COORDINATE_MISMATCH"}, (85.4, 28.2),
                 id="in range, seen by their country"),
])  # fmt: skip
def test_swapped_coordinates_are_proposed_and_not_taken(harmonise, latitude, longitude, country, doubts, taken):
    row = only(
        harmonise({"id": "1", "decimalLatitude": latitude, "decimalLongitude": longitude, "countryCode": country})
    )
    assert doubts <= set(row["quality_flags"])
    assert (row["decimalLatitude"], row["decimalLongitude"]) == taken
    assert proposals(row) == {("decimalLatitude", longitude), ("decimalLongitude", latitude)}


@pytest.mark.parametrize(("latitude", "longitude", "country", "flag", "proposal"), [
    pytest.param("3.0", "116.2", "ID", None, None, id="Kalimantan, north of the equator"),
    pytest.param("9.0", "125.8", "TL", "PRESUMED_NEGATED_LATITUDE", ("decimalLatitude", "-9.0"), id="Timor-Leste"),
    pytest.param("25.0", "-102.7", "CN", "PRESUMED_NEGATED_LONGITUDE", ("decimalLongitude", "102.7"), id="Yunnan"),
])  # fmt: skip
def test_a_lost_sign_is_proposed(harmonise, latitude, longitude, country, flag, proposal):
    told = {"id": "1", "decimalLatitude": latitude, "decimalLongitude": longitude, "countryCode": country}
    row = only(harmonise(told))
    presumed = [name for name in row["quality_flags"] if name.startswith("PRESUMED")]
    assert presumed == ([flag] if flag else [])
    assert proposals(row) == ({proposal} if proposal else set())
    assert (row["decimalLatitude"], row["decimalLongitude"]) == (float(latitude), float(longitude))


def test_a_decimal_comma_is_read_and_the_rule_told(harmonise):
    row = only(harmonise({"id": "1", "decimalLatitude": "21,5", "decimalLongitude": "101,25"}))
    assert (row["decimalLatitude"], row["decimalLongitude"]) == (21.5, 101.25)
    assert ("decimalLatitude", "21.5", "decimal_comma") in applied(row)


def test_measures(harmonise):
    measures = together("harmonise", "test_measures")
    for (told, term, value, flag), row in zip(measures, each(harmonise, [one[0] for one in measures]), strict=True):
        assert row[term] == value, told
        assert flag is None or flag in row["quality_flags"], told


@pytest.mark.parametrize(("datum", "declared", "published", "flag"), [
    pytest.param("EPSG:4326", None, "WGS84", None, id="WGS 84 by its code"),
    pytest.param(None, None, "WGS84", "GEODETIC_DATUM_ASSUMED_WGS84", id="none"),
    pytest.param(None, "WGS84", "WGS84", None, id="declared by the dataset"),
    pytest.param("Indian 1975", None, None, "GEODETIC_DATUM_NOT_WGS84", id="Indian 1975"),
    pytest.param("my phone", None, None, "GEODETIC_DATUM_INVALID", id="no datum"),
])  # fmt: skip
def test_datums(harmonise, datum, declared, published, flag):
    told = {"id": "1", "decimalLatitude": "18.1", "decimalLongitude": "102.6", "geodeticDatum": datum}
    row = only(harmonise(told, **({"datum": declared} if declared else {})))
    assert row["geodeticDatum"] == published
    assert [name for name in row["quality_flags"] if "DATUM" in name] == ([flag] if flag else [])


@pytest.mark.parametrize("told", [
    pytest.param({"dataGeneralizations": "Coordinates rounded to 0.1 degree"}, id="said so"),
    pytest.param({"informationWithheld": "Coordinate uncertainty increased to 28 km"}, id="iNaturalist's words"),
    pytest.param({"datasetKey": "50c9509d-22c7-4a22-a47d-8c48425ef4a7", "coordinateUncertaintyInMeters": "31208"},
                 id="iNaturalist's cell"),
])  # fmt: skip
def test_a_place_that_its_publisher_obscured(harmonise, told):
    place = {"id": "1", "decimalLatitude": "10.078113", "decimalLongitude": "77.003985"}
    assert "PUBLISHER_GENERALISED" in only(harmonise({**place, **told}))["quality_flags"]
    assert "PUBLISHER_GENERALISED" not in only(harmonise(place))["quality_flags"]


DECLARED_UNCERTAINTY = "COORDINATE_UNCERTAINTY_DECLARED"


def test_a_declared_uncertainty_stands_in_where_none_is_told_and_says_so(harmonise):
    told = together("harmonise", "test_a_declared_uncertainty_stands_in_where_none_is_told_and_says_so")
    rows = [
        {"id": f"{n}", "decimalLatitude": "18.10", "decimalLongitude": "102.60", **one[0]} for n, one in enumerate(told)
    ]
    result, without = harmonise(*rows, uncertainty_m="250"), harmonise(*rows)
    noted = ("coordinateUncertaintyInMeters", "250.0", "declared_uncertainty")
    for (cells, radius, declared), row in zip(told, result.interpreted.to_dicts(), strict=True):
        assert row["coordinateUncertaintyInMeters"] == radius, cells
        assert (DECLARED_UNCERTAINTY in row["quality_flags"]) is declared, cells
        assert (noted in applied(row)) is declared, cells
    stated = [cells.get("coordinateUncertaintyInMeters") for cells, *_ in told]
    assert result.verbatim["v_coordinateUncertaintyInMeters"].to_list() == stated
    assert not any(DECLARED_UNCERTAINTY in flags for flags in without.interpreted["quality_flags"])


def test_a_declared_uncertainty_grows_with_the_datum_and_is_no_sign_of_a_receiver(harmonise):
    moved = {"id": "1", "decimalLatitude": "18.1", "decimalLongitude": "99.6"}
    row = only(harmonise(moved, uncertainty_m="250", datum="EPSG:4240"))
    assert row["coordinateUncertaintyInMeters"] == 253.0
    rules = [r["rule"] for r in row["repairs"] if r["term"] == "coordinateUncertaintyInMeters"]
    assert rules == ["declared_uncertainty", "datum_uncertainty"]
    points = places.load_gazetteer(places.load_boundaries()).seats["county"]
    seat = {"id": "1", "decimalLatitude": f"{points.latitude[0]:.5f}", "decimalLongitude": f"{points.longitude[0]:.5f}"}
    doubts = {name for name in only(harmonise(seat))["quality_flags"] if "SEAT" in name}
    assert doubts
    assert doubts <= set(only(harmonise(seat, uncertainty_m="10"))["quality_flags"])


def place(latitude, longitude, **more):
    return {"id": "1", "decimalLatitude": str(latitude), "decimalLongitude": str(longitude), **more}


COUNTRIES = [
    (place(25.04, 102.71, countryCode="CN"), "CN", ["CN"], set()),  # Kunming
    (place(25.04, 102.71), "CN", ["CN"], {"COUNTRY_DERIVED_FROM_COORDINATES"}),  # Kunming, not stated
    (place(25.04, 102.71, country="Burma"), "MM", ["CN"], {"COUNTRY_COORDINATE_MISMATCH"}),  # Kunming as Burma
    (place(25.04, 102.71, countryCode="CN", country="Laos"), "CN", ["CN"], {"COUNTRY_MISMATCH"}),  # two countries
    (place(25.04, 102.71, countryCode="Q9"), "CN", ["CN"], {"COUNTRY_INVALID", "COUNTRY_DERIVED_FROM_COORDINATES"}),  # no such code
    (place(25.04, 102.71, countryCode="ZZ"), "CN", ["CN"], {"COUNTRY_DERIVED_FROM_COORDINATES"}),  # ZZ says unknown
    (place(14.25, 105.25, countryCode="KH"), "KH", ["KH", "LA"], {"BORDER_AMBIGUOUS"}),  # Cambodian banteng, 3.5 km into Laos
    (place(14.25, 105.25), None, ["KH", "LA"], {"BORDER_AMBIGUOUS"}),  # the same, not stated
    (place(14.25, 105.25, countryCode="VN"), "VN", ["KH", "LA"], {"BORDER_AMBIGUOUS", "COUNTRY_COORDINATE_MISMATCH"}),  # the same as Viet Nam
    (place(8.0, 103.0, countryCode="VN"), "VN", ["VN"], set()),  # off Cà Mau
    (place(10.0, 88.0, countryCode="VN"), "VN", ["VN"], {"COUNTRY_COORDINATE_MISMATCH"}),  # Bay of Bengal as Viet Nam
    (place(10.0, 88.0), None, None, set()),  # Bay of Bengal
    (place(23.9, 121.0, countryCode="CN"), "CN", ["TW"], set()),  # a territory under the code of a state
    (place(23.9, 121.0, countryCode="TW"), "TW", ["TW"], set()),  # the same under its own
    ({"id": "1", "countryCode": "la"}, "LA", ["LA"], set()),  # a country alone
]  # fmt: skip


def test_countries_beside_the_map(harmonise):
    for (told, code, codes, flags), row in zip(COUNTRIES, each(harmonise, [one[0] for one in COUNTRIES]), strict=True):
        assert (row["countryCode"], row["country_codes"]) == (code, codes), told
        assert {name for name in row["quality_flags"] if "COUNTRY" in name or "BORDER" in name} == flags, told


def test_provinces_beside_the_map(harmonise):
    provinces = {
        ("Yunnan", None): set(),
        ("云南省", None): set(),
        ("Guangxi", None): {"PROVINCE_COORDINATE_MISMATCH"},
        ("Guangxi", "500000"): set(),  # another, but the place is that vague
        ("Atlantis", None): {"PROVINCE_UNKNOWN"},
        ("Sikang", None): {"PROVINCE_AMBIGUOUS", "PROVINCE_COORDINATE_MISMATCH"},  # divided, and in neither part
        ("Sikang", "900000"): {"PROVINCE_AMBIGUOUS"},  # divided, and one part may be meant
    }
    told = [
        place(25.04, 102.71, countryCode="CN", stateProvince=name, coordinateUncertaintyInMeters=radius)
        for name, radius in provinces
    ]
    for ((province, radius), flags), row in zip(provinces.items(), each(harmonise, told), strict=True):
        assert (row["stateProvince"], row["province_code"]) == (province, "CN-YN"), radius
        assert {name for name in row["quality_flags"] if "PROVINCE" in name} == flags, (province, radius)


@pytest.mark.parametrize(("told", "event_date", "flags", "proposal"), cases("harmonise", "test_dates"))
def test_dates(harmonise, told, event_date, flags, proposal):
    row = only(harmonise({"id": "1", **told}))
    assert row["eventDate"] == event_date
    assert {name for name in row["quality_flags"] if "DATE_" in name} == set(flags)
    proposed = set(proposal) if isinstance(proposal, list) else {proposal} - {None}
    assert proposals(row) == {("eventDate", text) for text in proposed}


def test_the_parts_that_stood_in_for_an_unreadable_date_are_told(harmonise):
    row = only(harmonise({"id": "1", "eventDate": "10959", "year": "1930"}))
    assert applied(row) == {("eventDate", "1930", "year_month_day")}
    assert (row["year"], row["month"], row["event_precision"]) == (1930, None, "year")
    assert (row["event_start"], row["event_end"]) == (date(1930, 1, 1), date(1930, 12, 31))


@pytest.mark.parametrize(("told", "declared", "columns", "notes"), [
    pytest.param({"verbatimEventDate": "14 March 1877", "year": "1877"}, {}, {"eventDate": "1877-03-14"},
                 {("eventDate", "1877-03-14", "verbatim_event_date")}, id="from the verbatim one"),
    pytest.param({"eventDate": "2567-05-12"}, {"calendar": "buddhist"}, {"eventDate": "2024-05-12"},
                 {("eventDate", "2024-05-12", "buddhist_era")}, id="a declared calendar"),
    pytest.param({"eventDate": "03/04/2010", "eventTime": "18:30"}, {"day_month_order": "day_first", "time_zone": "+07:00"},
                 {"eventDate": "2010-04-03", "event_time": "18:30", "event_zone": "+07:00"}, None, id="a declared order and zone"),
    pytest.param({"eventDate": "2024-05-12T23:30+06:30"}, {"time_zone": "+07:00"},
                 {"event_time": "23:30", "event_zone": "+06:30", "day": 12}, None, id="a time keeps the zone that it was told in"),
])  # fmt: skip
def test_how_a_date_was_read_is_told(harmonise, told, declared, columns, notes):
    row = only(harmonise({"id": "1", **told}, **declared))
    assert {name: row[name] for name in columns} == columns
    assert "RECORDED_DATE_BUDDHIST_ERA" not in row["quality_flags"]
    assert notes is None or applied(row) == notes


@pytest.mark.parametrize("declared", [
    {"calendar": "minguo"}, {"time_zone": "Asia/Nowhere"}, {"day_month_order": "dmy"},
    *({"uncertainty_m": radius} for radius in ("0", "-5", "nan", "inf", "250 m", "", "9000000")),
])  # fmt: skip
def test_a_declaration_that_is_not_known_is_not_passed_over(harmonise, declared):
    with pytest.raises(InputError, match="declared") as error:
        harmonise({"id": "1", "eventDate": "2020"}, **declared)
    assert error.value.column in declared


def test_records(harmonise):
    records = together("harmonise", "test_records")
    rows = each(harmonise, [{"scientificName": "Bos gaurus", **one[0]} for one in records])
    for (told, term, value, flag), row in zip(records, rows, strict=True):
        assert row[term] == value, told
        flags = {name for name in row["quality_flags"] if FLAGS[name].about == "record"} - {"OCCURRENCE_ID_MISSING"}
        assert flags == ({flag} - {None}), told


def test_gbifs_own_issues_are_kept_and_not_mixed_with_ours(harmonise):
    result = harmonise({"occurrenceID": "1", "issue": "TAXON_MATCH_FUZZY;COORDINATE_ROUNDED"})
    assert result.verbatim["v_issue"].to_list() == ["TAXON_MATCH_FUZZY;COORDINATE_ROUNDED"]
    assert not {"TAXON_MATCH_FUZZY", "COORDINATE_ROUNDED"} & set(only(result)["quality_flags"])


def test_the_verbatim_layer_keeps_every_cell_as_it_came(harmonise):
    told = {"occurrenceID": " a ", "eventDate": " 38731 ", "My Heading": 'x "y"', "Empty": None, "class": "-"}
    verbatim = harmonise(told, {"occurrenceID": "b"}).verbatim
    row = verbatim.row(0, named=True)
    assert (row["v_occurrenceID"], row["v_eventDate"], row["v_class"]) == (" a ", " 38731 ", "-")
    assert json.loads(row["other"]) == {"My Heading": 'x "y"'}
    assert verbatim.row(1, named=True)["other"] is None
    assert row["source_record_id"] == "a"


def test_both_layers_have_the_tables_columns(harmonise):
    result = harmonise({"id": "1"})
    assert result.interpreted.schema == terms.schema(c for c in terms.OCCURRENCE if c.name != "key")
    assert result.verbatim.schema == terms.schema(c for c in terms.VERBATIM if c.name != "key")


def test_a_flag_that_nobody_declared_may_not_be_set():
    with pytest.raises(KeyError, match="NO_SUCH_FLAG"):
        quality_flags([Findings(flags={"NO_SUCH_FLAG": pl.Series([True])})], 1)


def test_more_flags_than_fit_one_number():
    rows = len(FLAGS)
    flags = {name: pl.Series([row == at for row in range(rows)]) for at, name in enumerate(FLAGS)}
    assert quality_flags([Findings(flags=flags)], rows).to_list() == [[name] for name in FLAGS]


def test_an_empty_batch_gives_empty_layers():
    result = harmoniser().occurrences(batch({"id": "1", "eventDate": "2020"}).clear(), dataset_key="test")
    assert (result.interpreted.height, result.verbatim.height, result.refusals) == (0, 0, [])


HEADINGS = (
    "id occurrenceID gbifID datasetKey scientificName species genus taxonRank eventDate year month day eventTime "
    "decimalLatitude decimalLongitude countryCode country stateProvince geodeticDatum individualCount occurrenceStatus "
    "basisOfRecord license elevation minimumElevationInMeters depth coordinateUncertaintyInMeters locality strange"
).split()
WORDS = (
    "0 -1 1e3 NaN 12,5 21.5 102.7 95 38731 2567-01-02 2010-02-30 03/04/2010 2007-11-13/15 2030 CN LA ZZ Yunnan 云南 - NA "
    "PRESENT absent 21°30'N WGS84 Bos CC0 2005-05-05T10:00Z"
).split()
CELLS = st.one_of(
    st.none(), st.text(max_size=12), st.sampled_from([*WORDS, "Bos gaurus C.H.Smith, 1827", " ", "\u200b"])
)


@st.composite
def tables(draw):
    headings = draw(st.lists(st.sampled_from(HEADINGS), unique=True, max_size=8))
    rows = draw(st.lists(st.fixed_dictionaries(dict.fromkeys(headings, CELLS)), min_size=1, max_size=8))
    return batch(*rows) if headings else batch({"id": None})


@settings(max_examples=20)
@given(tables())
def test_every_row_comes_out_once_whatever_stands_in_it(table):
    result = harmoniser().occurrences(table, dataset_key="test")
    rows = [*result.interpreted["source_row"], *(refusal.row for refusal in result.refusals)]
    assert sorted(rows) == table["source_row"].to_list()
    assert result.verbatim["source_row"].equals(result.interpreted["source_row"])
    assert result.verbatim["source_record_id"].equals(result.interpreted["source_record_id"])
    assert result.interpreted["decimalLatitude"].is_between(-90, 90).drop_nulls().all()
    assert result.interpreted["source_record_id"].null_count() == 0
    assert set(result.interpreted["quality_flags"].explode(empty_as_null=False)) <= set(FLAGS)


@settings(max_examples=10)
@given(tables(), st.randoms(use_true_random=False))
def test_neither_batches_nor_order_change_a_rows_result(table, random):
    table = table.with_columns(occurrenceID=pl.format("urn:{}", "source_row"))
    whole = harmoniser().occurrences(table, dataset_key="test")
    parted = harmoniser()
    order = list(range(table.height))
    random.shuffle(order)
    cut = random.randint(0, table.height)
    parts = [parted.occurrences(table[rows], dataset_key="test") for rows in (order[:cut], order[cut:])]
    for layer in ("interpreted", "verbatim"):
        together = pl.concat([getattr(part, layer) for part in parts]).sort("source_row")
        assert together.equals(getattr(whole, layer))
