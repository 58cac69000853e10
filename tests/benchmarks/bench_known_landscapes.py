"""How many known transboundary landscapes the clusters of cells find, against the same with one side's species permuted.

Usage: python tests/benchmarks/bench_known_landscapes.py SHARED [--permutations 199] [--top 25] [--share 0.05]
       [--cell-m 5000] [--reach-m 10000 50000] [--uncertainty-m 1000] [--seed 1] [--out FILE.json]
       [--records FILE ...] [--outlines FILE] [--window WEST SOUTH EAST NORTH]

Other records (CSV or tab-separated: species, decimalLatitude, decimalLongitude) and other outlines (polygons with a
column `name`) can stand in the place of those below.

Countries are those of the scope. SHARED is the folder of real data beside a checkout: ASEAN Heritage Parks, protected areas of Cambodia, records of
elephants and of bovids. Landscapes are those of its facts; their outlines are those of the named parks that these data
hold, most often on one side only. What is looked at are clusters of cells (`biodata.analysis.candidates.clusters`), which
know of no park: pairs of parks would be judged by the outlines that they are made of.

A landscape is hit where the first clusters together cover a quarter of its outline within 50 km of a border. In a
permutation the species of one side of each border (the second country's) are dealt out anew among that side's records, the
places and the numbers of records stay. The elephant file tells no uncertainty: so many metres are taken for it, which our
own rules of evidence would refuse.
"""

import argparse
import json
from collections import Counter
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import polars as pl
import shapely

from biodata import places
from biodata.analysis import evidence
from biodata.analysis.candidates import clusters
from biodata.analysis.grid import Grid, equal_area_grid
from biodata.analysis.rasters import cells_inside
from biodata.core import geo
from biodata.core.vocabularies import MEMBERS

WINDOW = (92.0, 5.0, 110.0, 29.0)
REACH_M = 50_000.0
COVERED = 0.25
LANDSCAPES = {
    "1 Mekong Headwaters": ["Nam Ha National Protected Area"],
    "3 Hkakaborazi - Gaoligong - Imawbum": ["Hkakaborazi National Park"],
    "5 Northern and Central Annamites": ["Pu Mat", "Vu Quang National Park"],
    "6 Tri-border forest": ["Virachey National Park", "Chu Mom Ray National Park"],
    "8 Eastern Forest Complex - Cardamom": ["Phnom Samkos", "Samlaut", "Southern Cardamoms"],
    "10 Dawna-Tenasserim": ["Kaeng Krachan Forest Complex"],
    "14 Hoang Lien - Huanglianshan": ["Hoang Lien Sa Pa National Park"],
}
NOT_JUDGED = {
    "2 Sino-Viet karst": "neither Bangliang nor Trung Khanh is in these data",
    "13 Turtle Islands": "marine: it has no land along a border",
    "15 Phou Den Din - Muong Nhe": "neither area is in these data",
}


def records(
    both: pd.DataFrame, window: tuple[float, ...], uncertainty_m: float | None, boundaries: places.BoundarySet
) -> evidence.Counted:
    """Return the records of the window, counted by side; of all years, for there are few."""
    both = both[both["decimalLongitude"].between(*window[::2]) & both["decimalLatitude"].between(*window[1::2])]
    radius = pd.to_numeric(both["coordinateUncertaintyInMeters"], errors="coerce").astype(float)
    frame = pl.DataFrame(
        {
            "key": np.arange(len(both)),
            "species": both["species"].astype("string").fillna("").to_list(),
            "basisOfRecord": both["basisOfRecord"]
            .astype("string")
            .str.upper()
            .str.replace(" ", "_")
            .fillna("HUMAN_OBSERVATION")
            .to_list(),
            "decimalLongitude": both["decimalLongitude"].to_numpy(float),
            "decimalLatitude": both["decimalLatitude"].to_numpy(float),
            "coordinateUncertaintyInMeters": (
                radius if uncertainty_m is None else radius.fillna(uncertainty_m)
            ).to_numpy(),
            "year": pd.to_numeric(both["year"], errors="coerce").to_numpy(float),
        }
    ).with_columns(pl.col(pl.Float64).fill_nan(None), pl.col("species").replace("", None))
    frame = frame.with_columns(pl.col("year").cast(pl.Int32))
    parameters = evidence.EvidenceParameters(as_of=date(2026, 1, 1), cell_m=10_000.0, recent_years=None)
    return evidence.counted(frame, boundaries=boundaries, parameters=parameters)


def read_records(paths: list[Path]) -> pd.DataFrame:
    """Return somebody's records."""
    tables = [pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",", low_memory=False) for path in paths]
    both = pd.concat(tables, ignore_index=True)
    for name in ("basisOfRecord", "year", "coordinateUncertaintyInMeters"):
        both[name] = both.get(name)
    return both


def shared_records(shared: Path) -> pd.DataFrame:
    """Return elephants, bovids and the mammals of Borneo, each place of a species once."""
    elephants = pd.read_csv(shared / "data/occ_elephas_maximus_gbif/elephas_maximus_gbif.csv", na_values="-")
    elephants["species"] = "Elephas maximus"
    bovids = pd.read_csv(shared / "data/occ_bovidae_gbif_raw/Gbif_raw_allBov.csv", encoding="mac_roman")
    columns = ["n", "species", "decimalLatitude", "decimalLongitude", "class"]
    borneo = pd.read_csv(shared / "data/occ_borneo_mammals/mammals_borneo.tsv", sep="\t", names=columns, skiprows=1)
    return pd.concat([elephants, bovids, borneo.drop_duplicates(columns[1:])], ignore_index=True)


def outlines(shared: Path) -> dict[str, shapely.Geometry]:
    """Return each landscape's outline from the parks that are at hand."""
    parks = gpd.read_file(shared / "data/pa_asean_heritage_parks/asean_heritage_parks.geojson")
    khmer = gpd.read_file(shared / "data/pa_cambodia_odc/protected_areas_and_forests.geojson")
    shapes: dict[str, list[shapely.Geometry]] = {}
    for names, geometry in ((parks["AHPNAME"], parks.geometry), (khmer["Name"], khmer.geometry)):
        for name, shape in zip(names, geometry, strict=True):
            if shape is not None:
                shapes.setdefault(str(name), []).append(shapely.make_valid(shape))
    return {
        name: shapely.union_all([s for park in wanted for s in shapes[park]]) for name, wanted in LANDSCAPES.items()
    }


def hits(first: list[clusters.Cluster], known: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the share of each landscape that clusters cover together."""
    taken = np.concatenate([one.cells for one in first]) if first else np.zeros(0, dtype=np.int64)
    return {name: float(np.isin(cells, taken).mean()) for name, cells in known.items()}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("shared", type=Path)
    asked.add_argument("--permutations", type=int, default=199)
    asked.add_argument("--top", type=int, default=25)
    asked.add_argument("--share", type=float, default=0.05)
    asked.add_argument("--cell-m", type=float, default=5000.0)
    asked.add_argument("--reach-m", type=float, nargs="+", default=[10_000.0, 50_000.0])
    asked.add_argument("--uncertainty-m", type=float, default=1000.0)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--out", type=Path)
    asked.add_argument("--records", type=Path, nargs="+")
    asked.add_argument("--outlines", type=Path)
    asked.add_argument("--window", type=float, nargs=4, default=WINDOW)
    given = asked.parse_args()
    boundaries = places.load_boundaries()
    table = shared_records(given.shared) if given.records is None else read_records(given.records)
    strict = records(table, given.window, None, boundaries)
    judged = records(table, given.window, given.uncertainty_m, boundaries)
    counted = judged.records.filter(pl.col("why_not").is_null())
    print(f"records that count: {counted.height} with {given.uncertainty_m:g} m where none is told, "
          f"{strict.records['why_not'].null_count()} as they are told")  # fmt: skip
    print(f"left out: {judged.reasons()}")
    by_side = counted.group_by("side").agg(pl.len().alias("records"), pl.col("species").n_unique()).sort("side")
    print("; ".join(f"{side} {n} of {species} species" for side, n, species in by_side.iter_rows()))

    grid = equal_area_grid(tuple(given.window), given.cell_m)
    along = [
        strip
        for strip in clusters.strips(boundaries, grid, reach_m=REACH_M)
        if all(code in MEMBERS for code in strip.border)
    ]
    land = np.unique(np.concatenate([strip.cells for strip in along]))
    wanted = outlines(given.shared)
    if given.outlines is not None:
        frame = gpd.read_file(given.outlines).to_crs(4326)
        wanted = dict(zip(frame["name"], shapely.make_valid(frame.geometry.to_numpy()), strict=True))
    known = {}
    for name, shape in wanted.items():
        cells = cells_inside(geo.project(shape, 4326, grid.crs), grid)
        near = np.intersect1d(cells, land)
        print(f"{name}: {cells.size} cells, {near.size} of them within {REACH_M / 1000:g} km of a border")
        if near.size:
            known[name] = near
    points = clusters.points_of(counted, grid)
    told = [judge(given, along, land, points, known, grid, reach_m) for reach_m in given.reach_m]
    if given.outlines is None:
        for name, reason in NOT_JUDGED.items():
            print(f"{name}: not judged, {reason}")
    if given.out:
        given.out.write_text(json.dumps(told, indent=1))


def judge(
    given: argparse.Namespace,
    along: list[clusters.Strip],
    land: np.ndarray,
    points: clusters.Points,
    known: dict[str, np.ndarray],
    grid: Grid,
    reach_m: float,
) -> dict[str, object]:
    """Compare hits of the real records with those of permuted ones, and print it."""

    def first_of(permuted: np.random.Generator | None) -> list[clusters.Cluster]:
        worth = []
        for strip in along:
            own = points if permuted is None else _permuted(points, strip.border[1], permuted)
            worth.append(clusters.worths(strip, own, grid, reach_m=reach_m))
        return clusters.clusters(along, worth, grid, share=given.share, most=given.top, apart_m=10_000.0)

    real = first_of(None)
    covered = hits(real, known)
    number = sum(share >= COVERED for share in covered.values())
    rng = np.random.default_rng(given.seed)
    chance, mean = [], dict.fromkeys(known, 0.0)
    for _ in range(given.permutations):
        by_chance = hits(first_of(rng), known)
        chance.append(sum(share >= COVERED for share in by_chance.values()))
        mean = {name: mean[name] + (by_chance[name] >= COVERED) / given.permutations for name in known}
    p = (1 + sum(n >= number for n in chance)) / (1 + len(chance))
    cell_km2 = grid.cell_m**2 / 1e6
    taken = sum(one.cells.size for one in real)
    borders = Counter(" - ".join(one.border) for one in real)
    print(f"\nreach {reach_m / 1000:g} km: {len(real)} clusters on {taken * cell_km2:,.0f} of {land.size * cell_km2:,.0f} km²"
          f" within 50 km of a border ({taken / land.size:.1%}): {dict(borders)}")  # fmt: skip
    for name, share in covered.items():
        print(f"{name}: {share:.0%} covered; a hit in {mean[name]:.0%} of the permutations")
    print(f"hit: {number} of {len(known)} landscapes; permuted: mean {np.mean(chance):.2f}, "
          f"most {max(chance)}, p = {p:.3f} ({given.permutations} permutations, seed {given.seed}): "
          f"{'better' if p < 0.05 else 'no better'} than chance")  # fmt: skip
    return {"reach_m": reach_m, "hit": number, "judged": len(known), "covered": covered, "permuted": chance, "p": p}


def _permuted(points: clusters.Points, code: str, rng: np.random.Generator) -> dict[tuple[str, str], np.ndarray]:
    """Deal the species of one country out anew among its records."""
    own = [(key, xy) for key, xy in points.items() if key[0] == code]
    if not own:
        return dict(points)
    xy = rng.permutation(np.concatenate([places for _, places in own]))
    ends = np.cumsum([len(places) for _, places in own])[:-1]
    return {**points, **{key: part for (key, _), part in zip(own, np.split(xy, ends), strict=True)}}


if __name__ == "__main__":
    main()
