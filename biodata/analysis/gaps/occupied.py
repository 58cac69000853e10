"""Where records show a species, as cells: what is measured of species that nobody drew a range of."""

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import shapely

from biodata import geo
from biodata.analysis.evidence import counting
from biodata.analysis.gaps.features import Places
from biodata.analysis.gaps.plane import PLANE, to_plane

if TYPE_CHECKING:
    from biodata.analysis.evidence import Counted

OCCUPIED: Final = "occupied cells"
PUBLISHED: Final = "published cells"
_PRESENT: Final = (
    counting.OVER_SEA, counting.OVER_BORDER, counting.IN_BAND, counting.DUPLICATE, counting.DEPENDENT,
)  # fmt: skip
"""Reasons with which a record is no evidence for a side, and the species was there all the same."""


def occupied(counted: "Counted", *, cell_m: float) -> list[Places]:
    """Return the cells that records of each species lie in.

    Parameters
    ----------
    counted : Counted
        Of `evidence.counted`, whose flags, dates and uncertainty leave records out.
    cell_m : float
        Side of a cell on the equal-area plane, metres.

    Returns
    -------
    list of Places
        OCCUPIED: species of which every place is told. PUBLISHED: those with a record that is published as a cell; that
        whole cell stands for it, so what is told of them is no finer than what everybody may see. Cells are where people
        looked and found: neither a range nor all of what the species holds.
    """
    seen = counted.records.filter(
        pl.col("why_not").is_null() | pl.col("why_not").is_in(_PRESENT),
        pl.col("species").is_not_null(),
        pl.col("occurrenceStatus").fill_null("PRESENT") == "PRESENT",
    )
    edges = ["cell_west", "cell_south", "cell_east", "cell_north"]
    seen = seen.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in edges if name not in seen.columns)
    found: dict[str, tuple[list[str], list[shapely.Geometry]]] = {OCCUPIED: ([], []), PUBLISHED: ([], [])}
    for (species,), rows in seen.sort("species").group_by("species", maintain_order=True):
        told = rows["cell_west"].is_null()
        lonlat = rows.filter(told).select("decimalLongitude", "decimalLatitude").to_numpy()
        corner = np.unique(np.floor(geo.project(lonlat, 4326, PLANE) / cell_m), axis=0) * cell_m
        boxes = shapely.box(corner[:, 0], corner[:, 1], corner[:, 0] + cell_m, corner[:, 1] + cell_m)
        cells = rows.filter(~told).select(edges).unique().to_numpy()
        shapes = [*boxes, *to_plane(np.asarray(shapely.box(*cells.T), dtype=object))]
        names, unions = found[OCCUPIED if told.all() else PUBLISHED]
        names.append(str(species))
        unions.append(shapely.union_all(shapes))
    return [
        Places(kind, names, np.asarray(geo.project(np.array(unions, dtype=object), PLANE, 4326), dtype=object))
        for kind, (names, unions) in found.items()
        if names
    ]
