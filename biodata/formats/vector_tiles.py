"""Mapbox vector tiles of points, written column by column.

For a layer of points this takes a fifth of the time of DuckDB's ST_AsMVT (0.5 ms against 2.5 ms for 9,600 points with
three attributes), since every feature has the same form: a tile is one array of bytes with a feature a row.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Bytes = NDArray[np.uint8]

# Fields of the messages with their wire types, as one byte each: (number << 3) | type.
# ref: https://github.com/mapbox/vector-tile-spec/blob/master/2.1/vector_tile.proto
_TILE_LAYER: Final = 0x1A
_LAYER_VERSION, _LAYER_NAME, _LAYER_FEATURE, _LAYER_KEY, _LAYER_VALUE, _LAYER_EXTENT = (
    0x78, 0x0A, 0x12, 0x1A, 0x22, 0x28,
)  # fmt: skip
_FEATURE_TAGS, _FEATURE_TYPE, _FEATURE_GEOMETRY = 0x12, 0x18, 0x22
_VALUE_TEXT, _VALUE_DOUBLE, _VALUE_UNSIGNED, _VALUE_SIGNED, _VALUE_TRUTH = 0x0A, 0x19, 0x28, 0x30, 0x38
_POINT: Final = 1
_MOVE_TO: Final = 9
"""The command that moves to one place."""

_VERSION: Final = 2


def encode_points(
    layer: str, across: Whole, down: Whole, columns: Mapping[str, "pa.ChunkedArray[Any]"], *, extent: int
) -> bytes:
    """Return a tile with one layer of points.

    Parameters
    ----------
    layer : str
        The layer's name.
    across, down : ndarray of n int64
        Places from the upper left corner of the tile, 0 to `extent` - 1.
    columns : mapping of str to Arrow array of n values
        What each point tells: texts, numbers or truth values. A null is left out, as the format has none.
    extent : int
        Units to the side of the tile.

    Returns
    -------
    bytes
        Empty where there are no points.

    Raises
    ------
    ValueError
        If there are more columns than a key can number, or one holds other values.

    Notes
    -----
    Numbers of fields that stand in every feature have the same length in all of them (a varint may be padded), so that
    no feature has to be written by itself. See https://github.com/mapbox/vector-tile-spec/tree/master/2.1.
    """
    if not across.size:
        return b""
    if len(columns) >= 1 << 7:
        msg = f"a tile tells at most 127 columns, not {len(columns)}"
        raise ValueError(msg)
    tags: list[Bytes] = []
    present: list[NDArray[np.bool_] | None] = []
    values: list[bytes] = []
    first = 0
    for number, column in enumerate(columns.values()):
        index, known, written = _value_numbers(column, first)
        tags.append(np.concatenate([np.full((across.size, 1), number, np.uint8), index], axis=1))
        present.append(known)
        values.append(written[0])
        first += written[1]
    message = b"".join(
        [
            bytes([_LAYER_VERSION, _VERSION]),
            _framed(_LAYER_NAME, layer.encode()),
            _features(across, down, tags, present),
            *(_framed(_LAYER_KEY, name.encode()) for name in columns),
            *values,
            bytes([_LAYER_EXTENT]) + varint(extent),
        ]
    )
    return _framed(_TILE_LAYER, message)


def varint(value: int) -> bytes:
    """Return a whole number of 0 or more as protocol buffers write it: seven bits a byte, the lowest first."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _framed(field: int, content: bytes) -> bytes:
    """Return a field of a length that is stated before it."""
    return bytes([field]) + varint(len(content)) + content


def _varints(values: Whole, largest: int) -> Bytes:
    """Return n numbers as varints of the length that the largest needs, a row each."""
    width = max(1, -(-largest.bit_length() // 7))
    found = np.empty((values.size, width), np.uint8)
    for place in range(width):
        more = 0x80 if place < width - 1 else 0
        found[:, place] = (values >> (7 * place)) & 0x7F | more
    return found


def _features(across: Whole, down: Whole, tags: Sequence[Bytes], present: Sequence[NDArray[np.bool_] | None]) -> bytes:
    """Return the features: tags, the kind of geometry, and the geometry, whose numbers are zigzag-coded."""
    count = across.size
    moved = [_varints(2 * place, 2 * int(place.max())) for place in (across, down)]
    geometry = np.concatenate([np.full((count, 1), _MOVE_TO, np.uint8), *moved], axis=1)
    whole = sum(tag.shape[1] for tag in tags)
    lengths = np.full(count, whole)
    for tag, known in zip(tags, present, strict=True):
        if known is not None:
            lengths -= np.where(known, 0, tag.shape[1])
    tag_length = _varints(lengths, whole)
    rest = tag_length.shape[1] + 1 + 2 + 2 + geometry.shape[1]
    length = _varints(lengths + rest, whole + rest)
    parts: list[tuple[Bytes | int, NDArray[np.bool_] | None]] = [
        (_LAYER_FEATURE, None), (length, None), (_FEATURE_TAGS, None), (tag_length, None),
        *zip(tags, present, strict=True), (_FEATURE_TYPE, None), (_POINT, None), (_FEATURE_GEOMETRY, None),
        (geometry.shape[1], None), (geometry, None),
    ]  # fmt: skip
    made = np.empty((count, 1 + length.shape[1] + whole + rest), np.uint8)
    kept = None if all(known is None for known in present) else np.ones(made.shape, np.bool_)
    place = 0
    for part, known in parts:
        end = place + (1 if isinstance(part, int) else part.shape[1])
        made[:, place:end] = part
        if kept is not None and known is not None:
            kept[:, place:end] = known[:, None]
        place = end
    return made.tobytes() if kept is None else made[kept].tobytes()


def _value_numbers(
    column: "pa.ChunkedArray[Any]", first: int
) -> tuple[Bytes, NDArray[np.bool_] | None, tuple[bytes, int]]:
    """Return each point's number of its value in the layer, whether it has one, and the values with their count."""
    if not _tellable(column.type):
        msg = f"a tile holds texts, numbers and truth values, not {column.type}"
        raise ValueError(msg)
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):  # an array of no rows stays in chunks
        encoded = encoded.combine_chunks()
    places, values = encoded.indices, encoded.dictionary
    known = None
    if places.null_count:
        known = places.is_valid().to_numpy(zero_copy_only=False)
        places = places.fill_null(0)
    index = places.to_numpy(zero_copy_only=False).astype(np.int64) + first
    return _varints(index, first + max(len(values) - 1, 0)), known, (_values(values), len(values))


def _tellable(kind: pa.DataType) -> bool:
    """Return whether the format has values of a type."""
    types = pa.types
    numbers = types.is_integer(kind) or types.is_floating(kind)
    return numbers or types.is_boolean(kind) or types.is_string(kind) or types.is_large_string(kind)


def _values(values: "pa.Array[Any]") -> bytes:
    """Return the distinct values of a column, each as a message of its own."""
    kind = values.type
    if pa.types.is_integer(kind):
        return _numbers(values.to_numpy(zero_copy_only=False).astype(np.int64))
    found: list[bytes] = []
    if pa.types.is_floating(kind):
        numbers = values.to_numpy(zero_copy_only=False).astype("<f8")
        found = [bytes([_VALUE_DOUBLE]) + number.tobytes() for number in numbers]
    elif pa.types.is_boolean(kind):
        found = [bytes([_VALUE_TRUTH, bool(value.as_py())]) for value in values]
    else:
        found = [_framed(_VALUE_TEXT, str(value).encode()) for value in values.to_pylist()]
    return b"".join(_framed(_LAYER_VALUE, value) for value in found)


def _numbers(values: Whole) -> bytes:
    """Return whole numbers; with a sign only where one of them has it."""
    if not values.size:
        return b""
    signed = int(values.min()) < 0
    coded: Any = values.view(np.uint64)
    if signed:
        coded = (values.view(np.uint64) << np.uint64(1)) ^ (values >> 63).view(np.uint64)
    written = _varints(coded, int(coded.max()))
    made = np.empty((values.size, 3 + written.shape[1]), np.uint8)
    made[:, 0] = _LAYER_VALUE
    made[:, 1] = 1 + written.shape[1]
    made[:, 2] = _VALUE_SIGNED if signed else _VALUE_UNSIGNED
    made[:, 3:] = written
    return made.tobytes()
