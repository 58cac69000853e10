"""The report of a cleaning: every step with what went in, what it kept, changed and dropped, and why."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Rows = NDArray[np.bool_]

REASONS: Final = {
    "GEOMETRY_MISSING": "there is no geometry",
    "GEOMETRY_NO_AREA": "the geometry is lines, neither polygons nor points",
    "GEOMETRY_COLLAPSED": "the polygon holds no ground",
    "GEOMETRY_TOO_COMPLEX": "its edges cross too often to be repaired",
    "GEOMETRY_TOO_LARGE": "it has too many vertices",
    "GEOMETRY_TOO_DEEP": "collections stand too deep inside each other",
    "GEOMETRY_UNREADABLE": "the geometry is damaged or of a kind that is not read",
    "COORDINATE_INVALID": "a coordinate is no finite number",
    "COORDINATE_OUT_OF_RANGE": "the coordinates are no degrees",
    "STATUS_NOT_IN_FORCE": "its status is none of those kept",
    "STATUS_NOT_TOLD": "its file tells a status for other sites and none for this one",
    "UNESCO_MAB": "a UNESCO-MAB Biosphere Reserve",
    "POINT_WITHOUT_AREA": "a point without a reported area",
    "AREA_NOT_PLAUSIBLE": "a point with a larger area than any site has",
    "COPY": "a copy of another row of the same site",
    "COVERED_BY_OTHERS": "all of it is ground of sites before it",
    "COVERED_BY_OWN_PARTS": "all of it is ground of its own parts and zones",
    "SLIVER": "smaller than a sliver",
}
"""Why a row is not in a product."""


@dataclass
class Step:
    """One step of one product; `rows` = `kept` + the sum of `dropped`.

    Attributes
    ----------
    product : str
        coverage or planning.
    name : str
        The step.
    rows, kept, changed : int
        Rows that went in, that stayed, and of those the ones whose geometry it changed.
    dropped : dict of str to int
        By reason (a key of `REASONS`), how many rows went.
    note : str
        What was counted besides.
    """

    product: str
    name: str
    rows: int
    kept: int
    changed: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the step as plain values."""
        return {**self.__dict__, "dropped": dict(self.dropped)}


class Ledger:
    """Counts what every step of a product does, and keeps why each row left.

    Parameters
    ----------
    product : str
        coverage or planning.
    rows : int
        Rows read.
    """

    def __init__(self, product: str, rows: int) -> None:
        self.product = product
        self.steps: list[Step] = [Step(product, "read", rows, rows)]
        self.inside: Rows = np.ones(rows, dtype=bool)
        self.reasons = np.full(rows, None, dtype=object)

    def step(
        self, name: str, *, drop: dict[str, Rows] | None = None, changed: Rows | None = None, note: str = ""
    ) -> None:
        """Note a step.

        Parameters
        ----------
        name : str
            The step.
        drop : dict of str to ndarray of bool
            By reason, the rows that go; those that are gone already do not count again.
        changed : ndarray of bool, optional
            Rows whose geometry changed.
        note : str
            What else there is to tell.
        """
        before, dropped = int(self.inside.sum()), {}
        for reason, rows in (drop or {}).items():
            going = rows & self.inside
            if going.any():
                dropped[reason] = int(going.sum())
                self.reasons[going] = reason
                self.inside = self.inside & ~going
        kept = int(self.inside.sum())
        touched = 0 if changed is None else int((changed & self.inside).sum())
        self.steps.append(Step(self.product, name, before, kept, touched, dropped, note))


def steps_frame(steps: list[Step]) -> pl.DataFrame:
    """Return steps as a table, one row a step and reason."""
    rows = [
        (number, step.product, step.name, step.rows, step.kept, step.changed, sum(step.dropped.values()),
         "; ".join(f"{reason} {count}" for reason, count in step.dropped.items()), step.note)
        for number, step in enumerate(steps, start=1)
    ]  # fmt: skip
    names = ["step", "product", "name", "rows", "kept", "changed", "dropped", "reasons", "note"]
    types = [pl.Int64, pl.String, pl.String, pl.Int64, pl.Int64, pl.Int64, pl.Int64, pl.String, pl.String]
    return pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")
