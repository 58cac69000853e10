"""Whoever asks on by what was answered narrows no hidden place: worlds whose records lie elsewhere answer alike.

`faults/test_long_attacks.py` asks more than a thousand times, in more worlds, of two releases and in several roles.
"""

import re

import polars as pl
import pytest
from starlette.testclient import TestClient

import attack_routes
import leaks
import planted_worlds
from api.app import create_app
from attacker import TILES, Attacker
from biodata.store import releases

WIDE = (105.9, 22.4, 107.2, 23.5)


@pytest.fixture(scope="module")
def records():
    return planted_worlds.hidden(5, 2, seed=3)


@pytest.fixture(scope="module")
def settings(records, tmp_path_factory):
    return [planted_worlds.world(tmp_path_factory.mktemp("world"), records, number) for number in (0, 1)]


def served(settings):
    return TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False)


def test_two_worlds_are_not_told_apart(records, settings):
    transcripts, ended = [], []
    for one in settings:
        with served(one) as client:
            attacker = Attacker(client)
            ended.append(list(attacker.narrow(records[2].species, WIDE)))
            transcripts.append(attacker.transcript)
    assert [a for a, b in zip(*transcripts, strict=True) if a != b] == []
    assert ended[0] == ended[1]
    assert all(record.share([0, 1]) > 0.6 for record in records), "the worlds lie in opposite corners"
    assert len(transcripts[0]) > 150


def test_every_route_is_attacked_and_a_sample_of_the_questions_tells_nothing(records, settings):
    told = attack_routes.rows_of(records, [2], 2)
    transcripts = []
    for one in settings:
        with served(one) as client:
            attacker = Attacker(client)
            questions = attack_routes.every(client.app, {"locality": {}, "elevation": {}}, told, [1, 2])
            asked = {path.split("?")[0] for _, path, _ in questions} | attack_routes.ASKED_ELSEWHERE
            for _, path in attack_routes.routes(client.app):
                like = re.compile(re.sub(r"{[^}]*}", ".+", path))
                assert any(like.fullmatch(address) for address in asked), f"say in attack_routes.py how {path} is asked"
            for method, path, sent in questions[:: len(questions) // 120]:
                attacker.ask(path, method=method, **sent)
            transcripts.append(attacker.transcript)
    assert [a[0] for a, b in zip(*transcripts, strict=True) if a != b] == []


def test_control_without_rules_every_way_finds_the_place(records, tmp_path):
    settings = planted_worlds.world(tmp_path, records, 0, open_rules=True)
    x, y = records[2].places[0]
    with served(settings) as client:
        for way, (west, south, east, north) in Attacker(client).narrow(records[2].species, WIDE):
            if way != "edges of cells":  # open records have none
                assert west - 2e-5 <= x <= east + 2e-5, way
                assert south - 2e-5 <= y <= north + 2e-5, way
                assert max(east - west, north - south) < 1e-3, way


def test_the_scanner_finds_nothing_nearer_than_the_published_cells(records, settings):
    for number, one in enumerate(settings):
        placed = {
            r.species: leaks.Place(r.species, r.places[number][1], r.places[number][0], cell=r.region) for r in records
        }
        # Within 100 m of its cell's own point, as in a cell of 0.001°, a place cannot be told from that.
        placed = {species: place for species, place in placed.items() if place.reach_m > 100 or place.cell is None}
        assert len(placed) >= 3
        places = list(placed.values())
        hidden = releases.read(releases.current(one.data), "occurrences").filter(pl.col("sharing_category") != "open")
        assert hidden.height == len(records) - 1, "all but the withheld one"
        assert leaks.scan_frame(hidden, places, name="release") == []
        with served(one) as client:
            for species, place in placed.items():
                for path in (
                    f"/v1/occurrence/search?species={species}",
                    f"/ogc/collections/occurrences/items?species={species}",
                    f"/ogc/collections/occurrences/items?f=html&species={species}",
                    f"{TILES}/0/0/0?species={species}",
                ):
                    tile = (0, 0, 0) if "tiles" in path else None
                    content = client.get(path).content
                    assert leaks.scan(content, [place], name=path, tile=tile if content else None) == []
