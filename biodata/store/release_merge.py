"""Merging: a release's whole file, made anew of its base and what differs from it, beside those who read it."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

import json
import logging
from pathlib import Path
from typing import Final

import duckdb

from biodata.core.errors import StoreError
from biodata.store import duck, failing_as, releases, tile_counts
from biodata.store.duck import base_of, literal, quote
from biodata.store.locks import builders_lock
from biodata.store.release_file import (
    BESIDE_OTHERS,
    BOX,
    PLACE,
    RANGE_ROWS,
    ROW_GROUP_ROWS,
    SHAPE_COLUMNS,
    release_info,
    row_sum,
)
from biodata.store.releases import Release
from biodata.store.shapes import SHAPE_IDS
from biodata.store.staging import WorkFolder
from biodata.store.tables import RELEASE

logger = logging.getLogger(__name__)

MERGE_JOB: Final = "merge"
"""The worker's job."""

MOST_SHARE: Final = 0.01
"""What differs from a base, as a share of its records: with more, the release is merged."""

MOST_ROWS: Final = 2_000
"""As many may differ however small the base is."""


def merge_owed(data: Path) -> str | None:
    """Return why the current release is to be merged; None where it need not be."""
    release = releases.current(data)
    if release is None or not release.is_delta or not release.path.is_file():
        return None
    with releases.connect(release.path) as connection:
        info = release_info(connection)
    changed = json.loads(info["changed"])
    if info.get("taken_back") == "true":
        return "its base still holds what was taken back"
    if changed["delta"] + changed["gone"] > max(MOST_ROWS, MOST_SHARE * changed["base"]):
        return f"{changed['delta']} records stand beside the {changed['base']} of its base, of which {changed['gone']} are gone"
    return None


def merge(data: Path, *, memory_limit: str = "2GB") -> Release | None:
    """Make the current release's whole file, in place of the one of what differs from its base; None where it is whole.

    Its id and its rows stay. Who reads goes on with the files that are open, which are removed. It is made beside those who
    build releases, who wait only while it takes its place; where another release came meanwhile, until that one is merged.

    Raises
    ------
    StoreError
        If there is not enough room, or the rows are not those that the release was made of.
    """
    with WorkFolder(data / "staging") as work:
        unnamed = work.folder / "release.duckdb"
        release = releases.current(data)
        if release is None or not release.is_delta:
            return None
        written = None
        try:
            _write(release, unnamed, data, memory_limit)
            written = release
        except StoreError:
            if releases.current(data) == release:
                raise
        with builders_lock(data):
            now = releases.current(data)
            if now is None or not now.is_delta:
                return None
            if now != written:
                unnamed.unlink(missing_ok=True)
                _write(now, unnamed, data, memory_limit)
            releases.replace_file(data, unnamed)
    return releases.current(data)


def _write(release: Release, unnamed: Path, data: Path, memory_limit: str) -> None:
    """Write a release's whole file."""
    logger.info("merging release %s with its base", release.id)
    with (
        failing_as(f"release {release.id} was not merged", OSError, duckdb.Error),
        duck.workshop(
            unnamed, spill=data / "tmp", memory_limit=memory_limit, row_group_rows=ROW_GROUP_ROWS
        ) as connection,
    ):
        connection.execute(f"ATTACH {literal(str(base_of(release.path)[1]))} AS {duck.BASE} (READ_ONLY)")
        connection.execute(f"ATTACH {literal(str(release.path))} AS before (READ_ONLY)")
        _copy(connection)


def _copy(connection: duckdb.DuckDBPyConnection) -> None:
    """Write every table of the attached release."""
    info = release_info(connection, "before")
    for table in RELEASE:
        columns = [
            *RELEASE[table].columns,
            *(c.name for c in (PLACE if table == "occurrences" else BOX if table in SHAPE_IDS else ())),
        ]
        names = ", ".join(quote(name) for name in columns)
        query = f"SELECT {names} FROM before.{quote(table)}"
        if table != "occurrences":
            order = " ORDER BY survey_id" if table == "surveys" else ""
            connection.execute(f"CREATE TABLE {quote(table)} AS {query}{order}")
            continue
        connection.execute(f"CREATE TABLE occurrences AS {query} LIMIT 0")
        for condition, params in _ranges(connection):
            connection.execute(f"INSERT INTO occurrences {query} WHERE {condition} ORDER BY hk, key", params)
    tile_counts.count_tiles(connection)
    names = ", ".join(quote(c.name) for c in SHAPE_COLUMNS)
    connection.execute(f"CREATE TABLE shapes AS SELECT {names} FROM before.shapes")
    connection.execute("CREATE TABLE presences AS FROM before.presences")
    names = ", ".join(quote(c.name) for c in BESIDE_OTHERS)
    connection.execute(f"CREATE TABLE beside_others AS SELECT {names} FROM before.beside_others ORDER BY key")
    # Who reads page by page goes on in the order of the two files.
    connection.execute(
        "CREATE TABLE came_beside AS SELECT key FROM before.occurrences_delta WHERE sign > 0 ORDER BY key"
    )
    own = "('base', 'changed', 'taken_back')"
    connection.execute(f"CREATE TABLE release_info AS FROM before.release_info WHERE key NOT IN {own}")
    sums = {name: int(number) for name, number in json.loads(info["sums"]).items()}
    if wrong := [table for table in RELEASE if row_sum(connection, table) != sums[table]]:
        message = f"its rows are not those that it was made of: {', '.join(wrong)}; run `biodata verify`"
        raise StoreError(message)
    connection.execute("CHECKPOINT")


def _ranges(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, list[int]]]:
    """Return conditions for ranges of the curve of about the same number of records, those without a place last."""
    count, step = connection.execute(f"SELECT count(hk), {RANGE_ROWS} FROM {duck.BASE}.occurrences").fetchall()[0]
    places = list(range(step, count, step))
    query = f"SELECT hk FROM {duck.BASE}.occurrences WHERE rowid IN (SELECT unnest(?)) ORDER BY hk"
    ends = [end for (end,) in connection.execute(query, [places]).fetchall()] if places else []
    bounds = list(zip([None, *ends], [*ends, None], strict=True))
    found: list[tuple[str, list[int]]] = []
    for after, end in bounds:
        parts = [("hk > ?", after)] * (after is not None) + [("hk <= ?", end)] * (end is not None)
        found.append((" AND ".join(["hk IS NOT NULL", *(text for text, _ in parts)]), [value for _, value in parts]))
    return [*found, ("hk IS NULL", [])]
