"""The next survey that would settle a corridor: where stations go, on both sides, and what they can settle.

Every station is taken to stand in ground of its own, nights to be alike and independent, and a cell's animals not to move
away. A frequency found so is one under these assumptions and no more.

MacKenzie & Royle 2005, https://doi.org/10.1111/j.1365-2664.2005.01098.x: (1 - p)^n is the chance to miss a species in n
visits to a site that it occupies.

Stations stand on a square grid inside the corridor, where a detection would surely be of one side, in cells without effort
for the species, where it can be reached. Of those the ones go first whose corridor value is the highest; each station that
a cell of the effort grid has already lowers what a further one there is worth, so that the survey spreads.
"""

import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import polars as pl
import shapely

from biodata.analysis.evidence import sides as sides_of
from biodata.analysis.evidence.effort import NO_EFFORT, Effort
from biodata.core import geo
from biodata.core.errors import InputError
from biodata.core.geo import Floats

if TYPE_CHECKING:
    from biodata.places import BoundarySet


FACTOR: Final = 3
"""How far a chance that nobody measured may be off, either way, where its range is not stated."""
ASSUMED: Final = "assumed, not measured: give the value of a study of this species in this region"


MOST_PLACES: Final = 2_000_000
Kind = Literal["camera", "transect"]
STATIONS: Final = pl.Schema(
    {
        "station_id": pl.String, "kind": pl.String, "side": pl.String, "order": pl.Int64,
        "decimalLongitude": pl.Float64, "decimalLatitude": pl.Float64, "end_longitude": pl.Float64,
        "end_latitude": pl.Float64, "value": pl.Float64, "nights": pl.Int64,
    }
)  # fmt: skip
"""One row a station: a camera stands at the place; a transect leads from the place to its end. `order` tells which matters
most on its side, `value` the corridor's there."""


@dataclass(frozen=True, slots=True)
class Detection:
    """How easily a species is detected.

    Attributes
    ----------
    per_night : float
        Chance to detect the species in one night (or one walk) at a station whose cell it uses.
    source : str
        Where that comes from.
    miss : float
        Chance of missing it that a survey should stay below.
    low, high : float, optional
        The least and the greatest chance that may be true; a third of `per_night`, and that of three nights in one, where none
        is stated.
    """

    per_night: float = 0.03
    source: str = ASSUMED
    miss: float = 0.05
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        for name in ("per_night", "miss", "low", "high"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1:
                problem = f"{name} must lie between 0 and 1"
                raise InputError(problem, column=name, value=str(getattr(self, name)), code="PARAMETERS_INVALID")
        low, high = self.range
        if not low <= self.per_night <= high:
            problem = "the chance to detect the species lies outside its own range"
            text, expected = f"{self.per_night:g}", f"{low:g} to {high:g}"
            raise InputError(problem, column="per_night", value=text, expected=expected, code="PARAMETERS_INVALID")
        if not self.source.strip():
            problem = "a detection probability needs its source"
            raise InputError(problem, column="source", expected=ASSUMED, code="PARAMETERS_INVALID")

    @property
    def range(self) -> tuple[float, float]:
        """The least and the greatest chance that may be true."""
        low = self.per_night / FACTOR if self.low is None else self.low
        high = 1 - (1 - self.per_night) ** FACTOR if self.high is None else self.high
        return low, high

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain values."""
        low, high = self.range
        assumed = self.low is None or self.high is None
        how = f"assumed: a third of the chance, and that of {FACTOR} nights" if assumed else "told"
        return asdict(self) | {"low": low, "high": high, "range": how}

    def cases(self) -> dict[str, "Detection"]:
        """Return the low, middle and high chance, each as a detection of its own."""
        low, high = self.range
        return {
            name: replace(self, per_night=chance, low=chance, high=chance)
            for name, chance in (("low", low), ("middle", self.per_night), ("high", high))
        }


def nights_needed(detection: Detection) -> int:
    """Return the nights at one station after which a species that uses its cell is missed less often than `miss`."""
    nights = math.floor(math.log(detection.miss) / math.log1p(-detection.per_night)) + 1
    # Below the limit, not at it; and no night too many where rounding went the other way.
    return max(nights - 1, 1) if (1 - detection.per_night) ** (nights - 1) < detection.miss else nights


def missed(detection: Detection, nights: int) -> float:
    """Return the chance to miss a species in so many nights at a station whose cell it uses."""
    return float((1 - detection.per_night) ** nights)


def smallest_use(detection: Detection, stations: int, nights: int) -> float | None:
    """Return the smallest share of cells that a species must use for a side's survey to find it, missing below `miss`.

    Parameters
    ----------
    detection : Detection
    stations : int
        Stations on that side, in cells chosen regardless of where the species is.
    nights : int
        Nights of each.

    Returns
    -------
    float, optional
        None where even a species that uses every cell would be missed more often.

    Notes
    -----
    Each station finds it with the chance s (1 - m), where s is the share of cells used and m the chance to miss it where
    it is; all miss it with (1 - s (1 - m))^n.
    """
    if stations < 1 or nights < 1:
        return None
    share = float((1 - detection.miss ** (1 / stations)) / (1 - missed(detection, nights)))
    return share if share <= 1 else None


def possible_places(flat: shapely.Geometry, effort: Effort, spacing_m: float) -> pl.DataFrame:
    """Return the middles of squares inside a corridor that lie in cells without effort: x, y, cell."""
    west, south, east, north = shapely.bounds(flat)
    n = (np.floor(east / spacing_m) - np.ceil(west / spacing_m) + 1) * (
        np.floor(north / spacing_m) - np.ceil(south / spacing_m) + 1
    )
    if n > MOST_PLACES:
        problem = f"a spacing of {spacing_m:g} m makes {n:.3g} places in this corridor's box"
        raise InputError(problem, column="spacing_m", expected="a wider spacing", code="DESIGN_TOO_FINE")
    # In the middles of squares: an effort cell that is as wide then has one place, and none on its edge.
    xs = (np.arange(np.floor(west / spacing_m), np.ceil(east / spacing_m)) + 0.5) * spacing_m
    ys = (np.arange(np.ceil(north / spacing_m), np.floor(south / spacing_m), -1) - 0.5) * spacing_m
    x, y = (part.ravel() for part in np.meshgrid(xs, ys))
    shapely.prepare(flat)
    inside = shapely.contains_xy(flat, x, y)
    x, y = x[inside], y[inside]
    row, column, _ = effort.grid.cells_under(np.column_stack([x, y]))
    found = pl.DataFrame({"x": x, "y": y, "row": row, "column": column})
    empty = effort.cells.filter(pl.col("state") == NO_EFFORT).select("row", "column")
    found = found.join(empty, on=["row", "column"], how="semi", maintain_order="left")
    return found.with_columns(cell=pl.col("row") * effort.grid.shape[1] + pl.col("column"))


def place_worth(xy: Floats, flat: shapely.Geometry, line: shapely.Geometry | None) -> Floats:
    """Return what the corridor is worth at places: the more, the nearer they lie to the least-cost path."""
    if line is None or not shapely.length(line):
        return np.ones(len(xy))
    half_m = shapely.area(flat) / shapely.length(line) / 2
    away: Floats = shapely.distance(line, np.asarray(shapely.points(xy), dtype=object))
    return np.asarray(1 / (1 + away / max(half_m, 1.0)))


def across(xy: Floats, line: shapely.Geometry | None) -> Floats:
    """Return the direction across a line at its places nearest to others, as vectors of length 1; eastward without one."""
    out = np.tile([1.0, 0.0], (len(xy), 1))
    if line is None or not len(xy):
        return out
    whole = shapely.line_merge(line)
    length = shapely.length(whole)
    if whole.geom_type != "LineString" or not length:
        return out
    step = min(1000.0, length / 2)
    at = shapely.line_locate_point(whole, np.asarray(shapely.points(xy), dtype=object))
    before, after = (
        shapely.get_coordinates(shapely.line_interpolate_point(whole, np.clip(at + by, 0, length)))
        for by in (-step, step)
    )
    along = after - before
    size = np.hypot(along[:, 0], along[:, 1])
    turned = np.column_stack([-along[:, 1], along[:, 0]])
    known = size > 0
    out[known] = turned[known] / size[known, None]
    return out


def sure_side(
    lonlat: list[Floats], sides: list[tuple[str, ...]], boundaries: "BoundarySet", place_m: float
) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Return the number of the side that all of a station surely lies on; -1 for none."""
    number = {code: n for n, codes in enumerate(sides) for code in codes}
    of = np.array([number.get(code, -1) if code else -1 for code in boundaries.countries] + [-1], dtype=np.int64)
    out = np.full(len(lonlat[0]), -1, dtype=np.int64)
    for n, part in enumerate(lonlat):
        found = sides_of.shares(part[:, 0], part[:, 1], np.full(len(part), place_m), boundaries)
        side = np.where(found.surely >= 0.999, of[found.country], -1)
        out = side if n == 0 else np.where(side == out, out, -1)
    return out


def greedy(
    places: "np.ndarray[Any, np.dtype[np.int64]]", worth: Floats, cells: "np.ndarray[Any, Any]", quota: int
) -> list[int]:
    """Return the places that matter most, one after the other; of equal ones the north-western first."""
    left = worth[places].copy()
    taken: dict[int, int] = {}
    chosen: list[int] = []
    own = cells[places]
    while len(chosen) < min(quota, len(places)):
        best = int(np.argmax(left))
        at = int(places[best])
        chosen.append(at)
        cell = int(cells[at])
        taken[cell] = taken.get(cell, 0) + 1
        same = (own == cell) & np.isfinite(left)
        left[same] = worth[places[same]] / (1 + taken[cell])
        left[best] = -np.inf
    return chosen


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
        Nights of each camera, or walks of each transect; as many as `detection` needs where it is not stated.
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

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain values."""
        nights = self.nights or nights_needed(self.detection)
        plain = {"kind": self.kind, "stations": self.stations, "spacing_m": self.spacing_m, "place_m": self.place_m}
        length = {"transect_m": self.transect_m} if self.kind == "transect" else {}
        return plain | length | {"nights": nights, "detection": self.detection.to_dict()}


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
    effort: Effort, corridor: shapely.Geometry, sides: list[tuple[str, ...]], *, boundaries: "BoundarySet",
    parameters: DesignParameters, path: shapely.Geometry | None = None, reachable: shapely.Geometry | None = None,
) -> Proposal:  # fmt: skip
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
        The least-cost path, degrees; a place is worth more the nearer it lies. Transects cross it.
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
    places = possible_places(flat, effort, parameters.spacing_m)
    xy = places.select("x", "y").to_numpy()
    start, end = xy, xy
    if parameters.kind == "transect":
        half = across(xy, line) * parameters.transect_m / 2
        start, end = xy - half, xy + half
    lonlat = [geo.project(part, effort.grid.crs, 4326) for part in (xy, start, end)]
    worth = place_worth(xy, flat, line)
    side = sure_side(lonlat, sides, boundaries, parameters.place_m)
    fit = np.ones(len(xy), dtype=bool)
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
        chosen = greedy(mine[fit[mine]], worth, cells, quota)
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
        "design": parameters.to_dict(),
        "value": "the same" if path is None else "nearness to the least-cost path",
        "reachable": "given" if reachable is not None else "not looked at: every place counts as reachable",
        "effort": effort.by_side(),
        "settles": settles,
        "sharing_category": effort.sharing_category,
    }
    return Proposal(pl.DataFrame(rows, schema=STATIONS), settles, facts, effort.sharing_category)


def _settles(
    name: str, places: "np.ndarray[Any, np.dtype[np.int64]]", chosen: list[int], worth: Floats,
    cells: "np.ndarray[Any, Any]", parameters: DesignParameters, nights: int,
) -> dict[str, Any]:  # fmt: skip
    """Say what the stations of a side would settle."""
    detection, unit = parameters.detection, "walks" if parameters.kind == "transect" else "nights"
    reached = np.unique(cells[chosen]) if chosen else np.empty(0, dtype=np.int64)
    known = worth[places]
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
