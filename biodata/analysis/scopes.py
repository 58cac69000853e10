"""Whether a taxon is among what a survey looked for: its declared scope, in Latin or by common names.

What stands above a species is stated by its record, else by the bundled lists of genera, so that a survey needs no
checklist for a scope such as Mammalia.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import polars as pl

from biodata.sharing.names import lineages
from biodata.sharing.scopes import canonical_name, meanings
from biodata.text.reference_list import CLASSIFICATION as RANKS
from biodata.text.reference_list import reference_list

_BETWEEN: Final = "\x1f"


class Holds(StrEnum):
    """Whether a scope holds a taxon."""

    INSIDE = "inside its scope"
    OUTSIDE = "outside its scope"
    UNPLACED = (
        "no list here tells which class, order and family it is of, so whether the scope holds it is not known; "
        "load a checklist that has it: biodata ingest checklist FILE"
    )
    UNREAD = "a word of its scope is no taxon that is known here; write a scientific name, such as Mammalia"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a taxon stands.

    Attributes
    ----------
    names : frozenset of str
        Its own names, its genus and everything above it, small.
    known : frozenset of str
        The ranks at which it is known what stands there.
    """

    names: frozenset[str]
    known: frozenset[str]


def standing(name: str, facts: Mapping[str, Collection[str]]) -> Standing:
    """Return where a taxon stands, from what its records state and from the bundled lists.

    Parameters
    ----------
    name : str
        Its scientific name, at whatever rank.
    facts : mapping of str to collection of str
        What its records state by rank (`species`, and `reference_list.CLASSIFICATION`).

    Notes
    -----
    A genus of animals and of plants (Hystrix is a porcupine and a grass) is both where no record states more: nobody
    who looked for mammals lists a grass.
    """
    words = canonical_name(name).casefold().split()
    given = {rank: {value.strip().casefold() for value in values if value.strip()} for rank, values in facts.items()}
    names = {name.strip().casefold(), *words[:1], " ".join(words[:2])}.union(*given.values())
    known = {rank for rank, values in given.items() if values}
    above_it = [one for word in (*sorted(given.get("genus", ())), *words[:1]) for one in lineages(word.capitalize())]
    agreeing = [one for one in above_it if all(not one.get(r) or one[r] & v for r, v in given.items() if v)]
    for rank in RANKS:
        above = [one.get(rank, frozenset[str]()) for one in agreeing]
        names = names.union(*above)  # another opinion of the same place is no other place
        if above and all(above):
            known.add(rank)
    if len(words) == 1 and reference_list().group_ranks.get(words[0].capitalize(), "GENUS") != "GENUS":
        known |= set(RANKS)  # it may be any of its species, and nobody said which
    return Standing(frozenset(names) - {""}, frozenset(known))


def holding(
    scopes: pl.Series, taxon: Standing, *, excluded: pl.Series | None = None, ranks: Mapping[str, str] | None = None
) -> pl.Series:
    """Tell of each scope whether it holds a taxon.

    Parameters
    ----------
    scopes : Series of list of str, length n
    taxon : Standing
    excluded : Series of list of str, length n, optional
        What each scope leaves out: a taxon that lies in it was not looked for, and one that may lie in it nobody knows of.
    ranks : mapping of str to str, optional
        Rank of names, small, that records of the survey tell: a checklist may know more of them than the bundled lists.

    Returns
    -------
    Series of str, length n
        A value of `Holds`; null where there is no scope: nobody said what was looked for.
    """
    if excluded is not None and excluded.null_count() < excluded.len():
        held, left_out = (holding(one, taxon, ranks=ranks) for one in (scopes, excluded))
        may_lie_in_it = pl.col("out").is_in([str(Holds.UNPLACED), str(Holds.UNREAD)])
        without = (
            pl.when(pl.col("out") == Holds.INSIDE).then(pl.lit(str(Holds.OUTSIDE))).when(may_lie_in_it).then("out")
        )
        scope = pl.when(pl.col("held") == Holds.INSIDE).then(without.otherwise("held")).otherwise("held")
        return pl.DataFrame({"held": held, "out": left_out}).select(scope.alias("scope"))["scope"]
    values = scopes.rename("scope").to_frame().select(pl.col("scope").list.join(_BETWEEN))["scope"]
    asked = [one for one in values.drop_nulls().unique() if one.replace(_BETWEEN, "").strip()]
    answers = [str(_holds(one.split(_BETWEEN), taxon, ranks or {})) for one in asked]
    return values.replace_strict(asked, answers, default=None, return_dtype=pl.String)


def _holds(scope: Iterable[str], taxon: Standing, ranks: Mapping[str, str]) -> Holds:
    """Return whether a scope holds a taxon: where one of its words does, whatever the others are."""
    found = {_word_holds(word, taxon, ranks) for word in scope if word.strip()}
    return next(one for one in (Holds.INSIDE, Holds.UNPLACED, Holds.UNREAD, Holds.OUTSIDE) if one in found)


def _word_holds(word: str, taxon: Standing, ranks: Mapping[str, str]) -> Holds:
    meant = meanings(word)
    if meant.keys() & taxon.names:
        return Holds.INSIDE
    found = {rank or ranks.get(name) for name, rank in meant.items()}
    if None in found:
        return Holds.UNREAD
    return Holds.OUTSIDE if found <= taxon.known | {"species"} else Holds.UNPLACED


def unclear(scopes: pl.Series, records: pl.DataFrame) -> tuple[list[str], list[str]]:
    """Return what keeps it open whether records lie in the scopes of their survey.

    Parameters
    ----------
    scopes : Series of list of str
    records : polars.DataFrame
        `scientificName`, and those of `RANKS` that are known.

    Returns
    -------
    names : list of str
        Species of which no list states the class, and no record either.
    words : list of str
        Words of the scopes that are no taxon that is known.
    """
    asked = scopes.drop_nulls().explode(empty_as_null=False).unique(maintain_order=True)
    if not asked.str.contains(r"\S").any():
        return [], []
    ranks = [rank for rank in RANKS if rank in records.columns]
    known = {name.casefold(): rank for rank in ranks for name in records[rank].drop_nulls().unique()}
    by_name = records.drop_nulls("scientificName").group_by("scientificName", maintain_order=True)
    standings = {
        name: standing(name, dict(zip(ranks, entries, strict=True)))
        for name, *entries in by_name.agg(pl.col(ranks).drop_nulls().unique()).iter_rows()
    }
    own = frozenset[str]().union(*(one.names for one in standings.values()))
    words = [
        word
        for word in asked
        if word.strip()
        and not meanings(word).keys() & own
        and any(r is None and n not in known for n, r in meanings(word).items())
    ]
    names = [name for name, one in standings.items() if Holds.UNPLACED in set(holding(scopes, one, ranks=known))]
    return names, words
