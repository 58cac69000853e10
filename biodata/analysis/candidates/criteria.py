"""What candidates are compared by, once the hard criteria are met: each a number with its unit, direction and meaning."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import polars as pl
import shapely

from biodata import geo
from biodata.analysis.areas import km2
from biodata.analysis.candidates.habitat import Crossing
from biodata.analysis.candidates.pressure import Measured
from biodata.vocabularies import CandidateCriterion

if TYPE_CHECKING:
    from biodata.analysis.candidates.ground import Ground
    from biodata.analysis.evidence import TwoSided

DECIMALS: Final = 6
"""Numbers of a card are told to so many decimals, and had again from these."""


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
"""In the order in which they are told."""


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


def told(values: Mapping[str, Value]) -> dict[str, dict[str, Any]]:
    """Return every criterion with its value, input, direction, unit and meaning, as plain values for JSON."""
    parts: dict[str, dict[str, Any]] = {}
    for criterion in CRITERIA:
        value = values[criterion.name]
        parts[criterion.name] = {
            "value": value.value,
            "direction": criterion.direction,
            "unit": criterion.unit,
            "meaning": criterion.meaning,
            "input": dict(value.input),
        }
        if value.value is None:
            parts[criterion.name]["note"] = "The input is missing: it counts as worse than every known value."
    return parts


def shared_species(found: "TwoSided | None") -> Value:
    """Count the threatened species that are on two sides, certainly or probably."""
    if found is None:
        return Value(None, {"records": None})
    both = {"shared": found.shared, "probably_shared": found.probably_shared, "one_sided": len(found.one_sided)}
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


def irreplaceability(near: pl.DataFrame | None, rarity: Rarity | None, frequency: Measured | None) -> Value:
    """Return rarity-weighted richness; or the mean selection frequency where there is a plan."""
    if frequency is not None:
        return Value(frequency.value, {"of": "selection frequency"} | frequency.input)
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


def selection_frequency(polygon: shapely.Geometry, plan: Plan) -> Measured:
    """Return the mean selection frequency on some ground, by area; of ground outside the plan nothing is told.

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
    told = {"plan": dict(plan.facts), "planned_km2": covered, "area_km2": round(km2(polygon), DECIMALS)}
    if covered == 0:
        return Measured(None, told)
    weighted = round(float((amounts * near["selection_frequency"].to_numpy(dtype=float)).sum()), DECIMALS)
    return Measured(round(weighted / covered, DECIMALS), told | {"frequency_km2": weighted})


def cost(ground: "Ground", areas: gpd.GeoDataFrame, by_layer: Measured | None) -> Value:
    """Return the ground that is in no protected area yet; or what a cost layer told of it, where there is one."""
    if by_layer is not None:
        return Value(by_layer.value, by_layer.input)
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
    at = np.floor(xy / cell_m).astype(np.int64)
    found: dict[str, set[tuple[int, int]]] = {}
    for species, (column, row) in zip(counting["species"], at.tolist(), strict=True):
        found.setdefault(species, set()).add((column, row))
    return found
