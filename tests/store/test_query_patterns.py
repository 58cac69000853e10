"""LIKE patterns: as DuckDB reads them, and never slower than the text is long."""

import duckdb
import pytest

from biodata.store.query.sql import matches

TEXTS = ["", "ha", "HA", "Nam Ha", "50% of_it", "50x ofxit", "Trùng Khánh", "营地", "a\nb", "a.b", "axb", "x+y(z)",
         "back\\slash", "Nam Ha Nam Ha", "hahaha", "%", "_"]  # fmt: skip
PATTERNS = ["", "ha", "%", "%%", "_", "__", "ha%", "%ha", "%ha%", "%a%a%", "Nam%Ha", "50\\% of\\_it", "50% of_it",
            "Tr_ng Kh_nh", "_地", "a_b", "a.b", "x+y(z)", "back\\\\slash", "%\\\\%", "\\%", "h%a%h%a", "%h_h%"]  # fmt: skip


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as found:
        found.execute("CREATE TABLE t (s VARCHAR)")
        found.executemany("INSERT INTO t VALUES (?)", [[text] for text in [*TEXTS, None]])
        yield found


@pytest.mark.parametrize("ignore_case", [False, True])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_as_duckdb_reads_it(connection, pattern, ignore_case):
    condition, params = matches('"s"', pattern, ignore_case=ignore_case)
    told = connection.execute(f"SELECT s FROM t WHERE {condition} ORDER BY s", params).fetchall()
    word = "ILIKE" if ignore_case else "LIKE"
    assert told == connection.execute(f"SELECT s FROM t WHERE s {word} ? ESCAPE '\\' ORDER BY s", [pattern]).fetchall()


def test_a_pattern_that_would_take_for_ever(connection):
    condition, params = matches("repeat('banana ka ', 60)", "%a" * 9 + "%z", ignore_case=False)
    found = connection.execute(f"SELECT count(*) FROM range(2000) WHERE {condition}", params).fetchall()
    assert found == [(0,)]
