"""Which rule decides about a record: the strictest of those that may apply to it."""

from typing import Final

import numpy as np
import polars as pl

from biodata.flags import TRACKED
from biodata.sharing.names import names_of
from biodata.sharing.rules import RuleSet
from biodata.sharing.taxa import rule_taxa
from biodata.sharing.taxonomy import bundled
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


def decide(occurrences: pl.DataFrame, rules: RuleSet) -> pl.DataFrame:
    """Find the records that a rule makes less than open, and the rule that decides.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`.
    rules : RuleSet
        The rules.

    Returns
    -------
    polars.DataFrame, sorted by row
        row : UInt32, position in `occurrences`; category, rule_id, reason : String, of the rule that decides;
        categories : List(String), those of all the rules that apply, the strictest first. Open records are left out.

    Notes
    -----
    Records with the flag `flags.TRACKED` are withheld whatever the rules say.

    A rule is left aside only for a fact that speaks against it: a record without a country, a month, a province may be
    what the rule means. Where several apply, the strictest decides; of equally strict ones the first by name is told.
    """
    tracked = _tracked(occurrences)
    by_rule = _by_rule(occurrences, rules)
    return stricter(by_rule, tracked) if tracked.height else by_rule


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


def _by_rule(occurrences: pl.DataFrame, rules: RuleSet) -> pl.DataFrame:
    """Return what the rules make less than open.

    Each combination of names meets each combination of other facts once, however many records share them: a text that
    is no name may mean every rule's taxon.
    """
    names, place = names_of(occurrences)
    taxa = rule_taxa(rules.rules, rules.taxonomy or bundled())
    any_taxon = frozenset(n for n, rule in enumerate(rules.rules) if rule.scientific_name is None)
    meant = [sorted(taxa.of(one) | any_taxon) for one in names]
    pairs = pl.DataFrame(
        {"names": pl.int_range(len(names), dtype=pl.UInt32, eager=True), "rule": meant},
        schema_overrides={"rule": pl.List(pl.Int64)},
    ).explode("rule", keep_nulls=False, empty_as_null=False)
    told = _facts(occurrences, rules).with_columns(names=place).with_row_index("row")
    told = told.join(pairs.select("names").unique(), on="names", how="semi", maintain_order="left")
    if told.is_empty():
        return pl.DataFrame(schema=_DECISION)
    by = [name for name in told.columns if name != "row"]
    cases = told.select(by).unique(maintain_order=True).with_row_index("case")
    decided = (
        cases.join(pairs, on="names")
        .join(_table(rules), on="rule")
        .filter(_applies())
        .filter(pl.col("strictness") > 0)
        .sort("case", "strictness", "rule", descending=[False, True, False])
        .group_by("case", maintain_order=True)
        .agg(
            pl.col("category", "rule_id", "reason").first(),
            categories=pl.col("category").unique(maintain_order=True),
        )
    )
    return (
        told.join(cases, on=by, nulls_equal=True, maintain_order="left")
        .join(decided, on="case", maintain_order="left")
        .select(pl.col(name).cast(dtype) for name, dtype in _DECISION.items())
        .sort("row")
    )


def _facts(occurrences: pl.DataFrame, rules: RuleSet) -> pl.DataFrame:
    """Return what the rules ask of each record beside its names; nulls for what none of them asks."""
    frame = occurrences.with_columns(
        pl.lit(None).alias(name) for name in _FACTS if name not in occurrences.columns
    ).select(_FACTS)
    places = any(rule.country_code or rule.province_code for rule in rules.rules)
    datasets = any(rule.dataset for rule in rules.rules)
    seasons = any(rule.month_from for rule in rules.rules)
    codes = pl.concat_list(
        pl.col("country_codes").cast(pl.List(pl.String)).fill_null([]),
        pl.col("countryCode", "located_country_code").cast(pl.String),
    )
    asked: dict[str, tuple[bool, pl.Expr, type[pl.DataType]]] = {
        "possible": (places, codes.list.drop_nulls().list.unique().list.sort().list.join("|"), pl.String),
        "province": (places, pl.col("province_code"), pl.String),
        "beside": (places, pl.col("ambiguous").cast(pl.Boolean).fill_null(value=True), pl.Boolean),
        "dataset": (datasets, pl.col("datasetKey"), pl.String),
        "months": (seasons, pl.lit(_months(frame)) if seasons else pl.lit(None), pl.Int64),
    }
    facts = {name: (fact if wanted else pl.lit(None)).cast(dtype) for name, (wanted, fact, dtype) in asked.items()}
    return frame.with_columns(**facts).select(list(facts))


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


def strictest(occurrences: pl.DataFrame, rules: RuleSet) -> SharingCategory:
    """Return the strictest category of some records: what a result made from them all must carry.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`.
    rules : RuleSet
        The rules.

    Returns
    -------
    SharingCategory
        OPEN where no rule applies, or where there are no records.
    """
    found = (SharingCategory(value) for value in decide(occurrences, rules)["category"].unique())
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
    """Tell which pairs of a case and a rule of its taxon no fact speaks against."""
    country, province = pl.col("rule_country"), pl.col("rule_province")
    possible = pl.col("possible").str.split("|")
    here = country.is_null() | (pl.col("possible").fill_null("") == "") | possible.list.contains(country)
    division = province.is_null() | pl.col("province").is_null() | (pl.col("province") == province) | pl.col("beside")
    dataset = pl.col("rule_dataset").is_null() | (pl.col("dataset") == pl.col("rule_dataset")).fill_null(value=True)
    season = (pl.col("rule_months") & pl.col("months").fill_null(0xFFF)) != 0
    return here & division.fill_null(value=True) & dataset & season


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
