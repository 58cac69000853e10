"""Records of the sea, from OBIS's API v3: below some taxa, in an area, since a day; no account is needed.

https://api.obis.org
"""

from collections.abc import Sequence
from typing import Any, Final

from biodata import pipeline
from biodata.errors import InputError
from biodata.ingest.protocol import DatasetInfo, VerbatimTable
from biodata.pipeline.report import IngestReport
from biodata.pull.gbif_scope import box_if_long
from biodata.pull.kept import Folder
from biodata.pull.service import Service, client_for, plain_table
from biodata.settings import Settings

_PAGE: Final = 5000


class Obis:
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

    licence: Final = "each dataset has its own, which is kept with it"

    def __init__(
        self, taxa: Sequence[str], since: str | None, within: str | None, settings: Settings, *, progress: bool = False
    ) -> None:
        if not taxa and within is None:
            problem = "all of OBIS is too much"
            raise InputError(problem, expected="--taxon NAME or --within FILE", code="OPTION_INVALID")
        self.settings, self.progress = settings, progress
        self.asked = {
            "scientificname": ",".join(taxa) or None,
            "startdate": f"{since}-01-01" if since and len(since) == 4 else since,
            "geometry": box_if_long(within) if within else None,
        }
        self.service = Service("OBIS", client_for(settings.obis_url, settings, friends=["obis.org"]))
        self.folder = Folder(settings.data, "obis", self.asked)

    def estimate(self) -> dict[str, int]:
        """Return how many records there are."""
        return {"records": int(self.service.ask("occurrence", "total", **self.asked, size=0)["total"])}

    def pull(self) -> list[IngestReport]:
        """Take the records in, with what each of their datasets is called; a run that was cut off goes on.

        Raises
        ------
        InputError
            If there are none (INPUT_EMPTY).
        RemoteError
            If the service fails.
        """

        def page(_: int, last: dict[str, Any] | None) -> list[dict[str, Any]]:
            after = last["id"] if last else None
            rows = self.service.rows("occurrence", "results", **self.asked, size=_PAGE, after=after)
            return [self.service.check(row, "id", "dataset_id", "scientificName") for row in rows]

        rows = [{**row, "datasetKey": row["dataset_id"]} for row in self.folder.pages(page, size=_PAGE)]
        if not rows:
            self.folder.forget_pages()
            problem = "OBIS has no such record"
            raise InputError(problem, expected="more taxa, a larger area or an earlier year", code="INPUT_EMPTY")
        datasets = {key: self._dataset(key) for key in sorted({row["datasetKey"] for row in rows})}
        file = self.folder.path / "records.csv"
        plain_table(rows).write_csv(file, separator="\t", quote_style="never")
        licences = sorted({one.license or "not stated" for one in datasets.values()})
        self.folder.note(file.name, self.service.client.address("occurrence"), license=licences)

        def hear(_: int, table: VerbatimTable) -> VerbatimTable:
            table.name, table.datasets = "records of OBIS", datasets
            return table

        reports = pipeline.ingest("gbif", [file], self.settings, hear=hear, progress=self.progress)
        self.folder.forget_pages()
        return reports

    def _dataset(self, key: str) -> DatasetInfo:
        """Return what OBIS tells of a dataset."""
        told = next(iter(self.service.rows(f"dataset/{key}", "results")), {})
        return DatasetInfo(key, told.get("title"), told.get("intellectualrights"), told.get("citation"))
