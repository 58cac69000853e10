"""Which rule decides about a record: the strictest of those that may apply to it."""

from dataclasses import replace
from typing import Final

import polars as pl

from biodata.flags import TRACKED
from biodata.places import BoundarySet
from biodata.sharing import labels
from biodata.sharing.cases import Judge, concerned
from biodata.sharing.rules import RuleSet
from biodata.sharing.shared import decided_by_nodes
from biodata.vocabularies import SharingCategory

TRACKED_RULE: Final = "tracked-animals"
_TRACKED_REASON: Final = "where an animal with a transmitter was is never published; this rule cannot be loosened"
_DECISION: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "row": pl.UInt32,
    "category": pl.String,
    "rule_id": pl.String,
    "reason": pl.String,
    "categories": pl.List(pl.String),
}


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


def _by_rule(occurrences: pl.DataFrame, rules: RuleSet, boundaries: BoundarySet) -> pl.DataFrame:
    """Return what the rules make less than open.

    Each combination of names meets each combination of other facts once, however many records share them: a text that
    is no name may mean every rule's taxon.
    """
    if not rules.rules:
        return pl.DataFrame(schema=_DECISION)
    resolved = rules.resolver.resolve(occurrences)
    meant = concerned(resolved, rules)
    asked = occurrences.with_row_index("row").filter(meant)
    resolved = replace(resolved, place=resolved.place.filter(meant))
    judged = Judge(asked.drop("row"), rules, boundaries, resolved=resolved)
    decided = []
    for case, (applying, result) in enumerate(judged.outcomes()):
        if result is not None and result.rule.category is not SharingCategory.OPEN:
            categories = dict.fromkeys(str(r.category) for r in applying if r.category is not SharingCategory.OPEN)
            if result.replaced:
                categories = dict.fromkeys([str(result.rule.category)])
            decided.append((case, str(result.rule.category), result.rule.rule_id, result.rule.reason, list(categories)))
    table = pl.DataFrame(
        decided, schema={"case": pl.UInt32} | {k: v for k, v in _DECISION.items() if k != "row"}, orient="row"
    )
    return (
        pl.DataFrame({"row": asked["row"], "case": judged.place})
        .join(table, on="case", maintain_order="left")
        .select(pl.col(name).cast(dtype) for name, dtype in _DECISION.items())
    )


def stricter(decided: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return two answers of `decide` about the same records as one: of each record the stricter decides.

    Parameters
    ----------
    decided, others : polars.DataFrame
        As `decide` returns them; of equally strict ones that of `decided` is told.
    """
    strictness = {str(category): category.strictness for category in SharingCategory}
    rank = pl.element().replace_strict(strictness, return_dtype=pl.Int64)
    return (
        pl.concat([decided, others.select(decided.columns)])
        .with_columns(strictness=pl.col("category").replace_strict(strictness, return_dtype=pl.Int64))
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
