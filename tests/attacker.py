"""An attacker who knows the source code and asks on by what was answered, to narrow the place of a species' record.

    attacker = Attacker(client)
    for narrowed in attacker.narrow("Quercus bababababa", box=(106.0, 22.0, 107.0, 23.0)):
        ...
    attacker.transcript

It halves boxes by every way a place can be asked for (polygons, boxes, circles, CQL2, ranges, own areas, tiles from zoom
to zoom, downloads), halves every number that can be filtered, asks every facet and count, repeats all of it for another
release or role. Where two installations give it the same transcript, it cannot tell them apart by anything it asked.
"""

import hashlib
import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import mapbox_vector_tile
import numpy as np
import scipy.optimize
import shapely
from starlette.testclient import TestClient

from leak_places import GEOD
from planted_lakes import CHANCE

Box = tuple[float, float, float, float]
SEARCH, ITEMS = "/v1/occurrence/search", "/ogc/collections/occurrences/items"
TILES = "/ogc/collections/occurrences/tiles/WebMercatorQuad"
FINEST_DEGREES = 2e-5
CHANCE_HEADERS = ("date", "x-request-id", "content-length", "server-timing", "retry-after", "last-modified")
"""Of chance, or of the body's length with its times in it; the body is compared itself."""
CHANCES = re.compile(
    CHANCE.pattern + rb"|\b[0-9a-f]{32}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b\d{7}-[0-9a-z]+\b"
)
"""What chance gives: times, the numbers of requests, citations, downloads."""


def wkt(box: Box) -> str:
    """Return a box as a polygon."""
    west, south, east, north = (f"{edge:.6f}" for edge in box)
    return f"POLYGON(({west} {south},{east} {south},{east} {north},{west} {north},{west} {south}))"


def halves(box: Box) -> tuple[Box, Box]:
    """Return a box cut across its longer side."""
    west, south, east, north = box
    if east - west >= north - south:
        middle = (west + east) / 2
        return (west, south, middle, north), (middle, south, east, north)
    middle = (south + north) / 2
    return (west, south, east, middle), (west, middle, east, north)


@dataclass
class Attacker:
    """Somebody with a client.

    Attributes
    ----------
    client : TestClient
        Of the installation that is attacked.
    headers : mapping of str to str
        Sent with each request; a login's token.
    more : mapping of str to str
        Sent with each search, `snapshot` among them.
    transcript : list of (question, hash of the answer)
    """

    client: TestClient
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)
    transcript: list[tuple[str, str]] = field(default_factory=list)

    def ask(self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, **sent: Any) -> Any:
        """Ask, and keep what was asked and answered: the status, every header but the number of the request, the body."""
        answer = self.client.request(method, path, headers={**self.headers, **(headers or {})}, **sent)
        named = [(name, value) for name, value in answer.headers.items() if name not in CHANCE_HEADERS]
        told = [f"{name}: {value}".encode() for name, value in sorted(named)]
        told += [str(answer.status_code).encode(), answer.content]
        text = CHANCES.sub(b"", b"\n".join(told))
        if path.startswith("/metrics"):  # how often and how long, by the clock
            text = re.sub(rb"[\d.e+-]+", b"", text)
        self.transcript.append((f"{method} {path} {headers or ''} {sent}", hashlib.sha256(text).hexdigest()))
        return answer

    def search(self, **parameters: Any) -> int:
        """Return how many records a search finds; 0 where it is refused."""
        answer = self.ask(SEARCH, params={"limit": 0, **self.more, **parameters})
        return int(answer.json().get("count", 0))

    def filtered(self, text: str, **parameters: Any) -> int:
        """Return how many features a filter of CQL2 finds; 0 where it is refused."""
        answer = self.ask(ITEMS, params={"limit": 1, "filter": text, **parameters})
        return int(answer.json().get("numberMatched") or 0)

    def ways(self, species: str) -> dict[str, Callable[[Box], bool]]:
        """Return each way to ask whether a box holds a record of a species."""

        def by_area(box: Box) -> bool:
            shape = shapely.box(*(round(edge, 6) for edge in box))
            made = self.ask("/v1/areas", method="POST", json=shapely.geometry.mapping(shape))
            area = made.json().get("id", "none") if made.status_code < 300 else "none"
            return self.search(species=species, withinArea=area) > 0

        def by_ranges(box: Box) -> bool:
            west, south, east, north = (f"{edge:.6f}" for edge in box)
            return (
                self.search(species=species, decimalLatitude=f"{south},{north}", decimalLongitude=f"{west},{east}") > 0
            )

        def by_edges(box: Box) -> bool:
            return (
                self.filtered(
                    f"species = '{species}' AND cell_west <= {box[2]:.6f} AND cell_east >= {box[0]:.6f} "
                    f"AND cell_south <= {box[3]:.6f} AND cell_north >= {box[1]:.6f}"
                )
                > 0
            )

        return {
            "polygons": lambda box: self.search(species=species, geometry=wkt(box)) > 0,
            "own areas": by_area,
            "ranges": by_ranges,
            "CQL2": lambda box: self.filtered(f"S_INTERSECTS(geometry, {wkt(box)}) AND species = '{species}'") > 0,
            "CQL2 outside": lambda box: (
                self.filtered(f"NOT S_DISJOINT(geometry, {wkt(box)}) AND species = '{species}'") > 0
            ),
            "boxes": lambda box: (
                self.filtered(f"species = '{species}'", bbox=",".join(f"{edge:.6f}" for edge in box)) > 0
            ),
            "edges of cells": by_edges,
        }

    def narrow(self, species: str, box: Box) -> Iterator[tuple[str, Box]]:
        """Halve a box in each way as long as one half alone tells of the species; yield where each ended."""
        for way, holds in self.ways(species).items():
            at = box
            while max(at[2] - at[0], at[3] - at[1]) > FINEST_DEGREES:
                told = [half for half in halves(at) if holds(half)]
                if not told:
                    break
                at = told[0]
            yield way, at
        yield "circles", self.by_circles(species, box)
        yield "tiles", self.by_tiles(species, box)

    def by_circles(self, species: str, box: Box) -> Box:
        """Halve the radius of circles around three corners; return where the three distances meet, as a box."""
        west, south, east, north = box
        corners = np.array([(west, south), (east, south), (west, north)])
        metres = []
        for x, y in corners:
            low, high = 0.0, 250_000.0
            while high - low > 2:
                middle = (low + high) / 2
                if self.search(species=species, geoDistance=f"{y:.6f},{x:.6f},{middle:.0f}m"):
                    high = middle
                else:
                    low = middle
            metres.append(high)

        def off(at: Any) -> Any:
            return GEOD.inv(corners[:, 0], corners[:, 1], np.full(3, at[0]), np.full(3, at[1]))[2] - metres

        x, y = scipy.optimize.least_squares(off, ((west + east) / 2, (south + north) / 2), x_scale=0.1).x
        return x - 4e-4, y - 4e-4, x + 4e-4, y + 4e-4

    def by_tiles(self, species: str, box: Box) -> Box:
        """Follow the tiles that show the species from zoom to zoom; return the vertex shown last, as a box."""
        west, south, east, north = box
        x, y = (west + east) / 720 + 0.5, 0.5 - math.asinh(math.tan(math.radians((south + north) / 2))) / 2 / math.pi
        shown = box
        tiles = list(itertools.product(*({int(v * 64) + step for step in (-1, 0, 1)} for v in (x, y))))
        for zoom in range(6, 23):
            found = None
            for column, row in sorted(tiles):
                answer = self.ask(f"{TILES}/{zoom}/{row}/{column}", params={"species": species, **self.more})
                if answer.status_code == 200 and answer.content:
                    found = self._vertex(answer.content, zoom, column, row) or found
                    if found is not None:
                        break
            if found is None:
                break
            longitude, latitude, column, row = found
            step = 360 / 2**zoom / 4096
            shown = (longitude - step, latitude - step, longitude + step, latitude + step)
            tiles = [(2 * column + i, 2 * row + j) for i in (0, 1) for j in (0, 1)]
        return shown

    def _vertex(self, data: bytes, zoom: int, column: int, row: int) -> tuple[float, float, int, int] | None:
        """Return the first vertex of a tile in degrees, with the tile."""
        for layer in mapbox_vector_tile.decode(data, default_options={"y_coord_down": True}).values():
            for feature in layer["features"]:
                x, y = shapely.get_coordinates(shapely.geometry.shape(feature["geometry"]))[0] / layer["extent"]
                latitude = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (row + y) / 2**zoom))))
                return ((column + x) / 2**zoom - 0.5) * 360, latitude, column, row
        return None

    def everything(self, species: str, *, numbers: int = 12) -> None:
        """Ask every facet, count, filter, page and document of a species; halve each number that can be filtered."""
        operation = self.ask("/openapi.json").json()["paths"][SEARCH]["get"]
        facets = next(p["schema"] for p in operation["parameters"] if p["name"] == "facet")
        names = facets.get("items", facets).get("enum") or [p["name"] for p in operation["parameters"]]
        for name in names:
            self.ask(SEARCH, params={"species": species, "limit": 0, "facet": name, "facetLimit": 1000, **self.more})
            self.search(species=species, facet=name, facetMincount=1, year="2024")
        properties = self.ask("/ogc/collections/occurrences/queryables").json()["properties"]
        for name, schema in properties.items():
            self.filtered(f"species = '{species}' AND \"{name}\" IS NULL")
            if "number" in str(schema.get("type")) or "integer" in str(schema.get("type")):
                low, high = -1e6, 1e7
                for _ in range(numbers):
                    middle = (low + high) / 2
                    if self.filtered(f"species = '{species}' AND \"{name}\" <= {middle:.6f}"):
                        high = middle
                    else:
                        low = middle
            else:
                for guess in ("A", "M", "a", "m"):
                    self.filtered(f"species = '{species}' AND \"{name}\" >= '{guess}'")
        for text in ("country", "year", "countries", "nonsense"):
            self.ask(f"/v1/occurrence/counts/{text}", params={"species": species})
        rows = self.ask(SEARCH, params={"species": species, "limit": 300, **self.more}).json().get("results", [])
        for row in rows[:3]:
            for path in (f"/v1/occurrence/{row['key']}", f"/v1/occurrence/{row['key']}/verbatim",
                         f"/v1/occurrence/{row['key']}/fragment", f"{ITEMS}/{row['key']}", f"{ITEMS}/{row['key']}?f=html"):  # fmt: skip
                first = self.ask(path)
                if "etag" in first.headers:
                    self.client.headers["If-None-Match"] = first.headers["etag"]
                    self.ask(path)
                    del self.client.headers["If-None-Match"]
        for sides in ("CN,VN", "VN,CN", "VN-04,CN-GX", "LA,VN"):
            for name in ("sharedBetween", "presentIn"):
                self.ask(SEARCH, params={name: sides, "limit": 0, "facet": "species", **self.more})
        for bad in ("geometry=x", "geoDistance=0,0,0m", "decimalLatitude=a", "geometry=POINT(106 23", "cursor=x"):
            self.ask(f"{SEARCH}?species={species}&{bad}")
        for sort in ("decimalLatitude", "-decimalLongitude", "key", "hk"):
            self.ask(ITEMS, params={"species": species, "sortby": sort})
        for path in ("/catalog.jsonld", "/v1/dataset/search", "/v1/dataset/planted/metrics", "/ogc/collections",
                     "/v1/areas", f"/v1/species/search?q={species}", "/health/ready", "/v1/surveys/1",
                     "/v1/audit/sensitivity"):  # fmt: skip
            self.ask(path)
