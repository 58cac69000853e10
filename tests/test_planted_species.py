"""Critically endangered species of one record each: wherever in its cell a record lies, everything public is the same.

Whoever knows the source code and every public answer can do no better than to try places and compare. So the proof is
made that way: the records are moved, each inside what is published of it, the whole chain runs again, and no byte of
what is let out may change: tables, the release's id and hash, answers of the service, exports, surveys, kept runs.

Only two things are taken away before: the numbers of records are drawn from the same start, since chance gives them, and
the time at which a file was made is not compared.
"""

import csv
import itertools
import logging
import re
import shutil
import sqlite3
import zipfile
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from biodata import pipeline, places, run_engines
from biodata.cli import app
from biodata.settings import Settings
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.vocabularies import EvidenceView, SharingCategory

LAYER = "landcover_china_vietnam"
WEST, SOUTH, EAST, NORTH = 106.1, 22.6, 107.0, 23.3
CATEGORIES = [category for category in SharingCategory if category is not SharingCategory.OPEN]
SPECIES = 25
AREAS = Path(__file__).parents[1] / "sample_data" / "protected_areas.geojson"


def planted(seed: int, boundaries) -> pl.DataFrame:
    """Return records of rare species: one each, of every category, on both sides and beyond the layer's window."""
    rng = np.random.default_rng(seed)
    n = SPECIES
    longitude, latitude = rng.uniform(WEST - 0.3, EAST + 0.3, n), rng.uniform(SOUTH - 0.3, NORTH + 0.3, n)
    located = places.locate(longitude, latitude, boundaries)["located_country_code"]
    return pl.DataFrame(
        {
            "number": np.arange(n), "category": [str(CATEGORIES[i % len(CATEGORIES)]) for i in range(n)],
            "longitude": longitude, "latitude": latitude, "country": located,
        }
    )  # fmt: skip


def elsewhere(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return the records moved inside their published cells, withheld ones by up to half a degree."""
    rng = np.random.default_rng(seed)
    side = frame["category"].replace_strict(
        {str(c): c.cell_degrees or 0.0 for c in CATEGORIES}, return_dtype=pl.Float64
    )
    moved = []
    for degrees, x, y in zip(side, frame["longitude"], frame["latitude"], strict=True):
        dx, dy = rng.random(2)
        if degrees:
            # Not the very edge: a place told with six decimals must stay in its cell.
            moved.append([(np.floor(v / degrees) + 0.02 + 0.96 * d) * degrees for v, d in ((x, dx), (y, dy))])
        else:
            moved.append([x + dx - 0.5, y + dy - 0.5])
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
                [f"rare-{number}", name_of(number), name_of(number).split()[0], "Raridae", f"{longitude:.6f}", f"{latitude:.6f}",
                 "100", f"2024-{number % 12 + 1:02d}-11", country, "HUMAN_OBSERVATION", "CR", "WGS84"]
            )  # fmt: skip
        for number, (x, y) in enumerate(itertools.product(np.arange(WEST, EAST, 0.06), np.arange(SOUTH, NORTH, 0.06))):
            writer.writerow(
                [f"open-{number}", "Aperta communis", "Aperta", "Apertidae", f"{x:.4f}", f"{y:.4f}", "100",
                 f"2024-03-{number % 28 + 1:02d}", "", "HUMAN_OBSERVATION", "VU", "WGS84"]
            )  # fmt: skip
    with (data / "sharing_rules.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            "rule_id source scientificName rank country_code province_code dataset month_from month_to category reason "
            "review_date".split()
        )
        for number, category in rare.select("number", "category").rows():
            writer.writerow(
                [
                    f"rare-{number}",
                    "test",
                    name_of(number),
                    "SPECIES",
                    "",
                    "",
                    "",
                    "",
                    "",
                    category,
                    "the only one known",
                    "",
                ]
            )


def name_of(number: int) -> str:
    """Return a name of two words of letters alone."""
    return f"Rara {''.join(chr(ord('a') + int(digit)) for digit in f'{number:03d}')}ensis"


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


@pytest.fixture(scope="module")
def start(tmp_path_factory, sample_data):
    """Return an installation with areas and a layer; copies of it share the secret that records' numbers come from."""
    settings = Settings(data=tmp_path_factory.mktemp("start") / "data")
    pipeline.ingest("protected-areas", [sample_data / "protected_areas.geojson"], settings)
    pipeline.ingest("layer", [sample_data / "layers" / f"{LAYER}.tif"], settings)
    return settings


@pytest.fixture(scope="module")
def pair(start, tmp_path_factory, sample_data):
    """Return two installations whose records lie elsewhere in their cells."""
    return two_of(start, tmp_path_factory.mktemp("pair"), sample_data, seed=5)


def two_of(start: Settings, folder: Path, sample_data: Path, seed: int) -> tuple[Settings, Settings]:
    """Return two installations whose records lie elsewhere in their cells; their folders are called alike."""
    rare = planted(seed, places.load_boundaries())
    moved = elsewhere(rare, seed + 1)
    assert (moved["longitude"] - rare["longitude"]).abs().min() > 0
    for name in ("first", "other"):
        (folder / name).mkdir()
    first = made(folder / "first", start, rare, sample_data, EvidenceView.PUBLIC)
    return first, made(folder / "other", start, moved, sample_data, EvidenceView.PUBLIC)


def test_every_public_value_is_the_same_wherever_in_their_cells_the_records_lie(pair):
    first, second = (public(settings) for settings in pair)
    told = first["occurrences"].filter(pl.col("iucnRedListCategory") == "CR")
    assert told.height == SPECIES - SPECIES // len(CATEGORIES), "the withheld fifth is not there"
    assert first["reserve_candidates"].height, "something was found"
    assert first.keys() == second.keys()
    for name, frame in first.items():
        assert frame.equals(second[name]), f"{name} tells more than the cells"


def test_the_release_is_called_and_described_alike(pair):
    first, second = (releases.current(settings.data) for settings in pair)
    assert first.path.name == second.path.name, "its id is made of published values"
    told = [read_info(settings) for settings in pair]
    assert told[0] == told[1]


def read_info(settings: Settings) -> dict[str, str]:
    """Return what the release tells of itself, without the time at which it was made."""
    with duckdb.connect(str(releases.current(settings.data).path), read_only=True) as connection:
        told = dict(connection.execute("SELECT key, value FROM release_info").fetchall())
    del told["created"]
    return told


SEARCH, OGC = "/v1/occurrence/search", "/ogc/collections"
COLLECTIONS = "occurrences protected_areas corridors reserve_candidates considered_ground surveys boundaries".split()
FACETS = "species issue month year country stateProvince sharingCategory datasetKey isInCluster".split()
BOX = "105.8,22.3,107.3,23.6"
HALVES = ("106.1,22.6,106.55,23.3", "106.55,22.6,107,23.3", "106.3,22.8,106.7,23.1", "106.52,22.91,106.57,22.96")


def addresses(tables: dict[str, pl.DataFrame]) -> list[str]:
    """Return what the service is asked: each kind of answer, and single records, results, cells and tiles."""
    facets = "&".join(f"facet={name}" for name in FACETS)
    asked = [
        f"{SEARCH}?limit=300&duplicates=all", f"{SEARCH}?limit=0&facetLimit=500&{facets}", f"{SEARCH}?q=Rara",
        *(f"{SEARCH}?limit=300&geometry=POLYGON(({ring(box)}))" for box in HALVES),
        *(f"{SEARCH}?limit=5&species={name_of(number)}" for number in range(0, SPECIES, 3)),
        "/v1/occurrence/counts/year", "/v1/occurrence/counts/countries", "/v1/occurrence/count", "/v1/dataset/search",
        "/v1/dataset/planted", "/v1/dataset/planted/metrics", "/v1/dataset/planted/document", "/catalog.jsonld",
        "/v1/species/search?q=Rara", "/v1/species/suggest?q=Rara", "/v1/areas?limit=100", "/v1/surveys", OGC,
        *(f"{OGC}/{name}{part}" for name in COLLECTIONS for part in ("", "/queryables", "/schema")),
        *(f"{OGC}/{name}/items?limit=10000&bbox={BOX}" for name in COLLECTIONS),
        *(f"{OGC}/{name}/items?f=html&limit=100&bbox={BOX}" for name in COLLECTIONS[2:5]),
        *(f"{OGC}/occurrences/items?limit=1000&bbox={box}" for box in HALVES),
        *(f"{SEARCH}?{bad}" for bad in ("species=x&geometry=x", "nonsense=1", "limit=-1", "geoDistance=22.9,106.5,1m")),
        "/v1/occurrence/1", f"{OGC}/occurrences/items/1", f"{OGC}/corridors/items/none",
    ]  # fmt: skip
    for key in tables["occurrences"]["key"][::9]:
        asked += [f"/v1/occurrence/{key}", f"{OGC}/occurrences/items/{key}", f"/v1/occurrence/{key}/verbatim"]
    for table, identifier in (
        ("corridors", "corridor_id"),
        ("reserve_candidates", "candidate_id"),
        ("considered_ground", "considered_id"),
    ):
        asked += [f"{OGC}/{table}/items/{one}" for one in tables[table][identifier]]
        if table != "considered_ground":
            asked += [f"{SEARCH}?limit=0&facet=species&withinArea={one}" for one in tables[table][identifier]]
    for zoom in (0, 4, 7, 9, 11):
        x, y = (np.array([106.1, 107.0]) + 180) / 360 * 2**zoom, mercator_rows(np.array([23.3, 22.6]), zoom)
        for column, row in itertools.product(range(int(x[0]), int(x[1]) + 1), range(int(y[0]), int(y[1]) + 1)):
            asked += [f"{OGC}/{name}/tiles/WebMercatorQuad/{zoom}/{row}/{column}" for name in COLLECTIONS[:5]]
    return asked


def ring(box: str) -> str:
    """Return the corners of a box as WKT tells them."""
    west, south, east, north = box.split(",")
    return f"{west} {south},{east} {south},{east} {north},{west} {north},{west} {south}"


def mercator_rows(latitude: np.ndarray, zoom: int) -> np.ndarray:
    """Return rows of tiles, from the north."""
    return (1 - np.arcsinh(np.tan(np.radians(latitude))) / np.pi) / 2 * 2**zoom


def test_every_answer_of_the_service_is_the_same(pair, caplog):
    caplog.set_level(logging.INFO)
    asked = addresses(public(pair[0]))
    answers, logs = [], []
    for settings in pair:
        caplog.clear()
        with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as client:
            answers.append([told_by(client.get(one)) for one in asked])
        said = [record.getMessage() for record in caplog.records if record.name.startswith(("api", "biodata"))]
        logs.append([CHANCE.sub(b"", text.encode()) for text in said])
    assert sum(status == 200 for status, *_ in answers[0]) > len(asked) * 0.8
    differing = [one for one, first, second in zip(asked, *answers, strict=True) if first != second]
    assert differing == []
    assert [one for one, other in zip(*logs, strict=True) if one != other] == [], "the log tells"


CHANCE = re.compile(
    rb'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[\d.:+Z-]*|"request_?[iI]d": ?"[^"]*"|<code>[0-9a-f]{32}</code>|"ms":[\d.]+|"bytes":\d+'
)
"""When an answer was given or a release made, how long it took, its number, and its compressed length, as the time is in it."""


def told_by(answer) -> tuple[int, bytes, dict[str, str]]:
    """Return an answer's status, bytes and headings, without the times."""
    # The length is that of the compressed answer, in which the time stands.
    chance = ("x-request-id", "date", "last-modified", "content-length")
    headings = {k: v for k, v in answer.headers.items() if k.lower() not in chance}
    return answer.status_code, CHANCE.sub(b"", answer.content), headings


@pytest.mark.faults
def test_every_export_survey_and_kept_run_is_the_same(pair, tmp_path, monkeypatch):
    tables = public(pair[0])
    result = tables["reserve_candidates"]["candidate_id"][0]
    told = []
    for settings in pair:
        home = tmp_path / str(len(told)) / "out"
        home.mkdir(parents=True)
        monkeypatch.chdir(home)
        data = ["--data", str(settings.data)]
        commands = [
            *(["export", *data, "--format", kind, "--duplicates", "all", "--out", f"all.{kind}"] for kind in KINDS),
            *(["survey-design", result, *data, "--species", name_of(n), "--as-of", "2026-11-26", "--stations", "6", "--out",
               f"survey-{n}.geojson"] for n in range(10)),
            ["analysis-inputs", "marxan", *data, "--box", "106.1,22.6,107,23.3", "--side-m", "10000", "--out", "marxan"],
            ["analysis-inputs", "conefor", *data, "--corridors", "--out", "conefor"],
            *(["species", "figures", name_of(n), *data, "--as-of", "2026-11-26", "--out", f"figures-{n}.json"] for n in range(5)),
            ["species", "richness", "Raridae", *data, "--box", "106.1,22.6,107,23.3", "--as-of", "2026-11-26", "--out", "richness.gpkg"],
            ["gaps", str(AREAS), "--country", "CN", "--country", "VN", "--as-of", "2026-01-01", *data, "--out", "gaps"],
            *(["report", one, *data, "--out", f"{number}.html"] for number, one in enumerate(
                [result, *tables["corridors"]["corridor_id"][:2], *tables["considered_ground"]["considered_id"][:2]])),
            ["runs", "list", *data, "--json"], ["runs", "show", "corridors", *data], ["candidates", *data],
        ]  # fmt: skip
        said = []
        for command in commands:
            done = CliRunner().invoke(app, command)
            text = done.output.replace(str(settings.data), "DATA").replace(str(home), "HOME")
            said.append((command[0], done.exit_code, CHANCE.sub(b"", text.encode()), str(done.exception)))
        told.append((said, {str(path.relative_to(home)): contents(path) for path in home.rglob("*") if path.is_file()}))
    (first_said, first), (second_said, second) = told
    assert sum(code == 0 for _, code, *_ in first_said) > len(KINDS) + 6
    assert all(code == 0 for name, code, *_ in first_said if name in ("gaps", "report"))
    assert [one[:2] for one, other in zip(first_said, second_said, strict=True) if one != other] == []
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


KINDS = ("csv", "dwca", "geoparquet", "gpkg", "geojson", "species-list", "cube")


def contents(path: Path) -> object:
    """Return what a file tells; of a GeoPackage its rows, of an archive its members."""
    if path.suffix == ".gpkg":
        with sqlite3.connect(path) as connection:
            return [CHANCE.sub(b"", line.encode("utf-8", "surrogateescape")) for line in connection.iterdump()]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            return {name: CHANCE.sub(b"", packed.read(name)) for name in packed.namelist()}
    return CHANCE.sub(b"", path.read_bytes())


def test_what_was_made_of_exact_records_stays(start, tmp_path, sample_data):
    settings = made(tmp_path, start, planted(5, places.load_boundaries()), sample_data, EvidenceView.EXACT)
    with Lake.open(settings.data) as lake:
        stored = lake.read("reserve_candidates")
    assert stored.height
    assert set(stored["sharing_category"]) == {"withheld"}
    assert set(stored["evidence_view"]) == {"exact"}
    found = public(settings)
    assert found["reserve_candidates"].is_empty()
    assert found["corridors"].height, "corridors are made of no records"
