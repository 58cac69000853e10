"""The product publishes what the oracle recomputes, in made worlds of about a hundred records and their releases.

Ten thousand worlds: `SET_APART_WORLDS=10000 pytest -m attacks tests/attacks/test_set_apart_worlds.py`.
"""

import os

import pytest

import oracle
import product
import worlds

pytestmark = pytest.mark.attacks
WORLDS = int(os.environ.get("SET_APART_WORLDS", "500"))
BATCHES = 5


DENSE = 40


def compare(releases: list[worlds.Release], name: str) -> None:
    expected_memory = memory = None
    for number, release in enumerate(releases):
        source = (release.records, release.events)
        expected = oracle.set_apart(*source, expected_memory, release.released, release.today)
        found = product.set_apart(*source, memory, release.released, release.today)
        where = f"{name}, release {number}"
        assert found.open_keys == expected.open_keys, where
        assert found.presences == expected.presences, where
        assert found.event_keys == expected.event_keys, where
        assert found.waiting == expected.waiting, where
        expected_memory, memory = expected.memory, found.memory


@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_product_publishes_what_the_oracle_does(batch):
    for seed in range(batch, WORLDS, BATCHES):
        compare(worlds.small_world(seed), f"world {seed}")


def test_the_product_does_so_where_places_share_squares_and_records_get_and_lose_them():
    for seed in range(DENSE):
        compare(worlds.dense_world(seed), f"dense world {seed}")


def test_a_dataset_in_which_nothing_changed_keeps_what_it_has():
    for seed in range(DENSE):
        compare(worlds.one_at_a_time(worlds.small_world(seed)), f"world {seed}, one dataset at a time")


def test_the_worlds_hold_what_they_are_for():
    """Else two that publish nothing would be equal."""
    presences, without_year, next_cell, waiting, beside, hidden_events, nowhere = 0, 0, 0, 0, 0, 0, 0
    for seed in range(60):
        memory = None
        for release in worlds.small_world(seed):
            found = oracle.set_apart(release.records, release.events, memory, release.released, release.today)
            memory = found.memory
            presences += len(found.presences)
            without_year += sum(p[5] is None for p in found.presences)
            nowhere += sum(p[1] is None for p in found.presences)
            next_cell += sum(s.published and k not in found.own_cell for k, s in memory.states.items())
            waiting += len(found.waiting)
            beside += len(found.beside)
            hidden_events += len(release.events) - len(found.event_keys)
    assert min(presences, without_year, next_cell, waiting, beside, hidden_events, nowhere) > 10
