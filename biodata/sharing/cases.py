"""Records as cases: those with equal names and equal facts are judged once."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from biodata.places import BoundarySet
from biodata.sharing.facts import facts_of
from biodata.sharing.judgement import Outcome, may_apply, outcome
from biodata.sharing.resolve import Resolved
from biodata.sharing.rule import Rule
from biodata.sharing.rules import RuleSet

Judged = tuple[list[Rule], Outcome | None]


class Judge:
    """Judges the records of a frame by a set of rules.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`.
    rules : RuleSet
    boundaries : BoundarySet
        Whose land counts.
    resolved : Resolved, optional
        What the names of these records call for, where that is known already.

    Attributes
    ----------
    place : Series of UInt32, length n
        The number of each record's case.
    """

    def __init__(
        self, occurrences: pl.DataFrame, rules: RuleSet, boundaries: BoundarySet, *, resolved: Resolved | None = None
    ) -> None:
        self._rules = rules
        self._any_taxon = frozenset(n for n, rule in enumerate(rules.rules) if rule.scientific_name is None)
        occurrences = rules.labels.added(occurrences)
        resolved = rules.resolver.resolve(occurrences) if resolved is None else resolved
        self._of_taxon, self._surely = resolved.of_rows(), resolved.of_rows("sure")
        told = facts_of(occurrences, rules, boundaries)
        distinct = told.unique(maintain_order=True).with_row_index("facts")
        self._facts = distinct.drop("facts").rows(named=True)
        facts = told.join(distinct, on=told.columns, how="left", nulls_equal=True, maintain_order="left")["facts"]
        pairs = pl.DataFrame({"names": resolved.place, "facts": facts})
        self._cases = pairs.unique(maintain_order=True).with_row_index("case")
        self.place = pairs.join(self._cases, on=["names", "facts"], how="left", maintain_order="left")["case"]

    def outcomes(self) -> Iterator[Judged]:
        """Yield of each case the rules that may apply, the strictest first, and what they come to."""
        known: dict[tuple[Any, ...], Judged] = {}
        for names, facts in self._cases.select("names", "facts").iter_rows():
            of_taxon = self._of_taxon[names]
            sure = self._sure(names) if self._rules.consents else frozenset[str]()
            asked = (of_taxon, sure, facts)
            if asked not in known:
                case = self._facts[facts]
                rules = sorted((self._rules.rules[n] for n in of_taxon | self._any_taxon), key=_strictest_first)
                applying = may_apply(rules, case)
                known[asked] = (applying, outcome(applying, sure, case, self._rules.consents) if applying else None)
            yield known[asked]

    def _sure(self, names: int) -> frozenset[str]:
        """Return the rules whose taxon the records of a case surely are of."""
        numbers = self._surely[names] | self._any_taxon
        return frozenset(self._rules.rules[n].rule_id for n in numbers)


def concerned(resolved: Resolved, rules: RuleSet) -> pl.Series:
    """Tell which records some rule may mean by their names: where the others are need not be asked.

    Parameters
    ----------
    resolved : Resolved
        What the names of n records call for.
    rules : RuleSet

    Returns
    -------
    Series of bool, length n
    """
    if any(rule.scientific_name is None for rule in rules.rules):
        return pl.Series([True]).new_from_index(0, len(resolved.place))
    return pl.Series([bool(one) for one in resolved.of_rows()], dtype=pl.Boolean).gather(resolved.place)


def _strictest_first(rule: Rule) -> tuple[int, str]:
    return -rule.category.strictness, rule.rule_id
