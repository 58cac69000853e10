"""A server on this machine that answers as GBIF does, and as badly as GBIF can."""

import base64
import json
import re
import threading
import time
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from zips import zip_of

ACCOUNT = ("ranger", "s3cret")
HTML = b"<html><head><title>GBIF</title></head><body><h1>Down for maintenance</h1><script>x()</script></body></html>"


@dataclass
class Fault:
    """One wrong answer, in the place of a right one."""

    status: int | None = None
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    cut_at: float | None = None  # answer rightly, but close after this share of the body
    content_type: str = "application/json"


TOO_MANY = Fault(429, {"retry-after": "7"}, b'{"message": "Too many requests"}')
BROKEN = Fault(500, body=b'{"message": "Elasticsearch is resting"}')
BUSY = Fault(503, {}, HTML, content_type="text/html")
MAINTENANCE = Fault(200, {}, HTML, content_type="text/html; charset=utf-8")
HALF = Fault(cut_at=0.5)


def simple_csv(records):
    """Return the bytes of GBIF's zip of a simple CSV."""
    headings = list(dict.fromkeys(key for record in records for key in record)) or ["gbifID"]
    lines = ["\t".join(headings)] + ["\t".join(str(r.get(h, "")) for h in headings) for r in records]
    return zip_of({"0000001-261124000000000.csv": "\n".join(lines) + "\n"})


class StubGbif:
    """The stub's state: what it knows, what it does wrong, what it was asked."""

    def __init__(self):
        self.records = []  # of the search
        self.archive = simple_csv([])  # of the next download
        self.polls_until_ready = 2
        self.final_status = "SUCCEEDED"
        self.told_size = None  # a wrong size
        self.total = 3  # records that the next status tells
        self.slow_seconds = 0.0  # between 4 kB of a file
        self.faults = {}  # route → deque of Fault
        self.asked = []  # (method, path, query, headers)
        self.requests = []  # bodies of download requests
        self.predicates = []  # of searches
        self.downloads = {}  # key → polls left
        self.url = ""
        self.names = {}  # what a name or key is asked by → answer of v2/species/match
        self.datasets = {}  # key → title
        self.pages = {}  # end of a path → (status, headers, body): what other services answer

    def fail(self, route, *faults):
        """Answer the next requests of a route (search, request, status, zip) with these."""
        self.faults.setdefault(route, deque()).extend(faults)

    def route(self, path):
        """Return the page that an address is of: its end, or where the page's name ends in `*` what it begins with."""
        fits = (end for end in self.pages if path.endswith(end) or (end[-1] == "*" and end[:-1] in path))
        return next(fits, None) or _route(path)

    def count(self, route):
        return sum(self.route(path) == route for _, path, _, _ in self.asked)

    def answer(self, method, path, query, body, authorization):
        """Return status, headers and body of the right answer."""
        route = self.route(path)
        if route in self.pages:
            page = self.pages[route]
            return page(query, {k.lower(): v for k, v in self.asked[-1][3].items()}) if callable(page) else page
        if route == "search":
            return self._search(query)
        if route == "predicate":
            told = json.loads(body)
            self.predicates.append(told["predicate"])
            facets = [re.sub(r"_([a-z])", lambda m: m[1].upper(), name.lower()) for name in told.get("facets", [])]
            return self._search({"limit": [str(told["limit"])], "facet": facets})
        if route == "request" and method == "POST":
            wanted = "Basic " + base64.b64encode(":".join(ACCOUNT).encode()).decode()
            if authorization != wanted:
                return 401, {}, b'{"message": "Bad credentials"}'
            self.requests.append(json.loads(body))
            key = f"{len(self.requests):07}-261124000000000"
            self.downloads[key] = self.polls_until_ready
            return 201, {"content-type": "text/plain"}, key.encode()
        if route == "match":
            asked = [query[name][0] for name in ("usageKey", "scientificName", "scientificNameID") if name in query]
            none = {"diagnostics": {"matchType": "NONE"}}
            answer = self.names.get((asked[0], "checklistKey" in query), self.names.get(asked[0], none))
            return 200, {}, json.dumps(answer).encode()
        if route == "dataset":
            key = path.rsplit("/", 1)[1]
            told = {"key": key, "title": self.datasets.get(key, "A dataset"), "citation": {"text": f"Cite {key}"}}
            return 200, {}, json.dumps({**told, "license": "http://creativecommons.org/licenses/by/4.0/"}).encode()
        if route == "user":
            mine = [
                {"key": f"{n:07}-261124000000000", "status": "RUNNING", "request": {"predicate": one["predicate"]}}
                for n, one in enumerate(self.requests, 1)
            ]
            page = {"offset": 0, "limit": 20, "endOfRecords": True, "count": len(mine), "results": mine}
            return 200, {}, json.dumps(page).encode()
        if route == "zip":
            return 200, {"content-type": "application/octet-stream"}, self.archive
        if route == "status":
            return self._status(path.rsplit("/", 1)[1])
        return 404, {}, b'{"message": "No such page"}'

    def _search(self, query):
        offset, limit = int(query.get("offset", ["0"])[0]), min(300, int(query.get("limit", ["20"])[0]))
        wanted = query.get("country")
        records = [one for one in self.records if not wanted or one.get("countryCode", wanted[0]) in wanted]
        end = offset + limit >= len(records)
        answer = {"offset": offset, "limit": limit, "endOfRecords": end, "count": len(records)}
        facets = [
            {
                "field": re.sub(r"(?<=[a-z])(?=[A-Z])", "_", facet).upper(),
                "counts": [
                    {"name": str(name), "count": count}
                    for name, count in Counter(one[facet] for one in records if facet in one).most_common()
                ],
            }
            for facet in query.get("facet", [])
        ]
        answer |= {"results": records[offset : offset + limit], "facets": facets}
        return 200, {}, json.dumps(answer).encode()

    def _status(self, key):
        if key not in self.downloads:
            return 404, {}, b'{"message": "No such download"}'
        self.downloads[key] -= 1
        ready = self.downloads[key] < 0
        number = int(key[:7])
        answer = {
            "key": key,
            "doi": f"10.15468/dl.stub{number}",
            "license": "http://creativecommons.org/licenses/by-nc/4.0/legalcode",
            "created": f"2026-11-{10 + number}T08:00:00.000+00:00",
            "status": self.final_status if ready else ("PREPARING", "RUNNING")[self.downloads[key] == 0],
            "downloadLink": f"{self.url}occurrence/download/request/{key}.zip",
            "size": len(self.archive) if self.told_size is None else self.told_size,
            "totalRecords": self.total,
            "numberDatasets": 1,
        }
        return 200, {}, json.dumps(answer).encode()


def _route(path):
    if path.endswith("/occurrence/search"):
        return "search"
    if path.endswith("/occurrence/search/predicate"):
        return "predicate"
    if path.endswith("/species/match"):
        return "match"
    if "/v1/dataset/" in path:
        return "dataset"
    if "/occurrence/download/user/" in path:
        return "user"
    if path.endswith(".zip"):
        return "zip"
    return "request" if path.endswith("/occurrence/download/request") else "status"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "stub"
    wbufsize = -1  # one packet an answer: two would wait for each other, 40 ms a time
    disable_nagle_algorithm = True

    def do_GET(self):
        self._answer("GET")

    def do_POST(self):
        self._answer("POST")

    def log_message(self, *args):
        pass

    def _answer(self, method):
        stub = self.server.stub
        parts = urlsplit(self.path)
        stub.asked.append((method, parts.path, parts.query, dict(self.headers)))
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        faults = stub.faults.get(stub.route(parts.path))
        fault = faults.popleft() if faults else None
        if fault is not None and fault.status is not None:
            self._send(fault.status, {"content-type": fault.content_type, **fault.headers}, fault.body)
            return
        authorization = self.headers.get("authorization")
        status, headers, content = stub.answer(method, parts.path, parse_qs(parts.query), body, authorization)
        if status == 200 and (found := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))):
            start, end = int(found[1]), min(int(found[2] or len(content)), len(content) - 1)
            if start >= len(content):
                status, headers, content = 416, {"content-range": f"bytes */{len(content)}"}, b""
            else:
                headers["content-range"] = f"bytes {start}-{end}/{len(content)}"
                status, content = 206, content[start : end + 1]
        self._send(status, {"content-type": "application/json", **headers}, content, fault.cut_at if fault else None)

    def _send(self, status, headers, content, cut_at=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        content = content if cut_at is None else content[: int(len(content) * cut_at)]
        step = 4096 if (slow := self.server.stub.slow_seconds) else max(1, len(content))
        for start in range(0, len(content), step):
            self.wfile.write(content[start : start + step])
            if slow and len(content) > step:
                self.wfile.flush()
                time.sleep(slow)
        if cut_at is not None:
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Say nothing when a client goes away in the middle of an answer."""


@contextmanager
def running():
    """Run a stub until the block ends; `stub.url` is its address, ending in /v1/."""
    stub = StubGbif()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.stub = stub
    stub.url = f"http://127.0.0.1:{server.server_port}/v1/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
