"""Questions: what the service's own differential (`test_differential`) does not ask of filters, and what a question may not be."""

import math
from collections import Counter

import pytest

from biodata.core.errors import InputError
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.store.query import sql
from biodata.store.query.filters import (
    MAXIMUM_DEPTH,
    MAXIMUM_NODES,
    MAXIMUM_VALUES,
    And,
    Compare,
    Contains,
    DayOfYear,
    Differ,
    Filter,
    In,
    InBox,
    Intersects,
    IsNull,
    Like,
    Not,
    Recorded,
)
from biodata.store.query.polygons import read_wkt
from biodata.store.reader import ReleaseReader
from biodata.store.tables import LAKE, RELEASE
from store_records import AREAS, build, commit_rows, scattered

OCCURRENCES = RELEASE["occurrences"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    with Lake.open(data) as lake:
        commit_rows(lake, scattered(500, seed=11))
        build(lake)
    return data


@pytest.fixture(scope="module")
def release(data):
    with ReleaseReader(data) as reader:
        yield reader.current()


@pytest.fixture(scope="module")
def rows(data) -> list[dict]:
    return releases.read(releases.current(data), "occurrences").to_dicts()


def keys(release, filter_: Filter) -> list[int]:
    return [key for (key,) in release.page("occurrences", filter_, ["key"], limit=10_000).rows]


def test_two_columns_that_differ(release, rows):
    expected = [
        r["key"]
        for r in rows
        if None not in (r["countryCode"], r["province_code"]) and r["countryCode"] != r["province_code"]
    ]
    assert keys(release, Differ("countryCode", "province_code")) == expected


def test_days_of_the_year(release, rows):
    days = {row["key"]: row["event_start"] and row["event_start"].timetuple().tm_yday for row in rows}
    for low, high in ((32, 60), (None, 10), (350, None)):
        expected = [key for key, day in days.items() if day and (low or 1) <= day <= (high or 366)]
        assert keys(release, DayOfYear("event_start", low, high)) == expected


@pytest.mark.parametrize("minimum", [1, 3])
def test_species_on_several_sides(release, rows, minimum):
    here, there, among = Contains("country_codes", "LA"), Contains("country_codes", "CN"), Compare("year", ">", 2000)
    recent = [row for row in rows if (row["year"] or 0) > 2000]
    counts = {s: Counter(r["species"] for r in recent if s.value in (r["country_codes"] or ())) for s in (here, there)}
    both = {name for name in counts[here] if min(counts[here][name], counts[there][name]) >= minimum and name}
    only = {name for name in counts[here] if counts[here][name] >= minimum and not counts[there][name] and name}
    for node, names in (
        (Recorded("species", (here, there), (), among, minimum), both),
        (Recorded("species", (here,), (there,), among, minimum), only),
    ):
        assert keys(release, node) == [r["key"] for r in rows if r["species"] in names]


def test_facets_count_what_is_there(release, rows):
    where = Compare("year", ">", 2000)
    chosen = [row for row in rows if (row["year"] or 0) > 2000]
    for column in ("species", "year", "ambiguous"):
        expected = Counter(row[column] for row in chosen if row[column] is not None)
        found = release.facet("occurrences", where, column, limit=100)
        assert dict(found) == expected
        assert found == sorted(found, key=lambda pair: (-pair[1], pair[0]))
    countries = Counter(code for row in rows for code in row["country_codes"] or [])
    found = release.facet("occurrences", None, "country_codes", limit=100)
    assert dict(found) == countries
    assert release.facet("occurrences", None, "country_codes", limit=2, offset=1) == found[1:3]
    least = found[1][1]
    assert release.facet("occurrences", None, "country_codes", limit=9, minimum=least) == found[:2]


def test_areas_are_found_by_box_and_polygon(release):
    def names(filter_: Filter) -> list[str]:
        return [name for (name,) in release.page("protected_areas", filter_, ["name"], limit=100).rows]

    assert names(InBox(101.9, 20.9, 103, 22)) == ["Nam Ha"]
    assert names(InBox(*AREAS["b"].bounds)) == ["Small"]
    assert names(InBox(103, 21, 104, 22)) == []
    assert names(Intersects(read_wkt("POLYGON((102 21,104.25 21.55,102 22,102 21))").wkb)) == ["Nam Ha", "Small"]
    assert names(Contains("country_codes", "CN")) == ["Nam Ha"]
    assert names(Not(InBox(101.9, 20.9, 103, 22))) == ["Small", "Bow tie"]


def nested(levels: int) -> Filter:
    filter_: Filter = IsNull("year")
    for _ in range(levels):
        filter_ = Not(filter_)
    return filter_


@pytest.mark.parametrize(("filter_", "code"), [
    pytest.param(nested(MAXIMUM_DEPTH), "FILTER_TOO_LARGE", id="one level too deep"),
    pytest.param(nested(5_000), "FILTER_TOO_LARGE", id="deep enough to end a parser"),
    pytest.param(And((IsNull("year"),) * MAXIMUM_NODES), "FILTER_TOO_LARGE", id="too many parts"),
    pytest.param(In("year", tuple(range(MAXIMUM_VALUES + 1))), "FILTER_TOO_LARGE", id="too many values"),
    pytest.param(Compare("source_file", "=", "x"), "COLUMN_UNKNOWN", id="a column of the lake"),
    pytest.param(Compare("hk", "=", 1), "COLUMN_UNKNOWN", id="the store's own column"),
    pytest.param(Compare('year" = 1 OR "year', "=", 1), "COLUMN_UNKNOWN", id="a column that is SQL"),
    pytest.param(Compare("year", "= 1 OR 1 =", 1), "FILTER_INVALID", id="a comparison that is SQL"),
    pytest.param(Compare("year", "=", "1; DROP TABLE occurrences"), "FILTER_VALUE", id="a value that is SQL"),
    pytest.param(Compare("year", "=", True), "FILTER_VALUE", id="a truth for a number"),
    pytest.param(Compare("year", "=", 2**70), "FILTER_VALUE", id="a number beyond every column"),
    pytest.param(Compare("decimalLatitude", "<", math.nan), "FILTER_VALUE", id="not a number"),
    pytest.param(Compare("species", "=", 5), "FILTER_VALUE", id="a number for text"),
    pytest.param(Compare("species", "=", "\ud800"), "FILTER_VALUE", id="half a character"),
    pytest.param(Compare("species", "=", "x" * 20_000), "FILTER_VALUE", id="a text too long"),
    pytest.param(Compare("event_start", "=", "31/02/2024"), "FILTER_VALUE", id="no date"),
    pytest.param(Compare("country_codes", "=", "LA"), "FILTER_VALUE", id="a list beside a value"),
    pytest.param(Contains("species", "x"), "FILTER_INVALID", id="a member of no list"),
    pytest.param(Like("year", "2%"), "FILTER_VALUE", id="a pattern for a number"),
    pytest.param(Like("species", "%a" * 11), "FILTER_VALUE", id="a pattern that takes for ever"),
    pytest.param(Like("species", "a\\"), "FILTER_VALUE", id="a pattern that ends in its escape"),
    pytest.param(Recorded("year", (), (), And(())), "FILTER_INVALID", id="sides of a number"),
    pytest.param(Recorded("species", (), (), And(()), 0), "FILTER_INVALID", id="sides with no rows"),
    pytest.param(DayOfYear("species", 1, 2), "FILTER_INVALID", id="a day of text"),
    pytest.param(DayOfYear("event_start", 1, 2**40), "FILTER_VALUE", id="a day beyond every year"),
    pytest.param(Differ("species", "hk"), "COLUMN_UNKNOWN", id="beside the store's own column"),
    pytest.param(InBox(0, 0, math.inf, 1), "BOX_INVALID", id="a box without an end"),
    pytest.param(InBox(0, 5, 1, 4), "BOX_INVALID", id="a box with its south above"),
    pytest.param(InBox(-181, 0, 1, 4), "BOX_INVALID", id="a box off the Earth"),
])  # fmt: skip
def test_what_a_question_may_not_be(filter_: Filter, code: str):
    with pytest.raises(InputError) as caught:
        sql.where(filter_, OCCURRENCES)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


def test_tables_without_places_have_no_boxes():
    with pytest.raises(InputError, match="has no places"):
        sql.where(InBox(0, 0, 1, 1), LAKE["taxa"])


def test_no_value_is_ever_part_of_the_sql():
    planted = "'; DROP TABLE occurrences; --"
    tree = And((Compare("species", "=", planted), Like("locality", planted), Contains("country_codes", planted)))
    statement, params = sql.page(OCCURRENCES, ["key"], tree, limit=10)
    assert planted not in statement
    assert params.count(planted) == 3


def test_a_release_is_asked_only_for_published_columns():
    for name, table in RELEASE.items():
        assert not set(table.columns) & {"source_record_id", "source_file", "repairs", "located_country_code"}, name
