"""Dates of records: the column's order, zones declared and proposed, and GBIF's own cases beside ours."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.core.errors import InputError
from biodata.harmonise import dates
from biodata.harmonise.dates import DateOrders
from biodata.harmonise.findings import Stated
from case_tables import cases

TODAY = date(2026, 11, 24)


def interpret(rows, orders=None, **declarations):
    """Return the columns, the flags and the repairs of each row."""
    names = sorted({name for row in rows for name in row})
    told = Stated(pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String)))
    found = dates.interpret(told, today=TODAY, declarations=declarations, orders=orders)
    columns = pl.DataFrame([column.alias(name) for name, column in found.columns.items()]).to_dicts()
    repairs = pl.concat(found.repairs)
    return [
        {
            **columns[at],
            "flags": {name for name, mask in found.flags.items() if mask[at]},
            "repairs": {tuple(r) for r in repairs.filter(row=at).select("term", "value", "rule", "applied").rows()},
        }
        for at in range(len(rows))
    ]


def orders_of(*batches, **declarations):
    orders = DateOrders(today=TODAY, declarations=declarations)
    for rows in batches:
        names = sorted({name for row in rows for name in row})
        frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String)).with_row_index("source_row", 2)
        orders.add(Stated(frame.with_columns(source_file=pl.lit("dates.csv"))))
    return orders


ROWS = [{"eventDate": "03/04/2010"}, {"eventDate": "25/04/2010"}]


def test_the_column_tells_the_order_of_each_of_its_dates():
    first, second = interpret(ROWS, orders_of(ROWS))
    assert (first["eventDate"], first["flags"]) == ("2010-04-03", set())
    assert first["repairs"] == {("eventDate", "2010-04-03", "day_first_by_column", True)}
    assert second["repairs"] == {("eventDate", "2010-04-25", "day_first", True)}


def test_without_the_whole_column_nothing_is_told():
    first = interpret(ROWS)[0]
    assert (first["eventDate"], first["flags"]) == (None, {"RECORDED_DATE_DAY_MONTH_AMBIGUOUS"})
    assert first["repairs"] == {("eventDate", "2010-04-03", "day_first", False), ("eventDate", "2010-03-04", "month_first", False)}  # fmt: skip


@pytest.mark.parametrize("rows", [
    pytest.param([*ROWS, {"eventDate": "04/25/2010"}], id="a column that contradicts itself"),
    *[pytest.param([{"eventDate": "03/04/2026"}, {"eventDate": impossible}], id=impossible)
      for impossible in ("31/02/2026", "31/04/2010", "15/04/2567", "15/04/2028")],
])  # fmt: skip
def test_what_proves_nothing_of_its_column(rows):
    assert interpret(rows, orders_of(rows))[0]["flags"] == {"RECORDED_DATE_DAY_MONTH_AMBIGUOUS"}


def test_a_declared_order_comes_before_the_columns():
    first = interpret(ROWS, orders_of(ROWS), day_month_order="month_first")[0]
    assert (first["eventDate"], first["repairs"]) == ("2010-03-04", {("eventDate", "2010-03-04", "month_first", True)})


def test_dates_against_the_declared_order_are_told():
    rows = [{"eventDate": text} for text in ("03/04/2010", "13/04/2010", "04/13/2010", "31/02/2010", "14/04/2010")]
    orders = orders_of(rows, day_month_order="month_first")
    assert orders.contradictions() == [
        "the table: eventDate is declared to have the month first; rows that can only have the day first, and are read "
        "so: 2, the first of them dates.csv, row 3"
    ]
    assert interpret(rows, day_month_order="month_first")[1]["eventDate"] == "2010-04-13"
    assert len(orders_of(rows, day_month_order="day_first").contradictions()) == 1
    assert orders_of(rows).contradictions() == []


def test_only_the_dates_that_wait_for_the_column_are_counted():
    rows = [{"eventDate": "2010-04-03", "verbatimEventDate": "03/04/2010"}, {"verbatimEventDate": "25/04/2010"}]
    orders = orders_of(rows)
    assert (orders.decide(), orders.sentences()) == (False, [])


def test_datasets_and_terms_of_one_file_tell_each_their_own_order():
    told = [("a", "03/04/2010"), ("a", "25/04/2010"), ("b", "03/04/2010"), ("b", "04/25/2010")]
    rows = [{"datasetKey": dataset, "eventDate": text} for dataset, text in told]
    rows.append({"datasetKey": "b", "verbatimEventDate": "03/04/2010"})
    found = [row["eventDate"] for row in interpret(rows, orders_of(rows))]
    assert found == ["2010-04-03", "2010-04-25", "2010-03-04", "2010-04-25", None]


@given(st.lists(st.sampled_from(["03/04/2010", "25/04/2010", "04/25/2010", "2010-04-03", "x"]), max_size=12), st.integers(1, 5), st.randoms())  # fmt: skip
def test_the_order_does_not_depend_on_batches(texts, size, random):
    rows = [{"datasetKey": random.choice("ab"), "eventDate": text} for text in texts]
    shuffled = random.sample(rows, len(rows))
    batches = [shuffled[at : at + size] for at in range(0, len(rows), size)]
    one, other = orders_of(*batches[: len(batches) // 2]), orders_of(*batches[len(batches) // 2 :])
    other.merge(one)
    assert other.table().equals(orders_of(*([rows] if rows else [])).table())


def test_the_evidence_can_be_kept_with_the_dataset():
    assert orders_of(ROWS).table().rows() == [("", "eventDate", 1, 0, 1, True)]


@pytest.mark.parametrize(("beside", "event_date", "flags"), [
    pytest.param({"month": "4"}, "2010-04-03", set(), id="the month"),
    pytest.param({"month": "3", "day": "4"}, "2010-03-04", set(), id="month and day"),
    pytest.param({}, "2010", {"RECORDED_DATE_DAY_MONTH_AMBIGUOUS"}, id="the year alone"),
    pytest.param({"month": "7", "day": "1"}, "2010-07-01", {"RECORDED_DATE_DAY_MONTH_AMBIGUOUS", "RECORDED_DATE_MISMATCH"}, id="another day"),
])  # fmt: skip
def test_what_stands_beside_an_ambiguous_date_decides_where_it_can(beside, event_date, flags):
    row = interpret([{"eventDate": "03/04/2010", "year": "2010", **beside}])[0]
    assert (row["eventDate"], row["flags"]) == (event_date, flags)


@pytest.mark.parametrize(
    ("row", "event_date", "flags"), cases("harmonise_dates", "test_days_of_the_year_and_parts_of_a_date")
)
def test_days_of_the_year_and_parts_of_a_date(row, event_date, flags):
    found = interpret([row])[0]
    assert (found["eventDate"], found["flags"]) == (event_date, set(flags))


def test_a_day_number_of_either_system_is_told_by_the_year_beside_it():
    row = interpret([{"eventDate": "38731", "year": "2010", "month": "1", "day": "15"}])[0]
    assert ("eventDate", "2010-01-15", "excel_serial_1904", False) in row["repairs"]
    assert row["flags"] == {"RECORDED_DATE_EXCEL_SERIAL"}
    declared = interpret([{"eventDate": "38731"}], spreadsheet_dates="1904")[0]
    assert (declared["eventDate"], declared["flags"]) == ("2010-01-15", set())


@pytest.mark.parametrize(("row", "declared", "zone"), [
    pytest.param({"eventDate": "2020-01-01T10:00"}, "Asia/Yangon", "+06:30", id="by name"),
    pytest.param({"eventDate": "1988-07-01", "eventTime": "10:00"}, "Asia/Shanghai", "+09:00", id="summer time"),
    pytest.param({"eventDate": "2020-01-01T10:00Z"}, "Asia/Yangon", "+00:00", id="told"),
    pytest.param({"eventDate": "2020-01-01"}, "Asia/Yangon", None, id="no time"),
    pytest.param({"eventDate": "2020-01-01T10:00"}, "+07:00", "+07:00", id="offset"),
])  # fmt: skip
def test_a_declared_zone_is_used_with_its_history(row, declared, zone):
    assert interpret([row], time_zone=declared)[0]["event_zone"] == zone


@pytest.mark.parametrize(("country", "proposed"), [
    pytest.param("TH", "+07:00", id="code"),
    pytest.param("ລາວ", "+07:00", id="name"),
    pytest.param("MM", "+06:30", id="Myanmar"),
    pytest.param("ID", None, id="Indonesia has three"),
])  # fmt: skip
def test_a_zone_is_proposed_from_the_country_and_not_applied(country, proposed):
    term = "countryCode" if country.isascii() else "country"
    row = interpret([{"eventDate": "2020-01-01T10:00", term: country}])[0]
    assert row["event_zone"] is None
    assert row["repairs"] == ({("event_zone", proposed, "zone_of_country", False)} if proposed else set())


@pytest.mark.parametrize("declared", [
    {"time_zone": "Asia/Nowhere"}, {"time_zone": "+15:00"}, {"spreadsheet_dates": "1902"}, {"calendar": "lunar"},
], ids=str)  # fmt: skip
def test_a_declaration_that_is_not_known_is_refused(declared):
    with pytest.raises(InputError, match="declared"):
        interpret([{"eventDate": "2020"}], **declared)


# GBIF's own cases. Ours differs from GBIF where `DIFFERENT` says so; everything else is the same.
