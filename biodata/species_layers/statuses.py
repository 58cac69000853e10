"""What red lists, lists of protected species and sharing rules say of a species, side by side."""

from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from biodata import lists
from biodata.settings import Settings
from biodata.sharing import Rule
from biodata.sharing.names import Checklists
from biodata.store.lake import Lake
from biodata.store.rules_in_force import rules_in_force

COLUMNS = ("kind", "area", "value", "year", "authority", "scientificName", "checklist")


@dataclass(frozen=True, slots=True)
class Statuses:
    """What is said of a species.

    Attributes
    ----------
    names : tuple of str
        The names that were looked for: the one asked, and those that checklists give its taxon.
    lists : list of dict
        One row a status and name, with `COLUMNS`; global ones first.
    rules : list of dict
        The sharing rules that may mean it, the strictest first: rule_id, category, source, source_kind, country, reason.
    """

    names: tuple[str, ...]
    lists: list[dict[str, Any]]
    rules: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def statuses(settings: Settings, name: str) -> Statuses:
    """Return what an installation knows of a species' status.

    Parameters
    ----------
    settings : Settings
        The installation.
    name : str
        A scientific name.

    Raises
    ------
    InputError
        If the sharing rules are not valid.
    """
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        taxa = lake.read("taxa")
        rules = rules_in_force(settings, lake, planned=False)
    ties = Checklists(taxa).ties(pl.Series([name.casefold()])).get(name.casefold(), ())
    names = [name[:1].upper() + name[1:], *(target for target, above in ties if not above)]
    wanted = sorted({one.casefold() for one in names})
    found = lists.statuses(taxa.filter(pl.col("scientificName").str.to_lowercase().is_in(wanted)))
    order = [pl.col("area") != lists.GLOBAL, "kind", "area", "year", "scientificName"]
    rows = found.sort(order).select(COLUMNS)
    numbers = rules.resolver.of_names(names)
    meant = sorted((rules.rules[n] for n in numbers), key=lambda rule: (-rule.category.strictness, rule.rule_id))
    return Statuses(tuple(wanted), rows.to_dicts(), [_told(rule) for rule in meant])


def _told(rule: Rule) -> dict[str, Any]:
    """Return what is told of a rule."""
    return {
        "rule_id": rule.rule_id,
        "category": str(rule.category),
        "source": rule.source,
        "source_kind": None if rule.source_kind is None else str(rule.source_kind),
        "country": rule.country_code,
        "reason": rule.reason,
    }
