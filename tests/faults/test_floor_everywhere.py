"""Brute force along every land border and coast of the region: no consistent region below the floor."""

import itertools

import numpy as np
import pytest

from biodata.sharing import RuleSet
from biodata.vocabularies import SharingCategory
from test_planted_cells import _published_alike, _rule
from test_sharing_floor import BOUNDARIES, consistent_places

pytestmark = [pytest.mark.searches, pytest.mark.timeout(3600)]
WEST, SOUTH, EAST, NORTH = 73.0, -12.0, 142.0, 36.0
"""Southwest China and ASEAN, with what borders on them."""
FINE_WINDOWS, SPOTS = 40, 40


def along() -> np.ndarray:
    """Return a place every 5 km or so on each land border and coast of the region: longitude, latitude."""
    ends = np.concatenate([BOUNDARIES.border_edges.ends, BOUNDARIES.coast_edges.ends])
    pieces = np.maximum(np.ceil(np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]) / 0.05), 1).astype(int)
    rows = np.repeat(np.arange(len(ends)), pieces)
    at = np.concatenate([(np.arange(n) + 0.5) / n for n in pieces])[:, None]
    points = ends[rows, :2] * (1 - at) + ends[rows, 2:] * at
    inside = (points >= (WEST, SOUTH)).all(axis=1) & (points <= (EAST, NORTH)).all(axis=1)
    return points[inside]


def windows(side: float) -> list[tuple[float, float, float, float]]:
    """Return the windows of a grid that a border or coast of the region passes."""
    corners = np.unique(np.floor(along() / side + 1e-9).astype(int), axis=0)
    return [(c * side, r * side, (c + 1) * side, (r + 1) * side) for c, r in corners.tolist()]


def test_every_window_of_a_border_or_coast_at_a_tenth_of_a_degree():
    found = [consistent_places(SharingCategory.TENTH_DEGREE, window) for window in windows(6.4)]
    assert sum(counted for counted, _ in found) > 30_000
    assert list(itertools.chain(*(small for _, small in found))) == []


def test_every_window_of_a_border_or_coast_at_a_degree():
    found = [consistent_places(SharingCategory.ONE_DEGREE, window) for window in windows(8.0)]
    assert sum(counted for counted, _ in found) > 500
    assert list(itertools.chain(*(small for _, small in found))) == []


def test_a_sample_of_windows_at_a_hundredth_of_a_degree():
    every = windows(0.64)
    chosen = np.random.default_rng(4).choice(len(every), FINE_WINDOWS, replace=False)
    assert [small for n in chosen for small in consistent_places(SharingCategory.HUNDREDTH_DEGREE, every[n])[1]] == []


def test_records_published_along_borders_and_coasts():
    places = along()
    rules = RuleSet.of([_rule("all", "0_1_degree")])
    for x, y in places[np.random.default_rng(9).choice(len(places), SPOTS, replace=False)]:
        if -80 < y < 80:
            _published_alike(rules, x, y)
