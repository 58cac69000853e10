"""Where a taxon stands: what is above it, what else it is called, and which taxon a common name means."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.matching.vernaculars import folded

RANKS: Final = ("kingdom", "phylum", "class", "order", "family", "genus")
Lineage = Mapping[str, frozenset[str]]
"""Names above a taxon and its own, small, by rank; several names of a rank are opinions about one place."""
_DATA: Final = files("biodata.data")


@dataclass(frozen=True, eq=False)
class Taxonomy:
    """What is known of taxa, from the bundled lists and from an installation's checklists.

    Attributes
    ----------
    lineages : mapping of str to tuple of Lineage
        Of taxa above genus, and of genera of checklists, by their small name: several where the name is used twice, or
        where lists disagree.
    parents : mapping of str to tuple of str
        Of genera: the nearest taxon above.
    vernaculars : mapping of str to frozenset of str
        The taxa that a common name (`matching.vernaculars.folded`) means.
    also : mapping of str to frozenset of str
        Of a species, small and without authorship: the other names of its taxon.
    old : mapping of str to frozenset of str
        Of the listed taxa, small: old names, which stand in genera that they do not belong to.
    apart : mapping of str to frozenset of str
        Of a species that is no listed one: the listed ones that its name is near to.
    authors : mapping of str to frozenset of str
        Of the same species: who named it, with the year and without.
    """

    lineages: Mapping[str, tuple[Lineage, ...]]
    parents: Mapping[str, tuple[str, ...]]
    vernaculars: Mapping[str, frozenset[str]]
    also: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    old: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    apart: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    authors: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    _known: dict[str, tuple[Lineage, ...]] = field(default_factory=dict, repr=False)

    def of(self, name: str) -> tuple[Lineage, ...]:
        """Return where a genus or a taxon above it stands; nothing for a name that is not known."""
        small = name.casefold()
        if small not in self._known:
            self._known[small] = self._of(small)
        return self._known[small]

    def _of(self, small: str) -> tuple[Lineage, ...]:
        told = self.lineages.get(small, ())
        if small not in self.parents:
            return told
        above = (lineage for parent in self.parents[small] for lineage in self.lineages.get(parent, ({},)))
        own = ({**lineage, "genus": frozenset({small})} for lineage in above)
        return (*told, *(lineage for lineage in own if lineage not in told))

    def is_genus(self, name: str) -> bool:
        """Tell whether a name is that of a known genus."""
        return any(name.casefold() in lineage.get("genus", ()) for lineage in self.of(name))

    def with_checklists(self, taxa: pl.DataFrame, names: Iterable[str]) -> "Taxonomy":
        """Return the same with what checklists tell.

        Parameters
        ----------
        taxa : polars.DataFrame
            Columns of `terms.TAXON`.
        names : iterable of str
            Scientific names whose other names are wanted: those of rules.
        """
        lineages = defaultdict(tuple, self.lineages)
        known = taxa.select(pl.col(rank).str.to_lowercase() for rank in RANKS).unique()
        for row in known.iter_rows():
            full = {rank: frozenset({name}) for rank, name in zip(RANKS, row, strict=True) if name}
            for depth, rank in enumerate(RANKS):
                if rank in full:
                    (name,) = full[rank]
                    part = {above: full[above] for above in RANKS[: depth + 1] if above in full}
                    if part not in lineages[name]:
                        lineages[name] = (*lineages[name], part)
        vernaculars = defaultdict(set, {name: set(meant) for name, meant in self.vernaculars.items()})
        for name, meant in _told_vernaculars(taxa):
            vernaculars[name].add(meant)
        return Taxonomy(
            dict(lineages),
            self.parents,
            {name: frozenset(meant) for name, meant in vernaculars.items()},
            _also(taxa, {name.casefold() for name in names}),
            self.old,
            self.apart,
            self.authors,
        )


def _told_vernaculars(taxa: pl.DataFrame) -> Iterable[tuple[str, str]]:
    """Return the common names of checklists with the taxon that each means."""
    told = taxa.drop_nulls(["vernacular_details", "scientificName"]).select(
        "scientificName", names=pl.col("vernacular_details").str.json_decode(pl.List(pl.Struct({"name": pl.String})))
    )
    for taxon, names in told.iter_rows():
        yield from ((folded(one["name"]), taxon) for one in names if one["name"])


def _also(taxa: pl.DataFrame, wanted: set[str]) -> dict[str, frozenset[str]]:
    """Return the other names of the taxa of some names."""
    accepted = pl.when(pl.col("taxonomicStatus") == "SYNONYM").then("accepted_taxon_id").otherwise("taxon_id")
    own = taxa.select("checklist", accepted=accepted, name="scientificName")
    beside = taxa.select("checklist", accepted=accepted, name="synonyms").explode("name")
    groups = (
        pl.concat([own, beside])
        .drop_nulls()
        .with_columns(pl.col("name").str.to_lowercase())
        .group_by("checklist", "accepted")
        .agg(pl.col("name").unique())
        .filter(pl.col("name").list.set_intersection(sorted(wanted)).list.len() > 0)
    )
    found: dict[str, set[str]] = defaultdict(set)
    for names in groups["name"]:
        for name in names:
            if name in wanted:
                found[name] |= set(names) - {name}
    return {name: frozenset(others) for name, others in found.items()}


@cache
def bundled() -> Taxonomy:
    """Return what the bundled lists tell; the same object each time."""
    higher: dict[str, tuple[Lineage, ...]] = {}
    for row in _parquet("higher_taxa").iter_rows(named=True):
        lineage = {rank: _opinions(row[rank]) for rank in RANKS[:4] if row[rank]}
        name = row["name"].casefold()
        lineage[row["rank"]] = frozenset({name}) | (lineage.get(row["rank"], frozenset()))
        higher[name] = (*higher.get(name, ()), lineage)
    by_hand = _csv("genera_by_hand").with_columns(family=pl.col("name").str.ends_with("idae"))
    for name, parent in by_hand.filter("family").select("name", "parent").iter_rows():
        family = {"family": frozenset({name.casefold()})}
        higher[name.casefold()] = tuple({**lineage, **family} for lineage in higher[parent.casefold()])
    pairs = pl.concat(
        [_parquet("genera").select("name", "parent"), by_hand.filter(~pl.col("family")).select("name", "parent")]
    )
    parents = pairs.with_columns(pl.all().str.to_lowercase()).group_by("name").agg("parent").sort("name")
    meant: dict[str, set[str]] = defaultdict(set)
    for name, taxon in _csv("vernacular_names").select("name", "scientificName").iter_rows():
        meant[folded(name)].add(taxon)
    apart: dict[str, set[str]] = defaultdict(set)
    authors: dict[str, set[str]] = defaultdict(set)
    for name, told, year, near in _csv("not_the_listed").iter_rows():
        apart[name.casefold()].add(near.casefold())
        authors[name.casefold()] |= {form for one in told.split("|") for form in (one, f"{one} {year}")}
    old: dict[str, set[str]] = defaultdict(set)
    for name, synonym in _csv("synonyms_of_listed").iter_rows():
        old[name.casefold()].add(synonym.casefold())
    return Taxonomy(
        MappingProxyType(higher),
        MappingProxyType({name: tuple(above) for name, above in parents.iter_rows()}),
        MappingProxyType({name: frozenset(taxa) for name, taxa in meant.items()}),
        old=MappingProxyType({name: frozenset(others) for name, others in old.items()}),
        apart=MappingProxyType({name: frozenset(taxa) for name, taxa in apart.items()}),
        authors=MappingProxyType({name: frozenset(forms) for name, forms in authors.items()}),
    )


def _parquet(name: str) -> pl.DataFrame:
    return pl.read_parquet(_DATA.joinpath(f"{name}.parquet").read_bytes())


def _csv(name: str) -> pl.DataFrame:
    return pl.read_csv(_DATA.joinpath(f"{name}.csv").read_bytes(), infer_schema=False)


def _opinions(told: str) -> frozenset[str]:
    return frozenset(told.casefold().split("|"))
