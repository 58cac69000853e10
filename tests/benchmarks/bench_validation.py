"""How often the test finds corridors in nothing, and how often it finds animals that follow them; by hand, not by pytest.

python tests/benchmarks/bench_validation.py [--landscapes 500] [--following 200] [--settings base herds …] [--workers 2]

Each landscape is simulated anew (tests/simulated_records.py): resistance as smooth noise, areas at both ends, crooked
roads, effort along them, records drawn by effort alone or by effort and the animals' liking. The corridor surface is that
of our own engine. Printed are shares of p below 0.05 with binomial limits (Clopper-Pearson, 95 %). `follows` settings are power.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
from scipy.stats import beta

from biodata.analysis.validation import corridor_test
from biodata.analysis.validation.corridor_test import ValidationParameters
from simulated_records import Setting, excess, landscape

BASE = Setting()
SETTINGS = {
    "base": BASE,
    "herds of 5": replace(BASE, herd=5, records=100),
    "herds of 8, 400 records": replace(BASE, herd=8, records=400),
    "20 records": replace(BASE, records=20),
    "40 camera stations": replace(BASE, stations=40, records=100),
    "one road": replace(BASE, roads=1),
    "eight roads": replace(BASE, roads=8),
    "effort on roads only": replace(BASE, off_road=0.001, road_reach=1.0),
    "weak effort": replace(BASE, off_road=1.0),
    "patchy effort": replace(BASE, effort_patches=2.0),
    "smooth ground": replace(BASE, smooth=12.0),
    "rough ground": replace(BASE, smooth=2.0),
    "five areas": replace(BASE, patches=5),
    "100 of the target group": replace(BASE, target=100),
    "range of half the window": replace(BASE, half_range=True),
    "follows: walks": replace(BASE, follows="walks"),
    "follows: walks, 20 records": replace(BASE, follows="walks", records=20),
    "follows: walks, herds": replace(BASE, follows="walks", herd=5, records=100),
    "follows: corridor": replace(BASE, follows="corridor", strength=1.0),
    "follows: resistance": replace(BASE, follows="resistance"),
    "follows: walks, five areas": replace(BASE, follows="walks", patches=5),
}


def one(setting: Setting, seed: int) -> float | None:
    """Return p, None where there was no test."""
    made = landscape(np.random.default_rng([seed, 7]), setting)
    ground = np.isfinite(made.resistance)
    for cells in made.sources:
        ground.reshape(-1)[cells] = False
    surface = np.where(np.isfinite(made.resistance), excess(made.resistance, made.sources), np.nan)
    found = corridor_test.against_chance(
        surface, ground, made.grid, made.records, effort=made.target, parameters=ValidationParameters(seed=seed)
    )
    return found.p


def limits(hits: int, n: int) -> tuple[float, float]:
    """Return the exact limits of a share."""
    low = beta.ppf(0.025, hits, n - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, n - hits) if hits < n else 1.0
    return float(low), float(high)


def rates(setting: Setting, n: int, executor: ProcessPoolExecutor, first: int = 0) -> tuple[int, int]:
    """Return how many p lie below 0.05, and how many tests there were."""
    found = list(executor.map(one, [setting] * n, range(first, first + n), chunksize=10))
    told = [p for p in found if p is not None]
    return sum(p < 0.05 for p in told), len(told)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--landscapes", type=int, default=500)
    parser.add_argument("--following", type=int, default=200)
    parser.add_argument("--settings", nargs="*", default=list(SETTINGS))
    parser.add_argument("--first", type=int, default=0, help="number of the first landscape: others than before")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    print(f"{'':28} tests   p < 0.05   95 % limits")
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as executor:
        for name in asked.settings:
            n = asked.following if name.startswith("follows") else asked.landscapes
            hits, tests = rates(SETTINGS[name], n, executor, asked.first)
            low, high = limits(hits, tests)
            share = hits / max(tests, 1)
            print(f"{name:28} {tests:5}   {share:8.3f}   {low:.3f} to {high:.3f}", flush=True)


if __name__ == "__main__":
    main()
