"""More than a thousand questions over every public route, asked by what was answered: no cell becomes smaller."""

import csv
import hashlib
import itertools
import json
import re
import threading

import pytest
from starlette.testclient import TestClient

import attack_routes
import planted_worlds
from api.app import create_app
from attacker import CHANCES, SEARCH, Attacker
from biodata import pipeline
from biodata.store import releases
from biodata.worker import work
from people import People
from planted_lakes import name_of

pytestmark = [pytest.mark.searches, pytest.mark.timeout(3600)]
WIDE = (105.9, 22.4, 107.2, 23.5)
WORLDS = 2


@pytest.fixture(scope="module")
def records():
    return planted_worlds.hidden(10, WORLDS, seed=7)


@pytest.fixture(scope="module")
def worlds(records, tmp_path_factory):
    return [planted_worlds.world(tmp_path_factory.mktemp("world"), records, n) for n in range(WORLDS)]


def added(settings) -> None:
    """Take one more open record in and take one out, and make a second release."""
    path = settings.data.parent / "occurrences.csv"
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    more = rows[-1] | {"occurrenceID": "open-more", "decimalLatitude": "22.7113", "decimalLongitude": "106.4117"}
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows([*rows, more])
    planted_worlds.take_in(settings, path, seed=2)
    pipeline.release(settings)


def downloads_and_citations(attacker: Attacker, settings, species: str) -> None:
    """Order files and citations, read and replay them."""
    for asked in ({"format": "csv", "species": species}, {"format": "cube", "species": species}, {"format": "species-list"},
                  {"format": "dwca", "geometry": "POLYGON((106.3 22.8,106.6 22.8,106.6 23.1,106.3 23.1,106.3 22.8))"}):  # fmt: skip
        ordered = attacker.ask("/v1/downloads", method="POST", params=asked)
        work(settings, stop=threading.Event(), once=True)
        state = attacker.client.get(ordered.headers["location"])
        file = attacker.client.get(f"{ordered.headers['location']}/file")
        body = CHANCES.sub(b"", file.content) if asked["format"] in ("csv", "species-list") else b""
        told = [state.json().get("count"), file.status_code, hashlib.sha256(body).hexdigest()]
        attacker.transcript.append((f"download {asked}", str(told)))
    cited = attacker.ask("/v1/citations", method="POST", params={"species": species}).headers["location"]
    attacker.client.post(f"{cited}/replay")
    work(settings, stop=threading.Event(), once=True)
    for path in (cited, f"{cited}/replay", f"{cited}/replay/occurrence"):
        answer = attacker.client.get(path)
        attacker.transcript.append((path.replace(cited, "citation"), CHANCES.sub(b"", answer.content).decode()))


def attack(settings, records) -> list[tuple[str, str]]:
    """Ask everything, twice, of two releases and as somebody with a role; return the transcript."""
    transcript: list[tuple[str, str]] = []
    with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as client:
        before = releases.current(settings.data).id
        by_category = {record.category: record for record in records}
        for record in by_category.values():
            attacker = Attacker(client, transcript=transcript)
            list(attacker.narrow(record.species, WIDE))
        attacker.everything(record.species)
        downloads_and_citations(attacker, settings, record.species)
        added(settings)
        shown = People(client).headers("node_manager")
        for headers, more in (({}, {}), ({}, {"snapshot": before}), (shown, {})):
            attacker = Attacker(client, headers=headers, more=more, transcript=transcript)
            attacker.everything(records[2].species, numbers=4)
            attacker.by_tiles(records[2].species, WIDE)
    return transcript


def test_no_world_is_told_from_another(records, worlds):
    transcripts = [attack(settings, records) for settings in worlds]
    assert len(transcripts[0]) > 1_000
    alike = [n for n, told in enumerate(transcripts) if told == transcripts[0]]
    differ = {a[0] for other in transcripts for a, b in zip(transcripts[0], other, strict=False) if a != b}
    assert differ == set()
    for record in records:
        assert record.share(alike) > 0.6, f"{record.species} is narrowed to {record.share(alike):.2f} of its cell"


def test_no_question_to_any_route_tells_two_worlds_apart(records, worlds):
    told = attack_routes.rows_of(records, [1, 2, 4], WORLDS)
    transcripts, asked = [], None
    for settings in worlds:
        with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as client:
            shown = client.get(SEARCH, params={"limit": 300, "duplicates": "all", "genus": "Quercus"}).json()["results"]
            queryables = client.get("/ogc/collections/occurrences/queryables").json()["properties"]
            keys = [row["key"] for row in shown][:3]
            questions = attack_routes.every(client.app, queryables, told, keys)
            assert asked is None or questions == asked
            asked = questions
            attacker = Attacker(client)
            for method, path, sent in questions:
                assert attacker.ask(path, method=method, **sent).status_code < 500, (method, path, sent)
            transcripts.append(attacker.transcript)
    assert len(asked) > 1_000
    assert [a[0] for a, b in zip(*transcripts, strict=True) if a != b] == []


def public_tokens(settings) -> set[str]:
    """Return every number and word of letters and digits in the release file and in answers that could be a hash."""
    release = releases.current(settings.data)
    texts = [release.id, release.path.name, json.dumps(release.counts)]
    for table in ("occurrences", "datasets", "surveys"):
        texts.append(releases.read(release, table).drop("geometry", strict=False).write_ndjson())
    with TestClient(create_app(settings), base_url="http://test") as client:
        for path in ("/v1/occurrence/search?limit=300", "/ogc/collections/occurrences/items?limit=1000", "/v1/dataset/planted",
                     "/health/ready", "/catalog.jsonld"):  # fmt: skip
            answer = client.get(path)
            texts += [answer.text, str(answer.headers)]
        made = client.post("/v1/citations", params={"species": name_of(0)})
        texts += [made.text, str(made.headers)]
    return {token for text in texts for token in re.findall(r"[0-9A-Za-z_+/=-]{6,}", text.lower())}


def guesses(one: planted_worlds.Hidden, world: int, number: int) -> set[str]:
    """Return what hashes somebody could try for a place: each algorithm over each plausible text, whole and shortened.

    Of the 10^8 places of a cell at five decimals only the true one can be confirmed, so that one is tried.
    """
    x, y = one.places[world]
    facts = ["", f"rare-{number}", one.species, f"2024-{number % 12 + 1:02d}-11", "planted"]
    found = set()
    for decimals, separator in itertools.product((5, 6), (",", " ", "|", ";", "\t", "\n", "", "/")):
        a, b = f"{y:.{decimals}f}", f"{x:.{decimals}f}"
        for parts in (
            [a, b],
            [b, a],
            *([fact, a, b] for fact in facts),
            *([a, b, fact] for fact in facts),
            [*facts[1:], a, b],
        ):
            text = separator.join(parts).encode()
            for algorithm in ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256"):
                digest = hashlib.new(algorithm, text)
                code = digest.hexdigest()
                found |= {code, code[:8], code[:10], code[:12], code[:16], code[:32]}
                found |= {str(int.from_bytes(digest.digest()[:8], order)) for order in ("big", "little")}
                found |= {str(int.from_bytes(digest.digest()[:8], order) >> 11) for order in ("big", "little")}
    return found


def test_enumeration_of_a_hundred_records_finds_none(tmp_path):
    records = planted_worlds.hidden(100, 1, seed=11)
    settings = planted_worlds.world(tmp_path, records, 0)
    told = public_tokens(settings)
    assert len(told) > 1_000
    tried = [guesses(one, 0, number) for number, one in enumerate(records)]
    control = hashlib.sha256("{1:.5f},{0:.5f}".format(*records[17].places[0]).encode()).hexdigest()[:16]
    assert [n for n, guess in enumerate(tried) if guess & {control}] == [17], "a plain hash would be found"
    assert [n for n, guess in enumerate(tried) if guess & told] == []
