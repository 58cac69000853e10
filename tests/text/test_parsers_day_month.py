"""The order of day and month: proved by the whole column, whatever its batches and their order."""

from datetime import date
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.text.dates import OrderEvidence, what_rows_prove
from case_tables import cases

TODAY = date(2026, 11, 24)
TEXTS = ["25/03/2010", "03/25/2010", "03/04/2010", "05/05/2010", "2010-05-12", "x", "25.3.2010", "๒๕/๓/๒๕๖๗", "3/4/2010 - 15/4/2010", None]  # fmt: skip


@pytest.mark.parametrize(("texts", "order", "counts"), cases("parsers_day_month", "test_what_a_column_proves"))
def test_what_a_column_proves(texts, order, counts):
    found = OrderEvidence.of(pl.Series(texts, dtype=pl.String), today=TODAY)
    assert found.order is order
    assert (found.day_first, found.month_first, found.ambiguous) == tuple(counts)


def test_month_and_day_beside_a_date_prove_its_order():
    texts, month, day = pl.Series(["5/2/2014", "5/5/2014", "5/2/2014"]), pl.Series(["2", "5", None]), pl.Series(["5", "5", None])  # fmt: skip
    assert OrderEvidence.of(texts, month, day, today=TODAY) == OrderEvidence(day_first=1, ambiguous=1)


def test_a_declared_era_makes_its_dates_proofs():
    rows = pl.DataFrame({"text": ["15/04/2567", "03/04/2567"]}).with_columns(
        pl.lit("").alias("group"), pl.lit(None, pl.String).alias("month"), pl.lit(None, pl.String).alias("day")
    )
    proved = what_rows_prove(rows, today=TODAY, buddhist=True)
    assert OrderEvidence.by_group(proved) == {"": OrderEvidence(day_first=1, ambiguous=1)}


@given(st.lists(st.sampled_from(TEXTS), max_size=30), st.lists(st.integers(0, 30), max_size=5), st.randoms())
def test_batches_and_their_order_are_irrelevant(texts, cuts, random):
    whole = OrderEvidence.of(pl.Series(texts, dtype=pl.String), today=TODAY)
    shuffled = random.sample(texts, len(texts))
    edges = [0, *sorted(min(cut, len(texts)) for cut in cuts), len(texts)]
    parts = [shuffled[a:b] for a, b in pairwise(edges)]
    merged = OrderEvidence()
    for part in random.sample(parts, len(parts)):
        merged = OrderEvidence.of(pl.Series(part, dtype=pl.String), today=TODAY).merge(merged)
    assert merged == whole


@given(st.lists(st.dates(date(1600, 1, 1), TODAY), min_size=1), st.sampled_from(["/", "-", ".", " "]), st.booleans())
def test_a_column_written_in_one_order_is_never_taken_for_the_other(days, sign, day_first):
    form = f"%d{sign}%m{sign}" if day_first else f"%m{sign}%d{sign}"
    found = OrderEvidence.of(pl.Series([f"{day.strftime(form)}{day.year:04}" for day in days]), today=TODAY)
    assert found.order in {None, day_first}
    assert (found.order is None) == all(day.day <= 12 for day in days)


@given(st.lists(st.text(max_size=30)))
def test_no_text_whatever_raises(texts):
    OrderEvidence.of(pl.Series(texts, dtype=pl.String), today=TODAY)
