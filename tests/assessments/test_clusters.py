"""Records of one event are found with their reason; what is two events stays two."""

import random
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata import places
from biodata.assessments import finding
from biodata.text.cluster_facts import people
from case_tables import cases
from duets import CHINA, MYANMAR, VIET_NAM, assessed, groups, local, record

MORNING = datetime(2024, 3, 4, 22, 30, tzinfo=UTC)
"""06:30 in China, 05:30 in Viet Nam."""


def both_sides(*, hours_apart: float = 0, zone: bool = True, step: timedelta = timedelta(days=1)) -> list[dict]:
    """Return ten duets as a team on each side logs them, a kilometre and a half apart."""
    rows = []
    for n in range(10):
        instant = MORNING + n * step
        here = local(instant, CHINA)
        there = local(instant + timedelta(minutes=n % 4, hours=hours_apart), VIET_NAM)
        here, there = (here, there) if zone else (here[:16], there[:16])
        rows.append(
            record("bangliang", str(n), here, 22.930 + n * 0.0007, 106.500, countryCode="CN", individualCount=2 + n % 3)
        )
        rows.append(record("trung-khanh", str(n), there, 22.918 + n * 0.0007, 106.507, individualCount=4))
    return rows


def pairs(rows: list[dict]) -> set[frozenset[str]]:
    return {frozenset(row["occurrenceID"] for row in rows[n : n + 2]) for n in range(0, len(rows), 2)}


def test_ten_duets_logged_on_both_sides_match(tmp_path):
    rows = both_sides()
    assert [row["eventDate"][11:16] for row in rows[:2]] == ["06:30", "05:30"]
    assert groups(rows, tmp_path) == pairs(rows)
    found = assessed(rows, tmp_path)
    assert found["cluster_id"].n_unique() == 10
    reasons = found["cluster_reasons"].explode().unique()
    assert all("on both sides of a border" in reason and "same time in UTC" in reason for reason in reasons)


def test_ten_duets_an_hour_apart_do_not_match(tmp_path):
    # The clocks of both teams then tell the same: 06:30 here, 06:30 there.
    rows = both_sides(hours_apart=1)
    assert rows[0]["eventDate"][11:16] == rows[1]["eventDate"][11:16]
    assert groups(rows, tmp_path) == set()


def proposed(row: dict, zone: str) -> dict:
    repair = {"term": "event_zone", "value": zone, "rule": "zone_of_country", "applied": False}
    return row | {"event_zone": None, "repairs": [repair]}


ONE_MORNING, LATER = both_sides(step=timedelta(minutes=25)), MORNING + timedelta(minutes=4)


@pytest.mark.parametrize(("rows", "joined"), [
    pytest.param(ONE_MORNING, pairs(ONE_MORNING), id="duets of one morning are told apart"),
    pytest.param([proposed(row, "+08:00" if row["countryCode"] == "CN" else "+07:00") for row in both_sides(zone=False)], set(),
                 id="a zone that is only proposed is no evidence"),
    pytest.param(both_sides(zone=False), set(), id="without any zone nothing is said"),
    pytest.param([record("cn", "1", local(MORNING, CHINA), 21.150, 101.150, countryCode="CN"),
                  record("mm", "1", local(MORNING, MYANMAR), 21.145, 101.140, countryCode="MM"),
                  record("la", "1", local(MORNING, VIET_NAM), 21.140, 101.152, countryCode="LA")],
                 {frozenset({"cn:1", "mm:1", "la:1"})}, id="three teams where three countries meet"),
    pytest.param([record("cn", "1", local(MORNING, CHINA), 22.930, 106.500, countryCode="CN"),
                  record("cn", "2", local(LATER, CHINA), 22.931, 106.500, countryCode="CN"),
                  record("vn", "1", local(MORNING, VIET_NAM), 22.920, 106.500),
                  record("vn", "2", local(LATER, VIET_NAM), 22.921, 106.500)],
                 {frozenset({"cn:1", "vn:1"}), frozenset({"cn:2", "vn:2"})}, id="two groups that sing together stay two"),
    pytest.param([record(d, "1", "2024-03-05", 21.0431, 101.3017, recordedBy=d) for d in ("Li Wei", "Zhao Min")], set(),
                 id="two people of one day and place are two"),
    pytest.param([record(f"d{n}", "x", None, 21.0 + n / 10, 101.3) | {"occurrenceID": "urn:unknown:record"} for n in range(60)],
                 set(), id="an identifier of very many records is none"),
])  # fmt: skip
def test_what_is_one_event_and_what_is_not(rows, joined, tmp_path):
    assert groups(rows, tmp_path) == joined


CN = {"countryCode": "CN"}


@pytest.mark.parametrize(("one", "other", "same"), [
    pytest.param(record("a", "1", "2024-03-05T00:30+08:00", 22.93, 106.50, **CN),
                 record("b", "1", "2024-03-04T23:30+07:00", 22.92, 106.50), True, id="midnight between the clocks"),
    pytest.param(record("a", "1", "2024-03-05T00:30+08:00", 22.93, 106.50, **CN),
                 record("b", "1", "2024-03-05T00:30+07:00", 22.92, 106.50), False, id="the same clock after midnight"),
    pytest.param(record("a", "1", "2024-12-31T23:58+08:00", 22.93, 106.50, **CN),
                 record("b", "1", "2024-12-31T23:05+07:00", 22.92, 106.50), True,
                 id="seven minutes apart over an hour"),
    pytest.param(record("a", "1", "2024-03-05T06:30+08:00", 21.15, 101.15, **CN),
                 record("b", "1", "2024-03-05T05:00+06:30", 21.14, 101.14, countryCode="MM"), True,
                 id="half an hour's zone"),
    pytest.param(record("a", "1", "2024-03-05T06:30+08:00", 22.93, 106.50, **CN),
                 record("b", "1", "2024-03-05T05:30+07:00", 22.86, 106.50), False, id="seven kilometres apart"),
    pytest.param(record("a", "1", "2024-03-05T06:30+08:00", 22.93, 106.50, **CN),
                 record("b", "1", "2024-03-05T05:30+07:00", 22.88, 106.50, coordinateUncertaintyInMeters=1500.0), True,
                 id="five and a half, but the place is uncertain"),
    pytest.param(record("a", "1", "2024-03-05T06:30+08:00", 22.93, 106.50, **CN),
                 record("b", "1", "2024-03-05T05:30+07:00", 22.94, 106.51, coordinateUncertaintyInMeters=30_000.0),
                 False, id="a place of thirty kilometres"),
    pytest.param(record("a", "1", "2024-03-05T06:30+08:00", 22.93, 106.50, **CN),
                 record("b", "1", "2024-03-05T05:42+07:00", 22.92, 106.50), False, id="twelve minutes apart"),
    pytest.param(record("a", "1", "2024-03-05T06:30+08:00", 22.93, 106.50, species="Nomascus concolor", **CN),
                 record("b", "1", "2024-03-05T05:30+07:00", 22.92, 106.50), False, id="two species"),
    pytest.param(record("a", "1", "2024-03-05T06:30+08:00", 22.93, 106.50, species="Macaca assamensis", **CN),
                 record("b", "1", "2024-03-05T05:30+07:00", 22.915, 106.50, species="Macaca assamensis"), False,
                 id="seen, 1.7 km apart"),
    pytest.param(record("a", "1", "2024-03-05T06:30+08:00", 22.93, 106.50, species="Macaca assamensis", **CN),
                 record("b", "1", "2024-03-05T05:31+07:00", 22.924, 106.50, species="Macaca assamensis"), True,
                 id="seen across the river"),
    pytest.param(
        record("a", "1", "2024-03-05T06:30+08:00", 22.93, 106.50, species="Pavo muticus",
               occurrenceRemarks="只听到叫声", **CN),
        record("b", "1", "2024-03-05T05:31+07:00", 22.91, 106.50, species="Pavo muticus"), True, id="a peafowl heard",
    ),
    pytest.param(
        record("a", "1", "2024-03-05T06:30+08:00", 22.93012, 106.50031, basisOfRecord="MACHINE_OBSERVATION",
               species="Macaca assamensis", **CN),
        record("b", "1", "2024-03-05T05:30+07:00", 22.92714, 106.50031, basisOfRecord="MACHINE_OBSERVATION",
               species="Macaca assamensis"), False, id="two cameras, an animal cannot be at both",
    ),
    pytest.param(record("a", "1", "2024-03-05T06:30+08:00", 22.93, 106.50, occurrenceStatus="ABSENT", **CN),
                 record("b", "1", "2024-03-05T05:30+07:00", 22.92, 106.50, occurrenceStatus="ABSENT"), False,
                 id="not heard"),
    pytest.param(record("joint", "1", "2024-03-05T06:30+08:00", 22.93, 106.50, recordedBy="Li Wei", **CN),
                 record("joint", "2", "2024-03-05T05:30+07:00", 22.92, 106.50, recordedBy="Tran Binh"), False,
                 id="both teams in one dataset, which tells them apart"),
])  # fmt: skip
def test_across_a_border(one, other, same, tmp_path):
    assert bool(groups([one, other], tmp_path)) == same


def test_two_teams_of_one_country_and_one_of_the_other(tmp_path):
    rows = [
        record("cn", "1", local(MORNING, CHINA), 22.930, 106.500, countryCode="CN"),
        record("vn-north", "1", local(MORNING, VIET_NAM), 22.920, 106.500),
        record("vn-south", "1", local(MORNING, VIET_NAM), 22.910, 106.505),
    ]
    assert groups(rows, tmp_path) == {frozenset({"cn:1", "vn-north:1", "vn-south:1"})}
    assert groups(rows[1:], tmp_path) == set()


def test_a_zone_tells_the_side_where_the_country_is_that_of_the_animals(tmp_path):
    rows = [
        record("bangliang", "1", local(MORNING, CHINA), 22.930, 106.500, countryCode="CN"),
        record("trung-khanh", "1", local(MORNING, VIET_NAM), 22.920, 106.500, countryCode="CN"),
    ]
    assert len(groups(rows, tmp_path)) == 1
    in_utc = rows[1] | {"eventDate": "2024-03-04T22:30+00:00", "event_time": "22:30", "event_zone": "+00:00"}
    assert groups([rows[0], in_utc], tmp_path) == set()


def test_a_chain_does_not_make_two_events_one(tmp_path):
    """The second team's record lies between two of the first's, nine minutes from each."""
    times = [MORNING + timedelta(minutes=9 * n) for n in range(3)]
    rows = [
        record("cn", "1", local(times[0], CHINA), 22.93, 106.50, countryCode="CN"),
        record("vn", "1", local(times[1], VIET_NAM), 22.92, 106.50),
        record("cn", "2", local(times[2], CHINA), 22.93, 106.50, countryCode="CN"),
    ]
    found = groups(rows, tmp_path)
    assert len(found) == 1
    assert not any({"cn:1", "cn:2"} <= group for group in found)


def camera(number: str, when: str, **values) -> dict:
    told = {"basisOfRecord": "MACHINE_OBSERVATION", "species": "Muntiacus muntjak", "recordedBy": "Camera team"}
    return record("cameras", number, when, 21.0431, 101.3017, **(told | values))


@pytest.mark.parametrize("rows", [
    pytest.param([camera(n, "2024-03-05T06:30:12+07:00") for n in "12"], id="two animals in one picture"),
    pytest.param([camera(n, "2024-03-05T06:30:12+07:00", source_record_id=f"content:0f3a#{n}") for n in "12"],
                 id="two animals in one picture, nothing identifies them"),
    pytest.param([camera("1", "2024-03-05T06:30+07:00", sex="FEMALE"), camera("2", "2024-03-05T06:30+07:00", sex="MALE")],
                 id="a pair at the camera"),
    pytest.param([record("transect", str(n), "2024-03-05", 21.0431, 101.3017) for n in range(30)],
                 id="thirty records of a day at one point"),
    pytest.param([record("transect", str(n), f"2024-03-05T06:{n:02}+07:00", 21.0431, 101.3017) for n in range(30)],
                 id="thirty records of half an hour"),
    pytest.param([record("notes", "1", "2024-03-05T06:30+07:00", 21.04, 101.30, individualCount=1),
                  record("notes", "2", "2024-03-05T06:30+07:00", 21.04, 101.30, individualCount=3)], id="other counts"),
    pytest.param([record("notes", n, "2024-03-05T00:00:00", 21.0431, 101.3017) for n in "12"], id="a midnight for no time"),
    pytest.param([record("notes", "1", "2024-03-05T06:30+07:00", 21.04, 101.30, catalogNumber="A-1001"),
                  record("notes", "2", "2024-03-05T06:30+07:00", 21.04, 101.30, catalogNumber="A-1002")],
                 id="two numbers in the collection"),
    pytest.param([record("notes", n, "2024-03-05T06:30+07:00", 21.0431, 101.3017, individualCount=3,
                         occurrenceRemarks="three on the ridge") for n in "12"], id="all the same, but two identifiers"),
    pytest.param([record("gbif", n, None, 21.0431, 101.3017, recordedBy=None, gbifID=f"40{n}") for n in "123"],
                 id="own GBIF identifiers, nothing but species and point"),
    pytest.param([record("list", n, None, 21.0431, 101.3017, source_record_id=f"content:0f3a#{n}", occurrenceID=None)
                  for n in "12"], id="equal rows of a file without identifiers or dates"),
])  # fmt: skip
def test_within_a_dataset_the_same_place_and_day_are_no_reason(rows, tmp_path):
    assert groups(rows, tmp_path) == set()


@pytest.mark.parametrize("rows", [
    pytest.param([record("museum", n, "1998-03-05", 21.04, 101.30, institutionCode="KIZ", catalogNumber="KIZ 98-0123")
                  for n in "12"], id="the same catalogue number"),
    pytest.param([record("list", n, "2015-03-05", 21.0431, 101.3017, source_record_id=f"content:0f3a#{n}", occurrenceID=n)
                  for n in "12"], id="equal rows of a file without identifiers"),
])  # fmt: skip
def test_within_a_dataset_an_identifier_or_a_repeated_row_is(rows, tmp_path):
    assert len(groups(rows, tmp_path)) == 1


UUID = "8a5cbaa4-58c1-4a8e-9a4a-22d1f5e3a1b2"


@pytest.mark.parametrize(("one", "other", "reason"), [
    pytest.param({"occurrenceID": UUID}, {"occurrenceID": UUID.upper()}, "the same occurrenceID in two datasets", id="UUID"),
    pytest.param({"occurrenceID": UUID}, {"occurrenceID": UUID, "species": "Nomascus concolor"},
                 "the same occurrenceID in two datasets; the species differ", id="UUID of a record named anew"),
    pytest.param({"occurrenceID": UUID}, {"occurrenceID": UUID, "species": "Pavo muticus", "eventDate": "2001-01-01"},
                 None, id="UUID, and nothing else agrees"),
    pytest.param({"gbifID": "4011"}, {"gbifID": "4011"}, "the same gbifID in two datasets", id="gbifID"),
    pytest.param({"institutionCode": "KIZ", "catalogNumber": "98-0123"},
                 {"institutionCode": "kiz", "catalogNumber": "980123"},
                 "the same institutionCode and catalogNumber in two datasets", id="catalogue number spelt otherwise"),
    pytest.param({"institutionCode": "KIZ", "collectionCode": "Birds", "catalogNumber": "98-0123"},
                 {"institutionCode": "KIZ", "collectionCode": "Mammals", "catalogNumber": "98-0123"}, None,
                 id="the same number in another collection"),
    pytest.param({"institutionCode": "KIZ", "collectionCode": "M", "catalogNumber": "98-0123"},
                 {"otherCatalogNumbers": "old 17 | KIZ:M:98-0123"}, "the otherCatalogNumbers of one name the other",
                 id="another catalogue number"),
    pytest.param({"occurrenceID": "1"}, {"occurrenceID": "1"},
                 "the same occurrenceID, species, day and place in two datasets", id="numbers of rows, all else agrees"),
    pytest.param({"occurrenceID": "1"}, {"occurrenceID": "1", "eventDate": "2024-05-05"}, None, id="numbers of rows"),
    pytest.param({"recordNumber": "417", "recordedBy": "Li Wei; Zhao Min"},
                 {"recordNumber": "417", "recordedBy": "Zhao Min", "decimalLatitude": None, "decimalLongitude": None},
                 "the same person's recordNumber, day and species in two datasets", id="one gathering"),
    pytest.param({"recordNumber": "417", "recordedBy": "Li Wei"}, {"recordNumber": "418", "recordedBy": "Li Wei"}, None,
                 id="two gatherings"),
    pytest.param({"recordedBy": "Nguyễn Văn An"}, {"recordedBy": "NGUYEN VAN AN", "decimalLatitude": 21.04,
                                                 "decimalLongitude": 101.3}, "the same person, species, day and place",
                 id="one person, coordinates rounded"),
    pytest.param({"recordedBy": "Li Wei"}, {"recordedBy": "Li Wei", "decimalLatitude": 21.09}, None, id="six kilometres on"),
    pytest.param({"recordedBy": "Li Wei", "sex": "MALE"}, {"recordedBy": "Li Wei", "sex": "FEMALE"}, None, id="two sexes"),
    pytest.param({"recordedBy": "Li Wei"}, {"recordedBy": "Zhao Min"}, None, id="two people"),
])  # fmt: skip
def test_across_datasets(one, other, reason, tmp_path):
    rows = []
    for dataset, values in (("survey", one), ("gbif-copy", other)):
        when = values.get("eventDate", "2024-03-05")
        row = record(dataset, "1", when, 21.0431, 101.3017)
        rows.append(row | values)
    found = assessed(rows, tmp_path).drop_nulls("cluster_id")
    assert (found.height == 2) == (reason is not None)
    if reason is not None:
        assert all(told[0].startswith(reason) for told in found["cluster_reasons"])


def test_without_a_date_only_identifiers_join(tmp_path):
    rows = [record(d, "1", None, 21.0431, 101.3017, recordedBy="Li Wei") for d in "ab"]
    assert groups(rows, tmp_path) == set()
    rows = [row | {"institutionCode": "KIZ", "catalogNumber": "98-0123"} for row in rows]
    assert len(groups(rows, tmp_path)) == 1


def test_keys_together_never_join_two_records_of_one_dataset(tmp_path):
    """The copy has the identifier of the first record, and its collector's number stands at the second."""
    told = {"recordedBy": "Li Wei"}
    rows = [
        record("museum", "1", "2024-03-05", 21.0431, 101.3017, **told, institutionCode="KIZ", catalogNumber="98-0123"),
        record("museum", "2", "2024-03-05", 21.0431, 101.3017, **told, recordNumber="417"),
        record("copy", "1", "2024-03-05", 21.0431, 101.3017, **told, recordNumber="417", institutionCode="KIZ",
               catalogNumber="98-0123"),
    ]  # fmt: skip
    assert groups(rows, tmp_path) == {frozenset({"museum:1", "copy:1"})}


def test_an_aggregators_copies_are_found_and_the_surveys_own_records_kept(tmp_path):
    """Three animals of a day at one point, and their copies without identifiers, coordinates rounded."""
    own = [
        record("survey", str(n), f"2024-03-05T06:{n}0+07:00", 21.04312, 101.30177, recordedBy="Li Wei", individualCount=n,
               locality="Nam Ha", habitat="forest")
        for n in (1, 2, 3)
    ]  # fmt: skip
    copies = [
        row | {"datasetKey": "aggregated", "occurrenceID": f"agg:{n}", "source_record_id": f"agg:{n}",
               "gbifID": f"90{n}", "decimalLatitude": 21.043, "decimalLongitude": 101.302, "habitat": None}
        for n, row in enumerate(own, 1)
    ]  # fmt: skip
    rows = [*copies, *own]
    assert groups(rows, tmp_path) == {frozenset({f"survey:{n}", f"agg:{n}"}) for n in (1, 2, 3)}
    kept = set(assessed(rows, tmp_path)["cluster_id"].drop_nulls())
    assert kept == {4, 5, 6}


@pytest.mark.parametrize(("better", "worse"), [
    pytest.param({"habitat": "forest"}, {"coordinateUncertaintyInMeters": 5.0}, id="the one that tells more"),
    pytest.param({"coordinateUncertaintyInMeters": 5.0}, {}, id="the more certain place"),
    pytest.param({"occurrenceID": UUID}, {"occurrenceID": UUID, "gbifID": "17"},
                 id="the one that did not come by GBIF"),
    pytest.param({"datasetKey": "a"}, {"datasetKey": "b"}, id="the first by dataset"),
])  # fmt: skip
def test_which_record_represents(better, worse, tmp_path):
    shared = {"recordedBy": "Li Wei"}
    rows = [
        record("y", "1", "2024-03-05", 21.0431, 101.3017, **shared) | {"key": 9} | better,
        record("z", "1", "2024-03-05", 21.0431, 101.3017, **shared) | {"key": 1} | worse,
    ]
    for order in (rows, rows[::-1]):
        assert assessed(order, tmp_path).select("key", "cluster_id").rows() == [(1, 9), (9, 9)]


@settings(max_examples=6)
@given(seed=st.integers(0, 2**31), batches=st.integers(1, 7))
def test_order_batches_and_keys_change_nothing(seed, batches, tmp_path_factory):
    folder = tmp_path_factory.mktemp("order")
    chance = random.Random(seed)
    rows = [*both_sides(), *both_sides(hours_apart=0.1, step=timedelta(minutes=6))]
    rows = [row | {"occurrenceID": f"{n}", "source_record_id": f"{n}"} for n, row in enumerate(rows)]
    before = groups(rows, folder)
    assert before
    shuffled = [row | {"key": key} for row, key in zip(rows, chance.sample(range(10**6), len(rows)), strict=True)]
    chance.shuffle(shuffled)
    assert groups(shuffled, folder, batches=batches) == before
    kept = {row["key"]: row["occurrenceID"] for row in shuffled}
    first = assessed(rows, folder).drop_nulls("cluster_id")["cluster_id"].unique()
    again = assessed(shuffled, folder).drop_nulls("cluster_id")["cluster_id"].unique()
    assert {kept[key] for key in again} == {rows[key - 1]["occurrenceID"] for key in first}


def test_parts_by_species_give_what_the_whole_gives(tmp_path, monkeypatch):
    rows = both_sides()
    rows += [
        row | {"species": "Hoolock tianxing", "genus": "Hoolock", "occurrenceID": row["occurrenceID"] + "h"}
        for row in rows
    ]
    whole = groups(rows, tmp_path)
    monkeypatch.setattr(finding, "BUCKET_ROWS", 7)
    assert groups(rows, tmp_path) == whole


def test_nothing_is_found_of_one_record_nor_of_none(tmp_path):
    one = assessed([record("a", "1", None, 0.0, 0.0)], tmp_path)
    # A lake of events or layers alone hands over no batch at all.
    gazetteer = places.load_gazetteer(places.load_boundaries())
    none = finding.find([], rows=0, gazetteer=gazetteer, work=tmp_path)
    assert one.is_empty()
    assert none.is_empty()
    assert none.schema == one.schema


@pytest.mark.parametrize(("one", "other", "shared"), cases("clusters", "test_people"))
def test_people(one, other, shared):
    told = dict(people(pl.Series([one, other])).select("recordedBy", "people").iter_rows())
    assert bool(set(told.get(one, [])) & set(told.get(other, []))) == shared
