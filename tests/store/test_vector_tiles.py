"""Vector tiles of points, read back by another program's reader."""

import mapbox_vector_tile
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.formats.vector_tiles import encode_points, varint

COLUMNS = {
    "key": st.integers(0, 2**53),
    "elevation": st.integers(-11_000, 9_000),
    "species": st.sampled_from(["Nomascus hainanus", "亚洲象", "ช้าง", "", "x" * 300]),
    "decimalLatitude": st.floats(-90, 90, allow_nan=False),
    "ambiguous": st.booleans(),
}
POINT = st.tuples(
    st.integers(0, 4095), st.integers(0, 4095), st.fixed_dictionaries({n: st.none() | v for n, v in COLUMNS.items()})
)
TYPES = {"key": pa.int64(), "elevation": pa.int64(), "species": pa.string(), "ambiguous": pa.bool_()}


def encoded(points, names=tuple(COLUMNS)) -> bytes:
    across, down = (np.array([point[place] for point in points], dtype=np.int64) for place in (0, 1))
    columns = {
        name: pa.chunked_array([pa.array([told[name] for *_, told in points], TYPES.get(name, pa.float64()))])
        for name in names
    }
    return encode_points("records", across, down, columns, extent=4096)


def decoded(tile: bytes) -> list[tuple]:
    layer = mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True})["records"]
    assert layer["extent"] == 4096
    assert layer["version"] == 2
    return [(*feature["geometry"]["coordinates"], feature["properties"]) for feature in layer["features"]]


@given(st.lists(POINT, min_size=1, max_size=40))
def test_another_reader_finds_every_point_and_value(points):
    expected = [(x, y, {n: v for n, v in told.items() if v is not None}) for x, y, told in points]
    assert decoded(encoded(points)) == expected


def test_many_points_have_long_numbers_and_one_feature_has_long_tags():
    told = {"elevation": None, "species": None, "decimalLatitude": None, "ambiguous": None}
    many = [(n % 4096, n // 4096, {"key": 2**52 + n, **told}) for n in range(20_000)]
    assert [point[2]["key"] for point in decoded(encoded(many))] == [2**52 + n for n in range(20_000)]
    wide = {f"column{n}": pa.chunked_array([pa.array([n, None], pa.int32())]) for n in range(100)}
    found = decoded(encode_points("records", np.array([1, 2]), np.array([3, 4]), wide, extent=4096))
    assert found == [(1, 3, {f"column{n}": n for n in range(100)}), (2, 4, {})]


def test_no_points_are_no_tile():
    assert encoded([]) == b""


def test_what_the_format_has_not_is_refused():
    nothing = {f"column{n}": pa.chunked_array([pa.array([n])]) for n in range(128)}
    with pytest.raises(ValueError, match="127 columns"):
        encode_points("records", np.array([1]), np.array([1]), nothing, extent=4096)
    with pytest.raises(ValueError, match="not list"):
        encode_points("records", np.array([1]), np.array([1]), {"flags": pa.chunked_array([[["a"]]])}, extent=4096)


@pytest.mark.parametrize(("value", "written"), [(0, b"\x00"), (127, b"\x7f"), (128, b"\x80\x01"), (4096, b"\x80\x20")])
def test_varints(value: int, written: bytes):
    assert varint(value) == written
