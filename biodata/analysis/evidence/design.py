"""The next survey that would settle a corridor: where to put cameras or walk transects, on both sides, and what it can tell.

Stations stand on a square grid inside the corridor, where a detection would surely be of one side, in cells without effort
for the species, where it can be reached. Of those the ones go first whose corridor value is the highest; each station that
a cell of the effort grid has already lowers what a further one there is worth, so that the survey spreads.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import polars as pl
import shapely

from biodata import geo
from biodata.analysis.evidence import stations as stations_of
from biodata.analysis.evidence.detection import Detection, missed, nights_needed, smallest_use
from biodata.analysis.evidence.effort import Effort
from biodata.analysis.evidence.stations import Values
from biodata.errors import InputError
from biodata.geo import Floats

if TYPE_CHECKING:
    from biodata.places import BoundarySet

Kind = Literal["camera", "transect"]
STATIONS: Final = pl.Schema(
    {
        "station_id": pl.String,
        "kind": pl.String,
        "side": pl.String,
        "order": pl.Int64,
        "decimalLongitude": pl.Float64,
        "decimalLatitude": pl.Float64,
        "end_longitude": pl.Float64,
        "end_latitude": pl.Float64,
        "value": pl.Float64,
        "nights": pl.Int64,
    }
)
"""One row a station: a camera stands at the place; a transect leads from the place to its end. `order` tells which matters
most on its side, `value` the corridor's there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignParameters:
    """What a survey may spend.

    Attributes
    ----------
    kind : camera or transect
    stations : int
        Stations of both sides together, in equal parts.
    spacing_m : float
        Least distance between neighbours, metres.
    transect_m : float
        Length of a transect, metres.
    nights : int, optional
        Nights of each camera, or walks of each transect; as many as `detection` needs where it is not told.
    place_m : float
        Radius in which a team will find a place to its liking, with its receiver's error, metres.
    detection : Detection
    """

    kind: Kind = "camera"
    stations: int = 20
    spacing_m: float = 2_000.0
    transect_m: float = 2_000.0
    nights: int | None = None
    place_m: float = 100.0
    detection: Detection = field(default_factory=Detection)

    def __post_init__(self) -> None:
        if self.kind not in ("camera", "transect"):
            problem = "no kind of survey"
            raise InputError(problem, column="kind", value=self.kind, expected="camera, transect")
        for name in ("stations", "spacing_m", "transect_m", "place_m"):
            if not getattr(self, name) > 0:
                problem = f"{name} must be above 0"
                raise InputError(problem, column=name, value=str(getattr(self, name)), code="PARAMETERS_INVALID")

    def told(self) -> dict[str, Any]:
        """Return the parameters as plain values."""
        nights = self.nights or nights_needed(self.detection)
        plain = {"kind": self.kind, "stations": self.stations, "spacing_m": self.spacing_m, "place_m": self.place_m}
        length = {"transect_m": self.transect_m} if self.kind == "transect" else {}
        return plain | length | {"nights": nights, "detection": self.detection.told()}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A survey proposed.

    Attributes
    ----------
    stations : polars.DataFrame of STATIONS
        In the order of sides, the most valuable first.
    settles : dict of str to dict
        By side: `stations`, `cells_without_effort`, `cells_reached`, `value_share` of the places without effort that these
        cells have, `miss_where_used` (chance to miss the species in a cell that it uses), `smallest_use` (the least
        share of cells that it must use to be missed less often than the limit; null where the survey cannot settle it),
        `range` (by low, middle and high chance of detection: the chance, `nights_needed` at a station, `smallest_use`
        with the nights planned), `says`, the same in words.
    facts : dict
        Everything that it was made of, as plain values.
    sharing_category : str
        That of the effort that it was made of.
    """

    stations: pl.DataFrame
    settles: dict[str, dict[str, Any]]
    facts: dict[str, Any]
    sharing_category: str


def propose(
    effort: Effort,
    corridor: shapely.Geometry,
    sides: list[tuple[str, ...]],
    *,
    boundaries: "BoundarySet",
    parameters: DesignParameters,
    path: shapely.Geometry | None = None,
    value: Values | None = None,
    reachable: shapely.Geometry | None = None,
) -> Proposal:
    """Propose the next survey.

    Parameters
    ----------
    effort : Effort
        Of the species, over the corridor.
    corridor : shapely polygon
        Degrees, WGS 84.
    sides : list of tuple of str
        The country codes of each side.
    boundaries : BoundarySet
    parameters : DesignParameters
    path : shapely line, optional
        The least-cost path, degrees; without `value` a place is worth more the nearer it lies. Transects cross it.
    value : callable, optional
        What the corridor is worth at places: current, for example.
    reachable : shapely geometry, optional
        Where teams can go, degrees. Where it is not given everything counts as reachable, and `facts` say so.

    Returns
    -------
    Proposal
        Fewer stations than asked where a side has no more places.

    Raises
    ------
    InputError
        If the spacing makes too many places.
    """
    flat = geo.project(geo.densify(corridor, max_segment_degrees=0.1), 4326, effort.grid.crs)
    line = None if path is None else geo.project(path, 4326, effort.grid.crs)
    places = stations_of.places(flat, effort, parameters.spacing_m)
    xy = places.select("x", "y").to_numpy()
    start, end = xy, xy
    if parameters.kind == "transect":
        half = stations_of.across(xy, line) * parameters.transect_m / 2
        start, end = xy - half, xy + half
    lonlat = [geo.project(part, effort.grid.crs, 4326) for part in (xy, start, end)]
    worth = stations_of.worth(lonlat[0], xy, flat, line, value)
    side = stations_of.sure_side(lonlat, sides, boundaries, parameters.place_m)
    fit = np.isfinite(worth) & (worth > 0)
    if reachable is not None:
        shapely.prepare(reachable)
        fit &= shapely.intersects_xy(reachable, lonlat[0][:, 0], lonlat[0][:, 1])
    nights = parameters.nights or nights_needed(parameters.detection)
    rows: list[dict[str, Any]] = []
    settles: dict[str, dict[str, Any]] = {}
    for number, codes in enumerate(sides):
        name = "+".join(codes)
        quota = parameters.stations // len(sides) + (number < parameters.stations % len(sides))
        mine = np.flatnonzero(side == number)
        cells = places["cell"].to_numpy()
        chosen = stations_of.greedy(mine[fit[mine]], worth, cells, quota)
        for order, at in enumerate(chosen, start=1):
            (longitude, latitude), (last_longitude, last_latitude) = lonlat[1][at], lonlat[2][at]
            rows.append(
                {
                    "station_id": f"{name}-{order:03}", "kind": parameters.kind, "side": name, "order": order,
                    "decimalLongitude": longitude, "decimalLatitude": latitude,
                    "end_longitude": last_longitude if parameters.kind == "transect" else None,
                    "end_latitude": last_latitude if parameters.kind == "transect" else None,
                    "value": float(worth[at]), "nights": nights,
                }
            )  # fmt: skip
        settles[name] = _settles(name, mine, chosen, worth, cells, parameters, nights)
    facts = effort.facts | {
        "design": parameters.told(),
        "value": "given"
        if value is not None
        else "nearness to the least-cost path"
        if path is not None
        else "the same",
        "reachable": "given" if reachable is not None else "not looked at: every place counts as reachable",
        "effort": effort.by_side(),
        "settles": settles,
        "sharing_category": effort.sharing_category,
    }
    return Proposal(pl.DataFrame(rows, schema=STATIONS), settles, facts, effort.sharing_category)


def _settles(
    name: str,
    places: "np.ndarray[Any, np.dtype[np.int64]]",
    chosen: list[int],
    worth: Floats,
    cells: "np.ndarray[Any, Any]",
    parameters: DesignParameters,
    nights: int,
) -> dict[str, Any]:
    """Say what the stations of a side would settle."""
    detection, unit = parameters.detection, "walks" if parameters.kind == "transect" else "nights"
    reached = np.unique(cells[chosen]) if chosen else np.empty(0, dtype=np.int64)
    known = np.nan_to_num(np.where(np.isfinite(worth), worth, 0.0))[places]
    total = float(known.sum())
    share = float(known[np.isin(cells[places], reached)].sum() / total) if total > 0 else 0.0
    used = smallest_use(detection, len(reached), nights)
    miss = missed(detection, nights)
    if not len(places):
        says = f"On the side of {name} no place of the corridor lies in a cell without effort and surely on that side."
    elif not chosen:
        says = f"On the side of {name} no place without effort can be reached."
    elif used is None:
        says = (
            f"{len(chosen)} stations of {nights} {unit} would miss the species more often than {detection.miss:.0%} even "
            "if it used every cell: they settle nothing."
        )
    else:
        says = (
            f"If the species uses {used:.0%} or more of the cells on the side of {name}, {len(chosen)} stations of "
            f"{nights} {unit} in {len(reached)} cells miss it less often than {detection.miss:.0%} (chance to detect it "
            f"in one, where it is: {detection.per_night:g}; {detection.source}). If it uses fewer, finding nothing "
            "settles nothing."
        )
    cases = {
        name: {
            "per_night": round(one.per_night, 6),
            "nights_needed": nights_needed(one),
            "smallest_use": None if (use := smallest_use(one, len(reached), nights)) is None else round(use, 4),
        }
        for name, one in detection.cases().items()
    }
    if chosen:
        says += " " + "; ".join(_case(name, case, unit) for name, case in cases.items() if name != "middle") + "."
    return {
        "stations": len(chosen),
        "cells_without_effort": len(np.unique(cells[places])),
        "cells_reached": len(reached),
        "value_share": round(share, 4),
        "miss_where_used": round(miss, 6),
        "smallest_use": None if used is None else round(used, 4),
        "range": cases,
        "says": says,
    }


def _case(name: str, case: dict[str, Any], unit: str) -> str:
    """Say what a survey settles where the chance of detection is as low, or as high, as it may be."""
    use = case["smallest_use"]
    settles = "it settles nothing" if use is None else f"it settles use of {use:.0%} of the cells or more"
    return f"if the chance is {'as low as' if name == 'low' else 'as high as'} {case['per_night']:.3g}, {settles} ({case['nights_needed']} {unit} would be needed at a station)"
