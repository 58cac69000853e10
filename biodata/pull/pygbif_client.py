"""pygbif, over our polite client: its requests get our address, our name, our patience, and no password in the clear.

pygbif 0.7 has its address fixed in many places (`name_backbone` and the downloads in full, some over http), neither waits nor
tries again, and on import sets up logging and loads matplotlib. All that it does goes through `requests` in two modules.
"""

import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

from biodata.ingest.http import Client

_MODULES: Final = ("pygbif.gbifutils", "pygbif.occurrences.download")
_LOCK: Final = threading.Lock()


@dataclass(frozen=True)
class _Answer:
    """What pygbif reads of an answer."""

    text: str
    status_code: int = 200

    headers = {"content-type": "application/json"}  # noqa: RUF012 - as `requests` has it

    def raise_for_status(self) -> None:
        """Do nothing: an answer that is an error was raised by the client."""

    def json(self) -> Any:
        """Return the content."""
        return json.loads(self.text)


class _Requests:
    """What pygbif takes for the package `requests`."""

    __version__ = "over biodata"
    auth = SimpleNamespace(HTTPBasicAuth=lambda user, password: (user, password))

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, url: str, *, params: Mapping[str, Any] | None = None, auth: Any = None, **_: Any) -> _Answer:
        """Return the answer to a GET."""
        facts = {name: value for name, value in (params or {}).items() if value is not None}
        return _Answer(json.dumps(self._client.get_json(_path(url), facts, account=auth)))

    def post(self, url: str, *, auth: tuple[str, str], data: str, **_: Any) -> _Answer:
        """Return the answer to a POST of JSON."""
        return _Answer(self._client.post(_path(url), json.loads(data), account=auth), 201)


def _path(url: str) -> str:
    """Return an address of GBIF's relative to the client's, which ends in /v1/."""
    return re.sub(r"^https?://api\.gbif\.org/(v\d)/", r"../\1/", url)


@contextmanager
def pygbif_over(client: Client) -> Iterator[Any]:
    """Give pygbif whose requests go through a client; logging, warnings and pygbif are then as they were."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import pygbif

            root.setLevel(level)
            modules = [sys.modules[name] for name in _MODULES]
            before = [module.requests for module in modules]
            try:
                for module in modules:
                    module.requests = _Requests(client)  # type: ignore[attr-defined]
                yield pygbif
            finally:
                for module, requests in zip(modules, before, strict=True):
                    module.requests = requests  # type: ignore[attr-defined]
        finally:
            root.handlers[:], root.level = handlers, level
