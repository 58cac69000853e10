"""Which rules' taxa stand in a taxon above genus, hold it, or may be of it."""

from collections.abc import Iterable
from functools import cached_property
from typing import Final

from biodata.sharing.names import ABOVE
from biodata.sharing.rule_names import NONE, Numbers, RuleNames

_ALL_GENERA_KNOWN: Final = frozenset(
    "mammalia aves amphibia reptilia lepidosauria testudines crocodylia squamata anura caudata".split()
)
"""Groups whose genera are all known, old ones of listed species too: an unknown genus is none of theirs."""


class RuleGroups:
    """The classification of the taxa of some rules.

    Parameters
    ----------
    names : RuleNames
        The taxa.
    """

    def __init__(self, names: RuleNames) -> None:
        self._names, self._taxonomy = names, names.taxonomy

    def above_genera(self, genera: Iterable[str]) -> Numbers:
        """Return the rules about what stands above genera."""
        names = {
            name
            for genus in genera
            for lineage in self._taxonomy.of(genus)
            if genus in lineage.get("genus", ())
            for rank in ABOVE
            for name in lineage.get(rank, ())
        }
        return NONE.union(*(self._names.by_name.get(name, NONE) for name in names))

    def within(self, name: str) -> Numbers:
        """Return the rules whose taxon stands in a taxon above genus, or holds it; those of unknown taxa too."""
        inside = frozenset(
            n
            for n, lineages in self._names.lineages.items()
            if not lineages or any(name in names for lineage in lineages for names in lineage.values())
        )
        holding = {other for lineage in self._taxonomy.of(name) for names in lineage.values() for other in names}
        return inside.union(*(self._names.by_name.get(other, NONE) for other in holding))

    def not_against(self, above: tuple[tuple[str, str], ...]) -> Numbers:
        """Return the rules that the told classification does not speak against."""
        known = [
            (rank, value) for rank, value in above if any(value in k.get(rank, ()) for k in self._taxonomy.of(value))
        ]
        return frozenset(
            n
            for n, lineages in self._names.lineages.items()
            if not lineages
            or any(all(value in lineage.get(rank, {value}) for rank, value in known) for lineage in lineages)
        )

    @cached_property
    def of_open_groups(self) -> Numbers:
        """The rules of groups whose genera nobody knows all, such as orchids: an unknown genus may be one of theirs."""
        of_species = {one.rule for one in self._names.species}
        return frozenset(
            n
            for n, rank in self._names.ranks.items()
            if n not in of_species
            and rank != "GENUS"
            and not self._taxonomy.is_genus(self._names.names[n])
            and not any(names & _ALL_GENERA_KNOWN for lineage in self._names.lineages[n] for names in lineage.values())
        )
