"""How often evidence in two tiers is right: made worlds of coarse records along real borders, and the real records shuffled.

Usage: python tests/benchmarks/bench_two_tiers.py [--worlds 100] [--seed 1] [--cells 0 0.001 0.01 0.1] [--bands 5000 1000 0]
       [--around 0.1] [--out FILE.png] [--json FILE.json] [--shared SHARED] [--replicates 20] [--untold-m 1000] [--error-m 5000]

Made worlds: each is a place on a border with five species in a square of 0.2° around it, 1 to 60 records a species (log-normal, median
4.5), each record at the middle of its cell with the circle around the cell as its uncertainty; cell 0 is a place right to 30 m.
In the *null* worlds each species lives on one side alone, right up to the border: ground that comes out is false. In the
*planted* ones two of the five live on both sides. Recall is of planted ground; precision is that of the ground that comes
out where there are as many planted worlds as null ones. Borders are those of Laos and Viet Nam, China and Myanmar, and
Cambodia and Thailand.

With --error-m every place of a made world is off by up to so many metres, and no record states its uncertainty, which a run
takes for --untold-m.

Real records, with SHARED, the folder of real data beside a checkout: elephants, bovids, mammals of Borneo. A record that states no
uncertainty is taken to be right to --untold-m and makes a side probable at most, as in a run. In a replicate each record's true place is drawn inside its
circle, every species is given one side of each border by chance, and the records of a side are dealt among the species of
that side: every shared species is false, and so is every ground. Ground is a circle of 25 km every 50 km along the borders of
the scope; it is judged where both sides have a record near it that counts, or may lie there.
"""

import argparse
import json
import math
import resource
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pyproj
import shapely

sys.path.insert(0, str(Path(__file__).parent))
import known_landscapes

from biodata import places
from biodata.analysis import evidence
from biodata.analysis.evidence import sides
from biodata.core.vocabularies import MEMBERS, EvidenceTier
from biodata.places import BoundarySet

WINDOW = (92.0, -4.5, 120.0, 29.0)
BORDERS = (("LA", "VN"), ("CN", "MM"), ("KH", "TH"))
SPECIES, TWO_SIDED = 5, 2
FINE_M = 30.0
METRES_PER_DEGREE = 111_000.0
JUDGING = evidence.EvidenceParameters(as_of=date(2026, 1, 1), cell_m=10_000.0, recent_years=None)
CERTAIN, PROBABLE, _ = EvidenceTier


def drawn(n: int, land: shapely.Geometry, rng: np.random.Generator) -> np.ndarray:
    """Return n places inside a region, degrees."""
    west, south, east, north = shapely.bounds(land)
    shapely.prepare(land)
    found = np.empty((0, 2))
    while len(found) < n:
        tried = rng.uniform((west, south), (east, north), (6 * n + 50, 2))
        found = np.concatenate([found, tried[shapely.contains_xy(land, tried[:, 0], tried[:, 1])]])
    return found[:n]


def made_world(
    border: tuple[str, str], around: float, *, planted: bool, boundaries: BoundarySet, rng: np.random.Generator
) -> pl.DataFrame:
    """Return the true places of a world's records: species, x, y, and whether the species is on both sides."""
    lands = [places.country_geometry(code, boundaries) for code in border]
    line = shapely.line_merge(shapely.intersection(*map(shapely.boundary, lands)))
    while True:
        centre = shapely.line_interpolate_point(line, rng.uniform(0.05, 0.95), normalized=True)
        box = shapely.buffer(centre, around, cap_style="square").bounds
        near = [shapely.clip_by_rect(land, *box) for land in lands]
        if all(part.area > 0.1 * (2 * around) ** 2 for part in near):
            break
    tables = []
    for number in range(SPECIES):
        n = int(np.clip(rng.lognormal(1.5, 1.0), 1, 60))
        both = planted and number < TWO_SIDED
        own = near if rng.random() < 0.5 else near[::-1]
        parts = [(max(1, n // 2), own[0]), (max(1, n - n // 2), own[1])] if both else [(n, own[0])]
        xy = np.concatenate([drawn(count, land, rng) for count, land in parts])
        tables.append(pl.DataFrame({"species": f"s{number}", "x": xy[:, 0], "y": xy[:, 1], "two_sided": both}))
    return pl.concat(tables)


def published(truth: pl.DataFrame, cell: float, error_m: float, rng: np.random.Generator) -> pl.DataFrame:
    """Return the records of worlds as they are told: at the middle of their cells; or off by an error that none states."""
    n = truth.height
    if error_m:
        turn, far = rng.uniform(0, 2 * np.pi, n), error_m * np.sqrt(rng.random(n)) / METRES_PER_DEGREE
        wide = np.cos(np.radians(truth["y"].to_numpy()))
        truth = truth.with_columns(x=pl.col("x") + far * np.cos(turn) / wide, y=pl.col("y") + far * np.sin(turn))
    middle = [((pl.col(name) / cell).floor() + 0.5) * cell if cell else pl.col(name) for name in ("x", "y")]
    radius = cell / 2 * METRES_PER_DEGREE * math.sqrt(2) if cell else FINE_M
    days = [date(2018, 1, 1) + timedelta(days=int(day)) for day in rng.integers(0, 2000, n)]
    return pl.DataFrame({
        "key": np.arange(n), "species": truth["world"].cast(pl.String) + "_" + truth["species"], "world": truth["world"],
        "basisOfRecord": ["HUMAN_OBSERVATION"] * n, "datasetKey": ["d"] * n,
        "decimalLongitude": truth.select(middle[0]).to_series(), "decimalLatitude": truth.select(middle[1]).to_series(),
        "coordinateUncertaintyInMeters": [None if error_m else radius] * n, "event_start": days, "event_end": days,
        "year": pl.Series([day.year for day in days], dtype=pl.Int32),
    }, schema_overrides={"coordinateUncertaintyInMeters": pl.Float64})  # fmt: skip


def made(given: argparse.Namespace, boundaries: BoundarySet) -> list[dict[str, Any]]:
    """Judge null and planted worlds at every cell and band."""
    rng = np.random.default_rng(given.seed)
    truths = {}
    for planted in (False, True):
        worlds = [
            made_world(
                BORDERS[n % len(BORDERS)], given.around, planted=planted, boundaries=boundaries, rng=rng
            ).with_columns(world=n)
            for n in range(given.worlds)
        ]
        truths[planted] = pl.concat(worlds)
    print(
        "cell°   band m   false certain  false probable   recall certain  recall any   precision certain  any   species precision"
    )
    found = []
    parameters = replace(JUDGING, untold_uncertainty_m=given.untold_m)
    for cell in given.cells:
        told = {planted: published(truth, cell, given.error_m, rng) for planted, truth in truths.items()}
        for band_m in given.bands:
            one: dict[str, Any] = {"cell_degrees": cell, "band_m": band_m, "worlds": given.worlds}
            for planted, records in told.items():
                tiers, species = _tiers(records, truths[planted], replace(boundaries, band_m=band_m), parameters)
                name = "planted" if planted else "null"
                one[name] = {str(tier): tiers.count(tier) for tier in EvidenceTier}
                one[f"{name}_species"] = species
            found.append(one | _rates(one))
            rates = found[-1]["rates"]
            print(f"{cell:<7g} {band_m:<8g} " + "  ".join(f"{_percent(rates[name]):>14}" for name in (
                "false_certain", "false_any", "recall_certain", "recall_any", "precision_certain", "precision_any", "species_precision_any")))  # fmt: skip
    return found


def _tiers(
    records: pl.DataFrame, truth: pl.DataFrame, boundaries: BoundarySet, parameters: evidence.EvidenceParameters
) -> tuple[list[str | None], dict[str, list[int]]]:
    """Return each world's tier; and the species that come out as shared by tier, of them those that are."""
    counted = evidence.counted(records, boundaries=boundaries, parameters=parameters)
    real = {
        f"{world}_{name}" for world, name in truth.filter("two_sided").select("world", "species").unique().iter_rows()
    }
    tiers: list[str | None] = []
    species = {str(tier): [0, 0] for tier in EvidenceTier}
    for (world,), near in counted.records.sort("world").group_by("world", maintain_order=True):
        border = [(code,) for code in BORDERS[int(world) % len(BORDERS)]]  # type: ignore[call-overload]
        found = evidence.two_sided(near, border)
        tiers.append(found.tier(border))
        for tier, names in ((CERTAIN, found.shared), (PROBABLE, found.probably_shared)):
            species[tier][0] += len(names)
            species[tier][1] += sum(name in real for name in names)
    return tiers, species


def _rates(one: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    n = one["worlds"]
    false = {"certain": one["null"][CERTAIN], "any": sum(one["null"].values())}
    true = {"certain": one["planted"][CERTAIN], "any": sum(one["planted"].values())}
    rates: dict[str, float | None] = {}
    for name in ("certain", "any"):
        out = true[name] + false[name]
        rates |= {f"false_{name}": false[name] / n, f"recall_{name}": true[name] / n}
        rates[f"precision_{name}"] = true[name] / out if out else None
    listed = [pair for kind in ("null_species", "planted_species") for pair in one[kind].values()]
    shared = sum(pair[0] for pair in listed)
    rates["species_precision_any"] = sum(pair[1] for pair in listed) / shared if shared else None
    return {"rates": rates}


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.1%}"


def plot(found: list[dict[str, Any]], file: Path) -> None:
    """Draw recall, precision and false ground by cell size, a panel a band."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    bands = sorted({one["band_m"] for one in found}, reverse=True)
    figure, axes = plt.subplots(1, len(bands), figsize=(4.6 * len(bands), 4.4), sharey=True, squeeze=False)
    lines = {
        "recall_certain": ("recall, certain", "#1b4f72", "-", "o"), "recall_any": ("recall, certain or probable", "#2e86c1", "-", "s"),
        "precision_certain": ("precision, certain", "#7d6608", "--", "o"), "precision_any": ("precision, certain or probable", "#b8860b", "--", "s"),
        "false_any": ("false ground of null worlds", "#922b21", ":", "x"),
    }  # fmt: skip
    for axis, band_m in zip(axes[0], bands, strict=True):
        rows = sorted((one for one in found if one["band_m"] == band_m), key=lambda one: one["cell_degrees"])
        for name, (label, colour, style, marker) in lines.items():
            shares = [np.nan if one["rates"][name] is None else one["rates"][name] for one in rows]
            axis.plot(range(len(rows)), shares, color=colour, linestyle=style, marker=marker, label=label)
        axis.axhline(0.05, color="#922b21", linewidth=0.6)
        axis.set_xticks(
            range(len(rows)), ["30 m" if not one["cell_degrees"] else f"{one['cell_degrees']:g}°" for one in rows]
        )
        axis.set(title=f"band {band_m / 1000:g} km", xlabel="cell of the records", ylim=(-0.03, 1.03))
    axes[0][0].set_ylabel(f"share ({found[0]['worlds']} null and as many planted worlds)")
    axes[0][0].legend(fontsize=7, loc="center left")
    figure.tight_layout()
    figure.savefig(file, dpi=140)


def real_records(table: pd.DataFrame, window: tuple[float, ...]) -> pl.DataFrame:
    """Return the records of a window, not yet counted."""
    counted = known_landscapes.records(table, window, None, places.load_boundaries())
    plain = counted.records.drop("side", "side_share", "why_not", "chances")
    return plain.with_columns(datasetKey=pl.lit("gbif"))


def grounds(boundaries: BoundarySet) -> list[tuple[tuple[str, str], shapely.Geometry]]:
    """Return a circle of 25 km every 50 km along the borders of the scope."""
    window, found = shapely.box(*WINDOW), []
    lands = {code: shapely.intersection(places.country_geometry(code, boundaries), window) for code in sorted(MEMBERS)}
    for n, (one, land) in enumerate(lands.items()):
        for other, facing in list(lands.items())[n + 1 :]:
            if not shapely.intersects(land, facing):
                continue
            shared = shapely.intersection(shapely.boundary(land), shapely.boundary(facing))
            parts = [part for part in shapely.get_parts(shared) if part.length > 0]
            line = shapely.line_merge(shapely.MultiLineString(parts))
            for part in shapely.get_parts(line):
                for at in np.arange(0.2, part.length, 0.45):
                    found.append(((one, other), shapely.buffer(shapely.line_interpolate_point(part, at), 0.225)))
    return found


def shuffled(given: argparse.Namespace, boundaries: BoundarySet) -> list[dict[str, Any]]:
    """Judge the real records, and the same with every species made one-sided."""
    records = real_records(known_landscapes.shared_records(given.shared), WINDOW)
    rng, geod, out = np.random.default_rng(given.seed), pyproj.Geod(ellps="WGS84"), []
    lonlat = records.select("decimalLongitude", "decimalLatitude").to_numpy()
    radius = records["coordinateUncertaintyInMeters"].fill_null(given.untold_m).to_numpy()
    where, parameters = grounds(boundaries), replace(JUDGING, untold_uncertainty_m=given.untold_m)
    for band_m in given.bands:
        banded = _remembering(replace(boundaries, band_m=band_m))
        real, judged = _grounds_by_tier(records, where, banded, parameters)
        false = []
        for _ in range(given.replicates):
            turn, far = rng.uniform(0, 360, len(radius)), radius * np.sqrt(rng.random(len(radius)))
            x, y, _back = geod.fwd(*lonlat.T, turn, far)
            located = places.locate(np.asarray(x), np.asarray(y), replace(banded, band_m=0.0))["located_country_code"]
            names = records["species"].drop_nulls().unique().sort().to_numpy()
            side = dict(zip(names, rng.permutation(len(names)) % 2 == 0, strict=True))
            # Countries are dealt into two kinds along each border by their order: neighbours have other species.
            kinds = dict(zip(sorted(MEMBERS), rng.permutation(len(MEMBERS)) % 2, strict=True))
            dealt = [
                rng.choice([name for name in names if side[name] == bool(kinds.get(code or "", 0))]) for code in located
            ]
            told = records.with_columns(species=pl.when(pl.col("species").is_not_null()).then(pl.Series(dealt)))
            apart = [one for one in where if kinds[one[0][0]] != kinds[one[0][1]]]
            false.append(_grounds_by_tier(told, apart, banded, parameters))
        n = sum(sum(one.values()) for _, one in false)
        wrong = {str(tier): sum(one[tier] for one, _ in false) for tier in EvidenceTier}
        print(f"band {band_m:g} m: real records {real} of {sum(judged.values())} grounds with records on both sides; shuffled: "
              f"{wrong} of {n} in {given.replicates} replicates, {sum(wrong.values()) / max(n, 1):.1%} false")  # fmt: skip
        out.append({"band_m": band_m, "real": real, "judged": sum(judged.values()), "false": wrong, "shuffled": n})
    return out


def _grounds_by_tier(
    records: pl.DataFrame,
    where: list[tuple[tuple[str, str], shapely.Geometry]],
    boundaries: BoundarySet,
    parameters: evidence.EvidenceParameters,
) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many grounds come out in each tier, and how many have records on both sides at all."""
    counted = evidence.counted(records, boundaries=boundaries, parameters=parameters)
    tiers, judged = {str(tier): 0 for tier in EvidenceTier}, {"grounds": 0}
    for border, shape in where:
        near = counted.inside(shape)
        side_of = pl.element().struct.field("side")
        on = set(near.select(pl.col("chances").list.eval(side_of).explode()).to_series().drop_nulls())
        if not on >= set(border):
            continue
        judged["grounds"] += 1
        facing = [(code,) for code in border]
        tier = evidence.two_sided(near, facing).tier(facing)
        if tier:
            tiers[tier] += 1
    return tiers, judged


def _remembering(boundaries: BoundarySet) -> BoundarySet:
    """Keep the shares of circles of one boundary set: they do not change when species are dealt out anew."""
    found: dict[bytes, sides.Shares] = {}
    measure = MEASURE

    def shares(x: np.ndarray, y: np.ndarray, radius_m: np.ndarray, asked: BoundarySet) -> sides.Shares:
        key = b"".join((x.tobytes(), y.tobytes(), radius_m.tobytes()))
        if key not in found:
            found[key] = measure(x, y, radius_m, asked)
        return found[key]

    sides.shares = shares  # type: ignore[assignment]
    return boundaries


MEASURE = sides.shares


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--worlds", type=int, default=100)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--cells", type=float, nargs="+", default=[0.0, 0.001, 0.01, 0.1])
    asked.add_argument("--bands", type=float, nargs="+", default=[5000.0, 1000.0, 0.0])
    asked.add_argument("--around", type=float, default=0.1, help="half the side of a world, degrees")
    asked.add_argument("--out", type=Path)
    asked.add_argument("--json", type=Path)
    asked.add_argument("--shared", type=Path)
    asked.add_argument("--replicates", type=int, default=20)
    asked.add_argument("--untold-m", type=float, default=1000.0)
    asked.add_argument("--error-m", type=float, default=0.0)
    given = asked.parse_args()
    boundaries = places.load_boundaries()
    found: dict[str, Any] = {}
    if given.worlds:
        found["made"] = made(given, boundaries)
        if given.out:
            plot(found["made"], given.out)
    if given.shared:
        found["real"] = shuffled(given, boundaries)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{used.ru_utime + used.ru_stime:.0f} CPU seconds")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
