"""Steps and step selection on simulated tracks whose rule is known."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import shapely
from scipy import optimize

from biodata.analysis.movement.inside import inside
from biodata.analysis.movement.random_steps import random_steps
from biodata.analysis.movement.selection import fit
from biodata.analysis.movement.steps import FIXES, Steps, steps, wrapped
from biodata.errors import InputError
from biodata.geo import WGS84

START = datetime(2025, 1, 5, 2, 0, tzinfo=UTC)


def fixes(places, hours=None, track="a"):
    hours = range(len(places)) if hours is None else hours
    rows = [(track, START + timedelta(hours=h), lon, lat) for h, (lon, lat) in zip(hours, places, strict=True)]
    return pl.DataFrame(rows, schema=FIXES, orient="row")


def cover(lon, lat):
    """A chequered landscape with a cell of about 1 km."""
    return ((np.floor(np.asarray(lon) * 97) + np.floor(np.asarray(lat) * 89)) % 2).astype(float)


def simulated(coefficient, n=1500, seed=1, track="a"):
    """Fixes of an animal that takes one of 60 drawn steps by exp(coefficient · cover)."""
    rng = np.random.default_rng(seed)
    lon, lat, heading, places = 101.5, 21.2, 0.3, [(101.5, 21.2)]
    for _ in range(n):
        length, turn = rng.gamma(1.5, 700.0, 60), rng.vonmises(0.0, 1.0, 60)
        lons, lats, back = WGS84.fwd(np.full(60, lon), np.full(60, lat), np.degrees(heading + turn), length)
        weight = np.exp(coefficient * cover(lons, lats))
        one = rng.choice(60, p=weight / weight.sum())
        lon, lat, heading = lons[one], lats[one], np.radians(back[one]) + np.pi
        places.append((lon, lat))
    return fixes(places, track=track)


def test_lengths_and_turns_of_a_square_walk():
    table = steps(fixes([(101.0, 0.0), (101.01, 0.0), (101.01, 0.01), (101.0, 0.01)])).table
    assert table["length_m"].to_list() == pytest.approx([1113.19, 1105.74, 1113.19], abs=0.02)
    assert table["turn"][0] is None
    assert table["turn"][1:].to_list() == pytest.approx([-np.pi / 2, -np.pi / 2], abs=1e-3), "left turns are negative"
    assert table["hours"].to_list() == [1.0, 1.0, 1.0]


def test_a_gap_is_not_bridged_and_an_early_fix_is_passed_over():
    places = [(101 + 0.01 * n, 21.0) for n in range(7)]
    found = steps(fixes(places, hours=[0, 1, 1.2, 2, 8, 9, 10]))
    assert found.facts["gaps_not_bridged"] == 1
    assert found.facts["too_early"] == 1
    assert found.table["hours"].to_list() == [1.0, 1.0, 1.0, 1.0]
    assert found.table["turn"].is_null().to_list() == [True, False, True, False]
    both = pl.concat([fixes(places), fixes(places, track="b")])
    assert steps(both.sample(fraction=1, shuffle=True, seed=2)).facts["steps"] == 12, "no step joins two animals"


def test_an_animal_that_stands_still_has_no_turn():
    table = steps(fixes([(101.0, 21.0), (101.0, 21.0), (101.01, 21.0), (101.02, 21.0)])).table
    assert table["turn"].is_null().to_list() == [True, True, False]


def test_angles_are_wrapped():
    assert wrapped(np.array([0.0, np.pi, -np.pi, 3 * np.pi, 2.5 * np.pi])) == pytest.approx(
        [0, np.pi, np.pi, np.pi, np.pi / 2]
    )


@pytest.fixture(scope="module")
def drawn():
    return random_steps(steps(simulated(1.2)), per_step=15, seed=7)


def with_cover(drawn):
    return drawn.table.with_columns(
        cover=pl.Series(cover(drawn.table["longitude"].to_numpy(), drawn.table["latitude"].to_numpy()))
    )


def test_random_steps_have_the_lengths_and_turns_of_the_real_ones(drawn):
    assert drawn.facts["length_gamma_shape"] == pytest.approx(1.5, rel=0.1)
    assert drawn.facts["length_gamma_scale_m"] == pytest.approx(700, rel=0.1)
    assert drawn.facts["turn_von_mises_concentration"] == pytest.approx(1.0, rel=0.15)
    real, others = drawn.table.filter("used"), drawn.table.filter(~pl.col("used"))
    assert others["length_m"].mean() == pytest.approx(real["length_m"].mean(), rel=0.05)
    assert others.height == 15 * real.height
    again = random_steps(steps(simulated(1.2)), per_step=15, seed=7)
    assert again.table.equals(drawn.table)


def test_a_known_coefficient_is_found_again(drawn):
    found = fit(with_cover(drawn), ("cover",))
    assert abs(found.coefficients[0] - 1.2) < 2.5 * found.standard_errors[0]
    assert found.p_values[0] < 1e-6
    assert found.left_out == 0


def test_the_fit_is_that_of_another_optimiser(drawn):
    table = with_cover(drawn)
    found = fit(table, ("cover",), movement_terms=False)
    x = table["cover"].to_numpy().reshape(-1, 16)

    def minus_likelihood(b):
        return -(b[0] * x[:, 0] - np.log(np.exp(b[0] * x).sum(axis=1))).sum()

    peer = optimize.minimize(minus_likelihood, [0.0], method="BFGS")
    assert found.coefficients[0] == pytest.approx(peer.x[0], abs=1e-5)
    assert found.log_likelihood == pytest.approx(-peer.fun, abs=1e-6)
    assert found.standard_errors[0] == pytest.approx(np.sqrt(peer.hess_inv[0, 0]), rel=0.05)


def test_an_animal_without_preference_has_none():
    table = with_cover(random_steps(steps(simulated(0.0, n=600, seed=3)), per_step=15, seed=1))
    found = fit(table, ("cover",))
    assert abs(found.coefficients[0]) < 3 * found.standard_errors[0]


def test_what_cannot_be_fitted_is_named(drawn):
    constant = drawn.table.with_columns(cover=1.0)
    with pytest.raises(InputError, match="cover") as caught:
        fit(constant, ("cover",))
    assert caught.value.code == "COVARIATE_CONSTANT"
    with pytest.raises(InputError) as caught:
        fit(drawn.table.with_columns(cover=pl.col("used").cast(pl.Float64)), ("cover",), movement_terms=False)
    assert caught.value.code == "SEPARATION"
    table = with_cover(drawn).with_columns(
        other=1 - pl.col("cover"), of_the_step=pl.col("stratum").cast(pl.Float64), none=pl.lit(None, dtype=pl.Float64)
    )
    for terms, code, named in (
        (("cover", "other"), "COVARIATES_COLLINEAR", "cover, other"),
        (("cover", "cover"), "COVARIATE_REPEATED", "cover"),
        (("of_the_step",), "COVARIATE_CONSTANT", "of_the_step"),
        (("cover", "none"), "VALUES_MISSING", "none"),
    ):
        with pytest.raises(InputError, match=named) as caught:
            fit(table, terms)
        assert caught.value.code == code
    with pytest.raises(InputError) as caught:
        random_steps(steps(fixes([(101, 21), (101.1, 21), (101.2, 21)])), seed=1)
    assert caught.value.code == "STEPS_TOO_FEW"


def test_ends_without_a_value_are_left_out(drawn):
    table = with_cover(drawn).with_columns(cover=pl.when(pl.col("stratum") < 10).then(None).otherwise("cover"))
    assert fit(table, ("cover",)).left_out == 10


def test_steps_far_north_that_could_end_inside_count():
    """At 60° N a degree of longitude has 56 km: a step of 4 km along the parallel spans 0.07°."""
    rows = {
        "stratum": [0, 0], "used": [True, False], "draw": [0, 1], "start_longitude": [10.0, 10.0],
        "start_latitude": [60.0, 60.0], "longitude": [10.065, 9.94], "latitude": [60.0, 60.0], "length_m": [3600.0] * 2,
    }  # fmt: skip
    found = inside(pl.DataFrame(rows), shapely.box(10.06, 59.9, 10.2, 60.1))
    assert (found.steps, found.real_share) == (1, 1.0)


def test_steps_inside_a_region_are_told_beside_random_ones(drawn):
    table = drawn.table
    cells = [shapely.box(lon / 97, lat / 89, (lon + 1) / 97, (lat + 1) / 89)
             for lon in range(9700, 10000) for lat in range(1800, 1960) if (lon + lat) % 2]  # fmt: skip
    liked = inside(table, shapely.union_all(cells))
    assert liked.frequency == pytest.approx(1 / 16)
    assert liked.real_share > liked.random_shares.max()
    far = inside(table, shapely.box(10, 10, 11, 11))
    assert far.steps == 0
    assert Steps(table, {}).facts == {}
