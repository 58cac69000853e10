"""The reference list: names of the life of the region and of all listed taxa, with what is above them.

It is shipped with the package (`data/reference_list.parquet`, made by `sample_data/recipe/bundled/make_reference_list.py`) and knows names
exactly, by their canonical form: no spelling is guessed. A name that two kingdoms use has a row for each.

In the file a row's number is its place. Genera and what is above them stand in front; `parent` is the next taxon above
of kingdom, phylum, class, order, family or genus, `accepted` the taxon that a synonym leads to.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import as_file, files
from typing import Final, NamedTuple

import polars as pl
import pyarrow.parquet as pq

from biodata.core.vocabularies import MEMBERS
from biodata.text.tables import read_rows

CLASSIFICATION: Final = ("kingdom", "phylum", "class", "order", "family", "genus")
LOOKED_UP: Final = pl.Schema(
    {
        "name": pl.String, "row": pl.UInt32, "status": pl.String, "accepted": pl.String, "rank": pl.String,
        **dict.fromkeys(CLASSIFICATION, pl.String), "source": pl.String,
    }
)  # fmt: skip
"""A name and what it leads to: number, name, rank and classification of the accepted taxon, ACCEPTED or SYNONYM."""


@dataclass(frozen=True, eq=False)
class ReferenceList:
    """The list, in memory.

    Attributes
    ----------
    version : str
        Of the list: year and month.
    sources : tuple of str
        Where its names are from, each with its version.
    names : polars.DataFrame
        `name`, `rank`, `parent`, `accepted`, `source`, by number.
    groups : polars.DataFrame
        Of genera and what is above them, by number: their names in `CLASSIFICATION`.
    """

    version: str
    sources: tuple[str, ...]
    names: pl.DataFrame
    groups: pl.DataFrame

    @property
    def label(self) -> str:
        """The list's name, with its version."""
        return f"biodata reference list {self.version}"

    @property
    def genera(self) -> pl.Series:
        """The names of all genera, synonyms too."""
        return self.names.head(self.groups.height).filter(pl.col("rank") == _ranks().index("GENUS"))["name"]

    @cached_property
    def group_ranks(self) -> Mapping[str, str]:
        """The rank of each genus and of what is above it, by name; GENUS where a name is that of a genus too."""
        groups = self.names.head(self.groups.height).select(
            "name", rank=_named(self.names["rank"].head(self.groups.height), _ranks())
        )
        return dict(groups.sort(pl.col("rank") == "GENUS", maintain_order=True).iter_rows())

    def look_up(self, names: pl.Series) -> pl.DataFrame:
        """Look names up, exactly.

        Parameters
        ----------
        names : polars.Series of str
            Canonical names: no authorship, no mark of rank.

        Returns
        -------
        polars.DataFrame of LOOKED_UP
            A row for each distinct name and taxon that it leads to; nothing for names that are not known.
        """
        wanted = names.drop_nulls().unique()
        if wanted.is_empty():
            return LOOKED_UP.to_frame()
        found = self._rows(wanted).with_columns(
            row=pl.coalesce("accepted", "place"), is_synonym=pl.col("accepted").is_not_null()
        )
        taxa = self.taxa(found["row"])
        status = pl.when("is_synonym").then(pl.lit("SYNONYM")).otherwise(pl.lit("ACCEPTED"))
        rows = found.select("name", "row", status=status, source=_named(found["source"], self.sources))
        table = pl.concat([rows, taxa.select("accepted", "rank", *CLASSIFICATION)], how="horizontal")
        return table.unique(["name", "row"], keep="first", maintain_order=True).select(LOOKED_UP.names())

    def taxa(self, rows: pl.Series) -> pl.DataFrame:
        """Return accepted taxa by number.

        Parameters
        ----------
        rows : polars.Series of int, length n
            From `look_up`; null for none.

        Returns
        -------
        polars.DataFrame of n rows
            `accepted` (the name), `rank`, `CLASSIFICATION` with the taxon itself, `source`.
        """
        taxa = self.names.select(pl.all().gather(rows))
        # What is above a genus stands with the genus itself; what is below it, and a group between two ranks, has its parent's.
        low = pl.col("row") >= self.groups.height
        at = pl.DataFrame({"row": rows.cast(pl.UInt32), "parent": taxa["parent"]}).select(
            pl.when(low).then("parent").otherwise("row")
        )
        above = self.groups.select(pl.all().gather(at.to_series()))
        ranks = _named(taxa["rank"], _ranks())
        return pl.concat(
            [taxa.select(accepted="name", rank=ranks, source=_named(taxa["source"], self.sources)), above],
            how="horizontal",
        )

    def synonyms(self, row: int) -> list[str]:
        """Return the synonyms of a taxon, by name."""
        return self.names.filter(pl.col("accepted") == row)["name"].sort().to_list()

    def namesakes(self, species: Collection[str]) -> list[str]:
        """Return the names of species that share the genus or the epithet of one of some."""
        parts = {part for name in species for part in (name.partition(" ")[0] + " ", " " + name.rpartition(" ")[2])}
        names = self.names["name"].slice(self.groups.height)
        found = names.filter(names.str.contains_any(sorted(parts)))
        return found.filter(found.str.count_matches(" ", literal=True) == 1).to_list()

    def kingdom_of(self, rank: str, names: pl.Series) -> pl.Series:
        """Return the kingdom of groups of a rank; null where there is no such group, or in two kingdoms.

        Parameters
        ----------
        rank : str
            `phylum`, `class`, `order` or `family`.
        names : polars.Series of str, length n
        """
        found = (
            self.look_up(names).filter(pl.col("rank") == rank.upper()).group_by("name").agg(pl.col("kingdom").unique())
        )
        one = found.select(
            "name", kingdom=pl.when(pl.col("kingdom").list.len() == 1).then(pl.col("kingdom").list.first())
        )
        return names.alias("name").to_frame().join(one, on="name", how="left", maintain_order="left")["kingdom"]

    def groups_of(self, rank: str) -> pl.Series:
        """Return the names of all groups of a rank, each once."""
        return self.groups[rank].drop_nulls().unique()

    def _rows(self, wanted: pl.Series) -> pl.DataFrame:
        """Return the rows of some names, with their numbers as `place`."""
        places = self.names.lazy().select("name").with_row_index("place").filter(pl.col("name").is_in(wanted.implode()))
        at = places.collect()["place"]
        return self.names.select(pl.all().gather(at)).with_columns(place=at)


@cache
def reference_list() -> ReferenceList:
    """Return the bundled list; read at the first call."""
    with as_file(files("biodata") / "data" / "reference_list.parquet") as path:
        metadata = pq.read_schema(path).metadata
        names = pl.read_parquet(path)
    names = names.select(
        "name",
        pl.col("rank").cast(pl.UInt8),
        pl.col("parent", "accepted").cast(pl.UInt32),
        pl.col("source").cast(pl.UInt8),
    )
    height = int(metadata[b"above_species"])
    return ReferenceList(
        metadata[b"version"].decode(), tuple(json.loads(metadata[b"sources"])), names, _classified(names.head(height))
    )


@cache
def _ranks() -> tuple[str, ...]:
    """Return the ranks in the order of their codes."""
    with as_file(files("biodata") / "data" / "reference_list.parquet") as path:
        return tuple(json.loads(pq.read_schema(path).metadata[b"ranks"]))


def _classified(groups: pl.DataFrame) -> pl.DataFrame:
    """Return for genera and what is above them, synonyms too, their names in `CLASSIFICATION`."""
    at = pl.int_range(groups.height, eager=True, dtype=pl.UInt32)
    found = {rank: pl.Series(rank, [None], dtype=pl.String).new_from_index(0, groups.height) for rank in CLASSIFICATION}
    for _ in range(len(CLASSIFICATION) + 1):
        here = groups.select(pl.col("name", "rank", "parent").gather(at))
        for rank in CLASSIFICATION:
            own = pl.when(pl.col("rank") == _ranks().index(rank.upper())).then("name")
            found[rank] = here.select(pl.coalesce(found[rank], own)).to_series()
        at = here["parent"]
    return pl.DataFrame(found)


def _named(codes: pl.Series, names: tuple[str, ...]) -> pl.Series:
    """Return the texts that codes stand for."""
    return pl.Series(names, dtype=pl.String).gather(codes.cast(pl.UInt32))


# Where taxa live, as far as bundled lists say: mammals by country, groups of other continents, groups of the sea and its coast.

COUNTRIES: Final = frozenset(MEMBERS)
"""The countries that the lists know."""


class Range(NamedTuple):
    """Where a taxon lives: in which of `COUNTRIES`, all of them where no list says; whether only by the sea."""

    countries: frozenset[str]
    coast: bool


def ranges(names: Iterable[str]) -> dict[str, Range]:
    """Return where the taxa of canonical names live, of those that the reference list has."""
    found: dict[str, Range] = {}
    taxa = reference_list().look_up(pl.Series([*names], dtype=pl.String))
    for name, accepted, *above in taxa.select("name", "accepted", *CLASSIFICATION).iter_rows():
        groups = {group for group in above if group}
        countries = _mammals().get(accepted, _mammals().get(name, COUNTRIES))
        for one in {*groups, accepted, name} & _only_in().keys():
            countries &= _only_in()[one]
        coast = any(not _by_the_sea()[one] & groups for one in groups & _by_the_sea().keys())
        lives = Range(countries, coast)
        other = found.get(name, lives)  # the same name of another kingdom
        found[name] = Range(lives.countries | other.countries, lives.coast and other.coast)
    return found


@cache
def _mammals() -> Mapping[str, frozenset[str]]:
    return {row["name"]: frozenset(row["countries"].split()) for row in read_rows("mammal_countries.csv")}


@cache
def _only_in() -> Mapping[str, frozenset[str]]:
    """Return taxa with the countries of the region that they live in alone; none of those that live elsewhere."""
    rows = (row for row in read_rows("groups_elsewhere.csv") if row["where"] != "coast")
    return {row["name"]: COUNTRIES & frozenset(row["where"].split()) for row in rows}


@cache
def _by_the_sea() -> Mapping[str, frozenset[str]]:
    """Return groups of the sea and its coast, each with the genera that are an exception."""
    rows = [row for row in read_rows("groups_elsewhere.csv") if row["where"] == "coast"]
    rows += [row for row in read_rows("taxon_elements.csv") if row["element"] == "sea"]
    return {row["name"]: frozenset(row["except_genera"].split("|")) - {""} for row in rows}
