"""Why a record is stated as it is: every rule that may apply, what each would do, and which decided."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from biodata.core.vocabularies import SharingCategory
from biodata.places import BoundarySet
from biodata.sharing.decide import decide, judge
from biodata.sharing.rules import RuleSet


@dataclass(frozen=True, slots=True)
class Step:
    """One rule that may apply to a record.

    Attributes
    ----------
    rule_id, reason : str
    category : SharingCategory
        What it would do alone.
    source, source_kind, owner : str, optional
        Whose rule it is, and who must consent before a looser one acts.
    decides : bool
        True for the one that decided.
    replaced : bool
        True where its owner consented to the looser one that decided.
    without_consent : tuple of str
        Of a looser rule that others consented to: the owners who did not.
    """

    rule_id: str
    category: SharingCategory
    reason: str
    source: str | None
    source_kind: str | None
    owner: str
    decides: bool
    replaced: bool
    without_consent: tuple[str, ...]


def why(record: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet) -> tuple[Step, ...]:
    """Return the chain of rules of a record, the strictest first.

    Parameters
    ----------
    record : polars.DataFrame of one row
        Columns of `terms.OCCURRENCE`.
    rules : RuleSet
    boundaries : BoundarySet
        Whose land counts.

    Returns
    -------
    tuple of Step
        Empty where no rule applies. A rule of the program itself (of tracked animals) stands first where it decides.
    """
    decided = decide(record, rules, boundaries=boundaries)
    chosen, category, reason = decided.select("rule_id", "category", "reason").row(0) if decided.height else (None,) * 3
    steps = []
    judged = judge(record, rules, boundaries)
    case = judged.case.item()
    applying = [] if case is None else np.flatnonzero(judged.applies[case]).tolist()
    deciding = int(judged.decides[case]) if applying else -1
    if chosen is not None and all(judged.rules[n].rule_id != chosen for n in applying):
        steps.append(Step(chosen, SharingCategory(category), reason, "biodata", None, "biodata", True, False, ()))
    for n in applying:
        rule, consented = judged.rules[n], judged.consented.get(n)
        above = {judged.rules[m].answerable for m in applying if judged.is_stricter(m, n)}
        lacking = above - {one.stricter_owner for one in rules.consents if one.looser_rule == rule.rule_id}
        missing = tuple(sorted(lacking)) if consented is not None and consented[case] else ()
        kind = None if rule.source_kind is None else str(rule.source_kind)
        is_it = rule.rule_id == chosen if chosen is not None else n == deciding
        gone = judged.is_stricter(n, deciding)
        steps.append(
            Step(rule.rule_id, rule.category, rule.reason, rule.source, kind, rule.answerable, is_it, gone, missing)
        )
    return tuple(steps)
