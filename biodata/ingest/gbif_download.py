"""Occurrences from GBIF's download service: asked for, waited for, fetched, and read as the file that they are.

A first run fetches everything of a scope. Later ones fetch what GBIF interpreted since, and now and then everything
again: what a full run no longer has is gone at GBIF. A run that was cut off goes on where it was: the request's key
and what was fetched of the file are kept in the data folder, and are let go by `committed`.
"""

import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final

import polars as pl
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from tqdm.auto import tqdm

from biodata.errors import InputError, RemoteError, shorten
from biodata.ingest.gbif import GbifSource
from biodata.ingest.gbif_predicates import predicate, region
from biodata.ingest.gbif_state import State, StateFolder, identities
from biodata.ingest.http import Client
from biodata.ingest.http_answers import RefusedError
from biodata.ingest.http_files import fetch
from biodata.ingest.protocol import VerbatimTable
from biodata.ingest.tables import check_options
from biodata.settings import Settings

logger = logging.getLogger(__name__)

FORMATS: Final = ("DWCA", "SIMPLE_CSV")
_OPTIONS: Final = frozenset(
    {"country", "province", "taxon", "since", "full", "full_every_days", "format", "wait_hours"}
)
_WAITING: Final = frozenset({"PREPARING", "RUNNING", "SUSPENDED"})
_FIRST_POLL_SECONDS: Final = 5.0
_LONGEST_POLL_SECONDS: Final = 60.0
# GBIF's index lags behind its interpretation; a record asked for twice is found unchanged.
_MARGIN: Final = timedelta(days=1)
_YES: Final = frozenset({"yes", "true", "1"})
_NEEDED: Final = MappingProxyType({"size": int, "doi": str, "created": str})


class GbifAccount(BaseSettings):
    """An account at GBIF, from the environment under the names that GBIF's own clients use.

    Attributes
    ----------
    user, pwd, email : str
        `GBIF_USER`, `GBIF_PWD`, `GBIF_EMAIL`.
    """

    model_config = SettingsConfigDict(env_prefix="GBIF_", frozen=True, extra="ignore")

    user: str = Field(default="")
    pwd: SecretStr = Field(default=SecretStr(""))
    email: str = Field(default="")


class GbifDownload:
    """Records of countries and provinces from GBIF.

    Options: `country` and `province` (codes, separated by commas; the whole region where neither is told), `taxon`
    (GBIF's keys), `since` (a date, in the place of the last run's), `full=yes`, `full_every_days` (30), `format` (DWCA
    or SIMPLE_CSV), `wait_hours` (24).

    Parameters
    ----------
    paths : sequence of Path
        None.
    dataset : str, optional
        Not used: each of GBIF's records tells its dataset.
    options : mapping
        See above.
    progress : bool
        Show progress bars.
    settings : Settings, optional
        The installation: its data folder, GBIF's address.
    account : GbifAccount, optional
        The account; from the environment where it is not given.
    client : Client, optional
        The client; one for the address of `settings` where it is not given.
    """

    name: ClassVar[str] = "gbif"

    def __init__(
        self,
        paths: Sequence[Path] = (),
        *,
        dataset: str | None = None,
        options: Mapping[str, str] | None = None,
        progress: bool = False,
        settings: Settings | None = None,
        account: GbifAccount | None = None,
        client: Client | None = None,
    ) -> None:
        if paths:
            problem = "files are not downloaded"
            raise InputError(problem, file=str(paths[0]), code="OPTION_INVALID")
        settings = settings or Settings()
        self.options, self.progress = check_options(options or {}, _OPTIONS, of_tables=False), progress
        self.format = self.options.get("format", FORMATS[0])
        if self.format not in FORMATS:
            problem = "the format of downloads is not known"
            raise InputError(problem, value=self.format, expected=" or ".join(FORMATS), code="OPTION_INVALID")
        self.now = datetime.now(UTC)
        self.scope = self._scope()
        self.client = client or Client(settings.gbif_url, friends={"gbif.org"})
        self.account = account or GbifAccount()
        digest = hashlib.sha256(json.dumps([self.scope, self.format], sort_keys=True).encode()).hexdigest()[:16]
        self.kept = StateFolder(settings.data / "gbif" / digest)
        self._status: dict[str, Any] = {}

    def _scope(self) -> dict[str, list[str]]:
        """Return the places and taxa that are asked for."""
        told = {name: self._listed(name) for name in ("country", "province", "taxon")}
        if not told["country"] and not told["province"]:
            told["country"], told["province"] = region(self.now.date())
        predicate(countries=told["country"], provinces=told["province"], taxa=told["taxon"])  # are they known?
        return told

    def _listed(self, option: str) -> list[str]:
        return sorted({part.strip() for part in self.options.get(option, "").split(",") if part.strip()})

    def read(self) -> Iterator[VerbatimTable]:
        """Yield one table: all records, or those that GBIF interpreted since the last run that was committed.

        Its `gone` is complete when its batches are read: after a full run the records of earlier runs that GBIF no
        longer has in this scope.

        Raises
        ------
        InputError
            If there is no account.
        RemoteError
            If GBIF refuses, fails, or is not ready in time; the next run goes on waiting.
        """
        state = self.kept.load()
        if state.key is None:
            state = self._request(state)
        self._status = self._wait(state)
        target = self.kept.zip_of(state)
        if not target.exists():
            link = f"occurrence/download/request/{state.key}.zip"
            fetch(self.client, link, target, size=self._status["size"], progress=self.progress)
        try:
            (table,) = GbifSource([target], options={}).read()
        except InputError:
            target.unlink()  # the next run fetches it again
            raise
        doi, created = self._status["doi"], datetime.fromisoformat(self._status["created"])
        table.name = f"GBIF download {state.key}"
        table.dataset.doi = doi
        table.dataset.citation = f"GBIF.org ({created:%d %B %Y}) GBIF Occurrence Download https://doi.org/{doi}"
        table.declarations = {**table.declarations, "gbif_download_key": str(state.key), "gbif_download_doi": doi}
        table.batches = self._followed(table, table.batches, target, full=state.full)
        yield table

    def committed(self) -> None:
        """Keep that what the last `read` gave is in the lake: the next run asks for what came since.

        Raises
        ------
        RuntimeError
            If the batches of `read` were not consumed.
        """
        if not self._status:
            message = "committed() was called before read()"
            raise RuntimeError(message)
        state = self.kept.load()
        self.kept.commit()
        created = self._status["created"]
        last_full = created if state.full else state.last_full
        self.kept.save(State(doi=self._status["doi"], created=created, last_full=last_full), self.scope)
        self.kept.zip_of(state).unlink(missing_ok=True)

    def _request(self, state: State) -> State:
        """Ask GBIF for a download and keep its key."""
        since = self._since(state)
        if not (self.account.user and self.account.pwd.get_secret_value() and self.account.email):
            problem = "a download needs an account at GBIF"
            expected = "GBIF_USER, GBIF_PWD and GBIF_EMAIL in the environment"
            raise InputError(problem, expected=expected, code="ACCOUNT_MISSING")
        countries, provinces, taxa = (self.scope[name] for name in ("country", "province", "taxon"))
        body = {
            "creator": self.account.user,
            "notificationAddresses": [self.account.email],
            "sendNotification": False,
            "format": self.format,
            "predicate": predicate(countries=countries, provinces=provinces, taxa=taxa, since=since),
        }
        key = self.client.post("occurrence/download/request", body, account=self._credentials())
        if not re.fullmatch(r"[0-9-]{5,40}", key):
            msg = f"GBIF answered {shorten(key)!r} in the place of a download's key"
            raise RemoteError(msg)
        logger.info("GBIF download %s requested, %s", key, f"interpreted since {since}" if since else "everything")
        state = replace(state, key=key, full=since is None)
        self.kept.forget_files()
        self.kept.save(state, self.scope)
        return state

    def _since(self, state: State) -> str | None:
        """Return the date from which records are asked for; None for everything."""
        if told := self.options.get("since"):
            try:
                return date.fromisoformat(told).isoformat()
            except ValueError as error:
                problem = "the option since is no date"
                raise InputError(problem, value=told, expected="YYYY-MM-DD", code="OPTION_INVALID") from error
        if state.created is None or state.last_full is None or self.options.get("full", "no").lower() in _YES:
            return None
        if self.now - datetime.fromisoformat(state.last_full) >= timedelta(days=self._number("full_every_days", 30)):
            return None
        return (datetime.fromisoformat(state.created) - _MARGIN).date().isoformat()

    def _number(self, option: str, default: float) -> float:
        told = self.options.get(option, str(default))
        if not re.fullmatch(r"\d{1,6}(\.\d+)?", told):
            problem = f"the option {option} is no number"
            raise InputError(problem, value=told, expected=f"such as {default}", code="OPTION_INVALID")
        return float(told)

    def _credentials(self) -> tuple[str, str]:
        return self.account.user, self.account.pwd.get_secret_value()

    def _wait(self, state: State) -> dict[str, Any]:
        """Ask for the request's status until the file is there."""
        waited, pause, limit = 0.0, _FIRST_POLL_SECONDS, self._number("wait_hours", 24) * 3600
        with tqdm(desc=f"GBIF download {state.key}", unit="poll", disable=not self.progress) as bar:
            while True:
                status = self._ask(state)
                told = str(status["status"])
                bar.set_postfix_str(told)
                bar.update()
                if told == "SUCCEEDED":
                    return status
                if told not in _WAITING:
                    self.kept.save(replace(state, key=None), self.scope)
                    msg = f"GBIF's download {state.key} is {told}; the next run asks anew"
                    raise RemoteError(msg)
                if waited >= limit:
                    hours = f"{limit / 3600:g} hours"
                    msg = f"GBIF's download {state.key} is still {told} after {hours}; the next run waits on"
                    raise RemoteError(msg)
                self.client.sleep(pause)
                waited, pause = waited + pause, min(pause * 1.5, _LONGEST_POLL_SECONDS)

    def _ask(self, state: State) -> dict[str, Any]:
        """Return what GBIF tells of the request."""
        try:
            status = self.client.get_json(f"occurrence/download/{state.key}")
        except RefusedError as error:
            if error.status == 404:
                self.kept.save(replace(state, key=None), self.scope)
            raise
        told = status if isinstance(status, dict) else {}
        needed = _NEEDED if told.get("status") == "SUCCEEDED" else {"status": str}
        for name, kind in needed.items():
            if not isinstance(told.get(name), kind):
                msg = f"GBIF's status of download {state.key} tells no {name}"
                raise RemoteError(msg)
        return told

    def _followed(
        self, table: VerbatimTable, batches: Iterator[pl.DataFrame], target: Path, *, full: bool
    ) -> Iterator[pl.DataFrame]:
        """Yield the batches and keep who was in them; a file that is broken is not kept for the next run."""
        seen = []
        try:
            for batch in batches:
                seen.append(identities(batch))
                yield batch
        except InputError:
            target.unlink(missing_ok=True)
            raise
        table.gone.extend(self.kept.follow(seen, full=full))
