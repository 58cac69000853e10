"""What is told of the datasets of a release: extents, years and counts from published values, worked out once."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import select

from api import parameters
from api.gbif_names import GEOSPATIAL_ISSUES, LICENSE_URLS
from biodata.access import citations, permits
from biodata.core import grouped
from biodata.exports.catalogue import OCCURRENCE, DatasetEntry, DatasetSummary
from biodata.formats.dwca import DatasetDescription
from biodata.sharing.licences import UNSPECIFIED, strictest
from biodata.store.models import Dataset
from biodata.store.open_release import OpenRelease
from biodata.store.query.filters import Compare, Filter
from biodata.store.registry import Registry
from biodata.store.tables import RELEASE
from biodata.text.controlled import parse_licence

COLUMNS: Final = tuple(RELEASE["datasets"].columns)
LISTED: Final = 10_000
"""Datasets that a release tells of at most."""

COUNTED: Final = MappingProxyType(
    {
        "basisOfRecord": "basisOfRecord", "country": "countryCode", "year": "year", "kingdom": "kingdom",
        "class": "class", "taxonRank": "taxonRank", "license": "license", "sharingCategory": "sharing_category",
        "issue": "quality_flags",
    }
)  # fmt: skip
"""What a dataset's records are counted by: the search parameter and its column."""


_KEPT: Final = 200
_ASKED_BY_KEY: Final = 100
_VALUES: Final = 1_000
_GROUPS: Final = 12
SOUND: Final = f"(quality_flags IS NULL OR NOT list_has_any(quality_flags, {list(GEOSPATIAL_ISSUES)!r}))"
"""Records whose place is not gravely in doubt: a longitude with the wrong sign would make an extent of half the Earth."""
_SUMMARY: Final = f"""
    SELECT "datasetKey", count(*), count("decimalLatitude"), count(*) FILTER (sharing_category <> 'open'),
           count(DISTINCT species), min("decimalLongitude") FILTER (sound), min("decimalLatitude") FILTER (sound),
           max("decimalLongitude") FILTER (sound), max("decimalLatitude") FILTER (sound), min(year), max(year),
           list(DISTINCT license), list(DISTINCT license_effective),
           list_sort(list_distinct(flatten(coalesce(list(community_labels) FILTER (community_labels IS NOT NULL), []))))
    FROM (SELECT *, {SOUND} AS sound FROM occurrences) WHERE "datasetKey" IS NOT NULL GROUP BY "datasetKey"
"""  # noqa: S608 - names of flags, from our own list
_SURVEYS: Final = """
    SELECT "datasetKey", count(*), min(west), min(south), max(east), max(north) FROM surveys
    WHERE "datasetKey" IS NOT NULL GROUP BY "datasetKey"
"""
_GROUPED: Final = """
    SELECT key, name, n FROM (
        SELECT "datasetKey" AS key, coalesce("class", phylum) AS name, count(*) AS n FROM occurrences GROUP BY ALL
    ) WHERE key IS NOT NULL AND name IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY key ORDER BY n DESC, name) <= ? ORDER BY key, n DESC, name
"""
_MEDIA: Final = """
    SELECT license, count(*) AS n FROM (
        SELECT unnest(json_extract_string(media, '$[*].license')) AS license FROM occurrences
        WHERE "datasetKey" = ? AND media IS NOT NULL
    ) GROUP BY license ORDER BY n DESC, license
"""
_NUMBERS: Final = re.compile(r"\d\.\s?\d{3}|\d\s*,\s*\d{4}|[°º]|\d\s*['’′:]\s*\d\d")
"""Decimals of a thousandth, degrees and minutes: what could tell a place in words."""
_SENTENCE: Final = re.compile(r"(?<=[.!?。！？])\s+")


class Catalogue:
    """The datasets of one release."""

    def __init__(self, release: OpenRelease) -> None:
        self._release = release
        self._tables: Mapping[str, set[str]] | None = None
        self.counts = lru_cache(maxsize=_KEPT)(self._counts)
        self.media_licences = lru_cache(maxsize=_KEPT)(self._media_licences)

    @cached_property
    def summaries(self) -> Mapping[str, DatasetSummary]:
        """What is published of each dataset, by key: one pass over the release's records, and one over its surveys."""
        found = {}
        for row in self._release.run(_SUMMARY, []):
            key, records, placed, coarse, species, west, south, east, north, first, last, licences, hold, codes = row
            found[key] = DatasetSummary(
                records=records,
                placed=placed,
                generalised=coarse,
                species=species,
                bounds=None if west is None else (west, south, east, north),
                years=None if first is None else (first, last),
                licenses=tuple(sorted(name for name in licences or () if name)),
                effective=tuple(sorted(name for name in hold or () if name)),
                labels=tuple(codes or ()),
            )
        for key, surveys, west, south, east, north in self._release.run(_SURVEYS, []):
            box = None if west is None else (west, south, east, north)
            found[key] = replace(found.get(key, DatasetSummary()), surveys=surveys, survey_bounds=box)
        return found

    @cached_property
    def groups(self) -> Mapping[str, dict[str, int]]:
        """Records of each dataset by class, or phylum where there is none: the most frequent few."""
        found: dict[str, dict[str, int]] = {}
        for key, group, count in self._release.run(_GROUPED, [_GROUPS]):
            found.setdefault(key, {})[group] = count
        return found

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys of all datasets, in order."""
        return tuple(self._rows)

    @cached_property
    def _rows(self) -> Mapping[str, dict[str, Any]]:
        """What the release tells of each dataset, by key, in order."""
        page = self._release.page("datasets", None, COLUMNS, limit=LISTED)
        return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in page.rows}

    def type_of(self, registry: Registry, key: str, records: int = 0) -> str:
        """Return what a dataset is, as GBIF names it: by what was taken in of it."""
        if records:
            return OCCURRENCE
        if self._tables is None:
            self._tables = registry.dataset_tables()
        tables = self._tables.get(key, {"occurrences"})
        if "occurrences" in tables:
            return OCCURRENCE
        return "CHECKLIST" if "taxa" in tables else "METADATA"

    def keys_of(self, registry: Registry, types: Collection[str]) -> tuple[str, ...]:
        """Return the keys of the datasets of some types, in order."""
        records = self.summaries
        return tuple(
            key
            for key in self.keys
            if self.type_of(registry, key, records[key].records if key in records else 0) in types
        )

    def _counts(self, key: str, by: str) -> dict[str, int]:
        """Return a dataset's records by the values of one of `COUNTED`, the most frequent first."""
        where: Filter = Compare("datasetKey", "=", key)
        if COUNTED[by] == parameters.COUNTRY_COLUMN:
            return dict(parameters.country_counts(self._release, where).most_common())
        found = self._release.facet("occurrences", where, COUNTED[by], limit=_VALUES)
        return {str(value): number for value, number in found}

    def _media_licences(self, key: str) -> dict[str, int]:
        """Return a dataset's published pictures and sounds by the licence that each tells, the most frequent first."""
        return dict(self._release.run(_MEDIA, [key]))

    def entries(self, registry: Registry, base: str, keys: tuple[str, ...] | None = None) -> Iterator[DatasetEntry]:
        """Give datasets as a catalogue tells of them, in order.

        Parameters
        ----------
        registry : Registry
            Has their publishers' EML.
        base : str
            Address that links begin with.
        keys : tuple of str, optional
            All where none are given.
        """
        wanted = [key for key in (self.keys if keys is None else keys) if key in self._rows]
        if not wanted:
            return
        # The registry is asked once for all of them: its answers may change, so they are not kept.
        chosen = select(Dataset.key, Dataset.eml, Dataset.first_ingested)
        if len(wanted) <= _ASKED_BY_KEY:
            chosen = chosen.where(Dataset.key.in_(wanted))
        with registry.session(read_only=True) as session:
            ingested: dict[str, tuple[str | None, datetime | None]] = {
                key: (eml, first) for key, eml, first in session.execute(chosen)
            }
        known = permits.of_dataset(registry, wanted[0] if len(wanted) == 1 else None)
        held = grouped((one["dataset"], one) for one in known if one["state"] != permits.State.WITHDRAWN)
        for key in wanted:
            eml, first = ingested.get(key, (None, None))
            yield self._entry(registry, base, key, eml, first, held.get(key, []))

    def entry(self, registry: Registry, base: str, key: str) -> DatasetEntry | None:
        """Return a dataset; None where the release has none of that key."""
        return next(self.entries(registry, base, (key,)), None)

    def _entry(
        self,
        registry: Registry,
        base: str,
        key: str,
        eml: str | None,
        first_ingested: datetime | None,
        held: list[dict[str, Any]],
    ) -> DatasetEntry:
        """Put together what the release and the registry tell of a dataset."""
        row, dataset_description = self._rows[key], _described(eml)
        summary = self.summaries.get(key, DatasetSummary())
        return DatasetEntry(
            **asdict(summary),
            key=key,
            url=f"{base}/v1/dataset/{quote(key, safe='')}",
            title=row["title"] or key,
            description=_plain(dataset_description.abstract if dataset_description is not None else None),
            publisher=next(iter(dataset_description.organisations), None) if dataset_description is not None else None,
            license=_licence(row["license"], summary),
            citation=row["citation"],
            doi=row["doi"],
            issued=first_ingested.isoformat(timespec="seconds") if first_ingested is not None else "",
            modified=str(self._release.info["created"]),
            release=self._release.id,
            type=self.type_of(registry, key, summary.records),
            groups=self.groups.get(key, {}),
            files=_files(base, key) if summary.records else {},
            permits=tuple(permits.permit_in_words(p) for p in held),
            permit_notices=tuple(permits.notices(held)),
        )


@lru_cache(maxsize=_KEPT)
def _described(eml: str | None) -> DatasetDescription | None:
    """Return what a publisher's EML tells; the same text is read once."""
    return citations.read_description(eml)


def _files(base: str, key: str) -> dict[str, tuple[str, str]]:
    """Return where a dataset's records are had."""
    named = quote(key, safe="")
    literal = quote("datasetKey = '" + key.replace("'", "''") + "'", safe="")
    return {
        "Records as JSON": (f"{base}/v1/occurrence/search?datasetKey={named}", "application/json"),
        "Features (OGC API)": (
            f"{base}/ogc/collections/occurrences/items?filter={literal}&f=json",
            "application/geo+json",
        ),
        "Metadata (EML)": (f"{base}/v1/dataset/{named}/document", "application/xml"),
    }


def _licence(text: str | None, summary: DatasetSummary) -> str:
    """Return a dataset's licence: its own, else the strictest of its records."""
    if text:
        return text if text in LICENSE_URLS else parse_licence(text) or "UNSUPPORTED"
    return strictest(list(summary.licenses)) if summary.licenses else UNSPECIFIED


def _plain(abstract: str | None) -> tuple[str, ...]:
    """Return a publisher's abstract without the sentences that could tell a place in numbers."""
    if not abstract:
        return ()
    kept = " ".join(part for part in _SENTENCE.split(abstract) if not _NUMBERS.search(part))
    return (kept,) if kept else ()
