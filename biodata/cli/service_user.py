"""Starting a process as a system user of its own, which cannot read what is private."""

import asyncio
import contextlib
import importlib
import io
import os
import pkgutil
import pwd
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.store import folders


def start_as(settings: Settings, user: str, command: Sequence[str], *, workers: int = 1) -> None:
    """Give what the service writes to a system user, and go on as that user: in a fresh process image where it can be.

    A fresh image has nothing in memory that was read before, and its workers find their files as the user does. Where
    the user cannot run this interpreter (it lies in root's own folder), the call returns, in a process that is the
    user's from now on, with all that the service needs loaded and looked at.

    Parameters
    ----------
    settings : Settings
        The installation.
    user : str
        The system user, by name or number; not root.
    command : sequence of str
        The words of the command, without the option that led here.
    workers : int
        API processes that are wanted.

    Raises
    ------
    InputError
        If there is no such user, it is root, or it could read what is private.
    StoreError
        If this process may not become another user, or that user cannot run this interpreter and that matters.
    """
    number, group = numbers_of(user)
    if os.geteuid() != 0:
        message = f"only root can start as another user: start as {user} itself, or as root with --user"
        raise StoreError(message)
    from biodata.store.folders import citation_secret, token_secret
    from biodata.store.registry import Registry

    with Registry.open(settings):
        token_secret(settings.data)
        citation_secret(settings.data)
    fresh = _can_run(number, group)
    if not fresh:
        where = (
            f"{user} cannot run {sys.executable}: install Python and biodata where every user may read them, as with "
            "`uv python install --install-dir /opt/python` and `uv venv /opt/biodata`"
        )
        if workers > 1:
            message = f"{where}; until then only one worker can be started"
            raise StoreError(message)
        sys.stderr.write(f"{where}; all that the service needs is loaded before, which takes a while\n")
        load_service(settings)
    folders.hand_over(settings.data, user=number, group=group)
    become(number, group)
    folders.read_by_service(settings.data)
    if fresh:
        os.execv(sys.executable, [sys.executable, "-m", "biodata.cli", *command])
    try:
        look(settings)
    except (StoreError, ImportError, OSError, LookupError) as error:
        message = f"{where}; loading all before did not do: {error}"
        raise StoreError(message) from error


def _can_run(number: int, group: int) -> bool:
    """Return whether a system user can run this interpreter."""
    try:
        completed_process = subprocess.run(
            [sys.executable, "-c", "import http.client, biodata.core.settings"], user=number, group=group, extra_groups=[], check=False,
            capture_output=True,
        )  # fmt: skip
    except OSError:
        return False
    return completed_process.returncode == 0


def become(number: int, group: int) -> None:
    """Be another system user from now on, without the groups of the one before."""
    os.setgroups([])
    os.setgid(group)
    os.setuid(number)
    os.umask(0o027)


def numbers_of(user: str) -> tuple[int, int]:
    """Return the numbers of a system user and its group, or fail."""
    try:
        found = pwd.getpwuid(int(user)) if user.isascii() and user.isdigit() else pwd.getpwnam(user)
    except (KeyError, OverflowError):
        problem = "this machine has no such system user"
        raise InputError(problem, column="--user", value=user, expected="the name or number of one") from None
    if found.pw_uid == 0:
        problem = "root may read everything"
        raise InputError(problem, column="--user", value=user, expected="a system user that owns nothing private")
    return found.pw_uid, found.pw_gid


_AT_FIRST_USE: Final = (
    "biodata.surveys", "biodata.exports.reports.page", "biodata.store.registry",
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
    if broken := asyncio.run(_broken(settings)):
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
