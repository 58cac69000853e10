"""What the words of a declared scope mean, and which of them may be stated.

A scope names taxa of any rank, in Latin or by common names. Whether it holds a taxon: `analysis.scopes`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

import polars as pl

from biodata.core import terms
from biodata.core.vocabularies import SharingCategory
from biodata.places import BoundarySet
from biodata.sharing.decide import decide
from biodata.sharing.names import bundled_common_names, canonical, lineages, meaning, old_names
from biodata.sharing.rules import RuleSet
from biodata.text.reference_list import CLASSIFICATION as RANKS
from biodata.text.reference_list import reference_list

_BROAD: Final = frozenset({"kingdom", "phylum", "class", "order"})
"""Ranks so wide that having looked for such a taxon tells of none of its species."""
_GENERA: Final = 30
"""Genera that the least of them has: Sirenia and Pholidota have three, and in one country one."""
_HIDDEN: Final = {"order": 10}
"""Of an order at most one genus in so many may be under a rule that withholds, of a wider taxon one in two."""


@lru_cache(maxsize=4096)
def meanings(word: str) -> Mapping[str, str | None]:
    """Return the taxa that a word of a scope may mean, small, each with its rank: None for a name that nobody knows."""
    common = meaning(word, bundled_common_names())
    if common:
        return {taxon.casefold(): _rank(taxon) for taxon in sorted(common)}
    name = canonical_name(word)
    return {" ".join(name.split()[:2]).casefold(): _rank(name)}


def canonical_name(text: str) -> str:
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


def publishable_words(words: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet) -> pl.Series:
    """Tell which words of scopes may be stated.

    Parameters
    ----------
    words : polars.DataFrame of n rows
        datasetKey, word.
    rules, boundaries
        As `decide.decide` has them.

    Returns
    -------
    Series of bool, length n
        False for a word that may mean a taxon of which no record is stated: in Latin or by a common name, or as a text
        that nobody can read. An order, a class or more is stated where nearly all of its genera are under no such rule.
    """
    decided = _decided(words, rules, boundaries)
    rows = set(decided.filter(pl.col("category") == SharingCategory.WITHHELD)["row"])
    withheld_taxa = {
        rule.scientific_name.casefold()
        for rule in rules.rules
        if rule.category is SharingCategory.WITHHELD and rule.scientific_name is not None
    }
    hidden = _genera_of(withheld_taxa)
    entries = [row not in rows or _is_broad(word, withheld_taxa, hidden) for row, word in enumerate(words["word"])]
    return pl.Series(entries, dtype=pl.Boolean)


def hidden_words(words: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet) -> pl.Series:
    """Tell which taxa have places that a rule hides, here or somewhere: of these not every record is stated with its event.

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
    """Return what `decide` finds of records that state nothing but a word for their name, of no place or day: a row a sensitive word."""
    # As a free word, which may mean whatever is below it.
    word = pl.struct(verbatimIdentification="word").struct.json_encode()
    records = words.select("datasetKey", stated_taxon=word, key=-1 - pl.int_range(pl.len(), dtype=pl.Int64))
    return decide(terms.conform(records, terms.OCCURRENCE), rules, boundaries=boundaries)


def _is_broad(word: str, withheld_taxa: Collection[str], hidden: frozenset[str]) -> bool:
    """Return whether a word means so wide a taxon that it tells of none of its species, and none that is withheld as a whole.

    An order of few genera is as good as their names. A common name that means an order (`langur`) may be narrower than
    it is; one of a class is not.
    """
    meant = meanings(word)
    wide = _BROAD if word.strip().casefold() in meant else _BROAD - {"order"}
    above = {
        name for one in meant for lineage in lineages(one.capitalize()) for names in lineage.values() for name in names
    }
    if not meant or not set(meant.values()) <= wide or (above | meant.keys()) & set(withheld_taxa):
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
