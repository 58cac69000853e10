"""Accumulation and richness against R's vegan, on its own data sets and on drawn ones; needs Debian's r-cran-vegan."""

import json
import os
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from biodata.analysis.surveys import results as richness

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
    script = Path(__file__).parents[1] / "vegan.R"
    subprocess.run([rscript, script, folder / "in.json", folder / "out.json"], check=True, capture_output=True)
    return json.loads((folder / "out.json").read_text())


def numbers(values):
    return np.array([np.nan if v in ("NA", "NaN") else v for v in values], dtype=float)


def test_equals_vegan(told):
    assert {"BCI", "mite", "dune"} < set(told)
    for name, of in told.items():
        counts = np.array(of["counts"])
        curve, expected = richness.accumulation(counts), of["of_all"]
        assert curve.sites == pytest.approx(numbers(expected["sites"]), abs=1e-6), name
        assert curve.richness == pytest.approx(numbers(expected["richness"]), abs=1e-6), name
        spread = numbers(expected["sd"])
        # The root of a number that rounding put below 0 is NaN there, and 0 here.
        known = ~np.isnan(spread)
        assert curve.sd[known] == pytest.approx(spread[known], abs=1e-6), name
        pool = richness.pool(counts)
        assert list(asdict(pool).values())[1:] == pytest.approx(
            [of["pool"][k] for k in ("Species", "chao", "chao.se", "jack1", "jack1.se")],
            abs=1e-6,
        )
