"""Protected and conserved areas of the World Database (WDPCA), from Protected Planet's API v4.

Its terms forbid passing the data on: it goes into an installation's lake with that licence, and the report says so.
https://api.protectedplanet.net/documentation
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

import pycountry

from biodata.core.settings import Settings
from biodata.pipeline.report import IngestReport
from biodata.pull.gbif_scope import or_region
from biodata.pull.service import Counts, Source

TERMS: Final = "https://www.protectedplanet.net/en/legal"
DATASET: Final = "protected-planet"
_PAGE: Final = 50
"""The API's largest page."""
_COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SITE_ID": "site_id", "SITE_PID": "site_pid", "SITE_TYPE": "site_type", "NAME_ENG": "name_english", "NAME": "name",
        "DESIG_ENG": "designation.name", "DESIG_TYPE": "designation.jurisdiction.name", "IUCN_CAT": "iucn_category.name",
        "INT_CRIT": "international_criteria", "REALM": "realm.name", "REP_M_AREA": "reported_marine_area",
        "GIS_M_AREA": "gis_marine_area", "REP_AREA": "reported_area", "GIS_AREA": "gis_area", "NO_TAKE": "no_take_status.name",
        "NO_TK_AREA": "no_take_status.area", "STATUS": "legal_status.name", "GOV_TYPE": "governance.governance_type",
        "GOVSUBTYPE": "governance_subtype", "OWN_TYPE": "owner_type", "OWNSUBTYPE": "ownership_subtype",
        "MANG_AUTH": "management_authority.name", "MANG_PLAN": "management_plan", "VERIF": "verif",
        "INLND_WTRS": "inland_waters", "OECM_ASMT": "oecm_assessment", "PRNT_ISO3": "parent_iso3",
    }
)  # fmt: skip
"""WDPCA's columns, and where the API has their values."""


class ProtectedPlanet(Source):
    """The sites of some countries; of the region's where none is named.

    Parameters
    ----------
    countries : sequence of str
        ISO 3166-1 alpha-2.
    settings : Settings
    progress : bool
    """

    name, called, setting, owner = (
        "protected-areas", "Protected Planet", "protected_planet_url", "protectedplanet.net",
    )  # fmt: skip
    licence = f"Protected Planet's terms forbid passing the data on and using it commercially: {TERMS}"
    variable = "PROTECTED_PLANET_TOKEN"
    help = (
        "https://api.protectedplanet.net/request gives one; a file from protectedplanet.net is taken in by "
        "`biodata ingest protected-areas`"
    )

    def __init__(self, countries: Sequence[str], settings: Settings, *, progress: bool = False) -> None:
        super().__init__(settings, progress=progress)
        self.countries = or_region(countries)

    def estimate(self) -> Counts:
        """Return how many sites each country has."""
        about = {code: self.service.ask(f"countries/{_iso3(code)}", "country")["country"] for code in self.countries}
        return {f"{code}, sites": int(one.get("pas_count") or 0) for code, one in about.items()}

    def pull(self) -> list[IngestReport]:
        """Take the sites in, country by country."""
        reports, cited = [], f"{datetime.now(UTC):%B %Y}"
        citation = f"UNEP-WCMC and IUCN ({cited[-4:]}), Protected Planet: WDPCA, {cited}, Cambridge, UK. www.protectedplanet.net."
        facts: dict[str, Any] = {"title": "WDPCA, from Protected Planet", "license": TERMS, "citation": citation}
        for code in self.countries:
            folder = self.folder(country=code)

            def page(number: int, _: Any, iso3: str = _iso3(code)) -> list[dict[str, Any]]:
                asked = {"country": iso3, "with_geometry": "true", "per_page": _PAGE, "page": number}
                return self.service.rows("protected_areas/search", "protected_areas", **asked)

            features = [_feature(site) for site in folder.pages(page, size=_PAGE)]
            if not features:
                self.raise_empty(f"no site of {code}", folder)
            file = folder.path / f"{_iso3(code)}.geojson"
            collection = {"type": "FeatureCollection", "features": features}
            file.write_text(json.dumps(collection, ensure_ascii=False), encoding="utf-8")
            reports += self.take_in(
                "protected-areas", file, [folder], "protected_areas/search", dataset=DATASET, **facts
            )
        reports[-1].notes.append(
            f"a release has these sites, and Protected Planet's terms forbid passing them on: {TERMS}"
        )
        return reports


def _feature(site: Mapping[str, Any]) -> dict[str, Any]:
    """Return a site as a feature with WDPCA's columns."""
    properties = {name: _value(site, path) for name, path in _COLUMNS.items()}
    properties["ISO3"] = ";".join(str(country.get("iso_3")) for country in site.get("countries") or [])
    properties["SITE_TYPE"] = properties["SITE_TYPE"] or ("OECM" if site.get("is_oecm") else "PA")
    properties["STATUS_YR"] = str(site.get("legal_status_updated_at") or "")[-4:] or None  # as 31/12/1993
    geometry = (site.get("geojson") or {}).get("geometry")
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _value(site: Mapping[str, Any], path: str) -> str | None:
    """Return a value that may stand deeper, as text."""
    value: Any = site
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return None if value is None or value == "" else str(value)


def _iso3(code: str) -> str:
    return str(pycountry.countries.lookup(code).alpha_3)
