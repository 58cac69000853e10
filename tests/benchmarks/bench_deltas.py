"""What a small change of a large release costs, and how fast it is served after many of them, in processor seconds.

usage: python tests/benchmarks/bench_deltas.py FOLDER [--rows 1000000] [--changes 20] [--each 500]

Makes a whole release of made-up records in FOLDER, then changes of EACH records that are scattered over the map, each a
file of what differs; then merges. Pages, tiles, facets and counts are asked of the last of the changes and of the merged
file, which has the same rows, one after the other with the same boxes; a line tells both and their ratio.
"""

import argparse
import resource
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl

from biodata import places
from biodata.core import terms
from biodata.store import pointer, releases
from biodata.store.open_release import OpenRelease
from biodata.store.query.filters import And, Compare, Filter, InBox
from biodata.store.release_delta import DeltaFile
from biodata.store.release_file import ReleaseFile
from biodata.store.release_merge import merge
from biodata.store.releases import _place
from biodata.store.staging import WorkFolder, write_part
from biodata.store.tile_counts import ZOOM, project
from biodata.text.coordinates import _placed

SECRET = b"a benchmark"
PART = 200_000
ASKED = 60


def cpu() -> float:
    """Return the processor seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def records(keys: np.ndarray, chance: np.random.Generator) -> pl.DataFrame:
    """Return published records of these keys: 60 gatherings over the region, 5,000 species, 40 datasets, events of ten."""
    n = len(keys)
    middle, species = chance.integers(60, size=n), np.minimum(chance.zipf(1.3, n), 5000)
    west = np.random.default_rng(1).uniform((95, 0), (125, 28), (60, 2))[middle] + chance.normal(0, 0.6, (n, 2))
    frame = pl.DataFrame(
        {"key": keys, "n": species, "decimalLongitude": west[:, 0].round(5), "decimalLatitude": west[:, 1].round(5)}
    )
    number = pl.col("n")
    text = {
        "datasetKey": pl.format("00000000-0000-4000-8000-{}", (number % 40 + 10**11)),
        "occurrenceID": pl.format("urn:made-up:{}", "key"),
        "species": pl.format("Genus{} species{}", number // 9, number),
        "scientificName": pl.format("Genus{} species{} (Somebody, 1900)", number // 9, number),
        "genus": pl.format("Genus{}", number // 9),
        "family": pl.format("Family{}", number // 50),
        "class": pl.format("Class{}", number // 900),
        "eventID": pl.format("E{}", pl.col("key") // 10),
        "samplingProtocol": pl.when(pl.col("key") % 10 == 0).then(pl.lit("transect")),
        "locality": pl.format("a place {} by the river", pl.col("key") // 10 % 20_000),
        "recordedBy": pl.format("Observer {}", number % 700),
        "catalogNumber": pl.format("C-{}", "key"),
        "kingdom": pl.lit("Animalia"),
        "phylum": pl.lit("Chordata"),
        "countryCode": pl.lit("LA"),
        "basisOfRecord": pl.lit("HUMAN_OBSERVATION"),
        "sharing_category": pl.lit("open"),
    }
    frame = frame.with_columns(**text, year=pl.Series(chance.integers(1950, 2026, n), dtype=pl.Int32))
    frame = frame.with_columns(
        event_start=pl.date("year", 1 + number % 12, 1 + number % 28), country_codes=pl.lit(["LA"])
    )
    return terms.conform(frame.drop("n"), terms.PUBLISHED_OCCURRENCE)


def finish(file: ReleaseFile, snapshot: int, boundaries: places.BoundarySet) -> pointer.Named:
    """Write what stands beside the records."""
    for name in releases.RESULTS:
        file.write_results(name, None)
    file.write_boundaries(boundaries)
    file.write_datasets(pl.DataFrame(schema={"key": pl.String}))
    if isinstance(file, DeltaFile):
        file.write_changed_surveys(None, pl.Series("survey_id", [], pl.String))
    else:
        file.write_surveys(None)
    return file.finish(snapshot=snapshot, rules_hash="made for a benchmark", secret=SECRET)


def whole(data: Path, rows: int, boundaries: places.BoundarySet) -> None:
    """Make the whole release."""
    pointer.folder(data).mkdir(parents=True, exist_ok=True)
    with WorkFolder(data / "staging") as work:
        parts, chance = [], np.random.default_rng(7)
        for first in range(0, rows, PART):
            parts.append(work.folder / f"{first}.parquet")
            keys = np.arange(first, min(first + PART, rows))
            write_part(_placed(records(keys, chance)), parts[-1], row_group_rows=20_000)
        start = cpu()
        with ReleaseFile(work.folder / "release.duckdb", spill=data / "tmp", memory_limit="2GB") as file:
            file.write_presences(pl.DataFrame(schema=terms.schema(terms.PUBLISHED_OCCURRENCE)))
            file.write_occurrences(parts)
            named = finish(file, 1, boundaries)
        pointer.swap(data, _place(work.folder / "release.duckdb", data, named))
    size = pointer.path(data, named.id).stat().st_size
    print(f"whole: {rows} records, {cpu() - start:.1f} CPU s, {size / 1e6:.0f} MB", flush=True)


def change(data: Path, keys: np.ndarray, snapshot: int, boundaries: places.BoundarySet) -> None:
    """Change records, two fifths of them, add two fifths and take one fifth away."""
    before = releases.current(data)
    assert before is not None
    written = records(keys[: len(keys) * 4 // 5], np.random.default_rng(snapshot))
    with WorkFolder(data / "staging") as work:
        start = cpu()
        write_part(_placed(written), part := work.folder / "part.parquet", row_group_rows=20_000)
        unnamed = work.folder / f"release{pointer.DELTA}"
        with DeltaFile(unnamed, before=before.path, spill=data / "tmp", memory_limit="2GB") as file:
            file.write_presences(pl.DataFrame(schema=terms.schema(terms.PUBLISHED_OCCURRENCE)))
            file.write_changes(pl.Series(keys), [part])
            named = finish(file, snapshot, boundaries)
        pointer.swap(data, _place(unnamed, data, named))
    size = pointer.path(data, named.id).stat().st_size
    print(f"change {snapshot - 1}: {len(keys)} records, {cpu() - start:.2f} CPU s, {size / 1e6:.1f} MB", flush=True)


def asked(chance: np.random.Generator) -> dict[str, list[Callable[[OpenRelease], object]]]:
    """Return questions by kind."""
    boxes: list[Filter] = []
    tiles = []
    for _ in range(ASKED):
        middle = np.random.default_rng(1).uniform((95, 0), (125, 28), (60, 2))[chance.integers(60)] + chance.normal(
            0, 0.6, 2
        )
        side = 10.0 ** chance.uniform(-1.5, 0.5)
        boxes.append(InBox(middle[0] - side, middle[1] - side, middle[0] + side, middle[1] + side))
        zoom = int(chance.integers(0, 15))
        x, y = project(middle[:1], middle[1:])
        tiles.append((zoom, int(x[0]) >> (ZOOM - zoom), int(y[0]) >> (ZOOM - zoom)))
    columns = ["key", "species", "year", "eventDate", "locality", "decimalLatitude", "decimalLongitude", "datasetKey"]
    old = Compare("year", "<", 1990)
    return {
        "pages of 300 in a box, with counts": [
            lambda r, box=box: (r.features("occurrences", box, "key", columns, limit=300), r.count("occurrences", box))
            for box in boxes
        ],
        "pages of 300 of all columns": [
            lambda r, box=box: r.page("occurrences", box, terms.names(terms.PUBLISHED_OCCURRENCE), limit=300)
            for box in boxes
        ],
        "tiles of zooms 0-14": [lambda r, at=at: r.tile("occurrences", *at) for at in tiles],
        "tiles of zooms 0-14, filtered": [lambda r, at=at: r.tile("occurrences", *at, where=old) for at in tiles],
        "facets of a box": [
            lambda r, box=box: r.facet("occurrences", And((box, old)), "species", limit=20) for box in boxes
        ],
        "facets of all": [lambda r: r.facet("occurrences", None, "species", limit=20)] * 3,
        "records by key": [
            lambda r, n=n: r.page("occurrences", Compare("key", "=", n), ["species"], limit=1) for n in range(ASKED)
        ],
    }


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--each", type=int, default=500)
    options = parser.parse_args()
    data, boundaries, chance = options.folder, places.load_boundaries("natural_earth"), np.random.default_rng(3)
    whole(data, options.rows, boundaries)
    for number in range(options.changes):
        old = chance.choice(options.rows, options.each * 3 // 5, replace=False)
        new = np.arange(options.each * 2 // 5) + options.rows + number * options.each
        keys = np.concatenate([old[: options.each * 2 // 5], new, old[options.each * 2 // 5 :]])
        change(data, keys, number + 2, boundaries)
    delta = releases.current(data)
    assert delta is not None
    start = cpu()
    with closing(OpenRelease(delta.path, timeout_seconds=60)) as changed:
        merged = merge(data)
        assert merged is not None
        print(f"merged: {cpu() - start:.1f} CPU s, {merged.path.stat().st_size / 1e6:.0f} MB", flush=True)
        with closing(OpenRelease(merged.path, timeout_seconds=60)) as one:
            for kind, questions in asked(chance).items():
                seconds = []
                for release in (changed, one, changed, one):
                    start = cpu()
                    for question in questions:
                        question(release)
                    seconds.append((cpu() - start) / len(questions) * 1000)
                with_delta, alone = min(seconds[::2]), min(seconds[1::2])
                print(
                    f"{kind}: {with_delta:.2f} ms beside {alone:.2f} ms, {alone / with_delta:.2f} of the rate",
                    flush=True,
                )


if __name__ == "__main__":
    main()
