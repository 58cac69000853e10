"""How much goes out coarser than a rule that names its taxon asks, why, and what would open it."""

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata import places, sharing
from biodata.core.errors import NoReleaseError
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.places import BoundarySet
from biodata.sharing import RuleSet
from biodata.sharing.generalise import published_cells
from biodata.sharing.plan import named_dataset
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.store.rules_in_force import JUDGED, rules_in_force

REASONS: Final = (
    "name unknown", "name missing", "earlier release", "beside another", "waits for places", "wider cell", "coast",
)  # fmt: skip
"""Why a record is coarser than its name asks; of several the first counts."""
_GROUPS: Final = ("kingdom", "phylum", "class")
_MOST_NAMES: Final = 5
_RANK: Final = {str(category): category.strictness for category in SharingCategory}


@dataclass(frozen=True)
class Openness:
    """What is coarser than a rule that names its taxon asks.

    Attributes
    ----------
    datasets : polars.DataFrame
        datasetKey; records; open; as_asked (coarse, and no coarser than a rule that names the taxon asks); a column of
        counts for each of `REASONS`.
    remedies : polars.DataFrame
        datasetKey, remedy, opens : what would open how many records, the most first.
    """

    datasets: pl.DataFrame
    remedies: pl.DataFrame

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {"datasets": self.datasets.to_dicts(), "remedies": self.remedies.to_dicts()}


def openness(settings: Settings) -> Openness:
    """Count what is coarser than needed in the current release, as the rules of today are.

    Parameters
    ----------
    settings : Settings
        The installation.

    Raises
    ------
    NoReleaseError
        If there is no release.
    """
    boundaries = places.load_boundaries(settings.boundaries)
    made = releases.current(settings.data)
    if made is None:
        raise NoReleaseError
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake, snapshot=made.snapshot)
        totals, hidden, groups = [], [], []
        for batch in lake.batches("occurrences", columns=JUDGED, snapshot=made.snapshot):
            named = batch.with_columns(named_dataset())
            totals.append(named.group_by("datasetKey").len("records"))
            groups.append(named.select("datasetKey", *_GROUPS).unique())
            hidden.append(_hidden(named, rules, boundaries))
    found = pl.concat(hidden)
    counts = pl.concat(totals).group_by("datasetKey").agg(pl.col("records").sum())
    scopes = _scopes(pl.concat(groups), found, rules)
    return Openness(_by_dataset(counts, found), _remedies(found, scopes, rules, boundaries))


def _hidden(batch: pl.DataFrame, rules: RuleSet, boundaries: BoundarySet) -> pl.DataFrame:
    """Return the records of a batch that are not open, with `category`, `asked` (of a rule that names them), `reason`."""
    plan = rules.plan
    assert plan is not None
    apart, states = plan.apart, plan.apart.states
    rows = batch.join(apart.hidden.select("key", "category", "beside"), on="key", maintain_order="left")
    for name, asked in (("today", rules), ("asked", replace(rules, closed=False))):
        decided = sharing.decide(rows, asked, boundaries=boundaries)
        at = pl.DataFrame({"row": decided["row"], name: decided["category"]})
        rows = rows.with_row_index("row").join(at, on="row", how="left", maintain_order="left").drop("row")
        # An absence of a taxon that a rule hides is withheld, whatever the rule asks.
        absent = (pl.col("occurrenceStatus") == "ABSENT") & pl.col(name).is_not_null()
        rows = rows.with_columns(
            pl.when(absent).then(pl.lit(str(SharingCategory.WITHHELD))).otherwise(name).alias(name)
        )
    resolved = rules.resolver.resolve(rows)
    unknown = resolved.table["reason"].gather(resolved.place)
    cells = states.filter("published").select("key", "n", "column", "row", "base").unique("key")
    cells = cells.join(rows.select("key"), on="key", how="semi")
    cells = cells.hstack(published_cells(cells, rules.floor or boundaries).select("degrees"))
    rows = rows.with_columns(unknown.alias("unknown")).join(cells, on="key", how="left", maintain_order="left")
    rows = rows.join(apart.waiting.select("key", "places"), on="key", how="left", maintain_order="left")
    rank = {
        name: pl.col(name).replace_strict(_RANK, default=0, return_dtype=pl.Int64).fill_null(0)
        for name in ("category", "today", "asked")
    }
    by_name = rank["today"] > rank["asked"]
    reason = (
        pl.when(by_name & (pl.col("unknown") == "NAME_MISSING")).then(pl.lit("name missing"))
        .when(by_name).then(pl.lit("name unknown"))
        .when("beside").then(pl.lit("beside another"))
        .when(rank["category"] > rank["today"]).then(pl.lit("earlier release"))
        .when(pl.col("places").is_not_null()).then(pl.lit("waits for places"))
        .when(pl.col("n") < pl.col("base")).then(pl.lit("wider cell"))
        .when(pl.col("degrees") > 1.5 / pl.col("n")).then(pl.lit("coast"))
    )  # fmt: skip
    return rows.select(*JUDGED, "category", "places", reason=reason)


def _by_dataset(counts: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    reasons = found.group_by("datasetKey").agg(
        as_asked=pl.col("reason").is_null().sum(),
        hidden=pl.len(),
        **{name: (pl.col("reason") == name).sum() for name in REASONS},
    )
    both = counts.join(reasons, on="datasetKey", how="left").with_columns(pl.exclude("datasetKey").fill_null(0))
    return both.select(
        "datasetKey", "records", pl.col("records").sub("hidden").alias("open"), "as_asked", *REASONS
    ).sort(pl.sum_horizontal(REASONS), "datasetKey", descending=[True, False])


def _scopes(groups: pl.DataFrame, found: pl.DataFrame, rules: RuleSet) -> dict[str, str]:
    """Return the lowest group that all records of a dataset are of, of those with names to open and without a scope."""
    asked = found.filter(pl.col("reason").is_in(["name unknown", "name missing"]))["datasetKey"].unique()
    alike = groups.filter(pl.col("datasetKey").is_in(asked.implode())).group_by("datasetKey")
    one = alike.agg(
        pl.when(pl.col(name).drop_nulls().n_unique() == 1).then(pl.col(name).drop_nulls().first()) for name in _GROUPS
    )
    chosen = one.select("datasetKey", pl.coalesce(*reversed(_GROUPS))).drop_nulls()
    return {key: group for key, group in chosen.sort("datasetKey").iter_rows() if key not in rules.scopes}


def _remedies(found: pl.DataFrame, scopes: dict[str, str], rules: RuleSet, boundaries: BoundarySet) -> pl.DataFrame:
    """Return what would open how many records."""
    names = found.filter(pl.col("reason").is_in(["name unknown", "name missing"]))
    entries = [pl.DataFrame(schema={"datasetKey": pl.String, "remedy": pl.String, "opens": pl.Int64})]
    if scopes and names.height:
        scoped = replace(rules, scopes=MappingProxyType({**rules.scopes, **scopes}))
        asked = names.filter(pl.col("datasetKey").is_in(list(scopes)))
        decided = sharing.decide(asked, scoped, boundaries=boundaries)
        still = asked[decided["row"]].select("key", then=decided["category"])
        finer = asked.join(still, on="key", how="left").filter(pl.col("then").ne_missing(pl.col("category")))
        remedy = pl.format("if all of it are {}: biodata dataset set {} --scope {}", "scope", "datasetKey", "scope")
        scope = pl.col("datasetKey").replace_strict(scopes, default=None, return_dtype=pl.String)
        entries.append(finer.group_by("datasetKey").agg(opens=pl.len().cast(pl.Int64)).with_columns(scope=scope)
                    .select("datasetKey", remedy=remedy, opens="opens"))  # fmt: skip
    by_name = (
        names.drop_nulls("scientificName").group_by("datasetKey", "scientificName").agg(opens=pl.len().cast(pl.Int64))
    )
    by_name = by_name.sort("opens", "scientificName", descending=[True, False]).group_by("datasetKey").head(_MOST_NAMES)
    entries.append(by_name.select("datasetKey", remedy=pl.format("mend or confirm the name {}", "scientificName"), opens="opens"))  # fmt: skip
    waiting = (
        found.filter(pl.col("reason") == "waits for places").group_by("datasetKey").agg(opens=pl.len().cast(pl.Int64))
    )
    entries.append(waiting.select("datasetKey", remedy=pl.lit("records from more places of the same cells"), opens="opens"))  # fmt: skip
    return pl.concat(entries).sort("opens", "datasetKey", "remedy", descending=[True, False, False])
