"""Rows of the tables that tell candidates and everything that was looked at."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import polars as pl
import shapely

from biodata import terms
from biodata.analysis.areas import km2
from biodata.analysis.candidates import criteria, hard_criteria, looking_next
from biodata.analysis.candidates.criteria import Value
from biodata.analysis.candidates.facing import Facing, Pair
from biodata.analysis.candidates.ground import Ground, country_shares
from biodata.analysis.candidates.judging import CANDIDATE, Judged
from biodata.analysis.candidates.looking_next import Tasks
from biodata.analysis.candidates.parameters import CandidateParameters

if TYPE_CHECKING:
    from biodata.analysis.evidence import Counted
    from biodata.places import BoundarySet


def candidate(
    one: Judged,
    values: dict[str, Value],
    tasks: Tasks,
    boundaries: "BoundarySet",
    parameters: CandidateParameters,
    records: "Counted | None",
) -> dict[str, Any]:
    """Return one candidate, not yet ranked: its columns, `evidence` as a dict, and `values` by criterion."""
    ground = one.ground
    evidence = {
        "parameters": parameters.told(),
        "boundaries": _boundaries(boundaries),
        "counted": {} if records is None else records.facts,
        "hard_criteria": one.told(),
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
                "cell_degrees", "certainty", "likely",
            )
        }  # fmt: skip
    return {
        "run_id": None,
        "name": ground.name,
        "area_ids": list(ground.area_ids),
        "country_codes": ground.codes,
        "evidence_tier": one.tier,
        "parts": json.dumps(criteria.told(values), ensure_ascii=False),
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
                    "hard_criteria": one.told(),
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
    lifts = looking_next.lifts(one) if hard_criteria.TWO_SIDED in one.failed or one.outcome == CANDIDATE else []
    surveys = {"survey_tasks": tasks, "survey_effort": looking_next.effort_needed()} if tasks else {}
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
