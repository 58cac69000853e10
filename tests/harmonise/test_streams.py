"""Batches harmonised side by side: the same answers as one by one, however the table is cut, and no crash."""

import threading
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely
from polars.testing import assert_frame_equal

from biodata.core.errors import InputError
from biodata.harmonise import Harmoniser
from biodata.harmonise.occurrences import harmonise_batches
from biodata.ingest import open_source
from biodata.places import country_geometry, load_boundaries
from biodata.places.locate import surely_beyond

SAMPLE = Path(__file__).parents[2] / "sample_data" / "occurrences_gbif.zip"


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """Return records with every kind of fault, each with an identifier."""
    (table,) = open_source("gbif", [SAMPLE], dataset="sample").read()
    return pl.concat(list(table.batches)).head(600)


def whole_result(number, result):
    return number, result


def harmonise(rows: pl.DataFrame, size: int) -> pl.DataFrame:
    """Return the interpreted rows in the order of the file, cut into batches of `size`."""
    harmoniser = Harmoniser(boundaries=load_boundaries(), secret=bytes(32), today=date(2026, 11, 24), counted=True)
    batches = iter(rows.iter_slices(size))
    finished = harmonise_batches(harmoniser, batches, finish=whole_result, dataset_key="sample", declarations={})
    results = [result for _, result in finished]
    counts = pl.concat([result.quality for result in results if result.quality is not None])
    assert counts.group_by("label").agg(pl.col("compliant", "internal").sum()).height > 50
    return pl.concat([result.interpreted for result in results])


@pytest.mark.parametrize("size", [pytest.param(7, marks=pytest.mark.searches), 211])
def test_neither_the_size_of_a_batch_nor_the_order_changes_an_answer(rows, size):
    whole = harmonise(rows, rows.height)
    assert_frame_equal(harmonise(rows, size), whole)
    turned = harmonise(rows.reverse(), size).sort("source_row")
    assert_frame_equal(turned, whole.sort("source_row"))


def test_an_error_in_the_middle_of_a_table_comes_out(rows):
    def batches():
        yield rows.head(5)
        problem = "a quoted field is not closed"
        raise InputError(problem, file="cut.csv", row=7)

    harmoniser = Harmoniser(boundaries=load_boundaries(), secret=bytes(32), today=date(2026, 11, 24))
    with pytest.raises(InputError, match="row 7"):
        list(harmonise_batches(harmoniser, batches(), finish=whole_result, dataset_key="cut", declarations={}))


def test_threads_that_ask_one_prepared_geometry_do_not_end_the_process():
    laos = shapely.to_wkb(country_geometry("LA", load_boundaries()))
    chance = np.random.default_rng(5)
    x, y = chance.uniform(95, 112, 400), chance.uniform(10, 25, 400)
    for _ in range(20):
        geometry, found = shapely.from_wkb(laos), []
        together = threading.Barrier(4)

        def ask(geometry=geometry, found=found, together=together):
            together.wait()
            found.append(surely_beyond(geometry, x, y, 50_000.0))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all((one == found[0]).all() for one in found)
