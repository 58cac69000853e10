"""What only the whole set of records tells: points of many, outliers, grids, minutes written as decimals."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata import places
from biodata.core import terms
from biodata.harmonise import suspicious
from biodata.harmonise.suspicious import LEAST_M
from biodata.places.gazetteer import MEAN_RADIUS_M

GAZETTEER = places.load_gazetteer(places.load_boundaries())


def records(longitude, latitude, **more):
    n = len(longitude)
    base = {"key": np.arange(n), "datasetKey": ["d"] * n, "species": [None] * n, "occurrenceStatus": ["PRESENT"] * n,
            "recordedBy": [None] * n, "eventDate": [None] * n, "year": [None] * n, "decimalLongitude": longitude,
            "decimalLatitude": latitude}  # fmt: skip
    columns = [c for c in terms.OCCURRENCE if c.name in suspicious.COLUMNS]
    return pl.DataFrame({name: pl.Series(values) for name, values in (base | more).items()}).select(
        pl.col(c.name).cast(c.dtype) for c in columns
    )


def found(frame):
    return suspicious.find(frame, gazetteer=GAZETTEER)


def keys(frame, flag):
    return found(frame).filter(flag=flag)["key"].to_list()


def scattered(n, seed=1, decimals=5, box=(95, 125, 0, 30)):
    generator = np.random.default_rng(seed)
    return generator.uniform(*box[:2], n).round(decimals), generator.uniform(*box[2:], n).round(decimals)


def test_nothing_comes_of_nothing():
    assert found(records([], [])).schema == suspicious.FOUND
    assert found(records(*scattered(500))).is_empty()
    assert found(records([None, float("nan"), 0.0], [None, 1.0, 0.0])).is_empty()


@pytest.mark.parametrize(("collectors", "years", "flagged"), [
    pytest.param(["A", "B", "C", "D", "E", "F"], [1990, 1994, 1998, 2001, 2003, 2010], True, id="many, long"),
    pytest.param(["A", "B", "C", "D", "E", "F"], [2001, 2001, 2002, 2002, 2003, 2004], False, id="many, short"),
    pytest.param(["A", "A", "A", "B", "B", "B"], [1990, 1994, 1998, 2001, 2003, 2010], False, id="few, long"),
    pytest.param(["A.", "a", " A", "B", "b", "?"], [1990, 1994, 1998, 2001, 2003, 2010], False, id="spelt anyhow"),
    pytest.param([None] * 6, [1990, 1994, 1998, 2001, 2003, 2010], False, id="nobody told"),
    pytest.param(["王", "李", "张", "刘", "陈", "杨"], [1960, 1970, 1980, 1990, 2000, 2010], True, id="Chinese"),
])  # fmt: skip
def test_a_point_used_by_many(collectors, years, flagged):
    frame = records(
        [101.12345] * 6 + [102.5], [22.54321] * 6 + [23.5], recordedBy=[*collectors, "X"], year=[*years, 2000]
    )
    assert keys(frame, "POINT_USED_BY_MANY") == (list(range(6)) if flagged else [])


def test_a_point_repeated_beside_a_seat_is_a_stand_in_whatever_gave_it():
    more = {"recordedBy": ["A", "B", "C", "D", "E"], "species": ["P", "Q", "R", "S", "T"],
            "eventDate": [f"200{n}-01-01" for n in range(5)], "year": [2000, 2001, 2002, 2003, 2004]}  # fmt: skip
    # 600 m from Mengla, and the same 20 km from it.
    beside = records([101.5590] * 5, [21.4655] * 5, **more)
    assert keys(beside, "NEAR_COUNTY_SEAT") == list(range(5))
    assert keys(records([101.7590] * 5, [21.4655] * 5, **more), "NEAR_COUNTY_SEAT") == []
    assert keys(records([101.5590] * 5, [21.4655] * 5, **more | {"recordedBy": ["A"] * 5}), "NEAR_COUNTY_SEAT") == []


def test_an_outlier_by_the_quantile_method():
    longitude, latitude = scattered(40, box=(100, 102, 21, 23))
    frame = records([*longitude, 118.0], [*latitude, 5.0], species=["Aus bus"] * 41)
    assert keys(frame, "SPECIES_OUTLIER") == [40]
    assert "km" in found(frame)["detail"].item()


@pytest.mark.parametrize(("n", "far", "flagged"), [
    pytest.param(6, [(118.0, 5.0)], 1, id="seven places are enough"),
    pytest.param(5, [(118.0, 5.0)], 0, id="six places tell nothing"),
    pytest.param(40, [(118.0, 5.0)] * 9, 9, id="the same wrong place many times"),
    pytest.param(40, [(118.0, 5.0), (118.3, 5.2)], 2, id="two wrong places do not hide each other"),
    pytest.param(40, list(zip(*scattered(30, 2, box=(117, 119, 4, 6)), strict=True)), 0, id="two ranges"),
    pytest.param(40, [(103.5, 22.5)], 0, id="near enough for any species"),
])  # fmt: skip
def test_what_counts_as_an_outlier(n, far, flagged):
    longitude, latitude = scattered(n, box=(100, 102, 21, 23))
    x, y = zip(*far, strict=True)
    frame = records([*longitude, *x], [*latitude, *y], species=["Aus bus"] * (n + len(far)))
    assert len(keys(frame, "SPECIES_OUTLIER")) == flagged


def test_outliers_are_those_of_brute_force():
    generator = np.random.default_rng(3)
    species = generator.choice(["Aus bus", "Cus dus", "Eus fus"], 300)
    centre = {"Aus bus": (179.5, 10.0), "Cus dus": (100.0, 25.0), "Eus fus": (20.0, -30.0)}
    wild = generator.random(300) < 0.02
    place = np.array([centre[s] for s in species]) + generator.normal(0, [2, 2], (300, 2))
    place[wild] = np.column_stack([generator.uniform(-180, 180, wild.sum()), generator.uniform(-60, 60, wild.sum())])
    place[:, 0] = (place[:, 0] + 180) % 360 - 180
    place = place.round(2)
    expected = []
    for name in centre:
        rows = np.flatnonzero(species == name)
        distinct, back = np.unique(place[rows], axis=0, return_inverse=True)
        lon, lat = np.radians(distinct).T
        cosine = np.sin(lat)[:, None] * np.sin(lat) + np.cos(lat)[:, None] * np.cos(lat) * np.cos(lon[:, None] - lon)
        second = np.sort(MEAN_RADIUS_M * np.arccos(np.clip(cosine, -1, 1)), axis=1)[:, 2]
        low, high = np.quantile(second, [0.25, 0.75])
        expected += rows[(second > max(high + 5 * (high - low), LEAST_M))[back.ravel()]].tolist()
    assert keys(records(*place.T, species=species), "SPECIES_OUTLIER") == sorted(expected)
    assert expected


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_does_not_matter(seed):
    generator = np.random.default_rng(seed)
    longitude, latitude = scattered(300, seed, decimals=1, box=(100, 103, 21, 24))
    longitude[:3] += 20
    frame = records(longitude, latitude, species=generator.choice(["Aus bus", "Cus dus"], 300),
                    recordedBy=generator.choice(list("ABCDEFG"), 300), year=generator.integers(1950, 2020, 300),
                    eventDate=generator.integers(1950, 2020, 300).astype(str))  # fmt: skip
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
    assert found(frame).equals(found(shuffled))


def test_what_was_found_joins_the_flags_of_the_rows():
    flags = [["COORDINATE_ROUNDED", "TAXON_MATCH_NONE"], [], None, ["NEAR_COUNTY_SEAT"]]
    frame = pl.DataFrame(
        {"key": [3, 1, 2, 4], "quality_flags": flags}, schema={"key": pl.Int64, "quality_flags": pl.List(pl.String)}
    )
    rows = [(3, "SPECIES_OUTLIER", "x"), (2, "SPECIES_OUTLIER", "x"), (4, "NEAR_COUNTY_SEAT", "x"),
            (9, "SPECIES_OUTLIER", "x")]  # fmt: skip
    out = suspicious.merged(frame, pl.DataFrame(rows, schema=suspicious.FOUND, orient="row"))
    assert out["key"].to_list() == [3, 1, 2, 4]
    assert out["quality_flags"].to_list() == [
        ["COORDINATE_ROUNDED", "SPECIES_OUTLIER", "TAXON_MATCH_NONE"],
        [],
        ["SPECIES_OUTLIER"],
        ["NEAR_COUNTY_SEAT"],
    ]
    nothing = pl.DataFrame(schema=suspicious.FOUND)
    assert suspicious.merged(frame, nothing).equals(frame)
