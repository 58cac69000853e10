"""The exact store: the sensitive records alone, as they are, in a folder of its own that only one process reads.

Beside each record stand the cell and the dates that are published of it (of a withheld record, which publishes
neither, a cell of one degree and its year). By these a grant decides what it covers, and never by the exact values: so
a grant that leaves a record out tells nothing of it.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from biodata import places, sharing, terms
from biodata.access.grants import FIELDS, Grant, day
from biodata.errors import StoreError
from biodata.flags import TRACKED
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.store.rules_in_force import rules_in_force

FILE: Final = "exact.parquet"
FACTS: Final = "exact.json"
_CELL: Final = ("cell_west", "cell_south", "cell_east", "cell_north")
_RANKS: Final = ("acceptedScientificName", "species", "genus", "family", "order", "class", "phylum", "kingdom")


def build(settings: Settings, store: Path) -> dict[str, Any]:
    """Write the sensitive records of the lake, as they are, into the store's folder; what was there is replaced whole.

    Parameters
    ----------
    settings : Settings
        The installation.
    store : Path
        The store's folder: outside the installation's, closed to everybody else.

    Returns
    -------
    dict
        `snapshot`, `rules_hash`, `records`.

    Raises
    ------
    StoreError
        If the folder lies inside the installation, or others may use it.
    """
    if store.resolve().is_relative_to(settings.data.resolve()):
        message = "the exact store lies outside the installation's folder: it is another system user's"
        raise StoreError(message)
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_closed(store)
    boundaries = places.load_boundaries(settings.boundaries)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake)
        snapshot = lake.snapshot()
        parts = []
        for batch in lake.batches("occurrences", snapshot=snapshot):
            decided = sharing.decide(batch, rules, boundaries=boundaries)
            # A tracked animal's place is given to nobody, whichever rule decides: no grant makes it less.
            tracked = pl.col("quality_flags").list.contains(TRACKED).fill_null(value=False)
            exact = batch[decided["row"]].filter(~tracked)
            published = sharing.publish(exact, rules, boundaries=boundaries)
            parts.append(_beside(exact, published))
    frame = pl.concat(parts) if parts else pl.DataFrame()
    part = store / f"{FILE}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        frame.write_parquet(file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(store / FILE)
    facts = {"snapshot": snapshot, "rules_hash": rules.hash, "records": frame.height}
    descriptor = os.open(store / FACTS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as text:
        json.dump(facts, text)
    return facts


def check_closed(store: Path) -> None:
    """Refuse a folder that others may use.

    Raises
    ------
    StoreError
        If they may.
    """
    mode = store.stat().st_mode & 0o777
    if mode & 0o077:
        message = f"{store} may be used by others than its owner (mode {mode:04o}); the exact store needs 0700"
        raise StoreError(message)


def read(store: Path) -> pl.DataFrame:
    """Return the records of the store.

    Raises
    ------
    StoreError
        If there are none, or others may read them.
    """
    check_closed(store)
    try:
        return pl.read_parquet(store / FILE)
    except (OSError, pl.exceptions.ComputeError) as error:
        message = f"{store} holds no exact records; `biodata exact build` writes them"
        raise StoreError(message) from error


def covered(records: pl.DataFrame, grants: Sequence[Grant]) -> pl.DataFrame:
    """Return what grants cover, each record with the fields that every one of its countries' grants releases.

    A record near a border may be of either country: it is covered only where each of them granted it.

    Parameters
    ----------
    records : polars.DataFrame
        As `read` returns them.
    grants : sequence of Grant
        Of one request, of different countries.

    Returns
    -------
    polars.DataFrame
        `key` and the fields; a field that is not released of a record is null.
    """
    inside = records.with_row_index("row").with_columns(
        [_covers(grant).alias(f"by_{grant.country}") for grant in grants]
    )
    countries = {grant.country for grant in grants}
    whole = pl.all_horizontal(
        [pl.col("exact_countries").list.len() > 0, pl.col("exact_countries").list.set_difference(sorted(countries)).list.len() == 0,
         *[~pl.col("exact_countries").list.contains(grant.country) | pl.col(f"by_{grant.country}") for grant in grants]]
    )  # fmt: skip
    found = inside.filter(whole)
    told = []
    for name in FIELDS:
        kept = [~pl.col("exact_countries").list.contains(g.country) | pl.lit(name in g.fields) for g in grants]
        told.append(pl.when(pl.all_horizontal(kept)).then(pl.col(name)).alias(name))
    wanted = {name for grant in grants for name in grant.fields}
    return found.select("key", *told).select("key", *[name for name in FIELDS if name in wanted])


def chosen(records: pl.DataFrame, asked: Mapping[str, Any]) -> pl.DataFrame:
    """Return the records that a question asks for among those that are covered: `keys`, `limit`, `after` a key."""
    found = records.sort("key")
    if asked.get("keys") is not None:
        found = found.filter(pl.col("key").is_in(asked["keys"]))
    if asked.get("after") is not None:
        found = found.filter(pl.col("key") > asked["after"])
    return found.head(asked.get("limit", 1000))


def _beside(exact: pl.DataFrame, published: pl.DataFrame) -> pl.DataFrame:
    """Put what is published of each record beside it."""
    shown = published.select("key", *_CELL, "event_start", "event_end", "year").rename(
        lambda name: name if name == "key" else f"shown_{name}"
    )
    frame = exact.join(shown, on="key", how="left")
    west, south = pl.col("decimalLongitude").floor(), pl.col("decimalLatitude").floor()
    edges = dict(zip(_CELL, (west, south, west + 1, south + 1), strict=True))
    year = pl.coalesce("shown_year", "year")
    return frame.select(
        *[column.name for column in terms.OCCURRENCE if column.reach is not terms.Reach.LAKE],
        *[pl.coalesce(f"shown_{name}", edge).alias(f"exact_{name}") for name, edge in edges.items()],
        exact_first=pl.coalesce("shown_event_start", pl.date(year, 1, 1)),
        exact_last=pl.coalesce("shown_event_end", pl.date(year, 12, 31)),
        exact_countries=_countries(),
    )


def _countries() -> pl.Expr:
    """Return every country that a record may be of: as stated, as located, and as near a border."""
    stated = pl.concat_list(
        pl.col("country_codes").fill_null([]), pl.concat_list("countryCode", "located_country_code")
    )
    return stated.list.drop_nulls().list.unique().list.sort()


def _covers(grant: Grant) -> pl.Expr:
    """Tell which records lie within a grant's bounds, by what is published of them."""
    inside = [pl.lit(value=True)]
    if grant.taxon is not None:
        inside.append(pl.any_horizontal(pl.col(rank) == grant.taxon for rank in _RANKS))
    if grant.area is not None:
        west, south, east, north = grant.area
        inside += [
            pl.col("exact_cell_west") >= west,
            pl.col("exact_cell_south") >= south,
            pl.col("exact_cell_east") <= east,
            pl.col("exact_cell_north") <= north,
        ]
    since, until = day("since", grant.since), day("until", grant.until)
    if since is not None:
        inside.append(pl.col("exact_first") >= since)
    if until is not None:
        inside.append(pl.col("exact_last") <= until)
    return pl.all_horizontal(inside).fill_null(value=False)
