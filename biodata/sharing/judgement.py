"""Whether a rule may apply to a case, and whether it surely does: a case is what records with equal facts share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from biodata.sharing.grid import PER_DEGREE as CELLS_PER_DEGREE
from biodata.sharing.rule import Consent, Rule
from biodata.vocabularies import SharingCategory

Case = Mapping[str, Any]
"""One row of `facts.facts_of`."""
_ALL_MONTHS: Final = 0xFFF


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rules come to for a case.

    Attributes
    ----------
    rule : Rule
        The one that decides.
    replaced : tuple of Rule
        Stricter ones that would have decided, had their owners not consented; the strictest first.
    without_consent : mapping of str to tuple of str
        Of each looser rule that surely applies, and for which somebody consented: the owners who did not.
    """

    rule: Rule
    replaced: tuple[Rule, ...]
    without_consent: Mapping[str, tuple[str, ...]]


def may_apply(rules: Sequence[Rule], case: Case) -> list[Rule]:
    """Return the rules that no fact speaks against.

    A withheld record has no cell: where another rule makes it coarse, what that would show decides, too.
    """
    likely = [rule for rule in rules if _not_against(rule, case)]
    celled = [
        r
        for r in likely
        if str(r.category) in CELLS_PER_DEGREE and _may_be_there(r, case, CELLS_PER_DEGREE[str(r.category)])
    ]
    shown = {CELLS_PER_DEGREE[str(rule.category)] for rule in celled}
    others = [
        r
        for r in likely
        if str(r.category) not in CELLS_PER_DEGREE
        and (_may_be_there(r, case, None) or any(_may_be_there(r, case, size) for size in shown))
    ]
    applying = {rule.rule_id for rule in (*celled, *others)}
    return [rule for rule in rules if rule.rule_id in applying]


def _not_against(rule: Rule, case: Case) -> bool:
    """Tell whether dataset, publisher, label and season do not speak against a rule."""
    return (
        (rule.dataset is None or case["dataset"] in (None, rule.dataset))
        and (rule.publishing_country is None or case["publisher"] in (None, rule.publishing_country))
        and (rule.label is None or rule.label in _list(case["labels"]))
        and bool(rule.months & (_ALL_MONTHS if case["months"] is None else case["months"]))
    )


def _may_be_there(rule: Rule, case: Case, size: int | None) -> bool:
    """Tell whether a rule's place may be the record's: by the region of a size, or by facts where there is none."""
    if not rule.of_place:
        return True
    if size is None or case.get(f"countries_{size}") is None:
        return _by_facts(rule, case)
    countries, provinces = _list(case[f"countries_{size}"]), _list(case[f"provinces_{size}"])
    unsure, stated = case[f"unsure_{size}"], case["stated"]
    there = rule.country_code in countries or unsure
    here = rule.country_code is None or stated == rule.country_code or there or (not countries and stated is None)
    # Near a border of countries a division is not certain, wherever its own border is.
    division = (
        rule.province_code is None
        or rule.province_code in provinces
        or not provinces
        or (there and len(countries) > 1)
        or unsure
    )
    area = not (rule.area_id or rule.polygon) or rule.rule_id in (
        *_list(case["areas"]),
        *_list(case[f"touches_{size}"]),
    )
    return here and division and area


def _by_facts(rule: Rule, case: Case) -> bool:
    """Tell whether no fact of the record's own place speaks against a rule."""
    possible, province = _list(case["possible"]), case["province"]
    here = rule.country_code is None or not possible or rule.country_code in possible
    division = rule.province_code is None or province in (None, rule.province_code) or case["beside"]
    area = not (rule.area_id or rule.polygon) or case["areas"] is None or rule.rule_id in _list(case["areas"])
    return here and division and area


def surely_applies(rule: Rule, case: Case, sizes: tuple[int, ...]) -> bool:
    """Tell whether every fact that a rule asks for is known and speaks for it, all over the cells of some sizes."""
    for size in sizes:
        if rule.country_code is not None and case.get(f"countries_{size}") != rule.country_code:
            return False
        if rule.province_code is not None and case.get(f"provinces_{size}") != rule.province_code:
            return False
        if rule.of_place and case.get(f"unsure_{size}"):
            return False
        if (rule.area_id or rule.polygon) and rule.rule_id not in _list(case.get(f"within_{size}")):
            return False
    country = rule.country_code is None or case["possible"] == rule.country_code
    dataset = rule.dataset is None or case["dataset"] == rule.dataset
    publisher = rule.publishing_country is None or case["publisher"] == rule.publishing_country
    label = rule.label is None or rule.label in _list(case["labels"])
    season = rule.months == _ALL_MONTHS or (case["months"] is not None and not case["months"] & ~rule.months)
    return country and dataset and publisher and label and season


def outcome(applying: list[Rule], sure: frozenset[str], case: Case, consents: tuple[Consent, ...]) -> Outcome:
    """Return what rules that may apply come to.

    Parameters
    ----------
    applying : list of Rule
        At least one; those that `may_apply`, the strictest first, equally strict ones by name.
    sure : frozenset of str
        Names of the rules whose taxon the record is surely of.
    case : Case
    consents : tuple of Consent
        Those that hold.

    Notes
    -----
    The strictest decides; of equally strict ones the first by name. A looser one acts in its place only where it surely
    applies and the owner of every stricter rule that may apply consented to it. Where several looser ones may act, the
    loosest does: the owners of the others consented too.
    """
    given = {(consent.looser_rule, consent.stricter_owner) for consent in consents}
    asked = {consent.looser_rule for consent in consents}
    strictest, decides, missing = applying[0], applying[0], {}
    for rule in applying:
        if rule.rule_id not in asked or rule.category.strictness == strictest.category.strictness:
            continue
        stricter = [r for r in applying if r.category.strictness > rule.category.strictness]
        cells = {str(r.category) for r in (rule, *stricter)} | {str(SharingCategory.THOUSANDTH_DEGREE)}
        sizes = tuple(CELLS_PER_DEGREE[cell] for cell in sorted(cells & CELLS_PER_DEGREE.keys()))
        if not (rule.rule_id in sure and surely_applies(rule, case, sizes)):
            continue
        refused = tuple(
            sorted(owner for owner in {r.answerable for r in stricter} if (rule.rule_id, owner) not in given)
        )
        if refused:
            missing[rule.rule_id] = refused
        else:
            decides = rule
    replaced = tuple(r for r in applying if r.category.strictness > decides.category.strictness)
    return Outcome(decides, replaced, missing)


def _list(joined: str | None) -> list[str]:
    return joined.split("|") if joined else []
