"""Independent records by one rule for every order, and species that stay on the side where they are."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations

import numpy as np
import polars as pl
import pytest

from biodata.analysis import evidence
from biodata.analysis.evidence import counting
from biodata.core import geo
from biodata.places import load_boundaries
from evidence_rows import AS_OF, GIBBON, JUDGING, count, records, why
from landscapes import halves
from planted import Planted

DAY = date(2024, 5, 1)


def at(minute: int, **more: object) -> dict[str, object]:
    """Return a record of so many minutes after midnight in Laos."""
    day = DAY + timedelta(days=minute // 1440)
    clock = f"{minute % 1440 // 60:02}:{minute % 60:02}"
    return {"event_start": day, "event_end": day, "event_time": clock, "event_zone": "+07:00"} | more


SECONDS = [
    ("29 minutes", at(29), False),
    ("30 minutes", at(30), True),
    ("990 m", at(0, x=-3990.0), False),
    ("1010 m", at(0, x=-4010.0), True),
    ("another species", at(0, species="Panthera tigris"), True),
    ("29 minutes by the clock of China", at(89, event_zone="+08:00"), False),
    ("89 minutes", at(89), True),
    ("the same day, no time", {"event_start": DAY, "event_end": DAY}, False),
    ("the next day, no time", {"event_start": DAY + timedelta(days=1)}, True),
    ("some day of the year", {"event_start": None, "event_end": None, "year": 2024}, False),
    ("another year", {"event_start": None, "event_end": None, "year": 2023}, True),
    ("no zone told: that of the country", at(10, event_zone=None), False),
    ("the night before", at(-10), False),
    ("a group of its own", at(0, cluster_id=0, key=7, x=-9000.0), True),
]


def test_records_near_in_time_and_space_are_one_observation():
    """Each second record beside a first one; each pair is of species of its own."""
    rows = []
    for number, (_, second, _) in enumerate(SECONDS):
        second = {"event_end": second.get("event_start", DAY)} | second
        for one in (at(0), second):
            species = f"{one.get('species', GIBBON)} {number}"
            rows.append(one | {"key": 10 * len(rows), "species": species})
    found = dict(count(records(*rows)).records.select("key", "why_not").iter_rows())
    for number, (what, _, counts) in enumerate(SECONDS):
        why = [found[20 * number], found[20 * number + 10]]
        assert why.count(None) == 1 + counts, what
        assert counts or set(why) == {None, "too near another record in time and space"}, what


def test_one_record_of_a_group_of_duplicates_counts_the_one_that_stands_for_it():
    group = {"cluster_id": 1}
    rows = records(at(0, **group), at(5000, x=-9000.0, **group), at(9000, x=-15_000.0, cluster_id=None))
    assert why(rows) == ["another record is of the same event", None, None]


def test_a_train_of_records_gives_one_in_thirty_minutes():
    train = records(*(at(minute) for minute in range(0, 300, 10)))
    found = count(train.with_columns(pl.lit("d").alias("datasetKey"))).records
    assert [n for n, reason in enumerate(found["why_not"]) if reason is None] == [*range(0, 30, 3)]


def crowd(n: int, seed: int) -> pl.DataFrame:
    """Return records of three species in a few square kilometres and days, with times, days, months and years."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        kind, day = rng.integers(0, 8), DAY + timedelta(days=int(rng.integers(0, 5)))
        dates: dict[str, object] = {"event_start": day, "event_end": day, "year": day.year}
        if kind < 5:
            dates = at(int(rng.integers(0, 5 * 1440)))
            dates["event_zone"] = [None, "+07:00", "+08:00"][rng.integers(0, 3)]
        elif kind == 7:
            dates["event_end"] = day + timedelta(days=int(rng.integers(0, 40)))
        place = {"x": float(rng.uniform(-8000, -3000)), "y": float(rng.uniform(0, 4000))}
        extra = {
            "species": f"species {rng.integers(0, 3)}",
            "coordinateUncertaintyInMeters": float(rng.choice([10, 30, 500])),
            "datasetKey": str(rng.choice(["a", "b"])),
            "cluster_id": int(rng.integers(0, n)) if rng.random() < 0.2 else None,
        }
        rows.append(dates | place | extra)
    return records(*rows)


@pytest.mark.parametrize("seed", range(2))
def test_no_order_of_the_rows_changes_what_counts(seed):
    rows = crowd(400, seed)
    first = count(rows).records
    assert 100 < first["why_not"].null_count() < 300
    for shuffled in (rows.reverse(), rows.sample(fraction=1, shuffle=True, seed=seed)):
        assert count(shuffled).records.sort("key").equals(first.sort("key"))
    assert count(rows.with_columns(key=10_000 - pl.col("key"))).reasons() == count(rows).reasons(), "keys are random"


def test_any_two_that_count_are_apart_and_each_that_is_too_near_has_one_beside_it():
    timed = crowd(600, 9).filter(pl.col("event_time").is_not_null()).drop("cluster_id", strict=False)
    found = count(timed).records
    zone = pl.col("event_zone").fill_null("+07:00").str.slice(1, 2).cast(pl.Int64)
    clock = pl.col("event_time")
    found = found.with_columns(
        minute=(pl.col("event_start") - DAY).dt.total_days() * 1440
        + clock.str.slice(0, 2).cast(pl.Int64) * 60
        + clock.str.slice(3, 2).cast(pl.Int64)
        - zone * 60
    )
    rows = found.to_dicts()

    def near(one: dict, other: dict) -> bool:
        places = [one[n] for n in ("decimalLongitude", "decimalLatitude")]
        places += [other[n] for n in ("decimalLongitude", "decimalLatitude")]
        return (
            one["species"] == other["species"]
            and abs(one["minute"] - other["minute"]) < 30
            and geo.geodesic_distance_m(*places) < 1000
        )

    counting = [row for row in rows if row["why_not"] is None]
    assert not any(near(a, b) for a, b in combinations(counting, 2))
    for row in rows:
        if row["why_not"] is not None:
            assert any(near(row, other) for other in counting)


def test_rules_of_nothing_take_every_record():
    same = records(at(0), at(0), at(0))
    assert why(same, independent_m=0.0) == [None] * 3
    assert why(same, independent_minutes=0.0) == [None] * 3


# Must show: points moved inside their uncertainty


@pytest.fixture(scope="module")
def planted() -> Planted:
    return Planted(200, load_boundaries(), most_m=30_000.0, seed=3)


@pytest.mark.parametrize("band_m", [5000.0, 500.0], ids=["1:10 million", "1:50,000"])
def test_points_moved_inside_their_uncertainty_turn_no_species_two_sided(planted, band_m):
    boundaries = replace(load_boundaries(), band_m=band_m)

    def sides(longitude, latitude) -> list[str | None]:
        frame = planted.records(longitude, latitude)
        return evidence.counted(frame, boundaries=boundaries, parameters=JUDGING).records["side"].to_list()

    still = sides(planted.longitude, planted.latitude)
    assert all(side in (None, own) for side, own in zip(still, planted.own, strict=True))
    assert sum(side is not None for side in still) > 80, "else the rule would pass by letting nothing count"
    for seed in range(2):
        moved = sides(*planted.moved(np.random.default_rng(seed)))
        # Recorded surely in its own country before, and now over the border: two-sided, and wrongly so.
        wrongly = sum(side not in (None, own) for side, own in zip(moved, planted.own, strict=True))
        # Recorded surely over the border, and now in its own country, where it did not count before.
        turned = sum(now is not None and was is None for was, now in zip(still, moved, strict=True))
        assert wrongly <= 0.05 * len(still)
        assert turned <= 0.05 * len(still)


def test_beside_a_line_without_a_band_what_was_surely_one_sided_stays_so():
    """Less than 2 km from a border a circle often reaches over it: its species is then told as not certain."""
    boundaries = replace(load_boundaries(), band_m=0.0)
    near = Planted(200, boundaries, most_m=2_000.0, seed=3)

    def told(longitude, latitude) -> tuple[list, list]:
        found = evidence.counted(near.records(longitude, latitude), boundaries=boundaries, parameters=JUDGING).records
        unsure = found["why_not"].is_in((counting.OVER_BORDER, counting.IN_BAND, counting.OVER_SEA))
        return found["side"].to_list(), unsure.to_list()

    still, unsure = told(near.longitude, near.latitude)
    assert sum(side is not None for side in still) >= 40, "else the rule would pass by letting nothing count"
    for seed in range(2):
        moved, _ = told(*near.moved(np.random.default_rng(seed)))
        # Each species has sure records in its own country alone, and what counts over the border is wrong.
        wrongly = sum(side not in (None, own) for side, own in zip(moved, near.own, strict=True))
        assert wrongly <= 0.02 * len(still)
        # Each species has sure records over the border: what counts in its own country now was not told as one-sided.
        turned = [
            doubt for was, now, doubt in zip(still, moved, unsure, strict=True) if was is None and now is not None
        ]
        assert turned
        assert all(turned)


@pytest.mark.parametrize("n", [1, 20])
def test_many_records_along_a_line_make_a_species_two_sided_no_more_often_than_one(n):
    """All of a species' places lie on the line's western side, as near as can be, and are told as moved at random."""
    rng, species, radius = np.random.default_rng(1), 300, 900.0
    far, turn = radius * np.sqrt(rng.random((species, n))), rng.uniform(0, 2 * np.pi, (species, n))
    rows = [
        at(30 * place, x=-1.0 + far[one, place] * np.cos(turn[one, place]), y=far[one, place] * np.sin(turn[one, place]),
           species=f"species {one}", coordinateUncertaintyInMeters=radius)
        for one in range(species) for place in range(n)
    ]  # fmt: skip
    found = evidence.counted(records(*rows), boundaries=replace(halves(), band_m=0.0), parameters=JUDGING).records
    wrong = found.filter(pl.col("side") == "VN")["species"].n_unique() / species
    assert wrong <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / species)
    assert n > 1 or wrong > 0.02, "one record alone uses what it may"


# A second boundary set and viewpoint


def test_another_set_changes_the_answers_near_the_line_and_only_there(planted):
    first = load_boundaries()
    second = replace(first, name="second", viewpoint="another's", version="2", band_m=500.0)
    frame = planted.records(planted.longitude, planted.latitude)
    one, two = (evidence.counted(frame, boundaries=b, parameters=JUDGING) for b in (first, second))
    assert (one.facts["boundary_set"], two.facts["boundary_set"]) == ("natural_earth", "second")
    assert (one.facts["viewpoint"], two.facts["viewpoint"]) == (first.viewpoint, "another's")
    changed = one.records["side"].ne_missing(two.records["side"]).to_numpy()
    assert changed.any()
    distance_m = first.borders.near(planted.longitude, planted.latitude).distance_m[changed]
    assert (distance_m <= 5000.0 + planted.radius_m[changed]).all(), "only where one of the bands may reach"
    gained = two.records.filter(pl.Series(changed))
    assert gained["side"].null_count() == 0, "a narrower band takes no side away"
    assert AS_OF.isoformat() == two.facts["parameters"]["as_of"]
