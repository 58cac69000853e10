"""A taxon becomes sensitive while the service runs: one command, and no answer, file or old citation tells its places."""

import json
import math
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import commands
import leaks
from rule_files import put_rules
from servers import serving

pytestmark = [pytest.mark.attacks, pytest.mark.timeout(900)]
HORNBILL = "Buceros bicornis"
PLACES = [leaks.Place(f"h{n}", 20.12345 + n * 0.31, 101.54321 + n * 0.27) for n in range(3)]
HEADING = "occurrenceID,scientificName,decimalLatitude,decimalLongitude,eventDate,countryCode\n"
ROWS = "".join(f"{p.name},{HORNBILL},{p.latitude},{p.longitude},2024-03-05,LA\n" for p in PLACES)
OTHERS = "".join(f"b{n},Pycnonotus jocosus,{19.5 + n / 7:.5f},{102.3 + n / 9:.5f},2024-04-05,LA\n" for n in range(5))


def run(*arguments: object) -> str:
    done = commands.run(*arguments)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


def get(address: str, *, method: str = "GET") -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method=method), timeout=240) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def posted(address: str) -> dict:
    status, body = get(address, method="POST")
    assert status in (201, 202), body
    return json.loads(body)


def told(base: str, download: str) -> list[leaks.Finding]:
    """Return what any answer tells of the places: search, facets, features, tiles of every zoom, a file made before."""
    found = []
    for path in (
        "/v1/occurrence/search?limit=100",
        "/v1/occurrence/search?limit=0&facet=decimalLatitude",
        "/ogc/collections/occurrences/items?limit=100",
        f"/v1/downloads/{download}/file",
    ):
        found += leaks.scan(get(base + path)[1], PLACES, name=path)
    for zoom in range(3, 13, 3):
        for place in PLACES:
            column, row = tile_of(place, zoom)
            path = f"/ogc/collections/occurrences/tiles/WebMercatorQuad/{zoom}/{row}/{column}"
            found += leaks.scan(get(base + path)[1], PLACES, name=path, tile=(zoom, column, row))
    return found


def tile_of(place: leaks.Place, zoom: int) -> tuple[int, int]:
    world = 2**zoom
    y = math.asinh(math.tan(math.radians(place.latitude))) / math.pi
    return int((place.longitude + 180) / 360 * world), int((1 - y) / 2 * world)


def test_one_command_and_nothing_tells_it_any_more(tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir()
    put_rules(data, "rule_id,category,reason\n")
    (tmp_path / "a.csv").write_text(HEADING + ROWS + OTHERS)
    run("ingest", "gbif", tmp_path / "a.csv", "--data", data, "--dataset", "birds")
    run("release", "--data", data)
    with serving("serve", "--data", str(data)) as base:
        citation = posted(f"{base}/v1/citations?country=LA")["id"]
        download = posted(f"{base}/v1/downloads?format=csv&country=LA")["id"]
        run("worker", "--once", "--data", data)
        before = told(base, download)
        assert {one.place for one in before} == {place.name for place in PLACES}, "the control: all of it tells"
        assert any("tiles" in one.where for one in before)
        run("replay", citation, "--data", data)
        run("sensitive", "Buceros", "--rank", "GENUS", "--category", "1_degree", "--reason", "hunted", "--data", data)
        end = time.monotonic() + 240
        while (after := told(base, download)) and time.monotonic() < end:
            time.sleep(0.5)  # a worker of the service looks for a new release once a second
        assert after == []
        assert get(f"{base}/v1/downloads/{download}/file")[0] in (404, 410)
        run("worker", "--once", "--data", data)
        asked = json.loads(get(f"{base}/v1/citations/{citation}/replay")[1])
        assert "Not identical" in json.dumps(asked)
        assert leaks.scan(json.dumps(asked).encode(), PLACES, name="the old citation") == []
    for folder in ("releases", "downloads"):
        if (data / folder).exists():
            assert leaks.scan_folder(data / folder, PLACES) == []
    assert "sharing rule added" in run("audit", "list", "--data", data)
    run("audit", "verify", "--data", data)
    run("audit", "leaks", "--data", data)
