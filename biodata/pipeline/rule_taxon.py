"""Whether the taxon of a new rule has a name that an installation knows: a slip would hide by luck, or nothing at all."""

from collections.abc import Iterable
from typing import Final

from rapidfuzz import process

from biodata.settings import Settings
from biodata.sharing import RuleSet
from biodata.sharing.readings import latin_words
from biodata.sharing.taxa import rule_taxa
from biodata.sharing.taxonomy import RANKS, Taxonomy, bundled
from biodata.store.lake import Lake
from biodata.store.rules_in_force import rules_in_force

_NAMES: Final = ("species", "scientificName", "acceptedScientificName", *RANKS)
_BATCH_ROWS: Final = 500_000
_NEAR: Final = 90.0
_SHOWN: Final = 5


def look_up(settings: Settings, name: str) -> list[str] | None:
    """Look for the name of a taxon in the rules, the checklists and the records of an installation.

    Parameters
    ----------
    settings : Settings
        The installation.
    name : str
        A scientific name; authorship plays no part.

    Returns
    -------
    list of str or None
        None where something has that name; else the names that it is read as, or that are near to it, at most 5.
    """
    words = [word.casefold() for word in latin_words(name)]
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake, planned=False)
        taxa = lake.read("taxa", columns=["scientificName", "synonyms"])
        here = {*taxa["scientificName"].drop_nulls(), *taxa["synonyms"].explode().drop_nulls()}
        for batch in lake.batches("occurrences", columns=list(_NAMES), batch_rows=_BATCH_ROWS):
            here |= {text for column in batch.get_columns() for text in column.unique().drop_nulls()}
    known = _canonical([*here, *_told(rules, rules.taxonomy or bundled())])
    small = " ".join(words)
    if small in known or (len(words) == 1 and (rules.taxonomy or bundled()).of(small)):
        return None
    read = rule_taxa(rules.rules, rules.taxonomy or bundled()).near_names([name])
    like = [known[found] for found, _, _ in process.extract(small, list(known), score_cutoff=_NEAR, limit=_SHOWN)]
    return list(dict.fromkeys([*sorted(read), *like]))[:_SHOWN]


def _told(rules: RuleSet, taxonomy: Taxonomy) -> Iterable[str]:
    """Yield the names of rules and of the listed taxa, and their other ones."""
    yield from (rule.scientific_name for rule in rules.rules if rule.scientific_name is not None)
    for others in (*taxonomy.also.values(), *taxonomy.old.values(), *taxonomy.vernaculars.values()):
        yield from others


def _canonical(texts: Iterable[str]) -> dict[str, str]:
    """Return names by their small Latin words, without what follows the epithets."""
    found: dict[str, str] = {}
    for text in texts:
        written = latin_words(text)
        kept = written[:1]
        for word in written[1:3]:
            if not word.islower():
                break
            kept.append(word)
        for n in range(1, len(kept) + 1):
            found.setdefault(" ".join(kept[:n]).casefold(), " ".join(kept[:n]).capitalize())
    return found
