"""Metres that state no system: proposed as a place where the systems that fit the stated province agree."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from biodata import places
from biodata.datums import Form, to_wgs84
from biodata.geo import Floats, geodesic_distance_m
from biodata.harmonise.datum_candidates import candidates
from biodata.harmonise.datum_fit import region
from biodata.harmonise.datum_points import read_points
from biodata.harmonise.told import Told

RULE: Final = "datum_transform"
AGREE_M: Final = 1000.0
"""Metres of an unknown projection are proposed where all systems that fit put the point within this distance."""

DECIMALS: Final = 8
"""Moved degrees are kept to so many decimals, about a millimetre."""

_COMMON: Final = 0.2


class Moves(NamedTuple):
    """n rows that are told in one system, and where they would lie.

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


def fitting(told: Told, where: pl.Series, boundaries: places.BoundarySet) -> Iterator[Moves]:
    """Yield proposals for metres that state no system but fit their stated province in one way only.

    Parameters
    ----------
    told : Told
        n rows.
    where : Series of bool, length n
        The rows to look at.
    boundaries : BoundarySet
        The map that has the stated provinces.
    """
    rows = np.flatnonzero(where.to_numpy())
    if not len(rows):
        return
    points = read_points(told.keep(where), boundaries=boundaries).with_columns(at=pl.Series(rows))
    points = points.filter(pl.col("region").is_not_null() & pl.col("form").is_in([Form.METRES, Form.METRES_WITH_ZONE]))
    for kind, some in points.group_by("region", "form", "zone", maintain_order=True):
        common = [c.system for c in candidates(*kind, boundaries) if c.weight >= _COMMON]
        if not common:
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
            some["at"].to_numpy()[sure],
            np.round(best_y[sure], DECIMALS),
            np.round(best_x[sure], DECIMALS),
            np.fmax(accuracy[first, columns], spread)[sure],
            np.zeros(len(sure), dtype=bool),
            names,
        )
