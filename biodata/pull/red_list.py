"""IUCN's Red List by country, from its API v4: the category of each species that occurs there.

https://api.iucnredlist.org/api-docs
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import polars as pl

from biodata import pipeline
from biodata.errors import InputError
from biodata.pipeline.report import IngestReport
from biodata.pull.gbif_scope import or_region
from biodata.pull.kept import Folder
from biodata.pull.service import Service, client_for
from biodata.settings import Settings

TERMS: Final = "https://www.iucnredlist.org/terms/terms-of-use"
DATASET: Final = "iucn-red-list"
_PAGE: Final = 100
_HELP: Final = "https://api.iucnredlist.org/users/sign_up gives one; a national list in a file is taken in by `biodata ingest checklist`"


class RedList:
    """The global assessments of what lives in some countries; in the region's where none is named.

    Parameters
    ----------
    countries : sequence of str
        ISO 3166-1 alpha-2.
    settings : Settings
    progress : bool

    Raises
    ------
    InputError
        With ACCOUNT_MISSING, if there is no token.
    """

    licence: Final = f"IUCN's terms forbid commercial use and passing the list on: {TERMS}"

    def __init__(self, countries: Sequence[str], settings: Settings, *, progress: bool = False) -> None:
        self.countries = or_region(countries)
        self.settings, self.progress = settings, progress
        client = client_for(settings.red_list_url, settings, friends=["iucnredlist.org"])
        self.service = Service("IUCN's Red List", client, variable="IUCN_TOKEN", help=_HELP)

    def estimate(self) -> dict[str, int]:
        """Return how many assessments each country has: the API tells no total, so its pages are asked."""
        counts = {}
        for code in self.countries:
            page, told = 1, len(self._page(code, 1))
            counts[f"{code}, assessments"] = told
            while told == _PAGE:
                page += 1
                told = len(self._page(code, page))
                counts[f"{code}, assessments"] += told
        return counts

    def pull(self) -> list[IngestReport]:
        """Take the list of all the countries in, as one checklist with its status; a cut off run goes on.

        Raises
        ------
        InputError
            If there is nothing (INPUT_EMPTY).
        RemoteError
            If the service refuses or fails.
        """
        rows: dict[str, dict[str, Any]] = {}
        folders = [Folder(self.settings.data, "red-list", {"country": code}) for code in self.countries]
        for code, folder in zip(self.countries, folders, strict=True):
            found = folder.pages(partial(self._page, code), size=_PAGE)
            for one in found:
                row = rows.setdefault(str(one["sis_taxon_id"]), {**one, "countries": []})
                row["countries"].append(code)
        if not rows:
            problem = f"the Red List has nothing of {', '.join(self.countries)}"
            raise InputError(problem, code="INPUT_EMPTY")
        table = pl.DataFrame(
            {
                "taxonID": list(rows),
                "scientificName": [one["taxon_scientific_name"] for one in rows.values()],
                "iucnRedListCategory": [one.get("red_list_category_code") for one in rows.values()],
                "countryCode": [";".join(one["countries"]) for one in rows.values()],
                "assessmentID": [str(one.get("assessment_id")) for one in rows.values()],
                "yearPublished": [str(one.get("year_published")) for one in rows.values()],
                "url": [one.get("url") for one in rows.values()],
            }
        )
        whole = Folder(self.settings.data, "red-list", {"country": self.countries, "list": "whole"})
        whole.path.mkdir(parents=True, exist_ok=True)
        table.write_csv(file := whole.path / "red_list.csv")
        year = str(datetime.now(UTC).year)
        citation = f"IUCN {year}. The IUCN Red List of Threatened Species, by its API v4. https://www.iucnredlist.org"
        whole.note(file.name, self.service.client.address("countries"), license=TERMS, citation=citation)
        options = {
            "list": "red_list",
            "scope": "global",
            "year": year,
            "authority": "IUCN",
            "license": TERMS,
            "citation": citation,
        }
        reports = pipeline.ingest(
            "checklist", [file], self.settings, dataset=DATASET, options={**options, "title": "IUCN Red List"}
        )
        for folder in folders:
            folder.forget_pages()
        return reports

    def _page(self, code: str, number: int, _: Any = None) -> list[dict[str, Any]]:
        """Return a page of the latest global assessments of a country."""
        rows = self.service.rows(f"countries/{code}", "assessments", page=number, latest="true", scope_code=1)
        for row in rows:
            self.service.check(row, "sis_taxon_id", "taxon_scientific_name")
        return rows
