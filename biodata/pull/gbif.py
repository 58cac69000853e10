"""GBIF's records: how many there are, a look at 300 of them, and all of them by its download service.

A first pull of a scope fetches everything; later ones what GBIF interpreted since, and now and then everything again: what a
full one no longer has is gone at GBIF. A pull that was cut off goes on where it was.
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, NoReturn

import polars as pl
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from tqdm.auto import tqdm

from biodata import pipeline
from biodata.core.errors import InputError, RemoteError, shorten
from biodata.core.settings import Settings
from biodata.ingest.http import Client, RefusedError, fetch
from biodata.ingest.protocol import DatasetInfo, VerbatimTable
from biodata.pipeline.report import IngestReport
from biodata.pull.gbif_scope import Scope, Taxon, taxon_of
from biodata.pull.kept import Folder, identities
from biodata.pull.pygbif_client import pygbif_over
from biodata.pull.service import client_for, plain_table, waits

logger = logging.getLogger(__name__)

PREVIEWED: Final = 300
"""Records of a preview; GBIF's largest page."""
_ARCHIVE_BYTES: Final = 300
"""Of a record in a zipped archive; 470 of GBIF's took 143,097 bytes."""
_WAITING: Final = frozenset({"PREPARING", "RUNNING", "SUSPENDED"})
# GBIF's index lags behind its interpretation; a record asked for twice is found unchanged.
_MARGIN: Final = timedelta(days=1)
_FULL_EVERY: Final = timedelta(days=30)
_CLASSES: Final = 10
_FACETS: Final = MappingProxyType({"classKey": "CLASS_KEY", "license": "LICENSE", "datasetKey": "DATASET_KEY"})
"""What is counted, as the search and as the search by predicate call it."""
_MOST_FACETS: Final = 1000
_WHERE: Final = "an account is free at https://www.gbif.org/user/profile"
_WITHOUT: Final = "--estimate and --preview work without one"
_REFUSED: Final = MappingProxyType(
    {
        401: f"GBIF does not take the account: GBIF_USER (the name, not the address of mail) or GBIF_PWD is wrong; {_WHERE}",
        413: "GBIF finds the request too large: fewer taxa, or a simpler outline for --within",
        420: "GBIF has too many downloads of this account under way; try again later",
    }
)


class Account(BaseSettings):
    """An account at GBIF, from the environment under the names that GBIF's own clients use."""

    model_config = SettingsConfigDict(env_prefix="GBIF_", frozen=True, extra="ignore")

    user: str = Field(default="")
    pwd: SecretStr = Field(default=SecretStr(""))
    email: str = Field(default="")

    @property
    def complete(self) -> bool:
        """Downloads can be ordered with it."""
        return bool(self.user and self.pwd.get_secret_value() and self.email)


@dataclass
class Estimate:
    """What a scope has at GBIF, counted without an order.

    Attributes
    ----------
    records : int
    megabytes : float
        What a download would be, about.
    places : dict
        By place: its records, their classes and their licences.
    datasets : int
        How many they are of; at least, where there are more than a thousand.
    taxa : list of Taxon
        What the names were found to be.
    at_most : bool
        The count is of the box around the area.
    """

    records: int = 0
    megabytes: float = 0.0
    places: dict[str, dict[str, Any]] = field(default_factory=dict)
    datasets: int = 0
    taxa: list[Taxon] = field(default_factory=list)
    at_most: bool = False


class GbifPull:
    """What can be done with a scope at GBIF.

    Parameters
    ----------
    scope : Scope
    settings : Settings
        The installation: its data folder, GBIF's address.
    client : Client, optional
        The client; one for the address of `settings` where it is not given.
    account : Account, optional
        The account; from the environment where it is not given.
    progress : bool
        Show progress bars.
    """

    def __init__(
        self, scope: Scope, settings: Settings, *, client: Client | None = None, account: Account | None = None,
        progress: bool = False,
    ) -> None:  # fmt: skip
        self.scope, self.settings, self.progress = scope, settings, progress
        self.client = client or client_for(settings.gbif_url, settings, friends=["gbif.org"])
        self.account = account or Account()
        self.folder = Folder(settings.data, "gbif", scope.as_dict())
        self.now = datetime.now(UTC)

    @property
    def is_ordered(self) -> bool:
        """A download of this scope is on its way."""
        return "key" in self.folder.load()

    def estimate(self) -> Estimate:
        """Count, by place, class and licence; without an account, and nothing is ordered."""
        found, datasets = Estimate(at_most=self.scope.coarse), set[str]()
        with pygbif_over(self.client) as pygbif:
            found.taxa = [taxon_of(pygbif, text) for text in self.scope.taxa]
            names: dict[str, str] = {}
            for place, parameters in self.scope.places:
                page = self._search(pygbif, found.taxa, parameters, limit=0)
                counts = {
                    one["field"]: {c["name"]: c["count"] for c in one["counts"]} for one in page.get("facets", [])
                }
                datasets |= counts.get("DATASET_KEY", {}).keys()
                classes = {}
                for key, count in list(counts.get("CLASS_KEY", {}).items())[:_CLASSES]:
                    if key not in names:
                        usage = pygbif.species.name_backbone(usageKey=key).get("usage") or {}
                        names[key] = usage.get("canonicalName") or usage.get("name") or key
                    classes[names[key]] = count
                found.places[place] = {
                    "records": page["count"],
                    "classes": classes,
                    "licences": counts.get("LICENSE", {}),
                }
        found.records = sum(one["records"] for one in found.places.values())
        found.megabytes, found.datasets = round(found.records * _ARCHIVE_BYTES / 1e6, 1), len(datasets)
        return found

    def preview(self, *, most: int = PREVIEWED) -> list[IngestReport]:
        """Take the first records of the scope into the lake; without an account.

        Raises
        ------
        InputError
            If there are none (INPUT_EMPTY), or a taxon is not found.
        RemoteError
            If GBIF refuses, or does not answer as asked for.
        """
        records: dict[str, dict[str, Any]] = {}
        with pygbif_over(self.client) as pygbif:
            taxa = [taxon_of(pygbif, text) for text in self.scope.taxa]
            for _, parameters in self.scope.places:
                if wanted := most - len(records):
                    page = self._search(pygbif, taxa, parameters, limit=min(wanted, PREVIEWED))
                    records.update((str(record.get("gbifID") or record["key"]), record) for record in page["results"])
            keys = sorted({str(one["datasetKey"]) for one in records.values() if one.get("datasetKey")})
            datasets = {key: _described(pygbif.registry.datasets(uuid=key)) for key in keys}
        if not records:
            self.raise_nothing()
        self.folder.path.mkdir(parents=True, exist_ok=True)
        file = self.folder.path / "preview.csv"
        rows = [{**one, "gbifID": key, "issue": ";".join(one.get("issues") or [])} for key, one in records.items()]
        plain_table(rows).drop("key").write_csv(file, separator="\t", quote_style="never")
        self.folder.note(
            file.name,
            self.client.address("occurrence/search"),
            license=sorted({d.license or "" for d in datasets.values()}),
        )

        def hear(_: int, table: VerbatimTable) -> VerbatimTable:
            table.name, table.datasets = f"preview of {len(records)} of GBIF's records", datasets
            return table

        return pipeline.ingest("gbif", [file], self.settings, hear=hear, progress=self.progress)

    def order(self, *, full: bool = False) -> None:
        """Ask GBIF for a download, unless one of this scope is on its way, and keep its key.

        Raises
        ------
        InputError
            If there is no account (ACCOUNT_MISSING), or another scope's download is on its way (ORDER_UNDER_WAY).
        RemoteError
            If GBIF refuses.
        """
        state = self.folder.load()
        if "key" in state:
            return
        self.check_account()
        for path, other in self.folder.others():
            if "key" in other:
                problem = f"GBIF's download {other['key']} of another scope is on its way, and one is ordered at a time"
                expected = f"pull that scope first ({_words(other['scope'])}), or remove {path}"
                raise InputError(problem, expected=expected, code="ORDER_UNDER_WAY")
        since = None if full else self._since(state)
        with pygbif_over(self.client) as pygbif:
            taxa = [taxon_of(pygbif, text) for text in self.scope.taxa]
            predicate = self.scope.predicate(taxa, interpreted_since=since)
            try:
                key = self._ordered(pygbif, predicate) if state.get("ordering") == predicate else None
                if key is None:
                    self.folder.save(ordering=predicate)
                    key = self._place(predicate)
            except RefusedError as error:
                if error.status not in _REFUSED:
                    raise
                raise RemoteError(_REFUSED[error.status]) from error
        logger.info("GBIF download %s ordered, %s", key, f"interpreted since {since}" if since else "everything")
        for file in self.folder.path.glob("*.zip*"):
            file.unlink()
        self.folder.save(key=key, full=since is None, ordering=None, taxa=[asdict(taxon) for taxon in taxa])

    def pull(self) -> list[IngestReport]:
        """Order a download unless one is on its way, wait for it and take it into the lake."""
        self.order()
        return self.deliver()

    def deliver(self, *, wait_hours: float = 24.0) -> list[IngestReport]:
        """Wait for the download that was ordered, fetch it and take it into the lake.

        Raises
        ------
        InputError
            If the file cannot be read; the next run fetches it again.
        RemoteError
            If GBIF fails, or is not ready in time; the next run goes on.
        """
        state = self.folder.load()
        key, status = str(state["key"]), self._wait(str(state["key"]), wait_hours)
        zipped = self.folder.path / f"{key}.zip"
        seen: list[pl.DataFrame] = []

        def followed(table: VerbatimTable, batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
            seen.clear()
            for batch in batches:
                seen.append(identities(batch))
                yield batch
            table.gone[:] = self.folder.follow(seen, full=state["full"])

        def hear(_: int, table: VerbatimTable) -> VerbatimTable:
            doi, created = status["doi"], datetime.fromisoformat(status["created"])
            table.name, table.dataset.doi = f"GBIF download {key}", doi
            table.dataset.citation = f"GBIF.org ({created:%d %B %Y}) GBIF Occurrence Download https://doi.org/{doi}"
            table.declarations = {**table.declarations, "gbif_download_key": key, "gbif_download_doi": doi}
            table.batches = followed(table, table.batches)
            return table

        reports: list[IngestReport] = []
        if status.get("totalRecords") != 0:
            link = f"occurrence/download/request/{key}.zip"
            if not zipped.exists():
                fetch(self.client, link, zipped, size=status["size"], progress=self.progress)
            facts = {name: status.get(name) for name in ("doi", "license", "created", "totalRecords", "numberDatasets")}
            self.folder.note(zipped.name, self.client.address(link), **facts)
            try:
                reports = pipeline.ingest("gbif", [zipped], self.settings, hear=hear, progress=self.progress)
            except InputError:
                zipped.unlink(missing_ok=True)
                raise
            self.folder.commit()
        last_full = status["created"] if state["full"] else state.get("last_full")
        self.folder.save(key=None, full=None, doi=status["doi"], created=status["created"], last_full=last_full)
        zipped.unlink(missing_ok=True)
        return reports

    def _search(self, pygbif: Any, taxa: list[Taxon], place: dict[str, str], *, limit: int) -> dict[str, Any]:
        """Return a page of GBIF's search, its first records or, without any, its facets."""
        if self.scope.raw:
            body: dict[str, Any] = {"predicate": self.scope.predicate(taxa), "limit": limit}
            body |= {} if limit else {"facets": [*_FACETS.values()], "facetLimit": _MOST_FACETS}
            page = json.loads(self.client.post("occurrence/search/predicate", body))
        else:
            facets = {} if limit else {"facet": [*_FACETS], "datasetKey_facetLimit": _MOST_FACETS}
            page = pygbif.occurrences.search(**self.scope.search(taxa), **place, **facets, limit=limit)
        if not isinstance(page, dict) or not {"count", "results"} <= page.keys():
            msg = "GBIF's search answers with JSON of another shape than it did; nothing was taken: a newer biodata may know it"
            raise RemoteError(msg)
        return page

    @property
    def _credentials(self) -> tuple[str, str]:
        return self.account.user, self.account.pwd.get_secret_value()

    def check_account(self) -> None:
        """Make sure that there is an account (ACCOUNT_MISSING)."""
        if not self.account.complete:
            problem = "a download needs an account at GBIF"
            expected = f"GBIF_USER, GBIF_PWD and GBIF_EMAIL in the environment; {_WHERE}; {_WITHOUT}"
            raise InputError(problem, expected=expected, code="ACCOUNT_MISSING")

    def raise_nothing(self) -> NoReturn:
        """Say that GBIF has no record of the scope (INPUT_EMPTY)."""
        problem = f"GBIF has no record of {_words(self.scope.as_dict())}"
        raise InputError(problem, expected="more places, taxa or years", code="INPUT_EMPTY")

    def _place(self, predicate: dict[str, Any]) -> str:
        """Place an order and return its key."""
        user, password = self._credentials
        request = import_module("pygbif.occurrences.download").GbifDownload(user, self.account.email)
        request.predicate, request.format = predicate, "DWCA"
        request.payload["sendNotification"] = False
        key = str(request.post_download(user, password))
        if not re.fullmatch(r"[0-9-]{5,40}", key):
            msg = f"GBIF answered {shorten(key)!r} in the place of a download's key"
            raise RemoteError(msg)
        return key

    def _ordered(self, pygbif: Any, predicate: dict[str, Any]) -> str | None:
        """Return the key of an order that was placed when the run before was cut off, before it knew the key."""
        mine = pygbif.occurrences.download_list(*self._credentials, limit=20)
        same = [one for one in mine["results"] if (one.get("request") or {}).get("predicate") == predicate]
        return next((str(one["key"]) for one in same if one.get("status") in {*_WAITING, "SUCCEEDED"}), None)

    def _since(self, state: dict[str, Any]) -> str | None:
        """Return the date from which on records are asked for that GBIF interpreted; None for everything."""
        if "created" not in state or "last_full" not in state:
            return None
        if self.now - datetime.fromisoformat(state["last_full"]) >= _FULL_EVERY:
            return None
        return (datetime.fromisoformat(state["created"]) - _MARGIN).date().isoformat()

    def _wait(self, key: str, hours: float) -> dict[str, Any]:
        """Ask for the order's status until the file is there."""
        with tqdm(desc=f"GBIF download {key}", unit="poll", disable=not self.progress) as bar:
            for pause in chain(waits(hours), [None]):
                status = self._status(key)
                bar.set_postfix_str(status["status"])
                bar.update()
                if status["status"] == "SUCCEEDED":
                    return status
                if status["status"] not in _WAITING:
                    self.folder.save(key=None)
                    msg = f"GBIF's download {key} is {status['status']}; the next run orders anew"
                    raise RemoteError(msg)
                if pause is not None:
                    self.client.sleep(pause)
        msg = f"GBIF's download {key} is still {status['status']} after {hours:g} hours; the next run waits on"
        raise RemoteError(msg)

    def _status(self, key: str) -> dict[str, Any]:
        """Return what GBIF tells of an order."""
        try:
            with pygbif_over(self.client) as pygbif:
                status = pygbif.occurrences.download_meta(key)
        except RefusedError as error:
            if error.status == 404:
                self.folder.save(key=None)
            raise
        facts = status if isinstance(status, dict) else {}
        needed = {"size": int, "doi": str, "created": str} if facts.get("status") == "SUCCEEDED" else {"status": str}
        for name, kind in needed.items():
            if not isinstance(facts.get(name), kind):
                msg = f"GBIF's status of download {key} tells no {name}"
                raise RemoteError(msg)
        return facts


def _words(scope: dict[str, Any]) -> str:
    """Return a scope as the options that ask for it."""
    listed = [f"--{name} {value}" for name in ("country", "province", "taxon") for value in scope[name]]
    since = [f"--since {scope['since']}"] if scope["since"] else []
    files = [f"--{name} …" for name in ("within", "predicate") if scope.get(name)]
    return " ".join([*listed, *since, *files]) or "this"


def _described(facts: dict[str, Any]) -> DatasetInfo:
    """Return what GBIF's registry tells of a dataset."""
    citation = (facts.get("citation") or {}).get("text")
    return DatasetInfo(facts["key"], facts.get("title"), facts.get("license"), citation, facts.get("doi"))
