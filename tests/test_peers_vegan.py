"""Accumulation and richness against R's vegan, on its own data sets and on drawn ones; needs Debian's r-cran-vegan."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from biodata.analysis.surveys import richness
from biodata.analysis.surveys.accumulation import Method, accumulation

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    rscript = shutil.which("Rscript")
    if rscript is None:
        assert not os.environ.get("CI"), "install r-cran-vegan and r-cran-jsonlite"
        pytest.skip("R is not installed (apt-get install r-cran-vegan r-cran-jsonlite)")
    folder = tmp_path_factory.mktemp("vegan")
    rng = np.random.default_rng(8)
    drawn = {
        f"drawn {n}": rng.negative_binomial(0.4, rng.uniform(0.05, 0.9, m), (n, m)).tolist()
        for n, m in ((6, 9), (20, 40), (30, 15), (12, 300))
    }
    (folder / "in.json").write_text(json.dumps(drawn))
    script = Path(__file__).with_name("vegan.R")
    subprocess.run([rscript, script, folder / "in.json", folder / "out.json"], check=True, capture_output=True)
    return json.loads((folder / "out.json").read_text())


def numbers(values):
    return np.array([np.nan if v in ("NA", "NaN") else v for v in values], dtype=float)


def test_equals_vegan(told):
    assert {"BCI", "mite"} < set(told)
    for name, of in told.items():
        counts = np.array(of["counts"])
        curves = {method: accumulation(counts, method) for method in (Method.EXACT, Method.RAREFACTION, Method.COLEMAN)}
        curves["of_all"] = accumulation(counts, conditioned=False)
        curves["random"] = accumulation(counts, Method.RANDOM, permutations=np.array(of["orders"]))
        for method, curve in curves.items():
            expected = of[method]
            assert curve.sites == pytest.approx(numbers(expected["sites"]), abs=1e-6), (name, method)
            assert curve.richness == pytest.approx(numbers(expected["richness"]), abs=1e-6), (name, method)
            spread = numbers(expected["sd"])
            # The root of a number that rounding put below 0 is NaN there, and 0 here.
            known = ~np.isnan(spread)
            assert curve.sd[known] == pytest.approx(spread[known], abs=1e-6), (name, method)
        pool = richness.pool(counts)
        assert list(pool.told().values())[1:] == pytest.approx(
            [of["pool"][k] for k in ("Species", "chao", "chao.se", "jack1", "jack1.se", "jack2", "boot", "boot.se")],
            abs=1e-6,
        )
        found = np.array([list(richness.estimates(row).told().values()) for row in counts], dtype=float)
        expected = np.array([numbers(row) for row in of["estimates"]])
        # Not the error of ACE, whose derivative in vegan is another one; test_survey_richness has ours.
        for column in range(4):
            same = ~np.isnan(expected[:, column])
            assert found[same, column] == pytest.approx(expected[same, column], abs=1e-6), (name, column)
        size = int(counts.sum(axis=1).min())
        rarefied = np.array([richness.rarefy(row, size) for row in counts])
        assert rarefied == pytest.approx(np.array(of["rarefied"]), abs=1e-6), name
