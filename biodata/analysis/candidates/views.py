"""By which records ground is judged: by all of them where the result may leave, else by the open ones alone.

Areas that face each other are known to everybody. If one pair lacked among the results because a sensitive record lies
there, its lack would tell the place of that record. So each is judged by something that may be told, and nothing tells
which of the two it was: ground with no sensitive record near, and ground judged without it, look the same.
"""

from collections.abc import Callable

import numpy as np
import polars as pl
import shapely

from biodata import sharing, terms
from biodata.analysis.candidates import judging
from biodata.analysis.candidates import rows as rows_of
from biodata.analysis.candidates.ground import Ground
from biodata.analysis.candidates.habitat import Habitat
from biodata.analysis.candidates.judging import Judged
from biodata.analysis.candidates.parameters import CandidateParameters
from biodata.analysis.evidence import Counted
from biodata.places import BoundarySet
from biodata.vocabularies import SharingCategory


def open_only(records: Counted, rules: sharing.RuleSet) -> Counted:
    """Return the records that no rule makes less than open."""
    kept = np.ones(records.records.height, dtype=bool)
    kept[sharing.decide(records.records, rules)["row"].to_numpy()] = False
    points = records.points[kept]
    return Counted(records.records.filter(pl.Series(kept)), records.facts, points, shapely.STRtree(points))


def judge_as_shared(
    records: Counted | None,
    open_records: Counted | None,
    boundaries: BoundarySet,
    parameters: CandidateParameters,
    rules: sharing.RuleSet,
    habitat: Habitat | None,
) -> Callable[[Ground], Judged]:
    """Return what judges ground by all records where that may leave, and else by the open ones.

    Parameters
    ----------
    records, open_records : Counted, optional
        Threatened species, counted by side; and the open ones of them.
    boundaries, parameters, rules, habitat
        See `judging.judge_by`.
    """
    by_all = judging.judge_by(records, boundaries, parameters, rules, habitat)
    by_open = judging.judge_by(open_records, boundaries, parameters, rules, habitat)

    def judge(ground: Ground) -> Judged:
        judged = by_all(ground)
        return judged if _may_leave(judged, boundaries) else by_open(ground)

    return judge


def _may_leave(judged: Judged, boundaries: BoundarySet) -> bool:
    """Tell whether what is told of some ground may be published at the category of its records."""
    if judged.category is SharingCategory.OPEN:
        return True
    row = rows_of.considered([judged], boundaries).select(terms.names(terms.CONSIDERED))
    return not sharing.publish_results("considered_ground", row, boundaries=boundaries).is_empty()
