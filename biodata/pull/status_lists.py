"""What IUCN's Red List and CITES' appendices say of taxa, from their APIs; national lists are files that `ingest` reads.

https://api.iucnredlist.org/api-docs, https://api.speciesplus.net/documentation
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from biodata.core.settings import Settings
from biodata.pipeline.report import IngestReport
from biodata.pull.gbif_scope import or_region
from biodata.pull.service import Counts, Source, plain_table
from biodata.text.tables import read_rows

RED_LIST: Final = "iucn-red-list"
CITES: Final = "cites-species-plus"
_RED_PAGE: Final = 100
_RED: Final = MappingProxyType(
    {
        "scientificName": "taxon_scientific_name", "iucnRedListCategory": "red_list_category_code", "url": "url",
        "assessmentID": "assessment_id", "yearPublished": "year_published",
    }
)  # fmt: skip
"""Columns of the list, and what the Red List calls them."""
_CITES_PAGE: Final = 500
"""The largest page of Species+."""


SHIPPED: Final = "cites_appendices.csv"
"""Entries of CITES that concern the region, written by hand: groups, and species that are in another appendix than theirs."""
_SHIPPED_YEAR: Final = "2023"
"""Of the appendices in force from 23 February 2023, after the 19th Conference of the Parties."""


class _StatusLists(Source):
    """A list of names with a status each."""

    def _take_list(
        self, rows: Sequence[dict[str, Any]], folders: Sequence[Any], dataset: str, *, year: str = "", **facts: Any
    ) -> list[IngestReport]:
        """Ingest a list as a checklist of a year, this one where none is named."""
        year, kind = year or str(datetime.now(UTC).year), self.name.replace("-", "_")
        folders[0].path.mkdir(parents=True, exist_ok=True)
        file = folders[0].path / f"{kind}.csv"
        plain_table(rows).write_csv(file)
        declared = {"list": "cites" if dataset == CITES else kind, "scope": "global", "year": year}
        declared["authority"] = "CITES" if dataset == CITES else "IUCN"
        return self.take_in("checklist", file, folders, "", dataset=dataset, options=declared, **facts)


class RedList(_StatusLists):
    """The global assessments of what lives in some countries; in the region's where none is named.

    Parameters
    ----------
    countries : sequence of str
        ISO 3166-1 alpha-2.
    settings : Settings
    progress : bool
    """

    name, called, setting, owner = "red-list", "IUCN's Red List", "red_list_url", "iucnredlist.org"
    terms: Final = "https://www.iucnredlist.org/terms/terms-of-use"
    licence = f"IUCN's terms forbid commercial use and passing the list on: {terms}"
    variable = "IUCN_TOKEN"
    help = "https://api.iucnredlist.org/users/sign_up gives one; a national list in a file is taken in by `biodata ingest checklist`"

    def __init__(self, countries: Sequence[str], settings: Settings, *, progress: bool = False) -> None:
        super().__init__(settings, progress=progress)
        self.countries = or_region(countries)

    def estimate(self) -> Counts:
        """Return how many assessments each country has: the API states no total, so its pages are asked."""
        counts = {}
        for code in self.countries:
            page, assessments = 1, len(self._page(code, 1))
            while assessments == page * _RED_PAGE:
                page += 1
                assessments += len(self._page(code, page))
            counts[f"{code}, assessments"] = assessments
        return counts

    def pull(self) -> list[IngestReport]:
        """Take the list of all the countries in, as one checklist with its status."""
        found: dict[str, dict[str, Any]] = {}
        folders = [self.folder(country=code) for code in self.countries]
        for code, folder in zip(self.countries, folders, strict=True):
            for one in folder.pages(partial(self._page, code), size=_RED_PAGE):
                found.setdefault(str(one["sis_taxon_id"]), {**one, "countries": []})["countries"].append(code)
        if not found:
            self.raise_empty(f"nothing of {', '.join(self.countries)}", *folders)
        rows = [
            {
                "taxonID": key,
                "countryCode": ";".join(one["countries"]),
                **{column: one.get(name) for column, name in _RED.items()},
            }
            for key, one in found.items()
        ]
        cited = f"IUCN {datetime.now(UTC):%Y}. The IUCN Red List of Threatened Species, by its API v4. https://www.iucnredlist.org"
        whole = self.folder(country=self.countries, list="whole")
        facts = {"title": "IUCN Red List", "license": self.terms, "citation": cited}
        return self._take_list(rows, [whole, *folders], RED_LIST, **facts)

    def _page(self, code: str, number: int, _: Any = None) -> list[dict[str, Any]]:
        """Return a page of the latest global assessments of a country."""
        needed = ("sis_taxon_id", "taxon_scientific_name")
        return self.service.rows(f"countries/{code}", "assessments", *needed, page=number, latest="true", scope_code=1)


class Protection(_StatusLists):
    """What CITES' appendices list, from Species+: all of it, or below one taxon; without a token the entries that ship.

    Parameters
    ----------
    taxon : str, optional
        Only this name and what is below it.
    settings : Settings
    progress : bool
    """

    name, called, setting, owner = "protection", "Species+", "species_plus_url", "speciesplus.net"
    terms: Final = "https://www.speciesplus.net/terms-of-use"
    licence = f"what CITES lists is a fact of law; Species+ asks to be cited and forbids commercial use: {terms}"
    variable, token_header = "SPECIESPLUS_TOKEN", "x-authentication-token"
    help = (
        "https://api.speciesplus.net/users/sign_up gives one; the list of a country, or of CITES, in a file is taken in by "
        "`biodata ingest checklist FILE --option list=protection --option scope=VN --option year=2021`"
    )

    def __init__(self, taxon: str | None, settings: Settings, *, progress: bool = False) -> None:
        super().__init__(settings, progress=progress)
        self.asked = {"taxonomy": "CITES", "name": taxon, "with_descendants": "true" if taxon else None}

    @property
    def _ships(self) -> bool:
        return self.asked["name"] is None and self.service.lacks_token

    def estimate(self) -> Counts:
        """Return how many names there are."""
        if self._ships:
            return {"entries that biodata ships": len(read_rows(SHIPPED))}
        answer = self.service.ask("taxon_concepts", "pagination", **self.asked, per_page=1, page=1)
        return {"names": int(self.service.check(answer["pagination"], "total_entries")["total_entries"])}

    def pull(self) -> list[IngestReport]:
        """Take the names in with their appendix; a synonym stands beside its accepted name."""
        folder = self.folder(**self.asked)
        if self._ships:
            shipped: list[dict[str, Any]] = [
                {"taxonID": row["scientificName"], "taxonomicStatus": "accepted", **row} for row in read_rows(SHIPPED)
            ]
            cited = (
                "CITES. Appendices I, II and III, valid from 23 February 2023. https://cites.org/eng/app/appendices.php"
            )
            title = "CITES appendices: entries that concern the region, by hand"
            facts = {"title": title, "license": "CC0-1.0", "citation": cited}
            return self._take_list(shipped, [folder], CITES, year=_SHIPPED_YEAR, **facts)

        def page(number: int, _: Any) -> list[dict[str, Any]]:
            needed, paging = ("id", "full_name", "rank"), {"per_page": _CITES_PAGE, "page": number}
            return self.service.rows("taxon_concepts", "taxon_concepts", *needed, **self.asked, **paging)

        rows = [_listed(one) for one in folder.pages(page, size=_CITES_PAGE) if one.get("name_status", "A") == "A"]
        if not rows:
            self.raise_empty("no such name", folder)
        cited = f"UNEP ({datetime.now(UTC):%Y}). The Species+ Website. Compiled by UNEP-WCMC for the CITES Secretariat. www.speciesplus.net"
        return self._take_list(
            rows, [folder], CITES, title="CITES appendices, from Species+", license=self.terms, citation=cited
        )


def _listed(concept: dict[str, Any]) -> dict[str, str | None]:
    """Return a taxon of Species+ as a row of a checklist."""
    above = concept.get("higher_taxa") or {}
    return {
        "taxonID": str(concept["id"]),
        "scientificName": " ".join(filter(None, (concept["full_name"], concept.get("author_year")))),
        "taxonRank": str(concept["rank"]).lower(),
        "taxonomicStatus": "accepted",
        **{rank: above.get(rank) for rank in ("kingdom", "phylum", "class", "order", "family")},
        "cites": concept.get("cites_listing"),
    }
