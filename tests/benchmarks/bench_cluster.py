"""What a second worker of a Dask cluster saves on work of the processor: Monte-Carlo draws, and batches interpreted.

usage: python tests/benchmarks/bench_cluster.py [--draws N] [--rows N] [--json FILE]

Run by hand on a quiet machine of two cores or more; the load before each measurement is told beside it. Scheduler and
workers are processes of one thread on 127.0.0.1. The answers of one and of two workers are compared.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from affine import Affine
from polars.testing import assert_frame_equal

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "analysis"))

import cluster_servers
from biodata.analysis.grid import Grid
from biodata.analysis.uncertainty import frequencies
from biodata.harmonise import Harmoniser
from biodata.harmonise.occurrences import harmonise_batches
from biodata.ingest import open_source
from biodata.pipeline.executors import DaskWorkers
from biodata.places import load_boundaries
from search_ground import GRID
from uncertainty_task import task_of

SAMPLE = Path(__file__).parents[2] / "sample_data" / "occurrences_gbif.zip"
BATCH = 20_000
FINER = 15
"""Cells of the landscape along each side of one of the tests'."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--json", type=Path, help="file of the figures")
    arguments = parser.parse_args()
    rows = many_rows(arguments.rows)
    steps: dict[str, Callable[[DaskWorkers], pl.DataFrame]] = {
        "draws": lambda workers: draws(workers, arguments.draws),
        "harmonise": lambda workers: harmonise(workers, rows),
    }
    figures: dict[str, Any] = {"cores": os.cpu_count(), "draws": arguments.draws, "rows": rows.height}
    for name, step in steps.items():
        seconds, answers = {}, []
        for count in (1, 2):
            seconds[count], load, answer = measured(step, count)
            answers.append(answer)
            figures[f"{name}, {count}"] = {"seconds": round(seconds[count], 2), "load before": load}
        assert_frame_equal(*answers)
        figures[f"{name}, speed of two over one"] = round(seconds[1] / seconds[2], 2)
    text = json.dumps(figures, indent=1)
    sys.stdout.write(f"{text}\n")
    if arguments.json:
        arguments.json.write_text(text, encoding="utf-8")


def measured(step: Callable[[DaskWorkers], pl.DataFrame], count: int) -> tuple[float, float, pl.DataFrame]:
    """Return how long a step takes with so many workers that have worked before, the load before, and its answer."""
    with tempfile.TemporaryDirectory() as folder, cluster_servers.dask_cluster(Path(folder), workers=count) as running:
        while True:
            workers = DaskWorkers(running.address)
            if workers.workers == count:
                break
            workers.shutdown()
            time.sleep(0.2)
        try:
            step(workers)  # what each worker imports and compiles once
            load, start = os.getloadavg()[0], time.perf_counter()
            answer = step(workers)
            return time.perf_counter() - start, round(load, 1), answer
        finally:
            workers.shutdown(cancel_futures=True)


def draws(workers: DaskWorkers, count: int) -> pl.DataFrame:
    """Work draws of a landscape."""
    small = task_of()
    values = np.kron(small.values, np.ones((FINER, FINER)))
    cell_m = small.grid.cell_m / FINER
    grid = Grid(GRID.crs, Affine(cell_m, 0, 0, 0, -cell_m, GRID.shape[0] * GRID.cell_m), values.shape, cell_m)
    middle = FINER // 2
    nodes = []
    for node in small.nodes:
        row, column = divmod(int(node.cells[0]), GRID.shape[1])
        cell = (row * FINER + middle) * values.shape[1] + column * FINER + middle
        nodes.append(replace(node, cells=np.array([cell])))
    task = replace(small, values=values, grid=grid, nodes=tuple(nodes))
    return frequencies.frequencies(task, draws=count, executor=workers).pairs


def many_rows(count: int) -> pl.DataFrame:
    """Return the sample's rows again and again, each time with other identifiers."""
    (table,) = open_source("gbif", [SAMPLE], dataset="sample").read()
    rows = pl.concat(list(table.batches))
    times = -(-count // rows.height)
    again = [
        rows.with_columns(
            pl.col("occurrenceID") + f"-{n}",
            pl.col("gbifID") + f"{n:03d}",
            source_row=pl.col("source_row") + n * rows.height,
        )
        for n in range(times)
    ]
    return pl.concat(again).head(count)


def harmonise(workers: DaskWorkers, rows: pl.DataFrame) -> pl.DataFrame:
    """Interpret batches; return the counts of flags."""
    harmoniser = Harmoniser(boundaries=load_boundaries(), secret=bytes(32), today=date(2026, 11, 24))
    counted = harmonise_batches(
        harmoniser,
        rows.iter_slices(BATCH),
        finish=lambda _, result: result.interpreted["quality_flags"].explode().drop_nulls().value_counts(),
        dataset_key="sample",
        declarations={},
        elsewhere=workers,
    )
    return pl.concat(list(counted)).group_by("quality_flags").agg(pl.col("count").sum()).sort("quality_flags")


if __name__ == "__main__":
    main()
