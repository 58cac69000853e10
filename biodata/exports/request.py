"""What an export is asked for, and what it says of itself: counts by dataset, the strictest licence, how to cite it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata.core import grouped
from biodata.core.vocabularies import CubeGrid, SharingCategory
from biodata.exports.selection import Selection
from biodata.sharing.licences import effective, spelt, strictest
from biodata.store.query.filters import Filter


@dataclass(frozen=True, slots=True)
class DatasetShare:
    """A dataset's part of an export.

    Attributes
    ----------
    key : str or None
        The dataset; None for records of none.
    count : int
        Its records in the export.
    title, citation, doi : str or None
        What its publisher says; the DOI of a GBIF download is that of the download.
    license : str
        The strictest effective licence of these records, in GBIF's spelling.
    labels : tuple of str
        Codes of the labels of communities that some of them carry, sorted.
    """

    key: str | None
    count: int
    title: str | None
    citation: str | None
    doi: str | None
    license: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What an export says of itself.

    Attributes
    ----------
    release : str
        The release that it is made from.
    created : str
        When that was made, ISO 8601.
    rows : int
        Records.
    datasets : tuple of DatasetShare
        Ordered by key.
    license : str
        The strictest effective licence of all records.
    generalised : mapping of str to int
        Records by sharing category, those with an open place left out.
    without_place, without_year : int
        Records without coordinates, and without a year.
    bounds : (west, south, east, north) or None
        Degrees.
    years : (int, int) or None
        First and last.
    media : int
        Records with pictures or sounds.
    measured : int
        Records with measurements or facts.
    countries : mapping of str to mapping of str to int
        Records by published country and dataset; records of no dataset count as ``""``.
    written : int or None
        Records in the file, where its form cannot hold every one that was asked for.
    notes : tuple of str
        What is to be said of the file to whoever asked for it.
    """

    release: str
    created: str
    rows: int
    datasets: tuple[DatasetShare, ...]
    license: str
    generalised: MappingProxyType[str, int]
    without_place: int
    without_year: int
    bounds: tuple[float, float, float, float] | None
    years: tuple[int, int] | None
    media: int = 0
    measured: int = 0
    countries: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: MappingProxyType({}))
    written: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def labels(self) -> list[str]:
        """Codes of the labels of communities that some records carry, sorted."""
        return sorted({code for dataset in self.datasets for code in dataset.labels})

    def generalisation(self) -> str:
        """Return the statement about rows that stand for records of sensitive taxa."""
        if not (coarse := sum(self.generalised.values())):
            return "No row stands for records of a sensitive taxon. Records that sharing rules withhold are not here."
        kinds = ", ".join(
            f"{name.replace('_', ' ', 1) if name[0] != '0' else name.replace('_', '.', 1).replace('_', ' ')}: {n}"
            for name, n in self.generalised.items()
        )
        return (
            f"{coarse} of {self.rows} rows are presences: each stands for all records of a sensitive taxon in a grid cell "
            f"({kinds}). Their coordinates are the middle of the cell, coordinateUncertaintyInMeters holds the whole cell, "
            "dataGeneralizations says so in each, and nothing else of the records is published. Records that sharing rules "
            "withhold are not here."
        )


def read_facts(selection: Selection) -> Facts:
    """Count what is chosen of a release."""
    statement, params = selection.chosen(
        '"datasetKey", license, license_effective, sharing_category, count(*) AS n, count("decimalLatitude") AS placed, '
        'count(year) AS dated, count(media) AS shown, count(measurements) AS measured, min("decimalLongitude") AS west, min("decimalLatitude") AS south, '
        'max("decimalLongitude") AS east, max("decimalLatitude") AS north, min(year) AS first, max(year) AS last',
        after="GROUP BY ALL",
    )
    counted = selection.query(statement, params)
    described = {row["key"]: row for row in selection.query("SELECT * FROM datasets").iter_rows(named=True)}
    labels = _labels_of(selection)
    shares = []
    for (key,), rows in sorted(counted.group_by("datasetKey"), key=lambda part: (part[0][0] is not None, part[0][0])):
        about: dict[str, Any] = described.get(key, {})
        own = about.get("license")
        entries = rows.select("license", "license_effective").iter_rows()
        licences = [spelt(holds) if holds else effective(record, own).license for record, holds in entries]
        shares.append(
            DatasetShare(
                key, int(rows["n"].sum()), about.get("title"), about.get("citation"), about.get("doi"),
                strictest(licences), tuple(labels.get(key, ())),
            )
        )  # fmt: skip
    coarse = (
        counted.filter(pl.col("sharing_category") != SharingCategory.OPEN)
        .group_by("sharing_category")
        .agg(pl.col("n").sum())
    )
    coarser = dict(coarse.iter_rows())
    generalised = {str(name): int(coarser[name]) for name in SharingCategory if name in coarser}
    rows_told = int(counted["n"].sum())
    bounds = counted.select(pl.col("west", "south").min(), pl.col("east", "north").max()).row(0)
    years = counted.select(pl.col("first").min(), pl.col("last").max()).row(0)
    return Facts(
        release=selection.release,
        created=selection.created,
        rows=rows_told,
        datasets=tuple(shares),
        license=strictest([share.license for share in shares]),
        generalised=MappingProxyType(generalised),
        without_place=rows_told - int(counted["placed"].sum()),
        without_year=rows_told - int(counted["dated"].sum()),
        bounds=None if None in bounds else bounds,
        years=None if None in years else years,
        media=int(counted["shown"].sum()),
        measured=int(counted["measured"].sum()),
        countries=_countries(selection),
    )


def _labels_of(selection: Selection) -> dict[str | None, list[str]]:
    """Return the labels of communities that the chosen records carry, by dataset."""
    statement, params = selection.chosen('DISTINCT "datasetKey", unnest(community_labels) AS label')
    return grouped(sorted(selection.query(statement, params).iter_rows(), key=str))


def _countries(selection: Selection) -> Mapping[str, Mapping[str, int]]:
    """Count the chosen records by published country and dataset."""
    statement, params = selection.chosen('"countryCode", coalesce("datasetKey", \'\'), count(*)', after="GROUP BY ALL")
    found: dict[str, dict[str, int]] = {}
    for country, dataset, count in sorted(selection.query(statement, params).iter_rows(), key=str):
        if country is not None:
            found.setdefault(country, {})[dataset] = int(count)
    return MappingProxyType(found)


# What an export is asked for: a format, a filter, a name; everything that its bytes follow from.
_NAMED: Final = 20
"""Datasets that a citation names; an archive lists all."""


class Columns(StrEnum):
    """Sets of columns of a CSV file; names of columns with commas between them are a choice of one's own."""

    SIMPLE = "simple"
    """GBIF's simple ones, and a few of ours."""
    ALL = "all"
    """Every published one."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is asked for.

    Attributes
    ----------
    name : str
        By which it is known: a download's id, or the release's.
    created : str
        When it was asked for, ISO 8601; the only moment that its files tell.
    filter : Filter or None
        Which records.
    asked : sequence of (name, value)
        The question in the words in which it was put.
    columns : str
        Of a CSV file: one of `Columns`, or names with commas between them (see `tables.choose_columns`).
    grid : CubeGrid
        Of a cube.
    cite : str, optional
        The text of its citation, where it is known already.
    citation : str, optional
        Address or id of its citation, which the text that is made here ends in.
    permits : sequence of (dataset, text)
        Permits that datasets rest on, in words.
    """

    name: str
    created: str
    filter: Filter | None = None
    asked: tuple[tuple[str, str], ...] = ()
    columns: str = Columns.SIMPLE
    grid: CubeGrid = CubeGrid.EQDGC
    cite: str | None = None
    citation: str | None = None
    permits: tuple[tuple[str, str], ...] = ()

    def asked_text(self) -> str:
        """Return the question in words."""
        return "; ".join(f"{name} = {value}" for name, value in self.asked) or "every record"

    def permits_of(self, dataset: str | None) -> list[str]:
        """Return the permits that a dataset rests on, in words."""
        return [text for key, text in self.permits if key == dataset]

    def cite_as(self, facts: Facts) -> str:
        """Return how to cite it."""
        if self.cite is not None:
            return self.cite
        records, datasets = _counted(facts.rows, "occurrence record"), _counted(len(facts.datasets), "dataset")
        return (
            f"biodata ({self.created[:10]}). Occurrence download {self.name}: {records} of {datasets}, release "
            f"{facts.release}.{_named_datasets(facts)}{_label_words(facts)}{f' {self.citation}' if self.citation else ''}"
        )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _named_datasets(facts: Facts) -> str:
    """Return the datasets with their titles, DOIs or keys, and numbers of records, the largest first."""
    largest = sorted(facts.datasets, key=lambda dataset: (-dataset.count, dataset.key or ""))
    each = [
        f"{', '.join(filter(None, (d.title, f'https://doi.org/{d.doi}' if d.doi else d.key))) or 'records of no dataset'} ({d.count})"
        for d in largest[:_NAMED]
    ]
    more = [f"and {len(largest) - _NAMED} more datasets"] if len(largest) > _NAMED else []
    return f" Datasets: {'; '.join([*each, *more])}." if each else ""


def _label_words(facts: Facts) -> str:
    """Return which labels of communities the records carry: whoever cites them passes the labels on."""
    return f" Labels of communities: {', '.join(facts.labels)}." if facts.labels else ""
