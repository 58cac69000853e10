"""Every column that biodata knows: its name, type, unit, meaning, and how far it may travel.

Published terms (Darwin Core, GBIF) keep their spelling; our own are snake_case. A column that is not listed here
does not exist: the lake, the release, the API and the exports take their columns from these lists alone.
"""

from types import MappingProxyType
from typing import Final

from biodata.terms.columns import DC, DWC, GBIF, OWN, Column, Reach, conform, names, schema
from biodata.terms.events import (
    ARCHIVED_BASIS,
    ARCHIVED_CATEGORY,
    ARCHIVED_COUNTRIES,
    ARCHIVED_FAILED_DAYS,
    ARCHIVED_FLAGS,
    ARCHIVED_ROW,
    ECO,
    EVENT,
    EVENT_TERMS,
    SURVEY,
    ArchivedRow,
)
from biodata.terms.layers import LAYER
from biodata.terms.occurrences import (
    ASSESSED,
    ASSESSMENT,
    OCCURRENCE,
    PUBLISHED_OCCURRENCE,
    REPAIR,
    RIGHTS,
    SHARED_AS,
    SHARING,
    STATED_TAXON,
)
from biodata.terms.protected_areas import PROTECTED_AREA
from biodata.terms.results import CANDIDATE, CONSIDERED, CORRIDOR
from biodata.terms.taxa import TAXON, TAXON_STATUS
from biodata.terms.verbatim import VERBATIM, VERBATIM_TERMS, WRITTEN

__all__ = [
    "ARCHIVED_BASIS",
    "ARCHIVED_CATEGORY",
    "ARCHIVED_COUNTRIES",
    "ARCHIVED_FAILED_DAYS",
    "ARCHIVED_FLAGS",
    "ARCHIVED_ROW",
    "ASSESSED",
    "ASSESSMENT",
    "CANDIDATE",
    "CONSIDERED",
    "CORRIDOR",
    "DC",
    "DWC",
    "ECO",
    "EVENT",
    "EVENT_TERMS",
    "GBIF",
    "LAYER",
    "OCCURRENCE",
    "OWN",
    "PROTECTED_AREA",
    "PUBLISHED_OCCURRENCE",
    "PUBLISHED_TABLES",
    "REPAIR",
    "RIGHTS",
    "SHARED_AS",
    "SHARING",
    "STATED_TAXON",
    "SURVEY",
    "TABLES",
    "TAXON",
    "TAXON_STATUS",
    "VERBATIM",
    "VERBATIM_TERMS",
    "WRITTEN",
    "ArchivedRow",
    "Column",
    "Reach",
    "conform",
    "names",
    "schema",
]

TABLES: Final = MappingProxyType(
    {
        "occurrences": OCCURRENCE,
        "verbatim": VERBATIM,
        "events": EVENT,
        "assessments": ASSESSMENT,
        "protected_areas": PROTECTED_AREA,
        "corridors": CORRIDOR,
        "reserve_candidates": CANDIDATE,
        "considered_ground": CONSIDERED,
        "taxa": TAXON,
        "layers": LAYER,
    }
)
"""The lake's tables."""

PUBLISHED_TABLES: Final = MappingProxyType(
    {
        "occurrences": PUBLISHED_OCCURRENCE,
        **{
            name: tuple(c for c in TABLES[name] if c.reach is not Reach.LAKE)
            for name in ("protected_areas", "corridors", "reserve_candidates", "considered_ground", "taxa")
        },
        "taxon_statuses": TAXON_STATUS,
    }
)
"""The release's tables of records; DESIGN's low-zoom aggregates and key columns are the store's own."""
