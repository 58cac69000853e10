"""Places where records stay coarse since an earlier release told a record there so: kept as marks, beside the lake.

Marks are made of the stations of sensitive records before a release is made, of what it tied after that, and once more when
they are asked for: so that of a release whose maker was cut off is known, too, what it tied.
"""

from collections import deque
from typing import Final

import polars as pl

from biodata import terms
from biodata.errors import StoreError
from biodata.sharing import siblings
from biodata.sharing.kept_places import MARKS, OPENED, KeptPlaces, held_datasets, marks_of_records, marks_of_stations
from biodata.sharing.stations import strictest
from biodata.store import kept_files, releases
from biodata.store.lake import Lake
from biodata.store.releases import Release
from biodata.store.secret import secret

FILE: Final = "kept_places.parquet"
_COLUMNS: Final = tuple(n for n in terms.names(terms.OCCURRENCE) if n in siblings.COLUMNS)
_KNOWN: Final[deque[tuple[tuple[object, ...], KeptPlaces]]] = deque(maxlen=2)
"""What was read last in this process: every rule, preview and run asks the same."""


def read(lake: Lake) -> KeptPlaces:
    """Return where the current release, or one before it, told records coarse beside sensitive ones."""
    made, path = releases.current(lake.data), lake.data / FILE
    asked = (path.resolve(), path.stat().st_mtime_ns if path.exists() else None, None if made is None else made.path)
    for known, places in _KNOWN:
        if known == asked:
            return places
    key = secret(lake.data)
    marks = pl.concat([kept_files.read(path, MARKS), marks_of_records(_tied(lake, made), key)])
    marks = strictest(marks, ["mark"])
    places = KeptPlaces(marks, _opened(made, marks, key), key)
    _KNOWN.append((asked, places))
    return places


def remember(lake: Lake, ties: siblings.Siblings) -> None:
    """Keep where records are tied, before a release tells them so.

    Parameters
    ----------
    lake : Lake
    ties : Siblings
        What is tied now; its `places` are those of earlier releases, none where these are let go.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    older = [] if ties.places is None else [ties.places.marks]
    _keep(lake, pl.concat([*older, marks_of_stations(ties.ties, secret(lake.data))]))


def remember_told(lake: Lake) -> None:
    """Keep where the current release ties records: the version of the lake that it is of may be emptied.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    _keep(lake, read(lake).marks)


def _keep(lake: Lake, marks: pl.DataFrame) -> None:
    path, found = lake.data / FILE, strictest(marks, ["mark"]).sort("mark")
    if not found.equals(kept_files.read(path, MARKS)):
        kept_files.write(path, found)


def _tied(lake: Lake, made: Release | None) -> pl.DataFrame:
    """Return the records that a release made coarse since they were tied to others, as the lake had them then."""
    none = siblings.told_of(pl.DataFrame(schema=dict.fromkeys(_COLUMNS, pl.String))).with_columns(category=pl.lit(""))
    if made is None:
        return none
    with releases.connect(made.path) as connection:
        told = connection.execute(
            "SELECT key, sharing_category AS category FROM occurrences WHERE sharing_rule = ?", [siblings.SAME_EVENT]
        ).pl()
    if told.is_empty():
        return none
    try:
        rows = lake.read("occurrences", snapshot=made.snapshot, columns=_COLUMNS, among=told.select("key"))
    except StoreError:
        return none  # that version of the lake is not kept
    return siblings.told_of(rows).join(told.with_columns(pl.col("key").cast(pl.Int64)), on="key")


def _opened(made: Release | None, marks: pl.DataFrame, key: bytes) -> pl.DataFrame:
    """Return the records that a release tells exactly in datasets of which a place is held."""
    if made is None or marks.is_empty():
        return pl.DataFrame(schema=OPENED)
    with releases.connect(made.path) as connection:
        datasets = connection.execute('SELECT DISTINCT "datasetKey" AS name FROM occurrences').pl()["name"]
        told = connection.execute(
            'SELECT key, "decimalLongitude" AS x, "decimalLatitude" AS y FROM occurrences '
            "WHERE sharing_category = 'open' AND list_contains(?, \"datasetKey\") AND x IS NOT NULL AND y IS NOT NULL",
            [held_datasets(datasets.cast(pl.String), marks, key)],
        ).pl()
    return told.select(pl.col(name).cast(dtype) for name, dtype in OPENED.items())
