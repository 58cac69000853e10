"""The tables of the lake and of a release, as the store sees them: columns, and where a row's place stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.terms import Column


class Place(StrEnum):
    """Where the place of a row stands."""

    NONE = "none"
    POINT = "point"
    """In `decimalLongitude` and `decimalLatitude`."""
    SHAPE = "shape"
    """In `geometry` as WKB; a release has its box beside it, in `west`, `south`, `east`, `north`."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that can be asked.

    Attributes
    ----------
    name : str
        Its name.
    columns : mapping of name to Column
        The columns that a question may name.
    place : Place
        Where the place of a row stands.
    boxed : bool
        True where the box of a shape stands beside it.
    """

    name: str
    columns: Mapping[str, Column]
    place: Place
    boxed: bool

    def column(self, name: str) -> Column:
        """Return a column by its name.

        Raises
        ------
        InputError
            If there is none.
        """
        if name not in self.columns:
            problem = f"{self.name} has no column of this name"
            raise InputError(problem, column=name, code="COLUMN_UNKNOWN")
        return self.columns[name]


BOUNDARY: Final = (
    Column("code", pl.String, "ISO 3166-1 alpha-2 code of a country, or ISO 3166-2 code of a division."),
    Column("name", pl.String, "Name."),
    Column("level", pl.String, "country or province."),
    Column("country_code", pl.String, "The country that it belongs to."),
    Column("geometry", pl.Binary, "WKB, degrees, WGS 84."),
)
"""The release's table `boundaries`."""

DATASET: Final = (
    Column("key", pl.String, "The dataset's key."),
    Column("title", pl.String, "Title."),
    Column("license", pl.String, "Licence in GBIF's spelling (CC_BY_4_0)."),
    Column("citation", pl.String, "How to cite it."),
    Column("doi", pl.String, "DOI."),
    Column("count", pl.Int64, "Published occurrences of the dataset."),
)
"""The release's table `datasets`."""

IDENTITY: Final = (
    Column("key", pl.Int64, "Number given once to a record; kept when the record goes, never given again."),
    Column("datasetKey", pl.String, "The dataset."),
    Column("source_record_id", pl.String, "What identifies the record in its dataset."),
)
"""The lake's table `identities`: inside the store only."""


def _table(name: str, columns: tuple[Column, ...], *, boxed: bool) -> Table:
    by_name = {c.name: c for c in columns}
    place = Place.POINT if "decimalLongitude" in by_name else Place.NONE
    if "geometry" in by_name:
        place = Place.SHAPE
    return Table(name, MappingProxyType(by_name), place, boxed=boxed and place is Place.SHAPE)


LAKE: Final = MappingProxyType(
    {
        **{name: _table(name, columns, boxed=False) for name, columns in terms.TABLES.items()},
        "identities": _table("identities", IDENTITY, boxed=False),
    }
)
"""The lake's tables by name."""

RELEASE_FORMAT: Final = "12"
"""Raised when a release's tables change: what was made in another format is made again, not read."""

RELEASE: Final = MappingProxyType(
    {
        **{name: _table(name, columns, boxed=True) for name, columns in terms.PUBLISHED_TABLES.items()},
        "surveys": _table("surveys", terms.SURVEY, boxed=True),
        "boundaries": _table("boundaries", BOUNDARY, boxed=True),
        "datasets": _table("datasets", DATASET, boxed=False),
    }
)
"""The release's tables by name."""

OCCURRENCE_GROUPS: Final = _table(
    "occurrence_groups",
    tuple(c for c in terms.PUBLISHED_OCCURRENCE if c.name in {"kingdom", "phylum", "class", "year"}),
    boxed=False,
)
"""What a release has counted by group of taxa and year, as a filter sees it; see `tile_counts`."""
