"""More than a thousand questions over every public route, asked by what was answered: no cell becomes smaller."""

import base64
import csv
import hashlib
import io
import itertools
import json
import re
import sqlite3
import struct
import threading
import uuid
import zipfile
import zlib

import duckdb
import polars as pl
import pytest
import shapely
from starlette.testclient import TestClient

import attack_routes
import planted_worlds
from api.app import create_app
from attacker import CHANCES, ITEMS, SEARCH, TILES, Attacker
from biodata import pipeline
from biodata.store import folders, releases
from biodata.worker import work
from people import People
from planted_lakes import name_of

pytestmark = [pytest.mark.attacks, pytest.mark.timeout(900)]
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
    path = settings.data.parent / "planted.csv"
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
    for path in (cited, f"{cited}/replay"):
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
    told = attack_routes.rows_of(records, [0, 2], WORLDS)  # one withheld, one told as a cell
    transcripts, asked = [], None
    for settings in worlds:
        with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as client:
            shown = client.get(SEARCH, params={"limit": 300, "species": [one.species for one in records]}).json()[
                "results"
            ]
            queryables = client.get("/ogc/collections/occurrences/queryables").json()["properties"]
            keys = [row["key"] for row in shown][:3]
            questions = attack_routes.every(client.app, queryables, told, keys)
            assert asked is None or questions == asked
            asked = questions
            attacker = Attacker(client)
            addresses = {path.split("?")[0] for _, path, _ in questions} | attack_routes.ASKED_ELSEWHERE
            for _, path in attack_routes.routes(client.app):
                like = re.compile(re.sub(r"{[^}]*}", ".+", path))
                assert any(like.fullmatch(one) for one in addresses), f"say in attack_routes.py how {path} is asked"
            for method, path, sent in questions:
                assert attacker.ask(path, method=method, **sent).status_code < 500, (method, path, sent)
            transcripts.append(attacker.transcript)
    assert len(asked) > 1_000
    assert [a[0] for a, b in zip(*transcripts, strict=True) if a != b] == []


def public_tokens(settings) -> set[str]:
    """Return every word and number that could be a hash: of all files that the service may read, and of its answers."""
    release = releases.current(settings.data)
    texts = [path.name for path in settings.data.rglob("*")]
    with releases.connect(release.path) as connection:
        for names in connection.execute("SELECT database_name, table_name FROM duckdb_tables()").fetchall():
            rows = connection.execute('FROM "{}"."{}"'.format(*names)).pl()
            texts.append(rows.select(pl.exclude(pl.Binary)).write_ndjson())
    with sqlite3.connect(settings.data / folders.REGISTRY) as registry:
        for (table,) in registry.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            texts.append(str(registry.execute(f'SELECT * FROM "{table}"').fetchall()))
    with TestClient(create_app(settings), base_url="http://test") as client:
        for path in (f"{SEARCH}?limit=300", f"{SEARCH}?limit=2&facet=datasetKey", f"{ITEMS}?limit=1000",
                     f"{ITEMS}?limit=2", f"{ITEMS}?f=html&limit=100", "/v1/dataset/planted", "/v1/dataset/planted/document",
                     "/health/ready", "/catalog.jsonld", f"{TILES}/0/0/0", "/ogc/collections", "/v1/occurrence/1"):  # fmt: skip
            answer = client.get(path)
            texts += [answer.text, str(answer.headers)]
        made = client.post("/v1/citations", params={"species": name_of(0)})
        texts += [made.text, str(made.headers)]
        ordered = client.post("/v1/downloads", params={"format": "dwca"})
        work(settings, stop=threading.Event(), once=True)
        state = client.get(ordered.headers["location"])
        file = client.get(f"{ordered.headers['location']}/file")
        texts += [state.text, str(file.headers), file.text]
        with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
            texts += [archive.read(name).decode("utf-8", errors="replace") for name in archive.namelist()]
    return {token for text in texts for token in re.findall(r"[0-9A-Za-z_+/=-]{6,}", text.lower())}


def texts_of(one: planted_worlds.Hidden, number: int) -> list[bytes]:
    """Return what somebody could hash: the place in each form, with and without what else is known of the record."""
    x, y = one.places[0]
    row = planted_worlds.told(one, number, 0)
    known = ["planted", row["occurrenceID"], one.species, row["eventDate"], row["locality"], row["recordedBy"]]
    found = [struct.pack(kind, *at) for kind in ("<dd", ">dd", "<ff", ">ff") for at in ((x, y), (y, x))]
    found += [shapely.to_wkb(shapely.Point(x, y)), json.dumps([x, y]).encode(),
              json.dumps({"lat": y, "lon": x}).encode()]  # fmt: skip
    found.append(f"POINT ({x} {y})".encode())
    for decimals, separator in itertools.product((5, 6), (",", " ", "|", ";", "", ":")):
        a, b = f"{y:.{decimals}f}", f"{x:.{decimals}f}"
        facts = [[fact, *pair] for fact in known for pair in ((a, b), (b, a))]
        lists = [[a, b], [b, a], [a], [b], [*known, a, b], [a, b, *known], *facts,
                 *([*fact[1:], fact[0]] for fact in facts)]  # fmt: skip
        lists += [[row["occurrenceID"], one.species, row["eventDate"], a, b], [one.species, row["eventDate"], a, b]]
        found += [separator.join(parts).encode() for parts in lists]
    return list(dict.fromkeys(found))


def guesses(one: planted_worlds.Hidden, number: int) -> set[str]:
    """Return what hashes somebody could try for a place: each algorithm over each plausible text, whole and shortened.

    Of the 10^8 places of a cell at five decimals only the true one can be confirmed, so that one is tried.
    """
    found = set()
    for text in texts_of(one, number):
        for algorithm in ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256"):
            digest = hashlib.new(algorithm, text)
            code, raw = digest.hexdigest(), digest.digest()
            found |= {code, *(code[:length] for length in (8, 10, 12, 16, 24, 32, 40))}
            found |= {
                base64.b64encode(raw).decode().lower(),
                base64.urlsafe_b64encode(raw).decode().lower().rstrip("="),
            }
            for order, width in itertools.product(("big", "little"), (7, 8)):
                whole = int.from_bytes(raw[:width], order)
                found |= {str(whole), str(whole >> 11), str(whole % 2**53)}
        found |= {str(zlib.crc32(text)), f"{zlib.crc32(text):08x}", str(zlib.adler32(text))}
        name = text.decode("latin-1")
        for space in (uuid.NAMESPACE_DNS, uuid.NAMESPACE_URL, uuid.NAMESPACE_OID):
            found |= {str(uuid.uuid5(space, name)), str(uuid.uuid3(space, name)), uuid.uuid5(space, name).hex}
    x, y = one.places[0]
    found |= {str(hash(pair)) for pair in ((x, y), (y, x), x, y)} | {
        str(round(v * 10**n)) for v in (x, y) for n in (5, 6, 7)
    }
    with duckdb.connect() as connection:
        asked = f"hash({x!r}::DOUBLE), hash({y!r}::DOUBLE), hash({x!r}::DOUBLE, {y!r}::DOUBLE), hash({y!r}::DOUBLE, {x!r}::DOUBLE)"
        for value in connection.execute(f"SELECT {asked}").fetchall()[0]:
            found |= {str(value), str(value >> 11), str(value % 2**53)}
    return {guess for guess in found if len(guess) >= 8}  # shorter ones are met by chance


def test_enumeration_of_a_hundred_records_finds_none(tmp_path):
    records = planted_worlds.hidden(100, 1, seed=11)
    settings = planted_worlds.world(tmp_path, records, 0)
    told = public_tokens(settings)
    assert len(told) > 1_000
    found, control = [], []
    plain = hashlib.sha256("{1:.5f},{0:.5f}".format(*records[17].places[0]).encode()).hexdigest()[:16]
    for number, one in enumerate(records):
        tried = guesses(one, number)
        assert len(tried) > 10_000
        found += [(number, guess) for guess in tried & told]
        control += [number] if plain in tried else []
    assert control == [17], "a plain hash would be found"
    assert found == []
