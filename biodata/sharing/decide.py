"""Which rule decides about a record: the strictest of those that may apply to it."""

from collections import defaultdict
from typing import Final

import numpy as np
import polars as pl

from biodata.flags import TRACKED
from biodata.places import BoundarySet
from biodata.sharing import rule_places
from biodata.sharing.rules import RuleSet
from biodata.sharing.shared import decided_by_nodes
from biodata.sharing.taxa import keys_of_rule, matches
from biodata.vocabularies import SharingCategory

_FACTS: Final = (
    "countryCode",
    "located_country_code",
    "country_codes",
    "province_code",
    "ambiguous",
    "datasetKey",
    "event_start",
    "event_end",
    "month",
    "decimalLongitude",
    "decimalLatitude",
)
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
        categories : List(String), those of all the rules that apply, the strictest first. Open records are left out.

    Notes
    -----
    Records with the flag `flags.TRACKED` are withheld whatever the rules say. A record of a national node is at least as
    coarse as that node made it.

    A rule is left aside only for a fact that speaks against it: a record without a country, a month, a province may be
    what the rule means. A rule of a country applies to all that would be published as one with a place there
    (`rule_places`). Where several apply, the strictest decides; of equally strict ones the first by name is told.
    """
    decided, tracked = _by_rule(occurrences, rules, boundaries), _tracked(occurrences)
    by_nodes = decided_by_nodes(occurrences)
    if by_nodes.height:
        # Of equally strict ones the node's is told: it is the owner of the record.
        decided = stricter(by_nodes.select(pl.col(n).cast(t) for n, t in _DECISION.items()), decided)
    return stricter(decided, tracked) if tracked.height else decided


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
    """Return what the rules make less than open."""
    frame = occurrences.with_row_index("row")
    wanted: dict[str, list[int]] = defaultdict(list)
    for number, rule in enumerate(rules.rules):
        for key in keys_of_rule(rule):
            wanted[key].append(number)
    any_taxon = pl.DataFrame(
        {"rule": [n for n, rule in enumerate(rules.rules) if rule.scientific_name is None]}, schema={"rule": pl.Int64}
    )
    pairs = pl.concat([matches(frame, wanted), frame.select("row").join(any_taxon, how="cross")])
    if pairs.is_empty():
        return pl.DataFrame(schema=_DECISION)
    missing = [pl.lit(None).alias(name) for name in _FACTS if name not in frame.columns]
    facts = frame.join(pairs.select("row").unique(), on="row", how="semi").with_columns(missing).select("row", *_FACTS)
    facts = facts.with_columns(_months(facts))
    pairs = pairs.join(facts, on="row").join(_table(rules), on="rule").filter(_applies(), pl.col("strictness") > 0)
    return (
        pairs.filter(rule_places.applies(pairs, boundaries))
        .sort("row", pl.col("strictness"), pl.col("rule"), descending=[False, True, False])
        .group_by("row", maintain_order=True)
        .agg(
            pl.col("category", "rule_id", "reason").first(),
            categories=pl.col("category").unique(maintain_order=True),
        )
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


def _table(rules: RuleSet) -> pl.DataFrame:
    """Return the rules as a table; `rule` is the position in the set, which is the order of their names."""
    return pl.DataFrame(
        [
            (
                n,
                r.rule_id,
                str(r.category),
                r.category.strictness,
                r.reason,
                r.country_code,
                r.province_code,
                r.dataset,
                r.months,
            )
            for n, r in enumerate(rules.rules)
        ],
        schema={
            "rule": pl.Int64,
            "rule_id": pl.String,
            "category": pl.String,
            "strictness": pl.Int64,
            "reason": pl.String,
            "rule_country": pl.String,
            "rule_province": pl.String,
            "rule_dataset": pl.String,
            "rule_months": pl.Int64,
        },
        orient="row",
    )


def _applies() -> pl.Expr:
    """Tell which pairs of a record and a rule of its taxon neither dataset nor season speaks against."""
    dataset = pl.col("rule_dataset").is_null() | (
        pl.col("datasetKey").cast(pl.String) == pl.col("rule_dataset")
    ).fill_null(value=True)
    return dataset & ((pl.col("rule_months") & pl.col("row_months")) != 0)


def _months(facts: pl.DataFrame) -> pl.Series:
    """Return the months that each record may be of as bits, January the lowest; all where none is told."""
    told = facts.select(
        single=pl.col("month").cast(pl.Int64) - 1,
        first=pl.col("event_start").cast(pl.Date).dt.year().cast(pl.Int64) * 12
        + pl.col("event_start").cast(pl.Date).dt.month().cast(pl.Int64)
        - 1,
        last=pl.col("event_end").cast(pl.Date).dt.year().cast(pl.Int64) * 12
        + pl.col("event_end").cast(pl.Date).dt.month().cast(pl.Int64)
        - 1,
    ).select(
        first=pl.coalesce("first", "single").fill_null(0),
        span=pl.when(pl.col("first").is_not_null())
        .then(pl.col("last") - pl.col("first") + 1)
        .when(pl.col("single").is_not_null())
        .then(1)
        .fill_null(12)
        .clip(1, 12),
    )
    bits = ((1 << told["span"].to_numpy().astype(np.int64)) - 1) << (told["first"].to_numpy() % 12)
    return pl.Series("row_months", (bits & 0xFFF) | (bits >> 12))
