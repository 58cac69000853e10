"""The lake's records as a view of them allows, each with what the others tell of it."""

from collections.abc import Sequence

import polars as pl

from biodata import sharing
from biodata.assessments.table import beside_others, of_open
from biodata.core.settings import Settings
from biodata.core.vocabularies import EvidenceView
from biodata.places import BoundarySet
from biodata.store.lake import Lake
from biodata.store.query.filters import Filter, In, InBox

WORLD = (-180.0, -90.0, 180.0, 90.0)


def in_view(
    settings: Settings,
    lake: Lake,
    rules: sharing.RuleSet,
    boundaries: BoundarySet,
    *,
    view: EvidenceView,
    columns: Sequence[str] | None = None,
    window: tuple[float, float, float, float] = WORLD,
    where: In | None = None,
) -> pl.DataFrame:
    """Read records as a view shows them, with doubts and clusters.

    What the lake knows of an open record beside others it may know from a hidden one (two open records are one event
    since a third, hidden one is like both; a point is used by many hidden ones). So in the public view only open records
    are set beside each other, and this is the one way in which anything reads records for a public result.

    Parameters
    ----------
    settings : Settings
        The installation.
    lake : Lake
        Its lake, assessed before where the view is exact.
    rules : RuleSet
        The sharing rules.
    boundaries : BoundarySet
        Whose land the rules count.
    view : EvidenceView
    columns : sequence of str, optional
        Columns of `terms.OCCURRENCE`, those of `sharing.LOOKED_AT` among them; all where none are told.
    window : west, south, east, north
        Degrees, WGS 84.
    where : In, optional
        Which records, in place of those of the window, by a column that is published of presences, too.

    Returns
    -------
    polars.DataFrame
        As `sharing.evidence_view` returns them, with `cluster_id`.
    """
    asked: Filter | None = where
    if where is None and window != WORLD:
        asked = InBox(*window)
    records = lake.read("occurrences", columns=columns, where=asked)
    if view is EvidenceView.EXACT:
        records = beside_others(lake, records)
    among = None if where is None else pl.col(where.column).is_in(where.values)
    shown = sharing.evidence_view(records, rules, boundaries=boundaries, view=view, window=window, among=among)
    if view is EvidenceView.EXACT:
        return shown
    return beside_others(lake, shown, assessed=of_open(settings, lake, rules))
