"""What somebody finds who keeps every published table of every release: never more than a guess among ten, or among what is shown.

Each attack is scored on all records that it speaks of: found exactly, within 100 m, 500 m and a tenth of the cell, beside a guess among
the crowd and among all places that the cell shows. `pytest -m attacks -s` prints the table.
"""

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest

import attacks
import product
import scenarios
import worlds
from attack_case import Case, Guess, Row, Score, play, score

pytestmark = pytest.mark.attacks
MOST = 0.12
"""Found exactly where ten places are the crowd."""
Attack = Callable[[Case], dict[Row, Guess]]


def found(cases: list[Case], attack: Attack, *, new: bool = False, emptied: bool = False) -> Score:
    """Score an attack over worlds; with `new` only presences that came with the last release."""
    scores = []
    for case in cases:
        rows = attacks.new_rows(case) if new else None
        scores.append(score(case, attack(case), rows=rows, emptied=emptied))
    records = sum(s.records for s in scores)
    shares = [
        tuple((sum(s.records * np.array(getattr(s, name)) for s in scores) / max(records, 1) + np.zeros(4)).tolist())
        for name in ("found", "crowd", "shown")
    ]
    total = Score(records, *shares)
    print(f"\n{attack.__name__:20s}{total}")
    return total


def grids(seeds: int = 4, **kind) -> list[worlds.Grid]:
    return [worlds.camera_grid(seed, **kind) for seed in range(seeds)]


@pytest.fixture(scope="module")
def first_releases():
    return [play(scenarios.first_release(grid)) for grid in grids(5)]


@pytest.mark.parametrize("spacing", [0.01, 0.02, 0.03])
@pytest.mark.parametrize("with_events", [True, False])
def test_the_missing_nodes_of_a_lattice(spacing, with_events):
    kind = {"spacing": spacing, "category": "0_01_degree", "with_events": with_events}
    cases = [play(scenarios.first_release(grid)) for grid in grids(2, **kind)]
    assert found(cases, attacks.missing_nodes).found[0] <= MOST


@pytest.mark.parametrize("attack", [
    attacks.missing_nodes, attacks.empty_events, attacks.explained_events, attacks.missing_visits,
    attacks.poorest_place, attacks.spared_places,
])  # fmt: skip
def test_one_release(first_releases, attack):
    total = found(first_releases, attack)
    assert total.records > 150
    assert total.found[0] <= MOST


@pytest.mark.parametrize("richness", [pytest.param(12, id="blank ones are rare"), pytest.param(4, id="and common")])
def test_empty_events_of_cameras_that_often_show_one_species_alone(richness):
    cases = [play(scenarios.first_release(grid)) for grid in grids(2, richness=richness, alone=0.5)]
    assert found(cases, attacks.empty_events).found[0] <= MOST
    assert found(cases, attacks.empty_events, emptied=True).found[0] <= MOST


def test_several_visits_of_a_year_of_which_one_is_emptied():
    cases = [play(scenarios.first_release(grid)) for grid in grids(2, richness=60, alone=0.5, visits=6)]
    for attack in (attacks.explained_events, attacks.spared_places):
        assert found(cases, attack).found[0] <= MOST
    assert sum(case.beside for case in cases) <= 0.12 * sum(case.records for case in cases)


def test_fixes_of_one_station_are_one_place():
    cases = [play(scenarios.gps_fixes(seed)) for seed in range(4)]
    total = found(cases, attacks.same_crowds)
    assert total.records > 50
    assert total.found[1] <= MOST


def test_an_empty_event_that_waits_for_a_wider_cell():
    cases = [play(scenarios.clusters(seed, alone=1, early=True, years=(2023,))) for seed in range(6)]
    total = found(cases, attacks.empty_events)
    assert total.records > 3
    assert total.found[0] <= MOST


@pytest.mark.parametrize("stations", [1, 5, 20, 60])
def test_a_new_part(stations):
    cases = [play(scenarios.new_part(grid, stations)) for grid in grids(3)]
    assert found(cases, attacks.changed_places, new=True).found[0] <= MOST


def test_a_new_part_and_then_the_rest():
    cases = [play(scenarios.new_part(grid, 20, rest=True)) for grid in grids(3)]
    total = found(cases, attacks.changed_places, new=True)
    assert total.records > 20
    assert total.found[0] <= MOST


@pytest.mark.parametrize("stations", [1, 5, 20, 60])
def test_a_new_part_with_the_first_sensitive_record_of_its_crowd(stations):
    cases = [play(scenarios.first_of_its_kind(grid, stations)) for grid in grids(4)]
    assert found(cases, attacks.changed_places, new=True).found[0] <= MOST


def test_empty_events_over_releases():
    kind = {"richness": 14, "alone": 0.5, "rare": 0.015}
    cases = [play(scenarios.new_part(grid, 60, rest=True)) for grid in grids(6, **kind)]
    for attack in (attacks.empty_events, attacks.new_empty_events):
        total = found(cases, attack, new=True)
        assert total.records > 15
        assert total.found[0] <= MOST


@pytest.mark.parametrize("change", [scenarios.withdrawn_station, scenarios.narrowed_dates])
def test_what_changes_at_few_stations_changes_no_presence(change):
    for grid in grids(2):
        case = play(change(grid))
        assert case.public[0].presences
        assert case.public[0].presences == case.public[1].presences


def test_a_nest_at_one_station_over_the_years():
    cases = [play(scenarios.nest(seed)) for seed in range(12)]
    total = found(cases, attacks.same_crowds)
    assert total.records > 10
    assert total.found[0] <= MOST


def test_a_wider_cell_than_the_rule_asks():
    cases = [play(scenarios.clusters(seed)) for seed in range(10)]
    total = found(cases, attacks.failed_narrower)
    assert total.records > 10
    assert total.found[0] <= MOST


@pytest.mark.parametrize("new", [5, 20])
def test_new_finds_where_the_cell_is_the_crowd(new):
    cases = [play(scenarios.finds(seed, new)) for seed in range(3)]
    total = found(cases, attacks.changed_places, new=True)
    assert total.records
    assert total.found[1] <= total.shown[1] + 0.02


@pytest.mark.parametrize("kind", ["natural", "even", "jittered", "patrol"])
def test_gaps_of_walks(kind):
    cases = [play(scenarios.walks(seed, kind)) for seed in range(1)]
    total = found(cases, attacks.walk_gaps)
    assert total.found[1] <= total.shown[1] + 0.02


def test_a_border_in_the_cell():
    cases = [play(scenarios.border(seed, by_cell=True)) for seed in range(3)]
    assert found(cases, attacks.one_side).found[0] <= MOST


@pytest.mark.parametrize("kind", [{}, {"visits": 3}, {"spacing": 0.03, "category": "0_01_degree"}])
def test_a_grid_of_cameras_is_little_coarser_for_the_sake_of_others(kind):
    cases = [play(scenarios.first_release(grid)) for grid in grids(5, **kind)]
    assert sum(case.beside for case in cases) <= 0.05 * sum(case.records for case in cases)


def test_a_national_survey_is_hardly_coarser_for_the_sake_of_others():
    records, events = worlds.national_survey(1, stations=400)
    found = product.set_apart(records, events, None, frozenset(), date(2026, 6, 1))
    assert len(found.beside) <= 0.005 * len(records)
    assert len(found.presences) > 100
