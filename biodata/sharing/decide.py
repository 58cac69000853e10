"""Which rule decides about a record: the strictest of those that no fact speaks against, save where its owner consented."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.flags import TRACKED
from biodata.places import BoundarySet
from biodata.sharing import labels
from biodata.sharing.facts import facts_of, may_be_there, nothing_against, surely_applies
from biodata.sharing.grid import PER_DEGREE
from biodata.sharing.received import decided_by_nodes
from biodata.sharing.rule import Rule
from biodata.sharing.rules import RuleSet
from biodata.vocabularies import SharingCategory

TRACKED_RULE: Final = "tracked-animals"
_TRACKED_REASON: Final = "where an animal with a transmitter was is never published; this rule cannot be loosened"
_DECISION: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "row": pl.UInt32, "category": pl.String, "rule_id": pl.String, "reason": pl.String, "categories": pl.List(pl.String),
}  # fmt: skip
_STRICTEST_FIRST: Final = sorted(SharingCategory, key=lambda category: -category.strictness)
_STRICTNESS: Final = {str(category): category.strictness for category in SharingCategory}
Bools = NDArray[np.bool_]


def decide(occurrences: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet) -> pl.DataFrame:
    """Find the records that a rule makes less than open, and the rule that decides.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`.
    rules : RuleSet
        The rules.
    boundaries : BoundarySet
        Whose land the rules of a country or division are about.

    Returns
    -------
    polars.DataFrame, sorted by row
        row : UInt32, position in `occurrences`; category, rule_id, reason : String, of the rule that decides;
        categories : List(String), those of all the rules that apply, the strictest first; of a rule that others
        consented to, its own alone. Open records are left out.

    Notes
    -----
    Records with the flag `flags.TRACKED` are withheld whatever the rules say, and a community's label makes a record at
    least as coarse as it asks (`labels.gate`). A record of a national node is at least as coarse as that node made it.

    A rule is left aside only for a fact that speaks against it: a record without a country, a month, a province may be
    what the rule means. A rule of a country applies to all that would be published as one with a place there
    (`facts`). Where several apply, the strictest decides; of equally strict ones the first by name is told.
    """
    occurrences = rules.labels.added(occurrences)
    decided = _by_rule(occurrences, rules, boundaries)
    by_nodes = decided_by_nodes(occurrences)
    if by_nodes.height:
        # Of equally strict ones the node's is told: it is the owner of the record.
        decided = stricter(by_nodes.select(pl.col(n).cast(t) for n, t in _DECISION.items()), decided)
    for others in (_tracked(occurrences), labels.gate(occurrences)):
        if others.height:
            decided = stricter(decided, others)
    return decided


def _tracked(occurrences: pl.DataFrame) -> pl.DataFrame:
    """Return the records of tracked animals as withheld: no rule of an installation makes them less."""
    if "quality_flags" not in occurrences.columns:
        return pl.DataFrame(schema=_DECISION)
    withheld = str(SharingCategory.WITHHELD)
    return (
        occurrences.with_row_index("row")
        .filter(pl.col("quality_flags").cast(pl.List(pl.String)).list.contains(TRACKED).fill_null(value=False))
        .select("row", category=pl.lit(withheld), rule_id=pl.lit(TRACKED_RULE), reason=pl.lit(_TRACKED_REASON),
                categories=pl.concat_list(pl.lit(withheld)))
        .select(pl.col(name).cast(dtype) for name, dtype in _DECISION.items())
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Judged:
    """What rules come to for records; those with equal names and equal facts are one case.

    Attributes
    ----------
    case : Series of UInt32, length n
        The case of each record; null where no rule means its names.
    rules : tuple of Rule, length r
        The strictest first, equally strict ones by name.
    applies : ndarray of bool, shape (cases, r)
        The rules that no fact speaks against.
    decides : ndarray of int, length cases
        The rule that decides, -1 for none.
    consented : mapping of int to ndarray of bool, length cases
        Of each looser rule that somebody consented to: where it surely applies and a stricter one may, whether or not all
        their owners consented.
    """

    case: pl.Series
    rules: tuple[Rule, ...]
    applies: Bools
    decides: NDArray[np.int64]
    consented: Mapping[int, Bools]

    def is_stricter(self, one: int, other: int) -> bool:
        """Tell whether a rule is stricter than another."""
        return self.rules[one].category.strictness > self.rules[other].category.strictness


def judge(occurrences: pl.DataFrame, rules: RuleSet, boundaries: BoundarySet) -> Judged:
    """Return which rules may apply to records, and which one decides.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`.
    rules : RuleSet
    boundaries : BoundarySet
        Whose land counts.

    Notes
    -----
    A rule that withholds has no cell of its own, so it is also asked with the cell of each rule that applies and has one.

    The strictest decides. A looser one acts in its place only where it surely applies and the owner of every stricter rule
    that may apply consented to it; where several may, the loosest does: the owners of the others consented too.
    """
    if not rules.rules:
        nothing = pl.Series([None], dtype=pl.UInt32).new_from_index(0, occurrences.height)
        return Judged(nothing, (), np.zeros((0, 0), dtype=bool), np.zeros(0, dtype=np.int64), {})
    occurrences = rules.labels.added(occurrences)
    resolved = rules.resolver.resolve(occurrences)
    order = sorted(range(len(rules.rules)), key=lambda n: (-rules.rules[n].category.strictness, rules.rules[n].rule_id))
    ranked = tuple(rules.rules[n] for n in order)
    any_taxon = np.array([rule.scientific_name is None for rule in ranked])
    of_set = np.array([[n in numbers for n in order] for numbers in resolved.rule_sets], dtype=bool)
    of_set = of_set.reshape(-1, len(ranked)) | any_taxon
    may, surely = (of_set[resolved.table[name].to_numpy()] for name in ("rules", "sure"))

    asked = may.any(axis=1)[resolved.place.to_numpy()]
    facts = facts_of(occurrences.filter(asked), rules, boundaries)
    names = resolved.place.filter(asked).alias("names")
    distinct = facts.unique(maintain_order=True).with_row_index("facts")
    pairs = facts.join(distinct, on=facts.columns, how="left", nulls_equal=True, maintain_order="left")
    pairs = pairs.select("facts").with_columns(names)
    cases = pairs.unique(maintain_order=True).with_row_index("case")
    number = pairs.join(cases, on=["names", "facts"], how="left", maintain_order="left")["case"]
    case = np.full(len(asked), -1, dtype=np.int64)
    case[asked] = number.to_numpy()

    def true_of(conditions: Iterable[pl.Expr | None]) -> Bools:
        every = list(conditions)
        found = np.ones((cases.height, len(every)), dtype=bool)
        asked = {str(n): condition for n, condition in enumerate(every) if condition is not None}
        if asked:
            found[:, [int(n) for n in asked]] = distinct.select(**asked).to_numpy()[cases["facts"].to_numpy()]
        return found

    at_names = cases["names"].to_numpy()
    sizes = [PER_DEGREE.get(str(rule.category)) for rule in ranked]
    free = may[at_names] & true_of(nothing_against(rule) for rule in ranked)
    applies = free & true_of(may_be_there(rule, size) for rule, size in zip(ranked, sizes, strict=True))
    without_cell = [n for n, rule in enumerate(ranked) if sizes[n] is None and rule.of_place]
    for size in {size for size in sizes if size is not None} if without_cell else ():
        shown = applies[:, [one == size for one in sizes]].any(axis=1)
        there = true_of(may_be_there(ranked[n], size) for n in without_cell)
        applies[:, without_cell] |= free[:, without_cell] & there & shown[:, None]

    decides = np.where(applies.any(axis=1), applies.argmax(axis=1), -1)
    given = {(consent.looser_rule, consent.stricter_owner) for consent in rules.consents}
    strictness = np.array([rule.category.strictness for rule in ranked])
    consented = {}
    for n, rule in enumerate(ranked):
        if rule.rule_id not in {looser for looser, _ in given}:
            continue
        above = applies & (strictness > strictness[n])
        ready = applies[:, n] & surely[at_names][:, n] & above.any(axis=1)
        for size in PER_DEGREE.values():
            cells = above[:, [one == size for one in sizes]].any(axis=1)
            cells |= size in (sizes[n], PER_DEGREE[str(SharingCategory.THOUSANDTH_DEGREE)])
            ready &= ~cells | true_of([surely_applies(rule, size)])[:, 0]
        refused = above[:, [(rule.rule_id, other.answerable) not in given for other in ranked]].any(axis=1)
        decides[ready & ~refused], consented[n] = n, ready
    return Judged(pl.Series(case).replace(-1, None).cast(pl.UInt32), ranked, applies, decides, consented)


def _by_rule(occurrences: pl.DataFrame, rules: RuleSet, boundaries: BoundarySet) -> pl.DataFrame:
    """Return what the rules make less than open."""
    judged = judge(occurrences, rules, boundaries)
    coarse = [category for category in _STRICTEST_FIRST if category is not SharingCategory.OPEN]
    of_category = {
        str(one): judged.applies[:, [rule.category is one for rule in judged.rules]].any(axis=1) for one in coarse
    }
    of_rule = pl.DataFrame(
        [(n, str(rule.category), rule.rule_id, rule.reason) for n, rule in enumerate(judged.rules)],
        schema={"rule": pl.Int64, "category": pl.String, "rule_id": pl.String, "reason": pl.String}, orient="row",
    ).filter(pl.col("category") != str(SharingCategory.OPEN))  # fmt: skip
    first = judged.applies.argmax(axis=1) if judged.rules else judged.decides
    cases = pl.DataFrame({"rule": judged.decides, "first": first, **of_category}).with_row_index("case")
    strictest = pl.col("first").replace_strict(of_rule["rule"], of_rule["category"], default=None)
    every = pl.concat_list(pl.when(name).then(pl.lit(name)) for name in of_category).list.drop_nulls()
    table = cases.join(of_rule, on="rule").with_columns(
        categories=pl.when(strictest == pl.col("category")).then(every).otherwise(pl.concat_list("category"))
    )
    rows = judged.case.alias("case").to_frame().with_row_index("row").join(table, on="case", maintain_order="left")
    return rows.select(pl.col(name).cast(dtype) for name, dtype in _DECISION.items())


def stricter(decided: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return two answers of `decide` about the same records as one: of each record the stricter decides.

    Parameters
    ----------
    decided, others : polars.DataFrame
        As `decide` returns them; of equally strict ones that of `decided` is told.
    """
    rank = pl.element().replace_strict(_STRICTNESS, return_dtype=pl.Int64)
    return (
        pl.concat([decided, others.select(decided.columns)])
        .with_columns(strictness=pl.col("category").replace_strict(_STRICTNESS, return_dtype=pl.Int64))
        .sort("row", "strictness", descending=[False, True], maintain_order=True)
        .group_by("row", maintain_order=True)
        .agg(pl.col("category", "rule_id", "reason").first(), categories=pl.col("categories").explode().unique())
        .with_columns(pl.col("categories").list.eval(pl.element().sort_by(rank, descending=True)))
    )


def strictest(occurrences: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet) -> SharingCategory:
    """Return the strictest category of some records: what a result made from them all must carry.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`.
    rules : RuleSet
        The rules.
    boundaries : BoundarySet
        Whose land the rules of a country or division are about.

    Returns
    -------
    SharingCategory
        OPEN where no rule applies, or where there are no records.
    """
    found = (SharingCategory(value) for value in decide(occurrences, rules, boundaries=boundaries)["category"].unique())
    return max(found, key=lambda category: category.strictness, default=SharingCategory.OPEN)
