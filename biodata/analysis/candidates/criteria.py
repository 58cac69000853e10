"""What candidates are compared by: each a number with its unit, direction and meaning."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import polars as pl
import shapely

from biodata.analysis.areas import km2
from biodata.analysis.candidates.ground import Crossing
from biodata.analysis.grid import Floats, equal_area_grid
from biodata.analysis.layers import LayerFile, read_cells, read_features
from biodata.analysis.rasters import cells_inside
from biodata.core import geo, grouped
from biodata.core.errors import InputError
from biodata.core.vocabularies import CandidateCriterion

if TYPE_CHECKING:
    from biodata.analysis.candidates.ground import Ground
    from biodata.analysis.evidence import TwoSided

THEMES: Final = ("population", "settlements", "roads")
"""Layers that tell of human pressure, the first that there is being the one that is used: several in one number would
need weights that nobody sees."""
LEAST_KNOWN: Final = 0.95
"""Share of the cells on some ground that a cost layer must know."""
_UNITS: Final = {"population": "people per km²", "settlements": "settlements per 100 km²", "roads": "km per km²"}


DECIMALS: Final = 6
"""Numbers of a card are stated to so many decimals, and had again from these."""
IN_FORCE: Final = ("designated", "inscribed", "established", "adopted", "declared", "gazetted")
"""Words of a status that is in force."""
NONE_TOLD: Final = "none was told to this run"
NONE_BINDS: Final = "none of those told to this run binds all of its countries"
_TOLD: Final = ("name", "designation", "iucn_category", "status")


@dataclass(frozen=True, slots=True)
class Value:
    """What one candidate has of one criterion.

    Attributes
    ----------
    value : float, optional
        None where the input is missing.
    input : dict
        The numbers that it was made from.
    """

    value: float | None
    input: Mapping[str, Any] = field(default_factory=dict)


def chosen(layers: Sequence[LayerFile]) -> LayerFile | None:
    """Return the layer that tells of human pressure in a run; None where there is none."""
    ordered = [layer for theme in THEMES for layer in layers if layer.theme == theme]
    return ordered[0] if ordered else None


def human_pressure(polygon: shapely.Geometry, layer: LayerFile | None) -> Value:
    """Measure human pressure on some ground.

    Parameters
    ----------
    polygon : shapely geometry
        Degrees, WGS 84.
    layer : LayerFile, optional
        As `chosen` gives it.

    Returns
    -------
    Value
        People per km², settlements per 100 km², or kilometres of road per km².
    """
    if layer is None:
        return Value(None, {"layer": None})
    area_km2 = km2(polygon)
    theme = layer.theme or ""
    facts = {"layer": layer.name, "theme": theme, "unit": _UNITS[theme], "sha256": layer.sha256}
    found = sum_of_cells(polygon, layer) if layer.form == "raster" else _length_or_count(polygon, layer)
    if found is None or area_km2 <= 0:
        return Value(None, facts | {"amount": None})
    per_km2 = found / area_km2
    value = 100 * per_km2 if theme == "settlements" else per_km2
    return Value(round(value, 6), facts | {"amount": round(found, 6), "area_km2": round(area_km2, 6)})


def cost_by_layer(polygon: shapely.Geometry, layer: LayerFile) -> Value:
    """Return what some ground costs by a layer: the sum of its cells there.

    Parameters
    ----------
    polygon : shapely geometry
        Degrees, WGS 84.
    layer : LayerFile
        A raster of quantities.

    Returns
    -------
    Value
        None where the layer knows less than `LEAST_KNOWN` of the ground: what is not known would count as free.
    """
    found, within = _cells_on(polygon, layer)
    known = found[np.isfinite(found)]
    share = within * known.size / found.size if found.size else 0.0
    facts: dict[str, Any] = {
        "layer": layer.name, "sha256": layer.sha256, "cells": int(found.size), "known_share": round(share, 6),
        "least_known_share": LEAST_KNOWN,
    }  # fmt: skip
    if share < LEAST_KNOWN:
        return Value(None, facts)
    return Value(round(float(known.sum()), 6), facts)


def sum_of_cells(polygon: shapely.Geometry, layer: LayerFile) -> float | None:
    """Return the sum of a raster's cells whose middles lie on some ground (degrees, WGS 84); None where none is known."""
    found, _ = _cells_on(polygon, layer)
    known = found[np.isfinite(found)]
    return float(known.sum()) if known.size else None


def _cells_on(polygon: shapely.Geometry, layer: LayerFile) -> tuple[Floats, float]:
    """Return a raster's cells whose middles lie on some ground, nan where they hold no data, and its share within it."""
    try:
        values, own = read_cells(layer, equal_area_grid(shapely.bounds(polygon), 1000.0))
    except InputError as error:
        if error.code != "RASTER_OUTSIDE":
            raise
        return np.empty(0), 0.0
    flat = geo.project(polygon, 4326, own.crs)
    whole = shapely.area(flat)
    within = (
        shapely.area(shapely.intersection(shapely.make_valid(flat), shapely.box(*own.bounds))) / whole if whole else 0.0
    )
    return values.ravel()[cells_inside(flat, own)], float(within)


def _length_or_count(polygon: shapely.Geometry, layer: LayerFile) -> float:
    """Return kilometres of lines, or the number of points and polygons, on some ground."""
    grid = equal_area_grid(shapely.bounds(polygon), 1000.0)
    own = shapely.make_valid(geo.project(polygon, 4326, grid.crs))
    shapes = np.asarray(read_features(layer, grid).geometry, dtype=object)
    shapes = shapes[shapely.intersects(shapes, own)] if len(shapes) else shapes
    lines = shapely.get_dimensions(shapes) == 1
    if layer.theme == "roads":
        # In degrees, on the ellipsoid: the plane keeps areas, not lengths.
        parts = shapely.get_parts(geo.project(shapely.intersection(shapes[lines], own), grid.crs, 4326))
        return float(sum(_length_km(part) for part in parts if shapely.get_dimensions(part) == 1))
    return float(len(shapes))


def _length_km(line: shapely.Geometry) -> float:
    """Return the length of a line (degrees, WGS 84), km."""
    at = shapely.get_coordinates(line)
    return float(geo.geodesic_distance_m(at[:-1, 0], at[:-1, 1], at[1:, 0], at[1:, 1]).sum()) / 1000


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that candidates are compared by.

    Attributes
    ----------
    name : CandidateCriterion
    direction : str
        `more` or `less`: which is better.
    unit, meaning : str
    """

    name: CandidateCriterion
    direction: str
    unit: str
    meaning: str


CRITERIA: Final = (
    Criterion(CandidateCriterion.SHARED_SPECIES, "more", "species", "Threatened species whose evidence on two sides is certain or probable."),
    Criterion(
        CandidateCriterion.HABITAT_CONTINUITY, "more", "share of the ground",
        "Habitat in pieces that go on over the line, beyond the band on both sides, divided by all ground.",
    ),
    Criterion(
        CandidateCriterion.GOVERNANCE, "more", "share of the side's ground",
        "Ground in protected areas whose status is in force, on the side that has least of it.",
    ),
    Criterion(
        CandidateCriterion.NETWORK_GAIN, "more", "percent",
        "By how much joining raises the equivalent connected area (dECA) of all protected ground; ProtConn rises alike.",
    ),
    Criterion(
        CandidateCriterion.IRREPLACEABILITY, "more", "sum of shares",
        "Rarity-weighted richness: for each threatened species the share of its occupied cells that lie here; or the mean "
        "selection frequency of a reserve plan.",
    ),
    Criterion(CandidateCriterion.HUMAN_PRESSURE, "less", "by the layer", "People, settlements or roads on its ground."),
    Criterion(CandidateCriterion.COST, "less", "km² or the layer's unit", "Ground that is in no protected area yet, or its cost by a layer."),
)  # fmt: skip
"""In the order in which they are stated."""


def with_meanings(values: Mapping[str, Value]) -> dict[str, dict[str, Any]]:
    """Return every criterion with its value, input, direction, unit and meaning, as plain values for JSON."""
    parts: dict[str, dict[str, Any]] = {}
    for criterion in CRITERIA:
        value = values[criterion.name]
        parts[criterion.name] = {
            "value": value.value, "direction": criterion.direction, "unit": criterion.unit,
            "meaning": criterion.meaning, "input": dict(value.input),
        }  # fmt: skip
        if value.value is None:
            parts[criterion.name]["note"] = "The input is missing: it counts as worse than every known value."
    return parts


def shared_species(found: "TwoSided | None") -> Value:
    """Count the threatened species that are on two sides, certainly or probably; those by checklists stand beside."""
    if found is None:
        return Value(None, {"records": None})
    both = {"shared": found.shared, "probably_shared": found.probably_shared, "one_sided": len(found.one_sided)}
    both |= {"shared_by_list": found.shared_by_list} if found.listed else {}
    return Value(float(len(found.shared) + len(found.probably_shared)), both)


def habitat_continuity(found: Crossing | None) -> Value:
    """Divide the habitat that goes on over the line by all ground."""
    if found is None or found.known_km2 == 0:
        return Value(None, {"habitat_known": False})
    numbers = {
        "crossing_habitat_km2": found.crossing_km2,
        "habitat_km2": found.habitat_km2,
        "known_km2": found.known_km2,
        "ground_km2": found.ground_km2,
    }
    return Value(round(found.crossing_km2 / found.ground_km2, DECIMALS), numbers)


def network_gain(found: Mapping[str, float | None]) -> Value:
    """Take dECA from `network_gain.gain`; ProtConn with and without it stands beside."""
    return Value(found["deca_percent"], {k: v for k, v in found.items() if k != "deca_percent"})


@dataclass(frozen=True, slots=True)
class Rarity:
    """In which cells each threatened species has records that count.

    Attributes
    ----------
    cells : dict of str to set of (int, int)
        All its cells in the run's window, by species.
    cell_m : float
        Side of a cell, metres.
    """

    cells: dict[str, set[tuple[int, int]]]
    cell_m: float

    @classmethod
    def of_records(cls, records: pl.DataFrame, *, cell_m: float) -> "Rarity":
        """Count the cells of records that count (`why_not` is null)."""
        return cls(_cells(records, cell_m), cell_m)


def irreplaceability(near: pl.DataFrame | None, rarity: Rarity | None, frequency: Value | None) -> Value:
    """Return rarity-weighted richness; or the mean selection frequency where there is a plan."""
    if frequency is not None:
        return Value(frequency.value, {"of": "selection frequency", **frequency.input})
    if near is None or rarity is None:
        return Value(None, {"records": None})
    here = _cells(near, rarity.cell_m)
    by_species = {name: {"here": len(cells), "window": len(rarity.cells[name])} for name, cells in sorted(here.items())}
    total = sum(count["here"] / count["window"] for count in by_species.values())
    return Value(round(total, DECIMALS), {"cells_by_species": by_species, "cell_m": rarity.cell_m})


@dataclass(frozen=True, eq=False, slots=True)
class Plan:
    """Reserve plans that were solved before.

    Attributes
    ----------
    units : geopandas.GeoDataFrame
        Planning units with `selection_frequency`, 0-1; degrees, WGS 84.
    facts : mapping
        Where they come from, as plain values for the card.
    """

    units: gpd.GeoDataFrame
    facts: Mapping[str, Any] = field(default_factory=dict)


def selection_frequency(polygon: shapely.Geometry, plan: Plan) -> Value:
    """Return the mean selection frequency on some ground, by area; of ground outside the plan nothing is stated.

    Parameters
    ----------
    polygon : shapely geometry
        Degrees, WGS 84.
    plan : Plan
    """
    units = plan.units
    near = units[np.asarray(shapely.intersects(units.geometry.to_numpy(), polygon), dtype=bool)]
    amounts = geo.area_km2(shapely.intersection(near.geometry.to_numpy(), polygon))
    covered = round(float(amounts.sum()), DECIMALS)
    facts = {"plan": dict(plan.facts), "planned_km2": covered, "area_km2": round(km2(polygon), DECIMALS)}
    if covered == 0:
        return Value(None, facts)
    weighted = round(float((amounts * near["selection_frequency"].to_numpy(dtype=float)).sum()), DECIMALS)
    return Value(round(weighted / covered, DECIMALS), facts | {"frequency_km2": weighted})


def cost(ground: "Ground", areas: gpd.GeoDataFrame, by_layer: Value | None) -> Value:
    """Return the ground that is in no protected area yet; or what a cost layer stated of it, where there is one."""
    if by_layer is not None:
        return by_layer
    shapes = areas.geometry.to_numpy()
    near = shapes[np.asarray(shapely.intersects(shapes, ground.polygon), dtype=bool)]
    area = round(km2(ground.polygon), DECIMALS)
    protected = round(km2(shapely.intersection(shapely.union_all(near), ground.polygon)), DECIMALS)
    return Value(round(max(0.0, area - protected), DECIMALS), {"area_km2": area, "protected_km2": protected})


def _cells(records: pl.DataFrame, cell_m: float) -> dict[str, set[tuple[int, int]]]:
    """Return the cells of an equal-area system that hold records that count, by species."""
    counting = records.filter(pl.col("why_not").is_null())
    if counting.is_empty():
        return {}
    xy = geo.project(counting.select("decimalLongitude", "decimalLatitude").to_numpy(), 4326, "EPSG:6933")
    at = map(tuple, np.floor(xy / cell_m).astype(np.int64).tolist())
    return {species: set(cells) for species, cells in grouped(zip(counting["species"], at, strict=True)).items()}


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement between countries.

    Attributes
    ----------
    name : str
    country_codes : tuple of str
        The countries that it binds, ISO 3166-1 alpha-2, in order.
    source : str, optional
        Where it is stated.
    """

    name: str
    country_codes: tuple[str, ...]
    source: str | None = None


def governance(
    ground: "Ground",
    areas: gpd.GeoDataFrame,
    lands: Mapping[str, shapely.Geometry],
    agreements: Sequence[Agreement] | None,
) -> Value:
    """Take the share of each side's ground that is protected with a status in force, and of these the least.

    Parameters
    ----------
    ground : Ground
    areas : geopandas.GeoDataFrame
        Protected areas with status, designation, iucn_category; degrees, WGS 84.
    lands : mapping of str to shapely geometry
        The ground on each side's own land, by the side's name.
    agreements : sequence of Agreement, optional
        All that were stated to the run; those that bind every country of the ground are named. They change no number.
    """
    near = areas[np.asarray(shapely.intersects(areas.geometry.to_numpy(), ground.polygon), dtype=bool)]
    shapes = near.geometry.to_numpy()
    status = [one.strip().lower() if isinstance(one, str) and one.strip() else None for one in near["status"]]
    in_force = np.array([one is not None and one.startswith(IN_FORCE) for one in status], dtype=bool)
    not_told = np.array([one is None for one in status], dtype=bool)
    shares: dict[str, float | None] = {}
    sides = {}
    for name, land in lands.items():
        ground_km2 = round(km2(land), DECIMALS)
        protected = round(km2(shapely.intersection(shapely.union_all(shapes[in_force]), land)), DECIMALS)
        unknown = shapely.difference(shapely.union_all(shapes[not_told]), shapely.union_all(shapes[in_force]))
        unknown_km2 = round(km2(shapely.intersection(unknown, land)), 3)
        sides[name] = {"ground_km2": ground_km2, "in_force_km2": protected, "status_not_told_km2": unknown_km2}
        shares[name] = round(protected / ground_km2, DECIMALS) if ground_km2 > 0 and unknown_km2 == 0 else None
    known = [share for share in shares.values() if share is not None]
    numbers = {
        "sides": sides,
        "areas": [
            # pandas has nan for a text that is not stated.
            {name: row[name] if isinstance(row[name], str) else None for name in _TOLD}
            for row in near.to_dict("records")
        ],
        "agreements": _binding(ground, agreements),
    }
    return Value(min(known) if len(known) == len(shares) and known else None, numbers)


def _binding(ground: "Ground", agreements: Sequence[Agreement] | None) -> list[dict[str, Any]] | str:
    """Return the agreements that bind every country of some ground, as plain values; or why there is none."""
    if agreements is None:
        return NONE_TOLD
    binding = [one for one in agreements if set(ground.codes) <= set(one.country_codes)]
    return [asdict(one) | {"country_codes": list(one.country_codes)} for one in binding] or NONE_BINDS


@dataclass(frozen=True, slots=True)
class CandidateParameters:
    """What a run for candidates decides.

    Attributes
    ----------
    facing_distance_m : float
        Areas whose edges lie this near face each other, metres.
    evidence_distance_m : float
        Records count up to this far around the candidate, metres.
    beyond_band_km2 : float
        Ground that a candidate needs on each side farther from the other side than the boundary set's band, km².
    habitat_resistance : float
        Resistance up to which a cell counts as habitat.
    dispersal_m : float
        Median dispersal distance of the network's gain, metres: half of all moves get so far.
    rarity_cell_m : float
        Side of the cells in which the rarity of a species is counted, metres.
    border_reach_m : float
        Clusters of ground are looked for up to this far from the other country, metres.
    cluster_cell_m : float
        Side of a cluster's cells, metres.
    cluster_reach_m : float
        Distance to a record at which its worth has fallen to 1/e, and least distance between clusters, metres.
    cluster_share : float
        Largest share of the land within `border_reach_m` that clusters take.
    most_clusters : int
        Clusters that share that land between them; 0 for none.
    first : int
        Ranks 1 to this are stated as one share as well.
    draws : int
        Weight vectors that are drawn.
    seed : int
        Start of the draws.
    criteria : tuple of str
        Of CandidateCriterion: what candidates are ranked by; the others are stated all the same.
    """

    facing_distance_m: float = 10_000.0
    evidence_distance_m: float = 5_000.0
    beyond_band_km2: float = 1.0
    habitat_resistance: float = 10.0
    dispersal_m: float = 10_000.0
    rarity_cell_m: float = 10_000.0
    border_reach_m: float = 50_000.0
    cluster_cell_m: float = 2_500.0
    cluster_reach_m: float = 10_000.0
    cluster_share: float = 0.05
    most_clusters: int = 5
    first: int = 3
    draws: int = 10_000
    seed: int = 1
    criteria: tuple[str, ...] = tuple(CandidateCriterion)

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain values for the evidence."""
        return asdict(self) | {"criteria": [str(one) for one in self.criteria]}
