"""The gate's look at a release's file: what runs before a release is let out, and what `biodata audit leaks` runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from biodata import sharing
from biodata.core import terms
from biodata.core.vocabularies import SharingCategory
from biodata.places import BoundarySet
from biodata.sharing import RuleSet
from biodata.sharing.decide import USED
from biodata.sharing.plan import CHECKED, faults_of
from biodata.sharing.publish import LOOKED_AT, set_apart_of
from biodata.store import releases
from biodata.store.lake_reading import OWN_TEXT

HIDDEN: Final = pl.Schema(
    {"key": pl.Int64, "datasetKey": pl.String, "category": pl.String, "rule_id": pl.String, "country": pl.String, "came_coarse": pl.Boolean}
)  # fmt: skip
"""What is known of a record that is not open."""
DECIDED_BY: Final = tuple(name for name in terms.names(terms.OCCURRENCE) if name in {"key", *LOOKED_AT, *USED})
_COUNTED: Final = ("key", "category", "rule_id", "country")
_COARSE: Final = """
    SELECT key, sharing_category AS category, sharing_rule AS rule_id, "countryCode" AS country
    FROM occurrences WHERE sharing_category <> 'open' AND key NOT IN (SELECT key FROM presences)
"""
"""The cells of nodes."""


@dataclass(frozen=True)
class LeakReport:
    """What a release tells of the sensitive records.

    Attributes
    ----------
    release : str
        The file's name.
    records : polars.DataFrame
        country (of occurrence, as the lake has it), rule_id, category, published (presence, cell of a node, waiting,
        withheld), n.
    faults : polars.DataFrame of `plan.FAULTS`
        Whatever tells more than it should.
    """

    release: str
    records: pl.DataFrame
    faults: pl.DataFrame

    def counts(self) -> dict[str, int]:
        """Return how many records go out in which way, without countries or rules."""
        found = self.records.group_by("published").agg(pl.col("n").sum()).sort("published")
        return {name.replace(" ", "_"): n for name, n in found.iter_rows()}

    def withheld(self) -> dict[str, int]:
        """Return how many records each rule withholds, by rule_id; empty text where no rule did."""
        kept = self.records.filter(pl.col("published") == "withheld").with_columns(pl.col("rule_id").fill_null(""))
        return dict(kept.group_by("rule_id").agg(pl.col("n").sum()).sort("rule_id").iter_rows())

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {"release": self.release, "records": self.records.to_dicts(), "faults": self.faults.to_dicts()}


def hidden_records(batches: Iterable[pl.DataFrame], rules: RuleSet, *, boundaries: BoundarySet) -> pl.DataFrame:
    """Return the records that are not open, of batches with columns `DECIDED_BY`: `HIDDEN`."""
    return pl.concat([HIDDEN.to_frame(), *(hidden_of(batch, rules, boundaries=boundaries) for batch in batches)])


def hidden_of(batch: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet) -> pl.DataFrame:
    """Return the records of a batch that are not open, as `HIDDEN`: decided about anew, whatever the plan says."""
    decided = sharing.decide(batch, rules, boundaries=boundaries)
    apart = set_apart_of(batch, decided)["row"]
    rows = batch[decided["row"]].select("key", "datasetKey", country="countryCode").hstack(decided)
    came_coarse = ~pl.col("row").is_in(apart.implode())
    return rows.with_columns(OWN_TEXT, came_coarse=came_coarse).select(HIDDEN.names())


def look(
    path: Path, hidden: pl.DataFrame, rules: RuleSet, *, changed: pl.Series | None = None, spill: Path | None = None
) -> LeakReport:  # fmt: skip
    """Hold a release's file against the records that are not open.

    Parameters
    ----------
    path : Path
    hidden : polars.DataFrame
        What `hidden_of` found: of the records that were published anew alone where `changed` is stated.
    rules : RuleSet
        With the plan of what goes out.
    changed : polars.Series, optional
        Keys of the records, and of the presences, that may be published otherwise than in the release before: the rows of
        these keys are looked at, and those of the records that the plan sets apart. All where none are told.
    spill : Path, optional
        Where larger sorts go.
    """
    plan = rules.plan
    assert plan is not None
    columns = ", ".join(f'"{name}"' for name in CHECKED)
    came = hidden.filter("came_coarse").select(_COUNTED)
    with releases.connect(path, spill=spill) as connection:
        asked = pl.concat([hidden["key"] if changed is None else changed, plan.not_open]).unique()
        if changed is None:
            # Of an open record it only matters whether it is one of those that may not be.
            which = f"WHERE sharing_category IS DISTINCT FROM '{SharingCategory.OPEN}' OR key IN (FROM asked)"
        else:
            # By their places only the row groups are opened that hold one.
            which = "WHERE rowid IN (SELECT rowid FROM occurrences WHERE key IN (FROM asked))"
            came = connection.execute(_COARSE).pl().cast(came.schema)
        connection.register("asked", asked.to_frame("key"))
        published = connection.execute(f"SELECT {columns} FROM occurrences {which}").pl()  # noqa: S608 - our own names
        events = connection.execute('SELECT survey_id, "datasetKey" FROM surveys').pl()
    states = plan.apart.states
    out = states.filter("published").select("key").unique().with_columns(out=pl.lit(value=True))
    apart = plan.apart.hidden.join(hidden.select("key", "country"), on="key", how="left")
    both = pl.concat(
        one.select(_COUNTED).with_columns(came_coarse=pl.lit(coarse)) for one, coarse in ((apart, False), (came, True))
    )
    ways = both.join(out, on="key", how="left").with_columns(
        published=pl.when(pl.col("category") == str(SharingCategory.WITHHELD)).then(pl.lit("withheld"))
        .when("came_coarse").then(pl.lit("cell of a node")).when("out").then(pl.lit("presence")).otherwise(pl.lit("waiting"))
    )  # fmt: skip
    counted = ways.group_by("country", "rule_id", "category", "published").agg(n=pl.len())
    counted = counted.sort("country", "rule_id", "category", "published", nulls_last=True)
    return LeakReport(path.name, counted, faults_of(published, hidden, plan, events))
