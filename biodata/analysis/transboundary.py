"""Candidate transboundary reserves: protected areas of different countries that belong together, with the reasons.

A candidate needs areas whose *stated* countries differ. What one area holds beyond a line is disagreement between two
maps: it is cut off before anything is measured, told as a number, and scores nothing.
"""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import polars as pl
import shapely

from biodata import places, terms
from biodata.analysis import areas as areas_of
from biodata.analysis import facing, joining, scores
from biodata.analysis.areas import km2
from biodata.analysis.evidence import Counted, two_sided
from biodata.analysis.facing import Facing, Pair
from biodata.errors import InputError

if TYPE_CHECKING:
    from biodata.places import BoundarySet
    from biodata.vocabularies import SharingCategory


@dataclass(frozen=True, slots=True)
class CandidateParameters:
    """What a run for candidates decides.

    Attributes
    ----------
    facing_distance_m : float
        Areas whose edges lie this near face each other, metres.
    evidence_distance_m : float
        Records count up to this far around the candidate, metres.
    species_enough : int
        Shared species that score 1.
    area_enough_km2 : float
        Area that scores 1, km².
    weights : mapping of str to float
        Weight of each part.
    """

    facing_distance_m: float = 10_000.0
    evidence_distance_m: float = 5_000.0
    species_enough: int = 5
    area_enough_km2: float = 1_000.0
    weights: Mapping[str, float] = field(default_factory=lambda: scores.DEFAULT_WEIGHTS)

    def __post_init__(self) -> None:
        if set(self.weights) != set(scores.DEFAULT_WEIGHTS) or min(self.weights.values()) < 0:
            problem = "weights need a number of 0 or more for each part"
            raise InputError(problem, value=str(dict(self.weights)), expected=", ".join(scores.DEFAULT_WEIGHTS))
        if min(self.facing_distance_m, self.species_enough, self.area_enough_km2) <= 0:
            problem = "distances and amounts that score 1 must be above 0"
            raise InputError(problem, code="PARAMETERS_INVALID")

    def told(self) -> dict[str, Any]:
        """Return the parameters as plain values for the evidence."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        return plain | {"weights": dict(self.weights)}


def candidates(
    areas: pl.DataFrame,
    corridors: pl.DataFrame,
    counted: Counted | None,
    *,
    boundaries: "BoundarySet",
    parameters: CandidateParameters,
    strictest: "Callable[[pl.DataFrame], SharingCategory]",
) -> pl.DataFrame:
    """Return candidate transboundary reserves, the best score first.

    Pairs of areas of different stated countries that face each other or are joined by a functional corridor, and
    triples of three countries in which every two are such a pair.

    Parameters
    ----------
    areas : polars.DataFrame of terms.PROTECTED_AREA
    corridors : polars.DataFrame of terms.CORRIDOR
        May be empty: what would come from it is then missing, and said so.
    counted : evidence.Counted, optional
        Of the lake's records; None where no records are at hand. Threatened species alone are looked at.
    boundaries : BoundarySet
    parameters : CandidateParameters
    strictest : callable
        Tells the strictest sharing category of some records (`sharing.strictest` with its rules).

    Returns
    -------
    polars.DataFrame of terms.CANDIDATE
        `run_id` is left null.
    """
    table = areas_of.within_stated(areas_of.geodataframe(areas), boundaries).set_index("area_id", drop=False)
    spill = {i: v for i, v in areas.select("area_id", "spill_km2").iter_rows() if v is not None}
    table["spill_km2"] = [spill.get(i, v) for i, v in zip(table["area_id"], table["spill_km2"], strict=True)]
    links = facing.pairs(table, corridors, distance_m=parameters.facing_distance_m)
    records = counted.threatened() if counted is not None and counted.records.height else None
    rows = [
        _candidate(members, table, links, records, boundaries, parameters, strictest)
        for members in facing.groups(links)
    ]
    rows.sort(key=lambda row: (-row["score"], row["name"], row["area_ids"]))
    for rank, row in enumerate(rows, start=1):
        row |= {"candidate_id": f"candidate-{rank}", "rank": rank, "run_id": None}
    return pl.DataFrame(rows, schema=terms.schema(terms.CANDIDATE))


def _candidate(
    members: tuple[str, ...],
    table: gpd.GeoDataFrame,
    links: dict[Pair, Facing],
    records: Counted | None,
    boundaries: "BoundarySet",
    parameters: CandidateParameters,
    strictest: "Callable[[pl.DataFrame], SharingCategory]",
) -> dict[str, Any]:
    """Return one row, without rank."""
    sites = table.loc[list(members)]
    own = {pair: links[pair] for pair in itertools.combinations(members, 2)}
    polygon, notes = joining.joined(
        sites.geometry.to_numpy(),
        [
            shapely.from_wkb(link.corridor["geometry"])
            for link in own.values()
            if link.corridor and link.corridor["geometry"]
        ],
    )
    area_km2 = km2(polygon)
    sides = sites["country_codes"].to_list()
    evidence = {
        "parameters": parameters.told(),
        "boundaries": {
            "name": boundaries.name,
            "version": boundaries.version,
            "viewpoint": boundaries.viewpoint,
            "band_m": boundaries.band_m,
        },
        "links": [_told(pair, link, table) for pair, link in own.items()],
        "country_shares": _shares(polygon, area_km2, sides, boundaries),
        "boundary_disagreement_km2": {
            name: round(v, 3) for name, v in zip(sites["name"], sites["spill_km2"], strict=True)
        },
    }
    category, species_part = "open", scores.Part(None, {"records": 0}, "Threatened species with records on both sides.")
    if records is not None:
        near = records.inside(joining.grown(polygon, parameters.evidence_distance_m))
        found = two_sided(near, sides)
        species_part = scores.shared_species(len(found.shared), len(found.one_sided), parameters.species_enough)
        evidence["species"] = asdict(found)
        evidence["counted_by"] = records.facts["parameters"]
        category = str(strictest(near)) if near.height else "open"
        notes += [
            f"No record that counts on the side of {' and '.join(side)}: survey there."
            for side in sides
            if not any(found.by_country[code] for code in side)
        ]
    else:
        notes.append("No occurrence records were at hand.")
    parts = {"shared_species": species_part} | _ground_parts(own, polygon, area_km2, table, parameters)
    score, told = scores.weigh(parts, parameters.weights)
    evidence["notes"] = [*notes, "Overlap over a border counts as no evidence."]
    return {
        "name": " – ".join(sorted(sites["name"])),
        "area_ids": list(members),
        "country_codes": sorted({code for side in sides for code in side}),
        "score": score,
        "parts": json.dumps(told, ensure_ascii=False),
        "boundary_disagreement_km2": round(float(sites["spill_km2"].sum()), 3),
        "area_km2": area_km2,
        "evidence": json.dumps(evidence, ensure_ascii=False),
        "sharing_category": category,
        "geometry": shapely.to_wkb(polygon),
    }


def _ground_parts(
    own: dict[Pair, Facing],
    polygon: shapely.Geometry,
    area_km2: float,
    table: gpd.GeoDataFrame,
    parameters: CandidateParameters,
) -> dict[str, scores.Part]:
    """Return the parts that come from corridors and polygons; of several links the weakest counts."""
    quality, continuity = [], []
    for link in own.values():
        if link.corridor is None:
            continue
        facts = json.loads(link.corridor["evidence"])
        # Below two cells the straight distance is finer than the raster that gave the cost.
        distance_m = max(link.corridor["euclidean_m"], 2 * facts["grid"]["cell_m"])
        if not link.corridor["functional"]:
            distance_m = None
        quality.append(scores.corridor_quality(link.corridor["least_cost"], distance_m, facts.get("best_resistance")))
        continuity.append(facts.get("habitat_share", 1.0 if link.corridor["functional"] else 0.0))
    no_corridor = scores.Part(None, {"corridor": None}, "No corridor was computed between these areas.")
    shapes = table.geometry.to_numpy()
    around = shapes[shapely.intersects(shapes, polygon)]
    protected_km2 = km2(shapely.intersection(shapely.union_all(around), polygon))
    return {
        "corridor_quality": min(quality, key=lambda part: part.value or 0.0) if quality else no_corridor,
        "habitat_continuity": scores.share(
            min(continuity), "habitat_share", "Share of the corridor whose resistance is low enough to live in."
        )
        if continuity
        else no_corridor,
        "protected_share": scores.share(
            protected_km2 / area_km2 if area_km2 > 0 else None,
            "protected_share",
            "Share of the polygon in protected areas.",
        ),
        "area": scores.area(area_km2, parameters.area_enough_km2),
    }


def _told(pair: Pair, link: Facing, table: gpd.GeoDataFrame) -> dict[str, Any]:
    """Describe a link without any place."""
    corridor = link.corridor or {}
    return {
        "areas": [table.loc[i, "name"] for i in pair],
        "distance_m": round(link.distance_m, 1),
        "corridor_id": corridor.get("corridor_id"),
        "functional": corridor.get("functional"),
        "least_cost": corridor.get("least_cost"),
        "narrowest_m": corridor.get("narrowest_m"),
    }


def _shares(
    polygon: shapely.Geometry, area_km2: float, sides: list[tuple[str, ...]], boundaries: "BoundarySet"
) -> dict[str, float]:
    """Return each country's share of a polygon, on this boundary set."""
    known = set(boundaries.units["country_code"])
    codes = sorted({code for side in sides for code in side} & known)
    lands = {code: shapely.intersection(polygon, places.country_geometry(code, boundaries)) for code in codes}
    return {code: round(km2(land) / area_km2, 4) for code, land in lands.items()}
