"""A published row as GBIF writes an occurrence: its names and keys, its licence's address, nothing where nothing is known."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property
from typing import Any, Final

from api.gbif_names import ASIA, CONTINENT_OF, ISSUES, KINGDOM_KEYS, LICENSE_URLS, country_name
from api.name_lookups import RANKS
from biodata.core import terms
from biodata.sharing import measurements, media
from biodata.store.query.filters import And, In
from biodata.store.reader import OpenRelease

COLUMNS: Final = tuple(terms.names(terms.PUBLISHED_OCCURRENCE))
"""The columns that a record is made from, in order."""

_DAY_PRECISIONS: Final = frozenset({"day", "time", "interval"})
_VERBATIM_URIS: Final = tuple(
    (column.name, column.uri) for column in terms.PUBLISHED_OCCURRENCE if column.uri.startswith((terms.DWC, terms.DC))
)


def occurrence(values: Iterable[Any]) -> dict[str, Any]:
    """Return one record in GBIF's shape.

    Parameters
    ----------
    values : iterable
        The row's values in the order of `COLUMNS`, all of them published ones.

    Returns
    -------
    dict
        What is not known is absent. GBIF's own containers that our data cannot fill stand empty, as clients expect
        them. Our own members are in snake_case; `issues` holds GBIF's names, `quality_flags` all of them.
    """
    record = {name: value for name, value in zip(COLUMNS, values, strict=True) if value is not None}
    flags = record.setdefault("quality_flags", [])
    record["issues"] = [flag for flag in flags if flag in ISSUES]
    record["extensions"] = {}
    record["gadm"] = {}
    record["identifiers"] = [{"identifier": record["occurrenceID"]}] if "occurrenceID" in record else []
    record["facts"] = [_fact(one) for one in measurements.items(record.pop(measurements.COLUMN, None))]
    record["relations"] = []
    record["media"] = [_medium(one) for one in media.items(record.pop("media", None))]
    record["recordedByIDs"] = record["identifiedByIDs"] = []
    if "license" in record:
        record["license"] = LICENSE_URLS.get(record["license"], record["license"])
    if "countryCode" in record and (country := country_name(record["countryCode"])):
        record["country"] = country
    if continent := _continent(record):
        record["continent"] = continent
    if "taxonKey" in record and record.get("taxonomicStatus") == "ACCEPTED":
        record["acceptedTaxonKey"] = record["taxonKey"]
    if record.get("event_precision") in _DAY_PRECISIONS:
        _days_of_year(record)
    return record


def _fact(facts: dict[str, str]) -> dict[str, str]:
    """Return a measurement under GBIF's names, which say once that it is one."""
    names = {name: name.removeprefix("measurement") for name in facts}
    return {own[:1].lower() + own[1:] if own != "ID" else "id": facts[name] for name, own in names.items()}


def _medium(facts: dict[str, Any]) -> dict[str, Any]:
    """Return a picture or a sound with its own licence's address: the record's does not cover it."""
    return facts | {"license": LICENSE_URLS.get(facts["license"], facts["license"])}


def _continent(record: Mapping[str, Any]) -> str | None:
    """Return the continent of the record's country, else the one of every country that it may be from."""
    if "countryCode" in record:
        return CONTINENT_OF.get(record["countryCode"])
    found = {CONTINENT_OF.get(code) for code in record.get("country_codes", ())}
    return found.pop() if len(found) == 1 else None


def _days_of_year(record: dict[str, Any]) -> None:
    """Add the days of the year that a date with days spans."""
    for name, column in (("startDayOfYear", "event_start"), ("endDayOfYear", "event_end")):
        day = record.get(column)
        if isinstance(day, date):
            record[name] = day.timetuple().tm_yday


def verbatim(values: Iterable[Any]) -> dict[str, Any]:
    """Return one record under full term addresses, as GBIF's `/verbatim` does, from its published values alone.

    The text as it came stays in the lake: it can hold the place that sharing rules keep back.
    """
    row: Mapping[str, Any] = dict(zip(COLUMNS, values, strict=True))
    administration = ("key", "datasetKey", "publishingOrgKey", "publishingCountry", "lastInterpreted")
    record: dict[str, Any] = {name: row[name] for name in administration if row[name] is not None}
    record["extensions"] = {}
    for name, uri in _VERBATIM_URIS:
        value = row[name]
        if value is not None:
            record[uri] = LICENSE_URLS.get(value, value) if name == "license" else str(value)
    return record


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
        facts = self._taxa.get(taxon)
        if facts is None:
            if len(self._taxa) >= _KEPT:
                self._taxa.clear()
            facts = self._taxa[taxon] = self._of_taxon(dict(zip(_OF_TAXON, taxon, strict=True)))
        record.update(facts)
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
