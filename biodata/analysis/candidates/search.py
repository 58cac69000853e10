"""Find candidate transboundary reserves, and make the rows of candidates and of everything that was considered.

What one area holds beyond a line is disagreement between two maps: it is cut off before anything is measured, stated as
a number, and is evidence of nothing.
"""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import polars as pl
import shapely

from biodata.analysis import areas as areas_of
from biodata.analysis.areas import km2
from biodata.analysis.candidates import clusters, criteria, judging, ranking
from biodata.analysis.candidates import ground as grounds
from biodata.analysis.candidates.criteria import CandidateParameters, Value
from biodata.analysis.candidates.ground import Facing, Ground, Pair, country_shares
from biodata.analysis.candidates.judging import CANDIDATE, PASSABLE, Judged, Tasks
from biodata.analysis.candidates.measuring import Surroundings, measure_by
from biodata.analysis.evidence.sides import EDGES
from biodata.analysis.evidence.two_sided import LIKELY
from biodata.core import terms
from biodata.core.vocabularies import EvidenceView, SharingCategory

if TYPE_CHECKING:
    from biodata.analysis.evidence import Counted
    from biodata.places import BoundarySet


def candidate(
    one: Judged, values: dict[str, Value], tasks: Tasks, boundaries: "BoundarySet", parameters: CandidateParameters,
    records: "Counted | None",
) -> dict[str, Any]:  # fmt: skip
    """Return one candidate, not yet ranked: its columns, `evidence` as a dict, and `values` by criterion."""
    ground = one.ground
    evidence = {
        "parameters": parameters.to_dict(),
        "boundaries": _boundaries(boundaries),
        "counted": {} if records is None else records.facts,
        "hard_criteria": one.to_dict(),
        "links": [_link(pair, link, ground) for pair, link in ground.links.items()],
        "ground": country_shares(ground.polygon, boundaries),
        "boundary_disagreement_km2": {name: round(v, 3) for name, v in ground.spill_km2.items()},
        **_next(one, tasks),
        "notes": [*ground.notes, "Overlap over a border counts as no evidence."],
    }
    if one.species is not None:
        evidence["species"] = {
            name: getattr(one.species, name)
            for name in (
                "by_country", "uncertain", "shared", "probably_shared", "one_sided", "left_out", "at_cells",
                "cell_degrees", "certainty", "listed", "shared_by_list",
            )
        }  # fmt: skip
    return {
        "run_id": None,
        "name": ground.name,
        "area_ids": list(ground.area_ids),
        "country_codes": ground.codes,
        "evidence_tier": one.tier,
        "parts": json.dumps(criteria.with_meanings(values), ensure_ascii=False),
        "boundary_disagreement_km2": round(sum(ground.spill_km2.values()), 3),
        "area_km2": km2(ground.polygon),
        "evidence": evidence,
        "geometry": shapely.to_wkb(ground.polygon),
        "values": {name: value.value for name, value in values.items()},
    }


def considered(judged: list[Judged], tasks: Callable[[Judged], Tasks], boundaries: "BoundarySet") -> pl.DataFrame:
    """Tell everything that was looked at, with the hard criteria that it fails."""
    ordered = sorted(judged, key=lambda one: (one.ground.name, one.ground.area_ids))
    rows = [
        {
            "considered_id": f"considered-{number}",
            "run_id": None,
            "name": one.ground.name,
            "area_ids": list(one.ground.area_ids),
            "country_codes": one.ground.codes,
            "outcome": one.outcome,
            "failed": one.failed,
            "reason": one.reason,
            "evidence_tier": one.tier,
            "evidence": json.dumps(
                {
                    "boundaries": _boundaries(boundaries),
                    "hard_criteria": one.to_dict(),
                    **({} if one.species is None else {"certainty": one.species.certainty}),
                    **({} if one.outcome == CANDIDATE else _next(one, tasks(one))),
                },
                ensure_ascii=False,
            ),
            "geometry": shapely.to_wkb(one.ground.polygon),
        }
        for number, one in enumerate(ordered, start=1)
    ]
    return pl.DataFrame(rows, schema=terms.schema(terms.CONSIDERED))


def _next(one: Judged, tasks: Tasks) -> dict[str, Any]:
    """Tell where to look next, and what that takes."""
    lifts = judging.lifts(one) if judging.TWO_SIDED in one.failed or one.outcome == CANDIDATE else []
    surveys = {"survey_tasks": tasks, "survey_effort": judging.effort_needed()} if tasks else {}
    return ({"lifts": lifts} if lifts else {}) | surveys


def _boundaries(boundaries: "BoundarySet") -> dict[str, Any]:
    """Name the boundary set."""
    return {name: getattr(boundaries, name) for name in ("name", "version", "viewpoint", "band_m")}


def _link(pair: Pair, link: Facing, ground: Ground) -> dict[str, Any]:
    """Describe a link without any place."""
    corridor = link.corridor or {}
    facts = json.loads(corridor["evidence"]) if corridor else {}
    return {
        "areas": [ground.area_names[i] for i in pair],
        "distance_m": round(link.distance_m, 1),
        "corridor_id": corridor.get("corridor_id"),
        "functional": corridor.get("functional"),
        "least_cost": corridor.get("least_cost"),
        "best_resistance": facts.get("best_resistance"),
        "habitat_share": facts.get("habitat_share"),
        "narrowest_m": corridor.get("narrowest_m"),
    }


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """What came out.

    Attributes
    ----------
    candidates : polars.DataFrame of terms.CANDIDATE
        The first rank first; `run_id` is left null.
    considered : polars.DataFrame of terms.CONSIDERED
        Everything that was looked at, with the hard criteria that it fails; `run_id` is left null.
    """

    candidates: pl.DataFrame
    considered: pl.DataFrame


def find(
    areas: pl.DataFrame, corridors: pl.DataFrame, records: "Counted | None", *, boundaries: "BoundarySet",
    parameters: CandidateParameters, view: EvidenceView = EvidenceView.PUBLIC,
    category: SharingCategory = SharingCategory.OPEN, surroundings: Surroundings | None = None,
    everything: "Counted | None" = None,
) -> Found:  # fmt: skip
    """Find candidate transboundary reserves.

    Looked at are pairs of areas of different stated countries that face each other or between which a corridor was
    sought, triples of three countries in which every two are joined, and clusters of cells along a border.

    Parameters
    ----------
    areas : polars.DataFrame of terms.PROTECTED_AREA
    corridors : polars.DataFrame of terms.CORRIDOR
        May be empty.
    records : Counted, optional
        Threatened species, counted by side; None, or without rows, where no records are at hand: then there is no
        candidate, and what passes the other hard criteria is stated as `without_evidence`.
    boundaries : BoundarySet
    parameters : CandidateParameters
    view : EvidenceView
        How the records were read.
    category : SharingCategory
        The strictest of the records that were read exactly; open where only what is published of them was read.
    surroundings : Surroundings, optional
    everything : Counted, optional
        Records of all species: with them, what one side alone has becomes tasks for surveys on the other.

    Returns
    -------
    Found
    """
    around = surroundings or Surroundings()
    table = _table(areas, boundaries)
    if records is not None and records.records.is_empty() and not around.checklists:
        records = None
    judge = judging.judge_by(records, boundaries, parameters, around.habitat, around.checklists)
    links = grounds.pairs(table, corridors, distance_m=parameters.facing_distance_m)
    judged = [judge(_joined(pair, table, links)) for pair in links]
    passable = [pair for pair, one in zip(links, judged, strict=True) if one.checks[PASSABLE].passed]
    judged += [judge(_joined(three, table, links)) for three in grounds.triples(passable)]
    if records is not None and around.window is not None:
        judged += [judge(ground) for ground in _clusters(around.window, records, boundaries, parameters)]
    tasks = judging.tasks_by(everything, records, boundaries, parameters, category)
    passed = [one for one in judged if one.outcome == judging.CANDIDATE]
    rows = []
    if passed:
        measure = measure_by(table, records, boundaries, parameters, around)
        rows = [candidate(one, measure(one), tasks(one), boundaries, parameters, records) for one in passed]
    how = {"evidence_view": pl.lit(str(view)), "sharing_category": pl.lit(str(category))}
    return Found(
        _ranked(rows, parameters).with_columns(**how), considered(judged, tasks, boundaries).with_columns(**how)
    )


def _table(areas: pl.DataFrame, boundaries: "BoundarySet") -> gpd.GeoDataFrame:
    """Return the areas cut to their stated countries, by area_id, with what is stated of their governance."""
    table = areas_of.within_stated(areas_of.geodataframe(areas), boundaries).set_index("area_id", drop=False)
    facts = {row["area_id"]: row for row in areas.iter_rows(named=True)}
    for name in ("status", "designation", "iucn_category"):
        table[name] = [facts[i][name] for i in table.index]
    spill = [facts[i]["spill_km2"] for i in table.index]
    table["spill_km2"] = [cut if known is None else known for cut, known in zip(table["spill_km2"], spill, strict=True)]
    return table


def _joined(members: tuple[str, ...], table: gpd.GeoDataFrame, links: dict[Pair, Facing]) -> Ground:
    """Return areas as one piece of ground."""
    sites = table.loc[list(members)]
    own = {pair: links[pair] for pair in itertools.combinations(members, 2)}
    ways = [link.corridor["geometry"] for link in own.values() if link.corridor and link.corridor["geometry"]]
    polygon, notes = grounds.joined(sites.geometry.to_numpy(), [shapely.from_wkb(way) for way in ways])
    return Ground(
        name=" – ".join(sorted(sites["name"])),
        area_ids=members,
        sides=sites["country_codes"].to_list(),
        polygon=polygon,
        links=own,
        area_names=dict(zip(sites["area_id"], sites["name"], strict=True)),
        spill_km2=dict(zip(sites["name"], sites["spill_km2"].astype(float), strict=True)),
        notes=notes,
    )


def _clusters(
    window: tuple[float, float, float, float],
    records: "Counted",
    boundaries: "BoundarySet",
    parameters: CandidateParameters,
) -> list[Ground]:
    """Return clusters of cells. Their outlines follow records whose own place is stated: a published cell is too coarse.

    A record is taken for the side on which it likely lies; what that is worth as evidence is judged afterwards.
    """
    own_place = pl.col(EDGES[0]).is_null() if EDGES[0] in records.records.columns else pl.lit(value=True)
    likely = pl.element().struct.field("chance") >= LIKELY
    side = pl.col("chances").list.eval(pl.element().filter(likely)).list.first().struct.field("side")
    chosen = records.records.filter(own_place).with_columns(side=side).drop_nulls("side")
    found = clusters.grounds(chosen, boundaries, window, parameters)
    note = "Its outline follows records whose own place is told; cells count as evidence where they lie on it."
    return [replace(ground, notes=[*ground.notes, note]) for ground in found]


def _ranked(rows: list[dict[str, Any]], parameters: CandidateParameters) -> pl.DataFrame:
    """Rank the candidates."""
    rows.sort(key=lambda row: ranking.sort_key(row["values"], row["name"]))
    ranks = ranking.rank(
        [row["values"] for row in rows], draws=parameters.draws, seed=parameters.seed, first=parameters.first,
        criteria=parameters.criteria,
    )  # fmt: skip
    made: list[dict[str, Any]] = []
    for number, rank in enumerate(ranks, start=1):
        row = rows[rank.pop("position")]
        evidence = row["evidence"] | {"ranking": rank}
        made.append(
            row
            | {name: rank[name] for name in ("rank", "front", "acceptability", "within_first")}
            | {"candidate_id": f"candidate-{number}", "evidence": json.dumps(evidence, ensure_ascii=False)}
        )
    schema = terms.schema(terms.CANDIDATE)
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in made], schema=schema)
