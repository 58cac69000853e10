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
        pytest.skip("R is not installed (apt-get install --no-install-recommends r-cran-vegan r-cran-jsonlite)")
    folder = tmp_path_factory.mktemp("vegan")
    rng = np.random.default_rng(8)
    drawn = {
        f"drawn {n}": rng.negative_binomial(0.4, rng.uniform(0.05, 0.9, m), (n, m)).tolist()
        for n, m in ((6, 9), (20, 40), (30, 15), (12, 300), (9, 2), (40, 80))
    }
    (folder / "in.json").write_text(json.dumps(drawn))
    script = Path(__file__).with_name("vegan.R")
    subprocess.run([rscript, script, folder / "in.json", folder / "out.json"], check=True, capture_output=True)
    return json.loads((folder / "out.json").read_text())


def numbers(values):
    return np.array([np.nan if v in ("NA", "NaN") else v for v in values], dtype=float)


def test_equals_vegan(told):
    assert {"BCI", "mite", "dune"} < set(told)
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
        for column in range(5):
            # R tells NaN where all species are common; here ACE is their number.
            same = ~np.isnan(expected[:, column])
            assert found[same, column] == pytest.approx(expected[same, column], abs=1e-6), (name, column)
        for size, of_size in zip(of["sizes"], of["rarefied"], strict=True):
            for row, (value, spread) in zip(counts, of_size, strict=True):
                if size <= row.sum():
                    assert richness.rarefy(row, int(size)) == pytest.approx((value, spread), abs=1e-6), (name, size)
