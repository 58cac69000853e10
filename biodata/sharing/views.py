"""What a run may read of the records: what is published of them, or the records themselves."""

from typing import Final

import polars as pl

from biodata.places import BoundarySet
from biodata.sharing.decide import strictest
from biodata.sharing.floor import LARGEST_DEGREES
from biodata.sharing.publish import publish
from biodata.sharing.rules import RuleSet
from biodata.terms import ASSESSED, PUBLISHED_OCCURRENCE, SHARING
from biodata.vocabularies import EvidenceView, SharingCategory

Window = tuple[float, float, float, float]
_ADDED: Final = frozenset(column.name for column in (*SHARING, *ASSESSED))


def window_to_read(window: Window, view: EvidenceView) -> Window:
    """Return the window of exact places that a view of a window needs (degrees): cells reach into it from outside."""
    west, south, east, north = window
    more = LARGEST_DEGREES if view is EvidenceView.PUBLIC else 0
    return max(west - more, -180.0), max(south - more, -90.0), min(east + more, 180.0), min(north + more, 90.0)


def evidence_view(
    occurrences: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet, view: EvidenceView, window: Window
) -> pl.DataFrame:
    """Return the records of a window as a run of this view reads them.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE` with those of `publish.LOOKED_AT`, and `duplicate_group` and `duplicate_of` of
        `terms.ASSESSMENT` where they are known; every record of `window_to_read`.
    rules : RuleSet
        The sharing rules.
    boundaries : BoundarySet
        Whose land the floor counts.
    view : EvidenceView
    window : tuple of float
        West, south, east, north, degrees.

    Returns
    -------
    polars.DataFrame
        The columns of `occurrences`, and `sharing_category` and the edges of the published cell. In the public view
        each value of a sensitive record is the published one, or null: the record counts by its cell, lies in the window
        by its cell's centre, and is in no group of duplicates. What is computed from this view alone tells no more than
        the published records do, however many results are laid side by side. One that did not tell its uncertainty has
        none here, too. In the exact view nothing is changed, and `sharing_category` is the strictest of all of them in
        every row.
    """
    west, south, east, north = window
    inside = pl.col("decimalLongitude").is_between(west, east) & pl.col("decimalLatitude").is_between(south, north)
    if view is EvidenceView.EXACT:
        here = occurrences.filter(inside)
        cells = [pl.lit(None, dtype=pl.Float64).alias(c.name) for c in SHARING if c.name.startswith("cell_")]
        return here.with_columns(*cells, sharing_category=pl.lit(str(strictest(here, rules))))
    columns = [c for c in PUBLISHED_OCCURRENCE if c in SHARING or c.name in set(occurrences.columns) - _ADDED]
    shown = publish(occurrences, rules, boundaries=boundaries, columns=columns).filter(inside)
    told = pl.col("sharing_category") == SharingCategory.OPEN
    rest = [name for name in occurrences.columns if name not in shown.columns]
    own = occurrences.select("key", *rest, own_radius_m="coordinateUncertaintyInMeters")
    shown = shown.join(own, on="key", how="left", maintain_order="left").with_columns(
        *(pl.when(told).then(name).alias(name) for name in rest),
        coordinateUncertaintyInMeters=pl.when(told | (pl.col("own_radius_m") >= 0)).then(
            "coordinateUncertaintyInMeters"
        ),
    )
    return shown.select(*occurrences.columns, *(c.name for c in SHARING if c.name != "sharing_rule"))
