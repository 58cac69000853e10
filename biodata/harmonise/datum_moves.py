"""Places stated in another system than WGS 84: moved where the dataset declares the system, else proposed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from biodata import places
from biodata.core.errors import InputError
from biodata.core.geo import Floats, geodesic_distance_m
from biodata.harmonise.coordinates import AXES
from biodata.harmonise.datum_points import candidates, forms_of, read_points, region, stated_numbers
from biodata.harmonise.findings import REPAIR_ROWS, Findings, Stated, repairs
from biodata.harmonise.measures import FLAG as OUTLINED
from biodata.places.datums import UNPUBLISHED_M, Form, System, find_system, to_wgs84
from biodata.text.controlled import Vocabulary, parse_controlled
from biodata.text.tables import over_distinct

# Metres that state no system: proposed as a place where the systems that fit the stated province agree.

RULE: Final = "datum_transform"
AGREE_M: Final = 1000.0
"""Metres of an unknown projection are proposed where all systems that fit put the point within this distance."""

DECIMALS: Final = 8
"""Moved degrees are kept to so many decimals, about a millimetre."""

_COMMON: Final = 0.2


class Moves(NamedTuple):
    """n rows that are stated in one system, and where they would lie.

    Attributes
    ----------
    rows : ndarray of int64
        Which rows, counted from 0.
    latitude, longitude : ndarray of float64
        Degrees, WGS 84.
    accuracy_m : ndarray of float64
        How far the place may lie off for the move.
    applied : ndarray of bool
        False for a proposal.
    rule : Series of str
        The rule, with the system and the operation.
    """

    rows: np.ndarray
    latitude: Floats
    longitude: Floats
    accuracy_m: Floats
    applied: np.ndarray
    rule: pl.Series


def fitting(stated: Stated, where: pl.Series, boundaries: places.BoundarySet) -> Iterator[Moves]:
    """Yield proposals for metres that state no system but fit their stated province in one way only.

    Parameters
    ----------
    stated : Stated
        n rows.
    where : Series of bool, length n
        The rows to look at.
    boundaries : BoundarySet
        The map that has the stated provinces.
    """
    rows = np.flatnonzero(where.to_numpy())
    if not len(rows):
        return
    points = read_points(stated.keep(where), boundaries=boundaries).with_columns(at=pl.Series(rows))
    points = points.filter(pl.col("region").is_not_null() & pl.col("form").is_in([Form.METRES, Form.METRES_WITH_ZONE]))
    for kind, some in points.group_by("region", "form", "zone", maintain_order=True):
        if not (common := [c.system for c in candidates(*kind, boundaries) if c.weight >= _COMMON]):
            continue
        x, y = some["x"].to_numpy(), some["y"].to_numpy()
        moved = [to_wgs84(system, x, y) for system in common]
        area = region(str(kind[0]), boundaries)
        inside = np.stack([area.outside_m(m.longitude, m.latitude) <= 0 for m in moved])
        first = inside.argmax(axis=0)
        columns = np.arange(some.height)
        longitude, latitude, accuracy = (
            np.stack([getattr(m, name) for m in moved]) for name in ("longitude", "latitude", "accuracy_m")
        )
        best_x, best_y = longitude[first, columns], latitude[first, columns]
        apart = geodesic_distance_m(best_x[np.newaxis], best_y[np.newaxis], longitude, latitude)
        spread = np.where(inside, apart, 0.0).max(axis=0)
        sure = np.flatnonzero(inside.any(axis=0) & (spread <= AGREE_M))
        fitting = pl.Series([f"{RULE}: {system.id} fits the stated place" for system in common])
        names = fitting.gather(first[sure])
        yield Moves(
            some["at"].to_numpy()[sure], np.round(best_y[sure], DECIMALS), np.round(best_x[sure], DECIMALS),
            np.fmax(accuracy[first, columns], spread)[sure], np.zeros(len(sure), dtype=bool), names,
        )  # fmt: skip


WGS84: Final = "WGS84"
EPSG_WGS84: Final = "EPSG:4326"
METRES_IN: Final = ("easting", "northing")
"""Columns, no terms of Darwin Core, that hold metres."""


_FOUR_FIGURES: Final = r"^\D*\d[\d ,']{3}"
_OF_DEGREES: Final = ("COORDINATE_MISSING", "COORDINATE_INVALID", "COORDINATE_OUT_OF_RANGE", "COORDINATE_PROJECTED")
_SYSTEMS: Final = pl.Schema({"value": pl.String, "system": pl.String})


@dataclass(frozen=True)
class Placed:
    """What became of the coordinates of n rows.

    Attributes
    ----------
    point : Findings
        What `coordinates.interpret` found, with the places that were moved.
    datum : Findings
        `geodeticDatum`, its flags, the moves and the proposals.
    widened_m : Series of float64, length n
        What the declared system adds to a place's uncertainty: the accuracy of its move, or how far it may lie off where
        it could not be moved; null where that is nothing.
    """

    point: Findings
    datum: Findings
    widened_m: pl.Series


def interpret(stated: Stated, point: Findings, *, declared: str | None, boundaries: places.BoundarySet) -> Placed:
    """Move the places that a dataset declares in another system, and propose the moves of others.

    Parameters
    ----------
    stated : Stated
        n rows.
    point : Findings
        What `coordinates.interpret` found.
    declared : str, optional
        The system of coordinates that state none, as a name, an EPSG code, GCJ-02 or BD-09; a projected system also
        holds for rows that state its datum and have metres.
    boundaries : BoundarySet
        The map that stated provinces are looked up on.

    Returns
    -------
    Placed

    Raises
    ------
    InputError
        If the declared system is not known.

    Notes
    -----
    A place is moved only by an operation that is published for where it lies; else it stays, with
    COORDINATE_REPROJECTION_FAILED. A row that states another datum itself is not moved but gets a proposal. Metres that
    state no system get one where the systems that fit the stated province agree within `AGREE_M`.
    """
    system = None if declared is None else _declared(declared)
    systems = _systems(stated, declared)
    column, flags = _datum_column(stated, point, systems, declared)
    other = (systems.is_not_null() & (systems != WGS84)).any() or (system is not None and system.id != EPSG_WGS84)
    metric = _metric(stated, point.flags["COORDINATE_OUT_OF_RANGE"].fill_null(value=False))
    if stated.has_other(*METRES_IN):
        metric |= point.flags["COORDINATE_MISSING"].fill_null(value=False)
    if "COORDINATE_PROJECTED" in point.flags:
        metric |= point.flags["COORDINATE_PROJECTED"].fill_null(value=False)
    if not other and not metric.any():
        nothing = pl.Series("widened_m", [None], dtype=pl.Float64).new_from_index(0, stated.height)
        return Placed(point, Findings({"geodeticDatum": column}, flags), nothing)
    moves = list(_moved(stated, point, systems, system)) if other else []
    open_rows = metric.to_numpy().copy()
    for move in moves:
        open_rows[move.rows] = False
    moves.extend(fitting(stated, pl.Series(open_rows), boundaries))
    return _placed(point, column, flags, moves)


def _metric(stated: Stated, where: pl.Series) -> pl.Series:
    """Tell which of the rows have a coordinate of four figures and more, as metres have; most that are wrong have not."""
    if not where.any():
        return where
    looks = pl.DataFrame({axis: stated[axis] for axis in AXES}).filter(where)
    large = looks.select(pl.any_horizontal(pl.all().str.contains(_FOUR_FIGURES))).to_series().fill_null(value=False)
    found = where.to_numpy().copy()
    found[found] = large.to_numpy()
    return pl.Series(found)


def _placed(point: Findings, column: pl.Series, flags: dict[str, pl.Series], moves: list[Moves]) -> Placed:
    """Put the moves into the columns, flags and repairs of all rows."""
    latitude, longitude = (point.columns[axis].fill_null(np.nan).to_numpy().copy() for axis in AXES)
    moved, widened = np.zeros(len(latitude), dtype=bool), np.full(len(latitude), np.nan)
    noted: list[pl.DataFrame] = []
    for move in moves:
        rows = move.rows[move.applied]
        latitude[rows], longitude[rows] = move.latitude[move.applied], move.longitude[move.applied]
        moved[rows], widened[rows] = True, move.accuracy_m[move.applied]
        for axis, values in zip(AXES, (move.latitude, move.longitude), strict=True):
            noted.append(_noted(move, axis, pl.Series(values).cast(pl.String), RULE))
        told_system = pl.repeat(WGS84, len(move.rows), eager=True)
        noted.append(_noted(move, "geodeticDatum", told_system, move.rule))
    done = pl.Series(moved)
    failed = flags["COORDINATE_REPROJECTION_FAILED"] & ~done
    widened[failed.fill_null(value=False).to_numpy()] = UNPUBLISHED_M
    widened[widened == 0] = np.nan
    datum = pl.select(pl.when(done).then(pl.lit(WGS84)).otherwise(column)).to_series().alias("geodeticDatum")
    flags = flags | {
        "GEODETIC_DATUM_NOT_WGS84": flags["GEODETIC_DATUM_NOT_WGS84"] & ~done,
        "COORDINATE_REPROJECTED": done,
        "COORDINATE_REPROJECTION_FAILED": failed,
    }
    columns = dict(point.columns) | {
        axis: pl.Series(axis, values, nan_to_null=True)
        for axis, values in zip(AXES, (latitude, longitude), strict=True)
    }
    cleared = {name: mask & ~done for name, mask in point.flags.items() if name in _OF_DEGREES}
    return Placed(
        Findings(columns, dict(point.flags) | cleared, point.repairs),
        Findings({"geodeticDatum": datum}, flags, noted),
        pl.Series("widened_m", widened, nan_to_null=True),
    )


def _noted(move: Moves, term: str, values: pl.Series, rule: str | pl.Series) -> pl.DataFrame:
    """Note one term's new values."""
    every = pl.repeat(value=True, n=len(move.rows), eager=True)
    frame = repairs(every, term, values, rule, applied=pl.Series(move.applied, dtype=pl.Boolean))
    return frame.with_columns(row=pl.Series(move.rows).cast(REPAIR_ROWS["row"]))


def is_known(datum: str) -> bool:
    """Return whether a stated datum is known."""
    term = parse_controlled(pl.Series([datum], dtype=pl.String), Vocabulary.DATUM)["term"].item()
    return term is not None or find_system(datum) is not None


def _systems(parsed: Stated, declared: str | None) -> pl.Series:
    """Return each row's system: `WGS84`, or an identifier of `datums`; null where none is stated, or it is not known."""
    stated = parsed["geodeticDatum"] if declared is None else parsed["geodeticDatum"].fill_null(declared)
    term = parse_controlled(stated, Vocabulary.DATUM)["term"]
    rest = stated.set(term.is_not_null(), None)
    if rest.null_count() == len(rest):
        return term
    found = over_distinct(
        rest,
        lambda distinct: pl.DataFrame([(text, _identifier(text)) for text in distinct], schema=_SYSTEMS, orient="row"),
    )["system"]
    return pl.select(pl.coalesce(term, found)).to_series()


def _identifier(text: str) -> str | None:
    """Return the identifier of a system that is in no vocabulary."""
    system = find_system(text)
    return None if system is None else system.id


def _declared(text: str) -> System | None:
    """Return the system that a declared name means, by the vocabulary first; None for a datum that is no system."""
    term = parse_controlled(pl.Series([text], dtype=pl.String), Vocabulary.DATUM)["term"].item()
    system = find_system(EPSG_WGS84 if term == WGS84 else term or text)
    if term is None and system is None:
        problem, expected = "the datum that is declared is not known", "such as WGS84, EPSG:4240, Indian 1975 or GCJ-02"
        raise InputError(problem, column="datum", value=text, expected=expected, code="DECLARATION_UNKNOWN")
    return system


def _datum_column(
    parsed: Stated, point: Findings, systems: pl.Series, declared: str | None
) -> tuple[pl.Series, dict[str, pl.Series]]:
    """Return the datum of places that need no move, and the doubts about the datums as stated."""
    placed = point.columns[AXES[0]].is_not_null()
    own = parsed["geodeticDatum"]
    stated = own if declared is None else own.fill_null(declared)
    wgs84 = (systems == WGS84).fill_null(value=False)
    name = pl.Series("geodeticDatum", [WGS84]).new_from_index(0, parsed.height)
    kept = pl.select(pl.when(placed & (wgs84 | stated.is_null())).then(name)).to_series()
    other = systems.is_not_null() & ~wgs84
    # A footprint has a place in WGS 84 alone; where it states so, nothing is assumed.
    outlined = point.flags.get(OUTLINED, pl.repeat(value=False, n=parsed.height, eager=True))
    told_by_footprint = outlined & parsed["footprintSRS"].is_not_null()
    told_here = placed | point.flags["COORDINATE_OUT_OF_RANGE"].fill_null(value=False)
    flags = {
        "GEODETIC_DATUM_ASSUMED_WGS84": placed & stated.is_null() & ~told_by_footprint,
        "GEODETIC_DATUM_INVALID": stated.is_not_null() & systems.is_null(),
        "GEODETIC_DATUM_NOT_WGS84": placed & other,
        "COORDINATE_REPROJECTION_FAILED": other & told_here & own.is_null(),
    }
    return kept, flags


def _moved(stated: Stated, point: Findings, systems: pl.Series, declared: System | None) -> Iterator[Moves]:
    """Yield the moves of the rows that state, or are declared in, another system."""
    datum = "" if declared is None or declared.crs.geodetic_crs is None else str(declared.crs.geodetic_crs.to_epsg())
    longitude, latitude = (point.columns[axis].fill_null(np.nan).to_numpy() for axis in reversed(AXES))
    numbers: tuple[Floats, Floats] | None = None
    projected = declared is not None and declared.form != Form.DEGREES
    for identifier in systems.drop_nulls().unique().sort():
        system = find_system(EPSG_WGS84 if identifier == WGS84 else identifier)
        if projected and system is not None and f"EPSG:{datum}" == system.id:
            system = declared  # the datum of the declared projection
        if system is None or system.id == EPSG_WGS84:
            continue
        rows = np.flatnonzero((systems == identifier).fill_null(value=False).to_numpy())
        if system.form == Form.DEGREES:
            x, y = longitude[rows], latitude[rows]
        else:
            numbers = numbers or stated_numbers(stated)
            x, y = _metres(numbers[0][rows], numbers[1][rows])
        usable = ~np.isnan(x) & ~np.isnan(y)
        rows, x, y = rows[usable], x[usable], y[usable]
        moved = to_wgs84(system, x, y)
        known = np.isfinite(moved.longitude) & np.isfinite(moved.latitude) & (moved.operation >= 0)
        applied = moved.certain & known & (system == declared)
        kept = np.flatnonzero(known)
        kinds = pl.DataFrame({"operation": moved.operation[kept], "accuracy": moved.accuracy_m[kept]})
        once = kinds.unique()
        ways = [
            f"{RULE}: {system.id}, {moved.names[operation]}, ± {accuracy:.3g} m"
            for operation, accuracy in once.iter_rows()
        ]
        once = once.with_columns(pl.Series("rule", ways, dtype=pl.String))
        names = kinds.join(once, on=["operation", "accuracy"], how="left", maintain_order="left")["rule"]
        yield Moves(
            rows[kept], np.round(moved.latitude[kept], DECIMALS), np.round(moved.longitude[kept], DECIMALS),
            moved.accuracy_m[kept], applied[kept], names,
        )  # fmt: skip


def _metres(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return easting and northing; NaN where the numbers are no metres."""
    form, _, swapped = forms_of(x, y)
    metres = (form.is_not_null() & (form != Form.DEGREES.value)).fill_null(value=False).to_numpy()
    easting, northing = np.where(swapped, y, x), np.where(swapped, x, y)
    return np.where(metres, easting, np.nan), np.where(metres, northing, np.nan)
