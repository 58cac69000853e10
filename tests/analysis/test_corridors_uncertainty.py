"""Uncertainty: order of classes, shapes, moved points, frequencies against by-hand counts, resuming, executors, command."""

import json
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
import rasterio
from typer.testing import CliRunner

from biodata.analysis.uncertainty import frequencies, inputs, one_draw
from biodata.analysis.uncertainty.assumptions import Assumptions, around
from biodata.analysis.uncertainty.inputs import ClassRange
from biodata.analysis.uncertainty.one_draw import Task
from biodata.cli import app
from biodata.core.errors import InputError
from uncertainty_task import GRID, RANGES, SIDE, classes_of, task_of


def test_the_order_of_classes_is_kept_and_ranges_too():
    rng = np.random.default_rng(0)
    stated = Assumptions(RANGES)
    drawn = np.array([one_draw.draw(stated, rng)[0] for _ in range(400)])
    assert (drawn >= [1, 3, 3, 20]).all()
    assert (drawn <= [2, 30, 30, 200]).all()
    assert (np.diff(drawn[:, [0, 1, 3]], axis=1) >= 0).all()
    assert (drawn[:, 1] > drawn[:, 2]).mean() == pytest.approx(0.5, abs=0.1)  # stated equal, so free of each other
    assert drawn[:, 1].std() > 3


def test_draws_are_uniform_among_vectors_of_the_order():
    ranges = (ClassRange(1, "", 2, 1, 8), ClassRange(2, "", 4, 1, 8))
    rng = np.random.default_rng(0)
    drawn = np.log([one_draw.draw(Assumptions(ranges, shapes=("linear",)), rng)[0] for _ in range(2000)]) / np.log(8)
    # The lower and the higher of two uniform numbers have means of 1/3 and 2/3.
    np.testing.assert_allclose(drawn.mean(axis=0), [1 / 3, 2 / 3], atol=0.02)
    np.testing.assert_allclose(drawn.std(axis=0), np.sqrt(1 / 18), atol=0.02)


@pytest.mark.parametrize("shape", ["linear", "negative exponential", "power"])
def test_shapes_keep_ends_and_order(shape):
    before = np.array([1.0, 2, 5, 40, 100])
    for strength in (-3.0, 0.0, 0.5, 2.0):
        if shape == "power" and strength <= 0:
            continue
        after = one_draw.bent(before, shape, strength)
        assert after[[0, -1]] == pytest.approx([1, 100])
        assert (np.diff(after) > 0).all()


def test_ranges_around_measured_values_keep_the_order_of_all_values():
    rng = np.random.default_rng(3)
    values = np.exp(rng.uniform(0, 4, (30, 30)))
    ranges, between = around(values, factor=2)
    assert between
    task = Task(values, GRID, (), (), Assumptions(ranges, between), 1)
    for number in range(20):
        resistances, _, _ = one_draw.draw(task.assumptions, np.random.default_rng(number))
        found = one_draw._resistance(values, task.assumptions, resistances)
        order = np.argsort(values, axis=None)
        assert (np.diff(found.reshape(-1)[order]) >= -1e-12).all()
        assert (found / values >= 0.499).all()
        assert (found / values <= 2.001).all()


def test_points_move_inside_their_uncertainty():
    xy = np.full((3, 2), 1200.0)
    radius = np.array([0.0, 500.0, np.nan])
    east_seen = 0
    for seed in range(200):
        found = one_draw.moved(xy, radius, rng=np.random.default_rng(seed))
        np.testing.assert_array_equal(found[[0, 2]], xy[[0, 2]])
        assert (np.hypot(*(found - xy).T) <= 500).all()
        east_seen += found[1, 0] > 1200
    assert 60 < east_seen < 140


def test_frequencies_are_what_single_draws_count():
    task = task_of(dispersal_cost=(10_000.0, 40_000.0))
    found = frequencies.frequencies(task, draws=25)
    singles = [one_draw.one(task, number) for number in range(1, 26)]
    inside = np.array([np.unpackbits(one.inside, count=task.values.size) for one in singles]).reshape(25, *GRID.shape)
    known = np.isfinite(task.values)
    np.testing.assert_allclose(found.cells[known], inside.mean(axis=0)[known], atol=1e-6)
    assert np.isnan(found.cells[~known]).all()
    functional = np.array([one.functional for one in singles])
    np.testing.assert_allclose(found.pairs["frequency"].to_numpy(), functional.mean(axis=0))
    assert found.error == pytest.approx(0.1)
    assert -1 <= found.rank_agreement <= 1
    assert "frequency under these assumptions" in found.message()
    assert "probab" not in found.message()
    assert {one["shape"] for one in found.chosen} <= {"linear", "negative exponential", "power"}


def test_nothing_uncertain_gives_the_same_corridor_in_every_draw():
    fixed = tuple(replace(one, low=one.resistance, high=one.resistance) for one in RANGES)
    known = Assumptions(fixed, shapes=("linear",), cut_fraction=(0.1, 0.1))
    task = task_of()
    task = replace(task, assumptions=known, nodes=tuple(replace(node, radius_m=0.0) for node in task.nodes))
    found = frequencies.frequencies(task, draws=20)
    assert set(np.unique(found.cells[np.isfinite(found.cells)])) <= {0.0, 1.0}
    assert found.rank_agreement == pytest.approx(1)
    assert found.pairs["least_cost_q05"].to_list() == pytest.approx(found.pairs["least_cost_stated"].to_list())


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_where_it_is_worked_changes_nothing(kind):
    task = task_of()
    here = frequencies.frequencies(task, draws=20)
    made = ThreadPoolExecutor(2) if kind == "threads" else ProcessPoolExecutor(2, mp_context=get_context("spawn"))
    with made as executor:
        there = frequencies.frequencies(task, draws=20, executor=executor)
    np.testing.assert_array_equal(here.cells, there.cells)
    assert here.pairs.equals(there.pairs)
    assert here.chosen == there.chosen


def write(path, values):
    profile = {"driver": "GTiff", "height": SIDE, "width": SIDE, "count": 1, "dtype": "float64", "nodata": np.nan}
    with rasterio.open(path, "w", **profile, crs=GRID.crs.to_wkt(), transform=GRID.transform) as target:
        target.write(values, 1)
    return path


@pytest.fixture
def files(tmp_path):
    write(tmp_path / "classes.tif", classes_of())
    (tmp_path / "ranges.csv").write_text(
        "class_value,class_name,resistance,low,high\n1,forest,1,1,2\n2,fields,10,3,30\n3,fallow,10,3,30\n5,town,60,20,200\n",
        encoding="utf-8",
    )
    rows = "id,x,y,coordinateUncertaintyInMeters\na,250,2150,100\nb,450,350,\nc,2050,1150,200\n"
    (tmp_path / "points.csv").write_text(rows, encoding="utf-8")
    return tmp_path


def call(folder, *more):
    return CliRunner().invoke(
        app,
        ["corridors-uncertainty", "--raster", str(folder / "classes.tif"), "--areas", str(folder / "points.csv"),
         "--classes", str(folder / "ranges.csv"), "--out", str(folder / "frequency.tif"), *more],
        catch_exceptions=False,
    )  # fmt: skip


def test_the_command_writes_frequencies_and_lists_assumptions(files):
    done = call(files, "--draws", "20", "--report", str(files / "report.json"))
    assert done.exit_code == 0
    assert "frequency under these assumptions" in done.stdout
    told = json.loads((files / "report.json").read_text(encoding="utf-8"))
    assert len(told["pairs"]) == 3
    assert len(told["chosen"]) == 20
    assert told["seed"] == 1
    assert any("town: 20 to 200" in line for line in told["assumptions"])
    with rasterio.open(files / "frequency.tif") as source:
        cells = source.read(1)
    assert np.nanmax(cells) == pytest.approx(1)
    assert not (files / "frequency.parts").exists()


def test_the_command_only_estimates_where_it_is_asked_to(files):
    done = call(files, "--estimate")
    assert done.exit_code == 0
    assert "200 draws" in done.stdout
    assert not (files / "frequency.tif").exists()


def test_a_class_that_the_table_does_not_tell_is_refused(files):
    (files / "ranges.csv").write_text("class_value,class_name,resistance,low,high\n1,forest,1,1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"ranges.csv, column class_value, value '2': 3 classes of classes.tif"):
        call(files)


def test_a_fault_in_the_table_is_told_with_its_row(files):
    (files / "ranges.csv").write_text("class_value,class_name,resistance,low,high\n1,forest,9,1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="row 2, column low"):
        inputs.read_ranges(files / "ranges.csv")
