"""All results of a survey in one call: tables of numbers, and beside each the reason where there is none."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.analysis.surveys import abundance, comparing, effort, floors, of_species, richness
from biodata.analysis.surveys.accumulation import accumulation
from biodata.analysis.surveys.asked import JOINT, Parameters, sides_of
from biodata.analysis.surveys.joining import HIDDEN, NO_SIDE, Joined, species_only
from biodata.sharing.scopes import meanings

_SPECIES: Final = r"^\p{Lu}[\p{Ll}-]+ [\p{Ll}-]+$"
"""Two words, of which the first is a genus."""


def results(joined: Joined, asked: Parameters) -> dict[str, Any]:
    """Return the results of a survey as plain values.

    Parameters
    ----------
    joined : Joined
    asked : Parameters

    Returns
    -------
    dict
        summary; effort, effort_by_month, effort_by_site; accumulation and richness by method; abundance, occupancy and trends
        by species and method; activity by species; totals by species, method and year; parameters. Where something cannot be
        told `refused` says why.
    """
    names = _species(joined, asked.species)
    counted = abundance.independent_events(joined, gap_minutes=asked.gap_minutes, within_m=asked.within_m)
    methods = sorted(joined.events["method"].unique())
    return {
        "summary": _summary(joined),
        "effort": effort.effort(joined.events).to_dicts(),
        "effort_by_month": effort.effort(joined.events, by=("side", "method", "month")).to_dicts(),
        "effort_by_site": effort.effort(joined.events, by=("side", "method", "site")).to_dicts(),
        "richness": {method: _richness(joined, method, asked.seed) for method in methods},
        "abundance": [one for name in names for one in of_species.abundance_of(joined, counted, name, asked)],
        "occupancy": [one for name in names for one in of_species.occupancy_of(joined, name, asked)],
        "trends": [one for name in names for one in of_species.trends_of(joined, counted, name, asked)],
        "activity": of_species.activity_of(joined, counted, names),
        "totals": [one for name in names for one in of_species.totals_of(joined, counted, name, asked)],
        "parameters": asdict(asked),
    }


def _species(joined: Joined, wanted: Sequence[str] | None) -> list[str]:
    """Return the species that are asked: those with most records first, then those that were meant and never found.

    Of those whose places are hidden nothing is told but that: with a part of their records every number would be wrong.
    """
    counts = joined.records.group_by("name").len().sort(["len", "name"], descending=[True, False])
    found = [name for name in counts["name"] if name not in joined.hidden]
    return [name for name in [*found, *_never_found(joined)] if wanted is None or name in wanted]


def _meant(joined: Joined) -> set[str]:
    """Return the species that scopes name."""
    named = joined.events["targetTaxonomicScope"].explode().drop_nulls().str.strip_chars().unique()
    # Two words may be a common name, too: `Sun bear`.
    return {
        word for word in named.filter(named.str.contains(_SPECIES)) if meanings(word) == {word.casefold(): "species"}
    }


def _never_found(joined: Joined) -> list[str]:
    """Return the species that scopes name and no record is of."""
    return sorted(_meant(joined) - set(joined.records["name"]) - joined.hidden)


def _summary(joined: Joined) -> dict[str, Any]:
    """Return what there is."""
    events, records = joined.events, joined.records
    first, last = events["first"].min(), events["last"].max()
    return {
        "events": events.height, "sites": events["site"].n_unique(), "sides": sides_of(events),
        "events_of_no_side": events.filter(pl.col("side") == NO_SIDE).height,
        "never_found": _never_found(joined),
        "not_told": dict.fromkeys(sorted((_meant(joined) | set(records["name"])) & joined.hidden), HIDDEN),
        "records": records.height, "species": records["name"].n_unique(),
        "first": None if first is None else str(first), "last": None if last is None else str(last),
        "without_scope": events.filter(pl.col("targetTaxonomicScope").list.len().fill_null(0) == 0).height,
        "left_out": joined.left_out,
    }  # fmt: skip


def _table(events: pl.DataFrame, records: pl.DataFrame) -> NDArray[np.int64]:
    """Return how many records each site has of each species; a site without records is a row of 0."""
    rows = {site: row for row, site in enumerate(events["site"].unique().sort())}
    species = {name: column for column, name in enumerate(records["name"].unique().sort())}
    table = np.zeros((len(rows), len(species)), dtype=np.int64)
    for site, name, n in records.group_by("site", "name").len().iter_rows():
        table[rows[site], species[name]] = n
    return table


def _richness(joined: Joined, method: str, seed: int) -> dict[str, Any]:
    """Return accumulation and estimates of one method, per side and joint, and the sides compared."""
    events = joined.events.filter(pl.col("method") == method)
    every = joined.records.join(events.select("event_key"), on="event_key", how="semi")
    records = species_only(every)
    parts = {JOINT: (events, records)}
    sides = sides_of(events)
    for side in sides if len(sides) > 1 else []:
        own = events.filter(pl.col("side") == side)
        parts[side] = own, records.join(own.select("event_key"), on="event_key", how="semi")
    told: dict[str, Any] = {}
    tables = {}
    for part, (of_events, of_records) in parts.items():
        table = _table(of_events, of_records)
        curve = accumulation(table, conditioned=False)
        low, high = curve.limits()
        told[part] = {
            "sites": curve.sites.tolist(), "species": curve.richness.tolist(), "low": low.tolist(), "high": high.tolist(),
            "estimates": floors.every_species(richness.pool(table)),
        }  # fmt: skip
        if part != JOINT:
            tables[part] = table
    compared = comparing.at_equal_coverage(tables, seed=seed) if tables else None
    return {"by": told, "compared": compared, "not_counted": every.height - records.height}
