"""Effort, histories, abundance, trends and totals of small surveys whose answers can be counted by hand."""

import itertools

import numpy as np
import polars as pl
import pytest

from biodata.analysis.surveys import abundance, joining, occupancy
from biodata.analysis.surveys.joining import join, looked_for, species_only
from biodata.analysis.surveys.results import results
from biodata.core.run_parameters import SurveyNumbers
from case_tables import cases
from survey_worlds import event, events, record, records

MUNTJAC, FOWL = "Muntiacus vaginalis", "Gallus gallus"


def test_effort_by_side_month_and_site():
    told = join(
        events(
            event("a", days=31, effort=21, failed_days=10.0),
            event("b", side="CN", start="2026-01-17", days=30),
            event("c", design="line_transect", effort=4.5, effort_unit="km", days=1),
            event("d", days=5, effort_value=None),
        ),
        records(),
    ).events
    by_side = joining.effort(told).rows(named=True)
    assert [(one["side"], one["method"], one["effort"], one["effort_unit"], one["events"]) for one in by_side] == [
        ("CN", "camera_trap", 30.0, "trap-night", 1),
        ("LA", "camera_trap", 21.0, "trap-night", 2),
        ("LA", "line_transect", 4.5, "km", 1),
    ]
    assert by_side[1]["effort_unknown"] == 1
    assert by_side[1]["failed_days"] == 10
    months = joining.effort(told.filter(pl.col("side") == "CN"), by=("side", "month"))
    assert dict(months.select("month", "effort").iter_rows()) == pytest.approx({"2026-01": 15.0, "2026-02": 15.0})
    assert joining.effort(told, by=("site",)).height == 4


def test_a_silent_camera_is_no_absence():
    joined = join(
        events(event("a", days=20, effort=11, failures="2026-01-06/2026-01-14"), event("b", days=10)),
        records(record("a", "2026-01-02T05:00:00+07:00"), record("b", "2026-01-08T05:00:00+07:00"), record("a", "2026-01-07")),
    )  # fmt: skip
    found = occupancy.history(joined, MUNTJAC, method="camera_trap", occasion_days=5)
    assert found.sites == ("a", "b")
    assert found.detected[0, 0] == 1
    assert np.isnan(found.detected[0, 1])  # days 6 to 10: silent
    assert found.detected[0, 2] == 0  # one day of five left
    assert found.effort[0].tolist() == pytest.approx([5, 0, 1, 5])
    assert found.detected[1, :2].tolist() == [0, 1]
    assert np.isnan(found.detected[1, 2:]).all()
    assert found.effort.sum() == pytest.approx(21)
    assert found.left_out == {"recorded on a day without effort": 1}


@pytest.mark.parametrize(("scope", "species", "looked"), [
    (["Mammalia"], MUNTJAC, True), (["mammalia "], MUNTJAC, True), (["Muntiacus"], MUNTJAC, True),
    (["Aves", "Cervidae"], MUNTJAC, True), (["Mammalia"], FOWL, False), (["Elephas maximus"], MUNTJAC, False),
    (None, MUNTJAC, False),
])  # fmt: skip
def test_absence_only_inside_the_scope(scope, species, looked):
    joined = join(
        events(event("a", targetTaxonomicScope=scope), event("b", targetTaxonomicScope=scope)),
        records(record("a", "2026-01-02", MUNTJAC), record("a", "2026-01-03", FOWL)),
    )
    inside, left_out = looked_for(joined, species)
    assert inside.height == (2 if looked else 0)
    assert bool(left_out) is not looked
    found = occupancy.history(joined, species, method="camera_trap")
    assert np.isfinite(found.detected).any() is np.bool_(looked)
    if scope is None:
        assert looked_for(joined, species, assumed_scope=["Mammalia"])[0].height == 2


def test_visits_are_occasions_of_other_designs():
    walk = {"design": "line_transect", "effort_unit": "km", "days": 1}
    joined = join(
        events(
            event("a1", site="A", start="2026-02-01", effort=2, **walk),
            event("a2", site="A", start="2026-01-01", effort=3, **walk),
            event("b1", site="B", start="2026-01-01", effort=4, **walk),
        ),
        records(record("a1", "2026-02-01")),
    )
    found = occupancy.history(joined, MUNTJAC, method="line_transect")
    assert found.detected[0].tolist() == [0, 1]
    assert found.effort.tolist() == [[3, 2], [4, 0]]
    assert np.isnan(found.detected[1, 1])
    assert found.unit == "km"


def test_independent_events_and_their_rate():
    joined = join(
        events(event("a", days=50), event("b", days=50)),
        records(record("a", "2026-01-02T05:00:00+07:00", n=2), record("a", "2026-01-02T05:20:00+07:00"),
                record("a", "2026-01-02T05:31:00+07:00"), record("b", "2026-01-02T05:10:00+07:00"),
                record("a", "2026-01-02T05:10:00+07:00", FOWL)),
    )  # fmt: skip
    counted = abundance.independent_events(joined)
    assert counted.group_by("name", "site").len().sort("name", "site").rows() == [
        (FOWL, "a", 1), (MUNTJAC, "a", 2), (MUNTJAC, "b", 1),
    ]  # fmt: skip
    told = abundance.rate(joined.events, counted.filter(pl.col("name") == MUNTJAC))
    assert (told.events, told.effort, told.unit) == (3, 100.0, "trap-night")
    assert told.rate == pytest.approx(0.03)
    # Exact Poisson limits of 3: 0.6187 and 8.7673.
    assert (told.low, told.high) == pytest.approx((0.006187, 0.087673), abs=1e-6)
    none = abundance.rate(joined.events, counted.clear())
    assert (none.low, none.high) == pytest.approx((0, 0.0368888), abs=1e-6)


def test_what_cannot_be_compared_is_refused():
    joined = join(
        events(event("a"), event("b", side="CN", effort_value=None),
               event("c", side="CN", design="line_transect", effort_unit="km")),
        records(record("a", "2026-01-02")),
    )  # fmt: skip
    cameras = joined.events.filter(pl.col("method") == "camera_trap")
    assert joining.one_unit(cameras) == "the effort of 1 of 2 events is not known"
    assert "methods differ" in joining.one_unit(joined.events)
    told = abundance.rate(cameras, joined.records)
    assert abundance.ratio(told, told) == {"refused": told}
    assert joining.one_unit(cameras.filter(pl.col("side") == "LA")) is None


def test_ratio_of_two_sides():
    joined = join(events(event("a", days=100), event("b", side="CN", days=50)), records())
    counts = {"a": 20, "b": 10}
    made = [record(name, f"2026-01-{day:02}T05:00:00+07:00") for name, n in counts.items() for day in range(1, n + 1)]
    joined = join(joined.events.select(events(event("a")).columns), records(*made))
    rates = [abundance.rate(joined.events.filter(pl.col("side") == side), joined.records) for side in ("LA", "CN")]
    told = abundance.ratio(*rates)
    assert told["ratio"] == pytest.approx(1.0)
    assert told["low"] < 1 < told["high"]


def test_a_trend_is_found_in_spite_of_unequal_effort():
    rng = np.random.default_rng(4)
    rows = [
        {"site": f"s{site}", "repeat": year, "effort": float(units), "n": int(rng.poisson(level * units * 0.8 ** (year - 2020)))}
        for site, level in enumerate(rng.gamma(2, 0.4, 15))
        for year, units in zip(range(2020, 2026), rng.integers(20, 200, 6), strict=True)
    ]  # fmt: skip
    told = abundance.trend(pl.DataFrame(rows))
    assert told.says == "decrease"
    assert told.low < -0.2 < told.high
    assert told.change == pytest.approx(-0.2, abs=0.03)
    # A site of one year, and one that never had any, change nothing.
    more = [{"site": "new", "repeat": 2025, "effort": 900.0, "n": 500}, {"site": "old", "repeat": 2020, "effort": 9.0, "n": 0}]  # fmt: skip
    assert abundance.trend(pl.DataFrame(rows + more)) == told


@pytest.mark.parametrize(("rows", "why"), [
    ([("a", 2020, 5), ("b", 2021, 3)], "no site"),
    ([("a", 2020, 5), ("a", 2021, 3)], "between two is no trend"),
    ([("a", 2020, 0), ("a", 2021, 0), ("a", 2022, 0)], "not found"),
    ([("a", 2020, 9), ("a", 2021, 0), ("a", 2022, 0)], "no bound"),
])  # fmt: skip
def test_no_trend_says_why(rows, why):
    table = pl.DataFrame([{"site": s, "repeat": y, "n": n, "effort": 10.0} for s, y, n in rows])
    assert why in abundance.trend(table)


def groups(*rows):
    """Groups as (side, individuals, degrees east, day)."""
    return pl.DataFrame([
        {"side": side, "individuals": n, "decimalLongitude": x, "decimalLatitude": 21.0,
         "coordinateUncertaintyInMeters": 0.0, "day": day}
        for side, n, x, day in rows
    ]).with_columns(start=pl.datetime(2026, 1, 1) + pl.duration(days="day"),
                    end=pl.datetime(2026, 1, 1) + pl.duration(days="day"))  # fmt: skip


@pytest.mark.parametrize(("rows", "low", "high"), cases("survey_results", "test_totals_across_a_border"))
def test_totals_across_a_border(rows, low, high):
    told = occupancy.total(groups(*rows))
    assert (told.low, told.high) == (low, high)


def test_no_pairing_of_individuals_leaves_fewer_than_the_least():
    rng = np.random.default_rng(1)
    for _ in range(25):
        n = 6
        rows = [("LA" if place < 3 else "CN", int(rng.integers(1, 4)), 101 + rng.random() * 0.2, int(rng.integers(0, 6))) for place in range(n)]  # fmt: skip
        told = occupancy.total(groups(*rows))
        near = {
            (a, b)
            for a, b in itertools.product(range(3), range(3, 6))
            if abs(rows[a][2] - rows[b][2]) * 103_900 <= 5_000 and abs(rows[a][3] - rows[b][3]) <= 3
        }
        heads = [(place, one) for place, row in enumerate(rows) for one in range(row[1])]
        left = [head for head in heads if head[0] < 3]

        def best(at, used, *, left=left, heads=heads, near=near):
            if at == len(left):
                return 0
            found = best(at + 1, used)
            for head in heads:
                if (left[at][0], head[0]) in near and head not in used:
                    found = max(found, 1 + best(at + 1, used | {head}))
            return found

        assert max(told.by_side.values()) <= told.low <= len(heads) - best(0, frozenset())


def test_a_genus_is_no_species_more_where_one_of_it_was_found():
    genus = {"species": None, "scientificName": "Muntiacus Rafinesque, 1815", "genus": "Muntiacus"}
    family = {"species": None, "scientificName": "Cervidae", "genus": None}
    other = {"species": None, "scientificName": "Rusa", "genus": "Rusa"}
    rows = [{**record("a", "2026-01-02"), **more} for more in (genus, family, other)]
    joined = join(events(event("a")), records(record("a", "2026-01-03"), *rows))
    assert sorted(species_only(joined.records)["name"]) == [MUNTJAC, "Rusa"]
    without = join(events(event("a")), records(*rows))
    assert sorted(species_only(without.records)["name"]) == ["Muntiacus", "Rusa"]
    told = results(joined, SurveyNumbers())["richness"]["camera_trap"]
    assert told["by"]["joint"]["estimates"]["species"] == 2
    assert told["not_counted"] == 2


def test_all_results_of_a_survey():
    rng = np.random.default_rng(9)
    rows, seen = [], []
    for year, side, n in itertools.product((2023, 2024, 2025), ("LA", "CN"), range(8)):
        name = f"{side}{n}-{year}"
        rows.append(event(name, site=f"{side}{n}", side=side, start=f"{year}-01-01", days=20 + n))
        seen += [
            record(name, f"{year}-01-{day:02}T05:00:00+07:00", species)
            for species, chance in ((MUNTJAC, 0.2), ("Elephas maximus", 0.05), (FOWL, 0.1))
            for day in range(1, 20)
            if rng.random() < chance
        ]
    told = results(join(events(*rows), records(*seen)), SurveyNumbers())
    assert told["summary"]["sides"] == ["CN", "LA"]
    assert next(one["species"] for one in told["totals"]) == MUNTJAC
    by = {(one["species"], one["method"]): one["by"] for one in told["abundance"]}
    assert by[MUNTJAC, "camera_trap"]["joint"]["rate"] == pytest.approx(0.2 * 19 / 23.5, rel=0.2)
    assert "refused" in by[FOWL, "camera_trap"]["joint"]
    fitted = [one for one in told["occupancy"] if one["species"] == MUNTJAC]
    assert [one["repeat"] for one in fitted] == [2023, 2024, 2025]
    assert set(fitted[0]["by"]) == {"joint", "CN", "LA"}
    compared = [one["compared"] for one in told["occupancy"] if one["compared"]]
    assert compared
    assert all("refused" in one or 0 <= one["p_value"] <= 1 for one in compared)
    assert told["trends"][0]["by"]["joint"]["repeats"] == 3
    again = results(join(events(*rows), records(*seen)), SurveyNumbers())
    assert again == told
