"""Which results of runs may still be told: those whose records are no more hidden now than when they were read."""

import json
from typing import Final

import polars as pl

from biodata import sharing
from biodata.assessments import reads
from biodata.core.errors import StoreError, shorten
from biodata.core.vocabularies import SharingCategory
from biodata.harmonise import area_twins
from biodata.places import BoundarySet
from biodata.sharing.publish import LOOKED_AT
from biodata.sharing.results import of_public_view, rules_of_run
from biodata.store.lake import Lake
from biodata.store.query.filters import In, IsNull
from biodata.store.rules_in_force import known_to

_BATCH_ROWS: Final = 200_000
_ASKED_ROWS: Final = 5_000
_COLUMNS: Final = tuple(sorted({"key", *LOOKED_AT}))
_BY_RECORDS: Final = frozenset({"validation"})
"""Findings over a run that are made by records."""
_STRICTNESS: Final = {str(category): category.strictness for category in SharingCategory}


def published_results(lake: Lake, table: str, *, rules: sharing.RuleSet, boundaries: BoundarySet) -> pl.DataFrame:
    """Return what may be seen today of a table of results.

    Parameters
    ----------
    lake : Lake
    table : str
        A table of `terms.PUBLISHED_TABLES` other than `occurrences`.
    rules : RuleSet
        Today's rules.
    boundaries : BoundarySet
        Whose land the floor counts.

    Returns
    -------
    polars.DataFrame of `terms.PUBLISHED_TABLES[table]`
        Sites that stand in two lists are flagged. Without what `sharing.publish_results` leaves out, and without the
        results of runs that read a record which goes out coarser today, or not at all: a rule came, its name was
        corrected. Corridors rest on no record and stay; what was found over their run
        by records goes.
    """
    stored = lake.read(table)
    if table == "protected_areas":
        stored = area_twins.flagged(stored, area_twins.twins(stored))
    if "run_id" not in stored.columns:
        return sharing.publish_results(table, stored, rules=rules)
    coarser = _coarser(lake, stored, rules, boundaries)
    untouched = [run for run, names in coarser.items() if names == ()]
    same = (rules_of_run() == rules.hash).fill_null(value=False)
    touched = pl.col("run_id").is_in([run for run, names in coarser.items() if names]).fill_null(value=False)
    known = pl.col("run_id").is_in(untouched).fill_null(value=False)
    if "evidence_view" not in stored.columns:
        stored = _without_findings(stored, touched | ~(known | same))
        return sharing.publish_results(table, stored, rules=rules)
    shown = sharing.publish_results(table, stored.filter(~touched), rules=rules, unaffected=untouched)
    versions = pl.col("evidence").str.json_path_match("$.run.snapshot").cast(pl.Int64, strict=False)
    shown = shown.with_columns(version=versions)
    asked = shown.filter(~known)["version"].unique()
    stale = [one for one in asked if one is None or _hidden_more(lake, one, rules, boundaries)]
    return shown.filter(known | ~pl.col("version").is_in(stale, nulls_equal=True)).drop("version")


def left_behind(lake: Lake, table: str, *, rules: sharing.RuleSet, boundaries: BoundarySet) -> dict[str, int]:
    """Count the results of a table that are not told today: `exact` of exact records, `stale` to be made again."""
    stored = lake.read(table)
    exact = stored.filter(~of_public_view()).height
    told = published_results(lake, table, rules=rules, boundaries=boundaries).height
    return {"exact": exact, "stale": stored.height - exact - told}


def held_results(
    lake: Lake, table: str, *, rules: sharing.RuleSet, boundaries: BoundarySet
) -> dict[tuple[str, str], str]:
    """Return, by name and run of each result that is to be made again, why it is not told today."""
    stored = lake.read(table)
    if "evidence_view" not in stored.columns:
        return {}
    key, stored = stored.columns[0], stored.filter(of_public_view())
    told = published_results(lake, table, rules=rules, boundaries=boundaries)[key].to_list()
    held = stored.filter(~pl.col(key).is_in(told)).sort(key)
    why = _coarser(lake, held, rules, boundaries)
    return {
        (name, run): f"its run read what goes out coarser today, or not at all: {shorten(', '.join(names))}"
        if (names := why.get(run))
        else "rules or records changed since"
        for name, run in held.select(key, "run_id").iter_rows()
    }


def _coarser(
    lake: Lake, stored: pl.DataFrame, rules: sharing.RuleSet, boundaries: BoundarySet
) -> dict[str, tuple[str, ...] | None]:
    """Return, by run of some results, the names of what it read and what goes out coarser today; None where nobody knows."""
    runs = stored["run_id"].drop_nulls().unique().sort()
    if runs.is_empty():
        return {}
    made = sharing.presence_rows(rules, boundaries=boundaries)
    return {run: reads.published_coarser(lake, run, made, rules=rules, boundaries=boundaries) for run in runs}


def _without_findings(stored: pl.DataFrame, which: pl.Expr) -> pl.DataFrame:
    """Return corridors without what was found over their runs by records, where that may not be told."""
    bare = pl.col("evidence").map_elements(_bare, return_dtype=pl.String)
    return stored.with_columns(evidence=pl.when(which).then(bare).otherwise("evidence"))


def _bare(evidence: str) -> str:
    """Return the evidence of a result without the findings that read records."""
    told = json.loads(evidence)
    found = {kind: one for kind, one in told.get("findings", {}).items() if kind not in _BY_RECORDS}
    return json.dumps(
        {name: one for name, one in told.items() if name != "findings"} | ({"findings": found} if found else {}),
        ensure_ascii=False,
        sort_keys=True,
    )


def _hidden_more(lake: Lake, snapshot: int, rules: sharing.RuleSet, boundaries: BoundarySet) -> bool:
    """Tell whether a record that an older version had is hidden more in the present one, under the same rules.

    What the rules are judged by may have come since, too: a checklist with another name of their taxon, a protected area.
    """
    known_since = _known_since(lake, snapshot, rules)
    if _stood_beside(lake, snapshot, rules):
        return True
    if not known_since and lake.changed_at("occurrences") <= snapshot:
        return False
    try:
        if lake.count("occurrences", where=IsNull("source_record_id"), snapshot=snapshot):
            return True  # a record that it had was withdrawn since
        then = known_to(lake, rules, snapshot=snapshot) if known_since else rules
        if known_since and _judged_stricter(lake, snapshot, then, rules, boundaries):
            return True
        for batch in lake.batches("occurrences", columns=_COLUMNS, since=snapshot, batch_rows=_BATCH_ROWS):
            decided = sharing.decide(batch, rules, boundaries=boundaries)
            for now in _strictness(batch, decided).iter_slices(_ASKED_ROWS):
                where = In("key", tuple(now["key"].to_list()))
                before = lake.read("occurrences", columns=_COLUMNS, where=where, snapshot=snapshot)
                was_hidden = _strictness(before, sharing.decide(before, then, boundaries=boundaries))
                was = before.select("key").join(was_hidden, on="key", how="left")
                beside = was.join(now, on="key", suffix="_now")
                if beside.filter(pl.col("strictness_now") > pl.col("strictness").fill_null(0)).height:
                    return True
    except StoreError:
        return True  # the version is not kept any more: what its records were nobody can tell
    return False


def _known_since(lake: Lake, snapshot: int, rules: sharing.RuleSet) -> bool:
    """Tell whether the taxa, or the protected areas that rules name, changed after a version of a lake."""
    of_area = any(rule.area_id is not None for rule in rules.rules)
    return lake.changed_at("taxa") > snapshot or (of_area and lake.changed_at("protected_areas") > snapshot)


def _judged_stricter(
    lake: Lake, snapshot: int, then: sharing.RuleSet, rules: sharing.RuleSet, boundaries: BoundarySet
) -> bool:
    """Tell whether a record of an older version, as it was, is judged stricter today than it was then."""
    for batch in lake.batches("occurrences", columns=_COLUMNS, snapshot=snapshot, batch_rows=_BATCH_ROWS):
        was, now = (_strictness(batch, sharing.decide(batch, known, boundaries=boundaries)) for known in (then, rules))
        beside = now.join(was, on="key", how="left", suffix="_then")
        if beside.filter(pl.col("strictness") > pl.col("strictness_then").fill_null(0)).height:
            return True
    return False


def _stood_beside(lake: Lake, snapshot: int, rules: sharing.RuleSet) -> bool:
    """Tell whether an older version had records that are set apart beside others today: maybe they were open then."""
    if rules.plan is None:
        return False
    beside = rules.plan.apart.hidden.filter("beside").select("key")
    try:
        return bool(beside.height and lake.read("occurrences", columns=["key"], among=beside, snapshot=snapshot).height)
    except StoreError:
        return True


def _strictness(records: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Return key and strictness of the records that were decided about."""
    strictness = decided["category"].replace_strict(_STRICTNESS, return_dtype=pl.Int64)
    return pl.DataFrame({"key": records["key"].gather(decided["row"]), "strictness": strictness})
