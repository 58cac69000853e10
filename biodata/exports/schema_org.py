"""A dataset as schema.org's Dataset in JSON-LD, as search engines read it (https://schema.org/Dataset)."""

from collections.abc import Iterable
from typing import Any

from biodata.exports.catalogue import OCCURRENCE, DatasetEntry
from biodata.sharing.labels import labels

_CONTEXT = "https://schema.org/"
_MEASURED = ("species occurrence", "decimalLatitude", "decimalLongitude", "eventDate")


def dataset(entry: DatasetEntry) -> dict[str, Any]:
    """Return a dataset with its context; what is not known is absent."""
    return {"@context": _CONTEXT, **_dataset(entry)}


def catalogue(entries: Iterable[DatasetEntry], *, url: str, name: str) -> dict[str, Any]:
    """Return the DataCatalog of datasets."""
    listed = [_dataset(entry) for entry in entries]
    return {"@context": _CONTEXT, "@type": "DataCatalog", "@id": url, "name": name, "url": url, "dataset": listed}


def _dataset(entry: DatasetEntry) -> dict[str, Any]:
    organisation = {"@type": "Organization", "name": entry.publisher} if entry.publisher else None
    told: dict[str, Any] = {
        "@type": "Dataset",
        "@id": entry.url,
        "name": entry.title,
        # schema.org's readers ask for 50 characters at least.
        "description": "\n\n".join(text for text in (*entry.description, entry.counts, entry.generalisation) if text),
        "url": entry.url,
        "identifier": [i for i in (entry.doi_url, entry.key) if i],
        "sameAs": entry.doi_url,
        "keywords": [*entry.keywords, *list(entry.groups)[:10]],
        "license": entry.license_url,
        "usageInfo": [labels()[code].address for code in entry.labels if code in labels()],
        "conditionsOfAccess": entry.rights,
        "isAccessibleForFree": True,
        "creator": organisation,
        "publisher": organisation,
        "citation": entry.citation,
        "version": entry.release,
        "dateCreated": entry.issued[:10] or None,
        "dateModified": entry.modified[:10],
        "size": f"{entry.records} records" if entry.type == OCCURRENCE else None,
        "spatialCoverage": _place(entry.bounds),
        "temporalCoverage": f"{entry.years[0]:04d}/{entry.years[1]:04d}" if entry.years else None,
        "variableMeasured": list(_MEASURED) if entry.type == OCCURRENCE else None,
        "distribution": [
            {"@type": "DataDownload", "name": name, "contentUrl": address, "encodingFormat": media_type}
            for name, (address, media_type) in entry.files.items()
        ],
    }
    return {name: value for name, value in told.items() if value not in (None, [])}


def _place(bounds: tuple[float, float, float, float] | None) -> dict[str, Any] | None:
    """Return a box as schema.org writes it: south, west, north, east."""
    if bounds is None:
        return None
    west, south, east, north = bounds
    return {"@type": "Place", "geo": {"@type": "GeoShape", "box": f"{south!r} {west!r} {north!r} {east!r}"}}
