"""Loading all that the service needs before it becomes a user who cannot read this Python; and a look that it works.

Where Python lies in a folder that the user cannot enter (as that of pyenv in root's home), nothing can be loaded any
more once the process is the user's. Some modules are only asked for by a question, a workbook or a codec, so that the
service answers each kind of question once, before and after.
"""

import asyncio
import contextlib
import importlib
import io
import pkgutil
from typing import Any, Final

from biodata.errors import StoreError
from biodata.settings import Settings

_AT_FIRST_USE: Final = (
    "biodata.surveys", "biodata.exports.reports.page", "biodata.store.registry", "biodata.store.migrations",
    "pandas", "prometheus_client", "multiprocessing.resource_tracker", "uvicorn.lifespan.on", "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto", "xml.etree.ElementTree", "zoneinfo",
)  # fmt: skip
_QUESTIONS: Final = (
    ("GET", "/health/ready", ""), ("GET", "/docs", ""), ("GET", "/", ""),
    ("GET", "/v1/occurrence/search", "limit=1&facet=species"), ("GET", "/v1/species/search", "q=Elephas&limit=1"),
    ("GET", "/v1/species/match", "name=Elephas%20maximus"), ("GET", "/v1/dataset/search", "limit=1"),
    ("GET", "/ogc/collections/occurrences/items", "limit=1&filter=year%3E2000"), ("GET", "/ogc/collections", "f=html"),
    ("GET", "/ogc/collections/occurrences/tiles/WebMercatorQuad/4/6/12", ""),
    ("POST", "/v1/login", ""), ("POST", "/v1/downloads", "format=none"), ("GET", "/v1/access/requests", ""),
)  # fmt: skip
"""One of each kind; what they are answered does not matter, as long as it is an answer."""


def load_codecs() -> None:
    """Load every codec: a file's name in a workbook or an archive asks for one that nobody thought of."""
    import encodings

    for found in pkgutil.iter_modules(encodings.__path__, "encodings."):
        with contextlib.suppress(ImportError):  # those of another operating system
            importlib.import_module(found.name)


def load_service(settings: Settings) -> None:
    """Load what the service needs, all that it loads at a first question too."""
    import api
    import biodata.access

    load_codecs()
    packages = ((api.__path__, "api."), (biodata.access.__path__, "biodata.access."))
    for name in (*_AT_FIRST_USE, *(one.name for path, start in packages for one in pkgutil.walk_packages(path, start))):
        importlib.import_module(name)
    look(settings)


def look(settings: Settings) -> None:
    """Answer a question of each kind, and check a workbook, in this process as the user that it is now.

    Raises
    ------
    StoreError
        If one cannot be answered.
    """
    from biodata import places, surveys

    surveys.check(io.BytesIO(_workbook()), "look.xlsx", places.load_boundaries(settings.boundaries))
    broken = asyncio.run(_broken(settings))
    if broken:
        message = f"the service cannot answer {', '.join(broken)} as this system user; its log tells why"
        raise StoreError(message)


def _workbook() -> bytes:
    """Return a small survey whose parts are named in a codec that is seldom used."""
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.create_sheet("Occurrences", 0)
    sheet.append(["occurrenceID", "eventDate", "scientificName", "decimalLatitude", "decimalLongitude", "countryCode"])
    sheet.append(["1", "2026-03-17", "Elephas maximus", "21.1", "101.4", "LA"])
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


async def _broken(settings: Settings) -> list[str]:
    """Return the questions that are answered by an internal error."""
    app = importlib.import_module("api.app").create_app(settings)
    async with app.router.lifespan_context(app):
        return [path for method, path, query in _QUESTIONS if await _status(app, method, path, query) == 500]


async def _status(app: Any, method: str, path: str, query: str) -> int:
    """Return the status of an answer; 500 where there is none."""
    body = iter([{"type": "http.request", "body": b"{}", "more_body": False}])
    found, ended = [500], asyncio.Event()

    async def receive() -> dict[str, Any]:
        for message in body:
            return message
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            found[0] = int(message["status"])

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "scheme": "http",
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), (b"accept-encoding", b"gzip")],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "app": app, "state": {},
    }  # fmt: skip
    with contextlib.suppress(Exception):
        await app(scope, receive, send)
    return found[0]
