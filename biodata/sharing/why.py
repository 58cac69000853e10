"""Why a record is told as it is: every rule that may apply, what each would do, and which decided."""

from dataclasses import dataclass

import polars as pl

from biodata.places import BoundarySet
from biodata.sharing.cases import Judge
from biodata.sharing.decide import decide
from biodata.sharing.rules import RuleSet
from biodata.vocabularies import SharingCategory


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
    chosen = decided["rule_id"].item() if decided.height else None
    steps = []
    applying, result = next(Judge(record, rules, boundaries).outcomes()) if rules.rules else ([], None)
    known = {rule.rule_id for rule in applying}
    if chosen is not None and chosen not in known:
        category, reason = decided.select("category", "reason").row(0)
        steps.append(Step(chosen, SharingCategory(category), reason, "biodata", None, "biodata", True, False, ()))
    replaced = {rule.rule_id for rule in result.replaced} if result is not None else set()
    deciding = chosen if chosen is not None else result.rule.rule_id if result is not None else None
    for rule in applying:
        missing = result.without_consent.get(rule.rule_id, ()) if result is not None else ()
        kind = None if rule.source_kind is None else str(rule.source_kind)
        is_it = rule.rule_id == deciding
        gone = rule.rule_id in replaced
        steps.append(
            Step(rule.rule_id, rule.category, rule.reason, rule.source, kind, rule.answerable, is_it, gone, missing)
        )
    return tuple(steps)
