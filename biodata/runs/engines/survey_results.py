"""Results of a monitoring project as an engine of kept runs, of the events and records that a view allows.

What the lake knows beside it (the exact place of an event with a sensitive record, days of failures, remarks) is not here:
a result of these events can state no more than a release does.

In the public view only what is published of them plays a part, as a release made now would state it. The open events and
records are analysed like a survey of their own: hidden species, the stations where they were recorded, and scopes that would
tell them are not there, and of species whose places a rule hides neither rates nor absences are stated.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl

from biodata import assessments, places, sharing
from biodata.analysis.surveys.joining import Joined, join
from biodata.analysis.surveys.results import results
from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.geo import metres_per_degree
from biodata.core.run_parameters import SurveyResults
from biodata.core.settings import Settings
from biodata.core.vocabularies import EvidenceView, SharingCategory
from biodata.exports.reports.survey_page import warnings
from biodata.harmonise import events as event_sites
from biodata.runs.engines.work import Engine, Outcome, Work, at_once, facts_table
from biodata.sharing.events import as_records
from biodata.sharing.received import came_open, hidden_taxa
from biodata.sharing.scopes import hidden_words
from biodata.store.lake import Lake
from biodata.store.published_events import published_events, rows_of
from biodata.store.query.filters import In
from biodata.store.registry import Registry
from biodata.store.rules_in_force import rules_in_force
from biodata.store.run_records import RunInput
from biodata.store.shapes import boxes

_SITE_DECIMALS: Final = 4
"""Degrees of so many decimals, some ten metres, are one place."""


def open_events(records: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """Return the open ones of published events (`terms.SURVEY`) as `terms.EVENT`, placed as a release has them with these records."""
    opened = rows_of(records, shown).filter(pl.col("sharing_category") == SharingCategory.OPEN)
    opened = opened.join(shown.select("survey_id"), on="survey_id", how="semi", maintain_order="left")
    opened = opened.with_columns(event_key="survey_id").hstack(_places(opened["geometry"]))
    radius = pl.coalesce("coordinateUncertaintyInMeters", pl.when(pl.col("radius") > 0).then("radius"))
    return terms.conform(opened.with_columns(coordinateUncertaintyInMeters=radius), terms.EVENT)


def _places(geometry: pl.Series) -> pl.DataFrame:
    west, south, east, north = (edge.to_numpy() for edge in boxes(geometry))
    latitude = (south + north) / 2
    along, up = metres_per_degree(latitude)
    radius = np.hypot((east - west) / 2 * along, (north - south) / 2 * up)
    found = pl.DataFrame({"decimalLatitude": latitude, "decimalLongitude": (west + east) / 2, "radius": radius})
    return found.fill_nan(None)


def visits(records: pl.DataFrame, datasets: Collection[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the visits of datasets without sampling events as `terms.EVENT`, and the records with the visits that they are of.

    Whoever sends records alone was at their places on their days: a place and a day are a visit, of no known effort and scope.
    """
    place = pl.concat_str(pl.col("decimalLatitude", "decimalLongitude").round(_SITE_DECIMALS), separator=" ")
    day = pl.col("event_start").dt.date().cast(pl.String)
    alone = pl.col("datasetKey").is_in(list(datasets)) & place.is_not_null() & day.is_not_null()
    visit = pl.when(alone).then(pl.concat_str(place, day, separator=" "))
    named = records.with_columns(eventID=pl.coalesce(visit, "eventID"))
    first = named.filter(alone).sort("key").unique(["datasetKey", "eventID"], keep="first", maintain_order=True)
    days = {name: pl.col("event_start").dt.truncate("1d") for name in ("event_start", "event_end")}
    key = pl.format("{}:{}", "datasetKey", "eventID")
    lone = ("parentEventID", "samplingProtocol", "measurements", "quality_flags", "shared_as")
    return terms.conform(first.drop(*lone, strict=False).with_columns(event_key=key, **days), terms.EVENT), named


def site_names(table: pl.DataFrame) -> pl.Series:
    """Return what the sites of public events are called: by their locationID, else by the first event at the same point."""
    several = pl.col("datasetKey").n_unique().over("eventID") > 1
    named = table.with_columns(_own=pl.when(several).then("event_key").otherwise("eventID"))
    at = pl.concat_str(pl.col("decimalLatitude", "decimalLongitude").round(_SITE_DECIMALS), separator=" ")
    point = pl.when(pl.col("locationID").is_null()).then(pl.coalesce(at, "event_key"))
    first = pl.col("_own").sort_by("event_key").first().over(point)
    return named.select(locationID=pl.coalesce("locationID", first)).to_series()


def run(asked: SurveyResults, work: Work) -> Outcome:
    """Compute the results of surveys."""
    joined, facts = read(work.settings, asked.dataset, view=asked.records)
    stated = {**results(joined, asked), "facts": facts}
    for name in asked.species or ():
        if all(name != one["species"] for one in stated["abundance"]):
            problem = stated["summary"]["not_told"].get(name) or f"there is no {asked.records} record of this species"
            some = ", ".join(joined.records["name"].unique().sort()[:5]) or "none"
            expected = f"a species of the survey, such as {some}"
            raise InputError(problem, column="species", value=name, expected=expected, code="SPECIES_UNKNOWN")
    inputs = (RunInput("rules", facts["rules"], "sharing rules of the run"),)
    return Outcome(inputs, {"told": facts_table(stated)}, facts["snapshot"], tuple(warnings(stated)))


def read(settings: Settings, datasets: Sequence[str], *, view: EvidenceView) -> tuple[Joined, dict[str, Any]]:
    """Return the events and records of datasets, and what a result of them has to name: exact ones carry the strictest category."""
    boundaries, as_cells, category = places.load_boundaries(settings.boundaries), 0, SharingCategory.OPEN
    where = In("datasetKey", tuple(datasets))
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake)
        assessments.assess(settings, lake=lake)
        snapshot = lake.snapshot()
        events = lake.read("events", where=where)
        records = assessments.in_view(settings, lake, rules, boundaries, view=view, where=where)
        plain = set(datasets) - set(events["datasetKey"])
        for dataset in plain - set(lake.read("occurrences", columns=("datasetKey",), where=where)["datasetKey"]):
            problem, expected = "this dataset has no records", "the key of a survey that was taken in"
            raise InputError(problem, column="dataset", value=dataset, expected=expected, code="SURVEY_MISSING")
        came = lake.read("occurrences", columns=("species", "scientificName", "shared_as"), where=where)
        if view is EvidenceView.PUBLIC:
            with Registry.open(settings) as registry:
                licences = dict(registry.datasets().select("key", "license").iter_rows())
            shown = published_events(lake, rules, boundaries=boundaries, licences=licences)
            events = open_events(records, shown.filter(pl.col("datasetKey").is_in(list(datasets))))
            is_open = pl.col("sharing_category") == SharingCategory.OPEN
            coarse, records = records.filter(~is_open), records.filter(is_open)
        else:
            coarse, as_cells = records.clear(), events.height - came_open(events).height
            events = came_open(events)
            # Events have no name: rules that name no taxon are about them, too.
            general = replace(rules, rules=tuple(rule for rule in rules.rules if rule.scientific_name is None))
            of_records = sharing.strictest(terms.conform(records, terms.OCCURRENCE), rules, boundaries=boundaries)
            of_events = sharing.strictest(as_records(events), general, boundaries=boundaries)
            category = max(of_records, of_events, key=lambda one: one.strictness)
    seen, records = visits(records, plain)
    events = pl.concat([events, seen])
    if events.is_empty() and not as_cells:
        problem = "no event of this dataset is published"
        expected = "--records exact, for whoever holds the data"
        raise InputError(problem, column="dataset", value=", ".join(datasets), expected=expected, code="SURVEY_MISSING")
    # One locationID of two teams far from each other is two sites; near each other, across a border too, it is one.
    sites = event_sites.sites(events).select("event_key", "site_key")
    named = pl.when(pl.col("locationID").is_not_null()).then("site_key")
    events = events.join(sites, on="event_key", how="left").with_columns(locationID=named)
    if view is EvidenceView.PUBLIC:
        events = events.with_columns(locationID=site_names(events))
    once = records.filter((pl.col("cluster_id") == pl.col("key")).fill_null(value=True))
    joined = join(events, once)
    hidden = _hidden(joined, coarse, rules, boundaries) if view is EvidenceView.PUBLIC else set[str]()
    others = {"published as squares alone": coarse.height, "duplicate": records.height - once.height}
    left_out = joined.left_out | {why: n for why, n in others.items() if n}
    joined = replace(joined, hidden=hidden_taxa(came) | hidden, left_out=left_out)
    facts = {
        "datasets": list(datasets), "evidence_view": str(view), "snapshot": snapshot, "rules": rules.hash,
        "sharing_category": str(category), **boundaries.to_dict(), "events_as_cells": as_cells,
    }  # fmt: skip
    return joined, facts


def _hidden(joined: Joined, coarse: pl.DataFrame, rules: sharing.RuleSet, boundaries: places.BoundarySet) -> set[str]:
    """Return the taxa of records and scopes of which a rule hides places: of these not all that was found is public."""
    found = set(coarse.select(pl.coalesce("species", "scientificName")).to_series().drop_nulls())
    found -= set(joined.records["name"])
    of_records = joined.records.select("datasetKey", word="name")
    of_scopes = joined.events.select("datasetKey", word="targetTaxonomicScope").explode("word")
    words = pl.concat([of_records, of_scopes.with_columns(pl.col("word").str.strip_chars())]).drop_nulls().unique()
    return found.union(words.filter(hidden_words(words, rules, boundaries=boundaries))["word"])


ENGINE: Final = Engine(SurveyResults, at_once(run))
