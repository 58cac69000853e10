"""The names that the taxa of rules have, and which of them stand in a text or are near to what does."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

from biodata.sharing.likeness import Likeness, Listed, glued, mended, within_brackets
from biodata.sharing.readings import Kind, Reading, latin_words, near, read, sounds
from biodata.sharing.rule import Rule
from biodata.sharing.taxonomy import Lineage, Taxonomy

Numbers = frozenset[int]
NONE: Final[Numbers] = frozenset()
_AUTHOR: Final = re.compile(r"\(?([^\s(),]+),?(?: (\d{4}))?\)?")
"""An authorship of one person."""


@dataclass(frozen=True, slots=True)
class Species:
    """A species or less of a rule, under one of its names; `old` where that is one of the bundled old ones."""

    rule: int
    genus: str
    epithets: tuple[str, ...]
    old: bool = False

    @property
    def below(self) -> str | None:
        """The epithet below species."""
        return self.epithets[1] if len(self.epithets) > 1 else None


class RuleNames:
    """The names of the taxa of some rules, asked by a text.

    Parameters
    ----------
    rules : sequence of Rule
        Numbered from 0; rules without a taxon are left out.
    taxonomy : Taxonomy
        What is known of taxa.
    spoken : dict of str to str
        How words sound. It is the same whatever the rules are, and grows as texts are read.

    Attributes
    ----------
    names : dict of int to str
        The name of each rule's taxon.
    ranks : dict of int to (str or None)
        Its rank, where the rule tells it.
    lineages : dict of int to tuple of Lineage
        What stands above it.
    species : list of Species
        The species, and what is less, under each of their names.
    by_name : mapping of str to set of int
        The rules of a genus or above, by its name.
    """

    def __init__(self, rules: Sequence[Rule], taxonomy: Taxonomy, spoken: dict[str, str]) -> None:
        self.taxonomy = taxonomy
        self.names = {n: rule.scientific_name for n, rule in enumerate(rules) if rule.scientific_name is not None}
        self.ranks = {number: rule.rank for number, rule in enumerate(rules) if rule.scientific_name is not None}
        self.species: list[Species] = []
        self.by_name: dict[str, set[int]] = defaultdict(set)
        self.lineages: dict[int, tuple[Lineage, ...]] = {}
        self.spoken = spoken
        self._hits: dict[tuple[str, bool], Numbers] = {}
        self._readings: dict[str, Reading] = {}
        for number, name in self.names.items():
            self._learn(number, name)
        self._hear({word for one in self.species for word in (one.genus, *one.epithets)} | set(self.by_name))
        self._hear({one.genus + one.epithets[0] for one in self.species})
        listed = [Listed(o.rule, o.genus, o.epithets[0], o.below, own=not o.old) for o in self.species]
        self._likeness = Likeness(listed, self.spoken)
        self._of_genus: dict[str, list[Species]] = defaultdict(list)
        self._of_epithet: dict[str, list[Species]] = defaultdict(list)
        self._genera_like: dict[str, frozenset[str]] = {}
        for one in self.species:
            self._of_genus[one.genus].append(one)
            self._of_epithet[self.spoken[one.epithets[0]]].append(one)

    def forget(self) -> None:
        """Forget what was read of texts."""
        self._hits, self._readings = {}, {}

    def listen(self, texts: Iterable[str]) -> None:
        """Read many texts at once, which is much quicker than one by one."""
        self._hear({word for text in texts for word in self._said(text)})

    def read(self, text: str) -> Reading:
        """Return what a text says of a taxon."""
        if text not in self._readings:
            self._readings[text] = read(text, self.taxonomy)
        return self._readings[text]

    def named(self, text: str, *, certain: bool) -> Numbers:
        """Return the rules whose name stands in a text, or is near to one that does."""
        if (text, certain) not in self._hits:
            found = self._standing_in(text, certain=certain)
            if not certain:
                for part in (text, *_others(text)):
                    found |= self._slips(part) | self._standing_in(part, certain=False)
            self._hits[text, certain] = frozenset(found)
        return self._hits[text, certain]

    def is_doubted(self, text: str) -> bool:
        """Tell whether something stands behind a name near to a listed one that is no authorship of its own.

        A checklist finds such a name whatever its authorship is. An epithet below it was found as it is.
        """
        reading = self.read(text)
        near_one = " ".join(reading.words[:2]) in self.taxonomy.apart
        return near_one and len(reading.epithets) < 2 and not self._apart(text, reading.words)

    def _learn(self, number: int, name: str) -> None:
        """Take in the name of a rule, and the others that its taxon has."""
        words = [word.lower() for word in latin_words(name)][:3]
        old = [other.split() for other in self.taxonomy.old.get(" ".join(words), ())]
        names = [words, *(other.split() for other in self.taxonomy.also.get(" ".join(words), ()))]
        found = [lineage for genus, *_ in filter(None, names) for lineage in self.taxonomy.of(genus)]
        self.lineages[number] = tuple(found)
        for genus, *epithets in filter(None, (*names, *old)):
            if epithets:
                is_old = [genus, *epithets] in old
                self.species.append(Species(number, genus, tuple(epithets), is_old))
            else:
                self.by_name[genus].add(number)

    def _standing_in(self, text: str, *, certain: bool) -> set[int]:
        """Return the rules whose name stands in a text, as it is or with a letter or two wrong."""
        reading = self.read(text)
        words = reading.words
        others = self._apart(text, words)
        found = {
            one.rule
            for one in self._candidates(reading)
            if f"{one.genus} {one.epithets[0]}" not in others and self._is(one, reading, certain=certain)
        }
        found = found.union(*(self.by_name.get(word, NONE) for word in (words[:1] if certain else words)))
        if words and not (certain or self.taxonomy.of(words[0])):
            found |= {n for name, ns in self.by_name.items() if self._alike(name, words[0]) for n in ns}
            if not reading.epithets:
                found |= {one.rule for one in self.species if self._alike(one.genus, words[0])}
        return found

    def _slips(self, text: str) -> set[int]:
        """Return the rules whose name a text may be however badly it is written."""
        reading = self.read(text)
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
        parts = [self.read(part).words for part in (text, *_others(text))]
        return {word for words in parts for word in (*words, *glued(words))}

    def _candidates(self, reading: Reading) -> list[Species]:
        """Return the species that a text may name: of a genus like one of its words, or of the same epithet."""
        genera: set[str] = set()
        for word in reading.words[:-1]:
            genera |= {genus for genus in self._of_genus if genus[0] == word} if len(word) == 1 else self._like(word)
        found = [one for genus in sorted(genera) for one in self._of_genus[genus]]
        if len(reading.words) > 1:
            found += self._of_epithet.get(self.spoken[reading.words[1]], [])
        return found

    def _like(self, word: str) -> frozenset[str]:
        """Return the genera of the rules' species that a word is like."""
        if word not in self._genera_like:
            near_ones = process.extract(word, list(self._of_genus), scorer=OSA.distance, score_cutoff=3, limit=None)
            alike = {genus for genus, *_ in near_ones if self._alike(genus, word)}
            alike |= {genus for genus in self._of_genus if self.spoken[genus] == self.spoken.get(word, word)}
            self._genera_like[word] = frozenset(alike)
        return self._genera_like[word]

    def _is(self, one: Species, reading: Reading, *, certain: bool) -> bool:
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
            if at == 0 and any(self.spoken[one.epithets[0]] == self.spoken[word] for word in after[:1]):
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

    def _below(self, one: Species, reading: Reading) -> bool:
        """Tell whether a name of two words, or the same third one, may be a taxon below species."""
        if len(one.epithets) < 2 or len(reading.epithets) < 2:
            return True
        return self._alike(one.epithets[1], reading.epithets[1], in_genus=True)

    def _kin(self, one: Species, genus: str) -> bool:
        """Tell whether a species may have stood in another genus: one of its family, or one that nobody knows."""
        stands = self.taxonomy.of(one.genus) or self.lineages[one.rule]
        mine = frozenset[str]().union(*(lineage.get("family", frozenset()) for lineage in stands))
        its = frozenset[str]().union(*(lineage.get("family", frozenset()) for lineage in self.taxonomy.of(genus)))
        return not mine or not its or bool(mine & its)

    def _alike(self, one: str, other: str, *, in_genus: bool = False) -> bool:
        """Tell whether two words may be one; inside a genus a beginning of three letters is enough."""
        if one == other or self.spoken.get(one, one) == self.spoken.get(other, other):
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
        new = sorted(words - self.spoken.keys())
        if not new:
            return
        self.spoken.update(zip(new, sounds(new), strict=True))


def _others(text: str) -> list[str]:
    """Return what else a text may say: what stands in brackets, and what its digits may have been."""
    return [part for part in (*within_brackets(text), *mended(text.split("(")[0])) if part != text]
