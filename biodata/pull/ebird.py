"""Records of birds from eBird: a Basic Dataset file that somebody asked for there, or what its API has of some days.

https://ebird.org/data/download/ebd, https://documenter.getpostman.com/view/664302/S1ENwy59. The API gives one observation of
each species, region and day; only the file has all of them.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata import pipeline
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.ingest import open_source
from biodata.ingest.protocol import VerbatimTable
from biodata.pipeline.report import IngestReport
from biodata.places import BoundarySet
from biodata.places.names import find_provinces
from biodata.pull.gbif_scope import first_day
from biodata.pull.kept import Folder
from biodata.pull.service import Counts, Source, write_records

DATASET: Final = "ebird"
_TERMS: Final = "https://www.birds.cornell.edu/home/ebird-data-access-terms-of-use/"
_URN: Final = "URN:CornellLabOfOrnithology:EBIRD:"
_MOST_DAYS: Final = 92
"""Each is a question; the terms of the API ask for restraint."""
_MOST_ROWS: Final = 10_000
_HEADINGS: Final = MappingProxyType(
    {
        "GLOBAL UNIQUE IDENTIFIER": "occurrenceID", "SCIENTIFIC NAME": "scientificName", "COMMON NAME": "vernacularName",
        "OBSERVATION COUNT": "individualCount", "COUNTRY CODE": "countryCode", "STATE": "stateProvince", "LOCALITY": "locality",
        "LOCALITY ID": "locationID", "LATITUDE": "decimalLatitude", "LONGITUDE": "decimalLongitude",
        "OBSERVATION DATE": "eventDate", "TIME OBSERVATIONS STARTED": "eventTime", "SAMPLING EVENT IDENTIFIER": "eventID",
        "OBSERVER ID": "recordedByID",
    }
)  # fmt: skip
"""Columns of a Basic Dataset file that each of its versions has; what else it has stays under its own heading."""
_FIELDS: Final = MappingProxyType(
    {
        "sciName": "scientificName", "comName": "vernacularName", "countryCode": "countryCode", "locName": "locality",
        "subnational1Name": "stateProvince", "locId": "locationID", "lat": "decimalLatitude", "lng": "decimalLongitude",
        "obsDt": "eventDate", "subId": "eventID", "userDisplayName": "recordedBy",
    }
)  # fmt: skip
"""Of the API's answers."""
_OPTIONS: Final = MappingProxyType({f"heading.{heading}": term for heading, term in _HEADINGS.items()})


class EBird(Source):
    """Records of some countries and provinces.

    Parameters
    ----------
    countries : sequence of str
        ISO 3166-1 alpha-2.
    provinces : sequence of str
        ISO 3166-2 codes of Southwest China.
    since : str, optional
        YYYY or YYYY-MM-DD; of the API at most 92 days ago, and 30 where nothing is given.
    file : Path, optional
        A Basic Dataset file, unpacked; the API is then not asked.
    settings : Settings
    boundaries : BoundarySet
        The set that knows provinces by their names.
    progress : bool
    """

    name, called, setting, owner = "ebird", "eBird", "ebird_url", "ebird.org"
    licence = f"eBird's terms forbid passing the data on and using it commercially: {_TERMS}"
    variable, token_header = "EBIRD_KEY", "x-ebirdapitoken"
    help = "https://ebird.org/api/keygen gives one; a Basic Dataset file needs none: `biodata pull ebird FILE`"

    def __init__(
        self, countries: Sequence[str], provinces: Sequence[str], since: str | None, file: Path | None, settings: Settings,
        boundaries: BoundarySet, *, progress: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(settings, progress=progress)
        self.countries, self.provinces, self.file, self.boundaries = countries, provinces, file, boundaries
        self.yesterday = datetime.now(UTC).date() - timedelta(days=1)
        day = first_day(since)
        self.first = date.fromisoformat(day) if day else None
        if file is None:
            self.first = self.first or self.yesterday - timedelta(days=29)
            if not countries and not provinces:
                problem, expected = (
                    "all of eBird is too much",
                    "--country NAME, --province NAME or a Basic Dataset file",
                )
                raise InputError(problem, expected=expected, code="OPTION_INVALID")
            if not 0 < self._days <= _MOST_DAYS:
                problem = f"eBird's API is asked for each day, at most the last {_MOST_DAYS}"
                expected = "for all years a Basic Dataset file, from https://ebird.org/data/download/ebd"
                raise InputError(problem, column="--since", value=since, expected=expected, code="OPTION_INVALID")

    @property
    def _days(self) -> int:
        return (self.yesterday - (self.first or self.yesterday)).days + 1

    def estimate(self) -> Counts:
        """Return how many records a file has, or how many species each region had, summed over the days."""
        if self.file is not None:
            (table,) = open_source("gbif", [self.file], options=_OPTIONS).read()
            return {self.file.name: sum(batch.height for batch in self._wanted(table.batches))}
        counts = {}
        for region in self._regions():
            days = [self.service.ask(f"product/stats/{region}/{self._day(n)}", "numSpecies") for n in range(self._days)]
            counts[f"{region}, one of each species and day at most"] = sum(int(one["numSpecies"]) for one in days)
        return counts

    def pull(self) -> list[IngestReport]:
        """Take the records in."""
        if self.file is not None:
            return self._take_file(self.file)
        rows, folders = list[dict[str, Any]](), list[Folder]()
        for region in self._regions():

            def page(number: int, _: Any, region: str = region) -> list[dict[str, Any]]:
                path, needed = (
                    f"data/obs/{region}/historic/{self._day(number - 1)}",
                    ("obsId", "sciName", "lat", "lng", "obsDt"),
                )
                return self.service.rows(path, None, *needed, detail="full", maxResults=_MOST_ROWS)

            folders.append(self.folder(region=region, since=str(self.first)))
            rows += [_record(row) for row in folders[-1].pages(page, pages=self._days)]
        if not rows:
            self.raise_empty("no such observation", *folders)
        file = write_records(rows, folders[0])
        return self.take_in("gbif", file, folders, "data/obs", dataset=DATASET, title="eBird", license=_TERMS)

    def _take_file(self, file: Path) -> list[IngestReport]:
        """Ingest a Basic Dataset file."""
        folder = self.folder(file=file.name)
        folder.note(str(file.resolve()), _TERMS, license=_TERMS)

        def narrow(_: int, table: VerbatimTable) -> VerbatimTable:
            table.batches = self._wanted(table.batches)
            return table

        stated = {"title": "eBird", "license": _TERMS, **_OPTIONS}
        return pipeline.ingest(
            "gbif", [file], self.settings, dataset=DATASET, options=stated, hear=narrow, progress=self.progress
        )

    def _wanted(self, batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield the rows of the countries, the provinces and the days that are asked for."""
        for batch in batches:
            wanted = pl.lit(value=True)
            if self.countries or self.provinces:
                stated = batch["stateProvince"].drop_nulls().unique()
                names = [
                    name for name in stated if set(find_provinces("CN", name, self.boundaries)) & {*self.provinces}
                ]
                in_province = (pl.col("countryCode") == "CN") & pl.col("stateProvince").is_in(names)
                wanted = pl.col("countryCode").is_in([*self.countries]) | in_province
            if self.first is not None:
                wanted &= pl.col("eventDate") >= self.first.isoformat()
            yield batch.filter(wanted)

    def _regions(self) -> list[str]:
        """Return eBird's codes: of countries ISO's, of provinces its own, found by their names."""
        regions = [*self.countries]
        if self.provinces:
            listed = self.service.rows("ref/region/list/subnational1/CN", None, "code", "name")
            found = {code: row["code"] for row in listed for code in find_provinces("CN", row["name"], self.boundaries)}
            regions += [found[code] for code in self.provinces if code in found]
        return regions

    def _day(self, number: int) -> str:
        """Return a day as a path, counted from the first."""
        day = (self.first or self.yesterday) + timedelta(days=number)
        return f"{day.year}/{day.month}/{day.day}"


def _record(row: dict[str, Any]) -> dict[str, Any]:
    """Return an observation of the API in Darwin Core, under the identifier that a Basic Dataset file gives it."""
    known = {"occurrenceID": f"{_URN}{row['obsId']}", "basisOfRecord": "HUMAN_OBSERVATION"}
    return {
        **known,
        "individualCount": row.get("howMany", "X"),
        **{term: row.get(name) for name, term in _FIELDS.items()},
    }
