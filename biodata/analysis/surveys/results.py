"""All results of a survey in one call: tables of numbers, and beside each the reason where there is none."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from biodata.analysis.surveys import abundance, effort, of_species, richness
from biodata.analysis.surveys.joining import HIDDEN, JOINT, NO_SIDE, Joined, by_part, sides_of, species_only
from biodata.sharing.scopes import meanings

_SPECIES: Final = r"^\p{Lu}[\p{Ll}-]+ [\p{Ll}-]+$"
"""Two words, of which the first is a genus."""


Names = Annotated[tuple[str, ...] | None, BeforeValidator(lambda told: (told,) if isinstance(told, str) else told)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Parameters(BaseModel):
    """What results are asked: of all species where none is told; see the functions that have an option of the same name."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    species: Names = None
    occasion_days: int = Field(default=5, ge=1)
    gap_minutes: Amount = 30.0
    within_m: Amount = 200.0
    distance_m: Amount = 5_000.0
    hours: Amount = 72.0
    assumed_scope: Names = Field(default=None, alias="scope")
    seed: int = 1


def results(joined: Joined, asked: Parameters) -> dict[str, Any]:
    """Return the results of a survey as plain values; where something cannot be told `refused` says why."""
    events = joined.events
    counted = abundance.independent_events(joined, gap_minutes=asked.gap_minutes, within_m=asked.within_m)
    meant = _meant(joined)
    names = [name for name in _species(joined, meant) if asked.species is None or name in asked.species]
    return {
        "summary": _summary(joined, meant), "species": _found(joined, names), "effort": effort.effort(events).to_dicts(),
        "effort_by_month": effort.effort(events, by=("side", "method", "month")).to_dicts(),
        "effort_by_site": effort.effort(events, by=("side", "method", "site")).to_dicts(),
        "richness": {method: _richness(joined, method, asked.seed) for method in sorted(events["method"].unique())},
        "abundance": [one for name in names for one in of_species.abundance_of(joined, counted, name, asked)],
        "occupancy": [one for name in names for one in of_species.occupancy_of(joined, name, asked)],
        "trends": [one for name in names for one in of_species.trends_of(joined, counted, name, asked)],
        "totals": [one for name in names for one in of_species.totals_of(joined, counted, name, asked)],
        "parameters": asked.model_dump(),
    }  # fmt: skip


def _species(joined: Joined, meant: set[str]) -> list[str]:
    """Return the species that are told: those with most records first, then those that were meant and never found.

    Of those whose places are hidden nothing is told but that: with a part of their records every number would be wrong.
    """
    counts = joined.records.group_by("name").len().sort(["len", "name"], descending=[True, False])
    return [*(name for name in counts["name"] if name not in joined.hidden), *_never_found(joined, meant)]


def _found(joined: Joined, names: Sequence[str]) -> list[dict[str, Any]]:
    by_name = joined.records.filter(pl.col("name").is_in(list(names))).group_by(species="name")
    found = by_name.agg(records=pl.len(), sites=pl.col("site").n_unique())
    return found.sort("records", "species", descending=[True, False]).to_dicts()


def _meant(joined: Joined) -> set[str]:
    words = joined.events["targetTaxonomicScope"].explode().drop_nulls().str.strip_chars().unique()
    # Two words may be a common name, too: `Sun bear`.
    return {
        word for word in words.filter(words.str.contains(_SPECIES)) if meanings(word) == {word.casefold(): "species"}
    }


def _never_found(joined: Joined, meant: set[str]) -> list[str]:
    return sorted(meant - set(joined.records["name"]) - joined.hidden)


def _summary(joined: Joined, meant: set[str]) -> dict[str, Any]:
    events, records = joined.events, joined.records
    first, last = (None if day is None else str(day) for day in (events["first"].min(), events["last"].max()))
    return {
        "events": events.height, "sites": events["site"].n_unique(), "sides": sides_of(events),
        "events_of_no_side": events.filter(pl.col("side") == NO_SIDE).height, "never_found": _never_found(joined, meant),
        "not_told": dict.fromkeys(sorted((meant | set(records["name"])) & joined.hidden), HIDDEN),
        "records": records.height, "species": records["name"].n_unique(), "first": first, "last": last,
        "without_scope": events.filter(pl.col("targetTaxonomicScope").list.len().fill_null(0) == 0).height,
        "left_out": joined.left_out,
    }  # fmt: skip


def _table(events: pl.DataFrame, records: pl.DataFrame) -> NDArray[np.int64]:
    """Return how many records each site has of each species; a site without records is a row of 0."""
    rows, species = events["site"].unique().sort(), records["name"].unique().sort()
    table = np.zeros((len(rows), len(species)), dtype=np.int64)
    np.add.at(table, (rows.search_sorted(records["site"]), species.search_sorted(records["name"])), 1)
    return table


def _richness(joined: Joined, method: str, seed: int) -> dict[str, Any]:
    """Return accumulation and estimates of one method, per side and joint, and the sides compared."""
    events = joined.events.filter(pl.col("method") == method)
    every = joined.records.join(events.select("event_key"), on="event_key", how="semi")
    records = species_only(every)
    told: dict[str, Any] = {}
    tables = {}
    for part, of_part in by_part(events).items():
        table = tables[part] = _table(of_part, records.join(of_part.select("event_key"), on="event_key", how="semi"))
        curve = richness.accumulation(table)
        numbers = (curve.sites, curve.richness, *curve.limits())
        told[part] = {name: of.tolist() for name, of in zip(("sites", "species", "low", "high"), numbers, strict=True)}
        told[part]["estimates"] = _every_species(richness.pool(table))
    del tables[JOINT]
    compared = richness.at_equal_coverage(tables, seed=seed) if tables else None
    return {"by": told, "compared": compared, "not_counted": every.height - records.height}


def _every_species(found: richness.Pool) -> dict[str, Any]:
    """Return estimates of all species there are, or what was found where there is too little for one."""
    few = of_species.too_few(found.sites) or (None if found.species else "nothing was found")
    return {"sites": found.sites, "species": found.species, "refused": few} if few else asdict(found)
