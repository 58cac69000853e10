"""Surveys made to mislead: what results say of them, against counts in plain pandas and by hand."""

import itertools
from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest

from biodata.analysis.surveys import abundance, joining, occupancy
from biodata.analysis.surveys.joining import join, looked_for, season_start
from biodata.analysis.surveys.results import results
from biodata.core.run_parameters import SurveyNumbers
from survey_worlds import event, events, no_floors, record, records

__all__ = ["no_floors"]
pytestmark = pytest.mark.usefixtures("no_floors")
MUNTJAC = "Muntiacus vaginalis"
WALK = {"design": "line_transect", "effort_unit": "km", "days": 1}


def survey(some, *seen, **asked):
    joined = join(events(*some), records(*seen))
    return joined, results(joined, SurveyNumbers(**asked))


def of(told, kind, **which):
    return next(one for one in told[kind] if all(one[name] == value for name, value in which.items()))


def test_two_cameras_at_a_station_are_no_double_effort():
    nights = [("a1", "A", "LA", "2026-01-01", 30), ("a2", "A", "LA", "2026-01-11", 30),
              ("b", "B", "CN", "2026-01-01", 30)]  # fmt: skip
    some = [event(name, site=site, side=side, start=start, days=days) for name, site, side, start, days in nights]
    seen = [record(name, f"2026-01-{day:02}T05:{minute}:00+07:00") for name, minute in (("a1", "00"), ("a2", "10"), ("b", "00")) for day in (12, 15, 18)]  # fmt: skip
    _, told = survey(some, *seen)
    frame = pd.DataFrame(nights, columns=["name", "site", "side", "start", "days"])
    days = frame.loc[frame.index.repeat(frame["days"])]
    days["day"] = pd.to_datetime(days["start"]) + pd.to_timedelta(days.groupby("name").cumcount(), unit="D")
    stations = days.drop_duplicates(["site", "day"]).groupby("side").size()
    found = of(told, "abundance", species=MUNTJAC)
    assert {side: found["by"][side]["effort"] for side in ("LA", "CN")} == pytest.approx(stations.to_dict())
    assert {side: found["by"][side]["events"] for side in ("LA", "CN")} == {"LA": 3, "CN": 3}
    assert found["compared"]["ratio"] == pytest.approx((3 / 30) / (3 / 40)), "China to Laos"
    # What was done is told of cameras.
    assert {row["side"]: row["effort"] for row in told["effort"]} == {"LA": 60.0, "CN": 30.0}
    one_after_the_other = join(
        events(event("a1", site="A", days=10), event("a2", site="A", start="2026-02-01", days=10)), records()
    )
    assert joining.of_stations(one_after_the_other.events)["effort"].to_list() == [20.0]


def test_a_site_of_both_sides_is_one_of_each_and_one_of_all():
    some = [
        event("la", site="S", side="LA", days=10),
        event("cn", site="S", side="CN", start="2026-01-06", days=10),
        event("other", site="T", side="CN", days=10),
    ]
    seen = [record("la", "2026-01-02T05:00:00+07:00"), record("la", "2026-01-07T05:00:00+07:00"), record("cn", "2026-01-07T06:05:00+08:00")]  # fmt: skip
    _, told = survey(some, *seen)
    by = of(told, "occupancy", species=MUNTJAC)["by"]
    assert {part: (by[part]["sites"], by[part]["visits"], by[part]["detections"]) for part in by} == {
        "joint": (2, 5, 2), "LA": (1, 2, 2), "CN": (2, 4, 1),
    }  # fmt: skip
    rates = of(told, "abundance", species=MUNTJAC)["by"]
    assert {part: (rates[part]["events"], rates[part]["effort"]) for part in rates} == {
        "joint": (3, 30.0), "LA": (2, 10.0), "CN": (1, 20.0),
    }  # fmt: skip
    total = of(told, "totals", species=MUNTJAC)
    assert (total["by_side"], total["low"], total["high"]) == ({"CN": 1, "LA": 2}, 2, 3)


def test_no_joint_trend_where_one_side_has_no_repeats():
    years = [event(f"{site}{year}", site=site, start=f"{year}-03-01") for site in "AB" for year in (2022, 2023, 2024)]
    once = [event("c", site="C", side="CN", start="2024-03-01")]
    seen = [record(f"{site}{year}", f"{year}-03-{day:02}T05:00:00+07:00") for site in "AB" for year in (2022, 2023, 2024) for day in range(1, 6)]  # fmt: skip
    _, told = survey([*years, *once], *seen)
    by = of(told, "trends", species=MUNTJAC)["by"]
    assert by["LA"]["says"] in ("stable", "uncertain")
    assert by["CN"]["refused"] == "no site was looked at in two years"
    assert "no site of CN" in by["joint"]["refused"]


def test_effort_that_is_not_known_on_one_side_refuses_what_needs_it_alone():
    years = [event(f"{side}{year}", site=side, side=side, start=f"{year}-03-01") for side in ("LA", "CN") for year in (2022, 2023, 2024)]  # fmt: skip
    years[4] |= {"effort_value": None}
    seen = [record(f"LA{year}", f"{year}-03-{day:02}T05:00:00+07:00") for year in (2022, 2023, 2024) for day in range(1, 6)]  # fmt: skip
    _, told = survey(years, *seen)
    rates = of(told, "abundance", species=MUNTJAC)
    assert rates["by"]["LA"]["rate"] == pytest.approx(15 / 90)
    for one in (rates["by"]["CN"], rates["by"]["joint"], rates["compared"]):
        assert "not known" in one["refused"]
    by = of(told, "trends", species=MUNTJAC)["by"]
    assert "refused" not in by["LA"]
    assert "not known" in by["joint"]["refused"]


def test_no_effort_and_one_day():
    some = [event("none", effort=0.0), event("day", days=1), event("walk", site="W", **WALK, effort=2.0)]
    seen = [record("none", "2026-01-02T05:00:00+07:00", n=9), record("day", "2026-01-01T05:00:00+07:00"), record("walk", "2026-01-01")]  # fmt: skip
    _, told = survey(some, *seen)
    camera = of(told, "abundance", method="camera_trap")["by"]["joint"]
    assert (camera["events"], camera["effort"], camera["sites"]) == (1, 1.0, 1)
    walk = of(told, "abundance", method="line_transect")["by"]["joint"]
    assert (walk["events"], walk["effort"], walk["unit"]) == (1, 2.0, "km")
    fitted = of(told, "occupancy", method="camera_trap")["by"]["joint"]
    assert fitted["psi"] is None
    assert "no site was visited twice" in fitted["notes"][0]


def test_totals_add_no_methods_and_no_years():
    some = [event(f"{side}{year}", site=side, side=side, start=f"{year}-03-01") for side in ("LA", "CN") for year in (2023, 2024)]  # fmt: skip
    some += [event(f"{side}w", site=f"{side}w", side=side, start="2024-03-01", **WALK) for side in ("LA", "CN")]
    seen = [record(one["eventID"], f"{one['event_start'].date()}T05:00:00+07:00", n=4) for one in some]
    _, told = survey(some, *seen)
    rows = {(one["method"], one["repeat"]): (one["low"], one["high"]) for one in told["totals"]}
    assert rows == {("camera_trap", 2023): (4, 8), ("camera_trap", 2024): (4, 8), ("line_transect", 2024): (4, 8)}


@pytest.mark.parametrize(("spans", "start"), [
    pytest.param([("2024-03-01", "2024-05-30")], (1, 1), id="within a year"),
    pytest.param([("2024-11-15", "2025-02-28"), ("2025-11-15", "2026-02-28")], (7, 8), id="over New Year"),
    pytest.param([("2024-12-01", "2024-12-20"), ("2025-01-03", "2025-02-10")], (7, 7), id="apart, one season"),
    pytest.param([("2024-01-01", "2024-12-31")], (1, 1), id="all year"),
    pytest.param([("2023-02-01", "2024-02-29"), ("2024-03-01", "2025-01-31")], (1, 1), id="years on end"),
    pytest.param([("2024-01-01", "2024-06-15"), ("2024-07-01", "2024-12-31")], (1, 1), id="a fortnight's rest"),
    pytest.param([("2024-02-29", "2024-02-29")], (1, 1), id="leap day"),
    pytest.param([("2025-12-31", "2026-01-01")], (7, 2), id="New Year's night"),
    pytest.param([], (1, 1), id="no day is told"),
])  # fmt: skip
def test_the_year_of_a_survey_begins_where_nobody_looks(spans, start):
    days = [(date.fromisoformat(first), date.fromisoformat(last)) for first, last in spans]
    frame = pl.DataFrame(days, schema={"first": pl.Date, "last": pl.Date}, orient="row")
    assert season_start(frame) == start


def test_a_dry_season_is_one_repeat():
    some = [
        event(f"{site}{start[:4]}", site=site, start=start, days=40)
        for site, month in (("A", "11-20"), ("B", "12-20"), ("C", "01-05"))
        for start in (f"{year + (month < '06')}-{month}" for year in (2022, 2023, 2024))
    ]
    seen = [record(one["eventID"], f"{one['event_start'].date()}T05:00:00+07:00") for one in some]
    _, told = survey(some, *seen)
    assert [one["repeat"] for one in told["occupancy"]] == [2022, 2023, 2024]
    assert all(one["by"]["joint"]["sites"] == 3 for one in told["occupancy"])
    assert told["trends"][0]["by"]["joint"]["repeats"] == 3


def test_who_reports_no_absence_has_none():
    some = [event("a"), event("b", isAbsenceReported=False), event("c", isAbsenceReported=None)]
    joined = join(events(*some), records(record("a", "2026-01-02")))
    inside, left_out = looked_for(joined, MUNTJAC)
    assert inside["eventID"].to_list() == ["a", "c"]
    assert left_out == {"it reports no absence": 1}


def test_zones_of_two_sides_do_not_part_an_event():
    joined = join(
        events(event("a"), event("b", side="CN")),
        records(record("a", "2026-01-02T05:00:00+07:00"), record("a", "2026-01-02T06:20:00+08:00"), record("b", "2026-01-02T06:00:00+08:00")),
    )  # fmt: skip
    assert abundance.independent_events(joined).group_by("side").len().sort("side").rows() == [("CN", 1), ("LA", 1)]


def test_effort_of_months_is_what_pandas_counts():
    rng = np.random.default_rng(11)
    rows = []
    for n in range(60):
        start = pd.Timestamp("2023-11-01") + pd.Timedelta(days=int(rng.integers(0, 500)))
        rows.append((f"e{n}", rng.choice(["LA", "CN"]), start, int(rng.integers(1, 70)), float(rng.integers(0, 60))))
    joined = join(
        events(*(event(name, side=str(side), start=str(start.date()), days=days, effort=value) for name, side, start, days, value in rows)),
        records(),
    )  # fmt: skip
    frame = pd.DataFrame(rows, columns=["name", "side", "start", "days", "effort"])
    days = frame.loc[frame.index.repeat(frame["days"])]
    days["day"] = days["start"] + pd.to_timedelta(days.groupby("name").cumcount(), unit="D")
    days["month"] = days["day"].dt.strftime("%Y-%m")
    expected = (days["effort"] / days["days"]).groupby([days["side"], days["month"]]).sum()
    told = joining.effort(joined.events, by=("side", "month"))
    assert "2024-02" in set(told["month"])
    assert {(side, month): value for side, month, value in told.select("side", "month", "effort").iter_rows()} == pytest.approx(expected.to_dict())  # fmt: skip


def test_histories_are_what_pandas_counts():
    rng = np.random.default_rng(12)
    rows, seen = [], []
    for n, side in itertools.product(range(8), ("LA", "CN")):
        start = pd.Timestamp("2024-02-20") + pd.Timedelta(days=int(rng.integers(0, 9)))
        days = int(rng.integers(6, 30))
        name = f"{side}{n}"
        rows.append((name, f"S{n % 5}", side, start, days))
        for day in np.flatnonzero(rng.random(days) < 0.15):
            seen.append((name, start + pd.Timedelta(days=int(day))))
    joined = join(
        events(*(event(name, site=site, side=side, start=str(start.date()), days=days) for name, site, side, start, days in rows)),
        records(*(record(name, str(day.date())) for name, day in seen)),
    )  # fmt: skip
    frame = pd.DataFrame(rows, columns=["name", "site", "side", "start", "days"])
    for side in (None, "LA", "CN"):
        own = frame if side is None else frame[frame["side"] == side]
        days = own.loc[own.index.repeat(own["days"])]
        days["day"] = days["start"] + pd.to_timedelta(days.groupby("name").cumcount(), unit="D")
        days["occasion"] = (days["day"] - days.groupby("site")["day"].transform("min")).dt.days // 5
        nights = days.groupby(["site", "occasion"]).size().unstack()  # noqa: PD010
        hits = pd.DataFrame(seen, columns=["name", "day"]).merge(days, on=["name", "day"])
        found = hits.groupby(["site", "occasion"]).size().unstack().reindex_like(nights)  # noqa: PD010
        expected = (found.fillna(0) > 0).astype(float).where(nights.notna())
        told = occupancy.history(joined, MUNTJAC, method="camera_trap", side=side)
        assert list(told.sites) == list(nights.index)
        np.testing.assert_array_equal(told.detected, expected.to_numpy())
        np.testing.assert_allclose(told.effort, nights.fillna(0).to_numpy())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("effort_value", [20.0, 0.0, None])
def test_nothing_found_is_told_without_a_warning(effort_value):
    some = [event(f"{side}{n}", side=side, effort_value=effort_value) for side in ("LA", "CN") for n in range(6)]
    _, told = survey(some)
    assert told["summary"]["records"] == 0
    assert told["richness"]["camera_trap"]["by"]["joint"]["estimates"]["species"] == 0
    assert told["abundance"] == told["occupancy"] == told["totals"] == []


def test_the_trend_is_that_of_a_regression():
    # Poisson regression with a level for each site, by Newton's steps.
    rng = np.random.default_rng(14)
    rows = [
        (f"s{site}", year, float(units), int(rng.poisson(level * units * 0.9 ** (year - 2020))))
        for site, level in enumerate(rng.gamma(2, 0.1, 6))
        for year, units in zip(range(2020, 2025), rng.integers(20, 200, 5), strict=True)
    ]
    told = abundance.trend(pl.DataFrame(rows, schema=["site", "repeat", "effort", "n"], orient="row"))
    frame = pd.DataFrame(rows, columns=["site", "year", "effort", "n"])
    design = np.column_stack([pd.get_dummies(frame["site"]).to_numpy(float), frame["year"] - 2022])
    beta = np.zeros(design.shape[1])
    beta[:-1] = np.log(frame.groupby("site")["n"].sum() / frame.groupby("site")["effort"].sum())
    for _ in range(60):
        mean = frame["effort"].to_numpy() * np.exp(design @ beta)
        information = design.T @ (design * mean[:, None])
        beta += np.linalg.solve(information, design.T @ (frame["n"].to_numpy() - mean))
    spread = max(float(((frame["n"] - mean) ** 2 / mean).sum()) / (len(frame) - design.shape[1]), 1.0)
    assert told.slope == pytest.approx(beta[-1], abs=1e-8)
    assert told.error == pytest.approx(np.sqrt(spread * np.linalg.inv(information)[-1, -1]), rel=1e-6)


def test_legs_of_a_day_are_one_where_the_animals_are_told_of_the_day():
    day = event(
        "day", design=None, effort_value=None, effort_unit=None, side=None, country_codes=[], targetTaxonomicScope=None
    )
    legs = [
        event(f"leg{n}", design="sign_transect", effort=km, effort_unit="km", days=1, parentEventID="day")
        for n, km in enumerate((1.2, 10.7))
    ]
    joined, told = survey([day, *legs, event("alone")], record("day", "2026-01-01"), record("leg1", "2026-01-01"),
                          record("alone", "2026-01-03"))  # fmt: skip
    row = of(told, "effort", method="sign_transect")
    assert (row["events"], row["effort"], row["side"]) == (1, pytest.approx(11.9), "LA")
    assert joined.records["eventID"].to_list() == ["day", "leg1", "alone"]
    assert joined.records["method"].to_list() == ["sign_transect", "sign_transect", "camera_trap"]
    assert not joined.left_out


def test_parts_that_differ_are_not_put_together():
    day = event("day", design=None, effort_value=None)
    legs = [
        event("foot", design="sign_transect", effort_unit="km", days=1, parentEventID="day"),
        event("post", design="listening_post", effort_unit="hour", days=1, parentEventID="day"),
    ]
    joined, told = survey([day, *legs], record("day", "2026-01-01"), record("post", "2026-01-01"))
    assert {row["method"]: row["events"] for row in told["effort"]} == {"listening_post": 1, "sign_transect": 1}
    assert joined.left_out == {"of an event whose parts differ": 1}
    assert joined.records["eventID"].to_list() == ["post"]


def test_midnight_for_every_picture_counts_a_day_once():
    days = [f"2026-01-0{day}T00:00:00+07:00" for day in (2, 2, 3)]
    told = [record("a", when, event_time="00:00:00", event_zone="+07:00") for when in days]
    camera = event("a", quality_flags=["CAMERA_TIMES_MIDNIGHT"])
    joined = join(events(camera), records(*told, record("a", "2026-01-03T05:10:00+07:00", event_time="05:10:00")))
    assert joined.records["event_time"].to_list() == [None, None, None, "05:10:00"]
    assert joined.records["eventDate"].to_list()[:3] == [day[:10] for day in days]
    counted = abundance.independent_events(joined)
    assert sorted(day[:10] for day in counted["eventDate"]) == ["2026-01-02", "2026-01-03"]
    assert join(events(event("a")), records(*told)).records["event_time"].to_list() == ["00:00:00"] * 3, "a night's own"
