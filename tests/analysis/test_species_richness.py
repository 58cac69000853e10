"""Completeness, Chao's estimators and rarefaction: published figures, and every subsample of small samples."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from biodata.analysis.grid import equal_area_grid
from biodata.analysis.species.richness import ENOUGH, TOO_LITTLE, Sample, richness_of_cells
from biodata.runs.species_maps import one_of_each_event

# Spiders of hemlock stands (Ellison et al. 2010), the worked example of Chao et al. 2014 and of the R package iNEXT.
GIRDLED = np.array([46, 22, 17, 15, 15, 9, 8, 6, 6, 4, *[2] * 4, *[1] * 12])
LOGGED = np.array([88, 22, 16, 15, 13, 10, 8, 8, 7, 7, 7, 5, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2, *[1] * 14])


@pytest.mark.parametrize(("counts", "individuals", "estimated", "coverage"), [
    pytest.param(GIRDLED, 168, 43.892857, 0.9289, id="girdled stand"),
    pytest.param(LOGGED, 252, 61.403, 0.9446, id="logged stand"),
])  # fmt: skip
def test_published_estimates_of_all_species_and_of_coverage(counts, individuals, estimated, coverage):
    sample = Sample.of_individuals(counts)
    assert sample.units == individuals
    assert sample.estimated() == pytest.approx(estimated, abs=5e-4)
    assert sample.coverage() == pytest.approx(coverage, abs=5e-5)


def test_published_extrapolation():
    # iNEXT::estimateD(spider$Girdled, level = 300), as shown by the R package divent's vignette.
    sample = Sample.of_individuals(GIRDLED)
    assert sample.species_at(300) == pytest.approx(33.317733, abs=1e-6)
    assert sample.coverage(300) == pytest.approx(0.9579518, abs=1e-6)


def test_rarefaction_of_individuals_is_the_mean_over_every_subsample():
    counts = np.array([4, 2, 1, 1])
    individuals = [species for species, n in enumerate(counts) for _ in range(n)]
    sample = Sample.of_individuals(counts)
    for m in range(1, 9):
        mean = np.mean([len(set(part)) for part in combinations(individuals, m)])
        assert sample.species_at(m) == pytest.approx(mean)


def test_rarefaction_of_visits_is_the_mean_over_every_subset():
    visits = [{"a", "b"}, {"a"}, {"a", "c"}, {"b", "d"}, set(), {"a", "e"}]
    species = sorted(set().union(*visits))
    sample = Sample.of_visits(np.array([sum(s in v for v in visits) for s in species]), len(visits))
    for t in range(1, 7):
        mean = np.mean([len(set().union(*part)) for part in combinations(visits, t)])
        assert sample.species_at(t) == pytest.approx(mean)


def test_coverage_grows_with_units_and_joins_at_the_sample():
    sample = Sample.of_individuals(GIRDLED)
    values = [sample.coverage(m) for m in (1, 20, 80, 167, 168, 200, 336)]
    assert values == sorted(values)
    assert sample.coverage(168) == sample.coverage()
    assert sample.coverage(sample.units_for(0.9)) == pytest.approx(0.9)
    assert sample.units_for(0.999) is None, "more than twice the effort would be needed"


@pytest.mark.parametrize("counts", [[1] * 10, [4, 3, 2, 1, 1, 1], [1, 2]])
def test_a_part_of_a_visit_makes_no_jump(counts):
    """With few visits a jump between two whole numbers would be as large as the species found once."""
    sample = Sample.of_visits(np.array(counts), 5)
    species = [sample.species_at(t) for t in np.linspace(0, 5, 501)]
    covered = [sample.coverage(t) for t in np.linspace(0, 4.999, 501)]
    assert max(np.diff(species)) < 0.011 * sum(counts)
    assert min(np.diff(species)) >= -1e-12
    assert min(np.diff(covered)) >= -1e-12
    assert sample.coverage(5) >= covered[-1] - 1e-12


def test_species_found_once_are_rarefied_in_proportion():
    sample = Sample.of_visits(np.array([1] * 10), 5)
    assert [sample.species_at(t) for t in (2.5, 4.0, 4.2, 5.0)] == pytest.approx([5.0, 8.0, 8.4, 10.0])


@pytest.mark.parametrize(("counts", "visits", "estimated", "coverage"), [
    pytest.param([], 0, 0.0, 0.0, id="nothing"),
    pytest.param([], 4, 0.0, 0.0, id="visits without a species"),
    pytest.param([1], 1, 1.0, 1.0, id="one visit, one species"),
    pytest.param([3, 3], 3, 2.0, 1.0, id="every visit the same"),
    pytest.param([1, 1, 1], 3, 3 + 2 / 3 * 3, 1 - (2 * 2 / (2 * 2 + 2)), id="none found twice"),
])  # fmt: skip
def test_samples_at_the_edge(counts, visits, estimated, coverage):
    sample = Sample.of_visits(np.array(counts, dtype=np.int64), visits)
    assert sample.estimated() == pytest.approx(estimated)
    assert sample.coverage() == pytest.approx(coverage)


def test_more_visits_than_there_were_are_refused():
    with pytest.raises(ValueError, match="5 of 4 visits"):
        Sample.of_visits(np.array([5]), 4)


def test_cells_with_too_little_effort_are_told_apart():
    rng = np.random.default_rng(3)
    grid = equal_area_grid((101.0, 21.0, 101.4, 21.4), 10_000.0)
    rich, poor = grid.lonlat(np.array([1]), np.array([1]))[0], grid.lonlat(np.array([2]), np.array([2]))[0]
    rows = [(f"s{s}", v, *rich) for v in range(40) for s in range(12) if rng.random() < 0.3]
    rows += [(f"s{s}", v, *poor) for v in range(3) for s in range(4)]
    records = pl.DataFrame(rows, schema=["species", "visit", "decimalLongitude", "decimalLatitude"], orient="row")
    found = richness_of_cells(records, grid, coverage=0.8)
    assert found["state"].to_list() == [ENOUGH, TOO_LITTLE]
    assert found["richness"][1] is None
    assert 4 < found["richness"][0] <= found["observed"][0] <= found["estimated"][0]
    with pytest.raises(ValueError, match="between 0 and 1"):
        richness_of_cells(records, grid, coverage=1.0)


def test_an_event_told_by_two_datasets_is_one():
    records = pl.DataFrame({"key": [5, 1, 2, 3, 4], "cluster_id": [1, 1, None, 9, 9], "n": [0, 1, 2, 3, 4]})
    assert one_of_each_event(records)["n"].to_list() == [1, 2, 3], "the one that stands for its group, else the first"
    assert one_of_each_event(records.drop("cluster_id")).height == 5
