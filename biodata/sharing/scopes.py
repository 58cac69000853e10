"""What the words of a declared scope mean: whether a taxon is among what was looked for, and which words may be told.

A scope names taxa of any rank, in Latin or by common names. What stands above a species is told by its record, else by
the bundled lists of genera (`taxonomy.bundled`), so that a survey needs no checklist for a scope such as Mammalia.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

import polars as pl

from biodata import terms
from biodata.parsers.reference_list import CLASSIFICATION as RANKS
from biodata.parsers.reference_list import reference_list
from biodata.places import BoundarySet
from biodata.sharing.decide import decide
from biodata.sharing.names import bundled_common_names, canonical, lineages, meaning, old_names
from biodata.sharing.rules import RuleSet
from biodata.vocabularies import SharingCategory

_BROAD: Final = frozenset({"kingdom", "phylum", "class", "order"})
"""Ranks so wide that having looked for such a taxon tells of none of its species."""
_GENERA: Final = 30
"""Genera that the least of them has: Sirenia and Pholidota have three, and in one country one."""
_HIDDEN: Final = {"order": 10}
"""At most one genus in so many of such a taxon may be under a rule that withholds; half of one of a wider rank."""
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


def standing(name: str, told: Mapping[str, Collection[str]]) -> Standing:
    """Return where a taxon stands, from what its records tell and from the bundled lists.

    Parameters
    ----------
    name : str
        Its scientific name, at whatever rank.
    told : mapping of str to collection of str
        What its records tell by rank (`species`, and `reference_list.CLASSIFICATION`).

    Notes
    -----
    A genus of animals and of plants (Hystrix is a porcupine and a grass) is both where no record tells more: nobody
    who looked for mammals lists a grass.
    """
    words = _canonical(name).casefold().split()
    given = {rank: {value.strip().casefold() for value in values if value.strip()} for rank, values in told.items()}
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
        held = holding(scopes, taxon, ranks=ranks)
        left_out = holding(excluded, taxon, ranks=ranks)
        inside, open_ = held == Holds.INSIDE, left_out.is_in([str(Holds.UNPLACED), str(Holds.UNREAD)])
        both = pl.DataFrame([held.alias("held"), left_out.alias("out"), inside.alias("in"), open_.alias("open")])
        out = pl.when(pl.col("in") & (pl.col("out") == Holds.INSIDE)).then(pl.lit(str(Holds.OUTSIDE)))
        return both.select(
            pl.coalesce(out, pl.when(pl.col("in") & pl.col("open")).then("out"), "held").alias("scope")
        ).to_series()
    told = scopes.rename("scope").to_frame().select(pl.col("scope").list.join(_BETWEEN))["scope"]
    asked = [one for one in told.drop_nulls().unique() if one.replace(_BETWEEN, "").strip()]
    answers = [str(_holds(one.split(_BETWEEN), taxon, ranks or {})) for one in asked]
    return told.replace_strict(asked, answers, default=None, return_dtype=pl.String)


def _holds(scope: Iterable[str], taxon: Standing, ranks: Mapping[str, str]) -> Holds:
    """Tell whether a scope holds a taxon: where one of its words does, whatever the others are."""
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


@lru_cache(maxsize=4096)
def meanings(word: str) -> Mapping[str, str | None]:
    """Return the taxa that a word of a scope may mean, small, each with its rank: None for a name that nobody knows."""
    common = meaning(word, bundled_common_names())
    if common:
        return {taxon.casefold(): _rank(taxon) for taxon in sorted(common)}
    name = _canonical(word)
    return {" ".join(name.split()[:2]).casefold(): _rank(name)}


def _canonical(text: str) -> str:
    """Return the canonical name in a text, else the text."""
    text = text.strip()
    found = canonical(pl.Series([text[:1].upper() + text[1:]]))["name"]
    return text if found.len() != 1 or found[0] is None else str(found[0])


def _rank(name: str) -> str | None:
    """Return the rank of a taxon, `species` for what is below a genus that is known; None for one that is not known."""
    first, *epithets = name.split()[:2] or [""]
    rank = reference_list().group_ranks.get(first.capitalize(), "").casefold()
    if epithets:
        return "species" if rank == "genus" else None
    return rank if rank in RANKS else None


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
        Species of which no list tells the class, and no record either.
    words : list of str
        Words of the scopes that are no taxon that is known.
    """
    ranks = [rank for rank in RANKS if rank in records.columns]
    known = {name.casefold(): rank for rank in ranks for name in records[rank].drop_nulls().unique()}
    by_name = records.drop_nulls("scientificName").group_by("scientificName", maintain_order=True)
    standings = {
        name: standing(name, dict(zip(ranks, told, strict=True)))
        for name, *told in by_name.agg(pl.col(ranks).drop_nulls().unique()).iter_rows()
    }
    own = frozenset[str]().union(*(one.names for one in standings.values()))
    asked = scopes.drop_nulls().explode(empty_as_null=False).unique(maintain_order=True)
    words = [
        word
        for word in asked
        if word.strip()
        and not meanings(word).keys() & own
        and any(r is None and n not in known for n, r in meanings(word).items())
    ]
    names = [name for name, one in standings.items() if Holds.UNPLACED in set(holding(scopes, one, ranks=known))]
    return names, words


def told_words(words: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet) -> pl.Series:
    """Tell which words of scopes may be told.

    Parameters
    ----------
    words : polars.DataFrame of n rows
        datasetKey, word.
    rules, boundaries
        As `decide.decide` has them.

    Returns
    -------
    Series of bool, length n
        False for a word that may mean a taxon of which no record is told: in Latin or by a common name, or as a text
        that nobody can read. An order, a class or more is told where nearly all of its genera are under no such rule.
    """
    decided = _decided(words, rules, boundaries)
    withheld = set(decided.filter(pl.col("category") == SharingCategory.WITHHELD)["row"])
    whole = {
        rule.scientific_name.casefold()
        for rule in rules.rules
        if rule.category is SharingCategory.WITHHELD and rule.scientific_name is not None
    }
    hidden = _genera_of(whole)
    told = [row not in withheld or _is_broad(word, whole, hidden) for row, word in enumerate(words["word"])]
    return pl.Series(told, dtype=pl.Boolean)


def hidden_words(words: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet) -> pl.Series:
    """Tell which taxa have places that a rule hides, here or somewhere: of these not every record is told with its event.

    Parameters
    ----------
    words : polars.DataFrame of n rows
        datasetKey, word: names of records, words of scopes.
    rules, boundaries
        As `decide.decide` has them. Rules that name no taxon hide events as they hide records, and are not asked.

    Returns
    -------
    Series of bool, length n
        True for a word that may mean a taxon which a rule withholds or makes coarser.
    """
    of_taxa = tuple(rule for rule in rules.rules if rule.scientific_name is not None)
    decided = _decided(words, replace(rules, rules=of_taxa), boundaries)
    return pl.select(pl.int_range(words.height).is_in(decided["row"].cast(pl.Int64).implode())).to_series()


def _decided(words: pl.DataFrame, rules: RuleSet, boundaries: BoundarySet) -> pl.DataFrame:
    """Return what `decide` finds of records that tell nothing but a word for their name: wherever and whenever they are."""
    # As a free word, which may mean whatever is below it.
    word = pl.struct(verbatimIdentification="word").struct.json_encode()
    records = words.select("datasetKey", stated_taxon=word, key=-1 - pl.int_range(pl.len(), dtype=pl.Int64))
    return decide(terms.conform(records, terms.OCCURRENCE), rules, boundaries=boundaries)


def _is_broad(word: str, whole: Collection[str], hidden: frozenset[str]) -> bool:
    """Tell whether a word means so wide a taxon that it tells of none of its species, and none that is withheld as a whole.

    An order of few genera is as good as their names. A common name that means an order (`langur`) may be narrower than
    it is; one of a class is not.
    """
    meant = meanings(word)
    wide = _BROAD if word.strip().casefold() in meant else _BROAD - {"order"}
    above = {
        name for one in meant for lineage in lineages(one.capitalize()) for names in lineage.values() for name in names
    }
    if not meant or not set(meant.values()) <= wide or (above | meant.keys()) & set(whole):
        return False
    within = [(_genera_within(one), _HIDDEN.get(rank or "", 2)) for one, rank in meant.items()]
    return all(len(genera) >= max(_GENERA, least * len(genera & hidden)) for genera, least in within)


def _genera_of(names: Iterable[str]) -> frozenset[str]:
    """Return the genera of taxa: that of a species, by its other names too, and all of a taxon above genus."""
    found = set[str]()
    for name in names:
        for one in (name, *old_names(name)):
            first = one.split()[0]
            is_genus = reference_list().group_ranks.get(first.capitalize()) == "GENUS"
            found |= {first} if is_genus else _genera_within(first)
    return frozenset(found)


@lru_cache(maxsize=1024)
def _genera_within(name: str) -> frozenset[str]:
    """Return the known genera of a taxon above genus, small."""
    groups = reference_list().groups
    rank = reference_list().group_ranks.get(name.capitalize(), "").casefold()
    if rank not in RANKS:
        return frozenset()
    return frozenset(groups.filter(pl.col(rank) == name.capitalize())["genus"].drop_nulls().str.to_lowercase())
