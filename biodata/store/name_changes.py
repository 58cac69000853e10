"""Names resolved again: the distinct names of a lake's records, and what changes of the records that bear them.

Worked out and written by whole sets in DuckDB. Records that a node shares are interpreted there, and stay as they are.
"""

# ruff: noqa: S608 - names in SQL are columns of terms and are quoted; every value is a parameter or a registered frame.

from collections.abc import Callable, Collection, Sequence
from typing import Final

import duckdb
import polars as pl

from biodata.store.duck import quote

_AT_ONCE: Final = 250_000
_ACCEPTED: Final = "accepted_proposal"
_ACCEPTED_FLAG: Final = "PROPOSAL_ACCEPTED"
NUMBER: Final = "name_number"
"""The column that numbers distinct names."""
FLAGS: Final = "name_flags"
"""The column of the doubts about each name."""
PLACED: Final = (
    "decimalLongitude", "decimalLatitude", "located_country_code", "basisOfRecord", "quality_flags", "shared_as",
)  # fmt: skip
"""What else of a record decides its doubts."""


def distinct_names(cursor: duckdb.DuckDBPyConnection, terms: Sequence[str]) -> pl.DataFrame:
    """Return each distinct combination of what records state of a name: `terms`, and its number.

    Parameters
    ----------
    cursor : DuckDBPyConnection
        Of the lake.
    terms : sequence of str
        The verbatim terms.
    """
    stated = ", ".join(f"{text} AS {quote(term)}" for term, text in _stated(cursor, terms).items())
    found = cursor.execute(
        f"SELECT DISTINCT {stated} FROM lake.verbatim v JOIN lake.occurrences o USING (key) WHERE o.node IS NULL"
    ).pl()
    return found.sort(found.columns).with_row_index(NUMBER).with_columns(pl.col(NUMBER).cast(pl.Int64))


def _stated(cursor: duckdb.DuckDBPyConnection, terms: Sequence[str]) -> dict[str, str]:
    """Return by term what a record states, of `v` and `o`: the accepted proposal where there is one, else what was written."""
    flagged = f"list_contains(quality_flags, '{_ACCEPTED_FLAG}')"
    accepted = cursor.execute(
        f"SELECT DISTINCT r.term FROM (SELECT unnest(repairs) AS r FROM lake.occurrences WHERE {flagged}) WHERE r.rule = ?",
        [_ACCEPTED],
    ).fetchall()
    found = {term: f"v.{quote(f'v_{term}')}" for term in terms}
    for term in {term for (term,) in accepted} & set(terms):
        own = f"list_filter(o.repairs, lambda r: r.rule = '{_ACCEPTED}' AND r.term = '{term}')"
        found[term] = f"coalesce({own}[1].value, {found[term]})"
    return found


def plan(
    cursor: duckdb.DuckDBPyConnection, answers: pl.DataFrame, *, terms: Sequence[str], columns: Sequence[str],
    flags: Collection[str], doubts: Callable[[pl.DataFrame], pl.Series],
) -> tuple[int, int]:  # fmt: skip
    """Work out which records change; the caller holds the writer's lock.

    Leaves behind the tables ``name_answers`` and ``renamed`` (key, number, quality_flags), which `write` reads.

    Parameters
    ----------
    cursor : DuckDBPyConnection
        Of the lake.
    answers : polars.DataFrame
        Of each name of `distinct_names`: its number, `terms`, the interpreted values `n_` + column, `name_flags`.
    terms, columns : sequence of str
        Verbatim terms, interpreted columns.
    flags : collection of str
        The doubts that names have.
    doubts : function
        Given `PLACED` and the answers of some records, their whole `quality_flags`.

    Returns
    -------
    records, names : int
        How many change.
    """
    cursor.register("answers_frame", answers)
    cursor.execute("CREATE TEMP TABLE name_answers AS FROM answers_frame")
    stated = _stated(cursor, terms).items()
    same = " AND ".join(f"{text} IS NOT DISTINCT FROM a.{quote(term)}" for term, text in stated)
    other = " OR ".join(f"o.{quote(column)} IS DISTINCT FROM a.{quote(f'n_{column}')}" for column in columns)
    listed = pl.DataFrame({"flag": sorted(flags)})
    cursor.register("flags_frame", listed)
    cursor.execute(
        f"""
        CREATE TEMP TABLE touched AS
        SELECT o.key, a.{NUMBER}
        FROM lake.occurrences o JOIN lake.verbatim v USING (key) JOIN name_answers a ON {same}
        WHERE o.node IS NULL AND ({other} OR list_sort(list_intersect(
            coalesce(o.quality_flags, []), (SELECT list(flag) FROM flags_frame))) <> list_sort(a.{FLAGS}))
        """
    )
    placed = ", ".join(f"o.{quote(column)}" for column in PLACED)
    reader = cursor.execute(
        f"SELECT t.key, t.{NUMBER}, {placed} FROM touched t JOIN lake.occurrences o USING (key)"
    ).to_arrow_reader(_AT_ONCE)
    frames = []
    for batch in reader:
        frame = pl.DataFrame(batch).join(answers, on=NUMBER, how="left", maintain_order="left")
        frames.append(frame.select("key", NUMBER, doubts(frame).alias("quality_flags")))
    schema = pl.Schema([("key", pl.Int64), (NUMBER, pl.Int64), ("quality_flags", pl.List(pl.String))])
    renamed = pl.concat(frames) if frames else pl.DataFrame(schema=schema)
    cursor.register("renamed_frame", renamed)
    cursor.execute("CREATE TEMP TABLE renamed AS FROM renamed_frame")
    return renamed.height, renamed[NUMBER].n_unique()


def write(cursor: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> None:
    """Write what `plan` found, inside the caller's transaction."""
    values = ", ".join(f"a.{quote(f'n_{column}')} AS {quote(column)}" for column in columns)
    cursor.execute(
        f"""
        CREATE TEMP TABLE renamed_rows AS
        SELECT o.* REPLACE ({values}, r.quality_flags AS quality_flags)
        FROM lake.occurrences o JOIN renamed r USING (key) JOIN name_answers a USING ({NUMBER})
        """
    )
    cursor.execute("DELETE FROM lake.occurrences WHERE key IN (SELECT key FROM renamed)")
    cursor.execute("INSERT INTO lake.occurrences BY NAME FROM renamed_rows")
