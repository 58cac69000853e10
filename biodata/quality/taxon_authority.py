"""What is known of names without a network: a loaded checklist, or the bundled names of higher taxa.

The standard's authority is GBIF's Backbone Taxonomy, which is online. A checklist that was loaded answers in its place
and its answers are final: a name that it lacks is not found. The bundled names (`data/README.md`) are those of NCBI's
Taxonomy and of GBIF's classification down to class, and NCBI's orders, families and genera. Kingdoms, phyla and classes
are held to be all there; of orders, families and genera many are missing, so that one that looks like a name of its
rank and is not listed is not decided: True, False, and None for what cannot be known here.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import polars as pl

from biodata.text.name_text import Agreement, agreement

RANKS: Final = ("kingdom", "phylum", "class", "order", "family", "genus")
_COMPLETE: Final = frozenset({"kingdom", "phylum", "class"})

# A name of one word; a hybrid genus has a sign before it.
_ONE_WORD: Final = re.compile(r"(?:× ?)?[A-ZÀ-ÖØ-Þ][a-zà-öø-ÿœ]+(?:-[A-Za-zà-öø-ÿ][a-zà-öø-ÿœ]+)?")
# Endings by ICZN Art. 29.2, ICN Art. 18.1, ICNP Rule 9 and ICTV 3.21; names of families have them, others do not.
_FAMILY: Final = ("idae", "aceae", "viridae")

Lineage = Mapping[str, frozenset[str]]
"""What may stand above a name, by rank; a rank without entry is not known."""


@dataclass(frozen=True, eq=False)
class Authority:
    """Names by rank, with what may stand above them.

    Attributes
    ----------
    titles : frozenset of str
        How it may be called beside the standard's default.
    listed : mapping of rank to mapping of name to list of Lineage
        Every name of a rank; several lineages of homonyms, none where only the name is known.
    closed : frozenset of str
        The ranks of which every name is listed.
    """

    listed: Mapping[str, Mapping[str, list[Lineage]]]
    closed: frozenset[str]
    titles: frozenset[str] = field(default_factory=frozenset)

    def found(self, rank: str, name: str) -> bool | None:
        """Return whether a value is a name of a rank, exactly as it is written.

        Parameters
        ----------
        rank : str
            One of `RANKS`.
        name : str
            The value as stated.

        Returns
        -------
        bool, or None where that cannot be known here
        """
        if name in self.listed[rank]:
            return True
        if rank in self.closed or not _ONE_WORD.fullmatch(name):
            return False
        if name.endswith(_FAMILY) != (rank == "family"):
            return False
        elsewhere = any(name in self.listed[other] for other in RANKS if other != rank)
        return False if elsewhere else None

    def consistent(self, facts: Mapping[str, str]) -> bool | None:
        """Return whether a classification agrees with the lowest of its names that is listed.

        Parameters
        ----------
        facts : mapping of rank to name
            What the record tells; a rank that is not of `RANKS` cannot be looked up.

        Returns
        -------
        bool, or None where that cannot be known here
        """
        known = {rank: _spelled(facts[rank]) for rank in RANKS if rank in facts}
        lowest = next((rank for rank in reversed(RANKS) if known.get(rank) in self.listed[rank]), None)
        if lowest is None:
            return _all(self.found(rank, name) for rank, name in known.items()) if known else None
        place = RANKS.index(lowest)
        if any(self.found(rank, known[rank]) is False for rank in RANKS[place + 1 :] if rank in known):
            return False
        above = {rank: known[rank] for rank in RANKS[:place] if rank in known}
        return _any(
            _all(self._may_stand(rank, name, lineage) for rank, name in above.items())
            for lineage in self.listed[lowest][known[lowest]]
        )

    def _may_stand(self, rank: str, name: str, lineage: Lineage) -> bool | None:
        """Return whether a name of a rank may stand above a taxon of that lineage."""
        allowed = lineage.get(rank, frozenset())
        if name in allowed:
            return True
        others = self.listed[rank].get(name)
        if others is None:
            return self.found(rank, name)
        # What stands one rank below a group that both share is opinion: families move between orders, genera between
        # families. Only the bundled names leave it open; a checklist has its own opinion.
        nearest = next((level for level in reversed(RANKS[: RANKS.index(rank)]) if lineage.get(level)), None)
        shared = nearest is None or any(not other.get(nearest) or other[nearest] & lineage[nearest] for other in others)
        if not allowed or not shared:
            return shared
        return None if rank == "order" and not self.titles else rank == "family" and not self.titles

    def lineages(self, name: str) -> list[Lineage] | None:
        """Return the lineages of a name of one word at whatever rank; None where the name is not listed."""
        found = [self.listed[rank].get(name) for rank in RANKS]
        if all(one is None for one in found):
            return None
        return [lineage for one in found if one for lineage in one]


def _all(answers: Iterable[bool | None]) -> bool | None:
    """Return False where one is False, else None where one is not known, else True."""
    unknown = False
    for answer in answers:
        if answer is False:
            return False
        unknown |= answer is None
    return None if unknown else True


def _any(answers: Iterable[bool | None]) -> bool | None:
    """Return True where one is True, else None where one is not known, else False."""
    unknown = False
    for answer in answers:
        if answer:
            return True
        unknown |= answer is None
    return None if unknown else False


@lru_cache(maxsize=1 << 16)
def _spelled(name: str) -> str:
    """Return a name with a capital, whatever the letter case it was stated in."""
    return name[:1].upper() + name[1:] if name[1:].islower() or not name[1:].isupper() else name.capitalize()


@cache
def bundled() -> Authority:
    """Return what the package knows of higher taxa and genera."""
    folder = files("biodata") / "data"
    taxa = pl.read_parquet((folder / "higher_taxa.parquet").read_bytes())
    genera = pl.read_parquet((folder / "genera.parquet").read_bytes())
    listed: dict[str, dict[str, list[Lineage]]] = {rank: {} for rank in RANKS}
    below: dict[str, list[Lineage]] = defaultdict(list)
    for row in taxa.iter_rows(named=True):
        lineage = {rank: frozenset(row[rank].split("|")) for rank in RANKS[:4] if row[rank]}
        listed[row["rank"]].setdefault(row["name"], []).append(lineage)
        below[row["name"]].append(lineage | {row["rank"]: frozenset([row["name"]])})
    shared = pl.col("name").is_duplicated()
    alone = genera.filter(~shared)  # nine in ten, and they take over their parent's list as it is
    listed["genus"] = dict(zip(alone["name"], map(below.__getitem__, alone["parent"]), strict=True))
    for parent, name in genera.filter(shared).iter_rows():
        listed["genus"][name] = listed["genus"].get(name, []) + below[parent]
    return Authority(listed, _COMPLETE)


class Same:
    """A frame that is only equal to itself, to remember what was made of it."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame

    def __hash__(self) -> int:
        return id(self.frame)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.frame is self.frame


def authority(checklist: pl.DataFrame | None) -> Authority:
    """Return the authority: what a checklist of `terms.TAXON` lists, or the bundled names without one."""
    return bundled() if checklist is None else _of_checklist(Same(checklist))


@lru_cache(maxsize=2)
def _of_checklist(same: Same) -> Authority:
    """Return the authority that a checklist is: its taxa of each rank, and the names in its higher ranks."""
    taxa = same.frame
    seen: dict[str, dict[str, set[tuple[str | None, ...]]]] = {rank: defaultdict(set) for rank in RANKS}
    for place, rank in enumerate(RANKS):
        for name, *above in taxa.select(rank, *RANKS[:place]).drop_nulls(rank).unique().iter_rows():
            seen[rank][name].add(tuple(above))
    own = taxa.filter(pl.col("taxonRank").str.to_lowercase().is_in(RANKS))
    for row in own.select("taxonRank", "scientificName", *RANKS).iter_rows():
        rank = row[0].lower()
        seen[rank][row[1]].add(row[2 : 2 + RANKS.index(rank)])
    listed = {rank: {name: _lineages(rank, above) for name, above in names.items()} for rank, names in seen.items()}
    return Authority(listed, frozenset(RANKS), frozenset(taxa["checklist"].drop_nulls().unique()))


def _lineages(rank: str, above: Iterable[tuple[str | None, ...]]) -> list[Lineage]:
    """Return lineages by rank."""
    higher = RANKS[: RANKS.index(rank)]
    return [
        {level: frozenset([name]) for level, name in zip(higher, names, strict=True) if name is not None}
        for names in above
    ]


# A name and a loaded checklist: which of its taxa the name can mean.


@dataclass(frozen=True)
class Taxon:
    """A taxon of a checklist: its identifier as a response writes it, its name, and what stands above it by rank."""

    identifier: str
    name: str
    authorship: str | None
    rank: str | None
    above: Mapping[str, str]

    @property
    def full_name(self) -> str:
        """The name with its authorship."""
        return f"{self.name} {self.authorship}" if self.authorship else self.name


class Names:
    """The taxa of a checklist by name and by identifier.

    Parameters
    ----------
    taxa : polars.DataFrame
        Columns of `terms.TAXON`.
    """

    def __init__(self, taxa: pl.DataFrame) -> None:
        self.by_name: dict[str, list[Taxon]] = defaultdict(list)
        self.by_identifier: dict[str, Taxon] = {}
        self.by_gbif_key: dict[int, Taxon] = {}
        columns = ("taxon_id", "scientificName", "scientificNameAuthorship", "taxonRank", "gbif_key", *RANKS)
        for stated, name, authorship, rank, key, *higher in taxa.select(columns).iter_rows():
            if name is None:
                continue
            above = {level: value for level, value in zip(RANKS, higher, strict=True) if value is not None}
            taxon = Taxon(f"gbif:{key}" if key is not None else stated, name, authorship, rank, above)
            self.by_name[name].append(taxon)
            self.by_identifier[stated] = taxon
            if key is not None:
                self.by_gbif_key[key] = taxon

    def matching(self, name: str, authorship: str | None, facts: Mapping[str, str]) -> list[Taxon]:
        """Return the taxa that a name means, distinguished by authorship and by what the record states above it.

        Parameters
        ----------
        name : str
            The name without authorship.
        authorship : str, optional
            Its authorship.
        facts : mapping of rank to name
            Higher ranks of the record.
        """
        taxa = self.by_name.get(name, [])
        if authorship:
            taxa = [t for t in taxa if agreement(t.authorship, authorship) != Agreement.CONFLICT]
        if len(taxa) > 1:
            taxa = [t for t in taxa if all(t.above.get(rank, value) == value for rank, value in facts.items())] or taxa
        return taxa


def names_of(checklist: pl.DataFrame) -> Names:
    """Return the names of a checklist, made once for each."""
    return _names(Same(checklist))


@lru_cache(maxsize=2)
def _names(same: Same) -> Names:
    return Names(same.frame)
