"""The distribution model: scores on ground it has not seen, and a model without meaning that says so."""

import json
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import rasterio
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

import landscapes
from biodata.analysis.species.habitat import LEAST_NULLS, Scores, auc, fit_model
from biodata.cli import app
from biodata.core.errors import InputError, MissingExtraError
from biodata.runs import species_maps as layered

# Not imported here: that takes seconds in each process that only collects the tests.
pytestmark = pytest.mark.skipif(find_spec("elapid") is None, reason="the extra sdm is not installed")


def planted(preference, seed=1):
    """Background of two covariates, and presences that prefer the first of them."""
    rng = np.random.default_rng(seed)
    background = rng.normal(size=(300, 2))
    weight = np.exp(preference * background[:, 0])
    presences = background[rng.choice(300, 40, replace=False, p=weight / weight.sum())]
    return presences, background, rng.integers(0, 16, 40), rng.integers(0, 16, 300)


def fitted(preference, *, nulls=3, seed=1):
    presences, background, own, other = planted(preference)
    return fit_model(
        presences, background, presence_blocks=own, background_blocks=other, folds=3, nulls=nulls, seed=seed
    )


def test_a_planted_preference_is_found_and_random_points_are_not():
    model = fitted(2.0)
    low, high = model.predict(np.array([[-1.0, 0.0], [1.0, 0.0]]))
    assert low < high
    assert model.scores.auc > model.scores.null_aucs.max()
    assert [fold["fold"] for fold in model.scores.folds] == [1, 2, 3]
    assert sum(fold["presences"] for fold in model.scores.folds) == 40
    assert sum(fold["background"] for fold in model.scores.folds) == 300
    again = fitted(2.0)
    assert again.scores.folds == model.scores.folds, "the seed decides"


def test_what_scores_say():
    nulls = np.linspace(0.4, 0.6, LEAST_NULLS)
    assert "better than chance" in Scores([], 0.9, nulls, 1 / (LEAST_NULLS + 1)).to_dict()["says"]
    assert "no better than chance" in Scores([], 0.5, nulls, 0.5).to_dict()["says"]
    assert "cannot tell chance" in Scores([], 0.9, nulls[:5], 1 / 6).to_dict()["says"]


def test_auc_is_what_pairs_count():
    rng = np.random.default_rng(2)
    one, other = rng.integers(0, 5, 20).astype(float), rng.integers(0, 5, 30).astype(float)
    pairs = np.mean([(a > b) + 0.5 * (a == b) for a in one for b in other])
    assert auc(one, other) == pytest.approx(pairs)


def test_too_few_presences_and_too_few_blocks_are_named():
    presences, background, own, other = planted(1.0)
    with pytest.raises(InputError) as caught:
        fit_model(presences[:5], background, presence_blocks=own[:5], background_blocks=other, seed=1)
    assert caught.value.code == "PRESENCES_TOO_FEW"
    with pytest.raises(InputError) as caught:
        fit_model(presences, background, presence_blocks=own * 0, background_blocks=other, seed=1)
    assert caught.value.code == "BLOCKS_TOO_FEW"


def test_without_the_extra_the_message_tells_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "elapid", None)
    with pytest.raises(MissingExtraError, match=r"biodata\[sdm\]"):
        fitted(1.0, nulls=1)


def test_a_model_of_an_installation(tmp_path, sample_installations):
    settings = sample_installations.copy("records", tmp_path / "data")
    out = tmp_path / "a.tif"
    told = ["species", "model", "Sus scrofa", "--layer", "elevation_china_laos", "--data", str(settings.data)]
    done = CliRunner().invoke(app, [*told, "--cell-m", "4000", "--block-m", "20000", "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert {"snapshot", "boundary_set", "viewpoint", "band_m", "seed", "left_out", "background_of"} <= set(found)
    assert (found["evidence_view"], found["sharing_category"]) == ("public", "open")
    assert ("no better than chance" in found["scores"]["says"]) == (found["scores"]["frequency_as_good"] > 0.05)
    with rasterio.open(out) as raster:
        cells = raster.read(1, masked=True).compressed()
        assert raster.tags()["species"] == "Sus scrofa"
    assert ((cells >= 0) & (cells <= 1)).all()
    elephant = ["species", "model", "Elephas maximus", *told[3:]]
    error = CliRunner().invoke(app, elephant).exception
    assert isinstance(error, InputError), "its places are published as cells"


def test_blocks_are_as_wide_as_the_layer_that_is_alike_farthest():
    rng = np.random.default_rng(2)
    grid = landscapes.square_grid(80_000.0, 1_000.0)
    fields = np.column_stack([gaussian_filter(rng.standard_normal(grid.shape), width).ravel() for width in (1, 5)])
    known = np.ones(len(fields), dtype=bool)
    (fine, _), (both, told) = (layered._alike(part, known, grid, seed=1) for part in (fields[:, :1], fields))
    # White noise smoothed by a Gaussian has 95 % of its sill at 3.46 standard deviations.
    assert 1_000 < fine < 6_000
    assert 9_000 < both < 26_000
    assert "variogram" in told
    numbers = layered._blocks(grid, both).reshape(grid.shape)
    assert (np.diff(np.flatnonzero(np.diff(numbers[0]))) >= both / 1000 - 1).all()
