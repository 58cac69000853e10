"""The hash of an answer: defined without any library, the same in any order and in any batches."""

import hashlib
import hmac
import struct
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata.access import content
from biodata.access.content import COLUMN_SET, COLUMN_SETS
from biodata.core import terms

COLUMNS = {column.name: column.dtype for column in terms.PUBLISHED_OCCURRENCE}


def by_hand(rows: list[dict[str, Any]], data: Path, name: str = COLUMN_SET) -> str:
    """Return the hash as the module's description has it, in plain Python."""

    def text(value: str) -> str:
        return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")

    def cell(value: Any, dtype: pl.DataType) -> str:
        if value is None or value != value:
            return "\\N"
        if isinstance(value, list):
            members = ("\\N" if v is None else v.replace("\\", "\\\\").replace(",", "\\,") for v in value)
            return text("{" + "".join(f"{m}," for m in members) + "}")
        if isinstance(value, bool):
            return "t" if value else "f"
        if dtype == pl.Float64:
            return str(struct.unpack("<q", struct.pack("<d", float(value) or 0.0))[0])
        return text(value) if isinstance(value, str) else str(value)

    digest = hashlib.sha256(f"{name}\n".encode())
    for row in sorted(rows, key=lambda r: r["key"]):
        line = "\t".join(cell(row.get(c), COLUMNS[c]) for c in COLUMN_SETS[name])
        digest.update(hashlib.sha256(line.encode()).digest())
    key = (data / "service" / "secrets" / "citations").read_bytes()
    return hmac.new(key, digest.digest(), "sha256").hexdigest()


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    told = [{name: row.get(name) for name in COLUMNS} for row in rows]
    return pl.DataFrame(told, schema=COLUMNS)


ROWS = [
    {"key": 9, "datasetKey": "a\tb\\N", "decimalLatitude": -0.0, "quality_flags": ["A,B", "C\\", None], "isInCluster": True},
    {"key": 2, "scientificName": "\\N", "decimalLongitude": 101.27, "quality_flags": [], "event_start": date(2019, 7, 3)},
    {"key": 2**52, "datasetKey": "西双版纳\r\n", "year": 1998, "decimalLatitude": float("nan"), "isInCluster": False},
]  # fmt: skip


def test_the_hash_is_the_one_that_is_described(tmp_path: Path):
    made = content.gather_small(frame(ROWS), tmp_path)
    assert made.hash == by_hand(ROWS, tmp_path)
    assert (made.count, made.algorithm, made.columns) == (3, "HMAC-SHA-256", "occurrence-2")
    assert made.datasets == {"": 1, "a\tb\\N": 1, "西双版纳\r\n": 1}


def test_a_set_of_columns_never_changes():
    told = hashlib.sha256(" ".join(COLUMN_SETS["occurrence-2"]).encode()).hexdigest()
    assert told == "482261b7e7106de723be27925aebb5834d952614933a891dc4c17df59ce0cae1"
    assert all(set(columns) <= set(COLUMNS) for columns in COLUMN_SETS.values())


VALUES = st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=8))
RECORDS = st.lists(
    st.fixed_dictionaries({"key": st.integers(1, 2**53), "datasetKey": VALUES, "locality": VALUES,
                           "decimalLatitude": st.one_of(st.none(), st.floats(allow_infinity=False)),
                           "quality_flags": st.one_of(st.none(), st.lists(VALUES, max_size=3)),
                           "individualCount": st.integers(-5, 5)}),
    max_size=12, unique_by=lambda row: row["key"],
)  # fmt: skip


@settings(max_examples=8)
@given(rows=RECORDS, cut=st.integers(1, 5))
def test_order_and_batches_play_no_part(tmp_path_factory: pytest.TempPathFactory, rows, cut):
    data = tmp_path_factory.mktemp("content")
    whole = frame(rows[::-1])
    batches = [whole[start : start + cut] for start in range(0, len(rows), cut)]
    made = content.gather(batches, data)
    assert made.hash == content.gather_small(frame(rows), data).hash == by_hand(rows, data)
    kept = pl.read_parquet(content.members_path(data, made.hash))
    assert kept["key"].to_list() == sorted(row["key"] for row in rows)


@pytest.mark.parametrize(("one", "other"), [
    pytest.param({"quality_flags": ["A,B"]}, {"quality_flags": ["A", "B"]}, id="a comma in a list"),
    pytest.param({"quality_flags": []}, {"quality_flags": None}, id="an empty list"),
    pytest.param({"locality": "\\N"}, {"locality": None}, id="text that looks like nothing"),
    pytest.param({"locality": "a\tb"}, {"locality": "a\\tb"}, id="a tab"),
    pytest.param({"locality": "", "habitat": "x"}, {"locality": "x", "habitat": ""}, id="another column"),
    pytest.param({"decimalLatitude": 0.1 + 0.2}, {"decimalLatitude": 0.3}, id="the last digit"),
])  # fmt: skip
def test_what_differs_has_another_hash(tmp_path: Path, one: dict, other: dict):
    hashes = {content.gather_small(frame([{"key": 1, **told}]), tmp_path).hash for told in (one, other)}
    assert len(hashes) == 2


def test_no_answer_is_an_answer(tmp_path: Path):
    assert content.gather([], tmp_path).hash == content.gather_small(frame([]), tmp_path).hash == by_hand([], tmp_path)
