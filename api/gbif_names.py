"""GBIF's search parameters and how each is answered, and its codes for licences, countries and issues."""

from functools import cache
from types import MappingProxyType
from typing import Final

from biodata.text.tables import read_rows

PARAMETERS: Final = tuple(read_rows("gbif_parameters.csv"))
"""Every parameter of GBIF's occurrence search, in the first column; the second is `honoured`, `accepted` or `unavailable`."""

ACCEPTED: Final = MappingProxyType({row["name"]: row["instead"] for row in PARAMETERS if row["answer"] == "accepted"})
"""GBIF's parameters that choose no records, and why they change nothing; its clients send some of them always."""

UNAVAILABLE: Final = MappingProxyType(
    {row["name"]: row["instead"] for row in PARAMETERS if row["answer"] == "unavailable"}
)
"""GBIF's parameters that cannot be honoured, and what can be asked instead: records are published without the value."""

# Source: https://gbif.github.io/gbif-api/apidocs/org/gbif/api/vocabulary/OccurrenceIssue.html
ISSUES: Final = frozenset(row["value"] for row in read_rows("gbif_issues.csv"))
"""Issues that GBIF may set; asking for one that we never set is legal and finds nothing."""

TAXONOMIC_ISSUES: Final = ("TAXON", "SCIENTIFIC_NAME_ID", "TAXON_CONCEPT_ID", "TAXON_ID")
"""How the names of issues begin that are about a name."""

GEOSPATIAL_ISSUES: Final = (
    "ZERO_COORDINATE", "COORDINATE_OUT_OF_RANGE", "COORDINATE_INVALID", "COUNTRY_COORDINATE_MISMATCH",
)  # fmt: skip
"""The issues behind `hasGeospatialIssue`. Source: https://techdocs.gbif.org/en/data-use/occurrence-issues-and-flags"""

LICENSE_URLS: Final = MappingProxyType(
    {
        "CC0_1_0": "http://creativecommons.org/publicdomain/zero/1.0/legalcode",
        "CC_BY_4_0": "http://creativecommons.org/licenses/by/4.0/legalcode",
        "CC_BY_NC_4_0": "http://creativecommons.org/licenses/by-nc/4.0/legalcode",
        "UNSPECIFIED": "unspecified",
        "UNSUPPORTED": "unsupported",
    }
)
"""What GBIF's API writes for each licence."""

BASES_OF_RECORD: Final = (
    "PRESERVED_SPECIMEN", "FOSSIL_SPECIMEN", "LIVING_SPECIMEN", "OBSERVATION", "HUMAN_OBSERVATION",
    "MACHINE_OBSERVATION", "MATERIAL_SAMPLE", "MATERIAL_ENTITY", "LITERATURE", "MATERIAL_CITATION", "OCCURRENCE",
    "UNKNOWN",
)  # fmt: skip

RED_LIST_CATEGORIES: Final = ("EX", "EW", "CR", "EN", "VU", "NT", "LC", "DD", "NE")


KINGDOM_KEYS: Final = MappingProxyType(
    {
        "Animalia": 1, "Archaea": 2, "Bacteria": 3, "Chromista": 4, "Fungi": 5, "Plantae": 6, "Protozoa": 7, "Viruses": 8,
    }
)  # fmt: skip
"""GBIF's keys of the kingdoms, which few checklists list. Source: https://doi.org/10.15468/39omei"""

ASIA: Final = frozenset("BN BD BT CN HK ID IN JP KH KP KR LA LK MM MN MO MV MY NP PH PK SG TH TL TW VN".split())
"""Countries around here that GBIF's region ASIA holds. Source: https://www.gbif.org/the-gbif-network/asia"""


CONTINENTS: Final = MappingProxyType(
    {row["continent"]: tuple(row["country_codes"].split()) for row in read_rows("continent_countries.csv")}
)
"""The countries of each continent, both as GBIF names them."""

CONTINENT_OF: Final = MappingProxyType({code: name for name, codes in CONTINENTS.items() for code in codes})
"""The continent of each country."""


@cache
def country_name(code: str) -> str | None:
    """Return the English name of a country as GBIF writes it; None where the code is not known."""
    import pycountry

    if code == "TW":
        return "Chinese Taipei"  # as GBIF's Country enumeration has it; we take no position of our own
    country = pycountry.countries.get(alpha_2=code)
    return str(country.name) if country is not None else None
