"""Observations of research grade from iNaturalist's API v2: places that it obscures come as it gives them, and say so.

https://api.inaturalist.org/v2/docs. The records have the identifiers under which GBIF has them, so none comes twice.
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Final

import shapely

from biodata.core.settings import Settings
from biodata.pipeline.report import IngestReport
from biodata.pull.gbif_scope import first_day
from biodata.pull.service import Counts, Source, write_records

DATASET: Final = "50c9509d-22c7-4a22-a47d-8c48425ef4a7"
"""iNaturalist's research-grade observations, at GBIF."""
_TITLE: Final = "iNaturalist Research-grade Observations"
_PAGE: Final = 200
_OBSCURED_DEGREES: Final = 0.3
"""A place that is obscured is drawn in a cell of 0.2°: its diagonal, rounded up, may lead out of the area."""
_LICENCES: Final = MappingProxyType(
    {
        "cc0": "http://creativecommons.org/publicdomain/zero/1.0/",
        "cc-by": "http://creativecommons.org/licenses/by/4.0/",
        "cc-by-nc": "http://creativecommons.org/licenses/by-nc/4.0/",
    }
)
"""Those under which a record may be taken in; as GBIF takes them."""
_FIELDS: Final = (
    "id,uri,observed_on,time_observed_at,license_code,obscured,location,public_positional_accuracy,place_guess,"
    "user.login,user.name,taxon.name,taxon.rank"
)


class INaturalist(Source):
    """Observations in an area.

    Parameters
    ----------
    taxa : sequence of str
        Scientific names; all where none is named.
    since : str, optional
        YYYY or YYYY-MM-DD.
    within : str
        WKT of the area.
    settings : Settings
    progress : bool
    """

    name, called, setting, owner = "inaturalist", "iNaturalist", "inaturalist_url", "inaturalist.org"
    licence = "CC0, CC BY or CC BY-NC, as each record states"

    def __init__(
        self, taxa: Sequence[str], since: str | None, within: str, settings: Settings, *, progress: bool = False
    ) -> None:
        super().__init__(settings, progress=progress)
        self.area = shapely.from_wkt(within)
        west, south, east, north = self.area.bounds
        self.asked = {
            "quality_grade": "research", "geo": "true", "license": ",".join(_LICENCES), "d1": first_day(since),
        }  # fmt: skip
        self.asked |= {"swlng": f"{west:.5f}", "swlat": f"{south:.5f}", "nelng": f"{east:.5f}", "nelat": f"{north:.5f}"}
        self.taxa: list[str | None] = [*taxa] or [None]

    def estimate(self) -> Counts:
        """Return how many observations the area's box has."""
        counts = {}
        for taxon in self.taxa:
            asked = {**self.asked, "taxon_name": taxon, "per_page": 1, "fields": "id"}
            answer = self.service.ask("observations", "total_results", **asked)
            counts[f"{taxon or 'all taxa'}, in the area's box"] = int(answer["total_results"])
        return counts

    def pull(self) -> list[IngestReport]:
        """Take the observations of the area in."""
        found: dict[str, dict[str, Any]] = {}
        folders = [self.folder(**self.asked, taxon=taxon) for taxon in self.taxa]
        for taxon, folder in zip(self.taxa, folders, strict=True):

            def page(_: int, last: dict[str, Any] | None, taxon: str | None = taxon) -> list[dict[str, Any]]:
                paging = {"per_page": _PAGE, "order_by": "id", "order": "asc", "id_above": last["id"] if last else None}
                asked = {**self.asked, **paging, "taxon_name": taxon, "fields": _FIELDS}
                return self.service.rows("observations", "results", "id", "uri", "location", "taxon", **asked)

            rows = [_record(row) for row in folder.pages(page, size=_PAGE)]
            found |= {row["occurrenceID"]: row for row in rows if self._is_inside(row)}
        if not found:
            self.raise_empty("no such observation of research grade", *folders)
        file, licences = write_records([*found.values()], folders[0]), sorted(_LICENCES.values())
        return self.take_in("gbif", file, folders, "observations", dataset=DATASET, title=_TITLE, license=licences)

    def _is_inside(self, row: dict[str, Any]) -> bool:
        """Return whether a record lies in the area, or may where its place is obscured."""
        if not row["decimalLatitude"]:
            return False
        place = shapely.Point(float(row["decimalLongitude"]), float(row["decimalLatitude"]))
        far = _OBSCURED_DEGREES if row["informationWithheld"] else 0.0
        return bool(shapely.dwithin(self.area, place, far))


def _record(row: dict[str, Any]) -> dict[str, Any]:
    """Return an observation in Darwin Core, as iNaturalist gives it to GBIF."""
    latitude, _, longitude = str(row["location"] or "").partition(",")
    user, taxon = row.get("user") or {}, row["taxon"] or {}
    hidden = "Coordinate uncertainty increased by iNaturalist to protect the place" if row.get("obscured") else None
    return {
        "occurrenceID": row["uri"], "datasetKey": DATASET, "catalogNumber": row["id"], "basisOfRecord": "HUMAN_OBSERVATION",
        "scientificName": taxon.get("name"), "taxonRank": taxon.get("rank"),
        "eventDate": row.get("time_observed_at") or row.get("observed_on"), "decimalLatitude": latitude,
        "decimalLongitude": longitude, "coordinateUncertaintyInMeters": row.get("public_positional_accuracy"),
        "locality": row.get("place_guess"), "recordedBy": user.get("name") or user.get("login"),
        "license": _LICENCES.get(row.get("license_code") or ""), "informationWithheld": hidden,
    }  # fmt: skip
