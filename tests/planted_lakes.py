"""Two installations that differ only in where inside what is published of them their hidden records lie.

Only two things are taken away before they are compared: the numbers of records are drawn from the same start, since
chance gives them, and the time at which a file was made is not compared.
"""

import csv
import itertools
import re
import shutil
import sqlite3
import zipfile
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

import duckdb
import geopandas as gpd
import numpy as np
import polars as pl
import pytest
import shapely

from biodata import pipeline, places
from biodata.core.settings import Settings
from biodata.core.vocabularies import EvidenceView, SharingCategory
from biodata.runs.engines import work as run_engines
from biodata.sharing.generalise import regions_of_size
from biodata.store import folders
from rule_files import put_rules

LAYER = "landcover_china_vietnam"
WEST, SOUTH, EAST, NORTH = 106.1, 22.6, 107.0, 23.3
CATEGORIES = [category for category in SharingCategory if category is not SharingCategory.OPEN]
SPECIES = 45
AREAS = Path(__file__).parents[1] / "sample_data" / "protected_areas.geojson"
CHANCE = re.compile(
    rb'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[\d.:+Z-]*|"request_?[iI]d": ?"[^"]*"|<code>[0-9a-f]{32}</code>|"ms":[\d.]+|"bytes":\d+'
)
"""When an answer was given or a release made, how long it took, its number, and its compressed length, as the time is in it."""


def planted(seed: int, boundaries) -> pl.DataFrame:
    """Return records of rare species: one each, of every category, on both sides and beyond the layer's window.

    They lie anywhere, inside reserves and at their edges, near the shortest ways between reserves, and on a coast with
    islands outside the window, whose cells are read with it.
    """
    rng = np.random.default_rng(seed)
    anywhere = rng.uniform((WEST - 0.3, SOUTH - 0.3), (EAST + 0.3, NORTH + 0.3), (SPECIES // 2, 2))
    reserves = [
        shape for shape in gpd.read_file(AREAS).geometry if shape.intersects(shapely.box(WEST, SOUTH, EAST, NORTH))
    ]
    inside = [shape.representative_point().coords[0] for shape in reserves]
    edges = [shape.boundary.interpolate(rng.random(), normalized=True).coords[0] for shape in reserves]
    ways = [shapely.shortest_line(a, b) for a, b in itertools.combinations(reserves, 2)]
    ways = sorted(ways, key=shapely.length)[:6]
    beside = [
        np.array(way.interpolate(rng.random(), normalized=True).coords[0]) + rng.normal(0, 0.01, 2) for way in ways
    ]
    rest = SPECIES - sum(map(len, (anywhere, inside, edges, beside)))
    coast = rng.uniform((106.85, 20.65), (107.65, 21.15), (rest, 2))
    # A place told with six decimals must not lie on an edge of cells.
    longitude, latitude = (np.concatenate([anywhere, inside, edges, beside, coast]) + 1.3e-5).round(6).T
    located = places.locate(longitude, latitude, boundaries)["located_country_code"]
    return pl.DataFrame({"number": np.arange(SPECIES),
                         "category": [str(CATEGORIES[i % len(CATEGORIES)]) for i in range(SPECIES)],
                         "longitude": longitude, "latitude": latitude, "country": located})  # fmt: skip


def elsewhere(frame: pl.DataFrame, seed: int, boundaries) -> pl.DataFrame:
    """Return the records moved inside what is published of them, withheld ones by up to half a degree."""
    rng = np.random.default_rng(seed)
    moved = []
    for category, x, y in frame.select("category", "longitude", "latitude").iter_rows():
        degrees = SharingCategory(category).cell_degrees
        if degrees is None:
            moved.append(tuple(rng.uniform((x - 0.5, y - 0.5), (x + 0.5, y + 0.5)).round(6)))
            continue
        region = regions_of_size(np.array([x]), np.array([y]), round(1 / degrees), boundaries)[0]
        west, south, side = (x - 0.5, y - 0.5, 1.0) if region is None else (region.west, region.south, region.degrees)
        tried = rng.uniform((west, south), (west + side, south + side), (500, 2)).round(6)
        found = regions_of_size(tried[:, 0].copy(), tried[:, 1].copy(), round(1 / degrees), boundaries)
        moved.append(next(tuple(place) for place, other in zip(tried, found, strict=True) if other == region))
    longitude, latitude = np.array(moved).T
    return frame.with_columns(longitude=pl.Series(longitude), latitude=pl.Series(latitude))


def write(folder: Path, data: Path, rare: pl.DataFrame) -> None:
    """Write the records, with an open species on a grid beside them, and the rules."""
    with (folder / "occurrences.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            "occurrenceID scientificName genus family decimalLongitude decimalLatitude coordinateUncertaintyInMeters eventDate "
            "countryCode basisOfRecord iucnRedListCategory geodeticDatum".split()
        )
        for number, _, longitude, latitude, country in rare.rows():
            writer.writerow(
                [f"rare-{number}", name_of(number), name_of(number).split()[0], "", f"{longitude:.6f}", f"{latitude:.6f}",
                 "100", f"2024-{number % 12 + 1:02d}-11", country, "HUMAN_OBSERVATION", "CR", "WGS84"]
            )  # fmt: skip
        for number, (x, y) in enumerate(itertools.product(np.arange(WEST, EAST, 0.06), np.arange(SOUTH, NORTH, 0.06))):
            writer.writerow(
                [f"open-{number}", "Muntiacus muntjak", "Muntiacus", "Cervidae", f"{x:.4f}", f"{y:.4f}", "100",
                 f"2024-03-{number % 28 + 1:02d}", "", "HUMAN_OBSERVATION", "VU", "WGS84"]
            )  # fmt: skip
    rules = [
        f"rare-{number},test,{name_of(number)},SPECIES,{category},the only one known"
        for number, category in rare.select("number", "category").rows()
    ]
    put_rules(data, "\n".join(("rule_id,source,scientificName,rank,category,reason", *rules)))


GENERA = """
Quercus Acer Pinus Abies Ficus Shorea Magnolia Camellia Begonia Rhododendron Castanopsis Lithocarpus Litsea Syzygium
Diospyros Garcinia Aglaia Dipterocarpus Mangifera Durio Nepenthes Impatiens Primula Gentiana Salix Betula Juniperus Picea
Tsuga Cedrus Muntiacus Rattus Sus Hylobates Macaca Turdus Garrulax Corvus Phylloscopus Passer Parus Naja Python Gekko Rana
Bufo Danio Channa Papilio Apis Mus Niviventer Callosciurus Crocidura Hipposideros Rhinolophus Pipistrellus
""".split()
"""Genera that the reference list has."""


def name_of(number: int) -> str:
    """Return a species that the reference list knows, by itself and once: each of another genus than the next 56."""
    round_, genus = divmod(number, len(GENERA))
    return _species_of(GENERA[genus])[round_]


@cache
def _species_of(genus: str) -> list[str]:
    with as_file(files("biodata").joinpath("data").joinpath("reference_list.parquet")) as path:
        listed = pl.scan_parquet(path).filter(pl.col("name").str.contains(f"^{genus} [a-z]{{4,}}$")).collect()
    once = listed.filter(pl.len().over("name") == 1, pl.col("accepted").is_null())
    return once["name"].sort().to_list()


def share_secrets(data: Path) -> None:
    """Give an installation the secrets that others have, too: marks of contents would tell any two apart."""
    inside = folders.open_service(data) / "secrets"
    inside.mkdir(mode=0o700, exist_ok=True)
    for path in (data / "secret", inside / folders.CITATION_SECRET):
        if not path.exists():
            path.write_bytes(b"planted".ljust(32))
            path.chmod(0o600)


def made(folder: Path, start: Settings, rare: pl.DataFrame, sample_data: Path, view: EvidenceView) -> Settings:
    """Run the chain in a copy of an installation: ingest, corridors and candidates, release."""
    settings = Settings(data=folder / "data")
    shutil.copytree(start.data, settings.data)
    write(folder, settings.data, rare)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.store.staging.os.urandom", np.random.default_rng(1).bytes)
        pipeline.ingest("gbif", [folder / "occurrences.csv"], settings, dataset="planted")
    asked = {"layer": LAYER, "resistance": str(sample_data / "resistance.csv"), "as_of": "2026-11-26"}
    run_engines.start(settings, "corridors", asked | {"evidence_view": str(view)})
    pipeline.release(settings)
    return settings


def public(settings: Settings) -> dict[str, pl.DataFrame]:
    """Return every table of the release."""
    files = sorted((settings.data / "releases").glob("*.duckdb"))
    with duckdb.connect(str(files[-1]), read_only=True) as connection:
        tables = [row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {name: connection.table(name).pl() for name in tables if name != "release_info"}


def started(folder: Path, sample_data: Path) -> Settings:
    """Return an installation with areas and a layer; copies of it share the secret that records' numbers come from."""
    settings = Settings(data=folder / "data")
    pipeline.ingest("protected-areas", [sample_data / "protected_areas.geojson"], settings)
    pipeline.ingest("layer", [sample_data / "layers" / f"{LAYER}.tif"], settings)
    share_secrets(settings.data)
    return settings


def two_of(start: Settings, folder: Path, sample_data: Path, seed: int) -> tuple[Settings, Settings]:
    """Return two installations whose records lie elsewhere in their cells; their folders are called alike."""
    rare = planted(seed, places.load_boundaries())
    moved = elsewhere(rare, seed + 1, places.load_boundaries())
    assert (moved["longitude"] - rare["longitude"]).abs().min() > 0
    for name in ("first", "other"):
        (folder / name).mkdir()
    first = made(folder / "first", start, rare, sample_data, EvidenceView.PUBLIC)
    return first, made(folder / "other", start, moved, sample_data, EvidenceView.PUBLIC)


def contents(path: Path) -> object:
    """Return what a file tells; of a GeoPackage its rows, of an archive its members."""
    if path.suffix == ".gpkg":
        with sqlite3.connect(path) as connection:
            return [CHANCE.sub(b"", line.encode("utf-8", "surrogateescape")) for line in connection.iterdump()]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            return {name: CHANCE.sub(b"", packed.read(name)) for name in packed.namelist()}
    return CHANCE.sub(b"", path.read_bytes())
