"""The values of all criteria of a run's candidates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from biodata import geo
from biodata.analysis.candidates import criteria, network_gain, pressure
from biodata.analysis.candidates.criteria import Plan, Rarity, Value
from biodata.analysis.candidates.governance import Agreement, governance
from biodata.analysis.candidates.ground import land_of
from biodata.analysis.candidates.habitat import Habitat
from biodata.analysis.candidates.judging import Judged
from biodata.analysis.candidates.parameters import CandidateParameters
from biodata.analysis.layer_reading import LayerFile

if TYPE_CHECKING:
    from biodata.analysis.evidence import Counted
    from biodata.places import BoundarySet


@dataclass(frozen=True, eq=False, slots=True)
class Surroundings:
    """What else is known of the run's window; whatever is not given is missing, and said to be.

    Attributes
    ----------
    window : west, south, east, north, optional
        Degrees, WGS 84: clusters are looked for in it, and its land is what ProtConn is a share of. Without it no
        clusters are looked for, and the box of all areas stands for it.
    habitat : Habitat, optional
    layers : sequence of LayerFile
        Population, settlements or roads; the first of these is the measure of human pressure.
    cost_layer : LayerFile, optional
        A raster whose sum over a candidate's ground is its cost.
    plan : Plan, optional
        Reserve plans: how often they take some ground is its irreplaceability.
    agreements : sequence of Agreement, optional
        Between countries; none where the run was told of none.
    """

    window: tuple[float, float, float, float] | None = None
    habitat: Habitat | None = None
    layers: Sequence[LayerFile] = ()
    cost_layer: LayerFile | None = None
    plan: Plan | None = None
    agreements: Sequence[Agreement] | None = None


def measure_by(
    table: gpd.GeoDataFrame,
    records: "Counted | None",
    boundaries: "BoundarySet",
    parameters: CandidateParameters,
    surroundings: Surroundings,
) -> Callable[[Judged], dict[str, Value]]:
    """Return what measures all criteria of a candidate.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        All protected areas of the window, cut to their stated countries, with status, designation, iucn_category.
    records : Counted, optional
        Threatened species, counted by side.
    boundaries : BoundarySet
    parameters : CandidateParameters
    surroundings : Surroundings
    """
    west, south, east, north = (float(v) for v in table.total_bounds)
    window = surroundings.window or (west, south, east, north)
    rarity = None if records is None else Rarity.of_records(records.records, cell_m=parameters.rarity_cell_m)
    network = network_gain.of_areas(
        table.geometry.to_numpy(), land_km2=_land_km2(window, boundaries), dispersal_m=parameters.dispersal_m
    )
    layer = pressure.chosen(surroundings.layers)
    of_cost = surroundings.cost_layer

    def measure(judged: Judged) -> dict[str, Value]:
        ground, polygon = judged.ground, judged.ground.polygon
        lands = {" and ".join(side): land_of(side, boundaries, polygon) for side in ground.sides}
        plan = surroundings.plan
        people = pressure.human_pressure(polygon, layer)
        return {
            "shared_species": criteria.shared_species(judged.species),
            "habitat_continuity": criteria.habitat_continuity(judged.crossing),
            "governance": governance(ground, table, lands, surroundings.agreements),
            "network_gain": criteria.network_gain(network_gain.gain(network, polygon)),
            "irreplaceability": criteria.irreplaceability(
                judged.near, rarity, None if plan is None else criteria.selection_frequency(polygon, plan)
            ),
            "human_pressure": Value(people.value, people.input),
            "cost": criteria.cost(ground, table, None if of_cost is None else pressure.cost_by_layer(polygon, of_cost)),
        }

    return measure


def _land_km2(window: tuple[float, float, float, float], boundaries: "BoundarySet") -> float:
    """Return the land inside a window, km²: the A_L of ProtConn."""
    box = shapely.box(*window)
    shapes = [shapely.intersection(boundaries.shapes[int(i)], box) for i in boundaries.tree.query(box)]
    return float(np.sum(geo.area_km2(shapes)))
