"""What canonical names mean by the reference list and the hand lists, and where taxa stand by every opinion that is known."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

import polars as pl

from biodata.parsers.bundled import read_rows
from biodata.parsers.reference_list import CLASSIFICATION, reference_list

GROUPS: Final = CLASSIFICATION[:5]
_BELOW_GENUS: Final = frozenset({"SPECIES", "SUBSPECIES", "VARIETY", "FORM"})
Lineage = Mapping[str, frozenset[str]]
"""What a taxon is and may have above it, small, by rank; several names of a rank are opinions about one place."""


class Reading(NamedTuple):
    """A taxon that a name means; `keys` are its own and those of what is above it, the highest first."""

    accepted: str
    rank: str
    low: bool
    keys: tuple[str, ...]
    groups: Mapping[str, str]


Readings = Mapping[str, Sequence[Reading]]


def looked_up(names: Iterable[str]) -> dict[str, list[Reading]]:
    """Return the taxa that canonical names mean by the reference list; nothing for names that are not known."""
    found: dict[str, list[Reading]] = defaultdict(list)
    above: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {}
    table = reference_list().look_up(pl.Series(list(set(names)), dtype=pl.String))
    kingdom = pl.col("kingdom").fill_null("") + "|species|"
    low = pl.when(pl.col("rank").is_in(list(_BELOW_GENUS)))
    rows = table.select(
        "name", "accepted", "rank",
        groups=pl.concat_str(pl.col(CLASSIFICATION).fill_null(""), separator="|"),
        species=low.then(kingdom + pl.col("accepted").str.extract(r"^(\S+ \S+)")),
        own=low.then(kingdom + pl.col("accepted")),
    )  # fmt: skip
    for name, accepted, rank, group, of_species, own in rows.iter_rows():
        if group not in above:
            told = group.split("|")
            named = {of: one for of, one in zip(CLASSIFICATION, told, strict=True) if one}
            above[group] = tuple(f"{told[0]}|{of}|{one}" for of, one in named.items()), named
        keys, named = above[group]
        if own is not None:
            keys = (*keys, of_species) if own == of_species else (*keys, of_species, own)
        if keys:
            found[name].append(Reading(accepted, rank, own is not None or "genus" in named, keys, named))
    return found


@lru_cache(maxsize=4096)
def lineages(name: str) -> tuple[Lineage, ...]:
    """Return where a genus or a group may stand, by every opinion that is known; nothing for a name that is not known."""
    found = looked_up([name]).get(name, ())
    genus = [{"genus": frozenset({one.groups["genus"].casefold()})} if "genus" in one.groups else {} for one in found]
    return tuple({**with_opinions(one.groups, name), **own} for one, own in zip(found, genus, strict=True))


@cache
def _by_hand() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for row in read_rows("synonyms_of_listed.csv"):
        small = row["synonym"].casefold()
        found[small] = (*found.get(small, ()), row["scientificName"])
    return found


def meant_by_hand(name: str) -> tuple[str, ...]:
    """Return the listed taxa that a name is another name of."""
    return _by_hand().get(name.casefold(), ())


def old_names(name: str) -> list[str]:
    """Return the other names of a listed taxon, small, that were put together by hand."""
    return [small for small, meant in _by_hand().items() if name.casefold() in {one.casefold() for one in meant}]


@cache
def _higher() -> Mapping[tuple[str, str], list[Lineage]]:
    """Return where groups stand by every opinion that is known, by rank and small name."""
    table = pl.read_parquet((files("biodata") / "data" / "higher_taxa.parquet").read_bytes())
    found: dict[tuple[str, str], list[Lineage]] = defaultdict(list)
    for row in table.iter_rows(named=True):
        small = row["name"].casefold()
        above = {rank: frozenset(row[rank].casefold().split("|")) for rank in GROUPS[:4] if row[rank]}
        found[row["rank"], small].append({**above, row["rank"]: above.get(row["rank"], frozenset()) | {small}})
    return found


@cache
def _elsewhere() -> Mapping[str, list[tuple[str, str]]]:
    """Return the groups in which older works have listed taxa or their families, by small name."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in read_rows("other_groups_of_listed.csv"):
        found[row["scientificName"].casefold()].append((row["rank"], row["other"].casefold()))
    return found


def with_opinions(groups: Mapping[str, str], name: str) -> Lineage:
    """Return where a taxon of the reference list stands, by every opinion that is known."""
    found = {rank: {group.casefold()} for rank, group in groups.items() if rank in GROUPS}
    lowest = next((rank for rank in reversed(GROUPS) if rank in found), None)
    if lowest is not None:
        for lineage in _higher().get((lowest, groups[lowest].casefold()), ()):
            for rank in found:
                found[rank] |= lineage.get(rank, frozenset())
    for one in {name.casefold(), *(group.casefold() for group in groups.values())}:
        for rank, other in _elsewhere().get(one, ()):
            if rank in found:
                found[rank].add(other)
    return {rank: frozenset(names) for rank, names in found.items()}


def stands(rank: str, name: str, found: Sequence[Reading]) -> list[Lineage]:
    """Return where a stated group may stand. Kingdoms, phyla and classes are those of the list of higher taxa, which has them all."""
    by_list = [with_opinions(one.groups, name) for one in found]
    by_list = [{**one, rank: one.get(rank, frozenset()) | {name.casefold()}} for one in by_list]
    known = _higher().get((rank, name.casefold()), [])
    return [*known, *(by_list if known or rank in ("order", "family") else [])]


def may_be(one: Sequence[Lineage], other: Sequence[Lineage]) -> bool:
    """Tell whether two taxa can lie in one another: by some reading, no rank that both have keeps them apart."""
    return any(all(a[rank] & b[rank] for rank in a.keys() & b.keys()) for a in one for b in other)
