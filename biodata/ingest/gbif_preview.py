"""A look at GBIF's records before a download: its search through pygbif, a few pages at most.

The search ends at 100,000 records and gives no DOI; what goes into the lake comes through `gbif_download`.
"""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import polars as pl
from tqdm.auto import tqdm

from biodata.errors import RemoteError
from biodata.ingest.http import Client
from biodata.ingest.http_answers import TryAgainError, about, message, retry_after

logger = logging.getLogger(__name__)

MOST_RECORDS: Final = 10_000
PAGE_RECORDS: Final = 300
"""GBIF's largest page."""

_TIMEOUT_SECONDS: Final = (20.0, 60.0)
_AGAIN: Final = frozenset({429, 500, 502, 503, 504})
_ADDRESS: Final = "gbif_baseurl"
_PYGBIF: Final = threading.Lock()


@dataclass(frozen=True)
class Preview:
    """The beginning of a search's answer.

    Attributes
    ----------
    count : int
        Records that GBIF has, as it said first.
    records : polars.DataFrame
        Those that were fetched, each once: GBIF's fields that are one value, as text.
    complete : bool
        All that GBIF has were fetched.
    """

    count: int
    records: pl.DataFrame
    complete: bool


def preview(client: Client, *, most: int = PAGE_RECORDS, progress: bool = False, **parameters: Any) -> Preview:
    """Fetch the first records of a search.

    Parameters
    ----------
    client : Client
        GBIF's API, with the patience for it.
    most : int
        How many records at most, up to `MOST_RECORDS`.
    progress : bool
        Show a progress bar.
    **parameters
        As `pygbif.occurrences.search` takes them: `country="LA"`, `scientificName=…`, `year="2010,2020"`.

    Returns
    -------
    Preview

    Raises
    ------
    RemoteError
        If GBIF refuses, or does not answer as asked for after all attempts.
    ValueError
        If `most` is out of range.
    """
    if not 0 <= most <= MOST_RECORDS:
        msg = f"a preview has 0 to {MOST_RECORDS:,} records, not {most}"
        raise ValueError(msg)
    found: dict[Any, dict[str, Any]] = {}
    offset, count, ended = 0, 0, False
    with tqdm(total=most, desc="GBIF search", unit="record", disable=not progress) as bar:
        # Pages that bring nothing new must end too: a search may go on for ever, or repeat itself.
        for _ in range(most // PAGE_RECORDS + 2):
            limit = min(PAGE_RECORDS, most - len(found))
            page = _page(client, {**parameters, "limit": limit, "offset": offset})
            count = count or int(page["count"])
            before = len(found)
            found.update((record.get("key"), record) for record in page["results"] if record.get("key") not in found)
            bar.update(len(found) - before)
            offset += len(page["results"])
            ended = bool(page["endOfRecords"]) or not page["results"]
            if ended or len(found) >= most:
                break
    records = _frame(list(found.values())[:most])
    return Preview(count, records, complete=ended and records.height >= count)


def _page(client: Client, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return one page of the search; tried again as often as the client has patience."""

    def once() -> dict[str, Any]:
        with _pygbif(client.base_url) as search:
            import requests
            from pygbif.gbifutils import NoResultException

            try:
                # Redirects would be followed to any host.
                page = search(**parameters, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
            except requests.HTTPError as error:
                raise _failure(client, error.response) from error
            except NoResultException as error:
                msg = "answered with something else than JSON"
                raise TryAgainError(msg) from error
            except requests.RequestException as error:
                msg = "did not answer whole"
                raise TryAgainError(msg) from error
        if not isinstance(page, dict) or not {"count", "results", "endOfRecords"} <= page.keys():
            msg = "answered with JSON of another shape"
            raise TryAgainError(msg)
        return page

    return client.patiently(once, f"{client.base_url}occurrence/search")


def _failure(client: Client, answer: Any) -> Exception:
    """Return the error for an answer that is no success."""
    told = f"answered {answer.status_code}{message(answer.content[:20_000])}"
    if answer.status_code in _AGAIN:
        return TryAgainError(told, retry_after(answer.headers.get("retry-after")))
    return RemoteError(about(f"{client.base_url}occurrence/search", told))


@contextmanager
def _pygbif(base_url: str) -> Iterator[Any]:
    """Give pygbif's search for an address, and leave logging, warnings and pygbif as they were.

    pygbif has no setting for its address, but a copy of it in each module, sets the root logger to INFO when it is
    imported, and loads matplotlib: all of it is undone, and only one thread at a time may be in here.
    """
    import sys

    root = logging.getLogger()
    with _PYGBIF, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        handlers, level = list(root.handlers), root.level
        try:
            import pygbif.occurrences
        finally:
            root.handlers[:], root.level = handlers, level
        modules = [
            module
            for name, module in sys.modules.items()
            if name.startswith("pygbif.") and isinstance(module, ModuleType) and hasattr(module, _ADDRESS)
        ]
        addresses = [getattr(module, _ADDRESS) for module in modules]
        try:
            for module in modules:
                setattr(module, _ADDRESS, base_url)
            yield pygbif.occurrences.search
        finally:
            for module, address in zip(modules, addresses, strict=True):
                setattr(module, _ADDRESS, address)


def _frame(records: list[dict[str, Any]]) -> pl.DataFrame:
    """Return the fields that are one value as text."""
    names = dict.fromkeys(
        name for record in records for name, value in record.items() if not isinstance(value, (list, dict))
    )
    return pl.DataFrame(
        {name: [_text(record.get(name)) for record in records] for name in names},
        schema=dict.fromkeys(names, pl.String),
    )


def _text(value: Any) -> str | None:
    """Return a value of JSON as text."""
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None or isinstance(value, (list, dict)) else str(value)
