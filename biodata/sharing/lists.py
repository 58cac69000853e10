"""The lists that withheld records are counted by, as far as a list tells no place."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Final

from biodata.sharing.rule import Rule
from biodata.sharing.rules import RuleSet

BOUND: Final = "rules of a country, place or dataset"
"""The name under which withheld records of such rules are counted together: their lists would tell where they are."""

_ANYWHERE: Final = frozenset(
    "rule_id category reason source source_kind owner scientific_name rank month_from month_to review_date".split()
)
"""What a rule may tell and still be one that holds everywhere; whatever is not named here may tell a place."""


def list_of(rule: Rule) -> str:
    """Return the list that a withheld record of a rule is counted with."""
    bound = any(getattr(rule, f.name) is not None for f in fields(rule) if f.name not in _ANYWHERE)
    return BOUND if bound else rule.source or "no list"


def withheld_by_list(withheld: Mapping[str, int], rules: RuleSet) -> dict[str, int]:
    """Count withheld records by list.

    Parameters
    ----------
    withheld : mapping of rule_id to int
        Withheld records by the rule that decided.
    rules : RuleSet

    Returns
    -------
    dict of str to int
    """
    lists = {rule.rule_id: list_of(rule) for rule in rules.rules}
    found: dict[str, int] = {}
    for rule_id, count in withheld.items():
        # A record can be withheld without a rule, where no cell keeps it apart.
        name = lists.get(rule_id, BOUND)
        found[name] = found.get(name, 0) + count
    return found
