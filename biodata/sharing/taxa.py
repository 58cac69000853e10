"""Which rules' taxa a record may belong to, from every name that it carries."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

from biodata.matching.vernaculars import folded
from biodata.sharing.latinity import is_surely_a_name, like_an_epithet
from biodata.sharing.likeness import Likeness, Listed, glued, mended, within_brackets
from biodata.sharing.names import ABOVE, Names
from biodata.sharing.readings import Kind, Reading, latin_words, near, read, sounds
from biodata.sharing.rule import Rule
from biodata.sharing.rules import RuleSet
from biodata.sharing.spoken import spoken, words_spoken_first
from biodata.sharing.taxonomy import Lineage, Taxonomy

Numbers = frozenset[int]
_NONE: Final[Numbers] = frozenset()
_REMEMBERED: Final = 500_000
_AUTHOR: Final = re.compile(r"\(?([^\s(),]+),?(?: (\d{4}))?\)?")
"""An authorship of one person."""
_ALL_GENERA_KNOWN: Final = frozenset(
    "mammalia aves amphibia reptilia lepidosauria testudines crocodylia squamata anura caudata".split()
)
"""Groups whose genera are all known, old ones of listed species too: an unknown genus is none of theirs."""


@dataclass(frozen=True, slots=True)
class _Species:
    """A species or less of a rule, under one of its names; `old` where that is one of the bundled old ones."""

    rule: int
    genus: str
    epithets: tuple[str, ...]
    old: bool = False

    @property
    def below(self) -> str | None:
        """The epithet below species."""
        return self.epithets[1] if len(self.epithets) > 1 else None


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
        self._rule_names = {n: rule.scientific_name for n, rule in enumerate(rules) if rule.scientific_name is not None}
        self._ranks = {number: rule.rank for number, rule in enumerate(rules) if rule.scientific_name is not None}
        self._species: list[_Species] = []
        self._by_name: dict[str, set[int]] = defaultdict(set)
        self._lineages: dict[int, tuple[Lineage, ...]] = {}
        # How words sound is the same whatever the rules are.
        self._spoken: dict[str, str] = {} if known is None else known._spoken
        self._hits: dict[tuple[str, bool], Numbers] = {}
        self._readings: dict[str, Reading] = {}
        self._groups: dict[Names, Numbers] = {}
        self._of_spoken: dict[str, Numbers] = {}
        for number, rule in enumerate(rules):
            if rule.scientific_name is not None:
                self._learn(number, rule.scientific_name)
        self._hear({word for one in self._species for word in (one.genus, *one.epithets)} | set(self._by_name))
        self._hear({one.genus + one.epithets[0] for one in self._species})
        listed = [Listed(o.rule, o.genus, o.epithets[0], o.below, own=not o.old) for o in self._species]
        self._likeness = Likeness(listed, self._spoken)
        self._of_genus: dict[str, list[_Species]] = defaultdict(list)
        self._of_epithet: dict[str, list[_Species]] = defaultdict(list)
        self._genera_like: dict[str, frozenset[str]] = {}
        for one in self._species:
            self._of_genus[one.genus].append(one)
            self._of_epithet[self._spoken[one.epithets[0]]].append(one)

    def _learn(self, number: int, name: str) -> None:
        """Take in the name of a rule, and the others that its taxon has."""
        words = [word.lower() for word in latin_words(name)][:3]
        old = [other.split() for other in self.taxonomy.old.get(" ".join(words), ())]
        names = [words, *(other.split() for other in self.taxonomy.also.get(" ".join(words), ()))]
        found = [lineage for genus, *_ in filter(None, names) for lineage in self.taxonomy.of(genus)]
        self._lineages[number] = tuple(found)
        for genus, *epithets in filter(None, (*names, *old)):
            if epithets:
                is_old = [genus, *epithets] in old
                self._species.append(_Species(number, genus, tuple(epithets), is_old))
            else:
                self._by_name[genus].add(number)

    def prepare(self, names: Iterable[Names]) -> None:
        """Read many names at once, which is much quicker than one by one."""
        self._hear({word for one in names for text in one.texts for word in self._said(text)})

    def of(self, names: Names) -> Numbers:
        """Return the rules whose taxon a record with these names may be of."""
        if names not in self._groups:
            if len(self._groups) > _REMEMBERED:
                self._groups, self._hits, self._readings = {}, {}, {}
            self._groups[names] = self._of(names)
        return self._groups[names]

    def sure(self, names: Names) -> Numbers:
        """Return those of them whose taxon is surely that of a record with these names, as it is written."""
        if names.only_genus:
            return _NONE
        found = {n for rank, name in names.above for n in self._by_name.get(name, ()) if self._ranks[n] == rank.upper()}
        readings = [reading for text in names.texts if (reading := self._read(text)).kind in (Kind.SPECIES, Kind.GENUS)]
        for reading in readings:
            found |= {n for n in self._by_name.get(reading.words[0], ()) if self._ranks[n] == "GENUS"}
            written = (reading.words[0], *reading.epithets)
            found |= {o.rule for o in self._species if written[: 1 + len(o.epithets)] == (o.genus, *o.epithets)}
        return frozenset(found) if readings or names.certain else _NONE

    def _of(self, names: Names, *, latin: bool = False) -> Numbers:
        """Return the rules for names that were not asked before; `latin` where no common name stands in them."""
        readings = [self._read(text) for text in names.texts]
        self._hear({word for text in names.texts for word in self._said(text)})
        certain = [names.certain and not self._is_doubted(text) for text in names.texts]
        named = _NONE.union(*(self._named(t, certain=sure) for t, sure in zip(names.texts, certain, strict=True)))
        above = frozenset(
            n
            for rank, name in names.above
            for n in self._by_name.get(name, ())
            if self._ranks[n] in (None, rank.upper())
        )
        genera = {r.words[0] for r in readings if r.kind in (Kind.SPECIES, Kind.GENUS)}
        genera |= {word for r in readings if r.kind is Kind.GENUS for word in r.words if self.taxonomy.is_genus(word)}
        genera |= {genus for genus in names.genera if self.taxonomy.is_genus(genus)}
        of_genus = _NONE.union(*(self._by_name.get(genus, _NONE) for genus in (*genera, *names.genera)))
        if not any(rank == "family" for rank, _ in names.above):
            of_genus |= self._above_genera(genera)
        sure = named | above | of_genus
        told = any(
            self._read(text).kind is Kind.SPECIES and (latin or not self._is_spoken(text)) for text in names.texts
        )
        if (names.certain or told) and not names.only_genus:
            return sure
        sure |= self._of_homonyms(readings, names.above)
        if not latin:
            sure |= self._spoken_of(names)
        if genera:
            return sure | {one.rule for one in self._species if one.genus in genera and not one.old}
        if self._of_unknown_genus(names):
            return sure | (self._not_against(names.above) & self._of_open_groups)
        return sure | self._undetermined(names, readings)

    def _of_homonyms(self, readings: list[Reading], above: tuple[tuple[str, str], ...]) -> Numbers:
        """Return the rules of taxa above genus that are called like a genus: Proboscidea are elephants, and a herb."""
        words = {r.words[0] for r in readings if r.kind is Kind.GENUS}
        both = [w for w in words for one in self.taxonomy.of(w) if any(w in one.get(rank, ()) for rank in ABOVE)]
        found = _NONE.union(*(self._within(word) for word in both))
        return found & self._not_against(above) if found else _NONE

    def _is_spoken(self, text: str) -> bool:
        """Tell whether what is read as a species may be a common name with a remark, such as `rhinoceros seen`.

        `Rusa unicolor` is none, though its genus is the Indonesian word for deer.
        """
        words = words_spoken_first(text, self.taxonomy)
        return words > 1 or (words == 1 and not (text[:1].isupper() and like_an_epithet(self._read(text).epithets[0])))

    def _spoken_of(self, names: Names) -> Numbers:
        """Return the rules that the common names in texts mean, unless the columns speak against them.

        They go beside every other reading: `pangolin` is near to the name of a deer, and `rhinoceros` is a genus.
        """
        if any(self.taxonomy.is_genus(genus) for genus in names.genera):
            return _NONE
        taxa = frozenset[str]().union(*(spoken(text, self.taxonomy) for text in names.texts))
        found = _NONE.union(*(self._of_taxon(taxon) for taxon in taxa))
        return found & self._not_against(names.above) if found else _NONE

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
        return is_surely_a_name(text, self.taxonomy) and not self._named(text, certain=False)

    @cached_property
    def _of_open_groups(self) -> Numbers:
        """The rules of groups whose genera nobody knows all, such as orchids: an unknown genus may be one of theirs."""
        of_species = {one.rule for one in self._species}
        return frozenset(
            n
            for n, rank in self._ranks.items()
            if n not in of_species
            and rank != "GENUS"
            and not self.taxonomy.is_genus(self._rule_names[n])
            and not any(names & _ALL_GENERA_KNOWN for lineage in self._lineages[n] for names in lineage.values())
        )

    def near_names(self, texts: Iterable[str]) -> frozenset[str]:
        """Return the rules' names that stand in texts, or are near to what does."""
        self._hear({word for text in texts for word in self._said(text)})
        return frozenset(self._rule_names[n] for text in texts for n in self._named(text, certain=False))

    def _undetermined(self, names: Names, readings: list[Reading]) -> Numbers:
        """Return the rules that may mean a record of which not even the genus is known."""
        higher = [r.words[0] for r in readings if r.kind is Kind.HIGHER]
        possible = self._not_against(names.above)
        if higher:
            return _NONE.union(*(self._within(name) for name in higher)) & possible
        meant = self._known.near_names(names.texts) if self._known is not None else frozenset[str]()
        if meant:
            return _NONE.union(*(self.of(Names((name,))) for name in meant))
        letters = {r.words[0] for r in readings if r.kind is Kind.ABBREVIATED}
        if letters:
            others = {one.rule for one in self._species}
            for name, numbers in self._by_name.items():
                others |= {n for n in numbers if self._ranks[n] == "GENUS" and name[0] not in letters}
            return possible - others
        common = [text for text in names.texts if folded(text) in self.taxonomy.vernaculars]
        known = {word for text in common for word in latin_words(text)}
        if not common or any(set(latin_words(text)) - known for text in names.texts if text not in common):
            return possible
        taxa = {taxon for text in common for taxon in self.taxonomy.vernaculars[folded(text)]}
        return _NONE.union(*(self.of(Names((taxon,))) for taxon in taxa))

    def _read(self, text: str) -> Reading:
        if text not in self._readings:
            self._readings[text] = read(text, self.taxonomy)
        return self._readings[text]

    def _named(self, text: str, *, certain: bool) -> Numbers:
        """Return the rules whose name stands in a text, or is near to one that does."""
        if (text, certain) not in self._hits:
            found = self._standing_in(text, certain=certain)
            if not certain:
                for part in (text, *_others(text)):
                    found |= self._slips(part) | self._standing_in(part, certain=False)
            self._hits[text, certain] = frozenset(found)
        return self._hits[text, certain]

    def _standing_in(self, text: str, *, certain: bool) -> set[int]:
        """Return the rules whose name stands in a text, as it is or with a letter or two wrong."""
        reading = self._read(text)
        words = reading.words
        others = self._apart(text, words)
        found = {
            one.rule
            for one in self._candidates(reading)
            if f"{one.genus} {one.epithets[0]}" not in others and self._is(one, reading, certain=certain)
        }
        found = found.union(*(self._by_name.get(word, _NONE) for word in (words[:1] if certain else words)))
        if words and not (certain or self.taxonomy.of(words[0])):
            found |= {n for name, ns in self._by_name.items() if self._alike(name, words[0]) for n in ns}
            if not reading.epithets:
                found |= {one.rule for one in self._species if self._alike(one.genus, words[0])}
        return found

    def _slips(self, text: str) -> set[int]:
        """Return the rules whose name a text may be however badly it is written."""
        reading = self._read(text)
        words = reading.words
        others = self._apart(text, words)
        return {
            one.rule
            for one in self._likeness.slips(text, words, known_genus=reading.kind in (Kind.SPECIES, Kind.GENUS))
            if f"{one.genus} {one.epithet}" not in others
            and (one.below is None or len(reading.epithets) < 2 or self._alike(one.below, reading.epithets[1]))
        }

    def _said(self, text: str) -> set[str]:
        """Return the words of a text, and those that its words may be pieces of: their sound is asked."""
        parts = [self._read(part).words for part in (text, *_others(text))]
        return {word for words in parts for word in (*words, *glued(words))}

    def _candidates(self, reading: Reading) -> list[_Species]:
        """Return the species that a text may name: of a genus like one of its words, or of the same epithet."""
        genera: set[str] = set()
        for word in reading.words[:-1]:
            genera |= {genus for genus in self._of_genus if genus[0] == word} if len(word) == 1 else self._like(word)
        found = [one for genus in sorted(genera) for one in self._of_genus[genus]]
        if len(reading.words) > 1:
            found += self._of_epithet.get(self._spoken[reading.words[1]], [])
        return found

    def _like(self, word: str) -> frozenset[str]:
        """Return the genera of the rules' species that a word is like."""
        if word not in self._genera_like:
            near_ones = process.extract(word, list(self._of_genus), scorer=OSA.distance, score_cutoff=3, limit=None)
            alike = {genus for genus, *_ in near_ones if self._alike(genus, word)}
            alike |= {genus for genus in self._of_genus if self._spoken[genus] == self._spoken.get(word, word)}
            self._genera_like[word] = frozenset(alike)
        return self._genera_like[word]

    def _is(self, one: _Species, reading: Reading, *, certain: bool) -> bool:
        """Tell whether a text may name a species."""
        words = reading.words
        if len(words) < 2:
            return False
        if certain:
            return words[:2] == (one.genus, one.epithets[0]) and self._below(one, reading)
        for at, genus in enumerate(words[:-1]):
            after = words[at + 1 :]
            same = genus == one.genus
            if not any(self._alike(one.epithets[0], word, in_genus=same) for word in after):
                continue
            if same or self._alike(one.genus, genus) or (len(genus) == 1 and one.genus[0] == genus):
                return self._below(one, reading)
            if at == 0 and any(self._spoken[one.epithets[0]] == self._spoken[word] for word in after[:1]):
                return self._kin(one, genus) and self._below(one, reading)
        return False

    def _apart(self, text: str, words: tuple[str, ...]) -> frozenset[str]:
        """Return the listed species that a text is near to and does not mean, since it is the name of another.

        Only that name as it was published means the other: its two words, alone or with the authorship that is its own.
        Whatever else stands beside them (`cf.`, a third word, a remark, another author) may be a doubt, and then the
        listed one may be meant all the same.
        """
        told = " ".join(words[:2])
        near_ones = self.taxonomy.apart.get(told, frozenset[str]())
        plain = " ".join(text.split())
        if not near_ones or plain.casefold() == told:
            return near_ones
        author = _AUTHOR.fullmatch(plain.removeprefix(f"{told.capitalize()} "))
        own = author is not None and " ".join(filter(None, author.groups())) in self.taxonomy.authors[told]
        return near_ones if own else frozenset()

    def _is_doubted(self, text: str) -> bool:
        """Tell whether something stands behind a name near to a listed one that is no authorship of its own.

        A checklist finds such a name whatever its authorship is. An epithet below it was found as it is.
        """
        reading = self._read(text)
        near_one = " ".join(reading.words[:2]) in self.taxonomy.apart
        return near_one and len(reading.epithets) < 2 and not self._apart(text, reading.words)

    def _below(self, one: _Species, reading: Reading) -> bool:
        """Tell whether a name of two words, or the same third one, may be a taxon below species."""
        if len(one.epithets) < 2 or len(reading.epithets) < 2:
            return True
        return self._alike(one.epithets[1], reading.epithets[1], in_genus=True)

    def _kin(self, one: _Species, genus: str) -> bool:
        """Tell whether a species may have stood in another genus: one of its family, or one that nobody knows."""
        stands = self.taxonomy.of(one.genus) or self._lineages[one.rule]
        mine = frozenset[str]().union(*(lineage.get("family", frozenset()) for lineage in stands))
        its = frozenset[str]().union(*(lineage.get("family", frozenset()) for lineage in self.taxonomy.of(genus)))
        return not mine or not its or bool(mine & its)

    def _alike(self, one: str, other: str, *, in_genus: bool = False) -> bool:
        """Tell whether two words may be one; inside a genus a beginning of three letters is enough."""
        if one == other or self._spoken.get(one, one) == self._spoken.get(other, other):
            return True
        if (
            in_genus
            and len(other) > 2
            and (one.startswith(other) or (other[:3] == one[:3] and near(one, other, more=2)))
        ):
            return True
        return near(one, other)

    def _hear(self, words: set[str]) -> None:
        """Remember how words sound."""
        new = sorted(words - self._spoken.keys())
        if not new:
            return
        self._spoken.update(zip(new, sounds(new), strict=True))

    def _above_genera(self, genera: Iterable[str]) -> Numbers:
        """Return the rules about what stands above genera."""
        names = {
            name
            for genus in genera
            for lineage in self.taxonomy.of(genus)
            if genus in lineage.get("genus", ())
            for rank in ABOVE
            for name in lineage.get(rank, ())
        }
        return _NONE.union(*(self._by_name.get(name, _NONE) for name in names))

    def _within(self, name: str) -> Numbers:
        """Return the rules whose taxon stands in a taxon above genus, or holds it; those of unknown taxa too."""
        inside = frozenset(
            n
            for n, lineages in self._lineages.items()
            if not lineages or any(name in names for lineage in lineages for names in lineage.values())
        )
        holding = {other for lineage in self.taxonomy.of(name) for names in lineage.values() for other in names}
        return inside.union(*(self._by_name.get(other, _NONE) for other in holding))

    def _not_against(self, above: tuple[tuple[str, str], ...]) -> Numbers:
        """Return the rules that the told classification does not speak against."""
        known = [
            (rank, value) for rank, value in above if any(value in k.get(rank, ()) for k in self.taxonomy.of(value))
        ]
        return frozenset(
            n
            for n, lineages in self._lineages.items()
            if not lineages
            or any(all(value in lineage.get(rank, {value}) for rank, value in known) for lineage in lineages)
        )


def _others(text: str) -> list[str]:
    """Return what else a text may say: what stands in brackets, and what its digits may have been."""
    return [part for part in (*within_brackets(text), *mended(text.split("(")[0])) if part != text]


@lru_cache(maxsize=8)
def rule_taxa(rules: tuple[Rule, ...], taxonomy: Taxonomy) -> RuleTaxa:
    """Return the taxa of rules; the same object each time, so that a name is looked at once."""
    return RuleTaxa(rules, taxonomy, _listed(taxonomy))


@lru_cache(maxsize=8)
def _listed(taxonomy: Taxonomy) -> RuleTaxa:
    """Return the taxa of the bundled list."""
    return RuleTaxa(RuleSet.read(None).rules, taxonomy)
