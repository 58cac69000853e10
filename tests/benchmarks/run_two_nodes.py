"""Two national nodes and a hub, each with a folder of its own, by the commands that an office would type.

python tests/benchmarks/run_two_nodes.py FOLDER

Of the sample data Laos and China keep their own records; the hub gets signed exports, looks for candidates, and publishes
the first after both nodes agreed. Elephants are planted at places that nothing else tells: the scanner finds them in each
node's lake, and must find none in what the nodes hand over, nor anywhere in the hub's folder and its backup. At the end it
is told what the hub holds of the sensitive records: cells, and no place.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

import polars as pl

from biodata.store.lake import Lake

sys.path.insert(0, str(Path(__file__).parents[1]))

import leaks

SAMPLE = Path(__file__).parents[2] / "sample_data"
LAYER = "landcover_china_laos"
SPECIES = "Elephas maximus"
PLANTED = {
    "LA": [
        leaks.Place("LA-1", 21.04321, 101.41234),
        leaks.Place("LA-2", 20.43217, 102.73211),
        leaks.Place("LA-3", 19.67213, 101.98321),
    ],
    "CN": [
        leaks.Place("CN-1", 21.98765, 100.91234),
        leaks.Place("CN-2", 22.41237, 101.13219),
        leaks.Place("CN-3", 21.63219, 101.31287),
    ],
}


def run(*arguments: object) -> str:
    """Run a command and show it."""
    told = [str(one) for one in arguments]
    print("$ biodata", " ".join(told), flush=True)
    done = subprocess.run([sys.executable, "-m", "biodata.cli", *told], check=True, capture_output=True, text=True)
    print(done.stdout, flush=True)
    return done.stdout


def records_of(code: str, folder: Path) -> Path:
    """Write the sample's records of a country into a file, with the planted ones."""
    with zipfile.ZipFile(SAMPLE / "occurrences_gbif.zip") as packed:
        name = next(one for one in packed.namelist() if one.endswith((".csv", ".txt")))
        frame = pl.read_csv(packed.read(name), separator="\t", infer_schema=False, quote_char=None)
    path, mine = folder / f"{code}.csv", frame.filter(pl.col("countryCode") == code)
    one = mine.filter(pl.col("species") == SPECIES).head(1)
    planted = [
        one.with_columns(
            gbifID=pl.lit(f"99{ord(code[0])}{number}"),
            occurrenceID=pl.lit(f"planted-{place.name}"),
            decimalLatitude=pl.lit(f"{place.latitude}"),
            decimalLongitude=pl.lit(f"{place.longitude}"),
        )
        for number, place in enumerate(PLANTED[code])
    ]
    pl.concat([mine, *planted]).write_csv(path, separator="\t", quote_style="never")
    return path


def look_for_places(folder: Path) -> None:
    """Stop where anything but a node's own folder tells a planted place."""
    for code, places in PLANTED.items():
        seen = {one.place for one in leaks.scan_folder(folder / code / "lake", places)}
        if seen != {place.name for place in places}:
            message = f"the control: of {len(places)} planted places the lake of {code} tells {sorted(seen)}"
            raise SystemExit(message)
    every = [place for places in PLANTED.values() for place in places]
    for name in ("export-LA", "export-CN", "hub", "backup"):
        found = leaks.scan_folder(folder / name, every)
        if found:
            raise SystemExit("\n".join([f"{name} tells planted places:", *map(str, found[:20])]))
        files = sum(path.is_file() for path in (folder / name).rglob("*"))
        print(f"{name}: {files} files tell none of the {len(every)} planted places")


def main(folder: Path) -> None:
    """Make the three installations."""
    folder.mkdir(parents=True)
    hub = folder / "hub"
    for data in (folder / "LA", folder / "CN", hub):
        data.mkdir()
        run("rules", "import", SAMPLE / "sensitive_species.csv", "--data", data)
    for code in ("LA", "CN"):
        node = folder / code
        run("ingest", "checklist", SAMPLE / "checklist.csv", "--data", node)
        run("ingest", "gbif", records_of(code, folder), "--data", node)
        run("release", "--data", node)
        run("node", "new", code, "--data", node)
        run("node", "export", "--data", node, "--out", folder / f"export-{code}")
        run("node", "trust", code, node / f"node-{code}.pub", "--data", hub)
        run("ingest", "node", folder / f"export-{code}", "--data", hub)
    run("ingest", "checklist", SAMPLE / "checklist.csv", "--data", hub)
    run("ingest", "protected-areas", SAMPLE / "protected_areas.geojson", "--data", hub)
    run("ingest", "layer", SAMPLE / "layers" / f"{LAYER}.tif", "--data", hub)
    run("corridors", "--data", hub, "--layer", LAYER, "--resistance", SAMPLE / "resistance.csv")
    run("release", "--data", hub)
    candidates = [
        line.split("\t")[0] for line in run("consent", "list", "--data", hub).splitlines() if "candidate" in line
    ]
    for code in ("LA", "CN"):
        draft, signed = folder / f"draft-{code}.json", folder / f"answer-{code}.json"
        run("consent", "show", candidates[0], "--data", hub, "--out", draft)
        run("consent", "sign", draft, "agree", "--data", folder / code, "--out", signed)
        run("consent", "answer", candidates[0], code, "agree", "--signature", signed, "--data", hub)
    run("release", "--data", hub)
    run("consent", "list", "--data", hub)
    run("backup", "--out", folder / "backup", "--data", hub)
    look_for_places(folder)
    with Lake.open(hub) as lake:
        kept = lake.read("occurrences")
    shared = kept.select(pl.col("shared_as").struct.unnest()).drop_nulls("category")
    print(shared.group_by("category").agg(pl.len(), cells=pl.col("cell_west").is_not_null().sum()).sort("category"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
