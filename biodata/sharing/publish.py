"""The only way out of the lake: open records as they are, sensitive ones as presences."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import polars as pl

from biodata.core import terms
from biodata.core.errors import SharingError
from biodata.core.terms import SHARING, Column, Reach
from biodata.core.vocabularies import SharingCategory
from biodata.places import BoundarySet
from biodata.sharing import measurements
from biodata.sharing.decide import decide
from biodata.sharing.generalise import published_cells
from biodata.sharing.labels import RULE_START, label_reason, labels
from biodata.sharing.licences import effective_of, strictest_stated
from biodata.sharing.media import let_out
from biodata.sharing.plan import (
    BEFORE,
    PLACED,
    Plan,
    named_dataset,
    names_of,
    plan_of,
    presences,
    sensitive_records,
    taxa,
)
from biodata.sharing.received import as_shared
from biodata.sharing.rules import RuleSet
from biodata.sharing.set_apart import Memory

MARKED: Final = (
    "occurrenceID", "catalogNumber", "recordNumber", "otherCatalogNumbers", "organismID", "eventID", "parentEventID",
)  # fmt: skip
"""Numbers of a source's own: where they run, a missing one states the record before and after it."""
LINKS: Final = ("gbifID", "references", "media")
"""What leads to a source's own number, as a picture's name does; not published where the numbers are marked."""
_MADE: Final = (*SHARING, *terms.RIGHTS, *terms.ASSESSED)
NOBODY: Final = "whoever runs the service"
"""Who can change what no rule of today decided."""
REASON_EARLIER: Final = "decided for an earlier release"
REASON_BESIDE: Final = "an open record here would show where one of a sensitive species is missing"
WITHHELD: Final = (
    "Withheld: exact place, date within the year, people, identifiers, counts, locality, elevation and remarks. "
    "Reason: {} (rule {}, which {} can change)."
)
LOOKED_AT: Final = frozenset(
    """
    scientificName acceptedScientificName species genus genericName specificEpithet infraspecificEpithet match_type
    stated_taxon kingdom phylum class order family countryCode located_country_code country_codes province_code
    ambiguous datasetKey event_start event_end month decimalLatitude decimalLongitude coordinateUncertaintyInMeters
    geodeticDatum quality_flags repairs key year publishingCountry eventID parentEventID node shared_as
    community_labels occurrenceStatus
    """.split()
)
"""Columns by which a record is decided about: without one of them nothing is published."""


def publish(
    occurrences: pl.DataFrame,
    rules: RuleSet,
    *,
    boundaries: BoundarySet,
    licences: Mapping[str, str | None] | None = None,
) -> pl.DataFrame:
    """Return what the rules let out of some records: the open ones, and the presences that stand for the others.

    Parameters
    ----------
    occurrences, rules, boundaries, licences
        As `open_records` has them. Without a plan in the rules these are all the records that there are.

    Returns
    -------
    polars.DataFrame
        Exactly the columns of `terms.PUBLISHED_OCCURRENCE`.
    """
    occurrences = rules.labels.added(occurrences)
    if rules.plan is None:
        rules = replace(rules, plan=plan_alone(occurrences, rules, boundaries))
    opened = open_records(occurrences, rules, boundaries=boundaries, licences=licences)
    stated = None if licences is None else strictest_stated([occurrences])
    made = presence_rows(rules, boundaries=boundaries, licences=licences, stated=stated, among=occurrences["key"])
    return pl.concat([opened, made.select(opened.columns)])


def plan_alone(
    occurrences: pl.DataFrame,
    rules: RuleSet,
    boundaries: BoundarySet,
    decided: pl.DataFrame | None = None,
    events: pl.DataFrame | None = None,
) -> Plan:
    """Return a plan for records, and events, beside which there are no others, and no earlier release."""
    decided = decide(occurrences, rules, boundaries=boundaries) if decided is None else decided
    sensitive = sensitive_records(occurrences, set_apart_of(occurrences, decided), boundaries, rules.resolver)
    records = terms.conform(occurrences, [column for column in terms.OCCURRENCE if column.name in PLACED])
    events = terms.conform(pl.DataFrame() if events is None else events, terms.EVENT)
    memory, before, today = Memory(), BEFORE.to_frame(), datetime.now(tz=UTC).date()
    events, released = events.with_columns(shown=pl.lit(value=False)), frozenset[str]()
    return plan_of(records, events, sensitive, memory=memory, before=before, released=released, secret=b"", today=today)


def set_apart_of(occurrences: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Return those of `decided` that are set apart: records that came as cells from a node go out as they came."""
    sensitive = occurrences[decided["row"]].with_columns(decided.drop("row"))
    return decided.filter(~as_shared(sensitive)["as_shared"])


def open_records(
    occurrences: pl.DataFrame,
    rules: RuleSet,
    *,
    boundaries: BoundarySet,
    decided: pl.DataFrame | None = None,
    columns: Sequence[Column] = terms.PUBLISHED_OCCURRENCE,
    licences: Mapping[str, str | None] | None = None,
) -> pl.DataFrame:
    """Return the records that go out as they are, and those that came as cells from a node.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`, as the lake has them: those of `LOOKED_AT`, and those that are asked for.
    rules : RuleSet
        With the plan that knows all sensitive records of these.
    boundaries : BoundarySet
        Whose land counts.
    decided : polars.DataFrame, optional
        What `decide` found of these records, and more that speaks against them (`decide.stricter`).
    columns : sequence of Column
        Which columns of `terms.PUBLISHED_OCCURRENCE` are asked for.
    licences : mapping of str to str or None, optional
        Licence of each dataset by its key; without it `terms.RIGHTS` are null.

    Returns
    -------
    polars.DataFrame of at most n rows, in their order

    Raises
    ------
    SharingError
        If a column is missing: a name that is not there cannot be looked at.
    """
    needed = LOOKED_AT | {column.name for column in columns if column not in _MADE}
    missing = [name for name in terms.names(terms.OCCURRENCE) if name in needed and name not in occurrences.columns]
    if missing:
        msg = f"records without the columns {', '.join(missing)} cannot be published"
        raise SharingError(msg)
    if not rules.closed:
        msg = "rules that leave unknown names open are for counting alone"
        raise SharingError(msg)
    if rules.plan is None:
        msg = "records cannot be published before it is known which of them are set apart"
        raise SharingError(msg)
    plan = rules.plan
    occurrences = rules.labels.added(occurrences)
    decided = decide(occurrences, rules, boundaries=boundaries) if decided is None else decided
    gone = set_apart_of(occurrences, decided)["row"]
    kept = decided.filter(~pl.col("row").is_in(gone.implode())).select("row", "category", "rule_id", as_shared=True)
    frame = occurrences.with_row_index("row").join(kept, on="row", how="left", maintain_order="left")
    frame = frame.filter(~pl.col("row").is_in(gone.implode()), ~pl.col("key").is_in(plan.not_open.implode()))
    published = frame.select(_column(column) for column in columns)
    if "media" in published.columns:
        published = published.with_columns(let_out(published["media"]))
    if plan.marked:
        published = _marked(published, frame["datasetKey"], plan)
    return published if licences is None else published.with_columns(*effective_of(frame, licences))


def _column(column: Column) -> pl.Expr:
    """Return a published column: of an open record its value, of one that came as a cell what may be known of a cell."""
    came_coarse = pl.col("as_shared").fill_null(value=False)
    value = pl.lit(None) if column in _MADE else pl.col(column.name)
    if column.name == "sharing_category":
        value = pl.col("category").fill_null(str(SharingCategory.OPEN))
    elif column.name == "sharing_rule":
        value = pl.col("rule_id")
    elif column in SHARING:
        value = pl.when(came_coarse).then(pl.col("shared_as").struct.field(column.name))
    elif column.reach is Reach.PRECISE:
        value = pl.when(~came_coarse).then(value)
    return value.cast(column.dtype).alias(column.name)


def _marked(published: pl.DataFrame, datasets: pl.Series, plan: Plan) -> pl.DataFrame:
    """Return records of marked datasets with marks in place of their own numbers."""
    here = pl.lit(datasets.fill_null("").is_in(list(plan.marked)))
    own = published.select(pl.when(here).then(name).alias(name) for name in published.columns if name in MARKED)
    if measurements.COLUMN in published.columns:
        bare = measurements.without_identifiers(published[measurements.COLUMN])
        published = published.with_columns(
            pl.when(here).then(bare).otherwise(measurements.COLUMN).alias(measurements.COLUMN)
        )
    return published.with_columns(
        pl.when(here).then(plan.mark(own[name]) if name in MARKED else None).otherwise(name).alias(name)
        for name in published.columns
        if name in (*MARKED, *LINKS)
    )


def presence_rows(
    rules: RuleSet,
    *,
    boundaries: BoundarySet,
    licences: Mapping[str, str | None] | None = None,
    stated: Mapping[str, str] | None = None,
    among: pl.Series | None = None,
) -> pl.DataFrame:
    """Return the presences: each taxon, cell and year of a dataset in one row, however many records it stands for.

    Parameters
    ----------
    rules : RuleSet
        With a plan.
    boundaries : BoundarySet
        Whose land counts, where the rules' own `floor` is not set.
    licences : mapping of str to str or None, optional
        Licence of each dataset by its key.
    stated : mapping of str to str, optional
        The strictest licence that records of each dataset state (`licences.strictest_stated`): their presences bear it,
        or the dataset's own where that is stricter.
    among : polars.Series of int, optional
        Those of some records alone.

    Returns
    -------
    polars.DataFrame of `terms.PUBLISHED_OCCURRENCE`
    """
    plan = rules.plan
    if plan is None:
        return pl.DataFrame(schema=terms.schema(terms.PUBLISHED_OCCURRENCE))
    asked = (rules.hash, rules.floor or boundaries)
    if among is not None:
        rows = _presences(plan.published.filter(pl.col("key").is_in(among.implode())), rules, boundaries)
    elif asked in plan.made:
        rows = plan.made[asked]
    else:
        rows = plan.made[asked] = _presences(plan.published, rules, boundaries)
    if licences is None:
        return rows
    of_records = named_dataset().replace_strict(stated or {}, default=None, return_dtype=pl.String)
    return rows.with_columns(*effective_of(rows.with_columns(license=of_records), licences))


def _presences(states: pl.DataFrame, rules: RuleSet, boundaries: BoundarySet) -> pl.DataFrame:
    """Return the presences of records, without their licences."""
    assert rules.plan is not None
    found = presences(states)
    found = found.hstack(published_cells(found, rules.floor or boundaries)).with_columns(name=names_of(found["taxon"]))
    # Known by its name, so that it stays the same one whatever keys its records get.
    where = ["datasetKey", "cell_west", "cell_south", "cell_east", "cell_north", "country", "name", "year"]
    found = found.unique(where, keep="first", maintain_order=True)
    return _rows(found.drop("name").with_columns(rules.plan.keys(found.select(where))), rules)


def as_published(records: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet) -> pl.DataFrame:
    """Return, of each of some sensitive records, what is published of it: its presence's values under its own number.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        `key` of `terms.OCCURRENCE`.
    rules : RuleSet
        With a plan.
    boundaries : BoundarySet

    Returns
    -------
    polars.DataFrame of n rows, in their order
        `terms.PUBLISHED_OCCURRENCE`; null but for the key where the record waits, or is withheld.
    """
    if rules.plan is None:
        msg = "it is not known what goes out of these records"
        raise SharingError(msg)
    states = rules.plan.apart.states.filter("published").unique("key", keep="last", maintain_order=True)
    mine = states.join(records.select("key"), on="key", how="semi")
    found = _rows(mine.hstack(published_cells(mine, rules.floor or boundaries)), rules)
    return records.select("key").join(found, on="key", how="left", maintain_order="left").select(found.columns)


def _rows(found: pl.DataFrame, rules: RuleSet) -> pl.DataFrame:
    """Return published rows of presences: key, those of `presences`, and `generalise.CELL`."""
    nowhere = pl.col("n").is_null()
    owners = {rule.rule_id: rule.answerable for rule in rules.rules}
    owner = pl.col("rule_id").replace_strict(owners, default=NOBODY)
    rows = found.with_columns(
        datasetKey=pl.col("datasetKey").replace("", None),
        countryCode=pl.when(nowhere).then("country").otherwise("countryCode"),
        country_codes=pl.when(nowhere & pl.col("country").is_not_null()).then(pl.concat_list("country")).otherwise("country_codes"),
        ambiguous=pl.col("country_codes").list.len() > 1,
        geodeticDatum=pl.when(pl.col("cell_west").is_not_null()).then(pl.lit("WGS84")),
        occurrenceStatus=pl.lit("PRESENT"),
        event_precision=pl.when(pl.col("year").is_not_null()).then(pl.lit("year")),
        sharing_category="category", sharing_rule="rule_id",
        informationWithheld=pl.format(WITHHELD, reason_of(rules), "rule_id", owner),
        dataGeneralizations=_generalisation(),
    ).hstack(taxa(found["taxon"]))  # fmt: skip
    return terms.conform(rows.drop("category", "rule_id"), terms.PUBLISHED_OCCURRENCE)


def reason_of(rules: RuleSet) -> pl.Expr:
    """Return why records are set apart, of a frame with `rule_id` and `beside`."""
    reasons = {RULE_START + code: label_reason(code) for code in labels()} | {
        one.rule_id: one.reason for one in rules.rules
    }
    own = pl.col("rule_id").replace_strict(reasons, default=REASON_EARLIER, return_dtype=pl.String)
    return pl.when("beside").then(pl.lit(REASON_BESIDE)).otherwise(own)


def _generalisation() -> pl.Expr:
    """Return the sentence that says what a presence is."""
    cell = pl.format(
        "Stands for all records of the taxon in a grid cell of {}°{}; the point is its centre, the uncertainty half its "
        "diagonal, countries and division are those of the whole cell.",
        pl.col("degrees").cast(pl.String),
        pl.when((pl.col("degrees") * pl.col("n")) > 1 + 1e-9).then(pl.lit(", larger because of the coast")).otherwise(pl.lit("")),
    )  # fmt: skip
    return pl.coalesce(cell, pl.lit("Stands for all records of the taxon in the dataset whose place is not published."))
