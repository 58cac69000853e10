"""A published row as GBIF writes an occurrence: its names, its licence's address, nothing where nothing is known."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from api.gbif_names import CONTINENT_OF, ISSUES, LICENSE_URLS, country_name
from biodata import terms
from biodata.sharing import measurements, media

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


def _fact(told: dict[str, str]) -> dict[str, str]:
    """Return a measurement under GBIF's names, which say once that it is one."""
    names = {name: name.removeprefix("measurement") for name in told}
    return {own[:1].lower() + own[1:] if own != "ID" else "id": told[name] for name, own in names.items()}


def _medium(told: dict[str, Any]) -> dict[str, Any]:
    """Return a picture or a sound with its own licence's address: the record's does not cover it."""
    return told | {"license": LICENSE_URLS.get(told["license"], told["license"])}


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
