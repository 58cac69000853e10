"""Critically endangered species of one record each: wherever in its cell a record lies, everything public is the same.

Whoever knows the source code and every public answer can do no better than to try places and compare. So the proof is
made that way: the records are moved, each inside what is published of it, the whole chain runs again, and no byte of
what is let out may change: tables, the release's id and hash, answers of the service, exports, surveys, kept runs.

`planted_lakes` makes the two installations; `test_planted_files` compares what commands write.
"""

import itertools
import logging

import duckdb
import numpy as np
import polars as pl
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.logs import JsonLines
from biodata import places
from biodata.core.settings import Settings
from biodata.core.vocabularies import EvidenceView
from biodata.store import releases
from biodata.store.lake import Lake
from planted_lakes import CATEGORIES, CHANCE, SPECIES, made, name_of, planted, public, started, two_of

pytestmark = (
    pytest.mark.attacks
)  # whole worlds with and without an animal; `test_planted_cells` has one of each category


@pytest.fixture(scope="module")
def start(tmp_path_factory, sample_data):
    return started(tmp_path_factory.mktemp("start"), sample_data)


@pytest.fixture(scope="module")
def pair(start, tmp_path_factory, sample_data):
    """Return two installations whose records lie elsewhere in their cells."""
    return two_of(start, tmp_path_factory.mktemp("pair"), sample_data, seed=5)


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
        f"{SEARCH}?limit=300", f"{SEARCH}?limit=0&facetLimit=500&{facets}", f"{SEARCH}?q=Quercus",
        *(f"{SEARCH}?limit=300&geometry=POLYGON(({ring(box)}))" for box in HALVES),
        *(f"{SEARCH}?limit=5&species={name_of(number)}" for number in range(0, SPECIES, 3)),
        "/v1/occurrence/counts/year", "/v1/occurrence/counts/countries", "/v1/occurrence/count", "/v1/dataset/search",
        "/v1/dataset/planted", "/v1/dataset/planted/metrics", "/v1/dataset/planted/document", "/catalog.jsonld",
        "/v1/species/search?q=Quercus", "/v1/species/suggest?q=Quercus", "/v1/areas?limit=100", "/v1/surveys", OGC,
        *(f"{OGC}/{name}{part}" for name in COLLECTIONS for part in ("", "/queryables", "/schema")),
        *(f"{OGC}/{name}/items?limit=10000&bbox={BOX}" for name in COLLECTIONS),
        *(f"{OGC}/{name}/items?f=html&limit=100&bbox={BOX}" for name in COLLECTIONS[2:5]),
        *(f"{OGC}/occurrences/items?limit=1000&bbox={box}" for box in HALVES),
        *(f"{SEARCH}?{bad}" for bad in ("species=x&geometry=x", "nonsense=1", "limit=-1", "geoDistance=22.9,106.5,1m")),
        "/v1/occurrence/1", f"{OGC}/occurrences/items/1", f"{OGC}/corridors/items/none",
    ]  # fmt: skip
    for key in tables["occurrences"]["key"][::9]:
        asked += [f"/v1/occurrence/{key}", f"{OGC}/occurrences/items/{key}", f"/v1/occurrence/{key}/verbatim"]
    for table, identifier in (("corridors", "corridor_id"), ("reserve_candidates", "candidate_id"),
                              ("considered_ground", "considered_id")):  # fmt: skip
        asked += [f"{OGC}/{table}/items/{one}" for one in tables[table][identifier]]
        if table != "considered_ground":
            asked += [f"{SEARCH}?limit=0&facet=species&withinArea={one}" for one in tables[table][identifier]]
    for zoom in (0, 4, 7, 9, 11):
        x, y = (np.array([106.1, 107.0]) + 180) / 360 * 2**zoom, mercator_rows(np.array([23.3, 22.6]), zoom)
        for column, row in itertools.product(range(int(x[0]), int(x[1]) + 1), range(int(y[0]), int(y[1]) + 1)):
            asked += [f"{OGC}/{name}/tiles/WebMercatorQuad/{zoom}/{row}/{column}" for name in COLLECTIONS[:5]]
    return asked


def ring(box: str) -> str:
    west, south, east, north = box.split(",")
    return f"{west} {south},{east} {south},{east} {north},{west} {north},{west} {south}"


def mercator_rows(latitude: np.ndarray, zoom: int) -> np.ndarray:
    return (1 - np.arcsinh(np.tan(np.radians(latitude))) / np.pi) / 2 * 2**zoom


def test_every_answer_of_the_service_is_the_same(pair, caplog):
    caplog.set_level(logging.INFO)
    asked = addresses(public(pair[0]))
    answers, logs = [], []
    for settings in pair:
        caplog.clear()
        with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as client:
            answers.append([told_by(client.get(one)) for one in asked])
        said = [JsonLines().format(record) for record in caplog.records if record.name.startswith(("api", "biodata"))]
        logs.append([CHANCE.sub(b"", text.encode()) for text in said])
    assert sum(status == 200 for status, *_ in answers[0]) > len(asked) * 0.8
    differing = [one for one, first, second in zip(asked, *answers, strict=True) if first != second]
    assert differing == []
    assert [one for one, other in zip(*logs, strict=True) if one != other] == [], "the log tells"


def told_by(answer) -> tuple[int, bytes, dict[str, str]]:
    # The length is that of the compressed answer, in which the time stands.
    chance = ("x-request-id", "date", "last-modified", "content-length")
    headings = {k: v for k, v in answer.headers.items() if k.lower() not in chance}
    return answer.status_code, CHANCE.sub(b"", answer.content), headings


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
