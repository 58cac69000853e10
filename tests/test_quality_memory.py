"""What was made of values is found again: keys of rows, the table of keys, and what a memory forgets."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from time import sleep

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata import places
from biodata.quality import Context, Preparation, memory
from biodata.quality.keys import Index, Keys, keys_of
from biodata.quality.memory import Memory

CONTEXT = Context(date(2026, 11, 24), places.load_boundaries())
SEEDS = (1, 2)


@given(st.lists(st.tuples(*[st.sampled_from([None, "", "a", "b", "ab", "\x00"])] * 3), min_size=1, max_size=30))
def test_rows_have_one_key_if_and_only_if_they_are_alike(rows):
    frame = pl.DataFrame(rows, schema=dict.fromkeys("abc", pl.String), orient="row")
    keys = keys_of(frame, SEEDS)
    assert len(keys.distinct()) == len(set(rows))
    assert [rows[row] for row in keys.distinct()] == list(dict.fromkeys(rows))


def test_without_columns_all_rows_are_alike():
    assert len(keys_of(pl.DataFrame(), SEEDS).first) == 1


@pytest.mark.parametrize("sizes", [[1], [300, 300], [5000], [10, 20_000, 40_000]])
def test_keys_are_found_by_number_however_often_more_are_added(sizes):
    index, generator = Index(), np.random.default_rng(7)
    every = generator.integers(0, 2**63, size=(2, sum(sizes)), dtype=np.uint64)
    # Keys that begin alike share their places in the table.
    every[0] &= np.uint64(0xFFFF)
    every[1, : len(every[0])] |= np.arange(len(every[0]), dtype=np.uint64) << np.uint64(20)
    start = 0
    for size in sizes:
        index.add(Keys(every[0, start : start + size], every[1, start : start + size]))
        start += size
        assert len(index) == start
        found = index.find(Keys(every[0], every[1]))
        assert (found[:start] == np.arange(start)).all()
        assert (found[start:] == -1).all()


def counting(seen):
    """Return a preparation that notes what it is made of."""

    def make(frame, _):
        seen.append(frame.rows())
        return frame.select(length=pl.col("sex").str.len_chars())

    return Preparation("length", ("sex", "type"), {"length": pl.UInt32}, make)


def made(remembered, preparation, *texts):
    """Return the lengths of texts."""
    frame = pl.DataFrame({"sex": texts}, schema={"sex": pl.String})
    return remembered.made(preparation, frame, CONTEXT)["length"].to_list()


def test_only_new_values_are_made_and_a_column_without_values_is_none():
    seen, remembered = [], Memory()
    length = counting(seen)
    assert made(remembered, length, "a", None, "a", "bb") == [1, None, 1, 2]
    assert made(remembered, length, "ccc", "bb", None, "ccc") == [3, 2, None, 3]
    assert made(remembered, length, None, None) == [None, None]
    assert seen == [[("a", None), (None, None), ("bb", None)], [("ccc", None)], [(None, None)]]


def test_older_values_are_forgotten_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(memory, "MOST", 3)
    seen, remembered = [], Memory()
    length = counting(seen)
    assert made(remembered, length, "a", "bb") == [1, 2]
    assert made(remembered, length, "bb", "ccc", "dddd") == [2, 3, 4]
    assert made(remembered, length, "ccc", "bb") == [3, 2]
    assert made(remembered, length, *"abcd") == [1] * 4
    assert made(remembered, length, "a") == [1]
    assert [len(rows) for rows in seen] == [2, 2, 1, 4, 1]


def test_two_threads_do_not_make_the_same():
    seen, remembered = [], Memory()

    def make(frame, _):
        seen.append(frame.height)
        sleep(0.02)
        return frame.select(length=pl.col("sex").str.len_chars())

    slow = Preparation("slow", ("sex",), {"length": pl.UInt32}, make)
    with ThreadPoolExecutor(4) as workers:
        answers = list(workers.map(lambda _: made(remembered, slow, "a", "bb"), range(4)))
    assert answers == [[1, 2]] * 4
    assert seen == [2]
