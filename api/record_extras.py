"""What GBIF's records tell beside their columns: keys of the ranks above, the classification, the dataset's title."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final

from api.gbif_names import ASIA, KINGDOM_KEYS
from api.name_lookups import RANKS
from biodata.store.query.filters import And, In
from biodata.store.reader import OpenRelease

COL: Final = "7ddf754f-d193-4cc9-b351-99906754a03b"
"""The Catalogue of Life's key as a checklist at GBIF."""

_EVERY: Final = 20_000_000
_KEPT: Final = 50_000
_AT_ONCE: Final = 2_000
_ABOVE: Final = tuple(rank.lower() for rank in RANKS)
_OF_TAXON: Final = (
    "taxonKey", "taxon_id", "col_key", "checklist", "taxonomicStatus", "taxonRank", "scientificName",
    "acceptedScientificName", "iucnRedListCategory", "genericName", "specificEpithet", *_ABOVE,
)  # fmt: skip


class Extras:
    """What is added to the records of one release; each taxon is looked up once.

    Parameters
    ----------
    release : OpenRelease
        The release.
    """

    def __init__(self, release: OpenRelease) -> None:
        self._release = release
        self._taxa: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._keys: dict[str, dict[str, dict[str | None, int | str]]] = {}
        self._accepted: dict[str, int | None] = {}

    def added(self, found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return records with what belongs to them; a key that is not known is absent."""
        records = list(found)
        new = {taxon for record in records if (taxon := tuple(map(record.get, _OF_TAXON))) not in self._taxa}
        if new:
            rows = [dict(zip(_OF_TAXON, taxon, strict=True)) for taxon in new]
            self._learn({str(row[rank]) for row in rows for rank in _ABOVE[:-1] if row[rank]})
            led = {str(row["taxon_id"]) for row in rows if row["taxon_id"] and row["taxonomicStatus"] != "ACCEPTED"}
            self._learn_accepted(led)
        return [self._add(record) for record in records]

    def key_of(self, rank: str, name: str, kingdom: str | None = None) -> int | str | None:
        """Return the key of a taxon by rank and name: GBIF's integer, else the checklist's identifier."""
        self._learn({name})
        found = self._keys[name].get(rank)
        if found is None:
            return KINGDOM_KEYS.get(name) if rank == "kingdom" else None
        return found.get(kingdom) or (next(iter(found.values())) if len(found) == 1 or kingdom is None else None)

    def _add(self, record: dict[str, Any]) -> dict[str, Any]:
        """Add to one record."""
        taxon = tuple(map(record.get, _OF_TAXON))
        told = self._taxa.get(taxon)
        if told is None:
            if len(self._taxa) >= _KEPT:
                self._taxa.clear()
            told = self._taxa[taxon] = self._of_taxon(dict(zip(_OF_TAXON, taxon, strict=True)))
        record.update(told)
        if record.get("countryCode") in ASIA:
            record["gbifRegion"] = "ASIA"
        if record.get("publishingCountry") in ASIA:
            record["publishedByGbifRegion"] = "ASIA"
        if title := self._titles.get(record.get("datasetKey", "")):
            record["datasetTitle"] = title
        if "mediaType" in record and not record.get("media"):
            record["media"] = [{"type": kind.strip()} for kind in record["mediaType"].split(";") if kind.strip()]
        if "lastInterpreted" in record:
            record["lastInterpreted"] = _moment(record["lastInterpreted"])
        record["isSequenced"] = False
        record["datasetCategory"] = record["networkKeys"] = []
        return record

    def _of_taxon(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return what is told of a taxon."""
        above = [(rank, row[rank]) for rank in _ABOVE if row[rank]]
        keys = {f"{rank}Key": self.key_of(rank, name, row["kingdom"]) for rank, name in above if rank != "species"}
        found: dict[str, Any] = {name: key for name, key in keys.items() if isinstance(key, int)}
        accepted = self._accepted.get(row["taxon_id"] or "")
        if row["taxonomicStatus"] != "ACCEPTED" and accepted:
            found["acceptedTaxonKey"] = accepted
        for checklist, key in ((COL, row["col_key"]), (row["checklist"], row["taxon_id"])):
            if checklist and key:
                found.setdefault("classifications", {})[checklist] = _classification(key, row, above)
        return found

    def _learn(self, names: set[str]) -> None:
        """Look up the keys of names above species, by rank, then by kingdom: a genus may be a plant's and an animal's."""
        wanted = sorted(names - self._keys.keys())
        if not wanted:
            return
        learnt: dict[str, dict[str, dict[str | None, int | str]]] = {name: {} for name in wanted}
        columns = ("taxonRank", "scientificName", "kingdom", "gbif_key", "taxon_id")
        for start in range(0, len(wanted), _AT_ONCE):
            named = And((In("scientificName", tuple(wanted[start : start + _AT_ONCE])), In("taxonRank", RANKS[:-1])))
            for rank, name, kingdom, key, taxon in self._release.page("taxa", named, columns, limit=_EVERY).rows:
                known = learnt[name].setdefault(rank.lower(), {})
                if key is not None or kingdom not in known:
                    known[kingdom] = key if key is not None else taxon
        self._keys.update(learnt)

    def _learn_accepted(self, taxa: set[str]) -> None:
        """Look up GBIF's keys of accepted taxa by their identifiers."""
        wanted = sorted(taxa - self._accepted.keys())
        self._accepted.update(dict.fromkeys(wanted))
        for start in range(0, len(wanted), _AT_ONCE):
            named = In("taxon_id", tuple(wanted[start : start + _AT_ONCE]))
            self._accepted.update(self._release.page("taxa", named, ("taxon_id", "gbif_key"), limit=_EVERY).rows)

    @cached_property
    def _titles(self) -> dict[str, str]:
        """Titles of datasets by their keys."""
        rows = self._release.page("datasets", None, ("key", "title"), limit=_EVERY).rows
        return {key: title for key, title in rows if title}


def _classification(key: str, row: dict[str, Any], above: list[tuple[str, str]]) -> dict[str, Any]:
    """Return a name in one checklist as GBIF's API of 2026 writes it."""
    usage = {"key": key, "name": row["acceptedScientificName"] or row["scientificName"], "rank": row["taxonRank"]}
    usage = {name: value for name, value in usage.items() if value is not None}
    found: dict[str, Any] = {"usage": usage, "acceptedUsage": usage}
    found["classification"] = [{"name": name, "rank": rank.upper()} for rank, name in above]
    if row["iucnRedListCategory"]:
        found["iucnRedListCategoryCode"] = row["iucnRedListCategory"]
    found["issues"] = []
    return found


def _moment(text: str) -> str:
    """Return a moment as GBIF's API writes it: 2024-10-02T10:04:31.233+00:00."""
    return f"{text[:-1]}+00:00" if text.endswith("Z") else text
