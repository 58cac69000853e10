"""What is to be looked at in an installation's sharing rules, and whether a new one names a taxon that is known."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import polars as pl
from rapidfuzz import process

from biodata import places
from biodata.core import terms
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.sharing import Rule, RuleSet, decide
from biodata.sharing.decide import USED, judge
from biodata.sharing.names import bundled_common_names, canonical, looked_up, meant_by_hand
from biodata.sharing.publish import LOOKED_AT
from biodata.store.lake import Lake
from biodata.store.rules_in_force import known_to, rules_in_force
from biodata.text.reference_list import CLASSIFICATION

_BATCH_ROWS = 200_000
_NAMES: Final = ("species", "scientificName", "acceptedScientificName", *CLASSIFICATION)
_NEAR: Final = 90.0
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """What was found.

    Attributes
    ----------
    due : list of (rule_id, review date)
        Rules that should be looked at again, the oldest date first. They hold on.
    contradictions : list of (rule_id, rule_id)
        Rules about the same taxon, place, time and data with other categories: the first, stricter one decides.
    without_records : list of rule_id
        Rules that may apply to no record of the lake.
    unknown_areas : list of (rule_id, area_id)
        Rules of a protected area that the lake does not have, or has no map of: they hold everywhere.
    unknown_consents : list of (looser rule, stricter owner)
        Consents that name a rule, or an owner, that is not there.
    decided : dict of str to int
        Records that each rule decides.
    """

    due: list[tuple[str, str]]
    contradictions: list[tuple[str, str]]
    without_records: list[str]
    unknown_areas: list[tuple[str, str]]
    unknown_consents: list[tuple[str, str]]
    decided: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return it in words, a line each."""
        found = [f"review due: {rule} since {day}" for rule, day in self.due]
        found += [f"same conditions: {a} and {b}; {a} is stricter and decides" for a, b in self.contradictions]
        found += [f"unknown area: {rule} names {area}, so it holds everywhere" for rule, area in self.unknown_areas]
        found += [f"unknown consent: of {owner} for {rule}" for rule, owner in self.unknown_consents]
        found += [f"decides {n} records: {rule}" for rule, n in self.decided.items()]
        return [*found, f"{len(self.without_records)} rules apply to no record of the lake"]


def check_rules(settings: Settings, *, days: int = 90) -> RuleCheck:
    """Look at the rules of an installation beside its lake.

    Parameters
    ----------
    settings : Settings
        The installation.
    days : int
        Review dates within so many days count as due.

    Raises
    ------
    InputError
        If the rules are not valid.
    """
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake)
        boundaries = places.load_boundaries(settings.boundaries)
        may: Counter[str] = Counter()
        decides: Counter[str] = Counter()
        columns = [name for name in terms.names(terms.OCCURRENCE) if name in {*LOOKED_AT, *USED}]
        for batch in lake.batches("occurrences", columns=columns, batch_rows=_BATCH_ROWS):
            judged = judge(batch, rules, boundaries)
            rows = np.bincount(judged.case.drop_nulls(), minlength=len(judged.decides))
            for n, rule in enumerate(judged.rules):
                may[rule.rule_id] += int(rows[judged.applies[:, n]].sum())
                decides[rule.rule_id] += int(rows[judged.decides == n].sum())
    last = datetime.now(tz=UTC).date() + timedelta(days=days)
    due = sorted((r.review_date, r.rule_id) for r in rules.rules if r.review_date is not None and r.review_date <= last)
    return RuleCheck(
        due=[(name, day.isoformat()) for day, name in due],
        contradictions=_contradictions(rules),
        without_records=[r.rule_id for r in rules.rules if not may[r.rule_id]],
        unknown_areas=[(r.rule_id, r.area_id) for r in rules.rules if r.area_id and rules.shape_of(r) is None],
        unknown_consents=_unknown_consents(rules),
        decided={rule: n for rule, n in decides.most_common() if n},
    )


def changed_under(settings: Settings, alter: Callable[[RuleSet], RuleSet]) -> dict[tuple[str, str], int]:
    """Count the records that would be published more exactly, or less, under other rules.

    Parameters
    ----------
    settings : Settings
        The installation.
    alter : function
        Makes the other rules of those in force.

    Returns
    -------
    dict of (category, category) to int
        Records by their category under today's rules and under the others, each by itself: one that is tied to a record
        of the same event can become finer with it, or stay as coarse as an earlier release made it.
    """
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake, planned=False)
        others = known_to(lake, alter(rules))
        boundaries = places.load_boundaries(settings.boundaries)
        found: Counter[tuple[str, str]] = Counter()
        columns = [name for name in terms.names(terms.OCCURRENCE) if name in {*LOOKED_AT, *USED}]
        for batch in lake.batches("occurrences", columns=columns, batch_rows=_BATCH_ROWS):
            was, now = (decide(batch, r, boundaries=boundaries).select("row", "category") for r in (rules, others))
            beside = was.join(now, on="row", how="full", suffix="_now", coalesce=True)
            counted = beside.with_columns(pl.col("category", "category_now").fill_null(str(SharingCategory.OPEN)))
            pairs = (
                counted.filter(pl.col("category") != pl.col("category_now")).group_by("category", "category_now").len()
            )
            found.update({(before, after): count for before, after, count in pairs.iter_rows()})
    return dict(sorted(found.items()))


def without(rule_id: str) -> Callable[[RuleSet], RuleSet]:
    """Return what takes a rule out of others; it raises `InputError` where no rule has that name."""

    def less(rules: RuleSet) -> RuleSet:
        gone = rules.named(rule_id)
        return replace(rules, rules=tuple(rule for rule in rules.rules if rule is not gone))

    return less


def finer(changed: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Return the records of a count that become more exact."""
    strict = {str(category): category.strictness for category in SharingCategory}
    return {(was, now): count for (was, now), count in changed.items() if strict[now] < strict[was]}


def _contradictions(rules: RuleSet) -> list[tuple[str, str]]:
    """Return pairs of rules with equal conditions and other categories, the stricter one first."""
    same: dict[tuple[object, ...], list[Rule]] = defaultdict(list)
    for rule in rules.rules:
        name = (rule.scientific_name or "").casefold()
        where = (rule.country_code, rule.province_code, rule.area_id, rule.polygon)
        same[name, *where, rule.dataset, rule.publishing_country, rule.label, rule.months].append(rule)
    found = []
    for equal in same.values():
        ordered = sorted(equal, key=lambda rule: (-rule.category.strictness, rule.rule_id))
        found += [(ordered[0].rule_id, r.rule_id) for r in ordered[1:] if r.category is not ordered[0].category]
    return found


def _unknown_consents(rules: RuleSet) -> list[tuple[str, str]]:
    """Return consents that can never act."""
    names, owners = {r.rule_id for r in rules.rules}, {r.answerable for r in rules.rules}
    return [
        (c.looser_rule, c.stricter_owner)
        for c in rules.consents
        if c.looser_rule not in names or c.stricter_owner not in owners
    ]


def look_up_taxon(settings: Settings, name: str) -> list[str] | None:
    """Look for the name of a taxon in the rules, the checklists and the records of an installation.

    A slip in a new rule would hide by luck, or nothing at all.

    Parameters
    ----------
    settings : Settings
        The installation.
    name : str
        A scientific name; authorship plays no part.

    Returns
    -------
    list of str or None
        None where something has that name; else the names that are near to it, at most 5.
    """
    small = (canonical(pl.Series([name]))["name"][0] or name.strip()).casefold()
    if looked_up([small.capitalize()]) or _named_by_hand(small):
        return None
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake, planned=False)
        taxa = lake.read("taxa", columns=["scientificName", "synonyms"])
        here = {*taxa["scientificName"].drop_nulls(), *taxa["synonyms"].explode().drop_nulls()}
        for batch in lake.batches("occurrences", columns=list(_NAMES), batch_rows=_BATCH_ROWS):
            here |= {text for column in batch.get_columns() for text in column.unique().drop_nulls()}
    listed = [rule.scientific_name for rule in rules.rules if rule.scientific_name is not None]
    read = canonical(pl.Series([*here, *listed], dtype=pl.String))["name"].drop_nulls().unique()
    known = {one.casefold(): one for one in sorted(read)}
    if small in known:
        return None
    like = process.extract(small, list(known), score_cutoff=_NEAR, limit=_SHOWN)
    return [known[found] for found, _, _ in like]


def _named_by_hand(small: str) -> bool:
    return bool(meant_by_hand(small)) or any(
        small == taxon.casefold() for taxa in bundled_common_names().values() for taxon in taxa
    )
