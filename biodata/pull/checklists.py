"""Checklists as archives: those of ChecklistBank by their key, and of the Global Register of alien species, one a country, from GBIF.

https://api.checklistbank.org
"""

import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from biodata import pipeline
from biodata.core.errors import InputError, RemoteError
from biodata.core.settings import Settings
from biodata.pipeline.report import IngestReport
from biodata.pull.gbif import Account
from biodata.pull.gbif_scope import or_region
from biodata.pull.kept import Folder
from biodata.pull.pygbif_client import pygbif_over
from biodata.pull.service import Counts, Source, waits
from biodata.text.countries import country_candidates

# ChecklistBank writes GBIF's three licences without their versions.
_LICENCES: Final = MappingProxyType({"cc0": "CC0 1.0", "cc by": "CC BY 4.0", "cc by nc": "CC BY-NC 4.0"})
_WAITING: Final = frozenset({"waiting", "blocked", "running"})
_PUBLISHER: Final = "cdef28b1-db4e-4c58-aa71-3c5238c2d0b5"
"""IUCN's Invasive Species Specialist Group, at GBIF."""
_TITLE: Final = re.compile(
    r"introduced and invasive species\s*-\s*(?P<place>[^-]+?)\s*(-\s*version.*)?$", re.IGNORECASE
)
_PAGE: Final = 500


class _Archives(Source):
    """Archives that are fetched again where they have changed."""

    def _take_archive(self, folder: Folder, url: str, dataset: str, facts: dict[str, Any]) -> list[IngestReport]:
        """Fetch an archive and ingest it; nothing where it is as it was."""
        if not folder.take(self.service.client, url, "list.zip", progress=self.progress, **facts):
            return []
        stated = {
            name: str(facts[name]) for name in ("title", "license", "citation", "doi", "version") if facts.get(name)
        }
        with folder.reading_once("list.zip") as file:
            return pipeline.ingest("checklist", [file], self.settings, dataset=dataset, options=stated)


class ChecklistBank(_Archives):
    """A checklist of ChecklistBank: the Catalogue of Life, or any other, whole or below a taxon.

    Parameters
    ----------
    key : str
        The dataset's key at ChecklistBank, such as 3LR, the newest Catalogue of Life.
    taxon : str, optional
        Only what is below this name; an export of a part needs GBIF's account, as a download does.
    settings : Settings
    account : Account, optional
        From the environment where it is not given.
    progress : bool
    """

    name, called, setting, owner = "checklist", "ChecklistBank", "checklistbank_url", "checklistbank.org"
    licence = "as the checklist's own metadata state, which are kept with it"

    def __init__(
        self, key: str, taxon: str | None, settings: Settings, *, account: Account | None = None, progress: bool = False
    ) -> None:
        if not re.fullmatch(r"[0-9A-Za-z-]{1,40}", key):
            problem = "this is no key of a dataset"
            raise InputError(problem, value=key, expected="such as 3LR or 2144", code="OPTION_INVALID")
        super().__init__(settings, progress=progress)
        self.key, self.taxon, self.account = key, taxon, account or Account()

    def estimate(self) -> Counts:
        """Return how many names the checklist has, and how many of them are below the taxon."""
        about = self.service.ask(f"dataset/{self.key}", "title")
        counts = {f"{about['title']} {about.get('version') or ''}".strip(): int(about.get("size") or 0)}
        if self.taxon:
            path, root = f"dataset/{self.key}/nameusage/search", self._root()["id"]
            counts[f"below {self.taxon}"] = int(self.service.ask(path, "total", TAXON_ID=root, limit=0)["total"])
        return counts

    def pull(self) -> list[IngestReport]:
        """Fetch the checklist and take it in; nothing where it is as it was."""
        about = self.service.ask(f"dataset/{self.key}", "title")
        facts = {name: about.get(name) for name in ("title", "version", "citation", "doi")}
        facts["license"] = _LICENCES.get(str(about.get("license") or "").lower())
        folder = self.folder(dataset=self.key, taxon=self.taxon)
        whole = f"dataset/{self.key}/export.zip?extended=true&format=DWCA"
        url = self._exported(folder) if self.taxon else whole
        reports = self._take_archive(folder, url, f"checklistbank-{self.key}", facts)
        folder.save(job=None)
        return reports

    def _root(self) -> dict[str, Any]:
        """Return the usage that the taxon is in the checklist."""
        answer = self.service.ask(f"dataset/{self.key}/match/nameusage", "match", q=self.taxon)
        usage = answer.get("usage") or {}
        if not answer["match"] or answer.get("type", "exact").lower() != "exact" or "id" not in usage:
            candidates = [one for one in [usage, *(answer.get("alternatives") or [])] if one]
            names = [str(one.get("label") or one.get("name")) for one in candidates]
            problem = "the checklist has no taxon of exactly this name"
            expected = f"one of {'; '.join(names[:6])}" if names else "a name as the checklist has it"
            raise InputError(problem, column="--taxon", value=self.taxon, expected=expected, code="TAXON_UNKNOWN")
        return dict(usage)

    def _exported(self, folder: Folder) -> str:
        """Order an export of the part unless one is on its way, wait for it, and return its address."""
        job = folder.load().get("job")
        if job is None:
            if not self.account.complete:
                problem = "a part of a checklist is exported for an account of GBIF alone"
                expected = "GBIF_USER, GBIF_PWD and GBIF_EMAIL in the environment; without --taxon the whole is fetched without one"
                raise InputError(problem, expected=expected, code="ACCOUNT_MISSING")
            body = {"format": "DWCA", "synonyms": True, "extended": True, "root": {"id": self._root()["id"]}}
            credentials = self.account.user, self.account.pwd.get_secret_value()
            job = self.service.client.post(f"dataset/{self.key}/export", body, account=credentials).strip('"')
            if not re.fullmatch(r"[0-9a-fA-F-]{36}", job):
                msg = f"ChecklistBank answered {job[:60]!r} in the place of an export's key"
                raise RemoteError(msg)
            folder.save(job=job, ordered=datetime.now(UTC).isoformat(timespec="seconds"))
        pauses = waits(math.inf)
        while (export := self.service.ask(f"export/{job}", "status"))["status"] in _WAITING:
            self.service.client.sleep(next(pauses))
        if export["status"] != "finished" or not export.get("download"):
            folder.save(job=None)
            reason = export.get("error") or "no reason given"
            msg = f"ChecklistBank's export {job} is {export['status']}: {reason}; the next run orders anew"
            raise RemoteError(msg)
        return str(export["download"])


class AlienLists(_Archives):
    """The Global Register's lists (GRIIS) of some countries; of the region's where none is named.

    Parameters
    ----------
    countries : sequence of str
        ISO 3166-1 alpha-2.
    settings : Settings
    progress : bool
    """

    name, called, setting, owner = "alien", "the Global Register", "gbif_url", "gbif.org"
    licence = "each list is CC BY 4.0 or CC0, by its own metadata; its citation is kept with it"

    def __init__(self, countries: Sequence[str], settings: Settings, *, progress: bool = False) -> None:
        super().__init__(settings, progress=progress)
        self.countries = or_region(countries)

    def estimate(self) -> Counts:
        """Return how many names each list has, by its title."""
        counts = Counts()
        with pygbif_over(self.service.client) as pygbif:
            for one in self._lists(pygbif):
                counts[one["title"]] = int(pygbif.registry.dataset_metrics(uuid=one["key"]).get("usagesCount", 0))
        return counts

    def pull(self) -> list[IngestReport]:
        """Take the lists in that are new or have changed; the others stay as they are."""
        with pygbif_over(self.service.client) as pygbif:
            listed = [pygbif.registry.datasets(uuid=one["key"]) for one in self._lists(pygbif)]
        if not listed:
            self.raise_empty(f"no list of {', '.join(self.countries)}")
        reports: list[IngestReport] = []
        for one in listed:
            ends = (end for end in one.get("endpoints", []) if end.get("type") == "DWC_ARCHIVE" and end.get("url"))
            if (end := next(ends, None)) is None:
                msg = f"GBIF has no archive of {one['title']}; the lists before it were taken"
                raise RemoteError(msg)
            facts = {name: one.get(name) for name in ("license", "doi", "title")}
            facts["citation"] = (one.get("citation") or {}).get("text")
            reports += self._take_archive(self.folder(list=one["key"]), end["url"], one["key"], facts)
        return reports

    def _lists(self, pygbif: Any) -> list[dict[str, Any]]:
        """Return the lists of the countries as a whole, in the order of the countries."""
        found: dict[str, list[dict[str, Any]]] = {}
        for one in self._published(pygbif):
            place = _TITLE.search(" ".join(str(one.get("title", "")).split()))
            codes = country_candidates(place["place"]) if place else ()
            if len(codes) == 1:
                found.setdefault(codes[0], []).append(one)
        return [one for country in self.countries for one in found.get(country, [])]

    def _published(self, pygbif: Any) -> Iterator[dict[str, Any]]:
        """Yield all checklists of the publisher."""
        offset, ended = 0, False
        while not ended:
            asked = {"publishingOrg": _PUBLISHER, "type": "CHECKLIST", "limit": _PAGE, "offset": offset}
            page = self.service.check(pygbif.registry.dataset_search(**asked), "results")
            yield from page["results"]
            offset += len(page["results"])
            ended = bool(page.get("endOfRecords", True)) or not page["results"]
