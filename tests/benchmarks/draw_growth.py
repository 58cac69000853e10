"""Draw how time, memory and bytes of a release grow with its size, from the figures of `bench_release.py`.

usage: python tests/benchmarks/draw_growth.py PICTURE.png FIGURES.json ...

Run by hand, `bench_release.py ROWS --json FIGURES.json` before it for each size.
"""

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt

DRAWN = {
    "whole release, CPU s a million rows": ("release", lambda step, rows: step["cpu_seconds"] / rows * 1e6),
    "whole release, peak MB": ("release", lambda step, rows: step["peak_mb"]),
    "whole release, MB written a million rows": ("release", lambda step, rows: step["written_mb"] / rows * 1e6),
    "500 new records, CPU s": ("release_more", lambda step, rows: step["cpu_seconds"]),
    "500 corrected records, CPU s": ("release_corrected", lambda step, rows: step["cpu_seconds"]),
    "500 withdrawn records, CPU s": ("withdraw", lambda step, rows: step["cpu_seconds"]),
}


def main() -> None:
    picture, *files = map(Path, sys.argv[1:])
    figures = sorted((json.loads(file.read_text(encoding="utf-8")) for file in files), key=lambda one: one["rows"])
    _, axes = plt.subplots(2, 3, figsize=(12, 6), sharex=True, layout="constrained")
    for axis, (title, (name, value)) in zip(axes.flat, DRAWN.items(), strict=True):
        there = [one for one in figures if name in one["steps"]]
        axis.plot([one["rows"] for one in there], [value(one["steps"][name], one["rows"]) for one in there], "o-")
        axis.set(title=title, xscale="log", ylim=(0, None))
    for axis in axes[-1]:
        axis.set_xlabel("rows")
    plt.savefig(picture, dpi=120)


if __name__ == "__main__":
    main()
