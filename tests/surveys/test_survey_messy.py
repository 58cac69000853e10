"""Sheets as teams really write them: planted faults are found in their cell, right cells are left alone, nothing is silent."""

import pytest

import messy_score
import messy_workbooks
from biodata import places


@pytest.fixture(scope="module")
def scores():
    boundaries = places.load_boundaries()
    return [messy_score.score(make(), boundaries) for make in messy_workbooks.BOOKS]


def test_planted_faults_are_found_in_their_cell(scores):
    assert len(scores) >= 30
    assert sum(one["found"] for one in scores) >= 0.95 * sum(one["planted"] for one in scores)


def test_right_cells_are_hardly_ever_marked_wrong(scores):
    assert sum(one["false"] for one in scores) < 0.01 * sum(one["cells"] for one in scores)


def test_nothing_that_changes_place_date_taxon_or_count_is_silent(scores):
    assert [(one["book"], one["silent"]) for one in scores if one["silent"]] == []


def test_they_go_in_once_what_is_proposed_is_accepted(scores):
    assert sum(one["in"] for one in scores) >= 25
