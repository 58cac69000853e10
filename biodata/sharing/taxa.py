"""Which rules' taxa a record may belong to, from every name that it carries."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from biodata.matching.vernaculars import folded
from biodata.sharing.latinity import is_surely_a_name, like_an_epithet
from biodata.sharing.names import ABOVE, Names
from biodata.sharing.readings import Kind, Reading, latin_words
from biodata.sharing.rule import Rule
from biodata.sharing.rule_groups import RuleGroups
from biodata.sharing.rule_names import NONE, Numbers, RuleNames
from biodata.sharing.rules import RuleSet
from biodata.sharing.spoken import spoken, words_spoken_first
from biodata.sharing.taxonomy import Taxonomy

_REMEMBERED: Final = 500_000


class RuleTaxa:
    """The taxa of some rules, asked by name; what was asked once is remembered.

    A rule is left aside only for a fact that speaks against it: a well-formed name of another taxon that is not near to
    its own. A name of a genus or above may be any taxon in it; a text that is no name may be anything, unless a list of
    common names knows it; and columns that tell the classification speak against taxa of another.

    Parameters
    ----------
    rules : sequence of Rule
        Numbered from 0; rules without a taxon are left out.
    taxonomy : Taxonomy
        What is known of taxa.
    known : RuleTaxa, optional
        Names that a text which is no name may be a slip for. They are the same whatever the rules are: were they the
        rules' own, one more rule could lead a text away from the others.
    """

    def __init__(self, rules: Sequence[Rule], taxonomy: Taxonomy, known: "RuleTaxa | None" = None) -> None:
        self.taxonomy = taxonomy
        self._known = known
        # How words sound is the same whatever the rules are.
        self._names: RuleNames = RuleNames(rules, taxonomy, {} if known is None else known._names.spoken)
        self._groups = RuleGroups(self._names)
        self._of_names: dict[Names, Numbers] = {}
        self._of_spoken: dict[str, Numbers] = {}

    def prepare(self, names: Iterable[Names]) -> None:
        """Read many names at once, which is much quicker than one by one."""
        self._names.listen(text for one in names for text in one.texts)

    def of(self, names: Names) -> Numbers:
        """Return the rules whose taxon a record with these names may be of."""
        if names not in self._of_names:
            if len(self._of_names) > _REMEMBERED:
                self._of_names = {}
                self._names.forget()
            self._of_names[names] = self._of(names)
        return self._of_names[names]

    def sure(self, names: Names) -> Numbers:
        """Return those of them whose taxon is surely that of a record with these names, as it is written."""
        if names.only_genus:
            return NONE
        by_name, ranks = self._names.by_name, self._names.ranks
        found = {n for rank, name in names.above for n in by_name.get(name, ()) if ranks[n] == rank.upper()}
        readings = [
            reading for text in names.texts if (reading := self._names.read(text)).kind in (Kind.SPECIES, Kind.GENUS)
        ]
        for reading in readings:
            found |= {n for n in by_name.get(reading.words[0], ()) if ranks[n] == "GENUS"}
            written = (reading.words[0], *reading.epithets)
            found |= {o.rule for o in self._names.species if written[: 1 + len(o.epithets)] == (o.genus, *o.epithets)}
        return frozenset(found) if readings or names.certain else NONE

    def _of(self, names: Names, *, latin: bool = False) -> Numbers:
        """Return the rules for names that were not asked before; `latin` where no common name stands in them."""
        by_name, ranks = self._names.by_name, self._names.ranks
        readings = [self._names.read(text) for text in names.texts]
        self._names.listen(names.texts)
        certain = [names.certain and not self._names.is_doubted(text) for text in names.texts]
        named = NONE.union(*(self._names.named(t, certain=sure) for t, sure in zip(names.texts, certain, strict=True)))
        above = frozenset(
            n for rank, name in names.above for n in by_name.get(name, ()) if ranks[n] in (None, rank.upper())
        )
        genera = {r.words[0] for r in readings if r.kind in (Kind.SPECIES, Kind.GENUS)}
        genera |= {word for r in readings if r.kind is Kind.GENUS for word in r.words if self.taxonomy.is_genus(word)}
        genera |= {genus for genus in names.genera if self.taxonomy.is_genus(genus)}
        of_genus = NONE.union(*(by_name.get(genus, NONE) for genus in (*genera, *names.genera)))
        if not any(rank == "family" for rank, _ in names.above):
            of_genus |= self._groups.above_genera(genera)
        sure = named | above | of_genus
        told = any(
            self._names.read(text).kind is Kind.SPECIES and (latin or not self._is_spoken(text)) for text in names.texts
        )
        if (names.certain or told) and not names.only_genus:
            return sure
        sure |= self._of_homonyms(readings, names.above)
        if not latin:
            sure |= self._spoken_of(names)
        if genera:
            return sure | {one.rule for one in self._names.species if one.genus in genera and not one.old}
        if self._of_unknown_genus(names):
            return sure | (self._groups.not_against(names.above) & self._groups.of_open_groups)
        return sure | self._undetermined(names, readings, latin=latin)

    def _of_homonyms(self, readings: list[Reading], above: tuple[tuple[str, str], ...]) -> Numbers:
        """Return the rules of taxa above genus that are called like a genus: Proboscidea are elephants, and a herb."""
        words = {r.words[0] for r in readings if r.kind is Kind.GENUS}
        both = [w for w in words for one in self.taxonomy.of(w) if any(w in one.get(rank, ()) for rank in ABOVE)]
        found = NONE.union(*(self._groups.within(word) for word in both))
        return found & self._groups.not_against(above) if found else NONE

    def _is_spoken(self, text: str) -> bool:
        """Tell whether what is read as a species may be a common name with a remark, such as `rhinoceros seen`.

        `Rusa unicolor` is none, though its genus is the Indonesian word for deer.
        """
        words = words_spoken_first(text, self.taxonomy)
        return words > 1 or (
            words == 1 and not (text[:1].isupper() and like_an_epithet(self._names.read(text).epithets[0]))
        )

    def _spoken_of(self, names: Names) -> Numbers:
        """Return the rules that the common names in texts mean, unless the columns speak against them.

        They go beside every other reading: `pangolin` is near to the name of a deer, and `rhinoceros` is a genus.
        """
        if any(self.taxonomy.is_genus(genus) for genus in names.genera):
            return NONE
        taxa = frozenset[str]().union(*(spoken(text, self.taxonomy) for text in names.texts))
        found = NONE.union(*(self._of_taxon(taxon) for taxon in taxa))
        return found & self._groups.not_against(names.above) if found else NONE

    def _of_taxon(self, name: str) -> Numbers:
        """Return the rules that a common name's taxon may be of: its own name is in Latin, and read as nothing else."""
        if name not in self._of_spoken:
            self._of_spoken[name] = self._of(Names((name,)), latin=True)
        return self._of_spoken[name]

    def _of_unknown_genus(self, names: Names) -> bool:
        """Tell whether every text is surely a species' name, of a genus that no list knows, and like no listed one."""
        return bool(names.texts) and not names.only_genus and all(self._is_another(text) for text in names.texts)

    def _is_another(self, text: str) -> bool:
        """Tell whether a text is surely a name, and no slip for a name of the rules or of the bundled list."""
        known = self._known
        if known is not None and not known._is_another(text):
            return False
        return is_surely_a_name(text, self.taxonomy) and not self._names.named(text, certain=False)

    def near_names(self, texts: Iterable[str]) -> frozenset[str]:
        """Return the rules' names that stand in texts, or are near to what does."""
        texts = list(texts)
        self._names.listen(texts)
        return frozenset(self._names.names[n] for text in texts for n in self._names.named(text, certain=False))

    def _undetermined(self, names: Names, readings: list[Reading], *, latin: bool) -> Numbers:
        """Return the rules that may mean a record of which not even the genus is known.

        A name that another one led to (`latin`) leads to no further: a checklist may call a taxon by its own name.
        """
        higher = [r.words[0] for r in readings if r.kind is Kind.HIGHER]
        possible = self._groups.not_against(names.above)
        if higher:
            return NONE.union(*(self._groups.within(name) for name in higher)) & possible
        if self._known is not None and not latin and (meant := self._known.near_names(names.texts)):
            return NONE.union(*(self._of_taxon(name) for name in meant))
        letters = {r.words[0] for r in readings if r.kind is Kind.ABBREVIATED}
        if letters:
            others = {one.rule for one in self._names.species}
            for name, numbers in self._names.by_name.items():
                others |= {n for n in numbers if self._names.ranks[n] == "GENUS" and name[0] not in letters}
            return possible - others
        common = [text for text in names.texts if not latin and folded(text) in self.taxonomy.vernaculars]
        known = {word for text in common for word in latin_words(text)}
        if not common or any(set(latin_words(text)) - known for text in names.texts if text not in common):
            return possible
        taxa = {taxon for text in common for taxon in self.taxonomy.vernaculars[folded(text)]}
        return NONE.union(*(self._of_taxon(taxon) for taxon in taxa))


@lru_cache(maxsize=8)
def rule_taxa(rules: tuple[Rule, ...], taxonomy: Taxonomy) -> RuleTaxa:
    """Return the taxa of rules; the same object each time, so that a name is looked at once."""
    return RuleTaxa(rules, taxonomy, _listed(taxonomy))


@lru_cache(maxsize=8)
def _listed(taxonomy: Taxonomy) -> RuleTaxa:
    """Return the taxa of the bundled list."""
    return RuleTaxa(RuleSet.read(None).rules, taxonomy)
