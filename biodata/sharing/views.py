"""What a run may read of the records: what is published of them, or the records themselves."""

from typing import Final

import polars as pl
import shapely

from biodata.places import BoundarySet, country_geometry
from biodata.sharing.decide import strictest
from biodata.sharing.floor import LARGEST_DEGREES
from biodata.sharing.publish import publish
from biodata.sharing.rules import RuleSet
from biodata.terms import ASSESSED, PUBLISHED_OCCURRENCE, RIGHTS, SHARING
from biodata.vocabularies import EvidenceView, SharingCategory

Window = tuple[float, float, float, float]
OFF_COAST_DEGREES: Final = 4.0
"""A cell of sea farther than this from a country, a little more than 200 nautical miles, is not off its coast."""
_MISMATCH: Final = "COUNTRY_COORDINATE_MISMATCH"
_ADDED: Final = frozenset(column.name for column in (*SHARING, *RIGHTS, *ASSESSED))


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
        Columns of `terms.OCCURRENCE` with those of `publish.LOOKED_AT`, and `cluster_id` of `terms.ASSESSMENT`
        where it is known; every record of `window_to_read`.
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
        by its cell's centre, and is in no cluster. What is computed from this view alone tells no more than
        the published records do, however many results are laid side by side. A cell that holds no land of the country
        its record states is flagged so, since the flags of the exact place are not there. One that did not tell its uncertainty has
        none here, too. In the exact view nothing is changed, and `sharing_category` is the strictest of all of them in
        every row.
    """
    west, south, east, north = window
    inside = pl.col("decimalLongitude").is_between(west, east) & pl.col("decimalLatitude").is_between(south, north)
    if view is EvidenceView.EXACT:
        here = occurrences.filter(inside)
        cells = [pl.lit(None, dtype=pl.Float64).alias(c.name) for c in SHARING if c.name.startswith("cell_")]
        return here.with_columns(*cells, sharing_category=pl.lit(str(strictest(here, rules, boundaries=boundaries))))
    columns = [c for c in PUBLISHED_OCCURRENCE if c in SHARING or c.name in set(occurrences.columns) - _ADDED]
    shown = publish(occurrences, rules, boundaries=boundaries, columns=columns).filter(inside)
    told = pl.col("sharing_category") == SharingCategory.OPEN
    rest = [name for name in occurrences.columns if name not in shown.columns]
    own = occurrences.select("key", *rest, own_radius_m="coordinateUncertaintyInMeters", stated_country="countryCode")
    shown = shown.join(own, on="key", how="left", maintain_order="left").with_columns(
        *(pl.when(told).then(name).alias(name) for name in rest),
        coordinateUncertaintyInMeters=pl.when(told | (pl.col("own_radius_m") >= 0)).then(
            "coordinateUncertaintyInMeters"
        ),
    )
    shown = shown.with_columns(
        quality_flags=pl.when(_elsewhere(shown, boundaries))
        .then(pl.col("quality_flags").list.set_union([_MISMATCH]))
        .otherwise("quality_flags")
    )
    return shown.select(*occurrences.columns, *(c.name for c in SHARING if c.name != "sharing_rule"))


def _elsewhere(shown: pl.DataFrame, boundaries: BoundarySet) -> pl.Series:
    """Tell the cells that hold no land of the country that their record states, nor lie off its coast.

    What the exact place tells of its country goes with it. This is made of the cell and the stated country alone.
    """
    there = pl.struct("stated_country", "decimalLongitude", "decimalLatitude")
    known = set(boundaries.units["country_code"].drop_nulls())
    asked = shown.with_row_index("row").filter(
        pl.col("cell_west").is_not_null(),
        pl.col("stated_country").is_in(list(known)),
        ~pl.col("country_codes").list.contains(pl.col("stated_country")).fill_null(value=False),
    )
    at_sea = asked["country_codes"].list.len().fill_null(0) == 0
    far = {
        tuple(place.values()): shapely.distance(
            country_geometry(place["stated_country"], boundaries),
            shapely.Point(place["decimalLongitude"], place["decimalLatitude"]),
        )
        > OFF_COAST_DEGREES
        for place in asked.filter(at_sea).select(there.alias("place")).to_series().unique()
    }
    places = asked.select("stated_country", "decimalLongitude", "decimalLatitude").rows()
    rows = [row for row, sea, place in zip(asked["row"], at_sea, places, strict=True) if not sea or far[place]]
    return pl.int_range(shown.height, eager=True).is_in(rows)
