"""What an export is asked for: a format, a filter, a name; everything that its bytes follow from."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import version
from typing import Any, Final

from biodata.exports.facts import Facts
from biodata.exports.growing import KEEP_EVERY_S
from biodata.store.query import plain
from biodata.store.query.filters import Filter

_NAMED: Final = 20
"""Datasets that a citation names; an archive lists all."""


class Grid(StrEnum):
    """Cells of an occurrence cube."""

    EQDGC = "eqdgc"
    """Extended quarter degree grid cells of level 2: a quarter of a degree."""
    TENTH_DEGREE = "0.1"
    """A tenth of a degree."""
    EQUAL_AREA = "10km"
    """Squares of 10 km on the equal-area cylinder of EASE-Grid 2.0 (EPSG:6933)."""


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
        Of a CSV file: one of `Columns`, or names with commas between them (see `simple_csv.choose_columns`).
    grid : Grid
        Of a cube.
    cite : str, optional
        The text of its citation, where it is known already.
    citation : str, optional
        Address or id of its citation, which the text that is made here ends in.
    permits : sequence of (dataset, text)
        Permits that datasets rest on, in words.
    keep_every_s : float
        Seconds between two kept steps.
    """

    name: str
    created: str
    filter: Filter | None = None
    asked: tuple[tuple[str, str], ...] = ()
    columns: str = Columns.SIMPLE
    grid: Grid = Grid.EQDGC
    cite: str | None = None
    citation: str | None = None
    permits: tuple[tuple[str, str], ...] = ()
    keep_every_s: float = field(default=KEEP_EVERY_S, compare=False)

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
            f"{facts.release}.{_named(facts)}{_labelled(facts)}{f' {self.citation}' if self.citation else ''}"
        )

    def fingerprint(self, facts: Facts) -> str:
        """Return a hash of all that the bytes follow from: a file that was begun for something else is not gone on with."""
        told: dict[str, Any] = {
            "biodata": version("biodata"),
            "release": facts.release,
            "filter": plain.to_plain(self.filter),
            "request": [
                self.name,
                self.created,
                self.asked,
                self.columns,
                self.grid,
                self.permits,
                self.cite,
                self.citation,
            ],
        }
        return hashlib.sha256(plain.canonical(told).encode()).hexdigest()


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _named(facts: Facts) -> str:
    """Return the datasets with their titles, DOIs or keys, and numbers of records, the largest first."""
    largest = sorted(facts.datasets, key=lambda dataset: (-dataset.count, dataset.key or ""))
    each = [
        f"{', '.join(filter(None, (d.title, f'https://doi.org/{d.doi}' if d.doi else d.key))) or 'records of no dataset'} ({d.count})"
        for d in largest[:_NAMED]
    ]
    more = [f"and {len(largest) - _NAMED} more datasets"] if len(largest) > _NAMED else []
    return f" Datasets: {'; '.join([*each, *more])}." if each else ""


def _labelled(facts: Facts) -> str:
    """Return which labels of communities the records carry: whoever cites them passes the labels on."""
    return f" Labels of communities: {', '.join(facts.labels)}." if facts.labels else ""
