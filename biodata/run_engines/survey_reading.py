"""The events and records of surveys as a view allows, and what a result of them has to name.

In the public view only what is published of them plays a part, as a release made now would tell it. The open events and
records are analysed like a survey of their own: hidden species, the stations where they were recorded, and scopes that would
tell them are not there, and of species whose places a rule hides neither rates nor absences are told.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from biodata import assessments, places, sharing, terms
from biodata.analysis.surveys.joining import Joined, join
from biodata.errors import InputError
from biodata.harmonise import event_sites
from biodata.pipeline.survey_publishing import published_events
from biodata.run_engines import published_view
from biodata.run_records import RunInput
from biodata.settings import Settings
from biodata.sharing.events import as_records
from biodata.sharing.received import came_open, hidden_taxa
from biodata.sharing.scopes import hidden_words
from biodata.store.lake import Lake
from biodata.store.query.filters import In
from biodata.store.registry import Registry
from biodata.store.rules_in_force import rules_in_force
from biodata.vocabularies import EvidenceView, SharingCategory


@dataclass(frozen=True, slots=True)
class SurveyRead:
    """Events and records as a view allows.

    Attributes
    ----------
    joined : Joined
    facts : dict
        Datasets, view, lake's version, rules, category, boundary set, as plain values.
    snapshot : int
    inputs : tuple of RunInput
    """

    joined: Joined
    facts: dict[str, Any]
    snapshot: int
    inputs: tuple[RunInput, ...]


def read(settings: Settings, datasets: Sequence[str], *, view: EvidenceView) -> SurveyRead:
    """Read the events and records of datasets.

    Parameters
    ----------
    settings : Settings
        The installation.
    datasets : sequence of str
        Their keys; surveys of two sides may be two datasets.
    view : EvidenceView
        Exact results carry the strictest category of the records and events.

    Raises
    ------
    InputError
        If a dataset has no event (SURVEY_MISSING), or in the public view none that is published.
    """
    boundaries, as_cells = places.load_boundaries(settings.boundaries), 0
    where = In("datasetKey", tuple(datasets))
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake)
        assessments.assess(settings, lake=lake)
        snapshot = lake.snapshot()
        events = lake.read("events", where=where)
        _refuse_missing(events, datasets)
        records = assessments.in_view(settings, lake, rules, boundaries, view=view, where=where)
        came_hidden = hidden_taxa(
            lake.read("occurrences", columns=("species", "scientificName", "shared_as"), where=where)
        )
        if view is EvidenceView.PUBLIC:
            shown = _published(settings, lake, rules, boundaries).filter(pl.col("datasetKey").is_in(list(datasets)))
            events = published_view.events(published_view.rows(shown, records))
        else:
            as_cells = events.height - came_open(events).height
            events = came_open(events)
    category = SharingCategory.OPEN
    if view is EvidenceView.PUBLIC:
        coarse = records.filter(pl.col("sharing_category") != SharingCategory.OPEN)
        records = records.filter(pl.col("sharing_category") == SharingCategory.OPEN)
    else:
        # Events have no name: rules that name no taxon are about them, too.
        general = replace(rules, rules=tuple(rule for rule in rules.rules if rule.scientific_name is None))
        of_records = sharing.strictest(terms.conform(records, terms.OCCURRENCE), rules, boundaries=boundaries)
        of_events = sharing.strictest(as_records(events), general, boundaries=boundaries)
        category = max(of_records, of_events, key=lambda one: one.strictness)
    if events.is_empty() and not as_cells:
        problem = "no event of this dataset is published"
        raise InputError(
            problem, column="dataset", value=", ".join(datasets), expected="--records exact, for whoever holds the data",
            code="SURVEY_MISSING",
        )  # fmt: skip
    # One locationID of two teams far from each other is two sites; near each other, across a border too, it is one.
    sites = event_sites.sites(events).select("event_key", "site_key")
    named = pl.when(pl.col("locationID").is_not_null()).then("site_key")
    events = events.join(sites, on="event_key", how="left").with_columns(locationID=named)
    if view is EvidenceView.PUBLIC:
        events = events.with_columns(locationID=published_view.site_names(events))
    once = records.filter((pl.col("cluster_id") == pl.col("key")).fill_null(value=True))
    joined = join(events, once)
    if view is EvidenceView.PUBLIC:
        joined = replace(joined, hidden=_hidden(joined, coarse, rules, boundaries) | came_hidden)
        if coarse.height:
            joined.left_out["published as squares alone"] = coarse.height
    else:
        joined = replace(joined, hidden=came_hidden)
    if records.height > once.height:
        joined.left_out["duplicate"] = records.height - once.height
    facts = {
        "datasets": list(datasets), "evidence_view": str(view), "snapshot": snapshot, "rules": rules.hash,
        "sharing_category": str(category), "boundary_set": boundaries.name, "boundary_version": boundaries.version,
        "viewpoint": boundaries.viewpoint, "band_m": boundaries.band_m,
        "events_as_cells": as_cells,
    }  # fmt: skip
    inputs = (RunInput("rules", rules.hash, "sharing rules of the run"),)
    return SurveyRead(joined, facts, snapshot, inputs)


def _refuse_missing(events: pl.DataFrame, datasets: Sequence[str]) -> None:
    """Raise where a dataset has no event."""
    there = set(events["datasetKey"].unique())
    for dataset in datasets:
        if dataset not in there:
            problem = "this dataset has no sampling events"
            raise InputError(
                problem, column="dataset", value=dataset, expected="the key of a survey that was taken in",
                code="SURVEY_MISSING",
            )  # fmt: skip


def _published(settings: Settings, lake: Lake, rules: sharing.RuleSet, boundaries: places.BoundarySet) -> pl.DataFrame:
    """Return the events that a release made now would tell."""
    with Registry.open(settings) as registry:
        licences = dict(registry.datasets().select("key", "license").iter_rows())
    return published_events(lake, rules, boundaries=boundaries, licences=licences)


def _hidden(
    joined: Joined, coarse: pl.DataFrame, rules: sharing.RuleSet, boundaries: places.BoundarySet
) -> frozenset[str]:
    """Return the taxa of records and scopes of which a rule hides places: of these not all that was found is public.

    A taxon of which all published records are coarse, as those beside a sensitive animal are, was found all the same.
    """
    found = set(coarse.select(pl.coalesce("species", "scientificName")).to_series().drop_nulls())
    found -= set(joined.records["name"])
    of_records = joined.records.select("datasetKey", word="name")
    of_scopes = joined.events.select("datasetKey", word="targetTaxonomicScope").explode("word")
    words = pl.concat([of_records, of_scopes.with_columns(pl.col("word").str.strip_chars())]).drop_nulls().unique()
    return frozenset(words.filter(hidden_words(words, rules, boundaries=boundaries))["word"]) | found
