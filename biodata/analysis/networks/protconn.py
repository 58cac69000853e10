"""ProtConn: how much of a region is protected and connected, and through what (Saura et al. 2017, 2018).

ProtConn = 100 ECA / A_L, where ECA = sqrt(sum a_i a_j p*_ij) over the pieces of protected ground in the region and A_L
is the region's area. p = exp(-alpha d) of the distance d from edge to edge, 0.5 at the median dispersal distance; p* is
the best product along a path, which may lead over pieces beyond the border. Saura et al. 2017,
https://doi.org/10.1016/j.ecolind.2016.12.047; 2018, https://doi.org/10.1016/j.biocon.2017.12.020.
"""

import math
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import shapely

from biodata.analysis.bucket_queue import Floats, Ints
from biodata.analysis.networks import connectivity, graphs
from biodata.analysis.networks.protconn_pieces import Pieces, cut

M2_PER_KM2: Final = 1e6
_LEAST_PROBABILITY: Final = 1e-9
"""Direct moves less likely are left out: ECA changes by less than a billionth of all protected ground."""


@dataclass(frozen=True, slots=True)
class ProtConn:
    """ProtConn of a region and its fractions.

    Percent of the region, where nothing else is said. Fractions of ProtConn are nan where it is 0.

    Attributes
    ----------
    distance_m, probability : float
        The dispersal distance and its probability.
    region_km2, protected_km2 : float
        Areas of the region (A_L) and of the protected ground in it, overlaps counted once.
    pieces, beyond : int
        Numbers of pieces of protected ground inside and beyond the border.
    eca_km2, pc : float
        Equivalent connected area and probability of connectivity.
    prot, unprotected, protconn, protunconn : float
        Protected, not protected, protected and connected, protected and not connected: prot = protconn + protunconn.
    relconn : float
        Percent of the protected that is connected: 100 protconn / prot.
    protunconn_design, protconn_bound : float
        What is not connected though the region's land could connect it, and ProtConn where isolation by sea and foreign
        land is not counted: prot = protunconn_design + protconn_bound.
    prot_fraction, trans, unprot : float
        Percent of ProtConn through protected ground only (ProtConn[Prot]), by the help of pieces beyond the border
        (ProtConn[Trans]), over unprotected ground (ProtConn[Unprot]); together 100.
    within, contig : float
        Percent of ProtConn inside single protected areas (ProtConn[Within]) and through contiguous ones
        (ProtConn[Contig]); together ProtConn[Prot].
    """

    distance_m: float
    probability: float
    region_km2: float
    protected_km2: float
    pieces: int
    beyond: int
    eca_km2: float
    pc: float
    prot: float
    unprotected: float
    protconn: float
    protunconn: float
    relconn: float
    protunconn_design: float
    protconn_bound: float
    prot_fraction: float
    trans: float
    unprot: float
    within: float
    contig: float

    def as_dict(self) -> dict[str, float | int]:
        """Return the values by the names that MK_ProtConn prints, areas in km²; `_land` are percents of the region.

        ProtConn_Contig is ProtConn_Prot - ProtConn_Within, as in the papers and Makurhini 1.
        """
        fractions = {
            "ProtConn_Prot": self.prot_fraction,
            "ProtConn_Trans": self.trans,
            "ProtConn_Unprot": self.unprot,
            "ProtConn_Within": self.within,
            "ProtConn_Contig": self.contig,
        }
        land = {
            f"{name}_land": 0.0 if math.isnan(value) else value * self.protconn / 100
            for name, value in fractions.items()
            if name != "ProtConn_Prot"
        }
        return {
            "EC(PC)": self.eca_km2,
            "PC": self.pc,
            "Maximum landscape attribute": self.region_km2,
            "Protected surface": self.protected_km2,
            "Prot": self.prot,
            "Unprotected": self.unprotected,
            "ProtConn": self.protconn,
            "ProtUnconn": self.protunconn,
            "ProtUnconn_Design": self.protunconn_design,
            "ProtConn_Bound": self.protconn_bound,
            "RelConn": self.relconn,
            **fractions,
            **{
                f"ProtConn_{part}_land": land[f"ProtConn_{part}_land"]
                for part in ("Within", "Contig", "Unprot", "Trans")
            },
            "pieces": self.pieces,
            "pieces beyond the border": self.beyond,
        }


def protconn(
    areas: gpd.GeoDataFrame | gpd.GeoSeries, region: gpd.GeoDataFrame | gpd.GeoSeries | shapely.Geometry, *,
    distance_m: float = 10_000.0, probability: float = 0.5, transboundary_m: float | None = 50_000.0,
) -> ProtConn:  # fmt: skip
    """Return ProtConn of a region.

    Parameters
    ----------
    areas : GeoDataFrame or GeoSeries
        Protected areas, those of neighbours too.
    region : GeoDataFrame, GeoSeries or polygon
        A country, a landscape; a bare geometry is in degrees, WGS 84.
    distance_m, probability : float
        A dispersal distance and its probability; 0.5 makes it the median.
    transboundary_m : float, optional
        See `protconn_pieces.cut`.

    Returns
    -------
    ProtConn

    Raises
    ------
    InputError
        If a table states no coordinate system, or the region has no area.
    ValueError
        If the distance is not positive, or the probability not between 0 and 1.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> parks = gpd.GeoSeries([shapely.box(0, 0, 3000, 4000), shapely.box(13000, 0, 16000, 4000)], crs="ESRI:54034")
    >>> found = protconn(parks, gpd.GeoSeries([shapely.box(0, 0, 20000, 10000)], crs="ESRI:54034"))
    >>> round(found.prot, 3), round(found.protconn, 3)  # 100 * 24 / 200; 100 * sqrt(2 * 12² * 1.5) / 200
    (12.0, 10.392)
    """
    reach_m = reach_of(distance_m, probability)
    pieces = cut(areas, region, transboundary_m=transboundary_m, reach_m=reach_m)
    return of_pieces(pieces, distance_m=distance_m, probability=probability)


def reach_of(distance_m: float, probability: float) -> float:
    """Return the distance beyond which direct moves are too unlikely to count, metres."""
    if not (0 < distance_m < math.inf and 0 < probability < 1):
        msg = f"the distance must be positive ({distance_m}) and its probability between 0 and 1 ({probability})"
        raise ValueError(msg)
    return distance_m * math.log(_LEAST_PROBABILITY) / math.log(probability)


def of_pieces(pieces: Pieces, *, distance_m: float, probability: float = 0.5) -> ProtConn:
    """Return ProtConn for pieces that were cut once, so that several dispersal distances need no new geometry.

    Parameters
    ----------
    pieces : Pieces
        Cut with a reach of at least `reach_of` the largest distance.
    distance_m, probability : float
        A dispersal distance and its probability.

    Returns
    -------
    ProtConn
    """
    area = pieces.area_m2
    protected = float(area.sum())
    root_of_squares = math.sqrt(float((area**2).sum()))

    def eca(nodes: int, first: Ints, second: Ints, distance: Floats, weights: Floats, least: float) -> float:
        chance = graphs.probabilities_at(distance, known_distance=distance_m, probability=probability)
        graph = graphs.with_probabilities(nodes, first, second, chance)
        total = connectivity.sweep(graph, weights, active=np.ones(nodes, dtype=np.bool_))[0][0]
        return min(max(math.sqrt(total), least), protected)  # rounding aside

    whole = eca(len(area), pieces.first, pieces.second, pieces.distance_m, area, root_of_squares)
    alone = whole
    if pieces.beyond:
        own = (pieces.first < pieces.inside) & (pieces.second < pieces.inside)
        alone = eca(
            pieces.inside, pieces.first[own], pieces.second[own], pieces.distance_m[own], area[: pieces.inside],
            root_of_squares,
        )  # fmt: skip
    land = np.zeros(pieces.lands + pieces.beyond)
    np.add.at(land, pieces.land_of, area[: pieces.inside])
    # As if the region's land were protected throughout: what is apart then is apart by sea or foreign land.
    bound = eca(land.size, pieces.land_first, pieces.land_second, pieces.land_distance_m, land, whole)
    sites = pieces.sites_m2
    within = math.sqrt(float((sites**2).sum()) * protected / float(sites.sum())) if protected else 0.0
    within = min(within, root_of_squares)  # many copies of a large area would push it over
    of_region, of_protconn = 100 / pieces.region_m2, 100 / whole if whole else math.nan
    prot, connected, design = protected * of_region, whole * of_region, (bound - whole) * of_region
    return ProtConn(
        distance_m=distance_m,
        probability=probability,
        region_km2=pieces.region_m2 / M2_PER_KM2,
        protected_km2=protected / M2_PER_KM2,
        pieces=pieces.inside,
        beyond=pieces.beyond,
        eca_km2=whole / M2_PER_KM2,
        pc=(whole / pieces.region_m2) ** 2,
        prot=prot,
        unprotected=100 - prot,
        protconn=connected,
        protunconn=prot - connected,
        relconn=100 * whole / protected if protected else math.nan,
        protunconn_design=design,
        protconn_bound=prot - design,
        prot_fraction=root_of_squares * of_protconn,
        trans=(whole - alone) * of_protconn,
        unprot=(alone - root_of_squares) * of_protconn,
        within=within * of_protconn,
        contig=(root_of_squares - within) * of_protconn,
    )
