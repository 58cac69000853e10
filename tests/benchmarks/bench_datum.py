"""Rank unlabelled points in every system of issue 3: as files, and each point alone.

Run by hand: python tests/benchmarks/bench_datum.py [points] [seeds]
For each system it prints the share of the files (one a seed) with the right system among the first two ranks and on
the first, the share of their points, and the share of points that are judged alone, without their file.
"""

import sys
import time
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))

from biodata import places
from biodata.datums import find_system
from biodata.harmonise import datum_doctor
from biodata.harmonise.datum_points import read_points
from biodata.harmonise.findings import Told
from told_points import systems_to_tell, unlabelled

ALONE = 100


def shares(points, system, boundaries):
    groups = datum_doctor.diagnose(points, boundaries=boundaries)
    proposed = datum_doctor.proposals(groups, boundaries=boundaries).filter(pl.col("system") == system)
    count = points.height
    return [proposed.filter(pl.col("rank") <= rank)["row"].n_unique() / count for rank in (1, 2)]


def main(count=500, seeds=3):
    boundaries = places.load_boundaries()
    print(f"{'system':<12}{'name':<44}{'file, 1':>9}{'file, 2':>9}{'points, 2':>11}{'alone, 2':>10}")
    alone_right, started = [], time.perf_counter()
    for system, provinces in systems_to_tell(boundaries).items():
        found, alone = [], 0.0
        for seed in range(seeds):
            table, _, _ = unlabelled(system, provinces, count, boundaries, seed)
            points = read_points(Told(table), boundaries=boundaries)
            found.append(shares(points, system, boundaries))
            if seed == 0:
                lone = points.head(ALONE).with_columns(pl.col("row").cast(pl.String).alias("dataset"))
                alone = shares(lone, system, boundaries)[1]
        alone_right.append(alone)
        first, two = (sum(one[rank] >= 0.95 for one in found) / seeds for rank in (0, 1))
        of_points = sum(one[1] for one in found) / seeds
        name = find_system(system).name
        print(f"{system:<12}{name:<44}{first:>9.0%}{two:>9.0%}{of_points:>11.1%}{alone:>10.0%}", flush=True)
    print(f"alone, over all systems: {sum(alone_right) / len(alone_right):.1%}; {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
