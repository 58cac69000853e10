"""Lists of introduced and invasive species: the Global Register (GRIIS), one checklist a country, as archives from GBIF."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from biodata import pipeline
from biodata.errors import InputError, RemoteError
from biodata.pipeline.report import IngestReport
from biodata.pull.gbif_scope import or_region
from biodata.pull.kept import Folder
from biodata.pull.pygbif_client import pygbif_over
from biodata.pull.service import client_for
from biodata.settings import Settings
from biodata.text.countries import country_candidates

_PUBLISHER: Final = "cdef28b1-db4e-4c58-aa71-3c5238c2d0b5"
"""IUCN's Invasive Species Specialist Group, at GBIF."""
_TITLE: Final = re.compile(
    r"introduced and invasive species\s*-\s*(?P<place>[^-]+?)\s*(-\s*version.*)?$", re.IGNORECASE
)
_PAGE: Final = 500


class AlienLists:
    """The lists of some countries; of the region's where none is named.

    Parameters
    ----------
    countries : sequence of str
        ISO 3166-1 alpha-2.
    settings : Settings
    progress : bool
    """

    licence: Final = "each list is CC BY 4.0 or CC0, by its own metadata; its citation is kept with it"

    def __init__(self, countries: Sequence[str], settings: Settings, *, progress: bool = False) -> None:
        self.countries = or_region(countries)
        self.settings, self.progress = settings, progress
        self.client = client_for(settings.gbif_url, settings, friends=["gbif.org"])

    def estimate(self) -> dict[str, int]:
        """Return how many names each list has, by its title."""
        found, counts = self._lists(), dict[str, int]()
        with pygbif_over(self.client) as pygbif:
            for country in self.countries:
                for one in found.get(country, []):
                    metrics = pygbif.registry.dataset_metrics(uuid=one["key"])
                    counts[one["title"]] = int(metrics.get("usagesCount", 0))
        return counts

    def pull(self) -> list[IngestReport]:
        """Take the lists in that are new or have changed; the others stay as they are.

        Raises
        ------
        InputError
            If there is no list of any of the countries (INPUT_EMPTY).
        RemoteError
            If GBIF fails, or a list has no archive.
        """
        found, reports = self._lists(), list[IngestReport]()
        if not any(country in found for country in self.countries):
            problem = f"the Global Register has no list of {', '.join(self.countries)}"
            raise InputError(problem, code="INPUT_EMPTY")
        for one in [one for country in self.countries for one in found.get(country, [])]:
            with pygbif_over(self.client) as pygbif:
                told = pygbif.registry.datasets(uuid=one["key"])
            urls = [
                end["url"] for end in told.get("endpoints", []) if end.get("type") == "DWC_ARCHIVE" and end.get("url")
            ]
            if not urls:
                msg = f"GBIF tells no archive of {one['title']}; the lists before it were taken"
                raise RemoteError(msg)
            folder, citation = (
                Folder(self.settings.data, "alien", {"list": one["key"]}),
                (told.get("citation") or {}).get("text"),
            )
            facts = {
                "license": told.get("license"),
                "doi": told.get("doi"),
                "citation": citation,
                "title": told.get("title"),
            }
            if folder.take(self.client, urls[0], "list.zip", progress=self.progress, **facts):
                options = {name: facts[name] for name in ("title", "license", "citation") if facts[name]}
                with folder.taking("list.zip") as file:
                    reports += pipeline.ingest("checklist", [file], self.settings, dataset=one["key"], options=options)
        return reports

    def _lists(self) -> dict[str, list[dict[str, Any]]]:
        """Return the lists of countries as a whole, by country."""
        found: dict[str, list[dict[str, Any]]] = {}
        for one in self._published():
            place = _TITLE.search(" ".join(str(one.get("title", "")).split()))
            codes = country_candidates(place["place"]) if place else ()
            if len(codes) == 1:
                found.setdefault(codes[0], []).append(one)
        return found

    def _published(self) -> Iterator[dict[str, Any]]:
        """Yield all checklists of the publisher."""
        offset, ended = 0, False
        while not ended:
            with pygbif_over(self.client) as pygbif:
                page = pygbif.registry.dataset_search(
                    publishingOrg=_PUBLISHER, type="CHECKLIST", limit=_PAGE, offset=offset
                )
            if not isinstance(page, dict) or not isinstance(page.get("results"), list):
                msg = "GBIF's search of datasets answers with JSON of another shape than it did; nothing was taken"
                raise RemoteError(msg)
            yield from page["results"]
            offset += len(page["results"])
            ended = bool(page.get("endOfRecords", True)) or not page["results"]
