"""Species of a region by the side that they are recorded on, and what to look for on the other side."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely

from biodata import places
from biodata.analysis.evidence import counting
from biodata.analysis.evidence.counting import NEAR_AN_EDGE, NO_UNCERTAINTY, UNCERTAIN
from biodata.analysis.evidence.effort import NO_EFFORT, STATES, Strictest, category_of, effort
from biodata.analysis.evidence.sides import EDGES
from biodata.analysis.grid import equal_area_grid
from biodata.core import geo
from biodata.core.vocabularies import EvidenceTier, SharingCategory

if TYPE_CHECKING:
    from biodata.places import BoundarySet


UNSURE: Final = "the side is not certain"
"""Of one small region the reasons that state how near a border or coast a record lies are stated as this one."""

CERTAIN, PROBABLE, LISTED = TIERS = tuple(str(tier) for tier in EvidenceTier)
"""Evidence on a side is certain from one record on that counts there; probable when the chance that at least one of the
records whose side is not certain lies there reaches the certainty that the run asks; listed where no record says so, but a
checklist of a protected area."""

Checklists = Mapping[str, Mapping[str, Sequence[str]]]
"""By a name, of an area or a country, and by species the sources of the checklists that name the species there."""

LIKELY: Final = 0.75
"""A record adds to the chance of a side on which it lies at least so likely.
A species that lives up to a border on one side alone has records whose circles reach over it, and these are not independent:
with a band of 1 km it seems to be on the other side in 11 % of made worlds with cells of 0.1° if every chance is added up, in 2 %
from 0.5 on and in none from 0.75 on; with places that are off by up to 5 km in 13 and 2 %, up to 10 km in 20 % from 0.75 on.
With a band of 5 km it never does (tests/benchmarks/bench_two_tiers.py)."""

SUREST: Final = 0.9999
"""No chance is taken to be larger."""
MOST_LIFTS: Final = 5


_NONE: Final[Mapping[str, Any]] = {"chance": 0.0, "records": 0, "cells": 0, "untold": 0, "probable": False}
TASKS: Final = pl.Schema(
    [
        ("species", pl.String), ("iucnRedListCategory", pl.String), ("recorded_in", pl.List(pl.String)),
        ("survey_in", pl.String), ("records_counting", pl.Int64), ("doubtful_there", pl.Int64),
        ("area_km2", pl.Float64), ("cells", pl.Int64), ("cells_visited", pl.Int64), ("cells_without_effort", pl.Int64),
        ("looked_for", pl.Int64), ("nights", pl.Float64), ("why", pl.String), ("sharing_category", pl.String),
        ("geometry", pl.Binary),
    ]
)  # fmt: skip
"""One row a species and a country without a record that counts. `area_km2` and `geometry` (WKB) are of the habitat or
corridor there; `doubtful_there` are records there that do not count; cells are those of the effort grid."""


@dataclass(frozen=True, slots=True)
class TwoSided:
    """Species of a region by side; counts only, no place.

    Attributes
    ----------
    by_country : dict of str to dict of str to int
        Records that count, by country and species.
    uncertain : dict of str to dict of str to dict
        Of species without a record that counts there, by country and species: the `records` that are `LIKELY` to lie there, `cells`, those of them that are published as cells, `untold`, those that state no uncertainty, the
        `chance` that at least one of them lies there, and whether that makes it `probable`.
    shared : list of str
        Species that are certain on two sides or more.
    probably_shared : list of str
        Others that are certain or probable on two sides or more.
    one_sided : list of dict
        The others: `species`, `recorded_in`, `survey_in`, and `side_not_certain`, the records near of which it is not
        certain on which side they lie. A species without any is surely recorded on one side alone.
    left_out : dict of str to int
        Records that do not count, by reason; those that would state how near a border they lie are one, UNSURE.
    at_cells : dict of str to int
        Species of which records that count are stated as cells, and how many of them.
    cell_degrees : dict of str to list of float
        Of the same species the sides of those cells, degrees: what counts so is evidence at the scale of such a cell,
        of which half may reach out of the region.
    certainty : float
        Chance from which a species is probable.
    listed : dict of str to dict of str to list of str
        By country and species the sources of checklists of protected areas there that name it, whatever the records say.
    shared_by_list : list of str
        Species that are on two sides or more only if checklists are believed.
    """

    by_country: dict[str, dict[str, int]]
    uncertain: dict[str, dict[str, dict[str, Any]]]
    shared: list[str]
    probably_shared: list[str]
    one_sided: list[dict[str, object]]
    left_out: dict[str, int]
    at_cells: dict[str, int] = field(default_factory=dict)
    cell_degrees: dict[str, list[float]] = field(default_factory=dict)
    certainty: float = 0.95
    listed: Checklists = field(default_factory=dict)
    shared_by_list: list[str] = field(default_factory=list)

    def known_in(self, code: str, tier: str) -> set[str]:
        """Return the species that a country has in a tier or a surer one."""
        probable = {name for name, reported in self.uncertain[code].items() if reported["probable"] and tier != CERTAIN}
        return {*self.by_country[code], *probable, *(self.listed.get(code, ()) if tier == LISTED else ())}

    def shared_on(self, side: tuple[str, ...], tier: str) -> list[str]:
        """Return the species that a side shares with another in a tier or a surer one."""
        there = {name for code in side for name in self.known_in(code, tier)}
        of_tier = (self.shared, self.probably_shared, self.shared_by_list)[: TIERS.index(tier) + 1]
        return [name for name in sorted({name for shared in of_tier for name in shared}) if name in there]

    def tier(self, sides: list[tuple[str, ...]]) -> str | None:
        """Return the tier in which every side shares a species with another; None where one shares none."""
        return next((tier for tier in TIERS if all(self.shared_on(side, tier) for side in sides)), None)

    def lifts(self, sides: list[tuple[str, ...]]) -> list[dict[str, Any]]:
        """Return what would lift the evidence to the next tier: where, for which species, by how many records.

        Each has `species` and `survey_in`; `tier`, which it would reach there; `records`, how many more that takes: one
        that surely lies there for certain, for probable as many like those at hand; `chance` and `not_certain` as they
        are; `cells`, how many of those are published as a cell, whose owner could share a finer place; `untold`, how many state
        no uncertainty, which their owner could state. Of each side the
        species come first that another side has in that tier already.
        """
        reached, found = self.tier(sides), []
        if reached == CERTAIN:
            return []
        reached = None if reached == LISTED else reached
        for side in sides:
            if self.shared_on(side, CERTAIN if reached else PROBABLE):
                continue
            wanted = CERTAIN if reached else PROBABLE
            others = [code for other in sides if other != side for code in other]
            there = {name for code in others for name in self.known_in(code, wanted)}
            told_of = (self.by_country, self.uncertain, self.listed)
            near = {name for code in others for found_in in told_of for name in found_in.get(code, ())}
            here = {name for code in side for name in self.known_in(code, wanted)}
            at_hand = {name: facts for code in side for name, facts in self.uncertain[code].items()}
            order = {name: (name not in there, -at_hand.get(name, _NONE)["chance"], name) for name in near - here}
            for name in sorted(order, key=order.__getitem__)[:MOST_LIFTS]:
                facts = at_hand.get(name, _NONE)
                tier = CERTAIN if reached or not facts["records"] else PROBABLE
                found.append(
                    {
                        "species": name, "survey_in": list(side), "tier": tier,
                        "records": 1 if tier == CERTAIN else _more(facts, self.certainty), "chance": facts["chance"],
                        "not_certain": facts["records"], "cells": facts["cells"], "untold": facts["untold"],
                    }
                )  # fmt: skip
        return found


def _more(facts: Mapping[str, Any], certainty: float) -> int:
    """Return how many more records like those at hand make it probable that one lies there."""
    needed: float = facts["records"] * math.log(1 - min(certainty, SUREST)) / math.log(1 - min(facts["chance"], SUREST))
    return max(math.ceil(needed) - int(facts["records"]), 1)


def two_sided(
    records: pl.DataFrame, sides: list[tuple[str, ...]], certainty: float = 0.95, listed: Checklists | None = None
) -> TwoSided:
    """Sort a region's records by side.

    Parameters
    ----------
    records : polars.DataFrame
        Rows of `Counted.records`; all species that are in it are looked at.
    sides : list of tuple of str
        The country codes of each side; a record belongs to the side that its `side` is of.
    certainty : float
        Chance from which a species whose records are not certain is probable on a side.
    listed : Checklists, optional
        By country.

    Returns
    -------
    TwoSided
    """
    codes = sorted({code for side in sides for code in side})
    counting = records.filter(pl.col("why_not").is_null() & pl.col("side").is_in(codes))
    counts = counting.group_by("side", "species").len().sort("side", "species")
    by_country: dict[str, dict[str, int]] = {code: {} for code in codes}
    for code, species, n in counts.iter_rows():
        by_country[code][species] = n
    uncertain = _uncertain(records, by_country, certainty)
    not_certain = records.filter(pl.col("why_not").is_in(UNCERTAIN))["species"].value_counts()
    unsure = dict(not_certain.iter_rows())
    shared: list[str] = []
    probably_shared: list[str] = []
    shared_by_list: list[str] = []
    one_sided: list[dict[str, object]] = []
    named = listed or {}
    known = {code: {name for name, facts in found.items() if facts["probable"]} for code, found in uncertain.items()}
    for species in sorted(
        {name for found in (*by_country.values(), *known.values(), *named.values()) for name in found}
    ):
        certain = [side for side in sides if any(species in by_country[code] for code in side)]
        probable = [side for side in sides if any(species in known[code] for code in side) and side not in certain]
        if len(certain) > 1:
            shared.append(species)
        elif len(certain) + len(probable) > 1:
            probably_shared.append(species)
        elif (
            sum(side in certain or side in probable or any(species in named.get(c, ()) for c in side) for side in sides)
            > 1
        ):
            shared_by_list.append(species)
        elif certain:
            there = [code for code in codes if species in by_country[code]]
            elsewhere = [code for code in codes if code not in there]
            doubtful = unsure.get(species, 0)
            one_sided.append(
                {"species": species, "recorded_in": there, "survey_in": elsewhere, "side_not_certain": doubtful}
            )
    cells = _at_cells(counting)
    at_cells, cell_degrees = (dict(cells.select("species", name).iter_rows()) for name in ("n", "degrees"))
    return TwoSided(
        by_country, uncertain, shared, probably_shared, one_sided, reasons(records), at_cells, cell_degrees, certainty,
        {code: dict(named.get(code, {})) for code in codes} if named else {}, shared_by_list,
    )  # fmt: skip


def _uncertain(
    records: pl.DataFrame, by_country: dict[str, dict[str, int]], certainty: float
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return, by country and species, the chance that one of the records whose side is not certain lies there."""
    cell = pl.col(EDGES[0]).is_not_null() if EDGES[0] in records.columns else pl.lit(value=False)
    each = (
        records.filter(pl.col("why_not").is_in(UNCERTAIN), pl.col("chances").is_not_null())
        .select("species", "chances", cell=cell, untold=pl.col("why_not") == NO_UNCERTAINTY)
        .explode("chances")
        .unnest("chances")
        .filter(pl.col("chance") >= LIKELY)
    )
    found = each.group_by("side", "species").agg(
        chance=1 - (1 - pl.col("chance").clip(upper_bound=SUREST)).product(),
        records=pl.len(),
        cells=pl.col("cell").sum(),
        untold=pl.col("untold").sum(),
    )
    out: dict[str, dict[str, dict[str, Any]]] = {code: {} for code in by_country}
    for side, species, chance, *counts in found.sort("side", "species").iter_rows():
        if side in out and species not in by_country[side]:
            facts = dict(zip(("records", "cells", "untold"), counts, strict=True))
            out[side][species] = facts | {"chance": round(chance, 3), "probable": chance >= certainty}
    return out


def _at_cells(counting: pl.DataFrame) -> pl.DataFrame:
    """Count the records that are stated as cells: species, n, and degrees, the sides of their cells."""
    west, south, _, north = EDGES
    if west not in counting.columns:
        return pl.DataFrame(schema={"species": pl.String, "n": pl.UInt32, "degrees": pl.List(pl.Float64)})
    side = (pl.col(north) - pl.col(south)).round(3)
    table = counting.filter(pl.col(west).is_not_null())
    return table.group_by("species").agg(n=pl.len(), degrees=side.unique().sort()).sort("species")


def reasons(records: pl.DataFrame) -> dict[str, int]:
    """Count a region's records that do not count, by reason and in their order, without telling who lies near a border."""
    near = dict.fromkeys(NEAR_AN_EDGE, UNSURE)
    values = records["why_not"].drop_nulls().replace(near)
    return dict(values.value_counts().sort("why_not").iter_rows())


def survey_tasks(
    counted: counting.Counted, sides: list[tuple[str, ...]], *, region: shapely.Geometry, boundaries: "BoundarySet",
    habitat: shapely.Geometry | None = None, cell_m: float = 5_000.0, events: pl.DataFrame | None = None,
    strictest: Strictest | None = None, threatened: counting.Counted | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Turn one-sided evidence into tasks for a survey on the other side.

    Parameters
    ----------
    counted : Counted
        Of all species; tasks are made of the threatened ones.
    sides : list of tuple of str
        The country codes of each side.
    region : shapely geometry
        Corridor or candidate, degrees, WGS 84.
    boundaries : BoundarySet
    habitat : shapely geometry, optional
        Where in the region the species may live, degrees; all of the region where it is not given.
    cell_m : float
        Side of the cells in which effort is counted, metres.
    events : polars.DataFrame of effort.EVENTS, optional
    strictest : callable, optional
        Tells the strictest sharing category of records; without it tasks are withheld.
    threatened : Counted, optional
        `counted.threatened()`, where it is at hand.

    Returns
    -------
    polars.DataFrame of TASKS
        By species and country. The reason tells no place.
    """
    near = counted.inside(region)
    looked_for = (threatened or counted.threatened()).inside(region)
    found = two_sided(looked_for, sides)
    ground = region if habitat is None else shapely.intersection(region, habitat)
    grid = equal_area_grid(shapely.bounds(region), cell_m)
    located = places.locate(
        looked_for["decimalLongitude"].to_numpy().copy(), looked_for["decimalLatitude"].to_numpy().copy(), boundaries
    )["located_country_code"]
    doubtful = looked_for.with_columns(located=located).filter(pl.col("why_not").is_not_null())
    inside = counting.Counted(near, counted.facts, counted.places[:0], shapely.STRtree([]))
    # The target group is that of a species' class, so species of one class share most of the work; there are few.
    rows: list[dict[str, Any]] = []
    for one in found.one_sided:
        species, there = str(one["species"]), [str(code) for code in _listed(one["recorded_in"])]
        known = effort(
            inside, species, grid=grid, boundaries=boundaries, region=region, events=events, strictest=strictest
        )
        for code in (str(code) for code in _listed(one["survey_in"])):
            land = shapely.intersection(ground, places.country_geometry(code, boundaries))
            cells = known.cells.filter(pl.col("country_code") == code)
            states = dict.fromkeys(STATES, 0) | dict(cells["state"].value_counts().iter_rows())
            kept = doubtful.filter(pl.col("species") == species, pl.col("located") == code)
            n = sum(found.by_country[country][species] for country in there)
            rows.append(
                {
                    "species": species,
                    "iucnRedListCategory": _category(looked_for, species),
                    "recorded_in": there,
                    "survey_in": code,
                    "records_counting": n,
                    "doubtful_there": kept.height,
                    "area_km2": float(geo.area_km2(np.array([land], dtype=object))[0]),
                    "cells": cells.height,
                    "cells_visited": int((cells["visits"] > 0).sum()),
                    "cells_without_effort": states[NO_EFFORT],
                    "looked_for": int(cells["looked_for"].sum()),
                    "nights": float(cells["nights"].sum()),
                    "why": _why(n, there, code, reasons(kept), cells, states[NO_EFFORT]),
                    "sharing_category": _strictest(known.sharing_category, looked_for, species, strictest),
                    "geometry": shapely.to_wkb(land),
                }
            )
    return pl.DataFrame(rows, schema=TASKS).sort("species", "survey_in")


def _why(n: int, there: list[str], code: str, left_out: dict[str, int], cells: pl.DataFrame, without: int) -> str:
    """Say why a species is to be looked for; in words and counts, no place."""
    lines = [f"{n} record{'s' if n > 1 else ''} count{'' if n > 1 else 's'} in {' and '.join(there)}, none in {code}"]
    if left_out:
        total = sum(left_out.values())
        parts = ", ".join(f"{count}: {reason}" for reason, count in left_out.items())
        lines.append(f"{total} there {'do' if total > 1 else 'does'} not count ({parts})")
    if not cells.height:
        lines.append("no cell of the region lies there")
    else:
        lines.append(f"{without} of {cells.height} cells there have no effort for its kind")
    looked = int(cells["looked_for"].sum())
    lines.append(
        f"it was looked for {looked} times without a record" if looked else "nothing says that it was looked for there"
    )
    return "; ".join(lines) + "."


def _strictest(known: str, threatened: pl.DataFrame, species: str, strictest: Strictest | None) -> str:
    """Return the stricter category of what effort read and the species' own records."""
    own = category_of(threatened.filter(pl.col("species") == species), strictest)
    return str(max(SharingCategory(known), SharingCategory(own), key=lambda category: category.strictness))


def _category(threatened: pl.DataFrame, species: str) -> str | None:
    """Return the Red List category that a species' records tell."""
    values = threatened.filter(pl.col("species") == species)["iucnRedListCategory"].drop_nulls().unique().sort()
    return str(values[0]) if len(values) else None


def _listed(value: object) -> list[Any]:
    """Return a list that is typed as an object."""
    return list(value) if isinstance(value, list) else []
