"""The values of all criteria of a run's candidates, with what joining adds to the network of protected ground.

Nodes are pieces of protected ground, overlaps counted once, as in ProtConn (Saura et al. 2017,
https://doi.org/10.1016/j.ecolind.2016.12.047). The candidate's polygon becomes one piece with every piece that it
touches. dECA after Saura et al. 2011, https://doi.org/10.1016/j.ecolind.2010.06.011.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from biodata.analysis.candidates import criteria
from biodata.analysis.candidates.criteria import Agreement, CandidateParameters, Plan, Rarity, Value, governance
from biodata.analysis.candidates.ground import Habitat, land_of
from biodata.analysis.candidates.judging import Judged
from biodata.analysis.grid import Floats, Ints
from biodata.analysis.layers import LayerFile
from biodata.analysis.networks import connectivity, graphs, protconn, protconn_pieces
from biodata.core import geo

if TYPE_CHECKING:
    from biodata.analysis.evidence import Checklists, Counted
    from biodata.places import BoundarySet


_DECIMALS = 6


@dataclass(frozen=True, eq=False, slots=True)
class Network:
    """Protected ground as nodes.

    Attributes
    ----------
    crs : pyproj.CRS
        An equal-area system, metres.
    pieces : ndarray of n shapely polygons
        In that system; none touches another.
    first, second : ndarray of int64, (m,)
        Pairs near enough for a move to count.
    distance_m : ndarray of float64, (m,)
        Between their edges, metres.
    land_km2 : float
        Land of the window, the A_L of ProtConn, km².
    dispersal_m, reach_m : float
        Median dispersal distance, and the distance beyond which moves are left out, metres.
    eca_km2 : float
        Equivalent connected area as it stands, km².
    """

    crs: CRS
    pieces: NDArray[np.object_]
    first: Ints
    second: Ints
    distance_m: Floats
    land_km2: float
    dispersal_m: float
    reach_m: float
    eca_km2: float


def of_areas(shapes: NDArray[np.object_], *, land_km2: float, dispersal_m: float) -> Network:
    """Make the network of protected areas as they stand.

    Parameters
    ----------
    shapes : ndarray of shapely polygons
        Degrees, WGS 84.
    land_km2 : float
        Land of the window, km².
    dispersal_m : float
        Median dispersal distance, metres.
    """
    crs = geo.equal_area_crs(shapely.total_bounds(shapes) if len(shapes) else (100.0, 15.0, 101.0, 16.0))
    union = (
        shapely.union_all(shapely.make_valid(geo.project(shapes, 4326, crs))) if len(shapes) else shapely.MultiPolygon()
    )
    parts = shapely.get_parts(union)
    pieces = parts[shapely.area(parts) > 0]
    reach_m = protconn.reach_of(dispersal_m, 0.5)
    first, second, distance = (
        protconn_pieces.within_reach(pieces, reach_m=reach_m)
        if len(pieces) > 1
        else (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
    )
    eca = _eca_km2(shapely.area(pieces), first, second, distance, dispersal_m)
    return Network(crs, pieces, first, second, distance, land_km2, dispersal_m, reach_m, eca)


def gain(network: Network, polygon: shapely.Geometry) -> dict[str, float | None]:
    """Return what a candidate's polygon would add.

    Parameters
    ----------
    network : Network
    polygon : shapely geometry
        Degrees, WGS 84.

    Returns
    -------
    dict
        `eca_without_km2`, `eca_with_km2`, `land_km2`, `protconn_without`, `protconn_with` (percent of the land), `dispersal_m`
        and `deca_percent`, (with - without) / without; None where there is nothing yet to add to.
    """
    own = shapely.make_valid(geo.project(polygon, 4326, network.crs))
    touched = np.asarray(shapely.intersects(network.pieces, own), dtype=bool)
    joined = shapely.union_all([own, *network.pieces[touched]])
    others = network.pieces[~touched]
    number = np.cumsum(~touched) - 1
    apart = ~touched[network.first] & ~touched[network.second]
    to_joined = np.asarray(shapely.distance(others, joined), dtype=np.float64)
    near = np.flatnonzero(to_joined <= network.reach_m)
    eca = _eca_km2(
        np.append(shapely.area(others), shapely.area(joined)),
        np.append(number[network.first[apart]], near),
        np.append(number[network.second[apart]], np.full(near.size, len(others))),
        np.append(network.distance_m[apart], to_joined[near]),
        network.dispersal_m,
    )
    without, after = round(network.eca_km2, _DECIMALS), round(eca, _DECIMALS)
    return {
        "eca_without_km2": without,
        "eca_with_km2": after,
        "deca_percent": round(100 * (after - without) / without, _DECIMALS) if without > 0 else None,
        "land_km2": round(network.land_km2, _DECIMALS),
        "protconn_without": round(100 * without / network.land_km2, _DECIMALS),
        "protconn_with": round(100 * after / network.land_km2, _DECIMALS),
        "dispersal_m": network.dispersal_m,
    }


def _eca_km2(area_m2: Floats, first: Ints, second: Ints, distance_m: Floats, dispersal_m: float) -> float:
    """Return the equivalent connected area of some nodes, km²."""
    if not len(area_m2):
        return 0.0
    chance = graphs.probabilities_at(distance_m, known_distance=dispersal_m)
    graph = graphs.with_probabilities(len(area_m2), first, second, chance)
    return float(connectivity.overall(np.asarray(area_m2) / 1e6, probability=graph)["ECA"] or 0.0)


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
        Between countries; none where the run was stated of none.
    checklists : Checklists
        Threatened species of protected areas by checklists, by the area's id.
    """

    window: tuple[float, float, float, float] | None = None
    habitat: Habitat | None = None
    layers: Sequence[LayerFile] = ()
    cost_layer: LayerFile | None = None
    plan: Plan | None = None
    agreements: Sequence[Agreement] | None = None
    checklists: "Checklists" = field(default_factory=dict)


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
    network = of_areas(
        table.geometry.to_numpy(), land_km2=_land_km2(window, boundaries), dispersal_m=parameters.dispersal_m
    )
    layer = criteria.chosen(surroundings.layers)
    of_cost = surroundings.cost_layer

    def measure(judged: Judged) -> dict[str, Value]:
        ground, polygon = judged.ground, judged.ground.polygon
        lands = {" and ".join(side): land_of(side, boundaries, polygon) for side in ground.sides}
        plan = surroundings.plan
        return {
            "shared_species": criteria.shared_species(judged.species),
            "habitat_continuity": criteria.habitat_continuity(judged.crossing),
            "governance": governance(ground, table, lands, surroundings.agreements),
            "network_gain": criteria.network_gain(gain(network, polygon)),
            "irreplaceability": criteria.irreplaceability(
                judged.near, rarity, None if plan is None else criteria.selection_frequency(polygon, plan)
            ),
            "human_pressure": criteria.human_pressure(polygon, layer),
            "cost": criteria.cost(ground, table, None if of_cost is None else criteria.cost_by_layer(polygon, of_cost)),
        }

    return measure


def _land_km2(window: tuple[float, float, float, float], boundaries: "BoundarySet") -> float:
    """Return the land inside a window, km²: the A_L of ProtConn."""
    box = shapely.box(*window)
    shapes = [shapely.intersection(boundaries.shapes[int(i)], box) for i in boundaries.tree.query(box)]
    return float(np.sum(geo.area_km2(shapes)))
