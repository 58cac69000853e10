"""Validation: calibration and power on made landscapes, hand-made p, held-out records, the variogram's range, the command."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
import rasterio
import shapely
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from biodata.analysis.areas import Site
from biodata.analysis.validation import corridor_test, holding_out, moved_patterns
from biodata.analysis.validation.corridor_test import ValidationParameters
from biodata.analysis.validation.moved_patterns import Points
from biodata.cli import app
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.runs.engines import work as run_engines
from biodata.store import run_records
from simulated_records import CELL_M, Setting, excess, grid_of, landscape

SMALL = Setting(side=60, smooth=4.0, target=300)


def result_of(setting, number, **choices):
    made = landscape(np.random.default_rng([number, 7]), setting)
    ground = np.isfinite(made.resistance)
    for cells in made.sources:
        ground.reshape(-1)[cells] = False
    surface = np.where(np.isfinite(made.resistance), excess(made.resistance, made.sources), np.nan)
    parameters = ValidationParameters(**{"seed": number, "moves": 199} | choices)
    return corridor_test.against_chance(
        surface, ground, made.grid, made.records, effort=made.target, parameters=parameters
    )


@pytest.mark.parametrize("herd", [pytest.param(1.0, id="single animals"), pytest.param(5.0, id="herds")])
def test_records_that_know_nothing_of_the_corridor_are_seldom_called_better_than_chance(herd):
    found = [result_of(replace(SMALL, herd=herd), seed) for seed in range(60)]
    p = np.array([one.p for one in found if one.p is not None])
    assert p.size >= 55
    assert (p < 0.05).sum() <= 8  # 3 of 60 are to be expected; 9 or more come once in 200 such tests
    assert 0.35 < p.mean() < 0.65


def test_animals_that_follow_the_corridor_are_found():
    found = [result_of(replace(SMALL, follows="walks"), seed) for seed in range(20)]
    assert sum(one.verdict == "better than chance" for one in found) >= 16


def test_records_far_from_corridors_are_no_better_than_chance():
    rng = np.random.default_rng(1)
    grid = grid_of(40)
    surface = np.abs(np.arange(40)[:, None] - 20.0) * 1000 + rng.random((40, 40))
    ground = np.ones((40, 40), dtype=bool)
    far = np.column_stack([rng.uniform(0, 40, 40), rng.uniform(36, 40, 40)]) * CELL_M
    everywhere = rng.uniform(0, 40, (300, 2)) * CELL_M
    one_sided = corridor_test.against_chance(surface, ground, grid, far, effort=everywhere)
    assert one_sided.verdict == "no better than chance"
    assert one_sided.p > 0.9


def test_too_few_records_give_no_p_and_say_how_many_are_needed():
    found = result_of(replace(SMALL, records=5), 3)
    assert found.p is None
    assert found.verdict == "too few records"
    assert found.places_needed >= 25
    assert f"about {found.places_needed} places" in found.message()
    nothing = result_of(replace(SMALL, records=0), 3)
    assert (nothing.verdict, nothing.records) == ("too few records", 0)


@pytest.mark.parametrize(("observed", "null", "p"), [
    pytest.param(0.0, [1.0, 2.0, 3.0], 1 / 4, id="lower than all"),
    pytest.param(2.0, [1.0, 2.0, 3.0], 3 / 4, id="a tie counts against it"),
    pytest.param(4.0, [1.0, 2.0, 3.0], 1.0, id="higher than all"),
])  # fmt: skip
def test_p_is_exact(observed, null, p):
    assert corridor_test.exact_p(observed, np.array(null)) == pytest.approx(p)


def test_moved_patterns_are_those_of_plain_rolls():
    rng = np.random.default_rng(5)
    ranks = rng.random((12, 9))
    ranks[rng.random((12, 9)) < 0.2] = np.nan
    rows, columns = rng.integers(0, 12, 7), rng.integers(0, 9, 7)
    weights = rng.random(7)
    shift = np.array([[0, 0], [3, 8], [11, 1]])
    mean, spread, kept, _ = moved_patterns._moments(ranks, Points(rows, columns, weights), shift)
    for k, (down, right) in enumerate(shift):
        values = np.roll(ranks, (-down, -right), axis=(0, 1))[rows, columns]
        known = np.isfinite(values)
        expected = np.average(values[known], weights=weights[known])
        assert mean[k] == pytest.approx(expected)
        assert spread[k] == pytest.approx(np.sqrt(np.average((values[known] - expected) ** 2, weights=weights[known])))
        assert kept[k] == pytest.approx(weights[known].sum() / weights.sum())


def test_effort_as_a_raster_says_nearly_what_its_points_say():
    made = landscape(np.random.default_rng([4, 7]), replace(SMALL, follows="walks"))
    surface = np.where(np.isfinite(made.resistance), excess(made.resistance, made.sources), np.nan)
    ground = np.isfinite(made.resistance)
    found = corridor_test.against_chance(surface, ground, made.grid, made.records, effort_raster=made.effort)
    assert found.verdict == "better than chance"
    bad = np.full(ground.shape, -1.0)
    with pytest.raises(InputError, match="negative"):
        corridor_test.against_chance(surface, ground, made.grid, made.records, effort_raster=bad)


def test_without_effort_the_answer_says_so():
    made = landscape(np.random.default_rng([4, 7]), SMALL)
    surface = np.where(np.isfinite(made.resistance), excess(made.resistance, made.sources), np.nan)
    found = corridor_test.against_chance(surface, np.isfinite(made.resistance), made.grid, made.records)
    assert found.effort_points == 0
    assert any("Effort was not told" in note for note in found.notes)
    assert "coordinate" not in json.dumps(found.as_dict())


def test_the_surface_is_the_least_excess_of_all_pairs():
    made = landscape(np.random.default_rng(8), replace(SMALL, patches=4))
    sites = [
        Site(f"a{k}", f"a{k}", (), _square(cells, made.grid), cells, cells, 0.0) for k, cells in enumerate(made.sources)
    ]
    pairs = {(i, j): None for j in range(4) for i in range(j)}
    found = moved_patterns.excess(sites, made.resistance, made.grid, pairs=pairs)
    known = np.isfinite(made.resistance)
    np.testing.assert_allclose(found[known], np.maximum(excess(made.resistance, made.sources)[known], 0), atol=1e-6)
    assert np.isnan(found[~known]).all()


def _square(cells, grid):
    rows, columns = np.divmod(cells, grid.shape[1])
    x, y = grid.centres(rows, columns).T
    return shapely.box(x.min(), y.min(), x.max(), y.max())


@pytest.mark.parametrize("smooth", [2.0, 4.0, 8.0])
def test_the_range_grows_with_the_ground_and_a_few_wild_cells_do_not_move_it(smooth):
    rng = np.random.default_rng(7)
    field = gaussian_filter(rng.standard_normal((150, 150)), smooth)
    field /= field.std()
    ground = np.ones(field.shape, dtype=bool)
    clean = moved_patterns.variogram_range(field, ground, grid_of(150), rng=np.random.default_rng(1))
    # White noise smoothed by a Gaussian has 95 % of its sill at 3.46 standard deviations.
    assert 2.4 * smooth < clean.range_m / CELL_M < 4.6 * smooth
    wild = field.copy()
    wild.reshape(-1)[rng.choice(field.size, 60, replace=False)] = 50
    dirty = moved_patterns.variogram_range(wild, ground, grid_of(150), rng=np.random.default_rng(1))
    assert dirty.range_m == pytest.approx(clean.range_m, rel=0.4)


def test_no_record_is_used_twice():
    records = pl.DataFrame({
        "x": [100.0, 150.0, 5000.0, 9000.0, 9000.0, 9100.0, 12_000.0],
        "y": [100.0, 150.0, 5000.0, 9000.0, 9000.0, 9100.0, 12_000.0],
        "group": [None, None, "herd", None, None, None, "herd2"],
        "date": [date(2020, 1, 1), date(2022, 1, 1), date(2022, 1, 1), date(2022, 5, 1), date(2022, 5, 1), None, date(2019, 1, 1)],
        "used": [True, False, False, False, False, False, False],
    })  # fmt: skip
    found = holding_out.hold_out(records, block_m=1000.0, since=date(2021, 1, 1))
    assert found.why_not == ["made the resistance, the sources or the evidence",
                             "in the block of a record that was used", None, None, "a repeat of another record",
                             "date not told", "before the test's time"]  # fmt: skip
    assert sum(found.left_out().values()) == 5
    used = records.with_columns(group=pl.Series([*["herd"] * 3, None, None, None, None]))
    assert holding_out.hold_out(used, block_m=0.0).why_not[2] == "of one event with a record that was used"


@pytest.fixture
def files(tmp_path):
    made = landscape(np.random.default_rng([4, 7]), replace(SMALL, follows="walks", records=80))
    profile = {"driver": "GTiff", "height": 60, "width": 60, "count": 1, "nodata": np.nan, "dtype": "float64"}
    grid = made.grid
    for name, values in (("resistance", made.resistance), ("effort", made.effort)):
        with rasterio.open(
            tmp_path / f"{name}.tif", "w", **profile, crs=grid.crs.to_wkt(), transform=grid.transform
        ) as target:
            target.write(values, 1)
    ids = np.zeros(grid.cells, dtype="int32")
    for k, cells in enumerate(made.sources):
        ids[cells] = k + 1
    with rasterio.open(tmp_path / "areas.tif", "w", **profile | {"dtype": "int32", "nodata": 0}, crs=grid.crs.to_wkt(),
                       transform=grid.transform) as target:  # fmt: skip
        target.write(ids.reshape(grid.shape), 1)
    rows = [f"r{k},Elephas maximus,{x:.1f},{y:.1f}" for k, (x, y) in enumerate(made.records)]
    rows += [f"t{k},Macaca nemestrina,{x:.1f},{y:.1f}" for k, (x, y) in enumerate(made.target)]
    (tmp_path / "records.csv").write_text("id,species,x,y\n" + "\n".join(rows), encoding="utf-8")
    return tmp_path


def call(folder, *more):
    return CliRunner().invoke(
        app,
        ["corridors-validate", "--raster", str(folder / "resistance.tif"), "--areas", str(folder / "areas.tif"),
         "--records", str(folder / "records.csv"), "--out", str(folder / "validation.json"), *more],
        catch_exceptions=False,
    )  # fmt: skip


@pytest.mark.parametrize(("heading", "told"), [
    pytest.param("id,species,x,y", "no record is of this species; one of Macaca nemestrina, Elephas maximus",
                 id="another species"),
    pytest.param("id,acceptedScientificName,x,y", "the file tells no species; a column species", id="no column"),
])  # fmt: skip
def test_a_species_that_is_not_there_is_told_with_those_that_are(files, heading, told):
    lines = (files / "records.csv").read_text(encoding="utf-8").splitlines()
    (files / "records.csv").write_text("\n".join([heading, *lines[1:]]), encoding="utf-8")
    with pytest.raises(InputError, match=told):
        call(files, "--species", "Bos gaurus")


@pytest.mark.parametrize("how", [[], ["--effort", "effort.tif"]], ids=["target group", "raster of effort"])
def test_the_command_says_better_than_chance_in_those_words(files, how):
    done = call(files, "--species", "Elephas maximus", *(str(files / w) if w.endswith("tif") else w for w in how))
    assert done.exit_code == 0
    assert "better than chance (p = 0.0" in done.stdout
    told = json.loads((files / "validation.json").read_text(encoding="utf-8"))
    assert told["verdict"] == "better than chance"
    assert told["parameters"]["seed"] == 1
    assert told["patterns"] > 0
    assert told["blocks"]["range_m"] > 0


def test_the_command_says_no_better_than_chance_in_those_words(files):
    done = call(files, "--species", "Macaca nemestrina", "--target", str(files / "records.csv"))
    assert done.exit_code == 0
    assert "no better than chance (p = " in done.stdout


def test_used_records_and_their_blocks_are_no_test(files):
    (files / "used.csv").write_text("id\n" + "\n".join(f"r{k}" for k in range(78)), encoding="utf-8")
    done = call(files, "--species", "Elephas maximus", "--used", str(files / "used.csv"))
    assert done.exit_code == 0
    assert "too few records" in done.stdout
    told = json.loads((files / "validation.json").read_text(encoding="utf-8"))
    assert told["p"] is None
    assert told["left_out"]["made the resistance, the sources or the evidence"] == 78


def test_what_is_taken_for_granted_is_said_and_the_run_is_kept(files):
    done = call(files, "--species", "Elephas maximus", "--block-m", "1000", "--data", str(files / "data"))
    assert "80 of 80 test records tell no uncertainty" in done.stdout
    assert "blocks are narrower than values of the surface are alike" in done.stdout
    (kept,) = run_records.every(Settings(data=files / "data"))
    assert f"kept as {kept.id}" in done.stdout
    assert (kept.engine, kept.seed, kept.snapshot) == ("validation", 1, None)
    assert {one.name for one in kept.inputs} == {"raster", "areas", "records"}
    (files / "validation.json").unlink()
    _, comparison = run_engines.repeat(Settings(data=files / "data"), kept.id)
    assert comparison.identical
    assert comparison.asked == ()
    assert not (files / "validation.json").exists(), "a repeated run writes over nothing"


def test_a_coordinate_that_is_no_number_is_refused_with_its_row(files):
    (files / "records.csv").write_text("id,x,y\na,100,200\nb,here,300\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"records.csv, row 3, column x, value 'here'"):
        call(files)
