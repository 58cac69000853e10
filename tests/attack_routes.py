"""Questions to every route of the service, made from the application itself: its paths, parameters, facets, queryables.

Each question is a right guess about a hidden record: its place, words, day, people and numbers, as they are in one world.
Who asks all of them of two worlds and gets the same answers has learnt nothing. A route or a parameter of a path that is
not known here fails, so nobody adds one without saying how it is attacked.
"""

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

import planted_worlds
from attacker import ITEMS, SEARCH, TILES, wkt

Question = tuple[str, str, dict[str, Any]]
"""Method, address, and what is sent with it."""
COLLECTIONS: Final = (
    "occurrences protected_areas corridors reserve_candidates considered_ground surveys boundaries".split()
)
BODIES: Final[Mapping[str, Any]] = {"/v1/parser/name": ["Quercus"], "/v1/login": {"name": "nobody", "password": "no"},
                                    "/v1/login/refresh": {"refresh_token": "no"},
                                    "/v1/login/end": {"refresh_token": "no"},
                                    "/v1/login/code": {"code": "no", "password": "no"}}  # fmt: skip
"""What is sent to routes that take no parameter; to the others nothing."""
ASKED_ELSEWHERE: Final = {"/v1/downloads", "/v1/citations", "/v1/areas"}
"""Routes that make things, which `Attacker.ways` and the long attack ask."""
ENCODINGS: Final = ("gzip", "br", "zstd", "deflate", "identity", "gzip;q=0, *")
TYPES: Final = ("text/html", "application/geo+json", "text/csv", "application/xml", "application/json;q=0.1")


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Return the method and path of every route."""
    return sorted(
        (method, context.path)
        for context in iter_route_contexts(app.routes)
        for method in (context.methods or {"GET"})
        if method != "HEAD"
    )


def path_values(told: list[Mapping[str, str]], keys: list[int]) -> dict[str, list[str]]:
    """Return what to put into each parameter of a path: numbers of hidden records, right guesses, and nonsense."""
    words = [row[name] for row in told for name in ("occurrenceID", "gbifID", "eventID", "locality")]
    numbers = [*map(str, keys), "1"]
    return {
        "collection_id": list(COLLECTIONS),
        "feature_id:path": [*numbers, *words, *(f"planted:{word}" for word in words)],
        "feature_id": numbers,
        "key": [*numbers, *words],
        "key:path": ["planted", "none", *words[:4]],
        "dataset_key": ["planted"],
        "occurrence_id:path": words,
        "by": ["countries", "publishingCountries", "year", "basisOfRecord", "datasets", "country", "nonsense"],
        "part": ["children", "parents", "synonyms", "vernacularNames", "distributions", "media", "name", "statuses", "nonsense"],
        "area_id:path": ["country:VN", "province:VN-04", "none", *words[:2]],
        "result_id:path": ["none", *words[:2]],
        "output": ["none", "layer-candidate-1", *words[:2]],
        "number": ["1", "none", *words[:2]],
        "name": ["none", *words[:2]],
        "country": ["VN", "CN"],
        "upload": ["none", "0" * 32],
        "file": ["main.js", "none", *words[:2]],
        "design": ["plot", "none", *words[:2]],
    }  # fmt: skip


def guesses(name: str, told: Mapping[str, str]) -> list[str]:
    """Return right guesses for a parameter of a query, by its name; a few of everything for those that mean no column."""
    known = {column.lower(): value for column, value in told.items()}
    x, y = float(told["decimalLongitude"]), float(told["decimalLatitude"])
    date = told["eventDate"]
    special = {
        "geometry": [wkt((x - 0.001, y - 0.001, x + 0.001, y + 0.001)), f"POINT({x} {y})"],
        "geodistance": [f"{y},{x},100m", f"{y},{x},3km"],
        "bbox": [f"{x - 0.001},{y - 0.001},{x + 0.001},{y + 0.001}"],
        "decimallatitude": [f"{y - 0.001},{y + 0.001}", f"{y}", f"*,{y}"],
        "decimallongitude": [f"{x - 0.001},{x + 0.001}", f"{x}", f"{x},*"],
        "country": ["VN", "CN"], "countrycode": ["VN", "CN"], "provincecode": ["VN-04", "CN-GX"], "withinarea": ["country:VN"],
        "sharedbetween": ["CN,VN"], "presentin": ["VN"], "missingfrom": ["VN"], "datetime": [date, f"../{date}"],
        "month": [str(int(date[5:7]))], "day": [str(int(date[8:10]))], "year": ["2024"],
        "startdayofyear": ["1,120"], "enddayofyear": ["120,366"], "catalognumber": [told["catalogNumber"]],
        "filter": [f"decimalLatitude < {y}"], "facet": ["locality", "month"], "f": ["html", "json", "csv"],
        "q": [told["locality"].split()[-1], told["recordedBy"]], "limit": ["1"], "offset": ["1"],
        "event": [told["eventID"]], "side": ["VN", "CN"],
        "cursor": ["x"], "release": ["none"], "snapshot": ["none"], "crs": ["http://www.opengis.net/def/crs/EPSG/0/3857"],
    }  # fmt: skip
    found = special.get(name.lower(), [])
    return [*found, known[name.lower()]] if name.lower() in known and not found else found or ["true", "*", "1"]


def of_routes(app: FastAPI, told: list[Mapping[str, str]], keys: list[int]) -> Iterator[Question]:
    """Yield questions to each route with each value of its path, and with each guess for each of its parameters.

    Raises
    ------
    KeyError
        For a path that has a parameter which is not known here.
    """
    values = path_values(told, keys)
    operations = app.openapi()["paths"]
    for method, path in routes(app):
        if (method == "POST" and path in ASKED_ELSEWHERE) or path == f"{TILES}/{{z}}/{{y}}/{{x}}":
            continue
        names = re.findall(r"{([^}]+)}", path)
        if {"z", "y", "x"} <= set(names):
            yield from of_tiles(told)
            continue
        for chosen in itertools.product(*(values[name] for name in names)):
            address = path
            for name, value in zip(names, chosen, strict=True):
                address = address.replace(f"{{{name}}}", value)
            yield method, address, {"json": BODIES[path]} if path in BODIES else {}
        plain = re.sub(r":path}", "}", path)
        asked = [
            p for p in operations.get(plain, {}).get(method.lower(), {}).get("parameters", []) if p["in"] == "query"
        ]
        address = path
        for name in names:
            address = address.replace(f"{{{name}}}", values[name][0])
        for parameter, row in itertools.product(asked, told):
            for guess in guesses(parameter["name"], row):
                species = {"species": row["scientificName"]} if any(p["name"] == "species" for p in asked) else {}
                yield method, address, {"params": species | {parameter["name"]: guess}}


def of_tiles(told: list[Mapping[str, str]]) -> Iterator[Question]:
    """Yield the tiles of every zoom in which a right guess lies, of each collection."""
    for row, zoom in itertools.product(told, range(24)):
        x, y = float(row["decimalLongitude"]), float(row["decimalLatitude"])
        column = int((x / 360 + 0.5) * 2**zoom)
        line = int((0.5 - math.asinh(math.tan(math.radians(y))) / 2 / math.pi) * 2**zoom)
        for collection in COLLECTIONS if zoom in (4, 9) else COLLECTIONS[:1]:
            address = TILES.replace("occurrences", collection)
            yield "GET", f"{address}/{zoom}/{line}/{column}", {}
        surveys = f"{TILES.replace('occurrences', 'surveys')}/{zoom}/{line}/{column}"
        if zoom in (0, 6, 12, 14, 18):
            yield "GET", surveys, {}
        if zoom in (0, 12):
            for name in ("eventID", "parentEventID", "locationID", "samplingProtocol", "locality", "habitat"):
                yield "GET", surveys, {"params": {name: row[name]}}
            for name, guess in (("event_start", date_of(row)), ("failed_days", str(float(date_of(row)[-2:])))):
                yield "GET", surveys, {"params": {name: guess}}
        if zoom % 3 == 0:
            yield (
                "GET",
                f"{TILES}/{zoom}/{line}/{column}",
                {"params": {"species": row["scientificName"], "properties": "key"}},
            )


def date_of(row: Mapping[str, str]) -> str:
    """Return the day of a record, which is its event's first one."""
    return row["eventDate"][:10]


def of_filters(app: FastAPI, queryables: Mapping[str, Any], told: list[Mapping[str, str]]) -> Iterator[Question]:
    """Yield filters of CQL2 that hold for a hidden record alone, on each column."""
    for row in told:
        species = row["scientificName"]
        x, y = float(row["decimalLongitude"]), float(row["decimalLatitude"])
        for name in queryables:
            guess = row.get(name)
            texts = [f'"{name}" IS NOT NULL']
            if guess is not None:
                number = re.fullmatch(r"-?\d+(\.\d+)?", guess)
                texts += [f'"{name}" = {guess if number else json.dumps(guess).replace(chr(34), chr(39))}']
            texts += [f"\"{name}\" LIKE '%{row['locality'].split()[-1]}%'"]
            for text in texts:
                yield (
                    "GET",
                    ITEMS,
                    {"params": {"filter": f"species = '{species}' AND {text}", "limit": 1}},
                )
        for text in (
            f"S_DWITHIN(geometry, POINT({x} {y}), 100, meters)", f"S_WITHIN(geometry, {wkt((x - 1e-3, y - 1e-3, x + 1e-3, y + 1e-3))})",
            f"T_BEFORE(eventDate, TIMESTAMP('{row['eventDate']}T00:00:00Z'))", f"decimalLatitude + decimalLongitude < {x + y}",
            f"decimalLatitude BETWEEN {y - 1e-3} AND {y + 1e-3}", f"CASEI(locality) = CASEI('{row['locality'].upper()}')",
            f"NOT (decimalLongitude > {x})", f"elevation > {row['elevation']}", "A_CONTAINS(country_codes, ('VN'))",
        ):  # fmt: skip
            yield "GET", ITEMS, {"params": {"filter": f"species = '{species}' AND {text}", "limit": 1}}
            yield "GET", ITEMS, {"params": {"filter": f"{text} OR species = 'none'", "limit": 1}}


def of_manners(row: Mapping[str, str], keys: list[int]) -> Iterator[Question]:
    """Yield the same addresses in every manner of HTTP: heads, parts, encodings, types, conditions, other hosts."""
    addresses = [f"{SEARCH}?species={row['scientificName']}", f"{ITEMS}?limit=100", f"/v1/occurrence/{keys[0]}",
                 f"{TILES}/0/0/0", "/v1/dataset/planted", "/catalog.jsonld", "/metrics", "/v1/occurrence/0",
                 "/nothing/here"]  # fmt: skip
    for address in addresses:
        yield "HEAD", address, {}
        yield "OPTIONS", address, {}
        yield "PUT", address, {}
        for headers in (
            *({"accept-encoding": encoding} for encoding in ENCODINGS), *({"accept": kind} for kind in TYPES),
            {"range": "bytes=0-99"}, {"range": "bytes=-50"}, {"if-none-match": "*"}, {"if-match": '"x"'},
            {"if-modified-since": "Wed, 01 Jan 2020 00:00:00 GMT"}, {"origin": "https://elsewhere.example"},
            {"x-forwarded-for": "192.0.2.1"}, {"x-api-key": "none"}, {"authorization": "Bearer none"}, {"accept-language": "zh"},
        ):  # fmt: skip
            yield "GET", address, {"headers": headers}


def every(
    app: FastAPI, queryables: Mapping[str, Any], told: list[Mapping[str, str]], keys: list[int]
) -> list[Question]:
    """Return all questions, each once."""
    asked = itertools.chain(of_routes(app, told, keys), of_filters(app, queryables, told), of_manners(told[0], keys))
    return list({repr(question): question for question in asked}.values())


def rows_of(records: list[planted_worlds.Hidden], chosen: list[int], worlds: int) -> list[dict[str, str]]:
    """Return what is true of some hidden records in each world."""
    return [planted_worlds.told(records[n], n, world) for n in chosen for world in range(worlds)]
