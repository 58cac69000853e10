"""Records of the sea, from OBIS's API v3: below some taxa, in an area, since a day; no account is needed.

https://api.obis.org
"""

from collections.abc import Sequence
from typing import Any, Final

from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.ingest.protocol import DatasetInfo
from biodata.pipeline.report import IngestReport
from biodata.pull.gbif_scope import box_if_long, first_day
from biodata.pull.service import Counts, Source, write_records

_PAGE: Final = 5000


class Obis(Source):
    """Records of a scope.

    Parameters
    ----------
    taxa : sequence of str
        Scientific names; what is below them is asked for, too.
    since : str, optional
        YYYY or YYYY-MM-DD.
    within : str, optional
        WKT of the area; of a long outline its box is asked for.
    settings : Settings
    progress : bool

    Raises
    ------
    InputError
        With OPTION_INVALID, if neither a taxon nor an area is named.
    """

    name, called, setting, owner = "obis", "OBIS", "obis_url", "obis.org"
    licence = "each dataset has its own, which is kept with it"

    def __init__(
        self, taxa: Sequence[str], since: str | None, within: str | None, settings: Settings, *, progress: bool = False
    ) -> None:
        if not taxa and within is None:
            problem = "all of OBIS is too much"
            raise InputError(problem, expected="--taxon NAME or --within FILE", code="OPTION_INVALID")
        super().__init__(settings, progress=progress)
        self.asked = {
            "scientificname": ",".join(taxa) or None,
            "startdate": first_day(since),
            "geometry": box_if_long(within) if within else None,
        }

    def estimate(self) -> Counts:
        """Return how many records there are."""
        return {"records": int(self.service.ask("occurrence", "total", **self.asked, size=0)["total"])}

    def pull(self) -> list[IngestReport]:
        """Take the records in, with what each of their datasets is called."""
        folder = self.folder(**self.asked)

        def page(_: int, last: dict[str, Any] | None) -> list[dict[str, Any]]:
            needed, after = ("id", "dataset_id", "scientificName"), last["id"] if last else None
            return self.service.rows("occurrence", "results", *needed, **self.asked, size=_PAGE, after=after)

        rows = [{**row, "datasetKey": row["dataset_id"]} for row in folder.pages(page, size=_PAGE)]
        if not rows:
            self.raise_empty("no such record", folder)
        datasets = {key: self._dataset(key) for key in sorted({row["datasetKey"] for row in rows})}
        licences = sorted({one.license or "not stated" for one in datasets.values()})
        file = write_records(rows, folder)
        return self.take_in("gbif", file, [folder], "occurrence", datasets=datasets, license=licences)

    def _dataset(self, key: str) -> DatasetInfo:
        """Return what OBIS states of a dataset."""
        stated = next(iter(self.service.rows(f"dataset/{key}", "results")), {})
        return DatasetInfo(key, stated.get("title"), stated.get("intellectualrights"), stated.get("citation"))
